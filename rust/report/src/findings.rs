//! What limited the run; [`words`](crate::words) says it.

use coordinator::model::{ItemId, WorkerId};
use coordinator::record::Record;

use crate::lanes::{Lane, Lanes};
use crate::sums::Fixture;
use crate::whatif::Tests;

/// What is less than this share of its whole is not worth a word.
pub const WORTH_A_WORD: f64 = 0.05;
/// Nor what is shorter (seconds).
const SHORTEST: f64 = 0.1;
/// One test that takes this share of all is named.
const LONG_TEST: f64 = 0.2;
/// Of what more workers could save, those are recommended that save so much of it.
const NEARLY_ALL: f64 = 0.8;
/// Tests that compute for this share of their time leave the processors none for more workers than those that they
/// have. What they wait for besides is memory, discs and each other.
const COMPUTING: f64 = 0.8;
/// Runs of more tests are not run again in virtual time: with ten times as many it would take seconds.
const MOST_SIMULATED: usize = 200_000;

/// Something that a run could be faster by, or that explains how long it took. Times are in seconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Workers were busy for this share of the time in which there were tests.
    Busy {
        /// From 0 to 1.
        share: f64,
        /// The same of the time from when they were ready.
        when_ready: f64,
        /// From the first test's begin to the last one's end.
        makespan: f64,
    },
    /// One test takes a good part of the makespan.
    LongTest {
        /// The test.
        item: ItemId,
        /// What it takes.
        seconds: f64,
        /// Of the makespan, from 0 to 1.
        share: f64,
    },
    /// Workers were ready later than the first one.
    Late {
        /// How many.
        workers: usize,
        /// The last of them.
        last: WorkerId,
        /// The first one of all.
        first: WorkerId,
        /// So long after that, or so long before the end of the tests if it was not ready until then.
        seconds: f64,
        /// Whether it has been ready before the tests were over.
        came: bool,
    },
    /// A worker had nothing more to do while others still ran tests.
    Tail {
        /// Who was done first.
        first: WorkerId,
        /// So long before the last.
        seconds: f64,
        /// The test that was over last.
        item: ItemId,
    },
    /// With so many workers the tests would take so much less.
    MoreWorkers {
        /// How many there would be.
        workers: u32,
        /// What that saves.
        saves: f64,
    },
    /// More workers would not make the tests faster, and why.
    EnoughWorkers(Limit),
    /// What happened before the first test, or after the last.
    Around {
        /// From the start to the end of the collection; without workers, to the first test.
        collection: f64,
        /// From there to the first test, if there were workers and tests.
        start: Option<f64>,
        /// From the last test to the end; if no test ran, from the collection.
        end: f64,
        /// Of the whole run, from 0 to 1.
        share: f64,
    },
    /// A fixture was set up in several workers.
    Repeated {
        /// Its name.
        fixture: String,
        /// In how many.
        workers: usize,
        /// What more than one of them took.
        seconds: f64,
    },
    /// Workers died.
    Crashes(usize),
    /// Workers were killed because they had been at one thing for too long.
    Hangs(usize),
}

/// Why more workers would be of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The processors are busy with those that there are.
    Cores(u32),
    /// What belongs together, or one test, takes as long as everything.
    Longest,
}

/// What is worth knowing, the most general first.
#[must_use]
pub fn findings(record: &Record, lanes: &Lanes, fixtures: &[Fixture]) -> Vec<Finding> {
    let makespan = lanes.makespan();
    let mut found = Vec::new();
    let stretches = || lanes.each.iter().flat_map(|lane| &lane.stretches);
    if makespan > 0.0 && !record.about.method.is_empty() {
        let (share, when_ready) = (lanes.utilisation(), lanes.utilisation_when_ready());
        found.push(Finding::Busy { share, when_ready, makespan });
    }
    found.extend(late(record, lanes));
    found.extend(more_workers(record, lanes));
    let longest = stretches().max_by(|one, other| one.seconds().total_cmp(&other.seconds()));
    if let Some(longest) =
        longest.filter(|longest| lanes.each.len() > 1 && longest.seconds() >= LONG_TEST * makespan)
    {
        let share = longest.seconds() / makespan;
        found.push(Finding::LongTest { item: longest.item, seconds: longest.seconds(), share });
    }
    found.extend(tail(lanes));
    found.extend(around(record, lanes));
    let repeated = fixtures.iter().filter(|fixture| is_worth_a_word(fixture.repeated(), makespan));
    found.extend(repeated.map(|fixture| Finding::Repeated {
        fixture: fixture.name.clone(),
        workers: fixture.workers,
        seconds: fixture.repeated(),
    }));
    let died =
        |hung| lanes.each.iter().filter_map(|lane| lane.death).filter(|death| death.hung == hung).count();
    found.extend([Finding::Crashes(died(false)), Finding::Hangs(died(true))]);
    found.retain(|finding| !matches!(finding, Finding::Crashes(0) | Finding::Hangs(0)));
    found
}

fn is_worth_a_word(seconds: f64, whole: f64) -> bool {
    seconds >= SHORTEST && seconds >= WORTH_A_WORD * whole
}

/// Of those that the run began with; others take the place of one.
fn late(record: &Record, lanes: &Lanes) -> Option<Finding> {
    let ready = |lane: &Lane| lane.ready.filter(|ready| *ready <= lanes.last);
    let (first, began) = earliest(lanes.each.iter().filter_map(|lane| Some((lane.worker, ready(lane)?))))?;
    let planned = |lane: &&Lane| lane.worker.0 < record.about.workers && lane.death.is_none();
    let late =
        lanes.each.iter().filter(planned).map(|lane| (lane, ready(lane).unwrap_or(lanes.last) - began));
    let late: Vec<_> = late.filter(|(_, seconds)| is_worth_a_word(*seconds, lanes.makespan())).collect();
    let (last, seconds) = late.iter().max_by(|one, other| one.1.total_cmp(&other.1))?;
    let (last, came) = (last.worker, ready(last).is_some());
    Some(Finding::Late { workers: late.len(), last, first, seconds: *seconds, came })
}

fn earliest(times: impl Iterator<Item = (WorkerId, f64)>) -> Option<(WorkerId, f64)> {
    times.min_by(|one, other| one.1.total_cmp(&other.1))
}

fn more_workers(record: &Record, lanes: &Lanes) -> Option<Finding> {
    if record.executions.len() > MOST_SIMULATED {
        return None;
    }
    let tests = Tests::of(record, lanes)?;
    let (workers, cores) = (record.about.workers.max(1), record.about.cores.max(1));
    let now = tests.makespan(workers, cores);
    if workers >= cores && tests.computing() >= COMPUTING {
        return is_worth_a_word(now, 0.0).then_some(Finding::EnoughWorkers(Limit::Cores(cores)));
    }
    let mut more = [1, 2, 4, workers, 3 * workers].map(|extra| workers + extra);
    more.sort_unstable();
    let saves = more.map(|workers| (workers, now - tests.makespan(workers, cores)));
    let best = saves.iter().map(|(_, saves)| *saves).fold(0.0, f64::max);
    if is_worth_a_word(best, now) {
        if !is_worth_a_word(best, record.about.seconds) {
            return None;
        }
        let (workers, saves) = saves.into_iter().find(|(_, saves)| *saves >= NEARLY_ALL * best)?;
        return Some(Finding::MoreWorkers { workers, saves });
    }
    if !is_worth_a_word(now, 0.0) {
        return None;
    }
    let alone = tests.makespan(workers, u32::MAX);
    let limit = if is_worth_a_word(alone - tests.makespan(4 * workers, u32::MAX), alone) || alone < now {
        Limit::Cores(cores)
    } else {
        Limit::Longest
    };
    Some(Finding::EnoughWorkers(limit))
}

fn tail(lanes: &Lanes) -> Option<Finding> {
    let done = |lane: &Lane| lane.stretches.last().map_or(lane.ready, |stretch| Some(stretch.ended));
    let living = lanes.each.iter().filter(|lane| lane.death.is_none());
    let ends = living.filter_map(|lane| Some((lane.worker, done(lane)?)));
    let (first, end) = earliest(ends)?;
    let last = lanes.each.iter().filter_map(|lane| lane.stretches.last());
    let last = last.max_by(|one, other| one.ended.total_cmp(&other.ended))?;
    let seconds = lanes.last - end;
    is_worth_a_word(seconds, lanes.makespan()).then_some(Finding::Tail { first, seconds, item: last.item })
}

fn around(record: &Record, lanes: &Lanes) -> Option<Finding> {
    let whole = record.about.seconds;
    let ran = lanes.each.iter().any(|lane| !lane.stretches.is_empty());
    let (collection, start, end) = if !ran {
        (lanes.collected, None, whole - lanes.collected)
    } else if record.about.method.is_empty() {
        (lanes.first, None, whole - lanes.last)
    } else {
        let collection = lanes.collected.min(lanes.first);
        (collection, Some(lanes.first - collection), whole - lanes.last)
    };
    let end = end.max(0.0);
    let around = collection + start.unwrap_or(0.0) + end;
    is_worth_a_word(around, whole).then(|| Finding::Around { collection, start, end, share: around / whole })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Sample;
    use crate::sums;
    use coordinator::record::Happened;
    use coordinator::timings::Spent;
    use proptest::prelude::*;

    fn found(record: &Record) -> Vec<Finding> {
        findings(record, &Lanes::of(record), &sums::fixtures(record))
    }

    /// Of a second each, in two workers; a processor is needed for this share of it.
    fn ten_tests(computing: f32) -> Record {
        let spent = Spent { total: 1.0, cpu: computing, call: 1.0, ..Spent::default() };
        let mut sample = Sample::new().worker(0, 0.0, 0.0).worker(1, 0.0, 0.0);
        for number in 0..10 {
            let (worker, ended) = (number % 2, f64::from(number / 2 + 1));
            sample = sample.spent(worker, &format!("a.py::t{number}"), ended, spent);
        }
        sample.record()
    }

    fn more_workers(record: &Record) -> Option<Finding> {
        let is_said =
            |finding: &Finding| matches!(finding, Finding::MoreWorkers { .. } | Finding::EnoughWorkers(_));
        found(record).into_iter().find(is_said)
    }

    #[test]
    fn more_workers_for_tests_that_wait() {
        let mut record = ten_tests(0.0);
        assert_eq!(more_workers(&record), Some(Finding::MoreWorkers { workers: 6, saves: 3.0 }));
        record.about.cores = 2;
        assert!(
            matches!(more_workers(&record), Some(Finding::MoreWorkers { .. })),
            "they wait on any machine"
        );
    }

    #[test]
    fn no_more_workers_than_processors_for_tests_that_compute() {
        for computing in [1.0, 0.85] {
            let mut record = ten_tests(computing);
            record.about.cores = 2;
            assert_eq!(more_workers(&record), Some(Finding::EnoughWorkers(Limit::Cores(2))), "{computing}");
        }
    }

    #[test]
    fn what_would_be_saved_of_a_run_that_takes_much_longer_is_not_worth_a_word() {
        let mut record = ten_tests(0.0);
        record.about.seconds = 120.0;
        assert_eq!(more_workers(&record), None);
    }

    #[test]
    fn who_comes_late() {
        let sample = || Sample::new().worker(0, 0.0, 1.0).ran(0, "a.py::x", 1.0, 9.0);
        let late = |record: &Record| {
            found(record).into_iter().find(|finding| matches!(finding, Finding::Late { .. }))
        };
        let (first, last) = (WorkerId(0), WorkerId(1));
        let record = sample().worker(1, 0.0, 5.0).ran(1, "a.py::y", 5.0, 9.0).record();
        assert_eq!(late(&record), Some(Finding::Late { workers: 1, last, first, seconds: 4.0, came: true }));
        let busy = Finding::Busy { share: 12.0 / 16.0, when_ready: 1.0, makespan: 8.0 };
        assert_eq!(found(&record)[0], busy, "who is late is not busy");
        let mut record = sample().at(0.0, Happened::Started(last)).at(9.5, Happened::Ready(last)).record();
        record.about.workers = 2;
        assert_eq!(late(&record), Some(Finding::Late { workers: 1, last, first, seconds: 8.0, came: false }));
        let mut record = sample().worker(1, 4.0, 5.0).ran(1, "a.py::y", 5.0, 9.0).record();
        record.about.workers = 1;
        assert_eq!(late(&record), None, "it takes the place of another");
    }

    #[test]
    fn what_is_around_the_tests() {
        let sample = || Sample::new().at(2.0, Happened::Collected);
        let around = |record: &Record| {
            let around = |finding| {
                if let Finding::Around { collection, start, end, .. } = finding {
                    Some((collection, start, end))
                } else {
                    None
                }
            };
            found(record).into_iter().find_map(around)
        };
        let end = Happened::Ended(WorkerId(0));
        let mut record = sample().worker(0, 2.0, 3.0).ran(0, "a.py::x", 3.0, 3.5).at(4.0, end).record();
        assert_eq!(around(&record), Some((2.0, Some(1.0), 0.5)));
        record.about.method.clear();
        assert_eq!(around(&record), Some((3.0, None, 0.5)), "there are no workers to start");
        let mut record = sample().record();
        record.about.seconds = 2.5;
        assert_eq!(around(&record), Some((2.0, None, 0.5)), "no test ran");
    }

    #[test]
    fn fixtures_crashes_and_hangs() {
        let record = Sample::new()
            .worker(0, 0.0, 0.0)
            .worker(1, 0.0, 0.0)
            .ran(0, "a.py::x", 0.0, 2.0)
            .set_up(0, "::database", 1.0)
            .set_up(1, "::database", 1.0)
            .crashed(1, "a.py::y", 2.0)
            .hung(2, "a.py::z", 2.0)
            .record();
        let repeated = Finding::Repeated { fixture: "::database".to_owned(), workers: 2, seconds: 1.0 };
        let found = found(&record);
        assert!(found.contains(&repeated), "{found:?}");
        assert!(found.ends_with(&[Finding::Crashes(1), Finding::Hangs(1)]), "{found:?}");
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        assert_eq!(found(&Record::default()), []);
    }

    proptest! {
        #[test]
        fn shares_are_shares_and_sentences_end(record in Sample::any()) {
            for finding in found(&record) {
                match finding {
                    Finding::Busy { share, .. } | Finding::LongTest { share, .. } | Finding::Around { share, .. } => {
                        prop_assert!((0.0..=1.000_1).contains(&share), "{:?}", finding);
                    }
                    Finding::Late { .. }
                    | Finding::Tail { .. }
                    | Finding::MoreWorkers { .. }
                    | Finding::EnoughWorkers(_)
                    | Finding::Repeated { .. }
                    | Finding::Crashes(_)
                    | Finding::Hangs(_) => {}
                }
                let text = finding.text(&record);
                prop_assert!(text.ends_with('.') && !text.contains("NaN"), "{}", text);
            }
        }
    }
}

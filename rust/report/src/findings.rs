//! What limited the run, as values and in words.

use coordinator::model::{ItemId, WorkerId};
use coordinator::record::Record;

use crate::lanes::{Lane, Lanes};
use crate::sums::Fixture;
use crate::whatif::Tests;

/// What is less than this share of its whole is not worth a word.
const WORTH_A_WORD: f64 = 0.05;
/// Nor what is shorter (seconds).
const SHORTEST: f64 = 0.1;
/// One test that takes this share of all is named.
const LONG_TEST: f64 = 0.2;
/// Of what more workers could save, those are recommended that save so much of it.
const NEARLY_ALL: f64 = 0.8;
/// Runs of more tests are not run again in virtual time: with ten times as many it would take seconds.
const MOST_SIMULATED: usize = 200_000;

/// Something that a run could be faster by, or that explains how long it took. Times are in seconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Workers were busy for this share of the time in which there were tests.
    Busy {
        /// From 0 to 1.
        share: f64,
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
        /// From the start to the end of the collection.
        collection: f64,
        /// From there to the first test.
        start: f64,
        /// From the last test to the end.
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
        found.push(Finding::Busy { share: lanes.utilisation(), makespan });
    }
    found.extend(more_workers(record));
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
    match lanes.each.iter().filter(|lane| lane.death.is_some()).count() {
        0 => {}
        crashes => found.push(Finding::Crashes(crashes)),
    }
    found
}

fn is_worth_a_word(seconds: f64, whole: f64) -> bool {
    seconds >= SHORTEST && seconds >= WORTH_A_WORD * whole
}

fn more_workers(record: &Record) -> Option<Finding> {
    if record.executions.len() > MOST_SIMULATED {
        return None;
    }
    let tests = Tests::of(record)?;
    let (workers, cores) = (record.about.workers.max(1), record.about.cores.max(1));
    let now = tests.makespan(workers, cores);
    let mut more = [1, 2, 4, workers, 3 * workers].map(|extra| workers + extra);
    more.sort_unstable();
    let saves = more.map(|workers| (workers, now - tests.makespan(workers, cores)));
    let best = saves.iter().map(|(_, saves)| *saves).fold(0.0, f64::max);
    if is_worth_a_word(best, now) {
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
    let (first, end) = ends.min_by(|one, other| one.1.total_cmp(&other.1))?;
    let last = lanes.each.iter().filter_map(|lane| lane.stretches.last());
    let last = last.max_by(|one, other| one.ended.total_cmp(&other.ended))?;
    let seconds = lanes.last - end;
    is_worth_a_word(seconds, lanes.makespan()).then_some(Finding::Tail { first, seconds, item: last.item })
}

fn around(record: &Record, lanes: &Lanes) -> Option<Finding> {
    let whole = record.about.seconds;
    let collection = lanes.collected.min(lanes.first);
    let (start, end) = (lanes.first - collection, (whole - lanes.last).max(0.0));
    let around = collection + start + end;
    is_worth_a_word(around, whole).then(|| Finding::Around { collection, start, end, share: around / whole })
}

/// A duration for people.
#[must_use]
pub fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1000.0),
        seconds if seconds < 120.0 => format!("{seconds:.1} s"),
        seconds => {
            let (minutes, rest) = ((seconds / 60.0).floor(), seconds % 60.0);
            format!("{minutes:.0} min {rest:.0} s")
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

impl Finding {
    /// As a sentence.
    #[must_use]
    pub fn text(&self, record: &Record) -> String {
        let name = |item: &ItemId| record.nodeids.get(item.index()).map_or("", |nodeid| nodeid);
        match self {
            Self::Busy { share, makespan } => {
                let (took, busy) = (duration(*makespan), percent(*share));
                format!("The tests took {took}, in which the workers were busy {busy} of their time.")
            }
            Self::LongTest { item, seconds, share } => {
                format!("{} alone is {} of that ({}).", name(item), percent(*share), duration(*seconds))
            }
            Self::Tail { first, seconds, item } => {
                format!(
                    "{first} ran out of work {} before the end; {} was over last.",
                    duration(*seconds),
                    name(item)
                )
            }
            Self::MoreWorkers { workers, saves } if record.about.method.is_empty() => {
                format!("{workers} workers would save about {}.", duration(*saves))
            }
            Self::MoreWorkers { workers, saves } => {
                let more = workers - record.about.workers.max(1);
                let plural = if more == 1 { "" } else { "s" };
                format!("{more} more worker{plural} would save about {}.", duration(*saves))
            }
            Self::EnoughWorkers(Limit::Cores(cores)) => {
                let plural = if *cores == 1 { "" } else { "s" };
                format!(
                    "More workers would save next to nothing: the tests compute, and there are {cores} core{plural}."
                )
            }
            Self::EnoughWorkers(Limit::Longest) => {
                "More workers would save next to nothing: what has to stay together is not done sooner."
                    .to_owned()
            }
            Self::Around { collection, start, end, share } => format!(
                "{} of the run is around the tests: {} to start and collect, {} to start workers, {} to finish.",
                percent(*share),
                duration(*collection),
                duration(*start),
                duration(*end)
            ),
            Self::Repeated { fixture, workers, seconds } => format!(
                "{fixture} was set up in {workers} workers, which took {} more than in one.",
                duration(*seconds)
            ),
            Self::Crashes(1) => "A worker crashed.".to_owned(),
            Self::Crashes(crashes) => format!("{crashes} workers crashed."),
        }
    }
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

    fn texts(record: &Record) -> Vec<String> {
        found(record).iter().map(|finding| finding.text(record)).collect()
    }

    #[test]
    fn one_long_test() {
        let record = Sample::new()
            .worker(0, 0.0, 0.0)
            .worker(1, 0.0, 0.0)
            .ran(0, "a.py::long", 0.0, 8.0)
            .ran(1, "b.py::x", 0.0, 2.0)
            .ran(1, "b.py::y", 2.0, 4.0)
            .record();
        let expected = [
            "The tests took 8.0 s, in which the workers were busy 75 % of their time.",
            "More workers would save next to nothing: what has to stay together is not done sooner.",
            "a.py::long alone is 100 % of that (8.0 s).",
            "gw1 ran out of work 4.0 s before the end; a.py::long was over last.",
        ];
        assert_eq!(texts(&record), expected);
    }

    fn ten_tests(spent: Spent) -> Record {
        let mut sample = Sample::new().worker(0, 0.0, 0.0).worker(1, 0.0, 0.0);
        for number in 0..10 {
            let (worker, ended) = (number % 2, f64::from(number / 2 + 1));
            sample = sample.spent(worker, &format!("a.py::t{number}"), ended, spent);
        }
        sample.record()
    }

    #[test]
    fn more_workers_for_tests_that_wait() {
        let record = ten_tests(Spent { total: 1.0, call: 1.0, ..Spent::default() });
        assert!(
            texts(&record).contains(&"4 more workers would save about 3.0 s.".to_owned()),
            "{:?}",
            texts(&record)
        );
    }

    #[test]
    fn no_more_workers_than_processors_for_tests_that_compute() {
        let mut record = ten_tests(Spent { total: 1.0, cpu: 1.0, ..Spent::default() });
        record.about.cores = 2;
        assert!(found(&record).contains(&Finding::EnoughWorkers(Limit::Cores(2))), "{:?}", found(&record));
    }

    #[test]
    fn what_is_around_the_tests() {
        let record = Sample::new()
            .at(2.0, Happened::Collected)
            .worker(0, 2.0, 3.0)
            .ran(0, "a.py::x", 3.0, 3.5)
            .at(4.0, Happened::Ended(WorkerId(0)))
            .record();
        let text = "88 % of the run is around the tests: 2.0 s to start and collect, 1.0 s to start workers, 500 ms to \
                    finish.";
        assert!(texts(&record).contains(&text.to_owned()), "{:?}", texts(&record));
    }

    #[test]
    fn fixtures_and_crashes() {
        let record = Sample::new()
            .worker(0, 0.0, 0.0)
            .worker(1, 0.0, 0.0)
            .ran(0, "a.py::x", 0.0, 2.0)
            .set_up(0, "::database", 1.0)
            .set_up(1, "::database", 1.0)
            .crashed(1, "a.py::y", 2.0)
            .record();
        let repeated = Finding::Repeated { fixture: "::database".to_owned(), workers: 2, seconds: 1.0 };
        let found = found(&record);
        assert!(found.contains(&repeated) && found.contains(&Finding::Crashes(1)), "{found:?}");
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        assert_eq!(found(&Record::default()), []);
    }

    #[test]
    fn durations_are_readable() {
        assert_eq!([0.0123, 1.26, 59.96, 150.0].map(duration), ["12 ms", "1.3 s", "60.0 s", "2 min 30 s"]);
    }

    proptest! {
        #[test]
        fn shares_are_shares_and_sentences_end(record in Sample::any()) {
            for finding in found(&record) {
                match finding {
                    Finding::Busy { share, .. } | Finding::LongTest { share, .. } | Finding::Around { share, .. } => {
                        prop_assert!((0.0..=1.000_1).contains(&share), "{:?}", finding);
                    }
                    Finding::Tail { .. }
                    | Finding::MoreWorkers { .. }
                    | Finding::EnoughWorkers(_)
                    | Finding::Repeated { .. }
                    | Finding::Crashes(_) => {}
                }
                let text = finding.text(&record);
                prop_assert!(text.ends_with('.') && !text.contains("NaN"), "{}", text);
            }
        }
    }
}

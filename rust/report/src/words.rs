//! What was found of a run, as sentences. Each can be read alone.

use coordinator::model::{ItemId, WorkerId};
use coordinator::record::{About, Record};

use crate::findings::{Finding, Limit, WORTH_A_WORD};

/// How workers are started that have the collection from the process they were forked from.
const SHARED_COLLECTION: &str = "fork";

/// Whether a worker collects for itself what another has collected before.
#[must_use]
pub fn collects_itself(about: &About, worker: WorkerId) -> bool {
    about.method != SHARED_COLLECTION && worker != WorkerId(0)
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

/// A share for people.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

impl Finding {
    /// As a sentence.
    #[must_use]
    pub fn text(&self, record: &Record) -> String {
        let name = |item: &ItemId| record.nodeids.get(item.index()).map_or("", |nodeid| nodeid);
        match self {
            Self::Busy { share, when_ready, makespan } => {
                let (took, busy) = (duration(*makespan), percent(*share));
                let is_lower = when_ready - share >= WORTH_A_WORD;
                let ready = if is_lower { format!("; {} from when each was ready", percent(*when_ready)) } else { String::new() };
                format!("The tests took {took}, in which the workers were busy {busy} of the time{ready}.")
            }
            Self::Late { workers, last, first, seconds, came } => {
                late(&record.about, *workers, (*last, *first), &duration(*seconds), *came)
            }
            Self::LongTest { item, seconds, share } => {
                let (took, share) = (duration(*seconds), percent(*share));
                format!("{} took {took}, which is {share} of the time that all tests took.", name(item))
            }
            Self::Tail { first, seconds, item } => {
                let (seconds, item) = (duration(*seconds), name(item));
                format!(
                    "{first} ran out of work {seconds} before the end of the tests; {item} was over last."
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
                "More workers would save next to nothing: one test, or what has to stay together, takes as long."
                    .to_owned()
            }
            Self::Around { collection, start, end, share } => {
                let (collection, end) = (duration(*collection), duration(*end));
                let start = start.map_or_else(String::new, |start| {
                    format!(" {} to start the first worker,", duration(start))
                });
                let share = percent(*share);
                format!(
                    "{share} of the run is around the tests: {collection} to start and collect,{start} {end} to finish."
                )
            }
            Self::Repeated { fixture, workers, seconds } => {
                let more = duration(*seconds);
                format!("{fixture} was set up in {workers} workers, which took {more} more than in one.")
            }
            Self::Crashes(1) => "A worker crashed.".to_owned(),
            Self::Crashes(crashes) => format!("{crashes} workers crashed."),
            Self::Hangs(1) => "A worker hung, and was killed.".to_owned(),
            Self::Hangs(hangs) => format!("{hangs} workers hung, and were killed."),
        }
    }
}

fn late(
    about: &About,
    workers: usize,
    (last, first): (WorkerId, WorkerId),
    seconds: &str,
    came: bool,
) -> String {
    let who = match (workers, came) {
        (1, true) => format!("{last} was ready {seconds} later than {first}"),
        (1, false) => format!("{last} was not ready before the tests were over, {seconds} after {first} was"),
        (_, true) => {
            format!("{workers} workers were ready later than {first}, the last ({last}) by {seconds}")
        }
        (_, false) => {
            format!(
                "{workers} workers were ready later than {first}, or not at all in the {seconds} that were left"
            )
        }
    };
    if !collects_itself(about, last) {
        return format!("{who}.");
    }
    let method = &about.method;
    let reason = about.method_reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!("{who}, because each worker collects for itself ({method}{reason}).")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::findings;
    use crate::lanes::Lanes;
    use crate::samples::Sample;
    use crate::sums;
    use coordinator::record::Happened;

    fn texts(record: &Record) -> Vec<String> {
        let found = findings(record, &Lanes::of(record), &sums::fixtures(record));
        found.iter().map(|finding| finding.text(record)).collect()
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
            "The tests took 8.0 s, in which the workers were busy 75 % of the time.",
            "More workers would save next to nothing: one test, or what has to stay together, takes as long.",
            "a.py::long took 8.0 s, which is 100 % of the time that all tests took.",
            "gw1 ran out of work 4.0 s before the end of the tests; a.py::long was over last.",
        ];
        assert_eq!(texts(&record), expected);
    }

    #[test]
    fn why_a_worker_came_late() {
        let mut record = Sample::new()
            .worker(0, 0.0, 1.0)
            .worker(1, 0.0, 5.0)
            .ran(0, "a.py::x", 1.0, 9.0)
            .ran(1, "a.py::y", 5.0, 9.0)
            .record();
        let busy = "The tests took 8.0 s, in which the workers were busy 75 % of the time; 100 % from when each was ready.";
        assert_eq!(texts(&record)[..2], [busy, "gw1 was ready 4.0 s later than gw0."]);
        "forkserver".clone_into(&mut record.about.method);
        let because =
            "gw1 was ready 4.0 s later than gw0, because each worker collects for itself (forkserver";
        assert_eq!(texts(&record)[1], format!("{because})."));
        record.about.method_reason = Some("conftest.py: opens a connection".to_owned());
        assert_eq!(texts(&record)[1], format!("{because}: conftest.py: opens a connection)."));
    }

    #[test]
    fn the_number_of_workers_that_came_late() {
        let text =
            |workers, came| late(&About::default(), workers, (WorkerId(0), WorkerId(1)), "2.0 s", came);
        assert_eq!(text(1, false), "gw0 was not ready before the tests were over, 2.0 s after gw1 was.");
        assert_eq!(text(3, true), "3 workers were ready later than gw1, the last (gw0) by 2.0 s.");
        assert_eq!(
            text(3, false),
            "3 workers were ready later than gw1, or not at all in the 2.0 s that were left."
        );
    }

    #[test]
    fn what_is_around_the_tests() {
        let record = Sample::new()
            .at(2.0, Happened::Collected)
            .worker(0, 2.0, 3.0)
            .ran(0, "a.py::x", 3.0, 3.5)
            .at(4.0, Happened::Ended(WorkerId(0)))
            .record();
        let text = "88 % of the run is around the tests: 2.0 s to start and collect, 1.0 s to start the first worker, \
                    500 ms to finish.";
        assert!(texts(&record).contains(&text.to_owned()), "{:?}", texts(&record));
    }

    #[test]
    fn durations_are_readable() {
        assert_eq!([0.0123, 1.26, 59.96, 150.0].map(duration), ["12 ms", "1.3 s", "60.0 s", "2 min 30 s"]);
    }
}

//! What the end of the run had to wait for: the critical path.
//!
//! It is followed from the last test backwards. What comes before a test is what its worker did before; if the worker
//! had nothing to do there, what it waited for is the last test that any worker finished until then, as that is what gave it
//! something to do. The steps cover the run from its start to its end, without gaps.

use coordinator::model::{ItemId, WorkerId};
use coordinator::record::{Happened, Record};
use coordinator::timings::module_of;

use crate::lanes::{Lane, Lanes, Stretch};

/// Shorter pauses (seconds) between two tests of a worker are no waits: reports are looked for every 10 ms.
const PAUSE: f64 = 0.02;
/// Where nothing tells that a worker had nothing to do, only a pause of this length (seconds) does: on a busy machine
/// processes stand still for tens of milliseconds.
const LONG_PAUSE: f64 = 1.0;

/// What a part of the path is.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// pytest starts, and the tests are collected.
    Collection,
    /// A worker starts.
    Start(WorkerId),
    /// One worker runs tests of one module, one behind the other.
    Tests {
        /// The worker.
        worker: WorkerId,
        /// The module.
        module: String,
        /// How many tests.
        count: usize,
        /// The longest one, and what it took in seconds.
        longest: (ItemId, f64),
    },
    /// The worker that does the next step has nothing to do.
    Wait(WorkerId),
    /// The last teardowns, the sessions' ends, the summary.
    End,
}

/// A step of the path, and from when to when it took, in seconds since the run's start.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// What it is.
    pub step: Step,
    /// From when.
    pub from: f64,
    /// Until when.
    pub to: f64,
}

impl Leg {
    /// How long it took.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.to - self.from
    }
}

/// The path, in the order of time; nothing if no test ran.
#[must_use]
pub fn critical(record: &Record, lanes: &Lanes) -> Vec<Leg> {
    let mut by_end: Vec<Stretch> =
        lanes.each.iter().flat_map(|lane| lane.stretches.iter().copied()).collect();
    by_end.sort_by(|one, other| one.ended.total_cmp(&other.ended));
    let Some(mut place) = by_end.len().checked_sub(1) else {
        return Vec::new();
    };
    let end = record.about.seconds.max(by_end[place].ended);
    let mut path = Path { record, legs: Vec::new(), at: end };
    path.to(by_end[place].ended, Step::End);
    loop {
        let stretch = by_end[place];
        path.ran(stretch);
        let Some(lane) = lanes.each.iter().find(|lane| lane.worker == stretch.worker) else {
            break;
        };
        // What ended before it began. Those behind `place` in the list ended later, so that this comes to an end.
        let earlier = &by_end[..place];
        let until = earlier.partition_point(|other| other.ended <= stretch.began);
        let own = earlier[..until].iter().rposition(|other| other.worker == stretch.worker);
        if let Some(own) = own.filter(|own| !path.has_waited(stretch, earlier[*own].ended)) {
            path.bridge(earlier[own].ended);
            place = own;
            continue;
        }
        let Some(time) = before(lane, stretch, earlier) else {
            break;
        };
        path.start(lane, stretch, time);
        let Some(next) = earlier.partition_point(|other| other.ended <= time).checked_sub(1) else {
            break;
        };
        path.to(by_end[next].ended, Step::Wait(stretch.worker));
        place = next;
    }
    path.begin(lanes);
    let mut legs = path.legs;
    legs.reverse();
    legs
}

/// Until when to look for what came before: the begin of the test or, if it is the first of a worker that was asked for
/// while tests ran, when that was. `None`: nothing had run before.
fn before(lane: &Lane, stretch: Stretch, earlier: &[Stretch]) -> Option<f64> {
    let is_first = lane.stretches.first().is_some_and(|first| first.began >= stretch.began);
    let time = if is_first { lane.started } else { stretch.began };
    earlier.iter().any(|other| other.ended <= time).then_some(time)
}

/// The path so far, last step first; `at`: what is before this time is still to be found.
struct Path<'a> {
    record: &'a Record,
    legs: Vec<Leg>,
    at: f64,
}

impl Path<'_> {
    fn to(&mut self, from: f64, step: Step) {
        let from = from.clamp(0.0, self.at);
        if from < self.at {
            self.legs.push(Leg { step, from, to: self.at });
            self.at = from;
        }
    }

    /// The worker had nothing to do between `free` and this test: it stole work, or the test waited for all others.
    fn has_waited(&self, stretch: Stretch, free: f64) -> bool {
        let pause = stretch.began - free;
        let is_serial = self.record.places.get(stretch.item.index()).is_some_and(|place| place.is_serial());
        let has_stolen = || {
            let around = free - PAUSE..=stretch.began;
            self.record.events.iter().any(|(at, happened)| match happened {
                Happened::Stolen(theft) => theft.thief == stretch.worker && around.contains(at),
                Happened::Collected
                | Happened::Started(_)
                | Happened::Ready(_)
                | Happened::Ended(_)
                | Happened::Crashed { .. }
                | Happened::Replaced(_) => false,
            })
        };
        pause > LONG_PAUSE || (pause > PAUSE && (is_serial || has_stolen()))
    }

    /// Between two tests of one worker there is a moment that belongs to neither.
    fn bridge(&mut self, from: f64) {
        if let Some(last) = self.legs.last_mut() {
            last.from = from.clamp(0.0, self.at);
            self.at = last.from;
        }
    }

    fn ran(&mut self, stretch: Stretch) {
        let name = module_of(self.record.nodeids.get(stretch.item.index()).map_or("", |nodeid| nodeid));
        let seconds = stretch.seconds();
        if let Some(Leg { step: Step::Tests { worker, module, count, longest }, from, .. }) =
            self.legs.last_mut()
            && *worker == stretch.worker
            && module == name
        {
            *count += 1;
            if seconds > longest.1 {
                *longest = (stretch.item, seconds);
            }
            *from = stretch.began.clamp(0.0, self.at);
            self.at = *from;
            return;
        }
        let (worker, module) = (stretch.worker, name.to_owned());
        self.to(stretch.began, Step::Tests { worker, module, count: 1, longest: (stretch.item, seconds) });
    }

    /// How the worker came to its first test, if it was asked for while tests ran.
    fn start(&mut self, lane: &Lane, stretch: Stretch, time: f64) {
        if time < stretch.began {
            let ready = lane.ready.unwrap_or(stretch.began).clamp(time, stretch.began);
            if stretch.began - ready > LONG_PAUSE {
                self.to(ready, Step::Wait(lane.worker));
            }
            self.to(time, Step::Start(lane.worker));
        }
    }

    /// What was before the first test of the path.
    fn begin(&mut self, lanes: &Lanes) {
        let Some(Leg { step: Step::Tests { worker, .. }, from, .. }) = self.legs.last() else {
            return;
        };
        let (worker, from) = (*worker, *from);
        // Without workers nothing starts.
        let lane =
            lanes.each.iter().find(|lane| lane.worker == worker && !self.record.about.method.is_empty());
        if let Some(lane) = lane {
            let ready = lane.ready.unwrap_or(lanes.collected).min(from);
            if from - ready > LONG_PAUSE {
                self.to(ready, Step::Wait(worker));
            }
            self.to(lanes.collected.min(ready), Step::Start(worker));
        }
        self.to(0.0, Step::Collection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Sample, close};
    use coordinator::record::{SERIAL, Theft};
    use proptest::prelude::*;

    fn path(record: &Record) -> Vec<Leg> {
        critical(record, &Lanes::of(record))
    }

    fn brief(record: &Record) -> Vec<(String, i32)> {
        let name = |leg: &Leg| match &leg.step {
            Step::Collection => "collection".to_owned(),
            Step::Start(worker) => format!("start {worker}"),
            Step::Tests { worker, module, count, .. } => format!("{worker} {module} {count}"),
            Step::Wait(worker) => format!("wait {worker}"),
            Step::End => "end".to_owned(),
        };
        #[allow(clippy::cast_possible_truncation, reason = "a few seconds")]
        path(record).iter().map(|leg| (name(leg), (leg.seconds() * 10.0).round() as i32)).collect()
    }

    fn steps<const N: usize>(expected: [(&str, i32); N]) -> Vec<(String, i32)> {
        expected.map(|(name, tenths)| (name.to_owned(), tenths)).to_vec()
    }

    #[test]
    fn one_worker_was_busy_to_the_end() {
        let record = Sample::new()
            .at(1.0, Happened::Collected)
            .worker(0, 1.0, 1.5)
            .worker(1, 1.0, 1.5)
            .ran(0, "a.py::x", 1.5, 2.5)
            .ran(0, "a.py::y", 2.501, 5.5)
            .ran(0, "b.py::z", 5.501, 6.0)
            .ran(1, "c.py::z", 1.5, 4.0)
            .at(6.5, Happened::Ended(WorkerId(0)))
            .record();
        let expected =
            [("collection", 10), ("start gw0", 5), ("gw0 a.py 2", 40), ("gw0 b.py 1", 5), ("end", 5)];
        assert_eq!(brief(&record), steps(expected));
    }

    fn with_a_pause() -> Sample {
        Sample::new()
            .worker(0, 0.0, 0.5)
            .worker(1, 0.0, 0.5)
            .ran(0, "a.py::x", 0.5, 2.8)
            .ran(1, "b.py::y", 0.5, 3.0)
            .ran(0, "a.py::z", 3.1, 4.0)
    }

    #[test]
    fn what_a_worker_has_waited_for_is_on_the_path() {
        let first = ItemId(2);
        let theft = Theft { thief: WorkerId(0), victim: WorkerId(1), first, items: 1, split: true };
        let thief = with_a_pause().at(3.05, Happened::Stolen(theft)).record();
        let mut serial = with_a_pause().record();
        serial.places[2].flags = SERIAL;
        for record in [thief, serial] {
            let expected = [("start gw1", 5), ("gw1 b.py 1", 25), ("wait gw0", 1), ("gw0 a.py 1", 9)];
            assert_eq!(brief(&record), steps(expected));
        }
    }

    #[test]
    fn a_worker_that_stood_still_has_not_waited() {
        assert_eq!(brief(&with_a_pause().record()), steps([("start gw0", 5), ("gw0 a.py 2", 35)]));
    }

    #[test]
    fn a_replacement_waits_for_the_crash() {
        let record = Sample::new()
            .worker(0, 0.0, 0.5)
            .ran(0, "a.py::x", 0.5, 1.0)
            .crashed(0, "a.py::y", 2.0)
            .at(2.0, Happened::Replaced(WorkerId(0)))
            .worker(1, 2.0, 2.4)
            .ran(1, "a.py::z", 2.4, 3.0)
            .record();
        let expected = [("start gw0", 5), ("gw0 a.py 2", 15), ("start gw1", 4), ("gw1 a.py 1", 6)];
        assert_eq!(brief(&record), steps(expected));
    }

    #[test]
    fn without_workers_none_starts() {
        let mut record = Sample::new().at(1.0, Happened::Collected).ran(0, "a.py::x", 3.5, 4.0).record();
        record.about.method.clear();
        assert_eq!(brief(&record), steps([("collection", 35), ("gw0 a.py 1", 5)]));
    }

    #[test]
    fn without_tests_there_is_none() {
        assert_eq!(path(&Record::default()), []);
    }

    proptest! {
        #[test]
        fn it_covers_the_run(record in Sample::any()) {
            let legs = path(&record);
            if let (Some(first), Some(last)) = (legs.first(), legs.last()) {
                prop_assert!(close(first.from, 0.0));
                prop_assert!(close(last.to, record.about.seconds));
            }
            prop_assert!(legs.iter().all(|leg| leg.seconds() >= 0.0));
            for pair in legs.windows(2) {
                prop_assert!(close(pair[0].to, pair[1].from), "{:?}", pair);
            }
        }
    }
}

//! Records to test with.

use std::collections::BTreeMap;

use coordinator::model::{FixtureScope, FixtureTimes, ItemId, WorkerId};
use coordinator::record::{Execution, Happened, Place, Record};
use coordinator::timings::Spent;
use proptest::prelude::*;

/// A record in the making.
pub(crate) struct Sample {
    record: Record,
    numbers: BTreeMap<String, u32>,
}

/// Equal but for what seconds of 32 bits lose.
pub(crate) fn close(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-4
}

impl Sample {
    pub(crate) fn new() -> Self {
        Self { record: Record::default(), numbers: BTreeMap::new() }
    }

    pub(crate) fn at(mut self, at: f64, happened: Happened) -> Self {
        self.record.events.push((at, happened));
        self
    }

    pub(crate) fn worker(self, worker: u32, started: f64, ready: f64) -> Self {
        let worker = WorkerId(worker);
        self.at(started, Happened::Started(worker)).at(ready, Happened::Ready(worker))
    }

    pub(crate) fn crashed(self, worker: u32, nodeid: &str, at: f64) -> Self {
        self.died(worker, nodeid, at, false)
    }

    pub(crate) fn hung(self, worker: u32, nodeid: &str, at: f64) -> Self {
        self.died(worker, nodeid, at, true)
    }

    fn died(mut self, worker: u32, nodeid: &str, at: f64, hung: bool) -> Self {
        let item = Some(self.item(nodeid));
        self.at(at, Happened::Crashed { worker: WorkerId(worker), item, hung })
    }

    #[allow(clippy::cast_possible_truncation, reason = "seconds of tests")]
    pub(crate) fn ran(self, worker: u32, nodeid: &str, began: f64, ended: f64) -> Self {
        let total = (ended - began) as f32;
        self.spent(worker, nodeid, ended, Spent { total, call: total, ..Spent::default() })
    }

    pub(crate) fn spent(mut self, worker: u32, nodeid: &str, ended: f64, spent: Spent) -> Self {
        let item = self.item(nodeid);
        self.record.executions.push(Execution { item, worker: WorkerId(worker), ended, spent });
        self
    }

    pub(crate) fn set_up(self, worker: u32, fixture: &str, seconds: f32) -> Self {
        self.set_up_in(FixtureScope::Session, worker, fixture, seconds)
    }

    pub(crate) fn set_up_in(mut self, scope: FixtureScope, worker: u32, fixture: &str, seconds: f32) -> Self {
        let times = FixtureTimes { name: fixture.to_owned(), scope, times: 1, seconds, longest: seconds };
        self.record.set_ups.push((WorkerId(worker), times));
        self
    }

    fn item(&mut self, nodeid: &str) -> ItemId {
        let next = u32::try_from(self.numbers.len()).expect("a few");
        let number = *self.numbers.entry(nodeid.to_owned()).or_insert(next);
        if number == next {
            self.record.nodeids.push(nodeid.to_owned());
        }
        ItemId(number)
    }

    /// Every test is an atom of its module.
    pub(crate) fn record(mut self) -> Record {
        self.record.places = Place::by_names(&self.record.nodeids);
        let workers = self.record.executions.iter().map(|execution| execution.worker.0 + 1).max();
        self.record.about.workers = workers.unwrap_or(0);
        self.record.about.cores = 64;
        "fork".clone_into(&mut self.record.about.method);
        let last = self.record.events.iter().map(|(at, _)| *at);
        let last = last.chain(self.record.executions.iter().map(|execution| execution.ended));
        self.record.about.seconds = last.fold(0.0, f64::max);
        self.record
    }

    /// Workers that run tests with pauses, one behind the other; some of them die.
    pub(crate) fn any() -> impl Strategy<Value = Record> {
        let test = (0..4_u32, 0.0..1.0_f64, 0.0..2.0_f64);
        let life = (0.0..3.0_f64, prop::collection::vec(test, 0..12), any::<bool>());
        (0.0..2.0_f64, prop::collection::vec(life, 0..5)).prop_map(|(collected, lives)| {
            let mut sample = Sample::new().at(collected, Happened::Collected);
            let mut count = 0;
            for (worker, (start, tests, dies)) in (0_u32..).zip(lives) {
                let mut now = collected + start;
                sample = sample.worker(worker, collected, now);
                for (module, pause, seconds) in tests {
                    let (began, ended) = (now + pause, now + pause + seconds);
                    sample = sample.ran(worker, &format!("m{module}.py::t{count}"), began, ended);
                    (now, count) = (ended, count + 1);
                }
                if dies {
                    sample = sample.crashed(worker, &format!("m.py::t{count}"), now + 0.5);
                    count += 1;
                }
            }
            sample.record()
        })
    }
}

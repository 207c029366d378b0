//! How long the tests of a run would have taken with another number of workers: the scheduler itself is given them
//! again, in virtual time, with workers that are all there from the start.
//!
//! Only differences between two such runs mean anything: starts, fixtures that several workers set up, and a machine
//! that is busy with something else are not simulated.

use std::collections::VecDeque;
use std::sync::Arc;

use coordinator::claims::TableClaims;
use coordinator::model::{Collection, Item, ItemId, WideFixtures, WorkerId};
use coordinator::plan::{Order, Plan};
use coordinator::record::{Place, Record};
use coordinator::scheduler::{Action, Limits, Scheduler};

use crate::lanes::Lanes;

/// The tests of a run that can be given to any number of workers.
#[derive(Clone, Debug)]
pub struct Tests {
    collection: Collection,
    /// Seconds, by item.
    seconds: Vec<f64>,
    /// Seconds of a processor that all need together.
    cpu: f64,
}

impl Tests {
    /// Those that ran, or that a worker died in; `None` if that says nothing of other numbers of workers: each test may have
    /// run in every worker.
    #[must_use]
    pub fn of(record: &Record, lanes: &Lanes) -> Option<Self> {
        let mut seconds: Vec<Option<f64>> = vec![None; record.nodeids.len()];
        let mut cpu = 0.0;
        for execution in &record.executions {
            if seconds[execution.item.index()].replace(f64::from(execution.spent.total)).is_some() {
                return None;
            }
            cpu += f64::from(execution.spent.cpu.min(execution.spent.total));
        }
        for stretch in lanes.died_in() {
            seconds[stretch.item.index()].get_or_insert(stretch.seconds());
        }
        let placed = record.places.iter().zip(&seconds);
        let items = placed
            .filter_map(|(place, seconds)| Some(Place::item(*place, (*seconds)?)))
            .collect::<Vec<Item>>();
        let ran =
            record.places.iter().zip(&seconds).filter_map(|(_, seconds)| *seconds).collect::<Vec<f64>>();
        let collection = Collection { items, fixtures: WideFixtures::default(), patience: Vec::new() };
        (!ran.is_empty()).then_some(Self { collection, seconds: ran, cpu })
    }

    /// The share of their time for which the tests compute, from 0 to 1.
    #[must_use]
    pub fn computing(&self) -> f64 {
        let total: f64 = self.seconds.iter().sum();
        if total > 0.0 { self.cpu / total } else { 0.0 }
    }

    /// Seconds that so many workers take, on a machine with so many `cores`.
    #[must_use]
    pub fn makespan(&self, workers: u32, cores: u32) -> f64 {
        // What computes all the time is not done sooner than the processors can.
        let least = self.cpu / f64::from(cores.max(1));
        self.simulated(workers.max(1)).max(least)
    }

    fn simulated(&self, workers: u32) -> f64 {
        let plan = Plan::of(&self.collection, Order::Balanced);
        let claims = Arc::new(TableClaims::new(plan.len()));
        let scheduler = Scheduler::new(plan, workers, Arc::clone(&claims), Limits::default());
        let hands = (0..workers).map(|_| Hands::default()).collect();
        Simulation { scheduler, claims, hands, seconds: &self.seconds }.run()
    }
}

/// What one worker has.
#[derive(Debug, Default)]
struct Hands {
    leased: VecDeque<ItemId>,
    /// What it runs, and until when.
    running: Option<(ItemId, f64)>,
}

struct Simulation<'a> {
    scheduler: Scheduler<Arc<TableClaims>>,
    claims: Arc<TableClaims>,
    hands: Vec<Hands>,
    seconds: &'a [f64],
}

impl Simulation<'_> {
    fn run(mut self) -> f64 {
        let mut now = 0.0;
        for worker in self.workers() {
            let actions = self.scheduler.ready(worker);
            self.perform(actions, now);
        }
        while let Some((worker, item, ended)) = self.next() {
            now = ended;
            self.hands[worker.index()].running = None;
            let seconds = self.seconds[item.index()];
            // It holds the item, so this is no error.
            let actions = self.scheduler.finished(worker, item, seconds).unwrap_or_default();
            self.perform(actions, now);
            self.claim(worker, now);
            if self.hands[worker.index()].running.is_none() {
                let actions = self.scheduler.starved(worker);
                self.perform(actions, now);
            }
        }
        now
    }

    fn workers(&self) -> impl Iterator<Item = WorkerId> + use<> {
        (0..).map(WorkerId).take(self.hands.len())
    }

    /// Whose item is the next to be finished, and when.
    fn next(&self) -> Option<(WorkerId, ItemId, f64)> {
        let running = self.workers().zip(&self.hands);
        let running =
            running.filter_map(|(worker, hands)| hands.running.map(|(item, ended)| (worker, item, ended)));
        running.min_by(|one, other| one.2.total_cmp(&other.2))
    }

    fn perform(&mut self, actions: Vec<Action>, now: f64) {
        for action in actions {
            match action {
                Action::Lease { worker, items } => {
                    self.hands[worker.index()].leased.extend(items);
                    self.claim(worker, now);
                }
                Action::Park { .. } | Action::End { .. } | Action::Confirm { .. } => {}
            }
        }
    }

    /// Begins the next item, if the worker runs none.
    fn claim(&mut self, worker: WorkerId, now: f64) {
        let hands = &mut self.hands[worker.index()];
        if hands.running.is_some() {
            return;
        }
        while let Some(item) = hands.leased.pop_front() {
            if self.claims.claim(item, worker) {
                hands.running = Some((item, now + self.seconds[item.index()]));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Sample, close};
    use coordinator::timings::Spent;
    use proptest::prelude::*;

    const MANY: u32 = 64;

    fn tests_of(record: &Record) -> Option<Tests> {
        Tests::of(record, &Lanes::of(record))
    }

    #[test]
    fn tests_are_spread() {
        let mut sample = Sample::new();
        for number in 0..8 {
            sample = sample.ran(0, &format!("a.py::t{number}"), f64::from(number), f64::from(number + 1));
        }
        let tests = tests_of(&sample.record()).expect("each ran once");
        for (workers, seconds) in [(1, 8.0), (2, 4.0), (4, 2.0), (8, 1.0), (20, 1.0)] {
            assert!(close(tests.makespan(workers, MANY), seconds), "{workers} workers");
        }
    }

    #[test]
    fn processors_are_the_limit_of_what_computes() {
        let spent = Spent { total: 1.0, cpu: 1.0, ..Spent::default() };
        let record = Sample::new().spent(0, "a.py::x", 1.0, spent).spent(0, "a.py::y", 2.0, spent).record();
        let tests = tests_of(&record).expect("each ran once");
        assert!(close(tests.makespan(2, 1), 2.0) && close(tests.makespan(2, 2), 1.0));
    }

    #[test]
    fn what_a_worker_died_in_takes_its_time_too() {
        let record =
            Sample::new().worker(0, 0.0, 1.0).ran(0, "a.py::x", 1.0, 2.0).crashed(0, "a.py::y", 5.0).record();
        assert!(close(tests_of(&record).expect("each ran once").makespan(1, MANY), 4.0));
    }

    #[test]
    fn what_ran_in_every_worker_says_nothing() {
        let record = Sample::new().ran(0, "a.py::x", 0.0, 1.0).ran(1, "a.py::x", 0.0, 1.0).record();
        assert!(tests_of(&record).is_none());
        assert!(tests_of(&Record::default()).is_none());
    }

    proptest! {
        #[test]
        fn no_run_is_shorter_than_it_can_be(record in Sample::any(), workers in 1..6_u32) {
            if let Some(tests) = tests_of(&record) {
                let total: f64 = tests.seconds.iter().sum();
                let longest = tests.seconds.iter().copied().fold(0.0, f64::max);
                let seconds = tests.makespan(workers, MANY);
                prop_assert!(seconds >= longest - 1e-6);
                prop_assert!(seconds >= total / f64::from(workers) - 1e-6);
                prop_assert!(seconds <= total + 1e-6, "everybody waits at the same time");
            }
        }
    }
}

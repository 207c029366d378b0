//! What each worker did when. Times are seconds since the run's start.

use std::collections::{BTreeMap, VecDeque};

use coordinator::model::{ItemId, WorkerId};
use coordinator::record::{Happened, Record};

/// One item in one worker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// The item.
    pub item: ItemId,
    /// The worker.
    pub worker: WorkerId,
    /// From when.
    pub began: f64,
    /// Until when.
    pub ended: f64,
    /// Its place in [`Record::executions`]; `None`: the worker died in it.
    pub execution: Option<usize>,
}

impl Stretch {
    /// How long it took.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.ended - self.began
    }
}

/// How a worker died.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Death {
    /// When it was noticed.
    pub at: f64,
    /// What it ran.
    pub item: Option<ItemId>,
    /// It was killed because it had been at one thing for too long.
    pub hung: bool,
}

impl Death {
    /// What became of the test that it ran.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.hung { "hung" } else { "crashed" }
    }
}

/// The life of one worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// The worker.
    pub worker: WorkerId,
    /// Whose place it took.
    pub replaces: Option<WorkerId>,
    /// When it was asked for.
    pub started: f64,
    /// When it could run tests; a worker that never came had nothing it could do.
    pub ready: Option<f64>,
    /// When it had finished its session.
    pub ended: Option<f64>,
    /// Unless it ended as it should.
    pub death: Option<Death>,
    /// What it ran, in the order of time.
    pub stretches: Vec<Stretch>,
}

impl Lane {
    fn new(worker: WorkerId) -> Self {
        Self {
            worker,
            replaces: None,
            started: 0.0,
            ready: None,
            ended: None,
            death: None,
            stretches: Vec::new(),
        }
    }

    /// Seconds in which it ran tests.
    #[must_use]
    pub fn busy(&self) -> f64 {
        self.stretches.iter().map(Stretch::seconds).sum()
    }
}

/// All workers of a run, and the time in which there were tests to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Lanes {
    /// By their numbers.
    pub each: Vec<Lane>,
    /// When the collection was over.
    pub collected: f64,
    /// When the first test began.
    pub first: f64,
    /// When the last test was over.
    pub last: f64,
}

impl Lanes {
    /// What the record says of workers.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let mut lanes: BTreeMap<WorkerId, Lane> = BTreeMap::new();
        let mut collected = 0.0;
        // Workers come in the order in which they were asked for.
        let mut replaced: VecDeque<WorkerId> = VecDeque::new();
        for &(at, happened) in &record.events {
            match happened {
                Happened::Collected => collected = at,
                Happened::Started(worker) => {
                    let lane = of(&mut lanes, worker);
                    lane.started = at;
                    lane.replaces = replaced.pop_front();
                }
                Happened::Ready(worker) => of(&mut lanes, worker).ready = Some(at),
                Happened::Ended(worker) => of(&mut lanes, worker).ended = Some(at),
                Happened::Crashed { worker, item, hung } => {
                    of(&mut lanes, worker).death = Some(Death { at, item, hung });
                }
                Happened::Replaced(worker) => replaced.push_back(worker),
                Happened::Stolen(_) => {}
            }
        }
        for (number, execution) in record.executions.iter().enumerate() {
            let (item, worker) = (execution.item, execution.worker);
            let (began, ended) = (execution.began(), execution.ended);
            let stretch = Stretch { item, worker, began, ended, execution: Some(number) };
            of(&mut lanes, worker).stretches.push(stretch);
        }
        let mut each: Vec<Lane> = lanes.into_values().collect();
        for lane in &mut each {
            lane.stretches.sort_by(|one, other| one.began.total_cmp(&other.began));
            separate(lane);
        }
        let all = || each.iter().flat_map(|lane| &lane.stretches);
        let first = all().map(|stretch| stretch.began).fold(f64::INFINITY, f64::min);
        let last = all().map(|stretch| stretch.ended).fold(0.0, f64::max);
        Self { collected, first: if first.is_finite() { first } else { last }, last, each }
    }

    /// What workers died in.
    pub fn died_in(&self) -> impl Iterator<Item = &Stretch> {
        self.each.iter().flat_map(|lane| &lane.stretches).filter(|stretch| stretch.execution.is_none())
    }

    /// Seconds from the first test's begin to the last one's end.
    #[must_use]
    pub fn makespan(&self) -> f64 {
        self.last - self.first
    }

    /// Seconds in which workers ran tests, all together.
    #[must_use]
    pub fn busy(&self) -> f64 {
        self.each.iter().map(Lane::busy).sum()
    }

    /// Seconds that workers had been asked for, whether they were ready or not, while there were tests to run.
    #[must_use]
    pub fn wanted(&self) -> f64 {
        let wanted = |lane| self.gone(lane) - lane.started.max(self.first);
        self.each.iter().map(wanted).map(|seconds| seconds.max(0.0)).sum()
    }

    /// Seconds that workers could run tests, while there were tests to run.
    #[must_use]
    pub fn available(&self) -> f64 {
        self.each.iter().map(|lane| self.presence(lane)).map(|(from, to)| to - from).sum()
    }

    /// From when to when a worker could have run tests.
    #[must_use]
    pub fn presence(&self, lane: &Lane) -> (f64, f64) {
        let begun = lane.stretches.first().map(|stretch| stretch.began);
        let from = match (lane.ready, begun) {
            (Some(ready), Some(begun)) => ready.min(begun),
            (Some(ready), None) => ready,
            (None, Some(begun)) => begun,
            (None, None) => self.last,
        };
        let from = from.max(self.first);
        (from, self.gone(lane).max(from))
    }

    /// Until when there was the worker, and were tests.
    fn gone(&self, lane: &Lane) -> f64 {
        lane.death.map_or(self.last, |death| death.at.min(self.last))
    }

    /// The share of their time for which workers were busy, from 0 to 1. One that is not ready yet is not busy.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        share(self.busy(), self.wanted())
    }

    /// The same of the time in which they could run tests.
    #[must_use]
    pub fn utilisation_when_ready(&self) -> f64 {
        share(self.busy(), self.available())
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).min(1.0) } else { 0.0 }
}

fn of(lanes: &mut BTreeMap<WorkerId, Lane>, worker: WorkerId) -> &mut Lane {
    lanes.entry(worker).or_insert_with(|| Lane::new(worker))
}

/// What a worker died in was begun when it was done with the one before; and no two tests run at once in one worker,
/// however their times were rounded.
fn separate(lane: &mut Lane) {
    let mut free = 0.0_f64;
    for stretch in &mut lane.stretches {
        stretch.began = stretch.began.max(free);
        stretch.ended = stretch.ended.max(stretch.began);
        free = stretch.ended;
    }
    if let Some(Death { at, item: Some(item), .. }) = lane.death {
        let began = free.max(lane.ready.unwrap_or_default()).min(at.max(free));
        let ended = at.max(began);
        lane.stretches.push(Stretch { item, worker: lane.worker, began, ended, execution: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Sample, close};
    use proptest::prelude::*;

    const FIRST: WorkerId = WorkerId(0);
    const SECOND: WorkerId = WorkerId(1);
    const THIRD: WorkerId = WorkerId(2);

    #[test]
    fn a_run_of_two_workers() {
        let record = Sample::new()
            .at(1.0, Happened::Collected)
            .worker(0, 1.0, 1.5)
            .worker(1, 1.0, 2.0)
            .ran(0, "a.py::x", 1.5, 4.5)
            .ran(1, "a.py::y", 2.0, 3.0)
            .at(5.0, Happened::Ended(FIRST))
            .record();
        let lanes = Lanes::of(&record);
        assert_eq!((lanes.collected, lanes.first, lanes.last), (1.0, 1.5, 4.5));
        assert_eq!((lanes.each[0].ready, lanes.each[0].ended), (Some(1.5), Some(5.0)));
        assert!(close(lanes.busy(), 4.0) && close(lanes.available(), 3.0 + 2.5));
        assert!(close(lanes.utilisation(), 4.0 / 6.0), "one was late");
        assert!(close(lanes.utilisation_when_ready(), 4.0 / 5.5));
    }

    #[test]
    fn who_died_was_at_something_until_then_and_another_took_its_place() {
        let record = Sample::new()
            .worker(0, 0.0, 1.0)
            .ran(0, "a.py::x", 1.0, 2.0)
            .ran(1, "a.py::y", 1.0, 9.0)
            .crashed(0, "a.py::z", 5.0)
            .at(5.0, Happened::Replaced(FIRST))
            .worker(2, 5.0, 6.0)
            .record();
        let lanes = Lanes::of(&record);
        let died_in = lanes.each[0].stretches[1];
        assert_eq!((died_in.began, died_in.ended, died_in.execution), (2.0, 5.0, None));
        assert_eq!(lanes.each[2].worker, THIRD);
        assert_eq!(lanes.each[2].replaces, Some(FIRST));
        assert_eq!(lanes.each[1].replaces, None);
        assert_eq!(lanes.presence(&lanes.each[0]), (1.0, 5.0));
        assert_eq!(lanes.presence(&lanes.each[2]), (6.0, 9.0));
        assert_eq!(lanes.each[1].worker, SECOND);
    }

    #[test]
    fn a_run_without_tests() {
        let lanes = Lanes::of(&Record::default());
        assert_eq!((lanes.makespan(), lanes.utilisation()), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn workers_do_one_thing_at_a_time(record in Sample::any()) {
            let lanes = Lanes::of(&record);
            for lane in &lanes.each {
                prop_assert!(lane.stretches.iter().all(|stretch| stretch.seconds() >= 0.0));
                prop_assert!(lane.stretches.windows(2).all(|pair| pair[0].ended <= pair[1].began));
            }
            prop_assert!((0.0..=1.0).contains(&lanes.utilisation()));
            prop_assert!(lanes.utilisation() <= lanes.utilisation_when_ready() + 1e-9);
            let count: usize = lanes.each.iter().map(|lane| lane.stretches.len()).sum();
            prop_assert!(count >= record.executions.len());
        }
    }
}

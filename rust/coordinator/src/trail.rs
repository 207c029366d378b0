//! Trails: which tests a worker had run, in order, before one that failed in it.

use std::collections::{HashMap, HashSet};

use crate::model::{ItemId, WorkerId};
use crate::record::{Happened, Record};

/// Of a test that failed in a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trail {
    /// The test.
    pub item: ItemId,
    /// The worker.
    pub worker: WorkerId,
    /// How many others that had run before; they begin [`Record::order`].
    pub before: usize,
    /// It came to no end: its worker died.
    pub crashed: bool,
}

/// How often, and until when (seconds since the run's start), a worker had run tests to their ends.
type Moment = (usize, f64);

impl Record {
    /// The items that a worker has run to their ends, in order.
    pub fn order(&self, worker: WorkerId) -> impl Iterator<Item = ItemId> {
        let its = self.executions.iter().filter(move |execution| execution.worker == worker);
        its.map(|execution| execution.item)
    }

    /// One for each test that failed in a worker and whose failure is kept, in the order in which they came to their ends.
    #[must_use]
    pub fn trails(&self) -> Vec<Trail> {
        // Of one test its body and its teardown may fail.
        let failed: HashSet<(WorkerId, ItemId)> = self.failed_in_workers().collect();
        if failed.is_empty() {
            return Vec::new();
        }
        let (ends, deaths) = (self.ends(), self.deaths());
        let trail = |(worker, item)| {
            // Who has crashed its worker was not finished.
            let end = ends.get(&(worker, item)).copied();
            let (before, when) = end.unwrap_or_else(|| {
                (self.order(worker).count(), deaths.get(&worker).copied().unwrap_or(f64::MAX))
            });
            (when, Trail { item, worker, before, crashed: end.is_none() })
        };
        let mut found: Vec<(f64, Trail)> = failed.into_iter().map(trail).collect();
        let number = |trail: &Trail| (trail.worker, trail.item);
        found.sort_by(|(one, a), (other, b)| one.total_cmp(other).then(number(a).cmp(&number(b))));
        found.into_iter().map(|(_, trail)| trail).collect()
    }

    /// Whether there are trails in it.
    #[must_use]
    pub fn has_trails(&self) -> bool {
        self.failed_in_workers().next().is_some()
    }

    fn failed_in_workers(&self) -> impl Iterator<Item = (WorkerId, ItemId)> {
        self.failures.iter().filter_map(|failure| Some((worker_of(&failure.worker)?, failure.item?)))
    }

    fn ends(&self) -> HashMap<(WorkerId, ItemId), Moment> {
        let mut counts: HashMap<WorkerId, usize> = HashMap::new();
        let mut ends = HashMap::new();
        for execution in &self.executions {
            let count = counts.entry(execution.worker).or_default();
            ends.insert((execution.worker, execution.item), (*count, execution.ended));
            *count += 1;
        }
        ends
    }

    fn deaths(&self) -> HashMap<WorkerId, f64> {
        let crashed = |&(when, event): &(f64, Happened)| match event {
            Happened::Crashed { worker, .. } => Some((worker, when)),
            _ => None,
        };
        self.events.iter().filter_map(crashed).collect()
    }
}

/// The worker of this name; none has failed what ran without workers.
#[must_use]
pub fn worker_of(name: &str) -> Option<WorkerId> {
    name.strip_prefix("gw")?.parse().ok().map(WorkerId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Execution, Failure};
    use crate::timings::Spent;

    fn failure(item: Option<u32>, worker: &str) -> Failure {
        Failure {
            item: item.map(ItemId),
            nodeid: String::new(),
            when: "call".to_owned(),
            worker: worker.to_owned(),
            text: String::new(),
            sections: Vec::new(),
        }
    }

    /// Worker and item of what was run, in order, a second each.
    fn record(ran: &[(u32, u32)], failures: Vec<Failure>) -> Record {
        let execution = |(ended, &(worker, item)): (u32, &(u32, u32))| Execution {
            item: ItemId(item),
            worker: WorkerId(worker),
            ended: f64::from(ended),
            spent: Spent::default(),
        };
        Record { executions: (1..).zip(ran).map(execution).collect(), failures, ..Record::default() }
    }

    fn trail(item: u32, worker: u32, before: usize) -> Trail {
        Trail { item: ItemId(item), worker: WorkerId(worker), before, crashed: false }
    }

    #[test]
    fn the_order_is_the_worker_s_own() {
        let record = record(
            &[(0, 5), (1, 2), (0, 1), (1, 4), (0, 3)],
            vec![failure(Some(3), "gw0"), failure(Some(4), "gw1"), failure(Some(5), "gw0")],
        );
        assert_eq!(record.trails(), [trail(5, 0, 0), trail(4, 1, 1), trail(3, 0, 2)]);
        assert_eq!(record.order(WorkerId(0)).collect::<Vec<_>>(), [ItemId(5), ItemId(1), ItemId(3)]);
    }

    #[test]
    fn a_crash_comes_after_all_that_its_worker_has_finished() {
        let failures = vec![failure(Some(9), "gw0"), failure(Some(2), "gw1")];
        let mut record = record(&[(0, 5), (0, 1), (1, 2)], failures);
        let crash = Happened::Crashed { worker: WorkerId(0), item: Some(ItemId(9)), hung: false };
        record.events.push((2.5, crash));
        assert_eq!(record.trails(), [Trail { crashed: true, ..trail(9, 0, 2) }, trail(2, 1, 0)]);
    }

    #[test]
    fn what_failed_in_no_worker_has_none() {
        let failures = vec![failure(Some(0), ""), failure(None, "gw0"), failure(Some(0), "elsewhere")];
        assert_eq!(record(&[(0, 0)], failures).trails(), []);
    }

    #[test]
    fn a_test_has_one() {
        let failures = vec![failure(Some(0), "gw0"), failure(Some(0), "gw0"), failure(Some(0), "gw1")];
        assert_eq!(record(&[(0, 0), (1, 0)], failures).trails(), [trail(0, 0, 0), trail(0, 1, 0)]);
    }
}

//! Who runs what when every worker has to run everything: a lane for each, with a deque of its own.

use std::collections::{BTreeMap, VecDeque};

use crate::model::WorkerId;

/// Which worker is in which lane. A lane is named after the worker who is in it first; a replacement enters the lane
/// that has been vacant longest.
#[derive(Debug)]
pub(super) struct Lanes {
    first: u32,
    replacements: BTreeMap<WorkerId, WorkerId>,
    vacant: VecDeque<WorkerId>,
    /// Replacements that were asked for and are not ready yet.
    expected: usize,
}

impl Lanes {
    pub(super) fn new(first: u32) -> Self {
        Self { first, replacements: BTreeMap::new(), vacant: VecDeque::new(), expected: 0 }
    }

    /// The worker is ready; the first ones are in their lanes from the start.
    pub(super) fn enter(&mut self, worker: WorkerId) {
        if worker.0 >= self.first && !self.replacements.contains_key(&worker) {
            self.expected = self.expected.saturating_sub(1);
            if let Some(lane) = self.vacant.pop_front() {
                self.replacements.insert(worker, lane);
            }
        }
    }

    /// A replacement is on its way.
    pub(super) fn expect(&mut self) {
        self.expected += 1;
    }

    /// The worker is gone.
    pub(super) fn leave(&mut self, worker: WorkerId) {
        match self.of(worker) {
            Some(lane) => self.vacant.push_back(lane),
            None => self.expected = self.expected.saturating_sub(1),
        }
    }

    /// The lanes that nobody is in and nobody will be in, which are lanes no more.
    pub(super) fn close_abandoned(&mut self) -> VecDeque<WorkerId> {
        self.vacant.split_off(self.expected.min(self.vacant.len()))
    }

    /// The lane that the worker is, or was last, in. A replacement that has died before it was ready had none.
    pub(super) fn of(&self, worker: WorkerId) -> Option<WorkerId> {
        if worker.0 < self.first { Some(worker) } else { self.replacements.get(&worker).copied() }
    }

    /// Lanes that nobody is in.
    pub(super) fn vacant(&self) -> impl Iterator<Item = WorkerId> {
        self.vacant.iter().copied()
    }
}

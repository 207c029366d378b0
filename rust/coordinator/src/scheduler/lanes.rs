//! Who runs what when every worker has to run everything: a lane for each, with a deque of its own.

use std::collections::{BTreeMap, VecDeque};

use crate::ledger::NotRunReason;
use crate::model::WorkerId;

/// Which worker is in which lane. A lane is named after the worker who is in it first; a replacement enters the lane
/// that has been vacant longest.
#[derive(Debug)]
pub(super) struct Lanes {
    first: u32,
    replacements: BTreeMap<WorkerId, WorkerId>,
    vacant: VecDeque<WorkerId>,
    /// Lanes that are lanes no more, and why what is left in them is not run.
    closed: BTreeMap<WorkerId, NotRunReason>,
}

impl Lanes {
    pub(super) fn new(first: u32) -> Self {
        let (replacements, vacant, closed) = (BTreeMap::new(), VecDeque::new(), BTreeMap::new());
        Self { first, replacements, vacant, closed }
    }

    /// The worker is ready; the first ones are in their lanes from the start.
    pub(super) fn enter(&mut self, worker: WorkerId) {
        if worker.0 >= self.first
            && !self.replacements.contains_key(&worker)
            && let Some(lane) = self.vacant.pop_front()
        {
            self.replacements.insert(worker, lane);
        }
    }

    /// The worker is gone.
    pub(super) fn leave(&mut self, worker: WorkerId) {
        if let Some(lane) = self.of(worker).filter(|lane| !self.closed.contains_key(lane)) {
            self.vacant.push_back(lane);
        }
    }

    /// The worker's lane is one no more, if it is in one; which that was.
    pub(super) fn close(&mut self, worker: WorkerId, reason: NotRunReason) -> Option<WorkerId> {
        let lane = self.of(worker)?;
        self.closed.insert(lane, reason);
        Some(lane)
    }

    /// Nobody takes the place of this dead worker, so a lane stays vacant and is one no more: its own, unless somebody
    /// has come into that who was meant for another.
    pub(super) fn abandon(&mut self, dead: WorkerId) -> Option<WorkerId> {
        let own = self.of(dead);
        if own.is_some_and(|lane| self.closed.contains_key(&lane)) {
            return None;
        }
        let place = self.vacant.iter().position(|lane| Some(*lane) == own);
        let lane = self.vacant.remove(place.or_else(|| self.vacant.len().checked_sub(1))?)?;
        self.closed.insert(lane, NotRunReason::WorkersExhausted);
        Some(lane)
    }

    /// Why nobody runs what is left in this lane.
    pub(super) fn closed(&self, lane: WorkerId) -> Option<NotRunReason> {
        self.closed.get(&lane).copied()
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

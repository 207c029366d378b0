//! Items that have killed their worker and run again: each alone, in a fresh worker, when nothing else is left to do. So
//! it is beyond doubt whose fault another crash is, and tests that belong together still never run at the same time.

use std::collections::VecDeque;

use super::{Action, Scheduler};
use crate::claims::Claims;
use crate::ledger::{End, NotRunReason};
use crate::model::{ItemId, WorkerId};
use crate::plan::Span;

/// What waits to run alone, and what does.
#[derive(Debug, Default)]
pub(super) struct Alone {
    waiting: VecDeque<ItemId>,
    current: Option<Current>,
}

/// The item whose turn it is.
#[derive(Clone, Copy, Debug)]
enum Current {
    /// A worker was asked for.
    Asked(ItemId),
    /// This one is on its way.
    Expected(ItemId, WorkerId),
    /// It runs.
    Running(WorkerId),
}

impl Alone {
    /// How many items wait, which no ordinary worker can be given.
    pub(super) fn waiting(&self) -> usize {
        let is_expected = matches!(self.current, Some(Current::Asked(_) | Current::Expected(..)));
        self.waiting.len() + usize::from(is_expected)
    }

    /// The item waits for its turn, or for its worker.
    pub(super) fn holds(&self, item: ItemId) -> bool {
        let is_current = match self.current {
            Some(Current::Asked(current) | Current::Expected(current, _)) => current == item,
            Some(Current::Running(_)) | None => false,
        };
        is_current || self.waiting.contains(&item)
    }

    /// The item that this worker was started for, once: when it is ready, or gone.
    fn take(&mut self, worker: WorkerId) -> Option<ItemId> {
        match self.current {
            Some(Current::Expected(item, expected)) if expected == worker => Some(item),
            Some(Current::Asked(_) | Current::Expected(..) | Current::Running(_)) | None => None,
        }
    }
}

impl<C: Claims> Scheduler<C> {
    /// The item runs again when its turn comes.
    pub(super) fn set_apart(&mut self, item: ItemId, worker: WorkerId) {
        let requeued = self.ledger.requeue(item, worker);
        debug_assert_eq!(requeued, Ok(()));
        if let Some(reason) = self.stopping {
            self.close(item, End::NotRun(reason));
            return;
        }
        if !self.plan.is_serial(self.plan.position(item)) && self.apart.insert(item) {
            // Serial items don't wait for it.
            self.parallel_left -= 1;
        }
        self.alone.waiting.push_back(item);
    }

    /// Asks for a worker for the next item that runs alone, if there is nothing else to do.
    pub(super) fn begin_alone(&mut self, actions: &mut Vec<Action>) {
        let counts = self.ledger.counts();
        if self.alone.current.is_some() || (counts.queued + counts.leased) as usize > self.alone.waiting() {
            return;
        }
        if let Some(item) = self.alone.waiting.pop_front() {
            self.alone.current = Some(Current::Asked(item));
            actions.push(Action::Confirm { item });
        }
    }

    /// This worker was started for the item that an [`Action::Confirm`] has named.
    pub fn confirm(&mut self, worker: WorkerId) {
        if let Some(Current::Asked(item)) = self.alone.current {
            self.alone.current = Some(Current::Expected(item, worker));
        }
    }

    /// No worker can be started for the item that an [`Action::Confirm`] has named.
    pub fn not_confirmed(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.abandon_alone();
        self.conclude(&mut actions);
        actions
    }

    /// Gives a fresh worker the one item that it was started for, and the end; `None` if it was not.
    pub(super) fn run_alone(&mut self, worker: WorkerId) -> Option<Vec<Action>> {
        let item = self.alone.take(worker)?;
        let position = self.plan.position(item);
        let leased = self.ledger.lease(item, worker);
        debug_assert_eq!(leased, Ok(()));
        self.claims.lease(item, worker);
        let slot = self.slot(worker);
        slot.holding.take_on(Span { start: position, end: position + 1 });
        slot.holding.lease_next();
        self.alone.current = Some(Current::Running(worker));
        let mut actions = vec![Action::Lease { worker, items: vec![item] }];
        self.end(worker, &mut actions);
        Some(actions)
    }

    /// The worker has finished, or is gone; whether it was started for an item that runs alone. If it has not even come
    /// to be ready, that is not run.
    pub(super) fn end_alone(&mut self, worker: WorkerId) -> bool {
        let item = self.alone.take(worker);
        let was_running = matches!(self.alone.current, Some(Current::Running(current)) if current == worker);
        if let Some(item) = item {
            self.close(item, End::NotRun(NotRunReason::NoFreshWorker));
        }
        let was_alone = item.is_some() || was_running;
        if was_alone {
            self.alone.current = None;
        }
        was_alone
    }

    /// Nobody is left, and nobody comes: not for the item whose turn it was either.
    pub(super) fn abandon_alone(&mut self) {
        match self.alone.current.take() {
            Some(Current::Asked(item) | Current::Expected(item, _)) => {
                self.close(item, End::NotRun(NotRunReason::NoFreshWorker));
            }
            Some(Current::Running(_)) | None => {}
        }
    }

    /// Nothing waits any more.
    pub(super) fn clear_alone(&mut self) {
        self.alone = Alone::default();
    }
}

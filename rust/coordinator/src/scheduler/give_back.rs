//! What becomes of an item that leaves the hands of a worker.

use super::Scheduler;
use crate::claims::Claims;
use crate::deque::Deques;
use crate::ledger::{End, ItemState, LedgerError, NotRunReason};
use crate::model::{ItemId, WorkerId};
use crate::plan::Span;

impl<C: Claims> Scheduler<C> {
    /// Takes a leased item out of a worker's hands; the caller decides what becomes of it.
    pub(super) fn take_from(&mut self, worker: WorkerId, item: ItemId) -> Result<(), LedgerError> {
        self.ledger.expect_leased(item, worker)?;
        let position = self.plan.position(item);
        let slot = self.slot(worker);
        slot.holding.remove(position);
        if slot.promised == Some(position) {
            slot.promised = None;
        }
        Ok(())
    }

    /// What a worker has held goes back, or ends here if the run is being stopped.
    pub(super) fn orphan(&mut self, worker: WorkerId, span: Span) {
        for item in span.positions().map(|position| self.plan.item(position)) {
            match self.ledger.state(item) {
                ItemState::Leased(_) => {
                    // Cannot fail: it is in that worker's hands.
                    let requeued = self.ledger.requeue(item, worker);
                    debug_assert_eq!(requeued, Ok(()));
                }
                ItemState::Queued | ItemState::Done(_) => {}
            }
        }
        if let Some(reason) = self.stopping {
            self.drop_span(span, reason);
        } else if self.plan.is_serial(span.start) {
            self.serial.push_front(span);
        } else if let Some(lanes) = &self.lanes {
            // Cannot fail: whoever has held something is in a lane.
            let Some(lane) = lanes.of(worker) else {
                return;
            };
            self.deques.push(lane, span, self.plan.weight(span));
            if let Some(reason) = lanes.closed(lane) {
                self.empty_lane(lane, reason);
            }
        } else {
            self.cuts.insert(span.start);
            self.deques.push_orphan(span);
        }
    }

    /// What is left in a lane that nobody is or will be in is not run.
    pub(super) fn empty_lane(&mut self, lane: WorkerId, reason: NotRunReason) {
        while let Some(span) = self.deques.pop(lane) {
            self.drop_span(span, reason);
        }
    }

    /// These items are not run.
    pub(super) fn drop_span(&mut self, span: Span, reason: NotRunReason) {
        for position in span.positions() {
            self.close(self.plan.item(position), End::NotRun(reason));
        }
    }

    /// Part of a stop: takes back a leased item, or leaves it to the worker that has claimed it.
    pub(super) fn revoke_or_leave(&mut self, worker: WorkerId, position: u32, reason: NotRunReason) {
        let item = self.plan.item(position);
        if self.claims.revoke(item, worker) {
            self.close(item, End::NotRun(reason));
        } else {
            let holding = &mut self.slot(worker).holding;
            holding.take_on(Span { start: position, end: position + 1 });
            holding.lease_next();
        }
    }

    /// Ends every item in one of those states that does not run alone, and empties the queues.
    pub(super) fn drop_all(&mut self, reason: NotRunReason, concerns: impl Fn(ItemState) -> bool) {
        for item in (0..self.plan.end()).map(ItemId) {
            if !self.alone.holds(item) && concerns(self.ledger.state(item)) {
                self.close(item, End::NotRun(reason));
            }
        }
        self.deques = Deques::default();
        self.serial.clear();
    }

    pub(super) fn close(&mut self, item: ItemId, end: End) {
        let is_waited_for = !self.plan.is_serial(self.plan.position(item)) && !self.apart.contains(&item);
        if self.ledger.close(item, end).is_ok() && is_waited_for {
            self.parallel_left -= 1;
        }
    }
}

//! The end of one worker before the end of the run: it finishes what it has claimed, others do the rest.

use super::{Action, Scheduler, Slot};
use crate::claims::Claims;
use crate::ledger::NotRunReason;
use crate::model::WorkerId;
use crate::worker_state::{Death, WorkerState};

impl<C: Claims> Scheduler<C> {
    /// The worker is to leave. It finishes what it has claimed, is told the end, and gets nothing more; everything else
    /// goes back, but what belongs together with an item that it still runs only after that. A worker that is not ready
    /// is told the end when it is. One that is leaving already, or gone, is left alone.
    pub fn retire(&mut self, worker: WorkerId) -> Vec<Action> {
        self.send_away(worker, false)
    }

    /// As [`Scheduler::retire`], for another to take its place when it is gone.
    pub fn relieve(&mut self, worker: WorkerId) -> Vec<Action> {
        self.send_away(worker, true)
    }

    fn send_away(&mut self, worker: WorkerId, relieved: bool) -> Vec<Action> {
        let mut actions = Vec::new();
        let slot = self.slot(worker);
        slot.promised = None;
        match slot.state {
            WorkerState::Starting => slot.state = WorkerState::Draining,
            WorkerState::Idle | WorkerState::Running => self.end(worker, &mut actions),
            WorkerState::Draining | WorkerState::Dead(_) => return actions,
        }
        self.slot(worker).relieved = relieved;
        if !relieved {
            self.leave_lane(worker);
        }
        self.take_back(worker);
        self.let_go(worker);
        self.wake(&mut actions);
        actions
    }

    /// In its lane nobody follows a retired worker.
    pub(super) fn leave_lane(&mut self, worker: WorkerId) {
        if let Some(lanes) = &mut self.lanes
            && let Some(lane) = lanes.close(worker, NotRunReason::Retired)
        {
            self.empty_lane(lane, NotRunReason::Retired);
        }
    }

    /// Takes everything back that the worker has not claimed. The rest of an atom that it has begun stays in its hands,
    /// and is not leased to it any more.
    fn take_back(&mut self, worker: WorkerId) {
        // From the back, as serial pieces go to the front of their queue and the worker claims from the front.
        for index in (0..self.slots[worker.index()].holding.pieces().len()).rev() {
            let piece = self.slots[worker.index()].holding.pieces()[index];
            let mut leased = piece.leased().positions().rev();
            let claimed = leased.find(|&position| !self.claims.revoke(self.plan.item(position), worker));
            let mut at = piece.start;
            if let Some(claimed) = claimed {
                at = self.plan.atom_end(claimed).min(piece.end);
                for position in claimed + 1..at.min(piece.leased_end) {
                    let requeued = self.ledger.requeue(self.plan.item(position), worker);
                    debug_assert_eq!(requeued, Ok(()));
                }
                self.slots[worker.index()].holding.unlease(index, claimed + 1);
            }
            if at < piece.end {
                let rest = self.slots[worker.index()].holding.cut(index, at);
                self.orphan(worker, rest);
            }
        }
    }

    /// A retired worker that has finished everything it had claimed gives back what it still has in hand; whether that
    /// is anything.
    pub(super) fn let_go(&mut self, worker: WorkerId) -> bool {
        let slot = &mut self.slots[worker.index()];
        if slot.state != WorkerState::Draining || slot.holding.leased() > 0 {
            return false;
        }
        let pieces = slot.holding.clear();
        let is_news = !pieces.is_empty();
        for piece in pieces.into_iter().rev() {
            self.orphan(worker, piece.all());
        }
        if self.serial_worker == Some(worker) {
            self.serial_worker = None;
        }
        is_news
    }

    /// Workers that have nothing to do. One that has, or will have, something to do is always left.
    #[must_use]
    pub fn superfluous(&self) -> Vec<WorkerId> {
        let stays = |slot: &Slot| !slot.state.is_leaving();
        let staying = self.slots.iter().filter(|slot| stays(slot)).count();
        self.parked.iter().copied().rev().take(staying.saturating_sub(1)).collect()
    }

    /// Why what is left when no worker is left is not run.
    pub(super) fn reason_of_exhaustion(&self) -> NotRunReason {
        // While there is something left to do, only a retired worker is told the end.
        let is_retired = |state| matches!(state, WorkerState::Draining | WorkerState::Dead(Death::Clean));
        if self.slots.iter().any(|slot| is_retired(slot.state) && !slot.relieved) {
            NotRunReason::Retired
        } else {
            NotRunReason::WorkersExhausted
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::claims::TableClaims;
    use crate::ledger::{End, ItemState};
    use crate::model::{Item, ItemId, Membership};
    use crate::plan::{Order, Plan};
    use crate::scheduler::{Decision, Limits};

    const LEAVING: WorkerId = WorkerId(0);
    const STAYING: WorkerId = WorkerId(1);

    fn item(group: u32, atom: u32, serial: bool) -> Item {
        let (membership, shares_fixtures, estimate) = (Membership::Neighbours, false, None);
        Item { group, atom, membership, serial, shares_fixtures, estimate, price: None, wide: None }
    }

    /// The items run in the order in which they are given.
    fn scheduler(plan: Plan, workers: u32) -> (Scheduler<Arc<TableClaims>>, Arc<TableClaims>) {
        let claims = Arc::new(TableClaims::new(plan.len()));
        (Scheduler::new(plan, workers, Arc::clone(&claims), Limits::default()), claims)
    }

    fn end(worker: WorkerId) -> Action {
        Action::End { worker }
    }

    fn lease(worker: WorkerId, items: std::ops::Range<u32>) -> Action {
        Action::Lease { worker, items: items.map(ItemId).collect() }
    }

    #[test]
    fn what_is_not_claimed_goes_to_a_waiting_worker() {
        // One atom, so that the other has nothing to steal.
        let plan = Plan::new((0..3).map(|_| item(0, 0, false)).collect::<Vec<_>>(), Order::Collected);
        let (mut scheduler, claims) = scheduler(plan, 2);
        scheduler.ready(LEAVING);
        scheduler.ready(STAYING);
        assert_eq!(scheduler.retire(LEAVING), [end(LEAVING), lease(STAYING, 0..3)]);
        assert!(!claims.claim(ItemId(0), LEAVING));
    }

    #[test]
    fn what_belongs_to_the_running_item_waits_for_its_end() {
        let atoms = [0, 0, 0, 1];
        let plan = Plan::new(atoms.map(|atom| item(0, atom, false)), Order::Collected);
        let (mut scheduler, claims) = scheduler(plan, 2);
        scheduler.ready(LEAVING);
        assert!(claims.claim(ItemId(0), LEAVING));
        assert_eq!(scheduler.retire(LEAVING), [end(LEAVING)]);
        assert!(!claims.claim(ItemId(1), LEAVING));
        assert_eq!(scheduler.outstanding(LEAVING), [ItemId(0)]);
        assert_eq!(scheduler.ready(STAYING), [lease(STAYING, 3..4)]);
        assert!(claims.claim(ItemId(3), STAYING));
        let park = Action::Park { worker: STAYING, keep: None };
        assert_eq!(scheduler.starved(STAYING), [park]);
        assert_eq!(scheduler.finished(LEAVING, ItemId(0), 2.0), Ok(vec![lease(STAYING, 1..3)]));
    }

    #[test]
    fn serial_items_wait_for_the_one_that_a_retired_worker_runs() {
        let plan = Plan::new([item(0, 0, true), item(1, 1, true)], Order::Collected);
        let (mut scheduler, claims) = scheduler(plan, 2);
        scheduler.ready(LEAVING);
        assert!(claims.claim(ItemId(0), LEAVING));
        scheduler.ready(STAYING);
        assert_eq!(scheduler.retire(LEAVING), [end(LEAVING)]);
        assert_eq!(scheduler.finished(LEAVING, ItemId(0), 2.0), Ok(vec![lease(STAYING, 1..2)]));
    }

    #[test]
    fn a_worker_that_is_not_ready_is_told_when_it_is() {
        let plan = Plan::new([item(0, 0, false)], Order::Collected);
        let (mut scheduler, _) = scheduler(plan, 2);
        assert_eq!(scheduler.retire(LEAVING), []);
        assert_eq!(scheduler.ready(LEAVING), [end(LEAVING)]);
        assert_eq!(scheduler.ready(STAYING), [lease(STAYING, 0..1)]);
    }

    #[test]
    fn a_worker_that_is_leaving_or_gone_is_left_alone_and_not_replaced() {
        let plan = Plan::new([item(0, 0, false)], Order::Collected);
        let (mut scheduler, _) = scheduler(plan, 1);
        scheduler.ready(LEAVING);
        assert_eq!(scheduler.retire(LEAVING), [end(LEAVING)]);
        assert_eq!(scheduler.retire(LEAVING), []);
        scheduler.dead(LEAVING, None);
        assert_eq!(scheduler.retire(LEAVING), []);
        assert!(!scheduler.is_worth_replacing(LEAVING));
        assert_eq!(scheduler.exhausted(), []);
        assert_eq!(scheduler.ledger().state(ItemId(0)), ItemState::Done(End::NotRun(NotRunReason::Retired)));
    }

    #[test]
    fn the_rest_of_its_lane_is_not_run() {
        let plan = Plan::each([item(0, 0, false), item(0, 0, false)], Order::Collected, 2);
        let (mut scheduler, claims) = scheduler(plan, 2);
        scheduler.ready(LEAVING);
        assert!(claims.claim(ItemId(0), LEAVING));
        assert_eq!(scheduler.retire(LEAVING), [end(LEAVING)]);
        assert_eq!(scheduler.finished(LEAVING, ItemId(0), 2.0), Ok(Vec::new()));
        assert_eq!(scheduler.ledger().state(ItemId(1)), ItemState::Done(End::NotRun(NotRunReason::Retired)));
        assert_eq!(scheduler.ready(STAYING), [lease(STAYING, 2..4)]);
    }

    #[test]
    fn what_a_retired_worker_died_in_is_not_left_over_in_its_lane() {
        let plan = Plan::each([item(0, 0, false)], Order::Collected, 2);
        let (mut scheduler, claims) = scheduler(plan, 2);
        scheduler.ready(LEAVING);
        assert!(claims.claim(ItemId(0), LEAVING));
        scheduler.retire(LEAVING);
        scheduler.dead(LEAVING, Some(ItemId(0)));
        scheduler.decide(ItemId(0), Decision::Again);
        assert_eq!(scheduler.ledger().state(ItemId(0)), ItemState::Done(End::NotRun(NotRunReason::Retired)));
    }
}

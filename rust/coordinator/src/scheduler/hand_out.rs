//! Who gets the next lease, who waits, and who is told the end.

use super::{Action, Scheduler};
use crate::claims::Claims;
use crate::ledger::ItemState;
use crate::model::{ItemId, WorkerId};
use crate::plan::Span;
use crate::worker_state::WorkerState;

impl<C: Claims> Scheduler<C> {
    /// Gives a waiting worker its one answer.
    pub(super) fn answer(&mut self, worker: WorkerId) -> Vec<Action> {
        let mut actions = Vec::new();
        let is_retired = match self.slot(worker).state {
            WorkerState::Starting | WorkerState::Idle | WorkerState::Running => false,
            WorkerState::Draining => true,
            WorkerState::Dead(_) => return actions,
        };
        let begun = self.expensive_begun;
        if is_retired || self.ledger.is_done() {
            self.end(worker, &mut actions);
        } else if !self.lease_again(worker, &mut actions) && !self.hand_out(worker, &mut actions) {
            self.park(worker, &mut actions);
        }
        if self.expensive_begun > begun {
            // What was not worth taking as a whole can be split now.
            self.wake(&mut actions);
        }
        actions
    }

    /// A lease may have crossed the worker's question; repeating it is harmless, as each item is claimed once.
    fn lease_again(&mut self, worker: WorkerId, actions: &mut Vec<Action>) -> bool {
        let holding = &self.slots[worker.index()].holding;
        let unclaimed: Vec<u32> = holding
            .leased_positions()
            .filter(|&position| !self.claims.is_claimed(self.plan.item(position)))
            .collect();
        let Some(&first) = unclaimed.first() else {
            return false;
        };
        if !self.has_moved_on(worker) {
            self.slot(worker).promised = Some(first);
        }
        let items = unclaimed.into_iter().map(|position| self.plan.item(position)).collect();
        actions.push(Action::Lease { worker, items });
        true
    }

    /// A lease has crossed the worker's question and the worker has claimed from it: it no longer waits.
    ///
    /// Whoever asks has begun at most one item that is not finished (it is inside the teardown of that one).
    fn has_moved_on(&self, worker: WorkerId) -> bool {
        let leased = self.slots[worker.index()].holding.leased_positions();
        leased.filter(|&position| self.claims.is_claimed(self.plan.item(position))).nth(1).is_some()
    }

    /// Finds work for a worker that has none and leases it; `false` when there is none.
    pub(super) fn hand_out(&mut self, worker: WorkerId, actions: &mut Vec<Action>) -> bool {
        let slot = &self.slots[worker.index()];
        let Ok(running) = slot.state.lease() else {
            return false;
        };
        if !self.acquire(worker, actions) {
            return false;
        }
        let items = self.fill_window(worker, 1);
        let promised = items.first().filter(|_| !self.has_moved_on(worker));
        let promised = promised.map(|&item| self.plan.position(item));
        let slot = self.slot(worker);
        slot.state = running;
        slot.promised = promised;
        self.parked.remove(&worker);
        actions.push(Action::Lease { worker, items });
        true
    }

    /// Leases more to a running worker that has little left.
    pub(super) fn top_up(&mut self, worker: WorkerId, actions: &mut Vec<Action>) {
        let slot = &self.slots[worker.index()];
        if slot.state == WorkerState::Running && slot.pace.wants_more(slot.holding.leased()) {
            let items = self.fill_window(worker, 0);
            if !items.is_empty() {
                actions.push(Action::Lease { worker, items });
            }
        }
    }

    /// Leases items of the worker's own until its window is full, but at least so many.
    fn fill_window(&mut self, worker: WorkerId, least: usize) -> Vec<ItemId> {
        let mut items = Vec::new();
        let window = self.slots[worker.index()].pace.window();
        while self.slots[worker.index()].holding.leased() < window || items.len() < least {
            if !self.slots[worker.index()].holding.has_unleased() && !self.take_own(worker) {
                break;
            }
            let Some(position) = self.slots[worker.index()].holding.lease_next() else {
                break;
            };
            let item = self.plan.item(position);
            debug_assert_eq!(self.ledger.state(item), ItemState::Queued);
            if self.ledger.lease(item, worker).is_ok() {
                self.claims.lease(item, worker);
                items.push(item);
            }
        }
        items
    }

    /// The next group of the worker's own deque, or of the serial ones if it is the one to run them.
    pub(super) fn take_own(&mut self, worker: WorkerId) -> bool {
        let deque = match &self.lanes {
            Some(lanes) => lanes.of(worker),
            None => Some(worker),
        };
        let own = deque.and_then(|deque| self.deques.pop(deque)).or_else(|| self.next_serial(worker));
        if let Some(group) = own {
            self.take_on(worker, group);
        }
        own.is_some()
    }

    /// Puts a group, or a part of one, into a worker's hands.
    pub(super) fn take_on(&mut self, worker: WorkerId, span: Span) {
        self.expensive_begun += u64::from(self.plan.most_expensive(span.start).is_some());
        let slot = &mut self.slots[worker.index()];
        slot.holding.take_on(span);
        let wide = self.plan.wide(span.start);
        // Those of a package that it leaves are torn down.
        slot.set_up.retain(|number| !self.plan.fixture(*number).of_package || wide.contains(number));
        slot.set_up.extend(wide);
    }

    /// Serial items wait until everything else is done, and are then given to one worker at a time.
    fn next_serial(&mut self, worker: WorkerId) -> Option<Span> {
        if !self.may_run_serial(worker) {
            return None;
        }
        let group = self.serial.pop_front()?;
        self.serial_worker = Some(worker);
        Some(group)
    }

    /// When the last of the others is done, the first of the waiting workers gets the serial items.
    pub(super) fn begin_serial(&mut self, actions: &mut Vec<Action>) {
        if self.parallel_left == 0 && self.serial_worker.is_none() && !self.serial.is_empty() {
            self.wake(actions);
        }
    }

    fn may_run_serial(&self, worker: WorkerId) -> bool {
        let nobody_else =
            |holder: WorkerId| holder == worker || self.slots[holder.index()].holding.is_empty();
        self.parallel_left == 0 && self.serial_worker.is_none_or(nobody_else)
    }

    fn park(&mut self, worker: WorkerId, actions: &mut Vec<Action>) {
        let Ok(idle) = self.slots[worker.index()].state.park() else {
            return;
        };
        if !self.has_moved_on(worker) {
            self.slot(worker).state = idle;
            self.parked.insert(worker);
        }
        // Once another worker runs the serial items, this one gets them only if that one dies.
        let keep = self.serial.front().filter(|_| self.parallel_left > 0);
        let keep = keep.map(|group| self.plan.item(group.start));
        if keep.is_none() {
            // It tears down everything.
            let slot = self.slot(worker);
            slot.set_up.clear();
            slot.at_home = None;
        }
        actions.push(Action::Park { worker, keep });
    }

    pub(super) fn end(&mut self, worker: WorkerId, actions: &mut Vec<Action>) {
        if let Ok(draining) = self.slots[worker.index()].state.end() {
            self.slot(worker).state = draining;
            self.parked.remove(&worker);
            actions.push(Action::End { worker });
        }
    }

    /// What comes when there is nothing left to be handed out: the items that run alone, then the end.
    pub(super) fn conclude(&mut self, actions: &mut Vec<Action>) {
        self.begin_alone(actions);
        if self.ledger.is_done() {
            while let Some(&worker) = self.parked.first() {
                self.end(worker, actions);
            }
        }
    }

    /// Work that is new to the parked workers has appeared: each takes some until nothing is left to take.
    pub(super) fn wake(&mut self, actions: &mut Vec<Action>) {
        self.conclude(actions);
        if self.lanes.is_some() || self.plan.has_wide() {
            // What has come back is for one of them, if for any; and what is not worth it for one may be for another.
            for worker in self.parked.clone() {
                self.hand_out(worker, actions);
            }
            return;
        }
        while let Some(&worker) = self.parked.first()
            && self.hand_out(worker, actions)
        {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::claims::TableClaims;
    use crate::model::{Item, Membership};
    use crate::plan::{Order, Plan};
    use crate::scheduler::{Decision, Limits};

    const WORKER: WorkerId = WorkerId(0);
    const OTHER: WorkerId = WorkerId(1);

    fn item(group: u32, atom: u32, serial: bool) -> Item {
        let (membership, shares_fixtures, estimate) = (Membership::Neighbours, false, None);
        Item { group, atom, membership, serial, shares_fixtures, estimate, price: None, wide: None }
    }

    fn scheduler(items: Vec<Item>, workers: u32) -> (Scheduler<Arc<TableClaims>>, Arc<TableClaims>) {
        let claims = Arc::new(TableClaims::new(items.len()));
        let plan = Plan::new(items, Order::Collected);
        (Scheduler::new(plan, workers, Arc::clone(&claims), Limits::default()), claims)
    }

    #[test]
    fn a_running_worker_gets_more_before_it_has_to_ask() {
        let (mut scheduler, claims) = scheduler((0..100).map(|atom| item(0, atom, false)).collect(), 1);
        let first = Action::Lease { worker: WORKER, items: (0..4).map(ItemId).collect() };
        assert_eq!(scheduler.ready(WORKER), [first]);
        for number in 0..2 {
            assert!(claims.claim(ItemId(number), WORKER));
        }
        let actions = scheduler.finished(WORKER, ItemId(0), 0.001).expect("its worker holds it");
        assert!(
            matches!(&actions[..], [Action::Lease { items, .. }] if items.first() == Some(&ItemId(4))),
            "{actions:?}"
        );
    }

    #[test]
    fn a_worker_waits_with_the_parents_of_the_first_serial_item() {
        let (mut scheduler, claims) = scheduler(vec![item(0, 0, false), item(0, 1, true)], 2);
        scheduler.ready(WORKER);
        assert!(claims.claim(ItemId(0), WORKER));
        let park = Action::Park { worker: OTHER, keep: Some(ItemId(1)) };
        assert_eq!(scheduler.ready(OTHER), [park]);
    }

    #[test]
    fn a_worker_that_is_gone_can_begin_nothing_that_it_was_leased() {
        let (mut scheduler, claims) = scheduler((0..4).map(|atom| item(0, atom, false)).collect(), 1);
        scheduler.ready(WORKER);
        assert!(claims.claim(ItemId(0), WORKER));
        scheduler.dead(WORKER, Some(ItemId(0)));
        assert!(!claims.claim(ItemId(1), WORKER), "it may only be cut off");
    }

    #[test]
    fn what_comes_back_to_a_lane_goes_to_the_worker_that_waits_in_it() {
        let plan = Plan::each([item(0, 0, false)], Order::Collected, 2);
        let claims = Arc::new(TableClaims::new(plan.len()));
        let mut scheduler = Scheduler::new(plan, 2, Arc::clone(&claims), Limits::default());
        for worker in [WORKER, OTHER] {
            scheduler.ready(worker);
            assert!(claims.claim(ItemId(worker.0), worker));
        }
        scheduler.dead(WORKER, Some(ItemId(0)));
        scheduler.dead(OTHER, Some(ItemId(1)));
        // The lane that has been vacant longest is that of the first to die, about which nobody has decided yet.
        scheduler.decide(ItemId(1), Decision::Again);
        assert!(scheduler.is_worth_replacing(OTHER));
        let replacement = WorkerId(2);
        assert_eq!(scheduler.ready(replacement), [Action::Park { worker: replacement, keep: None }]);
        let lease = Action::Lease { worker: replacement, items: vec![ItemId(0)] };
        assert_eq!(scheduler.decide(ItemId(0), Decision::Again), [lease]);
    }
}

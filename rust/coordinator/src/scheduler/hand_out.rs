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
        match self.slot(worker).state {
            WorkerState::Starting | WorkerState::Idle | WorkerState::Running | WorkerState::Draining => {}
            WorkerState::Dead(_) => return actions,
        }
        if self.ledger.is_done() {
            self.end(worker, &mut actions);
        } else if !self.lease_again(worker, &mut actions) && !self.hand_out(worker, &mut actions) {
            self.park(worker, &mut actions);
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
        let now = self.now;
        let slot = &self.slots[worker.index()];
        let Ok(running) = slot.state.lease() else {
            return false;
        };
        let was_waiting = slot.state != running;
        if !self.acquire(worker, actions) {
            return false;
        }
        let items = self.fill_window(worker, 1);
        let promised = items.first().filter(|_| !self.has_moved_on(worker));
        let promised = promised.map(|&item| self.plan.position(item));
        let slot = self.slot(worker);
        slot.state = running;
        slot.promised = promised;
        if was_waiting {
            slot.pace.begin(now);
        }
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
        let own = self.deques.pop(worker).or_else(|| self.next_serial(worker));
        if let Some(group) = own {
            self.slots[worker.index()].holding.take_on(group);
        }
        own.is_some()
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
        actions.push(Action::Park { worker, keep });
    }

    fn end(&mut self, worker: WorkerId, actions: &mut Vec<Action>) {
        if let Ok(draining) = self.slots[worker.index()].state.end() {
            self.slot(worker).state = draining;
            self.parked.remove(&worker);
            actions.push(Action::End { worker });
        }
    }

    pub(super) fn end_parked_if_done(&mut self, actions: &mut Vec<Action>) {
        if self.ledger.is_done() {
            while let Some(&worker) = self.parked.first() {
                self.end(worker, actions);
            }
        }
    }

    /// Work that is new to the parked workers has appeared: each takes some until nothing is left to take.
    pub(super) fn wake(&mut self, actions: &mut Vec<Action>) {
        self.end_parked_if_done(actions);
        while let Some(&worker) = self.parked.first()
            && self.hand_out(worker, actions)
        {}
    }
}

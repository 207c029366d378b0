//! Decides who runs what, when: a state machine without clocks, threads, sockets or processes.
//!
//! Events go in as method calls, decisions come out as [`Action`]s that the caller carries out in their order. Work
//! is in one of four places: the deque of a worker (groups nobody has begun), the orphans (what dead workers left
//! behind), the list of serial groups, or in the hands of a worker. What is in hand and not claimed can still be
//! stolen, so no item waits behind a running one while another worker is idle.

mod alone;
mod deal;
mod give_back;
mod hand_out;
mod lanes;
mod retire;
mod split;
mod steal;

use std::collections::{BTreeSet, VecDeque};

use thiserror::Error;

use crate::claims::Claims;
use crate::deque::Deques;
use crate::holding::Holding;
use crate::ledger::{End, ItemState, Ledger, LedgerError, NotRunReason};
use crate::model::{ItemId, WorkerId};
use crate::pace::Pace;
use crate::plan::{Plan, Span};
use crate::record::Theft;
use crate::worker_state::{Death, WorkerState};
use alone::Alone;
use deal::deal;
use lanes::Lanes;
pub use steal::Thefts;

/// What the caller has to tell a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// These items are its to claim, behind those it was leased before. It may know some of them already.
    Lease {
        /// Whom to tell.
        worker: WorkerId,
        /// The items, in the order in which to run them.
        items: Vec<ItemId>,
    },
    /// Nothing for now: a lease or the end comes later.
    Park {
        /// Whom to tell.
        worker: WorkerId,
        /// An item it may get later, whose parent chain it should keep set up; without one it tears down everything.
        keep: Option<ItemId>,
    },
    /// Nothing more will come.
    End {
        /// Whom to tell.
        worker: WorkerId,
    },
    /// A fresh worker is wanted in which this item runs alone: see [`Scheduler::confirm`].
    Confirm {
        /// The item, in which a worker has died.
        item: ItemId,
    },
}

/// What becomes of an item that a worker died in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It has crashed for good.
    Crashed,
    /// It runs again, where and when there is room.
    Again,
    /// It runs again, alone in a fresh worker, when nothing else is left to do.
    Alone,
}

/// When a run ends early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Failing reports after which the run stops; `None`: never.
    pub max_failures: Option<u32>,
}

/// An event that contradicts what the scheduler knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SchedulerError {
    /// The item is not in the hands of that worker.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What the scheduler knows about one worker.
#[derive(Clone, Debug)]
struct Slot {
    state: WorkerState,
    holding: Holding,
    pace: Pace,
    /// Where the lease starts that it was given when it had nothing to do. Until it has claimed that item, the item is
    /// not stolen: two idle workers would steal it from each other forever.
    promised: Option<u32>,
    /// Wide fixtures that it has set up, or will have with what it holds.
    set_up: BTreeSet<u32>,
    /// It leaves for somebody else to take its place.
    relieved: bool,
    /// Where the group starts whose shared fixtures it has set up: that of the last item it has finished.
    at_home: Option<u32>,
}

/// Decides who runs what. See the [module documentation](self).
pub struct Scheduler<C: Claims> {
    plan: Plan,
    claims: C,
    limits: Limits,
    ledger: Ledger,
    deques: Deques,
    lanes: Option<Lanes>,
    slots: Vec<Slot>,
    parked: BTreeSet<WorkerId>,
    serial: VecDeque<Span>,
    serial_worker: Option<WorkerId>,
    /// Items that are neither serial nor done; serial ones have to wait for them.
    parallel_left: u32,
    /// Where an atom was cut in two because its worker died. Its rest counts as an atom of its own.
    cuts: BTreeSet<u32>,
    /// What dead workers ran, and nobody has decided about yet. To the ledger it is still theirs.
    undecided: Vec<(ItemId, WorkerId)>,
    alone: Alone,
    /// Items that are or were to run alone. Nobody waits for them.
    apart: BTreeSet<ItemId>,
    failures: u32,
    stopping: Option<NotRunReason>,
    thefts: Thefts,
    /// Those that nobody has asked for yet.
    new_thefts: Vec<Theft>,
    /// Seconds that items have taken in this run, and what they weighed.
    taken: (f64, f64),
    /// The unit of weight in seconds when it was last decided again who waits.
    decided_with: f64,
    /// How many groups that use expensive wide fixtures workers have begun.
    expensive_begun: u64,
}

impl<C: Claims> Scheduler<C> {
    /// Deals the groups of the plan to `workers` deques, each to the one that would be done with it soonest.
    pub fn new(plan: Plan, workers: u32, claims: C, limits: Limits) -> Self {
        let serial: VecDeque<Span> = plan.serial_groups().iter().copied().collect();
        let serial_items: u32 = serial.iter().map(|group| group.end - group.start).sum();
        Self {
            claims,
            limits,
            ledger: Ledger::new(plan.end()),
            deques: deal(&plan, workers),
            lanes: plan.has_lanes().then(|| Lanes::new(workers)),
            slots: Vec::new(),
            parked: BTreeSet::new(),
            serial,
            serial_worker: None,
            parallel_left: plan.end() - serial_items,
            cuts: BTreeSet::new(),
            undecided: Vec::new(),
            alone: Alone::default(),
            apart: BTreeSet::new(),
            failures: 0,
            stopping: None,
            thefts: Thefts::default(),
            new_thefts: Vec::new(),
            taken: (0.0, 0.0),
            decided_with: 0.0,
            expensive_begun: 0,
            plan,
        }
    }

    /// The worker can run tests now: one of the first, or a replacement with a new number.
    pub fn ready(&mut self, worker: WorkerId) -> Vec<Action> {
        if let Some(actions) = self.run_alone(worker) {
            return actions;
        }
        if let Some(lanes) = &mut self.lanes {
            lanes.enter(worker);
        }
        let slot = self.slot(worker);
        if slot.state == WorkerState::Draining && !slot.relieved {
            self.leave_lane(worker);
        }
        self.answer(worker)
    }

    /// The worker can claim nothing and waits, possibly inside the teardown of an item that is not finished yet.
    ///
    /// There is exactly one answer for that worker (unless it is dead); there may be leases for others.
    pub fn starved(&mut self, worker: WorkerId) -> Vec<Action> {
        self.answer(worker)
    }

    /// Failing reports have arrived. `true` exactly once: when they reach the limit.
    pub fn failed(&mut self, failures: u32) -> bool {
        let before = self.failures;
        self.failures = before.saturating_add(failures);
        let reached = |failures| self.limits.max_failures.is_some_and(|limit| failures >= limit.max(1));
        !reached(before) && reached(self.failures)
    }

    /// Every report of the item has arrived; `seconds` is how long it took, without fixtures that others use too.
    ///
    /// # Errors
    /// When that worker does not hold the item; nothing is changed then.
    pub fn finished(
        &mut self,
        worker: WorkerId,
        item: ItemId,
        seconds: f64,
    ) -> Result<Vec<Action>, SchedulerError> {
        self.take_from(worker, item)?;
        self.close(item, End::Reported);
        let position = self.plan.position(item);
        self.taken.0 += seconds;
        self.taken.1 += self.plan.weight(Span { start: position, end: position + 1 });
        let home = self.plan.group_start(position);
        let slot = self.slot(worker);
        slot.pace.finished(seconds);
        slot.at_home = Some(home);
        let mut actions = Vec::new();
        let begun = self.expensive_begun;
        self.top_up(worker, &mut actions);
        if self.expensive_begun > begun || self.thinks_again() {
            self.wake(&mut actions);
        }
        if self.let_go(worker) {
            self.wake(&mut actions);
        }
        self.end_alone(worker);
        self.conclude(&mut actions);
        self.begin_serial(&mut actions);
        Ok(actions)
    }

    /// A worker has set up the wide fixture of this name.
    pub fn measured(&mut self, fixture: &str, seconds: f64) {
        self.plan.measured(fixture, seconds);
    }

    /// A running item was interrupted. An item that the worker does not hold (any more) is none of its business.
    pub fn interrupted(&mut self, worker: WorkerId, item: ItemId) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.take_from(worker, item).is_ok() {
            self.close(item, End::NotRun(NotRunReason::Interrupted));
            self.let_go(worker);
            self.wake(&mut actions);
        }
        actions
    }

    /// The worker had claimed the item and gives it back unstarted, because it saw the stop flag. An item that the
    /// worker does not hold (any more) is none of its business.
    pub fn released(&mut self, worker: WorkerId, item: ItemId) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.take_from(worker, item).is_ok() {
            let position = self.plan.position(item);
            self.orphan(worker, Span { start: position, end: position + 1 });
            self.let_go(worker);
            self.wake(&mut actions);
        }
        actions
    }

    /// The worker is gone. `running` is what it had begun and not finished: that item is to blame, and waits for
    /// [`Scheduler::decide`]. Everything else goes back.
    pub fn dead(&mut self, worker: WorkerId, running: Option<ItemId>) -> Vec<Action> {
        let slot = self.slot(worker);
        let Ok(dead) = slot.state.die() else {
            return Vec::new();
        };
        slot.state = dead;
        slot.promised = None;
        self.parked.remove(&worker);
        if let Some(lanes) = &mut self.lanes {
            lanes.leave(worker);
        }
        let was_alone = self.end_alone(worker);
        if let Some(item) = running
            && self.take_from(worker, item).is_ok()
        {
            self.undecided.push((item, worker));
        }
        // From the back, as serial pieces go to the front of their queue.
        for piece in self.slot(worker).holding.clear().into_iter().rev() {
            for position in piece.leased().positions() {
                // It may only be cut off, and must not begin what others will be given.
                self.claims.revoke(self.plan.item(position), worker);
            }
            if was_alone {
                self.drop_span(piece.all(), NotRunReason::NoFreshWorker);
            } else {
                self.orphan(worker, piece.all());
            }
        }
        if self.serial_worker == Some(worker) {
            self.serial_worker = None;
        }
        let mut actions = Vec::new();
        self.wake(&mut actions);
        actions
    }

    /// What becomes of an item that a worker died in.
    pub fn decide(&mut self, item: ItemId, decision: Decision) -> Vec<Action> {
        let mut actions = Vec::new();
        let Some(place) = self.undecided.iter().position(|(undecided, _)| *undecided == item) else {
            return actions;
        };
        let (_, worker) = self.undecided.swap_remove(place);
        match decision {
            Decision::Crashed => self.close(item, End::Crashed(worker)),
            Decision::Again => {
                let position = self.plan.position(item);
                self.orphan(worker, Span { start: position, end: position + 1 });
            }
            Decision::Alone => self.set_apart(item, worker),
        }
        self.wake(&mut actions);
        self.begin_serial(&mut actions);
        actions
    }

    /// The worker that died in this item, about which nothing is decided yet.
    #[must_use]
    pub fn blamed(&self, item: ItemId) -> Option<WorkerId> {
        self.undecided.iter().find(|(undecided, _)| *undecided == item).map(|(_, worker)| *worker)
    }

    /// Something that a worker died in waits for a decision.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        !self.undecided.is_empty()
    }

    /// Leases no item from now on and takes back what is not claimed. Claimed items may still finish.
    pub fn stop(&mut self, reason: NotRunReason) -> Vec<Action> {
        self.stopping = Some(reason);
        for number in 0..self.slots.len() {
            let pieces = self.slots[number].holding.clear();
            let worker = WorkerId(u32::try_from(number).unwrap_or(u32::MAX));
            for position in pieces.into_iter().flat_map(|piece| piece.leased().positions()) {
                self.revoke_or_leave(worker, position, reason);
            }
        }
        self.clear_alone();
        self.drop_all(reason, |state| matches!(state, ItemState::Queued));
        let mut actions = Vec::new();
        self.conclude(&mut actions);
        actions
    }

    /// No worker is left and none will come: what is not done will not be, but for what runs alone.
    pub fn exhausted(&mut self) -> Vec<Action> {
        for slot in &mut self.slots {
            slot.holding.clear();
        }
        let reason = self.reason_of_exhaustion();
        self.abandon_alone();
        self.drop_all(reason, |_| true);
        let mut actions = Vec::new();
        self.conclude(&mut actions);
        actions
    }

    /// Every item has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.ledger.is_done()
    }

    /// The dead worker was not to leave, and there are items that another could be given.
    #[must_use]
    pub fn is_worth_replacing(&self, dead: WorkerId) -> bool {
        let is_relieved = self.slots.get(dead.index()).is_some_and(|slot| slot.relieved);
        if self.worker_state(dead) == WorkerState::Dead(Death::Clean) && !is_relieved {
            return false;
        }
        match &self.lanes {
            Some(lanes) => lanes.vacant().any(|lane| !self.deques.is_empty(lane)),
            None => self.ledger.counts().queued as usize > self.alone.waiting(),
        }
    }

    /// After a death: nobody takes the place of this worker. What only it could do will not be done.
    pub fn not_replaced(&mut self, dead: WorkerId) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(lane) = self.lanes.as_mut().and_then(|lanes| lanes.abandon(dead)) {
            self.empty_lane(lane, NotRunReason::WorkersExhausted);
            self.conclude(&mut actions);
        }
        actions
    }

    /// What became of every item.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What is run in which order.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The items the worker was leased and has not finished, in the order of its leases.
    #[must_use]
    pub fn outstanding(&self, worker: WorkerId) -> Vec<ItemId> {
        let slot = self.slots.get(worker.index());
        slot.map_or_else(Vec::new, |slot| {
            slot.holding.leased_positions().map(|position| self.plan.item(position)).collect()
        })
    }

    /// What the worker is doing.
    #[must_use]
    pub fn worker_state(&self, worker: WorkerId) -> WorkerState {
        self.slots.get(worker.index()).map_or(WorkerState::Starting, |slot| slot.state)
    }

    /// The thefts since this was asked last.
    pub fn new_thefts(&mut self) -> Vec<Theft> {
        std::mem::take(&mut self.new_thefts)
    }

    /// How often work has changed hands.
    #[must_use]
    pub fn thefts(&self) -> Thefts {
        self.thefts
    }

    fn slot(&mut self, worker: WorkerId) -> &mut Slot {
        if worker.index() >= self.slots.len() {
            self.slots.resize_with(worker.index() + 1, Slot::new);
        }
        &mut self.slots[worker.index()]
    }
}

impl Slot {
    fn new() -> Self {
        let (state, holding, pace) = (WorkerState::Starting, Holding::default(), Pace::new());
        Self { state, holding, pace, promised: None, set_up: BTreeSet::new(), relieved: false, at_home: None }
    }
}

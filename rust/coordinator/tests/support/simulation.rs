//! Simulated workers around the real scheduler, in virtual time: shared by the property tests and the simulator.
//!
//! A simulated worker does what a real one does: it has a local queue, claims an item right before it commits to it,
//! claims the next one before the teardown of the current one, and asks when it can claim nothing. Every message
//! takes `latency`, so leases cross questions and thefts race with claims.

#![allow(dead_code, reason = "the simulator looks at less than the tests do")]

mod timeline;
mod workers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use coordinator::claims::TableClaims;
use coordinator::ledger::NotRunReason;
use coordinator::model::{Collection, ItemId, WorkerId};
use coordinator::plan::{Order, Plan};
use coordinator::record::Theft;
use coordinator::scheduler::{Action, Decision, Limits, Scheduler};
use coordinator::worker_state::WorkerState;
use timeline::Timeline;

/// What is simulated.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// What its wide fixtures take is what they are expected to take, unless `surprised`.
    pub(crate) collection: Collection,
    /// The plan is not told what fixtures take.
    pub(crate) surprised: bool,
    /// Seconds of each item, its teardown included.
    pub(crate) durations: Vec<f64>,
    /// Items that fail.
    pub(crate) failing: Vec<bool>,
    pub(crate) order: Order,
    /// When each of the first workers is ready.
    pub(crate) ready_at: Vec<f64>,
    /// When whom dies: an index into the workers alive at that time.
    pub(crate) deaths: Vec<(f64, usize)>,
    pub(crate) replacements: u32,
    /// When whom the controller wants to leave: an index into all workers.
    pub(crate) retirements: Vec<(f64, usize)>,
    /// When who leaves for another to take its place.
    pub(crate) reliefs: Vec<(f64, usize)>,
    pub(crate) max_failures: Option<u32>,
    pub(crate) stop_at: Option<(f64, NotRunReason)>,
    pub(crate) latency: f64,
    /// Every worker runs every item.
    pub(crate) each: bool,
    /// How many of the items that workers die in are run again.
    pub(crate) reruns: u32,
    /// What that means.
    pub(crate) rerun_as: Decision,
}

/// Part of an item's duration that is teardown, during which the next item is claimed already.
const TEARDOWN: f64 = 0.2;

/// Seconds between two looks of the coordinator at what workers have left for it.
const LOOK: f64 = 0.01;

/// How long a replacement takes until it is ready.
const RESTART: f64 = 0.05;

/// From worker to coordinator.
#[derive(Clone, Copy, Debug)]
enum Upward {
    Ready,
    Finished(ItemId),
    Starved,
    Released(ItemId),
    Interrupted(ItemId),
    Gone { running: Option<ItemId> },
}

/// Things that happen at a point in time.
#[derive(Debug)]
enum Event {
    Upward(WorkerId, Upward),
    /// The coordinator looks at what the worker has left for it.
    Look(WorkerId),
    Downward(WorkerId, Action),
    CallDone(WorkerId),
    TeardownDone(WorkerId),
    Death(usize),
    Retirement(usize),
    Relief(usize),
    Stop(NotRunReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Starting,
    /// Has asked, or was parked.
    Waiting {
        in_teardown_of: Option<ItemId>,
    },
    Calling(ItemId),
    TearingDown {
        item: ItemId,
        next: Option<ItemId>,
    },
    Gone,
}

#[derive(Debug)]
pub(crate) struct SimulatedWorker {
    pub(crate) phase: Phase,
    queue: VecDeque<ItemId>,
    told_the_end: bool,
    /// Items that it has finished without a message, each behind so many messages.
    left: VecDeque<(u32, ItemId)>,
    sent: u32,
    received: u32,
    /// Wide fixtures that it has set up.
    set_up: BTreeSet<u32>,
}

/// One execution of an item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Execution {
    pub(crate) item: ItemId,
    pub(crate) worker: WorkerId,
    pub(crate) begin: f64,
    /// `None`: it was interrupted, or its worker died.
    pub(crate) end: Option<f64>,
}

pub(crate) struct Simulation {
    pub(crate) scheduler: Scheduler<Arc<TableClaims>>,
    pub(crate) claims: Arc<TableClaims>,
    pub(crate) workers: Vec<SimulatedWorker>,
    pub(crate) executions: Vec<Execution>,
    pub(crate) now: f64,
    /// When the stop flag was raised.
    pub(crate) stopped_at: Option<f64>,
    /// Failing reports that have arrived.
    pub(crate) failures: u32,
    /// How often the scheduler has said that the limit of failures is reached.
    pub(crate) limit_reached: u32,
    pub(crate) died: u32,
    /// Who was retired, and when.
    pub(crate) retired: BTreeMap<WorkerId, f64>,
    /// Leases, parks, ends and questions; reports not counted.
    pub(crate) messages: u64,
    pub(crate) events: u64,
    /// What has changed hands, in the order of time.
    pub(crate) thefts: Vec<Theft>,
    /// How often wide fixtures were set up.
    pub(crate) set_ups: u64,
    /// The action that comes last for a waiting worker.
    pub(crate) parked: Vec<bool>,
    /// The last execution of each item.
    last_execution: Vec<Option<usize>>,
    restarts: u32,
    pub(crate) rerun: u32,
    /// Who was to leave for another.
    pub(crate) relieved: BTreeSet<WorkerId>,
    /// Who came for one item only.
    pub(crate) confirmers: BTreeSet<WorkerId>,
    timeline: Timeline<Event>,
    scenario: Scenario,
}

impl Simulation {
    pub(crate) fn new(mut scenario: Scenario) -> Self {
        let count = u32::try_from(scenario.ready_at.len()).expect("workers fit their ids");
        let plan = if scenario.each {
            let plan = Plan::each(&scenario.collection.items, scenario.order, count);
            scenario.durations = scenario.durations.repeat(count as usize);
            scenario.failing = scenario.failing.repeat(count as usize);
            plan
        } else {
            let mut told = scenario.collection.clone();
            if scenario.surprised {
                told.fixtures.each.iter_mut().for_each(|fixture| fixture.seconds = 0.0);
            }
            Plan::of(&told, scenario.order)
        };
        let claims = Arc::new(TableClaims::new(plan.len()));
        let limits = Limits { max_failures: scenario.max_failures };
        let mut simulation = Self {
            scheduler: Scheduler::new(plan, count, Arc::clone(&claims), limits),
            claims,
            workers: Vec::new(),
            executions: Vec::new(),
            now: 0.0,
            stopped_at: None,
            failures: 0,
            limit_reached: 0,
            died: 0,
            retired: BTreeMap::new(),
            messages: 0,
            events: 0,
            thefts: Vec::new(),
            set_ups: 0,
            parked: Vec::new(),
            last_execution: vec![None; scenario.durations.len()],
            restarts: 0,
            rerun: 0,
            relieved: BTreeSet::new(),
            confirmers: BTreeSet::new(),
            timeline: Timeline::new(),
            scenario,
        };
        for at in simulation.scenario.ready_at.clone() {
            simulation.start_worker(at);
        }
        for (at, whom) in simulation.scenario.deaths.clone() {
            simulation.plan(at, Event::Death(whom));
        }
        for (at, whom) in simulation.scenario.retirements.clone() {
            simulation.plan(at, Event::Retirement(whom));
        }
        for (at, whom) in simulation.scenario.reliefs.clone() {
            simulation.plan(at, Event::Relief(whom));
        }
        if let Some((at, reason)) = simulation.scenario.stop_at {
            simulation.plan(at, Event::Stop(reason));
        }
        simulation
    }

    pub(crate) fn run(&mut self) {
        while self.step() {}
    }

    /// Handles the next event; `false` when nothing will ever happen again.
    pub(crate) fn step(&mut self) -> bool {
        let Some((at, event)) = self.timeline.next() else {
            return false;
        };
        self.now = at;
        self.events += 1;
        match event {
            Event::Upward(worker, message) => {
                self.look(worker);
                self.worker(worker).received += 1;
                self.receive(worker, message);
            }
            Event::Look(worker) => {
                self.look(worker);
                if !self.worker(worker).left.is_empty() {
                    self.plan(self.now + LOOK, Event::Look(worker));
                }
            }
            Event::Downward(worker, action) => self.told(worker, action),
            Event::CallDone(worker) => self.call_done(worker),
            Event::TeardownDone(worker) => self.teardown_done(worker),
            Event::Death(whom) => self.kill(whom),
            Event::Retirement(whom) => self.retire(whom),
            Event::Relief(whom) => self.relieve(whom),
            Event::Stop(reason) => self.stop(reason),
        }
        true
    }

    fn plan(&mut self, at: f64, event: Event) {
        self.timeline.plan(at, event);
    }

    fn start_worker(&mut self, at: f64) {
        let worker = WorkerId(u32::try_from(self.workers.len()).expect("workers fit their ids"));
        let phase = Phase::Starting;
        let (queue, left, set_up) = (VecDeque::new(), VecDeque::new(), BTreeSet::new());
        // Its readiness is its first message.
        let (told_the_end, sent, received) = (false, 1, 0);
        self.workers.push(SimulatedWorker { phase, queue, told_the_end, left, sent, received, set_up });
        self.parked.push(false);
        self.plan(at, Event::Upward(worker, Upward::Ready));
    }

    /// Takes what the worker has left behind the messages that were received.
    fn look(&mut self, worker: WorkerId) {
        let received = self.worker(worker).received;
        while let Some((_, item)) = self.worker(worker).left.pop_front_if(|(behind, _)| *behind <= received) {
            self.receive(worker, Upward::Finished(item));
        }
    }

    fn receive(&mut self, worker: WorkerId, message: Upward) {
        let actions = match message {
            Upward::Ready => {
                self.worker(worker).phase = Phase::Waiting { in_teardown_of: None };
                self.scheduler.ready(worker)
            }
            Upward::Finished(item) => {
                if self.scenario.failing[item.index()] {
                    self.failures += 1;
                    if self.scheduler.failed(1) {
                        self.limit_reached += 1;
                        self.stop(NotRunReason::Stopped);
                    }
                }
                self.scheduler
                    .finished(worker, item, self.scenario.durations[item.index()])
                    .expect("its worker holds the item")
            }
            Upward::Starved => {
                self.messages += 1;
                let actions = self.scheduler.starved(worker);
                let answers = actions.iter().filter(|action| addressee(action) == Some(worker)).count();
                assert_eq!(answers, 1, "exactly one answer for {worker}: {actions:?}");
                actions
            }
            Upward::Released(item) => self.scheduler.released(worker, item),
            Upward::Interrupted(item) => self.scheduler.interrupted(worker, item),
            Upward::Gone { running } => {
                let mut actions = self.scheduler.dead(worker, running);
                if let Some(item) = running {
                    let again = self.scenario.reruns > self.rerun;
                    self.rerun += u32::from(again);
                    let decision = if again { self.scenario.rerun_as } else { Decision::Crashed };
                    actions.extend(self.scheduler.decide(item, decision));
                }
                actions
            }
        };
        self.perform(actions);
        if let Upward::Gone { .. } = message {
            self.parked[worker.index()] = false;
            self.replace(worker);
        }
    }

    fn perform(&mut self, actions: Vec<Action>) {
        self.thefts.extend(self.scheduler.new_thefts());
        for action in actions {
            self.messages += 1;
            let Some(worker) = addressee(&action) else {
                self.confirm();
                continue;
            };
            if let Action::Lease { items, .. } = &action {
                assert!(!items.is_empty(), "an empty lease for {worker}");
            }
            self.parked[worker.index()] = matches!(action, Action::Park { .. });
            self.plan(self.now + self.scenario.latency, Event::Downward(worker, action));
        }
    }

    fn replace(&mut self, dead: WorkerId) {
        let wanted = self.scheduler.is_worth_replacing(dead);
        let is_relieved = self.relieved.contains(&dead) && self.workers[dead.index()].told_the_end;
        if wanted && (is_relieved || self.restarts < self.scenario.replacements) {
            self.restarts += u32::from(!is_relieved);
            self.start_worker(self.now + RESTART);
        } else {
            let actions = self.scheduler.not_replaced(dead);
            self.perform(actions);
        }
        // A worker may be gone already without the coordinator knowing.
        let mut workers = (0..).map(WorkerId).take(self.workers.len());
        let is_dead = |worker| matches!(self.scheduler.worker_state(worker), WorkerState::Dead(_));
        if workers.all(is_dead) && !self.scheduler.is_done() {
            let actions = self.scheduler.exhausted();
            self.perform(actions);
        }
    }

    /// A fresh worker comes for an item that runs alone.
    fn confirm(&mut self) {
        let worker = WorkerId(u32::try_from(self.workers.len()).expect("workers fit their ids"));
        self.confirmers.insert(worker);
        self.scheduler.confirm(worker);
        self.start_worker(self.now + RESTART);
    }

    fn retire(&mut self, whom: usize) {
        let worker = WorkerId(u32::try_from(whom % self.workers.len()).expect("workers fit their ids"));
        match self.scheduler.worker_state(worker) {
            WorkerState::Starting | WorkerState::Idle | WorkerState::Running => {
                self.retired.insert(worker, self.now);
            }
            WorkerState::Draining | WorkerState::Dead(_) => {}
        }
        let actions = self.scheduler.retire(worker);
        self.perform(actions);
    }

    fn relieve(&mut self, whom: usize) {
        let worker = WorkerId(u32::try_from(whom % self.workers.len()).expect("workers fit their ids"));
        self.relieved.insert(worker);
        let actions = self.scheduler.relieve(worker);
        self.perform(actions);
    }

    fn stop(&mut self, reason: NotRunReason) {
        self.stopped_at.get_or_insert(self.now);
        let actions = self.scheduler.stop(reason);
        self.perform(actions);
        if reason == NotRunReason::Interrupted {
            for number in 0..self.workers.len() {
                let worker = WorkerId(u32::try_from(number).expect("workers fit their ids"));
                if let Phase::Calling(item) = self.workers[number].phase {
                    self.worker(worker).phase = Phase::Waiting { in_teardown_of: None };
                    self.say(worker, Upward::Interrupted(item));
                    self.say(worker, Upward::Starved);
                }
            }
        }
    }
}

fn addressee(action: &Action) -> Option<WorkerId> {
    match action {
        Action::Lease { worker, .. } | Action::Park { worker, .. } | Action::End { worker } => Some(*worker),
        Action::Confirm { .. } => None,
    }
}

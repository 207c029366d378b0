//! The coordinator's one loop: inputs in, scheduler decisions, messages and events out.
//!
//! Everything that changes the run's state happens here, in one thread, in the order in which it arrives.

mod deaths;
mod ends;
mod inboxes;
mod leftovers;
mod pressure;
mod starts;
mod trust;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use serde_bytes::ByteBuf;

use ends::{INTERRUPT_GRACE, Interrupt, Scope};
use leftovers::Leftovers;
use pressure::Pressure;
use trust::Credit;

use crate::board::Board;
use crate::clock;
use crate::connection::{self, Input, Peer, Readers};
use crate::event::{Command, Event, Run};
use crate::frame;
use crate::hangs::Hangs;
use crate::history::History;
use crate::ledger::{ItemState, NotRunReason};
use crate::memory::Memory;
use crate::model::{Collection, ItemId, Membership, WorkerId};
use crate::outbox::Inbox;
use crate::plan::{Order, Plan};
use crate::processes::{ConnectionId, Process, Processes};
use crate::protocol::{Downward, ExitStatus, Role, Upward};
use crate::scheduler::{Action, Limits, Scheduler};

/// How often the outboxes of workers are looked into, deaths with one sign missing are looked at again, and the
/// controller is told what it need not know at once: it wakes up a hundred times a second at most, on cores that tests
/// could use.
const TICK: Duration = Duration::from_millis(10);
/// Seconds that a test is expected to take where nothing is known: of the order of real suites' means (networkx 18
/// ms, pandas 1.8 ms, click 2 ms).
const DEFAULT_ESTIMATE: f64 = 0.01;
/// For so many workers that die outside of any item, and are replaced, there is room on the board.
const DEATHS_WITHOUT_ITEM: usize = 10_000;

/// The state of one run.
pub(crate) struct Dispatcher {
    directory: PathBuf,
    inputs: Receiver<Input>,
    sender: Sender<Input>,
    readers: Readers,
    events: Sender<Vec<Event>>,
    /// What the controller has not been told yet.
    untold: Vec<Event>,
    processes: Processes,
    inboxes: BTreeMap<WorkerId, Inbox>,
    peers: HashMap<ConnectionId, Peer>,
    configurations: Vec<(Role, ByteBuf)>,
    items: Option<ByteBuf>,
    waiting_for_items: Vec<WorkerId>,
    base: Base,
    /// What workers are forked from; nothing if they are spawned.
    parent: Option<Role>,
    /// Workers that have configured themselves.
    configured: BTreeSet<WorkerId>,
    questions: HashMap<WorkerId, u32>,
    order: Order,
    /// From the end of the collection until they are dealt.
    collected: Option<Collection>,
    run: Option<Running>,
    history: Arc<Mutex<History>>,
    interrupt: Option<Interrupt>,
    early: Vec<Early>,
    leftovers: Leftovers,
    /// What the machine has; a rehearsal has another one.
    memory: fn() -> Option<Memory>,
    quitting: bool,
    looked: Instant,
    buffer: Vec<u8>,
}

/// What happened to a worker, or is to happen to it, before there were tests to deal. It counts from then on: until
/// collection is over, only the collector tells how it ends, or a worker that is quicker would speak for it.
enum Early {
    /// It is to leave.
    Retired(WorkerId),
    /// It wants the run to stop.
    WantsStop(ByteBuf),
    /// It died.
    Lost { worker: WorkerId, process: Process, status: ExitStatus },
}

/// The process that forks workers which configure themselves.
enum Base {
    /// It has not connected yet; these workers it is to fork then.
    Expected(Vec<WorkerId>),
    Connected,
    Gone,
}

/// What exists once items are dealt.
struct Running {
    scheduler: Scheduler<Board>,
    board: Board,
    hangs: Hangs,
    pressure: Pressure,
    options: Run,
    restarts: u32,
    /// Replacements that the controller was asked for and has not started yet.
    needed: u32,
    finished: bool,
    /// Workers of the start that have not configured themselves.
    unconfigured: BTreeSet<WorkerId>,
    /// Workers that are ready and wait for those.
    held: Vec<WorkerId>,
}

impl Dispatcher {
    pub(crate) fn new(
        directory: PathBuf,
        inputs: Receiver<Input>,
        sender: Sender<Input>,
        readers: Readers,
        events: Sender<Vec<Event>>,
        history: Arc<Mutex<History>>,
        memory: fn() -> Option<Memory>,
    ) -> Self {
        Self {
            directory,
            inputs,
            sender,
            readers,
            events,
            untold: Vec::new(),
            processes: Processes::of_a_run(),
            inboxes: BTreeMap::new(),
            peers: HashMap::new(),
            configurations: Vec::new(),
            items: None,
            waiting_for_items: Vec::new(),
            base: Base::Expected(Vec::new()),
            parent: None,
            configured: BTreeSet::new(),
            questions: HashMap::new(),
            order: Order::LongestFirst,
            collected: None,
            run: None,
            history,
            interrupt: None,
            early: Vec::new(),
            leftovers: Leftovers::default(),
            memory,
            quitting: false,
            looked: clock::now(),
            buffer: Vec::new(),
        }
    }

    /// Runs until told to quit and every process is gone.
    pub(crate) fn run(mut self) {
        loop {
            let timed = self.processes.has_pending()
                || self.interrupt.is_some()
                || !self.inboxes.is_empty()
                || !self.leftovers.is_empty()
                || !self.untold.is_empty();
            let input = if timed {
                self.inputs.recv_timeout(TICK)
            } else {
                self.inputs.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            let input = match input {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            self.turn(input);
            if self.is_over() {
                return;
            }
        }
    }

    /// What became of every item, for a rehearsal to look at.
    #[cfg(all(unix, any(test, fuzzing)))]
    pub(crate) fn ledger(&self) -> Option<&crate::ledger::Ledger> {
        self.run.as_ref().map(|run| run.scheduler.ledger())
    }

    /// It was told to quit, and every process is gone.
    pub(crate) fn is_over(&self) -> bool {
        self.quitting && self.processes.iter().next().is_none()
    }

    /// Reacts to an input, or to none for a while.
    pub(crate) fn turn(&mut self, input: Option<Input>) {
        match input {
            Some(Input::Command(Command::Quit)) => {
                self.quitting = true;
                self.quit();
            }
            Some(input) => self.handle(input),
            None => {}
        }
        let now = clock::now();
        if now.saturating_duration_since(self.looked) >= TICK {
            self.looked = now;
            self.empty_inboxes();
            self.look_for_hangs();
            self.look_at_memory();
            self.end_leftovers();
            self.tell();
        }
        self.bury();
        self.interrupt_if_due();
        self.settle();
    }

    fn handle(&mut self, input: Input) {
        match input {
            Input::Command(command) => self.obey(command),
            Input::Connected { connection, role, pid, peer } => {
                if !self.is_awaited(role, pid) {
                    // Its connection ends with `peer`.
                    return;
                }
                self.peers.insert(connection, peer);
                self.processes.connected(role, pid, connection);
                if self.quitting {
                    self.send(role, &Downward::Quit);
                }
                if role == Role::Base
                    && let Base::Expected(workers) = std::mem::replace(&mut self.base, Base::Connected)
                {
                    for worker in workers {
                        self.send(Role::Base, &Downward::Fork { worker, payload: ByteBuf::new() });
                    }
                }
                if let Some(place) = self.configurations.iter().position(|(whose, _)| *whose == role) {
                    let (_, payload) = self.configurations.swap_remove(place);
                    self.send(role, &Downward::Configure(payload));
                }
            }
            Input::Message(connection, message) => {
                if let Some(role) = self.processes.role(connection) {
                    self.receive_in_order(role, message);
                }
            }
            Input::Closed(connection) => {
                self.peers.remove(&connection);
                self.processes.closed(connection, clock::now());
            }
            Input::ChildExited { pid, status } => {
                self.processes.exited(pid, status, clock::now());
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Order(order) => self.order = order,
            Command::Configure(role, payload) => {
                if self.processes.get(role).is_some_and(|process| process.connection.is_some()) {
                    self.send(role, &Downward::Configure(payload));
                } else {
                    self.configurations.push((role, payload));
                }
            }
            Command::Spawn { role, command, environment } => {
                if self.can_launch(role) {
                    match connection::spawn(&command, &environment, &self.sender) {
                        Ok(pid) => self.processes.forked(role, pid),
                        Err(error) => self.refused(role, error.to_string()),
                    }
                }
            }
            Command::Regroup(keys) => {
                for (item, group) in self.collected.iter_mut().flat_map(|all| &mut all.items).zip(keys) {
                    (item.group, item.membership) = (group, Membership::Gathered);
                }
            }
            Command::Expect { items, fixtures } => {
                let Some(collection) = &mut self.collected else {
                    return;
                };
                for (item, expected) in collection.items.iter_mut().zip(items) {
                    (item.estimate, item.price) = (expected.seconds, expected.price);
                }
                for fixture in &mut collection.fixtures.each {
                    fixture.seconds = fixtures.get(&fixture.name).copied().unwrap_or_default();
                }
            }
            Command::Begin(options) => self.begin(options),
            Command::Fork(worker, payload) => {
                self.parent = Some(Role::Collector);
                if !self.can_launch(Role::Worker(worker)) {
                    return;
                }
                if self.processes.get(Role::Collector).is_some() {
                    self.send(Role::Collector, &Downward::Fork { worker, payload });
                } else {
                    self.processes.failed_to_start(Role::Worker(worker), clock::now());
                }
            }
            Command::ForkFromBase(worker) => {
                self.parent = Some(Role::Base);
                if !self.can_launch(Role::Worker(worker)) {
                    return;
                }
                match &mut self.base {
                    Base::Expected(workers) => workers.push(worker),
                    Base::Connected => {
                        self.send(Role::Base, &Downward::Fork { worker, payload: ByteBuf::new() });
                    }
                    Base::Gone => self.processes.failed_to_start(Role::Worker(worker), clock::now()),
                }
            }
            Command::Become(worker) => {
                self.launched(Role::Worker(worker));
                self.configured(worker);
                self.send(Role::Collector, &Downward::Become(worker));
                self.processes.rename(Role::Collector, Role::Worker(worker));
            }
            Command::Items(payload) => {
                self.items = Some(payload);
                for worker in std::mem::take(&mut self.waiting_for_items) {
                    self.send_items(worker);
                }
            }
            Command::Retire(worker) if self.run.is_none() => self.early.push(Early::Retired(worker)),
            Command::Retire(worker) => self.retire(worker),
            Command::Decide(item, decision) => self.decide(item, decision),
            Command::Confirm(worker) => {
                if let Some(run) = &mut self.run {
                    run.scheduler.confirm(worker);
                }
            }
            Command::Stop => self.stop(NotRunReason::Stopped),
            Command::Interrupt => {
                self.stop(NotRunReason::Stopped);
                self.interrupt_after(INTERRUPT_GRACE, Scope::Everything);
            }
            Command::Kill => self.kill_all(),
            Command::Quit => {}
        }
    }

    /// Before a message comes what the worker has left before it.
    fn receive_in_order(&mut self, role: Role, message: Upward) {
        let received = self.processes.get(role).map_or(0, |process| process.received);
        if let Role::Worker(worker) = role {
            self.empty_inbox(worker, received);
        }
        if let Some(process) = self.processes.get_mut(role) {
            process.received = received.wrapping_add(1);
        }
        self.receive(role, message);
    }

    fn receive(&mut self, role: Role, message: Upward) {
        match self.credit(role, &message) {
            Credit::Believed => {}
            Credit::TooLate => return,
            Credit::None => return self.turn_away(role),
        }
        match (message, role) {
            (Upward::Note(payload), _) => self.emit(Event::Note(payload)),
            (Upward::WantsStop(payload), Role::Worker(_)) if self.run.is_none() => {
                self.early.push(Early::WantsStop(payload));
            }
            (Upward::WantsStop(payload), _) => self.wants_stop(payload),
            (Upward::Collected { collection, payload }, _) => {
                let plan = Plan::of(&collection, self.order);
                self.emit(Event::Collected {
                    payload,
                    separable: plan.separable() as usize,
                    expected_total: plan.expected_total(DEFAULT_ESTIMATE),
                });
                self.collected = Some(collection);
            }
            (Upward::Forked { role, pid }, _) => self.processes.forked(role, pid),
            (Upward::NotForked { role, reason }, _) => self.refused(role, reason),
            (Upward::Exited { pid, status }, _) => {
                self.processes.exited(pid, status, clock::now());
            }
            (Upward::SessionEnded(payload), role) => {
                if let Some(process) = self.processes.get_mut(role) {
                    process.ended = true;
                }
                if let Role::Worker(worker) = role {
                    self.emit(Event::Ended { worker, payload });
                }
            }
            (Upward::WantItems, Role::Worker(worker)) => {
                if self.items.is_some() {
                    self.send_items(worker);
                } else {
                    self.waiting_for_items.push(worker);
                }
            }
            (Upward::Configured, Role::Worker(worker)) => self.configured(worker),
            (Upward::Ready, Role::Worker(worker)) => {
                self.emit(Event::Ready(worker));
                match &mut self.run {
                    Some(run) if !run.unconfigured.is_empty() => run.held.push(worker),
                    Some(_) | None => self.schedule(|scheduler| scheduler.ready(worker)),
                }
            }
            (Upward::Reports { item, failures, spent, payload }, Role::Worker(worker)) => {
                // The limit is looked at first: no Python stands between a failure and the stop.
                self.count_failures(worker, failures);
                self.emit(Event::Reports { worker, item, finished: spent.is_some(), payload });
                if let Some(spent) = spent {
                    self.history.lock().unwrap_or_else(PoisonError::into_inner).finished(worker, item, spent);
                    let seconds = f64::from(spent.own().max(0.0));
                    self.schedule(|scheduler| scheduler.finished(worker, item, seconds).unwrap_or_default());
                }
            }
            (Upward::SetUp { fixture, seconds }, Role::Worker(_)) => {
                if let Some(run) = &mut self.run {
                    run.scheduler.measured(&fixture, f64::from(seconds));
                }
                self.history.lock().unwrap_or_else(PoisonError::into_inner).set_up(fixture, seconds);
            }
            (Upward::Starved(question), Role::Worker(worker)) => {
                self.questions.insert(worker, question);
                self.schedule(|scheduler| scheduler.starved(worker));
            }
            (Upward::Released(item), Role::Worker(worker)) => {
                self.schedule(|scheduler| scheduler.released(worker, item));
            }
            (Upward::Interrupted(item), Role::Worker(worker)) => {
                self.schedule(|scheduler| scheduler.interrupted(worker, item));
            }
            (Upward::Outgrown { bytes, grew }, Role::Worker(worker)) => {
                self.schedule(|scheduler| scheduler.relieve(worker));
                self.emit(Event::Outgrown { worker, bytes, grew });
            }
            (Upward::Leaving(processes), Role::Worker(worker)) => self.leaving(worker, processes),
            // What only workers say, not believed of others. The collector's `Configured` counts when it is told to
            // become a worker.
            (
                Upward::Configured
                | Upward::WantItems
                | Upward::Ready
                | Upward::Reports { .. }
                | Upward::SetUp { .. }
                | Upward::Outgrown { .. }
                | Upward::Leaving(_)
                | Upward::Starved(_)
                | Upward::Released(_)
                | Upward::Interrupted(_),
                Role::Base | Role::Collector,
            ) => {}
        }
    }

    /// The worker has configured itself, or will not: when that is true of all, tests may start.
    fn configured(&mut self, worker: WorkerId) {
        self.configured.insert(worker);
        let Some(run) = &mut self.run else {
            return;
        };
        if run.unconfigured.remove(&worker) && run.unconfigured.is_empty() {
            for worker in std::mem::take(&mut run.held) {
                self.schedule(|scheduler| scheduler.ready(worker));
            }
        }
    }

    /// Stops the run if these failures of `worker` reach the limit.
    fn count_failures(&mut self, worker: WorkerId, failures: u32) {
        let Some(run) = self.run.as_mut() else {
            return;
        };
        if failures > 0 && run.scheduler.failed(failures) {
            let fail_fast = run.options.fail_fast;
            self.stop(NotRunReason::Stopped);
            if fail_fast {
                self.interrupt_after(Duration::ZERO, Scope::OthersBut(worker));
            }
        }
    }

    fn begin(&mut self, options: Run) {
        let Some(collection) = self.collected.take() else {
            return;
        };
        let hangs = watch::hangs(&options, &collection);
        let plan = if options.each {
            Plan::each(collection.items, self.order, options.workers)
        } else {
            // One worker takes as long in any order.
            let order = if options.workers == 1 { Order::Collected } else { self.order };
            Plan::of(&collection, order)
        };
        let slots = slots(&options, plan.len());
        let board = match Board::create(&self.directory.join(crate::BOARD), plan.len(), slots) {
            Ok(board) => board,
            Err(error) => return self.emit(Event::CannotBegin(error.to_string())),
        };
        let limits = Limits { max_failures: options.max_failures };
        let scheduler = Scheduler::new(plan, options.workers, board.clone(), limits);
        let alive = self.processes.iter().filter(|(role, _)| matches!(role, Role::Worker(_))).count();
        let lost = self.early.iter().filter(|early| matches!(early, Early::Lost { .. })).count();
        let needed = options.workers.saturating_sub(u32::try_from(alive + lost).unwrap_or(u32::MAX));
        let unconfigured = if options.configures_first {
            (0..options.workers).map(WorkerId).filter(|worker| !self.configured.contains(worker)).collect()
        } else {
            BTreeSet::new()
        };
        let (restarts, finished, held) = (0, false, Vec::new());
        self.run = Some(Running {
            scheduler,
            board,
            hangs,
            pressure: Pressure::default(),
            options,
            restarts,
            needed,
            finished,
            unconfigured,
            held,
        });
        for early in std::mem::take(&mut self.early) {
            match early {
                Early::Retired(worker) => self.retire(worker),
                Early::WantsStop(payload) => self.wants_stop(payload),
                Early::Lost { worker, process, status } => self.lose_worker(worker, &process, status),
            }
        }
    }

    /// Lets the scheduler decide and carries its decisions out.
    fn schedule(&mut self, decide: impl FnOnce(&mut Scheduler<Board>) -> Vec<Action>) {
        if let Some(run) = &mut self.run {
            let actions = decide(&mut run.scheduler);
            self.perform(actions);
        }
    }

    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Lease { worker, items } => {
                    self.send(Role::Worker(worker), &Downward::Lease(items));
                }
                Action::Park { worker, keep } => {
                    let question = self.questions.get(&worker).copied().unwrap_or_default();
                    self.send(Role::Worker(worker), &Downward::Park { question, keep });
                }
                Action::End { worker } => self.send(Role::Worker(worker), &Downward::End),
                Action::Confirm { item } => {
                    if let Some(run) = &mut self.run {
                        run.needed += 1;
                    }
                    self.emit(Event::Confirm(item));
                }
            }
        }
    }

    fn retire(&mut self, worker: WorkerId) {
        self.schedule(|scheduler| scheduler.retire(worker));
    }

    fn send_items(&mut self, worker: WorkerId) {
        if let Some(payload) = self.items.clone() {
            self.send(Role::Worker(worker), &Downward::Items(payload));
        }
    }

    /// Sends to a process if it is there. One that is not will be noticed by its closed connection.
    fn send(&mut self, role: Role, message: &Downward) {
        let connection = self.processes.get(role).and_then(|process| process.connection);
        if let Some(peer) = connection.and_then(|connection| self.peers.get(&connection)) {
            let _noticed_elsewhere = frame::write(&mut peer.stream(), message, &mut self.buffer);
        }
    }

    fn emit(&mut self, event: Event) {
        let is_urgent = event.is_urgent();
        self.untold.push(event);
        if is_urgent {
            self.tell();
        }
    }

    fn tell(&mut self) {
        if !self.untold.is_empty() {
            let _controller_gone = self.events.send(std::mem::take(&mut self.untold));
        }
    }
}

/// How many workers there can ever be.
fn slots(options: &Run, items: usize) -> usize {
    // Each death takes an item with it, but for those before the first one.
    let replaced = (options.max_restarts as usize).min(items + DEATHS_WITHOUT_ITEM);
    // Who has outgrown its limit has finished an item.
    let grown = if options.replaces_grown { items } else { 0 };
    let ordinary = options.workers as usize + replaced + grown;
    ordinary + ordinary.min(items).saturating_mul(options.most_retries as usize)
}

/// The item that `worker` runs according to the board, if the ledger agrees that it is not done.
fn running_item(run: &Running, worker: WorkerId) -> Option<ItemId> {
    let item = run.board.running(worker)?;
    match run.scheduler.ledger().state(item) {
        ItemState::Leased(holder) if holder == worker => Some(item),
        ItemState::Leased(_) | ItemState::Queued | ItemState::Done(_) => None,
    }
}

//! The coordinator's one loop: inputs in, scheduler decisions, messages and events out.
//!
//! Everything that changes the run's state happens here, in one thread, in the order in which it arrives.

mod commands;
mod deaths;
mod ends;
mod inboxes;
mod leftovers;
mod messages;
mod pressure;
mod starts;
mod trust;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use serde_bytes::ByteBuf;

use ends::Interrupt;
use leftovers::Leftovers;
use pressure::Pressure;

use crate::board::Board;
use crate::clock;
use crate::connection::{Input, Peer, Readers};
use crate::error::FrameError;
use crate::event::{Command, Event, Run};
use crate::frame;
use crate::hangs::Hangs;
use crate::history::History;
use crate::ledger::ItemState;
use crate::memory::Memory;
use crate::model::{Collection, ItemId, WorkerId};
use crate::outbox::Inbox;
use crate::plan::Order;
use crate::processes::{ConnectionId, Process, Processes};
use crate::protocol::{Downward, ExitStatus, Role};
use crate::record::Happened;
use crate::scheduler::{Action, Scheduler};

/// How often the outboxes of workers are looked into, and deaths with one sign missing are looked at again.
const TICK: Duration = Duration::from_millis(10);

/// What the controller need not know at once is gathered for so long. It wakes up on cores that tests could use, and each
/// time finds their caches full of what tests have left there.
const GATHER: Duration = Duration::from_millis(50);

/// It is told of so many events without waiting longer: what it does about the last ones, the end of the run waits for.
const ENOUGH: usize = 16;

/// The state of one run.
pub(crate) struct Dispatcher {
    directory: PathBuf,
    inputs: Receiver<Input>,
    readers: Readers,
    events: Sender<Vec<Event>>,
    /// What the controller has not been told yet.
    untold: Vec<Event>,
    told: Instant,
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
    /// Workers whose tests a debugger has stopped.
    debugged: BTreeSet<WorkerId>,
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
    Expected {
        pid: u32,
        workers: Vec<WorkerId>,
    },
    Connected,
    /// It has ended, or there never was one.
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
    /// `base`: the id of the process that has been forked as one, if there is one.
    pub(crate) fn new(
        directory: PathBuf,
        base: Option<u32>,
        inputs: Receiver<Input>,
        readers: Readers,
        events: Sender<Vec<Event>>,
        history: Arc<Mutex<History>>,
        memory: fn() -> Option<Memory>,
    ) -> Self {
        Self {
            directory,
            inputs,
            readers,
            events,
            untold: Vec::new(),
            told: clock::now(),
            processes: Processes::of_a_run(),
            inboxes: BTreeMap::new(),
            peers: HashMap::new(),
            configurations: Vec::new(),
            items: None,
            waiting_for_items: Vec::new(),
            base: base.map_or(Base::Gone, |pid| Base::Expected { pid, workers: Vec::new() }),
            parent: None,
            configured: BTreeSet::new(),
            debugged: BTreeSet::new(),
            questions: HashMap::new(),
            order: Order::Balanced,
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
                || matches!(self.base, Base::Expected { .. })
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
            self.look_for_the_base();
            if self.untold.len() >= ENOUGH || now.saturating_duration_since(self.told) >= GATHER {
                self.tell();
            }
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
                    && let Base::Expected { workers, .. } = std::mem::replace(&mut self.base, Base::Connected)
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

    /// Lets the scheduler decide and carries its decisions out.
    fn schedule(&mut self, decide: impl FnOnce(&mut Scheduler<Board>) -> Vec<Action>) {
        if let Some(run) = &mut self.run {
            let actions = decide(&mut run.scheduler);
            for theft in run.scheduler.new_thefts() {
                self.note(Happened::Stolen(theft));
            }
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
                    if self.is_orphaned() {
                        self.schedule(Scheduler::not_confirmed);
                    } else if let Some(run) = &mut self.run {
                        run.needed += 1;
                        self.emit(Event::Confirm(item));
                    }
                }
            }
        }
    }

    /// For the record of the run.
    fn note(&self, what: Happened) {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).note(what);
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
            // A connection that the other side has closed is noticed elsewhere.
            if let Err(FrameError::Io(error)) = frame::write(&mut peer.stream(), message, &mut self.buffer)
                && matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
            {
                self.turn_away(role);
            }
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
            self.told = clock::now();
            let _controller_gone = self.events.send(std::mem::take(&mut self.untold));
        }
    }
}

/// The item that `worker` runs according to the board, if the ledger agrees that it is not done.
fn running_item(run: &Running, worker: WorkerId) -> Option<ItemId> {
    let item = run.board.running(worker)?;
    match run.scheduler.ledger().state(item) {
        ItemState::Leased(holder) if holder == worker => Some(item),
        ItemState::Leased(_) | ItemState::Queued | ItemState::Done(_) => None,
    }
}

//! The controller's handle on the coordinator's threads.
//!
//! [`Address`] comes first and starts nothing: the controller forks its base while it still has one thread. Only
//! then does [`Address::start`] start threads.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::board::Board;
use crate::connection::{self, Input, Readers};
use crate::dispatcher::Dispatcher;
use crate::error::{DispatcherGone, StartError};
use crate::event::{Command, Event};
use crate::history::{History, Outlook};
use crate::memory::Memory;
use crate::model::{ItemId, WorkerId};
use crate::record::{About, Record};
use crate::timings::{Findings, Fixture, Timings};
use crate::transport::{self, Listener};

/// Who has interrupted the run does not wait longer for the rest of it.
const AFTER_INTERRUPT: Duration = Duration::from_secs(2);

/// Name of the thread that waits for connections.
const ACCEPTOR: &str = "fastest-accept";

/// Where the processes of a run find the coordinator: a private directory, a bound socket, a secret.
#[derive(Debug)]
pub struct Address {
    directory: tempfile::TempDir,
    listener: Listener,
    token: Arc<str>,
}

impl Address {
    /// Creates the directory and binds the socket.
    ///
    /// # Errors
    /// [`StartError`] if either can't be done.
    pub fn bind() -> Result<Self, StartError> {
        let mut secret = [0_u8; 16];
        getrandom::fill(&mut secret).map_err(StartError::Random)?;
        let token = format!("{:032x}", u128::from_ne_bytes(secret));
        let directory = transport::private_directory()?;
        let listener = transport::listen(&transport::address(directory.path()))?;
        Ok(Self { directory, listener, token: token.into() })
    }

    /// The run's private directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The run's secret.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// For a forked child: closes its copy of the socket, and leaves the directory to the parent.
    pub fn disown(self) {
        let _kept = self.directory.keep();
    }

    /// Starts the coordinator's threads; `base`: the id of the process that has been forked as the run's base, if any, which
    /// forks the collector.
    ///
    /// # Errors
    /// [`StartError::Thread`].
    pub fn start(self, base: Option<u32>) -> Result<Coordinator, StartError> {
        let (input_sender, inputs) = unbounded();
        let (event_sender, events) = unbounded();
        let path = self.directory.path().to_owned();
        let history = Arc::default();
        let readers = Readers::new(self.token, input_sender.clone());
        // For base and collector, which are on their way.
        for _ in 0..base.map_or(0, |_| 2) {
            readers.provide().map_err(StartError::Thread)?;
        }
        let watched = Arc::clone(&history);
        let dispatcher =
            Dispatcher::new(path, base, inputs, readers.clone(), event_sender, watched, Memory::now);
        let dispatcher = thread::Builder::new()
            .name("fastest-dispatch".to_owned())
            .spawn(move || dispatcher.run())
            .map_err(StartError::Thread)?;
        let closing = Arc::new(AtomicBool::new(false));
        // Dropped if there is no second thread: that ends the first one.
        let mut coordinator = Coordinator {
            directory: Some(self.directory),
            inputs: input_sender,
            events,
            closing: Arc::clone(&closing),
            history,
            board: OnceLock::new(),
            is_interrupted: AtomicBool::new(false),
            threads: vec![dispatcher],
        };
        let listener = self.listener;
        let acceptor = thread::Builder::new()
            .name(ACCEPTOR.to_owned())
            .spawn(move || connection::accept_all(&listener, &closing, &readers))
            .map_err(StartError::Thread)?;
        coordinator.threads.push(acceptor);
        Ok(coordinator)
    }
}

/// A running coordinator. Dropping it removes the run's directory.
#[derive(Debug)]
pub struct Coordinator {
    directory: Option<tempfile::TempDir>,
    inputs: Sender<Input>,
    events: Receiver<Vec<Event>>,
    closing: Arc<AtomicBool>,
    history: Arc<Mutex<History>>,
    board: OnceLock<Board>,
    is_interrupted: AtomicBool,
    threads: Vec<JoinHandle<()>>,
}

impl Coordinator {
    /// The run's private directory; `None` after [`Coordinator::close`].
    #[must_use]
    pub fn directory(&self) -> Option<PathBuf> {
        self.directory.as_ref().map(|directory| directory.path().to_owned())
    }

    /// Gives an order. Lost if the coordinator is closed.
    pub fn command(&self, command: Command) {
        if matches!(command, Command::Interrupt) {
            self.is_interrupted.store(true, Ordering::Relaxed);
        }
        let _closed = self.inputs.send(Input::Command(command));
    }

    /// Waits up to `timeout` for the next events, and takes those that come with them.
    ///
    /// # Errors
    /// [`DispatcherGone`] if no event will ever come: the dispatcher has ended or died.
    pub fn next_events(&self, timeout: Duration) -> Result<Vec<Event>, DispatcherGone> {
        match self.events.recv_timeout(timeout) {
            Ok(events) => Ok(events),
            Err(RecvTimeoutError::Timeout) => Ok(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => Err(DispatcherGone),
        }
    }

    /// Tells the plan what is known of the collected items, and of the wide fixtures with these names, from earlier runs.
    /// Returns what all of them are expected to take, if anything is known.
    pub fn expect(&self, nodeids: Vec<String>, wide: &[String], known: &Timings) -> Option<Outlook> {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let (items, outlook) = history.begin(nodeids, wide, known);
        let seconds =
            |(name, fixture): (&String, &Fixture)| Some((name.clone(), f64::from(fixture.seconds()?)));
        let fixtures = known.fixtures.iter().filter_map(seconds).collect();
        self.command(Command::Expect { items, fixtures });
        outlook
    }

    /// What this run has found out about its tests, once.
    #[must_use]
    pub fn findings(&self) -> Findings {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What is kept of this run, once; `nodeids`: all collected items.
    #[must_use]
    pub fn record(&self, about: About, nodeids: Vec<String>) -> Record {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).record(about, nodeids)
    }

    /// What the first `workers` of the workers run at this moment; nothing before tests are dealt.
    #[must_use]
    pub fn running(&self, workers: u32) -> Vec<(WorkerId, ItemId)> {
        let Some(directory) = &self.directory else {
            return Vec::new();
        };
        if self.board.get().is_none()
            && let Ok(board) = Board::open(&directory.path().join(crate::BOARD))
        {
            let _opened_before = self.board.set(board);
        }
        let running = |worker| Some((worker, self.board.get()?.running(worker)?));
        (0..workers).map(WorkerId).filter_map(running).collect()
    }

    /// Seconds that one worker would need for what is left; `None` if there is nothing to tell by yet.
    #[must_use]
    pub fn left(&self) -> Option<f64> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).left()
    }

    /// Seconds that an item took in earlier runs, if it has been seen.
    #[must_use]
    pub fn usual(&self, item: ItemId) -> Option<f64> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).usual(item)
    }

    /// Asks what is left of the processes to leave, kills who has not after `patience` or when `is_interrupted`, and removes
    /// the directory.
    pub fn close(&mut self, patience: Duration, mut is_interrupted: impl FnMut() -> bool) {
        let Some(directory) = self.directory.take() else {
            return;
        };
        self.command(Command::Quit);
        self.closing.store(true, Ordering::Release);
        if transport::connect(&transport::address(directory.path())).is_err() {
            // Somebody has removed the socket: nothing wakes the acceptor any more, and nobody can come.
            self.threads.retain(|thread| thread.thread().name() != Some(ACCEPTOR));
        }
        let is_interrupted_before = self.is_interrupted.load(Ordering::Relaxed);
        let patience = if is_interrupted_before { patience.min(AFTER_INTERRUPT) } else { patience };
        let deadline = Instant::now() + patience;
        while !self.threads.iter().all(JoinHandle::is_finished)
            && Instant::now() < deadline
            && !is_interrupted()
        {
            thread::sleep(Duration::from_millis(1));
        }
        if !self.threads.iter().all(JoinHandle::is_finished) {
            self.command(Command::Kill);
        }
        // Its error is of no consequence: the system cleans its temporary directory too.
        let _left_behind = directory.close();
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        self.close(Duration::ZERO, || false);
    }
}

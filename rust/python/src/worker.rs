//! The classes of the other processes: `Link`, `Message`, `Board`. None of them starts a thread.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use coordinator::board::Board as CoreBoard;
use coordinator::clock;
use coordinator::link::Link as CoreLink;
use coordinator::memory;
use coordinator::model::{Collection, Item, ItemId, WideFixture, WideFixtures, WorkerId};
use coordinator::protocol::{Downward, LeftProcess, Role, Upward};
use coordinator::timings::Spent;
use pyo3::exceptions::{PyConnectionError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert;

/// A process's connection to the coordinator.
#[pyclass(frozen, module = "pytest_fastest._core")]
pub(crate) struct Link {
    inner: Mutex<Option<CoreLink>>,
}

impl Link {
    fn connect(directory: &Path, token: &str, role: Role) -> PyResult<Self> {
        let link = CoreLink::connect(directory, token, role).map_err(convert::frame_error)?;
        Ok(Self { inner: Mutex::new(Some(link)) })
    }

    fn with<T>(&self, act: impl FnOnce(&mut CoreLink) -> PyResult<T>) -> PyResult<T> {
        match self.inner.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(link) => act(link),
            None => Err(PyConnectionError::new_err("the link is closed")),
        }
    }

    fn send(&self, py: Python<'_>, message: &Upward) -> PyResult<()> {
        py.detach(|| self.with(|link| link.send(message).map_err(convert::frame_error)))
    }
}

#[pymethods]
impl Link {
    /// Connects as the base.
    #[staticmethod]
    #[allow(clippy::needless_pass_by_value, reason = "extracted from Python")]
    fn base(directory: PathBuf, token: &str) -> PyResult<Self> {
        Self::connect(&directory, token, Role::Base)
    }

    /// Connects as the process that collects.
    #[staticmethod]
    #[allow(clippy::needless_pass_by_value, reason = "extracted from Python")]
    fn collector(directory: PathBuf, token: &str) -> PyResult<Self> {
        Self::connect(&directory, token, Role::Collector)
    }

    /// Connects as a worker.
    #[staticmethod]
    #[allow(clippy::needless_pass_by_value, reason = "extracted from Python")]
    fn worker(directory: PathBuf, token: &str, worker: u32) -> PyResult<Self> {
        Self::connect(&directory, token, Role::Worker(WorkerId(worker)))
    }

    /// Closes the connection, or a forked child's copy of it.
    fn close(&self) {
        drop(self.inner.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// The file descriptor, for `poll`.
    fn fileno(&self) -> PyResult<i32> {
        #[cfg(unix)]
        return self.with(|link| Ok(link.descriptor()));
        #[cfg(not(unix))]
        Err(PyValueError::new_err("no file descriptors on this system"))
    }

    /// The next message; without `wait`, `None` if there is none.
    fn receive(&self, py: Python<'_>, wait: bool) -> PyResult<Option<Message>> {
        loop {
            let result = py.detach(|| self.with(|link| Ok(link.receive(wait))));
            match result?.map_err(convert::frame_error) {
                Ok(message) => return Ok(message.map(|message| Message::new(py, message))),
                Err(error) if error.is_instance_of::<pyo3::exceptions::PyInterruptedError>(py) => {
                    py.check_signals()?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// For the controller: a warning, a collection report.
    fn note(&self, py: Python<'_>, payload: &[u8]) -> PyResult<()> {
        self.send(py, &Upward::Note(convert::payload(payload)))
    }

    /// The collected items, a tuple `(group, atom, gathered, loose, serial, shares_fixtures, wide)` each. `fixtures`:
    /// those of session or package scope by their names, and whether they are of a package; `sets`: which of them are
    /// used together, by their numbers. An item's `wide` is the number of such a set. `patience`: after how many seconds
    /// an item counts as hanging, of those that say so; 0: never.
    #[allow(clippy::type_complexity, reason = "named tuples in Python")]
    fn collected(
        &self,
        py: Python<'_>,
        items: Vec<(u32, u32, bool, bool, bool, bool, Option<u32>)>,
        fixtures: Vec<(String, bool)>,
        sets: Vec<Vec<u32>>,
        patience: Vec<(u32, f64)>,
        payload: &[u8],
    ) -> PyResult<()> {
        let items = items
            .into_iter()
            .map(|(group, atom, gathered, loose, serial, shares_fixtures, wide)| Item {
                group,
                atom,
                membership: convert::membership(gathered, loose),
                serial,
                shares_fixtures,
                estimate: None,
                price: None,
                wide,
            })
            .collect();
        let each = fixtures
            .into_iter()
            .map(|(name, of_package)| WideFixture { name, of_package, seconds: 0.0 })
            .collect();
        let patience = patience.into_iter().map(|(item, seconds)| (ItemId(item), seconds)).collect();
        let collection = Collection { items, fixtures: WideFixtures { each, sets }, patience };
        self.send(py, &Upward::Collected { collection, payload: convert::payload(payload) })
    }

    /// Asks for the list of items.
    fn want_items(&self, py: Python<'_>) -> PyResult<()> {
        self.send(py, &Upward::WantItems)
    }

    /// The worker has configured itself.
    fn configured(&self, py: Python<'_>) -> PyResult<()> {
        self.send(py, &Upward::Configured)
    }

    /// The worker can run tests.
    fn ready(&self, py: Python<'_>, worker: u32) -> PyResult<()> {
        py.detach(|| self.with(|link| link.ready(WorkerId(worker)).map_err(convert::frame_error)))
    }

    /// Reports of one item, of which `failures` count for `--maxfail`; sent `at_once`, or left where the coordinator
    /// looks soon. With the last of them comes what the item has `spent`, in seconds: in all, of a processor, in set-up,
    /// call, teardown, for fixtures that its module shares, for those of the session.
    fn reports(
        &self,
        py: Python<'_>,
        item: u32,
        failures: u32,
        payload: &[u8],
        at_once: bool,
        spent: Option<(f32, f32, f32, f32, f32, f32, f32)>,
    ) -> PyResult<()> {
        let payload = convert::payload(payload);
        let spent = spent.map(|(total, cpu, setup, call, teardown, shared, session)| Spent {
            total,
            cpu,
            setup,
            call,
            teardown,
            shared,
            session,
        });
        let message = Upward::Reports { item: ItemId(item), failures, at: clock::seconds(), spent, payload };
        if at_once {
            return self.send(py, &message);
        }
        // Nothing to wait for, so the GIL is kept.
        self.with(|link| link.leave(&message).map_err(convert::frame_error))
    }

    /// A fixture of session or package scope was set up.
    fn set_up(&self, fixture: String, seconds: f32) -> PyResult<()> {
        let message = Upward::SetUp { fixture, seconds };
        self.with(|link| link.leave(&message).map_err(convert::frame_error))
    }

    /// What the fixtures took that the worker has set up.
    fn fixtures(&self, py: Python<'_>, rows: Vec<convert::FixtureRow>) -> PyResult<()> {
        self.send(py, &Upward::Fixtures(convert::fixture_times(rows)))
    }

    /// The worker holds so many bytes, more than it may, and leaves; these items have added most.
    fn outgrown(&self, py: Python<'_>, bytes: u64, grew: Vec<(u32, u64)>) -> PyResult<()> {
        let grew = grew.into_iter().map(|(item, bytes)| (ItemId(item), bytes)).collect();
        self.send(py, &Upward::Outgrown { bytes, grew })
    }

    /// The worker has nothing it can claim; `question` numbers its questions.
    fn starved(&self, py: Python<'_>, question: u32) -> PyResult<()> {
        self.send(py, &Upward::Starved(question))
    }

    /// The worker won't run an item that it had claimed.
    fn released(&self, py: Python<'_>, item: u32) -> PyResult<()> {
        self.send(py, &Upward::Released(ItemId(item)))
    }

    /// The running item was interrupted.
    fn interrupted(&self, py: Python<'_>, item: u32) -> PyResult<()> {
        self.send(py, &Upward::Interrupted(ItemId(item)))
    }

    /// The worker wants the run to stop.
    fn wants_stop(&self, py: Python<'_>, payload: &[u8]) -> PyResult<()> {
        self.send(py, &Upward::WantsStop(convert::payload(payload)))
    }

    /// The process's session is finished.
    fn session_ended(&self, py: Python<'_>, payload: &[u8]) -> PyResult<()> {
        self.send(py, &Upward::SessionEnded(convert::payload(payload)))
    }

    /// A debugger has stopped the worker's test, and wants the terminal.
    fn want_terminal(&self, py: Python<'_>) -> PyResult<()> {
        self.send(py, &Upward::WantsTerminal)
    }

    /// It has no more use for the terminal.
    fn return_terminal(&self, py: Python<'_>) -> PyResult<()> {
        self.send(py, &Upward::ReturnsTerminal)
    }

    /// The worker does nothing more but to end. Its tests have left these processes: id, parent's id, command, tests.
    fn leaving(&self, py: Python<'_>, processes: Vec<(u32, u32, String, Vec<String>)>) -> PyResult<()> {
        let process = |(pid, parent, command, tests)| LeftProcess { pid, parent, command, tests };
        let processes = processes.into_iter().map(process);
        self.send(py, &Upward::Leaving(processes.collect()))
    }

    /// A child was forked; `worker` is `None` for the collector.
    fn forked(&self, py: Python<'_>, worker: Option<u32>, pid: u32) -> PyResult<()> {
        self.send(py, &Upward::Forked { role: child(worker), pid })
    }

    /// The system would not fork a child, and why; `worker` is `None` for the collector.
    fn not_forked(&self, py: Python<'_>, worker: Option<u32>, reason: String) -> PyResult<()> {
        self.send(py, &Upward::NotForked { role: child(worker), reason })
    }

    /// A child ended, with a return code as `subprocess` has it.
    fn exited(&self, py: Python<'_>, pid: u32, returncode: Option<i32>) -> PyResult<()> {
        self.send(py, &Upward::Exited { pid, status: convert::exit_status(returncode) })
    }
}

fn child(worker: Option<u32>) -> Role {
    worker.map_or(Role::Collector, |worker| Role::Worker(WorkerId(worker)))
}

/// What the coordinator tells a process.
#[pyclass(frozen, module = "pytest_fastest._core")]
pub(crate) enum Message {
    Configure { payload: Py<PyBytes> },
    Items { payload: Py<PyBytes> },
    Fork { worker: u32, payload: Py<PyBytes> },
    Become { worker: u32 },
    Lease { items: Vec<u32> },
    Park { question: u32, keep: Option<u32> },
    Terminal { granted: bool },
    End {},
    Quit {},
}

impl Message {
    fn new(py: Python<'_>, message: Downward) -> Self {
        match message {
            Downward::Configure(payload) => Message::Configure { payload: convert::bytes(py, &payload) },
            Downward::Items(payload) => Message::Items { payload: convert::bytes(py, &payload) },
            Downward::Fork { worker, payload } => {
                Message::Fork { worker: worker.0, payload: convert::bytes(py, &payload) }
            }
            Downward::Become(worker) => Message::Become { worker: worker.0 },
            Downward::Lease(items) => {
                Message::Lease { items: items.into_iter().map(|item| item.0).collect() }
            }
            Downward::Park { question, keep } => Message::Park { question, keep: keep.map(|item| item.0) },
            Downward::Terminal(granted) => Message::Terminal { granted },
            Downward::End => Message::End {},
            Downward::Quit => Message::Quit {},
        }
    }
}

/// The claims of the run, as one worker sees them.
#[pyclass(frozen, module = "pytest_fastest._core")]
pub(crate) struct Board {
    inner: CoreBoard,
    worker: WorkerId,
}

#[pymethods]
impl Board {
    #[new]
    #[allow(clippy::needless_pass_by_value, reason = "extracted from Python")]
    fn new(directory: PathBuf, worker: u32) -> PyResult<Self> {
        let inner = CoreBoard::open(&directory.join(coordinator::BOARD));
        let inner = inner.map_err(convert::board_error)?;
        if WorkerId(worker).index() >= inner.slots() {
            return Err(PyValueError::new_err("the board has no slot for this worker"));
        }
        Ok(Self { inner, worker: WorkerId(worker) })
    }

    /// Makes a leased item this worker's own; false if it is not leased to it any more, or if the run stops.
    fn claim(&self, item: u32) -> bool {
        self.inner.claim(ItemId(item), self.worker)
    }

    /// Says which item runs from now on, so that a crash can be blamed on it. Returns the time (`monotonic`).
    fn begin(&self, item: u32) -> f64 {
        self.inner.begin(self.worker, ItemId(item), clock::seconds());
        monotonic()
    }

    /// Says that nothing runs.
    fn end(&self) {
        self.inner.end(self.worker);
    }

    /// Says that the running item has come to its teardown.
    fn set_tearing_down(&self) {
        self.inner.set_tearing_down(self.worker);
    }

    /// Returns only if the worker is not to be killed for the item that it runs.
    fn outlive_item(&self) {
        while self.inner.is_condemned(self.worker) {
            // With the GIL, so that no other thread goes on either.
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    /// Whether the run is to stop.
    fn is_stopped(&self) -> bool {
        self.inner.is_stopped()
    }
}

/// Seconds since some point in time, by a clock that tests can't change: they replace those of Python's `time`.
#[pyfunction]
pub(crate) fn monotonic() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// Bytes of memory that this process holds, what it shares with others included; `None` if nobody tells.
#[pyfunction]
pub(crate) fn resident_memory() -> Option<u64> {
    memory::resident()
}

/// Gives memory that was freed back to the system (glibc; elsewhere it stays in the allocator).
///
/// The pages of a freed block are shared with every process that is forked later, and copied by each that uses them.
#[pyfunction]
pub(crate) fn give_back_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "a call into the C library that takes a number")]
    // SAFETY: `malloc_trim` may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Kills everything that this process has started, and they have, and what tests of the run with this mark have started.
#[pyfunction]
#[pyo3(signature = (mark))]
#[allow(clippy::needless_pass_by_value, reason = "extracted from Python")]
pub(crate) fn kill_run(mark: Option<String>) {
    coordinator::table::kill_run(mark.as_deref());
}

/// The signal that a worker is sent before it is killed for hanging; `None` where there is none.
#[pyfunction]
pub(crate) fn dump_signal() -> Option<i32> {
    coordinator::signals::number_of_dump()
}

/// Lets the system kill this process when its parent ends (Linux; elsewhere the closed connection has to do). A `parent`
/// that is given may have ended before: then this process is killed now.
#[pyfunction]
#[pyo3(signature = (parent=None))]
pub(crate) fn die_with_parent(parent: Option<i32>) {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getpid, getppid, kill_process, set_parent_process_death_signal};
        let _refused = set_parent_process_death_signal(Some(Signal::KILL));
        if parent.is_some() && getppid().map(|pid| pid.as_raw_nonzero().get()) != parent {
            let _never_fails = kill_process(getpid(), Signal::KILL);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = parent;
}

//! The controller's classes: `Address`, `Coordinator`, `Event`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use coordinator::capacity;
use coordinator::coordinator as core;
use coordinator::event::{Command, Event as CoreEvent, Run};
use coordinator::memory::Memory;
use coordinator::model::{ItemId, WorkerId};
use coordinator::plan::Order;
use coordinator::protocol::{LeftProcess, Role};
use coordinator::scheduler::Decision as CoreDecision;
use coordinator::timings::Findings;
use coordinator::timings_file;
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert;
use crate::record::{self, Record};
use crate::timings::Timings;

/// Where the processes of a run find the coordinator. Starts no thread.
#[pyclass(frozen, module = "pytest_fastest._core")]
pub(crate) struct Address {
    inner: Mutex<Option<core::Address>>,
    /// The run's private directory.
    #[pyo3(get)]
    directory: PathBuf,
    /// The run's secret.
    #[pyo3(get)]
    token: String,
}

impl Address {
    fn take(&self) -> PyResult<core::Address> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner).take();
        inner.ok_or_else(|| PyRuntimeError::new_err("the address is already used"))
    }
}

#[pymethods]
impl Address {
    #[new]
    fn new() -> PyResult<Self> {
        let address = core::Address::bind().map_err(convert::start_error)?;
        let (directory, token) = (address.directory().to_owned(), address.token().to_owned());
        Ok(Self { inner: Mutex::new(Some(address)), directory, token })
    }

    /// For a forked child: closes its copy of the socket and leaves the directory to the parent.
    fn disown(&self) -> PyResult<()> {
        self.take()?.disown();
        Ok(())
    }

    /// Starts the coordinator's threads; `base`: the id of the process that has been forked as the run's base, if any.
    fn start(&self, base: Option<u32>) -> PyResult<Coordinator> {
        let inner = self.take()?.start(base).map_err(convert::start_error)?;
        Ok(Coordinator { inner: Mutex::new(inner) })
    }
}

/// The running coordinator.
#[pyclass(frozen, module = "pytest_fastest._core")]
pub(crate) struct Coordinator {
    inner: Mutex<core::Coordinator>,
}

impl Coordinator {
    fn command(&self, command: Command) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).command(command);
    }
}

#[pymethods]
impl Coordinator {
    /// Deals and runs groups in collection order, however long they are.
    fn keep_order(&self) {
        self.command(Command::Order(Order::Collected));
    }

    /// Gives the collector its `workerinput`.
    fn configure_collector(&self, payload: &[u8]) {
        self.command(Command::Configure(Role::Collector, convert::payload(payload)));
    }

    /// Gives a spawned worker its `workerinput`.
    fn configure_worker(&self, worker: u32, payload: &[u8]) {
        self.command(Command::Configure(Role::Worker(WorkerId(worker)), convert::payload(payload)));
    }

    /// Starts a collector in a process of its own, with exactly this environment.
    fn spawn_collector(&self, command: Vec<OsString>, environment: Vec<(OsString, OsString)>) {
        self.command(Command::Spawn { role: Role::Collector, command, environment });
    }

    /// Starts a worker in a process of its own, with exactly this environment.
    fn spawn_worker(&self, worker: u32, command: Vec<OsString>, environment: Vec<(OsString, OsString)>) {
        self.command(Command::Spawn { role: Role::Worker(WorkerId(worker)), command, environment });
    }

    /// Lets the template fork a worker.
    fn fork_worker(&self, worker: u32, payload: &[u8]) {
        self.command(Command::Fork(WorkerId(worker), convert::payload(payload)));
    }

    /// Lets the base fork a worker, which configures itself and collects.
    fn fork_worker_from_base(&self, worker: u32) {
        self.command(Command::ForkFromBase(WorkerId(worker)));
    }

    /// Lets the collector run tests itself.
    fn become_worker(&self, worker: u32) {
        self.command(Command::Become(WorkerId(worker)));
    }

    /// The list of items, for workers that collect for themselves.
    fn set_items(&self, payload: &[u8]) {
        self.command(Command::Items(convert::payload(payload)));
    }

    /// Deals the collected items to `workers` workers, which are started with the other methods.
    #[pyo3(signature = (
        workers, *, testrunuid, max_restarts, max_failures, fail_fast, each, decides_crashes, most_retries, configures_first,
        hang_timeout, replaces_grown
    ))]
    #[allow(
        clippy::fn_params_excessive_bools,
        clippy::too_many_arguments,
        reason = "they have names where it is called"
    )]
    fn begin(
        &self,
        workers: u32,
        testrunuid: String,
        max_restarts: u32,
        max_failures: Option<u32>,
        fail_fast: bool,
        each: bool,
        decides_crashes: bool,
        most_retries: u32,
        configures_first: bool,
        hang_timeout: Option<f64>,
        replaces_grown: bool,
    ) {
        let run = Run {
            testrunuid: Some(testrunuid),
            workers,
            max_restarts,
            max_failures,
            fail_fast,
            each,
            decides_crashes,
            most_retries,
            configures_first,
            hang_timeout,
            replaces_grown,
        };
        self.command(Command::Begin(run));
    }

    /// Lets a worker finish what it has claimed and end its session; others do the rest.
    fn retire_worker(&self, worker: u32) {
        self.command(Command::Retire(WorkerId(worker)));
    }

    /// What becomes of an item that a worker died in.
    fn decide(&self, item: u32, decision: Decision) {
        self.command(Command::Decide(ItemId(item), decision.into()));
    }

    /// The worker that is started next is the one that `Event.Confirm` asks for.
    fn confirm(&self, worker: u32) {
        self.command(Command::Confirm(WorkerId(worker)));
    }

    /// Gives each collected item the key of the group that it belongs to, which is not split.
    fn regroup(&self, keys: Vec<u32>) {
        self.command(Command::Regroup(keys));
    }

    /// Tells the plan what is known of the collected items, and of the fixtures of session and package scope that they
    /// use, from earlier runs. Returns, if anything is known, the seconds that all is expected to take, of those how many
    /// need a processor, and what the most expensive of these fixtures takes.
    #[allow(clippy::needless_pass_by_value, reason = "extracted from Python")]
    fn expect(
        &self,
        py: Python<'_>,
        nodeids: Vec<String>,
        wide: Vec<String>,
        known: &Timings,
    ) -> Option<(f64, f64, f64)> {
        let outlook = py.detach(|| {
            self.inner.lock().unwrap_or_else(PoisonError::into_inner).expect(nodeids, &wide, &known.inner)
        });
        outlook.map(|outlook| (outlook.total, outlook.cpu, outlook.wide))
    }

    #[allow(clippy::needless_pass_by_value, reason = "extracted from Python")]
    /// Writes what was found out of tests in this run to a file of timings, beside what is there. `imports`: seconds by
    /// module; `day`: counted from 1970; `replace`: also if the file holds something else.
    fn save_timings(
        &self,
        py: Python<'_>,
        path: PathBuf,
        imports: Vec<(String, f32)>,
        day: u32,
        replace: bool,
    ) -> PyResult<()> {
        py.detach(|| {
            let findings = self.inner.lock().unwrap_or_else(PoisonError::into_inner).findings();
            timings_file::add(&path, Findings { imports, ..findings }, day, replace)
        })
        .map_err(|error| PyOSError::new_err(error.to_string()))
    }

    /// What the first `workers` of the workers run at this moment: worker and item; nothing before tests are dealt.
    fn running(&self, workers: u32) -> Vec<(u32, u32)> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.running(workers).into_iter().map(|(worker, item)| (worker.0, item.0)).collect()
    }

    /// Seconds that one worker would need for what is left; `None` if there is nothing to tell by yet.
    fn left(&self) -> Option<f64> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).left()
    }

    /// Seconds that an item took in earlier runs, if it has been seen.
    fn usual(&self, item: u32) -> Option<f64> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).usual(ItemId(item))
    }

    /// Whether the terminal is this worker's, until it returns it.
    fn lend_terminal(&self, worker: u32, granted: bool) {
        self.command(Command::Lend(WorkerId(worker), granted));
    }

    /// Lets workers that run a test write down their stacks.
    fn dump(&self) {
        self.command(Command::Dump);
    }

    /// The record of this run, once: of all collected tests, with the outcomes of those that did not just pass.
    fn record(
        &self,
        py: Python<'_>,
        about: record::About,
        nodeids: Vec<String>,
        outcomes: Vec<(u32, String)>,
        failures: Vec<record::Failed>,
    ) -> Record {
        let record = py.detach(|| {
            let about = record::about(about);
            self.inner.lock().unwrap_or_else(PoisonError::into_inner).record(about, nodeids)
        });
        Record::new(record, outcomes, failures)
    }

    /// Starts no more tests; what runs may finish.
    fn stop(&self) {
        self.command(Command::Stop);
    }

    /// Starts no more tests and interrupts what runs.
    fn interrupt(&self) {
        self.command(Command::Interrupt);
    }

    /// Asks the processes that are left to leave, without waiting for them.
    fn dismiss(&self) {
        self.command(Command::Quit);
    }

    /// Kills every process now.
    fn kill(&self) {
        self.command(Command::Kill);
    }

    /// Waits up to `timeout` seconds for events, without the GIL.
    fn next_events(&self, py: Python<'_>, timeout: f64) -> PyResult<Vec<Py<Event>>> {
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or(Duration::ZERO);
        let events =
            py.detach(|| self.inner.lock().unwrap_or_else(PoisonError::into_inner).next_events(timeout));
        py.check_signals()?;
        let events = events.map_err(|gone| PyRuntimeError::new_err(gone.to_string()))?;
        // Not `Py::new`: that would make instances of the base class instead of the variants.
        let events = events.into_iter().map(|event| Event::new(py, event).into_pyobject(py));
        events.map(|event| event.map(Bound::unbind)).collect()
    }

    /// Lets the processes that are left leave, kills who has not after `patience` seconds, removes the directory.
    /// A signal's exception ends the patience, and is raised then.
    #[allow(clippy::redundant_closure_for_method_calls, reason = "the method alone is not general enough")]
    fn close(&self, py: Python<'_>, patience: f64) -> PyResult<()> {
        let patience = Duration::try_from_secs_f64(patience).unwrap_or(Duration::ZERO);
        let mut raised = None;
        py.detach(|| {
            self.inner.lock().unwrap_or_else(PoisonError::into_inner).close(patience, || {
                raised = Python::attach(|py| py.check_signals()).err();
                raised.is_some()
            });
        });
        raised.map_or(Ok(()), Err)
    }
}

/// What becomes of an item that a worker died in.
#[pyclass(frozen, eq, from_py_object, module = "pytest_fastest._core")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Decision {
    Crashed,
    Again,
    Alone,
}

impl From<Decision> for CoreDecision {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Crashed => Self::Crashed,
            Decision::Again => Self::Again,
            Decision::Alone => Self::Alone,
        }
    }
}

/// Something that the controller reports to its user or decides on.
#[pyclass(frozen, module = "pytest_fastest._core")]
pub(crate) enum Event {
    Note { payload: Py<PyBytes> },
    Collected { payload: Py<PyBytes>, separable: usize, expected_total: f64 },
    CollectorLost { returncode: Option<i32> },
    CannotBegin { reason: String },
    Ready { worker: u32 },
    Reports { worker: u32, item: u32, finished: bool, payload: Py<PyBytes> },
    WantsStop { payload: Py<PyBytes> },
    Crashed { worker: u32, item: Option<u32>, seconds: f64, returncode: Option<i32>, hung: Option<f64> },
    Needed { worker: u32 },
    Confirm { item: u32 },
    Outgrown { worker: u32, bytes: u64, grew: Vec<(u32, u64)> },
    MemoryShort { available: u64, total: u64, leaving: Vec<u32>, postponed: Vec<u32> },
    Terminal { worker: u32, wanted: bool },
    LeftBehind { worker: u32, pid: u32, command: String, tests: Vec<String> },
    Lingered { worker: u32 },
    NotReplaced { worker: u32, orphaned: bool },
    NotStarted { worker: Option<u32>, reason: Option<String> },
    Ended { worker: u32, payload: Py<PyBytes> },
    Finished { not_run: Vec<(u32, String)> },
}

impl Event {
    fn new(py: Python<'_>, event: CoreEvent) -> Self {
        match event {
            CoreEvent::Note(payload) => Event::Note { payload: convert::bytes(py, &payload) },
            CoreEvent::Collected { payload, separable, expected_total } => {
                let payload = convert::bytes(py, &payload);
                Event::Collected { payload, separable, expected_total }
            }
            CoreEvent::CollectorLost(status) => {
                Event::CollectorLost { returncode: convert::returncode(status) }
            }
            CoreEvent::CannotBegin(reason) => Event::CannotBegin { reason },
            CoreEvent::Ready(worker) => Event::Ready { worker: worker.0 },
            CoreEvent::Reports { worker, item, finished, payload } => {
                let payload = convert::bytes(py, &payload);
                Event::Reports { worker: worker.0, item: item.0, finished, payload }
            }
            CoreEvent::WantsStop(payload) => Event::WantsStop { payload: convert::bytes(py, &payload) },
            CoreEvent::Crashed { worker, item, seconds, status, hung } => Event::Crashed {
                seconds,
                worker: worker.0,
                item: item.map(|item| item.0),
                returncode: convert::returncode(status),
                hung,
            },
            CoreEvent::Needed(worker) => Event::Needed { worker: worker.0 },
            CoreEvent::Confirm(item) => Event::Confirm { item: item.0 },
            CoreEvent::Outgrown { worker, bytes, grew } => {
                let grew = grew.into_iter().map(|(item, bytes)| (item.0, bytes)).collect();
                Event::Outgrown { worker: worker.0, bytes, grew }
            }
            CoreEvent::MemoryShort { memory, leaving, postponed } => Event::MemoryShort {
                available: memory.available,
                total: memory.total,
                leaving: numbers(leaving),
                postponed: numbers(postponed),
            },
            CoreEvent::Terminal { worker, wanted } => Event::Terminal { worker: worker.0, wanted },
            CoreEvent::LeftBehind { worker, process } => {
                let LeftProcess { pid, parent: _, command, tests } = process;
                Event::LeftBehind { worker: worker.0, pid, command, tests }
            }
            CoreEvent::Lingered(worker) => Event::Lingered { worker: worker.0 },
            CoreEvent::NotReplaced { worker, orphaned } => Event::NotReplaced { worker: worker.0, orphaned },
            CoreEvent::NotStarted { worker, refusal } => {
                Event::NotStarted { worker: worker.map(|worker| worker.0), reason: convert::refusal(refusal) }
            }
            CoreEvent::Ended { worker, payload } => {
                Event::Ended { worker: worker.0, payload: convert::bytes(py, &payload) }
            }
            CoreEvent::Finished { not_run } => Event::Finished {
                not_run: not_run
                    .into_iter()
                    .map(|(item, reason)| (item.0, convert::reason(reason).to_owned()))
                    .collect(),
            },
        }
    }
}

fn numbers(workers: Vec<WorkerId>) -> Vec<u32> {
    workers.into_iter().map(|worker| worker.0).collect()
}

/// The automatic number of workers and the reason for it, as a phrase.
#[pyfunction]
#[pyo3(signature = (*, separable, expected_total, expected_cpu, worker_memory, worker_start, worker_fixtures))]
pub(crate) fn automatic_workers(
    separable: usize,
    expected_total: f64,
    expected_cpu: Option<f64>,
    worker_memory: u64,
    worker_start: f64,
    worker_fixtures: f64,
) -> (usize, String) {
    let (workers, limit) = capacity::automatic(capacity::Inputs {
        cores: capacity::usable_cores(),
        available_memory: Memory::now().map(|memory| memory.available),
        worker_memory,
        separable,
        expected_total,
        expected_cpu,
        worker_start,
        worker_fixtures,
    });
    (workers, limit.to_string())
}

/// Bytes of memory that the machine has, or that the cgroup of this process may use; `None` if nobody tells.
#[pyfunction]
pub(crate) fn total_memory() -> Option<u64> {
    Memory::now().map(|memory| memory.total)
}

//! The class `Record`: a finished run, and what can be made of it.

use std::path::PathBuf;

use coordinator::capacity;
use coordinator::model::{ItemId, WorkerId};
use coordinator::record::{self as core, Execution, Failure, Place};
use coordinator::record_file;
use coordinator::timings::Spent;
use coordinator::trail;
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;

use crate::convert;

/// The run's name, the arguments of pytest, what was collected and whether by names of packages, what ran it, the start
/// method and the reason for it, the number of workers, the exit status.
pub(crate) type About =
    (String, Vec<String>, Vec<String>, bool, Vec<String>, String, Option<String>, u32, i32);
/// Item, node id, worker, how many tests that had run before, whether the worker died.
type Trail = (u32, String, String, usize, bool);
/// Item, node id, phase, worker, text, sections.
pub(crate) type Failed = (Option<u32>, String, String, String, String, Vec<(String, String)>);
/// Item, when it was over, and what it took: in all, of a processor, for set-up, call and teardown.
type Ran = (u32, f64, f32, f32, f32, f32, f32);

/// A finished run.
#[pyclass(frozen, module = "pytest_fastest._core")]
pub(crate) struct Record {
    inner: core::Record,
}

impl Record {
    fn nodeid(&self, item: ItemId) -> String {
        self.inner.nodeids[item.index()].clone()
    }

    /// With what the controller knows of outcomes.
    pub(crate) fn new(inner: core::Record, outcomes: Vec<(u32, String)>, failures: Vec<Failed>) -> Self {
        let outcomes = outcomes.into_iter().map(|(item, outcome)| (ItemId(item), outcome)).collect();
        let failure = |(item, nodeid, when, worker, text, sections): Failed| Failure {
            item: item.map(ItemId),
            nodeid,
            when,
            worker,
            text,
            sections,
        };
        let failures = failures.into_iter().map(failure).collect();
        Self { inner: core::Record { outcomes, failures, ..inner } }
    }
}

pub(crate) fn about(
    (testrunuid, arguments, paths, pyargs, versions, method, method_reason, workers, exit_status): About,
) -> core::About {
    let versions = std::iter::once(concat!("fastest ", env!("CARGO_PKG_VERSION")).to_owned()).chain(versions);
    core::About {
        testrunuid,
        arguments,
        paths,
        pyargs,
        versions: versions.collect(),
        method,
        method_reason,
        workers,
        exit_status,
        cores: u32::try_from(capacity::usable_cores()).unwrap_or(u32::MAX),
        ..core::About::default()
    }
}

#[pymethods]
#[allow(clippy::needless_pass_by_value, reason = "extracted from Python")]
impl Record {
    /// Of a run without workers, which began at `started` (seconds since 1970) and took so many `seconds`.
    #[staticmethod]
    #[pyo3(signature = (about, nodeids, *, started, seconds, collected, ran, set_ups, outcomes, failures))]
    #[allow(clippy::too_many_arguments, reason = "they have names where it is called")]
    fn of_reports(
        about: About,
        nodeids: Vec<String>,
        started: f64,
        seconds: f64,
        collected: f64,
        ran: Vec<Ran>,
        set_ups: Vec<convert::FixtureRow>,
        outcomes: Vec<(u32, String)>,
        failures: Vec<Failed>,
    ) -> Self {
        let execution = |(item, ended, total, cpu, setup, call, teardown): Ran| {
            let spent = Spent { total, cpu, setup, call, teardown, ..Spent::default() };
            Execution { item: ItemId(item), worker: WorkerId(0), ended, spent }
        };
        let record = core::Record {
            about: core::About { started, seconds, ..self::about(about) },
            places: Place::by_names(&nodeids),
            nodeids,
            executions: ran.into_iter().map(execution).collect(),
            events: vec![(collected, core::Happened::Collected)],
            set_ups: convert::fixture_times(set_ups).into_iter().map(|times| (WorkerId(0), times)).collect(),
            ..core::Record::default()
        };
        Self::new(record, outcomes, failures)
    }

    /// What a file holds.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let inner = py.detach(|| record_file::read(&path));
        Ok(Self { inner: inner.map_err(|error| PyOSError::new_err(error.to_string()))? })
    }

    /// The files of a folder's records, newest first.
    #[staticmethod]
    fn kept_in(folder: PathBuf) -> PyResult<Vec<PathBuf>> {
        Ok(record_file::list(&folder)?)
    }

    /// Keeps it in a folder with the last runs; `None`: it is too large to be kept.
    fn keep(&self, py: Python<'_>, folder: PathBuf) -> PyResult<Option<PathBuf>> {
        Ok(py.detach(|| record_file::keep(&folder, &self.inner))?)
    }

    /// Writes the report, an HTML page.
    fn write_page(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let page = py.detach(|| report::page::page(&self.inner));
        let page = page.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        Ok(py.detach(|| report::write(&path, &page))?)
    }

    /// Writes a trace in Chrome's format.
    fn write_trace(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        Ok(py.detach(|| report::write(&path, &report::trace::trace(&self.inner)))?)
    }

    /// One for each test that failed in a worker, in the order in which they came to their ends.
    fn trails(&self) -> Vec<Trail> {
        let row = |trail: trail::Trail| {
            (trail.item.0, self.nodeid(trail.item), trail.worker.to_string(), trail.before, trail.crashed)
        };
        self.inner.trails().into_iter().map(row).collect()
    }

    /// The node ids of what a worker has run to its end, in order.
    fn order(&self, worker: &str) -> Vec<String> {
        let worker = trail::worker_of(worker);
        worker
            .map_or_else(Vec::new, |worker| self.inner.order(worker).map(|item| self.nodeid(item)).collect())
    }

    /// The arguments of pytest.
    #[getter]
    fn arguments(&self) -> Vec<String> {
        self.inner.about.arguments.clone()
    }

    /// What was collected, as pytest takes it from any directory.
    #[getter]
    fn paths(&self) -> Vec<String> {
        self.inner.about.paths.clone()
    }

    /// Whether some of the paths may be names of packages.
    #[getter]
    fn pyargs(&self) -> bool {
        self.inner.about.pyargs
    }

    /// The run's name.
    #[getter]
    fn testrunuid(&self) -> &str {
        &self.inner.about.testrunuid
    }

    /// When the run began, in seconds since 1970.
    #[getter]
    fn started(&self) -> f64 {
        self.inner.about.started
    }

    /// How long it took.
    #[getter]
    fn seconds(&self) -> f64 {
        self.inner.about.seconds
    }

    /// pytest's.
    #[getter]
    fn exit_status(&self) -> i32 {
        self.inner.about.exit_status
    }

    /// How many tests were collected.
    #[getter]
    fn tests(&self) -> usize {
        self.inner.nodeids.len()
    }
}

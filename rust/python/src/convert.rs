//! Errors and values at the border, each mapped in one place.

use coordinator::error::{BoardError, FrameError, StartError};
use coordinator::event::Refusal;
use coordinator::ledger::NotRunReason;
use coordinator::model::{FixtureScope, FixtureTimes, Membership};
use coordinator::protocol::ExitStatus;
use pyo3::exceptions::{PyConnectionError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_bytes::ByteBuf;

pub(crate) fn bytes(py: Python<'_>, payload: &[u8]) -> Py<PyBytes> {
    PyBytes::new(py, payload).unbind()
}

/// An item can't be both; a gathered one is never separated.
pub(crate) fn membership(gathered: bool, loose: bool) -> Membership {
    match (gathered, loose) {
        (true, _) => Membership::Gathered,
        (false, true) => Membership::Loose,
        (false, false) => Membership::Neighbours,
    }
}

/// Name, scope, how often it was set up, seconds in all, seconds of the longest.
pub(crate) type FixtureRow = (String, String, u32, f32, f32);

pub(crate) fn fixture_times(rows: Vec<FixtureRow>) -> Vec<FixtureTimes> {
    let times = |(name, scope, times, seconds, longest): FixtureRow| FixtureTimes {
        name,
        scope: FixtureScope::of(&scope),
        times,
        seconds,
        longest,
    };
    rows.into_iter().map(times).collect()
}

pub(crate) fn payload(bytes: &[u8]) -> ByteBuf {
    ByteBuf::from(bytes)
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(crate) fn start_error(error: StartError) -> PyErr {
    PyOSError::new_err(error.to_string())
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(crate) fn board_error(error: BoardError) -> PyErr {
    PyOSError::new_err(error.to_string())
}

/// A connection that is gone is a `ConnectionError`, an interrupted wait an `InterruptedError`, a bad message a
/// `ValueError`.
pub(crate) fn frame_error(error: FrameError) -> PyErr {
    match error {
        FrameError::Io(error) if error.kind() == std::io::ErrorKind::Interrupted => error.into(),
        FrameError::Io(_) | FrameError::Closed => PyConnectionError::new_err(error.to_string()),
        FrameError::TooLarge { .. } | FrameError::Decode(_) | FrameError::Encode(_) => {
            PyValueError::new_err(error.to_string())
        }
    }
}

/// As in `subprocess.Popen.returncode`: negative for a signal, `None` if nobody knows.
pub(crate) fn returncode(status: ExitStatus) -> Option<i32> {
    match status {
        ExitStatus::Code(code) => Some(code),
        ExitStatus::Signal(signal) => Some(-signal),
        ExitStatus::Unknown => None,
    }
}

/// The inverse of [`returncode`].
pub(crate) fn exit_status(returncode: Option<i32>) -> ExitStatus {
    match returncode {
        Some(code) if code >= 0 => ExitStatus::Code(code),
        Some(signal) => ExitStatus::Signal(-signal),
        None => ExitStatus::Unknown,
    }
}

/// What the system says; `None` if the run's directory is gone.
pub(crate) fn refusal(refusal: Refusal) -> Option<String> {
    match refusal {
        Refusal::System(reason) => Some(reason),
        Refusal::DirectoryGone => None,
    }
}

pub(crate) fn reason(reason: NotRunReason) -> &'static str {
    match reason {
        NotRunReason::Stopped => "stopped",
        NotRunReason::Interrupted => "interrupted",
        NotRunReason::WorkersExhausted => "no worker left",
        NotRunReason::Retired => "retired",
        NotRunReason::NoFreshWorker => "no fresh worker",
    }
}

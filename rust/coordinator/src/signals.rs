//! Signals to processes by id; nothing where there are none.

use crate::table;

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Raise `KeyboardInterrupt` in the process.
    Interrupt,
    /// End it at once.
    Kill,
    /// Write down what its threads are at.
    Dump,
}

/// The number of the signal that lets a worker write down what its threads are at; `None` where there is none.
///
/// The last of the real-time signals, which hardly a test has a use of its own for.
#[must_use]
pub fn number_of_dump() -> Option<i32> {
    #[cfg(unix)]
    return Some(dump().as_raw());
    #[cfg(not(unix))]
    None
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[allow(unsafe_code, reason = "rustix has no names for real-time signals")]
fn dump() -> rustix::process::Signal {
    // SAFETY: the C library tells which signals are free for use.
    unsafe { rustix::process::Signal::from_raw_unchecked(libc::SIGRTMAX()) }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn dump() -> rustix::process::Signal {
    rustix::process::Signal::USR2
}

/// Kills the process and all that it has started, and they have.
pub(crate) fn kill_with_descendants(pid: u32) {
    let descendants = table::descendants(pid);
    send(pid, Signal::Kill);
    for pid in descendants {
        send(pid, Signal::Kill);
    }
}

/// Sends `signal` to the process. A process that has ended already is no error: there is nothing left to do.
#[cfg(unix)]
pub(crate) fn send(pid: u32, signal: Signal) {
    let signal = match signal {
        Signal::Interrupt => rustix::process::Signal::INT,
        Signal::Kill => rustix::process::Signal::KILL,
        Signal::Dump => dump(),
    };
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        let _ended_already = rustix::process::kill_process(pid, signal);
    }
}

/// Windows has no signal for one process; killing goes through the process table.
#[cfg(not(unix))]
pub(crate) fn send(pid: u32, signal: Signal) {
    use sysinfo::{Pid, ProcessesToUpdate, System};
    if signal == Signal::Kill {
        let pid = Pid::from_u32(pid);
        let Ok(mut system) = System::new() else {
            return;
        };
        system.refresh_processes(ProcessesToUpdate::Some(&[pid]), false);
        if let Some(process) = system.process(pid) {
            let _ended_already = process.kill();
        }
    }
}

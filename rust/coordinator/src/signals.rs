//! Signals to processes by id; nothing where there are none.

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Raise `KeyboardInterrupt` in the process.
    Interrupt,
    /// End it at once.
    Kill,
}

/// Sends `signal` to the process. A process that has ended already is no error: there is nothing left to do.
#[cfg(unix)]
pub(crate) fn send(pid: u32, signal: Signal) {
    let signal = match signal {
        Signal::Interrupt => rustix::process::Signal::INT,
        Signal::Kill => rustix::process::Signal::KILL,
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

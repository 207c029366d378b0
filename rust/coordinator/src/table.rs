//! What the system's table of processes tells; nothing where nobody does.

use std::ffi::OsStr;

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};

use crate::protocol::LeftProcess;
use crate::signals::{self, Signal};

/// In the environment of what tests start: the run, the worker, and the running test with its phase in parentheses.
const RUN: &str = "PYTEST_XDIST_TESTRUNUID=";
const WORKER: &str = "PYTEST_XDIST_WORKER=";
const TEST: &str = "PYTEST_CURRENT_TEST=";

/// How often processes are looked for that are to be killed.
const ROUNDS: usize = 5;

/// When the process has started (seconds since 1970); `None` if it has ended.
pub(crate) fn started(pid: u32) -> Option<u64> {
    let mut system = System::new().ok()?;
    let pid = Pid::from_u32(pid);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, ProcessRefreshKind::nothing());
    system.process(pid).filter(|process| lives(process)).map(Process::start_time)
}

/// Whether this child of ours has ended. It can still be waited for.
#[cfg(unix)]
pub(crate) fn has_ended(child: u32) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let child = i32::try_from(child).ok().and_then(Pid::from_raw);
    child.is_some_and(|child| matches!(waitid(WaitId::Pid(child), look), Ok(Some(_))))
}

/// Nobody forks here.
#[cfg(not(unix))]
pub(crate) fn has_ended(_child: u32) -> bool {
    false
}

/// Everything that the process has started, and that has.
pub(crate) fn descendants(pid: u32) -> Vec<u32> {
    let system = all(ProcessRefreshKind::nothing());
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        next += 1;
        found.extend(living(system.as_ref()).filter(|process| parent_of(process) == parent).map(number_of));
    }
    found.split_off(1)
}

/// The programs that tests of this worker have started, in this run, by their environment.
pub(crate) fn started_by(run: &str, worker: &str) -> Vec<LeftProcess> {
    let kind = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always).with_cmd(UpdateKind::Always);
    let is_marked = |process: &&Process| {
        value(process, RUN).as_deref() == Some(run) && value(process, WORKER).as_deref() == Some(worker)
    };
    let left = |process: &Process| LeftProcess {
        pid: number_of(process),
        parent: parent_of(process),
        command: process.cmd().join(OsStr::new(" ")).to_string_lossy().into_owned(),
        tests: value(process, TEST)
            .and_then(|test| test.rsplit_once(" (").map(|(nodeid, _)| nodeid.to_owned()))
            .into_iter()
            .collect(),
    };
    living(all(kind).as_ref()).filter(is_marked).map(left).collect()
}

/// Kills everything that this process has started, and they have, and, wherever it has gone, what tests of the run with
/// this mark have started.
pub fn kill_run(mark: Option<&str>) {
    let own = std::process::id();
    let is_marked = |process: &&Process| mark.is_some() && value(process, RUN).as_deref() == mark;
    // They may start others meanwhile.
    for _ in 0..ROUNDS {
        let mut doomed = descendants(own);
        let system = all(ProcessRefreshKind::nothing().with_environ(UpdateKind::Always));
        doomed.extend(living(system.as_ref()).filter(is_marked).map(number_of));
        doomed.retain(|pid| *pid != own);
        if doomed.is_empty() {
            return;
        }
        for pid in doomed {
            signals::send(pid, Signal::Kill);
        }
    }
}

fn all(kind: ProcessRefreshKind) -> Option<System> {
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::All, false, kind);
    Some(system)
}

fn living(system: Option<&System>) -> impl Iterator<Item = &Process> {
    system.into_iter().flat_map(|system| system.processes().values()).filter(|process| lives(process))
}

/// Not a thread, and not only waiting for somebody to ask how it has ended.
fn lives(process: &Process) -> bool {
    process.thread_kind().is_none() && process.status() != ProcessStatus::Zombie
}

fn number_of(process: &Process) -> u32 {
    process.pid().as_u32()
}

/// 0 if it has none.
fn parent_of(process: &Process) -> u32 {
    process.parent().map_or(0, Pid::as_u32)
}

fn value(process: &Process, key: &str) -> Option<String> {
    let mut entries = process.environ().iter().map(|entry| entry.to_string_lossy());
    entries.find_map(|entry| entry.strip_prefix(key).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives() {
        assert!(started(std::process::id()).is_some());
        assert_eq!(started(u32::MAX), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_test_starts_is_found_by_its_environment_and_by_its_parent() {
        let mut child = std::process::Command::new("sleep")
            .arg("100")
            .env("PYTEST_XDIST_TESTRUNUID", "a run of its own")
            .env("PYTEST_XDIST_WORKER", "gw1")
            .env("PYTEST_CURRENT_TEST", "a.py::test_b (call)")
            .spawn()
            .expect("a program");
        // Its environment is there once it has begun.
        let found = loop {
            let found = started_by("a run of its own", "gw1");
            if !found.is_empty() {
                break found;
            }
        };
        let (pid, parent) = (child.id(), std::process::id());
        let (command, tests) = ("sleep 100".to_owned(), vec!["a.py::test_b".to_owned()]);
        assert_eq!(found, [LeftProcess { pid, parent, command, tests }]);
        assert_eq!(started_by("a run of its own", "gw2"), []);
        assert_eq!(started_by("another run", "gw1"), []);
        assert!(descendants(parent).contains(&pid));
        child.kill().expect("it lives");
        // Nobody has asked for it yet.
        while started(pid).is_some() {}
        child.wait().expect("it ends");
    }
}

//! The processes of a run: which are connected, which have ended and how. Decides when one counts as dead.
//!
//! Two signs tell of a death: the connection closes, and the parent reports an exit status. Normally both come at
//! once. A process that a test forked can hold a copy of the connection, so that it does not close: it is closed from
//! here then, after a grace period, so that what the dead one has sent still comes before the end. And a process that
//! closes all its descriptors goes on living: that one sign alone counts too, later.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::protocol::{ExitStatus, Role};

/// Wait for the end of the connection of a process known to have ended.
const DRAIN_GRACE: Duration = Duration::from_millis(200);
/// Wait for the exit status of a process whose connection is closed, before it is killed.
const STATUS_GRACE: Duration = Duration::from_secs(2);

/// Why a process can't be made.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// The system makes no more processes or threads; what it says.
    System(String),
    /// Somebody has removed the directory in which it would find the coordinator.
    DirectoryGone,
}

/// Identifies one connection.
pub(crate) type ConnectionId = u64;

/// What is known of one process.
#[derive(Debug, Default)]
pub(crate) struct Process {
    /// Its process id.
    pub(crate) pid: Option<u32>,
    /// Its open connection.
    pub(crate) connection: Option<ConnectionId>,
    /// How it ended.
    pub(crate) status: Option<ExitStatus>,
    /// How many messages have come over its connection, the greeting included.
    pub(crate) received: u32,
    /// It has said that its session is over.
    pub(crate) ended: bool,
    /// Why it can't be made.
    pub(crate) refusal: Option<Refusal>,
    closed_at: Option<Instant>,
    exited_at: Option<Instant>,
}

impl Process {
    fn verdict(&self, role: Role, now: Instant) -> Option<Verdict> {
        if role == Role::Base && self.closed_at.is_some() {
            // Its parent is the controller itself, which waits for it elsewhere.
            return Some(Verdict::Dead(ExitStatus::Unknown));
        }
        let closed = self.closed_at.map(|at| now.saturating_duration_since(at));
        let exited = self.exited_at.map(|at| now.saturating_duration_since(at));
        match (self.status, closed, exited) {
            (Some(status), Some(_), _) => Some(Verdict::Dead(status)),
            (Some(status), None, Some(since)) if self.connection.is_none() && since >= DRAIN_GRACE => {
                Some(Verdict::Dead(status))
            }
            (None, Some(since), _) if since >= STATUS_GRACE => Some(Verdict::Lost),
            (Some(_) | None, _, _) => None,
        }
    }
}

/// What became of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has ended.
    Dead(ExitStatus),
    /// It can't be reached any more, but has not been seen to end: kill it.
    Lost,
}

/// All processes that are not yet known to be dead.
#[derive(Debug, Default)]
pub(crate) struct Processes {
    table: BTreeMap<RoleKey, Process>,
    by_connection: BTreeMap<ConnectionId, Role>,
}

/// `Role` in an order that a map needs: base, collector, workers by number.
type RoleKey = (u8, u32);

fn key(role: Role) -> RoleKey {
    match role {
        Role::Base => (0, 0),
        Role::Collector => (1, 0),
        Role::Worker(worker) => (2, worker.0),
    }
}

fn role_of(key: RoleKey) -> Role {
    match key {
        (0, _) => Role::Base,
        (1, _) => Role::Collector,
        (_, worker) => Role::Worker(crate::model::WorkerId(worker)),
    }
}

impl Processes {
    /// Before anybody has come: there will be a collector.
    pub(crate) fn of_a_run() -> Self {
        let mut processes = Self::default();
        processes.expect(Role::Collector);
        processes
    }

    /// Expects a process of this role from now on.
    pub(crate) fn expect(&mut self, role: Role) {
        self.table.entry(key(role)).or_default();
    }

    /// A process has been created by its parent.
    pub(crate) fn forked(&mut self, role: Role, pid: u32) {
        self.table.entry(key(role)).or_default().pid = Some(pid);
    }

    /// A process has connected.
    pub(crate) fn connected(&mut self, role: Role, pid: u32, connection: ConnectionId) {
        let process = self.table.entry(key(role)).or_default();
        process.pid = Some(pid);
        process.connection = Some(connection);
        process.received = 1;
        self.by_connection.insert(connection, role);
    }

    /// The collector goes on as a worker.
    pub(crate) fn rename(&mut self, from: Role, to: Role) {
        if let Some(process) = self.table.remove(&key(from)) {
            if let Some(connection) = process.connection {
                self.by_connection.insert(connection, to);
            }
            self.table.insert(key(to), process);
        }
    }

    /// The connection is closed.
    pub(crate) fn closed(&mut self, connection: ConnectionId, now: Instant) {
        if let Some(role) = self.by_connection.remove(&connection)
            && let Some(process) = self.table.get_mut(&key(role))
        {
            process.connection = None;
            process.closed_at = Some(now);
        }
    }

    /// The process with this id has ended. A process that never connected has no connection to drain.
    pub(crate) fn exited(&mut self, pid: u32, status: ExitStatus, now: Instant) {
        if let Some(process) = self.table.values_mut().find(|process| process.pid == Some(pid)) {
            process.status = Some(status);
            process.exited_at = Some(now);
        }
    }

    /// Every process has been killed. Their parents are among them, so nobody else tells their status.
    pub(crate) fn killed(&mut self, now: Instant) {
        const SIGKILL: i32 = 9;
        for process in self.table.values_mut() {
            process.status.get_or_insert(ExitStatus::Signal(SIGKILL));
            process.exited_at.get_or_insert(now);
        }
    }

    /// A process could not even be started.
    pub(crate) fn failed_to_start(&mut self, role: Role, now: Instant) {
        let process = self.table.entry(key(role)).or_default();
        process.status = Some(ExitStatus::Unknown);
        process.closed_at = Some(now);
    }

    /// A process can't be made.
    pub(crate) fn refused(&mut self, role: Role, refusal: Refusal, now: Instant) {
        self.failed_to_start(role, now);
        self.table.entry(key(role)).or_default().refusal = Some(refusal);
    }

    /// Who is behind a connection.
    #[must_use]
    pub(crate) fn role(&self, connection: ConnectionId) -> Option<Role> {
        self.by_connection.get(&connection).copied()
    }

    /// What is known of the process of this role.
    #[must_use]
    pub(crate) fn get(&self, role: Role) -> Option<&Process> {
        self.table.get(&key(role))
    }

    /// As [`Processes::get`], to change it.
    pub(crate) fn get_mut(&mut self, role: Role) -> Option<&mut Process> {
        self.table.get_mut(&key(role))
    }

    /// Every process that is not known to be dead, with its role.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Role, &Process)> {
        self.table.iter().map(|(&key, process)| (role_of(key), process))
    }

    /// Whether a worker is alive or on its way.
    #[must_use]
    pub(crate) fn any_worker(&self) -> bool {
        self.iter().any(|(role, _)| matches!(role, Role::Worker(_)))
    }

    /// Whether a sign of death waits for the other one, so that time matters.
    #[must_use]
    pub(crate) fn has_pending(&self) -> bool {
        self.table.values().any(|process| process.closed_at.is_some() || process.exited_at.is_some())
    }

    /// Connections that somebody holds open behind a process which has ended.
    pub(crate) fn held_open(&self, now: Instant) -> impl Iterator<Item = ConnectionId> {
        let is_held = move |process: &Process| {
            process.exited_at.is_some_and(|at| now.saturating_duration_since(at) >= DRAIN_GRACE)
        };
        self.table.values().filter_map(move |process| process.connection.filter(|_| is_held(process)))
    }

    /// Removes the processes that count as dead and tells what became of them.
    pub(crate) fn bury(&mut self, now: Instant) -> Vec<(Role, Process, Verdict)> {
        let dead: Vec<_> = self
            .table
            .iter()
            .filter_map(|(&key, process)| process.verdict(role_of(key), now).map(|verdict| (key, verdict)))
            .collect();
        dead.into_iter()
            .filter_map(|(key, verdict)| {
                let process = self.table.remove(&key)?;
                if let Some(connection) = process.connection {
                    self.by_connection.remove(&connection);
                }
                Some((role_of(key), process, verdict))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WorkerId;

    const WORKER: Role = Role::Worker(WorkerId(3));

    fn connected() -> (Processes, Instant) {
        let mut processes = Processes::default();
        processes.forked(WORKER, 42);
        processes.connected(WORKER, 42, 7);
        (processes, Instant::now())
    }

    #[test]
    fn both_signs_together_are_a_death() {
        let (mut processes, now) = connected();
        processes.exited(42, ExitStatus::Signal(11), now);
        assert!(processes.bury(now).is_empty(), "reports may still be in the socket");
        processes.closed(7, now);
        let dead = processes.bury(now);
        assert_eq!(dead.len(), 1);
        assert_eq!((dead[0].0, dead[0].2), (WORKER, Verdict::Dead(ExitStatus::Signal(11))));
        assert!(!processes.any_worker());
    }

    #[test]
    fn a_grandchild_that_holds_the_connection_does_not_hide_a_death() {
        let (mut processes, now) = connected();
        processes.exited(42, ExitStatus::Code(1), now);
        assert_eq!(processes.held_open(now).count(), 0);
        assert_eq!(processes.held_open(now + DRAIN_GRACE).collect::<Vec<_>>(), [7]);
        assert!(processes.bury(now + DRAIN_GRACE).is_empty(), "reports may still be in the socket");
        processes.closed(7, now + DRAIN_GRACE);
        assert_eq!(processes.bury(now + DRAIN_GRACE).len(), 1);
        assert_eq!(processes.role(7), None);
    }

    #[test]
    fn a_process_that_closed_its_connection_is_lost_after_a_while() {
        let (mut processes, now) = connected();
        processes.closed(7, now);
        assert!(processes.bury(now).is_empty(), "its status is on the way");
        let dead = processes.bury(now + STATUS_GRACE);
        assert_eq!(dead[0].2, Verdict::Lost);
        assert_eq!(dead[0].1.pid, Some(42));
    }

    #[test]
    fn the_death_of_a_killed_process_is_known_without_its_parent() {
        let (mut processes, now) = connected();
        processes.killed(now);
        processes.closed(7, now);
        assert_eq!(processes.bury(now + DRAIN_GRACE)[0].2, Verdict::Dead(ExitStatus::Signal(9)));
    }

    #[test]
    fn a_child_that_never_connects_is_noticed_by_its_status() {
        let mut processes = Processes::default();
        processes.forked(WORKER, 42);
        let now = Instant::now();
        processes.exited(42, ExitStatus::Signal(9), now);
        assert_eq!(processes.bury(now + DRAIN_GRACE).len(), 1);
    }

    #[test]
    fn a_collector_can_become_a_worker() {
        let mut processes = Processes::default();
        processes.connected(Role::Collector, 5, 1);
        processes.rename(Role::Collector, WORKER);
        assert_eq!(processes.role(1), Some(WORKER));
        assert!(processes.get(Role::Collector).is_none());
        assert_eq!(processes.get(WORKER).and_then(|process| process.pid), Some(5));
    }
}

//! Processes that are to be made: what they need of this one is there before they are.

use super::Dispatcher;
use crate::clock;
use crate::processes::Refusal;
use crate::protocol::Role;
use crate::record::Happened;

impl Dispatcher {
    /// Expects a process, and has a place for what it will leave.
    pub(super) fn launched(&mut self, role: Role) {
        self.processes.expect(role);
        if let Role::Worker(worker) = role {
            self.note(Happened::Started(worker));
            self.provide_outbox(worker);
        }
        if let (Role::Worker(_), Some(run)) = (role, &mut self.run) {
            run.needed = run.needed.saturating_sub(1);
        }
    }

    /// Expects a process that is to be made now, if it will find its way here, and a thread that listens.
    pub(super) fn can_launch(&mut self, role: Role) -> bool {
        self.launched(role);
        let refusal = if self.directory.exists() {
            self.readers.provide().err().map(|error| Refusal::System(error.to_string()))
        } else {
            Some(Refusal::DirectoryGone)
        };
        let can = refusal.is_none();
        if let Some(refusal) = refusal {
            self.processes.refused(role, refusal, clock::now());
        }
        can
    }

    /// The system would not make a process.
    pub(super) fn refused(&mut self, role: Role, reason: String) {
        self.readers.withdraw();
        self.processes.refused(role, Refusal::System(reason), clock::now());
    }
}

//! What is believed of whom. Every process has shown the run's secret, but it may be one that nobody waits for, one that
//! is a copy of another (a test has forked), or one whose memory a test has spoiled.

use super::{Base, Dispatcher};
use crate::claims::Claims;
use crate::model::{ItemId, WorkerId};
use crate::protocol::{Role, Upward};

/// What a message is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credit {
    /// It may be true.
    Believed,
    /// It may have been true once, of an item that has ended or is in other hands: it changes nothing.
    TooLate,
    /// It can't be from a process in this role: its connection ends.
    None,
}

impl Dispatcher {
    /// Whether a process of this role is to come, and has not: of two that are the same, the first one counts.
    pub(super) fn is_awaited(&self, role: Role, pid: u32) -> bool {
        if role == Role::Base {
            return matches!(self.base, Base::Expected { pid: expected, .. } if expected == pid);
        }
        let process = self.processes.get(role);
        process.is_some_and(|process| {
            process.received == 0 && process.pid.is_none_or(|expected| expected == pid)
        })
    }

    pub(super) fn credit(&self, role: Role, message: &Upward) -> Credit {
        let is_believed = match (message, role) {
            (
                Upward::Reports { item, .. } | Upward::Released(item) | Upward::Interrupted(item),
                Role::Worker(worker),
            ) => return self.credit_about(*item, worker),
            // The collector's `Configured` counts when it is told to become a worker.
            (Upward::Note(_) | Upward::WantsStop(_) | Upward::SessionEnded(_) | Upward::Configured, _)
            | (
                Upward::WantItems
                | Upward::Ready
                | Upward::SetUp { .. }
                | Upward::Fixtures(_)
                | Upward::Starved(_)
                | Upward::Leaving(_)
                | Upward::WantsTerminal
                | Upward::ReturnsTerminal,
                Role::Worker(_),
            )
            | (Upward::Exited { .. }, Role::Base | Role::Collector) => true,
            (Upward::Collected { collection, .. }, Role::Collector) => {
                self.collected.is_none() && self.run.is_none() && collection.is_sound()
            }
            (Upward::Forked { role: child, pid }, Role::Base | Role::Collector) => {
                return self.credit_of_birth(*child, Some(*pid));
            }
            (Upward::NotForked { role: child, .. }, Role::Base | Role::Collector) => {
                return self.credit_of_birth(*child, None);
            }
            (Upward::Outgrown { grew, .. }, Role::Worker(_)) => {
                let exists = |item: ItemId| {
                    self.run.as_ref().is_some_and(|run| item.index() < run.scheduler.plan().len())
                };
                grew.iter().all(|(item, _)| exists(*item))
            }
            (
                Upward::Collected { .. }
                | Upward::WantItems
                | Upward::Ready
                | Upward::Reports { .. }
                | Upward::SetUp { .. }
                | Upward::Fixtures(_)
                | Upward::Starved(_)
                | Upward::Released(_)
                | Upward::Interrupted(_)
                | Upward::Outgrown { .. }
                | Upward::Leaving(_)
                | Upward::WantsTerminal
                | Upward::ReturnsTerminal
                | Upward::Forked { .. }
                | Upward::NotForked { .. }
                | Upward::Exited { .. },
                _,
            ) => false,
        };
        if is_believed { Credit::Believed } else { Credit::None }
    }

    fn credit_about(&self, item: ItemId, worker: WorkerId) -> Credit {
        match &self.run {
            Some(run) if item.index() < run.scheduler.plan().len() => {
                let is_its_own = run.scheduler.ledger().expect_leased(item, worker).is_ok();
                // A worker claims an item before it says anything of it.
                if is_its_own && run.board.is_claimed(item) { Credit::Believed } else { Credit::TooLate }
            }
            Some(_) | None => Credit::None,
        }
    }

    /// A child may have died, and been buried, before its parent comes to tell of its birth; without a `pid`: that it was
    /// not born.
    fn credit_of_birth(&self, child: Role, pid: Option<u32>) -> Credit {
        match self.processes.get(child) {
            Some(process) if process.pid.is_none() || process.pid == pid => Credit::Believed,
            Some(_) => Credit::None,
            None => Credit::TooLate,
        }
    }

    /// Ends the connection of a process. What follows is what follows if the process itself has ended it.
    pub(super) fn turn_away(&mut self, role: Role) {
        if let Some(connection) = self.processes.get(role).and_then(|process| process.connection) {
            self.peers.remove(&connection);
        }
    }
}

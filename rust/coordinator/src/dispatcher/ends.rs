//! How a run comes to an early end: it is stopped, interrupted, killed, or left.

use std::time::{Duration, Instant};

use serde_bytes::ByteBuf;

use super::{Dispatcher, running_item};
use crate::clock;
use crate::event::Event;
use crate::ledger::NotRunReason;
use crate::model::WorkerId;
use crate::protocol::{Downward, Role};
use crate::signals::{self, Signal};

/// A terminal's Ctrl-C reaches the workers by itself; only who has not stopped by then is sent a signal, since a
/// second one would cut finalizers short.
pub(super) const INTERRUPT_GRACE: Duration = Duration::from_millis(100);

/// That running tests are to be interrupted.
pub(super) struct Interrupt {
    at: Instant,
    scope: Scope,
}

/// Which of the running tests are interrupted.
#[derive(Clone, Copy)]
pub(super) enum Scope {
    /// All of them: the user wants an end.
    Everything,
    /// Those of the other workers whose teardown has not begun: this worker's failure is the reason, and what comes
    /// to its end by itself is let do so.
    OthersBut(WorkerId),
}

impl Dispatcher {
    pub(super) fn wants_stop(&mut self, payload: ByteBuf) {
        self.stop(NotRunReason::Stopped);
        self.emit(Event::WantsStop(payload));
    }

    pub(super) fn stop(&mut self, reason: NotRunReason) {
        if let Some(run) = &self.run {
            run.board.stop();
        }
        self.schedule(|scheduler| scheduler.stop(reason));
    }

    pub(super) fn interrupt_after(&mut self, delay: Duration, scope: Scope) {
        self.interrupt = Some(Interrupt { at: clock::now() + delay, scope });
    }

    /// Interrupts what runs: tests, or the collection if there are no tests yet.
    pub(super) fn interrupt_if_due(&mut self) {
        let Some(interrupt) = self.interrupt.take_if(|interrupt| interrupt.at <= clock::now()) else {
            return;
        };
        let is_busy = |role: Role| match (role, &self.run) {
            (Role::Worker(worker), Some(run)) => {
                let concerned = match interrupt.scope {
                    Scope::Everything => true,
                    Scope::OthersBut(spared) => worker != spared && !run.board.is_tearing_down(worker),
                };
                concerned && running_item(run, worker).is_some()
            }
            (Role::Collector, None) => self.collected.is_none(),
            // It collects for itself.
            (Role::Worker(_), None) => true,
            (Role::Collector, Some(_)) | (Role::Base, _) => false,
        };
        let busy = self.processes.iter().filter(|(role, _)| is_busy(*role));
        for pid in busy.filter_map(|(_, process)| process.pid) {
            signals::send(pid, Signal::Interrupt);
        }
    }

    pub(super) fn kill_all(&mut self) {
        self.stop(NotRunReason::Stopped);
        if let Some(run) = &mut self.run {
            run.options.max_restarts = 0;
            run.needed = 0;
        }
        for pid in self.processes.iter().filter_map(|(_, process)| process.pid) {
            signals::send(pid, Signal::Kill);
        }
        self.processes.killed(clock::now());
    }

    pub(super) fn quit(&mut self) {
        for role in [Role::Collector, Role::Base] {
            self.send(role, &Downward::Quit);
        }
        let workers: Vec<Role> = self.processes.iter().map(|(role, _)| role).collect();
        for role in workers {
            if matches!(role, Role::Worker(_)) {
                self.send(role, &Downward::Quit);
            }
        }
        // Who has not connected has nothing to finish, and may just be starting its interpreter.
        self.lose_the_unborn();
    }
}

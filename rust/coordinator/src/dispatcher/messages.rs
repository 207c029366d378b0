//! What base, collector and workers say.

use std::sync::PoisonError;
use std::time::Duration;

use super::ends::Scope;
use super::trust::Credit;
use super::{Dispatcher, Early};
use crate::clock;
use crate::event::Event;
use crate::ledger::NotRunReason;
use crate::model::{ItemId, WorkerId};
use crate::plan::Plan;
use crate::protocol::{Role, Upward};
use crate::record::Happened;
use crate::timings::Spent;

/// Seconds that a test is expected to take where nothing is known: of the order of real suites' means (networkx 18
/// ms, pandas 1.8 ms, click 2 ms).
const DEFAULT_ESTIMATE: f64 = 0.01;

impl Dispatcher {
    /// Before a message comes what the worker has left before it.
    pub(super) fn receive_in_order(&mut self, role: Role, message: Upward) {
        let received = self.processes.get(role).map_or(0, |process| process.received);
        if let Role::Worker(worker) = role {
            self.empty_inbox(worker, received);
        }
        if let Some(process) = self.processes.get_mut(role) {
            process.received = received.wrapping_add(1);
        }
        self.receive(role, message);
    }

    pub(super) fn receive(&mut self, role: Role, message: Upward) {
        match self.credit(role, &message) {
            Credit::Believed => {}
            Credit::TooLate => return,
            Credit::None => return self.turn_away(role),
        }
        match (message, role) {
            (Upward::Note(payload), _) => self.emit(Event::Note(payload)),
            (Upward::WantsStop(payload), Role::Worker(_)) if self.run.is_none() => {
                self.early.push(Early::WantsStop(payload));
            }
            (Upward::WantsStop(payload), _) => self.wants_stop(payload),
            (Upward::Collected { collection, payload }, _) => {
                self.note(Happened::Collected);
                let plan = Plan::of(&collection, self.order);
                self.emit(Event::Collected {
                    payload,
                    separable: plan.separable() as usize,
                    expected_total: plan.expected_total(DEFAULT_ESTIMATE),
                });
                self.collected = Some(collection);
            }
            (Upward::Forked { role, pid }, _) => self.processes.forked(role, pid),
            (Upward::NotForked { role, reason }, _) => self.refused(role, reason),
            (Upward::Exited { pid, status }, _) => {
                self.processes.exited(pid, status, clock::now());
            }
            (Upward::SessionEnded(payload), role) => {
                if let Some(process) = self.processes.get_mut(role) {
                    process.ended = true;
                }
                if let Role::Worker(worker) = role {
                    self.note(Happened::Ended(worker));
                    self.emit(Event::Ended { worker, payload });
                }
            }
            (Upward::WantItems, Role::Worker(worker)) => {
                if self.items.is_some() {
                    self.send_items(worker);
                } else {
                    self.waiting_for_items.push(worker);
                }
            }
            (Upward::Configured, Role::Worker(worker)) => self.configured(worker),
            (Upward::Ready, Role::Worker(worker)) => {
                self.note(Happened::Ready(worker));
                self.emit(Event::Ready(worker));
                match &mut self.run {
                    Some(run) if !run.unconfigured.is_empty() => run.held.push(worker),
                    Some(_) | None => self.schedule(|scheduler| scheduler.ready(worker)),
                }
            }
            (Upward::Reports { item, failures, at, spent, payload }, Role::Worker(worker)) => {
                // The limit is looked at first: no Python stands between a failure and the stop.
                self.count_failures(worker, failures);
                self.emit(Event::Reports { worker, item, finished: spent.is_some(), payload });
                if let Some(spent) = spent {
                    self.finished(worker, item, at, spent);
                }
            }
            (Upward::SetUp { fixture, seconds }, Role::Worker(_)) => self.measured(fixture, seconds),
            (Upward::Fixtures(fixtures), Role::Worker(worker)) => {
                self.history.lock().unwrap_or_else(PoisonError::into_inner).set_ups(worker, fixtures);
            }
            (Upward::Starved(question), Role::Worker(worker)) => {
                self.questions.insert(worker, question);
                self.schedule(|scheduler| scheduler.starved(worker));
            }
            (Upward::Released(item), Role::Worker(worker)) => {
                self.schedule(|scheduler| scheduler.released(worker, item));
            }
            (Upward::Interrupted(item), Role::Worker(worker)) => {
                self.schedule(|scheduler| scheduler.interrupted(worker, item));
            }
            (Upward::Outgrown { bytes, grew }, Role::Worker(worker)) => {
                self.schedule(|scheduler| scheduler.relieve(worker));
                self.emit(Event::Outgrown { worker, bytes, grew });
            }
            (Upward::WantsTerminal, Role::Worker(worker)) => self.debugging(worker, true),
            (Upward::ReturnsTerminal, Role::Worker(worker)) => self.debugging(worker, false),
            (Upward::Leaving(processes), Role::Worker(worker)) => self.leaving(worker, processes),
            // What only workers say, not believed of others. The collector's `Configured` counts when it is told to
            // become a worker.
            (
                Upward::Configured
                | Upward::WantItems
                | Upward::Ready
                | Upward::Reports { .. }
                | Upward::SetUp { .. }
                | Upward::Fixtures(_)
                | Upward::Outgrown { .. }
                | Upward::Leaving(_)
                | Upward::WantsTerminal
                | Upward::ReturnsTerminal
                | Upward::Starved(_)
                | Upward::Released(_)
                | Upward::Interrupted(_),
                Role::Base | Role::Collector,
            ) => {}
        }
    }

    /// Every report of the item was sent `at` that time, or before.
    fn finished(&mut self, worker: WorkerId, item: ItemId, at: f64, spent: Spent) {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).finished(worker, item, at, spent);
        let seconds = f64::from(spent.own().max(0.0));
        self.schedule(|scheduler| scheduler.finished(worker, item, seconds).unwrap_or_default());
    }

    /// A fixture of session or package scope has taken so long to set up.
    fn measured(&mut self, fixture: String, seconds: f32) {
        if let Some(run) = &mut self.run {
            run.scheduler.measured(&fixture, f64::from(seconds));
        }
        self.history.lock().unwrap_or_else(PoisonError::into_inner).set_up(fixture, seconds);
    }

    /// The worker has configured itself, or will not: when that is true of all, tests may start.
    pub(super) fn configured(&mut self, worker: WorkerId) {
        self.configured.insert(worker);
        let Some(run) = &mut self.run else {
            return;
        };
        if run.unconfigured.remove(&worker) && run.unconfigured.is_empty() {
            for worker in std::mem::take(&mut run.held) {
                self.schedule(|scheduler| scheduler.ready(worker));
            }
        }
    }

    /// Stops the run if these failures of `worker` reach the limit.
    pub(super) fn count_failures(&mut self, worker: WorkerId, failures: u32) {
        let Some(run) = self.run.as_mut() else {
            return;
        };
        if failures > 0 && run.scheduler.failed(failures) {
            let fail_fast = run.options.fail_fast;
            self.stop(NotRunReason::Stopped);
            if fail_fast {
                self.interrupt_after(Duration::ZERO, Scope::OthersBut(worker));
            }
        }
    }
}

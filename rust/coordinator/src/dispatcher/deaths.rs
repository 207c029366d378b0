//! What follows when a process has died: who is to blame, what becomes of its work, and whether another takes its place.

use super::{Base, Dispatcher, Early, Running, running_item};
use crate::clock;
use crate::event::Event;
use crate::ledger::{End, ItemState, NotRunReason};
use crate::model::{ItemId, WorkerId};
use crate::processes::{Process, Verdict};
use crate::protocol::{ExitStatus, Role};
use crate::record::Happened;
use crate::scheduler::Decision;
use crate::signals::{self, Signal};
use crate::table;

impl Dispatcher {
    pub(super) fn bury(&mut self) {
        let now = clock::now();
        for connection in self.processes.held_open(now) {
            self.peers.remove(&connection);
        }
        for (role, process, verdict) in self.processes.bury(now) {
            let status = match verdict {
                Verdict::Dead(status) => status,
                Verdict::Lost => {
                    if let Some(pid) = process.pid {
                        signals::send(pid, Signal::Kill);
                    }
                    ExitStatus::Unknown
                }
            };
            if let Some(connection) = process.connection {
                self.peers.remove(&connection);
            }
            if process.received == 0 && process.refusal.is_none() {
                self.readers.withdraw();
            }
            match role {
                Role::Base => self.lose_base(),
                Role::Collector => self.lose_collector(&process, status),
                Role::Worker(worker) if self.run.is_none() => {
                    self.early.push(Early::Lost { worker, process, status });
                }
                Role::Worker(worker) => {
                    // Who has never come has started nothing: there is nothing to look for.
                    self.has_left(worker, process.ended || process.received == 0);
                    self.lose_worker(worker, &process, status);
                }
            }
        }
    }

    /// After the death of one that forks, and when all are to end: what was asked for will not come, and what has begun to
    /// start dies unheard, or is not let in any more.
    pub(super) fn lose_the_unborn(&mut self) {
        let orphans: Vec<Role> = self
            .processes
            .iter()
            .filter(|(_, process)| process.received == 0)
            .map(|(role, _)| role)
            .collect();
        for role in orphans {
            if let Some(pid) = self.processes.get(role).and_then(|process| process.pid) {
                signals::send(pid, Signal::Kill);
            }
            self.processes.failed_to_start(role, clock::now());
        }
    }

    fn lose_collector(&mut self, process: &Process, status: ExitStatus) {
        self.lose_the_unborn();
        if let Some(refusal) = process.refusal.clone() {
            self.emit(Event::NotStarted { worker: None, refusal });
        } else if !process.ended {
            self.emit(Event::CollectorLost(status));
        }
    }

    /// It may die before it connects, which only its parent can see: the process that this runs in.
    pub(super) fn look_for_the_base(&mut self) {
        if let Base::Expected { pid, .. } = self.base
            && table::has_ended(pid)
        {
            self.lose_base();
        }
    }

    /// Its children die with it, a template among them.
    fn lose_base(&mut self) {
        self.base = Base::Gone;
        self.lose_the_unborn();
    }

    pub(super) fn lose_worker(&mut self, worker: WorkerId, process: &Process, status: ExitStatus) {
        // What it has left outlives it.
        self.empty_inbox(worker, u32::MAX);
        self.inboxes.remove(&worker);
        self.debugged.remove(&worker);
        let running = self.run.as_ref().and_then(|run| running_item(run, worker));
        let seconds = self.run.as_ref().map_or(0.0, |run| run.board.runs_for(worker));
        let decides = self.run.as_ref().is_some_and(|run| run.options.decides_crashes);
        let hung = self.run.as_mut().and_then(|run| run.hangs.bury(worker)).map(|given| given.as_secs_f64());
        // Whoever ends its session in the midst of an item leaves it behind as a crash does.
        let ended = process.ended && running.is_none() && hung.is_none();
        if !ended && !decides {
            // Before what it has left is given to others: the limit of failures may be reached.
            self.count_failures(worker, u32::from(running.is_some()));
        }
        self.schedule(|scheduler| scheduler.dead(worker, running));
        if let Some(run) = &mut self.run {
            run.board.end(worker);
            run.held.retain(|held| *held != worker);
        }
        self.configured(worker);
        if let Some(refusal) = process.refusal.clone() {
            self.emit(Event::NotStarted { worker: Some(worker), refusal });
            self.schedule(|scheduler| scheduler.not_replaced(worker));
            return;
        }
        if ended {
            return self.replace_relieved(worker);
        }
        self.note(Happened::Crashed { worker, item: running, hung: hung.is_some() });
        self.emit(Event::Crashed { worker, item: running, seconds, status, hung });
        match running {
            Some(_) if decides => {}
            Some(item) => self.decide(item, Decision::Crashed),
            None => self.replace(worker),
        }
    }

    /// Carries out what was decided about an item that a worker died in.
    pub(super) fn decide(&mut self, item: ItemId, decision: Decision) {
        let worker = self.run.as_ref().and_then(|run| run.scheduler.blamed(item));
        let decides = self.run.as_ref().is_some_and(|run| run.options.decides_crashes);
        if let Some(worker) = worker {
            if decides {
                self.count_failures(worker, u32::from(decision == Decision::Crashed));
            }
            self.schedule(|scheduler| scheduler.decide(item, decision));
            self.replace(worker);
        }
    }

    /// Whether what workers are forked from is gone, so that none come any more.
    pub(super) fn is_orphaned(&self) -> bool {
        match self.parent {
            None => false,
            // Or else it may be about to connect.
            Some(Role::Base) => matches!(self.base, Base::Gone),
            Some(parent) => self.processes.get(parent).is_none(),
        }
    }

    /// After a death: asks for another worker if there is work for it, and the limit is not reached.
    fn replace(&mut self, dead: WorkerId) {
        let Some(run) = &mut self.run else {
            return;
        };
        let is_worth_it = run.scheduler.is_worth_replacing(dead);
        if !is_worth_it {
            self.schedule(|scheduler| scheduler.not_replaced(dead));
        } else if run.restarts < run.options.max_restarts {
            run.restarts += 1;
            self.ask_for_replacement(dead);
        } else {
            self.not_replaced(dead);
        }
    }

    /// Although there is work, nobody takes the place of this dead worker.
    pub(super) fn not_replaced(&mut self, dead: WorkerId) {
        self.emit(Event::NotReplaced { worker: dead, orphaned: self.is_orphaned() });
        self.schedule(|scheduler| scheduler.not_replaced(dead));
    }

    /// After the end of a worker that has left for another to take its place.
    fn replace_relieved(&mut self, worker: WorkerId) {
        if self.run.as_ref().is_some_and(|run| run.scheduler.is_worth_replacing(worker)) {
            self.ask_for_replacement(worker);
        }
    }

    /// Ends the run when nothing can happen any more.
    pub(super) fn settle(&mut self) {
        let any_worker = self.processes.any_worker();
        if !any_worker {
            self.ask_for_postponed();
        }
        let Some(run) = &mut self.run else {
            return;
        };
        let is_waiting = run.needed > 0 || run.scheduler.is_undecided() || !self.leftovers.is_empty();
        if run.finished || any_worker || is_waiting {
            return;
        }
        if !run.scheduler.is_done() {
            let actions = run.scheduler.exhausted();
            self.perform(actions);
            return self.settle();
        }
        run.finished = true;
        let not_run = not_run(run);
        self.emit(Event::Finished { not_run });
    }
}

fn not_run(run: &Running) -> Vec<(ItemId, NotRunReason)> {
    run.scheduler
        .ledger()
        .states()
        .filter_map(|(item, state)| match state {
            ItemState::Done(End::NotRun(reason)) => Some((item, reason)),
            ItemState::Done(End::Reported | End::Crashed(_)) | ItemState::Queued | ItemState::Leased(_) => {
                None
            }
        })
        .collect()
}

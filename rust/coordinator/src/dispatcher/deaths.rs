//! What follows when a process has died: who is to blame, what becomes of its work, and whether another takes its place.

use super::{Base, Dispatcher, Early, Running, running_item};
use crate::clock;
use crate::event::Event;
use crate::ledger::{End, ItemState, NotRunReason};
use crate::model::{ItemId, WorkerId};
use crate::processes::{Process, Verdict};
use crate::protocol::{ExitStatus, Role};
use crate::signals::{self, Signal};

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
            match role {
                Role::Base => self.lose_base(),
                Role::Collector => self.lose_collector(&process, status),
                Role::Worker(worker) if self.run.is_none() => {
                    self.early.push(Early::Lost { worker, process, status });
                }
                Role::Worker(worker) => self.lose_worker(worker, &process, status),
            }
        }
    }

    /// After the death of one that forks: what it was asked for will not come, and what it had just forked dies with it
    /// unheard, or is not let in any more.
    fn lose_the_unborn(&mut self) {
        let orphans: Vec<Role> = self
            .processes
            .iter()
            .filter(|(_, process)| process.received == 0)
            .map(|(role, _)| role)
            .collect();
        for role in orphans {
            self.processes.failed_to_start(role, clock::now());
        }
    }

    fn lose_collector(&mut self, process: &Process, status: ExitStatus) {
        self.lose_the_unborn();
        if !process.ended {
            self.emit(Event::CollectorLost(status));
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
        let running = self.run.as_ref().and_then(|run| running_item(run, worker));
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
            run.held.retain(|held| *held != worker);
        }
        self.configured(worker);
        if ended {
            return;
        }
        let tearing_down = self.run.as_ref().is_some_and(|run| run.board.is_tearing_down(worker));
        self.emit(Event::Crashed { worker, item: running, tearing_down, status, hung });
        match running {
            Some(_) if decides => {}
            Some(item) => self.decide(item, false),
            None => self.replace(worker),
        }
    }

    /// Carries out what was decided about an item that a worker died in.
    pub(super) fn decide(&mut self, item: ItemId, again: bool) {
        let worker = self.run.as_ref().and_then(|run| run.scheduler.blamed(item));
        let decides = self.run.as_ref().is_some_and(|run| run.options.decides_crashes);
        if let Some(worker) = worker {
            if decides {
                self.count_failures(worker, u32::from(!again));
            }
            self.schedule(|scheduler| scheduler.decide(item, again));
            self.replace(worker);
        }
    }

    /// After a death: asks for another worker if there is work for it and the limit is not reached.
    fn replace(&mut self, dead: WorkerId) {
        let Some(run) = &mut self.run else {
            return;
        };
        let is_worth_it = run.scheduler.is_worth_replacing(dead);
        let comes = is_worth_it && run.restarts < run.options.max_restarts;
        if comes {
            run.restarts += 1;
            run.needed += 1;
            self.emit(Event::Needed(dead));
        } else if is_worth_it {
            self.emit(Event::NotReplaced(dead));
        }
        self.schedule(|scheduler| scheduler.replacement(dead, comes));
    }

    /// Ends the run when nothing can happen any more.
    pub(super) fn settle(&mut self) {
        let any_worker = self.processes.any_worker();
        let Some(run) = &mut self.run else {
            return;
        };
        if run.finished || any_worker || run.needed > 0 || run.scheduler.is_undecided() {
            return;
        }
        if !run.scheduler.is_done() {
            run.scheduler.exhausted();
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

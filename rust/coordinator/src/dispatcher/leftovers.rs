//! What tests have left running when their worker leaves: it gets a short grace, and is ended. Nobody waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::Dispatcher;
use crate::clock;
use crate::event::Event;
use crate::model::WorkerId;
use crate::protocol::{LeftProcess, Role};
use crate::signals;
use crate::table;

/// Many processes end by themselves when the one that has started them does (those of `multiprocessing`, for example).
const AFTER_DEATH: Duration = Duration::from_millis(500);
/// The worker itself may wait for a process that it has started.
const BEFORE_DEATH: Duration = Duration::from_secs(3);
/// For what tests have registered for the end of the process, and what that waits for.
const WORKER: Duration = Duration::from_secs(10);

/// Everything that should be gone soon.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// Workers that do nothing more but to end, until when they have time for it.
    leaving: BTreeMap<WorkerId, Instant>,
    processes: Vec<Left>,
}

/// A process, and until when it has time to end.
#[derive(Debug)]
struct Left {
    worker: WorkerId,
    process: LeftProcess,
    /// Tells it from a later process with its number.
    started: u64,
    deadline: Instant,
}

impl Leftovers {
    /// Somebody may have to be ended.
    pub(super) fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }
}

impl Dispatcher {
    /// The worker has nothing more to do, and tests of it have left these processes.
    pub(super) fn leaving(&mut self, worker: WorkerId, processes: Vec<LeftProcess>) {
        let now = clock::now();
        self.leftovers.leaving.insert(worker, now + WORKER);
        self.give_grace(worker, processes, now + BEFORE_DEATH);
    }

    /// The worker is gone. If it `has_told` what its tests had left, that has to follow soon; else nobody was left to end
    /// it, or even to tell what it was.
    pub(super) fn has_left(&mut self, worker: WorkerId, has_told: bool) {
        let soon = clock::now() + AFTER_DEATH;
        self.leftovers.leaving.remove(&worker);
        for left in self.leftovers.processes.iter_mut().filter(|left| left.worker == worker) {
            left.deadline = left.deadline.min(soon);
        }
        let run = self.run.as_ref().and_then(|run| run.options.testrunuid.as_deref());
        if let Some(run) = run.filter(|_| !has_told) {
            let orphans = table::started_by(run, &worker.to_string());
            self.give_grace(worker, orphans, soon);
        }
    }

    fn give_grace(&mut self, worker: WorkerId, processes: Vec<LeftProcess>, deadline: Instant) {
        self.leftovers.processes.extend(processes.into_iter().filter_map(|process| {
            let started = table::started(process.pid)?;
            Some(Left { worker, process, started, deadline })
        }));
    }

    pub(super) fn end_leftovers(&mut self) {
        let now = clock::now();
        let lingering: Vec<WorkerId> = self
            .leftovers
            .leaving
            .extract_if(.., |_, deadline| *deadline <= now)
            .map(|(worker, _)| worker)
            .collect();
        for worker in lingering {
            if let Some(pid) = self.processes.get(Role::Worker(worker)).and_then(|process| process.pid) {
                signals::kill_with_descendants(pid);
                self.emit(Event::Lingered(worker));
            }
        }
        let lives = |left: &Left| table::started(left.process.pid) == Some(left.started);
        self.leftovers.processes.retain(lives);
        let late: Vec<Left> = self.leftovers.processes.extract_if(.., |left| left.deadline <= now).collect();
        let ended: BTreeSet<u32> = late.iter().map(|left| left.process.pid).collect();
        for left in late.into_iter().filter(|left| !ended.contains(&left.process.parent)) {
            signals::kill_with_descendants(left.process.pid);
            self.emit(Event::LeftBehind { worker: left.worker, process: left.process });
        }
    }
}

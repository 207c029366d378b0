//! Looks at what workers are at, and ends those that hang.

use super::{Dispatcher, Running, running_item};
use crate::clock;
use crate::event::{Event, Run};
use crate::hangs::{Doing, Hangs, Patience, Step};
use crate::model::{Collection, ItemId, WorkerId};
use crate::protocol::Role;
use crate::signals::{self, Signal};
use crate::worker_state::WorkerState;

impl Dispatcher {
    /// A debugger has stopped this worker's test, or lets it go on.
    pub(super) fn debugging(&mut self, worker: WorkerId, wanted: bool) {
        if wanted {
            self.debugged.insert(worker);
        } else {
            self.debugged.remove(&worker);
        }
        self.emit(Event::Terminal { worker, wanted });
    }

    /// Lets workers that run something write down their stacks; before there are any, the collector.
    pub(super) fn dump(&self) {
        for (role, process) in self.processes.iter() {
            let is_wanted = match (role, &self.run) {
                (Role::Worker(worker), Some(run)) => running_item(run, worker).is_some(),
                // The signal would end who is not connected yet.
                (Role::Collector, None) => process.connection.is_some(),
                (Role::Base | Role::Collector | Role::Worker(_), _) => false,
            };
            if let (true, Some(pid)) = (is_wanted, process.pid) {
                signals::send(pid, Signal::Dump);
            }
        }
    }

    pub(super) fn look_for_hangs(&mut self) {
        let Some(run) = self.run.as_mut().filter(|run| !run.hangs.are_allowed()) else {
            return;
        };
        let now = clock::now();
        run.hangs.begin_look(now);
        for (role, process) in self.processes.iter() {
            let (Role::Worker(worker), Some(pid), None) = (role, process.pid, process.status) else {
                continue;
            };
            // Nobody hurries a person who debugs.
            let doing = doing(run, worker).filter(|_| !self.debugged.contains(&worker));
            match run.hangs.look(worker, doing, now) {
                Some(Step::Dump) => {
                    if let Some(Doing::Item(item)) = doing {
                        // The signal may be what lets it go on.
                        run.board.condemn(worker, item);
                    }
                    signals::send(pid, Signal::Dump);
                }
                Some(Step::Kill) => signals::kill_with_descendants(pid),
                None => {}
            }
        }
    }
}

/// Nobody has been seen yet.
pub(super) fn hangs(options: &Run, collection: &Collection) -> Hangs {
    let lanes = if options.each { options.workers } else { 1 };
    Hangs::new(Patience::new(options.hang_timeout, &per_lane(collection, lanes)))
}

/// How long single items may take, for each number that they have.
fn per_lane(collection: &Collection, lanes: u32) -> Vec<(ItemId, f64)> {
    let items = u32::try_from(collection.items.len()).unwrap_or(u32::MAX);
    let in_lane = |lane: u32| {
        collection.patience.iter().map(move |&(item, seconds)| (ItemId(lane * items + item.0), seconds))
    };
    (0..lanes).flat_map(in_lane).collect()
}

fn doing(run: &Running, worker: WorkerId) -> Option<Doing> {
    if let Some(item) = running_item(run, worker) {
        return Some(Doing::Item(item));
    }
    match run.scheduler.worker_state(worker) {
        WorkerState::Draining => Some(Doing::Leaving),
        // It waits for work, or has just finished an item.
        WorkerState::Starting | WorkerState::Idle | WorkerState::Running | WorkerState::Dead(_) => None,
    }
}

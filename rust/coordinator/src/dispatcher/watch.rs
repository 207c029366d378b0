//! Looks at what workers are at, and ends those that hang.

use std::time::Instant;

use super::{Dispatcher, Running, running_item};
use crate::hangs::{Doing, Step};
use crate::model::WorkerId;
use crate::protocol::Role;
use crate::signals::{self, Signal};
use crate::worker_state::WorkerState;

impl Dispatcher {
    pub(super) fn look_for_hangs(&mut self) {
        let Some(run) = self.run.as_mut().filter(|run| !run.hangs.are_allowed()) else {
            return;
        };
        let now = Instant::now();
        run.hangs.begin_look(now);
        for (role, process) in self.processes.iter() {
            let (Role::Worker(worker), Some(pid), None) = (role, process.pid, process.status) else {
                continue;
            };
            let doing = doing(run, worker);
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

//! The workers' side of the simulation.

use coordinator::model::{Collection, ItemId, WorkerId};
use coordinator::scheduler::Action;

use super::{Event, Execution, LOOK, Phase, SimulatedWorker, Simulation, TEARDOWN, Upward};

impl Simulation {
    pub(super) fn worker(&mut self, worker: WorkerId) -> &mut SimulatedWorker {
        &mut self.workers[worker.index()]
    }

    pub(super) fn say(&mut self, worker: WorkerId, message: Upward) {
        self.worker(worker).sent += 1;
        self.plan(self.now + self.scenario.latency, Event::Upward(worker, message));
    }

    /// A failure is told at once; anything else is left for the coordinator to find.
    fn report(&mut self, worker: WorkerId, item: ItemId) {
        if self.scenario.failing[item.index()] {
            self.say(worker, Upward::Finished(item));
            return;
        }
        let state = self.worker(worker);
        let behind = state.sent;
        state.left.push_back((behind, item));
        if state.left.len() == 1 {
            self.plan(self.now + LOOK, Event::Look(worker));
        }
    }

    pub(super) fn told(&mut self, worker: WorkerId, action: Action) {
        let state = self.worker(worker);
        if state.phase == Phase::Gone {
            return;
        }
        let parked = match action {
            Action::Lease { items, .. } => {
                state.queue.extend(items);
                false
            }
            Action::Park { .. } => true,
            Action::Confirm { .. } => unreachable!("it is for no worker"),
            Action::End { .. } => {
                state.told_the_end = true;
                false
            }
        };
        match state.phase {
            Phase::Waiting { in_teardown_of: Some(item) } if parked => {
                self.tear_down(worker, item, None);
            }
            Phase::Waiting { in_teardown_of: Some(item) } => match self.claim(worker) {
                Some(next) => self.tear_down(worker, item, Some(next)),
                None if self.worker(worker).told_the_end => self.tear_down(worker, item, None),
                None => self.say(worker, Upward::Starved),
            },
            Phase::Waiting { in_teardown_of: None } if !parked => self.go_on(worker),
            // It reads its inbox later.
            Phase::Waiting { .. }
            | Phase::Starting
            | Phase::Calling(_)
            | Phase::TearingDown { .. }
            | Phase::Gone => {}
        }
    }

    /// With nothing to tear down: begins an item, leaves, or asks.
    fn go_on(&mut self, worker: WorkerId) {
        if let Some(item) = self.claim(worker) {
            self.begin(worker, item);
        } else if self.worker(worker).told_the_end {
            self.worker(worker).phase = Phase::Gone;
            self.say(worker, Upward::Gone { running: None });
        } else {
            self.worker(worker).phase = Phase::Waiting { in_teardown_of: None };
            self.say(worker, Upward::Starved);
        }
    }

    fn claim(&mut self, worker: WorkerId) -> Option<ItemId> {
        if self.stopped_at.is_some() {
            return None;
        }
        while let Some(item) = self.worker(worker).queue.pop_front() {
            if self.claims.claim(item, worker) {
                return Some(item);
            }
        }
        None
    }

    fn begin(&mut self, worker: WorkerId, item: ItemId) {
        self.last_execution[item.index()] = Some(self.executions.len());
        self.executions.push(Execution { item, worker, begin: self.now, end: None });
        self.worker(worker).phase = Phase::Calling(item);
        let call = self.scenario.durations[item.index()] * (1.0 - TEARDOWN);
        let set_up = self.set_up(worker, item);
        self.plan(self.now + set_up + call, Event::CallDone(worker));
    }

    /// Sets up the wide fixtures that the item uses; what that takes. Those of a package that is left are torn down.
    fn set_up(&mut self, worker: WorkerId, item: ItemId) -> f64 {
        let Collection { items, fixtures, .. } = &self.scenario.collection;
        let Some(set) = items[item.index() % items.len()].wide else {
            return 0.0;
        };
        let needed = &fixtures.sets[set as usize];
        let of_package = |number: u32| fixtures.each[number as usize].of_package;
        let state = &mut self.workers[worker.index()].set_up;
        state.retain(|number| !of_package(*number) || needed.contains(number));
        let missing: Vec<u32> = needed.iter().copied().filter(|&number| state.insert(number)).collect();
        self.set_ups += missing.len() as u64;
        missing.into_iter().map(|number| fixtures.each[number as usize].seconds).sum()
    }

    pub(super) fn call_done(&mut self, worker: WorkerId) {
        // A worker that died or was interrupted meanwhile is in another phase.
        if let Phase::Calling(item) = self.worker(worker).phase {
            let next = self.claim(worker);
            if next.is_some() || self.worker(worker).told_the_end {
                self.tear_down(worker, item, next);
            } else {
                self.worker(worker).phase = Phase::Waiting { in_teardown_of: Some(item) };
                self.say(worker, Upward::Starved);
            }
        }
    }

    fn tear_down(&mut self, worker: WorkerId, item: ItemId, next: Option<ItemId>) {
        self.worker(worker).phase = Phase::TearingDown { item, next };
        let teardown = self.scenario.durations[item.index()] * TEARDOWN;
        self.plan(self.now + teardown, Event::TeardownDone(worker));
    }

    pub(super) fn teardown_done(&mut self, worker: WorkerId) {
        let Phase::TearingDown { item, next } = self.worker(worker).phase else {
            return;
        };
        let execution = self.last_execution[item.index()].expect("it was begun");
        self.executions[execution].end = Some(self.now);
        self.report(worker, item);
        match next {
            Some(next) if self.stopped_at.is_some() => {
                self.say(worker, Upward::Released(next));
                self.go_on(worker);
            }
            Some(next) => self.begin(worker, next),
            None => {
                // It was parked. What has come meanwhile may be stolen again, which nobody will tell it.
                let told = self.worker(worker).told_the_end || !self.worker(worker).queue.is_empty();
                self.worker(worker).phase = Phase::Waiting { in_teardown_of: None };
                if told {
                    self.go_on(worker);
                }
            }
        }
    }

    pub(super) fn kill(&mut self, whom: usize) {
        let alive = |worker: &SimulatedWorker| !matches!(worker.phase, Phase::Gone | Phase::Starting);
        let candidates: Vec<usize> =
            (0..self.workers.len()).filter(|&number| alive(&self.workers[number])).collect();
        if candidates.is_empty() {
            return;
        }
        let number = candidates[whom % candidates.len()];
        let running = match self.workers[number].phase {
            Phase::Calling(item) | Phase::TearingDown { item, .. } => Some(item),
            Phase::Waiting { in_teardown_of } => in_teardown_of,
            Phase::Starting | Phase::Gone => None,
        };
        self.died += 1;
        self.workers[number].phase = Phase::Gone;
        let worker = WorkerId(u32::try_from(number).expect("workers fit their ids"));
        self.say(worker, Upward::Gone { running });
    }
}

//! When the machine has hardly any memory left: idle workers leave and no further ones start, before the system kills one
//! that works.

use std::time::{Duration, Instant};

use super::Dispatcher;
use crate::clock;
use crate::event::Event;
use crate::memory::Memory;
use crate::model::WorkerId;
use crate::record::Happened;

/// How often to look. A look takes about 0.1 ms.
const EVERY: Duration = Duration::from_secs(1);

/// What is known of the machine's memory.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    looked: Option<Instant>,
    /// What there is, if it is short.
    short: Option<Memory>,
    /// Dead workers that are to be replaced when it is not short any more.
    postponed: Vec<WorkerId>,
}

impl Dispatcher {
    pub(super) fn look_at_memory(&mut self) {
        let Some(run) = &mut self.run else {
            return;
        };
        if run.pressure.looked.is_some_and(|looked| clock::now().saturating_duration_since(looked) < EVERY) {
            return;
        }
        run.pressure.looked = Some(clock::now());
        run.pressure.short = (self.memory)().filter(|memory| memory.is_short());
        let Some(memory) = run.pressure.short else {
            return self.ask_for_postponed();
        };
        let leaving = run.scheduler.superfluous();
        if leaving.is_empty() {
            return;
        }
        for &worker in &leaving {
            self.retire(worker);
        }
        self.emit(Event::MemoryShort { memory, leaving, postponed: Vec::new() });
    }

    /// Somebody should take the place of this dead worker: now, or when there is memory for it again.
    pub(super) fn ask_for_replacement(&mut self, dead: WorkerId) {
        let any_worker = self.processes.any_worker();
        let Some(run) = &mut self.run else {
            return;
        };
        if let Some(memory) = run.pressure.short.filter(|_| any_worker) {
            run.pressure.postponed.push(dead);
            self.emit(Event::MemoryShort { memory, leaving: Vec::new(), postponed: vec![dead] });
        } else {
            self.need(dead);
        }
    }

    /// Asks the controller for a worker, if there is something to fork it from.
    fn need(&mut self, dead: WorkerId) {
        if self.is_orphaned() {
            self.not_replaced(dead);
        } else if let Some(run) = &mut self.run {
            run.needed += 1;
            self.note(Happened::Replaced(dead));
            self.emit(Event::Needed(dead));
        }
    }

    /// There is memory again, or nobody else is left.
    pub(super) fn ask_for_postponed(&mut self) {
        let Some(run) = &mut self.run else {
            return;
        };
        let postponed = std::mem::take(&mut run.pressure.postponed);
        for dead in postponed {
            if self.run.as_ref().is_some_and(|run| run.scheduler.is_worth_replacing(dead)) {
                self.need(dead);
            }
        }
    }
}

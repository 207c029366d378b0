//! What the controller has ordered.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use serde_bytes::ByteBuf;

use super::ends::{INTERRUPT_GRACE, Scope};
use super::pressure::Pressure;
use super::{Base, Dispatcher, Early, Running, watch};
use crate::board::Board;
use crate::clock;
use crate::event::{Command, Event, Run};
use crate::ledger::NotRunReason;
use crate::model::{Membership, WorkerId};
use crate::plan::{Order, Plan};
use crate::protocol::{Downward, Role};
use crate::scheduler::{Limits, Scheduler};

/// For so many workers that die outside of any item, and are replaced, there is room on the board.
const DEATHS_WITHOUT_ITEM: usize = 10_000;

impl Dispatcher {
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Order(order) => self.order = order,
            Command::Configure(role, payload) => {
                if self.processes.get(role).is_some_and(|process| process.connection.is_some()) {
                    self.send(role, &Downward::Configure(payload));
                } else {
                    self.configurations.push((role, payload));
                }
            }
            Command::Spawn { role, command, environment } => {
                if self.can_launch(role) {
                    match self.readers.spawn(&command, &environment) {
                        Ok(pid) => self.processes.forked(role, pid),
                        Err(error) => self.refused(role, error.to_string()),
                    }
                }
            }
            Command::Regroup(keys) => {
                for (item, group) in self.collected.iter_mut().flat_map(|all| &mut all.items).zip(keys) {
                    (item.group, item.membership) = (group, Membership::Gathered);
                }
            }
            Command::Expect { items, fixtures } => {
                let Some(collection) = &mut self.collected else {
                    return;
                };
                for (item, expected) in collection.items.iter_mut().zip(items) {
                    (item.estimate, item.price) = (expected.seconds, expected.price);
                }
                for fixture in &mut collection.fixtures.each {
                    fixture.seconds = fixtures.get(&fixture.name).copied().unwrap_or_default();
                }
            }
            Command::Begin(options) => self.begin(options),
            Command::Fork(worker, payload) => {
                self.parent = Some(Role::Collector);
                if !self.can_launch(Role::Worker(worker)) {
                    return;
                }
                if self.processes.get(Role::Collector).is_some() {
                    self.send(Role::Collector, &Downward::Fork { worker, payload });
                } else {
                    self.processes.failed_to_start(Role::Worker(worker), clock::now());
                }
            }
            Command::ForkFromBase(worker) => {
                self.parent = Some(Role::Base);
                if !self.can_launch(Role::Worker(worker)) {
                    return;
                }
                match &mut self.base {
                    Base::Expected { workers, .. } => workers.push(worker),
                    Base::Connected => {
                        self.send(Role::Base, &Downward::Fork { worker, payload: ByteBuf::new() });
                    }
                    Base::Gone => self.processes.failed_to_start(Role::Worker(worker), clock::now()),
                }
            }
            Command::Become(worker) => {
                self.launched(Role::Worker(worker));
                self.configured(worker);
                self.send(Role::Collector, &Downward::Become(worker));
                self.processes.rename(Role::Collector, Role::Worker(worker));
            }
            Command::Items(payload) => {
                self.items = Some(payload);
                for worker in std::mem::take(&mut self.waiting_for_items) {
                    self.send_items(worker);
                }
            }
            Command::Retire(worker) if self.run.is_none() => self.early.push(Early::Retired(worker)),
            Command::Retire(worker) => self.retire(worker),
            Command::Decide(item, decision) => self.decide(item, decision),
            Command::Confirm(worker) => {
                if let Some(run) = &mut self.run {
                    run.scheduler.confirm(worker);
                }
            }
            Command::Lend(worker, granted) => self.send(Role::Worker(worker), &Downward::Terminal(granted)),
            Command::Dump => self.dump(),
            Command::Stop => self.stop(NotRunReason::Stopped),
            Command::Interrupt => {
                self.stop(NotRunReason::Stopped);
                if let Some(run) = &mut self.run {
                    run.needed = 0;
                }
                self.lose_the_unborn();
                self.interrupt_after(INTERRUPT_GRACE, Scope::Everything);
            }
            Command::Kill => self.kill_all(),
            Command::Quit => {}
        }
    }

    fn begin(&mut self, options: Run) {
        let Some(collection) = self.collected.take() else {
            return;
        };
        let hangs = watch::hangs(&options, &collection);
        let plan = if options.each {
            Plan::each(&collection.items, self.order, options.workers)
        } else {
            // One worker takes as long in any order.
            let order = if options.workers == 1 { Order::Collected } else { self.order };
            Plan::of(&collection, order)
        };
        self.history.lock().unwrap_or_else(PoisonError::into_inner).planned(collection);
        let slots = slots(&options, plan.len());
        let board = match Board::create(&self.directory.join(crate::BOARD), plan.len(), slots) {
            Ok(board) => board,
            Err(error) => return self.emit(Event::CannotBegin(error.to_string())),
        };
        let limits = Limits { max_failures: options.max_failures };
        let scheduler = Scheduler::new(plan, options.workers, board.clone(), limits);
        let alive = self.processes.iter().filter(|(role, _)| matches!(role, Role::Worker(_))).count();
        let lost = self.early.iter().filter(|early| matches!(early, Early::Lost { .. })).count();
        let needed = options.workers.saturating_sub(u32::try_from(alive + lost).unwrap_or(u32::MAX));
        let unconfigured = if options.configures_first {
            (0..options.workers).map(WorkerId).filter(|worker| !self.configured.contains(worker)).collect()
        } else {
            BTreeSet::new()
        };
        let (restarts, finished, held) = (0, false, Vec::new());
        self.run = Some(Running {
            scheduler,
            board,
            hangs,
            pressure: Pressure::default(),
            options,
            restarts,
            needed,
            finished,
            unconfigured,
            held,
        });
        for early in std::mem::take(&mut self.early) {
            match early {
                Early::Retired(worker) => self.retire(worker),
                Early::WantsStop(payload) => self.wants_stop(payload),
                Early::Lost { worker, process, status } => self.lose_worker(worker, &process, status),
            }
        }
    }

    pub(super) fn retire(&mut self, worker: WorkerId) {
        self.schedule(|scheduler| scheduler.retire(worker));
    }
}

/// How many workers there can ever be.
fn slots(options: &Run, items: usize) -> usize {
    // Each death takes an item with it, but for those before the first one.
    let replaced = (options.max_restarts as usize).min(items + DEATHS_WITHOUT_ITEM);
    // Who has outgrown its limit has finished an item.
    let grown = if options.replaces_grown { items } else { 0 };
    let ordinary = options.workers as usize + replaced + grown;
    ordinary + ordinary.min(items).saturating_mul(options.most_retries as usize)
}

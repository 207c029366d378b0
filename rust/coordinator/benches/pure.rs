//! What the pure parts take: the plan, a whole schedule, the ledger, and messages.
//!
//! `cargo bench` prints the times; items per second follow from them.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

use coordinator::claims::TableClaims;
use coordinator::frame;
use coordinator::ledger::{End, Ledger};
use coordinator::model::{Item, ItemId, Membership, WorkerId};
use coordinator::plan::{Order, Plan};
use coordinator::protocol::{Downward, Upward};
use coordinator::scheduler::{Action, Limits, Scheduler};
use divan::Bencher;
use divan::counter::ItemsCount;
use serde_bytes::ByteBuf;

const SIZES: [u32; 3] = [1_000, 100_000, 1_000_000];
/// Items of a module.
const MODULE: u32 = 40;

fn main() {
    divan::main();
}

fn items(count: u32) -> Vec<Item> {
    (0..count)
        .map(|number| Item {
            group: number / MODULE,
            atom: number % MODULE,
            membership: Membership::Neighbours,
            serial: false,
            shares_fixtures: (number / MODULE).is_multiple_of(10),
            estimate: Some(f64::from(number * 7 % 101 + 1) / 1000.0),
            price: None,
            wide: None,
        })
        .collect()
}

/// From a collection with a history to the order in which it is handed out.
#[divan::bench(args = SIZES, max_time = 2)]
fn plan(bencher: Bencher, count: u32) {
    let items = items(count);
    bencher.counter(ItemsCount::new(count)).bench(|| Plan::new(black_box(&items), Order::Balanced));
}

/// All decisions of a run in which workers finish in turn: leases, steals and splits.
#[divan::bench(args = [(1_000, 8), (100_000, 64), (1_000_000, 1_000)], max_time = 4)]
fn schedule(bencher: Bencher, (count, workers): (u32, u32)) {
    let items = items(count);
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(|| Plan::new(&items, Order::Balanced))
        .bench_values(|plan| run(plan, count, workers));
}

fn run(plan: Plan, count: u32, workers: u32) {
    let claims = Arc::new(TableClaims::new(count as usize));
    let mut scheduler = Scheduler::new(plan, workers, Arc::clone(&claims), Limits::default());
    let mut queues = vec![VecDeque::new(); workers as usize];
    for worker in (0..workers).map(WorkerId) {
        receive(&mut queues, scheduler.ready(worker));
    }
    while !scheduler.is_done() {
        for worker in (0..workers).map(WorkerId) {
            while let Some(item) = queues[worker.index()].pop_front() {
                if claims.claim(item, worker) {
                    let actions = scheduler.finished(worker, item, 0.01);
                    receive(&mut queues, actions.unwrap_or_default());
                    break;
                }
            }
            if queues[worker.index()].is_empty() {
                receive(&mut queues, scheduler.starved(worker));
            }
        }
    }
}

fn receive(queues: &mut [VecDeque<ItemId>], actions: Vec<Action>) {
    for action in actions {
        if let Action::Lease { worker, items } = action {
            queues[worker.index()].extend(items);
        }
    }
}

/// Every item is leased and reported.
#[divan::bench(args = SIZES, max_time = 2)]
fn ledger(bencher: Bencher, count: u32) {
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let mut ledger = Ledger::new(count);
        for item in (0..count).map(ItemId) {
            let _ = black_box(ledger.lease(item, WorkerId(0)));
            let _ = black_box(ledger.close(item, End::Reported));
        }
        ledger.is_done()
    });
}

/// The reports of a passed test, there and back.
#[divan::bench]
fn frame_of_reports(bencher: Bencher) {
    let message = Upward::Reports {
        at: 0.0,
        item: ItemId(12_345),
        failures: 0,
        spent: None,
        payload: ByteBuf::from(vec![7; 600]),
    };
    let mut buffer = Vec::new();
    bencher.bench_local(|| {
        buffer.clear();
        frame::encode(black_box(&message), &mut buffer).is_ok()
            && frame::decode::<Upward>(frame::body(&buffer)).is_ok()
    });
}

/// A lease of so many items, there and back.
#[divan::bench(args = [1, 32, 512])]
fn frame_of_a_lease(bencher: Bencher, count: u32) {
    let message = Downward::Lease((0..count).map(ItemId).collect());
    let mut buffer = Vec::new();
    bencher.bench_local(|| {
        buffer.clear();
        frame::encode(black_box(&message), &mut buffer).is_ok()
            && frame::decode::<Downward>(frame::body(&buffer)).is_ok()
    });
}

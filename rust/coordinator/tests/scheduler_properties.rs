//! What must hold for every run, whatever is collected, however long it takes, and whoever dies.

#[path = "support/simulation.rs"]
mod simulation;

#[path = "support/scenarios.rs"]
mod scenarios;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use coordinator::claims::Claims;
use coordinator::ledger::{End, ItemState, NotRunReason};
use coordinator::model::{ItemId, WorkerId};
use coordinator::plan::{Order, Price, Span};
use coordinator::worker_state::{Death, WorkerState};
use proptest::prelude::*;
use scenarios::{
    deadly_runs, quiet_runs, retiring_runs, runs_of_each, runs_with_confirmations, runs_with_reliefs,
    runs_with_reruns, stopped_runs,
};
use simulation::{Execution, Phase, Scenario, Simulation};

/// Events per item and worker after which a run counts as one that never ends. Real ones need fewer than 20.
const PATIENCE: u64 = 200;

/// Runs to the end, with a look at every step.
fn run(scenario: &Scenario, look: impl Fn(&Simulation)) -> Simulation {
    let size = (scenario.collection.items.len() + scenario.ready_at.len() + 8) as u64;
    let mut simulation = Simulation::new(scenario.clone());
    while simulation.step() {
        look(&simulation);
        assert!(simulation.events < size * PATIENCE, "the run does not end");
    }
    simulation
}

fn items(scenario: &Scenario) -> impl Iterator<Item = ItemId> {
    (0..u32::try_from(scenario.collection.items.len()).expect("items fit their ids")).map(ItemId)
}

fn executions_of(simulation: &Simulation, item: ItemId) -> Vec<Execution> {
    let executions = simulation.executions.iter();
    executions.filter(|execution| execution.item == item).copied().collect()
}

/// The items of each atom (or group), by its first position.
fn atoms(simulation: &Simulation) -> BTreeMap<u32, Vec<ItemId>> {
    let plan = simulation.scheduler.plan();
    let mut atoms: BTreeMap<u32, Vec<ItemId>> = BTreeMap::new();
    for position in 0..plan.end() {
        atoms.entry(plan.atom_start(position)).or_default().push(plan.item(position));
    }
    atoms
}

/// Every item has one end, and the end agrees with what the workers did.
fn every_item_ends_once(scenario: &Scenario, simulation: &Simulation) {
    assert!(simulation.scheduler.is_done());
    let counts = simulation.scheduler.ledger().counts();
    assert_eq!(counts.done() as usize, scenario.collection.items.len());
    assert_eq!(counts.queued + counts.leased, 0);
    for item in items(scenario) {
        let executions = executions_of(simulation, item);
        assert!(executions.len() <= 1, "{item:?} was run twice: {executions:?}");
        match simulation.scheduler.ledger().state(item) {
            ItemState::Done(End::Reported) => {
                assert!(executions.iter().any(|execution| execution.end.is_some()), "{item:?}");
            }
            ItemState::Done(End::Crashed(worker)) => {
                let blamed = |execution: &Execution| execution.worker == worker && execution.end.is_none();
                assert!(executions.iter().any(blamed), "{item:?}");
            }
            ItemState::Done(End::NotRun(NotRunReason::Interrupted)) => {
                assert!(executions.iter().all(|execution| execution.end.is_none()), "{item:?}");
            }
            ItemState::Done(End::NotRun(_)) => assert!(executions.is_empty(), "{item:?}"),
            ItemState::Queued | ItemState::Leased(_) => panic!("{item:?} has not ended"),
        }
    }
}

/// Every worker that lives to see the end is told so and leaves.
fn every_worker_leaves(simulation: &Simulation) {
    for (number, worker) in simulation.workers.iter().enumerate() {
        assert_eq!(worker.phase, Phase::Gone, "worker {number}");
    }
}

fn serial_items_run_alone(scenario: &Scenario, simulation: &Simulation) {
    let serial = |execution: &&Execution| scenario.collection.items[execution.item.index()].serial;
    for alone in simulation.executions.iter().filter(serial) {
        for other in &simulation.executions {
            let ended_before = |a: &Execution, b: &Execution| {
                // Without an end of its own, an item ended with its worker: before anything was given on.
                a.end.is_none_or(|end| end <= b.begin) && a.begin <= b.begin
            };
            let same = alone.item == other.item;
            assert!(
                same || ended_before(alone, other) || ended_before(other, alone),
                "{alone:?} beside {other:?}"
            );
        }
    }
}

/// Every atom is run in order, never by two workers at once; by another one only if the one before has died or was retired.
fn atoms_stay_together(simulation: &Simulation) {
    let is_gone = |worker| {
        simulation.scheduler.worker_state(worker) == WorkerState::Dead(Death::Crashed)
            || simulation.retired.contains_key(&worker)
    };
    for atom in atoms(simulation).values() {
        let executions: Vec<Execution> =
            atom.iter().flat_map(|&item| executions_of(simulation, item)).collect();
        for pair in executions.windows(2) {
            let in_order =
                pair[0].begin <= pair[1].begin && pair[0].end.is_none_or(|end| end <= pair[1].begin);
            assert!(in_order, "{executions:?}");
            assert!(pair[0].worker == pair[1].worker || is_gone(pair[0].worker), "{executions:?}");
        }
    }
}

/// What a group was divided into by splits, each between atoms, is run by one worker each, in order: who took it last.
fn parts_stay_together(simulation: &Simulation) {
    let plan = simulation.scheduler.plan();
    // By its first position, where a part begins, and whose it has become.
    let mut takers = BTreeMap::new();
    for theft in simulation.thefts.iter().filter(|theft| theft.split) {
        let first = plan.position(theft.first);
        assert_eq!(plan.atom_start(first), first, "{theft:?} divides an atom");
        takers.insert(first, theft.thief);
    }
    for group in plan.groups() {
        let mut starts: Vec<u32> =
            group.positions().filter(|position| takers.contains_key(position)).collect();
        starts.insert(0, group.start);
        starts.push(group.end);
        for part in starts.windows(2) {
            let positions = part[0]..part[1];
            let is_part = |item| positions.contains(&plan.position(item));
            let executions = simulation.executions.iter().filter(|execution| is_part(execution.item));
            let run: Vec<(ItemId, WorkerId)> =
                executions.map(|execution| (execution.item, execution.worker)).collect();
            let Some(&(_, whose)) = run.first() else {
                continue;
            };
            let whose = takers.get(&part[0]).copied().unwrap_or(whose);
            let planned: Vec<(ItemId, WorkerId)> =
                positions.clone().map(|position| (plan.item(position), whose)).collect();
            assert_eq!(run, planned, "a part of {group:?}");
        }
    }
}

/// How many workers have died or were retired, or both.
fn gone_early(simulation: &Simulation) -> usize {
    simulation.died as usize + simulation.retired.len()
}

/// What a retired worker had claimed before it was told, it runs: at most the next item. Then it leaves.
fn the_retired_begin_nothing_new(simulation: &Simulation) {
    for (&worker, &at) in &simulation.retired {
        let late = |execution: &&Execution| execution.worker == worker && execution.begin > at;
        assert!(simulation.executions.iter().filter(late).count() <= 1, "{worker} was retired at {at}");
        assert!(matches!(simulation.scheduler.worker_state(worker), WorkerState::Dead(_)));
    }
}

fn is_done(simulation: &Simulation, item: ItemId) -> bool {
    matches!(simulation.scheduler.ledger().state(item), ItemState::Done(_))
}

/// These items alone, which all belong together, take longer than setting their fixtures up again.
fn is_worth_it(simulation: &Simulation, items: &[ItemId]) -> bool {
    let plan = simulation.scheduler.plan();
    let positions = items.iter().map(|&item| plan.position(item));
    let weight: f64 = positions.clone().map(|start| plan.weight(Span { start, end: start + 1 })).sum();
    match positions.map(|position| plan.price(position)).next() {
        Some(Price::Seconds(price)) => weight > price,
        Some(Price::Nothing | Price::Unknown) | None => true,
    }
}

/// A group that uses expensive wide fixtures may wait for the worker that has them.
fn is_expensive(simulation: &Simulation, item: ItemId) -> bool {
    let plan = simulation.scheduler.plan();
    plan.most_expensive(plan.position(item)).is_some()
}

/// No waiting worker could do what nobody has begun, if that ended the run sooner.
fn nobody_waits_in_vain(scenario: &Scenario, simulation: &Simulation) {
    if simulation.stopped_at.is_some() || simulation.scheduler.is_done() {
        return;
    }
    let ids = (0..).map(WorkerId).zip(&simulation.workers);
    let waiting = ids.filter(|(id, worker)| {
        simulation.scheduler.worker_state(*id) == WorkerState::Idle && worker.phase != Phase::Gone
    });
    let Some((waiting, _)) = waiting.last() else {
        return;
    };
    for atom in atoms(simulation).values() {
        // What has ended leaves a rest, which is an atom of its own once the worker that began it is gone.
        let rest: Vec<ItemId> = atom.iter().copied().filter(|&item| !is_done(simulation, item)).collect();
        let alive = |worker: WorkerId| simulation.workers[worker.index()].phase != Phase::Gone;
        let begun_by_the_living =
            |execution: &Execution| atom.contains(&execution.item) && alive(execution.worker);
        let serial = scenario.collection.items[atom[0].index()].serial;
        if serial
            || is_expensive(simulation, atom[0])
            || rest.is_empty()
            || rest.iter().any(|&item| simulation.claims.is_claimed(item))
            || simulation.executions.iter().any(begun_by_the_living)
        {
            continue;
        }
        let mut states = rest.iter().map(|&item| simulation.scheduler.ledger().state(item));
        let holder = states.find_map(|state| match state {
            ItemState::Leased(holder) => Some(holder),
            ItemState::Queued | ItemState::Done(_) => None,
        });
        let Some(holder) = holder else {
            assert!(!is_worth_it(simulation, &rest), "{waiting} waits while {rest:?} are queued");
            continue;
        };
        // What runs again may be in other hands than the rest of its atom.
        let its_part =
            |item: &ItemId| simulation.scheduler.ledger().state(*item) == ItemState::Leased(holder);
        let rest: Vec<ItemId> = rest.into_iter().filter(its_part).collect();
        if !is_worth_it(simulation, &rest) {
            continue;
        }
        let busy = match simulation.workers[holder.index()].phase {
            Phase::Calling(_) | Phase::TearingDown { next: Some(_), .. } => true,
            // It waits for the lease that is on its way.
            Phase::Waiting { .. } | Phase::TearingDown { next: None, .. } | Phase::Starting | Phase::Gone => {
                false
            }
        };
        assert!(!busy, "{waiting} waits while {rest:?} wait behind what {holder} runs");
    }
}

/// Nothing is split while there are whole groups that nobody has begun.
fn whole_groups_go_first(simulation: &Simulation, splits_before: &Cell<u64>) {
    let splits = simulation.scheduler.thefts().splits;
    if splits_before.replace(splits) == splits {
        return;
    }
    let plan = simulation.scheduler.plan();
    let is_queued = |position| simulation.scheduler.ledger().state(plan.item(position)) == ItemState::Queued;
    let free = |group: &&Span| plan.most_expensive(group.start).is_none();
    let whole = plan.groups().iter().filter(free).find(|group| group.positions().all(is_queued));
    assert_eq!(whole, None, "this group was left while another was split");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_quiet_run_runs_everything_once(scenario in quiet_runs()) {
        let splits = Cell::new(0);
        let simulation = run(&scenario, |simulation| {
            nobody_waits_in_vain(&scenario, simulation);
            whole_groups_go_first(simulation, &splits);
        });
        every_item_ends_once(&scenario, &simulation);
        every_worker_leaves(&simulation);
        serial_items_run_alone(&scenario, &simulation);
        atoms_stay_together(&simulation);
        parts_stay_together(&simulation);
        prop_assert_eq!(simulation.scheduler.ledger().counts().reported as usize, scenario.collection.items.len());
    }

    #[test]
    fn one_worker_runs_the_plan_as_it_is(mut scenario in quiet_runs()) {
        scenario.ready_at.truncate(1);
        scenario.order = Order::Collected;
        let simulation = run(&scenario, |_| {});
        let plan = simulation.scheduler.plan();
        let planned: Vec<ItemId> = (0..plan.end()).map(|position| plan.item(position)).collect();
        let run: Vec<ItemId> = simulation.executions.iter().map(|execution| execution.item).collect();
        prop_assert_eq!(run, planned);
        prop_assert_eq!(simulation.scheduler.thefts().splits, 0);
    }

    #[test]
    fn deaths_cost_only_what_was_running(scenario in deadly_runs()) {
        let simulation = run(&scenario, |simulation| nobody_waits_in_vain(&scenario, simulation));
        every_item_ends_once(&scenario, &simulation);
        every_worker_leaves(&simulation);
        serial_items_run_alone(&scenario, &simulation);
        atoms_stay_together(&simulation);
        let counts = simulation.scheduler.ledger().counts();
        prop_assert!(counts.crashed <= simulation.died);
        if simulation.died < u32::try_from(scenario.ready_at.len()).expect("few workers") {
            prop_assert_eq!(counts.not_run, 0);
        }
    }

    #[test]
    fn retirements_cost_nothing_while_a_worker_is_left(scenario in retiring_runs()) {
        let simulation = run(&scenario, |simulation| nobody_waits_in_vain(&scenario, simulation));
        every_item_ends_once(&scenario, &simulation);
        every_worker_leaves(&simulation);
        serial_items_run_alone(&scenario, &simulation);
        atoms_stay_together(&simulation);
        the_retired_begin_nothing_new(&simulation);
        let counts = simulation.scheduler.ledger().counts();
        if gone_early(&simulation) < scenario.ready_at.len() {
            prop_assert_eq!(counts.not_run, 0);
        }
        let lost = |reason| ItemState::Done(End::NotRun(reason));
        let unexplained =
            if simulation.retired.is_empty() { NotRunReason::Retired } else { NotRunReason::WorkersExhausted };
        prop_assert!(simulation.scheduler.ledger().states().all(|(_, state)| state != lost(unexplained)));
    }

    #[test]
    fn who_is_relieved_costs_nothing(scenario in runs_with_reliefs()) {
        let simulation = run(&scenario, |_| {});
        every_worker_leaves(&simulation);
        prop_assert!(simulation.scheduler.is_done());
        let counts = simulation.scheduler.ledger().counts();
        prop_assert!(counts.crashed <= simulation.died);
        if simulation.died <= scenario.replacements {
            prop_assert_eq!(counts.not_run, 0);
        }
        for item in items(&scenario) {
            prop_assert!(executions_of(&simulation, item).len() <= 1);
        }
    }

    #[test]
    fn nothing_begins_after_a_stop(scenario in stopped_runs()) {
        let simulation = run(&scenario, |simulation| nobody_waits_in_vain(&scenario, simulation));
        every_item_ends_once(&scenario, &simulation);
        every_worker_leaves(&simulation);
        serial_items_run_alone(&scenario, &simulation);
        atoms_stay_together(&simulation);
        let is_reached = scenario.max_failures.is_some_and(|limit| simulation.failures >= limit);
        prop_assert_eq!(simulation.limit_reached, u32::from(is_reached));
        if let Some(stopped_at) = simulation.stopped_at {
            for execution in &simulation.executions {
                prop_assert!(execution.begin <= stopped_at, "{:?} after {}", execution, stopped_at);
            }
        }
    }

    #[test]
    fn what_workers_died_in_can_run_again(scenario in runs_with_reruns()) {
        let simulation = run(&scenario, |simulation| nobody_waits_in_vain(&scenario, simulation));
        every_worker_leaves(&simulation);
        prop_assert!(simulation.scheduler.is_done());
        serial_items_run_alone(&scenario, &simulation);
        let again = items(&scenario).map(|item| executions_of(&simulation, item).len().saturating_sub(1));
        prop_assert!(again.sum::<usize>() <= simulation.rerun as usize);
        let counts = simulation.scheduler.ledger().counts();
        prop_assert_eq!(counts.done() as usize, scenario.collection.items.len());
        prop_assert!(counts.crashed + simulation.rerun <= simulation.died);
    }

    #[test]
    fn what_is_confirmed_runs_alone_in_a_fresh_worker(scenario in runs_with_confirmations()) {
        let simulation = run(&scenario, |_| {});
        every_worker_leaves(&simulation);
        prop_assert!(simulation.scheduler.is_done());
        let confirming = |execution: &&Execution| simulation.confirmers.contains(&execution.worker);
        for alone in simulation.executions.iter().filter(confirming) {
            for other in simulation.executions.iter().filter(|other| other.item != alone.item) {
                let before = |a: &Execution, b: &Execution| a.begin <= b.begin && a.end.is_none_or(|end| end <= b.begin);
                prop_assert!(before(alone, other) || before(other, alone), "{:?} beside {:?}", alone, other);
                prop_assert!(other.worker != alone.worker, "{:?} and {:?}", alone, other);
            }
        }
        let counts = simulation.scheduler.ledger().counts();
        let lanes = if scenario.each { scenario.ready_at.len() } else { 1 };
        prop_assert_eq!(counts.done() as usize, scenario.collection.items.len() * lanes);
        prop_assert!(counts.crashed + simulation.rerun <= simulation.died);
        let confirmed = simulation.executions.iter().filter(confirming).count();
        prop_assert!(confirmed <= simulation.rerun as usize);
        if simulation.stopped_at.is_none() {
            let unconfirmed = |(_, state)| state == ItemState::Done(End::NotRun(NotRunReason::NoFreshWorker));
            let lost = simulation.scheduler.ledger().states().filter(|state| unconfirmed(*state)).count();
            prop_assert_eq!(confirmed + lost, simulation.rerun as usize);
        }
    }

    #[test]
    fn every_worker_runs_everything(scenario in runs_of_each()) {
        let simulation = run(&scenario, |_| {});
        every_worker_leaves(&simulation);
        prop_assert!(simulation.scheduler.is_done());
        let counts = simulation.scheduler.ledger().counts();
        prop_assert_eq!(counts.done() as usize, scenario.collection.items.len() * scenario.ready_at.len());
        prop_assert!(counts.crashed <= simulation.died);
        the_retired_begin_nothing_new(&simulation);
        if simulation.died <= scenario.replacements && simulation.retired.is_empty() {
            prop_assert_eq!(counts.not_run, 0);
        }
        if !scenario.collection.items.is_empty() && gone_early(&simulation) == 0 {
            prop_assert_eq!(counts.reported as usize, scenario.collection.items.len() * scenario.ready_at.len());
        }
        let lanes = u32::try_from(scenario.ready_at.len()).expect("few workers");
        let lane_of = |item: ItemId| item.index() / scenario.collection.items.len();
        let mut workers: BTreeMap<usize, BTreeSet<WorkerId>> = BTreeMap::new();
        for execution in &simulation.executions {
            prop_assert!(executions_of(&simulation, execution.item).len() <= 1 + simulation.rerun as usize);
            workers.entry(lane_of(execution.item)).or_default().insert(execution.worker);
        }
        for (lane, workers) in workers {
            for worker in workers.iter().filter(|worker| worker.0 < lanes) {
                prop_assert_eq!(worker.index(), lane, "in the lane of another");
            }
            prop_assert!(workers.len() <= 1 + gone_early(&simulation));
        }
    }
}

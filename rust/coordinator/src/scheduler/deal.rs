//! Who is dealt which groups before the first test runs, and in which order.
//!
//! Longest first, each to the worker with the least work: the classic longest-processing-time rule. Groups that use the
//! same expensive wide fixtures are dealt in batches: each batch is one worker that sets them up.
//!
//! What a worker was dealt it runs in the order of collection, so that no test comes behind one that it comes before in
//! plain pytest, thefts and what is gathered across modules aside. Only what would be waited for if it came last comes first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::deque::Deques;
use crate::model::WorkerId;
use crate::plan::{Order, Plan, Span};

/// What only one worker can run is heavy if it takes more than this part of a worker's share. What the choice costs, in time and
/// in order, is in docs/benchmarks.md ("The pure parts").
const HEAVY: f64 = 0.25;

/// A run that takes so much longer is as good, if fewer workers set up what is expensive.
const NEARLY: f64 = 1.02;

/// Groups that go to one worker.
#[derive(Clone, Default)]
struct Batch {
    groups: Vec<Span>,
    weight: f64,
    /// The wide fixtures that they use.
    wide: BTreeSet<u32>,
}

impl Batch {
    fn add(&mut self, plan: &Plan, group: Span) {
        self.groups.push(group);
        self.weight += plan.cost(group);
        self.wide.extend(plan.wide(group.start));
    }

    /// What it takes a worker that has `set_up` these fixtures.
    fn seconds(&self, plan: &Plan, set_up: &BTreeSet<u32>) -> f64 {
        self.weight + plan.seconds_to_set_up(&self.wide, set_up)
    }
}

/// What one worker is dealt.
#[derive(Clone, Default)]
struct Hand {
    groups: Vec<Span>,
    load: f64,
    /// Wide fixtures that it will have set up.
    set_up: BTreeSet<u32>,
}

/// Deals all groups: each to the worker whose lane it is in, or to the one that would be done soonest with it.
pub(super) fn deal(plan: &Plan, workers: u32) -> Deques {
    let mut deques = Deques::new(workers);
    if plan.has_lanes() || workers == 0 {
        for &group in plan.groups() {
            match plan.lane(group) {
                Some(lane) => deques.push(lane, group, plan.cost(group)),
                None => deques.push_orphan(group),
            }
        }
        return deques;
    }
    let mut hands = Hands::new(workers);
    let total = plan.groups().iter().map(|&group| plan.cost(group)).sum();
    for batch in batches(plan, total, workers) {
        hands.take(plan, batch);
    }
    let heavy = HEAVY * total / f64::from(workers);
    for (worker, hand) in (0..).zip(hands.hands) {
        for group in in_order(plan, hand.groups, heavy) {
            deques.push(WorkerId(worker), group, plan.cost(group));
        }
    }
    deques
}

/// The hands of all workers, and whose is the lightest.
struct Hands {
    hands: Vec<Hand>,
    /// The bits of floats that are not negative sort as the floats do.
    loads: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Hands {
    fn new(workers: u32) -> Self {
        let hands = vec![Hand::default(); workers as usize];
        let loads = (0..hands.len()).map(|worker| Reverse((0.0_f64.to_bits(), worker))).collect();
        Self { hands, loads }
    }

    fn take(&mut self, plan: &Plan, batch: Batch) {
        let worker = if plan.seconds_to_set_up(&batch.wide, &BTreeSet::new()) > 0.0 {
            let done = |hand: &Hand| hand.load + batch.seconds(plan, &hand.set_up);
            let best = self.hands.iter().enumerate().min_by(|(_, a), (_, b)| done(a).total_cmp(&done(b)));
            best.map_or(0, |(worker, _)| worker)
        } else {
            self.lightest()
        };
        let hand = &mut self.hands[worker];
        hand.load += batch.seconds(plan, &hand.set_up);
        hand.set_up.extend(batch.wide);
        hand.groups.extend(batch.groups);
        self.loads.push(Reverse((hand.load.to_bits(), worker)));
    }

    fn lightest(&mut self) -> usize {
        while let Some(Reverse((load, worker))) = self.loads.pop() {
            // Where that is not the hand's load any more, another entry has come since.
            if load == self.hands[worker].load.to_bits() {
                return worker;
            }
        }
        0
    }
}

/// Everything in the order in which it is dealt. `total`: what all groups cost.
fn batches(plan: &Plan, total: f64, workers: u32) -> Vec<Batch> {
    // By the most expensive fixture that they use.
    let mut families: BTreeMap<u32, Batch> = BTreeMap::new();
    let mut batches = Vec::new();
    let groups = plan.groups().to_vec();
    for group in if plan.order() == Order::Balanced { longest_first(plan, groups) } else { groups } {
        if let Some(fixture) = plan.most_expensive(group.start) {
            families.entry(fixture).or_default().add(plan, group);
        } else {
            let mut batch = Batch::default();
            batch.add(plan, group);
            batches.push(batch);
        }
    }
    if families.is_empty() {
        return batches;
    }
    let nothing = BTreeSet::new();
    for family in families.into_values() {
        let set_up = plan.seconds_to_set_up(&family.wide, &nothing);
        let mut parts = vec![Batch::default(); parts(set_up, family.weight, total, workers)];
        for group in family.groups {
            if let Some(part) = parts.iter_mut().min_by(|a, b| a.weight.total_cmp(&b.weight)) {
                part.add(plan, group);
            }
        }
        batches.extend(parts);
    }
    batches.sort_by(|a, b| b.seconds(plan, &nothing).total_cmp(&a.seconds(plan, &nothing)));
    batches
}

/// How many workers should set fixtures up that take `set_up` seconds, for groups of this `weight`: the fewest with which
/// the run is nearly as short as it can be. It lasts as long as one of these workers, or as its share of everything.
fn parts(set_up: f64, weight: f64, total: f64, workers: u32) -> usize {
    let lasts = |parts: u32| {
        let (parts, workers) = (f64::from(parts), f64::from(workers));
        (set_up + weight / parts).max((total + parts * set_up) / workers)
    };
    let shortest = (1..=workers).map(lasts).fold(f64::INFINITY, f64::min);
    (1..=workers).find(|&parts| lasts(parts) <= NEARLY * shortest).unwrap_or(1) as usize
}

fn longest_first(plan: &Plan, mut groups: Vec<Span>) -> Vec<Span> {
    groups.sort_by(|&a, &b| plan.cost(b).total_cmp(&plan.cost(a)));
    groups
}

/// What one worker was dealt, as it runs it: as collected, behind what has a part that is `heavy`.
fn in_order(plan: &Plan, mut groups: Vec<Span>, heavy: f64) -> Vec<Span> {
    groups.sort_by_key(|group| group.start);
    if plan.order() == Order::Collected {
        return groups;
    }
    let (first, rest) = groups.into_iter().partition(|&group| plan.indivisible(group) > heavy);
    let mut groups = longest_first(plan, first);
    groups.extend::<Vec<Span>>(rest);
    if plan.has_wide() { by_package(plan, groups) } else { groups }
}

/// Puts groups that share fixtures of a package behind each other, where the first of them stands: when a worker leaves
/// the package, they are torn down.
fn by_package(plan: &Plan, mut groups: Vec<Span>) -> Vec<Span> {
    let mut places: BTreeMap<u32, usize> = BTreeMap::new();
    let mut key = |place: usize, group: Span| {
        let fixtures = plan.wide(group.start).iter().filter(|&&number| plan.fixture(number).of_package);
        let mut key: Vec<usize> = fixtures.map(|&number| *places.entry(number).or_insert(place)).collect();
        key.push(place);
        key
    };
    let keys: BTreeMap<u32, Vec<usize>> =
        groups.iter().enumerate().map(|(place, group)| (group.start, key(place, *group))).collect();
    groups.sort_by(|a, b| keys[&a.start].cmp(&keys[&b.start]));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Collection, Item, Membership, WideFixture, WideFixtures};

    fn item(group: u32, seconds: f64, wide: Option<u32>) -> Item {
        let (membership, estimate) = (Membership::Neighbours, Some(seconds));
        Item {
            group,
            atom: group,
            membership,
            serial: false,
            shares_fixtures: false,
            estimate,
            price: None,
            wide,
        }
    }

    fn fixture(seconds: f64, of_package: bool) -> WideFixture {
        WideFixture { name: String::new(), of_package, seconds }
    }

    /// The groups that each worker is dealt, by the id of their first item.
    fn dealt(items: Vec<Item>, each: Vec<WideFixture>, sets: Vec<Vec<u32>>, workers: u32) -> Vec<Vec<u32>> {
        let collection = Collection { items, fixtures: WideFixtures { each, sets }, patience: Vec::new() };
        let plan = Plan::of(&collection, Order::Balanced);
        let mut deques = deal(&plan, workers);
        let hand = |worker| {
            std::iter::from_fn(|| deques.pop(WorkerId(worker)))
                .map(|group| plan.item(group.start).0)
                .collect::<Vec<_>>()
        };
        (0..workers).map(hand).collect()
    }

    #[test]
    fn each_worker_runs_its_groups_as_collected() {
        let seconds = [1.0, 3.0, 1.1, 2.9, 1.2, 2.8, 1.3, 2.7];
        let items = (0..80).map(|number| item(number, seconds[number as usize % 8], None)).collect();
        let hands = dealt(items, Vec::new(), Vec::new(), 2);
        assert!(hands.iter().all(|hand| hand.is_sorted() && hand.len() == 40), "{hands:?}");
    }

    #[test]
    fn what_would_be_waited_for_comes_first() {
        let seconds = |number| match number {
            9 => 40.0,
            19 => 60.0,
            29 => 70.0,
            _ => 1.0,
        };
        let items = (0..40).map(|number| item(number, seconds(number), None)).collect();
        let hands = dealt(items, Vec::new(), Vec::new(), 1);
        let mut expected = vec![29, 19];
        expected.extend((0..40).filter(|number| ![19, 29].contains(number)));
        assert_eq!(hands, [expected], "40 s are less than a quarter of 207 s");
    }

    #[test]
    fn a_long_group_of_short_items_keeps_its_place() {
        let of_one = (1..101).map(|atom| Item { atom, ..item(1, 1.0, None) });
        let items = [item(0, 1.0, None)].into_iter().chain(of_one).collect();
        assert_eq!(dealt(items, Vec::new(), Vec::new(), 1), [[0, 1]]);
        let of_one = (1..101).map(|atom| Item {
            atom,
            shares_fixtures: true,
            price: Some(50.0),
            ..item(1, 1.0, None)
        });
        let items = [item(0, 1.0, None)].into_iter().chain(of_one).collect();
        assert_eq!(dealt(items, Vec::new(), Vec::new(), 1), [[1, 0]], "it is not worth being split");
    }

    #[test]
    fn few_tests_of_an_expensive_fixture_go_to_one_worker() {
        let items = (0..8).map(|number| item(number, 1.0, (number % 2 == 0).then_some(0))).collect();
        let hands = dealt(items, vec![fixture(3.0, false)], vec![vec![0]], 2);
        assert_eq!(hands, [[0, 2, 4, 6], [1, 3, 5, 7]]);
    }

    #[test]
    fn many_tests_of_it_go_to_as_many_as_repay_it() {
        let items = (0..40).map(|number| item(number, 1.0, Some(0))).collect();
        let hands = dealt(items, vec![fixture(3.0, false)], vec![vec![0]], 4);
        assert!(hands.iter().all(|hand| hand.len() == 10), "{hands:?}");
    }

    #[test]
    fn what_uses_two_goes_where_one_of_them_is() {
        let wide = [Some(0), Some(0), None, None, Some(1)];
        let seconds = |wide: Option<u32>| if wide.is_some() { 0.5 } else { 2.0 };
        let items = (0..).zip(wide).map(|(number, wide)| item(number, seconds(wide), wide)).collect();
        let each = vec![fixture(5.0, false), fixture(0.1, false)];
        let hands = dealt(items, each, vec![vec![0], vec![0, 1]], 2);
        assert!(hands.iter().any(|hand| *hand == [0, 1, 4]), "{hands:?}");
    }

    #[test]
    fn a_cheap_fixture_is_set_up_everywhere() {
        let items = (0..8).map(|number| item(number, 1.0, Some(0))).collect();
        let hands = dealt(items, vec![fixture(0.5, false)], vec![vec![0]], 4);
        assert!(hands.iter().all(|hand| hand.len() == 2), "{hands:?}");
    }

    #[test]
    fn a_package_is_not_left_for_another_and_entered_again() {
        // By itself the order would be 0 (a), 1 (b), 2 (a, inner), 3 (none), 4 (a).
        let wide = [Some(0), Some(1), Some(2), None, Some(0)];
        let items =
            (0..).zip(wide).map(|(number, wide)| item(number, 9.0 - f64::from(number), wide)).collect();
        let each = vec![fixture(0.0, true), fixture(0.0, true), fixture(0.0, true)];
        let hands = dealt(items, each, vec![vec![0], vec![1], vec![0, 2]], 1);
        assert_eq!(hands, [[0, 2, 4, 1, 3]]);
    }
}

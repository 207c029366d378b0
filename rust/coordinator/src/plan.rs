//! The order of the run, decided once: which items form a group, and where a group may be split.
//!
//! A plan lays all items out on one line. Every item has a *position* on it, a group is a [`Span`] of positions, and
//! sums of weights along the line make the weight of any span a subtraction.

mod gather;

use std::collections::BTreeSet;

use crate::model::{Collection, Item, ItemId, Membership, WideFixture, WideFixtures, WorkerId};
use crate::wide::Wide;
use gather::{Weights, are_in_pieces, gather};

/// Which groups come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In each worker as collected, behind what would be waited for if it came last.
    Balanced,
    /// As collected, whoever runs them. So it is also if the neighbours of a group are not all in one place: somebody
    /// has ordered items across groups, as pytest does for the sake of a session fixture's parameters.
    Collected,
}

/// What it costs to run the two halves of a group in two workers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Price {
    /// Nothing: it shares no fixtures.
    Nothing,
    /// It shares fixtures that have not been measured.
    Unknown,
    /// To set its shared fixtures up again takes this long.
    Seconds(f64),
}

impl Price {
    /// Seconds, as far as anything is known.
    fn known(self) -> f64 {
        match self {
            Self::Nothing | Self::Unknown => 0.0,
            Self::Seconds(seconds) => seconds,
        }
    }
}

/// Neighbouring positions, `start` included, `end` not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first position.
    pub start: u32,
    /// The position behind the last one.
    pub end: u32,
}

impl Span {
    /// All positions of the span.
    #[must_use]
    pub fn positions(self) -> std::ops::Range<u32> {
        self.start..self.end
    }
}

/// What will be run, in which order, and what belongs together.
#[derive(Clone, Debug)]
pub struct Plan {
    items: Vec<ItemId>,
    positions: Vec<u32>,
    /// Weight of everything before a position; one longer than the line.
    weight_before: Vec<f64>,
    /// The atom of each position.
    atoms: Vec<u32>,
    /// Where each atom starts, and the end of the line.
    atom_starts: Vec<u32>,
    /// Per atom: what it costs to split its group.
    prices: Vec<Price>,
    /// Per atom: where its group starts.
    group_of: Vec<u32>,
    /// Per atom: which wide fixtures its group uses.
    wide_of: Vec<u32>,
    wide: Wide,
    order: Order,
    groups: Vec<Span>,
    serial_groups: Vec<Span>,
    separable: u32,
    known_seconds: f64,
    unknown_items: u32,
    /// Items of a lane, if there are lanes.
    lane: Option<u32>,
}

impl Plan {
    /// Plans the collected `items` once for each of `lanes` workers, who have nothing in common. In the lane of worker
    /// `n` the ids are counted from `n * items.len()` on. Serial items are like the others: each worker stands for
    /// an environment of its own.
    #[must_use]
    pub fn each(items: impl AsRef<[Item]>, order: Order, lanes: u32) -> Self {
        let items = items.as_ref();
        let groups = items.iter().map(|item| item.group + 1).max().unwrap_or(0);
        let in_lane = |lane: u32| {
            let own =
                move |item: &Item| Item { group: lane * groups + item.group, serial: false, ..item.clone() };
            items.iter().map(own)
        };
        let all: Vec<Item> = (0..lanes).flat_map(in_lane).collect();
        Self { lane: Some(index(items.len())), ..Self::new(all, order) }
    }

    /// Plans items that use no wide fixtures.
    #[must_use]
    pub fn new(items: impl AsRef<[Item]>, order: Order) -> Self {
        Self::lay_all_out(items.as_ref(), WideFixtures::default(), order)
    }

    /// Plans what was collected; the ids of its items are their indices.
    #[must_use]
    pub fn of(collection: &Collection, order: Order) -> Self {
        Self::lay_all_out(&collection.items, collection.fixtures.clone(), order)
    }

    fn lay_all_out(items: &[Item], fixtures: WideFixtures, order: Order) -> Self {
        let weights = Weights::new(items);
        let groups = gather(items, false);
        let order = if are_in_pieces(&groups, items) { Order::Collected } else { order };
        let mut plan = Self {
            items: Vec::with_capacity(items.len()),
            positions: vec![0; items.len()],
            weight_before: vec![0.0],
            atoms: Vec::with_capacity(items.len()),
            atom_starts: Vec::new(),
            prices: Vec::new(),
            group_of: Vec::new(),
            wide_of: Vec::new(),
            wide: Wide::new(fixtures),
            order,
            groups: Vec::new(),
            serial_groups: Vec::new(),
            separable: 0,
            known_seconds: weights.known_seconds,
            unknown_items: weights.unknown_items,
            lane: None,
        };
        plan.groups = groups.iter().map(|group| plan.lay_out(group, items, &weights)).collect();
        plan.separable = index(plan.atom_starts.len());
        let serial = gather(items, true);
        plan.serial_groups = serial.iter().map(|group| plan.lay_out(group, items, &weights)).collect();
        plan.atom_starts.push(plan.end());
        if plan.separable == 0 && !items.is_empty() {
            plan.separable = 1;
        }
        plan
    }

    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// The position behind the last one.
    #[must_use]
    pub fn end(&self) -> u32 {
        index(self.items.len())
    }

    /// There is nothing to run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The most workers that could ever be busy: the number of atoms that may run beside each other.
    #[must_use]
    pub fn separable(&self) -> u32 {
        self.separable
    }

    /// Expected seconds of all items on one worker, `default_per_item` for each item without a history.
    #[must_use]
    pub fn expected_total(&self, default_per_item: f64) -> f64 {
        self.known_seconds + f64::from(self.unknown_items) * default_per_item
    }

    /// The groups that may run beside each other, as collected.
    #[must_use]
    pub fn groups(&self) -> &[Span] {
        &self.groups
    }

    /// The groups of serial items, as collected. Their positions are behind all others.
    #[must_use]
    pub fn serial_groups(&self) -> &[Span] {
        &self.serial_groups
    }

    /// The position is that of a serial item.
    #[must_use]
    pub fn is_serial(&self, position: u32) -> bool {
        self.serial_groups.first().is_some_and(|first| position >= first.start)
    }

    /// Whether every worker has a lane of its own.
    #[must_use]
    pub fn has_lanes(&self) -> bool {
        self.lane.is_some()
    }

    /// The worker in whose lane the group is, if there are lanes.
    #[must_use]
    pub fn lane(&self, group: Span) -> Option<WorkerId> {
        self.lane.map(|items| WorkerId(self.item(group.start).0 / items))
    }

    /// The item at a position.
    #[must_use]
    pub fn item(&self, position: u32) -> ItemId {
        self.items[position as usize]
    }

    /// The position of an item.
    #[must_use]
    pub fn position(&self, item: ItemId) -> u32 {
        self.positions[item.index()]
    }

    /// Relative cost of a span; seconds if its items have a history.
    #[must_use]
    pub fn weight(&self, span: Span) -> f64 {
        self.weight_before[span.end as usize] - self.weight_before[span.start as usize]
    }

    /// As [`Plan::weight`] of a whole group, what it takes to set up the fixtures that it shares counted in.
    #[must_use]
    pub fn cost(&self, group: Span) -> f64 {
        self.weight(group) + self.price(group.start).known()
    }

    /// As [`Plan::cost`], but of the largest part of a group that only one worker can run.
    #[must_use]
    pub fn indivisible(&self, group: Span) -> f64 {
        let mut largest = 0.0_f64;
        let mut start = group.start;
        while start < group.end {
            let end = self.atom_end(start);
            largest = largest.max(self.weight(Span { start, end }));
            start = end;
        }
        largest + self.price(group.start).known()
    }

    /// Whether weights are seconds: as soon as anything is known of any item.
    #[must_use]
    pub fn weighs_in_seconds(&self) -> bool {
        self.known_seconds > 0.0
    }

    /// Where the group at `position` starts.
    #[must_use]
    pub fn group_start(&self, position: u32) -> u32 {
        self.group_of[self.atoms[position as usize] as usize]
    }

    /// Where the atom of `position` starts.
    #[must_use]
    pub fn atom_start(&self, position: u32) -> u32 {
        self.atom_starts[self.atoms[position as usize] as usize]
    }

    /// Where the atom of `position` ends, which is where the next one starts.
    #[must_use]
    pub fn atom_end(&self, position: u32) -> u32 {
        self.atom_starts[self.atoms[position as usize] as usize + 1]
    }

    /// What it costs to split the group at `position`.
    #[must_use]
    pub fn price(&self, position: u32) -> Price {
        self.prices[self.atoms[position as usize] as usize]
    }

    /// How groups are ordered.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Whether any item uses a wide fixture.
    #[must_use]
    pub fn has_wide(&self) -> bool {
        self.wide.are_used()
    }

    /// Numbers of the wide fixtures that the group at `position` uses.
    #[must_use]
    pub fn wide(&self, position: u32) -> &[u32] {
        self.wide.union(self.wide_of[self.atoms[position as usize] as usize])
    }

    /// The wide fixture with this number.
    #[must_use]
    pub fn fixture(&self, number: u32) -> &WideFixture {
        self.wide.fixture(number)
    }

    /// Seconds that a worker which has `set_up` these takes for those wide fixtures of `numbers` that it has not; what is
    /// not known, or not worth a thought, takes nothing.
    #[must_use]
    pub fn seconds_to_set_up<'a>(
        &self,
        numbers: impl IntoIterator<Item = &'a u32>,
        set_up: &BTreeSet<u32>,
    ) -> f64 {
        let missing = numbers.into_iter().filter(|number| !set_up.contains(number));
        missing.map(|&number| self.wide.seconds(number)).sum()
    }

    /// Of the wide fixtures of the group at `position` the one that takes longest to be set up, if one is worth a
    /// thought.
    #[must_use]
    pub fn most_expensive(&self, position: u32) -> Option<u32> {
        let known = self.wide(position).iter().copied().filter(|&number| self.wide.seconds(number) > 0.0);
        known.max_by(|&a, &b| self.wide.seconds(a).total_cmp(&self.wide.seconds(b)))
    }

    /// A worker has set the wide fixture of this name up.
    pub fn measured(&mut self, name: &str, seconds: f64) {
        self.wide.measured(name, seconds);
    }

    /// Where to split `span` so that about `weight` lies behind the split: at its start or between two of its atoms.
    /// Behind the split there is always at least one atom.
    #[must_use]
    pub fn split_point(&self, span: Span, weight: f64) -> u32 {
        let ideal = self.weight_before[span.end as usize] - weight;
        let before = &self.weight_before[span.start as usize..span.end as usize];
        let reached = index(before.partition_point(|&weight| weight <= ideal));
        if reached == 0 {
            return span.start;
        }
        let position = span.start + reached - 1;
        let lower = self.atom_start(position).max(span.start);
        let upper = self.atom_end(position);
        if upper >= span.end {
            return lower;
        }
        let distance = |split: u32| (self.weight_before[split as usize] - ideal).abs();
        // When in doubt the thief gets more: it is idle, its victim is not.
        if distance(lower) <= distance(upper) { lower } else { upper }
    }

    /// Puts a group at the end of the line.
    fn lay_out(&mut self, group: &[ItemId], items: &[Item], weights: &Weights) -> Span {
        let start = self.end();
        let price = price(group, items);
        let wide = self.wide.of_group(group, items);
        let mut weight = self.weight_before[start as usize];
        let mut atom = None;
        for &id in group {
            let item = &items[id.index()];
            let position = self.end();
            // A gathered group is one atom, whatever its items say.
            let key = match item.membership {
                Membership::Gathered => item.group,
                Membership::Neighbours | Membership::Loose => item.atom,
            };
            if atom != Some(key) {
                atom = Some(key);
                self.atom_starts.push(position);
                self.prices.push(price);
                self.group_of.push(start);
                self.wide_of.push(wide);
            }
            self.atoms.push(index(self.atom_starts.len() - 1));
            self.positions[id.index()] = position;
            self.items.push(id);
            weight += weights.of(id);
            self.weight_before.push(weight);
        }
        Span { start, end: self.end() }
    }
}

/// Fixtures of a group are set up once more in each worker that runs a part of it.
fn price(group: &[ItemId], items: &[Item]) -> Price {
    let mut sharing =
        group.iter().map(|&id| &items[id.index()]).filter(|item| item.shares_fixtures).peekable();
    if sharing.peek().is_none() {
        return Price::Nothing;
    }
    let known = sharing.filter_map(|item| item.price).filter(|price| price.is_finite() && *price >= 0.0);
    known.reduce(f64::max).map_or(Price::Unknown, Price::Seconds)
}

/// Counts of items fit their ids.
fn index(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

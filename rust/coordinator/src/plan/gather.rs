//! Which items form a group, and what each is expected to cost.

use std::collections::{HashMap, HashSet};

use super::index;
use crate::model::{Item, ItemId, Membership};

/// Weight of an item when nothing at all is known: any value will do, as only comparisons matter.
const UNKNOWN_WEIGHT: f64 = 1.0;

/// Least weight of an item in seconds, the order of magnitude of what pytest itself spends around an empty test:
/// many "0 s" items still weigh something.
const LEAST_WEIGHT: f64 = 1e-4;

/// What each item is expected to cost.
pub(super) struct Weights {
    each: Vec<f64>,
    pub(super) known_seconds: f64,
    pub(super) unknown_items: u32,
}

impl Weights {
    pub(super) fn new(items: &[Item]) -> Self {
        let known = |item: &Item| item.estimate.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        let known_seconds = items.iter().filter_map(known).sum();
        let unknown_items = index(items.iter().filter(|item| known(item).is_none()).count());
        let known_items = index(items.len()) - unknown_items;
        let mean = if known_items == 0 { UNKNOWN_WEIGHT } else { known_seconds / f64::from(known_items) };
        Self {
            each: items.iter().map(|item| known(item).unwrap_or(mean).max(LEAST_WEIGHT)).collect(),
            known_seconds,
            unknown_items,
        }
    }

    pub(super) fn of(&self, id: ItemId) -> f64 {
        self.each[id.index()]
    }
}

/// The groups of all items that are (or are not) serial, ordered by their first item.
pub(super) fn gather(items: &[Item], serial: bool) -> Vec<Vec<ItemId>> {
    let mut groups: Vec<Vec<ItemId>> = Vec::new();
    let mut by_key: HashMap<u32, usize> = HashMap::new();
    let mut neighbours: Option<(u32, usize)> = None;
    let ids = (0..index(items.len())).map(ItemId);
    for (id, item) in ids.zip(items).filter(|(_, item)| item.serial == serial) {
        let known = match item.membership {
            Membership::Gathered | Membership::Loose => by_key.get(&item.group).copied(),
            Membership::Neighbours => {
                neighbours.filter(|&(key, _)| key == item.group).map(|(_, place)| place)
            }
        };
        let place = known.unwrap_or_else(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        match item.membership {
            Membership::Gathered | Membership::Loose => {
                by_key.insert(item.group, place);
            }
            Membership::Neighbours => neighbours = Some((item.group, place)),
        }
        groups[place].push(id);
    }
    groups
}

/// Whether several of the groups have one key.
pub(super) fn are_in_pieces(groups: &[Vec<ItemId>], items: &[Item]) -> bool {
    let mut seen = HashSet::new();
    groups.iter().any(|group| !seen.insert(items[group[0].index()].group))
}

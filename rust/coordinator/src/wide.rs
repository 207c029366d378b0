//! What the plan knows of fixtures of session and package scope, which a worker sets up once for several groups.

use std::collections::{BTreeSet, HashMap};

use crate::model::{Item, ItemId, WideFixture, WideFixtures};

/// A fixture that takes less (seconds) is not worth a thought: it is set up wherever it is needed.
const WORTH_A_THOUGHT: f64 = 0.02;

/// The fixtures, and which of them each group uses.
#[derive(Clone, Debug)]
pub(crate) struct Wide {
    fixtures: WideFixtures,
    /// Numbers of fixtures, in order: what some groups use together. The first is empty.
    unions: Vec<Vec<u32>>,
    known: HashMap<Vec<u32>, u32>,
}

impl Wide {
    pub(crate) fn new(fixtures: WideFixtures) -> Self {
        Self { fixtures, unions: vec![Vec::new()], known: HashMap::from([(Vec::new(), 0)]) }
    }

    /// The number of the union of what these items use.
    pub(crate) fn of_group(&mut self, group: &[ItemId], items: &[Item]) -> u32 {
        if self.fixtures.sets.is_empty() {
            return 0;
        }
        let mut sets: Vec<u32> = group.iter().filter_map(|&id| items[id.index()].wide).collect();
        sets.dedup();
        let sets = sets.into_iter().filter_map(|set| self.fixtures.sets.get(set as usize));
        let numbers: BTreeSet<u32> =
            sets.flatten().copied().filter(|&number| (number as usize) < self.fixtures.each.len()).collect();
        let union: Vec<u32> = numbers.into_iter().collect();
        *self.known.entry(union).or_insert_with_key(|union| {
            self.unions.push(union.clone());
            u32::try_from(self.unions.len() - 1).unwrap_or(0)
        })
    }

    pub(crate) fn are_used(&self) -> bool {
        self.unions.len() > 1
    }

    pub(crate) fn union(&self, number: u32) -> &[u32] {
        &self.unions[number as usize]
    }

    pub(crate) fn fixture(&self, number: u32) -> &WideFixture {
        &self.fixtures.each[number as usize]
    }

    /// Seconds that the fixture takes to be set up, if that is worth a thought.
    pub(crate) fn seconds(&self, number: u32) -> f64 {
        let seconds = self.fixture(number).seconds;
        if seconds >= WORTH_A_THOUGHT { seconds } else { 0.0 }
    }

    /// A worker has set the fixture of this name up.
    pub(crate) fn measured(&mut self, name: &str, seconds: f64) {
        if let Some(fixture) = self.fixtures.each.iter_mut().find(|fixture| fixture.name == name) {
            fixture.seconds = seconds;
        }
    }
}

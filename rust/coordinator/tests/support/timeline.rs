//! Virtual time: events in the order in which they happen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Planned events, the next one first. Events at the same time happen in the order in which they were planned.
pub(crate) struct Timeline<E> {
    planned: BinaryHeap<Reverse<Planned<E>>>,
    count: u64,
}

struct Planned<E> {
    at: f64,
    number: u64,
    event: E,
}

impl<E> Timeline<E> {
    pub(crate) fn new() -> Self {
        Self { planned: BinaryHeap::new(), count: 0 }
    }

    pub(crate) fn plan(&mut self, at: f64, event: E) {
        self.count += 1;
        self.planned.push(Reverse(Planned { at, number: self.count, event }));
    }

    /// The next event and its time.
    pub(crate) fn next(&mut self) -> Option<(f64, E)> {
        self.planned.pop().map(|Reverse(planned)| (planned.at, planned.event))
    }
}

impl<E> Ord for Planned<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.total_cmp(&other.at).then(self.number.cmp(&other.number))
    }
}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl<E> Eq for Planned<E> {}

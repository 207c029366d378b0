//! Groups that nobody has begun: a deque for each worker, and a queue of orphans.
//!
//! The only module that knows `crossbeam_deque`. It adds to it how much work is left in each deque, so that a thief
//! finds the victim who has the most.

use std::cmp::{Ordering, Reverse};
use std::collections::VecDeque;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};

use crate::model::WorkerId;
use crate::plan::Span;

/// A group and its weight.
type Weighed = (Span, f64);

/// The deques of all workers, and the orphans.
#[derive(Debug, Default)]
pub struct Deques {
    deques: Vec<Deque>,
    orphans: Injector<Span>,
}

/// What was dealt to one worker. Owner and thief both take the oldest group: in front stands what must not be started
/// last, whoever starts it.
#[derive(Debug)]
struct Deque {
    owner: Worker<Weighed>,
    thief: Stealer<Weighed>,
    /// What stood in front, and was not worth a thief's while.
    left_alone: VecDeque<Weighed>,
    weight: f64,
}

impl Deques {
    /// Empty deques for `workers` workers.
    #[must_use]
    pub fn new(workers: u32) -> Self {
        let mut deques = Self::default();
        deques.deques.resize_with(workers as usize, Deque::new);
        deques
    }

    /// Adds a group to the end of a worker's deque.
    pub fn push(&mut self, worker: WorkerId, group: Span, weight: f64) {
        if worker.index() >= self.deques.len() {
            self.deques.resize_with(worker.index() + 1, Deque::new);
        }
        let deque = &mut self.deques[worker.index()];
        deque.owner.push((group, weight));
        deque.weight += weight;
    }

    /// Adds a group that belongs to nobody.
    pub fn push_orphan(&self, group: Span) {
        self.orphans.push(group);
    }

    /// The next group of the worker's own deque.
    pub fn pop(&mut self, worker: WorkerId) -> Option<Span> {
        let deque = self.deques.get_mut(worker.index())?;
        let taken = deque.left_alone.pop_front().or_else(|| deque.owner.pop());
        deque.taken(taken)
    }

    /// Whether the worker's own deque has no group left.
    #[must_use]
    pub fn is_empty(&self, worker: WorkerId) -> bool {
        self.deques.get(worker.index()).is_none_or(Deque::is_empty)
    }

    /// The oldest group that belongs to nobody.
    #[must_use]
    pub fn pop_orphan(&self) -> Option<Span> {
        until_settled(|| self.orphans.steal())
    }

    /// A group of the deque with the most work left that `is_worth_it`, the oldest one: that function is told whose deque
    /// it is, the group, and how much work is left in the deque. Returns also whose it was.
    pub fn steal(&mut self, is_worth_it: impl Fn(WorkerId, Span, f64) -> bool) -> Option<(WorkerId, Span)> {
        // Of equals the lowest number comes first.
        let mut last: Option<(f64, Reverse<usize>)> = None;
        loop {
            let untried = |key: &(f64, Reverse<usize>)| last.is_none_or(|last| by_weight(key, &last).is_lt());
            let keys = self.deques.iter().enumerate().filter(|(_, deque)| !deque.is_empty());
            let keys = keys.map(|(number, deque)| (deque.weight, Reverse(number))).filter(untried);
            let key = keys.max_by(by_weight)?;
            let (left, Reverse(number)) = key;
            last = Some(key);
            let worker = WorkerId(u32::try_from(number).unwrap_or(u32::MAX));
            let stolen = self.deques[number].steal(|group| is_worth_it(worker, group, left));
            if let Some(group) = stolen {
                return Some((worker, group));
            }
        }
    }
}

impl Deque {
    fn new() -> Self {
        let owner = Worker::new_fifo();
        let thief = owner.stealer();
        Self { owner, thief, left_alone: VecDeque::new(), weight: 0.0 }
    }

    fn is_empty(&self) -> bool {
        self.left_alone.is_empty() && self.owner.is_empty()
    }

    /// The oldest group that is worth it. Older ones are kept apart for their owner, in their order.
    fn steal(&mut self, is_worth_it: impl Fn(Span) -> bool) -> Option<Span> {
        if let Some(place) = self.left_alone.iter().position(|(group, _)| is_worth_it(*group)) {
            let taken = self.left_alone.remove(place);
            return self.taken(taken);
        }
        while let Some(oldest) = until_settled(|| self.thief.steal()) {
            if is_worth_it(oldest.0) {
                return self.taken(Some(oldest));
            }
            self.left_alone.push_back(oldest);
        }
        None
    }

    fn taken(&mut self, taken: Option<Weighed>) -> Option<Span> {
        let (group, weight) = taken?;
        // An empty deque weighs exactly nothing, whatever rounding has left over.
        self.weight = if self.is_empty() { 0.0 } else { self.weight - weight };
        Some(group)
    }
}

fn by_weight(a: &(f64, Reverse<usize>), b: &(f64, Reverse<usize>)) -> Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// Repeats a theft that a concurrent one has disturbed.
fn until_settled<T>(mut theft: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match theft() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(start: u32) -> Span {
        Span { start, end: start + 1 }
    }

    #[test]
    fn thieves_rob_the_deque_with_most_work_left_oldest_first() {
        let mut deques = Deques::new(2);
        deques.push(WorkerId(0), group(0), 5.0);
        deques.push(WorkerId(1), group(1), 4.0);
        deques.push(WorkerId(1), group(2), 3.0);
        let thefts: Vec<_> = std::iter::from_fn(|| deques.steal(|_, _, _| true)).collect();
        assert_eq!(thefts, [(WorkerId(1), group(1)), (WorkerId(0), group(0)), (WorkerId(1), group(2))]);
    }

    #[test]
    fn the_owner_takes_its_groups_in_plan_order() {
        let mut deques = Deques::new(1);
        deques.push(WorkerId(0), group(0), 2.0);
        deques.push(WorkerId(0), group(1), 1.0);
        assert_eq!(deques.pop(WorkerId(0)), Some(group(0)));
        assert_eq!(deques.pop(WorkerId(0)), Some(group(1)));
        assert_eq!(deques.pop(WorkerId(0)), None);
    }

    #[test]
    fn what_is_not_worth_stealing_keeps_its_place() {
        let mut deques = Deques::new(1);
        let owner = WorkerId(0);
        for start in 0..4 {
            deques.push(owner, group(start), 1.0);
        }
        let third = |_, stolen, _| stolen == group(2);
        assert_eq!(deques.steal(third), Some((owner, group(2))));
        assert_eq!(deques.steal(third), None);
        assert!(!deques.is_empty(owner));
        assert_eq!(deques.pop(owner), Some(group(0)));
        assert_eq!(deques.steal(|_, _, left| left < 2.5), Some((owner, group(1))), "two are left");
        assert_eq!(deques.pop(owner), Some(group(3)));
        assert!(deques.is_empty(owner));
    }

    #[test]
    fn a_worker_that_came_later_has_an_empty_deque() {
        let mut deques = Deques::new(1);
        assert_eq!(deques.pop(WorkerId(7)), None);
    }
}

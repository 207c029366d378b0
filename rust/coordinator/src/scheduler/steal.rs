//! Where work comes from when a worker has none: its own deque, the orphans, a whole group of somebody's deque, and
//! at last a part of what somebody has in hand ([`split`](super::split)).

use super::{Action, Scheduler};
use crate::claims::Claims;
use crate::model::WorkerId;
use crate::plan::Span;
use crate::record::Theft;

/// How often work has changed hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thefts {
    /// Whole groups, from the deque of another worker.
    pub groups: u64,
    /// Parts of what another worker had in hand.
    pub splits: u64,
}

impl<C: Claims> Scheduler<C> {
    /// Gives a worker that has nothing left something to lease; `false` when there is nothing.
    pub(super) fn acquire(&mut self, worker: WorkerId, actions: &mut Vec<Action>) -> bool {
        if self.stopping.is_some() {
            return false;
        }
        if self.slots[worker.index()].holding.has_unleased() || self.take_own(worker) {
            return true;
        }
        if self.lanes.is_some() {
            return false;
        }
        let span = self
            .deques
            .pop_orphan()
            .or_else(|| self.steal_group(worker))
            .or_else(|| self.split_holding(worker, actions));
        if let Some(span) = span {
            self.take_on(worker, span);
        }
        span.is_some()
    }

    fn steal_group(&mut self, thief: WorkerId) -> Option<Span> {
        let (plan, slots) = (&self.plan, &self.slots);
        let set_up = &slots[thief.index()].set_up;
        let unit = self.unit();
        let (victim, group) = self.deques.steal(|victim, group, left| {
            let wide = plan.wide(group.start);
            let extra = plan.seconds_to_set_up(wide, set_up);
            let slot = slots.get(victim.index());
            let comes_to_it = slot.is_none_or(|slot| !slot.state.is_leaving());
            // The victim would be done with everything before the thief with this.
            let in_vain = || {
                let in_hand = slot.map_or(0.0, |slot| {
                    slot.holding.pieces().iter().map(|piece| plan.weight(piece.all())).sum()
                });
                let its_own = slot.map_or(0.0, |slot| plan.seconds_to_set_up(wide, &slot.set_up));
                extra / unit + plan.weight(group) >= left + in_hand + its_own / unit
            };
            !(extra > 0.0 && comes_to_it && in_vain())
        })?;
        self.thefts.groups += 1;
        self.note_theft(thief, victim, group, false);
        Some(group)
    }

    pub(super) fn note_theft(&mut self, thief: WorkerId, victim: WorkerId, span: Span, split: bool) {
        let first = self.plan.item(span.start);
        self.new_thefts.push(Theft { thief, victim, first, items: span.end - span.start, split });
    }

    /// Tests turn out to take another order of time than was thought when workers were left waiting for the sake of a
    /// fixture.
    pub(super) fn thinks_again(&mut self) -> bool {
        if self.parked.is_empty() || !self.plan.has_wide() || self.plan.weighs_in_seconds() {
            return false;
        }
        let unit = self.unit();
        let differs = unit > 2.0 * self.decided_with || unit < 0.5 * self.decided_with;
        if differs {
            self.decided_with = unit;
        }
        differs
    }

    /// Seconds for each unit of weight: where nothing is known of items, what they have taken so far.
    pub(super) fn unit(&self) -> f64 {
        /// Until then: of the order of real suites' means.
        const ASSUMED: f64 = 0.01;
        match self.taken {
            _ if self.plan.weighs_in_seconds() => 1.0,
            (seconds, weight) if weight > 0.0 => (seconds / weight).max(f64::MIN_POSITIVE),
            _ => ASSUMED,
        }
    }
}

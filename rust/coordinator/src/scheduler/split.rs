//! A part of what somebody has in hand, for a worker that has nothing.

use super::{Action, Scheduler};
use crate::claims::Claims;
use crate::holding::Piece;
use crate::model::{ItemId, WorkerId};
use crate::plan::{Price, Span};

/// What is gained by setting fixtures up in two workers at the same time has to be this share of what that takes: nobody
/// waits longer for it, but nobody wants a database for a test of a millisecond.
const WORTH_THE_TROUBLE: f64 = 0.25;

/// What can be stolen from one worker.
#[derive(Clone, Copy)]
struct Loot {
    victim: WorkerId,
    /// The piece, counted from the front of the victim's holding.
    piece: usize,
    /// Whole atoms of which the victim has not begun any.
    span: Span,
    /// Everything the victim has not begun, of which a thief takes half.
    unstarted: f64,
    price: Price,
    /// The victim has not set up what that price is for either: both do so at the same time.
    together: bool,
    /// What the thief would take to set up wide fixtures.
    set_up: f64,
}

impl Loot {
    /// How much sooner the victim would be done, in the plan's unit of weight; `None` if not at all.
    fn gain(self) -> Option<f64> {
        let (price, least) = match self.price {
            Price::Nothing | Price::Unknown => (0.0, 0.0),
            Price::Seconds(price) if self.together => (0.0, WORTH_THE_TROUBLE * price),
            Price::Seconds(price) => (price, 0.0),
        };
        let gain = (self.unstarted - price - self.set_up) / 2.0;
        (gain > least).then_some(gain)
    }
}

impl<C: Claims> Scheduler<C> {
    /// About half of what the busiest worker has not begun.
    pub(super) fn split_holding(&mut self, thief: WorkerId, actions: &mut Vec<Action>) -> Option<Span> {
        // Serial items are not for sharing.
        if self.parallel_left == 0 {
            return None;
        }
        loop {
            let loot = self.best_loot(thief)?;
            // A failed theft means that the victim has claimed another item, so this comes to an end.
            if let Some(span) = self.rob(loot, actions) {
                self.thefts.splits += 1;
                self.note_theft(thief, loot.victim, span, true);
                return Some(span);
            }
        }
    }

    /// Where there is most to gain; where that is not known, only if there is no other.
    fn best_loot(&self, thief: WorkerId) -> Option<Loot> {
        let mut best: Option<Loot> = None;
        for number in 0..u32::try_from(self.slots.len()).unwrap_or(u32::MAX) {
            let victim = WorkerId(number);
            let Some(loot) = (victim != thief).then(|| self.loot(victim, thief)).flatten() else {
                continue;
            };
            let rank = |loot: Loot| (loot.price != Price::Unknown, loot.gain());
            if best.is_none_or(|best| rank(loot) > rank(best)) {
                best = Some(loot);
            }
        }
        best
    }

    /// What can be stolen from a worker: the end of the last of its pieces that it has not begun entirely and that is
    /// worth it.
    fn loot(&self, victim: WorkerId, thief: WorkerId) -> Option<Loot> {
        let slot = &self.slots[victim.index()];
        let mut unstarted = 0.0;
        let mut ends = Vec::new();
        for (index, &piece) in slot.holding.pieces().iter().enumerate() {
            let first = self.first_unclaimed(piece);
            let rest = Span { start: first, end: piece.end };
            unstarted += self.plan.weight(rest);
            if first == piece.end {
                continue;
            }
            let whole = self.starts_atom(first) && slot.promised != Some(first);
            let start = if whole { first } else { self.plan.atom_end(first).min(piece.end) };
            if start < piece.end {
                ends.push((index, Span { start, end: piece.end }));
            }
        }
        let loot = |(piece, span): (usize, Span)| {
            let (price, together) = self.price(span.start, victim, thief);
            let wide = self.plan.wide(span.start);
            let set_up = self.plan.seconds_to_set_up(wide, &self.slots[thief.index()].set_up) / self.unit();
            Loot { victim, piece, span, unstarted, price, together, set_up }
        };
        ends.into_iter().rev().map(loot).find(|loot| loot.gain().is_some())
    }

    /// What the thief takes to set up the fixtures that the group shares, and whether the victim has to do so too.
    fn price(&self, position: u32, victim: WorkerId, thief: WorkerId) -> (Price, bool) {
        let home = Some(self.plan.group_start(position));
        if self.slots[thief.index()].at_home == home {
            return (Price::Nothing, false);
        }
        (self.plan.price(position), self.slots[victim.index()].at_home != home)
    }

    /// Takes the leased items of the loot back, last one first as the victim claims the first one first.
    fn rob(&mut self, loot: Loot, actions: &mut Vec<Action>) -> Option<Span> {
        // So much for the thief that both end at once.
        let wanted = self.plan.split_point(loot.span, loot.gain().unwrap_or_default());
        let piece = self.slots[loot.victim.index()].holding.pieces()[loot.piece];
        let leased = wanted..piece.leased_end.max(wanted);
        let claimed =
            leased.clone().rev().find(|&position| !self.claims.revoke(self.plan.item(position), loot.victim));
        let at = claimed.map_or(wanted, |position| self.plan.atom_end(position).min(piece.end));
        if let Some(claimed) = claimed {
            // The victim was quicker. What was taken back of the atom it has begun is its again.
            let again = (claimed + 1)..at.min(piece.leased_end);
            self.return_to(loot.victim, again.map(|position| self.plan.item(position)).collect(), actions);
        }
        if at == piece.end {
            return None;
        }
        for position in at..piece.leased_end.max(at) {
            let requeued = self.ledger.requeue(self.plan.item(position), loot.victim);
            debug_assert_eq!(requeued, Ok(()));
        }
        Some(self.slots[loot.victim.index()].holding.cut(loot.piece, at))
    }

    /// Leases items again to a worker that never stopped holding them. It may have skipped them meanwhile, so it is
    /// told.
    fn return_to(&mut self, victim: WorkerId, items: Vec<ItemId>, actions: &mut Vec<Action>) {
        for &item in &items {
            self.claims.lease(item, victim);
        }
        if !items.is_empty() {
            actions.push(Action::Lease { worker: victim, items });
        }
    }

    /// Workers claim in the order of their leases, so this seldom looks at more than two items.
    fn first_unclaimed(&self, piece: Piece) -> u32 {
        let mut leased = piece.leased().positions();
        leased.find(|&position| !self.claims.is_claimed(self.plan.item(position))).unwrap_or(piece.leased_end)
    }

    fn starts_atom(&self, position: u32) -> bool {
        self.plan.atom_start(position) == position || self.cuts.contains(&position)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, OnceLock};

    use super::*;
    use crate::claims::TableClaims;
    use crate::model::{Collection, Item, Membership, WideFixture, WideFixtures};
    use crate::plan::{Order, Plan};
    use crate::scheduler::Limits;

    const VICTIM: WorkerId = WorkerId(0);
    const THIEF: WorkerId = WorkerId(1);

    /// Claims where the victim is quicker by a hair: it claims `contested` while that is being revoked.
    struct Race {
        table: TableClaims,
        contested: OnceLock<ItemId>,
    }

    impl Claims for Race {
        fn lease(&self, item: ItemId, worker: WorkerId) {
            self.table.lease(item, worker);
        }

        fn revoke(&self, item: ItemId, worker: WorkerId) -> bool {
            if self.contested.get() == Some(&item) {
                assert!(self.table.claim(item, worker));
            }
            self.table.revoke(item, worker)
        }

        fn is_claimed(&self, item: ItemId) -> bool {
            self.table.is_claimed(item)
        }
    }

    /// One about which nothing is known.
    fn item(group: u32, atom: u32) -> Item {
        Item {
            group,
            atom,
            membership: Membership::Neighbours,
            serial: false,
            shares_fixtures: false,
            estimate: None,
            price: None,
            wide: None,
        }
    }

    /// One group of atoms with these many items each, all in the hands of the victim, who runs the first item.
    fn race(atoms: &[u32]) -> (Scheduler<Arc<Race>>, Arc<Race>) {
        let mut items = Vec::new();
        for (atom, &count) in (0..).zip(atoms) {
            items.extend((0..count).map(|_| item(0, atom)));
        }
        let claims = Arc::new(Race { table: TableClaims::new(items.len()), contested: OnceLock::new() });
        let plan = Plan::new(items, Order::Collected);
        let mut scheduler = Scheduler::new(plan, 1, Arc::clone(&claims), Limits::default());
        scheduler.ready(VICTIM);
        assert!(claims.table.claim(ItemId(0), VICTIM));
        (scheduler, claims)
    }

    fn items(ids: std::ops::Range<u32>) -> Vec<ItemId> {
        ids.map(ItemId).collect()
    }

    #[test]
    fn a_thief_takes_half_of_what_is_not_begun() {
        let (mut scheduler, _) = race(&[1; 5]);
        let lease = Action::Lease { worker: THIEF, items: items(3..5) };
        assert_eq!(scheduler.ready(THIEF), [lease]);
        assert_eq!(scheduler.outstanding(VICTIM), items(0..3));
    }

    #[test]
    fn a_group_that_shares_fixtures_is_cut_only_if_there_is_no_other() {
        let sharing = (0..9).map(|atom| Item { shares_fixtures: true, ..item(0, atom) });
        let items_of: Vec<Item> = sharing.chain((9..12).map(|atom| item(1, atom))).collect();
        let claims = Arc::new(TableClaims::new(items_of.len()));
        let plan = Plan::new(items_of, Order::Collected);
        let mut scheduler = Scheduler::new(plan, 2, Arc::clone(&claims), Limits::default());
        scheduler.ready(WorkerId(0));
        scheduler.ready(WorkerId(1));
        assert!(claims.claim(ItemId(0), WorkerId(0)) && claims.claim(ItemId(9), WorkerId(1)));
        let thief = WorkerId(2);
        assert_eq!(scheduler.ready(thief), [Action::Lease { worker: thief, items: items(11..12) }]);
        // Now the last of the kind group is all that its worker has not begun: still before the other.
        assert!(claims.claim(ItemId(10), WorkerId(1)) && claims.claim(ItemId(11), thief));
        let other = WorkerId(3);
        assert_eq!(scheduler.ready(other), [Action::Lease { worker: other, items: items(5..9) }]);
    }

    #[test]
    fn the_only_item_behind_a_running_one_is_stolen() {
        let (mut scheduler, _) = race(&[1, 1]);
        let lease = Action::Lease { worker: THIEF, items: items(1..2) };
        assert_eq!(scheduler.ready(THIEF), [lease]);
    }

    #[test]
    fn an_atom_that_has_begun_is_not_cut() {
        let (mut scheduler, _) = race(&[4]);
        assert_eq!(scheduler.ready(THIEF), [Action::Park { worker: THIEF, keep: None }]);
    }

    #[test]
    fn an_atom_that_begins_during_the_theft_goes_back_to_its_worker() {
        let (mut scheduler, claims) = race(&[1, 3]);
        assert_eq!(claims.contested.set(ItemId(1)), Ok(()));
        let actions = scheduler.ready(THIEF);
        let again = Action::Lease { worker: VICTIM, items: items(2..4) };
        assert_eq!(actions, [again, Action::Park { worker: THIEF, keep: None }]);
        assert!(claims.table.claim(ItemId(2), VICTIM));
        assert_eq!(scheduler.outstanding(VICTIM), items(0..4));
    }

    #[test]
    fn atoms_behind_one_that_begins_during_the_theft_are_stolen_all_the_same() {
        let (mut scheduler, claims) = race(&[1, 1, 2]);
        assert_eq!(claims.contested.set(ItemId(1)), Ok(()));
        let lease = Action::Lease { worker: THIEF, items: items(2..4) };
        assert_eq!(scheduler.ready(THIEF), [lease]);
    }
    #[test]
    fn the_rest_of_an_atom_whose_worker_died_can_be_stolen() {
        let dealt = [(0, 0), (0, 0), (0, 0), (1, 1), (1, 2)];
        let items_of = dealt.map(|(group, atom)| item(group, atom));
        let claims = Arc::new(TableClaims::new(items_of.len()));
        let plan = Plan::new(items_of, Order::Collected);
        let mut scheduler = Scheduler::new(plan, 2, Arc::clone(&claims), Limits::default());
        let (dying, busy, idle) = (WorkerId(0), WorkerId(1), WorkerId(2));
        scheduler.ready(dying);
        scheduler.ready(busy);
        assert!(claims.claim(ItemId(0), dying));
        scheduler.dead(dying, Some(ItemId(0)));
        // Its question is older than its second claim, so it is not waiting for what it is given.
        assert!(claims.claim(ItemId(3), busy) && claims.claim(ItemId(4), busy));
        let rest = |worker| Action::Lease { worker, items: items(1..3) };
        assert_eq!(scheduler.starved(busy), [rest(busy)]);
        assert_eq!(scheduler.ready(idle), [rest(idle)]);
    }

    #[test]
    fn in_a_first_run_it_is_decided_again_when_it_is_known_what_tests_take() {
        let long = (0..4).map(|atom| Item { wide: Some(0), ..item(0, atom) });
        let all = long.chain([item(1, 1)]).collect();
        let each = vec![WideFixture { name: "db".to_owned(), of_package: false, seconds: 0.0 }];
        let fixtures = WideFixtures { each, sets: vec![vec![0]] };
        let plan = Plan::of(&Collection { items: all, fixtures, patience: Vec::new() }, Order::Balanced);
        let claims = Arc::new(TableClaims::new(plan.len()));
        let mut scheduler = Scheduler::new(plan, 2, Arc::clone(&claims), Limits::default());
        scheduler.ready(VICTIM);
        scheduler.ready(THIEF);
        assert!(claims.claim(ItemId(0), VICTIM) && claims.claim(ItemId(4), THIEF));
        scheduler.measured("db", 3.2);
        // It asks before the teardown of what it runs.
        assert_eq!(scheduler.starved(THIEF), [Action::Park { worker: THIEF, keep: None }]);
        let actions = scheduler.finished(THIEF, ItemId(4), 5.0).expect("it holds the item");
        assert_eq!(actions, [Action::Lease { worker: THIEF, items: items(3..4) }]);
    }

    /// One group of single functions that use a session fixture (or else share a module's), all known to take a second.
    fn expensive(count: u32, fixture: f64, is_wide: bool) -> (Scheduler<Arc<TableClaims>>, Arc<TableClaims>) {
        let item = |atom| Item {
            shares_fixtures: !is_wide,
            estimate: Some(1.0),
            price: (!is_wide).then_some(fixture),
            wide: is_wide.then_some(0),
            ..item(0, atom)
        };
        let each = vec![WideFixture { name: String::new(), of_package: false, seconds: fixture }];
        let fixtures = WideFixtures { each, sets: vec![vec![0]] };
        let items = (0..count).map(item).collect();
        let plan = Plan::of(&Collection { items, fixtures, patience: Vec::new() }, Order::Collected);
        let claims = Arc::new(TableClaims::new(plan.len()));
        (Scheduler::new(plan, 2, Arc::clone(&claims), Limits::default()), claims)
    }

    #[test]
    fn who_came_before_the_owner_of_an_expensive_group_gets_a_part_of_it() {
        let (mut scheduler, _) = expensive(10, 4.0, true);
        assert_eq!(scheduler.ready(THIEF), [Action::Park { worker: THIEF, keep: None }]);
        let actions = scheduler.ready(VICTIM);
        assert!(
            actions.iter().any(|action| matches!(action, Action::Lease { worker: THIEF, .. })),
            "{actions:?}"
        );
    }

    #[test]
    fn nobody_sets_up_for_a_few_tests_what_takes_longer_than_all_of_them() {
        let (mut scheduler, claims) = expensive(3, 4.0, true);
        scheduler.ready(VICTIM);
        assert!(claims.claim(ItemId(0), VICTIM));
        assert_eq!(scheduler.ready(THIEF), [Action::Park { worker: THIEF, keep: None }]);
    }

    #[test]
    fn a_module_s_fixtures_cost_only_who_has_not_set_them_up() {
        // Neither has: both do so at the same time, and share the tests.
        let (mut scheduler, claims) = expensive(5, 7.0, false);
        scheduler.ready(VICTIM);
        assert!(claims.claim(ItemId(0), VICTIM));
        let lease = Action::Lease { worker: THIEF, items: items(3..5) };
        assert_eq!(scheduler.ready(THIEF), [lease]);
        // Both have.
        for (item, worker) in [(0, VICTIM), (3, THIEF), (4, THIEF)] {
            assert!(worker == VICTIM || claims.claim(ItemId(item), worker));
            scheduler.finished(worker, ItemId(item), 1.0).expect("it holds the item");
        }
        assert!(claims.claim(ItemId(1), VICTIM));
        let lease = Action::Lease { worker: THIEF, items: items(2..3) };
        assert_eq!(scheduler.starved(THIEF), [lease]);
        // Neither has, and it is not worth the trouble.
        let (mut scheduler, claims) = expensive(5, 10.0, false);
        scheduler.ready(VICTIM);
        assert!(claims.claim(ItemId(0), VICTIM));
        assert_eq!(scheduler.ready(THIEF), [Action::Park { worker: THIEF, keep: None }]);
        // Only the victim has.
        let (mut scheduler, claims) = expensive(5, 10.0, false);
        scheduler.ready(VICTIM);
        assert!(claims.claim(ItemId(0), VICTIM));
        scheduler.finished(VICTIM, ItemId(0), 1.0).expect("it holds the item");
        assert_eq!(scheduler.ready(THIEF), [Action::Park { worker: THIEF, keep: None }]);
    }
}

//! Who may start an item.
//!
//! A lease is only permission to *claim*: a worker claims an item atomically right before it runs it and skips the
//! items whose claim fails. That is what lets the scheduler take an item back at any moment without asking the worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::{ItemId, WorkerId};

/// Who may start an item: shared memory between coordinator and workers in production, a plain table in tests.
pub trait Claims {
    /// Makes the item `worker`'s to claim, whoever had it before.
    fn lease(&self, item: ItemId, worker: WorkerId);

    /// Takes an unclaimed item back; `false` when the worker has already claimed it.
    fn revoke(&self, item: ItemId, worker: WorkerId) -> bool;

    /// The item was claimed by its worker: it has started, or is about to.
    fn is_claimed(&self, item: ItemId) -> bool;
}

impl<C: Claims> Claims for Arc<C> {
    fn lease(&self, item: ItemId, worker: WorkerId) {
        C::lease(self, item, worker);
    }

    fn revoke(&self, item: ItemId, worker: WorkerId) -> bool {
        C::revoke(self, item, worker)
    }

    fn is_claimed(&self, item: ItemId) -> bool {
        C::is_claimed(self, item)
    }
}

/// Nobody may start the item.
const FREE: u64 = 0;
/// Set in an entry once its worker has claimed the item.
const CLAIMED: u64 = 1;

/// Claims in the memory of one process, for tests and the simulator.
#[derive(Debug, Default)]
pub struct TableClaims {
    entries: Vec<AtomicU64>,
}

impl TableClaims {
    /// A table of `items` items that nobody may start yet.
    #[must_use]
    pub fn new(items: usize) -> Self {
        Self { entries: (0..items).map(|_| AtomicU64::new(FREE)).collect() }
    }

    /// What a worker does before it runs an item; `false`: the item is not (or no longer) its to run.
    #[must_use]
    pub fn claim(&self, item: ItemId, worker: WorkerId) -> bool {
        self.change(item, leased_to(worker), leased_to(worker) | CLAIMED)
    }

    fn change(&self, item: ItemId, from: u64, to: u64) -> bool {
        self.entries[item.index()].compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl Claims for TableClaims {
    fn lease(&self, item: ItemId, worker: WorkerId) {
        self.entries[item.index()].store(leased_to(worker), Ordering::Release);
    }

    fn revoke(&self, item: ItemId, worker: WorkerId) -> bool {
        self.change(item, leased_to(worker), FREE)
    }

    fn is_claimed(&self, item: ItemId) -> bool {
        self.entries[item.index()].load(Ordering::Acquire) & CLAIMED != 0
    }
}

/// An entry names its worker (from 1, as 0 is [`FREE`]) above the [`CLAIMED`] bit.
fn leased_to(worker: WorkerId) -> u64 {
    (u64::from(worker.0) + 1) << 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: ItemId = ItemId(0);
    const MINE: WorkerId = WorkerId(0);
    const OTHER: WorkerId = WorkerId(1);

    #[test]
    fn only_the_lease_holder_claims_and_only_once() {
        let claims = TableClaims::new(1);
        assert!(!claims.claim(ITEM, MINE));
        claims.lease(ITEM, MINE);
        assert!(!claims.claim(ITEM, OTHER));
        assert!(claims.claim(ITEM, MINE));
        assert!(!claims.claim(ITEM, MINE));
        assert!(claims.is_claimed(ITEM));
    }

    #[test]
    fn a_claimed_item_cannot_be_revoked() {
        let claims = TableClaims::new(1);
        claims.lease(ITEM, MINE);
        assert!(claims.claim(ITEM, MINE));
        assert!(!claims.revoke(ITEM, MINE));
    }

    #[test]
    fn a_revoked_item_cannot_be_claimed() {
        let claims = TableClaims::new(1);
        claims.lease(ITEM, MINE);
        assert!(claims.revoke(ITEM, MINE));
        assert!(!claims.claim(ITEM, MINE));
        assert!(!claims.is_claimed(ITEM));
    }
}

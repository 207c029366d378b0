//! The one record of what became of every item.

use thiserror::Error;

use crate::model::{ItemId, WorkerId};

/// Where an item is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// Nobody may start it yet.
    Queued,
    /// In the hands of a worker: not started, or running.
    Leased(WorkerId),
    /// Nothing more will happen to it.
    Done(End),
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All its reports have arrived.
    Reported,
    /// The worker died while it ran.
    Crashed(WorkerId),
    /// It was not run, or not to its end.
    NotRun(NotRunReason),
}

/// Why an item was not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRunReason {
    /// The run was stopped, for example by `--maxfail`.
    Stopped,
    /// The user or the session interrupted the run.
    Interrupted,
    /// No worker was left, and none would come.
    WorkersExhausted,
    /// A worker that could have run it was retired, and no other was left.
    Retired,
    /// It had killed its worker, and no fresh one could be started for it.
    NoFreshWorker,
}

/// An entry that contradicts the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LedgerError {
    /// The item has ended before.
    #[error("item {} is already done: {end:?}", item.0)]
    AlreadyDone {
        /// The item.
        item: ItemId,
        /// What became of it.
        end: End,
    },
    /// The item is in other hands.
    #[error("item {} is not leased to {worker}: {state:?}", item.0)]
    NotLeasedTo {
        /// The item.
        item: ItemId,
        /// Who would have to hold it.
        worker: WorkerId,
        /// Where it is.
        state: ItemState,
    },
    /// The item is in somebody's hands.
    #[error("item {} cannot be leased to {worker}: {state:?}", item.0)]
    NotQueued {
        /// The item.
        item: ItemId,
        /// Who would have got it.
        worker: WorkerId,
        /// Where it is.
        state: ItemState,
    },
}

/// How many items are where; they add up to the number of items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Items that nobody may start yet.
    pub queued: u32,
    /// Items in the hands of a worker.
    pub leased: u32,
    /// Items whose reports have all arrived.
    pub reported: u32,
    /// Items during which a worker died.
    pub crashed: u32,
    /// Items that were not run.
    pub not_run: u32,
}

impl Counts {
    /// Items that nothing more will happen to.
    #[must_use]
    pub fn done(&self) -> u32 {
        self.reported + self.crashed + self.not_run
    }

    fn of(&mut self, state: ItemState) -> &mut u32 {
        match state {
            ItemState::Queued => &mut self.queued,
            ItemState::Leased(_) => &mut self.leased,
            ItemState::Done(End::Reported) => &mut self.reported,
            ItemState::Done(End::Crashed(_)) => &mut self.crashed,
            ItemState::Done(End::NotRun(_)) => &mut self.not_run,
        }
    }
}

/// The state of every item.
#[derive(Clone, Debug)]
pub struct Ledger {
    states: Vec<ItemState>,
    counts: Counts,
}

impl Ledger {
    /// A record of `items` queued items.
    #[must_use]
    pub fn new(items: u32) -> Self {
        Self {
            states: vec![ItemState::Queued; items as usize],
            counts: Counts { queued: items, ..Counts::default() },
        }
    }

    /// Where the item is. An item that does not exist is in nobody's hands: it counts as queued.
    #[must_use]
    pub fn state(&self, item: ItemId) -> ItemState {
        self.states.get(item.index()).copied().unwrap_or(ItemState::Queued)
    }

    /// Every item and where it is, in collection order.
    pub fn states(&self) -> impl Iterator<Item = (ItemId, ItemState)> + '_ {
        (0..).map(ItemId).zip(self.states.iter().copied())
    }

    /// How many items are where.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Every item has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.counts.queued + self.counts.leased == 0
    }

    /// A queued item goes into the hands of a worker.
    ///
    /// # Errors
    /// When it is not queued.
    pub fn lease(&mut self, item: ItemId, worker: WorkerId) -> Result<(), LedgerError> {
        let state = self.states[item.index()];
        match state {
            ItemState::Queued => self.enter(item, ItemState::Leased(worker)),
            ItemState::Leased(_) | ItemState::Done(_) => {
                return Err(LedgerError::NotQueued { item, worker, state });
            }
        }
        Ok(())
    }

    /// A leased item goes back.
    ///
    /// # Errors
    /// When that worker does not hold it.
    pub fn requeue(&mut self, item: ItemId, worker: WorkerId) -> Result<(), LedgerError> {
        self.expect_leased(item, worker)?;
        self.enter(item, ItemState::Queued);
        Ok(())
    }

    /// The worker must hold the item.
    ///
    /// # Errors
    /// When the item is done, queued, in other hands, or does not exist.
    pub fn expect_leased(&self, item: ItemId, worker: WorkerId) -> Result<(), LedgerError> {
        let state = self.state(item);
        match state {
            ItemState::Leased(holder) if holder == worker => Ok(()),
            ItemState::Done(end) => Err(LedgerError::AlreadyDone { item, end }),
            ItemState::Queued | ItemState::Leased(_) => Err(LedgerError::NotLeasedTo { item, worker, state }),
        }
    }

    /// The item ends.
    ///
    /// # Errors
    /// When it has ended before.
    pub fn close(&mut self, item: ItemId, end: End) -> Result<(), LedgerError> {
        match self.states[item.index()] {
            ItemState::Queued | ItemState::Leased(_) => self.enter(item, ItemState::Done(end)),
            ItemState::Done(end) => return Err(LedgerError::AlreadyDone { item, end }),
        }
        Ok(())
    }

    fn enter(&mut self, item: ItemId, state: ItemState) {
        let entry = &mut self.states[item.index()];
        *self.counts.of(*entry) -= 1;
        *self.counts.of(state) += 1;
        *entry = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: ItemId = ItemId(1);
    const MINE: WorkerId = WorkerId(0);

    #[test]
    fn an_item_ends_exactly_once() {
        let mut ledger = Ledger::new(2);
        assert_eq!(ledger.lease(ITEM, MINE), Ok(()));
        assert_eq!(ledger.close(ITEM, End::Reported), Ok(()));
        assert_eq!(
            ledger.close(ITEM, End::Crashed(MINE)),
            Err(LedgerError::AlreadyDone { item: ITEM, end: End::Reported })
        );
        assert_eq!(ledger.counts(), Counts { queued: 1, reported: 1, ..Counts::default() });
        assert!(!ledger.is_done());
    }

    #[test]
    fn only_its_holder_gives_an_item_back() {
        let mut ledger = Ledger::new(2);
        assert!(ledger.requeue(ITEM, MINE).is_err());
        assert_eq!(ledger.lease(ITEM, WorkerId(3)), Ok(()));
        let error = ledger.requeue(ITEM, MINE).map_err(|error| error.to_string());
        assert_eq!(error, Err("item 1 is not leased to gw0: Leased(WorkerId(3))".to_owned()));
        assert_eq!(ledger.requeue(ITEM, WorkerId(3)), Ok(()));
        assert_eq!(ledger.counts(), Counts { queued: 2, ..Counts::default() });
    }

    #[test]
    fn an_unknown_item_is_an_error() {
        assert!(Ledger::new(1).expect_leased(ItemId(9), MINE).is_err());
    }
}

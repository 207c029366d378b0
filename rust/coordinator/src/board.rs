//! Shared memory between the coordinator and its workers: who may start which item.
//!
//! A worker runs one thread, so it can't answer questions while a test runs. The board lets both sides decide
//! without asking: a worker claims a leased item with one compare-and-swap, and the coordinator takes an unclaimed
//! one back with another. That is why no test waits behind a running one, why a stop takes effect before the next
//! test, and why the test that a worker died in is known without a message per test.
//!
//! Layout, in 32-bit words: magic, number of items, number of worker slots, stop flag; then per worker the item it
//! runs (item + 1, or 0; the highest bit says that it is in its teardown, the next that it is condemned) and since when
//! (milliseconds by [`clock::seconds`], which begin anew at 2³²); then per item its claim word (worker + 1 in the upper 30
//! bits, the state in the lower 2).

#![allow(unsafe_code, reason = "the one file that maps memory shared between processes")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::MmapRaw;

use crate::claims::Claims;
use crate::clock;
use crate::error::BoardError;
use crate::model::{ItemId, WorkerId};
use crate::shared_file;

const MAGIC: u32 = 0x6661_7374;
const HEADER: usize = 4;
const ITEMS: usize = 1;
const SLOTS: usize = 2;
const STOP: usize = 3;
/// Words of a worker.
const SLOT: usize = 2;
const TEARING_DOWN: u32 = 1 << 31;
const CONDEMNED: u32 = 1 << 30;
const NUMBER: u32 = CONDEMNED - 1;

const QUEUED: u32 = 0;
const LEASED: u32 = 1;
const CLAIMED: u32 = 2;

/// The claims of one run, mapped from a file in the private directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Board {
    map: Arc<MmapRaw>,
    items: usize,
    slots: usize,
}

impl Board {
    /// Creates the file and maps it; every item is queued.
    ///
    /// # Errors
    /// [`BoardError::Io`] if the file can't be created, written or mapped.
    pub fn create(path: &Path, items: usize, slots: usize) -> Result<Self, BoardError> {
        let file = shared_file::create(path, (HEADER + SLOT * slots + items) * size_of::<u32>())?;
        let board = Self { map: Arc::new(MmapRaw::map_raw(&file)?), items, slots };
        let counts = u32::try_from(items).ok().zip(u32::try_from(slots).ok());
        let (items, slots) = counts.ok_or(BoardError::TooLarge)?;
        board.words()[ITEMS].store(items, Ordering::Relaxed);
        board.words()[SLOTS].store(slots, Ordering::Relaxed);
        board.words()[0].store(MAGIC, Ordering::Release);
        Ok(board)
    }

    /// Maps the board that the coordinator has created.
    ///
    /// # Errors
    /// [`BoardError::Io`] if it can't be mapped, [`BoardError::Malformed`] if it isn't a board.
    pub fn open(path: &Path) -> Result<Self, BoardError> {
        let mut board =
            Self { map: Arc::new(MmapRaw::map_raw(&shared_file::open(path)?)?), items: 0, slots: 0 };
        let words = board.words();
        if words.len() < HEADER || words[0].load(Ordering::Acquire) != MAGIC {
            return Err(BoardError::Malformed);
        }
        let items = words[ITEMS].load(Ordering::Relaxed) as usize;
        let slots = words[SLOTS].load(Ordering::Relaxed) as usize;
        if words.len() < HEADER + SLOT * slots + items {
            return Err(BoardError::Malformed);
        }
        board.items = items;
        board.slots = slots;
        Ok(board)
    }

    /// From now on no worker claims another item.
    pub fn stop(&self) {
        self.words()[STOP].store(1, Ordering::Release);
    }

    /// Whether the run is to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.words()[STOP].load(Ordering::Acquire) != 0
    }

    /// The worker's half of the bargain: true if `item` was leased to `worker` and is now its own to run.
    #[must_use]
    pub fn claim(&self, item: ItemId, worker: WorkerId) -> bool {
        !self.is_stopped() && self.swap(item, word(worker, LEASED), word(worker, CLAIMED))
    }

    /// Records which item `worker` runs from `now` on, in seconds by [`clock::seconds`], so that a crash can be blamed on it.
    pub fn begin(&self, worker: WorkerId, item: ItemId, now: f64) {
        if let Some([running, since]) = self.words_of(worker) {
            since.store(milliseconds(now), Ordering::Relaxed);
            running.store(item.0 + 1, Ordering::Release);
        }
    }

    /// Records that `worker` runs nothing.
    pub fn end(&self, worker: WorkerId) {
        if let Some(slot) = self.slot(worker) {
            slot.store(0, Ordering::Release);
        }
    }

    /// For how many seconds `worker` has run its item; 0 if it runs none.
    #[must_use]
    pub fn runs_for(&self, worker: WorkerId) -> f64 {
        match self.words_of(worker) {
            Some([_, since]) if self.running(worker).is_some() => {
                let passed = milliseconds(clock::seconds()).wrapping_sub(since.load(Ordering::Relaxed));
                f64::from(passed) / 1e3
            }
            Some(_) | None => 0.0,
        }
    }

    /// Records that the item which `worker` runs has come to its teardown.
    pub fn set_tearing_down(&self, worker: WorkerId) {
        if let Some(slot) = self.slot(worker) {
            slot.fetch_or(TEARING_DOWN, Ordering::Release);
        }
    }

    /// The item that `worker` last said it runs.
    #[must_use]
    pub fn running(&self, worker: WorkerId) -> Option<ItemId> {
        let word = self.slot(worker)?.load(Ordering::Acquire);
        (word & NUMBER).checked_sub(1).map(ItemId)
    }

    /// Whether the item which `worker` runs has come to its teardown.
    #[must_use]
    pub fn is_tearing_down(&self, worker: WorkerId) -> bool {
        self.slot(worker).is_some_and(|slot| slot.load(Ordering::Acquire) & TEARING_DOWN != 0)
    }

    /// Decides that the worker will be killed for this item, whether it comes to an end or not; nothing if it has come to
    /// its end already.
    pub fn condemn(&self, worker: WorkerId, item: ItemId) {
        if let Some(slot) = self.slot(worker) {
            let runs_it = |word: u32| (word & NUMBER == item.0 + 1).then_some(word | CONDEMNED);
            let _moved_on = slot.fetch_update(Ordering::AcqRel, Ordering::Acquire, runs_it);
        }
    }

    /// Whether the worker is to be killed for what it runs.
    #[must_use]
    pub fn is_condemned(&self, worker: WorkerId) -> bool {
        self.slot(worker).is_some_and(|slot| slot.load(Ordering::Acquire) & CONDEMNED != 0)
    }

    /// How many worker numbers have a slot.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    fn slot(&self, worker: WorkerId) -> Option<&AtomicU32> {
        self.words_of(worker).map(|[running, _]| running)
    }

    fn words_of(&self, worker: WorkerId) -> Option<&[AtomicU32; SLOT]> {
        let words = &self.words()[HEADER..HEADER + SLOT * self.slots];
        words.as_chunks().0.get(worker.index())
    }

    fn claim_word(&self, item: ItemId) -> &AtomicU32 {
        debug_assert!(item.index() < self.items, "item {item:?} is not on the board");
        &self.words()[HEADER + SLOT * self.slots + item.index()]
    }

    fn swap(&self, item: ItemId, from: u32, to: u32) -> bool {
        self.claim_word(item).compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    #[allow(clippy::cast_ptr_alignment, reason = "a mapping starts at a page")]
    fn words(&self) -> &[AtomicU32] {
        // SAFETY: the mapping is page-aligned and lives as long as `self`; its length is the file's, which nobody
        // changes after `create`. Every access from every process goes through `AtomicU32`, for which any bit
        // pattern is valid.
        unsafe {
            std::slice::from_raw_parts(
                self.map.as_ptr().cast::<AtomicU32>(),
                self.map.len() / size_of::<u32>(),
            )
        }
    }
}

impl Claims for Board {
    fn lease(&self, item: ItemId, worker: WorkerId) {
        self.claim_word(item).store(word(worker, LEASED), Ordering::Release);
    }

    fn revoke(&self, item: ItemId, worker: WorkerId) -> bool {
        self.swap(item, word(worker, LEASED), QUEUED)
    }

    fn is_claimed(&self, item: ItemId) -> bool {
        self.claim_word(item).load(Ordering::Acquire) & 3 == CLAIMED
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "begins anew at 2³²")]
fn milliseconds(seconds: f64) -> u32 {
    (seconds * 1e3) as u64 as u32
}

fn word(worker: WorkerId, state: u32) -> u32 {
    (worker.0 + 1) << 2 | state
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: ItemId = ItemId(2);

    fn two_views() -> (tempfile::TempDir, Board, Board) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("board");
        let coordinator = Board::create(&path, 3, 2).expect("a new board");
        let worker = Board::open(&path).expect("the same board");
        (dir, coordinator, worker)
    }

    #[test]
    fn an_item_is_claimed_once_and_then_not_revoked() {
        let (_dir, coordinator, worker) = two_views();
        assert!(!worker.claim(ITEM, WorkerId(1)), "not leased yet");
        coordinator.lease(ITEM, WorkerId(1));
        assert!(!worker.claim(ITEM, WorkerId(0)), "leased to another");
        assert!(worker.claim(ITEM, WorkerId(1)));
        assert!(!worker.claim(ITEM, WorkerId(1)));
        assert!(coordinator.is_claimed(ITEM));
        assert!(!coordinator.revoke(ITEM, WorkerId(1)));
    }

    #[test]
    fn a_revoked_item_can_go_to_another_worker() {
        let (_dir, coordinator, worker) = two_views();
        coordinator.lease(ITEM, WorkerId(0));
        assert!(coordinator.revoke(ITEM, WorkerId(0)));
        assert!(!worker.claim(ITEM, WorkerId(0)));
        coordinator.lease(ITEM, WorkerId(1));
        assert!(worker.claim(ITEM, WorkerId(1)));
    }

    #[test]
    fn nothing_is_claimed_after_a_stop() {
        let (_dir, coordinator, worker) = two_views();
        coordinator.lease(ITEM, WorkerId(0));
        coordinator.stop();
        assert!(!worker.claim(ITEM, WorkerId(0)));
    }

    #[test]
    fn the_running_item_is_seen_by_the_coordinator() {
        let (_dir, coordinator, worker) = two_views();
        assert_eq!(coordinator.running(WorkerId(1)), None);
        worker.begin(WorkerId(1), ItemId(0), clock::seconds() - 2.0);
        assert!((2.0..60.0).contains(&coordinator.runs_for(WorkerId(1))));
        assert!(coordinator.runs_for(WorkerId(0)) < 1e-9);
        assert_eq!(coordinator.running(WorkerId(1)), Some(ItemId(0)));
        assert!(!coordinator.is_tearing_down(WorkerId(1)));
        worker.set_tearing_down(WorkerId(1));
        assert!(coordinator.is_tearing_down(WorkerId(1)));
        assert_eq!(coordinator.running(WorkerId(1)), Some(ItemId(0)));
        worker.end(WorkerId(1));
        assert_eq!(coordinator.running(WorkerId(1)), None);
        assert!(!coordinator.is_tearing_down(WorkerId(1)));
        assert_eq!(coordinator.running(WorkerId(9)), None, "no such slot");
    }

    #[test]
    fn a_worker_is_condemned_for_what_it_runs_and_for_nothing_else() {
        let (_dir, coordinator, board) = two_views();
        let worker = WorkerId(1);
        board.begin(worker, ITEM, 0.0);
        coordinator.condemn(worker, ItemId(ITEM.0 + 1));
        assert!(!board.is_condemned(worker), "it has gone on");
        board.set_tearing_down(worker);
        coordinator.condemn(worker, ITEM);
        assert!(board.is_condemned(worker) && board.is_tearing_down(worker));
        assert_eq!(coordinator.running(worker), Some(ITEM));
        board.end(worker);
        assert!(!coordinator.is_condemned(worker));
    }

    #[test]
    fn a_file_that_is_no_board_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("board");
        std::fs::write(&path, [0; 64]).expect("a file");
        assert!(matches!(Board::open(&path), Err(BoardError::Malformed)));
    }
}

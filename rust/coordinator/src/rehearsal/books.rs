//! What must hold: the books are kept by what the controller hears, and compared with the ledger.

use std::collections::{BTreeMap, BTreeSet};

use super::Manners;
use crate::event::Event;
use crate::ledger::{Counts, End, ItemState, Ledger, NotRunReason};
use crate::model::{ItemId, WorkerId};

/// What the controller has heard of one item, and what its workers know.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    end: Option<Heard>,
    /// A worker died in it, and it is not decided whether it runs again.
    is_undecided: bool,
    begun: u32,
    ran: u32,
    reruns: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Reported,
    Crashed,
    NotRun(NotRunReason),
}

/// Of one run.
#[derive(Debug)]
pub(super) struct Books {
    entries: BTreeMap<ItemId, Entry>,
    decides: bool,
    manners: Manners,
    is_open: bool,
    is_finished: bool,
    crashed: BTreeSet<WorkerId>,
    ended: BTreeSet<WorkerId>,
}

impl Books {
    pub(super) fn new(decides: bool, manners: Manners) -> Self {
        let (is_open, is_finished) = (false, false);
        let (entries, crashed, ended) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { entries, decides, manners, is_open, is_finished, crashed, ended }
    }

    /// The items are dealt.
    pub(super) fn open(&mut self) {
        assert!(!self.is_open, "collected twice");
        self.is_open = true;
    }

    pub(super) fn are_open(&self) -> bool {
        self.is_open
    }

    pub(super) fn are_closed(&self) -> bool {
        self.is_finished
    }

    fn entry(&mut self, item: ItemId) -> &mut Entry {
        self.entries.entry(item).or_default()
    }

    /// A worker begins it.
    pub(super) fn begins(&mut self, item: ItemId) {
        let entry = self.entry(item);
        entry.begun += 1;
        assert!(entry.begun <= 1 + entry.reruns, "{item:?} is begun again");
    }

    /// A worker has run it to its end.
    pub(super) fn ran(&mut self, item: ItemId) {
        self.entry(item).ran += 1;
    }

    pub(super) fn decided(&mut self, item: ItemId, again: bool) {
        let entry = self.entry(item);
        assert!(entry.is_undecided, "{item:?}");
        entry.is_undecided = false;
        if again {
            entry.reruns += 1;
        } else {
            entry.end = Some(Heard::Crashed);
        }
    }

    pub(super) fn enter(&mut self, event: &Event) {
        match event {
            Event::Reports { item, finished, .. } => {
                let entry = self.open_entry(*item);
                if *finished {
                    entry.end = Some(Heard::Reported);
                }
            }
            Event::Crashed { worker, item, .. } => {
                assert!(self.crashed.insert(*worker), "{worker} crashes twice");
                if let Some(item) = item {
                    let decides = self.decides;
                    let entry = self.open_entry(*item);
                    entry.is_undecided = decides;
                    entry.end = (!decides).then_some(Heard::Crashed);
                }
            }
            Event::Ended { worker, .. } => {
                let is_first = self.ended.insert(*worker);
                assert!(is_first || self.manners == Manners::Forging, "{worker} ends twice");
            }
            Event::Finished { not_run } => {
                assert!(!self.is_finished, "finished twice");
                self.is_finished = true;
                for (item, reason) in not_run {
                    self.open_entry_at_the_end(*item).end = Some(Heard::NotRun(*reason));
                }
                for (item, entry) in &self.entries {
                    assert!(entry.end.is_some(), "{item:?} has no end: {entry:?}");
                }
            }
            Event::Note(_)
            | Event::Collected { .. }
            | Event::CollectorLost(_)
            | Event::Ready(_)
            | Event::CannotBegin(_)
            | Event::WantsStop(_)
            | Event::Needed(_)
            | Event::Confirm(_)
            | Event::NotStarted { .. }
            | Event::Outgrown { .. }
            | Event::MemoryShort { .. }
            | Event::Terminal { .. }
            | Event::LeftBehind { .. }
            | Event::Lingered(_)
            | Event::NotReplaced { .. } => {}
        }
    }

    fn open_entry(&mut self, item: ItemId) -> &mut Entry {
        assert!(!self.is_finished, "{item:?} after the end");
        self.open_entry_at_the_end(item)
    }

    fn open_entry_at_the_end(&mut self, item: ItemId) -> &mut Entry {
        let entry = self.entry(item);
        assert!(entry.end.is_none() && !entry.is_undecided, "{item:?} has ended: {entry:?}");
        entry
    }

    /// What was heard is what the ledger says, and what workers know does not contradict it.
    pub(super) fn agree_with(&self, ledger: &Ledger) {
        for (item, state) in ledger.states() {
            let entry = self.entries.get(&item).copied().unwrap_or_default();
            let expected = match state {
                ItemState::Done(End::Reported) => Heard::Reported,
                ItemState::Done(End::Crashed(worker)) => {
                    assert!(self.crashed.contains(&worker), "{item:?} is blamed on {worker}");
                    Heard::Crashed
                }
                ItemState::Done(End::NotRun(reason)) => Heard::NotRun(reason),
                ItemState::Queued | ItemState::Leased(_) => panic!("{item:?} has not ended: {entry:?}"),
            };
            assert_eq!(entry.end, Some(expected), "{item:?}: {entry:?}");
            if self.manners == Manners::Forging {
                continue;
            }
            match expected {
                Heard::Reported => assert_eq!(entry.ran, 1, "{item:?}: {entry:?}"),
                Heard::Crashed => assert!(entry.begun > 0, "{item:?}: {entry:?}"),
                Heard::NotRun(NotRunReason::Interrupted) => {}
                Heard::NotRun(_) => assert!(entry.begun <= entry.reruns, "{item:?}: {entry:?}"),
            }
        }
    }
}

/// The ledger's counts are those of its items.
pub(super) fn adds_up(ledger: &Ledger) {
    let mut counts = Counts::default();
    for (_, state) in ledger.states() {
        *match state {
            ItemState::Queued => &mut counts.queued,
            ItemState::Leased(_) => &mut counts.leased,
            ItemState::Done(End::Reported) => &mut counts.reported,
            ItemState::Done(End::Crashed(_)) => &mut counts.crashed,
            ItemState::Done(End::NotRun(_)) => &mut counts.not_run,
        } += 1;
    }
    assert_eq!(counts, ledger.counts());
}

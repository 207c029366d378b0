//! The record of a run: what ran where, from when to when, and what happened to the workers. Reports are made of it.
//!
//! While tests run, a [`Recorder`] only adds plain numbers to a list. [`record_file`](crate::record_file) keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::model::{Collection, FixtureTimes, Item, ItemId, Membership, WorkerId};
use crate::timings::{Spent, module_of};

/// No more executions are recorded of one run: of each there are 48 bytes in the controller.
const MOST_EXECUTIONS: usize = 1_000_000;

/// No run begins with more workers, and no machine has more processors, by far.
const MOST_WORKERS: u32 = 100_000;
/// No run takes longer: three years.
const MOST_SECONDS: f64 = 1e8;

/// One item was run to its end. Times are seconds since the run's start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// The item.
    pub item: ItemId,
    /// Who ran it.
    pub worker: WorkerId,
    /// When it was over.
    pub ended: f64,
    /// What it took.
    pub spent: Spent,
}

impl Execution {
    /// When it began.
    #[must_use]
    pub fn began(&self) -> f64 {
        self.ended - f64::from(self.spent.total)
    }
}

/// Something that happens once, or rarely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happened {
    /// The tests were collected.
    Collected,
    /// A worker was asked for.
    Started(WorkerId),
    /// A worker could run tests.
    Ready(WorkerId),
    /// A worker had finished its session.
    Ended(WorkerId),
    /// A worker died.
    Crashed {
        /// The worker.
        worker: WorkerId,
        /// What it ran.
        item: Option<ItemId>,
        /// It was killed because it had been at one thing for too long.
        hung: bool,
    },
    /// Another worker was to take the place of this one.
    Replaced(WorkerId),
    /// Work has changed hands.
    Stolen(Theft),
}

impl Happened {
    /// The item that it is about.
    fn item(self) -> Option<ItemId> {
        match self {
            Self::Crashed { item, .. } => item,
            Self::Stolen(theft) => Some(theft.first),
            Self::Collected | Self::Started(_) | Self::Ready(_) | Self::Ended(_) | Self::Replaced(_) => None,
        }
    }

    /// The workers that it is about.
    fn workers(self) -> impl Iterator<Item = WorkerId> {
        let (one, other) = match self {
            Self::Collected => (None, None),
            Self::Started(worker) | Self::Ready(worker) | Self::Ended(worker) | Self::Replaced(worker) => {
                (Some(worker), None)
            }
            Self::Crashed { worker, .. } => (Some(worker), None),
            Self::Stolen(theft) => (Some(theft.thief), Some(theft.victim)),
        };
        one.into_iter().chain(other)
    }
}

/// Work that was one worker's has become another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theft {
    /// Whose it is now.
    pub thief: WorkerId,
    /// Whose it was.
    pub victim: WorkerId,
    /// The first of the items.
    pub first: ItemId,
    /// How many.
    pub items: u32,
    /// They are a part of what the victim had in hand, and not a whole group that it had not begun.
    pub split: bool,
}

/// What the run was, as the controller knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The run's name.
    pub testrunuid: String,
    /// When it began, in seconds since 1970.
    pub started: f64,
    /// From its start to its end, in seconds.
    pub seconds: f64,
    /// The arguments of pytest.
    pub arguments: Vec<String>,
    /// What was collected, as pytest takes it from any directory.
    pub paths: Vec<String>,
    /// Some of the paths may be names of packages.
    pub pyargs: bool,
    /// What ran it, as `python 3.11.2`.
    pub versions: Vec<String>,
    /// How workers were started; empty: there were none.
    pub method: String,
    /// Why so, if there is a reason.
    pub method_reason: Option<String>,
    /// How many workers it began with.
    pub workers: u32,
    /// Processors that it could use.
    pub cores: u32,
    /// pytest's.
    pub exit_status: i32,
}

/// Where an item belongs, for a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// As in [`Item`].
    pub group: u32,
    /// As in [`Item`].
    pub atom: u32,
    /// Whether it is gathered (1), loose (2), serial ([`SERIAL`]).
    pub flags: u8,
}

/// Of [`Place::flags`]: never separated from its group.
const GATHERED: u8 = 1;
/// Of [`Place::flags`]: may run anywhere.
const LOOSE: u8 = 2;
/// Of [`Place::flags`]: runs when nothing else runs.
pub const SERIAL: u8 = 4;

impl Place {
    /// Of tests about which nothing is known but their names: those of a module are a group, each is an atom.
    #[must_use]
    pub fn by_names(nodeids: &[String]) -> Vec<Self> {
        let mut groups = BTreeMap::new();
        let place = |(atom, nodeid): (u32, &String)| {
            let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
            Self { group: *groups.entry(module_of(nodeid).to_owned()).or_insert(next), atom, flags: 0 }
        };
        (0..).zip(nodeids).map(place).collect()
    }

    fn of(item: &Item) -> Self {
        let membership = match item.membership {
            Membership::Neighbours => 0,
            Membership::Gathered => GATHERED,
            Membership::Loose => LOOSE,
        };
        Self { group: item.group, atom: item.atom, flags: membership | if item.serial { SERIAL } else { 0 } }
    }

    /// It runs when nothing else runs.
    #[must_use]
    pub fn is_serial(self) -> bool {
        self.flags & SERIAL != 0
    }

    /// The item that is planned so. Which fixtures it uses is not recorded.
    #[must_use]
    pub fn item(self, seconds: f64) -> Item {
        let membership = match self.flags & (GATHERED | LOOSE) {
            0 => Membership::Neighbours,
            LOOSE => Membership::Loose,
            _ => Membership::Gathered,
        };
        Item {
            group: self.group,
            atom: self.atom,
            membership,
            serial: self.is_serial(),
            shares_fixtures: false,
            estimate: Some(seconds),
            price: None,
            wide: None,
        }
    }
}

/// A test, or a file that could not be collected, that did not pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Its place in [`Record::nodeids`]; a file that was not collected has none.
    pub item: Option<ItemId>,
    /// The node id.
    pub nodeid: String,
    /// `setup`, `call`, `teardown` or `collect`.
    pub when: String,
    /// The worker that ran it; empty: none.
    pub worker: String,
    /// What pytest prints of it.
    pub text: String,
    /// What was captured: title and content of each section.
    pub sections: Vec<(String, String)>,
}

/// Everything that is kept of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The run as a whole.
    pub about: About,
    /// The collected tests. An [`ItemId`] is a place in here.
    pub nodeids: Vec<String>,
    /// Where each belongs; empty: not known.
    pub places: Vec<Place>,
    /// In the order in which they were reported.
    pub executions: Vec<Execution>,
    /// Executions beyond those that are recorded.
    pub left_out: u64,
    /// When what happened.
    pub events: Vec<(f64, Happened)>,
    /// Fixtures that were set up, and where. A worker that has crashed tells nothing.
    pub set_ups: Vec<(WorkerId, FixtureTimes)>,
    /// What became of tests that did not just pass, by pytest's words; a test may have several.
    pub outcomes: Vec<(ItemId, String)>,
    /// With their texts, as far as there was room.
    pub failures: Vec<Failure>,
}

impl Record {
    /// Whether it can be that of a run: its items exist, its times are times, and no worker has a number beyond those that
    /// can have been started.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let count = self.nodeids.len();
        let items = self.executions.iter().map(|execution| execution.item);
        let items = items.chain(self.outcomes.iter().map(|(item, _)| *item));
        let items = items.chain(self.failures.iter().filter_map(|failure| failure.item));
        let mut items = items.chain(self.events.iter().filter_map(|(_, event)| event.item()));
        let mut keys = self.places.iter().flat_map(|place| [place.group, place.atom]);
        let workers = self.executions.iter().map(|execution| execution.worker);
        let workers = workers.chain(self.set_ups.iter().map(|(worker, _)| *worker));
        let mut workers = workers.chain(self.events.iter().flat_map(|(_, event)| event.workers()));
        let started = MOST_WORKERS as usize + self.executions.len() + self.events.len();
        let times = self.events.iter().map(|(at, _)| *at).chain([self.about.seconds]);
        let mut times = times.chain(self.executions.iter().map(|execution| execution.ended));
        (self.places.is_empty() || self.places.len() == count)
            && items.all(|item| item.index() < count)
            && keys.all(|key| (key as usize) < 2 * count)
            && self.about.workers.max(self.about.cores) <= MOST_WORKERS
            && workers.all(|worker| worker.index() < started)
            && times.all(|time| time.abs() < MOST_SECONDS)
            && self.executions.iter().all(|execution| is_sound(&execution.spent))
            && self.set_ups.iter().all(|(_, times)| are_seconds(&[times.seconds, times.longest]))
    }
}

/// Gathers what happens in a run.
#[derive(Debug)]
pub struct Recorder {
    origin: f64,
    executions: Vec<Execution>,
    left_out: u64,
    events: Vec<(f64, Happened)>,
    set_ups: Vec<(WorkerId, FixtureTimes)>,
    collection: Collection,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            origin: clock::seconds(),
            executions: Vec::new(),
            left_out: 0,
            events: Vec::new(),
            set_ups: Vec::new(),
            collection: Collection::default(),
        }
    }
}

impl Recorder {
    /// The items that will be run, once it is known where they belong.
    pub(crate) fn planned(&mut self, collection: Collection) {
        self.collection = collection;
    }

    /// `ended`: when, by the clock of all processes ([`clock::seconds`]).
    pub(crate) fn finished(&mut self, worker: WorkerId, item: ItemId, ended: f64, spent: Spent) {
        if self.executions.len() == MOST_EXECUTIONS {
            self.left_out += 1;
            return;
        }
        self.executions.push(Execution { item, worker, ended, spent });
    }

    pub(crate) fn note(&mut self, what: Happened) {
        self.events.push((clock::seconds() - self.origin, what));
    }

    pub(crate) fn set_ups(&mut self, worker: WorkerId, fixtures: Vec<FixtureTimes>) {
        let are_sound = |fixture: &FixtureTimes| are_seconds(&[fixture.seconds, fixture.longest]);
        self.set_ups.extend(fixtures.into_iter().filter(are_sound).map(|fixture| (worker, fixture)));
    }

    /// The record of what was gathered, up to now; nothing is left here. If every worker runs everything, each has numbers of its
    /// own, which become those of `nodeids`.
    pub fn take(&mut self, about: About, nodeids: Vec<String>) -> Record {
        let origin = self.origin;
        let seconds = clock::seconds() - origin;
        let started = std::time::UNIX_EPOCH.elapsed().map_or(0.0, |now| now.as_secs_f64() - seconds);
        let about = About { started, seconds, ..about };
        let count = u32::try_from(nodeids.len()).unwrap_or(u32::MAX).max(1);
        let item = |item: ItemId| ItemId(item.0 % count);
        let mut executions = std::mem::take(&mut self.executions);
        for execution in &mut executions {
            execution.item = item(execution.item);
            execution.ended -= origin;
        }
        // Workers say what they like.
        executions.retain(|execution| execution.ended.is_finite() && is_sound(&execution.spent));
        let mut events = std::mem::take(&mut self.events);
        for (_, event) in &mut events {
            match event {
                Happened::Crashed { item: Some(crashed), .. } => *crashed = item(*crashed),
                Happened::Stolen(theft) => theft.first = item(theft.first),
                Happened::Collected
                | Happened::Started(_)
                | Happened::Ready(_)
                | Happened::Ended(_)
                | Happened::Crashed { item: None, .. }
                | Happened::Replaced(_) => {}
            }
        }
        let places: Vec<Place> = std::mem::take(&mut self.collection).items.iter().map(Place::of).collect();
        Record {
            about,
            places: if places.len() == nodeids.len() { places } else { Vec::new() },
            nodeids,
            executions,
            left_out: self.left_out,
            events,
            set_ups: std::mem::take(&mut self.set_ups),
            outcomes: Vec::new(),
            failures: Vec::new(),
        }
    }
}

fn is_sound(spent: &Spent) -> bool {
    let Spent { total, cpu, setup, call, teardown, shared, session } = *spent;
    are_seconds(&[total, cpu, setup, call, teardown, shared, session])
}

fn are_seconds(parts: &[f32]) -> bool {
    parts.iter().all(|part| (0.0..MOST_SECONDS).contains(&f64::from(*part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: WorkerId = WorkerId(0);

    fn nodeids() -> Vec<String> {
        ["a.py::x", "b.py::y"].map(str::to_owned).to_vec()
    }

    #[test]
    fn times_count_from_the_start_of_the_run() {
        let mut recorder = Recorder::default();
        let spent = Spent { total: 1.5, call: 1.0, ..Spent::default() };
        recorder.finished(FIRST, ItemId(1), recorder.origin + 2.0, spent);
        recorder.note(Happened::Ended(FIRST));
        let record = recorder.take(About::default(), nodeids());
        assert!(record.about.started > 1e9 && (0.0..60.0).contains(&record.about.seconds));
        let execution = record.executions[0];
        assert!((execution.began() - 0.5).abs() < 1e-6 && (execution.ended - 2.0).abs() < 1e-6);
        assert!((0.0..60.0).contains(&record.events[0].0), "{:?}", record.events);
        assert_eq!(recorder.take(About::default(), nodeids()).executions, []);
    }

    #[test]
    fn lanes_are_of_the_same_tests() {
        let mut recorder = Recorder::default();
        recorder.finished(WorkerId(1), ItemId(3), recorder.origin, Spent::default());
        recorder.note(Happened::Crashed { worker: FIRST, item: Some(ItemId(2)), hung: false });
        let record = recorder.take(About::default(), nodeids());
        assert_eq!(record.executions[0].item, ItemId(1));
        assert!(matches!(record.events[0].1, Happened::Crashed { item: Some(ItemId(0)), .. }));
    }

    #[test]
    fn what_is_no_time_is_left_out() {
        let mut recorder = Recorder::default();
        for wrong in [f32::NAN, f32::INFINITY, -1.0] {
            recorder.finished(FIRST, ItemId(0), recorder.origin, Spent { total: wrong, ..Spent::default() });
        }
        recorder.finished(FIRST, ItemId(0), f64::NAN, Spent::default());
        assert_eq!(recorder.take(About::default(), nodeids()).executions, []);
    }

    #[test]
    fn an_item_comes_back_from_its_place() {
        for (membership, serial) in
            [(Membership::Neighbours, true), (Membership::Gathered, false), (Membership::Loose, true)]
        {
            let item = Item { membership, serial, ..Place { group: 3, atom: 4, flags: 0 }.item(0.5) };
            assert_eq!(Place::of(&item).item(0.5), item);
        }
    }
}

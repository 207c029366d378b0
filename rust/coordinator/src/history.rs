//! What a run knows from earlier runs, and what it finds out itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Collection, FixtureTimes, ItemId, WorkerId};
use crate::progress::Progress;
use crate::record::{About, Happened, Record, Recorder};
use crate::timings::{Findings, Module, Spent, Test, Timings, module_of};

/// What the plan is told of one item, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expected {
    /// What the item takes by itself.
    pub seconds: Option<f64>,
    /// What it takes to set up again the fixtures that its module shares.
    pub price: Option<f64>,
}

/// What all items together are expected to take, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// On one worker, fixtures that items share counted in; an item without a history counts as the others' mean.
    pub total: f64,
    /// Of that, what needs a processor.
    pub cpu: f64,
    /// What a worker takes at most for a fixture of session or package scope.
    pub wide: f64,
}

/// The findings of one run, gathered as they come.
#[derive(Debug, Default)]
pub struct History {
    nodeids: Vec<String>,
    progress: Progress,
    spent: Vec<Option<Spent>>,
    /// Seconds that each worker took for each module's shared fixtures.
    shared: BTreeMap<(String, WorkerId), f32>,
    /// Seconds that each wide fixture took, and how often it was set up.
    wide: BTreeMap<String, (f32, u32)>,
    recorder: Recorder,
}

impl History {
    /// Begins with what was collected: items, and the names of wide fixtures that they use. Returns what is expected of
    /// each item, and of all if anything is known.
    pub fn begin(
        &mut self,
        nodeids: Vec<String>,
        wide: &[String],
        known: &Timings,
    ) -> (Vec<Expected>, Option<Outlook>) {
        let expected: Vec<Expected> = nodeids
            .iter()
            .map(|nodeid| Expected {
                seconds: known.tests.get(nodeid).and_then(Test::estimate).map(f64::from),
                price: known.modules.get(module_of(nodeid)).and_then(Module::price).map(f64::from),
            })
            .collect();
        let outlook = outlook(&nodeids, wide, known);
        self.progress = Progress::of(expected.iter().map(|expected| expected.seconds));
        self.spent = vec![None; nodeids.len()];
        self.nodeids = nodeids;
        (expected, outlook)
    }

    /// An item has run to its end, by that time. If every worker runs everything, each has numbers of its own.
    pub(crate) fn finished(&mut self, worker: WorkerId, item: ItemId, at: f64, spent: Spent) {
        self.recorder.finished(worker, item, at, spent);
        if self.nodeids.is_empty() {
            return;
        }
        let index = item.index() % self.nodeids.len();
        if self.spent[index].replace(spent).is_none() {
            self.progress.finished(index, f64::from(spent.own()));
        }
        if spent.shared > 0.0 {
            let module = module_of(&self.nodeids[index]).to_owned();
            *self.shared.entry((module, worker)).or_default() += spent.shared;
        }
    }

    /// Seconds that one worker would need for the items that have not finished; `None` if there is nothing to tell by.
    pub(crate) fn left(&self) -> Option<f64> {
        self.progress.left()
    }

    /// Seconds that an item took in earlier runs.
    pub(crate) fn usual(&self, item: ItemId) -> Option<f64> {
        let index = item.index().checked_rem(self.nodeids.len())?;
        self.progress.usual(index)
    }

    /// A fixture of session or package scope was set up.
    pub(crate) fn set_up(&mut self, fixture: String, seconds: f32) {
        let (sum, times) = self.wide.entry(fixture).or_default();
        *sum += seconds;
        *times = times.saturating_add(1);
    }

    /// What a worker has set up in all.
    pub(crate) fn set_ups(&mut self, worker: WorkerId, fixtures: Vec<FixtureTimes>) {
        self.recorder.set_ups(worker, fixtures);
    }

    /// These items will be run.
    pub(crate) fn planned(&mut self, collection: Collection) {
        self.recorder.planned(collection);
    }

    /// Something has happened now.
    pub(crate) fn note(&mut self, what: Happened) {
        self.recorder.note(what);
    }

    /// What is kept of the run itself; nothing is left here.
    pub fn record(&mut self, about: About, nodeids: Vec<String>) -> Record {
        self.recorder.take(about, nodeids)
    }

    /// Everything that was found out; nothing is left here.
    pub fn take(&mut self) -> Findings {
        let nodeids = std::mem::take(&mut self.nodeids).into_iter();
        let tests = nodeids.zip(std::mem::take(&mut self.spent));
        let tests = tests.filter_map(|(nodeid, spent)| spent.map(|spent| (nodeid, spent))).collect();
        let mut by_module: BTreeMap<String, (f32, u32)> = BTreeMap::new();
        for ((module, _), seconds) in std::mem::take(&mut self.shared) {
            let (sum, workers) = by_module.entry(module).or_default();
            *sum += seconds;
            *workers += 1;
        }
        #[allow(clippy::cast_precision_loss, reason = "a count")]
        let mean = |(name, (sum, times)): (String, (f32, u32))| (name, sum / times as f32);
        let shared = by_module.into_iter().map(mean).collect();
        let wide = std::mem::take(&mut self.wide).into_iter().map(mean).collect();
        Findings { tests, imports: Vec::new(), shared, wide }
    }
}

fn outlook(nodeids: &[String], wide: &[String], known: &Timings) -> Option<Outlook> {
    let (mut own, mut cpu, mut tests) = (0.0, 0.0, 0_u32);
    for test in nodeids.iter().filter_map(|nodeid| known.tests.get(nodeid)) {
        let Some(seconds) = test.estimate().map(f64::from) else {
            continue;
        };
        let measured = f64::from(test.last.total);
        let share = f64::from(test.last.cpu) / measured;
        // A file may say anything.
        let share = if measured > 0.0 && !share.is_nan() { share.clamp(0.0, 1.0) } else { 1.0 };
        own += seconds;
        cpu += seconds * share;
        tests += 1;
    }
    if tests == 0 {
        return None;
    }
    let all = u32::try_from(nodeids.len()).unwrap_or(u32::MAX);
    let scale = f64::from(all) / f64::from(tests);
    let modules: BTreeSet<&str> = nodeids.iter().map(|nodeid| module_of(nodeid)).collect();
    let modules = modules.into_iter().filter_map(|module| known.modules.get(module)?.price());
    let wide: Vec<f32> = wide.iter().filter_map(|name| known.fixtures.get(name)?.seconds()).collect();
    let fixtures: f64 = modules.chain(wide.iter().copied()).map(f64::from).sum();
    let share = if own > 0.0 { cpu / own } else { 1.0 };
    Some(Outlook {
        total: own * scale + fixtures,
        // What fixtures need of a processor is not measured.
        cpu: cpu * scale + fixtures * share,
        wide: wide.into_iter().map(f64::from).fold(0.0, f64::max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: WorkerId = WorkerId(0);
    const SECOND: WorkerId = WorkerId(1);

    fn nodeids() -> Vec<String> {
        ["a.py::x", "a.py::y", "b.py::z"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_run_knows_what_an_earlier_one_has_found_out() {
        let mut timings = Timings::default();
        let mut history = History::default();
        assert_eq!(history.begin(nodeids(), &[], &timings), (vec![Expected::default(); 3], None));
        let spent = Spent { total: 2.25, cpu: 0.5625, shared: 1.0, session: 0.25, ..Spent::default() };
        history.finished(FIRST, ItemId(0), 0.0, spent);
        // Another worker sets the module's fixtures up again.
        history.finished(SECOND, ItemId(1), 0.0, Spent { shared: 0.5, ..spent });
        history.set_up("::database".to_owned(), 2.0);
        timings.add(history.take(), 20_000);
        let (expected, outlook) = history.begin(nodeids(), &["::database".to_owned()], &timings);
        let known = |seconds| Expected { seconds: Some(seconds), price: Some(0.75) };
        assert_eq!(expected, [known(1.0), known(1.5), Expected::default()]);
        // The third counts as the mean of the others.
        assert_eq!(outlook, Some(Outlook { total: 3.75 + 0.75 + 2.0, cpu: 0.25 * 6.5, wide: 2.0 }));
    }

    #[test]
    fn lanes_are_of_the_same_items() {
        let mut history = History::default();
        history.begin(nodeids(), &[], &Timings::default());
        history.finished(SECOND, ItemId(4), 0.0, Spent { total: 1.0, ..Spent::default() });
        assert_eq!(history.take().tests[0].0, "a.py::y");
    }
}

//! What modules and fixtures took, all workers together.

use std::collections::{BTreeMap, BTreeSet};

use coordinator::model::{FixtureScope, FixtureTimes, WorkerId};
use coordinator::record::Record;
use coordinator::timings::module_of;

use crate::lanes::Lanes;

/// What the tests of one module took, in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// Its name: the part of the node ids before the first `::`.
    pub name: String,
    /// How many of its tests ran, to their end or not.
    pub tests: usize,
    /// How many workers ran some.
    pub workers: usize,
    /// In all.
    pub seconds: f64,
    /// Setting up fixtures of module and package scope.
    pub shared: f64,
}

/// What setting up a fixture took, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Fixture {
    /// Its name, behind the node id of what defines it.
    pub name: String,
    /// Its scope.
    pub scope: FixtureScope,
    /// How often it was set up.
    pub times: usize,
    /// In how many workers.
    pub workers: usize,
    /// In all.
    pub seconds: f64,
    /// The longest time.
    pub longest: f64,
}

impl Fixture {
    /// Seconds for setting it up again in further workers: the mean of them, but for one. Only what is set up once for
    /// several modules would not have to be.
    #[must_use]
    pub fn repeated(&self) -> f64 {
        if self.workers < 2 || self.scope > FixtureScope::Package {
            return 0.0;
        }
        #[allow(clippy::cast_precision_loss, reason = "a few workers")]
        let share = (self.workers - 1) as f64 / self.workers as f64;
        self.seconds * share
    }
}

/// The modules that took most first. What a worker died in took until its death.
#[must_use]
pub fn modules(record: &Record, lanes: &Lanes) -> Vec<Module> {
    let mut sums: BTreeMap<&str, (Module, BTreeSet<WorkerId>)> = BTreeMap::new();
    let ran = record
        .executions
        .iter()
        .map(|run| (run.item, run.worker, f64::from(run.spent.total), run.spent.shared));
    let died = lanes.died_in().map(|stretch| (stretch.item, stretch.worker, stretch.seconds(), 0.0));
    for (item, worker, seconds, shared) in ran.chain(died) {
        let (module, workers) = sums.entry(module_of(&record.nodeids[item.index()])).or_default();
        module.tests += 1;
        module.seconds += seconds;
        module.shared += f64::from(shared);
        workers.insert(worker);
    }
    let named = |(name, (module, workers)): (&str, (Module, BTreeSet<WorkerId>))| Module {
        name: name.to_owned(),
        workers: workers.len(),
        ..module
    };
    let mut modules: Vec<Module> = sums.into_iter().map(named).collect();
    modules.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
    modules
}

/// The fixtures that took most first.
#[must_use]
pub fn fixtures(record: &Record) -> Vec<Fixture> {
    let mut by_name: BTreeMap<(&str, FixtureScope), Vec<(WorkerId, &FixtureTimes)>> = BTreeMap::new();
    for (worker, times) in &record.set_ups {
        by_name.entry((&times.name, times.scope)).or_default().push((*worker, times));
    }
    let summed = |((name, scope), set_ups): ((&str, _), Vec<(WorkerId, &FixtureTimes)>)| Fixture {
        name: name.to_owned(),
        scope,
        times: set_ups.iter().map(|(_, times)| times.times as usize).sum(),
        workers: set_ups.iter().map(|(worker, _)| worker).collect::<BTreeSet<_>>().len(),
        seconds: set_ups.iter().map(|(_, times)| f64::from(times.seconds)).sum(),
        longest: set_ups.iter().map(|(_, times)| f64::from(times.longest)).fold(0.0, f64::max),
    };
    let mut fixtures: Vec<Fixture> = by_name.into_iter().map(summed).collect();
    fixtures.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
    fixtures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Sample, close};

    #[test]
    fn what_a_worker_died_in_is_a_part_of_its_module() {
        let record = Sample::new()
            .worker(0, 0.0, 1.0)
            .ran(0, "a.py::x", 1.0, 2.0)
            .ran(1, "b.py::z", 1.0, 5.0)
            .crashed(0, "a.py::y", 9.0)
            .record();
        let modules = modules(&record, &Lanes::of(&record));
        assert_eq!((&*modules[0].name, modules[0].tests), ("a.py", 2));
        assert!(close(modules[0].seconds, 8.0));
    }

    #[test]
    fn modules_and_fixtures_are_summed_up() {
        let record = Sample::new()
            .ran(0, "a.py::x", 0.0, 1.0)
            .ran(1, "a.py::y", 0.0, 2.0)
            .ran(0, "b.py::z", 1.0, 5.0)
            .set_up(0, "::database", 1.0)
            .set_up(1, "::database", 3.0)
            .set_up(1, "::other", 0.5)
            .set_up_in(FixtureScope::Module, 0, "a.py::small", 0.25)
            .set_up_in(FixtureScope::Module, 1, "a.py::small", 0.2)
            .record();
        let modules = modules(&record, &Lanes::of(&record));
        assert_eq!(modules.iter().map(|module| &*module.name).collect::<Vec<_>>(), ["b.py", "a.py"]);
        assert_eq!((modules[1].tests, modules[1].workers), (2, 2));
        assert!(close(modules[1].seconds, 3.0));
        let fixtures = fixtures(&record);
        assert_eq!((&*fixtures[0].name, fixtures[0].times, fixtures[0].workers), ("::database", 2, 2));
        assert!(close(fixtures[0].longest, 3.0) && close(fixtures[0].repeated(), 2.0));
        assert!(close(fixtures[1].repeated(), 0.0));
        assert_eq!((&*fixtures[2].name, fixtures[2].workers), ("a.py::small", 2));
        assert!(close(fixtures[2].repeated(), 0.0), "each module's worker has to");
    }
}

//! How long tests took in earlier runs: pure; reading and writing is `timings_file`'s.
//!
//! A test's estimate is the lower median of its last [`RECENT`] durations, so that no single outlier reorders a suite.
//! What fixtures of a wider scope took is not the test's own: it is kept per module, as the price of a split.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Durations that are kept of each test.
pub const RECENT: usize = 5;
/// No more tests are kept than this; those that ran longest ago go first.
const MOST_TESTS: usize = 1_000_000;
/// Days after which a test that has not run is forgotten.
const FORGOTTEN_AFTER: u32 = 60;

/// What one run of a test has taken, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// All of it, as seen by its worker.
    pub total: f32,
    /// What it would need of a processor in that time, if it did not stand in line for one.
    pub cpu: f32,
    /// Set-up, without `shared` and `session`.
    pub setup: f32,
    /// The test's body.
    pub call: f32,
    /// Teardown.
    pub teardown: f32,
    /// Setting up fixtures of module and package scope, which the tests behind it will use too.
    pub shared: f32,
    /// Setting up fixtures of session scope.
    pub session: f32,
}

impl Spent {
    /// What the test would take again in a worker that has its shared fixtures.
    #[must_use]
    pub fn own(&self) -> f32 {
        self.total - self.shared - self.session
    }
}

/// What is known of one test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// Its last durations in seconds, newest first.
    pub recent: Vec<f32>,
    /// What the last run has taken.
    pub last: Spent,
    /// The day of the last run, counted from 1970.
    pub day: u32,
}

impl Test {
    /// Seconds that it is expected to take: the lower median.
    #[must_use]
    pub fn estimate(&self) -> Option<f32> {
        median(&self.recent)
    }
}

/// What is known of one module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// Seconds that its last imports took, newest first.
    pub imports: Vec<f32>,
    /// Seconds that its shared fixtures took to be set up in one worker, newest first.
    pub fixtures: Vec<f32>,
    /// The day of the last run, counted from 1970.
    pub day: u32,
}

impl Module {
    /// Seconds that its import takes.
    #[must_use]
    pub fn import(&self) -> Option<f32> {
        median(&self.imports)
    }

    /// Seconds that it takes to set its shared fixtures up again.
    #[must_use]
    pub fn price(&self) -> Option<f32> {
        median(&self.fixtures)
    }
}

/// What is known of one fixture of session or package scope.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fixture {
    /// Seconds that it took to be set up in the last runs, newest first.
    pub recent: Vec<f32>,
    /// The day of the last run, counted from 1970.
    pub day: u32,
}

impl Fixture {
    /// Seconds that it takes to be set up.
    #[must_use]
    pub fn seconds(&self) -> Option<f32> {
        median(&self.recent)
    }
}

/// All that is known, by node id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// By the node id of the test.
    pub tests: BTreeMap<String, Test>,
    /// By the part of the node id before the first `::`.
    pub modules: BTreeMap<String, Module>,
    /// By the name of the fixture, behind the node id of what defines it.
    pub fixtures: BTreeMap<String, Fixture>,
}

/// What one run has found out.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Tests that have run to their end.
    pub tests: Vec<(String, Spent)>,
    /// Seconds of each module's import.
    pub imports: Vec<(String, f32)>,
    /// Seconds that each module's shared fixtures took, on the average of the workers that set them up.
    pub shared: Vec<(String, f32)>,
    /// Seconds that each fixture of session or package scope took, on the average of the times it was set up.
    pub wide: Vec<(String, f32)>,
}

impl Timings {
    /// Adds what a run has found out on this day, and forgets what has not run for long.
    pub fn add(&mut self, findings: Findings, day: u32) {
        for (nodeid, spent) in findings.tests {
            let test = self.tests.entry(nodeid).or_default();
            remember(&mut test.recent, spent.own());
            test.last = spent;
            test.day = day;
        }
        for (name, seconds) in findings.imports {
            let module = self.modules.entry(name).or_default();
            remember(&mut module.imports, seconds);
            module.day = day;
        }
        for (name, seconds) in findings.shared {
            let module = self.modules.entry(name).or_default();
            remember(&mut module.fixtures, seconds);
            module.day = day;
        }
        for (name, seconds) in findings.wide {
            let fixture = self.fixtures.entry(name).or_default();
            remember(&mut fixture.recent, seconds);
            fixture.day = day;
        }
        self.forget(day, MOST_TESTS);
    }

    fn forget(&mut self, day: u32, most: usize) {
        let oldest = day.saturating_sub(FORGOTTEN_AFTER);
        self.tests.retain(|_, test| test.day >= oldest);
        if self.tests.len() > most {
            let mut days: Vec<u32> = self.tests.values().map(|test| test.day).collect();
            let (newer, &mut last, _) = days.select_nth_unstable_by(most, |a, b| b.cmp(a));
            // Of those that ran on the last day that is kept, as many as there is room for.
            let mut room = newer.iter().filter(|day| **day == last).count();
            self.tests.retain(|_, test| {
                let is_kept = test.day > last || (test.day == last && room > 0);
                room -= usize::from(is_kept && test.day == last);
                is_kept
            });
        }
        self.modules.retain(|_, module| module.day >= oldest);
        self.fixtures.retain(|_, fixture| fixture.day >= oldest);
    }
}

/// The module that a test is in, by its node id.
#[must_use]
pub fn module_of(nodeid: &str) -> &str {
    nodeid.split_once("::").map_or(nodeid, |(module, _)| module)
}

fn remember(recent: &mut Vec<f32>, seconds: f32) {
    if seconds.is_finite() {
        recent.insert(0, seconds.max(0.0));
        recent.truncate(RECENT);
    }
}

/// The lower median: of two, the smaller.
fn median(values: &[f32]) -> Option<f32> {
    let is_duration = |value: &f32| value.is_finite() && *value >= 0.0;
    let mut sorted: Vec<f32> = values.iter().copied().filter(is_duration).collect();
    sorted.sort_by(f32::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(total: f32) -> Spent {
        Spent { total, ..Spent::default() }
    }

    fn after(durations: &[f32]) -> Timings {
        let mut timings = Timings::default();
        for &seconds in durations {
            let tests = vec![("a.py::test".to_owned(), took(seconds))];
            timings.add(Findings { tests, ..Findings::default() }, 20_000);
        }
        timings
    }

    fn estimate(timings: &Timings) -> Option<f32> {
        timings.tests.get("a.py::test").and_then(Test::estimate)
    }

    #[test]
    fn one_outlier_changes_nothing() {
        assert_eq!(estimate(&after(&[])), None);
        assert_eq!(estimate(&after(&[1.0])), Some(1.0));
        assert_eq!(estimate(&after(&[1.0, 60.0])), Some(1.0));
        assert_eq!(estimate(&after(&[1.0, 0.9, 60.0, 1.1])), Some(1.0));
        assert_eq!(estimate(&after(&[1.0, f32::NAN])), Some(1.0));
    }

    #[test]
    fn a_lasting_change_is_followed() {
        assert_eq!(estimate(&after(&[1.0, 1.0, 1.0, 5.0, 5.0, 5.0])), Some(5.0));
    }

    #[test]
    fn wider_fixtures_are_not_the_tests_own() {
        let spent = Spent { total: 2.0, shared: 1.2, session: 0.5, ..Spent::default() };
        assert!((spent.own() - 0.3).abs() < 1e-6);
    }

    #[test]
    fn what_has_not_run_for_long_is_forgotten() {
        let mut timings = after(&[1.0]);
        timings.add(Findings::default(), 20_000 + FORGOTTEN_AFTER);
        assert!(estimate(&timings).is_some());
        timings.add(Findings::default(), 20_001 + FORGOTTEN_AFTER);
        assert_eq!(timings, Timings::default());
    }

    #[test]
    fn there_is_a_limit_to_what_is_kept() {
        let mut timings = Timings::default();
        for (day, names) in [(20_000, "ab"), (20_001, "cd"), (20_002, "e")] {
            let tests = names.chars().map(|name| (name.to_string(), took(1.0))).collect();
            timings.add(Findings { tests, ..Findings::default() }, day);
        }
        timings.forget(20_002, 4);
        assert_eq!(timings.tests.keys().collect::<Vec<_>>(), ["a", "c", "d", "e"]);
        timings.forget(20_002, 2);
        assert_eq!(timings.tests.keys().collect::<Vec<_>>(), ["c", "e"]);
    }

    #[test]
    fn a_module_is_what_stands_before_the_colons() {
        assert_eq!(module_of("tests/test_a.py::TestB::test_c[x::y]"), "tests/test_a.py");
        assert_eq!(module_of("odd"), "odd");
    }
}

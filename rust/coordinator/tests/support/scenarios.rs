//! Any run: what is collected, how long it takes, who dies, and when it is stopped.

use coordinator::ledger::NotRunReason;
use coordinator::model::{Collection, Item, Membership, WideFixture, WideFixtures};
use coordinator::plan::Order;
use coordinator::scheduler::Decision;
use proptest::prelude::*;

use crate::simulation::Scenario;

/// What an item is, relative to the one before it.
#[allow(clippy::struct_excessive_bools, reason = "it mirrors what a test may be marked with")]
#[derive(Clone, Debug)]
struct Blueprint {
    new_group: bool,
    new_atom: bool,
    gathered: Option<u32>,
    loose: bool,
    serial: bool,
    shares_fixtures: bool,
    wide: Option<u32>,
    duration: f64,
    estimate: Option<f64>,
    fails: bool,
}

fn durations() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => Just(0.0),
        3 => 1e-5..1e-3_f64,
        3 => 1e-3..0.1_f64,
        1 => 0.1..3.0_f64,
    ]
}

fn blueprints() -> impl Strategy<Value = Vec<Blueprint>> {
    let blueprint = (
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.6),
        prop::option::weighted(0.1, 0..3_u32),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.07),
        prop::bool::weighted(0.3),
        prop::option::weighted(0.2, 0..4_u32),
        durations(),
        prop::option::of(durations()),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(
                new_group,
                new_atom,
                gathered,
                loose,
                serial,
                shares_fixtures,
                wide,
                duration,
                estimate,
                fails,
            )| {
                Blueprint {
                    new_group,
                    new_atom,
                    gathered,
                    loose,
                    serial,
                    shares_fixtures,
                    wide,
                    duration,
                    estimate,
                    fails,
                }
            },
        );
    prop::collection::vec(blueprint, 0..80)
}

fn build(blueprints: &[Blueprint]) -> Vec<Item> {
    /// Above the keys of groups that are not gathered.
    const GATHERED: u32 = 1_000;
    /// Above those, as above the keys of atoms.
    const LOOSE: u32 = 2_000;
    let (mut group, mut atom) = (0, 0);
    let mut items = Vec::new();
    for blueprint in blueprints {
        group += u32::from(blueprint.new_group);
        atom += u32::from(blueprint.new_group || blueprint.new_atom);
        let number = u32::try_from(items.len()).expect("items fit their ids");
        let (group, atom, membership) = match (blueprint.gathered, blueprint.loose) {
            (Some(key), _) => (GATHERED + key, atom, Membership::Gathered),
            (None, true) => (LOOSE + group, LOOSE + number, Membership::Loose),
            (None, false) => (group, atom, Membership::Neighbours),
        };
        items.push(Item {
            group,
            atom,
            membership,
            serial: blueprint.serial,
            shares_fixtures: blueprint.shares_fixtures,
            estimate: blueprint.estimate,
            price: blueprint.estimate,
            wide: blueprint.wide,
        });
    }
    items
}

/// Four fixtures, in four sets.
fn fixtures() -> impl Strategy<Value = WideFixtures> {
    let fixture = (durations(), prop::bool::ANY).prop_map(|(seconds, of_package)| WideFixture {
        name: String::new(),
        of_package,
        seconds,
    });
    prop::collection::vec(fixture, 4).prop_map(|each| {
        let sets = vec![vec![0], vec![1], vec![0, 2], vec![3]];
        WideFixtures { each, sets }
    })
}

prop_compose! {
    /// A run in which nobody dies and nobody stops it.
    pub(crate) fn quiet_runs()(
        blueprints in blueprints(),
        ready_at in prop::collection::vec(0.0..0.3_f64, 1..8),
        balanced: bool,
        latency in prop_oneof![Just(0.0), 1e-5..1e-3_f64, 1e-3..0.1_f64],
        fixtures in fixtures(),
        surprised: bool,
    ) -> Scenario {
        Scenario {
            collection: Collection { items: build(&blueprints), fixtures, patience: Vec::new() },
            surprised,
            durations: blueprints.iter().map(|blueprint| blueprint.duration).collect(),
            failing: blueprints.iter().map(|blueprint| blueprint.fails).collect(),
            order: if balanced { Order::Balanced } else { Order::Collected },
            ready_at,
            deaths: Vec::new(),
            replacements: 0,
            retirements: Vec::new(),
            reliefs: Vec::new(),
            max_failures: None,
            stop_at: None,
            latency,
            each: false,
            reruns: 0,
            rerun_as: Decision::Again,
        }
    }
}

prop_compose! {
    /// A run in which workers die; some are replaced.
    pub(crate) fn deadly_runs()(
        run in quiet_runs(),
        deaths in prop::collection::vec((0.0..2.0_f64, 0..8_usize), 0..8),
        replacements in 0..6_u32,
    ) -> Scenario {
        Scenario { deaths, replacements, ..run }
    }
}

prop_compose! {
    /// A run in which workers are retired, and others die.
    pub(crate) fn retiring_runs()(
        run in deadly_runs(),
        retirements in prop::collection::vec((0.0..1.0_f64, 0..8_usize), 0..8),
    ) -> Scenario {
        Scenario { retirements, ..run }
    }
}

prop_compose! {
    /// A run that is stopped from outside or by its failures, while workers die and are retired.
    pub(crate) fn stopped_runs()(
        run in retiring_runs(),
        stop_at in prop::option::of((0.0..1.0_f64, prop::bool::ANY)),
        max_failures in prop::option::of(1..4_u32),
    ) -> Scenario {
        let stop_at = stop_at.map(|(at, interrupt)| {
            (at, if interrupt { NotRunReason::Interrupted } else { NotRunReason::Stopped })
        });
        Scenario { max_failures, stop_at, ..run }
    }
}

prop_compose! {
    /// A run in which every worker runs everything, and workers die and are retired.
    pub(crate) fn runs_of_each()(run in retiring_runs(), reruns in 0..3_u32) -> Scenario {
        Scenario { each: true, reruns, ..run }
    }
}

prop_compose! {
    /// A run in which workers die and are retired, and some of what they died in is run again.
    pub(crate) fn runs_with_reruns()(run in retiring_runs(), reruns in 1..4_u32) -> Scenario {
        Scenario { reruns, ..run }
    }
}

prop_compose! {
    /// A run in which workers die and are retired, and some of what they died in runs again alone; in one lane or in many.
    pub(crate) fn runs_with_confirmations()(run in stopped_runs(), reruns in 1..4_u32, each: bool) -> Scenario {
        Scenario { reruns, rerun_as: Decision::Alone, each, ..run }
    }
}

prop_compose! {
    /// A run in which workers leave for others to take their place, and some die; in one lane or in many.
    pub(crate) fn runs_with_reliefs()(
        run in deadly_runs(),
        reliefs in prop::collection::vec((0.0..1.0_f64, 0..16_usize), 0..12),
        each: bool,
    ) -> Scenario {
        Scenario { reliefs, each, ..run }
    }
}

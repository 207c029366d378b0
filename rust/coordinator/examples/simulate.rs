//! Simulates whole runs in virtual time and prints how far the scheduler is from a perfect one.
//!
//! Without options it prints a table of scenarios; with any option it simulates the one that they describe.

#![allow(clippy::print_stdout, reason = "printing the table is what it is for")]

#[path = "../tests/support/simulation.rs"]
mod simulation;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::time::Instant;

use coordinator::model::{Collection, Item, Membership, WideFixture, WideFixtures, WorkerId};
use coordinator::plan::Order;
use coordinator::scheduler::Decision;
use fastrand::Rng;
use lexopt::ValueExt;
use simulation::{Scenario, Simulation};

const USAGE: &str = "\
simulate [OPTIONS]

  --items N          items (10000)
  --workers N        workers, at least 1 (8)
  --modules N        modules, of sizes between nothing and twice the mean (250)
  --distribution D   of durations: uniform, exponential, lognormal or heavy (exponential)
  --fixtures N       expensive session fixtures, each used by some modules (0)
  --history          the scheduler knows what tests and fixtures take
  --error SIGMA      what it knows of tests is wrong by a log-normal factor (0)
  --seed N           of all chance (0)
  --deaths N         workers that die, and are replaced (0)

Without options: a table of scenarios. The bound is the larger of total / workers, every fixture
set up once, and the longest item.";

/// Seconds of a message between a worker and the coordinator; local sockets take less.
const LATENCY: f64 = 50e-6;

/// Mean seconds of an item.
const MEAN: f64 = 0.01;

/// A class has this many items; every second module consists of classes, the others of functions.
const CLASS: u32 = 5;

/// Modules of which the fixtures are shared, one in so many.
const SHARING: u32 = 10;

/// Of the log-normal durations.
const SIGMA: f64 = 1.5;

/// An expensive fixture takes as long as so many items.
const FIXTURE: f64 = 200.0;

/// So many modules in a hundred use one.
const USING: u32 = 10;

/// How the durations of items are spread around their mean.
#[derive(Clone, Copy, Debug)]
enum Distribution {
    /// From nothing to twice the mean.
    Uniform,
    /// Many short, few long.
    Exponential,
    /// Log-normal with a sigma of 1.5: the mean is three times the median.
    LogNormal,
    /// Pareto with shape 1.5: a few items take a good part of the whole.
    Heavy,
}

#[derive(Clone, Copy, Debug)]
struct Options {
    items: u32,
    workers: u32,
    modules: u32,
    distribution: Distribution,
    seed: u64,
    deaths: u32,
    fixtures: u32,
    history: bool,
    error: f64,
}

/// What is simulated if nothing is said.
const DEFAULT: Options = Options {
    items: 10_000,
    workers: 8,
    modules: 250,
    distribution: Distribution::Exponential,
    seed: 0,
    deaths: 0,
    fixtures: 0,
    history: false,
    error: 0.0,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = DEFAULT;
    let mut given = false;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        given = true;
        match argument {
            lexopt::Arg::Long("items") => options.items = parser.value()?.parse()?,
            lexopt::Arg::Long("workers") => options.workers = parser.value()?.parse()?,
            lexopt::Arg::Long("modules") => options.modules = parser.value()?.parse()?,
            lexopt::Arg::Long("seed") => options.seed = parser.value()?.parse()?,
            lexopt::Arg::Long("deaths") => options.deaths = parser.value()?.parse()?,
            lexopt::Arg::Long("fixtures") => options.fixtures = parser.value()?.parse()?,
            lexopt::Arg::Long("history") => options.history = true,
            lexopt::Arg::Long("error") => options.error = parser.value()?.parse()?,
            lexopt::Arg::Long("distribution") => {
                options.distribution = parser.value()?.parse_with(distribution)?;
            }
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => {
                println!("{USAGE}");
                return Ok(());
            }
            argument => return Err(argument.unexpected().into()),
        }
    }
    if options.workers == 0 {
        return Err("--workers: at least 1".into());
    }
    header();
    if given {
        simulate(options);
    } else {
        scenarios().into_iter().for_each(simulate);
    }
    Ok(())
}

fn distribution(name: &str) -> Result<Distribution, &'static str> {
    match name {
        "uniform" => Ok(Distribution::Uniform),
        "exponential" => Ok(Distribution::Exponential),
        "lognormal" => Ok(Distribution::LogNormal),
        "heavy" => Ok(Distribution::Heavy),
        _ => Err("use uniform, exponential, lognormal or heavy"),
    }
}

fn scenarios() -> Vec<Options> {
    let sizes =
        [(100, 4, 5), (1_000, 8, 1), (10_000, 8, 250), (100_000, 64, 2_500), (1_000_000, 1_000, 25_000)];
    let distributions =
        [Distribution::Uniform, Distribution::Exponential, Distribution::LogNormal, Distribution::Heavy];
    let mut scenarios = Vec::new();
    for (items, workers, modules) in sizes {
        for distribution in distributions {
            for history in [false, true] {
                scenarios.push(Options { items, workers, modules, distribution, history, ..DEFAULT });
            }
        }
    }
    for history in [false, true] {
        for modules in [1, 10] {
            scenarios.push(Options { items: 1_000_000, workers: 1_000, modules, history, ..DEFAULT });
        }
        for fixtures in [1, 5, 25] {
            scenarios.push(Options { fixtures, history, ..DEFAULT });
        }
    }
    scenarios.push(Options { deaths: 20, ..DEFAULT });
    scenarios.push(Options { items: 1_000_000, workers: 1_000, modules: 1_000_000, ..DEFAULT });
    scenarios.push(Options { items: 1_000_000, workers: 1_000, modules: 25_000, deaths: 200, ..DEFAULT });
    scenarios
}

fn header() {
    println!(
        "{:>9} {:>7} {:>9} {:>12} {:>8} {:>7} {:>6} | {:>10} {:>10} {:>7} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "items",
        "workers",
        "modules",
        "durations",
        "fixtures",
        "history",
        "deaths",
        "makespan s",
        "bound s",
        "ratio",
        "messages/i",
        "steals",
        "splits",
        "set-ups",
        "unsorted",
        "wall s"
    );
}

fn simulate(options: Options) {
    let scenario = scenario(&options);
    let bound = lower_bound(&scenario);
    let began = Instant::now();
    let mut simulation = Simulation::new(scenario);
    simulation.run();
    let wall = began.elapsed().as_secs_f64();
    assert!(simulation.scheduler.is_done(), "some items have not ended");
    let makespan = simulation.executions.iter().filter_map(|execution| execution.end).fold(0.0, f64::max);
    let thefts = simulation.scheduler.thefts();
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let messages = simulation.messages as f64 / f64::from(options.items.max(1));
    println!(
        "{:>9} {:>7} {:>9} {:>12} {:>8} {:>7} {:>6} | {makespan:>10.3} {bound:>10.3} {:>7.4} {messages:>10.3} {:>8} {:>8} {:>8} {:>7.1}% {wall:>8.2}",
        options.items,
        options.workers,
        options.modules,
        format!("{:?}", options.distribution).to_lowercase(),
        options.fixtures,
        if options.history { "yes" } else { "no" },
        simulation.died,
        if bound > 0.0 { makespan / bound } else { 1.0 },
        thefts.groups,
        thefts.splits,
        simulation.set_ups,
        100.0 * out_of_order(&simulation),
    );
}

fn scenario(options: &Options) -> Scenario {
    let mut rng = Rng::with_seed(options.seed);
    // Of its own, so that the same suites are simulated with it and without.
    let mut errors = Rng::with_seed(options.seed);
    let largest = 2 * options.items / options.modules.max(1);
    let (mut module, mut place, mut size) = (0, 0, rng.u32(1..=largest.max(1)));
    let mut items = Vec::with_capacity(options.items as usize);
    let mut durations = Vec::with_capacity(options.items as usize);
    for _ in 0..options.items {
        if place == size {
            (module, place, size) = (module + 1, 0, rng.u32(1..=largest.max(1)));
        }
        let class = if module % 2 == 0 { CLASS } else { 1 };
        let seconds = duration(&mut rng, options.distribution);
        items.push(Item {
            group: module,
            atom: place / class,
            membership: Membership::Neighbours,
            serial: false,
            shares_fixtures: module % SHARING == 0,
            estimate: options.history.then(|| seconds * error(&mut errors, options.error)),
            price: None,
            wide: (options.fixtures > 0 && module % 100 < USING).then(|| module % options.fixtures),
        });
        durations.push(seconds);
        place += 1;
    }
    let expected = durations.iter().sum::<f64>() / f64::from(options.workers.max(1));
    let deaths = (0..options.deaths).map(|_| (rng.f64() * expected, rng.usize(..usize::MAX))).collect();
    let fixture =
        |number: u32| WideFixture { name: number.to_string(), of_package: false, seconds: FIXTURE * MEAN };
    let fixtures = WideFixtures {
        each: (0..options.fixtures).map(fixture).collect(),
        sets: (0..options.fixtures).map(|number| vec![number]).collect(),
    };
    Scenario {
        failing: vec![false; items.len()],
        collection: Collection { items, fixtures, patience: Vec::new() },
        surprised: !options.history,
        durations,
        order: Order::Balanced,
        ready_at: vec![0.0; options.workers as usize],
        deaths,
        replacements: options.deaths,
        retirements: Vec::new(),
        reliefs: Vec::new(),
        max_failures: None,
        stop_at: None,
        latency: LATENCY,
        each: false,
        reruns: 0,
        rerun_as: Decision::Crashed,
    }
}

fn duration(rng: &mut Rng, distribution: Distribution) -> f64 {
    // In (0, 1], so that neither function below sees zero.
    let chance = 1.0 - rng.f64();
    match distribution {
        Distribution::Uniform => 2.0 * MEAN * chance,
        Distribution::Exponential => -MEAN * chance.ln(),
        Distribution::LogNormal => MEAN * (SIGMA * normal(rng, chance) - SIGMA * SIGMA / 2.0).exp(),
        Distribution::Heavy => MEAN / 3.0 * chance.powf(-1.0 / 1.5),
    }
}

/// The factor by which an estimate is wrong.
fn error(rng: &mut Rng, sigma: f64) -> f64 {
    let chance = 1.0 - rng.f64();
    (sigma * normal(rng, chance)).exp()
}

/// A normally distributed number, made of two evenly distributed ones (Box and Muller, 1958).
fn normal(rng: &mut Rng, chance: f64) -> f64 {
    (-2.0 * chance.ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos()
}

/// Of all pairs of items that one worker runs, how many are not in the order of collection.
fn out_of_order(simulation: &Simulation) -> f64 {
    let mut orders: BTreeMap<WorkerId, Vec<u32>> = BTreeMap::new();
    for execution in &simulation.executions {
        orders.entry(execution.worker).or_default().push(execution.item.0);
    }
    let (mut inverted, mut pairs) = (0, 0);
    for mut order in orders.into_values() {
        pairs += order.len() * order.len().saturating_sub(1) / 2;
        inverted += sort_and_count(&mut order);
    }
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let share = inverted as f64 / pairs.max(1) as f64;
    share
}

/// Sorts, and returns how many pairs were in the wrong order: merge sort.
fn sort_and_count(order: &mut [u32]) -> usize {
    if order.len() < 2 {
        return 0;
    }
    let (left, right) = order.split_at_mut(order.len() / 2);
    let mut inverted = sort_and_count(left) + sort_and_count(right);
    let mut behind = 0;
    for item in &*left {
        behind += right[behind..].partition_point(|other| other < item);
        inverted += behind;
    }
    order.sort_unstable();
    inverted
}

/// No schedule is shorter than a fair share of the work, nor than the longest item.
fn lower_bound(scenario: &Scenario) -> f64 {
    let workers = u32::try_from(scenario.ready_at.len()).unwrap_or(u32::MAX);
    let used: BTreeSet<u32> = scenario.collection.items.iter().filter_map(|item| item.wide).collect();
    let each = &scenario.collection.fixtures.each;
    let fixtures: f64 = used.into_iter().map(|number| each[number as usize].seconds).sum();
    let share = (scenario.durations.iter().sum::<f64>() + fixtures) / f64::from(workers.max(1));
    scenario.durations.iter().copied().fold(share, f64::max)
}

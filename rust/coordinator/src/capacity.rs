//! How many workers a run gets when nobody said, and why.

use std::fmt;

/// What the machine offers and what the tests need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inputs {
    /// Cores this process may use (affinity, cgroup quota).
    pub cores: usize,
    /// Bytes of memory that are available (system, cgroup limit), if known.
    pub available_memory: Option<u64>,
    /// Bytes that one more worker is expected to take.
    pub worker_memory: u64,
    /// The most workers that could ever be busy at once.
    pub separable: usize,
    /// Seconds that all tests are expected to take together.
    pub expected_total: f64,
    /// Of that, what needs a processor, if it has been measured.
    pub expected_cpu: Option<f64>,
    /// Seconds until a further worker runs its first test.
    pub worker_start: f64,
    /// Seconds that it may take for a fixture that others have set up too.
    pub worker_fixtures: f64,
}

/// No more workers than this, unless there are more cores, however little of them the tests use: what they wait for,
/// perhaps on this machine, has more to do with each.
const MOST_WAITING: usize = 32;

/// What limited the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// All usable cores are used.
    Cores,
    /// More than there are cores, since this share of the tests' time (percent) is waiting.
    Waiting(u8),
    /// There is not enough memory for more.
    Memory,
    /// There is no more work that can be separated.
    Work,
    /// A second worker would not start before the first is nearly done.
    NotWorthASecond,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Cores => f.write_str("one per usable core"),
            Limit::Waiting(percent) => write!(f, "tests wait {percent} % of their time"),
            Limit::Memory => f.write_str("limited by available memory"),
            Limit::Work => f.write_str("no more separable work"),
            Limit::NotWorthASecond => f.write_str("too little work to repay a second"),
        }
    }
}

/// The automatic number of workers, at least 1, and what limited it.
#[must_use]
pub fn automatic(inputs: Inputs) -> (usize, Limit) {
    let mut choice = at_best(inputs);
    let mut lower = |workers: u64, limit: Limit| {
        let workers = usize::try_from(workers).unwrap_or(usize::MAX).max(1);
        if workers < choice.0 {
            choice = (workers, limit);
        }
    };
    if let Some(available) = inputs.available_memory {
        lower(available / inputs.worker_memory.max(1), Limit::Memory);
    }
    lower(inputs.separable as u64, Limit::Work);
    // A second worker takes half of the work at best, and only once it is there.
    if inputs.expected_total / 2.0 <= inputs.worker_start {
        lower(1, Limit::NotWorthASecond);
    }
    choice
}

/// How many workers would be done soonest if nothing else limited them.
///
/// With n workers on c cores a run takes at least total / n, and the processor time of the tests and of n starts takes
/// (cpu + n * start) / c. As long as tests wait, the first is the longer; beyond √(total * c / start) workers, another
/// one costs more than it brings.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers, none negative"
)]
fn at_best(inputs: Inputs) -> (usize, Limit) {
    let cores = inputs.cores.max(1);
    let Some(cpu) = inputs.expected_cpu.filter(|cpu| *cpu > 0.0 && inputs.expected_total > 0.0) else {
        return (cores, Limit::Cores);
    };
    let share = (cpu / inputs.expected_total).min(1.0);
    let in_use = cores as f64 / share;
    let repaid = (inputs.expected_total * cores as f64
        / (inputs.worker_start + inputs.worker_fixtures).max(1e-3))
    .sqrt();
    let workers = in_use.min(repaid).min(MOST_WAITING as f64).round() as usize;
    if workers > cores {
        (workers, Limit::Waiting(((1.0 - share) * 100.0).round() as u8))
    } else {
        (cores, Limit::Cores)
    }
}

/// Cores that this process may use: CPU affinity and the cgroup's quota are respected.
#[must_use]
pub fn usable_cores() -> usize {
    num_cpus::get()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: Inputs = Inputs {
        cores: 8,
        available_memory: Some(8 << 30),
        worker_memory: 100 << 20,
        separable: 1000,
        expected_total: 60.0,
        expected_cpu: None,
        worker_start: 0.01,
        worker_fixtures: 0.0,
    };

    #[test]
    fn one_worker_per_core_when_there_is_plenty_of_everything() {
        assert_eq!(automatic(PLENTY), (8, Limit::Cores));
    }

    #[test]
    fn memory_limits() {
        let inputs = Inputs { available_memory: Some(350 << 20), ..PLENTY };
        assert_eq!(automatic(inputs), (3, Limit::Memory));
        let inputs = Inputs { available_memory: Some(1), ..PLENTY };
        assert_eq!(automatic(inputs), (1, Limit::Memory));
        let inputs = Inputs { available_memory: None, ..PLENTY };
        assert_eq!(automatic(inputs), (8, Limit::Cores));
    }

    #[test]
    fn separable_work_limits() {
        assert_eq!(automatic(Inputs { separable: 3, ..PLENTY }), (3, Limit::Work));
        assert_eq!(automatic(Inputs { separable: 0, ..PLENTY }), (1, Limit::Work));
    }

    #[test]
    fn a_second_worker_must_repay_its_start() {
        let inputs = Inputs { expected_total: 1.0, worker_start: 0.8, ..PLENTY };
        assert_eq!(automatic(inputs), (1, Limit::NotWorthASecond));
        let inputs = Inputs { expected_total: 2.0, worker_start: 0.8, ..PLENTY };
        assert_eq!(automatic(inputs), (8, Limit::Cores));
    }

    #[test]
    fn tests_that_wait_share_cores() {
        let half = Inputs { expected_cpu: Some(30.0), ..PLENTY };
        assert_eq!(automatic(half), (16, Limit::Waiting(50)));
        assert_eq!(automatic(Inputs { expected_cpu: Some(60.0), ..PLENTY }), (8, Limit::Cores));
        // More processor time than time: threads.
        assert_eq!(automatic(Inputs { expected_cpu: Some(90.0), ..PLENTY }), (8, Limit::Cores));
        let hardly = Inputs { expected_cpu: Some(0.6), ..PLENTY };
        assert_eq!(automatic(hardly), (32, Limit::Waiting(99)));
        assert_eq!(automatic(Inputs { cores: 40, ..hardly }), (40, Limit::Cores));
        // Each may set up what is expensive; a second one on an idle core costs nobody anything.
        let fixtures = Inputs { worker_fixtures: 5.0, ..hardly };
        assert_eq!(automatic(fixtures), (10, Limit::Waiting(99)));
        let fixtures = Inputs { worker_fixtures: 60.0, ..PLENTY };
        assert_eq!(automatic(fixtures), (8, Limit::Cores));
        // A short run does not repay the start of many.
        let short = Inputs { expected_total: 2.0, expected_cpu: Some(0.02), cores: 2, ..PLENTY };
        assert_eq!(automatic(short), (20, Limit::Waiting(99)));
        let short = Inputs { separable: 12, ..short };
        assert_eq!(automatic(short), (12, Limit::Work));
    }

    #[test]
    fn this_machine_has_a_core() {
        assert!(usable_cores() >= 1);
    }
}

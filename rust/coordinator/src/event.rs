//! What the coordinator tells the controller, and what the controller asks of it.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_bytes::ByteBuf;

use crate::history::Expected;
use crate::ledger::NotRunReason;
use crate::memory::Memory;
use crate::model::{ItemId, WorkerId};
use crate::plan::Order;
pub use crate::processes::Refusal;
use crate::protocol::{ExitStatus, LeftProcess, Role};
use crate::scheduler::Decision;

/// Something that the controller reports to its user or decides on.
#[derive(Debug)]
pub enum Event {
    /// A warning or a collection report.
    Note(ByteBuf),
    /// Collection is over, the plan stands.
    Collected {
        /// What the collector says of its items.
        payload: ByteBuf,
        /// The most workers that could ever be busy at once.
        separable: usize,
        /// Seconds that all items are expected to take together.
        expected_total: f64,
    },
    /// The collector died before it had collected, or while it was needed.
    CollectorLost(ExitStatus),
    /// A worker can run tests.
    Ready(WorkerId),
    /// Reports of one item.
    Reports {
        /// Who ran it.
        worker: WorkerId,
        /// The item.
        item: ItemId,
        /// No more reports of this item will come.
        finished: bool,
        /// The reports.
        payload: ByteBuf,
    },
    /// The items can't be dealt, and why.
    CannotBegin(String),
    /// A worker asks for the run to stop.
    WantsStop(ByteBuf),
    /// A worker died, running `item` if it is given.
    Crashed {
        /// The dead worker.
        worker: WorkerId,
        /// The test that is blamed.
        item: Option<ItemId>,
        /// For how long it has run that.
        seconds: f64,
        /// How it died.
        status: ExitStatus,
        /// It was killed because it had been at one thing for so many seconds.
        hung: Option<f64>,
    },
    /// A worker should take the place of this dead one.
    Needed(WorkerId),
    /// A worker should be started in which this item runs alone, since one has died in it.
    Confirm(ItemId),
    /// A worker holds more memory than it may. It leaves, and another takes its place.
    Outgrown {
        /// The worker.
        worker: WorkerId,
        /// What it holds.
        bytes: u64,
        /// The items that have added most, and how many bytes.
        grew: Vec<(ItemId, u64)>,
    },
    /// The machine has hardly any memory left.
    MemoryShort {
        /// What there is.
        memory: Memory,
        /// Workers that have nothing to do and are sent away.
        leaving: Vec<WorkerId>,
        /// Dead workers that are replaced later.
        postponed: Vec<WorkerId>,
    },
    /// This dead worker is not replaced although there is work.
    NotReplaced {
        /// The worker.
        worker: WorkerId,
        /// What workers are forked from is gone; or else as many have been replaced as may be.
        orphaned: bool,
    },
    /// A process can't be made. It does not come, nor does another in its place.
    NotStarted {
        /// `None`: the collector.
        worker: Option<WorkerId>,
        /// Why it can't.
        refusal: Refusal,
    },
    /// A worker wants the terminal, or returns it.
    Terminal {
        /// The worker.
        worker: WorkerId,
        /// It wants it.
        wanted: bool,
    },
    /// A worker ended as it should.
    Ended {
        /// The worker.
        worker: WorkerId,
        /// Its `workeroutput`.
        payload: ByteBuf,
    },
    /// A test has left a process behind, which was ended.
    LeftBehind {
        /// The worker that ran the test.
        worker: WorkerId,
        /// The process.
        process: LeftProcess,
    },
    /// A worker had nothing more to do and did not end; it was killed.
    Lingered(WorkerId),
    /// Every item is done and every worker has ended.
    Finished {
        /// The items that were not run, and why.
        not_run: Vec<(ItemId, NotRunReason)>,
    },
}

impl Event {
    /// Whether the controller should hear of it at once. Reports may wait a moment for company.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        match self {
            Event::Note(_) | Event::Reports { .. } | Event::Ready(_) => false,
            Event::Collected { .. }
            | Event::CollectorLost(_)
            | Event::CannotBegin(_)
            | Event::WantsStop(_)
            | Event::Crashed { .. }
            | Event::Needed(_)
            | Event::Confirm(_)
            | Event::Terminal { .. }
            | Event::LeftBehind { .. }
            | Event::Lingered(_)
            | Event::Outgrown { .. }
            | Event::MemoryShort { .. }
            | Event::NotReplaced { .. }
            | Event::NotStarted { .. }
            | Event::Ended { .. }
            | Event::Finished { .. } => true,
        }
    }
}

/// How a run is to be dispatched.
#[allow(clippy::struct_excessive_bools, reason = "independent answers of the controller")]
#[derive(Clone, Debug)]
pub struct Run {
    /// What tests find in their environment as the name of the run; none: what they start can't be found by it.
    pub testrunuid: Option<String>,
    /// Workers at the start.
    pub workers: u32,
    /// How many may be replaced after a crash.
    pub max_restarts: u32,
    /// Failures after which no test starts (`--maxfail`).
    pub max_failures: Option<u32>,
    /// Interrupt running tests when that limit is reached (`--fail-fast`).
    pub fail_fast: bool,
    /// Every worker runs every item (`--dist each`).
    pub each: bool,
    /// Seconds after which an item counts as hanging, and its worker is killed.
    pub hang_timeout: Option<f64>,
    /// Workers may say that they have outgrown a limit.
    pub replaces_grown: bool,
    /// The controller decides about each item that a worker dies in whether it runs again.
    pub decides_crashes: bool,
    /// How often it lets one run again alone at most.
    pub most_retries: u32,
    /// No test starts before every worker of the start has configured itself: what one does there may destroy what
    /// the tests of another have written.
    pub configures_first: bool,
}

/// Something the controller wants done.
#[derive(Debug)]
pub enum Command {
    /// How groups are ordered, decided before collection ends.
    Order(Order),
    /// `workerinput` for a process that configures itself.
    Configure(Role, ByteBuf),
    /// Start a process of its own.
    Spawn {
        /// What it will be.
        role: Role,
        /// Program and arguments.
        command: Vec<OsString>,
        /// Its whole environment.
        environment: Vec<(OsString, OsString)>,
    },
    /// For each collected item the key of the group that it belongs to, which is not split, instead of what the
    /// collector said of groups.
    Regroup(Vec<u32>),
    /// What is known from earlier runs.
    Expect {
        /// Of each collected item.
        items: Vec<Expected>,
        /// Seconds that fixtures of session and package scope take to be set up, by name.
        fixtures: BTreeMap<String, f64>,
    },
    /// Collection was fine: deal the items.
    Begin(Run),
    /// Let the template fork a worker.
    Fork(WorkerId, ByteBuf),
    /// Let the base fork a worker, which will configure itself and collect.
    ForkFromBase(WorkerId),
    /// Let the collector run tests itself.
    Become(WorkerId),
    /// Let a worker finish what it has claimed and end its session; others do the rest.
    Retire(WorkerId),
    /// What becomes of an item that a worker died in.
    Decide(ItemId, Decision),
    /// The worker that is started next is the one that [`Event::Confirm`] asks for.
    Confirm(WorkerId),
    /// The list of items for workers that collect for themselves.
    Items(ByteBuf),
    /// Whether the terminal is this worker's, until it returns it.
    Lend(WorkerId, bool),
    /// Let workers write down what their tests are at.
    Dump,
    /// Start no more tests; what runs may finish.
    Stop,
    /// Start no more tests and interrupt what runs.
    Interrupt,
    /// Kill every process now.
    Kill,
    /// Ask the template and the base to leave.
    Quit,
}

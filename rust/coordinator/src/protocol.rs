//! What the processes of a run say to each other. Payloads are Python's business and opaque here.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::model::{Collection, FixtureTimes, ItemId, WorkerId};
use crate::timings::Spent;

/// Raised with every change of a message.
pub const VERSION: u32 = 8;

/// The first message on every connection. Who has not sent the right one is not listened to.
#[derive(Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`] of the sender.
    pub version: u32,
    /// The run's secret.
    pub token: String,
    /// What the sender is.
    pub role: Role,
    /// Its process id.
    pub pid: u32,
}

/// What a process is, told in its greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// The single-threaded copy of the controller that forks the template.
    Base,
    /// The process that collects: a template that forks workers, or one that becomes `gw0` itself.
    Collector,
    /// A process that runs tests.
    Worker(WorkerId),
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitStatus {
    /// It left with this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
    /// Nobody could tell.
    Unknown,
}

/// A process that a test has started and not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftProcess {
    /// Its process id.
    pub pid: u32,
    /// That of the process which has started it.
    pub parent: u32,
    /// What it runs.
    pub command: String,
    /// The node ids of tests, one of which has started it.
    pub tests: Vec<String>,
}

/// From a process to the coordinator.
#[derive(Debug, Serialize, Deserialize)]
pub enum Upward {
    /// For the controller: a warning, a collection report.
    Note(ByteBuf),
    /// The collector's items, in collection order.
    Collected {
        /// What the plan needs to know of them.
        collection: Collection,
        /// What the controller needs to know of each.
        payload: ByteBuf,
    },
    /// A worker that collects for itself has done so and asks for the list of items to match its own against.
    WantItems,
    /// A worker that configures itself has done so.
    Configured,
    /// The worker can run tests.
    Ready,
    /// Reports of one item.
    Reports {
        /// The item.
        item: ItemId,
        /// How many of the reports count as failures.
        failures: u32,
        /// When they were told, by [`clock::seconds`](crate::clock::seconds).
        at: f64,
        /// What the item has taken, if no more reports of it will come.
        spent: Option<Spent>,
        /// The reports.
        payload: ByteBuf,
    },
    /// The worker has set up a fixture of session or package scope.
    SetUp {
        /// As in [`WideFixture`](crate::model::WideFixture).
        fixture: String,
        /// What it took.
        seconds: f32,
    },
    /// What the fixtures took that the worker has set up.
    Fixtures(Vec<FixtureTimes>),
    /// The worker has nothing it can claim, and waits. A lease may already be on its way to it, so that it goes on
    /// before the answer comes: the number tells it which question a [`Downward::Park`] answers.
    Starved(u32),
    /// The worker had claimed the item, but won't run it because the run stops.
    Released(ItemId),
    /// The item was running and was interrupted.
    Interrupted(ItemId),
    /// The worker itself wants the run to stop (`session.shouldstop`, `pytest.exit`).
    WantsStop(ByteBuf),
    /// The worker holds more memory than it may, and leaves.
    Outgrown {
        /// What it holds, in bytes.
        bytes: u64,
        /// The items that have added most, and how many bytes.
        grew: Vec<(ItemId, u64)>,
    },
    /// The worker's session is finished; the payload is its `workeroutput`.
    SessionEnded(ByteBuf),
    /// The worker does nothing more but to end, and its tests have left these processes.
    Leaving(Vec<LeftProcess>),
    /// A debugger has stopped the worker's test, and wants the terminal.
    WantsTerminal,
    /// It has no more use for the terminal.
    ReturnsTerminal,
    /// A child was forked.
    Forked {
        /// What the child is.
        role: Role,
        /// Its process id.
        pid: u32,
    },
    /// The system would not fork a child.
    NotForked {
        /// What the child was to be.
        role: Role,
        /// What the system says.
        reason: String,
    },
    /// A forked child has ended.
    Exited {
        /// Its process id.
        pid: u32,
        /// How it ended.
        status: ExitStatus,
    },
}

/// From the coordinator to a process.
#[derive(Debug, Serialize, Deserialize)]
pub enum Downward {
    /// `workerinput`, before the process configures itself.
    Configure(ByteBuf),
    /// The list of items, for a worker that has collected for itself.
    Items(ByteBuf),
    /// Fork a worker.
    Fork {
        /// The new worker.
        worker: WorkerId,
        /// Its `workerinput` if it is configured already; who configures itself is sent it later.
        payload: ByteBuf,
    },
    /// The collector is to run tests itself, as this worker.
    Become(WorkerId),
    /// These items may be claimed, in this order.
    Lease(Vec<ItemId>),
    /// Nothing now: tear down what is not kept, and wait.
    Park {
        /// The number of the question that this answers (0: the worker's readiness).
        question: u32,
        /// The item whose parents are kept; none: everything is torn down.
        keep: Option<ItemId>,
    },
    /// Whether the terminal is the worker's, until it returns it.
    Terminal(bool),
    /// Nothing more will come for it: what it has claimed it runs, then it finishes the session and leaves.
    End,
    /// Leave.
    Quit,
}

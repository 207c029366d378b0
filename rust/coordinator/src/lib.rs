//! The coordinator of a test run: plans, deals, supervises and records. It knows no Python.
//!
//! The flow of a run, and where it is:
//!
//! * collect: the collector sends its items ([`protocol`], over [`frame`] and [`transport`]);
//! * plan: [`plan`] makes groups and atoms of them, [`capacity`] chooses how many workers they get;
//! * plan, too: [`history`] tells it how long items took in earlier runs ([`timings`], [`timings_file`]);
//! * dispatch: [`scheduler`] decides, over [`deque`], [`ledger`] and [`claims`]; pure and simulated;
//! * run: workers claim items on the [`board`] and report through their [`link`] and [`outbox`];
//! * report: [`event`]s go to the controller; what ran where and when is kept as a [`record`] ([`record_file`]).
//!
//! `dispatcher` is the loop between the two halves: everything that it reacts to comes through one channel.

pub mod board;
pub mod capacity;
pub mod claims;
pub mod clock;
mod connection;
pub mod coordinator;
pub mod deque;
mod dispatcher;
pub mod error;
pub mod event;
pub mod frame;
mod hangs;
pub mod history;
mod holding;
pub mod ledger;
pub mod link;
pub mod memory;
pub mod model;
pub mod outbox;
mod pace;
pub mod plan;
mod processes;
mod progress;
pub mod protocol;
pub mod record;
pub mod record_file;
#[cfg(all(unix, any(test, fuzzing)))]
pub mod rehearsal;
pub mod scheduler;
mod shared_file;
pub mod signals;
pub mod table;
pub mod timings;
pub mod timings_file;
pub mod trail;
pub mod transport;
mod wide;
pub mod worker_state;

/// Name of the shared board in the run's private directory.
pub const BOARD: &str = "board";

//! `pytest_fastest._core`: the coordinator for Python. Conversions only; decisions are in the coordinator crate.

mod compose;
mod controller;
mod convert;
mod plain;
mod progress;
mod record;
mod timings;
mod worker;

/// The native half of the plugin.
#[pyo3::pymodule]
mod _core {
    #[pymodule_export]
    use crate::compose::Composed;
    #[pymodule_export]
    use crate::controller::{Address, Coordinator, Decision, Event, automatic_workers, total_memory};
    #[pymodule_export]
    use crate::plain::is_plain;
    #[pymodule_export]
    use crate::progress::progress_lines;
    #[pymodule_export]
    use crate::record::Record;
    #[pymodule_export]
    use crate::timings::Timings;
    #[pymodule_export]
    use crate::worker::{
        Board, Link, Message, die_with_parent, dump_signal, give_back_memory, kill_run, monotonic,
        resident_memory,
    };
}

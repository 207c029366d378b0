//! Whole runs, in which anybody says anything.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| coordinator::rehearsal::run(bytes));

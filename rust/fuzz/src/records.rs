//! Bytes as they may lie in the cache, as the record of a run.
#![no_main]

#[path = "../../report/tests/support/hostile_records.rs"]
mod hostile_records;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile_records::records(bytes));

//! Bytes as they may lie in the cache.
#![no_main]

#[path = "../../coordinator/tests/support/hostile_bytes.rs"]
mod hostile_bytes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile_bytes::timings(bytes));

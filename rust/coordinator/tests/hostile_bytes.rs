//! What may come over a connection, or lie in the cache: what the fuzzer has found to be worth keeping, and anything.

#[path = "support/hostile_bytes.rs"]
mod hostile_bytes;

use std::path::Path;

use coordinator::error::FrameError;
use coordinator::frame::{self, FrameReader, MAX_FRAME, MAX_GREETING};
use coordinator::protocol::{Hello, Role, Upward, VERSION};
use proptest::prelude::*;

/// Every file of a target's corpus.
fn corpus(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files: Vec<_> = folder.read_dir().expect("a corpus").collect();
    assert!(!files.is_empty());
    for file in files {
        check(&std::fs::read(file.expect("an entry").path()).expect("a file"));
    }
}

#[test]
fn the_corpora_hold() {
    corpus("frames", hostile_bytes::frames);
    corpus("timings", hostile_bytes::timings);
}

/// A message of these bytes behind their length.
fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(body.len()).expect("short").to_le_bytes().to_vec();
    frame.extend_from_slice(body);
    frame
}

fn pop<M: serde::de::DeserializeOwned>(mut stream: &[u8]) -> Result<Option<M>, FrameError> {
    let mut reader = FrameReader::default();
    reader.fill(&mut stream).expect("bytes");
    reader.pop()
}

#[test]
fn a_length_is_not_believed() {
    for (mut reader, length, most) in [
        (FrameReader::wary(), u32::try_from(MAX_GREETING).expect("small"), 4 * MAX_GREETING),
        (FrameReader::default(), u32::try_from(MAX_FRAME).expect("32 bits"), 128 << 10),
    ] {
        reader.fill(&mut &length.to_le_bytes()[..]).expect("bytes");
        assert!(matches!(reader.pop::<Upward>(), Ok(None)), "the rest may come");
        assert!(reader.capacity() <= most, "{} bytes for a number", reader.capacity());
        let (mut more, over) = (FrameReader::wary(), (length + 1).to_le_bytes());
        more.fill(&mut &over[..]).expect("bytes");
        assert!(matches!(more.pop::<Upward>(), Err(FrameError::TooLarge { .. })));
    }
}

#[test]
fn a_greeting_has_room_for_a_greeting_and_nothing_more() {
    let hello = Hello { version: u32::MAX, token: "f".repeat(32), role: Role::Collector, pid: u32::MAX };
    let mut bytes = Vec::new();
    frame::encode(&hello, &mut bytes).expect("encoded");
    assert!(bytes.len() <= MAX_GREETING);
    let long = Hello { version: VERSION, token: "f".repeat(MAX_GREETING), role: Role::Base, pid: 1 };
    frame::encode(&long, &mut bytes).expect("encoded");
    let mut reader = FrameReader::wary();
    reader.fill(&mut &bytes[..]).expect("bytes");
    assert!(matches!(reader.pop::<Hello>(), Err(FrameError::TooLarge { .. })));
}

#[test]
fn a_list_is_not_as_long_as_it_says() {
    // A collection of 2³²-1 items, of which none comes.
    let bytes = [&b"\x81\xa9Collected\x92\x93\xdd"[..], &[0xff; 4]].concat();
    assert!(matches!(pop::<Upward>(&framed(&bytes)), Err(FrameError::Decode(_))));
}

#[test]
fn deep_nesting_is_refused_on_a_small_stack() {
    // A field that nobody knows is skipped, with all that is in it.
    let deep = |depth| {
        let unknown = [&b"\x81\xa7Reports\x81\xa1?"[..], &b"\x91".repeat(depth), b"\xc0"].concat();
        pop::<Upward>(&framed(&unknown))
    };
    let reader = std::thread::Builder::new().stack_size(256 << 10);
    let refused = reader.spawn(move || [10, 100, 1_000, 60_000].map(|depth| deep(depth).is_err()));
    assert_eq!(refused.expect("a thread").join().expect("no overflow"), [true; 4]);
}

proptest! {
    #[test]
    fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        hostile_bytes::frames(&bytes);
        hostile_bytes::frames(&[&[9][..], &framed(&bytes)].concat());
    }

    #[test]
    fn anything_may_lie_in_the_cache(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        hostile_bytes::timings(&bytes);
        hostile_bytes::timings(&[b"fastest timings 2\n\x93", &bytes[..]].concat());
    }
}

//! Reports on their way from a worker to the coordinator, in memory that both have mapped.
//!
//! A message on the socket wakes three threads of the controller in turn, on cores that tests could use: for an empty
//! test that costs as much as the test. A report that nobody has to hear of at once is therefore left here, and the
//! coordinator looks a hundred times a second, and before anything else that it hears of that worker. What lies here
//! survives the death of its worker.
//!
//! One writer, one reader, a ring of bytes. Layout: two counters of bytes since the start, each in a cache line of its
//! own (written, read), then the ring. An entry is its length and how many messages the worker had sent before it on
//! the socket (32 bits each, little endian), then its bytes; it may wrap around the end.

#![allow(unsafe_code, reason = "maps memory shared between processes")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::MmapRaw;

use crate::error::BoardError;
use crate::model::WorkerId;
use crate::shared_file;

/// Bytes of the ring: reports of an empty test have about one thousand, and a worker runs some forty of those between
/// two looks. What does not fit is sent.
const CAPACITY: usize = 64 << 10;
const WRITTEN: usize = 0;
const READ: usize = 64;
const RING: usize = 128;
const PREFIX: usize = 8;

/// Where a worker's outbox lies in the run's private directory.
#[must_use]
pub fn path(directory: &Path, worker: WorkerId) -> PathBuf {
    directory.join(format!("outbox-{}", worker.0))
}

/// What both ends have mapped.
#[derive(Debug)]
struct Ring(MmapRaw);

/// The worker's end.
#[derive(Debug)]
pub struct Outbox(Ring);

/// The coordinator's end.
#[derive(Debug)]
pub struct Inbox(Ring);

impl Outbox {
    /// Maps what the coordinator has created.
    ///
    /// # Errors
    /// [`BoardError::Io`] if it can't be mapped, [`BoardError::Malformed`] if it has another size.
    pub fn open(path: &Path) -> Result<Self, BoardError> {
        let map = MmapRaw::map_raw(&shared_file::open(path)?)?;
        if map.len() == RING + CAPACITY { Ok(Self(Ring(map))) } else { Err(BoardError::Malformed) }
    }

    /// Leaves an entry for the coordinator, who sees it after as many messages on the socket as were `sent_before`;
    /// false if there is no room for it.
    pub fn push(&mut self, sent_before: u32, bytes: &[u8]) -> bool {
        let written = self.0.counter(WRITTEN).load(Ordering::Relaxed);
        let read = self.0.counter(READ).load(Ordering::Acquire);
        let (Ok(length), Ok(used)) =
            (u32::try_from(bytes.len()), usize::try_from(written.wrapping_sub(read)))
        else {
            return false;
        };
        let size = PREFIX + bytes.len();
        if used.checked_add(size).is_none_or(|needed| needed > CAPACITY) {
            return false;
        }
        self.0.write(written, &length.to_le_bytes());
        self.0.write(written + 4, &sent_before.to_le_bytes());
        self.0.write(written + PREFIX as u64, bytes);
        self.0.counter(WRITTEN).store(written + size as u64, Ordering::Release);
        true
    }
}

impl Inbox {
    /// Creates the file and maps it.
    ///
    /// # Errors
    /// [`BoardError::Io`] if the file can't be created, filled or mapped.
    pub fn create(path: &Path) -> Result<Self, BoardError> {
        Ok(Self(Ring(MmapRaw::map_raw(&shared_file::create(path, RING + CAPACITY)?)?)))
    }

    /// The next entry, unless the worker had sent more than `received` messages on the socket before it.
    ///
    /// # Errors
    /// [`BoardError::Malformed`] if what lies there can't have been left by [`Outbox::push`].
    pub fn pop(&mut self, received: u32) -> Result<Option<Vec<u8>>, BoardError> {
        let written = self.0.counter(WRITTEN).load(Ordering::Acquire);
        let read = self.0.counter(READ).load(Ordering::Relaxed);
        let there = usize::try_from(written.wrapping_sub(read)).unwrap_or(usize::MAX);
        if there == 0 {
            return Ok(None);
        }
        if !(PREFIX..=CAPACITY).contains(&there) {
            return Err(BoardError::Malformed);
        }
        let length = u32::from_le_bytes(self.0.read(read)) as usize;
        let sent_before = u32::from_le_bytes(self.0.read(read + 4));
        if length > there - PREFIX {
            return Err(BoardError::Malformed);
        }
        if sent_before > received {
            return Ok(None);
        }
        let mut bytes = vec![0; length];
        self.0.copy_out(read + PREFIX as u64, &mut bytes);
        self.0.counter(READ).store(read + (PREFIX + length) as u64, Ordering::Release);
        Ok(Some(bytes))
    }
}

impl Ring {
    /// A counter of bytes, which only grows.
    #[allow(
        clippy::cast_ptr_alignment,
        reason = "a mapping starts at a page, and the offset is a multiple of 64"
    )]
    fn counter(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset == WRITTEN || offset == READ, "no counter at {offset}");
        // SAFETY: both offsets lie in the mapping, which both constructors have checked to be larger.
        let counter = unsafe { self.0.as_ptr().add(offset) };
        // SAFETY: it is aligned, and lives as long as the mapping, which is `self`'s. The counters are only ever accessed
        // as atomics, for which any bit pattern is valid.
        unsafe { &*counter.cast::<AtomicU64>() }
    }

    /// Writes `bytes` at a place counted from the start of everything; what is there has been read.
    fn write(&self, at: u64, bytes: &[u8]) {
        let (start, before_wrap) = place(at, bytes.len());
        let (first, second) = bytes.split_at(before_wrap);
        // SAFETY: `start` lies within the ring.
        let at = unsafe { self.ring().add(start) };
        // SAFETY: the first part ends with the ring at the latest. Nobody else accesses it: the reader does not until the
        // counter of what is written says so, and there is one writer.
        unsafe { at.copy_from_nonoverlapping(first.as_ptr(), first.len()) };
        // SAFETY: the second part lies within the ring, since both are no more than its capacity; as above.
        unsafe { self.ring().copy_from_nonoverlapping(second.as_ptr(), second.len()) };
    }

    /// Copies out what was written at a place counted from the start of everything.
    fn copy_out(&self, at: u64, bytes: &mut [u8]) {
        let (start, before_wrap) = place(at, bytes.len());
        let (first, second) = bytes.split_at_mut(before_wrap);
        // SAFETY: `start` lies within the ring.
        let at = unsafe { self.ring().add(start) };
        // SAFETY: the first part ends with the ring at the latest. The writer has written it before it raised its counter,
        // and does not write there again until the reader has raised its own.
        unsafe { at.copy_to_nonoverlapping(first.as_mut_ptr(), first.len()) };
        // SAFETY: the second part lies within the ring, since both are no more than its capacity; as above.
        unsafe { self.ring().copy_to_nonoverlapping(second.as_mut_ptr(), second.len()) };
    }

    /// Where the ring begins.
    fn ring(&self) -> *mut u8 {
        // SAFETY: the mapping is larger, as both constructors have checked.
        unsafe { self.0.as_mut_ptr().add(RING) }
    }

    fn read(&self, at: u64) -> [u8; 4] {
        let mut bytes = [0; 4];
        self.copy_out(at, &mut bytes);
        bytes
    }
}

/// Where in the ring something starts, and how much of it lies before the ring's end.
fn place(at: u64, length: usize) -> (usize, usize) {
    assert!(length <= CAPACITY, "{length} bytes are more than an outbox holds");
    let start = usize::try_from(at % CAPACITY as u64).unwrap_or(0);
    (start, length.min(CAPACITY - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> (tempfile::TempDir, Outbox, Inbox) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = path(dir.path(), WorkerId(3));
        let inbox = Inbox::create(&path).expect("a new outbox");
        let outbox = Outbox::open(&path).expect("the same outbox");
        (dir, outbox, inbox)
    }

    #[test]
    fn what_is_left_is_found_in_order() {
        let (_dir, mut outbox, mut inbox) = ends();
        assert_eq!(inbox.pop(0).expect("well formed"), None);
        // Often around the ring, and over its end at every possible place.
        for round in 0..5_000_u32 {
            let sizes = [round as usize % 97, 1, 200];
            for size in sizes {
                assert!(outbox.push(0, &round.to_le_bytes().repeat(size)));
            }
            for size in sizes {
                assert_eq!(inbox.pop(0).expect("well formed"), Some(round.to_le_bytes().repeat(size)));
            }
            assert_eq!(inbox.pop(0).expect("well formed"), None);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_until_there_is_room() {
        let (_dir, mut outbox, mut inbox) = ends();
        assert!(!outbox.push(0, &vec![0; CAPACITY]));
        let half = vec![1; CAPACITY / 2 - PREFIX];
        assert!(outbox.push(0, &half) && outbox.push(0, &half));
        assert!(!outbox.push(0, &[]));
        assert_eq!(inbox.pop(0).expect("well formed"), Some(half));
        assert!(outbox.push(0, &[2; 1000]));
    }

    #[test]
    fn what_was_sent_on_the_socket_before_comes_first() {
        let (_dir, mut outbox, mut inbox) = ends();
        assert!(outbox.push(2, b"third"));
        assert_eq!(inbox.pop(1).expect("well formed"), None);
        assert_eq!(inbox.pop(2).expect("well formed"), Some(b"third".to_vec()));
    }

    #[test]
    fn the_two_ends_run_beside_each_other() {
        let (_dir, mut outbox, mut inbox) = ends();
        let writer = std::thread::spawn(move || {
            for number in 0..20_000_u32 {
                let entry = number.to_le_bytes().repeat(1 + number as usize % 700);
                while !outbox.push(number, &entry) {
                    std::thread::yield_now();
                }
            }
        });
        for number in 0..20_000_u32 {
            let entry = loop {
                if let Some(entry) = inbox.pop(number).expect("well formed") {
                    break entry;
                }
                std::thread::yield_now();
            };
            assert_eq!(entry, number.to_le_bytes().repeat(1 + number as usize % 700));
        }
        writer.join().expect("the writer has ended");
    }

    #[test]
    fn nonsense_is_refused() {
        let (dir, outbox, mut inbox) = ends();
        outbox.0.counter(WRITTEN).store(3, Ordering::Release);
        assert!(inbox.pop(9).is_err(), "shorter than a prefix");
        outbox.0.counter(WRITTEN).store(u64::MAX, Ordering::Release);
        assert!(inbox.pop(9).is_err(), "more than the ring holds");
        outbox.0.write(0, &500_u32.to_le_bytes());
        outbox.0.counter(WRITTEN).store(20, Ordering::Release);
        assert!(inbox.pop(9).is_err(), "longer than what is there");
        let other = dir.path().join("other");
        std::fs::write(&other, [0; 64]).expect("a file");
        assert!(Outbox::open(&other).is_err());
    }
}

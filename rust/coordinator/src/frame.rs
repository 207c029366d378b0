//! Messages on a byte stream: a length (32 bits, little endian), then one msgpack value.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::FrameError;

/// No message is larger (bytes). The largest one by far is a test's report with its captured output, which the
/// worker shortens well below this.
pub const MAX_FRAME: usize = 256 << 20;

/// Nor is a [`Hello`](crate::protocol::Hello), which has some fifty (bytes): nobody gets more room before it.
pub const MAX_GREETING: usize = 256;

/// No message is nested deeper: a collection's fixtures are six deep. What is skipped, since no field has its name, is
/// walked through too, on the small stack of a thread that reads.
const MAX_DEPTH: usize = 16;

/// A buffer that has grown beyond this (bytes) is given back after use: the collector's message has megabytes, those
/// behind it have hundreds of bytes.
const KEPT: usize = 1 << 20;

/// Empties a buffer, and gives its memory back if it has grown large.
pub(crate) fn empty(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(KEPT);
}

/// Bytes asked of the socket at a time: several small messages arrive with one system call.
const CHUNK: usize = 64 << 10;

/// Encodes `message` behind its length, into `buffer`, which is cleared first so that it can be used again.
///
/// # Errors
/// [`FrameError::Encode`] or [`FrameError::TooLarge`].
pub fn encode<M: Serialize>(message: &M, buffer: &mut Vec<u8>) -> Result<(), FrameError> {
    buffer.clear();
    buffer.extend_from_slice(&[0; 4]);
    rmp_serde::encode::write(buffer, message)?;
    let length = buffer.len() - 4;
    match u32::try_from(length) {
        Ok(prefix) if length <= MAX_FRAME => buffer[..4].copy_from_slice(&prefix.to_le_bytes()),
        Ok(_) | Err(_) => return Err(FrameError::TooLarge { length, limit: MAX_FRAME }),
    }
    Ok(())
}

/// What [`encode`] has put behind the length.
#[must_use]
pub fn body(buffer: &[u8]) -> &[u8] {
    buffer.get(4..).unwrap_or_default()
}

/// The message that [`body`] is of.
///
/// # Errors
/// [`FrameError::Decode`].
pub fn decode<M: DeserializeOwned>(body: &[u8]) -> Result<M, FrameError> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(body);
    deserializer.set_max_depth(MAX_DEPTH);
    Ok(M::deserialize(&mut deserializer)?)
}

/// Encodes and writes one message with a single write.
///
/// # Errors
/// As [`encode`], and [`FrameError::Io`].
pub fn write<M: Serialize>(
    stream: &mut impl Write,
    message: &M,
    buffer: &mut Vec<u8>,
) -> Result<(), FrameError> {
    encode(message, buffer)?;
    stream.write_all(buffer)?;
    Ok(())
}

/// Bytes received so far, and the messages that are complete in them.
#[derive(Debug)]
pub struct FrameReader {
    bytes: Vec<u8>,
    start: usize,
    limit: usize,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self { bytes: Vec::new(), start: 0, limit: MAX_FRAME }
    }
}

impl FrameReader {
    /// For a sender who has not greeted yet.
    #[must_use]
    pub fn wary() -> Self {
        Self { limit: MAX_GREETING, ..Self::default() }
    }

    /// From now on messages may be as large as any.
    pub fn trust(&mut self) {
        self.limit = MAX_FRAME;
    }

    /// Bytes of memory that are held.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The next complete message, if the bytes received so far hold one.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] or [`FrameError::Decode`]; the stream is of no use after either.
    pub fn pop<M: DeserializeOwned>(&mut self) -> Result<Option<M>, FrameError> {
        let pending = &self.bytes[self.start..];
        let Some((prefix, rest)) = pending.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*prefix) as usize;
        if length > self.limit {
            return Err(FrameError::TooLarge { length, limit: self.limit });
        }
        let Some(body) = rest.get(..length) else {
            return Ok(None);
        };
        let message = decode(body)?;
        self.start += 4 + length;
        if self.start == self.bytes.len() {
            empty(&mut self.bytes);
            self.start = 0;
        }
        Ok(Some(message))
    }

    /// Reads once from the stream: at least one byte, or an error.
    ///
    /// # Errors
    /// [`FrameError::Closed`] at the end of the stream, [`FrameError::Io`] (also `WouldBlock`, `Interrupted`).
    pub fn fill(&mut self, stream: &mut impl Read) -> Result<(), FrameError> {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        let length = self.bytes.len();
        self.bytes.resize(length + CHUNK.min(self.limit), 0);
        let result = stream.read(&mut self.bytes[length..]);
        self.bytes.truncate(length + result.as_ref().map_or(0, |count| *count));
        match result {
            Ok(0) => Err(FrameError::Closed),
            Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Blocks until one message is complete.
    ///
    /// # Errors
    /// As [`FrameReader::pop`] and [`FrameReader::fill`]; `Interrupted` is retried.
    pub fn next<M: DeserializeOwned>(&mut self, stream: &mut impl Read) -> Result<M, FrameError> {
        loop {
            if let Some(message) = self.pop()? {
                return Ok(message);
            }
            match self.fill(stream) {
                Ok(()) => {}
                Err(FrameError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_any_cut_of_the_stream() {
        let mut stream = Vec::new();
        let mut buffer = Vec::new();
        for number in 0..50_u32 {
            write(&mut stream, &vec![number; number as usize], &mut buffer).expect("encodes");
        }
        for cut in [1, 2, 3, 7, 64, stream.len()] {
            let mut reader = FrameReader::default();
            let mut messages = Vec::new();
            for mut chunk in stream.chunks(cut) {
                reader.fill(&mut chunk).expect("bytes");
                while let Some(message) = reader.pop::<Vec<u32>>().expect("decodes") {
                    messages.push(message);
                }
            }
            assert_eq!(messages.len(), 50, "cut at {cut}");
            assert_eq!(messages[49], vec![49; 49]);
        }
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_before_it_is_read() {
        let mut reader = FrameReader::default();
        reader.fill(&mut &u32::MAX.to_le_bytes()[..]).expect("bytes");
        assert!(matches!(reader.pop::<u32>(), Err(FrameError::TooLarge { .. })));
    }

    #[test]
    fn bytes_that_are_no_message_are_an_error() {
        let mut reader = FrameReader::default();
        reader.fill(&mut &[1, 0, 0, 0, 0xc1][..]).expect("bytes");
        assert!(matches!(reader.pop::<u32>(), Err(FrameError::Decode(_))));
    }

    #[test]
    fn the_end_of_the_stream_is_told_apart_from_silence() {
        let mut reader = FrameReader::default();
        assert!(matches!(reader.next::<u32>(&mut &[][..]), Err(FrameError::Closed)));
    }
}

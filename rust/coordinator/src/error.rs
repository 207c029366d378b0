//! What can go wrong at the rim: typed, lower-case fragments that compose.

use std::io;

/// The shared board can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The file can't be created, opened or mapped.
    #[error("the claims board can't be mapped: {0}")]
    Io(#[from] io::Error),
    /// The file holds something else.
    #[error("the claims board is malformed")]
    Malformed,
    /// Items or workers don't fit 32 bits.
    #[error("too many items for one run")]
    TooLarge,
}

/// A frame can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// The other side closed the connection between two frames.
    #[error("the connection was closed")]
    Closed,
    /// The frame is larger than the protocol allows.
    #[error("a frame of {length} bytes is larger than the limit of {limit}")]
    TooLarge {
        /// Its bytes.
        length: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// The bytes are not a message of this protocol.
    #[error("a frame could not be decoded: {0}")]
    Decode(#[from] rmp_serde::decode::Error),
    /// The message can't be encoded.
    #[error("a frame could not be encoded: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
}

/// The dispatcher's thread has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the coordinator has ended")]
pub struct DispatcherGone;

/// The coordinator can't be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No directory is both private and short enough for a socket.
    #[error("no directory is usable for the run's socket (tried {tried}): {source}")]
    Directory {
        /// The directories that were tried.
        tried: String,
        /// Why the last one failed.
        source: io::Error,
    },
    /// The socket can't be bound.
    #[error("the run's socket can't be bound: {0}")]
    Bind(io::Error),
    /// A thread can't be started.
    #[error("{0}")]
    Thread(io::Error),
    /// No randomness for the token.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

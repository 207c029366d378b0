//! A process's end of its connection to the coordinator. No threads: the process forks.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::FrameError;
use crate::frame::{self, FrameReader};
use crate::model::WorkerId;
use crate::outbox::{self, Outbox};
use crate::protocol::{Downward, Hello, Role, Upward, VERSION};
use crate::transport::{self, Stream};

/// An open connection to the coordinator.
#[derive(Debug)]
pub struct Link {
    stream: Stream,
    reader: FrameReader,
    buffer: Vec<u8>,
    blocking: bool,
    directory: PathBuf,
    /// Of a worker, unless there was no room for it.
    outbox: Option<Outbox>,
    /// How many messages have been sent.
    sent: u32,
}

impl Link {
    /// Connects to the coordinator of the run in `directory` and greets it.
    ///
    /// # Errors
    /// [`FrameError::Io`] if nobody listens there.
    pub fn connect(directory: &Path, token: &str, role: Role) -> Result<Self, FrameError> {
        let stream = transport::connect(&transport::address(directory))?;
        let mut link = Self {
            stream,
            reader: FrameReader::default(),
            buffer: Vec::new(),
            blocking: true,
            directory: directory.to_owned(),
            outbox: None,
            sent: 0,
        };
        let pid = std::process::id();
        frame::encode(&Hello { version: VERSION, token: token.to_owned(), role, pid }, &mut link.buffer)?;
        link.send_buffer()?;
        Ok(link)
    }

    /// Sends one message with one write.
    ///
    /// # Errors
    /// [`FrameError::Io`] if the coordinator is gone, [`FrameError::TooLarge`] if the message is.
    pub fn send(&mut self, message: &Upward) -> Result<(), FrameError> {
        frame::encode(message, &mut self.buffer)?;
        self.send_buffer()
    }

    /// Says that this worker can run tests.
    ///
    /// # Errors
    /// As [`Link::send`].
    pub fn ready(&mut self, worker: WorkerId) -> Result<(), FrameError> {
        self.outbox = Outbox::open(&outbox::path(&self.directory, worker)).ok();
        self.send(&Upward::Ready)
    }

    /// Leaves a message where the coordinator looks soon; sends it if there is no room.
    ///
    /// # Errors
    /// As [`Link::send`].
    pub fn leave(&mut self, message: &Upward) -> Result<(), FrameError> {
        // Who is cut off is to notice it now, in the test that has closed the connection.
        transport::probe(&self.stream)?;
        frame::encode(message, &mut self.buffer)?;
        let sent = self.sent;
        if self.outbox.as_mut().is_some_and(|outbox| outbox.push(sent, frame::body(&self.buffer))) {
            frame::empty(&mut self.buffer);
            return Ok(());
        }
        self.send_buffer()
    }

    fn send_buffer(&mut self) -> Result<(), FrameError> {
        self.set_blocking(true)?;
        let sent = transport::send_all(&self.stream, &self.buffer);
        frame::empty(&mut self.buffer);
        self.sent = self.sent.wrapping_add(1);
        Ok(sent?)
    }

    /// The next message. `None` if `wait` is false and no message is complete.
    ///
    /// # Errors
    /// [`FrameError::Closed`] if the coordinator is gone; [`FrameError::Io`] with `Interrupted` if a signal came
    /// while waiting, so that the caller can look at it and call again.
    pub fn receive(&mut self, wait: bool) -> Result<Option<Downward>, FrameError> {
        loop {
            if let Some(message) = self.reader.pop()? {
                return Ok(Some(message));
            }
            self.set_blocking(wait)?;
            match self.reader.fill(&mut self.stream) {
                Ok(()) => {}
                Err(FrameError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The connection's file descriptor, to `poll` it beside others.
    #[cfg(unix)]
    #[must_use]
    pub fn descriptor(&self) -> i32 {
        transport::descriptor(&self.stream)
    }

    fn set_blocking(&mut self, blocking: bool) -> io::Result<()> {
        if self.blocking != blocking {
            transport::set_blocking(&self.stream, blocking)?;
            self.blocking = blocking;
        }
        Ok(())
    }
}

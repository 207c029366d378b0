//! One connection: what was sent and has not arrived yet, and the other end.

use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use crate::connection::{Input, Peer};
use crate::frame::{self, FrameReader};
use crate::processes::ConnectionId;
use crate::protocol::{Downward, Role, Upward};
use crate::transport;

/// What the dispatcher will hear of it.
pub(super) enum Sent {
    Hello { role: Role, pid: u32, peer: Peer },
    Message(Vec<u8>),
    Closed,
}

pub(super) struct Wire {
    /// What is under way.
    pub(super) sent: VecDeque<Sent>,
    /// Messages that were sent, the greeting included.
    pub(super) count: u32,
    /// The last message about an item that was sent: it may come twice.
    pub(super) last: Option<Vec<u8>>,
    is_closed: bool,
    end: UnixStream,
    reader: FrameReader,
}

impl Wire {
    /// Somebody connects and greets.
    pub(super) fn new(role: Role, pid: u32) -> Self {
        let (ours, end) = UnixStream::pair().expect("two ends");
        end.set_nonblocking(true).expect("it need not wait");
        let peer = Peer::new(Arc::new(transport::from_unix(ours)));
        let sent = VecDeque::from([Sent::Hello { role, pid, peer }]);
        Self { sent, count: 1, last: None, is_closed: false, end, reader: FrameReader::default() }
    }

    /// The greeting is not even under way, for all that anybody knows.
    pub(super) fn has_not_come(&self) -> bool {
        matches!(self.sent.front(), Some(Sent::Hello { .. }))
    }

    pub(super) fn send(&mut self, message: &Upward) {
        let bytes = encoded(message);
        if let Upward::Reports { .. } = message {
            self.last = Some(bytes.clone());
        }
        self.sent.push_back(Sent::Message(bytes));
        self.count += 1;
    }

    /// The next message of the dispatcher, if there is one; an error if it has ended the connection.
    pub(super) fn receive(&mut self) -> Result<Option<Downward>, ()> {
        loop {
            if let Some(message) = self.reader.pop().expect("the dispatcher speaks our language") {
                return Ok(Some(message));
            }
            match self.reader.fill(&mut self.end) {
                Ok(()) => {}
                Err(crate::error::FrameError::Io(error))
                    if error.kind() == std::io::ErrorKind::WouldBlock =>
                {
                    return Ok(None);
                }
                Err(_) => return Err(()),
            }
        }
    }

    /// What arrives next. If nobody reads at the other end, and the dispatcher has ended the connection, that it is closed.
    pub(super) fn arrive(&mut self, connection: ConnectionId, is_read: bool) -> Option<Input> {
        if self.sent.is_empty() && !is_read && !self.is_closed {
            while let Some(unread) = self.receive().transpose() {
                if unread.is_err() {
                    self.sent.push_back(Sent::Closed);
                    break;
                }
            }
        }
        let sent = self.sent.pop_front()?;
        self.is_closed |= matches!(sent, Sent::Closed);
        Some(match sent {
            Sent::Hello { role, pid, peer } => Input::Connected { connection, role, pid, peer },
            Sent::Message(bytes) => {
                Input::Message(connection, frame::decode(&bytes).expect("it was encoded"))
            }
            Sent::Closed => Input::Closed(connection),
        })
    }
}

/// A message without its length.
pub(super) fn encoded(message: &Upward) -> Vec<u8> {
    let mut buffer = Vec::new();
    frame::encode(message, &mut buffer).expect("it can be encoded");
    frame::body(&buffer).to_vec()
}

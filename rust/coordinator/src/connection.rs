//! Threads that turn sockets and child processes into inputs of the dispatcher.

use std::ffi::OsString;
use std::io;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use subtle::ConstantTimeEq;

use crate::error::FrameError;
use crate::event::Command;
use crate::frame::FrameReader;
use crate::processes::ConnectionId;
use crate::protocol::{ExitStatus, Hello, Role, Upward, VERSION};
use crate::transport::{self, Listener, Stream};

/// Stack of a reader thread (bytes): it only decodes frames. The default of 2 MiB would be 1 GiB at 500 workers.
const READER_STACK: usize = 256 << 10;

/// How many connections may be open that have not greeted; more wait in the socket's queue. Each is a thread.
const AT_THE_DOOR: usize = 64;

/// A process greets as soon as it is connected. Who has not after this time does not belong here.
const GREETING_PATIENCE: Duration = Duration::from_secs(10);

/// A process takes what it is sent; the system keeps some for it besides. Who has not after this time is stopped, or does
/// not want to, and everybody would wait for it.
const SENDING_PATIENCE: Duration = Duration::from_secs(10);

/// Pause before the next try where the system has nothing to give (too many open files), or nobody may come in.
const PAUSE: Duration = Duration::from_millis(20);

/// What the dispatcher reacts to.
#[derive(Debug)]
pub(crate) enum Input {
    /// From the controller.
    Command(Command),
    /// A process with the right token has greeted.
    Connected { connection: ConnectionId, role: Role, pid: u32, peer: Peer },
    /// A message of a connected process.
    Message(ConnectionId, Upward),
    /// The connection is closed or broken.
    Closed(ConnectionId),
    /// A spawned child has ended.
    ChildExited { pid: u32, status: ExitStatus },
}

/// The dispatcher's hold on a connection. When it lets go the connection ends, although a thread still reads it: a
/// process that has greeted just as the dispatcher came to its end would wait for ever.
#[derive(Debug)]
pub(crate) struct Peer(Arc<Stream>);

impl Peer {
    #[cfg(any(test, fuzzing))]
    pub(crate) fn new(stream: Arc<Stream>) -> Self {
        Self(stream)
    }

    /// The connection.
    pub(crate) fn stream(&self) -> &Stream {
        &self.0
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        transport::hang_up(&self.0);
    }
}

/// A place at the door, given back when it is dropped.
#[derive(Debug)]
struct Place(Receiver<()>);

impl Drop for Place {
    fn drop(&mut self) {
        let _taken_back = self.0.try_recv();
    }
}

/// Accepts connections of this user until `closing` is set and somebody connects to wake it up.
pub(crate) fn accept_all(listener: &Listener, closing: &AtomicBool, readers: &Readers) {
    let (enter, leave) = bounded(AT_THE_DOOR);
    while !closing.load(Ordering::Acquire) {
        let Ok(stream) = transport::accept(listener) else {
            thread::sleep(PAUSE);
            continue;
        };
        if !transport::is_own_user(&stream) {
            continue;
        }
        while enter.send_timeout((), PAUSE).is_err() {
            if closing.load(Ordering::Acquire) {
                return;
            }
        }
        // Whoever has connected to wake this up is dropped here.
        if closing.load(Ordering::Acquire) {
            return;
        }
        readers.meet(Visit { stream, place: Place(leave.clone()) });
    }
}

/// Threads that read connections, one for each process that is to connect. A thread is there before its process is
/// asked for: where the system has none left, it is known at once which process does not come, and why.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    token: Arc<str>,
    inputs: Sender<Input>,
    /// Threads that nobody has been sent to.
    idle: Arc<AtomicUsize>,
    /// `None` lets a thread end.
    visits: (Sender<Option<Visit>>, Receiver<Option<Visit>>),
}

/// A connection that has not greeted yet.
#[derive(Debug)]
struct Visit {
    stream: Stream,
    place: Place,
}

impl Readers {
    pub(crate) fn new(token: Arc<str>, inputs: Sender<Input>) -> Self {
        Self { token, inputs, idle: Arc::default(), visits: unbounded() }
    }

    /// Starts another one.
    ///
    /// # Errors
    /// Any I/O error of starting the thread.
    pub(crate) fn provide(&self) -> io::Result<()> {
        // Not the sender of visits: when the run has no more use for readers, the idle ones are to end.
        let (visits, idle) = (self.visits.1.clone(), Arc::clone(&self.idle));
        let (token, inputs) = (Arc::clone(&self.token), self.inputs.clone());
        thread::Builder::new().name("fastest-read".to_owned()).stack_size(READER_STACK).spawn(move || {
            while let Ok(Some(visit)) = visits.recv() {
                match read_all(visit, &token, &inputs) {
                    Visitor::Process => return,
                    Visitor::Stranger => idle.fetch_add(1, Ordering::AcqRel),
                };
            }
        })?;
        self.idle.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Starts a process of its own and waits for it in a thread. Its connection needs a reader besides.
    ///
    /// # Errors
    /// Any I/O error of starting the process or the thread.
    pub(crate) fn spawn(
        &self,
        command: &[OsString],
        environment: &[(OsString, OsString)],
    ) -> io::Result<u32> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let (to_thread, child) = bounded(1);
        let inputs = self.inputs.clone();
        // Before the process: there is nobody to end one that can't be waited for.
        thread::Builder::new().name("fastest-wait".to_owned()).stack_size(READER_STACK).spawn(move || {
            if let Ok(child) = child.recv() {
                wait(child, &inputs);
            }
        })?;
        let child = std::process::Command::new(program)
            .args(arguments)
            // Not inherited: Python may be changing this process's environment at this moment, in another thread.
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .spawn()?;
        let pid = child.id();
        let _waited_for = to_thread.send(child);
        Ok(pid)
    }

    /// One is not needed after all.
    pub(crate) fn withdraw(&self) {
        if self.take() {
            let _ended = self.visits.0.send(None);
        }
    }

    /// Has a connection read. Without a thread it is dropped: its process sees it closed and leaves.
    fn meet(&self, visit: Visit) {
        while !self.take() {
            // A stranger may have taken the place of a process.
            if self.provide().is_err() {
                return;
            }
        }
        let _ended = self.visits.0.send(Some(visit));
    }

    fn take(&self) -> bool {
        self.idle.fetch_update(Ordering::AcqRel, Ordering::Acquire, |idle| idle.checked_sub(1)).is_ok()
    }
}

/// Who a connection has turned out to be from.
enum Visitor {
    Process,
    Stranger,
}

/// Reads one connection to its end. A first message that isn't the right greeting ends it at once.
fn read_all(visit: Visit, token: &str, inputs: &Sender<Input>) -> Visitor {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let connection = NEXT.fetch_add(1, Ordering::Relaxed);
    let Visit { stream, place } = visit;
    let stream = Arc::new(stream);
    let mut reader = FrameReader::wary();
    let Ok(Hello { version: VERSION, token: theirs, role, pid }) =
        greeting(&stream, &mut reader, GREETING_PATIENCE)
    else {
        return Visitor::Stranger;
    };
    // In a time that does not tell how much of a guess is right.
    if !bool::from(theirs.as_bytes().ct_eq(token.as_bytes())) {
        return Visitor::Stranger;
    }
    drop(place);
    reader.trust();
    let _without_timeouts = transport::set_sending_patience(&stream, SENDING_PATIENCE);
    let peer = Peer(Arc::clone(&stream));
    if inputs.send(Input::Connected { connection, role, pid, peer }).is_err() {
        return Visitor::Process;
    }
    let mut source = &*stream;
    while let Ok(message) = reader.next::<Upward>(&mut source) {
        if inputs.send(Input::Message(connection, message)).is_err() {
            return Visitor::Process;
        }
    }
    let _dispatcher_gone = inputs.send(Input::Closed(connection));
    Visitor::Process
}

/// The first message, if it comes in time: whole, however it is cut.
fn greeting(mut stream: &Stream, reader: &mut FrameReader, patience: Duration) -> Result<Hello, FrameError> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(hello) = reader.pop()? {
            let _without_timeouts = transport::set_patience(stream, None);
            return Ok(hello);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(FrameError::Io(io::ErrorKind::TimedOut.into()));
        }
        // Not every system has it for local sockets.
        let _without_timeouts = transport::set_patience(stream, Some(left));
        match reader.fill(&mut stream) {
            Err(FrameError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            filled => filled?,
        }
    }
}

fn wait(mut child: Child, inputs: &Sender<Input>) {
    let pid = child.id();
    let status = child.wait().map_or(ExitStatus::Unknown, exit_status);
    let _dispatcher_gone = inputs.send(Input::ChildExited { pid, status });
}

fn exit_status(status: std::process::ExitStatus) -> ExitStatus {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return ExitStatus::Signal(signal);
        }
    }
    status.code().map_or(ExitStatus::Unknown, ExitStatus::Code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[cfg(unix)]
    fn pair() -> (Stream, std::os::unix::net::UnixStream) {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("two ends");
        (transport::from_unix(ours), theirs)
    }

    #[cfg(unix)]
    #[test]
    fn who_says_nothing_or_too_little_is_not_waited_for() {
        let (ours, mut theirs) = pair();
        for said in [&b""[..], &[40, 0, 0, 0, 0x94]] {
            theirs.write_all(said).expect("sent");
            let mut reader = FrameReader::wary();
            let heard = greeting(&ours, &mut reader, Duration::from_millis(20));
            assert!(matches!(heard, Err(FrameError::Io(_))), "{said:?}");
        }
    }
}

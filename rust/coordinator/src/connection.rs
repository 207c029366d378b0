//! Threads that turn sockets and child processes into inputs of the dispatcher.

use std::ffi::OsString;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
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
struct Place(Receiver<()>);

impl Drop for Place {
    fn drop(&mut self) {
        let _taken_back = self.0.try_recv();
    }
}

/// Accepts connections of this user until `closing` is set and somebody connects to wake it up.
pub(crate) fn accept_all(
    listener: &Listener,
    token: &Arc<str>,
    closing: &AtomicBool,
    inputs: &Sender<Input>,
) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
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
        let place = Place(leave.clone());
        let connection = NEXT.fetch_add(1, Ordering::Relaxed);
        let (token, inputs) = (Arc::clone(token), inputs.clone());
        // A connection without a thread is dropped: its process sees it closed and leaves.
        let _refused = thread::Builder::new()
            .name(format!("fastest-read-{connection}"))
            .stack_size(READER_STACK)
            .spawn(move || read_all(connection, &Arc::new(stream), &token, place, &inputs));
    }
}

/// Reads one connection to its end. A first message that isn't the right greeting ends it at once.
fn read_all(
    connection: ConnectionId,
    stream: &Arc<Stream>,
    token: &str,
    place: Place,
    inputs: &Sender<Input>,
) {
    let mut reader = FrameReader::wary();
    let Ok(Hello { version: VERSION, token: theirs, role, pid }) =
        greeting(stream, &mut reader, GREETING_PATIENCE)
    else {
        return;
    };
    // In a time that does not tell how much of a guess is right.
    if !bool::from(theirs.as_bytes().ct_eq(token.as_bytes())) {
        return;
    }
    drop(place);
    reader.trust();
    let peer = Peer(Arc::clone(stream));
    if inputs.send(Input::Connected { connection, role, pid, peer }).is_err() {
        return;
    }
    let mut source = &**stream;
    while let Ok(message) = reader.next::<Upward>(&mut source) {
        if inputs.send(Input::Message(connection, message)).is_err() {
            return;
        }
    }
    let _dispatcher_gone = inputs.send(Input::Closed(connection));
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
            return Err(FrameError::Io(std::io::ErrorKind::TimedOut.into()));
        }
        // Not every system has it for local sockets.
        let _without_timeouts = transport::set_patience(stream, Some(left));
        match reader.fill(&mut stream) {
            Err(FrameError::Io(error)) if error.kind() == std::io::ErrorKind::Interrupted => {}
            filled => filled?,
        }
    }
}

/// Starts a process of its own and waits for it in a thread.
///
/// # Errors
/// Any I/O error of starting the process or the thread.
pub(crate) fn spawn(
    command: &[OsString],
    environment: &[(OsString, OsString)],
    inputs: &Sender<Input>,
) -> std::io::Result<u32> {
    let (program, arguments) = command.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let child = std::process::Command::new(program)
        .args(arguments)
        // Not inherited: Python may be changing this process's environment at this moment, in another thread.
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .spawn()?;
    let pid = child.id();
    let inputs = inputs.clone();
    thread::Builder::new()
        .name(format!("fastest-wait-{pid}"))
        .stack_size(READER_STACK)
        .spawn(move || wait(child, &inputs))?;
    Ok(pid)
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

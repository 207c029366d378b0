//! Threads that turn sockets and child processes into inputs of the dispatcher.

use std::ffi::OsString;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crossbeam_channel::Sender;

use crate::event::Command;
use crate::frame::FrameReader;
use crate::processes::ConnectionId;
use crate::protocol::{ExitStatus, Role, Upward, VERSION};
use crate::transport::{self, Listener, Stream};

/// Stack of a reader thread (bytes): it only decodes frames. The default of 2 MiB would be 1 GiB at 500 workers.
const READER_STACK: usize = 256 << 10;

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

/// Accepts connections until `closing` is set and somebody connects to wake it up.
pub(crate) fn accept_all(
    listener: &Listener,
    token: &Arc<str>,
    closing: &AtomicBool,
    inputs: &Sender<Input>,
) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    while let Ok(stream) = transport::accept(listener) {
        if closing.load(Ordering::Acquire) {
            return;
        }
        let connection = NEXT.fetch_add(1, Ordering::Relaxed);
        let (token, inputs) = (Arc::clone(token), inputs.clone());
        // A connection without a thread is dropped: its process sees it closed and leaves.
        let _refused = thread::Builder::new()
            .name(format!("fastest-read-{connection}"))
            .stack_size(READER_STACK)
            .spawn(move || read_all(connection, &Arc::new(stream), &token, &inputs));
    }
}

/// Reads one connection to its end. A first message that isn't the right greeting ends it at once.
fn read_all(connection: ConnectionId, stream: &Arc<Stream>, token: &str, inputs: &Sender<Input>) {
    let mut reader = FrameReader::default();
    let mut source = &**stream;
    match reader.next(&mut source) {
        Ok(Upward::Hello { version: VERSION, token: theirs, role, pid }) if theirs == token => {
            let peer = Peer(Arc::clone(stream));
            if inputs.send(Input::Connected { connection, role, pid, peer }).is_err() {
                return;
            }
        }
        Ok(_) | Err(_) => return,
    }
    while let Ok(message) = reader.next::<Upward>(&mut source) {
        if inputs.send(Input::Message(connection, message)).is_err() {
            return;
        }
    }
    let _dispatcher_gone = inputs.send(Input::Closed(connection));
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

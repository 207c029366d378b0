//! Local sockets in a private directory. The only file that knows `interprocess`.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{GenericFilePath, ListenerOptions};
pub use interprocess::local_socket::{Listener, Stream};

use crate::error::StartError;

/// Longest path of a socket that every supported system takes (`sun_path` has 104 bytes on macOS, 108 on Linux).
const MAX_SOCKET_PATH: usize = 100;
const SOCKET: &str = "socket";

/// Bytes that a directory must have room for: what a small run needs.
const ROOM: usize = 256 << 10;

/// Creates the run's directory, which only its owner can enter: in the temporary directory, or elsewhere if it can't be
/// written to, is full, or a socket's path would get too long there. Where somebody else could put another directory in
/// its place is the last resort.
///
/// # Errors
/// [`StartError::Directory`] if no candidate works.
pub fn private_directory() -> Result<tempfile::TempDir, StartError> {
    let mut candidates = vec![std::env::temp_dir()];
    candidates.extend(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from));
    candidates.extend(["/tmp", "/var/tmp"].map(PathBuf::from));
    candidates.sort_by_key(|candidate| can_be_exchanged_in(candidate));
    let mut failure = io::Error::from(io::ErrorKind::InvalidFilename);
    for candidate in &candidates {
        match directory_in(candidate) {
            Ok(directory) => return Ok(directory),
            Err(error) => failure = error,
        }
    }
    let tried = candidates.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    Err(StartError::Directory { tried: tried.join(", "), source: failure })
}

/// Whether others may rename what lies in this directory: they can write to it, and it has no sticky bit.
#[cfg(unix)]
fn can_be_exchanged_in(parent: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const WRITABLE: u32 = 0o022;
    const STICKY: u32 = 0o1000;
    parent.metadata().is_ok_and(|metadata| {
        let mode = metadata.permissions().mode();
        mode & WRITABLE != 0 && mode & STICKY == 0
    })
}

/// Permissions can't be told from a mode here.
#[cfg(not(unix))]
fn can_be_exchanged_in(_parent: &Path) -> bool {
    false
}

/// The name comes from the system's randomness. Who plants something there nevertheless makes this fail: a directory is
/// made or not, and no link is followed.
fn directory_in(parent: &Path) -> io::Result<tempfile::TempDir> {
    let name = format!("fastest-{:016x}", getrandom::u64()?);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&name).rand_bytes(0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    let directory = builder.tempdir_in(parent)?;
    if directory.path().join(SOCKET).as_os_str().len() > MAX_SOCKET_PATH {
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, "its path is too long for a socket"));
    }
    let room = directory.path().join("room");
    std::fs::write(&room, vec![0; ROOM])?;
    std::fs::remove_file(room)?;
    Ok(directory)
}

/// The address of the run whose directory this is.
#[must_use]
pub fn address(directory: &Path) -> PathBuf {
    #[cfg(windows)]
    {
        let name = directory.file_name().unwrap_or_default();
        Path::new(r"\\.\pipe\").join(name)
    }
    #[cfg(not(windows))]
    directory.join(SOCKET)
}

/// Listens at `address`. The directory's owner removes the socket, not the listener: a forked copy of the listener
/// must not take the socket away from the original.
///
/// # Errors
/// [`StartError::Bind`].
pub fn listen(address: &Path) -> Result<Listener, StartError> {
    let name = address.to_fs_name::<GenericFilePath>().map_err(StartError::Bind)?;
    let options = ListenerOptions::new().name(name).reclaim_name(false);
    #[cfg(unix)]
    let options = interprocess::os::unix::local_socket::ListenerOptionsExt::mode(options, 0o600);
    options.create_sync().map_err(StartError::Bind)
}

/// Waits for the next process that connects.
///
/// # Errors
/// Any I/O error of `accept`.
pub fn accept(listener: &Listener) -> io::Result<Stream> {
    listener.accept()
}

/// Connects to the coordinator at `address`.
///
/// # Errors
/// Any I/O error of `connect`; `PermissionDenied` if another user listens there, who is not to be told the secret.
pub fn connect(address: &Path) -> io::Result<Stream> {
    let stream = Stream::connect(address.to_fs_name::<GenericFilePath>()?)?;
    if is_own_user(&stream) { Ok(stream) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// Whether the system says that the process at the other end belongs to the user of this one.
#[cfg(unix)]
#[must_use]
pub fn is_own_user(stream: &Stream) -> bool {
    stream.peer_creds().is_ok_and(|peer| peer.euid() == Some(rustix::process::geteuid().as_raw()))
}

/// A named pipe of the system's default lets its creator's user in only.
#[cfg(not(unix))]
#[must_use]
pub fn is_own_user(_stream: &Stream) -> bool {
    true
}

/// How long a read may wait; `None`: for ever.
///
/// # Errors
/// Any I/O error of the system call, or that there is none.
pub fn set_patience(stream: &Stream, patience: Option<Duration>) -> io::Result<()> {
    stream.set_recv_timeout(patience)
}

/// How long a write may wait.
///
/// # Errors
/// As [`set_patience`].
pub fn set_sending_patience(stream: &Stream, patience: Duration) -> io::Result<()> {
    stream.set_send_timeout(Some(patience))
}

/// Ends the connection for both sides, although other threads may still hold the stream.
pub fn hang_up(stream: &Stream) {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let Stream::UdSocket(socket) = stream;
        let _ended_already = rustix::net::shutdown(socket.as_fd(), rustix::net::Shutdown::Both);
    }
    #[cfg(not(unix))]
    let _ = stream;
}

/// Whether a read may wait for bytes.
///
/// # Errors
/// Any I/O error of the system call.
pub fn set_blocking(stream: &Stream, blocking: bool) -> io::Result<()> {
    stream.set_nonblocking(!blocking)
}

/// Writes all of `bytes` to the stream. With `send`, which fails where `write` would not: if a test has closed the
/// connection's descriptor and another file has its number now.
///
/// # Errors
/// Any I/O error of the system call but `Interrupted`, which is retried.
#[cfg(unix)]
pub fn send_all(stream: &Stream, mut bytes: &[u8]) -> io::Result<()> {
    use rustix::io::Errno;
    use rustix::net::SendFlags;
    use std::os::fd::AsFd;
    let Stream::UdSocket(socket) = stream;
    while !bytes.is_empty() {
        match rustix::net::send(socket.as_fd(), bytes, SendFlags::NOSIGNAL) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Fails where [`send_all`] would, and sends nothing.
///
/// # Errors
/// As [`send_all`].
#[cfg(unix)]
pub fn probe(stream: &Stream) -> io::Result<()> {
    use std::os::fd::AsFd;
    let Stream::UdSocket(socket) = stream;
    rustix::io::retry_on_intr(|| rustix::net::send(socket.as_fd(), &[], rustix::net::SendFlags::NOSIGNAL))?;
    Ok(())
}

/// Does nothing: a handle can't be closed by its number.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn probe(_stream: &Stream) -> io::Result<()> {
    Ok(())
}

/// Writes all of `bytes` to the stream.
///
/// # Errors
/// Any I/O error of writing.
#[cfg(not(unix))]
pub fn send_all(stream: &Stream, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    (&mut &*stream).write_all(bytes)
}

/// A stream without a listener.
#[cfg(all(unix, any(test, fuzzing)))]
pub(crate) fn from_unix(stream: std::os::unix::net::UnixStream) -> Stream {
    Stream::UdSocket(stream.into())
}

/// The file descriptor, for `poll` and for closing inherited copies.
#[cfg(unix)]
#[must_use]
pub fn descriptor(stream: &Stream) -> i32 {
    use std::os::fd::{AsFd, AsRawFd};
    let Stream::UdSocket(socket) = stream;
    socket.as_fd().as_raw_fd()
}

/// The listener's file descriptor, for closing inherited copies.
#[cfg(unix)]
#[must_use]
pub fn listener_descriptor(listener: &Listener) -> i32 {
    use std::os::fd::{AsFd, AsRawFd};
    let Listener::UdSocket(socket) = listener;
    socket.as_fd().as_raw_fd()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_whose_path_is_too_long_is_passed_over() {
        let outer = tempfile::tempdir().expect("a temporary directory");
        let long = outer.path().join("x".repeat(MAX_SOCKET_PATH));
        std::fs::create_dir(&long).expect("a directory");
        assert!(directory_in(&long).is_err());
        assert_eq!(std::fs::read_dir(&long).expect("readable").count(), 0, "nothing is left behind");
    }

    #[cfg(unix)]
    #[test]
    fn the_directory_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let directory = private_directory().expect("a directory");
        let mode = directory.path().metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

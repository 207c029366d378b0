//! Local sockets in a private directory. The only file that knows `interprocess`.

use std::io;
use std::path::{Path, PathBuf};

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
/// written to, is full, or a socket's path would get too long there.
///
/// # Errors
/// [`StartError::Directory`] if no candidate works.
pub fn private_directory() -> Result<tempfile::TempDir, StartError> {
    let mut candidates = vec![std::env::temp_dir()];
    candidates.extend(std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from));
    candidates.extend(["/tmp", "/var/tmp"].map(PathBuf::from));
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

fn directory_in(parent: &Path) -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("fastest-");
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
    ListenerOptions::new().name(name).reclaim_name(false).create_sync().map_err(StartError::Bind)
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
/// Any I/O error of `connect`.
pub fn connect(address: &Path) -> io::Result<Stream> {
    Stream::connect(address.to_fs_name::<GenericFilePath>()?)
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

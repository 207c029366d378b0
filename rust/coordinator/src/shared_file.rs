//! Files in the run's private directory whose memory processes share.
//!
//! The directory is its owner's alone. What is checked here holds even where somebody has put another one in its place:
//! nothing is followed, and what another user has made is not believed.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Creates a file of so many zeros. They are written, not only sized: a page that a full disk has no room for would
/// kill who touches it.
pub(crate) fn create(path: &Path, length: usize) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(&vec![0; length])?;
    Ok(file)
}

/// Opens what [`create`] has made.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    // Not waiting either, should it be a pipe.
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    #[cfg(unix)]
    let is_own = std::os::unix::fs::MetadataExt::uid(&metadata) == rustix::process::geteuid().as_raw();
    #[cfg(not(unix))]
    let is_own = true;
    if metadata.is_file() && is_own { Ok(file) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_a_new_file_is_created_and_only_for_its_owner() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (path, link) = (dir.path().join("file"), dir.path().join("link"));
        let file = create(&path, 10).expect("a new file");
        let metadata = file.metadata().expect("metadata");
        assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (10, 0o600));
        assert!(create(&path, 10).is_err(), "it is there already");
        symlink(dir.path().join("elsewhere"), &link).expect("a link");
        assert!(create(&link, 10).is_err(), "somebody has planted a link");
        assert!(!dir.path().join("elsewhere").exists());
    }

    #[test]
    fn only_an_own_file_is_opened() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (path, link) = (dir.path().join("file"), dir.path().join("link"));
        create(&path, 10).expect("a new file");
        assert!(open(&path).is_ok());
        symlink(&path, &link).expect("a link");
        assert!(open(&link).is_err());
        assert!(open(dir.path()).is_err());
        // Where tests are not run by the superuser, nobody else's file can be made.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(65534), None).expect("given away");
            assert!(open(&path).is_err());
        }
    }
}

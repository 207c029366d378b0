//! The file of timings: read whole, written whole, under a lock, so that of two runs at once neither is lost.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::frame;
use crate::timings::{Findings, Timings};

/// What the file begins with; the number is raised with every change of the format.
const MAGIC: &[u8] = b"fastest timings 2\n";

/// The timings can't be read or written.
#[derive(Debug, Error)]
pub enum TimingsError {
    /// The file, or the lock beside it, can't be opened, read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{path} does not hold timings of this version of fastest")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// What the file holds; nothing if there is none.
///
/// # Errors
/// [`TimingsError`].
pub fn read(path: &Path) -> Result<Timings, TimingsError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Timings::default()),
        Err(source) => return Err(TimingsError::Io { path: path.to_owned(), source }),
    };
    decode(&bytes).ok_or_else(|| TimingsError::Foreign { path: path.to_owned() })
}

/// What such a file says; nothing if it is none. It is numbers and names, whoever has written it.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Timings> {
    frame::decode(bytes.strip_prefix(MAGIC)?).ok()
}

/// The inverse of [`decode`].
///
/// # Errors
/// Any error of encoding.
pub fn encode(timings: &Timings) -> std::io::Result<Vec<u8>> {
    let mut bytes = MAGIC.to_vec();
    rmp_serde::encode::write(&mut bytes, timings).map_err(std::io::Error::other)?;
    Ok(bytes)
}

/// Adds what a run has found out. With `replace`, a file that holds something else is written anew. Folders are made if there
/// are none.
///
/// # Errors
/// [`TimingsError`]; the file is as it was then.
pub fn add(path: &Path, findings: Findings, day: u32, replace: bool) -> Result<(), TimingsError> {
    let failed = |source| TimingsError::Io { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let lock = lock(path).map_err(failed)?;
    let mut timings = match read(path) {
        Err(TimingsError::Foreign { .. }) if replace => Timings::default(),
        timings => timings?,
    };
    timings.add(findings, day);
    let written = write(path, &timings).map_err(failed);
    drop(lock);
    written
}

/// Nobody else holds it until it is dropped. The file of timings itself is exchanged, so it can't be what is locked.
fn lock(path: &Path) -> std::io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    // Where others can write too, the name is known to them: nothing is created for them elsewhere.
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
    let lock = options.open(PathBuf::from(name))?;
    lock.lock()?;
    Ok(lock)
}

/// Whoever reads meanwhile sees the old file or the new one.
fn write(path: &Path, timings: &Timings) -> std::io::Result<()> {
    let bytes = encode(timings)?;
    // A link stays one.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Others of a team may share the cache: as readable as any file, unlike a temporary one.
        let readable = fs::metadata(path).map_or(0o644, |metadata| metadata.permissions().mode() & 0o777);
        file.as_file().set_permissions(fs::Permissions::from_mode(readable))?;
    }
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timings::Spent;

    fn found(name: &str) -> Findings {
        let spent = Spent { total: 1.5, cpu: 0.5, ..Spent::default() };
        Findings { tests: vec![(name.to_owned(), spent)], ..Findings::default() }
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("timings");
        assert_eq!(read(&path).expect("no file is no error"), Timings::default());
        add(&path, found("a"), 20_000, false).expect("written");
        add(&path, found("b"), 20_000, false).expect("written");
        let timings = read(&path).expect("readable");
        assert_eq!(timings.tests.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(timings.tests["a"].estimate(), Some(1.5));
    }

    #[test]
    fn runs_at_once_lose_nothing() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("timings");
        std::thread::scope(|scope| {
            for run in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..10 {
                        add(path, found(&format!("{run} {number}")), 20_000, false).expect("written");
                    }
                });
            }
        });
        assert_eq!(read(&path).expect("readable").tests.len(), 80);
    }

    #[test]
    fn another_file_is_left_alone_unless_it_may_be_replaced() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("timings");
        for content in [&b"precious"[..], MAGIC, b"fastest timings 2\n\x00\x01"] {
            fs::write(&path, content).expect("a file");
            assert!(matches!(read(&path), Err(TimingsError::Foreign { .. })));
            assert!(matches!(add(&path, found("a"), 1, false), Err(TimingsError::Foreign { .. })));
            assert_eq!(fs::read(&path).expect("the file"), content);
            add(&path, found("a"), 20_000, true).expect("replaced");
            assert_eq!(read(&path).expect("readable").tests.len(), 1);
        }
    }

    #[test]
    fn a_folder_is_made() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("nowhere").join("timings");
        add(&path, found("a"), 1, true).expect("there is one now");
        let error = add(&path.join("below"), found("a"), 1, true).expect_err("it is a file");
        assert!(error.to_string().contains("nowhere"), "{error}");
    }
}

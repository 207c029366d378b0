//! Records on disk: a folder with the last runs, each a file of its own, written whole.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::frame;
use crate::record::Record;

/// What the file begins with; the number is raised with every change of the format.
const MAGIC: &[u8] = b"fastest run 2\n";
/// What a record's file ends with.
const SUFFIX: &str = "run";
/// What its name ends with if there are trails in it.
const FAILED: &str = "-failed";
/// So many runs are kept,
const KEPT: usize = 5;
/// and so many with trails, as what passes now and then would be forgotten otherwise.
const KEPT_FAILED: usize = 3;
/// All records together take no more (bytes); a run that is larger by itself is not kept. One of 100,000 tests takes
/// some 20 MB.
const MOST_BYTES: u64 = 64 << 20;

/// A record can't be read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The file can't be opened or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{path} does not hold the record of a run of this version of fastest")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// Keeps a record in `folder`, and takes older ones out for it; `None`: it is too large to be kept.
///
/// # Errors
/// The system's, if it can't be written.
pub fn keep(folder: &Path, record: &Record) -> io::Result<Option<PathBuf>> {
    let bytes = encode(record)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Ok(None);
    }
    fs::create_dir_all(folder)?;
    // Files stand in the order of time; names that users give to runs are no names of files.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let milliseconds = (record.about.started * 1000.0) as u64;
    let name: String = record.about.testrunuid.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    let failed = if record.has_trails() { FAILED } else { "" };
    let path = folder.join(format!("{milliseconds:014}-{name}{failed}.{SUFFIX}"));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&bytes)?;
    file.persist(&path)?;
    forget(folder)?;
    Ok(Some(path))
}

/// Removes what is more than is kept, the oldest first. What another run has removed meanwhile is gone all the same.
fn forget(folder: &Path) -> io::Result<()> {
    let mut room = MOST_BYTES;
    let mut failed = 0;
    for (number, path) in list(folder)?.into_iter().enumerate() {
        let size = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        let has_trails = path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with(FAILED));
        failed += usize::from(has_trails);
        let is_recent = number < KEPT || (has_trails && failed <= KEPT_FAILED);
        if is_recent && size <= room {
            room -= size;
        } else {
            let _gone = fs::remove_file(path);
        }
    }
    Ok(())
}

/// The files of a folder's records, newest first; none if there is no folder.
///
/// # Errors
/// The system's.
pub fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX));
    paths.sort_unstable_by(|one, other| other.cmp(one));
    Ok(paths)
}

/// What a file holds.
///
/// # Errors
/// [`RecordError`], also if it holds something else.
pub fn read(path: &Path) -> Result<Record, RecordError> {
    let bytes = fs::read(path).map_err(|source| RecordError::Io { path: path.to_owned(), source })?;
    decode(&bytes).ok_or_else(|| RecordError::Foreign { path: path.to_owned() })
}

/// What such a file says; nothing if it is none, or speaks of what can't be.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Record> {
    let record: Record = frame::decode(bytes.strip_prefix(MAGIC)?).ok()?;
    record.is_sound().then_some(record)
}

/// What the file of a record holds.
///
/// # Errors
/// Those of the encoder.
pub fn encode(record: &Record) -> io::Result<Vec<u8>> {
    let mut bytes = MAGIC.to_vec();
    rmp_serde::encode::write(&mut bytes, record).map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ItemId, WorkerId};
    use crate::record::{About, Execution, Failure, Happened, Place};
    use crate::timings::Spent;

    fn record(number: u32) -> Record {
        let about =
            About { started: f64::from(number), testrunuid: format!("../{number}"), ..About::default() };
        let execution =
            Execution { item: ItemId(0), worker: WorkerId(1), ended: 2.5, spent: Spent::default() };
        Record {
            about,
            nodeids: vec!["a.py::x".to_owned()],
            places: vec![Place { group: 0, atom: 1, flags: 4 }],
            executions: vec![execution],
            events: vec![(0.5, Happened::Ready(WorkerId(1)))],
            ..Record::default()
        }
    }

    #[test]
    fn the_last_runs_are_kept() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let folder = dir.path().join("runs");
        assert_eq!(list(&folder).expect("no folder is no error"), Vec::<PathBuf>::new());
        for number in 0..KEPT + 2 {
            let number = u32::try_from(number).expect("a few");
            let path = keep(&folder, &record(number)).expect("written").expect("small");
            assert_eq!(path.parent(), Some(&*folder), "whatever the run is called");
            assert_eq!(read(&path).expect("readable"), record(number));
        }
        let kept = list(&folder).expect("a folder");
        assert_eq!(kept.len(), KEPT);
        assert_eq!(read(&kept[0]).expect("readable"), record(6));
        let others = fs::read_dir(&folder).expect("a folder").count();
        assert_eq!(others, KEPT, "nothing else is left");
    }

    #[test]
    fn runs_with_trails_are_kept_longer() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let failure = Failure {
            item: Some(ItemId(0)),
            nodeid: "a.py::x".to_owned(),
            when: "call".to_owned(),
            worker: "gw1".to_owned(),
            text: String::new(),
            sections: Vec::new(),
        };
        for number in 0..4 {
            let failed = Record { failures: vec![failure.clone()], ..record(number) };
            keep(dir.path(), &failed).expect("written");
        }
        for number in 4..14 {
            keep(dir.path(), &record(number)).expect("written");
        }
        let kept = list(dir.path()).expect("a folder");
        let started = kept.iter().map(|path| read(path).expect("readable").about.started);
        assert_eq!(started.collect::<Vec<_>>(), [13.0, 12.0, 11.0, 10.0, 9.0, 3.0, 2.0, 1.0]);
    }

    #[test]
    fn something_else_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("a.run");
        assert!(matches!(read(&path), Err(RecordError::Io { .. })));
        let whole = encode(&record(1)).expect("encodable");
        for bytes in [&b""[..], b"fastest run 1\n", &whole[..whole.len() - 1], b"<html>"] {
            fs::write(&path, bytes).expect("writable");
            assert!(matches!(read(&path), Err(RecordError::Foreign { .. })));
        }
    }

    #[test]
    fn items_that_do_not_exist_are_refused() {
        let sound = record(1);
        let mut wrong = vec![sound.clone(), sound.clone(), sound.clone()];
        wrong[0].executions[0].item = ItemId(1);
        wrong[1].outcomes.push((ItemId(7), "failed".to_owned()));
        wrong[2].places[0].group = 9;
        assert!(decode(&encode(&sound).expect("encodable")).is_some());
        for record in wrong {
            assert_eq!(decode(&encode(&record).expect("encodable")), None);
        }
    }
}

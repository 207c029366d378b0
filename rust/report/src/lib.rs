//! What the record of a finished run tells.
//!
//! * [`lanes`]: what each worker did when;
//! * [`sums`]: what modules and fixtures took;
//! * [`path`]: what the end of the run had to wait for;
//! * [`whatif`]: how long the tests would have taken with other numbers of workers;
//! * [`findings`], [`words`]: what limited the run, and that in sentences;
//! * [`page`] and [`trace`]: all of it as an HTML page, and for viewers of Chrome's trace format.
//!
//! All of it is pure but for [`write()`].

pub mod findings;
pub mod lanes;
pub mod page;
pub mod path;
pub mod sums;
pub mod trace;
pub mod whatif;
pub mod words;

#[cfg(test)]
mod samples;

use std::io::Write;
use std::path::Path;

/// Writes a file whole, and the folders above it if there are none: whoever reads meanwhile sees the old file or the
/// new one.
///
/// # Errors
/// The system's.
pub fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    if path.exists() && !path.is_file() {
        // A terminal, a pipe: nothing that could be exchanged.
        return std::fs::write(path, text);
    }
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // It is for others too, unlike a temporary file.
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path)?;
    Ok(())
}

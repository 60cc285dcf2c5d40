//! Files that are either whole or absent: written under a temporary name in the same folder, flushed
//! to the disk, then renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes `bytes` to `path` atomically. The folder is made where it is missing; after an error, what
/// stood under `path` before is still there, untouched.
///
/// # Errors
/// Whatever the file system gives (no space, no permission); the temporary file is removed.
///
/// # Example
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("deep/note.txt");
/// isotherm::base::files::write_atomic(&path, b"whole").unwrap();
/// assert_eq!(std::fs::read(&path).unwrap(), b"whole");
/// ```
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_atomic_with(path, |temporary| {
        let mut file = File::create(temporary)?;
        file.write_all(bytes)
    })
}

/// Lets `write` make a file under a temporary name beside `path`, flushes it, then renames it to `path`.
///
/// # Errors
/// The error of `write` or of the file system; the temporary file is removed and `path` is left as it was.
pub fn write_atomic_with<E: From<io::Error>>(path: &Path, write: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    let folder = folder_of(path);
    fs::create_dir_all(&folder)?;
    let temporary = temporary_name(path);
    let guard = RemoveOnDrop(&temporary);
    write(&temporary)?;
    File::open(&temporary)?.sync_all()?;
    fs::rename(&temporary, path)?;
    std::mem::forget(guard);
    // The rename itself lasts only once the folder is on the disk.
    if let Ok(folder) = File::open(&folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// `.NAME.PID-COUNT.part` beside the final name: the same file system, so that the rename is atomic.
fn temporary_name(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    folder_of(path).join(format!(".{name}.{}-{count}.part", std::process::id()))
}

struct RemoveOnDrop<'a>(&'a Path);

impl Drop for RemoveOnDrop<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, b"old").unwrap();
        let failed: io::Result<()> = write_atomic_with(&path, |temporary| {
            fs::write(temporary, b"half")?;
            Err(io::Error::other("cut"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_full_disk_is_an_error() {
        // /dev/full gives ENOSPC to every write; a link to it stands for the full disk.
        if let Ok(mut full) = fs::OpenOptions::new().write(true).open("/dev/full") {
            assert!(full.write_all(b"x").and_then(|()| full.sync_all()).is_err());
        }
    }
}

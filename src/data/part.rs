//! The half of a download: `.NAME.part` and its note, until the file is whole and takes its final name.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::download::{Download, failed};
use super::error::{DataError, DataResult};
use crate::base::files::write_atomic;
use crate::base::hash::sha256_file;

/// Why an attempt did not end in a whole file.
pub(super) enum Trouble {
    /// Try again, after this wait where the server named one.
    Again(String, Option<Duration>),
    /// Do not.
    Stop(DataError),
}

/// An error of this machine's files, with a plain sentence for the full disk.
pub(super) fn file_error(path: &Path, source: std::io::Error) -> DataError {
    use std::io::ErrorKind;
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => DataError::Content {
            what: path.display().to_string(),
            problem: "the disk is full; nothing is damaged: make room and run the same command again".into(),
        },
        _ => DataError::File { path: path.to_path_buf(), source },
    }
}

/// Gives a finished, flushed file its final name, for good.
pub(super) fn install(temporary: &Path, destination: &Path) -> DataResult<()> {
    let folder = destination.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|e| file_error(folder, e))?;
    File::open(temporary).and_then(|f| f.sync_all()).map_err(|e| file_error(temporary, e))?;
    fs::rename(temporary, destination).map_err(|e| file_error(destination, e))?;
    // the new name itself lasts only once the folder is on the disk
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// The half that is there.
pub(super) struct Part {
    pub path: PathBuf,
    note: PathBuf,
    pub length: u64,
    pub validator: Option<String>,
    mismatches: u32,
}

/// What lies beside the half.
#[derive(Serialize, Deserialize)]
struct Note {
    url: String,
    validator: Option<String>,
}

impl Part {
    /// The half of an earlier attempt, where it is of the same address; else nothing yet.
    pub fn open(wanted: &Download) -> DataResult<Part> {
        let folder = wanted.destination.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|e| file_error(folder, e))?;
        let name = wanted.destination.file_name().unwrap_or_default().to_string_lossy();
        let (path, note) = (folder.join(format!(".{name}.part")), folder.join(format!(".{name}.part.json")));
        let mut part = Part { path, note, length: 0, validator: None, mismatches: 0 };
        // a note that is absent, unreadable or of another address means that the half is of no use
        let noted = fs::read(&part.note).ok().and_then(|bytes| serde_json::from_slice::<Note>(&bytes).ok());
        match noted.filter(|n| n.url == wanted.url) {
            Some(noted) => {
                part.length = fs::metadata(&part.path).map_or(0, |m| m.len());
                part.validator = noted.validator;
            }
            None => part.discard(),
        }
        Ok(part)
    }

    /// Begins at byte 0 again, under a new validator.
    pub fn restart(&mut self, wanted: &Download, validator: Option<String>) -> Result<(), Trouble> {
        let stop = |path: &Path, e| Trouble::Stop(file_error(path, e));
        OpenOptions::new().write(true).create(true).truncate(true).open(&self.path).map_err(|e| stop(&self.path, e))?;
        self.length = 0;
        self.validator = validator;
        let note = Note { url: wanted.url.to_string(), validator: self.validator.clone() };
        let bytes = serde_json::to_vec(&note).map_err(|e| stop(&self.note, e.into()))?;
        write_atomic(&self.note, &bytes).map_err(|e| stop(&self.note, e))
    }

    /// Forgets what came.
    pub fn discard(&mut self) {
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(&self.note);
        self.length = 0;
        self.validator = None;
    }

    /// Verifies what came, and gives it its final name.
    pub fn finish(&mut self, wanted: &Download) -> Result<String, Trouble> {
        let found = sha256_file(&self.path).map_err(|e| Trouble::Stop(file_error(&self.path, e)))?;
        let problem = match (wanted.bytes, wanted.sha256) {
            (Some(bytes), _) if bytes != self.length => {
                Some(format!("{} bytes came, but the manifest wants {bytes}", self.length))
            }
            (_, Some(sha256)) if sha256 != found => {
                Some(format!("what came has the sha256 {found}, but the manifest wants {sha256}"))
            }
            _ if self.length == 0 => Some("the server sent an empty file".to_string()),
            _ => None,
        };
        let Some(problem) = problem else {
            install(&self.path, wanted.destination).map_err(Trouble::Stop)?;
            let _ = fs::remove_file(&self.note);
            return Ok(found);
        };
        self.discard();
        self.mismatches += 1;
        // once may be the way; twice is the file
        if self.mismatches >= 2 {
            let problem =
                format!("{problem}; it came so twice and was not kept: the file on the server has changed, or is damaged");
            return Err(Trouble::Stop(failed(wanted, problem)));
        }
        Err(Trouble::Again(problem, None))
    }
}

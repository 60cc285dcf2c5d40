//! [`Receipt`]: what a finished step leaves beside its outputs, and the words for what has changed since.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{PaperError, PaperResult};
use crate::base::files::write_atomic;
use crate::base::hash::sha256_file;

/// Name of the receipt in a step's folder.
pub const RECEIPT: &str = "receipt.json";

/// Proof that a step ran to its end, with the sums of what it wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The step.
    pub step: String,
    /// Its key.
    pub key: String,
    /// What the key was made of.
    pub components: BTreeMap<String, String>,
    /// SHA-256 of each file it wrote, by name.
    pub files: BTreeMap<String, String>,
    /// Seconds it took.
    pub seconds: f64,
}

impl Receipt {
    /// Sums up the files of `folder` and writes the receipt there.
    ///
    /// # Errors
    /// [`PaperError::File`].
    pub fn write(
        folder: &Path,
        step: &str,
        key: &str,
        components: BTreeMap<String, String>,
        seconds: f64,
    ) -> PaperResult<Receipt> {
        let mut files = BTreeMap::new();
        sum_files(folder, folder, &mut files)?;
        let receipt = Receipt { step: step.into(), key: key.into(), components, files, seconds };
        let path = folder.join(RECEIPT);
        let text = serde_json::to_vec_pretty(&receipt)
            .map_err(|e| PaperError::Content { what: path.display().to_string(), problem: e.to_string() })?;
        write_atomic(&path, &text).map_err(PaperError::file(&path))?;
        Ok(receipt)
    }

    /// The receipt of `folder`, or `None` where there is none or it cannot be read (then the step runs again).
    pub fn read(folder: &Path) -> Option<Receipt> {
        serde_json::from_slice(&std::fs::read(folder.join(RECEIPT)).ok()?).ok()
    }

    /// The receipt of `folder`, if it was written under this key.
    pub fn of_key(folder: &Path, key: &str) -> Option<Receipt> {
        Receipt::read(folder).filter(|receipt| receipt.key == key)
    }

    /// Are all files still there (by size and name; the sums are checked by `verify`)?
    pub fn files_present(&self, folder: &Path) -> bool {
        self.files.keys().all(|name| folder.join(name).is_file())
    }
}

fn sum_files(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> PaperResult<()> {
    for entry in std::fs::read_dir(folder).map_err(PaperError::file(folder))? {
        let path = entry.map_err(PaperError::file(folder))?.path();
        if path.is_dir() {
            sum_files(root, &path, files)?;
        } else if path.file_name().is_some_and(|n| n != RECEIPT) {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.insert(name, sha256_file(&path).map_err(PaperError::file(&path))?);
        }
    }
    Ok(())
}

/// What differs between two sets of components, in words.
pub fn changes(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let mut words: Vec<String> = new
        .iter()
        .filter_map(|(name, sum)| match old.get(name) {
            None => Some(format!("{name} is new")),
            Some(before) if before != sum => Some(format!("{name} changed")),
            Some(_) => None,
        })
        .collect();
    words.extend(old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("{name} is gone")));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_named() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        let words = changes(&map(&[("a", "1"), ("b", "1"), ("c", "1")]), &map(&[("a", "1"), ("b", "2"), ("d", "1")]));
        assert_eq!(words, ["b changed", "d is new", "c is gone"]);
    }

    #[test]
    fn a_missing_file_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.bin"), b"1").unwrap();
        let receipt = Receipt::write(folder.path(), "s", "k", BTreeMap::new(), 0.1).unwrap();
        assert_eq!(Receipt::read(folder.path()).unwrap(), receipt);
        assert!(receipt.files_present(folder.path()));
        std::fs::remove_file(folder.path().join("x.bin")).unwrap();
        assert!(!receipt.files_present(folder.path()));
    }
}

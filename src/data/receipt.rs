//! What the cache knows of the files it holds: a small JSON file beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{DataError, DataResult};
use super::part::file_error;
use crate::base::files::write_atomic;
use crate::base::hash::sha256;

/// Name of the receipt in a product's folder.
const NAME: &str = ".receipt.json";

/// The files of one product and version, by their path in the product's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Files.
    pub files: BTreeMap<String, ReceiptEntry>,
    /// The terms that the user accepted, where the product has any.
    pub terms: Option<AcceptedTerms>,
}

/// How a file came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptEntry {
    /// Size.
    pub bytes: u64,
    /// SHA-256 as it came.
    pub sha256: String,
    /// Address, wheel, or `by hand`; never with a key.
    pub source: String,
    /// When, UTC.
    pub fetched: String,
}

/// Consent to terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedTerms {
    /// SHA-256 of the text that was accepted: another text must be accepted anew.
    pub sha256: String,
    /// When, UTC.
    pub accepted: String,
}

impl ReceiptEntry {
    /// An entry for a file that came just now.
    pub fn now(bytes: u64, sha256: String, source: impl Into<String>) -> ReceiptEntry {
        ReceiptEntry { bytes, sha256, source: source.into(), fetched: utc_now() }
    }
}

impl Receipt {
    /// Reads the receipt of a folder; an empty one where there is none.
    ///
    /// # Errors
    /// [`DataError::File`] where it cannot be read, [`DataError::Content`] where it is damaged.
    pub fn load(folder: &Path) -> DataResult<Receipt> {
        let path = path(folder);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| DataError::Content {
                what: path.display().to_string(),
                problem: format!("is damaged ({e}); remove it and fetch the product again"),
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Receipt::default()),
            Err(source) => Err(DataError::File { path, source }),
        }
    }

    /// Writes the receipt.
    ///
    /// # Errors
    /// [`DataError::File`], or [`DataError::Content`] for a full disk.
    pub fn save(&self, folder: &Path) -> DataResult<()> {
        let path = path(folder);
        let bytes = serde_json::to_vec_pretty(self).map_err(|e| file_error(&path, e.into()))?;
        write_atomic(&path, &bytes).map_err(|e| file_error(&path, e))
    }

    /// Were these terms, word for word, accepted?
    pub fn accepted(&self, terms: &str) -> bool {
        self.terms.as_ref().is_some_and(|t| t.sha256 == sha256(terms.as_bytes()))
    }

    /// Notes that the user accepts these terms.
    pub fn accept(&mut self, terms: &str) {
        self.terms = Some(AcceptedTerms { sha256: sha256(terms.as_bytes()), accepted: utc_now() });
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

fn utc_now() -> String {
    chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_kept_and_a_damaged_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Receipt::load(folder.path()).unwrap(), Receipt::default());
        let mut receipt = Receipt::default();
        receipt.files.insert("a/b.nc".into(), ReceiptEntry::now(3, "00".into(), "https://a.org/b.nc"));
        receipt.accept("be good");
        receipt.save(folder.path()).unwrap();
        let read = Receipt::load(folder.path()).unwrap();
        assert_eq!(read, receipt);
        assert!(read.accepted("be good") && !read.accepted("be better"));
        std::fs::write(folder.path().join(NAME), b"{").unwrap();
        assert!(Receipt::load(folder.path()).unwrap_err().to_string().contains("remove it"));
    }
}

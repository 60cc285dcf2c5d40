//! [`Passport`]: where a figure or table comes from. It lies beside each as `NAME.json`, and inside each
//! PNG and SVG. It holds no time of day, so that two runs give the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{FigureError, FigureResult};
use super::png_file;
use crate::base::files::write_atomic;
use crate::base::hash::sha256_file;
use crate::data::Tier;

/// Where a figure or table comes from: with it, and the same inputs, it can be made again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passport {
    /// Name of the figure or table, without ending (`scatter`).
    pub name: String,
    /// The step that made it.
    pub step: String,
    /// The step's content-addressed key.
    pub key: String,
    /// Commit of the source; ends in `-dirty` where the working tree had changes.
    pub commit: String,
    /// SHA-256 of `Cargo.lock`.
    pub lockfile_sha256: String,
    /// The resolved configuration.
    pub configuration: Value,
    /// SHA-256 of each input by its name.
    pub inputs: BTreeMap<String, String>,
    /// The seed.
    pub seed: u64,
    /// Where it was computed (`cpu`, `cuda:0 (name)`).
    pub device: String,
    /// Kinds of data behind it.
    pub tier: Vec<Tier>,
    /// The numbers shown. What a figure draws is added under the key `drawn`.
    pub numbers: Value,
    /// SHA-256 of each written file by its name; empty inside a file, which cannot hold its own hash.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Name and version of the software (`isotherm 0.1.0`).
    pub software: String,
}

impl Passport {
    /// A passport with the name, the step and the tier; the rest is empty, to be filled in.
    pub fn new(name: impl Into<String>, step: impl Into<String>, tier: Vec<Tier>) -> Passport {
        Passport {
            name: name.into(),
            step: step.into(),
            key: String::new(),
            commit: String::new(),
            lockfile_sha256: String::new(),
            configuration: Value::Null,
            inputs: BTreeMap::new(),
            seed: 0,
            device: "cpu".into(),
            tier,
            numbers: Value::Null,
            files: BTreeMap::new(),
            software: concat!("isotherm ", env!("CARGO_PKG_VERSION")).into(),
        }
    }

    /// The passport with `drawn` added to its numbers. Numbers that are not an object move to `given`.
    pub fn with_drawn(&self, drawn: Value) -> Passport {
        let mut passport = self.clone();
        let mut numbers = match std::mem::take(&mut passport.numbers) {
            Value::Object(map) => map,
            Value::Null => serde_json::Map::new(),
            other => serde_json::Map::from_iter([("given".to_string(), other)]),
        };
        numbers.insert("drawn".into(), drawn);
        passport.numbers = Value::Object(numbers);
        passport
    }

    /// As one line of ASCII JSON without `files`: what goes inside a PNG or SVG.
    ///
    /// # Errors
    /// [`FigureError::Passport`] where it cannot be written as JSON.
    pub fn embeddable(&self) -> FigureResult<String> {
        let bare = Passport { files: BTreeMap::new(), ..self.clone() };
        let text = serde_json::to_string(&bare).map_err(|e| problem(Path::new(&self.name), e))?;
        Ok(ascii(&text))
    }

    /// Writes it as indented JSON.
    ///
    /// # Errors
    /// [`FigureError::File`], [`FigureError::Passport`].
    pub fn write(&self, path: &Path) -> FigureResult<()> {
        let mut text = serde_json::to_string_pretty(self).map_err(|e| problem(path, e))?;
        text.push('\n');
        write_atomic(path, text.as_bytes()).map_err(|source| FigureError::File { path: path.into(), source })
    }

    /// Reads the JSON beside a figure or table.
    ///
    /// # Errors
    /// [`FigureError::File`], [`FigureError::Passport`].
    pub fn read(path: &Path) -> FigureResult<Passport> {
        let bytes = fs::read(path).map_err(|source| FigureError::File { path: path.into(), source })?;
        serde_json::from_slice(&bytes).map_err(|e| problem(path, e))
    }

    /// Reads the passport inside a PNG.
    ///
    /// # Errors
    /// [`FigureError::File`]; [`FigureError::Passport`] where the file is no PNG or carries no passport.
    pub fn read_embedded(png: &Path) -> FigureResult<Passport> {
        let bytes = fs::read(png).map_err(|source| FigureError::File { path: png.into(), source })?;
        match png_file::embedded(&bytes).map_err(|e| problem(png, e))? {
            Some(text) => serde_json::from_str(&text).map_err(|e| problem(png, e)),
            None => Err(problem(png, "the picture carries no passport; draw it again with isotherm")),
        }
    }

    /// Checks each file that the passport names, in `folder`, against its hash.
    ///
    /// # Errors
    /// [`FigureError::File`] where one is missing, [`FigureError::Passport`] where one was changed.
    pub fn check_files(&self, folder: &Path) -> FigureResult<()> {
        for (name, wanted) in &self.files {
            let path = folder.join(name);
            let found = sha256_file(&path).map_err(|source| FigureError::File { path: path.clone(), source })?;
            if found != *wanted {
                return Err(problem(&path, format!("sha256 is {found}, but its passport says {wanted}; make it again")));
            }
        }
        Ok(())
    }
}

fn problem(path: &Path, problem: impl std::fmt::Display) -> FigureError {
    FigureError::Passport { path: path.into(), problem: problem.to_string() }
}

/// JSON text with every character beyond ASCII as a `\u` escape: a tEXt chunk holds only Latin-1.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn example(name: &str, tier: Tier) -> Passport {
        let mut passport = Passport::new(name, "test", vec![tier]);
        passport.configuration = serde_json::json!({"scale": 5, "note": "≤ 0.5 °C 🌊"});
        passport.inputs.insert("sst.nc".into(), "ab".repeat(32));
        passport.seed = u64::MAX;
        passport
    }

    #[test]
    fn json_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let passport = example("a", Tier::Twin).with_drawn(serde_json::json!([0.1, 1e-300]));
        passport.write(&path).unwrap();
        assert_eq!(Passport::read(&path).unwrap(), passport);
    }

    #[test]
    fn embedded_text_is_ascii_and_says_the_same() {
        let mut passport = example("a", Tier::Real);
        passport.files.insert("a.png".into(), "00".into());
        let text = passport.embeddable().unwrap();
        assert!(text.is_ascii() && text.contains("\\u2264"));
        let back: Passport = serde_json::from_str(&text).unwrap();
        passport.files.clear();
        assert_eq!(back, passport);
    }

    #[test]
    fn a_changed_file_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.csv"), b"abc").unwrap();
        let mut passport = example("a", Tier::Twin);
        // FIPS 180-4, the message "abc"
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        passport.files.insert("a.csv".into(), hash.into());
        passport.check_files(folder.path()).unwrap();
        fs::write(folder.path().join("a.csv"), b"abd").unwrap();
        assert!(matches!(passport.check_files(folder.path()), Err(FigureError::Passport { .. })));
        fs::remove_file(folder.path().join("a.csv")).unwrap();
        assert!(matches!(passport.check_files(folder.path()), Err(FigureError::File { .. })));
    }
}

//! [`Step`]: named work with declared inputs and outputs, and the key that its inputs add up to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::code;
use super::error::{PaperError, PaperResult};
use super::study::Study;
use crate::base::hash::{sha256, sha256_parts};

/// Raised when the meaning of a key changes.
const KEY_SCHEMA: &str = "isotherm-step-1";

/// A file of a product that a step reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Manifest id.
    pub product: &'static str,
    /// Member of the product.
    pub member: &'static str,
}

/// Named work: what goes in is declared, so whether it must run is known before it runs.
pub struct Step {
    /// Its name (`edsr`, `scatter`).
    pub name: &'static str,
    /// One line: what it makes.
    pub about: &'static str,
    /// Source files whose code enters the key, by path prefix, in groups (some of which steps share).
    pub rooms: &'static [&'static [&'static str]],
    /// Configuration files, relative to the project; the first is the step's own.
    pub configurations: &'static [&'static str],
    /// Steps whose outputs it reads.
    pub needs: &'static [&'static str],
    /// Files of products it reads.
    pub data: &'static [DataFile],
    /// What it publishes: (name in its folder, path in the project).
    pub publishes: &'static [(&'static str, &'static str)],
    /// The work.
    pub run: fn(&StepContext<'_>) -> PaperResult<()>,
}

/// What a step is given when it runs.
pub struct StepContext<'a> {
    /// The step itself.
    pub step: &'a Step,
    /// The study it belongs to.
    pub study: &'a Study,
    /// The step's key.
    pub key: String,
    /// Where it writes. The folder survives an interruption, so that long work can resume.
    pub folder: PathBuf,
}

impl StepContext<'_> {
    /// The folder with the outputs of a step named in `needs`.
    ///
    /// # Errors
    /// [`PaperError::Unknown`] for a step that was not declared.
    pub fn input(&self, step: &str) -> PaperResult<PathBuf> {
        if !self.step.needs.contains(&step) {
            return Err(PaperError::Unknown {
                what: "declared input step",
                found: step.into(),
                known: self.step.needs.join(", "),
            });
        }
        self.study.output_folder(step)
    }

    /// The path of a declared product file in the cache.
    ///
    /// # Errors
    /// [`PaperError::Unknown`] for a file that was not declared; the cache's own sentence where it is absent.
    pub fn data(&self, product: &str, member: &str) -> PaperResult<PathBuf> {
        if !self.step.data.iter().any(|d| d.product == product && d.member == member) {
            let known = self.step.data.iter().map(|d| format!("{}/{}", d.product, d.member)).collect::<Vec<_>>().join(", ");
            return Err(PaperError::Unknown { what: "declared data file", found: format!("{product}/{member}"), known });
        }
        self.study.data_path(product, member).map_err(PaperError::step(self.step.name))
    }

    /// The step's configuration, read into its type.
    ///
    /// # Errors
    /// [`PaperError::Content`] with the file, the line and the unknown or missing key.
    pub fn configuration<T: serde::de::DeserializeOwned>(&self) -> PaperResult<T> {
        read_configuration(self.study.root(), self.step.configurations.first().unwrap_or(&"none"))
    }

    /// A path in the step's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The error of this step from any other.
    pub fn error<E: std::fmt::Display>(&self, error: E) -> PaperError {
        PaperError::step(self.step.name)(error)
    }
}

/// Reads a TOML configuration into its type.
///
/// # Errors
/// [`PaperError::File`] where it cannot be read, [`PaperError::Content`] where it does not fit.
pub fn read_configuration<T: serde::de::DeserializeOwned>(root: &Path, name: &str) -> PaperResult<T> {
    let path = root.join(name);
    let text = std::fs::read_to_string(&path).map_err(PaperError::file(&path))?;
    toml::from_str(&text).map_err(|e| PaperError::Content { what: name.to_string(), problem: e.to_string().trim().to_string() })
}

impl Step {
    /// Everything that the key is made of, by name: what changed can then be said by name too.
    ///
    /// # Errors
    /// Where a configuration, a manifest or a room is absent.
    pub fn components(&self, study: &Study) -> PaperResult<BTreeMap<String, String>> {
        let mut parts = BTreeMap::new();
        parts.insert("schema".to_string(), KEY_SCHEMA.to_string());
        let code = code::rooms_sha256(&self.rooms.concat()).ok_or_else(|| PaperError::Step {
            step: self.name.into(),
            problem: format!("one of its rooms holds no source file: {}", self.rooms.concat().join(", ")),
        })?;
        parts.insert(format!("code {}", self.rooms.concat().join(" ")), code);
        parts.insert("crates".to_string(), sha256(code::NUMERICAL_CRATES.as_bytes()));
        for name in self.configurations {
            // The parsed content counts, not its comments or layout.
            let value: toml::Value = read_configuration(study.root(), name)?;
            parts.insert(format!("config {name}"), sha256(value.to_string().as_bytes()));
        }
        for file in self.data {
            let sum = study.data_sha256(file.product, file.member).map_err(PaperError::step(self.name))?;
            parts.insert(format!("data {}/{}", file.product, file.member), sum);
        }
        for need in self.needs {
            parts.insert(format!("step {need}"), study.step(need)?.key(study)?);
        }
        Ok(parts)
    }

    /// The step's key: a hash over [`Step::components`].
    ///
    /// # Errors
    /// As [`Step::components`].
    pub fn key(&self, study: &Study) -> PaperResult<String> {
        let parts = self.components(study)?;
        Ok(key_of(self.name, &parts))
    }
}

/// The key that a name and its components add up to.
pub fn key_of(name: &str, components: &BTreeMap<String, String>) -> String {
    sha256_parts(std::iter::once(("name", name.as_bytes())).chain(components.iter().map(|(k, v)| (k.as_str(), v.as_bytes()))))
}

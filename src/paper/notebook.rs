//! Notebooks as work: which are stale, and the record that one ran to its end.
//!
//! A notebook names the steps whose results it shows in its metadata: `"isotherm": {"steps": ["scatter"]}`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::code;
use super::error::{PaperError, PaperResult};
use super::receipt::changes;
use super::step::key_of;
use super::study::{State, Study, WORKSHOP};
use crate::base::files::write_atomic;
use crate::base::hash::sha256;

/// A notebook of the paper.
pub struct Notebook {
    path: PathBuf,
    code: String,
    steps: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    key: String,
    components: BTreeMap<String, String>,
}

/// All notebooks of the project, by name.
///
/// # Errors
/// Where one cannot be read.
pub fn all(study: &Study) -> PaperResult<Vec<Notebook>> {
    let folder = study.root().join("notebooks");
    let mut paths: Vec<PathBuf> = match std::fs::read_dir(&folder) {
        Ok(entries) => {
            entries.filter_map(|e| e.ok().map(|e| e.path())).filter(|p| p.extension().is_some_and(|e| e == "ipynb")).collect()
        }
        Err(_) => Vec::new(),
    };
    paths.sort();
    paths.iter().map(|p| Notebook::read(p)).collect()
}

impl Notebook {
    /// Reads a notebook's code cells and the steps it names.
    ///
    /// # Errors
    /// [`PaperError::Content`] where it is not a notebook.
    pub fn read(path: &Path) -> PaperResult<Notebook> {
        let bytes = std::fs::read(path).map_err(PaperError::file(path))?;
        let fail = |problem: String| PaperError::Content { what: path.display().to_string(), problem };
        let root: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| fail(format!("is not a notebook: {e}")))?;
        let cells = root["cells"].as_array().ok_or_else(|| fail("has no cells".into()))?;
        let text = |source: &serde_json::Value| match source {
            serde_json::Value::Array(lines) => lines.iter().filter_map(|l| l.as_str()).collect::<String>(),
            other => other.as_str().unwrap_or_default().to_string(),
        };
        let code = cells.iter().filter(|c| c["cell_type"] == "code").map(|c| text(&c["source"])).collect::<Vec<_>>().join("\n\n");
        let steps = root["metadata"]["isotherm"]["steps"]
            .as_array()
            .map(|list| list.iter().filter_map(|s| s.as_str().map(str::to_string)).collect())
            .unwrap_or_default();
        Ok(Notebook { path: path.to_path_buf(), code, steps })
    }

    /// The notebook's file name.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn components(&self, study: &Study) -> PaperResult<BTreeMap<String, String>> {
        let mut parts = BTreeMap::new();
        parts.insert("its cells".to_string(), sha256(self.code.as_bytes()));
        let prelude = code::rooms_sha256(&["src/prelude.rs", "src/paper/"]).unwrap_or_default();
        parts.insert("code src/prelude.rs src/paper/".to_string(), prelude);
        for step in &self.steps {
            parts.insert(format!("step {step}"), study.step(step)?.key(study)?);
        }
        Ok(parts)
    }

    fn record_path(&self, study: &Study) -> PathBuf {
        study.root().join(WORKSHOP).join("notebooks").join(format!("{}.json", self.name()))
    }

    /// Must it be executed again?
    ///
    /// # Errors
    /// Where a step it names does not exist.
    pub fn state(&self, study: &Study) -> PaperResult<State> {
        let components = self.components(study)?;
        let record: Option<Record> =
            std::fs::read(self.record_path(study)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut why = match record {
            None => vec!["it has not run yet".to_string()],
            Some(record) if record.key != key_of(&self.name(), &components) => changes(&record.components, &components),
            Some(_) => Vec::new(),
        };
        for name in &self.steps {
            if let State::ToRun(_) = study.state(study.step(name)?)? {
                why.push(format!("step {name} is to run"));
            }
        }
        Ok(if why.is_empty() { State::Fresh } else { State::ToRun(why) })
    }

    /// Records that the notebook ran to its end on the present inputs.
    ///
    /// # Errors
    /// [`PaperError::File`].
    pub fn record(&self, study: &Study) -> PaperResult<()> {
        let components = self.components(study)?;
        let record = Record { key: key_of(&self.name(), &components), components };
        let path = self.record_path(study);
        let text = serde_json::to_vec_pretty(&record)
            .map_err(|e| PaperError::Content { what: path.display().to_string(), problem: e.to_string() })?;
        write_atomic(&path, &text).map_err(PaperError::file(&path))
    }
}

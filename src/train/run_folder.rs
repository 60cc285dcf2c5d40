//! The folder of one training run, complete before its first step.
//!
//! | file | content |
//! |---|---|
//! | `config.json` | the resolved settings, as given by the method |
//! | `run.json` | seed, device, versions, data hashes |
//! | `log.jsonl` | one JSON object for each logged iteration |
//! | `events.out.tfevents.isotherm` | the log for TensorBoard, where asked for |
//! | `last.safetensors` | the newest state, to resume from |
//! | `best.safetensors` | the state with the best validation score |

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::error::{TrainError, TrainResult};
use crate::base::files::write_atomic;

/// A run's folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Opens `path` for a run with these settings: writes `config.json` and `run.json` into a new folder,
    /// or finds the same config in an old one (then the run can be resumed).
    ///
    /// # Errors
    /// [`TrainError::RunFolder`] where the folder holds a run with another config or seed;
    /// [`TrainError::File`] from the file system.
    pub fn open(
        path: &Path,
        config: &Value,
        seed: u64,
        device: &str,
        provenance: &BTreeMap<String, String>,
    ) -> TrainResult<RunFolder> {
        let folder = RunFolder { path: path.to_path_buf() };
        let wanted = json!({ "config": config, "seed": seed });
        let config_path = path.join("config.json");
        if config_path.exists() {
            let text = fs::read(&config_path).map_err(|source| TrainError::File { path: config_path.clone(), source })?;
            if serde_json::from_slice::<Value>(&text).ok().as_ref() != Some(&wanted) {
                return Err(TrainError::RunFolder {
                    folder: path.to_path_buf(),
                    problem: "it holds a run with other settings; give an empty folder or the settings in its config.json"
                        .to_string(),
                });
            }
            return Ok(folder);
        }
        let run = json!({
            "seed": seed,
            "device": device,
            "threads": rayon::current_num_threads(),
            "isotherm": env!("CARGO_PKG_VERSION"),
            "architecture": std::env::consts::ARCH,
            // Results repeat bit for bit on one kind of processor; wider vectors sum in another order.
            "vector_instructions": vector_instructions(),
            "started": chrono::Utc::now().to_rfc3339(),
            "provenance": provenance,
        });
        folder.write_json("run.json", &run)?;
        folder.write_json("config.json", &wanted)?;
        Ok(folder)
    }

    fn write_json(&self, name: &str, value: &Value) -> TrainResult<()> {
        let path = self.path.join(name);
        let text = format!("{value:#}\n");
        write_atomic(&path, text.as_bytes()).map_err(|source| TrainError::File { path, source })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The newest state.
    pub fn last(&self) -> PathBuf {
        self.path.join("last.safetensors")
    }

    /// The state with the best validation score.
    pub fn best(&self) -> PathBuf {
        self.path.join("best.safetensors")
    }

    /// The log.
    pub fn log(&self) -> PathBuf {
        self.path.join("log.jsonl")
    }

    /// The log as TensorBoard reads it.
    pub fn events(&self) -> PathBuf {
        self.path.join("events.out.tfevents.isotherm")
    }

    /// Removes files that a killed run left half written under their temporary names.
    ///
    /// # Errors
    /// [`TrainError::File`].
    pub fn sweep(&self) -> TrainResult<()> {
        let wrong = |source| TrainError::File { path: self.path.clone(), source };
        for entry in fs::read_dir(&self.path).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') && name.ends_with(".part") {
                fs::remove_file(&path).map_err(|source| TrainError::File { path: path.clone(), source })?;
            }
        }
        Ok(())
    }

    /// The log's lines.
    ///
    /// # Errors
    /// [`TrainError::File`]; a log that does not exist has no lines.
    pub fn log_lines(&self) -> TrainResult<Vec<Value>> {
        let path = self.log();
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(TrainError::File { path, source }),
        }
    }

    /// Drops every log line at or after `iteration` and anything unreadable: what a cut run wrote after its
    /// last checkpoint will be written again.
    ///
    /// # Errors
    /// [`TrainError::File`].
    pub fn rewind_log(&self, iteration: u64) -> TrainResult<()> {
        let path = self.log();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(TrainError::File { path, source }),
        };
        let before = |line: &&str| {
            serde_json::from_str::<Value>(line).ok().and_then(|v| v["iteration"].as_u64()).is_some_and(|i| i < iteration)
        };
        let kept: String = text.lines().filter(before).flat_map(|line| [line, "\n"]).collect();
        write_atomic(&path, kept.as_bytes()).map_err(|source| TrainError::File { path, source })
    }

    /// Adds one line to the log.
    ///
    /// # Errors
    /// [`TrainError::File`].
    pub fn append_log(&self, line: &Value) -> TrainResult<()> {
        let path = self.log();
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
            file.write_all(format!("{line}\n").as_bytes())
        };
        write().map_err(|source| TrainError::File { path: path.clone(), source })
    }
}

fn vector_instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "avx512";
        }
        if is_x86_feature_detected!("avx2") {
            return "avx2";
        }
    }
    "baseline"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_settings_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let open = |width: u32, seed| RunFolder::open(&path, &json!({ "width": width }), seed, "cpu", &BTreeMap::new());
        open(3, 1).unwrap();
        assert!(path.join("run.json").exists());
        open(3, 1).unwrap();
        assert!(open(4, 1).unwrap_err().to_string().contains("other settings"));
        assert!(open(3, 2).is_err());
    }

    #[test]
    fn the_log_is_rewound_to_the_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::open(folder.path(), &json!({}), 0, "cpu", &BTreeMap::new()).unwrap();
        for iteration in [0, 5, 10] {
            run.append_log(&json!({ "iteration": iteration })).unwrap();
        }
        fs::OpenOptions::new().append(true).open(run.log()).unwrap().write_all(b"{\"iterat").unwrap();
        run.rewind_log(10).unwrap();
        assert_eq!(fs::read_to_string(run.log()).unwrap(), "{\"iteration\":0}\n{\"iteration\":5}\n");
        assert_eq!(run.log_lines().unwrap(), [json!({ "iteration": 0 }), json!({ "iteration": 5 })]);
    }

    #[test]
    fn what_a_killed_run_left_half_written_goes() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::open(folder.path(), &json!({}), 0, "cpu", &BTreeMap::new()).unwrap();
        for name in [".last.safetensors.77-3.part", ".hidden", "note.part"] {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        run.sweep().unwrap();
        let left = |name: &str| folder.path().join(name).exists();
        assert!(!left(".last.safetensors.77-3.part") && left(".hidden") && left("note.part") && left("config.json"));
    }
}

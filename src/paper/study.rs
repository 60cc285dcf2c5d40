//! [`Study`]: the project on disk, its steps, and which of them must run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::error::{PaperError, PaperResult};
use super::receipt::{Receipt, changes};
use super::step::{Step, StepContext};
use super::steps;
use crate::base::files::write_atomic;
use crate::base::hash::sha256_file;
use crate::data::{Cache, DataError, DataResult, Manifest};

/// Folder, in the project, of everything that is made and not published.
pub const WORKSHOP: &str = ".isotherm";

/// The project on disk with its steps.
pub struct Study {
    root: PathBuf,
    workshop: PathBuf,
    manifests: Vec<Manifest>,
    cache: Cache,
    steps: &'static [Step],
}

/// Whether a step must run, and why.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Its outputs are there, made from exactly these inputs.
    Fresh,
    /// It must run; the words say why.
    ToRun(Vec<String>),
}

impl Study {
    /// Opens the project that the current folder lies in (its own folder or any below it).
    ///
    /// # Errors
    /// [`PaperError::Content`] where no folder above holds `configs/` and `data-manifests/`.
    pub fn open() -> PaperResult<Study> {
        let start = std::env::current_dir().map_err(PaperError::file("."))?;
        let root =
            start.ancestors().find(|p| p.join("data-manifests").is_dir() && p.join("configs").is_dir()).ok_or_else(|| {
                PaperError::Content {
                    what: start.display().to_string(),
                    problem:
                        "is not inside the isotherm project (no data-manifests/ and configs/ here or above); change to its folder"
                            .into(),
                }
            })?;
        Study::at(root, steps::ALL)
    }

    /// A study of given steps at a given root.
    ///
    /// # Errors
    /// Where a manifest cannot be read.
    pub fn at(root: &Path, steps: &'static [Step]) -> PaperResult<Study> {
        let wrap = |e: DataError| PaperError::Content { what: "data".into(), problem: e.to_string() };
        let manifests = Manifest::load_all(&root.join("data-manifests")).map_err(wrap)?;
        Ok(Study { root: root.to_path_buf(), workshop: root.join(WORKSHOP), manifests, cache: Cache::of_project(root), steps })
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All steps, in an order in which they can run.
    pub fn steps(&self) -> &'static [Step] {
        self.steps
    }

    /// The step of this name.
    ///
    /// # Errors
    /// [`PaperError::Unknown`] with the names there are.
    pub fn step(&self, name: &str) -> PaperResult<&'static Step> {
        self.steps.iter().find(|s| s.name == name).ok_or_else(|| PaperError::Unknown {
            what: "step",
            found: name.into(),
            known: self.steps.iter().map(|s| s.name).collect::<Vec<_>>().join(", "),
        })
    }

    /// The step that publishes `file` (`figures/scatter.png`, `scatter.png` or `scatter`).
    ///
    /// # Errors
    /// [`PaperError::Unknown`] with the files there are.
    pub fn publisher(&self, file: &str) -> PaperResult<&'static Step> {
        let given = Path::new(file);
        let fits = |published: &str| {
            let path = Path::new(published);
            path == given
                || given.ends_with(path)
                || path.file_name() == Some(given.as_os_str())
                || path.file_stem() == Some(given.as_os_str())
        };
        self.steps.iter().find(|s| s.publishes.iter().any(|(_, p)| fits(p))).ok_or_else(|| PaperError::Unknown {
            what: "published file",
            found: file.into(),
            known: self.steps.iter().flat_map(|s| s.publishes.iter().map(|(_, p)| *p)).collect::<Vec<_>>().join(", "),
        })
    }

    /// The manifests of all products.
    pub fn manifests(&self) -> &[Manifest] {
        &self.manifests
    }

    /// Where fetched files lie.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The manifest of a product.
    ///
    /// # Errors
    /// [`DataError::Content`] where there is none of that id.
    pub fn manifest(&self, product: &str) -> DataResult<&Manifest> {
        self.manifests.iter().find(|m| m.id == product).ok_or_else(|| DataError::Content {
            what: product.to_string(),
            problem: format!(
                "no manifest of that id; there are: {}",
                self.manifests.iter().map(|m| m.id.as_str()).collect::<Vec<_>>().join(", ")
            ),
        })
    }

    /// The sum that a product's manifest states for one of its files.
    ///
    /// # Errors
    /// [`DataError::Content`] where the manifest has no such file or no sum for it.
    pub fn data_sha256(&self, product: &str, member: &str) -> DataResult<String> {
        let manifest = self.manifest(product)?;
        let file = manifest.files.iter().find(|f| f.member == member).ok_or_else(|| DataError::Content {
            what: product.to_string(),
            problem: format!("its manifest lists no file {member}"),
        })?;
        let wheel = manifest.wheel().map(|(_, _, sum, _)| sum.to_string());
        file.sha256.clone().or(wheel).ok_or_else(|| DataError::Content {
            what: format!("{product}: {member}"),
            problem: "its manifest states no sha256, so no figure may depend on it; add the sum".into(),
        })
    }

    /// A product's file in the cache.
    ///
    /// # Errors
    /// The cache's sentence: which file is absent and how to fetch it.
    pub fn data_path(&self, product: &str, member: &str) -> DataResult<PathBuf> {
        self.cache.member(self.manifest(product)?, member)
    }

    /// Where a step's outputs lie, or would lie.
    ///
    /// # Errors
    /// As [`Step::key`].
    pub fn output_folder(&self, name: &str) -> PaperResult<PathBuf> {
        let key = self.step(name)?.key(self)?;
        Ok(self.folder_of(name, &key))
    }

    fn folder_of(&self, name: &str, key: &str) -> PathBuf {
        self.workshop.join("steps").join(name).join(&key[..16])
    }

    /// Must the step run? `needs` that must run make it run too.
    ///
    /// # Errors
    /// As [`Step::components`].
    pub fn state(&self, step: &Step) -> PaperResult<State> {
        let components = step.components(self)?;
        let key = super::step::key_of(step.name, &components);
        let folder = self.folder_of(step.name, &key);
        let mut why = Vec::new();
        let receipt = match Receipt::of_key(&folder, &key) {
            Some(receipt) if receipt.files_present(&folder) => receipt,
            Some(_) => return Ok(State::ToRun(vec!["a file of its last run is gone".to_string()])),
            None => {
                return Ok(State::ToRun(match self.latest_receipt(step.name) {
                    Some(before) => changes(&before.components, &components),
                    None => vec!["it has not run yet".to_string()],
                }));
            }
        };
        for (name, published) in step.publishes {
            match sha256_file(&self.root.join(published)) {
                Err(_) => why.push(format!("{published} is absent")),
                Ok(sum) if receipt.files.get(*name) != Some(&sum) => {
                    why.push(format!("{published} is not the one that the step made"));
                }
                Ok(_) => {}
            }
        }
        Ok(if why.is_empty() { State::Fresh } else { State::ToRun(why) })
    }

    fn latest_receipt(&self, name: &str) -> Option<Receipt> {
        let folders = fs::read_dir(self.workshop.join("steps").join(name)).ok()?;
        folders
            .filter_map(|entry| {
                let folder = entry.ok()?.path();
                let made = fs::metadata(folder.join(super::receipt::RECEIPT)).ok()?.modified().ok()?;
                Some((made, Receipt::read(&folder)?))
            })
            .max_by_key(|(made, _)| *made)
            .map(|(_, receipt)| receipt)
    }

    /// Runs a step and all that it needs, as far as they are not fresh; gives the folder of its outputs.
    ///
    /// # Errors
    /// The first step's error; what ran before is kept, and an interrupted step resumes where it can.
    pub fn run(&self, name: &str) -> PaperResult<PathBuf> {
        let step = self.step(name)?;
        for need in step.needs {
            self.run(need)?;
        }
        let components = step.components(self)?;
        let key = super::step::key_of(step.name, &components);
        let folder = self.folder_of(step.name, &key);
        if self.state(step)? == State::Fresh {
            return Ok(folder);
        }
        let done = || Receipt::of_key(&folder, &key).is_some_and(|r| r.files_present(&folder));
        if !done() {
            let _lock = self.lock(step.name)?;
            // Another kernel may have finished it while this one waited.
            if !done() {
                self.work(step, &key, components, &folder)?;
            }
        }
        self.publish(step, &folder)?;
        Ok(folder)
    }

    fn work(
        &self,
        step: &Step,
        key: &str,
        components: std::collections::BTreeMap<String, String>,
        folder: &Path,
    ) -> PaperResult<()> {
        let part = folder.with_extension("part");
        fs::create_dir_all(&part).map_err(PaperError::file(&part))?;
        println!("step {}: {}", step.name, step.about);
        let started = Instant::now();
        let context = StepContext { step, study: self, key: key.to_string(), folder: part.clone() };
        (step.run)(&context)?;
        for (name, _) in step.publishes {
            if !part.join(name).is_file() {
                return Err(PaperError::Step { step: step.name.into(), problem: format!("it ended without writing {name}") });
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        Receipt::write(&part, step.name, key, components, seconds)?;
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(PaperError::file(folder))?;
        }
        fs::rename(&part, folder).map_err(PaperError::file(folder))?;
        println!("step {}: done in {seconds:.1} s", step.name);
        Ok(())
    }

    fn publish(&self, step: &Step, folder: &Path) -> PaperResult<()> {
        for (name, published) in step.publishes {
            let from = folder.join(name);
            let to = self.root.join(published);
            let bytes = fs::read(&from).map_err(PaperError::file(&from))?;
            if fs::read(&to).ok().as_deref() != Some(&bytes) {
                write_atomic(&to, &bytes).map_err(PaperError::file(&to))?;
            }
        }
        Ok(())
    }

    /// One worker at a step at a time, also across processes (two notebooks at once).
    fn lock(&self, name: &str) -> PaperResult<fs::File> {
        let path = self.workshop.join("locks").join(format!("{name}.lock"));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(PaperError::file(folder))?;
        }
        let file = fs::File::create(&path).map_err(PaperError::file(&path))?;
        if file.try_lock().is_err() {
            println!("step {name}: another process works on it; waiting");
            file.lock().map_err(PaperError::file(&path))?;
        }
        Ok(file)
    }
}

//! Filling in a passport from the step that makes it.

use std::process::Command;

use serde_json::Value;

use super::code::LOCKFILE_SHA256;
use super::error::PaperResult;
use super::step::StepContext;
use crate::figure::{Passport, Tier};

impl StepContext<'_> {
    /// A passport for `name`, made by this step: key, commit, lockfile, configuration and inputs filled in.
    ///
    /// # Errors
    /// As [`super::Step::components`].
    pub fn passport(&self, name: &str, tier: Vec<Tier>, seed: u64, numbers: Value) -> PaperResult<Passport> {
        let mut configuration = serde_json::Map::new();
        for file in self.step.configurations {
            let value: toml::Value = super::step::read_configuration(self.study.root(), file)?;
            configuration.insert((*file).to_string(), serde_json::to_value(value).map_err(|e| self.error(e))?);
        }
        let mut passport = Passport::new(name, self.step.name, tier);
        passport.key = self.key.clone();
        passport.commit = commit(self.study.root());
        passport.lockfile_sha256 = LOCKFILE_SHA256.to_string();
        passport.configuration = Value::Object(configuration);
        passport.inputs = self.step.components(self.study)?;
        passport.seed = seed;
        passport.numbers = numbers;
        Ok(passport)
    }
}

/// The commit checked out at `root`, with `-dirty` where tracked files differ from it; `unknown` outside git.
fn commit(root: &std::path::Path) -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    match git(&["rev-parse", "HEAD"]) {
        // What the steps publish lies in figures/ and changes while they run: it is no change of the source.
        Some(head) => match git(&["status", "--porcelain", "--untracked-files=no", "--", ".", ":!figures"]) {
            Some(changes) if !changes.is_empty() => format!("{head}-dirty"),
            _ => head,
        },
        None => "unknown".into(),
    }
}

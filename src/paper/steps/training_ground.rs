//! [`TrainingGround`]: what a training on the twin stands on, and the files that it leaves for other steps.

use std::collections::BTreeMap;
use std::path::PathBuf;

use candle_core::Device;
use serde_json::Value;

use crate::data::Tier;
use crate::data::twin::Twin;
use crate::methods::refinement::FineFieldSource;
use crate::nn::{DeviceChoice, select_device};
use crate::paper::PaperResult;
use crate::paper::step::StepContext;
use crate::train::TrainingReport;

/// Name of the checkpoint in a training step's folder.
pub const WEIGHTS: &str = "weights.safetensors";
/// Name of the training's log in the step's folder: a JSON object a line.
pub const LOG: &str = "training.jsonl";
/// Name of the file that says on what it was trained.
pub const DEVICE: &str = "device.txt";

/// What a training on the twin's training days stands on.
pub struct TrainingGround<'a> {
    context: &'a StepContext<'a>,
    twin: Twin,
    train_days: Vec<usize>,
    validation_days: Vec<usize>,
    /// Where it computes.
    pub device: Device,
    description: String,
    /// Its run folder, which survives an interruption.
    pub folder: PathBuf,
    /// What the run folder says of where it comes from.
    pub provenance: BTreeMap<String, String>,
}

impl<'a> TrainingGround<'a> {
    /// The ground of a step's training.
    ///
    /// # Errors
    /// Where the twin, the split or the device is not to be had.
    pub fn of(context: &'a StepContext<'a>, seed: u64) -> PaperResult<TrainingGround<'a>> {
        let twin = super::twin::open(context)?;
        let split = context.study.split()?;
        let (device, description) = select_device(DeviceChoice::Auto).map_err(|e| context.error(e))?;
        let folder = context.path("run");
        println!("{description} Log: {}", folder.join("log.jsonl").display());
        let passport = context.passport(context.step.name, vec![Tier::Twin], seed, Value::Null)?;
        let provenance = BTreeMap::from([
            ("commit".to_string(), passport.commit.clone()),
            ("key".to_string(), context.key.clone()),
            ("lockfile_sha256".to_string(), passport.lockfile_sha256.clone()),
        ]);
        Ok(TrainingGround {
            context,
            twin,
            train_days: split.train_days(),
            validation_days: split.validation_days(),
            device,
            description,
            folder,
            provenance,
        })
    }

    /// Training and validation days of the truth.
    pub fn sources(&self) -> PaperResult<(FineFieldSource<'_>, FineFieldSource<'_>)> {
        let source = |days: &[usize]| FineFieldSource::new(self.twin.truth(), days).map_err(|e| self.context.error(e));
        Ok((source(&self.train_days)?, source(&self.validation_days)?))
    }

    /// Puts a checkpoint of the run folder, the log and the device's description where other steps look for them.
    ///
    /// # Errors
    /// Where a file cannot be copied.
    pub fn leave(&self, report: &TrainingReport, checkpoint: &str) -> PaperResult<()> {
        if let Some((score, iteration)) = report.best {
            println!("best on validation at iteration {iteration}: {score:.3}");
        }
        let context = self.context;
        std::fs::copy(self.folder.join(checkpoint), context.path(WEIGHTS)).map_err(|e| context.error(e))?;
        std::fs::copy(self.folder.join("log.jsonl"), context.path(LOG)).map_err(|e| context.error(e))?;
        std::fs::write(context.path(DEVICE), &self.description).map_err(|e| context.error(e))
    }
}

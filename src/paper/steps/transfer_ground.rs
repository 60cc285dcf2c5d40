//! [`DustGround`]: what everything about the synthetic dust stands on, and what a training on it leaves for other steps.

use std::collections::BTreeMap;

use candle_core::Device;
use serde::Deserialize;
use serde_json::Value;

use super::transfer_dust::CONFIGURATION;
use crate::data::Tier;
use crate::data::dust::{DustConfig, DustTwin};
use crate::data::splits::{Buffer, LeakageCertificate, Part, Split};
use crate::methods::transfer::{Archive, BlockPlan, DaySplit, Groundwork};
use crate::nn::{DeviceChoice, select_device};
use crate::paper::PaperResult;
use crate::paper::step::{StepContext, read_configuration};
use crate::train::TrainingReport;

/// Name of the checkpoint in a training step's folder.
pub const WEIGHTS: &str = "weights.safetensors";
/// Name of the training's log in the step's folder.
pub const LOG: &str = "training.jsonl";

/// What the dust is made of, and which of its days are for what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DustConfiguration {
    record: DustConfig,
    split: BlockPlan,
}

/// What reading the dust stands on.
pub const DUST_ROOMS: &[&str] = &[
    "src/base/",
    "src/grid/",
    "src/nn/",
    "src/train/",
    "src/diffusion/",
    "src/score/",
    "src/data/dust/",
    "src/data/splits/",
    "src/data/tier.rs",
    "src/data/error.rs",
    "src/methods/transfer/",
    "src/methods/error.rs",
    "src/paper/steps/transfer_dust.rs",
    "src/paper/steps/transfer_ground.rs",
];

/// The dust with its split, on one calendar.
pub struct DustGround {
    /// Both records and what comes after.
    pub twin: DustTwin,
    /// What a method may know.
    pub archive: Archive,
    /// The days of each part.
    pub split: DaySplit,
    /// That nothing leaks.
    pub certificate: LeakageCertificate,
}

impl DustGround {
    /// The dust that a step named among its needs.
    ///
    /// # Errors
    /// Where it is not to be had, or its split leaks.
    pub fn open(context: &StepContext<'_>) -> PaperResult<DustGround> {
        let configuration: DustConfiguration = read_configuration(context.study.root(), CONFIGURATION)?;
        let folder = context.input("dust")?;
        let twin = DustTwin::open_or_generate(&configuration.record, &folder).map_err(|e| context.error(e))?;
        let archive = Archive::new(twin.fine(), twin.coarse(), twin.elevation()).map_err(|e| context.error(e))?;
        let split = configuration.split.split(archive.fine_days()).map_err(|e| context.error(e))?;
        let dates = |part, days: &[usize]| Split {
            part,
            dates: days.iter().map(|day| archive.calendar().date(*day)).collect(),
            boxes: Vec::new(),
        };
        let (train, validation, test) =
            (dates(Part::Train, &split.train), dates(Part::Validation, &split.validation), dates(Part::Test, &split.test));
        let buffer = Buffer { days: configuration.split.gap_days, cells: 0 };
        let certificate = LeakageCertificate::issue(&train, &validation, &test, &train, buffer).map_err(|e| context.error(e))?;
        Ok(DustGround { twin, archive, split, certificate })
    }

    /// What is taken from the training days.
    ///
    /// # Errors
    /// Where they tell too little.
    pub fn groundwork(&self, context: &StepContext<'_>) -> PaperResult<Groundwork<'_>> {
        Groundwork::new(&self.archive, &self.split.train).map_err(|e| context.error(e))
    }

    /// Is the day in no one's training: of validation or test, or after the end of the fine record?
    pub fn held_out(&self, day: usize) -> bool {
        let of = |days: &[usize]| days.binary_search(&day).is_ok();
        of(&self.split.validation) || of(&self.split.test) || day >= self.archive.fine_days().end
    }
}

/// The device of a training, and what its run folder says of where it comes from.
///
/// # Errors
/// Where no device is to be had.
pub fn training_place(context: &StepContext<'_>, seed: u64) -> PaperResult<(Device, BTreeMap<String, String>)> {
    let (device, description) = select_device(DeviceChoice::Auto).map_err(|e| context.error(e))?;
    println!("{description} Log: {}", context.path("run").join("log.jsonl").display());
    let passport = context.passport(context.step.name, vec![Tier::Twin], seed, Value::Null)?;
    let provenance = BTreeMap::from([
        ("commit".to_string(), passport.commit.clone()),
        ("key".to_string(), context.key.clone()),
        ("lockfile_sha256".to_string(), passport.lockfile_sha256.clone()),
    ]);
    Ok((device, provenance))
}

/// Puts a checkpoint of the run folder and the log where other steps look for them.
///
/// # Errors
/// Where a file cannot be copied.
pub fn leave(context: &StepContext<'_>, report: &TrainingReport, checkpoint: &str) -> PaperResult<()> {
    if let Some((score, iteration)) = report.best {
        println!("best on validation at iteration {iteration}: {score:.3}");
    }
    let run = context.path("run");
    std::fs::copy(run.join(checkpoint), context.path(WEIGHTS)).map_err(|e| context.error(e))?;
    std::fs::copy(run.join("log.jsonl"), context.path(LOG)).map_err(|e| context.error(e))?;
    Ok(())
}

//! Training the learned method of the ladder on the twin's training days.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::edsr_files::{DEVICE, LOG, WEIGHTS};
use crate::data::Tier;
use crate::methods::refinement::FineFieldSource;
use crate::methods::regression::{FitOptions, RegressionConfig, fit};
use crate::nn::{DeviceChoice, select_device};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};

/// `configs/edsr/quick.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    network: RegressionConfig,
    fit: FitOptions,
}

/// The step.
pub const STEP: Step = Step {
    name: "edsr",
    about: "a network for x5, trained on the twin's training days",
    rooms: &[
        super::TWIN_AND_SPLIT,
        &[
            "src/base/",
            "src/grid/",
            "src/nn/",
            "src/train/",
            "src/data/twin/",
            "src/data/splits/",
            "src/methods/regression/",
            "src/methods/refinement/",
            "src/methods/error.rs",
            "src/paper/steps/edsr.rs",
            "src/paper/steps/edsr_files.rs",
        ],
    ],
    configurations: &["configs/edsr/quick.toml", super::split::CONFIGURATION],
    needs: &["twin"],
    data: &[],
    publishes: &[],
    run,
};

fn run(context: &StepContext<'_>) -> PaperResult<()> {
    let configuration: Configuration = context.configuration()?;
    let twin = super::twin::open(context)?;
    let split = context.study.split()?;
    let source = |days: &[usize]| FineFieldSource::new(twin.truth(), days).map_err(|e| context.error(e));
    let (device, description) = select_device(DeviceChoice::Auto).map_err(|e| context.error(e))?;
    let folder = context.path("run");
    println!("{description} Log: {}", folder.join("log.jsonl").display());
    let passport = context.passport("edsr_training", vec![Tier::Twin], configuration.fit.seed, Value::Null)?;
    let provenance = BTreeMap::from([
        ("commit".to_string(), passport.commit.clone()),
        ("key".to_string(), context.key.clone()),
        ("lockfile_sha256".to_string(), passport.lockfile_sha256.clone()),
    ]);
    let (network, report) = fit(
        "edsr",
        &configuration.network,
        source(&split.train_days())?,
        source(&split.validation_days())?,
        &configuration.fit,
        &folder,
        &device,
        &provenance,
    )
    .map_err(|e| context.error(e))?;
    if let Some((score, iteration)) = report.best {
        println!("best at iteration {iteration}: error {score:.3} times the back-projected bicubic's on validation tiles");
    }
    std::fs::copy(network.checkpoint(), context.path(WEIGHTS)).map_err(|e| context.error(e))?;
    std::fs::copy(folder.join("log.jsonl"), context.path(LOG)).map_err(|e| context.error(e))?;
    std::fs::write(context.path(DEVICE), description).map_err(|e| context.error(e))
}

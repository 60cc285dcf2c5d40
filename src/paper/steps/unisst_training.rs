//! The trainings of UNISST: the published method, the network that corrects a first fill, and its upper bound.

use candle_core::Device;
use serde::Deserialize;
use serde_json::Value;

use super::training_ground::{TrainingGround, WEIGHTS};
use super::unisst_sequences::{Sequences, YearPart};
use crate::data::Tier;
use crate::methods::unisst::{self, ResidualFitOptions, ResidualNetworkConfig, UnisstConfig, UnisstFitOptions};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};
use crate::train::Checkpoint;

/// The states that a run folder keeps.
const BEST_STATE: &str = "best.safetensors";
const LAST_STATE: &str = "last.safetensors";

/// What every training of UNISST stands on.
const TRAINED: &[&str] = &[
    "src/base/",
    "src/grid/",
    "src/cf/",
    "src/nn/",
    "src/train/",
    "src/data/",
    "src/methods/baselines/",
    "src/methods/refinement/",
    "src/methods/unisst/",
    "src/methods/error.rs",
    "src/paper/products.rs",
    "src/paper/steps/training_ground.rs",
    "src/paper/steps/unisst_cloudy_twin.rs",
    "src/paper/steps/unisst_sequences.rs",
    "src/paper/steps/unisst_training.rs",
];

macro_rules! training_step {
    ($name:literal, $about:literal, $publishes:expr, $run:expr) => {
        Step {
            name: $name,
            about: $about,
            rooms: &[super::TWIN_AND_SPLIT, TRAINED],
            configurations: &[
                concat!("configs/unisst/", $name, ".toml"),
                super::unisst_sequences::CONFIGURATION,
                super::split::CONFIGURATION,
            ],
            needs: &["twin", "unisst_sequences"],
            data: &[],
            publishes: $publishes,
            run: $run,
        }
    };
}

/// The published method.
pub const UNISST: Step = training_step!(
    "unisst",
    "UNISST as published: a generator and two critics, from cloudy sequences alone",
    &[("unisst.safetensors", "weights/unisst.safetensors"), ("unisst.json", "weights/unisst.json")],
    train_adversarial
);
/// The network of the best filler.
pub const BEST: Step = training_step!(
    "unisst_best",
    "the network that weighs and corrects biharmonic fills, from cloudy sequences alone",
    &[("unisst_best.safetensors", "weights/unisst_best.safetensors"), ("unisst_best.json", "weights/unisst_best.json")],
    train_best
);
/// The same network with the truth.
pub const SUPERVISED: Step = training_step!(
    "unisst_supervised",
    "the same network, trained with the truth under the clouds: an upper bound",
    &[],
    train_supervised
);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdversarialTraining {
    network: UnisstConfig,
    fit: UnisstFitOptions,
}

fn train_adversarial(context: &StepContext<'_>) -> PaperResult<()> {
    let AdversarialTraining { network, fit } = context.configuration()?;
    let ground = TrainingGround::of(context, fit.seed)?;
    let fail = |e: crate::methods::MethodError| context.error(e);
    let validation = Sequences::of(context, YearPart::Validation)?.seen_and_hidden().map_err(fail)?;
    let sequences = Sequences::of(context, YearPart::Train)?;
    let (training, clouds) = (sequences.seen().map_err(fail)?, sequences.clouds().map_err(fail)?);
    drop(sequences);
    let name = context.step.name;
    let trained =
        unisst::fit(name, &network, &training, &validation, &clouds, &fit, &ground.folder, &ground.device, &ground.provenance);
    ground.leave(&trained.map_err(|e| context.error(e))?.1, LAST_STATE)?;
    ship(context, unisst::GENERATOR, fit.seed)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResidualTraining {
    network: ResidualNetworkConfig,
    fit: ResidualFitOptions,
}

fn train_residual(context: &StepContext<'_>, method: &str, clear: bool) -> PaperResult<u64> {
    let ResidualTraining { network, fit } = context.configuration()?;
    let ground = TrainingGround::of(context, fit.seed)?;
    // Judged alike, whatever it learned from: at seen cells that are hidden.
    let lessons = |part: YearPart, clear: bool| Sequences::of(context, part)?.lessons(clear).map_err(|e| context.error(e));
    let (validation, training) = (lessons(YearPart::Validation, false)?, lessons(YearPart::Train, clear)?);
    let trained =
        unisst::fit_residual(method, &network, &training, &validation, &fit, &ground.folder, &ground.device, &ground.provenance);
    let report = trained.map_err(|e| context.error(e))?.1;
    ground.leave(&report, if report.best.is_some() { BEST_STATE } else { LAST_STATE })?;
    Ok(fit.seed)
}

fn train_supervised(context: &StepContext<'_>) -> PaperResult<()> {
    train_residual(context, "supervised", true).map(|_| ())
}

fn train_best(context: &StepContext<'_>) -> PaperResult<()> {
    let seed = train_residual(context, "best", false)?;
    ship(context, "", seed)
}

/// The weights by themselves for those who do not train, with a passport that names the tier. `group` is the one that fills;
/// an only network has none.
fn ship(context: &StepContext<'_>, group: &str, seed: u64) -> PaperResult<()> {
    let name = context.step.name;
    let checkpoint = Checkpoint::load(&context.path(WEIGHTS), &Device::Cpu).map_err(|e| context.error(e))?;
    let only = if group.is_empty() {
        let model = checkpoint.weights().clone();
        Checkpoint { state: checkpoint.state, model, ema: Default::default(), moments: Default::default() }
    } else {
        checkpoint.for_use(group).map_err(|e| context.error(e))?
    };
    let file = format!("{name}.safetensors");
    only.save(&context.path(&file)).map_err(|e| context.error(e))?;
    let mut passport = context.passport(name, vec![Tier::Twin], seed, Value::Null)?;
    let sum = crate::base::hash::sha256_file(&context.path(&file)).map_err(|e| context.error(e))?;
    passport.files.insert(file, sum);
    passport.write(&context.path(&format!("{name}.json"))).map_err(|e| context.error(e))
}

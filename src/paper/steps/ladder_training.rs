//! The trainings of the ladder: every network on the same pairs. Regressions and diffusions differ in their iterations.

use candle_core::Device;
use serde::Deserialize;
use serde_json::Value;

use super::training_ground::{TrainingGround, WEIGHTS};
use crate::data::Tier;
use crate::methods::adversarial::{self, AdversarialConfig, AdversarialFitOptions};
use crate::methods::regression::{self, FitOptions, RegressionConfig};
use crate::methods::uadm::{self, UadmConfig, UadmFitOptions};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};
use crate::train::Checkpoint;

/// The states that a run folder keeps.
const BEST: &str = "best.safetensors";
const LAST: &str = "last.safetensors";

/// What every training of the ladder stands on.
const TRAINED: &[&str] = &[
    "src/base/",
    "src/grid/",
    "src/nn/",
    "src/train/",
    "src/data/twin/",
    "src/data/splits/",
    "src/methods/refinement/",
    "src/methods/regression/",
    "src/methods/error.rs",
    "src/paper/steps/training_ground.rs",
    "src/paper/steps/ladder_training.rs",
];

/// What the diffusions need besides.
const DIFFUSED: &[&str] = &["src/diffusion/", "src/methods/uadm/"];

macro_rules! training_step {
    ($name:literal, $about:literal, $rooms:expr, $needs:expr, $run:expr) => {
        Step {
            name: $name,
            about: $about,
            rooms: $rooms,
            configurations: &[concat!("configs/uadm/", $name, ".toml"), super::split::CONFIGURATION],
            needs: $needs,
            data: &[],
            publishes: &[],
            run: $run,
        }
    };
}

const REGRESSION_ROOMS: &[&[&str]] = &[super::TWIN_AND_SPLIT, TRAINED];
const ADVERSARIAL_ROOMS: &[&[&str]] = &[super::TWIN_AND_SPLIT, TRAINED, &["src/methods/adversarial/"]];
const DIFFUSION_ROOMS: &[&[&str]] = &[super::TWIN_AND_SPLIT, TRAINED, DIFFUSED];

/// The residual network, which the first figures of the paper use too.
pub const EDSR: Step = training_step!("edsr", "EDSR for x5, trained on the twin", REGRESSION_ROOMS, &["twin"], train_regression);
/// The three-layer network.
pub const SRCNN: Step =
    training_step!("srcnn", "SRCNN for x5, trained on the twin", REGRESSION_ROOMS, &["twin"], train_regression);
/// Residual-in-residual dense blocks.
pub const RRDB: Step = training_step!("rrdb", "RRDB for x5, trained on the twin", REGRESSION_ROOMS, &["twin"], train_regression);
/// Shifted windows.
pub const SWIN_LIGHT: Step =
    training_step!("swin_light", "SwinIR (light) for x5, trained on the twin", REGRESSION_ROOMS, &["twin"], train_regression);
/// RRDB with a critic.
pub const ESRGAN: Step =
    training_step!("esrgan", "RRDB with a critic for x5, trained on the twin", ADVERSARIAL_ROOMS, &["twin"], train_adversarial);
/// Residual shifting with one weight for all noise.
pub const RESSHIFT: Step = training_step!(
    "resshift",
    "residual-shifting diffusion for x5, trained on the twin",
    DIFFUSION_ROOMS,
    &["twin"],
    train_diffusion
);
/// Noise weighted by what a regression adds.
pub const UPSR: Step =
    training_step!("upsr", "diffusion whose noise follows a regression's residual", DIFFUSION_ROOMS, &["twin"], train_diffusion);
/// Noise weighted by strain.
pub const UADM_PLAIN: Step = training_step!(
    "uadm_plain",
    "diffusion whose noise follows the strain, without a critic",
    DIFFUSION_ROOMS,
    &["twin"],
    train_diffusion
);
/// Noise weighted by strain, and a critic.
pub const UADM: Step = Step {
    publishes: &[("uadm.safetensors", "weights/uadm.safetensors"), ("uadm.json", "weights/uadm.json")],
    ..training_step!(
        "uadm",
        "uncertainty-guided adversarial diffusion for x5, trained on the twin",
        DIFFUSION_ROOMS,
        &["twin"],
        train_and_ship
    )
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegressionTraining {
    network: RegressionConfig,
    fit: FitOptions,
}

fn train_regression(context: &StepContext<'_>) -> PaperResult<()> {
    let RegressionTraining { network, fit } = context.configuration()?;
    let ground = TrainingGround::of(context, fit.seed)?;
    let (training, validation) = ground.sources()?;
    let name = context.step.name;
    let trained = regression::fit(name, &network, training, validation, &fit, &ground.folder, &ground.device, &ground.provenance);
    // The best on validation, or the last where there was no validation.
    let best = if ground.folder.join(BEST).is_file() { BEST } else { LAST };
    ground.leave(&trained.map_err(|e| context.error(e))?.1, best)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdversarialTraining {
    network: AdversarialConfig,
    fit: AdversarialFitOptions,
}

fn train_adversarial(context: &StepContext<'_>) -> PaperResult<()> {
    let AdversarialTraining { network, fit } = context.configuration()?;
    let ground = TrainingGround::of(context, fit.regression.seed)?;
    let (training, validation) = ground.sources()?;
    let name = context.step.name;
    let trained =
        adversarial::fit(name, &network, training, validation, &fit, &ground.folder, &ground.device, &ground.provenance);
    // Not the best by its pixels: that would be a state from before the critic.
    ground.leave(&trained.map_err(|e| context.error(e))?.1, LAST)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DiffusionTraining {
    network: UadmConfig,
    fit: UadmFitOptions,
}

fn train_diffusion(context: &StepContext<'_>) -> PaperResult<()> {
    let DiffusionTraining { network, fit } = context.configuration()?;
    let ground = TrainingGround::of(context, fit.seed)?;
    let (training, validation) = ground.sources()?;
    let trained =
        uadm::fit(context.step.name, &network, training, validation, &fit, &ground.folder, &ground.device, &ground.provenance);
    ground.leave(&trained.map_err(|e| context.error(e))?.1, LAST)
}

/// The same, and the weights by themselves for those who do not train, with a passport that names the tier.
fn train_and_ship(context: &StepContext<'_>) -> PaperResult<()> {
    train_diffusion(context)?;
    let DiffusionTraining { fit, .. } = context.configuration()?;
    let checkpoint = Checkpoint::load(&context.path(WEIGHTS), &Device::Cpu).map_err(|e| context.error(e))?;
    let shipped = context.path("uadm.safetensors");
    let only = checkpoint.for_use(uadm::GENERATOR).map_err(|e| context.error(e))?;
    only.save(&shipped).map_err(|e| context.error(e))?;
    let mut passport = context.passport("uadm", vec![Tier::Twin], fit.seed, Value::Null)?;
    let sum = crate::base::hash::sha256_file(&shipped).map_err(|e| context.error(e))?;
    passport.files.insert("uadm.safetensors".into(), sum);
    passport.write(&context.path("uadm.json")).map_err(|e| context.error(e))
}

//! The trainings of the third paper's downscaling.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::kiost_bay::{self as bay, BAY, Bay, SPLIT};
use super::kiost_twin;
use super::training_ground::{DEVICE, LOG, WEIGHTS};
use crate::data::Tier;
use crate::data::splits::Part;
use crate::methods::kiost::{DOWNSCALER, DownscalingConfig, DownscalingFitOptions, WeekSource, fit_downscaling};
use crate::nn::{DeviceChoice, select_device};
use crate::paper::PaperResult;
use crate::paper::step::{Step, StepContext};

/// What each training stands on.
const TRAINED: &[&str] = &[
    "src/nn/",
    "src/train/",
    "src/methods/error.rs",
    "src/data/tier.rs",
    "src/paper/steps/training_ground.rs",
    "src/paper/steps/kiost_gan.rs",
];

macro_rules! training_step {
    ($name:literal, $about:literal, $run:expr) => {
        Step {
            name: $name,
            about: $about,
            rooms: &[super::TWIN_AND_SPLIT, BAY, TRAINED],
            configurations: &[concat!("configs/kiost/", $name, ".toml"), kiost_twin::CONFIGURATION, SPLIT],
            needs: &["kiost_twin"],
            data: &[],
            publishes: &[],
            run: $run,
        }
    };
}

/// Fields alone.
pub const GAN: Step = training_step!("gan", "KIOST's downscaling against the projection critic, on the bay", train);
/// Against the critic alone, as published: no pixel loss.
pub const GAN_PURE: Step =
    training_step!("gan_pure", "the downscaling against the projection critic alone: no pixel loss", train);
/// Fields and stations.
pub const GAN_INSITU: Step = training_step!("gan_insitu", "the same, held against stations too", train);
/// The smaller refinement, that of the global ocean.
pub const GAN_GLOBAL: Step =
    training_step!("gan_global", "the downscaling to 0.1 degree, as of the global ocean, on the bay", train_global);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DownscalingTraining {
    network: DownscalingConfig,
    fit: DownscalingFitOptions,
}

fn train(context: &StepContext<'_>) -> PaperResult<()> {
    let bay = Bay::open(context)?;
    learn(context, &bay, bay.source())
}

fn train_global(context: &StepContext<'_>) -> PaperResult<()> {
    let bay = Bay::open(context)?;
    let fine = bay::tenth_degree(&bay.fine).map_err(|e| context.error(e))?;
    learn(context, &bay, WeekSource { fine: &fine, stations: &[], ..bay.source() })
}

fn learn(context: &StepContext<'_>, bay: &Bay, source: WeekSource<'_>) -> PaperResult<()> {
    let DownscalingTraining { network, fit } = context.configuration()?;
    let (device, description) = select_device(DeviceChoice::Auto).map_err(|e| context.error(e))?;
    let folder = context.path("run");
    println!("{description} Log: {}", folder.join("log.jsonl").display());
    let passport = context.passport(context.step.name, vec![Tier::Twin], fit.seed, Value::Null)?;
    let provenance = BTreeMap::from([
        ("commit".to_string(), passport.commit),
        ("key".to_string(), context.key.clone()),
        ("lockfile_sha256".to_string(), passport.lockfile_sha256),
    ]);
    let (train, validation) = (bay.days(Part::Train), bay.days(Part::Validation));
    let name = context.step.name;
    let trained = fit_downscaling(name, &network, source, &train, &validation, &fit, &folder, &device, &provenance);
    let (_, report) = trained.map_err(|e| context.error(e))?;
    if let Some((score, iteration)) = report.best {
        println!("best on validation at iteration {iteration}: {score:.3} of the error without a network");
    }
    std::fs::copy(folder.join(DOWNSCALER), context.path(WEIGHTS)).map_err(|e| context.error(e))?;
    std::fs::copy(folder.join("log.jsonl"), context.path(LOG)).map_err(|e| context.error(e))?;
    std::fs::write(context.path(DEVICE), &description).map_err(|e| context.error(e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::kiost::Refinement;

    #[test]
    fn the_critic_takes_its_part_in_every_training() {
        let read = |text: &str| toml::from_str::<DownscalingTraining>(text).unwrap();
        let pure = read(include_str!("../../../configs/kiost/gan_pure.toml"));
        assert_eq!((pure.fit.pixel_weight, pure.fit.station_weight, pure.fit.start_iteration), (0.0, 0.0, 0));
        let gan = read(include_str!("../../../configs/kiost/gan.toml"));
        let insitu = read(include_str!("../../../configs/kiost/gan_insitu.toml"));
        let global = read(include_str!("../../../configs/kiost/gan_global.toml"));
        for training in [&pure, &gan, &insitu, &global] {
            let fit = &training.fit;
            assert!(fit.start_iteration <= 200 && 2 * fit.start_iteration < fit.training.iterations);
            assert!(fit.critic_steps == 5 && fit.adversarial_weight > 0.0 && fit.penalty_weight > 0.0);
        }
        // The two differ by the stations alone.
        assert_eq!(DownscalingFitOptions { station_weight: 0.0, ..insitu.fit.clone() }, gan.fit);
        assert_eq!(global.network.generator.refinement, Refinement::TwoAndAHalf);
    }
}

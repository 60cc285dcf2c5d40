//! Training.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::apply::Uadm;
use super::config::{StateUnits, UadmConfig};
use super::denoiser::Denoiser;
use super::discriminator::Discriminator;
use super::frame::state_unit;
use super::noise::{Colour, kernel_of, kernel_tensor};
use super::trainee::UadmTrainee;
use crate::base::random::Random;
use crate::methods::error::{MethodError, MethodResult};
use crate::methods::refinement::{Batch, Degradation, FineFieldSource, batch, largest_crop};
use crate::nn::ops::Loss;
use crate::nn::{Init, Parameters, describe_device};
use crate::train::{GroupOptions, ParameterGroup, RunDescription, RunFolder, TrainingOptions, TrainingReport, train_groups};

/// The generator's name among the groups of parameters.
pub const GENERATOR: &str = "generator";
/// The critic's.
pub(super) const CRITIC: &str = "critic";

/// Settings of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UadmFitOptions {
    /// Iterations, rates, intervals.
    pub training: TrainingOptions,
    /// Tiles in one step.
    pub batch: usize,
    /// How crops are varied.
    pub degradation: Degradation,
    /// The penalty of the clean state's error, in units of what the network has to find.
    pub loss: Loss,
    /// Weight of the trunk's mean square error, in units of the state, beside it.
    pub regression_weight: f64,
    /// Latitudes that tiles are laid at for their strain, south to north; a tile's own latitude is lost where it is turned.
    pub latitudes: [f64; 2],
    /// Tiles in the fixed validation set.
    pub validation_tiles: usize,
    /// Seed of weights and samples.
    pub seed: u64,
}

impl Default for UadmFitOptions {
    fn default() -> UadmFitOptions {
        UadmFitOptions {
            training: TrainingOptions { iterations: 2000, peak_rate: 1.5e-3, validate_every: 500, ..TrainingOptions::default() },
            batch: 8,
            degradation: Degradation::default(),
            loss: Loss::MeanSquare,
            regression_weight: 1.0,
            latitudes: [-65.0, 65.0],
            validation_tiles: 32,
            seed: 1,
        }
    }
}

impl UadmFitOptions {
    fn check(&self) -> MethodResult<()> {
        let [south, north] = self.latitudes;
        if self.batch == 0 || self.validation_tiles == 0 || self.regression_weight.is_nan() || self.regression_weight < 0.0 {
            return Err(MethodError::Argument(
                "uadm: batch and validation_tiles must be positive, regression_weight at least 0".to_string(),
            ));
        }
        if !(-90.0..=90.0).contains(&south) || !(-90.0..=90.0).contains(&north) || south > north {
            return Err(MethodError::Argument(format!("uadm: latitudes {south} to {north}; -90 to 90, south first, are wanted")));
        }
        Ok(())
    }
}

/// Trains the method on `training` and gives it back, with the averaged weights of the end of the run.
///
/// In each iteration every tile gets a time of the schedule, a noise, and a weight of the noise; the generator's error in the
/// clean state, in units of what it has to find at that time, is brought down. With an adversarial part, the critic learns
/// after that to tell the pixels of a mosaic apart, and the generator to mislead it. The validation score is, over fixed
/// tiles, the geometric mean of the fair CRPS of two members as a share of the back-projected bicubic's mean absolute error:
/// below 1 the ensemble is worth more. `run_folder` receives config, log and checkpoints; an interrupted run goes on.
///
/// `method` is the name that checkpoint and tables bear: `resshift`, `upsr`, `uadm`.
///
/// # Errors
/// [`MethodError::Argument`] for settings out of range or fields without room for a tile; [`MethodError::Train`] as
/// [`train_groups`].
#[expect(clippy::too_many_arguments, reason = "each is a thing of its own; the other methods' fits have the same list")]
pub fn fit(
    method: &str,
    config: &UadmConfig,
    training: FineFieldSource<'_>,
    validation: FineFieldSource<'_>,
    options: &UadmFitOptions,
    run_folder: &Path,
    device: &Device,
    provenance: &BTreeMap<String, String>,
) -> MethodResult<(Uadm, TrainingReport)> {
    config.check()?;
    options.check()?;
    let side = largest_crop(&config.tile);
    let (training, validation) = (training.with_room_for(side)?, validation.with_room_for(side)?);
    let described = json!({ "uadm": config, "fit": options });
    let folder = RunFolder::open(run_folder, &described, options.seed, &describe_device(device), provenance)?;

    let mut parameters = Parameters::new(device, DType::F32, options.seed);
    let denoiser = Denoiser::new(&mut parameters, config)?;
    let mut critic_parameters = Parameters::new(device, DType::F32, options.seed);
    let critic = match &config.adversarial {
        Some(_) => {
            // Negative: not yet known. It is part of the state, so that a resumed run goes on alike.
            let weight = critic_parameters.add_buffer("adversarial_weight", &[1], Init::Constant(-1.0))?;
            Some((Discriminator::new(&mut critic_parameters, config.critic_width)?, weight))
        }
        None => None,
    };

    if let Some(kernel) = &denoiser.kernel {
        kernel.set(&measured_kernel(config, options, &training, device)?)?;
    }
    let colour = Colour::of(denoiser.kernel.as_ref())?;
    let mut fixed = Random::new(options.seed, "validation tiles");
    let held_out: Vec<Batch> = (0..options.validation_tiles.div_ceil(options.batch))
        .map(|_| batch(&validation, &config.tile, &options.degradation, options.batch, &mut fixed, device))
        .collect::<MethodResult<_>>()?;

    let mut groups = vec![ParameterGroup::new(GENERATOR, &parameters, options.training.group())?];
    if let Some(adversarial) = &config.adversarial {
        // A critic's loss has no early size to measure later ones by.
        let group = GroupOptions {
            peak_rate: adversarial.critic_rate,
            final_rate: adversarial.critic_rate.min(options.training.final_rate),
            ema_decay: None,
            divergence_factor: None,
            ..options.training.group()
        };
        groups.push(ParameterGroup::new(CRITIC, &critic_parameters, group)?);
    }
    let mut trainee =
        UadmTrainee { config, options, source: &training, held_out, denoiser, colour, parameters: &parameters, critic, device };
    let description = RunDescription { method, config: &described, seed: options.seed };
    let report = train_groups(groups, description, &options.training, &folder, &mut trainee)?;
    Ok((Uadm::load(&folder.last(), device)?, report))
}

/// Tiles without land whose spectra make the noise's kernel.
const COLOUR_TILES: usize = 96;

/// The kernel of the noise, from training pairs that no land cuts.
fn measured_kernel(
    config: &UadmConfig,
    options: &UadmFitOptions,
    training: &FineFieldSource<'_>,
    device: &Device,
) -> MethodResult<Tensor> {
    let side = config.tile.cells * config.tile.factor;
    let mut random = Random::new(options.seed, "tiles of the noise's colour");
    // Land takes some tiles; where it takes nearly all, random fields, which have none, are left.
    let batches = 8 * COLOUR_TILES.div_ceil(options.batch);
    let mut planes: Vec<Vec<f64>> = Vec::new();
    for _ in 0..batches {
        let batch = batch(training, &config.tile, &options.degradation, options.batch, &mut random, &Device::Cpu)?;
        let [target, sea, low] = [&batch.target, &batch.sea, &batch.low].map(|t| t.flatten_all()?.to_vec1::<f32>());
        let (target, sea, low) = (target?, sea?, low?);
        let cells = config.tile.cells * config.tile.cells;
        let tiles = target.chunks(side * side).zip(sea.chunks(side * side)).zip(low.chunks(2 * cells)).zip(&batch.spread);
        for (((plane, sea), low), spread) in tiles {
            if sea.iter().all(|s| *s == 1.0) {
                let unit = match config.diffusion.units {
                    StateUnits::Range { .. } => 1.0 / spread,
                    units => state_unit(&units, &low[..cells], &vec![true; cells], config.tile.cells, 1.0),
                };
                planes.push(plane.iter().map(|v| f64::from(v / unit)).collect());
            }
        }
        if planes.len() >= COLOUR_TILES {
            break;
        }
    }
    kernel_tensor(kernel_of(&planes, side)?, device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused() {
        let refused = |change: fn(&mut UadmFitOptions)| {
            let mut options = UadmFitOptions::default();
            change(&mut options);
            options.check().unwrap_err().to_string()
        };
        assert!(refused(|o| o.batch = 0).contains("batch"));
        assert!(refused(|o| o.regression_weight = f64::NAN).contains("regression_weight"));
        assert!(refused(|o| o.latitudes = [10.0, -10.0]).contains("south first"));
        UadmFitOptions::default().check().unwrap();
    }
}

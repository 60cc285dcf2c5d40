//! Training.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::apply::Edsr;
use super::config::EdsrConfig;
use super::network::Network;
use crate::base::random::Random;
use crate::methods::error::{MethodError, MethodResult};
use crate::methods::refinement::{Batch, Degradation, FineFieldSource, batch, largest_crop};
use crate::nn::ops::{Loss, masked_loss};
use crate::nn::{Parameters, describe_device};
use crate::train::{RunFolder, TrainError, TrainResult, TrainingOptions, TrainingReport, train};

/// Settings of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FitOptions {
    /// Iterations, rates, intervals.
    pub training: TrainingOptions,
    /// Tiles in one step.
    pub batch: usize,
    /// How crops are varied.
    pub degradation: Degradation,
    /// The penalty, in units of the tile's standard deviation.
    pub loss: Loss,
    /// A tile's loss is divided by (this + the rms of what the back-projected bicubic lacks there), so that
    /// smooth tiles count as much as rough ones.
    pub smooth_tile_floor: f64,
    /// Tiles in the fixed validation set.
    pub validation_tiles: usize,
    /// Seed of weights and samples.
    pub seed: u64,
}

impl Default for FitOptions {
    fn default() -> FitOptions {
        FitOptions {
            training: TrainingOptions { iterations: 3000, peak_rate: 1e-3, validate_every: 500, ..TrainingOptions::default() },
            batch: 8,
            degradation: Degradation::default(),
            loss: Loss::Charbonnier { epsilon: 1e-2 },
            smooth_tile_floor: 0.02,
            validation_tiles: 32,
            seed: 1,
        }
    }
}

/// Trains a network on `training`, keeps the state that is best on `validation`, and gives it back.
///
/// The validation score is, over fixed tiles, the geometric mean of the rms error as a share of the
/// back-projected bicubic's: below 1 the network helps, and rough tiles, whose error no method can remove,
/// do not drown the others. `run_folder` receives config, log and checkpoints; an interrupted run goes on.
///
/// # Errors
/// [`MethodError::Argument`] for settings out of range or fields without room for a tile;
/// [`MethodError::Train`] as [`train`].
pub fn fit(
    config: &EdsrConfig,
    training: FineFieldSource<'_>,
    validation: FineFieldSource<'_>,
    options: &FitOptions,
    run_folder: &Path,
    device: &Device,
    provenance: &BTreeMap<String, String>,
) -> MethodResult<(Edsr, TrainingReport)> {
    config.check()?;
    if options.batch == 0
        || options.validation_tiles == 0
        || options.smooth_tile_floor.is_nan()
        || options.smooth_tile_floor <= 0.0
    {
        return Err(MethodError::Argument("edsr: batch, validation_tiles and smooth_tile_floor must be positive".to_string()));
    }
    let side = largest_crop(&config.tile);
    let (training, validation) = (training.with_room_for(side)?, validation.with_room_for(side)?);
    let mut parameters = Parameters::new(device, DType::F32, options.seed);
    let network = Network::new(&mut parameters, config)?;
    let described = json!({ "network": config, "fit": options });
    let folder = RunFolder::open(run_folder, &described, options.seed, &describe_device(device), provenance)?;

    let mut fixed = Random::new(options.seed, "validation tiles");
    let held_out: Vec<Batch> = (0..options.validation_tiles.div_ceil(options.batch))
        .map(|_| batch(&validation, &config.tile, &options.degradation, options.batch, &mut fixed, device))
        .collect::<MethodResult<_>>()?;
    let lacking: Vec<f64> = held_out.iter().map(|b| rms_by_tile(&b.target, &b.sea)).collect::<TrainResult<Vec<_>>>()?.concat();

    let report = train(
        &parameters,
        "edsr",
        &described,
        &options.training,
        &folder,
        |_, random| {
            let b = batch(&training, &config.tile, &options.degradation, options.batch, random, device)
                .map_err(|e| TrainError::Task(e.to_string()))?;
            let weight = (rms(&b.target, &b.sea)? + options.smooth_tile_floor)?.recip()?; // [b, 1, 1, 1]
            let prediction = network.forward(&b.low)?.broadcast_mul(&weight)?;
            Ok(masked_loss(options.loss, &prediction, &b.target.broadcast_mul(&weight)?, Some(&b.sea))?)
        },
        || {
            let mut left = Vec::with_capacity(lacking.len());
            for b in &held_out {
                left.extend(rms_by_tile(&(network.forward(&b.low)?.detach() - &b.target)?, &b.sea)?);
            }
            Ok(geometric_mean_ratio(&left, &lacking))
        },
    )?;
    let best = if folder.best().exists() { folder.best() } else { folder.last() };
    Ok((Edsr::load(&best, device)?, report))
}

/// The root mean square over the sea of each tile of `[b, 1, h, w]`, as `[b, 1, 1, 1]`.
fn rms(t: &Tensor, sea: &Tensor) -> candle_core::Result<Tensor> {
    let count = sea.sum_keepdim((1, 2, 3))?;
    (t.sqr()? * sea)?.sum_keepdim((1, 2, 3))?.div(&count)?.sqrt()
}

fn rms_by_tile(t: &Tensor, sea: &Tensor) -> TrainResult<Vec<f64>> {
    Ok(rms(t, sea)?.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
}

/// `exp(mean(ln(left / lacking)))`; a tile that lacks nothing (a constant) is left out.
fn geometric_mean_ratio(left: &[f64], lacking: &[f64]) -> f64 {
    const NOTHING: f64 = 1e-6;
    let logs: Vec<f64> =
        left.iter().zip(lacking).filter(|(_, l)| **l > NOTHING).map(|(r, l)| (r.max(NOTHING) / l).ln()).collect();
    (logs.iter().sum::<f64>() / logs.len().max(1) as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_by_hand() {
        // ratios 1/2 and 2 cancel; a constant tile does not count
        assert!((geometric_mean_ratio(&[1.0, 4.0, 9.0], &[2.0, 2.0, 0.0]) - 1.0).abs() < 1e-12);
        assert!((geometric_mean_ratio(&[0.5], &[2.0]) - 0.25).abs() < 1e-12);
        let t = Tensor::new(&[[3f32, 4.0], [0.0, 2.0]], &Device::Cpu).unwrap().reshape((2, 1, 1, 2)).unwrap();
        let sea = Tensor::new(&[[1f32, 1.0], [0.0, 1.0]], &Device::Cpu).unwrap().reshape((2, 1, 1, 2)).unwrap();
        // sqrt((9 + 16) / 2), sqrt(4 / 1)
        let rms = rms_by_tile(&t, &sea).unwrap();
        assert!((rms[0] - 12.5f64.sqrt()).abs() < 1e-6 && (rms[1] - 2.0).abs() < 1e-6);
    }

    #[test]
    fn fields_too_small_for_a_tile_are_refused() {
        use crate::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};
        let axis = |kind| Axis::regular(kind, 0.0, 0.1, 30).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        let (lat, lon) = (axis(AxisKind::Latitude), axis(AxisKind::Longitude));
        let f = Field::new("sst", vec![1.0; 900], Mask::all_valid(900), time, lat, lon, Unit::Celsius).unwrap();
        let source = || FineFieldSource::new(&f, &[0]).unwrap();
        let place = tempfile::tempdir().unwrap();
        let (config, options) = (EdsrConfig::quick(), FitOptions::default());
        let error = fit(&config, source(), source(), &options, place.path(), &Device::Cpu, &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().contains("half is sea"), "{error}");
    }
}

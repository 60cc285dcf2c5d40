//! Training.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::apply::Regression;
use super::config::RegressionConfig;
use super::network::Network;
use super::protocol::Protocol;
use crate::methods::error::MethodResult;
use crate::methods::refinement::{Degradation, FineFieldSource};
use crate::nn::ops::Loss;
use crate::nn::{Parameters, describe_device};
use crate::train::{RunFolder, TrainingOptions, TrainingReport, train};

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

/// Trains a network on `training`, keeps the state that is best on `validation`, and gives it back. `method` is its id in
/// tables, and stands in the checkpoint.
///
/// The validation score is, over fixed tiles, the geometric mean of the rms error as a share of the
/// back-projected bicubic's: below 1 the network helps, and rough tiles, whose error no method can remove,
/// do not drown the others. `run_folder` receives config, log and checkpoints; an interrupted run goes on.
///
/// # Errors
/// [`MethodError::Argument`](crate::methods::MethodError::Argument) for settings out of range or fields without room for a
/// tile; [`MethodError::Train`](crate::methods::MethodError::Train) as [`train`].
#[expect(clippy::too_many_arguments, reason = "each is one thing that a training is made from")]
pub fn fit(
    method: &str,
    config: &RegressionConfig,
    training: FineFieldSource<'_>,
    validation: FineFieldSource<'_>,
    options: &FitOptions,
    run_folder: &Path,
    device: &Device,
    provenance: &BTreeMap<String, String>,
) -> MethodResult<(Regression, TrainingReport)> {
    config.check(method)?;
    let protocol = Protocol::new(method, &config.tile, training, validation, options, device)?;
    let mut parameters = Parameters::new(device, DType::F32, options.seed);
    let network = Network::new(&mut parameters, config)?;
    let described = json!({ "network": config, "fit": options });
    let folder = RunFolder::open(run_folder, &described, options.seed, &describe_device(device), provenance)?;
    let report = train(
        &parameters,
        method,
        &described,
        &options.training,
        &folder,
        |_, random| {
            let batch = protocol.draw(random)?;
            protocol.loss(&batch, &network.forward(&batch.low)?)
        },
        || protocol.score(|low| network.forward(low)),
    )?;
    let best = if folder.best().exists() { folder.best() } else { folder.last() };
    Ok((Regression::load(&best, device)?, report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};

    #[test]
    fn fields_too_small_for_a_tile_are_refused() {
        let axis = |kind| Axis::regular(kind, 0.0, 0.1, 30).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        let (lat, lon) = (axis(AxisKind::Latitude), axis(AxisKind::Longitude));
        let f = Field::new("sst", vec![1.0; 900], Mask::all_valid(900), time, lat, lon, Unit::Celsius).unwrap();
        let source = || FineFieldSource::new(&f, &[0]).unwrap();
        let place = tempfile::tempdir().unwrap();
        let (config, options) = (RegressionConfig::default(), FitOptions::default());
        let attempt = |options: &FitOptions| {
            let none = BTreeMap::new();
            fit("edsr", &config, source(), source(), options, place.path(), &Device::Cpu, &none).unwrap_err().to_string()
        };
        assert!(attempt(&options).contains("half is sea"));
        assert!(attempt(&FitOptions { batch: 0, ..options }).contains("edsr: batch"));
    }

    #[test]
    fn the_configurations_of_the_ladder_share_one_protocol() {
        #[derive(Deserialize)]
        struct Configuration {
            network: RegressionConfig,
            fit: FitOptions,
        }
        let read = |text: &str| toml::from_str::<Configuration>(text).unwrap();
        let all = [
            read(include_str!("../../../configs/uadm/srcnn.toml")),
            read(include_str!("../../../configs/uadm/edsr.toml")),
            read(include_str!("../../../configs/uadm/rrdb.toml")),
            read(include_str!("../../../configs/uadm/swin_light.toml")),
        ];
        assert_eq!(all.each_ref().map(|c| c.network.architecture.kind()), ["srcnn", "edsr", "rrdb", "swin_light"]);
        for configuration in &all {
            configuration.network.check("x").unwrap();
            assert_eq!((&configuration.network.tile, configuration.network.closed), (&all[0].network.tile, true));
            // The rate is chosen for each on validation days; nothing else differs.
            let mut fit = configuration.fit.clone();
            fit.training.peak_rate = all[0].fit.training.peak_rate;
            assert_eq!(fit, all[0].fit);
            assert_eq!((fit.training.iterations, fit.batch), (2000, 8));
        }
    }
}

//! The trained network on fields of any size.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};

use super::config::RegressionConfig;
use super::network::Network;
use crate::grid::Field;
use crate::methods::error::MethodResult;
use crate::methods::refinement::{Tiles, correct_by_tiles};
use crate::nn::Parameters;
use crate::train::{Checkpoint, TrainError};

/// The group of a checkpoint that holds a network trained against a critic.
pub(in crate::methods) const GENERATOR: &str = "generator";

/// A trained network.
#[derive(Clone, Debug)]
pub struct Regression {
    method: String,
    checkpoint: PathBuf,
    config: RegressionConfig,
    network: Network,
    device: Device,
}

impl Regression {
    /// The network of a checkpoint, with its averaged weights: of one that was trained alone, or of one that was trained
    /// against a critic.
    ///
    /// # Errors
    /// [`MethodError::Train`](crate::methods::MethodError::Train) where the file is damaged or of another network.
    pub fn load(path: &Path, device: &Device) -> MethodResult<Regression> {
        let checkpoint = Checkpoint::load(path, device)?;
        let state = &checkpoint.state;
        let wrong = |problem: String| TrainError::Checkpoint { path: path.to_path_buf(), problem };
        let config: RegressionConfig = serde_json::from_value(state.config["network"].clone()).map_err(|e| {
            wrong(format!("it holds the method '{}', whose config is of no regression of this program ({e})", state.method))
        })?;
        config.check(&state.method)?;
        let mut parameters = Parameters::new(device, DType::F32, state.seed);
        let network = Network::new(&mut parameters, &config)?;
        if state.groups.contains_key(GENERATOR) {
            parameters.set(&checkpoint.group_weights(GENERATOR))?;
        } else {
            parameters.set(checkpoint.weights())?;
        }
        Ok(Regression { method: state.method.clone(), checkpoint: path.to_path_buf(), config, network, device: device.clone() })
    }

    /// Its id in tables (`edsr`), as the checkpoint has it.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The file it was read from.
    pub fn checkpoint(&self) -> &Path {
        &self.checkpoint
    }

    /// Its network and tiles.
    pub fn config(&self) -> &RegressionConfig {
        &self.config
    }

    /// The field on a grid `factor` times finer, by overlapped tiles of the size it was trained on. Land is
    /// filled before and masked after.
    ///
    /// # Errors
    /// As [`Regression::apply_with`].
    pub fn apply(&self, low: &Field) -> MethodResult<Field> {
        self.apply_with(low, Tiles::Overlapped(self.config.tile.cells))
    }

    /// As [`Regression::apply`], cut as `tiles` says.
    ///
    /// # Errors
    /// [`MethodError::Argument`](crate::methods::MethodError::Argument) for tiles of less than 8 cells;
    /// [`MethodError::Nn`](crate::methods::MethodError::Nn) from the device;
    /// [`MethodError::Grid`](crate::methods::MethodError::Grid) where the axes cannot be refined.
    pub fn apply_with(&self, low: &Field, tiles: Tiles) -> MethodResult<Field> {
        correct_by_tiles(low, &self.config.tile, tiles, |batch| {
            let [n, height, width] = batch.shape;
            let input = Tensor::from_vec(batch.input, (n, 2, height, width), &Device::Cpu)?.to_device(&self.device)?;
            Ok(self.correction(&input)?.flatten_all()?.to_vec1::<f32>()?)
        })
    }

    /// The correction of coarse tiles as a training's [`Batch`](crate::methods::refinement::Batch) holds them, `[b, 2, h, w]`
    /// to `[b, 1, h f, w f]`, in units of each tile's spread; nothing learns through it.
    pub(in crate::methods) fn correction(&self, low: &Tensor) -> candle_core::Result<Tensor> {
        Ok(self.network.forward(low)?.detach())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit, back_projected_bicubic, coarsen_mean};
    use crate::methods::refinement::TileConfig;
    use crate::methods::regression::{Architecture, EdsrConfig, RrdbConfig, SrcnnConfig, SwinLightConfig};

    /// An untrained network, its weights anew, so that it corrects by something.
    fn untrained(architecture: Architecture) -> Regression {
        let tile = TileConfig { cells: 8, ..TileConfig::default() };
        let config = RegressionConfig { tile, ..RegressionConfig::of(architecture) };
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let network = Network::new(&mut parameters, &config).unwrap();
        for (name, variable) in parameters.iter() {
            let mut random = Random::new(4, name);
            let values: Vec<f32> = (0..variable.elem_count()).map(|_| 0.2 * random.normal() as f32).collect();
            variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu).unwrap()).unwrap();
        }
        Regression { method: "trial".into(), checkpoint: PathBuf::new(), config, network, device: Device::Cpu }
    }

    fn coarse(under_land: f32) -> Field {
        let (rows, columns) = (12, 17);
        let land = |i: usize| i == 30 || i / columns > 9 && i % columns < 5;
        let values = (0..rows * columns).map(|i| if land(i) { under_land } else { (i as f32 * 0.37).sin() + 15.0 }).collect();
        let cells = (0..rows * columns).map(|i| if land(i) { Cell::Land } else { Cell::Valid }).collect();
        let lat = Axis::regular(AxisKind::Latitude, 10.0, 0.25, rows).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.0, 0.25, columns).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn values_under_land_change_nothing_and_block_means_are_those_of_the_base() {
        let (low, other) = (coarse(15.0), coarse(-1e9));
        let base = back_projected_bicubic(&low, 5, TileConfig::default().back_projections).unwrap();
        for architecture in [
            Architecture::Srcnn(SrcnnConfig { features: 4, mapped: 3, kernels: [5, 1, 3] }),
            Architecture::Edsr(EdsrConfig { blocks: 1, channels: 4, residual_scale: 1.0 }),
            Architecture::Rrdb(RrdbConfig { blocks: 1, channels: 4, growth: 2, residual_scale: 0.2 }),
            Architecture::SwinLight(SwinLightConfig { groups: 1, depth: 2, width: 4, heads: 2, window: 4, widening: 2 }),
        ] {
            let kind = architecture.kind();
            let network = untrained(architecture);
            let high = network.apply_with(&low, Tiles::Whole).unwrap();
            assert_eq!(high, network.apply_with(&other, Tiles::Whole).unwrap(), "{kind}");
            assert_eq!(network.apply(&low).unwrap(), network.apply(&other).unwrap(), "{kind}");
            let (one, two) = (coarsen_mean(&high, 5, 1.0).unwrap(), coarsen_mean(&base, 5, 1.0).unwrap());
            let pairs = || one.values().iter().zip(two.values()).zip(one.mask().cells()).filter(|(_, cell)| cell.is_valid());
            assert!(pairs().all(|((a, b), _)| (a - b).abs() < 1e-3), "{kind}");
            assert!(pairs().count() > 150, "{kind}");
            let moved = high.values().iter().zip(base.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(moved > 1e-3, "{kind}: the network corrects nothing");
        }
    }

    #[test]
    fn another_methods_checkpoint_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("other.safetensors");
        let state = crate::train::CheckpointState {
            method: "uadm".into(),
            config: serde_json::json!({ "network": { "generator": 3 } }),
            ..Default::default()
        };
        let none = Default::default;
        Checkpoint { state, model: none(), ema: none(), moments: none() }.save(&path).unwrap();
        let message = Regression::load(&path, &Device::Cpu).unwrap_err().to_string();
        assert!(message.contains("'uadm'") && message.contains("generator"), "{message}");
    }
}

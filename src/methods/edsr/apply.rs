//! The trained network on fields of any size.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::config::EdsrConfig;
use super::network::Network;
use crate::grid::Field;
use crate::methods::error::MethodResult;
use crate::methods::refinement::{Tiles, correct_by_tiles};
use crate::nn::Parameters;
use crate::train::{Checkpoint, TrainError};

/// A trained network.
#[derive(Clone, Debug)]
pub struct Edsr {
    config: EdsrConfig,
    network: Network,
    device: Device,
}

impl Edsr {
    /// The network of a checkpoint, with its averaged weights.
    ///
    /// # Errors
    /// [`MethodError::Train`] where the file is damaged or of another network.
    pub fn load(path: &Path, device: &Device) -> MethodResult<Edsr> {
        let checkpoint = Checkpoint::load(path, device)?;
        let wrong = |problem: String| TrainError::Checkpoint { path: path.to_path_buf(), problem };
        if checkpoint.state.method != "edsr" {
            return Err(wrong(format!("it holds the method '{}'; one of 'edsr' is wanted", checkpoint.state.method)).into());
        }
        let config: EdsrConfig = serde_json::from_value(checkpoint.state.config["network"].clone())
            .map_err(|e| wrong(format!("its config does not fit this program ({e}); train again")))?;
        config.check()?;
        let mut parameters = Parameters::new(device, DType::F32, checkpoint.state.seed);
        let network = Network::new(&mut parameters, &config)?;
        parameters.set(checkpoint.weights())?;
        Ok(Edsr { config, network, device: device.clone() })
    }

    /// Its sizes.
    pub fn config(&self) -> &EdsrConfig {
        &self.config
    }

    /// The field on a grid `factor` times finer, by overlapped tiles of the size it was trained on. Land is
    /// filled before and masked after.
    ///
    /// # Errors
    /// As [`Edsr::apply_with`].
    pub fn apply(&self, low: &Field) -> MethodResult<Field> {
        self.apply_with(low, Tiles::Overlapped(self.config.tile.cells))
    }

    /// As [`Edsr::apply`], cut as `tiles` says.
    ///
    /// # Errors
    /// [`MethodError::Argument`] for tiles of less than 8 cells; [`MethodError::Nn`] from the device;
    /// [`MethodError::Grid`] where the axes cannot be refined.
    pub fn apply_with(&self, low: &Field, tiles: Tiles) -> MethodResult<Field> {
        correct_by_tiles(low, &self.config.tile, tiles, |batch| {
            let [n, height, width] = batch.shape;
            let input = Tensor::from_vec(batch.input, (n, 2, height, width), &Device::Cpu)?.to_device(&self.device)?;
            Ok(self.network.forward(&input)?.detach().flatten_all()?.to_vec1::<f32>()?)
        })
    }
}

//! The lent encoder: what the forecast of coarse fields has learnt to see in the days before, shown fine ones.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::forecast::{Forecast, ForecastConfig};
use crate::base::hash::sha256_parts;
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::Parameters;
use crate::train::{Checkpoint, TrainError};

/// A frozen encoder. Its weights are its own: no optimiser is ever given them, and its features are cut off from every graph.
#[derive(Clone, Debug)]
pub struct FrozenEncoder {
    config: ForecastConfig,
    network: Forecast,
    parameters: Parameters,
    device: Device,
}

impl FrozenEncoder {
    /// The encoder of a trained forecast, with its averaged weights.
    ///
    /// # Errors
    /// [`MethodError::Train`] where the file is damaged or of another network.
    pub fn load(path: &Path, device: &Device) -> MethodResult<FrozenEncoder> {
        let checkpoint = Checkpoint::load(path, device)?;
        let config = serde_json::from_value(checkpoint.state.config["forecast"].clone()).map_err(|e| {
            let problem = format!("it holds the method '{}', which has no encoder to lend ({e})", checkpoint.state.method);
            TrainError::Checkpoint { path: path.to_path_buf(), problem }
        })?;
        let encoder = FrozenEncoder::untrained(&config, checkpoint.state.seed, device)?;
        encoder.parameters.set(checkpoint.weights())?;
        Ok(encoder)
    }

    /// An encoder that has learnt nothing: weights as they are drawn.
    ///
    /// # Errors
    /// As [`Forecast::new`].
    pub fn untrained(config: &ForecastConfig, seed: u64, device: &Device) -> MethodResult<FrozenEncoder> {
        let mut parameters = Parameters::new(device, DType::F32, seed);
        let network = Forecast::new(&mut parameters, config)?;
        Ok(FrozenEncoder { config: config.clone(), network, parameters, device: device.clone() })
    }

    /// Its sizes.
    pub fn config(&self) -> &ForecastConfig {
        &self.config
    }

    /// Channels of its features.
    pub fn channels(&self) -> usize {
        self.config.widths[2]
    }

    /// The features of a history of scaled planes (the oldest first) of `rows` x `columns` cells, which are multiples of 4:
    /// `channels` planes of a quarter of the rows and columns.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where the history has another length; as [`Forecast::features`].
    pub fn features(&self, history: &[Vec<f32>], rows: usize, columns: usize) -> MethodResult<Vec<f32>> {
        if history.len() != self.config.lags {
            return Err(MethodError::Argument(format!(
                "a history of {} days for an encoder of {}; as many are wanted",
                history.len(),
                self.config.lags
            )));
        }
        let past =
            Tensor::from_vec(history.concat(), (1, history.len(), rows, columns), &Device::Cpu)?.to_device(&self.device)?;
        Ok(self.network.features(&past)?.flatten_all()?.to_vec1::<f32>()?)
    }

    /// Its weights by name, copied.
    ///
    /// # Errors
    /// [`MethodError::Nn`] from the device.
    pub(super) fn weights(&self) -> MethodResult<BTreeMap<String, Tensor>> {
        Ok(self.parameters.snapshot()?)
    }

    /// A hash over every weight: equal hashes, equal encoders.
    ///
    /// # Errors
    /// [`MethodError::Nn`] from the device.
    pub fn fingerprint(&self) -> MethodResult<String> {
        let mut parts = Vec::new();
        for (name, tensor) in self.parameters.snapshot()? {
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            parts.push((name, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()));
        }
        Ok(sha256_parts(parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> ForecastConfig {
        ForecastConfig { lags: 3, widths: [8, 8, 16], blocks: 1, head_width: 8, groups: 4 }
    }

    #[test]
    fn features_are_a_quarter_of_the_size_and_depend_on_the_order_of_days() {
        let encoder = FrozenEncoder::untrained(&small(), 1, &Device::Cpu).unwrap();
        let days: Vec<Vec<f32>> =
            (0..3).map(|d| (0..8 * 12).map(|i| ((i * 7 + d * 5) % 11) as f32 / 5.0 - 1.0).collect()).collect();
        let features = encoder.features(&days, 8, 12).unwrap();
        assert_eq!(features.len(), 16 * 2 * 3);
        let turned: Vec<Vec<f32>> = days.iter().rev().cloned().collect();
        assert_ne!(features, encoder.features(&turned, 8, 12).unwrap());
        assert!(encoder.features(&days[1..], 8, 12).unwrap_err().to_string().contains("2 days"));
    }

    #[test]
    fn the_fingerprint_knows_every_weight() {
        let encoder = |seed| FrozenEncoder::untrained(&small(), seed, &Device::Cpu).unwrap().fingerprint().unwrap();
        assert_eq!(encoder(1), encoder(1));
        assert_ne!(encoder(1), encoder(2));
    }
}

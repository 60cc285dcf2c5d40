//! The networks that learn: the large one, and what stands before it.

use candle_core::{Device, Result, Tensor};

use super::autoencoder::{Latent, LatentEncoder};
use super::config::TransferConfig;
use super::denoiser::{Denoiser, DenoiserConfig};
use super::encoder::FrozenEncoder;
use super::forecast::Forecast;
use super::task::{Task, Transfer};
use crate::diffusion::DdpmSchedule;
use crate::methods::error::MethodResult;
use crate::nn::Parameters;
use crate::nn::ops::{Resampling, interpolate};

/// First part of the names of a trainable encoder's weights.
const ENCODER: &str = "encoder.";

/// The large network with its schedule, and by its task a trunk, an encoder that learns, or one of hidden numbers.
#[derive(Clone, Debug)]
pub(super) struct Model {
    network: Denoiser,
    trunk: Option<Denoiser>,
    encoder: Option<Forecast>,
    latent: Option<LatentEncoder>,
    raw_lags: bool,
    pub schedule: DdpmSchedule,
}

impl Model {
    /// Parameters of the [`Denoiser`]; `trunk...` of another of its size; `encoder...` of a forecast; `latent...`.
    pub fn new(parameters: &mut Parameters, config: &TransferConfig) -> MethodResult<Model> {
        let mut own: DenoiserConfig = config.denoiser.clone();
        let trunk = if config.task == Task::TrunkAndDiffusion {
            own.drivers += 1; // what the trunk says
            Some(Denoiser::within(parameters, "trunk.", &config.denoiser)?)
        } else {
            None
        };
        let latent = if config.task == Task::Autoencoder {
            own.features += config.latent.channels;
            own.direct += config.latent.channels;
            Some(LatentEncoder::new(parameters, &config.latent, config.denoiser.drivers)?)
        } else {
            None
        };
        let encoder = if config.transfer == Transfer::TrainableEncoder {
            Some(Forecast::within(parameters, ENCODER, &config.forecast)?)
        } else {
            None
        };
        let network = Denoiser::new(parameters, &own)?;
        Ok(Model { network, trunk, encoder, latent, raw_lags: config.raw_lags, schedule: config.diffusion.schedule()? })
    }

    /// Lets a trainable encoder begin where the forecast's ended.
    pub fn begin(&self, parameters: &Parameters, encoder: Option<&FrozenEncoder>) -> MethodResult<()> {
        if let (Some(_), Some(source)) = (&self.encoder, encoder) {
            for (name, tensor) in source.weights()? {
                if let Some(variable) = parameters.get(&format!("{ENCODER}{name}")) {
                    variable.set(&tensor)?;
                }
            }
        }
        Ok(())
    }

    /// What the network sees of what a day's inputs have: themselves, but where the encoder learns.
    pub fn seen(&self, given: &Tensor) -> Result<Tensor> {
        let Some(encoder) = &self.encoder else { return Ok(given.clone()) };
        let (_, _, h, w) = given.dims4()?;
        let features = interpolate(&encoder.trainable_features(given)?, (h, w), Resampling::Bilinear, false)?;
        if self.raw_lags { Tensor::cat(&[&features, given], 1) } else { Ok(features) }
    }

    /// Has it a network that says the field outright beside the one that draws?
    pub fn has_trunk(&self) -> bool {
        self.trunk.is_some()
    }

    /// What the network says of states `[b, 1, h, w]` at these times, one for each or one for all.
    pub fn answer(&self, state: &Tensor, features: &Tensor, drivers: &Tensor, times: &[usize]) -> Result<Tensor> {
        ask(&self.network, state, features, drivers, times)
    }

    /// The field that the trunk, or a network without one, says outright: from no state at all, as if all of it were noise.
    pub fn outright(&self, features: &Tensor, drivers: &Tensor) -> Result<Tensor> {
        let network = self.trunk.as_ref().unwrap_or(&self.network);
        ask(network, &nothing(drivers)?, features, drivers, &[self.schedule.steps() - 1])
    }

    /// What the hidden numbers of fields may be; none of a model without any.
    pub fn latent(&self, field: &Tensor, drivers: &Tensor) -> Result<Option<Latent>> {
        self.latent.as_ref().map(|encoder| encoder.forward(field, drivers)).transpose()
    }

    /// The field of hidden numbers `[b, channels, h / 4, w / 4]`.
    pub fn decoded(&self, hidden: &Tensor, features: &Tensor, drivers: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = drivers.dims4()?;
        let hidden = interpolate(hidden, (h, w), Resampling::Bilinear, false)?;
        let seen = Tensor::cat(&[features, &hidden], 1)?;
        ask(&self.network, &nothing(drivers)?, &seen, drivers, &[self.schedule.steps() - 1])
    }
}

fn nothing(drivers: &Tensor) -> Result<Tensor> {
    let (b, _, h, w) = drivers.dims4()?;
    Tensor::zeros((b, 1, h, w), drivers.dtype(), drivers.device())
}

fn ask(network: &Denoiser, state: &Tensor, features: &Tensor, drivers: &Tensor, times: &[usize]) -> Result<Tensor> {
    let count = state.dim(0)?;
    let time = |i: usize| times[if times.len() == 1 { 0 } else { i }] as f32;
    let steps = Tensor::from_vec((0..count).map(time).collect::<Vec<f32>>(), count, &Device::Cpu)?;
    network.forward(state, features, drivers, &steps.to_device(state.device())?)
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::super::forecast::ForecastConfig;
    use super::*;

    #[test]
    fn a_trainable_encoder_begins_as_the_forecasts_and_learns() {
        let forecast = ForecastConfig { lags: 3, widths: [8, 8, 16], blocks: 1, head_width: 8, groups: 4 };
        let denoiser = DenoiserConfig { features: 19, projection: 4, widths: [8, 8, 16], groups: 4, ..DenoiserConfig::quick() };
        let quick = TransferConfig::quick();
        let config = TransferConfig { forecast, denoiser, raw_lags: true, transfer: Transfer::TrainableEncoder, ..quick };
        config.check().unwrap();
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let model = Model::new(&mut parameters, &config).unwrap();
        let source = FrozenEncoder::untrained(&config.forecast, 9, &Device::Cpu).unwrap();
        model.begin(&parameters, Some(&source)).unwrap();
        let days: Vec<Vec<f32>> = (0..3).map(|d| (0..64).map(|i| ((i * 7 + d * 5) % 11) as f32 / 5.0 - 1.0).collect()).collect();
        let given = Tensor::from_vec(days.concat(), (1, 3, 8, 8), &Device::Cpu).unwrap();
        let seen = model.seen(&given).unwrap();
        assert_eq!(seen.dims(), [1, 19, 8, 8]);
        // As the frozen encoder's features, brought to the fine grid; then the days.
        let features = Tensor::from_vec(source.features(&days, 8, 8).unwrap(), (1, 16, 2, 2), &Device::Cpu).unwrap();
        let wanted = interpolate(&features, (8, 8), Resampling::Bilinear, false).unwrap();
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(&seen.narrow(1, 0, 16).unwrap()), values(&wanted));
        assert_eq!(values(&seen.narrow(1, 16, 3).unwrap()), values(&given));
        let gradients = seen.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        let (_, stem) = parameters.iter().find(|(name, _)| name.starts_with("encoder.unet")).unwrap();
        assert!(gradients.get(stem.as_tensor()).is_some());
    }
}

//! What the networks are trained for, and what a validation score is made of.

use candle_core::{DType, Device, Tensor};

use super::autoencoder::LATENT_CELLS;
use super::config::TransferConfig;
use super::model::Model;
use super::task::Task;
use super::training_days::Batch;
use crate::base::random::Random;
use crate::diffusion::{Conditions, DiffusionError};
use crate::nn::ops::{Loss, masked_loss};
use crate::train::{TrainError, TrainResult};

fn normal(like: &Tensor, random: &mut Random) -> candle_core::Result<Tensor> {
    let values: Vec<f32> = (0..like.elem_count()).map(|_| random.normal() as f32).collect();
    Tensor::from_vec(values, like.dims(), &Device::Cpu)?.to_device(like.device())
}

fn task(error: impl std::fmt::Display) -> TrainError {
    TrainError::Task(error.to_string())
}

impl Model {
    /// What a training step makes smaller.
    pub fn loss(&self, config: &TransferConfig, batch: &Batch, loss: Loss, random: &mut Random) -> TrainResult<Tensor> {
        let (features, drivers) = (self.seen(&batch.features)?, &batch.drivers);
        let outright = || self.outright(&features, drivers);
        match config.task {
            Task::Regression => Ok(masked_loss(loss, &outright()?, &batch.clean, None)?),
            Task::Diffusion => self.denoising(config, &batch.clean, &features, drivers, loss, random),
            Task::TrunkAndDiffusion => {
                let said = outright()?;
                // What the trunk says is given to the diffusion as a number, so that each network has one thing to learn.
                let known = said.detach();
                let drivers = Tensor::cat(&[drivers, &known], 1)?;
                let rest = (&batch.clean - &known)?;
                let draws = self.denoising(config, &rest, &features, &drivers, loss, random)?;
                Ok((masked_loss(loss, &said, &batch.clean, None)? + draws)?)
            }
            Task::Autoencoder => {
                let Some(latent) = self.latent(&batch.clean, drivers)? else { return Err(task("no hidden numbers")) };
                let sizes = latent.dims().to_vec();
                let normal = normal(&Tensor::zeros(sizes, DType::F32, batch.clean.device())?, random)?;
                let found = self.decoded(&latent.draw(&normal)?, &features, drivers)?;
                let error = masked_loss(loss, &found, &batch.clean, None)?;
                // The decoder's own spread is the one that makes the fields most likely (doi:10.48550/arXiv.2006.13202).
                Ok(((error.log()? * 0.5)? + (latent.divergence()? / batch.clean.elem_count() as f64)?)?)
            }
        }
    }

    /// The diffusion's loss for clean states.
    fn denoising(
        &self,
        config: &TransferConfig,
        clean: &Tensor,
        features: &Tensor,
        drivers: &Tensor,
        loss: Loss,
        random: &mut Random,
    ) -> TrainResult<Tensor> {
        let times: Vec<usize> = (0..clean.dim(0)?).map(|_| random.below(self.schedule.steps())).collect();
        let noise = normal(clean, random)?;
        let state = self.schedule.add_noise(clean, &noise, &times).map_err(task)?;
        let target = config.diffusion.parametrisation.target(&self.schedule, clean, &noise, &times).map_err(task)?;
        Ok(masked_loss(loss, &self.answer(&state, features, drivers, &times)?, &target, None)?)
    }

    /// Sums over a batch: of the fair CRPS of two draws (of a regression: of the absolute error), and of the size of the state.
    pub fn score(&self, config: &TransferConfig, batch: &Batch, random: &mut Random) -> TrainResult<(f64, f64)> {
        let size = |x: Tensor| -> TrainResult<f64> { Ok(f64::from(x.abs()?.sum_all()?.to_scalar::<f32>()?)) };
        let error = |x: &Tensor| size((x - &batch.clean)?);
        let lacking = size(batch.clean.clone())?;
        let features = self.seen(&batch.features)?.detach();
        let said = match config.task {
            Task::Regression | Task::TrunkAndDiffusion => Some(self.outright(&features, &batch.drivers)?.detach()),
            _ => None,
        };
        let drivers = match (&said, config.task) {
            (Some(said), Task::Regression) => return Ok((error(said)?, lacking)),
            (Some(said), _) => Tensor::cat(&[&batch.drivers, said], 1)?,
            (None, _) => batch.drivers.clone(),
        };
        let walk = config.diffusion.walk().map_err(task)?;
        let mut draw = || -> TrainResult<Tensor> {
            if config.task == Task::Autoencoder {
                let (b, _, h, w) = batch.clean.dims4()?;
                let hidden = (b, config.latent.channels, h / LATENT_CELLS, w / LATENT_CELLS);
                let hidden = normal(&Tensor::zeros(hidden, DType::F32, batch.clean.device())?, random)?;
                return Ok(self.decoded(&hidden, &features, &drivers)?.detach());
            }
            let rest = walk
                .sample(
                    Conditions::default(),
                    |_| Ok(normal(&batch.clean, random)?),
                    |state, time| -> Result<Tensor, DiffusionError> {
                        let answer = self.answer(state, &features, &drivers, &[time])?.detach();
                        config.diffusion.parametrisation.to_clean(&self.schedule, &answer, state, &[time])
                    },
                )
                .map_err(task)?;
            Ok(match &said {
                Some(said) => (rest + said)?,
                None => rest,
            })
        };
        let (one, two) = (draw()?, draw()?);
        Ok(((error(&one)? + error(&two)? - size((&one - &two)?)?) / 2.0, lacking))
    }
}

#[cfg(test)]
mod tests {
    use super::super::autoencoder::LatentConfig;
    use super::super::denoiser::DenoiserConfig;
    use super::*;
    use crate::nn::{Parameters, first_gradients};

    fn batch() -> Batch {
        let t = |c: usize, step: usize| {
            let values = (0..2 * c * 64).map(|i| ((i * step) % 13) as f32 / 6.0 - 1.0).collect::<Vec<f32>>();
            Tensor::from_vec(values, (2, c, 8, 8), &Device::Cpu).unwrap()
        };
        Batch { features: t(3, 7), drivers: t(7, 5), clean: t(1, 3) }
    }

    fn config(kind: Task) -> TransferConfig {
        let denoiser = DenoiserConfig { features: 3, projection: 4, widths: [8, 8, 16], groups: 4, ..DenoiserConfig::quick() };
        let latent = LatentConfig { channels: 2, width: 4 };
        TransferConfig { denoiser, latent, task: kind, ..TransferConfig::quick() }
    }

    #[test]
    fn each_network_learns_its_own_part_only() {
        let config = config(Task::TrunkAndDiffusion);
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let model = Model::new(&mut parameters, &config).unwrap();
        let loss = model.loss(&config, &batch(), Loss::MeanSquare, &mut Random::new(1, "test")).unwrap();
        let both = loss.backward().unwrap();
        // The trunk alone: its gradient is the same as beside the diffusion.
        let said = model.outright(&batch().features, &batch().drivers).unwrap();
        let alone = masked_loss(Loss::MeanSquare, &said, &batch().clean, None).unwrap().backward().unwrap();
        let mut seen = 0;
        for (name, variable) in parameters.iter().filter(|(name, _)| name.starts_with("trunk.")) {
            let values = |g: Option<&Tensor>| g.map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap()).unwrap_or_default();
            let (with, without) = (values(both.get(variable.as_tensor())), values(alone.get(variable.as_tensor())));
            assert!(with.iter().zip(&without).all(|(a, b)| (a - b).abs() < 1e-5 * (1.0 + b.abs())), "{name}");
            seen += with.len();
        }
        assert!(seen > 1000);
    }

    #[test]
    fn the_autoencoders_gradient_is_its_slope() {
        let config = config(Task::Autoencoder);
        let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
        let model = Model::new(&mut parameters, &config).unwrap();
        // The same draw each time.
        let loss = || model.loss(&config, &batch(), Loss::MeanSquare, &mut Random::new(1, "test")).unwrap();
        let gradients = first_gradients(&loss()).unwrap();
        let head = parameters.iter().find(|(name, _)| name.starts_with("head.")).unwrap().0.to_string();
        for name in ["latent.head.bias", "latent.0.weight", &head] {
            let variable = parameters.get(name).unwrap();
            let start = variable.as_tensor().copy().unwrap();
            let gradient = gradients.get(variable.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let shifted = |by: f64| {
                let step = Tensor::new(1f32, &Device::Cpu).unwrap().broadcast_as(start.dims()).unwrap();
                variable.set(&(&start + (step * by).unwrap()).unwrap()).unwrap();
                f64::from(loss().to_scalar::<f32>().unwrap())
            };
            let slope = (shifted(1e-2) - shifted(-1e-2)) / 2e-2;
            variable.set(&start).unwrap();
            let wanted: f64 = gradient.iter().map(|g| f64::from(*g)).sum();
            assert!((slope - wanted).abs() < 2e-2 * (1.0 + wanted.abs()), "{name}: {slope} {wanted}");
        }
    }
}

//! One iteration of the training, and its validation.

use candle_core::{Device, Tensor, Var};

use super::adversarial::{adapted_weight, bernoulli, critic_probability, generator_probability, mask, mosaic, pixel_entropy};
use super::config::{AdversarialConfig, StateUnits, UadmConfig, UncertaintySource};
use super::denoiser::{Condition, Denoiser};
use super::discriminator::Discriminator;
use super::fit::{CRITIC, GENERATOR, UadmFitOptions};
use super::frame::state_unit;
use super::noise::Colour;
use super::strain::StrainGrid;
use super::uncertainty::tile_weights;
use crate::base::random::Random;
use crate::diffusion::{Conditions, DiffusionError};
use crate::methods::error::{MethodError, MethodResult};
use crate::methods::refinement::{Batch, FineFieldSource, batch};
use crate::nn::Parameters;
use crate::nn::ops::masked_loss;
use crate::train::{Iteration, TrainError, TrainResult, Trainee};

/// What trains.
pub(super) struct UadmTrainee<'a> {
    pub config: &'a UadmConfig,
    pub options: &'a UadmFitOptions,
    pub source: &'a FineFieldSource<'a>,
    pub held_out: Vec<Batch>,
    pub denoiser: Denoiser,
    pub colour: Colour,
    pub parameters: &'a Parameters,
    /// The critic, and the weight of its word.
    pub critic: Option<(Discriminator, Var)>,
    pub device: &'a Device,
}

/// A batch in units of the state.
struct Prepared {
    condition: Condition,
    /// x_0, `[b, 1, h, w]`.
    clean: Tensor,
    /// y; zeros where the state is the residual.
    low: Tensor,
    /// u, as a tensor and flat.
    weight: Tensor,
    weights: Vec<f32>,
    sea: Tensor,
}

fn task(error: impl std::fmt::Display) -> TrainError {
    TrainError::Task(error.to_string())
}

impl UadmTrainee<'_> {
    fn prepare(&self, batch: &Batch, random: &mut Random) -> MethodResult<Prepared> {
        let config = self.config;
        let (count, _, fine_rows, fine_columns) = batch.base.dims4()?;
        let size = fine_rows * fine_columns;
        let (cells, factor) = (config.tile.cells, config.tile.factor);
        let low = batch.low.flatten_all()?.to_vec1::<f32>()?;
        let tiles: Vec<(&[f32], Vec<bool>)> = low
            .chunks(2 * cells * cells)
            .map(|tile| (&tile[..cells * cells], tile[cells * cells..].iter().map(|sea| *sea > 0.5).collect()))
            .collect();
        // The batch is in units of each tile's spread, so 1 is the spread here.
        let units: Vec<f32> = match config.diffusion.units {
            StateUnits::Range { .. } => {
                let half = state_unit(&config.diffusion.units, &[], &[], 1, 1.0);
                batch.spread.iter().map(|spread| half / spread).collect()
            }
            _ => tiles.iter().map(|(low, sea)| state_unit(&config.diffusion.units, low, sea, cells, 1.0)).collect(),
        };
        let each = |values: Vec<f32>| Tensor::from_vec(values, (count, 1, 1, 1), &Device::Cpu)?.to_device(self.device);
        let unit = each(units.clone())?;
        let (clean, shifted) = match config.diffusion.units {
            StateUnits::Residual { .. } => (batch.target.broadcast_div(&unit)?, None),
            StateUnits::Range { coldest, warmest } => {
                let middle = (coldest + warmest) / 2.0;
                let above = batch
                    .mean
                    .iter()
                    .zip(&batch.spread)
                    .map(|(mean, spread)| ((f64::from(*mean) - middle) / f64::from(*spread)) as f32);
                let above = each(above.collect())?;
                let low = batch.base.broadcast_add(&above)?.broadcast_div(&unit)?;
                ((&low + batch.target.broadcast_div(&unit)?)?, Some(low))
            }
        };
        let low = match &shifted {
            Some(low) => low.clone(),
            None => clean.zeros_like()?,
        };
        let condition = self.denoiser.condition(&batch.low, &batch.base, shifted)?;
        let raw: Vec<Vec<f64>> = match config.uncertainty.source {
            UncertaintySource::None => Vec::new(),
            UncertaintySource::Strain => {
                let base = batch.base.flatten_all()?.to_vec1::<f32>()?;
                let [south, north] = self.options.latitudes;
                let step = self.source.latitude_step();
                base.chunks(size)
                    .map(|tile| {
                        let centre = random.uniform_in(south, north);
                        let row = |i: usize| (centre + step * (i as f64 - (fine_rows - 1) as f64 / 2.0)).clamp(-90.0, 90.0);
                        let latitudes: Vec<f64> = (0..fine_rows).map(row).collect();
                        StrainGrid::on_sphere(&latitudes, step, false, config.uncertainty.strain).total_strain(tile, fine_columns)
                    })
                    .collect()
            }
            UncertaintySource::Residual => match condition.expected() {
                Some(expected) => {
                    let expected = expected.detach().flatten_all()?.to_vec1::<f32>()?;
                    expected.chunks(size).map(|tile| tile.iter().map(|v| f64::from(v.abs())).collect()).collect()
                }
                None => Vec::new(),
            },
        };
        let mut weights = Vec::with_capacity(count * size);
        for (raw, (_, sea)) in raw.iter().zip(&tiles) {
            let at = |i: usize| sea[i / fine_columns / factor * cells + i % fine_columns / factor];
            weights.extend(tile_weights(&config.uncertainty, raw, at));
        }
        if weights.is_empty() {
            weights = vec![1.0; count * size];
        }
        let weight = Tensor::from_vec(weights.clone(), batch.base.dims(), &Device::Cpu)?.to_device(self.device)?;
        Ok(Prepared { condition, clean, low, weight, weights, sea: batch.sea.clone() })
    }

    fn noise(&self, like: &Tensor, random: &mut Random) -> candle_core::Result<Tensor> {
        let (count, _, rows, columns) = like.dims4()?;
        let margin = 2 * self.colour.margin();
        let mut values: Vec<f32> = Vec::with_capacity(like.elem_count());
        for _ in 0..count {
            let white: Vec<f64> = (0..(rows + margin) * (columns + margin)).map(|_| random.normal()).collect();
            values.extend(self.colour.paint(&white, [rows, columns], false).iter().map(|z| *z as f32));
        }
        Tensor::from_vec(values, like.dims(), &Device::Cpu)?.to_device(self.device)
    }

    /// The generator's and the critic's steps with the adversarial part; `pixel` is the generator's other loss.
    fn duel(
        &self,
        iteration: &mut Iteration<'_, '_>,
        adversarial: &AdversarialConfig,
        (critic, kept): &(Discriminator, Var),
        prepared: &Prepared,
        prediction: &Tensor,
        (pixel, times): (Tensor, &[usize]),
    ) -> TrainResult<()> {
        let seen: Vec<f32> =
            times.iter().map(|t| f32::from(u8::from(adversarial.latest_time.is_none_or(|last| *t <= last)))).collect();
        if seen.iter().all(|one| *one == 0.0) {
            iteration.descend(GENERATOR, pixel)?;
            return Ok(());
        }
        let seen = Tensor::from_vec(seen, (times.len(), 1, 1, 1), &Device::Cpu)?.to_device(self.device)?;
        let judged = prepared.sea.broadcast_mul(&seen)?;
        // Land is nobody's work: it shows the critic nothing.
        let (truth, generated) = ((&prepared.clean * &prepared.sea)?, (prediction * &prepared.sea)?);
        let chosen = bernoulli(&generator_probability(adversarial, &prepared.weights), iteration.random());
        let mixed = mosaic(&mask(chosen, &truth)?, &generated, &truth)?;
        let logits = critic.forward(&mixed, false)?;
        let misled = pixel_entropy(&logits, &logits.zeros_like()?, &judged)?;

        let known = f64::from(kept.to_vec1::<f32>()?[0]);
        let mut weight = (known >= 0.0).then_some(known);
        if weight.is_none() || iteration.number().is_multiple_of(adversarial.refresh_every) {
            let length = |loss: &Tensor| -> TrainResult<f64> {
                let gradients = loss.backward()?;
                let last = self.parameters.get("last.weight").and_then(|last| gradients.get(last.as_tensor()).cloned());
                Ok(match last {
                    Some(gradient) => f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?).sqrt(),
                    None => 0.0,
                })
            };
            weight = Some(adapted_weight(adversarial, weight, length(&pixel)?, length(&misled)?));
        }
        let weight = weight.unwrap_or(0.0);
        kept.set(&Tensor::new(&[weight as f32], &Device::Cpu)?.to_device(self.device)?)?;
        iteration.log("adversarial_weight", weight);
        iteration.log("adversarial_loss", f64::from(misled.to_scalar::<f32>()?));
        iteration.descend(GENERATOR, (pixel + (misled * weight)?)?)?;

        let (_, _, h, w) = truth.dims4()?;
        let least = self.config.uncertainty.least;
        let probability = critic_probability(adversarial.mosaic, &prepared.weights, h * w, least, iteration.random());
        let labels = mask(bernoulli(&probability, iteration.random()), &truth)?;
        let mixed = mosaic(&labels, &generated.detach(), &truth)?;
        let loss = pixel_entropy(&critic.forward(&mixed, true)?, &labels, &judged)?;
        iteration.descend(CRITIC, loss)?;
        Ok(())
    }

    /// The fair CRPS of two members in each tile, and the mean absolute error of y.
    fn score(&self, batch: &Batch, random: &mut Random) -> MethodResult<Vec<(f64, f64)>> {
        let prepared = self.prepare(batch, random)?;
        let walk = self.config.walk(&self.denoiser.schedule, self.config.diffusion.stochasticity)?;
        let conditions = Conditions { low: Some(&prepared.low), noise_weight: Some(&prepared.weight) };
        let mut member = || -> MethodResult<Tensor> {
            Ok(walk.sample(
                conditions,
                |_| Ok(self.noise(&prepared.clean, random)?),
                |state, time| -> Result<Tensor, DiffusionError> {
                    Ok(self.denoiser.clean(&prepared.condition, state, &prepared.weight, &[time])?.clean)
                },
            )?)
        };
        let (one, two) = (member()?, member()?);
        let mean = |difference: Tensor| -> MethodResult<Vec<f64>> {
            let sum = (difference.abs()? * &prepared.sea)?.sum((1, 2, 3))?;
            let values = sum.div(&prepared.sea.sum((1, 2, 3))?)?.to_vec1::<f32>()?;
            Ok(values.into_iter().map(f64::from).collect())
        };
        let clean = &prepared.clean;
        let (first, second, apart) = (mean((&one - clean)?)?, mean((&two - clean)?)?, mean((&one - &two)?)?);
        let lacking = mean((&prepared.low - clean)?)?;
        Ok((0..lacking.len()).map(|i| ((first[i] + second[i] - apart[i]) / 2.0, lacking[i])).collect())
    }
}

impl Trainee for UadmTrainee<'_> {
    fn iterate(&mut self, iteration: &mut Iteration<'_, '_>) -> TrainResult<()> {
        let options = self.options;
        let tiles = batch(self.source, &self.config.tile, &options.degradation, options.batch, iteration.random(), self.device)
            .map_err(task)?;
        let prepared = self.prepare(&tiles, iteration.random()).map_err(task)?;
        let steps = self.denoiser.schedule.steps();
        let times: Vec<usize> = (0..options.batch).map(|_| iteration.random().below(steps)).collect();
        let noise = self.noise(&prepared.clean, iteration.random())?;
        let state = self
            .denoiser
            .schedule
            .add_noise(&prepared.clean, &prepared.low, &noise, Some(&prepared.weight), &times)
            .map_err(task)?;
        let prediction = self.denoiser.clean(&prepared.condition, &state, &prepared.weight, &times).map_err(task)?;
        let by_spread = |x: &Tensor| match &prediction.spread {
            Some(spread) => x / spread,
            None => Ok(x.clone()),
        };
        let mut loss =
            masked_loss(options.loss, &by_spread(&prediction.clean)?, &by_spread(&prepared.clean)?, Some(&prepared.sea))?;
        if let Some(expected) = prepared.condition.expected() {
            let lacking = (&prepared.clean - &prepared.low)?;
            let regression = masked_loss(crate::nn::ops::Loss::MeanSquare, expected, &lacking, Some(&prepared.sea))?;
            iteration.log("regression_loss", f64::from(regression.to_scalar::<f32>()?));
            loss = (loss + (regression * options.regression_weight)?)?;
        }
        match (&self.config.adversarial, &self.critic) {
            (Some(adversarial), Some(critic))
                if iteration.number() >= adversarial.start && iteration.number().is_multiple_of(adversarial.every) =>
            {
                self.duel(iteration, adversarial, critic, &prepared, &prediction.clean, (loss, &times))
            }
            _ => iteration.descend(GENERATOR, loss).map(|_| ()),
        }
    }

    fn validate(&mut self) -> TrainResult<f64> {
        const NOTHING: f64 = 1e-6;
        let mut random = Random::new(self.options.seed, "validation noise");
        let mut logs = Vec::new();
        for batch in &self.held_out {
            let scores = self.score(batch, &mut random).map_err(|error: MethodError| task(error))?;
            logs.extend(
                scores
                    .iter()
                    .filter(|(_, lacking)| *lacking > NOTHING)
                    .map(|(score, lacking)| (score.max(NOTHING) / lacking).ln()),
            );
        }
        Ok((logs.iter().sum::<f64>() / logs.len().max(1) as f64).exp())
    }
}

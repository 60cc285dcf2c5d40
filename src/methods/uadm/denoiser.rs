//! The generator in the diffusion: from a noisy state to the clean one.

use candle_core::{Device, Result, Tensor, bail};

use super::config::{DiffusionConfig, UadmConfig};
use super::generator::Generator;
use super::trunk::Reading;
use crate::diffusion::{DiffusionResult, ResidualShifting};
use crate::nn::ops::{Pad, Padding, pad2d};
use crate::nn::{NnResult, Parameters};

/// The generator with the schedule it works in.
#[derive(Clone, Debug)]
pub(super) struct Denoiser {
    generator: Generator,
    pub schedule: ResidualShifting,
    config: DiffusionConfig,
    factor: usize,
    /// Height and width of what the generator sees are multiples of this, in coarse cells.
    divisor: usize,
}

/// What a batch of tiles is conditioned on, in units of the state.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// The resampled coarse field, normalised, `[b, 1, h, w]`.
    pub coarse: Tensor,
    /// The end of the shift y, `[b, 1, h, w]`; 0 where absent.
    pub low: Option<Tensor>,
    reading: Option<Reading>,
}

impl Condition {
    /// The expected clean state, where the generator has a trunk; relative to y.
    pub fn expected(&self) -> Option<&Tensor> {
        self.reading.as_ref().map(|reading| &reading.mean)
    }

    /// The same for `count` states of each tile, tile after tile within each state.
    pub fn repeated(&self, count: usize) -> Result<Condition> {
        let again = |x: &Tensor| Tensor::cat(&vec![x; count], 0);
        Ok(Condition {
            coarse: again(&self.coarse)?,
            low: self.low.as_ref().map(again).transpose()?,
            reading: match &self.reading {
                Some(reading) => Some(Reading { features: again(&reading.features)?, mean: again(&reading.mean)? }),
                None => None,
            },
        })
    }
}

/// A prediction, with what it takes to weigh its error.
pub(super) struct Prediction {
    /// The clean state, `[b, 1, h, w]`.
    pub clean: Tensor,
    /// The spread of what the network had to find, `[b, 1, h, w]`; 1 where it predicts the field itself.
    pub spread: Option<Tensor>,
}

impl Denoiser {
    pub fn new(parameters: &mut Parameters, config: &UadmConfig) -> NnResult<Denoiser> {
        let schedule = ResidualShifting::new(config.diffusion.schedule)
            .map_err(|error| crate::nn::NnError::Argument(format!("uadm: {error}")))?;
        Ok(Denoiser {
            generator: Generator::new(parameters, &config.generator)?,
            schedule,
            config: config.diffusion,
            factor: config.tile.factor,
            divisor: config.generator.divisor() / config.tile.factor,
        })
    }

    /// What is needed of coarse tiles `[b, 2, h, w]` and their resampled field `[b, 1, h f, w f]`; `low` is y in units of the
    /// state, none where the state is the residual.
    pub fn condition(&self, tiles: &Tensor, coarse: &Tensor, low: Option<Tensor>) -> Result<Condition> {
        Ok(Condition { coarse: coarse.clone(), low, reading: self.generator.read(tiles)? })
    }

    /// The clean state.
    ///
    /// # Formula
    /// ```text
    /// plain            x̂_0 = G(x_t / √(κ² η E[u²] + s²), ...)
    /// preconditioned   d = x_t − η y − (1−η) m,   σ = κ √η u,   q = σ² + (1−η)² s²
    ///                  x̂_0 = m + (1−η) s²/q d + σ s/√q G(d / √(κ² η E[u²] + s²), ...)
    /// ```
    /// with m what the trunk expects (y plus its reading) and s the spread of the data: the second is what a linear estimate
    /// gives, and the network has the rest to say. After Karras et al. (2022), arXiv:2206.00364.
    pub fn clean(&self, condition: &Condition, state: &Tensor, weight: &Tensor, times: &[usize]) -> DiffusionResult<Prediction> {
        let steps = steps_of(times, state)?;
        let s = self.config.data_spread;
        let mean_square = match self.config.mean_square_weight {
            Some(constant) => Some(Tensor::full(constant.sqrt() as f32, (1, 1, 1, 1), state.device())?.to_dtype(state.dtype())?),
            None => None,
        };
        let scaled = |x: &Tensor| self.schedule.scale_input(x, Some(mean_square.as_ref().unwrap_or(weight)), s, times);
        let features = condition.reading.as_ref().map(|reading| &reading.features);
        let prediction = if self.config.preconditioned {
            let shift = self.per_sample(times, state, |eta| eta)?;
            let kept = self.per_sample(times, state, |eta| 1.0 - eta)?;
            let noise = weight.broadcast_mul(&self.per_sample(times, state, |eta| self.schedule.kappa() * eta.sqrt())?)?;
            // The trunk learns from its own loss alone.
            let mut expected = condition.reading.as_ref().map(|reading| reading.mean.detach());
            if let Some(low) = &condition.low {
                expected = Some(match expected {
                    Some(mean) => (mean + low)?,
                    None => low.clone(),
                });
            }
            let mut rest = state.clone();
            if let Some(expected) = &expected {
                rest = (rest - expected.broadcast_mul(&kept)?)?;
            }
            if let Some(low) = &condition.low {
                rest = (rest - low.broadcast_mul(&shift)?)?;
            }
            let total = noise.sqr()?.broadcast_add(&(kept.sqr()? * (s * s))?)?; // [b, 1, h, w]
            let from_state = total.recip()?.broadcast_mul(&(&kept * (s * s))?)?;
            let spread = ((noise * s)? / total.sqrt()?)?;
            let told = self.generate(&scaled(&rest)?, &condition.coarse, features, &steps)?;
            let mut clean = ((rest * from_state)? + (told * &spread)?)?;
            if let Some(expected) = expected {
                clean = (clean + expected)?;
            }
            Prediction { clean, spread: Some(spread) }
        } else {
            let clean = self.generate(&scaled(state)?, &condition.coarse, features, &steps)?;
            Prediction { clean, spread: None }
        };
        Ok(if self.config.closed {
            Prediction { clean: self.closed(&prediction.clean, condition.low.as_ref())?, ..prediction }
        } else {
            prediction
        })
    }

    /// `x` with the mean over each coarse cell that `low` has (0 where absent).
    fn closed(&self, x: &Tensor, low: Option<&Tensor>) -> Result<Tensor> {
        let (b, _, h, w) = x.dims4()?;
        let f = self.factor;
        let blocks = |x: &Tensor| x.reshape((b, h / f, f, w / f, f));
        let off = match low {
            Some(low) => blocks(&(x - low)?)?,
            None => blocks(x)?,
        };
        blocks(x)?.broadcast_sub(&off.mean_keepdim((2, 4))?)?.reshape((b, 1, h, w))
    }

    /// The generator on tiles of any number of coarse cells: filled up to its divisor by repeating the border.
    fn generate(&self, noisy: &Tensor, coarse: &Tensor, features: Option<&Tensor>, steps: &Tensor) -> Result<Tensor> {
        let (_, _, h, w) = noisy.dims4()?;
        let (rows, columns) = (h / self.factor, w / self.factor);
        if rows * self.factor != h || columns * self.factor != w {
            bail!("uadm: a state of {h}x{w}; multiples of {} are wanted", self.factor);
        }
        let more = |cells: usize| cells.next_multiple_of(self.divisor) - cells;
        let (bottom, right) = (more(rows), more(columns));
        if bottom + right == 0 {
            return self.generator.forward(noisy, coarse, features, steps);
        }
        let filled = |x: &Tensor, factor: usize| {
            let (bottom, right) = (bottom * factor, right * factor);
            let (horizontal, vertical) = (Padding::Replicate, Padding::Replicate);
            pad2d(x, &Pad { left: 0, right, top: 0, bottom, horizontal, vertical })
        };
        let features = features.map(|x| filled(x, 1)).transpose()?;
        let fine =
            self.generator.forward(&filled(noisy, self.factor)?, &filled(coarse, self.factor)?, features.as_ref(), steps)?;
        fine.narrow(2, 0, h)?.narrow(3, 0, w)?.contiguous()
    }

    fn per_sample(&self, times: &[usize], like: &Tensor, value: impl Fn(f64) -> f64) -> DiffusionResult<Tensor> {
        let values = times.iter().map(|t| Ok(value(self.schedule.shift(*t)?))).collect::<DiffusionResult<Vec<f64>>>()?;
        Ok(Tensor::from_vec(values, (times.len(), 1, 1, 1), &Device::Cpu)?.to_dtype(like.dtype())?.to_device(like.device())?)
    }
}

/// The step numbers as the generator is told them, one for each sample.
fn steps_of(times: &[usize], state: &Tensor) -> Result<Tensor> {
    let batch = state.dim(0)?;
    let all: Vec<f64> = if times.len() == 1 { vec![times[0] as f64; batch] } else { times.iter().map(|t| *t as f64).collect() };
    Tensor::from_vec(all, times.len().max(batch), &Device::Cpu)?.to_dtype(state.dtype())?.to_device(state.device())
}

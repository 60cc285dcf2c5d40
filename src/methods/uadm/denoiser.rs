//! The generator in the diffusion: from a noisy state to the clean one.

use candle_core::{Device, Result, Tensor, Var, bail};

use super::config::{DiffusionConfig, UadmConfig};
use super::generator::Generator;
use super::noise::{NoiseColour, SIDE};
use super::trunk::Reading;
use crate::diffusion::{DiffusionResult, ResidualShifting};
use crate::nn::ops::{ConvolutionOptions, Pad, Padding, conv2d, pad2d};
use crate::nn::{Init, NnResult, Parameters};

/// The generator with the schedule it works in.
#[derive(Clone, Debug)]
pub(super) struct Denoiser {
    generator: Generator,
    /// What is added to a filter that passes everything, `[times, 1, side, side]`.
    filters: Option<Tensor>,
    /// What makes white noise the diffusion's, where it is not white.
    pub kernel: Option<Var>,
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
#[derive(Debug)]
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
        let side = config.diffusion.filter;
        let filters = match side {
            0 => None,
            _ => Some(parameters.add("filters", &[schedule.steps(), 1, side, side], Init::Constant(0.0))?),
        };
        let kernel = match config.diffusion.colour {
            NoiseColour::White => None,
            NoiseColour::Missing => Some(parameters.add_buffer("noise_kernel", &[SIDE, SIDE], Init::Constant(0.0))?),
        };
        Ok(Denoiser {
            kernel,
            generator: Generator::new(parameters, &config.generator)?,
            filters,
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
    ///                  x̂_0 = m + (1−η) s²/q F_t d + σ s/√q G(d / √(κ² η E[u²] + s²), ...)
    /// ```
    /// with m what the trunk expects (y plus its reading), s the spread of the data, and F_t the learnt filter, at first the
    /// identity: the second is what a linear estimate
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
            let mut clean = ((self.filtered(&rest, times)? * from_state)? + (told * &spread)?)?;
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

    /// `x` through the filter of its time.
    fn filtered(&self, x: &Tensor, times: &[usize]) -> Result<Tensor> {
        let Some(filters) = &self.filters else { return Ok(x.clone()) };
        let steps = self.schedule.steps();
        let own: Vec<f64> =
            times.iter().flat_map(|t| (0..steps).map(|i| f64::from(u8::from(i == *t))).collect::<Vec<_>>()).collect();
        let own = Tensor::from_vec(own, (times.len(), steps, 1, 1), &Device::Cpu)?.to_dtype(x.dtype())?.to_device(x.device())?;
        let all = conv2d(x, filters, ConvolutionOptions::same(self.config.filter))?; // [b, times, h, w]
        x + all.broadcast_mul(&own)?.sum_keepdim(1)?
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

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::super::config::{StateUnits, UncertaintyConfig};
    use super::super::generator::GeneratorConfig;
    use super::*;
    use crate::diffusion::NoiseField;
    use crate::methods::refinement::TileConfig;
    use crate::nn::blocks::SwinConfig;

    fn config() -> UadmConfig {
        UadmConfig {
            tile: TileConfig { cells: 8, factor: 2, ..TileConfig::default() },
            generator: GeneratorConfig {
                factor: 2,
                widths: vec![4, 8],
                blocks: 1,
                swin: SwinConfig { width: 4, head_width: 2, window: 2, depth: 2, widening: 1 },
                fine_width: 2,
                groups: 2,
                trunk_blocks: 1,
                trunk_channels: 3,
            },
            uncertainty: UncertaintyConfig::default(),
            ..UadmConfig::quick()
        }
    }

    fn denoiser(config: &UadmConfig) -> Denoiser {
        Denoiser::new(&mut Parameters::new(&Device::Cpu, DType::F64, 1), config).unwrap()
    }

    fn draw(number: usize, shape: [usize; 3]) -> Tensor {
        NoiseField::new(2, 0).tensor(number, shape, DType::F64, &Device::Cpu).unwrap()
    }

    fn values(t: &Tensor) -> Vec<f64> {
        t.flatten_all().unwrap().to_vec1::<f64>().unwrap()
    }

    #[test]
    fn before_its_first_step_it_gives_the_linear_estimate() {
        let mut settings = config();
        settings.diffusion.closed = false;
        settings.diffusion.data_spread = 0.8;
        settings.diffusion.filter = 3;
        let network = denoiser(&settings);
        let (low, shape) = (draw(0, [2, 4, 6]), [1, 8, 12]);
        for shifted in [None, Some(draw(1, shape))] {
            let condition = network.condition(&low, &draw(2, shape), shifted.clone()).unwrap();
            let (state, weight) = (draw(3, shape), draw(4, shape).sqr().unwrap());
            let got = network.clean(&condition, &state, &weight, &[2]).unwrap();
            let eta = network.schedule.shift(2).unwrap();
            let y = shifted.map_or(vec![0.0; 96], |y| values(&y));
            for (i, (x, u)) in values(&state).iter().zip(values(&weight)).enumerate() {
                // The trunk and the U-Net's last layer start at zero, so m = y.
                let (signal, noise) = ((1.0 - eta) * 0.8, network.schedule.kappa() * eta.sqrt() * u);
                let want = y[i] + signal * 0.8 / (signal * signal + noise * noise) * (x - y[i]);
                assert!((values(&got.clean)[i] - want).abs() < 1e-12);
                let spread = noise * 0.8 / (signal * signal + noise * noise).sqrt();
                assert!((values(got.spread.as_ref().unwrap())[i] - spread).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_closed_state_keeps_the_means_of_coarse_cells() {
        let shape = [1, 8, 12];
        let y = draw(1, shape);
        let settings = config();
        let network = denoiser(&settings);
        let condition = network.condition(&draw(0, [2, 4, 6]), &draw(2, shape), Some(y.clone())).unwrap();
        let got = network.clean(&condition, &draw(3, shape), &draw(4, shape).sqr().unwrap(), &[1]).unwrap().clean;
        let means = |t: &Tensor| values(&t.reshape((4, 2, 6, 2)).unwrap().mean((1, 3)).unwrap());
        assert!(means(&got).iter().zip(means(&y)).all(|(a, b)| (a - b).abs() < 1e-12));
        let again = condition.repeated(2).unwrap();
        assert_eq!(again.coarse.dims(), [2, 1, 8, 12]);
    }

    #[test]
    fn the_published_form_and_tiles_of_any_size() {
        let mut settings = config();
        settings.generator.trunk_blocks = 0;
        settings.diffusion = DiffusionConfig::paper();
        assert!(matches!(settings.diffusion.units, StateUnits::Range { .. }));
        let network = denoiser(&settings);
        // 5 x 7 coarse cells: filled up to 6 x 8, and cut again
        let shape = [1, 10, 14];
        let condition = network.condition(&draw(0, [2, 5, 7]), &draw(1, shape), Some(draw(1, shape))).unwrap();
        let weight = draw(2, shape).ones_like().unwrap();
        let got = network.clean(&condition, &draw(3, shape), &weight, &[4]).unwrap();
        assert_eq!((got.clean.dims(), got.spread.is_none()), (&[1, 1, 10, 14][..], true));
        // The published divisor does not look at u.
        let other = network.clean(&condition, &draw(3, shape), &(weight * 0.5).unwrap(), &[4]).unwrap();
        assert_eq!(values(&got.clean), values(&other.clean));
        let odd = draw(3, [1, 9, 14]);
        assert!(network.clean(&condition, &odd, &odd, &[4]).unwrap_err().to_string().contains("multiples of 2"));
    }
}

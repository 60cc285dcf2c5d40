//! One iteration of the adversarial training.

use candle_core::{DType, Device, Tensor};

use super::clouds::Clouds;
use super::config::{UnisstConfig, UnisstFitOptions};
use super::critics::{FrameCritic, SequenceCritic};
use super::fit::{CRITICS, GENERATOR};
use super::generator::Generator;
use super::losses::critic_loss;
use super::seen::{HIDDEN, SeenSequence};
use crate::base::random::Random;
use crate::nn::ops::{Loss, masked_loss};
use crate::train::{Iteration, TrainError, TrainResult, Trainee};

/// Generator, critics and what they are shown.
pub(super) struct Contestants<'a> {
    pub config: &'a UnisstConfig,
    pub options: &'a UnisstFitOptions,
    pub training: Vec<SeenSequence>,
    /// Sequences with, besides, cells of them that are hidden to be asked for.
    pub validation: Vec<(SeenSequence, Vec<f32>)>,
    pub clouds: &'a [Clouds],
    pub generator: Generator,
    pub frames: FrameCritic,
    pub sequences: SequenceCritic,
    pub device: &'a Device,
}

/// `values` where `hidden` is 0 and [`HIDDEN`] where it is 1; both `[b, 1, t, h, w]`.
fn occluded(values: &Tensor, hidden: &Tensor) -> candle_core::Result<Tensor> {
    let seen = hidden.affine(-1.0, 1.0)?;
    (values * seen)? + hidden.affine(f64::from(HIDDEN), 0.0)?
}

/// `made` where `hidden` is 1, `values` elsewhere.
fn filled(values: &Tensor, made: &Tensor, hidden: &Tensor) -> candle_core::Result<Tensor> {
    (values * hidden.affine(-1.0, 1.0)?)? + (made * hidden)?
}

impl Contestants<'_> {
    /// What the generator makes of a sequence that holds [`HIDDEN`] in its hidden cells.
    fn made(&self, values: &Tensor, hidden: &Tensor, training: bool) -> candle_core::Result<Tensor> {
        if self.config.generator.mask_channel {
            return self.generator.forward(&Tensor::cat(&[values, hidden], 1)?, training);
        }
        self.generator.forward(values, training)
    }

    /// Random parts of random sequences and the cells hidden in them, `[b, 1, t, h, w]`.
    fn draw(&self, random: &mut Random) -> TrainResult<(Tensor, Tensor)> {
        let part = self.options.part;
        let (mut values, mut hidden) = (Vec::new(), Vec::new());
        for _ in 0..self.options.batch {
            let sequence = &self.training[random.below(self.training.len())];
            let start = [0, 1, 2].map(|a| random.below(sequence.shape[a] - part[a] + 1));
            let (v, h) = sequence.part(start, part);
            values.extend(v);
            hidden.extend(h);
        }
        Ok((self.tensor(values, part)?, self.tensor(hidden, part)?))
    }

    /// Fresh clouds, `[b, 1, t, h, w]`.
    fn fresh_clouds(&self, random: &mut Random) -> TrainResult<Tensor> {
        let [frames, h, w] = self.options.part;
        let mut hidden = Vec::new();
        for _ in 0..self.options.batch {
            let clouds = &self.clouds[random.below(self.clouds.len())];
            let [rows, columns] = clouds.shape();
            let drawn = clouds.draw(frames, self.options.threshold, random).map_err(|e| TrainError::Task(e.to_string()))?;
            let (top, left) = (random.below(rows - h + 1), random.below(columns - w + 1));
            for t in 0..frames {
                for y in top..top + h {
                    let row = (t * rows + y) * columns + left;
                    hidden.extend(drawn[row..row + w].iter().map(|h| f32::from(u8::from(*h))));
                }
            }
        }
        self.tensor(hidden, self.options.part)
    }

    fn tensor(&self, values: Vec<f32>, [t, h, w]: [usize; 3]) -> TrainResult<Tensor> {
        let count = values.len() / (t * h * w);
        Ok(Tensor::from_vec(values, (count, 1, t, h, w), &Device::Cpu)?.to_device(self.device)?)
    }
}

impl Trainee for Contestants<'_> {
    /// # Formula
    /// ```text
    /// x = (1 - m) y + m φ(y),  y' = x under fresh clouds m'
    /// generator: l(D_frame(y')) + l(D_sequence(y'));  then twice, critics: tell y and y' apart
    /// ```
    fn iterate(&mut self, iteration: &mut Iteration<'_, '_>) -> TrainResult<()> {
        let (seen, hidden) = self.draw(iteration.random())?;
        let fresh = self.fresh_clouds(iteration.random())?;
        let made = self.made(&seen, &hidden, true)?;
        let shown = occluded(&filled(&seen, &made, &hidden)?, &fresh)?;
        let of = self.options.generator_loss;
        let frames = of.of(&self.frames.forward(&shown, true)?)?;
        let sequences = of.of(&self.sequences.forward(&shown, true)?)?;
        for (name, loss) in [("frame_adversarial", &frames), ("sequence_adversarial", &sequences)] {
            iteration.log(name, loss.to_dtype(DType::F64)?.to_scalar::<f64>()?);
        }
        let mut loss = (frames + sequences)?;
        let shown = shown.detach();
        if self.options.self_supervision > 0.0 {
            // Seen cells that the fresh clouds hide: what the generator makes of them can be checked.
            let asked = (&fresh * hidden.affine(-1.0, 1.0)?)?;
            if asked.sum_all()?.to_scalar::<f32>()? > 0.0 {
                let again = self.made(&shown, &fresh, true)?;
                let error = masked_loss(Loss::MeanAbsolute, &again, &seen, Some(&asked))?;
                iteration.log("self_supervision", error.to_dtype(DType::F64)?.to_scalar::<f64>()?);
                loss = (loss + (error * self.options.self_supervision)?)?;
            }
        }
        iteration.descend(GENERATOR, loss)?;
        for _ in 0..self.options.critic_steps {
            let frames = critic_loss(&self.frames.forward(&seen, true)?, &self.frames.forward(&shown, true)?)?;
            let sequences = critic_loss(&self.sequences.forward(&seen, true)?, &self.sequences.forward(&shown, true)?)?;
            iteration.descend(CRITICS, (frames + sequences)?)?;
        }
        Ok(())
    }

    /// Mean absolute error over seen cells of the validation that were hidden besides, in the unit of the fields.
    fn validate(&mut self) -> TrainResult<f64> {
        let (mut sum, mut count) = (0.0, 0usize);
        for (sequence, asked) in &self.validation {
            let hidden: Vec<f32> = sequence.hidden.iter().zip(asked).map(|(h, a)| h.max(*a)).collect();
            let values = sequence.values.iter().zip(&hidden).map(|(v, h)| if *h > 0.0 { HIDDEN } else { *v }).collect();
            let (values, hidden) = (self.tensor(values, sequence.shape)?, self.tensor(hidden, sequence.shape)?);
            let made = self.made(&values, &hidden, false)?.flatten_all()?.to_vec1::<f32>()?;
            for (i, made) in made.into_iter().enumerate().filter(|(i, _)| asked[*i] > 0.0) {
                sum += f64::from(sequence.scale.restored_difference(made - sequence.values[i]).abs());
                count += 1;
            }
        }
        Ok(sum / count.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_cells_hold_one_and_take_what_was_made() {
        let t = |values: [f32; 3]| Tensor::new(&values, &Device::Cpu).unwrap();
        let (values, hidden) = (t([0.25, -0.5, 0.75]), t([0.0, 1.0, 0.0]));
        assert_eq!(occluded(&values, &hidden).unwrap().to_vec1::<f32>().unwrap(), [0.25, 1.0, 0.75]);
        let made = t([9.0, 0.125, 9.0]);
        assert_eq!(filled(&values, &made, &hidden).unwrap().to_vec1::<f32>().unwrap(), [0.25, 0.125, 0.75]);
    }
}

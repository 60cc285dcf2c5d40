//! The trained generator as a filler of gaps.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::blend::{filled, filled_field};
use super::config::UnisstConfig;
use super::fit::GENERATOR;
use super::generator::Generator;
use super::seen::SeenSequence;
use crate::base::random::Random;
use crate::grid::{Cell, Field, Mask};
use crate::methods::baselines::{Filled, HeldOutError, Hiding, Sequence, Solution, hidden_cells};
use crate::methods::error::MethodResult;
use crate::nn::Parameters;
use crate::train::{Checkpoint, TrainError};

/// Share of the observed cells hidden to learn the error.
const HIDDEN_SHARE: f64 = 0.1;

/// A trained generator.
#[derive(Clone, Debug)]
pub struct Unisst {
    method: String,
    config: UnisstConfig,
    generator: Generator,
    device: Device,
}

impl Unisst {
    /// The generator of a checkpoint.
    ///
    /// # Errors
    /// [`MethodError::Train`](crate::methods::MethodError::Train) where the file is damaged or of another method.
    pub fn load(path: &Path, device: &Device) -> MethodResult<Unisst> {
        let checkpoint = Checkpoint::load(path, device)?;
        let state = &checkpoint.state;
        let wrong = |problem: String| TrainError::Checkpoint { path: path.to_path_buf(), problem };
        let config: UnisstConfig = serde_json::from_value(state.config["unisst"].clone()).map_err(|e| {
            wrong(format!("it holds the method '{}', whose config is of no UNISST of this program ({e})", state.method))
        })?;
        let mut parameters = Parameters::new(device, DType::F32, state.seed);
        let generator = Generator::new(&mut parameters, &config.generator)?;
        parameters.set(&checkpoint.group_weights(GENERATOR))?;
        Ok(Unisst { method: state.method.clone(), config, generator, device: device.clone() })
    }

    /// What it was trained as.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The field with its gaps filled; observed cells, land and ice stay as they are. Frames without an observation are
    /// filled too, as the network fills any gap.
    ///
    /// # Errors
    /// [`MethodError::Argument`](crate::methods::MethodError::Argument) where fewer than two cells are observed;
    /// [`MethodError::Nn`](crate::methods::MethodError::Nn) from the device.
    pub fn field(&self, field: &Field) -> MethodResult<Field> {
        filled_field(field, &self.solution(field)?)
    }

    /// [`Unisst::field`] with an estimate of its error: some observed cells are hidden in the shape of the gaps, and each gap
    /// gets the error found at its distance to the nearest observed cell.
    ///
    /// # Errors
    /// As [`Unisst::field`].
    pub fn fill(&self, field: &Field) -> MethodResult<Filled> {
        let sequence = Sequence::new(field)?;
        let hidden = hidden_cells(&sequence, HIDDEN_SHARE, Hiding::Clouds, &mut Random::new(0, "unisst"));
        let mut cells = field.mask().cells().to_vec();
        hidden.iter().for_each(|i| cells[*i] = Cell::Cloud);
        let again = self.solution(&field.clone().remasked(Mask::from_cells(cells))?)?;
        let rest = sequence.hiding(&hidden);
        let error = HeldOutError::new(&sequence, &rest, &hidden, true, |i| again.known[i].then_some(again.values[i]));
        let note = if error.is_some() { format!("error from {} hidden cells", hidden.len()) } else { String::new() };
        filled(field, &self.solution(field)?, error.map(|e| e.of_cells(&sequence)), note)
    }

    fn solution(&self, field: &Field) -> MethodResult<Solution> {
        let sequence = Sequence::new(field)?;
        let seen = SeenSequence::new(field, self.config.frame_offsets)?;
        let [t, h, w] = seen.shape;
        let tensor = |values: &[f32]| Tensor::from_slice(values, (1, 1, t, h, w), &Device::Cpu)?.to_device(&self.device);
        let mut input = tensor(&seen.values)?;
        if self.config.generator.mask_channel {
            input = Tensor::cat(&[&input, &tensor(&seen.hidden)?], 1)?;
        }
        let made = self.generator.forward(&input, false)?.flatten_all()?.to_vec1::<f32>()?;
        let value = |(i, made): (usize, f32)| if sequence.observed[i] { sequence.values[i] } else { seen.restored(i, made) };
        Ok(Solution { values: made.into_iter().enumerate().map(value).collect(), known: sequence.sea.clone() })
    }
}

//! The trained generator as a filler of gaps.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::blend::filled_field;
use super::config::UnisstConfig;
use super::fit::GENERATOR;
use super::generator::Generator;
use super::seen::SeenSequence;
use crate::grid::Field;
use crate::methods::baselines::{Sequence, Solution};
use crate::methods::error::MethodResult;
use crate::nn::Parameters;
use crate::train::{Checkpoint, TrainError};

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
        let solution = Solution { values: made.into_iter().enumerate().map(value).collect(), known: sequence.sea.clone() };
        filled_field(field, &solution)
    }
}

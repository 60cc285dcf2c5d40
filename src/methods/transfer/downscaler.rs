//! The trained method: a day's fine field, said outright or drawn.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::config::{Task, TransferConfig};
use super::denoiser::Denoiser;
use super::encoder::FrozenEncoder;
use super::groundwork::Groundwork;
use super::inputs::{DayInputs, InputMaker, Patch};
use super::window::Window;
use crate::diffusion::{DdpmSchedule, DiffusionResult, NoiseField, PlaneConditions, TiledSampler};
use crate::grid::{Blend, Tiling};
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::Parameters;
use crate::train::{Checkpoint, TrainError};

/// Cells of the patches that the network is given at once.
const BATCH_CELLS: usize = 16 * 1024;

/// The large network with its schedule.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub network: Denoiser,
    pub schedule: DdpmSchedule,
}

impl Model {
    pub fn new(parameters: &mut Parameters, config: &TransferConfig) -> MethodResult<Model> {
        Ok(Model { network: Denoiser::new(parameters, &config.denoiser)?, schedule: config.diffusion.schedule()? })
    }

    /// What the network says of states `[b, 1, h, w]` at these times, one for each or one for all.
    pub fn answer(&self, state: &Tensor, features: &Tensor, drivers: &Tensor, times: &[usize]) -> candle_core::Result<Tensor> {
        let count = state.dim(0)?;
        let time = |i: usize| times[if times.len() == 1 { 0 } else { i }] as f32;
        let steps = Tensor::from_vec((0..count).map(time).collect::<Vec<f32>>(), count, &Device::Cpu)?;
        self.network.forward(state, features, drivers, &steps.to_device(state.device())?)
    }

    /// The field that the network says outright: from no state at all, as if all of it were noise.
    pub fn outright(&self, features: &Tensor, drivers: &Tensor) -> candle_core::Result<Tensor> {
        let (b, _, h, w) = drivers.dims4()?;
        let state = Tensor::zeros((b, 1, h, w), drivers.dtype(), drivers.device())?;
        self.answer(&state, features, drivers, &[self.schedule.steps() - 1])
    }
}

/// How fields are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawOptions {
    /// Number of members.
    pub members: usize,
    /// Seed of their noise. A member depends on the seed, its number and the day, not on how many there are.
    pub seed: u64,
    /// Members 2i and 2i + 1 walk from one noise and its negative, so that their mean lies nearer to the expected field than
    /// that of independent ones. Even members are independent of each other.
    pub antithetic: bool,
}

impl Default for DrawOptions {
    fn default() -> DrawOptions {
        DrawOptions { members: 8, seed: 1, antithetic: true }
    }
}

/// A trained network with all that its inputs are made from.
#[derive(Clone, Debug)]
pub struct Downscaler {
    method: String,
    config: TransferConfig,
    model: Model,
    encoder: Option<FrozenEncoder>,
    device: Device,
}

impl Downscaler {
    /// The network of a checkpoint, with its averaged weights, and the encoder that it was trained with.
    ///
    /// # Errors
    /// [`MethodError::Train`] where the file is damaged or of another network; [`MethodError::Argument`] where the encoder is
    /// not the one that it was trained with.
    pub fn load(path: &Path, encoder: Option<FrozenEncoder>, device: &Device) -> MethodResult<Downscaler> {
        let checkpoint = Checkpoint::load(path, device)?;
        let state = &checkpoint.state;
        let config: TransferConfig = serde_json::from_value(state.config["transfer"].clone()).map_err(|e| {
            let problem = format!("it holds the method '{}', which is no downscaling of this program ({e})", state.method);
            TrainError::Checkpoint { path: path.to_path_buf(), problem }
        })?;
        config.check()?;
        let own = encoder.as_ref().map(FrozenEncoder::fingerprint).transpose()?;
        if state.config["encoder"].as_str() != own.as_deref() {
            return Err(MethodError::Argument(format!(
                "{}: its encoder is {}, but {} was given; give the one that it was trained with",
                state.method,
                state.config["encoder"],
                own.unwrap_or_else(|| "none".to_string())
            )));
        }
        let mut parameters = Parameters::new(device, DType::F32, state.seed);
        let model = Model::new(&mut parameters, &config)?;
        parameters.set(checkpoint.weights())?;
        Ok(Downscaler { method: state.method.clone(), config, model, encoder, device: device.clone() })
    }

    /// Its id in tables, as the checkpoint has it.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Its settings.
    pub fn config(&self) -> &TransferConfig {
        &self.config
    }

    /// The inputs of a window whose history is in the archive.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where a day of the history is missing; as the encoder.
    pub fn inputs_of(&self, groundwork: &Groundwork<'_>, window: &Window) -> MethodResult<DayInputs> {
        InputMaker::new(&self.config, groundwork, self.encoder.as_ref())?.of_window(window)
    }

    /// The inputs of a day after any history (log10, the oldest first).
    ///
    /// # Errors
    /// As [`Downscaler::inputs_of`].
    pub fn inputs_after(&self, groundwork: &Groundwork<'_>, day: usize, history: &[&[f32]]) -> MethodResult<DayInputs> {
        InputMaker::new(&self.config, groundwork, self.encoder.as_ref())?.of(day, history)
    }

    /// Fields of log10 of a day: of a diffusion `options.members` draws, of a regression the one that it says. `day` enters the
    /// noise, so that days differ.
    ///
    /// # Errors
    /// [`MethodError::Argument`] for no member; [`MethodError::Grid`] where the patches do not cover the map;
    /// [`MethodError::Diffusion`] and [`MethodError::Nn`] from the walk and the device.
    pub fn predict(&self, inputs: &DayInputs, day: usize, options: &DrawOptions) -> MethodResult<Vec<Vec<f32>>> {
        (0..if self.config.task == Task::Regression { 1 } else { options.members })
            .map(|member| self.member(inputs, day, member, options))
            .collect::<MethodResult<Vec<_>>>()
            .and_then(|fields| {
                if fields.is_empty() {
                    return Err(MethodError::Argument(format!("{}: no member was asked for; at least 1 is wanted", self.method)));
                }
                Ok(fields)
            })
    }

    /// One member, as [`Downscaler::predict`] would give it.
    ///
    /// # Errors
    /// As [`Downscaler::predict`].
    pub fn member(&self, inputs: &DayInputs, day: usize, member: usize, options: &DrawOptions) -> MethodResult<Vec<f32>> {
        let [rows, columns] = inputs.shape();
        let tiling = self.config.stitching.tiling(rows, columns)?;
        let patches = Patches::of(inputs, &tiling, &self.device)?;
        let state = match self.config.task {
            Task::Regression => self.outright(&patches, &tiling)?,
            Task::Diffusion => {
                let (number, sign) = match options.antithetic {
                    true => (member / 2, if member.is_multiple_of(2) { 1.0 } else { -1.0 }),
                    false => (member, 1.0),
                };
                // Days are told apart within the member's number: noise is a function of seed and member.
                let noise = NoiseField::new(options.seed, number as u64 * 1_000_000 + day as u64);
                self.draw(&patches, &tiling, &noise, sign)?
            }
        };
        Ok(inputs.field(&state))
    }

    fn outright(&self, patches: &Patches, tiling: &Tiling) -> MethodResult<Vec<f32>> {
        let mut blend: Blend<'_, f32> = Blend::new(tiling);
        for numbers in patches.batches() {
            let (features, drivers) = patches.of_numbers(&numbers)?;
            let found = self.model.outright(&features, &drivers)?.detach().flatten_all()?.to_vec1::<f32>()?;
            for (number, tile) in numbers.iter().zip(found.chunks(tiling.tile_size().pow(2))) {
                blend.add(*number, tile.to_vec())?;
            }
        }
        Ok(blend.finish()?)
    }

    /// One draw from a noise, or from its negative: a walk is linear in all but the network, so that it is walked with the
    /// network turned about, and what comes out turned back.
    fn draw(&self, patches: &Patches, tiling: &Tiling, noise: &NoiseField, sign: f64) -> MethodResult<Vec<f32>> {
        let walk = self.config.diffusion.walk()?;
        let sampler = TiledSampler { walk: &walk, tiling, channels: 1, batch: patches.batch, device: &self.device };
        let parametrisation = self.config.diffusion.parametrisation;
        let clean = |numbers: &[usize], state: &Tensor, time: usize| -> DiffusionResult<Tensor> {
            let (features, drivers) = patches.of_numbers(numbers)?;
            let state = (state * sign)?;
            let answer = self.model.answer(&state, &features, &drivers, &[time])?.detach();
            Ok((parametrisation.to_clean(&self.model.schedule, &answer, &state, &[time])? * sign)?)
        };
        let conditions = PlaneConditions::<f32>::default();
        let planes = if self.config.stitching.fused {
            sampler.sample_fused(conditions, noise, clean)?
        } else {
            sampler.sample_independently(conditions, noise, clean)?
        };
        Ok(planes.into_iter().flatten().map(|v| v * sign as f32).collect())
    }
}

/// The inputs of all patches of a day, which every step and every member uses again.
struct Patches {
    features: Tensor,
    drivers: Tensor,
    count: usize,
    batch: usize,
}

impl Patches {
    fn of(inputs: &DayInputs, tiling: &Tiling, device: &Device) -> MethodResult<Patches> {
        let (side, count) = (tiling.tile_size(), tiling.len());
        let mut all = Patch::default();
        tiling.tiles().iter().for_each(|tile| inputs.cut([tile.row, tile.column], side, &mut all));
        let tensor = |values: Vec<f32>| {
            let channels = values.len() / (count * side * side);
            Tensor::from_vec(values, (count, channels, side, side), &Device::Cpu)?.to_device(device)
        };
        let batch = (BATCH_CELLS / (side * side)).max(1);
        Ok(Patches { features: tensor(all.features)?, drivers: tensor(all.drivers)?, count, batch })
    }

    fn batches(&self) -> Vec<Vec<usize>> {
        (0..self.count).collect::<Vec<_>>().chunks(self.batch).map(<[usize]>::to_vec).collect()
    }

    /// Features and drivers of consecutive patches.
    fn of_numbers(&self, numbers: &[usize]) -> candle_core::Result<(Tensor, Tensor)> {
        let first = numbers.first().copied().unwrap_or(0);
        Ok((self.features.narrow(0, first, numbers.len())?, self.drivers.narrow(0, first, numbers.len())?))
    }
}

//! The trained method: a day's fine field, said outright or drawn.

use std::ops::Range;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::autoencoder::LATENT_CELLS;
use super::config::{Stitching, TransferConfig};
use super::encoder::FrozenEncoder;
use super::groundwork::Groundwork;
use super::inflation::Inflation;
use super::inputs::{DayInputs, InputMaker, Patch};
use super::model::Model;
use super::task::Task;
use super::window::Window;
use crate::diffusion::{DiffusionResult, NoiseField, PlaneConditions, TiledSampler};
use crate::grid::{Blend, Tiling};
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::Parameters;
use crate::train::{Checkpoint, TrainError};

/// Cells of the patches that the network is given at once.
const BATCH_CELLS: usize = 16 * 1024;

/// How fields are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawOptions {
    /// Number of members.
    pub members: usize,
    /// Seed of their noise. A member depends on the seed, its number and the day, not on how many there are.
    pub seed: u64,
    /// Members 2i and 2i + 1 walk from one noise and its negative, so that their mean lies nearer to the expected field than
    /// that of independent ones. Even members are independent of each other.
    pub antithetic: bool,
    /// Of a model with a trunk, with `antithetic`: the two members of a pair are moved together so that their mean is what the
    /// trunk says, which knows the mean better than draws do. Each then takes two walks where it is drawn by itself.
    pub centred: bool,
    /// Of a model with a trunk: by how much members are moved away from it.
    pub inflation: Inflation,
}

impl Default for DrawOptions {
    fn default() -> DrawOptions {
        DrawOptions { members: 8, seed: 1, antithetic: true, centred: false, inflation: Inflation::default() }
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
        let patches = self.patches(inputs)?;
        let members = if self.config.task == Task::Regression { 1 } else { options.members };
        if members == 0 {
            return Err(MethodError::Argument(format!("{}: no member was asked for; at least 1 is wanted", self.method)));
        }
        // Both of a pair at once: where they are centred each needs the other.
        let pairs =
            (0..members).step_by(2).map(|first| self.drawn(inputs, &patches, day, first..(first + 2).min(members), options));
        Ok(pairs.collect::<MethodResult<Vec<_>>>()?.concat())
    }

    /// One member, as [`Downscaler::predict`] would give it.
    ///
    /// # Errors
    /// As [`Downscaler::predict`].
    pub fn member(&self, inputs: &DayInputs, day: usize, member: usize, options: &DrawOptions) -> MethodResult<Vec<f32>> {
        Ok(self.drawn(inputs, &self.patches(inputs)?, day, member..member + 1, options)?.swap_remove(0))
    }

    /// What the trunk says outright, around which the members lie; of a regression the field itself.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where the task has no network that says a field outright; as [`Downscaler::predict`].
    pub fn centre(&self, inputs: &DayInputs) -> MethodResult<Vec<f32>> {
        let patches = self.patches(inputs)?;
        let state = match (self.config.task, &patches.centre) {
            (Task::Regression, _) => self.outright(&patches)?,
            (_, Some(centre)) => centre.clone(),
            _ => {
                let problem = format!("{}: nothing in it says a field outright; train one with a trunk", self.method);
                return Err(MethodError::Argument(problem));
            }
        };
        Ok(inputs.field(&state))
    }

    /// The same network with its maps put together in another way.
    ///
    /// # Errors
    /// [`MethodError::Argument`] for patches that the network cannot take.
    pub fn stitched(&self, stitching: Stitching) -> MethodResult<Downscaler> {
        let config = TransferConfig { stitching, ..self.config.clone() };
        config.check()?;
        Ok(Downscaler { config, ..self.clone() })
    }

    /// The patches of a day, with what is the same for all members.
    fn patches(&self, inputs: &DayInputs) -> MethodResult<Patches> {
        let [rows, columns] = inputs.shape();
        let tiling = self.config.stitching.tiling(rows, columns)?;
        let mut patches = Patches::of(inputs, tiling, &self.device)?;
        patches.see(&self.model)?;
        if self.model.has_trunk() {
            let centre = self.outright(&patches)?;
            patches.add_driver(&centre)?;
            patches.centre = Some(centre);
        }
        Ok(patches)
    }

    /// Members of one pair.
    fn drawn(
        &self,
        inputs: &DayInputs,
        patches: &Patches,
        day: usize,
        members: Range<usize>,
        options: &DrawOptions,
    ) -> MethodResult<Vec<Vec<f32>>> {
        if !options.inflation.is_valid() {
            let problem = format!("{}: {:?} was asked for; factors above 0 are wanted", self.method, options.inflation);
            return Err(MethodError::Argument(problem));
        }
        let Some(centre) = &patches.centre else {
            return members.map(|member| Ok(inputs.field(&self.state(patches, day, member, options)?))).collect();
        };
        let around = |departure: Vec<f32>| -> Vec<f32> {
            let moved = options.inflation.of(&departure, inputs.shape(), inputs.factor());
            inputs.field(&moved.iter().zip(centre).map(|(d, centre)| centre + d).collect::<Vec<f32>>())
        };
        if !(options.centred && options.antithetic) {
            return members.map(|member| Ok(around(self.state(patches, day, member, options)?))).collect();
        }
        let first = members.start - members.start % 2;
        let (up, down) = (self.state(patches, day, first, options)?, self.state(patches, day, first + 1, options)?);
        let half: Vec<f32> = up.iter().zip(&down).map(|(up, down)| (up - down) / 2.0).collect();
        let of = |member: usize| if member == first { half.clone() } else { half.iter().map(|v| -v).collect() };
        Ok(members.map(|member| around(of(member))).collect())
    }

    /// The state of one walk; where there is a trunk, from what it says.
    fn state(&self, patches: &Patches, day: usize, member: usize, options: &DrawOptions) -> MethodResult<Vec<f32>> {
        let (number, sign) = match options.antithetic {
            true => (member / 2, if member.is_multiple_of(2) { 1.0 } else { -1.0 }),
            false => (member, 1.0),
        };
        // Days are told apart within the member's number: noise is a function of seed and member.
        let noise = NoiseField::new(options.seed, number as u64 * 1_000_000 + day as u64);
        match self.config.task {
            Task::Regression => self.outright(patches),
            Task::Diffusion | Task::TrunkAndDiffusion => self.draw(patches, &noise, sign),
            Task::Autoencoder => self.decoded(patches, &noise, sign),
        }
    }

    fn outright(&self, patches: &Patches) -> MethodResult<Vec<f32>> {
        patches.blended(|numbers| {
            let (features, drivers) = patches.of_numbers(numbers)?;
            self.model.outright(&features, &drivers)
        })
    }

    /// The field of hidden numbers that are drawn once for the whole map, so that patches agree where they meet.
    fn decoded(&self, patches: &Patches, noise: &NoiseField, sign: f64) -> MethodResult<Vec<f32>> {
        let (channels, side) = (self.config.latent.channels, patches.tiling.tile_size() / LATENT_CELLS);
        patches.blended(|numbers| {
            let (features, drivers) = patches.of_numbers(numbers)?;
            let mut hidden = Vec::with_capacity(numbers.len() * channels * side * side);
            for tile in numbers.iter().map(|number| patches.tiling.tiles()[*number]) {
                let corner = [tile.row / LATENT_CELLS, tile.column / LATENT_CELLS];
                for channel in 0..channels {
                    hidden.extend(noise.window(0, channel, corner, [side, side]).iter().map(|v| (v * sign) as f32));
                }
            }
            let hidden = Tensor::from_vec(hidden, (numbers.len(), channels, side, side), &Device::Cpu)?;
            self.model.decoded(&hidden.to_device(&self.device)?, &features, &drivers)
        })
    }

    /// One draw from a noise, or from its negative: a walk is linear in all but the network, so that it is walked with the
    /// network turned about, and what comes out turned back.
    fn draw(&self, patches: &Patches, noise: &NoiseField, sign: f64) -> MethodResult<Vec<f32>> {
        let walk = self.config.diffusion.walk()?;
        let sampler =
            TiledSampler { walk: &walk, tiling: &patches.tiling, channels: 1, batch: patches.batch, device: &self.device };
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
    tiling: Tiling,
    features: Tensor,
    drivers: Tensor,
    count: usize,
    batch: usize,
    /// What the trunk says of the whole map, as a state.
    centre: Option<Vec<f32>>,
}

impl Patches {
    fn of(inputs: &DayInputs, tiling: Tiling, device: &Device) -> MethodResult<Patches> {
        let (side, count) = (tiling.tile_size(), tiling.len());
        let mut all = Patch::default();
        tiling.tiles().iter().for_each(|tile| inputs.cut([tile.row, tile.column], side, &mut all));
        let tensor = |values: Vec<f32>| {
            let channels = values.len() / (count * side * side);
            Tensor::from_vec(values, (count, channels, side, side), &Device::Cpu)?.to_device(device)
        };
        let batch = (BATCH_CELLS / (side * side)).max(1);
        let (features, drivers) = (tensor(all.features)?, tensor(all.drivers)?);
        Ok(Patches { tiling, features, drivers, count, batch, centre: None })
    }

    /// Turns what the inputs have into what the network sees.
    fn see(&mut self, model: &Model) -> candle_core::Result<()> {
        let seen: Vec<Tensor> = self
            .batches()
            .iter()
            .map(|numbers| Ok(model.seen(&self.of_numbers(numbers)?.0)?.detach()))
            .collect::<candle_core::Result<_>>()?;
        self.features = Tensor::cat(&seen, 0)?;
        Ok(())
    }

    /// Adds a plane of the whole map to the drivers.
    fn add_driver(&mut self, plane: &[f32]) -> MethodResult<()> {
        let side = self.tiling.tile_size();
        let cut = (0..self.count).map(|number| self.tiling.cut(plane, number)).collect::<Result<Vec<_>, _>>()?.concat();
        let cut = Tensor::from_vec(cut, (self.count, 1, side, side), &Device::Cpu)?.to_device(self.drivers.device())?;
        self.drivers = Tensor::cat(&[&self.drivers, &cut], 1)?;
        Ok(())
    }

    /// One map out of what is found on the patches.
    fn blended(&self, of: impl Fn(&[usize]) -> candle_core::Result<Tensor>) -> MethodResult<Vec<f32>> {
        let mut blend: Blend<'_, f32> = Blend::new(&self.tiling);
        for numbers in self.batches() {
            let found = of(&numbers)?.detach().flatten_all()?.to_vec1::<f32>()?;
            for (number, tile) in numbers.iter().zip(found.chunks(self.tiling.tile_size().pow(2))) {
                blend.add(*number, tile.to_vec())?;
            }
        }
        Ok(blend.finish()?)
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

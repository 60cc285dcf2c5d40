//! The trained method on fields of any size.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::config::{StateUnits, UadmConfig, UncertaintySource};
use super::denoiser::{Condition, Denoiser};
use super::ensemble::{Closure, Ensemble, EnsembleOptions, FrameEnsemble, mean_and_spread};
use super::fit::GENERATOR;
use super::frame::{Frame, SeenTiles};
use super::noise::Colour;
use crate::diffusion::{NoiseField, ReverseStep, ReverseWalk};
use crate::grid::{Field, Interpolation, Mask, coarsen_plane, upsample, upsample_plane};
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::Parameters;
use crate::train::{Checkpoint, TrainError};

/// Coarse cells sent through the network at once, all members together.
const BATCH_CELLS: usize = 16 * 256;

/// The number of the member that walks without noise.
const STILL: u64 = u64::MAX;

/// A trained method.
#[derive(Clone, Debug)]
pub struct Uadm {
    method: String,
    config: UadmConfig,
    denoiser: Denoiser,
    colour: Colour,
    device: Device,
}

impl Uadm {
    /// The method of a checkpoint, with its averaged weights.
    ///
    /// # Errors
    /// [`MethodError::Train`] where the file is damaged or of another method.
    pub fn load(path: &Path, device: &Device) -> MethodResult<Uadm> {
        let checkpoint = Checkpoint::load(path, device)?;
        let wrong = |problem: String| TrainError::Checkpoint { path: path.to_path_buf(), problem };
        let Some(network) = checkpoint.state.config.get("uadm") else {
            let found = &checkpoint.state.method;
            return Err(wrong(format!("it holds the method '{found}', which is no residual-shifting diffusion")).into());
        };
        let config: UadmConfig = serde_json::from_value(network.clone())
            .map_err(|e| wrong(format!("its config does not fit this program ({e}); train again")))?;
        config.check()?;
        let mut parameters = Parameters::new(device, DType::F32, checkpoint.state.seed);
        let denoiser = Denoiser::new(&mut parameters, &config)?;
        parameters.set(&checkpoint.group_weights(GENERATOR))?;
        let colour = Colour::of(denoiser.kernel.as_ref())?;
        Ok(Uadm { method: checkpoint.state.method, config, denoiser, colour, device: device.clone() })
    }

    /// What it was trained as (`resshift`, `uadm`).
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Its settings.
    pub fn config(&self) -> &UadmConfig {
        &self.config
    }

    /// An ensemble on a grid `factor` times finer. Land is filled before and masked after.
    ///
    /// # Errors
    /// As [`Uadm::apply_frames`].
    pub fn apply(&self, low: &Field, options: &EnsembleOptions) -> MethodResult<Ensemble> {
        let (mut means, mut spreads) = (Vec::new(), Vec::new());
        let mut members: Vec<Vec<f32>> = vec![Vec::new(); options.members];
        let (mut cells, mut spread_cells) = (Vec::new(), Vec::new());
        let mut closure = Closure::default();
        self.apply_frames(low, options, |_, frame| {
            means.extend_from_slice(frame.mean.values());
            spreads.extend_from_slice(frame.spread.values());
            members.iter_mut().zip(&frame.members).for_each(|(all, one)| all.extend_from_slice(one.values()));
            cells.extend_from_slice(frame.mean.mask().cells());
            spread_cells.extend_from_slice(frame.spread.mask().cells());
            closure = closure.and(frame.closure);
            Ok(())
        })?;
        let factor = self.config.tile.factor;
        let (latitude, longitude) = (low.latitude().refine(factor)?, low.longitude().refine(factor)?);
        let mask = Mask::from_cells(cells);
        let field = |values: Vec<f32>, mask: Mask| low.on_grid(values, mask, latitude.clone(), longitude.clone());
        Ok(Ensemble {
            mean: field(means, mask.clone())?,
            spread: field(spreads, Mask::from_cells(spread_cells))?,
            members: members.into_iter().map(|values| field(values, mask.clone())).collect::<Result<_, _>>()?,
            closure,
        })
    }

    /// [`Uadm::apply`] frame by frame: each ensemble goes to `each` with its number, and is then forgotten.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where no member is asked for, or tiles of less than 8 cells, or a stochasticity beyond 1;
    /// [`MethodError::Nn`] from the device; [`MethodError::Grid`] where the axes cannot be refined; what `each` gives.
    pub fn apply_frames(
        &self,
        low: &Field,
        options: &EnsembleOptions,
        mut each: impl FnMut(usize, FrameEnsemble) -> MethodResult<()>,
    ) -> MethodResult<()> {
        if options.members == 0 || options.members_at_once == 0 {
            return Err(MethodError::Argument("an ensemble of no members was asked for; at least 1 is wanted".to_string()));
        }
        if !(options.inflation.is_finite() && options.inflation > 0.0) {
            return Err(MethodError::Argument(format!("an inflation of {} was asked for; above 0 is wanted", options.inflation)));
        }
        let stochasticity = options.stochasticity.unwrap_or(self.config.diffusion.stochasticity);
        let walk = self.config.walk(&self.denoiser.schedule, stochasticity)?;
        let [_, rows, columns] = low.shape();
        for time in 0..low.frames() {
            // Axes and mask of the output.
            let like =
                upsample(&low.slice(time..time + 1, 0..rows, 0..columns)?, self.config.tile.factor, Interpolation::Nearest)?;
            let (mut members, centre) = match Frame::new(low, time, &self.config, options.tiles)? {
                Some(frame) => self.members(low, &frame, &walk, options)?,
                None => (vec![like.values().to_vec(); options.members], None),
            };
            let (mean, mut spread) = mean_and_spread(&members, options.antithetic);
            if let Some(centre) = centre {
                let inflation = options.inflation as f32;
                for member in &mut members {
                    member.iter_mut().zip(&centre).for_each(|(value, centre)| *value = centre + inflation * (*value - centre));
                }
                spread.iter_mut().for_each(|value| *value *= inflation);
            }
            let coarse = low.frame(time);
            let valid: Vec<bool> = low.frame_mask(time).iter().map(|cell| cell.is_valid()).collect();
            let differences = members.iter().flat_map(|member| {
                let means = coarsen_plane(
                    member,
                    rows * self.config.tile.factor,
                    columns * self.config.tile.factor,
                    self.config.tile.factor,
                );
                let valid = &valid;
                (0..means.len()).filter(move |i| valid[*i]).map(move |i| f64::from(means[i] - coarse[i]))
            });
            let closure = Closure::of(differences);
            let field = |values: Vec<f32>| like.with_values(values, like.mask().clone());
            let frame = Ensemble {
                mean: field(mean)?,
                spread: field(spread)?,
                members: members.into_iter().map(field).collect::<Result<_, _>>()?,
                closure,
            };
            each(time, frame)?;
        }
        Ok(())
    }

    /// The weight u of the noise of each frame on the fine grid, without unit.
    ///
    /// # Errors
    /// As [`Uadm::apply_frames`].
    pub fn uncertainty(&self, low: &Field) -> MethodResult<Field> {
        let like = upsample(low, self.config.tile.factor, Interpolation::Nearest)?;
        let mut values = Vec::with_capacity(like.values().len());
        for time in 0..low.frames() {
            match Frame::new(low, time, &self.config, None)? {
                Some(frame) => values.extend(self.weights(low, &frame)?),
                None => values.resize(values.len() + like.frame_len(), 0.0),
            }
        }
        let (mask, time) = (like.mask().clone(), like.time().clone());
        let (latitude, longitude) = (like.latitude().clone(), like.longitude().clone());
        Ok(Field::new("noise_weight", values, mask, time, latitude, longitude, crate::grid::Unit::One)?)
    }

    fn weights(&self, low: &Field, frame: &Frame) -> MethodResult<Vec<f32>> {
        let raw = match self.config.uncertainty.source {
            UncertaintySource::None => return Ok(vec![1.0; frame.base.len()]),
            UncertaintySource::Strain => frame.strain(low, &self.config)?.unwrap_or_default(),
            UncertaintySource::Residual => {
                let blender = frame.seen.blender(frame.factor);
                let mut plane = blender.plane();
                for numbers in self.chunks(frame, 1) {
                    let seen = frame.see(&numbers);
                    let condition = self.condition(frame, &seen, numbers.len())?;
                    if let Some(expected) = condition.expected() {
                        let values = expected.detach().flatten_all()?.to_vec1::<f32>()?;
                        spread_tiles(&blender, &mut plane, &numbers, &values, &seen.unit);
                    }
                }
                plane.into_iter().map(|value| f64::from(value.abs())).collect()
            }
        };
        Ok(frame.weights(&self.config, &raw))
    }

    /// The factor by which members must be moved away from their centre so that the ensemble's spread is the error of its mean,
    /// over all cells of `truth`: the [`EnsembleOptions::inflation`] for fields like these.
    ///
    /// A network that learned from fields of many kinds does not know how rough the ones at hand are, and draws members of a
    /// middling roughness. Take it from days that are not scored.
    ///
    /// # Formula
    /// ```text
    /// α = √( Σ (mean − truth)² / Σ spread² )
    /// ```
    ///
    /// # Errors
    /// As [`Uadm::apply_frames`]; [`MethodError::Argument`] where truth and output differ in shape, no cell is valid in both or
    /// the members do not differ.
    ///
    /// # Reference
    /// Gneiting et al. (2005), Calibrated probabilistic forecasting using ensemble model output statistics.
    /// doi:10.1175/MWR2904.1
    pub fn inflation(&self, low: &Field, truth: &Field, options: &EnsembleOptions) -> MethodResult<f64> {
        let options = EnsembleOptions { antithetic: true, inflation: 1.0, members: options.members.max(2), ..options.clone() };
        let frame_len = truth.frame_len();
        let (mut errors, mut spreads) = (0.0, 0.0);
        self.apply_frames(low, &options, |time, frame| {
            if frame.mean.values().len() != frame_len || time >= truth.frames() {
                return Err(MethodError::Argument(format!(
                    "a truth of shape {:?} for refined frames of {} cells; the same grid is wanted",
                    truth.shape(),
                    frame.mean.values().len()
                )));
            }
            for (i, cell) in truth.frame_mask(time).iter().enumerate() {
                if cell.is_valid() && frame.spread.mask().is_valid(i) {
                    errors += f64::from(frame.mean.values()[i] - truth.frame(time)[i]).powi(2);
                    spreads += f64::from(frame.spread.values()[i]).powi(2);
                }
            }
            Ok(())
        })?;
        let factor = (errors / spreads).sqrt();
        if factor.is_finite() && factor > 0.0 {
            return Ok(factor);
        }
        Err(MethodError::Argument("no inflation can be found where no cell is valid or members do not differ".to_string()))
    }

    /// The finished members of a frame as they fell, and the walk without noise where they are to be inflated.
    fn members(
        &self,
        low: &Field,
        frame: &Frame,
        walk: &ReverseWalk,
        options: &EnsembleOptions,
    ) -> MethodResult<(Vec<Vec<f32>>, Option<Vec<f32>>)> {
        let weights = self.weights(low, frame)?;
        let numbers: Vec<u64> = (0..options.members as u64).collect();
        let mut members = Vec::with_capacity(options.members);
        for group in numbers.chunks(options.members_at_once) {
            for state in self.walk(frame, &weights, walk, group, options)? {
                members.push(self.finished(frame, state, options));
            }
        }
        let mut centre = None;
        if options.inflation != 1.0 {
            let still = self.walk(frame, &weights, walk, &[STILL], options)?;
            centre = still.into_iter().next().map(|state| self.finished(frame, state, options));
        }
        Ok((members, centre))
    }

    /// Walks some members over the whole frame together: at every step the clean states of overlapping tiles are blended, and
    /// one noise of the frame moves all of it.
    fn walk(
        &self,
        frame: &Frame,
        weights: &[f32],
        walk: &ReverseWalk,
        group: &[u64],
        options: &EnsembleOptions,
    ) -> MethodResult<Vec<Vec<f32>>> {
        let shape = frame.fine_shape();
        let noise = |member: u64, draw: usize| {
            if member == STILL {
                return vec![0.0; shape[0] * shape[1]];
            }
            let (number, sign) =
                if options.antithetic { (member / 2, if member.is_multiple_of(2) { 1.0 } else { -1.0 }) } else { (member, 1.0) };
            let margin = 2 * self.colour.margin();
            let drawn = [shape[0] + margin, shape[1] + if frame.wraps() { 0 } else { margin }];
            let white = NoiseField::new(options.seed, number).window(draw, 0, [0, 0], drawn);
            let mut values = self.colour.paint(&white, shape, frame.wraps());
            values.iter_mut().for_each(|z| *z *= sign);
            values
        };
        let residual = matches!(self.config.diffusion.units, StateUnits::Residual { .. });
        let advance = |state: &mut [f32], [clean, before]: [Option<&[f32]>; 2], step: &ReverseStep, fresh: &[f64]| {
            for (i, value) in state.iter_mut().enumerate() {
                let mut next = step.state * f64::from(*value);
                next += clean.map_or(0.0, |clean| step.clean * f64::from(clean[i]));
                next += before.map_or(0.0, |before| step.before * f64::from(before[i]));
                if !residual {
                    next += step.low * f64::from(frame.base[i] - frame.offset(i));
                }
                if step.noise != 0.0 {
                    next += step.noise * f64::from(weights[i] * frame.unit[i]) * fresh[i];
                }
                *value = next as f32;
            }
        };
        let start = ReverseStep { time: 0, state: 0.0, clean: 0.0, before: 0.0, low: walk.start_low, noise: walk.start_noise };
        let mut states: Vec<Vec<f32>> = vec![vec![0.0; frame.base.len()]; group.len()];
        for (state, member) in states.iter_mut().zip(group) {
            advance(state, [None; 2], &start, &noise(*member, 0));
        }
        let mut before: Vec<Vec<f32>> = Vec::new();
        for (i, step) in walk.steps.iter().enumerate() {
            let clean = self.clean(frame, weights, &states, step.time)?;
            for (k, (state, member)) in states.iter_mut().zip(group).enumerate() {
                let fresh = if step.noise == 0.0 { Vec::new() } else { noise(*member, i + 1) };
                advance(state, [Some(&clean[k]), before.get(k).map(Vec::as_slice)], step, &fresh);
            }
            before = clean;
        }
        Ok(states)
    }

    /// The clean states, blended from the tiles'.
    fn clean(&self, frame: &Frame, weights: &[f32], states: &[Vec<f32>], time: usize) -> MethodResult<Vec<Vec<f32>>> {
        let blender = frame.seen.blender(frame.factor);
        let mut clean: Vec<Vec<f32>> = states.iter().map(|_| blender.plane()).collect();
        let [height, width] = frame.seen.shape().map(|cells| cells * frame.factor);
        for numbers in self.chunks(frame, states.len()) {
            let seen = frame.see(&numbers);
            let condition = self.condition(frame, &seen, numbers.len())?.repeated(states.len())?;
            let cut = |plane: &[f32]| -> Vec<f32> {
                numbers.iter().flat_map(|tile| frame.seen.cut(plane, *tile, frame.factor)).collect()
            };
            let tensor = |values: Vec<f32>, count: usize| {
                Tensor::from_vec(values, (count * numbers.len(), 1, height, width), &Device::Cpu)?.to_device(&self.device)
            };
            let values = states
                .iter()
                .flat_map(|state| cut(state).into_iter().zip(&seen.unit).map(|(v, unit)| v / unit).collect::<Vec<_>>());
            let state = tensor(values.collect(), states.len())?;
            // Each tile's own unit differs a little from the blended one, and with it what the noise weighs in that unit.
            let blended = cut(&frame.unit);
            let own = cut(weights).into_iter().zip(blended.iter().zip(&seen.unit)).map(|(u, (blended, own))| u * blended / own);
            let weight = tensor(own.collect(), 1)?;
            let weight = Tensor::cat(&vec![&weight; states.len()], 0)?;
            let told = self.denoiser.clean(&condition, &state, &weight, &[time])?.clean;
            let told = told.detach().flatten_all()?.to_vec1::<f32>()?;
            for (plane, values) in clean.iter_mut().zip(told.chunks(numbers.len() * height * width)) {
                spread_tiles(&blender, plane, &numbers, values, &seen.unit);
            }
        }
        Ok(clean)
    }

    /// The tiles of a frame in batches, for that many states each.
    fn chunks(&self, frame: &Frame, states: usize) -> Vec<Vec<usize>> {
        let [height, width] = frame.seen.shape();
        let size = (BATCH_CELLS / (height * width * states).max(1)).max(1);
        (0..frame.seen.len()).collect::<Vec<_>>().chunks(size).map(<[usize]>::to_vec).collect()
    }

    fn condition(&self, frame: &Frame, seen: &SeenTiles, count: usize) -> MethodResult<Condition> {
        let [height, width] = frame.seen.shape();
        let fine = (count, 1, height * frame.factor, width * frame.factor);
        let tensor = |values: &[f32], shape: (usize, usize, usize, usize)| {
            Tensor::from_vec(values.to_vec(), shape, &Device::Cpu)?.to_device(&self.device)
        };
        let low = tensor(&seen.low, (count, 2, height, width))?;
        let shifted = if seen.shifted.is_empty() { None } else { Some(tensor(&seen.shifted, fine)?) };
        Ok(self.denoiser.condition(&low, &tensor(&seen.coarse, fine)?, shifted)?)
    }

    /// The fine field of a finished state.
    fn finished(&self, frame: &Frame, mut state: Vec<f32>, options: &EnsembleOptions) -> Vec<f32> {
        let [rows, columns] = frame.fine_shape();
        let factor = frame.factor;
        let (low_rows, low_columns) = (rows / factor, columns / factor);
        if self.config.diffusion.closed && matches!(self.config.diffusion.units, StateUnits::Residual { .. }) {
            // Tiles are closed each; their blend is so but for their differing units.
            let means = coarsen_plane(&state, rows, columns, factor);
            for (i, value) in state.iter_mut().enumerate() {
                *value -= means[i / columns / factor * low_columns + i % columns / factor];
            }
        }
        let mut fine: Vec<f32> = state.iter().enumerate().map(|(i, value)| value + frame.offset(i)).collect();
        if let StateUnits::Range { coldest, warmest } = self.config.diffusion.units {
            fine.iter_mut().for_each(|value| *value = value.clamp(coldest as f32, warmest as f32));
        }
        for _ in 0..options.back_projections {
            let means = coarsen_plane(&fine, rows, columns, factor);
            let misfit: Vec<f32> = frame.low.iter().zip(&means).map(|(want, got)| want - got).collect();
            let wrap = frame.wraps();
            let correction = upsample_plane(&misfit, low_rows, low_columns, factor, Interpolation::Bicubic, wrap);
            fine.iter_mut().zip(correction).for_each(|(value, add)| *value += add);
        }
        fine
    }
}

/// Adds tiles, in units of their own, to a plane in the field's unit.
fn spread_tiles(blender: &super::frame::Blender<'_>, plane: &mut [f32], numbers: &[usize], values: &[f32], unit: &[f32]) {
    let size = values.len() / numbers.len().max(1);
    for (k, tile) in numbers.iter().enumerate() {
        blender.add(plane, *tile, |i| values[k * size + i] * unit[k * size + i]);
    }
}

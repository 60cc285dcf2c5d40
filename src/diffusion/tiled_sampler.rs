//! Sampling a map larger than the network's tiles, without seams and without loss of variance.
//!
//! Averaging finished samples of overlapping tiles averages independent noise away: where tiles overlap, the map is
//! smoother than any tile. [`TiledSampler::sample_fused`] averages the predicted clean fields instead, at every step, and
//! takes one step of the whole map with one noise for all. A step is linear in the prediction, so this is the sampler of the
//! whole map with a network that sees all tiles.
//!
//! # Reference
//! Bar-Tal et al. (2023), MultiDiffusion: fusing diffusion paths for controlled image generation. arXiv:2302.08113

use candle_core::{Device, Tensor, WithDType};
use rayon::prelude::*;

use super::error::{DiffusionResult, wrong};
use super::noise::NoiseField;
use super::reverse_walk::{Conditions, ReverseStep, ReverseWalk};
use crate::grid::{Blend, Sample, Tiling};

/// Cells of one task; fixed, so that the number of threads changes nothing.
const CHUNK: usize = 16_384;

/// What the walk over a map is conditioned on besides what the network sees.
#[derive(Clone, Copy, Debug)]
pub struct PlaneConditions<'a, T> {
    /// The low-resolution field on the fine grid, a plane for each channel.
    pub low: Option<&'a [Vec<T>]>,
    /// The local weight of the noise, one plane for all channels.
    pub noise_weight: Option<&'a [T]>,
}

impl<T> Default for PlaneConditions<'_, T> {
    fn default() -> Self {
        PlaneConditions { low: None, noise_weight: None }
    }
}

/// A walk over a map of overlapping tiles.
///
/// Maps are planes on the host, one for each channel, in f32 or f64; tiles go to the network as
/// `[tiles, channels, side, side]` on `device`.
#[derive(Clone, Copy, Debug)]
pub struct TiledSampler<'a> {
    /// The sampler's steps.
    pub walk: &'a ReverseWalk,
    /// Where the tiles lie, and the window that blends them.
    pub tiling: &'a Tiling,
    /// Channels of the state.
    pub channels: usize,
    /// Tiles given to the network at once.
    pub batch: usize,
    /// Where the network works.
    pub device: &'a Device,
}

impl TiledSampler<'_> {
    /// Samples the map by one walk of the whole, predicting on tiles.
    ///
    /// `model` gets the numbers of the tiles (to cut what it is conditioned on), their states and the time, and gives their
    /// clean fields.
    ///
    /// # Errors
    /// [`DiffusionError::Argument`](super::DiffusionError::Argument) where a size does not fit; whatever the model, the
    /// device and the tiling give.
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::Device;
    /// use isotherm::diffusion::*;
    /// use isotherm::grid::Tiling;
    /// let schedule = DdpmSchedule::cosine(20, 0.008, 0.999).unwrap();
    /// let walk = ancestral_walk(&schedule, &respaced_times(20, 20, Spacing::Even).unwrap(), ReverseVariance::Large).unwrap();
    /// let tiling = Tiling::new(12, 16, 8, 4).unwrap();
    /// let sampler = TiledSampler { walk: &walk, tiling: &tiling, channels: 1, batch: 4, device: &Device::Cpu };
    /// // Standard normal data: the clean field's mean given the state is √ā times the state.
    /// let map = sampler
    ///     .sample_fused(PlaneConditions::<f32>::default(), &NoiseField::new(1, 0), |_, state, time| {
    ///         Ok((state * schedule.signal_share(time)?.sqrt())?)
    ///     })
    ///     .unwrap();
    /// assert_eq!((map.len(), map[0].len()), (1, 192));
    /// ```
    pub fn sample_fused<T: Sample + WithDType>(
        &self,
        conditions: PlaneConditions<'_, T>,
        noise: &NoiseField,
        mut model: impl FnMut(&[usize], &Tensor, usize) -> DiffusionResult<Tensor>,
    ) -> DiffusionResult<Vec<Vec<T>>> {
        self.check(&conditions)?;
        let shape = self.tiling.plane_shape();
        let cells = shape[0] * shape[1];
        let start =
            ReverseStep { time: 0, state: 0.0, clean: 0.0, before: 0.0, low: self.walk.start_low, noise: self.walk.start_noise };
        let mut state = vec![vec![<T as Sample>::from_f64(0.0); cells]; self.channels];
        for (channel, plane) in state.iter_mut().enumerate() {
            advance(plane, [None; 2], &start, channel, &conditions, &noise.window(0, channel, [0, 0], shape));
        }
        let mut before: Option<Vec<Vec<T>>> = None;
        for (i, step) in self.walk.steps.iter().enumerate() {
            let clean = self.predict(&state, step.time, &mut model)?;
            for (channel, (plane, clean)) in state.iter_mut().zip(&clean).enumerate() {
                let fresh = if step.noise == 0.0 { Vec::new() } else { noise.window(i + 1, channel, [0, 0], shape) };
                let before = before.as_ref().map(|planes| planes[channel].as_slice());
                advance(plane, [Some(clean), before], step, channel, &conditions, &fresh);
            }
            before = Some(clean);
        }
        Ok(state)
    }

    /// The clean field of the whole map, blended from the tiles' ones.
    fn predict<T: Sample + WithDType>(
        &self,
        state: &[Vec<T>],
        time: usize,
        model: &mut impl FnMut(&[usize], &Tensor, usize) -> DiffusionResult<Tensor>,
    ) -> DiffusionResult<Vec<Vec<T>>> {
        let mut blends: Vec<Blend<'_, T>> = (0..self.channels).map(|_| Blend::new(self.tiling)).collect();
        let numbers: Vec<usize> = (0..self.tiling.len()).collect();
        for batch in numbers.chunks(self.batch) {
            let tiles = self.tensor(batch, state)?;
            let clean = self.checked(model(batch, &tiles, time)?, &tiles)?;
            self.spread(batch, &clean, &mut blends)?;
        }
        Ok(blends.into_iter().map(Blend::finish).collect::<Result<_, _>>()?)
    }

    /// Samples each tile by itself, with noise of its own, and blends the finished samples: how the dust paper stitches.
    /// Its variance is too small wherever tiles overlap; it is here to show that.
    ///
    /// # Errors
    /// As [`TiledSampler::sample_fused`].
    pub fn sample_independently<T: Sample + WithDType>(
        &self,
        conditions: PlaneConditions<'_, T>,
        noise: &NoiseField,
        mut model: impl FnMut(&[usize], &Tensor, usize) -> DiffusionResult<Tensor>,
    ) -> DiffusionResult<Vec<Vec<T>>> {
        self.check(&conditions)?;
        let side = self.tiling.tile_size();
        let mut blends: Vec<Blend<'_, T>> = (0..self.channels).map(|_| Blend::new(self.tiling)).collect();
        let numbers: Vec<usize> = (0..self.tiling.len()).collect();
        for batch in numbers.chunks(self.batch) {
            let low = conditions.low.map(|low| self.tensor(batch, low)).transpose()?;
            let weight = conditions.noise_weight.map(|plane| self.tensor(batch, &[plane])).transpose()?;
            let fields: Vec<NoiseField> = batch.iter().map(|index| noise.of_tile(*index)).collect();
            let finished = self.walk.sample(
                Conditions { low: low.as_ref(), noise_weight: weight.as_ref() },
                |draw| {
                    let each: Vec<Tensor> = fields
                        .iter()
                        .map(|field| field.tensor(draw, [self.channels, side, side], T::DTYPE, self.device))
                        .collect::<DiffusionResult<_>>()?;
                    Ok(Tensor::cat(&each, 0)?)
                },
                |state, time| model(batch, state, time),
            )?;
            self.spread(batch, &finished, &mut blends)?;
        }
        Ok(blends.into_iter().map(Blend::finish).collect::<Result<_, _>>()?)
    }

    fn check<T>(&self, conditions: &PlaneConditions<'_, T>) -> DiffusionResult<()> {
        self.walk.check(conditions.low.is_some())?;
        if self.channels == 0 || self.batch == 0 {
            return wrong(format!("found {} channels and {} tiles in a batch; at least 1 is wanted", self.channels, self.batch));
        }
        let [rows, columns] = self.tiling.plane_shape();
        let planes = conditions.low.unwrap_or(&[]);
        if conditions.low.is_some() && planes.len() != self.channels {
            return wrong(format!("found {} low-resolution planes; {} are wanted", planes.len(), self.channels));
        }
        let lengths = planes.iter().map(Vec::len).chain(conditions.noise_weight.map(<[T]>::len));
        for length in lengths {
            if length != rows * columns {
                return wrong(format!("found a plane of {length} cells; {rows} x {columns} are wanted"));
            }
        }
        Ok(())
    }

    /// The tiles of a batch cut from planes, `[tiles, planes, side, side]`.
    fn tensor<T: Sample + WithDType, P: AsRef<[T]>>(&self, batch: &[usize], planes: &[P]) -> DiffusionResult<Tensor> {
        let side = self.tiling.tile_size();
        let mut values = Vec::with_capacity(batch.len() * planes.len() * side * side);
        for index in batch {
            for plane in planes {
                values.extend(self.tiling.cut(plane.as_ref(), *index)?);
            }
        }
        Ok(Tensor::from_vec(values, (batch.len(), planes.len(), side, side), &Device::Cpu)?.to_device(self.device)?)
    }

    fn checked(&self, clean: Tensor, state: &Tensor) -> DiffusionResult<Tensor> {
        if clean.dims() == state.dims() {
            return Ok(clean);
        }
        wrong(format!(
            "the model gave fields of shape {:?} for tiles of shape {:?}; the same is wanted",
            clean.dims(),
            state.dims()
        ))
    }

    /// Hands the tiles of a batch to the blends of their channels.
    fn spread<T: Sample + WithDType>(&self, batch: &[usize], tiles: &Tensor, blends: &mut [Blend<'_, T>]) -> DiffusionResult<()> {
        let size = self.tiling.tile_size().pow(2);
        let values = tiles.to_dtype(T::DTYPE)?.flatten_all()?.to_vec1::<T>()?;
        for (index, channels) in batch.iter().zip(values.chunks(size * self.channels)) {
            for (blend, tile) in blends.iter_mut().zip(channels.chunks(size)) {
                blend.add(*index, tile.to_vec())?;
            }
        }
        Ok(())
    }
}

/// One step of one plane, from the predicted clean fields of this step and of the one before.
fn advance<T: Sample + WithDType>(
    plane: &mut [T],
    [clean, before]: [Option<&[T]>; 2],
    step: &ReverseStep,
    channel: usize,
    conditions: &PlaneConditions<'_, T>,
    noise: &[f64],
) {
    let low = conditions.low.map(|planes| planes[channel].as_slice());
    plane.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, cells)| {
        for (offset, cell) in cells.iter_mut().enumerate() {
            let i = chunk * CHUNK + offset;
            let mut next = step.state * Sample::to_f64(*cell);
            if let Some(clean) = clean {
                next += step.clean * Sample::to_f64(clean[i]);
            }
            if let Some(before) = before
                && step.before != 0.0
            {
                next += step.before * Sample::to_f64(before[i]);
            }
            if let Some(low) = low {
                next += step.low * Sample::to_f64(low[i]);
            }
            if step.noise != 0.0 {
                next += step.noise * conditions.noise_weight.map_or(1.0, |weight| Sample::to_f64(weight[i])) * noise[i];
            }
            *cell = <T as Sample>::from_f64(next);
        }
    });
}

//! Training pairs from fine fields: random crops, made smoother and rougher, coarsened by block means.

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::config::EdsrConfig;
use crate::base::random::Random;
use crate::grid::{Edge, Field, back_project_plane, coarsen_plane, gaussian_plane};
use crate::methods::error::{MethodError, MethodResult};

/// Coarse cells around a tile that feed its interpolation and are then cut off, as inside a frame.
const MARGIN_CELLS: usize = 2;
/// Share of the tiles cut without a margin, as at the edge of a frame.
const EDGE_SHARE: f64 = 0.25;
/// Random places tried before the frame is searched for all that are free of land.
const TRIES: usize = 64;

/// How a fine crop is varied before it is coarsened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Degradation {
    /// Largest standard deviation of the Gaussian smoothing, in fine pixels; drawn uniformly from 0.
    pub smoothing_pixels: f64,
    /// Half of the crops lose up to this share of their large scales (a Gaussian of 8 to 20 pixels). What is left
    /// varies most near the size of a coarse cell, as fields of eddies without a gradient around them do; a network
    /// that never saw those corrects them too little or too much.
    pub large_scale_removed: f64,
    /// The anomalies of a crop are multiplied by `exp(±uniform(0, this))`.
    pub log_amplitude: f64,
    /// A quarter of the crops get short-waved variation that a coarse cell does not resolve, with a standard
    /// deviation of up to this share of the crop's own; real analyses hold such speckle, and a network that
    /// never saw it takes its block means for signal and sharpens them.
    pub speckle_share: f64,
    /// Largest width of the speckle in fine pixels; drawn from half a pixel on.
    pub speckle_pixels: f64,
    /// Half of the crops are rounded to multiples of this, as packed analyses are (in the field's unit).
    pub quantum: f64,
    /// Largest standard deviation of white noise on the coarse cells, in the field's unit; drawn from 0.
    pub noise: f64,
}

impl Default for Degradation {
    fn default() -> Degradation {
        Degradation {
            smoothing_pixels: 4.0,
            large_scale_removed: 1.0,
            log_amplitude: 1.0,
            speckle_share: 0.3,
            speckle_pixels: 2.5,
            quantum: 0.01,
            noise: 0.0,
        }
    }
}

/// Fine frames to learn from: some frames of a field, by a split.
#[derive(Clone, Debug)]
pub struct FineFieldSource<'a> {
    field: &'a Field,
    frames: Vec<usize>,
}

impl<'a> FineFieldSource<'a> {
    /// The frames `frames` of `field`.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where there is no frame or one does not exist.
    pub fn new(field: &'a Field, frames: &[usize]) -> MethodResult<FineFieldSource<'a>> {
        if frames.is_empty() {
            return Err(MethodError::Argument("no frames were given to learn from; at least one is wanted".to_string()));
        }
        if let Some(frame) = frames.iter().find(|f| **f >= field.frames()) {
            return Err(MethodError::Argument(format!("frame {frame} does not exist; the field has {}", field.frames())));
        }
        Ok(FineFieldSource { field, frames: frames.to_vec() })
    }

    /// The source with only those frames that hold a square of `side` valid pixels.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where none does.
    pub(super) fn with_room_for(mut self, side: usize) -> MethodResult<FineFieldSource<'a>> {
        let frames = std::mem::take(&mut self.frames);
        self.frames = frames.into_iter().filter(|frame| !self.free_corners(*frame, side).is_empty()).collect();
        if self.frames.is_empty() {
            let [_, rows, columns] = self.field.shape();
            return Err(MethodError::Argument(format!(
                "no frame of {rows}x{columns} holds {side}x{side} pixels free of land; give larger fields or smaller tiles"
            )));
        }
        Ok(self)
    }

    /// Every corner (row, column) from which a square of `side` pixels is valid throughout.
    fn free_corners(&self, frame: usize, side: usize) -> Vec<(usize, usize)> {
        let [_, rows, columns] = self.field.shape();
        if side > rows || side > columns {
            return Vec::new();
        }
        let width = columns + 1;
        let mut sums = vec![0u32; (rows + 1) * width];
        for (y, line) in self.field.frame_mask(frame).chunks(columns).enumerate() {
            let mut run = 0;
            for (x, cell) in line.iter().enumerate() {
                run += u32::from(!cell.is_valid());
                sums[(y + 1) * width + x + 1] = sums[y * width + x + 1] + run;
            }
        }
        let bad = |y: usize, x: usize| {
            sums[(y + side) * width + x + side] + sums[y * width + x] - sums[y * width + x + side] - sums[(y + side) * width + x]
        };
        (0..=rows - side).flat_map(|y| (0..=columns - side).map(move |x| (y, x))).filter(|(y, x)| bad(*y, *x) == 0).collect()
    }

    /// A random square of `side` pixels without land, turned and mirrored at random.
    fn draw(&self, side: usize, random: &mut Random) -> Vec<f32> {
        let frame = self.frames[random.below(self.frames.len())];
        let [_, rows, columns] = self.field.shape();
        let cells = self.field.frame_mask(frame);
        let free = |(y, x): (usize, usize)| (y..y + side).all(|y| cells[y * columns + x..][..side].iter().all(|c| c.is_valid()));
        let mut corner = None;
        for _ in 0..TRIES {
            let place = (random.below(rows - side + 1), random.below(columns - side + 1));
            if free(place) {
                corner = Some(place);
                break;
            }
        }
        let (top, left) = corner.unwrap_or_else(|| {
            let all = self.free_corners(frame, side);
            all[random.below(all.len())]
        });
        let (flip_y, flip_x, turn) = (random.below(2) == 1, random.below(2) == 1, random.below(2) == 1);
        let values = self.field.frame(frame);
        let mut crop = Vec::with_capacity(side * side);
        for i in 0..side {
            for j in 0..side {
                let (y, x) = if turn { (j, i) } else { (i, j) };
                let (y, x) = (if flip_y { side - 1 - y } else { y }, if flip_x { side - 1 - x } else { x });
                crop.push(values[(top + y) * columns + left + x]);
            }
        }
        crop
    }
}

/// A batch: coarse tiles `[b, 1, t, t]` and what the back-projected bicubic lacks `[b, 1, t f, t f]`, both
/// in units of the tile's standard deviation.
pub(super) struct Batch {
    pub low: Tensor,
    pub target: Tensor,
}

/// Mean and standard deviation (at least `floor`) of a coarse tile.
pub(super) fn tile_statistics(low: &[f32], floor: f64) -> (f32, f32) {
    let n = low.len().max(1) as f64;
    let mean = low.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let variance = low.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
    (mean as f32, variance.sqrt().max(floor) as f32)
}

/// Widths in fine pixels of the Gaussian that tells large scales from small ones.
const LARGE_SCALE_PIXELS: (f64, f64) = (8.0, 20.0);

fn pair(
    source: &FineFieldSource<'_>,
    config: &EdsrConfig,
    degradation: &Degradation,
    random: &mut Random,
) -> MethodResult<(Vec<f32>, Vec<f32>)> {
    let (factor, tile) = (config.factor, config.tile_cells);
    let margin = if random.uniform() < EDGE_SHARE { 0 } else { MARGIN_CELLS };
    let (cells, side) = (tile + 2 * margin, (tile + 2 * margin) * factor);
    let mut fine = source.draw(side, random);
    let sigma = random.uniform_in(0.0, degradation.smoothing_pixels);
    let amplitude = random.uniform_in(-degradation.log_amplitude, degradation.log_amplitude).exp() as f32;
    let quantum = if random.below(2) == 1 { degradation.quantum as f32 } else { 0.0 };
    let noise = random.uniform_in(0.0, degradation.noise);
    // Less than half a pixel changes nothing but the run time.
    if sigma > 0.5 {
        fine = gaussian_plane(&fine, side, side, [sigma; 2], [Edge::Drop; 2])?;
    }
    if random.below(2) == 1 {
        let width = random.uniform_in(LARGE_SCALE_PIXELS.0, LARGE_SCALE_PIXELS.1);
        let share = random.uniform_in(0.0, degradation.large_scale_removed) as f32;
        let wide = gaussian_plane(&fine, side, side, [width; 2], [Edge::Drop; 2])?;
        let (mean, _) = tile_statistics(&wide, 0.0);
        fine.iter_mut().zip(wide).for_each(|(value, wide)| *value -= share * (wide - mean));
    }
    let (mean, spread) = tile_statistics(&fine, 0.0);
    if random.below(4) == 0 {
        let share = random.uniform_in(0.0, degradation.speckle_share) as f32;
        let width = random.uniform_in(0.5, degradation.speckle_pixels.max(0.5));
        let white: Vec<f32> = (0..side * side).map(|_| random.normal() as f32).collect();
        let speckle = gaussian_plane(&white, side, side, [width; 2], [Edge::Drop; 2])?;
        let (_, own) = tile_statistics(&speckle, 1e-6);
        for (value, speckle) in fine.iter_mut().zip(speckle) {
            *value += share * spread * speckle / own;
        }
    }
    for value in &mut fine {
        *value = mean + amplitude * (*value - mean);
        if quantum > 0.0 {
            *value = (*value / quantum).round() * quantum;
        }
    }
    let mut low = coarsen_plane(&fine, side, side, factor);
    if noise > 0.0 {
        low.iter_mut().for_each(|v| *v += (noise * random.normal()) as f32);
    }
    let base = back_project_plane(&low, cells, cells, factor, config.back_projections, false);
    let inner = |values: &[f32], size: usize, cut: usize| -> Vec<f32> {
        (cut..size - cut).flat_map(|y| values[y * size + cut..][..size - 2 * cut].iter().copied()).collect()
    };
    let low = inner(&low, cells, margin);
    let (mean, spread) = tile_statistics(&low, config.spread_floor);
    let missing: Vec<f32> = fine.iter().zip(&base).map(|(f, b)| (f - b) / spread).collect();
    Ok((low.iter().map(|v| (v - mean) / spread).collect(), inner(&missing, side, margin * factor)))
}

/// `count` pairs, each from its own child of a stream drawn from `random`.
pub(super) fn batch(
    source: &FineFieldSource<'_>,
    config: &EdsrConfig,
    degradation: &Degradation,
    count: usize,
    random: &mut Random,
    device: &Device,
) -> MethodResult<Batch> {
    let stream = Random::new(random.next_u64(), "samples");
    let pairs = (0..count)
        .into_par_iter()
        .map(|i| pair(source, config, degradation, &mut stream.child(i as u64)))
        .collect::<MethodResult<Vec<_>>>()?;
    let (tile, side) = (config.tile_cells, config.tile_cells * config.factor);
    let (low, target): (Vec<Vec<f32>>, Vec<Vec<f32>>) = pairs.into_iter().unzip();
    Ok(Batch {
        low: Tensor::from_vec(low.concat(), (count, 1, tile, tile), &Device::Cpu)?.to_device(device)?,
        target: Tensor::from_vec(target.concat(), (count, 1, side, side), &Device::Cpu)?.to_device(device)?,
    })
}

/// Pixels on a side that [`pair`] may ask a frame for.
pub(super) fn largest_crop(config: &EdsrConfig) -> usize {
    (config.tile_cells + 2 * MARGIN_CELLS) * config.factor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};

    fn field(rows: usize, columns: usize, land: impl Fn(usize, usize) -> bool) -> Field {
        let lat = Axis::regular(AxisKind::Latitude, 0.0, 0.05, rows).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.0, 0.05, columns).unwrap();
        let at = |i: usize| (i / columns, i % columns);
        let values = (0..rows * columns).map(|i| 10.0 + (at(i).0 as f32 * 0.2).sin() + (at(i).1 as f32 * 0.13).cos()).collect();
        let cells = (0..rows * columns).map(|i| if land(at(i).0, at(i).1) { Cell::Land } else { Cell::Valid }).collect();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn a_crop_never_holds_land_even_where_only_one_place_is_left() {
        // Free: rows 7..17, columns 20..30, exactly one square of ten.
        let f = field(40, 50, |y, x| !((7..17).contains(&y) && (20..30).contains(&x)));
        let source = FineFieldSource::new(&f, &[0]).unwrap().with_room_for(10).unwrap();
        assert_eq!(source.free_corners(0, 10), [(7, 20)]);
        let mut crop = source.draw(10, &mut Random::new(1, "t"));
        assert!(crop.iter().all(|v| *v > 1.0)); // land holds 0
        let mut wanted: Vec<f32> = (7..17).flat_map(|y| f.frame(0)[y * 50 + 20..][..10].to_vec()).collect();
        crop.sort_by(f32::total_cmp);
        wanted.sort_by(f32::total_cmp);
        assert_eq!(crop, wanted);
        assert!(FineFieldSource::new(&f, &[0]).unwrap().with_room_for(11).is_err());
        assert!(FineFieldSource::new(&f, &[1]).is_err());
    }

    #[test]
    fn a_pair_is_normalised_and_adds_up_to_the_fine_field() {
        let f = field(80, 80, |_, _| false);
        let config = EdsrConfig { tile_cells: 8, ..EdsrConfig::quick() };
        let source = FineFieldSource::new(&f, &[0]).unwrap().with_room_for(largest_crop(&config)).unwrap();
        for i in 0..8 {
            let (low, target) = pair(&source, &config, &Degradation::default(), &mut Random::new(i, "pair")).unwrap();
            let (mean, spread) = tile_statistics(&low, 1e-9);
            assert!(mean.abs() < 1e-4 && (spread - 1.0).abs() < 1e-4);
            assert_eq!(target.len(), 1600);
            // The base keeps block means, so what it lacks has block means near zero.
            assert!(coarsen_plane(&target, 40, 40, 5).iter().all(|v| v.abs() < 0.02));
        }
    }

    #[test]
    fn batches_do_not_depend_on_threads() {
        let f = field(80, 80, |_, _| false);
        let config = EdsrConfig { tile_cells: 8, ..EdsrConfig::quick() };
        let source = FineFieldSource::new(&f, &[0]).unwrap();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let b = batch(&source, &config, &Degradation::default(), 4, &mut Random::new(2, "b"), &Device::Cpu).unwrap();
                b.target.flatten_all().unwrap().to_vec1::<f32>().unwrap()
            })
        };
        assert_eq!(run(1), run(3));
    }
}

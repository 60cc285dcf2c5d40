//! Training pairs from fine fields: random crops, made smoother and rougher, with coasts, coarsened by block means.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::degradation::Degradation;
use super::random_field::{add_coast, random_crop};
use super::source::{Crop, FineFieldSource};
use super::tile_config::TileConfig;
use crate::base::random::Random;
use crate::grid::{Fill, back_project_plane, coarsen_plane, fill_plane};
use crate::methods::error::MethodResult;

/// Coarse cells around a tile that feed its interpolation and are then cut off, as inside a frame.
const MARGIN_CELLS: usize = 2;
/// Share of the tiles cut without a margin, as at the edge of a frame.
const EDGE_SHARE: f64 = 0.25;
/// Least share of a tile's coarse cells that must be sea throughout.
const LEAST_SEA: f64 = 0.3;
/// Crops tried before a random field without land is taken.
const TRIES: usize = 8;

/// A batch; values in units of the tile's standard deviation.
pub(in crate::methods) struct Batch {
    /// Coarse tiles and which of their cells are sea (1) or filled (0), `[b, 2, t, t]`.
    pub low: Tensor,
    /// The back-projected bicubic less the tile's mean, `[b, 1, t f, t f]`.
    pub base: Tensor,
    /// What the back-projected bicubic lacks, `[b, 1, t f, t f]`; 0 on land.
    pub target: Tensor,
    /// Which fine cells count, 1 or 0, `[b, 1, t f, t f]`.
    pub sea: Tensor,
    /// Mean of each tile, in the field's unit.
    pub mean: Vec<f32>,
    /// The unit of each tile's values, in the field's unit.
    pub spread: Vec<f32>,
}

/// Mean and standard deviation (at least `floor`) of a coarse tile, over the cells that are `sea`.
pub(in crate::methods) fn tile_statistics(low: &[f32], sea: Option<&[bool]>, floor: f64) -> (f32, f32) {
    let counts = |i: usize| sea.is_none_or(|sea| sea[i]);
    let values = || low.iter().enumerate().filter(|(i, _)| counts(*i)).map(|(_, v)| f64::from(*v));
    let n = values().count().max(1) as f64;
    let mean = values().sum::<f64>() / n;
    let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    (mean as f32, variance.sqrt().max(floor) as f32)
}

/// The network's input for a filled coarse tile: normalised values, then the sea as 1 and 0.
pub(in crate::methods) fn network_input(low: &[f32], sea: &[bool], mean: f32, spread: f32) -> Vec<f32> {
    let values = low.iter().map(|v| (v - mean) / spread);
    values.chain(sea.iter().map(|s| f32::from(u8::from(*s)))).collect()
}

/// One training pair, flat: input `[2, t, t]`, the others `[t f, t f]`.
struct Pair {
    low: Vec<f32>,
    base: Vec<f32>,
    target: Vec<f32>,
    sea: Vec<f32>,
    mean: f32,
    spread: f32,
}

/// The square without `cut` cells on each side.
fn inner<T: Copy>(values: &[T], size: usize, cut: usize) -> Vec<T> {
    (cut..size - cut).flat_map(|y| values[y * size + cut..][..size - 2 * cut].iter().copied()).collect()
}

/// Which blocks of `factor` x `factor` cells are sea throughout.
fn sea_blocks(sea: &[bool], side: usize, factor: usize) -> Vec<bool> {
    let cells = side / factor;
    let whole =
        |y: usize, x: usize| (y * factor..(y + 1) * factor).all(|r| sea[r * side + x * factor..][..factor].iter().all(|s| *s));
    (0..cells * cells).map(|i| whole(i / cells, i % cells)).collect()
}

fn pair(source: &FineFieldSource<'_>, config: &TileConfig, degradation: &Degradation, random: &mut Random) -> MethodResult<Pair> {
    let (factor, tile) = (config.factor, config.cells);
    let margin = if random.uniform() < EDGE_SHARE { 0 } else { MARGIN_CELLS };
    let (cells, side) = (tile + 2 * margin, (tile + 2 * margin) * factor);
    let mut left = TRIES;
    let (crop, low_sea) = loop {
        let mut crop: Crop = if left == 0 || random.uniform() < degradation.random_field_share {
            random_crop(side, random)?
        } else {
            source.draw(side, random)?
        };
        if left > 0 && random.uniform() < degradation.coast_share {
            add_coast(&mut crop, side, random)?;
        }
        let low_sea = sea_blocks(&crop.sea, side, factor);
        let share = inner(&low_sea, cells, margin).iter().filter(|s| **s).count() as f64 / (tile * tile) as f64;
        if share >= LEAST_SEA {
            break (crop, low_sea);
        }
        left -= 1;
    };
    let fine = degradation.vary(crop.values, side, random)?;
    let mut low = coarsen_plane(&fine, side, side, factor);
    let noise = random.uniform_in(0.0, degradation.noise);
    if noise > 0.0 {
        low.iter_mut().for_each(|v| *v += (noise * random.normal()) as f32);
    }
    let low = fill_plane(&low, &low_sea, cells, cells, false, Fill::Nearest)?;
    let base = back_project_plane(&low, cells, cells, factor, config.back_projections, false);
    let (low, low_sea) = (inner(&low, cells, margin), inner(&low_sea, cells, margin));
    let (mean, spread) = tile_statistics(&low, Some(&low_sea), config.spread_floor);
    let missing: Vec<f32> = fine.iter().zip(&base).map(|(f, b)| (f - b) / spread).collect();
    let fine_side = tile * factor;
    let sea: Vec<f32> = (0..fine_side * fine_side)
        .map(|i| f32::from(u8::from(low_sea[i / fine_side / factor * tile + i % fine_side / factor])))
        .collect();
    let target = inner(&missing, side, margin * factor).iter().zip(&sea).map(|(m, s)| m * s).collect();
    let base = inner(&base, side, margin * factor).iter().map(|b| (b - mean) / spread).collect();
    Ok(Pair { low: network_input(&low, &low_sea, mean, spread), base, target, sea, mean, spread })
}

/// `count` pairs, each from its own child of a stream drawn from `random`.
pub(in crate::methods) fn batch(
    source: &FineFieldSource<'_>,
    config: &TileConfig,
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
    let (tile, side) = (config.cells, config.cells * config.factor);
    let tensor = |part: fn(&Pair) -> &[f32], channels: usize, side: usize| {
        let all: Vec<f32> = pairs.iter().flat_map(|p| part(p).iter().copied()).collect();
        Tensor::from_vec(all, (count, channels, side, side), &Device::Cpu)?.to_device(device)
    };
    Ok(Batch {
        low: tensor(|p| &p.low, 2, tile)?,
        base: tensor(|p| &p.base, 1, side)?,
        target: tensor(|p| &p.target, 1, side)?,
        sea: tensor(|p| &p.sea, 1, side)?,
        mean: pairs.iter().map(|p| p.mean).collect(),
        spread: pairs.iter().map(|p| p.spread).collect(),
    })
}

/// Pixels on a side that [`pair`] may ask a frame for.
pub(in crate::methods) fn largest_crop(config: &TileConfig) -> usize {
    (config.cells + 2 * MARGIN_CELLS) * config.factor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit};

    fn field(rows: usize, columns: usize) -> Field {
        let lat = Axis::regular(AxisKind::Latitude, 0.0, 0.05, rows).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.0, 0.05, columns).unwrap();
        let at = |i: usize| (i / columns, i % columns);
        let values = (0..rows * columns).map(|i| 10.0 + (at(i).0 as f32 * 0.2).sin() + (at(i).1 as f32 * 0.13).cos()).collect();
        // an island that no crop of 12 cells can avoid
        let cells = (0..rows * columns).map(|i| if at(i) == (40, 40) { Cell::Land } else { Cell::Valid }).collect();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn a_pair_is_normalised_and_adds_up_to_the_fine_field() {
        let f = field(80, 80);
        let config = TileConfig { cells: 8, ..TileConfig::default() };
        let source = FineFieldSource::new(&f, &[0]).unwrap().with_room_for(largest_crop(&config)).unwrap();
        let mut with_land = 0;
        for i in 0..16 {
            let p = pair(&source, &config, &Degradation::default(), &mut Random::new(i, "pair")).unwrap();
            let sea: Vec<bool> = p.low[64..].iter().map(|s| *s == 1.0).collect();
            let (mean, spread) = tile_statistics(&p.low[..64], Some(&sea), 1e-9);
            assert!(mean.abs() < 1e-4 && (spread - 1.0).abs() < 1e-4);
            assert_eq!((p.target.len(), p.base.len(), p.sea.len()), (1600, 1600, 1600));
            // Base and target add up to a fine field whose block means are the coarse values.
            let fine: Vec<f32> = p.base.iter().zip(&p.target).map(|(b, t)| b + t).collect();
            let means = coarsen_plane(&fine, 40, 40, 5);
            assert!(means.iter().zip(&p.low).zip(&sea).all(|((m, l), s)| !s || (m - l).abs() < 1e-3));
            assert!(p.target.iter().zip(&p.sea).all(|(t, s)| *s == 1.0 || *t == 0.0));
            // The base keeps block means, so what it lacks has block means near zero: where there is no land near, which
            // slows the closure down.
            if sea.iter().all(|s| *s) {
                assert!(coarsen_plane(&p.target, 40, 40, 5).iter().all(|v| v.abs() < 0.05));
            } else {
                with_land += 1;
            }
        }
        assert!((3..16).contains(&with_land), "{with_land} of 16 pairs with land");
    }

    #[test]
    fn blocks_with_any_land_are_not_used() {
        let mut sea = vec![true; 36];
        sea[6 + 4] = false; // row 1, column 4: the block above right
        assert_eq!(sea_blocks(&sea, 6, 3), [true, false, true, true]);
    }

    #[test]
    fn batches_do_not_depend_on_threads() {
        let f = field(80, 80);
        let config = TileConfig { cells: 8, ..TileConfig::default() };
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

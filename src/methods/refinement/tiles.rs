//! [`Tiles`]: a frame cut into overlapping tiles for a network, and its corrections put together again.

use crate::grid::{Field, back_project_plane, refine_frames};
use crate::methods::error::{MethodError, MethodResult};

use super::pairs::{network_input, tile_statistics};
use super::tile_config::TileConfig;

/// Tiles sent through a network at once.
const BATCH: usize = 16;

/// How a frame is cut for a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiles {
    /// The whole frame as one tile, normalised by its own mean and spread.
    Whole,
    /// Squares of this many coarse cells that overlap by half, blended by a sin² window.
    Overlapped(usize),
}

/// Some tiles of one frame, normalised each by its own mean and spread.
pub(in crate::methods) struct TileBatch {
    /// Coarse values and which of the cells are sea, flat `[n, 2, height, width]`.
    pub input: Vec<f32>,
    /// Coarse `[n, height, width]`.
    pub shape: [usize; 3],
}

/// The back-projected bicubic of each frame plus what `correction` says it lacks, by tiles. `correction` gets tiles in
/// units of their own spread and answers in the same, flat `[n, height factor, width factor]`. Land is filled before
/// and masked after.
///
/// # Errors
/// [`MethodError::Argument`] for tiles of less than 8 cells; [`MethodError::Grid`] where the axes cannot be refined;
/// what `correction` gives.
pub(in crate::methods) fn correct_by_tiles(
    low: &Field,
    config: &TileConfig,
    tiles: Tiles,
    correction: impl Fn(TileBatch) -> MethodResult<Vec<f32>> + Sync,
) -> MethodResult<Field> {
    let [_, rows, columns] = low.shape();
    let layout = Layout::new(rows, columns, tiles, low.longitude().wraps())?;
    refine_frames(low, config.factor, |filled, sea, rows, columns, wrap| {
        let mut fine = back_project_plane(filled, rows, columns, config.factor, config.back_projections, wrap);
        for (value, add) in fine.iter_mut().zip(blended(filled, sea, &layout, config, &correction)?) {
            *value += add;
        }
        Ok(fine)
    })
}

/// The blended correction of one filled frame, in the field's unit.
fn blended(
    low: &[f32],
    sea: &[bool],
    layout: &Layout,
    config: &TileConfig,
    correction: impl Fn(TileBatch) -> MethodResult<Vec<f32>>,
) -> MethodResult<Vec<f32>> {
    let factor = config.factor;
    let fine_columns = layout.columns * factor;
    let (tile_height, tile_width) = (layout.height * factor, layout.width * factor);
    let (down, across) = (window(tile_height), window(tile_width));
    let mut sum = vec![0.0f64; low.len() * factor * factor];
    let mut total = vec![0.0f64; sum.len()];
    for corners in layout.corners().chunks(BATCH) {
        let mut input = Vec::with_capacity(2 * corners.len() * layout.height * layout.width);
        let mut spreads = Vec::with_capacity(corners.len());
        for corner in corners {
            let (tile, tile_sea) = (layout.cut(low, *corner), layout.cut(sea, *corner));
            let (mean, spread) = tile_statistics(&tile, Some(&tile_sea), config.spread_floor);
            input.extend(network_input(&tile, &tile_sea, mean, spread));
            spreads.push(f64::from(spread));
        }
        let output = correction(TileBatch { input, shape: [corners.len(), layout.height, layout.width] })?;
        // Tile after tile in a fixed order, so that the sums are always the same.
        for ((tile, (top, left)), spread) in output.chunks(tile_height * tile_width).zip(corners).zip(&spreads) {
            for (y, line) in tile.chunks(tile_width).enumerate() {
                for (x, value) in line.iter().enumerate() {
                    let place = (top * factor + y) * fine_columns + (left * factor + x) % fine_columns;
                    let weight = down[y] * across[x];
                    sum[place] += weight * spread * f64::from(*value);
                    total[place] += weight;
                }
            }
        }
    }
    Ok(sum.iter().zip(&total).map(|(s, t)| (s / t) as f32).collect())
}

/// sin² over `n` pixels, never quite 0, so that the frame's own edge keeps a weight.
pub(in crate::methods) fn window(n: usize) -> Vec<f64> {
    (0..n).map(|i| (std::f64::consts::PI * (i as f64 + 0.5) / n as f64).sin().powi(2)).collect()
}

/// Where the tiles of a coarse frame lie.
pub(in crate::methods) struct Layout {
    pub rows: usize,
    pub columns: usize,
    /// Of a tile, in coarse cells.
    pub height: usize,
    pub width: usize,
    pub wrap: bool,
}

impl Layout {
    /// # Errors
    /// [`MethodError::Argument`] for tiles of less than 8 cells.
    pub fn new(rows: usize, columns: usize, tiles: Tiles, wrap: bool) -> MethodResult<Layout> {
        let (height, width) = match tiles {
            Tiles::Whole => (rows, columns),
            Tiles::Overlapped(cells) if cells < 8 => {
                return Err(MethodError::Argument(format!(
                    "tiles of {cells} coarse cells were asked for; at least 8 are wanted"
                )));
            }
            Tiles::Overlapped(cells) => (cells.min(rows), cells.min(columns)),
        };
        Ok(Layout { rows, columns, height, width, wrap })
    }

    fn starts(cells: usize, tile: usize, wrap: bool) -> Vec<usize> {
        let step = (tile / 2).max(1);
        if wrap && tile < cells {
            return (0..cells).step_by(step).collect();
        }
        let last = cells - tile;
        let mut starts: Vec<usize> = (0..last).step_by(step).collect();
        starts.push(last);
        starts
    }

    /// Upper left corners, row by row.
    pub fn corners(&self) -> Vec<(usize, usize)> {
        let across = Layout::starts(self.columns, self.width, self.wrap);
        Layout::starts(self.rows, self.height, false).into_iter().flat_map(|y| across.iter().map(move |x| (y, *x))).collect()
    }

    /// The tile at a corner.
    pub fn cut<T: Copy>(&self, low: &[T], (top, left): (usize, usize)) -> Vec<T> {
        let mut tile = Vec::with_capacity(self.height * self.width);
        for y in top..top + self.height {
            tile.extend((left..left + self.width).map(|x| low[y * self.columns + x % self.columns]));
        }
        tile
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_cell() {
        for (rows, columns, height, width, wrap) in
            [(48, 77, 20, 20, false), (9, 30, 9, 20, true), (20, 20, 20, 20, true), (21, 41, 20, 20, false)]
        {
            let layout = Layout { rows, columns, height, width, wrap };
            let mut seen = vec![0; rows * columns];
            for (top, left) in layout.corners() {
                for y in top..top + height {
                    (left..left + width).for_each(|x| seen[y * columns + x % columns] += 1);
                }
            }
            assert!(seen.iter().all(|n| *n > 0), "{rows}x{columns}");
        }
    }

    #[test]
    fn the_window_of_a_half_overlap_sums_to_one() {
        let w = window(40);
        assert!((0..20).all(|i| (w[i] + w[i + 20] - 1.0).abs() < 1e-12));
    }
}

//! The trained network on fields of any size.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::config::EdsrConfig;
use super::network::Network;
use super::samples::{network_input, tile_statistics};
use crate::grid::{Field, back_project_plane, refine_frames};
use crate::methods::error::{MethodError, MethodResult};
use crate::nn::Parameters;
use crate::train::{Checkpoint, TrainError};

/// Tiles sent through the network at once.
const BATCH: usize = 16;

/// How a frame is cut for the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiles {
    /// The whole frame as one tile, normalised by its own mean and spread.
    Whole,
    /// Squares of this many coarse cells that overlap by half, blended by a sin² window.
    Overlapped(usize),
}

/// A trained network.
#[derive(Clone, Debug)]
pub struct Edsr {
    config: EdsrConfig,
    network: Network,
    device: Device,
}

impl Edsr {
    /// The network of a checkpoint, with its averaged weights.
    ///
    /// # Errors
    /// [`MethodError::Train`] where the file is damaged or of another network.
    pub fn load(path: &Path, device: &Device) -> MethodResult<Edsr> {
        let checkpoint = Checkpoint::load(path, device)?;
        let wrong = |problem: String| TrainError::Checkpoint { path: path.to_path_buf(), problem };
        if checkpoint.state.method != "edsr" {
            return Err(wrong(format!("it holds the method '{}'; one of 'edsr' is wanted", checkpoint.state.method)).into());
        }
        let config: EdsrConfig = serde_json::from_value(checkpoint.state.config["network"].clone())
            .map_err(|e| wrong(format!("its config does not fit this program ({e}); train again")))?;
        config.check()?;
        let mut parameters = Parameters::new(device, DType::F32, checkpoint.state.seed);
        let network = Network::new(&mut parameters, &config)?;
        parameters.set(checkpoint.weights())?;
        Ok(Edsr { config, network, device: device.clone() })
    }

    /// Its sizes.
    pub fn config(&self) -> &EdsrConfig {
        &self.config
    }

    /// The field on a grid `factor` times finer, by overlapped tiles of the size it was trained on. Land is
    /// filled before and masked after.
    ///
    /// # Errors
    /// As [`Edsr::apply_with`].
    pub fn apply(&self, low: &Field) -> MethodResult<Field> {
        self.apply_with(low, Tiles::Overlapped(self.config.tile_cells))
    }

    /// As [`Edsr::apply`], cut as `tiles` says.
    ///
    /// # Errors
    /// [`MethodError::Argument`] for tiles of less than 8 cells; [`MethodError::Nn`] from the device;
    /// [`MethodError::Grid`] where the axes cannot be refined.
    pub fn apply_with(&self, low: &Field, tiles: Tiles) -> MethodResult<Field> {
        let [_, rows, columns] = low.shape();
        let wrap = low.longitude().wraps();
        let (height, width) = match tiles {
            Tiles::Whole => (rows, columns),
            Tiles::Overlapped(cells) if cells < 8 => {
                return Err(MethodError::Argument(format!(
                    "tiles of {cells} coarse cells were asked for; at least 8 are wanted"
                )));
            }
            Tiles::Overlapped(cells) => (cells.min(rows), cells.min(columns)),
        };
        let layout = Layout { rows, columns, height, width, wrap };
        let config = &self.config;
        refine_frames(low, config.factor, |filled, sea, rows, columns, wrap| {
            let mut fine = back_project_plane(filled, rows, columns, config.factor, config.back_projections, wrap);
            let correction = self.correction(filled, sea, &layout)?;
            for (value, add) in fine.iter_mut().zip(correction) {
                *value += add;
            }
            Ok(fine)
        })
    }

    /// The blended correction of one filled frame, in the field's unit.
    fn correction(&self, low: &[f32], sea: &[bool], layout: &Layout) -> MethodResult<Vec<f32>> {
        let factor = self.config.factor;
        let fine_columns = layout.columns * factor;
        let (tile_height, tile_width) = (layout.height * factor, layout.width * factor);
        let (down, across) = (window(tile_height), window(tile_width));
        let mut sum = vec![0.0f64; low.len() * factor * factor];
        let mut total = vec![0.0f64; sum.len()];
        for corners in layout.corners().chunks(BATCH) {
            let mut batch = Vec::with_capacity(2 * corners.len() * layout.height * layout.width);
            let mut spreads = Vec::with_capacity(corners.len());
            for corner in corners {
                let (tile, tile_sea) = (layout.cut(low, *corner), layout.cut(sea, *corner));
                let (mean, spread) = tile_statistics(&tile, Some(&tile_sea), self.config.spread_floor);
                batch.extend(network_input(&tile, &tile_sea, mean, spread));
                spreads.push(f64::from(spread));
            }
            let input = Tensor::from_vec(batch, (corners.len(), 2, layout.height, layout.width), &Device::Cpu)?;
            let output = self.network.forward(&input.to_device(&self.device)?)?.detach().flatten_all()?.to_vec1::<f32>()?;
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
}

/// sin² over `n` pixels, never quite 0, so that the frame's own edge keeps a weight.
fn window(n: usize) -> Vec<f64> {
    (0..n).map(|i| (std::f64::consts::PI * (i as f64 + 0.5) / n as f64).sin().powi(2)).collect()
}

/// Where the tiles of a coarse frame lie.
struct Layout {
    rows: usize,
    columns: usize,
    height: usize,
    width: usize,
    wrap: bool,
}

impl Layout {
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

    fn corners(&self) -> Vec<(usize, usize)> {
        let across = Layout::starts(self.columns, self.width, self.wrap);
        Layout::starts(self.rows, self.height, false).into_iter().flat_map(|y| across.iter().map(move |x| (y, *x))).collect()
    }

    fn cut<T: Copy>(&self, low: &[T], (top, left): (usize, usize)) -> Vec<T> {
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

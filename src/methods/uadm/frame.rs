//! One coarse frame made ready for the walk: its tiles, what each is measured in, and how strong the noise is where.

use super::config::{StateUnits, UadmConfig, UncertaintySource};
use super::strain::StrainGrid;
use super::uncertainty::{Bounds, coarse_detail};
use crate::grid::{Field, Fill, GridResult, back_project_plane, fill_plane};
use crate::methods::error::MethodResult;
use crate::methods::refinement::{Layout, Tiles, network_input, tile_statistics, window};

/// Side of a large tile in coarse cells.
const LARGE: usize = 64;
/// Cells that a large tile sees beyond its share, on each side.
const HALO: usize = 6;

/// Tiles over a frame, with weights that sum to 1 in every cell.
pub(super) struct Cover {
    layout: Layout,
    corners: Vec<(usize, usize)>,
}

impl Cover {
    fn new(rows: usize, columns: usize, tiles: Tiles, wrap: bool) -> MethodResult<Cover> {
        let layout = Layout::new(rows, columns, tiles, wrap)?;
        let corners = layout.corners();
        Ok(Cover { layout, corners })
    }

    /// Few large tiles, each of which sees some cells beyond its share; one for all where the plane is small.
    fn large(rows: usize, columns: usize, wrap: bool) -> Cover {
        let height = rows.min(LARGE);
        // Where columns go around, the tile's end sees what lies beyond the plane's.
        let width = if wrap { (columns + 2 * HALO).min(LARGE) } else { columns.min(LARGE) };
        let starts = |cells: usize, tile: usize, wrap: bool| -> Vec<usize> {
            let step = (tile - tile.min(2 * HALO)).max(1);
            let last = if wrap { cells } else { cells - tile };
            (0..last).step_by(step).chain((!wrap).then_some(last)).collect()
        };
        let across = starts(columns, width, wrap);
        let down = starts(rows, height, false);
        let corners = down.into_iter().flat_map(|y| across.iter().map(move |x| (y, *x))).collect();
        Cover { layout: Layout { rows, columns, height, width, wrap }, corners }
    }

    /// Number of tiles.
    pub fn len(&self) -> usize {
        self.corners.len()
    }

    /// Height and width of a tile, coarse.
    pub fn shape(&self) -> [usize; 2] {
        [self.layout.height, self.layout.width]
    }

    /// A tile of a plane `factor` times as fine as the coarse one.
    pub fn cut<T: Copy>(&self, plane: &[T], tile: usize, factor: usize) -> Vec<T> {
        let (top, left) = self.corners[tile];
        let columns = self.layout.columns * factor;
        let (height, width) = (self.layout.height * factor, self.layout.width * factor);
        let mut cut = Vec::with_capacity(height * width);
        for y in top * factor..top * factor + height {
            cut.extend((left * factor..left * factor + width).map(|x| plane[y * columns + x % columns]));
        }
        cut
    }

    /// The sum of the windows over each row and each column of the plane.
    pub fn blender(&self, factor: usize) -> Blender<'_> {
        let (down, across) = (window(self.layout.height * factor), window(self.layout.width * factor));
        let mut starts: (Vec<usize>, Vec<usize>) = self.corners.iter().copied().unzip();
        for axis in [&mut starts.0, &mut starts.1] {
            axis.sort_unstable();
            axis.dedup();
        }
        let total = |cells: usize, starts: &[usize], window: &[f64]| {
            let mut total = vec![0.0; cells * factor];
            for start in starts {
                window.iter().enumerate().for_each(|(i, w)| total[(start * factor + i) % (cells * factor)] += w);
            }
            total
        };
        let (rows, columns) = (total(self.layout.rows, &starts.0, &down), total(self.layout.columns, &starts.1, &across));
        Blender { cover: self, factor, down, across, rows, columns }
    }
}

/// Puts tiles together.
pub(super) struct Blender<'a> {
    cover: &'a Cover,
    factor: usize,
    down: Vec<f64>,
    across: Vec<f64>,
    rows: Vec<f64>,
    columns: Vec<f64>,
}

impl Blender<'_> {
    /// An empty plane.
    pub fn plane(&self) -> Vec<f32> {
        vec![0.0; self.rows.len() * self.columns.len()]
    }

    /// Adds a tile's share, `value(cell of the tile)`.
    pub fn add(&self, plane: &mut [f32], tile: usize, value: impl Fn(usize) -> f32) {
        let (top, left) = self.cover.corners[tile];
        let (rows, columns) = (self.down.len(), self.across.len());
        for y in 0..rows {
            let at = top * self.factor + y;
            let line = at * self.columns.len();
            let down = self.down[y] / self.rows[at];
            for x in 0..columns {
                let column = (left * self.factor + x) % self.columns.len();
                let weight = down * self.across[x] / self.columns[column];
                plane[line + column] += (weight * f64::from(value(y * columns + x))) as f32;
            }
        }
    }

    /// A number of each tile, blended.
    fn scalars(&self, values: &[f32]) -> Vec<f32> {
        let mut plane = self.plane();
        values.iter().enumerate().for_each(|(tile, value)| self.add(&mut plane, tile, |_| *value));
        plane
    }
}

/// A frame ready for the walk. Fine planes lie row by row; all numbers are in the field's unit unless said otherwise.
pub(super) struct Frame {
    pub factor: usize,
    /// Coarse values, land filled.
    pub low: Vec<f32>,
    /// Which coarse cells are sea.
    pub sea: Vec<bool>,
    /// The resampled field, fine.
    pub base: Vec<f32>,
    /// The tiles that are normalised each by itself.
    pub normal: Cover,
    /// The tiles that the network sees: the same, larger ones, or the whole.
    pub seen: Cover,
    /// Mean, spread and unit of the state of each normalised tile.
    tiles: Vec<[f32; 3]>,
    /// The unit of the state, blended, fine.
    pub unit: Vec<f32>,
    /// Mean and spread, blended, coarse and fine; only where the network sees other tiles than the normalised ones.
    planes: Option<[Vec<f32>; 4]>,
    units: StateUnits,
}

/// What the network sees of some tiles, flat.
#[derive(Default)]
pub(super) struct SeenTiles {
    /// `[n, 2, h, w]`.
    pub low: Vec<f32>,
    /// `[n, 1, h f, w f]`.
    pub coarse: Vec<f32>,
    /// The unit of the state in each cell, `[n, 1, h f, w f]`.
    pub unit: Vec<f32>,
    /// y in units of the state, `[n, 1, h f, w f]`; empty where the state is the residual.
    pub shifted: Vec<f32>,
}

impl Frame {
    /// Frame `time` of a coarse field; none where it has no valid cell.
    ///
    /// The network sees `tiles`, or large ones where none are named.
    pub fn new(field: &Field, time: usize, config: &UadmConfig, tiles: Option<Tiles>) -> MethodResult<Option<Frame>> {
        let [_, rows, columns] = field.shape();
        let (factor, wrap) = (config.tile.factor, field.longitude().wraps());
        let sea: Vec<bool> = field.frame_mask(time).iter().map(|cell| cell.is_valid()).collect();
        if !sea.contains(&true) {
            return Ok(None);
        }
        let low = fill_plane(field.frame(time), &sea, rows, columns, wrap, Fill::Nearest)?;
        let base = back_project_plane(&low, rows, columns, factor, config.tile.back_projections, wrap);
        let normal = Cover::new(rows, columns, Tiles::Overlapped(config.tile.cells), wrap)?;
        let seen = match tiles {
            Some(tiles) => Cover::new(rows, columns, tiles, wrap)?,
            None => Cover::large(rows, columns, wrap),
        };
        let measured: Vec<[f32; 3]> = (0..normal.len())
            .map(|tile| {
                let (low, sea) = (normal.cut(&low, tile, 1), normal.cut(&sea, tile, 1));
                let (mean, spread) = tile_statistics(&low, Some(&sea), config.tile.spread_floor);
                let unit = state_unit(&config.diffusion.units, &low, &sea, normal.shape()[1], spread);
                [mean, spread, unit]
            })
            .collect();
        let part = |i: usize, factor: usize| {
            normal.blender(factor).scalars(&measured.iter().map(|numbers| numbers[i]).collect::<Vec<_>>())
        };
        let normalised_each = tiles == Some(Tiles::Overlapped(config.tile.cells));
        let planes = (!normalised_each).then(|| [part(0, 1), part(1, 1), part(0, factor), part(1, factor)]);
        let unit = part(2, factor);
        let units = config.diffusion.units;
        Ok(Some(Frame { factor, low, sea, base, normal, seen, tiles: measured, unit, planes, units }))
    }

    /// Rows and columns of the fine plane.
    pub fn fine_shape(&self) -> [usize; 2] {
        [self.normal.layout.rows * self.factor, self.normal.layout.columns * self.factor]
    }

    /// Do columns go around the globe?
    pub fn wraps(&self) -> bool {
        self.normal.layout.wrap
    }

    /// Is a fine cell sea?
    pub fn is_sea(&self, cell: usize) -> bool {
        let columns = self.normal.layout.columns;
        let (y, x) = (cell / (columns * self.factor), cell % (columns * self.factor));
        self.sea[y / self.factor * columns + x / self.factor]
    }

    /// What is taken from a fine value to make the state's.
    pub fn offset(&self, cell: usize) -> f32 {
        match self.units {
            StateUnits::Range { coldest, warmest } => ((coldest + warmest) / 2.0) as f32,
            StateUnits::Residual { .. } => self.base[cell],
        }
    }

    /// What the network sees of the tiles `numbers`.
    pub fn see(&self, numbers: &[usize]) -> SeenTiles {
        let mut seen = SeenTiles::default();
        for &tile in numbers {
            let (low, sea) = (self.seen.cut(&self.low, tile, 1), self.seen.cut(&self.sea, tile, 1));
            let base = self.seen.cut(&self.base, tile, self.factor);
            match &self.planes {
                None => {
                    let [mean, spread, unit] = self.tiles[tile];
                    seen.low.extend(network_input(&low, &sea, mean, spread));
                    seen.coarse.extend(base.iter().map(|value| (value - mean) / spread));
                    seen.unit.resize(seen.unit.len() + base.len(), unit);
                }
                Some([mean, spread, fine_mean, fine_spread]) => {
                    let cut = |plane: &[f32], factor: usize| self.seen.cut(plane, tile, factor);
                    let (mean, spread) = (cut(mean, 1), cut(spread, 1));
                    seen.low.extend(low.iter().zip(mean.iter().zip(&spread)).map(|(v, (m, s))| (v - m) / s));
                    seen.low.extend(sea.iter().map(|s| f32::from(u8::from(*s))));
                    let (mean, spread) = (cut(fine_mean, self.factor), cut(fine_spread, self.factor));
                    seen.coarse.extend(base.iter().zip(mean.iter().zip(&spread)).map(|(v, (m, s))| (v - m) / s));
                    seen.unit.extend(cut(&self.unit, self.factor));
                }
            }
            if let StateUnits::Range { coldest, warmest } = self.units {
                let (middle, half) = ((coldest + warmest) / 2.0, (warmest - coldest) / 2.0);
                seen.shifted.extend(base.iter().map(|value| ((f64::from(*value) - middle) / half) as f32));
            }
        }
        seen
    }

    /// The uncertainty before it is normalised, of the strain; none of other sources.
    pub fn strain(&self, field: &Field, config: &UadmConfig) -> GridResult<Option<Vec<f64>>> {
        if config.uncertainty.source != UncertaintySource::Strain {
            return Ok(None);
        }
        let (latitude, longitude) = (field.latitude().refine(self.factor)?, field.longitude().refine(self.factor)?);
        let grid = StrainGrid::on_sphere(latitude.centres(), longitude.spacing(), longitude.wraps(), config.uncertainty.strain);
        Ok(Some(grid.total_strain(&self.base, self.fine_shape()[1])))
    }

    /// The weight of the noise in each fine cell, from an uncertainty that is normalised tile by tile, by bounds blended from
    /// those of the tiles, so that tiles agree where they overlap.
    pub fn weights(&self, config: &UadmConfig, raw: &[f64]) -> Vec<f32> {
        let fine_columns = self.normal.shape()[1] * self.factor;
        let bounds: Vec<Bounds> = (0..self.normal.len())
            .map(|tile| {
                let sea = self.normal.cut(&self.sea, tile, 1);
                let at = |i: usize| i / fine_columns / self.factor * self.normal.shape()[1] + i % fine_columns / self.factor;
                Bounds::of(&config.uncertainty, &self.normal.cut(raw, tile, self.factor), |i| sea[at(i)])
            })
            .collect();
        let blender = self.normal.blender(self.factor);
        let low = blender.scalars(&bounds.iter().map(|b| b.low as f32).collect::<Vec<_>>());
        let high = blender.scalars(&bounds.iter().map(|b| b.high as f32).collect::<Vec<_>>());
        (0..raw.len())
            .map(|i| {
                let bounds = Bounds { low: f64::from(low[i]), high: f64::from(high[i]) };
                config.uncertainty.weight(if self.is_sea(i) { bounds.normalised(raw[i]) } else { 0.0 }) as f32
            })
            .collect()
    }
}

/// What one unit of the state is in the unit of `low`, a coarse tile of this spread, land filled.
pub(super) fn state_unit(units: &StateUnits, low: &[f32], sea: &[bool], columns: usize, spread: f32) -> f32 {
    match units {
        StateUnits::Range { coldest, warmest } => ((warmest - coldest) / 2.0) as f32,
        StateUnits::Residual { scale, floor } => (scale * coarse_detail(low, sea, columns)).max(floor * f64::from(spread)) as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_tiles_cover_a_plane_with_weight_one() {
        for (rows, columns, wrap) in
            [(40, 50, false), (64, 200, true), (130, 65, false), (90, 160, true), (30, 1440, true), (7, 9, true)]
        {
            let cover = Cover::large(rows, columns, wrap);
            let blender = cover.blender(2);
            let plane: Vec<f32> = (0..rows * columns * 4).map(|i| (i % 89) as f32).collect();
            let mut again = blender.plane();
            for tile in 0..cover.len() {
                let cut = cover.cut(&plane, tile, 2);
                blender.add(&mut again, tile, |i| cut[i]);
            }
            assert!(plane.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-4), "{rows}x{columns}");
        }
    }

    #[test]
    fn blended_tiles_cover_a_plane_with_weight_one() {
        for (rows, columns, wrap) in [(20, 33, false), (16, 40, true), (9, 16, true), (20, 21, true)] {
            let cover = Cover::new(rows, columns, Tiles::Overlapped(16), wrap).unwrap();
            for factor in [1, 5] {
                let blender = cover.blender(factor);
                let plane: Vec<f32> = (0..rows * columns * factor * factor).map(|i| (i % 97) as f32).collect();
                let mut again = blender.plane();
                for tile in 0..cover.len() {
                    let cut = cover.cut(&plane, tile, factor);
                    blender.add(&mut again, tile, |i| cut[i]);
                }
                assert!(plane.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-4), "{rows}x{columns}");
            }
        }
    }
}

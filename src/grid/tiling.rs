//! Cutting a plane into overlapping tiles.

use super::error::{GridError, GridResult};
use super::plane::{Sample, check_plane};
use super::window::Window;

/// The least weight of a cell of a tile's core, so that windows that reach zero leave no cell without value.
const LEAST_WEIGHT: f64 = 1e-6;

/// Where tiles of `tile` cells start on an axis of `length` cells: every `stride`, and the last one shifted back
/// so that it ends with the axis.
///
/// # Example
/// ```
/// use isotherm::grid::tile_starts;
/// assert_eq!(tile_starts(30, 16, 8), [0, 8, 14]);
/// ```
pub fn tile_starts(length: usize, tile: usize, stride: usize) -> Vec<usize> {
    if length <= tile {
        return vec![0];
    }
    let mut starts: Vec<usize> = (0..=length - tile).step_by(stride.max(1)).collect();
    if starts.last().is_some_and(|last| *last + tile < length) {
        starts.push(length - tile);
    }
    starts
}

/// The upper left cell of a tile. With columns that go around, a tile may run over the last column into the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// First row.
    pub row: usize,
    /// First column.
    pub column: usize,
}

/// A cover of a plane by square overlapping tiles, in row-major order.
///
/// A *halo* of cells at each inner side of a tile is computed but not used: there a tile lacks context. Sides on
/// the border of the plane keep theirs, as no other tile has them.
///
/// # Example
/// ```
/// use isotherm::grid::{Tiling, Window};
/// let tiling = Tiling::new(20, 26, 8, 4).unwrap().with_halo(1).unwrap().with_window(Window::HannHalfSample);
/// let plane: Vec<f32> = (0..520).map(|i| i as f32).collect();
/// let tiles: Vec<Vec<f32>> = (0..tiling.len()).map(|i| tiling.cut(&plane, i).unwrap()).collect();
/// assert_eq!(tiling.stitch(&tiles).unwrap(), plane);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tiling {
    rows: usize,
    columns: usize,
    tile: usize,
    stride: usize,
    halo: usize,
    wrap_columns: bool,
    window: Window,
    tiles: Vec<Tile>,
}

impl Tiling {
    /// Tiles of `tile` x `tile` cells every `stride` cells of a plane, without halo, blended by
    /// [`Window::HannHalfSample`].
    ///
    /// # Errors
    /// [`GridError::Argument`] where a tile is empty or larger than the plane, or the stride is 0 or larger than
    /// the tile.
    pub fn new(rows: usize, columns: usize, tile: usize, stride: usize) -> GridResult<Tiling> {
        let tiling = Tiling {
            rows,
            columns,
            tile,
            stride,
            halo: 0,
            wrap_columns: false,
            window: Window::HannHalfSample,
            tiles: Vec::new(),
        };
        tiling.laid_out()
    }

    /// The same with a halo of `halo` cells.
    ///
    /// # Errors
    /// [`GridError::Argument`] where the cores then do not cover the plane (`stride > tile - 2 halo`).
    pub fn with_halo(mut self, halo: usize) -> GridResult<Tiling> {
        self.halo = halo;
        self.laid_out()
    }

    /// The same with columns that go around the globe, so that no column is a border.
    ///
    /// # Errors
    /// As [`Tiling::new`].
    pub fn wrapping(mut self) -> GridResult<Tiling> {
        self.wrap_columns = true;
        self.laid_out()
    }

    /// The same blended by another window.
    pub fn with_window(mut self, window: Window) -> Tiling {
        self.window = window;
        self
    }

    /// The tiling of a plane `factor` times as fine, tile for tile: cut coarse tiles by `self`, stitch fine ones by
    /// this.
    ///
    /// # Errors
    /// [`GridError::Argument`] where `factor` is 0.
    pub fn refine(&self, factor: usize) -> GridResult<Tiling> {
        let mut fine = Tiling {
            rows: self.rows * factor,
            columns: self.columns * factor,
            tile: self.tile * factor,
            stride: self.stride * factor,
            halo: self.halo * factor,
            ..self.clone()
        };
        fine.check()?;
        fine.tiles = self.tiles.iter().map(|t| Tile { row: t.row * factor, column: t.column * factor }).collect();
        Ok(fine)
    }

    fn check(&self) -> GridResult<()> {
        let Tiling { rows, columns, tile, stride, halo, .. } = *self;
        if tile == 0 || tile > rows || tile > columns {
            return Err(GridError::Argument(format!(
                "tiles of {tile} x {tile} cells do not fit a plane of {rows} x {columns}; use tiles of 1 to {} cells",
                rows.min(columns)
            )));
        }
        if stride == 0 || stride + 2 * halo > tile {
            return Err(GridError::Argument(format!(
                "tiles of {tile} cells with a halo of {halo} every {stride} cells do not cover the plane; the stride must \
                 be from 1 to tile - 2 halo"
            )));
        }
        Ok(())
    }

    fn laid_out(mut self) -> GridResult<Tiling> {
        self.check()?;
        let columns: Vec<usize> = if self.wrap_columns {
            (0..self.columns).step_by(self.stride).collect()
        } else {
            tile_starts(self.columns, self.tile, self.stride)
        };
        self.tiles = tile_starts(self.rows, self.tile, self.stride)
            .into_iter()
            .flat_map(|row| columns.iter().map(move |column| Tile { row, column: *column }))
            .collect();
        Ok(self)
    }

    /// The tiles in row-major order.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Number of tiles.
    pub fn len(&self) -> usize {
        self.tiles.len()
    }

    /// Never true: a tiling has at least one tile.
    pub fn is_empty(&self) -> bool {
        self.tiles.is_empty()
    }

    /// `[rows, columns]` of the plane.
    pub fn plane_shape(&self) -> [usize; 2] {
        [self.rows, self.columns]
    }

    /// Cells along one side of a tile.
    pub fn tile_size(&self) -> usize {
        self.tile
    }

    /// The tile `index`.
    ///
    /// # Errors
    /// [`GridError::Argument`] where there is no such tile.
    pub fn tile(&self, index: usize) -> GridResult<Tile> {
        self.tiles
            .get(index)
            .copied()
            .ok_or_else(|| GridError::Argument(format!("tile {index} does not exist; there are {} tiles", self.len())))
    }

    /// The cells of tile `index` in row-major order.
    ///
    /// # Errors
    /// [`GridError::Length`] where `plane` does not fit; [`GridError::Argument`] where there is no such tile.
    pub fn cut<T: Sample>(&self, plane: &[T], index: usize) -> GridResult<Vec<T>> {
        check_plane("the plane to cut", plane.len(), self.rows, self.columns)?;
        let tile = self.tile(index)?;
        let line = |y: usize| (0..self.tile).map(move |x| plane[self.position(tile, y, x)]);
        Ok((0..self.tile).flat_map(line).collect())
    }

    /// Position in the plane of cell (y, x) of a tile.
    pub(crate) fn position(&self, tile: Tile, y: usize, x: usize) -> usize {
        // A tile never runs past the last column unless columns go around.
        (tile.row + y) * self.columns + (tile.column + x) % self.columns
    }

    /// The weights of a tile's cells in row-major order: the window's product, 0 in the halo.
    ///
    /// # Errors
    /// [`GridError::Argument`] where there is no such tile.
    pub fn weights(&self, index: usize) -> GridResult<Vec<f64>> {
        let tile = self.tile(index)?;
        let axis = |start: usize, length: usize, border: bool| -> Vec<Option<f64>> {
            let cut_low = if border && start == 0 { 0 } else { self.halo };
            let cut_high = if border && start + self.tile == length { 0 } else { self.halo };
            let window = self.window.weights(self.tile);
            let core = cut_low..self.tile - cut_high;
            window.into_iter().enumerate().map(|(i, w)| core.contains(&i).then_some(w)).collect()
        };
        let least = if self.window.reaches_zero() { LEAST_WEIGHT } else { 0.0 };
        let down = axis(tile.row, self.rows, true);
        let along = axis(tile.column, self.columns, !self.wrap_columns);
        let product = |y: &Option<f64>, x: &Option<f64>| y.zip(*x).map_or(0.0, |(y, x)| (y * x).max(least));
        Ok(down.iter().flat_map(|y| along.iter().map(move |x| product(y, x))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halo_is_kept_at_the_border_only() {
        let tiling = Tiling::new(8, 8, 4, 2).unwrap().with_halo(1).unwrap().with_window(Window::Rectangle);
        assert_eq!(tiling.len(), 9);
        // the first tile touches the upper and left borders: rows 0..3 and columns 0..3 of its 4 x 4 cells count
        let weights = tiling.weights(0).unwrap();
        let want: Vec<f64> = (0..16).map(|i| if i / 4 < 3 && i % 4 < 3 { 1.0 } else { 0.0 }).collect();
        assert_eq!(weights, want);
        assert_eq!(tiling.weights(4).unwrap().iter().sum::<f64>(), 4.0);
    }

    #[test]
    fn around_the_globe_no_column_is_a_border() {
        let tiling = Tiling::new(4, 10, 4, 3).unwrap().wrapping().unwrap();
        assert_eq!(tiling.tiles().iter().map(|t| t.column).collect::<Vec<_>>(), [0, 3, 6, 9]);
        let plane: Vec<f32> = (0..40).map(|i| i as f32).collect();
        assert_eq!(tiling.cut(&plane, 3).unwrap()[..4], [9.0, 0.0, 1.0, 2.0]);
    }

    #[test]
    fn tilings_that_cannot_be_are_refused() {
        assert!(Tiling::new(8, 8, 9, 4).is_err());
        assert!(Tiling::new(8, 8, 4, 0).is_err());
        assert!(Tiling::new(8, 8, 4, 5).is_err());
        assert!(Tiling::new(8, 8, 4, 3).unwrap().with_halo(1).is_err());
        let tiling = Tiling::new(8, 8, 4, 4).unwrap();
        assert!(tiling.refine(0).is_err());
        assert!(tiling.tile(4).is_err());
        assert!(tiling.cut(&[0.0_f32; 5], 0).is_err());
    }
}

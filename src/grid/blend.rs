//! Putting overlapping tiles together: the weighted mean of all tiles that hold a cell.

use std::collections::BTreeMap;

use super::error::{GridError, GridResult};
use super::plane::{Sample, check_plane};
use super::tiling::Tiling;

/// Tiles on their way to a plane. They may come in any order; sums are taken in the tiling's order, so the result
/// is the same to the bit. A tile that comes early waits for those before it.
///
/// # Formula
/// ```text
/// out = Σ w x / Σ w      over the tiles that hold the cell
/// ```
///
/// # Example
/// ```
/// use isotherm::grid::{Blend, Tiling};
/// let tiling = Tiling::new(4, 6, 4, 2).unwrap();
/// let mut blend = Blend::new(&tiling);
/// blend.add(1, vec![3.0_f32; 16]).unwrap();
/// blend.add(0, vec![3.0_f32; 16]).unwrap();
/// assert_eq!(blend.finish().unwrap(), vec![3.0; 24]);
/// ```
pub struct Blend<'a, T> {
    tiling: &'a Tiling,
    sums: Vec<f64>,
    weights: Vec<f64>,
    /// The first tile not yet summed.
    next: usize,
    waiting: BTreeMap<usize, Vec<T>>,
}

/// What a blend that some tiles are missing from has made.
#[derive(Clone, Debug, PartialEq)]
pub struct Covered<T> {
    /// The plane; 0 where no tile gave a value.
    pub values: Vec<T>,
    /// Which cells some tile gave a value.
    pub covered: Vec<bool>,
}

impl<'a, T: Sample> Blend<'a, T> {
    /// A blend without tiles yet.
    pub fn new(tiling: &'a Tiling) -> Blend<'a, T> {
        let [rows, columns] = tiling.plane_shape();
        let cells = rows * columns;
        Blend { tiling, sums: vec![0.0; cells], weights: vec![0.0; cells], next: 0, waiting: BTreeMap::new() }
    }

    /// Adds tile `index`.
    ///
    /// # Errors
    /// [`GridError::Argument`] where there is no such tile or it was added before; [`GridError::Length`] where it
    /// has another size.
    pub fn add(&mut self, index: usize, tile: Vec<T>) -> GridResult<()> {
        self.tiling.tile(index)?;
        let size = self.tiling.tile_size();
        check_plane("the tile", tile.len(), size, size)?;
        if index < self.next || self.waiting.contains_key(&index) {
            return Err(GridError::Argument(format!("tile {index} was added twice; each tile is wanted once")));
        }
        self.waiting.insert(index, tile);
        while let Some(tile) = self.waiting.remove(&self.next) {
            self.sum(self.next, &tile)?;
            self.next += 1;
        }
        Ok(())
    }

    fn sum(&mut self, index: usize, values: &[T]) -> GridResult<()> {
        let (tile, size) = (self.tiling.tile(index)?, self.tiling.tile_size());
        let weights = self.tiling.weights(index)?;
        for (i, (weight, value)) in weights.iter().zip(values).enumerate() {
            if *weight > 0.0 {
                let cell = self.tiling.position(tile, i / size, i % size);
                self.sums[cell] += weight * value.to_f64();
                self.weights[cell] += weight;
            }
        }
        Ok(())
    }

    /// The plane, all tiles being there.
    ///
    /// # Errors
    /// [`GridError::Argument`] where a tile is missing.
    pub fn finish(self) -> GridResult<Vec<T>> {
        if self.next < self.tiling.len() {
            return Err(GridError::Argument(format!(
                "tile {} of {} is missing; add it, or ask for the covered part only",
                self.next,
                self.tiling.len()
            )));
        }
        Ok(self.finish_covered()?.values)
    }

    /// The plane as far as the tiles added cover it, for tilings whose tiles on land are skipped.
    ///
    /// # Errors
    /// Never for tiles that [`Blend::add`] took; the signature is that of its parts.
    pub fn finish_covered(mut self) -> GridResult<Covered<T>> {
        for (index, tile) in std::mem::take(&mut self.waiting) {
            self.sum(index, &tile)?;
        }
        let quotient = |(sum, weight): (&f64, &f64)| if *weight > 0.0 { T::from_f64(sum / weight) } else { T::default() };
        let values = self.sums.iter().zip(&self.weights).map(quotient).collect();
        Ok(Covered { values, covered: self.weights.iter().map(|w| *w > 0.0).collect() })
    }
}

impl Tiling {
    /// The sum of all tiles' weights at each cell.
    ///
    /// # Errors
    /// Never for a tiling that its constructor made; the signature is that of its parts.
    pub fn weight_sum(&self) -> GridResult<Vec<f64>> {
        let mut blend: Blend<'_, f32> = Blend::new(self);
        let blank = vec![0.0; self.tile_size() * self.tile_size()];
        (0..self.len()).try_for_each(|index| blend.sum(index, &blank))?;
        Ok(blend.weights)
    }

    /// The plane made of all tiles, given in the tiling's order.
    ///
    /// # Errors
    /// [`GridError::Argument`] where there are too few or too many tiles; [`GridError::Length`] where one has another
    /// size.
    pub fn stitch<T: Sample>(&self, tiles: &[Vec<T>]) -> GridResult<Vec<T>> {
        let mut blend = Blend::new(self);
        tiles.iter().enumerate().try_for_each(|(index, tile)| blend.add(index, tile.clone()))?;
        blend.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Interpolation, Window, upsample_plane};
    use super::*;

    #[test]
    fn two_tiles_by_hand() {
        // a row pair of 2 x 3 cells, tiles of 2 at columns 0 and 1: the middle column is the mean of both
        let tiling = Tiling::new(2, 3, 2, 1).unwrap();
        let got = tiling.stitch(&[vec![1.0_f64; 4], vec![5.0; 4]]).unwrap();
        assert!(got.iter().zip([1.0, 3.0, 5.0, 1.0, 3.0, 5.0]).all(|(a, b)| (a - b).abs() < 1e-14), "{got:?}");
        assert!(tiling.stitch(&[vec![1.0_f64; 4]]).is_err());
        assert!(tiling.stitch(&[vec![1.0_f64; 4], vec![5.0; 3]]).is_err());
    }

    #[test]
    fn a_tile_left_out_leaves_its_cells_uncovered() {
        let tiling = Tiling::new(2, 4, 2, 2).unwrap();
        let mut blend = Blend::new(&tiling);
        blend.add(1, vec![7.0_f32; 4]).unwrap();
        assert!(blend.add(1, vec![7.0; 4]).is_err());
        let got = blend.finish_covered().unwrap();
        assert_eq!(got.values, [0.0, 0.0, 7.0, 7.0, 0.0, 0.0, 7.0, 7.0]);
        assert_eq!(got.covered, [false, false, true, true, false, false, true, true]);
    }

    #[test]
    fn windows_that_reach_zero_still_cover_the_corners() {
        for window in [Window::HannSymmetric, Window::HannPeriodic, Window::Tukey { taper: 0.5 }] {
            let tiling = Tiling::new(9, 11, 6, 3).unwrap().with_window(window);
            let plane: Vec<f64> = (0..99).map(|i| (i as f64).cos()).collect();
            let tiles: Vec<_> = (0..tiling.len()).map(|i| tiling.cut(&plane, i).unwrap()).collect();
            let got = tiling.stitch(&tiles).unwrap();
            assert!(got.iter().zip(&plane).all(|(a, b)| (a - b).abs() < 1e-9), "{window:?}");
        }
    }

    proptest! {
        #[test]
        fn tiles_cut_from_a_plane_give_it_back(
            rows in 4usize..12, columns in 4usize..12, stride in 1usize..3, halo in 0usize..2, wrap: bool, factor in 1usize..3
        ) {
            let mut tiling = Tiling::new(rows, columns, 4, stride).unwrap().with_halo(halo).unwrap();
            if wrap {
                tiling = tiling.wrapping().unwrap();
            }
            let plane: Vec<f64> = (0..rows * columns).map(|i| ((i * i) as f64).sin()).collect();
            let fine = tiling.refine(factor).unwrap();
            let tiles: Vec<Vec<f64>> = (0..tiling.len())
                .map(|i| upsample_plane(&tiling.cut(&plane, i).unwrap(), 4, 4, factor, Interpolation::Nearest, false))
                .collect();
            let got = fine.stitch(&tiles).unwrap();
            let want = upsample_plane(&plane, rows, columns, factor, Interpolation::Nearest, false);
            prop_assert!(got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-12));
        }

        #[test]
        fn the_order_of_tiles_changes_no_bit(
            order in Just((0..12).collect::<Vec<usize>>()).prop_shuffle(), values in prop::collection::vec(-2.0f32..40.0, 12 * 16)
        ) {
            let tiling = Tiling::new(8, 10, 4, 2).unwrap();
            prop_assert_eq!(tiling.len(), 12);
            let tiles: Vec<Vec<f32>> = values.chunks(16).map(<[f32]>::to_vec).collect();
            let mut blend = Blend::new(&tiling);
            for index in order {
                blend.add(index, tiles[index].clone()).unwrap();
            }
            let shuffled: Vec<u32> = blend.finish().unwrap().iter().map(|v| v.to_bits()).collect();
            let ordered: Vec<u32> = tiling.stitch(&tiles).unwrap().iter().map(|v| v.to_bits()).collect();
            prop_assert_eq!(shuffled, ordered);
        }
    }
}

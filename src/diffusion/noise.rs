//! Standard normal noise that belongs to places: a cell's number depends on the seed, the member, the draw, the channel,
//! its row and its column, and on nothing else.
//!
//! So overlapping tiles that are cut from one map share their noise, a member of an ensemble does not depend on how many
//! others there are, and neither threads nor the order of drawing change a bit.

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;

use super::error::DiffusionResult;
use crate::base::random::Random;

/// The noise of one member of an ensemble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoiseField {
    seed: u64,
    name: String,
}

impl NoiseField {
    /// The noise of member `member` under `seed`.
    pub fn new(seed: u64, member: u64) -> NoiseField {
        NoiseField { seed, name: format!("diffusion noise/member {member}") }
    }

    /// Noise that belongs to tile `index` alone, independent of the map's and of other tiles'.
    pub fn of_tile(&self, index: usize) -> NoiseField {
        NoiseField { seed: self.seed, name: format!("{}/tile {index}", self.name) }
    }

    /// The cells of rows `row..row + rows` and columns `column..column + columns` of a draw, in row-major order.
    ///
    /// # Example
    /// ```
    /// use isotherm::diffusion::NoiseField;
    /// let field = NoiseField::new(7, 0);
    /// let whole = field.window(2, 0, [0, 0], [3, 4]);
    /// assert_eq!(field.window(2, 0, [1, 2], [1, 2]), whole[6..8]);
    /// ```
    pub fn window(&self, draw: usize, channel: usize, [row, column]: [usize; 2], [rows, columns]: [usize; 2]) -> Vec<f64> {
        let stream = Random::new(self.seed, &format!("{}/draw {draw}/channel {channel}", self.name));
        let line = |row: usize| {
            // A normal number takes exactly one block, so the column is the block.
            let mut random = stream.child(row as u64).at(column as u64);
            (0..columns).map(move |_| random.normal()).collect::<Vec<f64>>()
        };
        (row..row + rows).into_par_iter().map(line).collect::<Vec<_>>().concat()
    }

    /// A whole draw as a tensor `[1, channels, rows, columns]`.
    ///
    /// # Errors
    /// [`DiffusionError::Nn`](super::DiffusionError::Nn) from the device.
    pub fn tensor(
        &self,
        draw: usize,
        [channels, rows, columns]: [usize; 3],
        dtype: DType,
        device: &Device,
    ) -> DiffusionResult<Tensor> {
        let values: Vec<f64> = (0..channels).flat_map(|c| self.window(draw, c, [0, 0], [rows, columns])).collect();
        Ok(Tensor::from_vec(values, (1, channels, rows, columns), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?)
    }
}

/// The noise of members `members` of an ensemble as `[members, channels, rows, columns]`: a batch that samples them
/// together. Each member's numbers are those of its own [`NoiseField`].
///
/// # Errors
/// [`DiffusionError::Nn`](super::DiffusionError::Nn) from the device, also where there is no member.
pub fn ensemble_noise(
    seed: u64,
    members: std::ops::Range<u64>,
    draw: usize,
    shape: [usize; 3],
    dtype: DType,
    device: &Device,
) -> DiffusionResult<Tensor> {
    let fields = members
        .map(|member| NoiseField::new(seed, member).tensor(draw, shape, dtype, device))
        .collect::<DiffusionResult<Vec<_>>>()?;
    Ok(Tensor::cat(&fields, 0)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_window_is_a_cut_of_the_whole(row in 0usize..6, column in 0usize..7, rows in 1usize..5, columns in 1usize..4) {
            let field = NoiseField::new(11, 2);
            let whole = field.window(3, 1, [0, 0], [12, 12]);
            let cut: Vec<f64> = (row..row + rows).flat_map(|y| whole[12 * y + column..12 * y + column + columns].to_vec()).collect();
            prop_assert_eq!(field.window(3, 1, [row, column], [rows, columns]), cut);
        }
    }

    #[test]
    fn everything_but_the_place_in_the_batch_changes_the_noise() {
        let one = |seed, member, draw, channel| NoiseField::new(seed, member).window(draw, channel, [0, 0], [2, 2]);
        let base = one(1, 0, 0, 0);
        for other in [one(2, 0, 0, 0), one(1, 1, 0, 0), one(1, 0, 1, 0), one(1, 0, 0, 1)] {
            assert!(base.iter().zip(&other).all(|(a, b)| a != b));
        }
        let tile = |i| NoiseField::new(1, 0).of_tile(i).window(0, 0, [0, 0], [2, 2]);
        assert!(base != tile(0) && tile(0) != tile(1));
        let batch = ensemble_noise(1, 3..6, 2, [2, 3, 4], DType::F64, &Device::Cpu).unwrap();
        let own = NoiseField::new(1, 4).tensor(2, [2, 3, 4], DType::F64, &Device::Cpu).unwrap();
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(values(&batch.narrow(0, 1, 1).unwrap()), values(&own));
    }

    #[test]
    fn cells_are_standard_normal_and_independent() {
        let n = 300;
        let x = NoiseField::new(5, 0).window(0, 0, [0, 0], [n, n]);
        let mean = |f: &dyn Fn(usize, usize) -> f64| {
            (0..n - 1).flat_map(|y| (0..n - 1).map(move |x| (y, x))).map(|(y, x)| f(y, x)).sum::<f64>()
                / ((n - 1) * (n - 1)) as f64
        };
        let at = |y: usize, i: usize| x[y * n + i];
        // five standard errors of 89,401 cells: 0.0167 for means and products, 0.0237 for squares
        assert!(mean(&at).abs() < 0.0168);
        assert!((mean(&|y, i| at(y, i).powi(2)) - 1.0).abs() < 0.0237);
        for (dy, dx) in [(0, 1), (1, 0), (1, 1)] {
            assert!(mean(&|y, i| at(y, i) * at(y + dy, i + dx)).abs() < 0.0168);
        }
    }
}

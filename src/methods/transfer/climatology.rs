//! What is usual on a day of the year.

use std::f64::consts::TAU;

use crate::methods::error::{MethodError, MethodResult};

/// Numbers of each cell: a mean and one yearly wave.
const TERMS: usize = 3;

/// A mean and one yearly wave in each cell, by least squares.
#[derive(Clone, Debug, PartialEq)]
pub struct YearlyClimatology {
    coefficients: Vec<[f32; TERMS]>,
}

fn terms(year_part: f64) -> [f64; TERMS] {
    let angle = TAU * year_part;
    [1.0, angle.cos(), angle.sin()]
}

impl YearlyClimatology {
    /// Fitted to planes of days at these times of the year (0 to 1).
    ///
    /// # Errors
    /// [`MethodError::Argument`] where there are too few days, or days of too small a part of the year, to tell the wave from
    /// the mean.
    ///
    /// # Example
    /// ```
    /// use isotherm::methods::transfer::YearlyClimatology;
    /// // Four days, a cell: 5 at new year, 1 in July, 3 between.
    /// let days = [(0.0, [5f32]), (0.25, [3.0]), (0.5, [1.0]), (0.75, [3.0])];
    /// let usual = YearlyClimatology::fit(days.iter().map(|(part, plane)| (*part, plane.as_slice()))).unwrap();
    /// assert!((usual.at(0.5)[0] - 1.0).abs() < 1e-5);
    /// ```
    pub fn fit<'a>(days: impl Iterator<Item = (f64, &'a [f32])>) -> MethodResult<YearlyClimatology> {
        let mut normal = [[0.0; TERMS]; TERMS];
        let mut right: Vec<[f64; TERMS]> = Vec::new();
        for (year_part, plane) in days {
            let terms = terms(year_part);
            for (row, a) in normal.iter_mut().zip(terms) {
                row.iter_mut().zip(terms).for_each(|(cell, b)| *cell += a * b);
            }
            right.resize(plane.len(), [0.0; TERMS]);
            for (sums, value) in right.iter_mut().zip(plane) {
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term * f64::from(*value));
            }
        }
        let inverse = inverted(normal).ok_or_else(|| {
            MethodError::Argument(
                "a yearly climatology: the days are too few or too near to each other in the year; at least three, spread \
                 over it, are wanted"
                    .to_string(),
            )
        })?;
        let solve = |sums: [f64; TERMS]| inverse.map(|row| row.iter().zip(sums).map(|(a, b)| a * b).sum::<f64>() as f32);
        Ok(YearlyClimatology { coefficients: right.into_iter().map(solve).collect() })
    }

    /// The plane of a time of the year.
    pub fn at(&self, year_part: f64) -> Vec<f32> {
        let [mean, cosine, sine] = terms(year_part).map(|v| v as f32);
        self.coefficients.iter().map(|c| c[0] * mean + c[1] * cosine + c[2] * sine).collect()
    }
}

/// The inverse of a symmetric matrix by cofactors; none where it is next to singular.
fn inverted(m: [[f64; 3]; 3]) -> Option<[[f64; 3]; 3]> {
    let cofactor = |i: usize, j: usize| {
        let (a, b, c, d) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant: f64 = (0..3).map(|j| m[0][j] * cofactor(0, j)).sum();
    let size = m[0][0] * m[1][1] * m[2][2];
    (determinant.abs() > 1e-6 * size.abs() && size > 0.0)
        .then(|| std::array::from_fn(|i| std::array::from_fn(|j| cofactor(j, i) / determinant)))
}

/// `Σ` of the least-squares problem of three columns without constant: the coefficients; none where the columns depend on each
/// other.
pub(super) fn least_squares(normal: [[f64; 3]; 3], right: [f64; 3]) -> Option<[f64; 3]> {
    inverted(normal).map(|inverse| inverse.map(|row| row.iter().zip(right).map(|(a, b)| a * b).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yearly_wave_comes_back() {
        let planes: Vec<(f64, Vec<f32>)> = (0..40)
            .map(|d| {
                let part = d as f64 / 37.0 % 1.0;
                let wave = (TAU * (part - 0.2)).cos() as f32;
                (part, vec![2.0 + 0.5 * wave, -1.0, 3.0 * wave])
            })
            .collect();
        let usual = YearlyClimatology::fit(planes.iter().map(|(p, v)| (*p, v.as_slice()))).unwrap();
        let found = usual.at(0.2);
        for (value, wanted) in found.iter().zip([2.5f32, -1.0, 3.0]) {
            assert!((value - wanted).abs() < 1e-4, "{found:?}");
        }
    }

    #[test]
    fn days_that_tell_nothing_of_the_year_are_refused() {
        let plane = [1.0f32];
        for parts in [vec![], vec![0.5], vec![0.5; 30], vec![0.5, 0.5001, 0.5002]] {
            let sentence = YearlyClimatology::fit(parts.into_iter().map(|p| (p, plane.as_slice()))).unwrap_err().to_string();
            assert!(sentence.contains("spread"), "{sentence}");
        }
    }

    #[test]
    fn the_inverse_by_hand() {
        // diag(2, 4, 5) with 1 beside the first two: determinant 5 (8 - 1) = 35
        let found = inverted([[2.0, 1.0, 0.0], [1.0, 4.0, 0.0], [0.0, 0.0, 5.0]]).unwrap();
        for (a, b) in found.concat().iter().zip([4.0 / 7.0, -1.0 / 7.0, 0.0, -1.0 / 7.0, 2.0 / 7.0, 0.0, 0.0, 0.0, 0.2]) {
            assert!((a - b).abs() < 1e-12);
        }
        assert_eq!(least_squares([[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 8.0]], [2.0, 2.0, 2.0]), Some([1.0, 0.5, 0.25]));
    }
}

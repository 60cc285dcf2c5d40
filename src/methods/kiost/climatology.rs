//! The seasonal cycle of a series as a mean and a few harmonics of the year, by least squares.

use crate::grid::SECONDS_PER_DAY;

/// Days of a year.
const YEAR: f64 = 365.25;

/// The values of the basis at an instant: 1, and cosine and sine of each harmonic of the year.
pub(super) fn basis(seconds: f64, harmonics: usize) -> Vec<f64> {
    let angle = std::f64::consts::TAU * seconds / (YEAR * SECONDS_PER_DAY);
    let pairs = (1..=harmonics).flat_map(|k| [(k as f64 * angle).cos(), (k as f64 * angle).sin()]);
    std::iter::once(1.0).chain(pairs).collect()
}

/// The sum of basis times coefficients.
pub(super) fn evaluate(basis: &[f64], coefficients: &[f64]) -> f64 {
    basis.iter().zip(coefficients).map(|(b, c)| b * c).sum()
}

/// The normal equations of a least-squares fit, gathered sample by sample.
#[derive(Clone, Debug)]
pub(super) struct LeastSquares {
    /// The upper triangle, row by row.
    matrix: Vec<f64>,
    right: Vec<f64>,
    samples: usize,
}

impl LeastSquares {
    /// For this number of coefficients.
    pub fn new(coefficients: usize) -> LeastSquares {
        LeastSquares { matrix: vec![0.0; coefficients * (coefficients + 1) / 2], right: vec![0.0; coefficients], samples: 0 }
    }

    /// Takes one sample.
    pub fn add(&mut self, basis: &[f64], value: f64) {
        let mut entry = self.matrix.iter_mut();
        for (i, (a, right)) in basis.iter().zip(&mut self.right).enumerate() {
            *right += a * value;
            for b in &basis[i..] {
                if let Some(entry) = entry.next() {
                    *entry += a * b;
                }
            }
        }
        self.samples += 1;
    }

    /// The coefficients, by Cholesky's factorisation; `ridge` times the number of samples is added to the diagonal, but for
    /// the first entry. None where there are fewer samples than coefficients or they do not tell them apart.
    pub fn solve(&self, ridge: f64) -> Option<Vec<f64>> {
        let n = self.right.len();
        if self.samples < n {
            return None;
        }
        let at = |i: usize, j: usize| {
            let (i, j) = (i.min(j), i.max(j));
            let value = self.matrix[i * n - i * (i + 1) / 2 + j];
            if i == j && i > 0 { value + ridge * self.samples as f64 } else { value }
        };
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let inner: f64 = (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
                let rest = at(i, j) - inner;
                if i == j {
                    if rest <= 1e-10 * at(i, i) {
                        return None;
                    }
                    lower[i * n + i] = rest.sqrt();
                } else {
                    lower[i * n + j] = rest / lower[j * n + j];
                }
            }
        }
        let mut x = self.right.clone();
        for i in 0..n {
            let inner: f64 = (0..i).map(|k| lower[i * n + k] * x[k]).sum();
            x[i] = (x[i] - inner) / lower[i * n + i];
        }
        for i in (0..n).rev() {
            let inner: f64 = (i + 1..n).map(|k| lower[k * n + i] * x[k]).sum();
            x[i] = (x[i] - inner) / lower[i * n + i];
        }
        Some(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basis_goes_around_in_a_year() {
        let b = basis(YEAR * SECONDS_PER_DAY / 4.0, 2);
        for (got, want) in b.iter().zip([1.0, 0.0, 1.0, -1.0, 0.0]) {
            assert!((got - want).abs() < 1e-12, "{b:?}");
        }
        assert_eq!(basis(7.0, 0), [1.0]);
    }

    #[test]
    fn a_seasonal_cycle_comes_back() {
        let truth = [16.0, -9.0, 3.0, 0.5, -0.25];
        let mut fit = LeastSquares::new(5);
        for day in 0..200 {
            let b = basis(f64::from(day) * SECONDS_PER_DAY, 2);
            fit.add(&b, evaluate(&b, &truth));
        }
        for (got, want) in fit.solve(0.0).unwrap().iter().zip(truth) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
    }

    #[test]
    fn by_hand() {
        // y = 1 + 2 x through (0, 1), (1, 3), (2, 5); with a ridge of 2/3 of three samples: the sum of squares about the
        // mean is 2, so about the mean the slope would be 4 / (2 + 2) = 1
        let mut fit = LeastSquares::new(2);
        [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)].into_iter().for_each(|(x, y)| fit.add(&[1.0, x], y));
        let plain = fit.solve(0.0).unwrap();
        assert!((plain[0] - 1.0).abs() < 1e-12 && (plain[1] - 2.0).abs() < 1e-12);
        let ridged = fit.solve(2.0 / 3.0).unwrap();
        assert!((ridged[1] - 1.0).abs() < 1e-12 && (ridged[0] - 2.0).abs() < 1e-12, "{ridged:?}");
    }

    #[test]
    fn what_the_samples_do_not_tell_is_not_made_up() {
        let mut fit = LeastSquares::new(2);
        fit.add(&[1.0, 3.0], 1.0);
        assert_eq!(fit.solve(0.0), None);
        fit.add(&[1.0, 3.0], 2.0);
        assert_eq!(fit.solve(0.0), None);
    }
}

//! The semivariance of a regular plane at every lag vector, by Fourier transforms.

use rustfft::num_complex::Complex;
use serde::{Deserialize, Serialize};

use super::bins::{LagBins, Variogram};
use super::direction::LagDirection;
use super::estimator::VariogramEstimator;
use crate::score::error::{ScoreError, ScoreResult};
use crate::score::spectrum::{PlaneTransform, TransformBuffers, fast_length};

/// The semivariances of a plane for every lag of (rows, columns) up to a largest one.
///
/// A lag and its opposite are the same pairs, so that row lags begin at 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LagMap {
    rows: usize,
    columns: usize,
    /// Whether the plane has no larger lag along (rows, columns).
    complete: [bool; 2],
    /// Pairs at (row lag, column lag) at `row_lag * (2 columns + 1) + columns + column_lag`.
    pairs: Vec<u64>,
    /// Sums of the squared increments.
    squares: Vec<f64>,
}

impl LagMap {
    /// The map of a plane of `rows` x `columns` with lags up to `row_lag` and, either way, `column_lag` (cut to the
    /// plane's size).
    ///
    /// # Formula
    /// ```text
    /// N(h) = Σ m(s) m(s+h),   2 N(h) γ(h) = Σ m(s) m(s+h) (z(s+h) − z(s))²
    ///      = corr(m z², m) + corr(m, m z²) − 2 corr(m z, m z)
    /// ```
    /// with m = 1 at valid cells, else 0, and correlations by Fourier transforms of planes padded with zeros. Values are
    /// taken from their mean first, so that few digits cancel: the error is about 10⁻¹⁵ of the plane's variance.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for buffers that do not fit, [`ScoreError::NotFinite`] for a valid cell that is not finite,
    /// [`ScoreError::TooFew`] without a valid cell.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::LagMap;
    /// let map = LagMap::of(&[0.0, 1.0, 4.0], 1, 3, None, 0, 2).unwrap();
    /// assert_eq!((map.pairs(0, 1), map.pairs(0, 2)), (2, 1));
    /// assert!((map.semivariance(0, 1).unwrap() - (1.0 + 9.0) / 4.0).abs() < 1e-12);
    /// ```
    ///
    /// # Reference
    /// Marcotte (1996), doi:10.1016/S0098-3004(96)00026-X
    pub fn of(
        values: &[f64],
        rows: usize,
        columns: usize,
        valid: Option<&[bool]>,
        row_lag: usize,
        column_lag: usize,
    ) -> ScoreResult<LagMap> {
        let mean = checked_mean(values, rows, columns, valid)?;
        let (row_lag, column_lag) = (row_lag.min(rows - 1), column_lag.min(columns - 1));
        // Padding that keeps lags of both signs apart.
        let (high, wide) = (fast_length(rows + row_lag), fast_length(columns + column_lag));
        let transform = PlaneTransform::new(high, wide);
        let mut spectra = [TransformBuffers::default(), TransformBuffers::default(), TransformBuffers::default()];
        for (power, buffers) in spectra.iter_mut().enumerate() {
            transform.forward(buffers, rows, |y, line| {
                for (x, out) in line[..columns].iter_mut().enumerate() {
                    let i = y * columns + x;
                    if valid.is_none_or(|v| v[i]) {
                        *out = (values[i] - mean).powi(power as i32);
                    }
                }
            });
        }
        let [mut mask, first, mut second] = spectra.map(|b| b.spectrum);
        for ((m, z), q) in mask.iter_mut().zip(&first).zip(&mut second) {
            *q = Complex::new(2.0 * (q.re * m.re + q.im * m.im - z.norm_sqr()), 0.0);
            *m = Complex::new(m.norm_sqr(), 0.0);
        }
        let counts = transform.backward(&mut mask, row_lag + 1);
        let sums = transform.backward(&mut second, row_lag + 1);
        let width = 2 * column_lag + 1;
        let scale = 1.0 / (high * wide) as f64;
        let (mut pairs, mut squares) = (vec![0; (row_lag + 1) * width], vec![0.0; (row_lag + 1) * width]);
        for dy in 0..=row_lag {
            for k in 0..width {
                let from = dy * wide + (k + wide - column_lag) % wide;
                let count = (counts[from] * scale).round();
                pairs[dy * width + k] = count as u64;
                // No cell differs from itself, whatever rounding says; nor is a sum of squares negative.
                let itself = dy == 0 && k == column_lag;
                squares[dy * width + k] = if itself || count < 1.0 { 0.0 } else { (sums[from] * scale).max(0.0) };
            }
        }
        Ok(LagMap {
            rows: row_lag,
            columns: column_lag,
            complete: [row_lag + 1 == rows, column_lag + 1 == columns],
            pairs,
            squares,
        })
    }

    /// The largest lags of the map.
    pub fn largest(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    fn position(&self, row_lag: isize, column_lag: isize) -> Option<usize> {
        let sign = if row_lag < 0 { -1 } else { 1 };
        let (dy, dx) = (row_lag.unsigned_abs(), sign * column_lag);
        (dy <= self.rows && dx.unsigned_abs() <= self.columns)
            .then(|| dy * (2 * self.columns + 1) + (self.columns as isize + dx) as usize)
    }

    /// Number of pairs of valid cells at a lag; 0 beyond the map.
    pub fn pairs(&self, row_lag: isize, column_lag: isize) -> u64 {
        self.position(row_lag, column_lag).map_or(0, |i| self.pairs[i])
    }

    /// Semivariance at a lag (Matheron), none without a pair.
    pub fn semivariance(&self, row_lag: isize, column_lag: isize) -> Option<f64> {
        let i = self.position(row_lag, column_lag)?;
        (self.pairs[i] > 0).then(|| 0.5 * self.squares[i] / self.pairs[i] as f64)
    }

    /// The semivariogram by distance, of all pairs or of those along a direction, each once; cells are `row_spacing` and
    /// `column_spacing` apart, and rows run along the y axis of the direction.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for spacings that are not positive, and for a map that is too small for the bins.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::{LagBins, LagMap};
    /// let map = LagMap::of(&[0.0, 1.0, 4.0], 1, 3, None, 0, 2).unwrap();
    /// let variogram = map.variogram(&LagBins::even(20.0, 2).unwrap(), 10.0, 10.0, None).unwrap();
    /// assert_eq!(variogram.bins[1].pairs, 2); // at distance 10; the pair at 20 is on the last edge
    /// ```
    pub fn variogram(
        &self,
        bins: &LagBins,
        row_spacing: f64,
        column_spacing: f64,
        direction: Option<LagDirection>,
    ) -> ScoreResult<Variogram> {
        check_spacing(row_spacing, column_spacing)?;
        let [wanted_rows, wanted_columns] = wanted_lags(bins, row_spacing, column_spacing);
        if (wanted_rows > self.rows && !self.complete[0]) || (wanted_columns > self.columns && !self.complete[1]) {
            return Err(ScoreError::Argument(format!(
                "a lag map up to {} x {} cells is too small; the bins need {wanted_rows} x {wanted_columns}",
                self.rows, self.columns
            )));
        }
        let mut sums = vec![(0, 0.0); bins.count()];
        let width = 2 * self.columns + 1;
        // On row lag 0 only half of the columns: the others are the same pairs, and the middle is each cell with itself.
        for i in self.columns + 1..self.pairs.len() {
            let (y, x) = ((i / width) as f64 * row_spacing, ((i % width) as f64 - self.columns as f64) * column_spacing);
            if let Some(bin) = bins.find((x * x + y * y).sqrt()).filter(|_| direction.is_none_or(|d| d.takes(x, y))) {
                sums[bin].0 += self.pairs[i];
                sums[bin].1 += self.squares[i];
            }
        }
        let of_bin = sums.into_iter().map(|(n, sum)| (n, (n > 0).then(|| 0.5 * sum / n as f64)));
        Ok(bins.variogram(VariogramEstimator::Matheron, of_bin))
    }
}

/// The semivariogram of a regular plane by distance (Matheron): a [`LagMap`] as large as the bins need.
///
/// # Errors
/// As [`LagMap::of`] and [`LagMap::variogram`].
#[expect(clippy::too_many_arguments, reason = "the plane, its geometry and what is wanted of it")]
pub fn plane_variogram(
    values: &[f64],
    rows: usize,
    columns: usize,
    valid: Option<&[bool]>,
    row_spacing: f64,
    column_spacing: f64,
    bins: &LagBins,
    direction: Option<LagDirection>,
) -> ScoreResult<Variogram> {
    check_spacing(row_spacing, column_spacing)?;
    let [row_lag, column_lag] = wanted_lags(bins, row_spacing, column_spacing);
    LagMap::of(values, rows, columns, valid, row_lag, column_lag)?.variogram(bins, row_spacing, column_spacing, direction)
}

/// The lags along each axis that may be shorter than the last edge.
fn wanted_lags(bins: &LagBins, row_spacing: f64, column_spacing: f64) -> [usize; 2] {
    let last = bins.edges()[bins.count()];
    [row_spacing, column_spacing].map(|spacing| (last / spacing).ceil() as usize)
}

fn check_spacing(row_spacing: f64, column_spacing: f64) -> ScoreResult<()> {
    if [row_spacing, column_spacing].iter().all(|s| *s > 0.0 && s.is_finite()) {
        return Ok(());
    }
    Err(ScoreError::Argument(format!("spacings of {row_spacing} and {column_spacing} were stated; positive ones are wanted")))
}

/// Mean of the valid cells of a plane that fits its shape.
pub(super) fn checked_mean(values: &[f64], rows: usize, columns: usize, valid: Option<&[bool]>) -> ScoreResult<f64> {
    if values.is_empty() || values.len() != rows * columns || valid.is_some_and(|v| v.len() != values.len()) {
        return Err(ScoreError::Argument(format!(
            "a plane of {} cells (mask of {}) does not fit {rows} x {columns}",
            values.len(),
            valid.map_or(values.len(), <[bool]>::len)
        )));
    }
    let (mut sum, mut count) = (0.0, 0usize);
    for position in (0..values.len()).filter(|i| valid.is_none_or(|v| v[*i])) {
        if !values[position].is_finite() {
            return Err(ScoreError::NotFinite { what: "the plane", position });
        }
        sum += values[position];
        count += 1;
    }
    if count == 0 {
        return Err(ScoreError::TooFew { metric: "a semivariogram (cells)", found: 0, wanted: 1 });
    }
    Ok(sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::super::{PointDistance, PointVariogram};
    use super::*;
    use crate::base::random::Random;

    fn plane(rows: usize, columns: usize, seed: u64) -> (Vec<f64>, Vec<bool>) {
        let mut random = Random::new(seed, "lag map");
        let values = (0..rows * columns).map(|i| 290.0 + (i % columns) as f64 * 0.2 + random.normal()).collect();
        (values, (0..rows * columns).map(|_| random.uniform() < 0.7).collect())
    }

    #[test]
    fn it_is_the_sum_over_all_pairs() {
        for (rows, columns, dy_most, dx_most) in [(11, 13, 4, 5), (11, 13, 10, 12), (1, 30, 0, 7), (17, 1, 3, 0)] {
            let (mut values, valid) = plane(rows, columns, 1);
            (0..values.len()).filter(|i| !valid[*i]).for_each(|i| values[i] = f64::NAN);
            let map = LagMap::of(&values, rows, columns, Some(&valid), dy_most, dx_most).unwrap();
            for dy in 0..=dy_most as isize {
                for dx in -(dx_most as isize)..=dx_most as isize {
                    let (mut count, mut sum) = (0, 0.0);
                    for i in (0..values.len()).filter(|i| valid[*i]) {
                        let (y, x) = ((i / columns) as isize + dy, (i % columns) as isize + dx);
                        if y < rows as isize && (0..columns as isize).contains(&x) && valid[y as usize * columns + x as usize] {
                            count += 1;
                            sum += (values[i] - values[y as usize * columns + x as usize]).powi(2);
                        }
                    }
                    assert_eq!(map.pairs(dy, dx), count);
                    assert_eq!(map.pairs(-dy, -dx), count);
                    match map.semivariance(dy, dx) {
                        Some(got) => assert!((got - 0.5 * sum / f64::from(count as u32)).abs() < 1e-11),
                        None => assert_eq!(count, 0),
                    }
                }
            }
        }
    }

    #[test]
    fn by_distance_it_is_the_variogram_of_the_cells_as_points() {
        let (rows, columns) = (15, 12);
        let (values, valid) = plane(rows, columns, 2);
        let x: Vec<f64> = (0..rows * columns).map(|i| (i % columns) as f64 * 3.0).collect();
        let y: Vec<f64> = (0..rows * columns).map(|i| (i / columns) as f64 * 2.0).collect();
        for direction in [None, Some(LagDirection::azimuth(20.0, 30.0, Some(7.0)).unwrap())] {
            for bins in [LagBins::even(9.5, 7).unwrap(), LagBins::even(60.0, 5).unwrap()] {
                let got = plane_variogram(&values, rows, columns, Some(&valid), 2.0, 3.0, &bins, direction).unwrap();
                let (estimator, distance) = (VariogramEstimator::Matheron, PointDistance::Planar);
                let want = PointVariogram { estimator, bins, distance, direction }.of(&x, &y, &values, Some(&valid)).unwrap();
                for (got, want) in got.bins.iter().zip(&want.bins) {
                    assert_eq!(got.pairs, want.pairs);
                    let difference = got.semivariance.unwrap_or(-1.0) - want.semivariance.unwrap_or(-1.0);
                    assert!(difference.abs() < 1e-11);
                }
            }
        }
    }

    #[test]
    fn a_map_too_small_and_bad_planes_are_refused() {
        let map = LagMap::of(&[0.0; 30], 5, 6, None, 2, 5).unwrap();
        assert!(map.variogram(&LagBins::even(3.5, 3).unwrap(), 1.0, 1.0, None).is_err());
        assert!(map.variogram(&LagBins::even(1.5, 3).unwrap(), 1.0, 1.0, None).is_ok());
        assert!(map.variogram(&LagBins::even(1.5, 3).unwrap(), 0.0, 1.0, None).is_err());
        assert!(LagMap::of(&[0.0; 30], 5, 5, None, 2, 2).is_err() && LagMap::of(&[], 0, 0, None, 0, 0).is_err());
        assert!(matches!(LagMap::of(&[f64::NAN], 1, 1, None, 0, 0), Err(ScoreError::NotFinite { .. })));
        assert!(matches!(LagMap::of(&[f64::NAN], 1, 1, Some(&[false]), 0, 0), Err(ScoreError::TooFew { .. })));
    }
}

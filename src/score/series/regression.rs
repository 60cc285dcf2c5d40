//! Partial autocorrelations by least squares: the last coefficient of the regression on 1, 2, ... lags.

use super::{ScoreResult, dot, mean};
use crate::score::error::ScoreError;

/// Share of a column that must be left after the columns before it are taken out, for the normal equations to be trusted.
/// They square the condition number, so the square root of 1e-8 still leaves eight digits.
const WELL_CONDITIONED: f64 = 1e-8;
/// Below this share the column is a combination of those before it.
const SINGULAR: f64 = 1e-13;

/// Partial autocorrelations at lags 0 to `max_lag`, each lag with every row that it can use and an intercept.
pub(super) fn regression(values: &[f64], max_lag: usize) -> ScoreResult<Vec<f64>> {
    let sums = LagSums::of(values, max_lag);
    let mut partial = vec![1.0];
    for lag in 1..=max_lag {
        let last = match last_coefficients(&sums.covariance(lag, lag, true)) {
            Some(coefficients) => coefficients[lag - 1],
            None => orthogonal(&sums.anomalies, lag, lag, true)?,
        };
        partial.push(last);
    }
    Ok(partial)
}

/// The same on one set of rows, those that have all lags, without intercept, for the series less its mean.
pub(super) fn common_rows_regression(values: &[f64], max_lag: usize) -> ScoreResult<Vec<f64>> {
    let sums = LagSums::of(values, max_lag);
    let mut partial = vec![1.0];
    match last_coefficients(&sums.covariance(max_lag, max_lag, false)) {
        Some(coefficients) => partial.extend(coefficients),
        None => {
            for lag in 1..=max_lag {
                partial.push(orthogonal(&sums.anomalies, lag, max_lag, false)?);
            }
        }
    }
    Ok(partial)
}

/// The last regression coefficient for each number of columns, from one Cholesky factor of the covariance of (columns, target),
/// the target last; none where the columns are close to dependent.
fn last_coefficients(covariance: &[Vec<f64>]) -> Option<Vec<f64>> {
    let size = covariance.len();
    let mut factor = vec![vec![0.0; size]; size];
    for row in 0..size {
        for column in 0..=row {
            let rest = covariance[row][column] - dot(&factor[row][..column], &factor[column][..column]);
            if row == column {
                if row + 1 < size && (rest.is_nan() || rest <= WELL_CONDITIONED * covariance[row][row]) {
                    return None;
                }
                factor[row][row] = rest.max(0.0).sqrt();
            } else {
                factor[row][column] = rest / factor[column][column];
            }
        }
    }
    let target = &factor[size - 1];
    Some((0..size - 1).map(|k| target[k] / factor[k][k]).collect())
}

/// The last coefficient by orthogonalising the columns: slower, and right for columns that are nearly dependent.
fn orthogonal(anomalies: &[f64], lags: usize, first_row: usize, intercept: bool) -> ScoreResult<f64> {
    let n = anomalies.len();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    if intercept {
        basis.push(vec![1.0 / ((n - first_row) as f64).sqrt(); n - first_row]);
    }
    for lag in 1..=lags {
        let mut column = anomalies[first_row - lag..n - lag].to_vec();
        let before = dot(&column, &column).sqrt();
        // Twice, since what rounding leaves the first time is taken out the second time.
        for _ in 0..2 {
            for unit in &basis {
                let part = dot(unit, &column);
                column.iter_mut().zip(unit).for_each(|(c, u)| *c -= part * u);
            }
        }
        let length = dot(&column, &column).sqrt();
        if length.is_nan() || length <= SINGULAR * before {
            return Err(ScoreError::Argument(format!(
                "lag {lag} of the series is a combination of the lags before it, so least squares give no partial autocorrelation"
            )));
        }
        column.iter_mut().for_each(|c| *c /= length);
        if lag == lags {
            return Ok(dot(&column, &anomalies[first_row..]) / length);
        }
        basis.push(column);
    }
    Err(ScoreError::Argument("a partial autocorrelation needs at least one lag".into()))
}

/// Sums over products of a series with itself, whole and for the first and last values, from which the covariance matrix of any
/// set of lags follows without another pass.
struct LagSums {
    anomalies: Vec<f64>,
    /// `head[d][m]`: Σ z(s) z(s+d) over s < m.
    head: Vec<Vec<f64>>,
    /// `body[d][m]`: the same over s < n − m, for m ≥ d.
    body: Vec<Vec<f64>>,
    head_sum: Vec<f64>,
    body_sum: Vec<f64>,
}

impl LagSums {
    fn of(values: &[f64], max_lag: usize) -> LagSums {
        let centre = mean(values);
        let z: Vec<f64> = values.iter().map(|v| v - centre).collect();
        let n = z.len();
        let running = |terms: &mut dyn Iterator<Item = f64>| {
            let mut sums = vec![0.0];
            let mut sum = 0.0;
            for term in terms {
                sum += term;
                sums.push(sum);
            }
            sums
        };
        let mut head = Vec::with_capacity(max_lag + 1);
        let mut body = Vec::with_capacity(max_lag + 1);
        for d in 0..=max_lag {
            head.push(running(&mut (0..max_lag).map(|s| z[s] * z[s + d])));
            let all = dot(&z[..n - d], &z[d..]);
            let mut row = vec![all; max_lag + 1];
            for m in d + 1..=max_lag {
                row[m] = row[m - 1] - z[n - m] * z[n - m + d];
            }
            body.push(row);
        }
        let head_sum = running(&mut z.iter().take(max_lag).copied());
        let mut body_sum = vec![z.iter().sum(); max_lag + 1];
        for m in 1..=max_lag {
            body_sum[m] = body_sum[m - 1] - z[n - m];
        }
        LagSums { anomalies: z, head, body, head_sum, body_sum }
    }

    /// Sums of products of the columns z(t−1) .. z(t−lags) and the target z(t), over t from `first_row`; about their means where
    /// there is an intercept.
    fn covariance(&self, lags: usize, first_row: usize, intercept: bool) -> Vec<Vec<f64>> {
        let rows = (self.anomalies.len() - first_row) as f64;
        let lag_of = |i: usize| if i == lags { 0 } else { i + 1 };
        let sum = |lag: usize| self.body_sum[lag] - self.head_sum[first_row - lag];
        (0..=lags)
            .map(|row| {
                (0..=row)
                    .map(|column| {
                        let (a, b) = (lag_of(row), lag_of(column));
                        let (far, apart) = (a.max(b), a.abs_diff(b));
                        let product = self.body[apart][far] - self.head[apart][first_row - far];
                        if intercept { product - sum(a) * sum(b) / rows } else { product }
                    })
                    .collect()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn series(n: usize, memory: f64) -> Vec<f64> {
        let mut random = Random::new(5, "regression");
        let mut x = 0.0;
        (0..n)
            .map(|_| {
                x = memory * x + random.normal();
                290.0 + x
            })
            .collect()
    }

    #[test]
    fn normal_equations_and_orthogonal_columns_agree() {
        for memory in [0.0, 0.7, 0.98] {
            let x = series(120, memory);
            let centre = mean(&x);
            let z: Vec<f64> = x.iter().map(|v| v - centre).collect();
            let (own, common) = (regression(&x, 12).unwrap(), common_rows_regression(&x, 12).unwrap());
            for lag in 1..=12 {
                assert!((own[lag] - orthogonal(&z, lag, lag, true).unwrap()).abs() < 1e-10);
                assert!((common[lag] - orthogonal(&z, lag, 12, false).unwrap()).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn one_lag_by_hand() {
        // x(t) on x(t-1) and a constant: (1,3), (3,2), (2,6): slope = Σ(x−2)(y−11/3)/Σ(x−2)² = (2/3 − 5/3)/2
        let partial = regression(&[1.0, 3.0, 2.0, 6.0], 1).unwrap();
        assert!((partial[1] + 0.5).abs() < 1e-14);
    }

    #[test]
    fn nearly_dependent_columns_still_have_an_answer() {
        // A sine obeys x(t) = 2 cos(w) x(t-1) - x(t-2) to rounding and a little noise.
        let mut random = Random::new(8, "regression");
        let x: Vec<f64> = (0..80).map(|t| (0.2 * f64::from(t)).sin() + 1e-6 * random.normal()).collect();
        let partial = common_rows_regression(&x, 2).unwrap();
        assert!((partial[2] + 1.0).abs() < 1e-3, "{partial:?}");
        let line: Vec<f64> = (0..30).map(f64::from).collect();
        assert!(regression(&line, 5).is_err());
    }
}

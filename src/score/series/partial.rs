//! Partial autocorrelation: what a lag adds when the shorter lags are known.

use rayon::prelude::*;

use super::burg::burg;
use super::regression::{common_rows_regression, regression};
use super::{LagDivisor, MissingDays, ScoreError, ScoreResult, autocovariance, check_finite, check_spread};
use crate::score::valid::check_rows;

/// How the partial autocorrelation is estimated.
///
/// The recursion of Durbin and Levinson and the Yule-Walker equations are two ways to the same numbers, so they share a name
/// here for each divisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartialMethod {
    /// Yule-Walker equations, solved by the recursion of Durbin and Levinson, with the autocovariance over n: always within
    /// −1..1. The default to take.
    YuleWalker,
    /// The same with the autocovariance over n − k: less biased, and may leave −1..1.
    YuleWalkerAdjusted,
    /// Last coefficient of a regression on the lags and a constant, each lag with all rows that it can use.
    LeastSquares,
    /// The same times n/(n − k).
    LeastSquaresAdjusted,
    /// Last coefficient of a regression on the lags of the series less its mean, all on the rows that have the longest lag.
    LeastSquaresCommonRows,
    /// Burg's method: forward and backward errors together; always within −1..1, good for short series.
    Burg,
}

/// Partial autocorrelation at lags 0 (always 1) to `max_lag`, of a series without gaps.
///
/// # Formula
/// ```text
/// φ(k, k) of x(t) = φ(k, 1) x(t−1) + ... + φ(k, k) x(t−k) + e(t)
/// ```
/// For an autoregressive series of order p it is 0 beyond lag p, with a standard error of 1/√n. Gappy series:
/// [`partial_of_autocovariance`].
///
/// # Errors
/// [`ScoreError::Argument`] for a lag above n/2 or lags that foretell the series without error, [`ScoreError::TooFew`] below
/// two values, [`ScoreError::Constant`], [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::{partial_autocorrelation, PartialMethod};
/// let x = [1.0, 3.0, 2.0, 6.0, 4.0, 5.0];
/// let p = partial_autocorrelation(&x, 2, PartialMethod::YuleWalker).unwrap();
/// // deviations -2.5 -0.5 -1.5 2.5 0.5 1.5: r(1) = 0.25/17.5
/// assert!((p[1] - 0.25 / 17.5).abs() < 1e-14);
/// ```
///
/// # Reference
/// Durbin (1960), doi:10.2307/1401322; Burg (1975), Maximum Entropy Spectral Analysis, PhD thesis, Stanford University
pub fn partial_autocorrelation(values: &[f64], max_lag: usize, method: PartialMethod) -> ScoreResult<Vec<f64>> {
    let n = values.len();
    check_finite(values, "the series")?;
    if n < 2 {
        return Err(ScoreError::TooFew { metric: "the partial autocorrelation", found: n, wanted: 2 });
    }
    check_spread(values, "the partial autocorrelation")?;
    if max_lag > n / 2 {
        return Err(ScoreError::Argument(format!("a lag of {max_lag} is above half of a series of {n}")));
    }
    let levinson =
        |divisor| partial_of_autocovariance(&autocovariance(values, None, max_lag, divisor, MissingDays::Conservative)?);
    match method {
        PartialMethod::YuleWalker => levinson(LagDivisor::Count),
        PartialMethod::YuleWalkerAdjusted => levinson(LagDivisor::Pairs),
        PartialMethod::LeastSquares => regression(values, max_lag),
        PartialMethod::LeastSquaresAdjusted => {
            let mut partial = regression(values, max_lag)?;
            partial.iter_mut().enumerate().skip(1).for_each(|(lag, p)| *p *= n as f64 / (n - lag) as f64);
            Ok(partial)
        }
        PartialMethod::LeastSquaresCommonRows => common_rows_regression(values, max_lag),
        PartialMethod::Burg => burg(values, max_lag),
    }
}

/// Partial autocorrelation of many series of `length` values each, one after the other in `values`; each has its own result.
///
/// # Errors
/// [`ScoreError::Argument`] where `values` does not hold whole series. What is wrong with one series stands in its place.
pub fn partial_autocorrelations(
    values: &[f64],
    length: usize,
    max_lag: usize,
    method: PartialMethod,
) -> ScoreResult<Vec<ScoreResult<Vec<f64>>>> {
    check_rows(values, length)?;
    Ok(values.par_chunks(length).map(|series| partial_autocorrelation(series, max_lag, method)).collect())
}

/// Partial autocorrelation from an autocovariance (or autocorrelation) at lags 0, 1, ..., by the recursion of Durbin and
/// Levinson. With [`autocovariance`] of a gappy series this is the partial autocorrelation with missing days.
///
/// # Formula
/// ```text
/// φ(k,k) = ( c(k) − Σ_{j<k} φ(k−1,j) c(k−j) ) / v(k−1),   φ(k,j) = φ(k−1,j) − φ(k,k) φ(k−1,k−j),   v(k) = v(k−1)(1 − φ(k,k)²)
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] for no lag, [`ScoreError::Constant`] where c(0) is not positive, [`ScoreError::Argument`] where the
/// series is foretold without error, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::partial_of_autocovariance;
/// // c(k) = 0.5ᵏ is that of a first-order series: nothing beyond lag 1
/// assert_eq!(partial_of_autocovariance(&[1.0, 0.5, 0.25, 0.125]).unwrap(), vec![1.0, 0.5, 0.0, 0.0]);
/// ```
///
/// # Reference
/// Durbin (1960), doi:10.2307/1401322
pub fn partial_of_autocovariance(autocovariance: &[f64]) -> ScoreResult<Vec<f64>> {
    check_finite(autocovariance, "the autocovariance")?;
    let Some(variance) = autocovariance.first() else {
        return Err(ScoreError::TooFew { metric: "the partial autocorrelation", found: 0, wanted: 1 });
    };
    if *variance <= 0.0 {
        return Err(ScoreError::Constant { what: "the series", metric: "the partial autocorrelation" });
    }
    let mut left = *variance;
    let mut coefficients: Vec<f64> = Vec::with_capacity(autocovariance.len());
    let mut before = coefficients.clone();
    let mut partial = vec![1.0];
    for lag in 1..autocovariance.len() {
        if left == 0.0 || !left.is_finite() {
            return Err(ScoreError::Argument(format!(
                "the series is foretold without error by {} lags, so no partial autocorrelation is left at lag {lag}",
                lag - 1
            )));
        }
        let known: f64 = coefficients.iter().zip(autocovariance[1..lag].iter().rev()).map(|(f, c)| f * c).sum();
        let reflection = (autocovariance[lag] - known) / left;
        before.clone_from(&coefficients);
        coefficients.iter_mut().zip(before.iter().rev()).for_each(|(f, mirrored)| *f -= reflection * mirrored);
        coefficients.push(reflection);
        partial.push(reflection);
        left *= 1.0 - reflection * reflection;
    }
    Ok(partial)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    const ALL: [PartialMethod; 6] = [
        PartialMethod::YuleWalker,
        PartialMethod::YuleWalkerAdjusted,
        PartialMethod::LeastSquares,
        PartialMethod::LeastSquaresAdjusted,
        PartialMethod::LeastSquaresCommonRows,
        PartialMethod::Burg,
    ];

    fn second_order(n: usize) -> Vec<f64> {
        let mut random = Random::new(4, "partial");
        let (mut a, mut b) = (0.0, 0.0);
        (0..n)
            .map(|_| {
                let x = 0.5 * a + 0.3 * b + random.normal();
                (a, b) = (x, a);
                x
            })
            .collect()
    }

    /// The last unknown of the Yule-Walker equations by elimination: the recursion's twin.
    fn by_elimination(c: &[f64], lag: usize) -> f64 {
        let mut rows: Vec<Vec<f64>> = (0..lag).map(|i| (0..lag).map(|j| c[i.abs_diff(j)]).chain([c[i + 1]]).collect()).collect();
        for pivot in 0..lag {
            let best = (pivot..lag).max_by(|a, b| rows[*a][pivot].abs().total_cmp(&rows[*b][pivot].abs())).unwrap();
            rows.swap(pivot, best);
            for row in pivot + 1..lag {
                let factor = rows[row][pivot] / rows[pivot][pivot];
                let above = rows[pivot].clone();
                rows[row].iter_mut().zip(&above).skip(pivot).for_each(|(value, above)| *value -= factor * above);
            }
        }
        rows[lag - 1][lag] / rows[lag - 1][lag - 1]
    }

    #[test]
    fn recursion_and_elimination_agree() {
        let x = second_order(150);
        for divisor in [LagDivisor::Count, LagDivisor::Pairs] {
            let c = autocovariance(&x, None, 15, divisor, MissingDays::Conservative).unwrap();
            let partial = partial_of_autocovariance(&c).unwrap();
            for (lag, partial) in partial.iter().enumerate().skip(1) {
                assert!((partial - by_elimination(&c, lag)).abs() < 1e-10, "lag {lag}");
            }
        }
    }

    #[test]
    fn every_method_finds_the_order() {
        // φ(1,1) = 0.5/(1 − 0.3), φ(2,2) = 0.3; standard error 1/√4000 = 0.016
        let x = second_order(4000);
        for method in ALL {
            let p = partial_autocorrelation(&x, 5, method).unwrap();
            assert!((p[1] - 0.5 / 0.7).abs() < 0.07 && (p[2] - 0.3).abs() < 0.07, "{method:?} {p:?}");
            assert!(p[3..].iter().all(|p| p.abs() < 0.07), "{method:?} {p:?}");
        }
    }

    #[test]
    fn bad_series_are_refused_by_every_method() {
        for method in ALL {
            assert!(matches!(partial_autocorrelation(&[3.0; 20], 5, method), Err(ScoreError::Constant { .. })));
            assert!(partial_autocorrelation(&[1.0, f64::NAN, 2.0, 3.0], 1, method).is_err());
            assert!(partial_autocorrelation(&[1.0, 2.0, 4.0], 2, method).is_err());
            assert!(partial_autocorrelation(&[1.0], 0, method).is_err());
        }
        assert!(partial_of_autocovariance(&[0.0, 0.0]).is_err() && partial_of_autocovariance(&[]).is_err());
    }

    #[test]
    fn rows_are_as_if_alone() {
        let x = second_order(120);
        let all = partial_autocorrelations(&x, 40, 6, PartialMethod::Burg).unwrap();
        assert_eq!(all[1], partial_autocorrelation(&x[40..80], 6, PartialMethod::Burg));
        assert!(partial_autocorrelations(&x, 50, 6, PartialMethod::Burg).is_err());
    }
}

//! Autocovariance and autocorrelation of a series of evenly spaced values, some of which may be missing.

use rayon::prelude::*;
use realfft::RealFftPlanner;

use super::{ScoreError, ScoreResult, check_finite, dot, mean};
use crate::score::valid::check_rows;

/// By what the sum of products at a lag is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LagDivisor {
    /// The number of valid values at every lag: biased towards 0, but a proper (positive semi-definite) autocovariance.
    #[default]
    Count,
    /// The number of pairs at that lag: less biased, noisier at long lags, and correlations may leave −1..1.
    Pairs,
}

/// What becomes of missing days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MissingDays {
    /// They stay where they are; only pairs of valid days enter. Right for gappy series.
    #[default]
    Conservative,
    /// They are taken out and the rest is joined, which shifts what comes after: right only for few gaps.
    Drop,
}

/// The number of lags that fits a series of `count` values, for the autocorrelation: min(⌊10 log₁₀ n⌋, n − 1).
pub fn default_lags(count: usize) -> usize {
    ((10.0 * (count.max(1) as f64).log10()) as usize).min(count.saturating_sub(1))
}

/// The number of lags that fits a series of `count` values, for the partial autocorrelation: min(⌊10 log₁₀ n⌋, ⌊n/2⌋ − 1), at
/// least 1.
pub fn default_partial_lags(count: usize) -> usize {
    ((10.0 * (count.max(1) as f64).log10()) as usize).min((count / 2).saturating_sub(1)).max(1)
}

/// Autocovariance at lags 0 to `max_lag`.
///
/// # Formula
/// ```text
/// c(k) = 1/d(k) · Σ (x(t) − x̄)(x(t+k) − x̄),    sum over t where both are valid, x̄ the mean of the valid values
/// d(k) = number of valid values, or of pairs at lag k
/// ```
/// Unit of the data squared. Long series with many lags go through a Fourier transform; the result is the same to rounding.
///
/// # Errors
/// [`ScoreError::TooFew`] below two valid values or where a lag has no pair at all, [`ScoreError::Argument`] for a lag as long
/// as the series or a mask of another length, [`ScoreError::NotFinite`] for a valid value that is infinite or NaN.
///
/// # Example
/// ```
/// use isotherm::score::{autocovariance, LagDivisor, MissingDays};
/// // mean 2, deviations -1, 0, 1: c(0) = 2/3, c(1) = 0, c(2) = -1/3
/// let c = autocovariance(&[1.0, 2.0, 3.0], None, 2, LagDivisor::Count, MissingDays::Conservative).unwrap();
/// assert!((c[0] - 2.0 / 3.0).abs() < 1e-15 && c[1] == 0.0 && (c[2] + 1.0 / 3.0).abs() < 1e-15);
/// ```
///
/// # Reference
/// Box, Jenkins, Reinsel (2008), doi:10.1002/9781118619193
pub fn autocovariance(
    values: &[f64],
    valid: Option<&[bool]>,
    max_lag: usize,
    divisor: LagDivisor,
    missing: MissingDays,
) -> ScoreResult<Vec<f64>> {
    let series = Anomalies::of(values, valid, max_lag, missing)?;
    let mut sums = lagged_sums(&series.values, max_lag);
    let counts = match (divisor, &series.present) {
        (LagDivisor::Count, _) => vec![series.count as f64; max_lag + 1],
        (LagDivisor::Pairs, None) => (0..=max_lag).map(|lag| (series.values.len() - lag) as f64).collect(),
        // Counts are whole numbers, so rounding takes away what a Fourier transform adds.
        (LagDivisor::Pairs, Some(present)) => lagged_sums(present, max_lag).iter().map(|c| c.round()).collect(),
    };
    if counts.contains(&0.0) {
        return Err(ScoreError::TooFew { metric: "the autocovariance at each lag", found: 0, wanted: 1 });
    }
    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum /= count);
    Ok(sums)
}

/// Autocorrelation at lags 0 to `max_lag`: the autocovariance over its value at lag 0.
///
/// # Formula
/// ```text
/// r(k) = c(k)/c(0)
/// ```
/// r(0) = 1; 0 for a series without memory, with a standard error of about 1/√n (see [`super::bartlett_bands`]).
///
/// # Errors
/// As [`autocovariance`], and [`ScoreError::Constant`].
///
/// # Example
/// ```
/// use isotherm::score::{autocorrelation, LagDivisor, MissingDays};
/// // a missing day in the middle: three pairs of neighbours became one
/// let valid = [true, true, false, true];
/// let r = autocorrelation(&[1.0, 3.0, f64::NAN, 2.0], Some(&valid), 1, LagDivisor::Pairs, MissingDays::Conservative).unwrap();
/// // deviations -1, 1, 0: c(0) = 2/3, c(1) = -1
/// assert!((r[1] + 1.5).abs() < 1e-15);
/// ```
///
/// # Reference
/// Box, Jenkins, Reinsel (2008), doi:10.1002/9781118619193
pub fn autocorrelation(
    values: &[f64],
    valid: Option<&[bool]>,
    max_lag: usize,
    divisor: LagDivisor,
    missing: MissingDays,
) -> ScoreResult<Vec<f64>> {
    let mut c = autocovariance(values, valid, max_lag, divisor, missing)?;
    let is_valid = |i: usize| valid.is_none_or(|v| v[i]);
    let mut present = (0..values.len()).filter(|i| is_valid(*i)).map(|i| values[i]);
    let first = present.next();
    if present.all(|v| Some(v) == first) {
        return Err(ScoreError::Constant { what: "the series", metric: "the autocorrelation" });
    }
    let variance = c[0];
    c.iter_mut().for_each(|v| *v /= variance);
    Ok(c)
}

/// Autocorrelation of many series of `length` values each, one after the other in `values`; each has its own result.
///
/// # Errors
/// [`ScoreError::Argument`] where `values` does not hold whole series. What is wrong with one series stands in its place.
///
/// # Example
/// ```
/// use isotherm::score::{autocorrelations, LagDivisor};
/// let all = autocorrelations(&[1.0, 2.0, 3.0, 5.0, 5.0, 5.0], 3, 1, LagDivisor::Count).unwrap();
/// assert!(all[0].is_ok() && all[1].is_err()); // the second is constant
/// ```
pub fn autocorrelations(
    values: &[f64],
    length: usize,
    max_lag: usize,
    divisor: LagDivisor,
) -> ScoreResult<Vec<ScoreResult<Vec<f64>>>> {
    check_rows(values, length)?;
    Ok(values
        .par_chunks(length)
        .map(|series| autocorrelation(series, None, max_lag, divisor, MissingDays::Conservative))
        .collect())
}

/// Deviations from the mean, 0 where missing.
struct Anomalies {
    values: Vec<f64>,
    /// 1 where valid, 0 where missing; none where all are valid.
    present: Option<Vec<f64>>,
    count: usize,
}

impl Anomalies {
    fn of(values: &[f64], valid: Option<&[bool]>, max_lag: usize, missing: MissingDays) -> ScoreResult<Anomalies> {
        if let Some(valid) = valid.filter(|v| v.len() != values.len()) {
            return Err(ScoreError::Argument(format!(
                "the mask has {} entries for a series of {}; one for each is wanted",
                valid.len(),
                values.len()
            )));
        }
        let (mut kept, gappy) = match (valid, missing) {
            (Some(valid), MissingDays::Drop) => {
                (values.iter().zip(valid).filter(|(_, ok)| **ok).map(|(v, _)| *v).collect(), None)
            }
            (Some(valid), MissingDays::Conservative) if !valid.iter().all(|ok| *ok) => (values.to_vec(), Some(valid)),
            _ => (values.to_vec(), None),
        };
        let mut known: Vec<f64> = Vec::new();
        if let Some(valid) = gappy {
            known.extend(kept.iter().zip(valid).filter(|(_, ok)| **ok).map(|(v, _)| *v));
        }
        let known = if gappy.is_some() { &known } else { &kept };
        check_finite(known, "the series")?;
        let count = known.len();
        if count < 2 {
            return Err(ScoreError::TooFew { metric: "the autocovariance", found: count, wanted: 2 });
        }
        if max_lag >= kept.len() {
            return Err(ScoreError::Argument(format!("a lag of {max_lag} leaves nothing of a series of {}", kept.len())));
        }
        let centre = mean(known);
        match gappy {
            Some(valid) => kept.iter_mut().zip(valid).for_each(|(v, ok)| *v = if *ok { *v - centre } else { 0.0 }),
            None => kept.iter_mut().for_each(|v| *v -= centre),
        }
        let present = gappy.map(|valid| valid.iter().map(|ok| f64::from(u8::from(*ok))).collect());
        Ok(Anomalies { values: kept, present, count })
    }
}

/// Σ x(t) x(t+k) for k = 0 to `max_lag`.
fn lagged_sums(x: &[f64], max_lag: usize) -> Vec<f64> {
    let size = (x.len() + max_lag) as f64;
    // Two transforms cost about as much as the products of ten lags for each doubling of the length.
    if max_lag as f64 > 10.0 * size.log2() { transformed_sums(x, max_lag) } else { direct_sums(x, max_lag) }
}

fn direct_sums(x: &[f64], max_lag: usize) -> Vec<f64> {
    (0..=max_lag).map(|lag| dot(&x[..x.len() - lag], &x[lag..])).collect()
}

/// The same sums from the power spectrum of the series padded with zeros.
fn transformed_sums(x: &[f64], max_lag: usize) -> Vec<f64> {
    let size = (x.len() + max_lag).next_power_of_two().max(2);
    let mut planner = RealFftPlanner::<f64>::new();
    let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    let mut padded = forward.make_input_vec();
    padded[..x.len()].copy_from_slice(x);
    let mut spectrum = forward.make_output_vec();
    // The buffers come from the plans themselves, so their lengths fit; should that ever fail, the plain sums are right too.
    if forward.process(&mut padded, &mut spectrum).is_err() {
        return direct_sums(x, max_lag);
    }
    for s in &mut spectrum {
        *s = realfft::num_complex::Complex::new(s.norm_sqr(), 0.0);
    }
    if inverse.process(&mut spectrum, &mut padded).is_err() {
        return direct_sums(x, max_lag);
    }
    padded[..=max_lag].iter().map(|v| v / size as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn noise(n: usize) -> Vec<f64> {
        let mut random = Random::new(3, "autocovariance");
        (0..n).map(|_| random.normal()).collect()
    }

    #[test]
    fn transform_and_direct_sums_agree() {
        for (n, lags) in [(5, 4), (300, 299), (1000, 400)] {
            let x = noise(n);
            for (a, b) in transformed_sums(&x, lags).iter().zip(direct_sums(&x, lags)) {
                assert!((a - b).abs() < 1e-10, "{a} {b}");
            }
        }
    }

    #[test]
    fn plain_double_loop_is_the_twin() {
        let x = noise(200);
        let valid: Vec<bool> = (0..200).map(|i| i % 7 != 3).collect();
        let known: Vec<f64> = (0..200).filter(|i| valid[*i]).map(|i| x[i]).collect();
        let centre = known.iter().sum::<f64>() / known.len() as f64;
        let got = autocovariance(&x, Some(&valid), 150, LagDivisor::Pairs, MissingDays::Conservative).unwrap();
        for (lag, got) in got.iter().enumerate() {
            let (mut sum, mut count) = (0.0, 0.0);
            for t in 0..200 - lag {
                if valid[t] && valid[t + lag] {
                    sum += (x[t] - centre) * (x[t + lag] - centre);
                    count += 1.0;
                }
            }
            assert!((got - sum / count).abs() < 1e-11, "lag {lag}");
        }
    }

    #[test]
    fn shift_and_scale_change_no_correlation() {
        let x = noise(64);
        let y: Vec<f64> = x.iter().map(|v| 290.0 - 3.0 * v).collect();
        let of = |s: &[f64]| autocorrelation(s, None, 10, LagDivisor::Count, MissingDays::Conservative).unwrap();
        for (a, b) in of(&x).iter().zip(of(&y)) {
            assert!((a - b).abs() < 1e-11);
        }
    }

    #[test]
    fn missing_days_may_hold_anything() {
        let valid = [true, true, false, true, true, true];
        let of = |hidden: f64| {
            autocorrelation(&[1.0, 2.0, hidden, 4.0, 2.0, 0.5], Some(&valid), 2, LagDivisor::Count, MissingDays::Conservative)
        };
        assert_eq!(of(f64::NAN).unwrap(), of(1e300).unwrap());
    }

    #[test]
    fn bad_series_are_refused() {
        let of = |x: &[f64], lag| autocorrelation(x, None, lag, LagDivisor::Count, MissingDays::Conservative);
        assert!(matches!(of(&[0.1; 20], 3), Err(ScoreError::Constant { .. })));
        assert!(matches!(of(&[1.0, f64::NAN, 2.0], 1), Err(ScoreError::NotFinite { position: 1, .. })));
        assert!(of(&[1.0, 2.0], 2).is_err() && of(&[1.0], 0).is_err() && of(&[], 0).is_err());
        let apart = [true, false, true];
        let of = |divisor| autocovariance(&[1.0, 2.0, 3.0], Some(&apart), 1, divisor, MissingDays::Conservative);
        assert!(matches!(of(LagDivisor::Pairs), Err(ScoreError::TooFew { found: 0, .. })));
        assert!(autocorrelations(&[1.0, 2.0, 3.0], 2, 1, LagDivisor::Count).is_err());
    }

    #[test]
    fn rows_are_scored_as_if_alone() {
        let x = noise(90);
        let all = autocorrelations(&x, 30, 5, LagDivisor::Pairs).unwrap();
        for (row, series) in all.iter().zip(x.chunks(30)) {
            let alone = autocorrelation(series, None, 5, LagDivisor::Pairs, MissingDays::Conservative).unwrap();
            assert_eq!(row.as_ref().unwrap(), &alone);
        }
    }
}

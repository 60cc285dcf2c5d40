//! How long a series remembers: decorrelation scales read off its autocorrelation.
//!
//! All take the autocorrelation from lag 0 on. A scale that is not reached within the lags given is `None`, not the last lag.

/// The first lag at which the autocorrelation is below `threshold`, or none.
///
/// # Example
/// ```
/// assert_eq!(isotherm::score::first_lag_below(&[1.0, 0.6, 0.2], 0.5), Some(2));
/// ```
pub fn first_lag_below(autocorrelation: &[f64], threshold: f64) -> Option<usize> {
    autocorrelation.iter().position(|r| *r < threshold)
}

/// The lag at which the autocorrelation falls through `threshold`, by straight lines between the lags.
fn crossing(autocorrelation: &[f64], threshold: f64) -> Option<f64> {
    let after = first_lag_below(autocorrelation, threshold)?;
    let before = after.checked_sub(1)?;
    let (high, low) = (autocorrelation[before], autocorrelation[after]);
    Some(before as f64 + (high - threshold) / (high - low))
}

/// The lag at which the autocorrelation falls below 1/e, by straight lines between the lags.
///
/// # Formula
/// ```text
/// k − 1 + (r(k−1) − 1/e)/(r(k−1) − r(k)),    k the first lag with r(k) < 1/e
/// ```
/// In steps of the series. `None` where the autocorrelation stays above.
///
/// # Example
/// ```
/// use isotherm::score::e_folding_lag;
/// let r: Vec<f64> = (0..50).map(|k| (-f64::from(k) / 7.5).exp()).collect();
/// assert!((e_folding_lag(&r).unwrap() - 7.5).abs() < 0.02);
/// assert_eq!(e_folding_lag(&r[..5]), None);
/// ```
///
/// # Reference
/// von Storch, Zwiers (1999), Statistical Analysis in Climate Research, doi:10.1017/CBO9780511612336
pub fn e_folding_lag(autocorrelation: &[f64]) -> Option<f64> {
    crossing(autocorrelation, (-1.0f64).exp())
}

/// The lag at which the autocorrelation first falls below 0, by straight lines between the lags; `None` where it never does.
///
/// # Example
/// ```
/// assert_eq!(isotherm::score::zero_crossing_lag(&[1.0, 0.5, -0.5]), Some(1.5));
/// ```
pub fn zero_crossing_lag(autocorrelation: &[f64]) -> Option<f64> {
    crossing(autocorrelation, 0.0)
}

/// The integral scale: how many steps make one independent value.
///
/// # Formula
/// ```text
/// 1 + 2 Σ r(k),    k from 1 to the last lag before the first negative autocorrelation
/// ```
/// 1 for a series without memory. `None` where the autocorrelation stays positive: the sum is then not complete.
///
/// # Example
/// ```
/// use isotherm::score::integral_scale;
/// assert_eq!(integral_scale(&[1.0, 0.5, 0.25, -0.1, 0.3]), Some(2.5));
/// assert_eq!(integral_scale(&[1.0, 0.5, 0.25]), None);
/// ```
///
/// # Reference
/// Thiébaux, Zwiers (1984), doi:10.1175/1520-0450(1984)023<0800:TIAEOE>2.0.CO;2
pub fn integral_scale(autocorrelation: &[f64]) -> Option<f64> {
    let end = first_lag_below(autocorrelation, 0.0)?;
    Some(1.0 + 2.0 * autocorrelation.get(1..end)?.iter().sum::<f64>())
}

/// How many independent values `count` values are worth whose correlation from step to step is `step`, as for a first-order
/// autoregressive series: n (1 − r)/(1 + r). `None` for a correlation outside −1 < r ≤ 1.
///
/// # Example
/// ```
/// assert_eq!(isotherm::score::effective_count_of_step(90, 0.8), Some(90.0 * (1.0 - 0.8) / (1.0 + 0.8)));
/// ```
///
/// # Reference
/// Leith (1973), doi:10.1175/1520-0450(1973)012<1066:TSEOAS>2.0.CO;2
pub fn effective_count_of_step(count: usize, step: f64) -> Option<f64> {
    (step > -1.0 && step <= 1.0).then(|| count as f64 * (1.0 - step) / (1.0 + step))
}

/// How many independent values `count` values are worth whose [`integral_scale`] is `scale`: n/scale. `None` for a scale
/// that is not positive.
///
/// # Example
/// ```
/// assert_eq!(isotherm::score::effective_count_of_scale(100, 2.5), Some(40.0));
/// ```
pub fn effective_count_of_scale(count: usize, scale: f64) -> Option<f64> {
    (scale > 0.0).then(|| count as f64 / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_reached_is_none() {
        assert_eq!(e_folding_lag(&[1.0, 0.9]), None);
        assert_eq!(zero_crossing_lag(&[1.0, 0.0]), None);
        assert_eq!(integral_scale(&[]), None);
        assert_eq!(e_folding_lag(&[0.1]), None);
        assert_eq!(integral_scale(&[-1.0]), None);
    }

    #[test]
    fn geometric_sum() {
        // r = 0.6ᵏ, cut by a last negative value: 1 + 2·(0.6/(1 − 0.6)) = 4 = (1 + r)/(1 − r)
        let mut r: Vec<f64> = (0..200).map(|k| 0.6f64.powi(k)).collect();
        r.push(-1e-9);
        let scale = integral_scale(&r).unwrap();
        assert!((scale - 4.0).abs() < 1e-12);
        let (a, b) = (effective_count_of_scale(100, scale).unwrap(), effective_count_of_step(100, 0.6).unwrap());
        assert!((a - b).abs() < 1e-9);
        assert_eq!(effective_count_of_step(10, -1.0), None);
        assert_eq!(effective_count_of_scale(10, f64::NAN), None);
    }
}

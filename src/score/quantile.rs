//! Quantiles of a sample.

use super::error::{ScoreError, ScoreResult};

/// The values in ascending order.
///
/// # Errors
/// [`ScoreError::TooFew`] for an empty sample, [`ScoreError::NotFinite`] for an infinity or NaN.
pub fn sorted(values: &[f64]) -> ScoreResult<Vec<f64>> {
    if values.is_empty() {
        return Err(ScoreError::TooFew { metric: "quantile", found: 0, wanted: 1 });
    }
    if let Some(position) = values.iter().position(|v| !v.is_finite()) {
        return Err(ScoreError::NotFinite { what: "the sample", position });
    }
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    Ok(values)
}

/// The quantile at `probability` of values that are in ascending order already.
///
/// # Formula
/// ```text
/// h = (n − 1) q,    Q = x₍⌊h⌋₎ + (h − ⌊h⌋)(x₍⌊h⌋₊₁₎ − x₍⌊h⌋₎)
/// ```
/// This is type 7 of Hyndman and Fan, NumPy's and R's default ("linear").
///
/// # Errors
/// [`ScoreError::TooFew`] for an empty sample, [`ScoreError::Argument`] for a probability outside 0..1.
///
/// # Example
/// ```
/// use isotherm::score::quantile_of_sorted;
/// assert_eq!(quantile_of_sorted(&[1.0, 2.0, 4.0, 8.0], 0.5).unwrap(), 3.0);
/// ```
///
/// # Reference
/// Hyndman, Fan (1996), doi:10.1080/00031305.1996.10473566
pub fn quantile_of_sorted(sorted: &[f64], probability: f64) -> ScoreResult<f64> {
    if sorted.is_empty() {
        return Err(ScoreError::TooFew { metric: "quantile", found: 0, wanted: 1 });
    }
    if !(0.0..=1.0).contains(&probability) {
        return Err(ScoreError::Argument(format!("probability {probability} is outside 0..1")));
    }
    let position = (sorted.len() - 1) as f64 * probability;
    let (low, part) = (position.floor() as usize, position.fract());
    let (a, b) = (sorted[low], sorted[(low + 1).min(sorted.len() - 1)]);
    // The form that is exact at both ends.
    Ok(if part < 0.5 { a + (b - a) * part } else { b - (b - a) * (1.0 - part) })
}

/// The quantile at `probability` of any sample; see [`quantile_of_sorted`].
///
/// # Errors
/// As [`sorted`] and [`quantile_of_sorted`].
pub fn quantile(values: &[f64], probability: f64) -> ScoreResult<f64> {
    quantile_of_sorted(&sorted(values)?, probability)
}

/// The median: the quantile at one half.
///
/// # Errors
/// As [`sorted`].
pub fn median(values: &[f64]) -> ScoreResult<f64> {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // h = 3 * 0.25 = 0.75: 1 + 0.75 (2 - 1)
        assert_eq!(quantile(&[8.0, 1.0, 4.0, 2.0], 0.25).unwrap(), 1.75);
        assert_eq!(quantile(&[8.0, 1.0, 4.0, 2.0], 1.0).unwrap(), 8.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]).unwrap(), 2.0);
        assert_eq!(median(&[3.0]).unwrap(), 3.0);
    }

    #[test]
    fn bad_samples_are_refused() {
        assert!(median(&[]).is_err());
        assert_eq!(median(&[1.0, f64::NAN]), Err(ScoreError::NotFinite { what: "the sample", position: 1 }));
        assert!(quantile(&[1.0], 1.5).is_err());
    }
}

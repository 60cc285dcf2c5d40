//! Turning slices with a mask into plain lists of valid values.

use super::error::{ScoreError, ScoreResult};

/// The valid pairs only, as two lists of f64 of equal length, for the metrics that need all values at once
/// (ranks, quantiles).
///
/// # Errors
/// [`ScoreError::Length`], [`ScoreError::Argument`] (mask of another length), [`ScoreError::NotFinite`] for a valid
/// value that is infinite or NaN.
///
/// # Example
/// ```
/// use isotherm::score::valid_pairs;
/// let (t, p) = valid_pairs(&[1.0f32, f32::NAN, 3.0], &[1.5f32, 0.0, 3.5], Some(&[true, false, true])).unwrap();
/// assert_eq!((t, p), (vec![1.0, 3.0], vec![1.5, 3.5]));
/// ```
pub fn valid_pairs<T, P>(truth: &[T], prediction: &[P], valid: Option<&[bool]>) -> ScoreResult<(Vec<f64>, Vec<f64>)>
where
    T: Copy + Into<f64>,
    P: Copy + Into<f64>,
{
    if truth.len() != prediction.len() {
        return Err(ScoreError::Length { truth: truth.len(), prediction: prediction.len() });
    }
    if let Some(found) = valid.map(<[bool]>::len).filter(|found| *found != truth.len()) {
        return Err(ScoreError::Argument(format!(
            "the mask has {found} entries for {} pairs; one for each is wanted",
            truth.len()
        )));
    }
    let (mut t, mut p) = (Vec::new(), Vec::new());
    for i in (0..truth.len()).filter(|i| valid.is_none_or(|v| v[*i])) {
        t.push(truth[i].into());
        p.push(prediction[i].into());
    }
    check(&t, &p)?;
    Ok((t, p))
}

/// Fails unless both lists are of one length and finite.
pub(super) fn check(truth: &[f64], prediction: &[f64]) -> ScoreResult<()> {
    if truth.len() != prediction.len() {
        return Err(ScoreError::Length { truth: truth.len(), prediction: prediction.len() });
    }
    for (what, values) in [("truth", truth), ("prediction", prediction)] {
        if let Some(position) = values.iter().position(|v| !v.is_finite()) {
            return Err(ScoreError::NotFinite { what, position });
        }
    }
    Ok(())
}

/// As [`check`], and at least `wanted` pairs.
pub(super) fn check_count(truth: &[f64], prediction: &[f64], metric: &'static str, wanted: usize) -> ScoreResult<()> {
    check(truth, prediction)?;
    if truth.len() < wanted { Err(ScoreError::TooFew { metric, found: truth.len(), wanted }) } else { Ok(()) }
}

/// Fails unless `values` holds whole series of `length`, one after the other.
pub(super) fn check_rows(values: &[f64], length: usize) -> ScoreResult<()> {
    if length == 0 || !values.len().is_multiple_of(length) {
        return Err(ScoreError::Argument(format!("{} values are no whole number of series of {length}", values.len())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_is_named() {
        assert!(valid_pairs(&[1.0], &[1.0], Some(&[true, true])).is_err());
        assert_eq!(valid_pairs(&[1.0, f64::NAN], &[1.0, 1.0], None), Err(ScoreError::NotFinite { what: "truth", position: 1 }));
        assert_eq!(check_count(&[1.0], &[1.0], "x", 2), Err(ScoreError::TooFew { metric: "x", found: 1, wanted: 2 }));
    }
}

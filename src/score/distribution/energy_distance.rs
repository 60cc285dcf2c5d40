//! The energy distance of two distributions.

use super::ScoreResult;
use super::steps::Steps;

/// The energy distance of two samples, in its square-root form.
///
/// # Formula
/// ```text
/// √( 2 ∫ (F(x) − G(x))² dx ) = √( 2 E|X − Y| − E|X − X'| − E|Y − Y'| )
/// ```
/// In the square root of the unit of the data; 0 for equal distributions. Others give its square.
///
/// # Errors
/// [`super::ScoreError::TooFew`] for an empty sample, [`super::ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::energy_distance;
/// // F − G = 1 between 0 and 2
/// assert_eq!(energy_distance(&[0.0], &[2.0]).unwrap(), 2.0);
/// ```
///
/// # Reference
/// Székely, Rizzo (2013), doi:10.1016/j.jspi.2013.03.018
pub fn energy_distance(truth: &[f64], prediction: &[f64]) -> ScoreResult<f64> {
    energy_distance_weighted(truth, prediction, None, None)
}

/// The energy distance of two samples with weights, each normalised to a sum of 1.
///
/// # Errors
/// As [`energy_distance`], and [`super::ScoreError::Argument`] for weights of another number, negative, or all 0.
pub fn energy_distance_weighted(
    truth: &[f64],
    prediction: &[f64],
    truth_weights: Option<&[f64]>,
    prediction_weights: Option<&[f64]>,
) -> ScoreResult<f64> {
    let f = Steps::of(truth, truth_weights, "truth", "energy_distance")?;
    let g = Steps::of(prediction, prediction_weights, "prediction", "energy_distance")?;
    Ok((2.0 * f.integral(&g, |d| d * d)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Mean |x − y| over all pairs.
    fn mean_distance(a: &[f64], b: &[f64]) -> f64 {
        a.iter().flat_map(|x| b.iter().map(move |y| (x - y).abs())).sum::<f64>() / (a.len() * b.len()) as f64
    }

    proptest! {
        #[test]
        fn all_pairs_are_the_twin(
            a in proptest::collection::vec(-5.0f64..5.0, 1..30),
            b in proptest::collection::vec(-5.0f64..5.0, 1..30),
        ) {
            let pairs = 2.0 * mean_distance(&a, &b) - mean_distance(&a, &a) - mean_distance(&b, &b);
            let got = energy_distance(&a, &b).unwrap();
            prop_assert!((got * got - pairs).abs() < 1e-11);
        }
    }

    #[test]
    fn equal_samples_are_at_no_distance() {
        assert_eq!(energy_distance(&[1.0, 5.0, 2.0], &[5.0, 2.0, 1.0]).unwrap(), 0.0);
        assert!(energy_distance(&[], &[1.0]).is_err());
    }
}

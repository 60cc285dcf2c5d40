//! Wasserstein's distance of order 1: how far, on average, values must be moved to make one distribution the other.

use super::steps::{Steps, mean_quantile_gap};
use super::{ScoreError, ScoreResult};

const METRIC: &str = "wasserstein";

/// Wasserstein-1 distance of two samples, exact.
///
/// # Formula
/// ```text
/// W₁ = ∫ |F(x) − G(x)| dx = ∫₀¹ |F⁻¹(q) − G⁻¹(q)| dq
/// ```
/// In the unit of the data; 0 for equal samples, |shift| for a shifted one.
///
/// # Errors
/// [`ScoreError::TooFew`] for an empty sample, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::wasserstein;
/// assert_eq!(wasserstein(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0]).unwrap(), 5.0);
/// ```
///
/// # Reference
/// Vallender (1974), doi:10.1137/1118101
pub fn wasserstein(truth: &[f64], prediction: &[f64]) -> ScoreResult<f64> {
    if truth.len() == prediction.len() && !truth.is_empty() {
        for (what, values) in [("truth", truth), ("prediction", prediction)] {
            if let Some(position) = values.iter().position(|v| !v.is_finite()) {
                return Err(ScoreError::NotFinite { what, position });
            }
        }
        return Ok(mean_quantile_gap(&mut truth.to_vec(), &mut prediction.to_vec()));
    }
    wasserstein_weighted(truth, prediction, None, None)
}

/// Wasserstein-1 distance of two samples with weights (cell areas, say), each normalised to a sum of 1.
///
/// # Errors
/// As [`wasserstein`], and [`ScoreError::Argument`] for weights of another number, negative, or all 0.
///
/// # Example
/// ```
/// use isotherm::score::wasserstein_weighted;
/// // a quarter of the mass moves by 4
/// let w = wasserstein_weighted(&[0.0], &[0.0, 4.0], None, Some(&[3.0, 1.0])).unwrap();
/// assert_eq!(w, 1.0);
/// ```
pub fn wasserstein_weighted(
    truth: &[f64],
    prediction: &[f64],
    truth_weights: Option<&[f64]>,
    prediction_weights: Option<&[f64]>,
) -> ScoreResult<f64> {
    let f = Steps::of(truth, truth_weights, "truth", METRIC)?;
    let g = Steps::of(prediction, prediction_weights, "prediction", METRIC)?;
    Ok(f.integral(&g, f64::abs))
}

/// Wasserstein-1 distance of two histograms on the same bins, as if values were spread evenly within each bin.
///
/// # Formula
/// ```text
/// W₁ = Σ ∫_bin |F − G| dx,    F and G straight lines within a bin
/// ```
/// Shares are normalised to a sum of 1.
///
/// # Errors
/// [`ScoreError::Argument`] where edges do not ascend or are not one more than the shares, or shares are negative or all 0.
///
/// # Example
/// ```
/// use isotherm::score::wasserstein_histogram;
/// // all mass moves by one bin of width 2
/// assert_eq!(wasserstein_histogram(&[0.0, 2.0, 4.0], &[5.0, 0.0], &[0.0, 3.0]).unwrap(), 2.0);
/// ```
pub fn wasserstein_histogram(edges: &[f64], truth: &[f64], prediction: &[f64]) -> ScoreResult<f64> {
    super::histogram::check_edges(edges)?;
    let (p, q) = (normalised(edges, truth)?, normalised(edges, prediction)?);
    let (mut sum, mut gap) = (0.0, 0.0f64);
    for ((bin, p), q) in edges.windows(2).zip(p).zip(q) {
        let after = gap + p - q;
        let (a, b) = (gap.abs(), after.abs());
        // Where the difference changes its sign within the bin, the space between is two triangles.
        let mean = if gap * after < 0.0 { (a * a + b * b) / (2.0 * (a + b)) } else { (a + b) / 2.0 };
        sum += mean * (bin[1] - bin[0]);
        gap = after;
    }
    Ok(sum)
}

fn normalised(edges: &[f64], shares: &[f64]) -> ScoreResult<Vec<f64>> {
    if shares.len() + 1 != edges.len() {
        return Err(ScoreError::Argument(format!("{} edges for {} bins; one more edge is wanted", edges.len(), shares.len())));
    }
    if let Some(share) = shares.iter().find(|s| !(s.is_finite() && **s >= 0.0)) {
        return Err(ScoreError::Argument(format!("a bin holds {share}; 0 or more is wanted")));
    }
    let total: f64 = shares.iter().sum();
    if total <= 0.0 {
        return Err(ScoreError::Argument("a histogram is empty; some mass is wanted".into()));
    }
    Ok(shares.iter().map(|s| s / total).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_metric_that_both_ways_of_counting_share(
            a in proptest::collection::vec(-5.0f64..5.0, 1..40),
            b in proptest::collection::vec(-5.0f64..5.0, 1..40),
            c in proptest::collection::vec(-5.0f64..5.0, 1..40),
            shift in -3.0f64..3.0,
        ) {
            let w = |a: &[f64], b: &[f64]| wasserstein(a, b).unwrap();
            let moved: Vec<f64> = a.iter().map(|v| v + shift).collect();
            prop_assert!((w(&a, &moved) - shift.abs()).abs() < 1e-12);
            prop_assert!((w(&a, &b) - w(&b, &a)).abs() < 1e-12);
            prop_assert!(w(&a, &c) <= w(&a, &b) + w(&b, &c) + 1e-12);
            // Each value repeated as often as the other sample has values: equal sizes, by quantiles.
            let repeat = |x: &[f64], n: usize| x.iter().flat_map(|v| std::iter::repeat_n(*v, n)).collect::<Vec<f64>>();
            prop_assert!((w(&a, &b) - w(&repeat(&a, b.len()), &repeat(&b, a.len()))).abs() < 1e-12);
            prop_assert!((w(&a, &moved) - wasserstein_weighted(&a, &moved, None, None).unwrap()).abs() < 1e-12);
        }
    }

    #[test]
    fn histogram_whose_difference_changes_sign() {
        // F − G runs 0, ½, −½, 0 over bins of width 1: triangles ¼ + ¼ + ¼
        let w = wasserstein_histogram(&[0.0, 1.0, 2.0, 3.0], &[0.5, 0.0, 0.5], &[0.0, 1.0, 0.0]).unwrap();
        assert!((w - 0.75).abs() < 1e-15);
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(wasserstein(&[], &[1.0]).is_err() && wasserstein(&[], &[]).is_err());
        assert_eq!(wasserstein(&[1.0], &[f64::NAN]), Err(ScoreError::NotFinite { what: "prediction", position: 0 }));
        assert!(wasserstein_histogram(&[0.0, 0.0], &[1.0], &[1.0]).is_err());
        assert!(wasserstein_histogram(&[0.0, 1.0], &[0.0], &[1.0]).is_err());
    }
}

//! Many tests at once: p-values corrected for their number.

use super::{ScoreError, ScoreResult};

/// What is held below the level: the chance of any false alarm, or the share of false alarms among all alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correction {
    /// Any false alarm, for tests of any dependence: p times their number.
    Bonferroni,
    /// The same, step by step from the smallest; never worse than Bonferroni.
    Holm,
    /// Any false alarm, for independent tests.
    Sidak,
    /// Share of false alarms, for independent or positively dependent tests (maps).
    BenjaminiHochberg,
    /// The same for tests of any dependence.
    BenjaminiYekutieli,
}

/// P-values corrected for their number, in the order given. A test stands at level α where its corrected p is at most α.
///
/// # Formula
/// ```text
/// p(i) the i-th smallest of m
/// Bonferroni  m p                       Sidak  1 − (1 − p)ᵐ
/// Holm        max_{j ≤ i} (m − j + 1) p(j)
/// Benjamini-Hochberg   min_{j ≥ i} m/j p(j),    Benjamini-Yekutieli the same times Σ 1/j;    all at most 1
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] for no p-value, [`ScoreError::Argument`] for one outside 0..1.
///
/// # Example
/// ```
/// use isotherm::score::{adjusted_p_values, Correction};
/// let p = adjusted_p_values(&[0.04, 0.01, 0.02], Correction::BenjaminiHochberg).unwrap();
/// assert!(p.iter().zip([0.04, 0.03, 0.03]).all(|(a, b)| (a - b).abs() < 1e-15));
/// ```
///
/// # Reference
/// Holm (1979), Scand. J. Statist. 6, 65-70; Benjamini, Hochberg (1995), doi:10.1111/j.2517-6161.1995.tb02031.x;
/// Benjamini, Yekutieli (2001), doi:10.1214/aos/1013699998
pub fn adjusted_p_values(p_values: &[f64], correction: Correction) -> ScoreResult<Vec<f64>> {
    if p_values.is_empty() {
        return Err(ScoreError::TooFew { metric: "a correction for many tests", found: 0, wanted: 1 });
    }
    if let Some(p) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(ScoreError::Argument(format!("a p-value of {p} is outside 0..1")));
    }
    let m = p_values.len() as f64;
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    match correction {
        Correction::Bonferroni => adjusted.iter_mut().zip(p_values).for_each(|(a, p)| *a = (m * p).min(1.0)),
        // The form that keeps the digits of a small p.
        Correction::Sidak => adjusted.iter_mut().zip(p_values).for_each(|(a, p)| *a = -(m * (-p).ln_1p()).exp_m1()),
        Correction::Holm => {
            let mut largest = 0.0f64;
            for (before, i) in order.iter().enumerate() {
                largest = largest.max((m - before as f64) * p_values[*i]);
                adjusted[*i] = largest.min(1.0);
            }
        }
        Correction::BenjaminiHochberg | Correction::BenjaminiYekutieli => {
            let any = correction == Correction::BenjaminiYekutieli;
            let factor = if any { (1..=p_values.len()).map(|j| 1.0 / j as f64).sum() } else { 1.0 };
            let mut smallest = 1.0f64;
            for (before, i) in order.iter().enumerate().rev() {
                smallest = smallest.min(factor * m / (before as f64 + 1.0) * p_values[*i]);
                adjusted[*i] = smallest;
            }
        }
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Correction; 5] = [
        Correction::Bonferroni,
        Correction::Holm,
        Correction::Sidak,
        Correction::BenjaminiHochberg,
        Correction::BenjaminiYekutieli,
    ];

    #[test]
    fn one_test_needs_no_correction() {
        for correction in ALL {
            assert!((adjusted_p_values(&[0.03], correction).unwrap()[0] - 0.03).abs() < 1e-15);
            assert!(adjusted_p_values(&[], correction).is_err() && adjusted_p_values(&[1.5], correction).is_err());
        }
    }

    proptest! {
        #[test]
        fn corrections_keep_order_and_bounds(p in proptest::collection::vec(0.0f64..=1.0, 1..30)) {
            let of = |correction| adjusted_p_values(&p, correction).unwrap();
            for correction in ALL {
                let adjusted = of(correction);
                for i in 0..p.len() {
                    prop_assert!(adjusted[i] >= p[i] - 1e-15 && adjusted[i] <= 1.0);
                    for k in 0..p.len() {
                        prop_assert!(p[i] > p[k] || adjusted[i] <= adjusted[k] + 1e-15);
                    }
                }
            }
            let (plain, holm, share) = (of(Correction::Bonferroni), of(Correction::Holm), of(Correction::BenjaminiHochberg));
            for i in 0..p.len() {
                prop_assert!(share[i] <= holm[i] + 1e-15 && holm[i] <= plain[i] + 1e-15);
            }
        }
    }
}

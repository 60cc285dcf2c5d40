//! The sign test: how often is one larger than the other?

use super::{ScoreError, ScoreResult, differences};

/// Counts of a sign test and its p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignTest {
    /// Pairs in which the first is larger.
    pub positive: usize,
    /// Pairs that differ.
    pub differing: usize,
    /// Two-sided p-value of both being larger equally often.
    pub p_value: f64,
}

/// The sign test of paired values. It takes nothing for granted but independent pairs.
///
/// # Formula
/// ```text
/// p = min(1, 2 Σ_{i ≤ k} C(m, i)/2ᵐ),    m pairs that differ, k the rarer sign
/// ```
///
/// # Errors
/// [`ScoreError::Length`], [`ScoreError::NotFinite`], [`ScoreError::TooFew`] without a pair, [`ScoreError::Constant`] where no
/// pair differs.
///
/// # Example
/// ```
/// use isotherm::score::sign_test;
/// // three of three: 2/8
/// let test = sign_test(&[2.0, 3.0, 4.0, 1.0], &[1.0, 1.0, 1.0, 1.0]).unwrap();
/// assert!(test.positive == 3 && test.differing == 3 && (test.p_value - 0.25).abs() < 1e-15);
/// ```
///
/// # Reference
/// Dixon, Mood (1946), doi:10.1080/01621459.1946.10501898
pub fn sign_test(a: &[f64], b: &[f64]) -> ScoreResult<SignTest> {
    let d = differences(a, b, "sign_test", 1)?;
    let positive = d.iter().filter(|d| **d > 0.0).count();
    let differing = d.iter().filter(|d| **d != 0.0).count();
    if differing == 0 {
        return Err(ScoreError::Constant { what: "the difference of the two", metric: "sign_test" });
    }
    let rarer = positive.min(differing - positive);
    let m = differing as f64;
    let ln_half = -m * std::f64::consts::LN_2;
    // ln C(m, i) step by step from ln C(m, 0) = 0, so that thousands of pairs neither overflow nor underflow.
    let (mut ln_ways, mut sum) = (0.0, 0.0);
    for i in 0..=rarer {
        sum += (ln_ways + ln_half).exp();
        ln_ways += ((m - i as f64) / (i as f64 + 1.0)).ln();
    }
    Ok(SignTest { positive, differing, p_value: (2.0 * sum).min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let of = |signs: &[f64]| sign_test(signs, &vec![0.0; signs.len()]).unwrap().p_value;
        // 1 of 5: 2 (1 + 5)/32
        assert!((of(&[1.0, -1.0, -2.0, -1.0, -0.5]) - 0.375).abs() < 1e-14);
        // as many as not
        assert_eq!(of(&[1.0, -1.0]), 1.0);
    }

    #[test]
    fn many_pairs_neither_overflow_nor_vanish() {
        let d: Vec<f64> = (0..4000).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert_eq!(sign_test(&d, &vec![0.0; 4000]).unwrap().p_value, 1.0);
        assert!(sign_test(&[1.0; 4], &[1.0; 4]).is_err() && sign_test(&[], &[]).is_err());
    }
}

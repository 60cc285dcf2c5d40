//! The rules by which a quantile falls between two values.

use super::{ScoreError, ScoreResult};

/// How a quantile of a sample is read off its ordered values.
///
/// # Reference
/// Hyndman, Fan (1996), doi:10.1080/00031305.1996.10473566
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum QuantileRule {
    /// Position (n − 1) q, by straight lines (type 7): the rule of [`crate::score::quantile`].
    #[default]
    Linear,
    /// Position n q − ½ (type 5).
    Hazen,
    /// Position (n + 1) q − 1 (type 6): the mean of the share below is q for any distribution.
    Weibull,
    /// Position (n + ⅓) q − ⅔ (type 8): the median of the quantile is right for any distribution.
    MedianUnbiased,
    /// The value nearest to position (n − 1) q, the even one of two.
    Nearest,
    /// The value at or below position (n − 1) q.
    Lower,
    /// The smallest value with a share of at least q at or below it (type 1).
    InvertedDistribution,
}

impl QuantileRule {
    /// The quantile at `probability` of values in ascending order. Positions outside the sample give its ends.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] for an empty sample, [`ScoreError::Argument`] for a probability outside 0..1.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::QuantileRule;
    /// let x = [1.0, 2.0, 4.0, 8.0];
    /// assert_eq!(QuantileRule::Hazen.of_sorted(&x, 0.5).unwrap(), 3.0); // position 1.5
    /// assert_eq!(QuantileRule::InvertedDistribution.of_sorted(&x, 0.5).unwrap(), 2.0);
    /// ```
    pub fn of_sorted(self, sorted: &[f64], probability: f64) -> ScoreResult<f64> {
        if sorted.is_empty() {
            return Err(ScoreError::TooFew { metric: "quantile", found: 0, wanted: 1 });
        }
        if !(0.0..=1.0).contains(&probability) {
            return Err(ScoreError::Argument(format!("probability {probability} is outside 0..1")));
        }
        let (n, q) = (sorted.len() as f64, probability);
        let position = match self {
            QuantileRule::Linear => (n - 1.0) * q,
            QuantileRule::Hazen => n * q - 0.5,
            QuantileRule::Weibull => (n + 1.0) * q - 1.0,
            QuantileRule::MedianUnbiased => (n + 1.0 / 3.0) * q - 2.0 / 3.0,
            QuantileRule::Nearest => ((n - 1.0) * q).round_ties_even(),
            QuantileRule::Lower => ((n - 1.0) * q).floor(),
            QuantileRule::InvertedDistribution => (n * q).ceil() - 1.0,
        };
        let position = position.clamp(0.0, n - 1.0);
        let (low, part) = (position.floor() as usize, position.fract());
        let (a, b) = (sorted[low], sorted[(low + 1).min(sorted.len() - 1)]);
        Ok(if part < 0.5 { a + (b - a) * part } else { b - (b - a) * (1.0 - part) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_by_hand() {
        let x = [10.0, 20.0, 30.0, 40.0, 50.0];
        let of = |rule: QuantileRule, q| rule.of_sorted(&x, q).unwrap();
        assert_eq!(of(QuantileRule::Linear, 0.3), 22.0);
        assert_eq!(of(QuantileRule::Hazen, 0.3), 20.0);
        assert!((of(QuantileRule::Weibull, 0.3) - 18.0).abs() < 1e-12);
        // (5 + 1/3)·0.5 − 2/3 = 2
        assert!((of(QuantileRule::MedianUnbiased, 0.5) - 30.0).abs() < 1e-12);
        assert_eq!(of(QuantileRule::Nearest, 0.375), 30.0); // 1.5 goes to the even 2
        assert_eq!(of(QuantileRule::Lower, 0.49), 20.0);
        assert_eq!(of(QuantileRule::InvertedDistribution, 0.4), 20.0);
        for rule in [QuantileRule::Hazen, QuantileRule::Weibull, QuantileRule::InvertedDistribution] {
            assert_eq!((of(rule, 0.0), of(rule, 1.0)), (10.0, 50.0));
        }
        assert!(QuantileRule::Linear.of_sorted(&[], 0.5).is_err() && QuantileRule::Linear.of_sorted(&x, 1.1).is_err());
    }
}

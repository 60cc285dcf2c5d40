//! Plotting positions: which probability an ordered value of a sample stands for.

use super::{ScoreError, ScoreResult};
use crate::score::rank::average_ranks;

/// The rule for the probability not to exceed the value of rank r among n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum PlottingPosition {
    /// r/(n + 1): right on average for any law.
    #[default]
    Weibull,
    /// (r − 0.44)/(n + 0.12): nearly right in the value for Gumbel's law.
    Gringorten,
    /// (r − ½)/n.
    Hazen,
}

/// The plotting position of each value, in the order given; equal values share the mean of their ranks. The return period of a
/// maximum is 1/(1 − position).
///
/// # Errors
/// [`ScoreError::TooFew`] for an empty sample, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::{plotting_positions, PlottingPosition};
/// let p = plotting_positions(&[3.0, 1.0, 2.0], PlottingPosition::Weibull).unwrap();
/// assert_eq!(p, vec![0.75, 0.25, 0.5]); // the largest of three returns every 4 blocks
/// ```
///
/// # Reference
/// Gringorten (1963), doi:10.1029/JZ068i003p00813
pub fn plotting_positions(values: &[f64], rule: PlottingPosition) -> ScoreResult<Vec<f64>> {
    if values.is_empty() {
        return Err(ScoreError::TooFew { metric: "plotting positions", found: 0, wanted: 1 });
    }
    if let Some(position) = values.iter().position(|v| !v.is_finite()) {
        return Err(ScoreError::NotFinite { what: "the sample", position });
    }
    let n = values.len() as f64;
    let of = |rank: f64| match rule {
        PlottingPosition::Weibull => rank / (n + 1.0),
        PlottingPosition::Gringorten => (rank - 0.44) / (n + 0.12),
        PlottingPosition::Hazen => (rank - 0.5) / n,
    };
    Ok(average_ranks(values).into_iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_symmetric() {
        for rule in [PlottingPosition::Weibull, PlottingPosition::Gringorten, PlottingPosition::Hazen] {
            let p = plotting_positions(&[1.0, 2.0, 3.0, 4.0, 5.0], rule).unwrap();
            assert!((p[0] + p[4] - 1.0).abs() < 1e-15 && (p[2] - 0.5).abs() < 1e-15);
            assert!(plotting_positions(&[], rule).is_err() && plotting_positions(&[f64::NAN], rule).is_err());
        }
    }
}

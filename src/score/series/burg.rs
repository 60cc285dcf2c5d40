//! Burg's reflection coefficients: partial autocorrelations from forward and backward prediction errors.

use super::{ScoreResult, dot, mean};
use crate::score::error::ScoreError;

/// Partial autocorrelations at lags 0 to `max_lag`, for a series that is not constant and longer than `max_lag`.
pub(super) fn burg(values: &[f64], max_lag: usize) -> ScoreResult<Vec<f64>> {
    let n = values.len();
    let centre = mean(values);
    // Errors of predicting from what came before, and from what comes after. At order k both are known for k..n.
    let mut forward: Vec<f64> = values.iter().map(|v| v - centre).collect();
    let mut backward = forward.clone();
    let mut partial = Vec::with_capacity(max_lag + 1);
    partial.push(1.0);
    for order in 1..=max_lag {
        let (ahead, behind) = (&forward[order..], &backward[order - 1..n - 1]);
        let power = dot(ahead, ahead) + dot(behind, behind);
        if power <= 0.0 {
            return Err(ScoreError::Argument(format!(
                "the series is foretold without error by {} lags, so no partial autocorrelation is left at lag {order}",
                order - 1
            )));
        }
        let reflection = 2.0 * dot(ahead, behind) / power;
        partial.push(reflection);
        // From the end, since the backward error at t takes that at t - 1.
        for t in (order..n).rev() {
            let (f, b) = (forward[t], backward[t - 1]);
            forward[t] = f - reflection * b;
            backward[t] = b - reflection * f;
        }
    }
    Ok(partial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_coefficient_by_hand() {
        // deviations -1, 0, 1: 2(0 + 0)/((0 + 1) + (1 + 0))
        assert_eq!(burg(&[1.0, 2.0, 3.0], 1).unwrap(), vec![1.0, 0.0]);
        // deviations -1, 1, -1, 1: 2(-3)/(3 + 3) = -1, and then nothing is left
        assert_eq!(burg(&[0.0, 2.0, 0.0, 2.0], 1).unwrap(), vec![1.0, -1.0]);
        assert!(burg(&[0.0, 2.0, 0.0, 2.0], 2).is_err());
    }

    #[test]
    fn coefficients_stay_within_one() {
        let x: Vec<f64> = (0..60).map(|t| (f64::from(t) * 0.3).sin() + 0.01 * f64::from(t * t % 17)).collect();
        assert!(burg(&x, 20).unwrap().iter().all(|p| p.abs() <= 1.0));
    }
}

//! Time-series diagnostics: how long a series remembers, and how well one follows another.

mod autocovariance;
mod bands;
mod burg;
mod cross;
mod decorrelation;
mod lag_profile;
mod ljung_box;
mod partial;
mod regression;

pub use autocovariance::{
    LagDivisor, MissingDays, autocorrelation, autocorrelations, autocovariance, default_lags, default_partial_lags,
};
pub use bands::{bartlett_bands, white_noise_bands};
pub use cross::cross_correlation;
pub use decorrelation::{
    e_folding_lag, effective_count_of_scale, effective_count_of_step, first_lag_below, integral_scale, zero_crossing_lag,
};
pub use lag_profile::{LagScore, best_lag, lag_profile};
pub use ljung_box::{LjungBox, ljung_box};
pub use partial::{PartialMethod, partial_autocorrelation, partial_autocorrelations, partial_of_autocovariance};

use super::error::{ScoreError, ScoreResult};

/// The mean, corrected by the mean of what is left, so that an offset of hundreds of kelvin costs no digits.
fn mean(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let rough = values.iter().sum::<f64>() / n;
    rough + values.iter().map(|v| v - rough).sum::<f64>() / n
}

/// Σ aᵢ bᵢ in eight running sums: fast, and always added in the same order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    let mut sums = [0.0; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in left.zip(right) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) + rest
}

fn check_finite(values: &[f64], what: &'static str) -> ScoreResult<()> {
    match values.iter().position(|v| !v.is_finite()) {
        Some(position) => Err(ScoreError::NotFinite { what, position }),
        None => Ok(()),
    }
}

/// Fails for a series whose values are all the same.
fn check_spread(values: &[f64], metric: &'static str) -> ScoreResult<()> {
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        return Err(ScoreError::Constant { what: "the series", metric });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_by_hand() {
        let a: Vec<f64> = (1..=19).map(f64::from).collect();
        // 1² + ... + 19² = 19·20·39/6
        assert_eq!(dot(&a, &a), 2470.0);
        assert_eq!(mean(&a), 10.0);
        assert!(check_spread(&[2.0, 2.0], "x").is_err() && check_spread(&[2.0, 3.0], "x").is_ok());
        assert!(check_finite(&[1.0, f64::INFINITY], "x").is_err());
    }
}

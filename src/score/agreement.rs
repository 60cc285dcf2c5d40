//! Willmott's indices of agreement, efficiencies of other powers, and angles between series.

use super::error::{ScoreError, ScoreResult};
use super::kge::{mean_is_zero, zero_mean};
use super::pairs::Pairs;
use super::relative::zero_divisor;
use super::valid::check_count;

/// Willmott's index of agreement with any power: 2 is his d of 1981, 1 the modified d₁ of 1985.
///
/// # Formula
/// ```text
/// d_j = 1 − Σ |p − t|ʲ / Σ ( |p − t̄| + |t − t̄| )ʲ
/// ```
/// 0..1; 1 is perfect.
///
/// # Errors
/// [`ScoreError::TooFew`], [`ScoreError::NotFinite`]; [`ScoreError::Constant`] where both sides are the same constant;
/// [`ScoreError::Argument`] for a power that is not positive.
///
/// # Example
/// ```
/// use isotherm::score::index_of_agreement;
/// // t̄ = 2: errors 1 and 0 over 0 + 1 and 1 + 1, squared: 1 − 1/(1 + 4)
/// assert!((index_of_agreement(&[1.0, 3.0], &[2.0, 3.0], 2.0).unwrap() - 0.8).abs() < 1e-12);
/// ```
///
/// # Reference
/// Willmott (1981), doi:10.1080/02723646.1981.10642213; Willmott et al. (1985), doi:10.1029/JC090iC05p08995
pub fn index_of_agreement(truth: &[f64], prediction: &[f64], power: f64) -> ScoreResult<f64> {
    let mean = checked_mean(truth, prediction, power, "index_of_agreement")?;
    let potential = |t: f64, p: f64| ((p - mean).abs() + (t - mean).abs()).powf(power);
    efficiency(truth, prediction, "index_of_agreement", |t, p| (p - t).abs().powf(power), potential)
}

/// Willmott's refined index of agreement.
///
/// # Formula
/// ```text
/// a = Σ |p − t|,  b = 2 Σ |t − t̄|;    d_r = 1 − a/b where a ≤ b, else b/a − 1
/// ```
/// −1..1; 1 is perfect.
///
/// # Errors
/// [`ScoreError::TooFew`], [`ScoreError::NotFinite`]; [`ScoreError::Constant`] where truth and prediction are one constant.
///
/// # Example
/// ```
/// use isotherm::score::refined_index_of_agreement;
/// // a = 1, b = 2 (1 + 1)
/// assert_eq!(refined_index_of_agreement(&[1.0, 3.0], &[2.0, 3.0]).unwrap(), 0.75);
/// ```
///
/// # Reference
/// Willmott, Robeson, Matsuura (2012), doi:10.1002/joc.2419
pub fn refined_index_of_agreement(truth: &[f64], prediction: &[f64]) -> ScoreResult<f64> {
    let mean = checked_mean(truth, prediction, 1.0, "refined_index_of_agreement")?;
    let a: f64 = truth.iter().zip(prediction).map(|(t, p)| (p - t).abs()).sum();
    let b: f64 = 2.0 * truth.iter().map(|t| (t - mean).abs()).sum::<f64>();
    match (a, b) {
        (0.0, 0.0) => Err(ScoreError::Constant { what: "the truth", metric: "refined_index_of_agreement" }),
        _ if a <= b => Ok(1.0 - a / b),
        _ => Ok(b / a - 1.0),
    }
}

/// Index of agreement of relative errors.
///
/// # Formula
/// ```text
/// d_rel = 1 − Σ ((p − t)/t)² / Σ ( (|p − t̄| + |t − t̄|)/t̄ )²
/// ```
/// At most 1, which is perfect.
///
/// # Errors
/// As [`index_of_agreement`]; [`ScoreError::Argument`] where a truth or its mean is 0.
///
/// # Example
/// ```
/// use isotherm::score::relative_index_of_agreement;
/// // (1/1)² over (1/2)² + (2/2)²
/// assert!((relative_index_of_agreement(&[1.0, 3.0], &[2.0, 3.0]).unwrap() - 0.2).abs() < 1e-12);
/// ```
///
/// # Reference
/// Krause, Boyle, Bäse (2005), doi:10.5194/adgeo-5-89-2005
pub fn relative_index_of_agreement(truth: &[f64], prediction: &[f64]) -> ScoreResult<f64> {
    const NAME: &str = "relative_index_of_agreement";
    let mean = mean_to_divide_by(truth, prediction, NAME)?;
    let potential = |t: f64, p: f64| (((p - mean).abs() + (t - mean).abs()) / mean).powi(2);
    efficiency(truth, prediction, NAME, |t, p| ((p - t) / t).powi(2), potential)
}

/// Nash-Sutcliffe efficiency with absolute errors to any power (1 makes it less sensitive to extremes).
///
/// # Formula
/// ```text
/// E_j = 1 − Σ |p − t|ʲ / Σ |t − t̄|ʲ
/// ```
/// −∞..1; 1 is perfect.
///
/// # Errors
/// As [`index_of_agreement`]; [`ScoreError::Constant`] where the truth is constant.
///
/// # Example
/// ```
/// use isotherm::score::modified_nse;
/// assert_eq!(modified_nse(&[1.0, 3.0], &[2.0, 3.0], 1.0).unwrap(), 0.5);
/// ```
///
/// # Reference
/// Legates, McCabe (1999), doi:10.1029/1998WR900018
pub fn modified_nse(truth: &[f64], prediction: &[f64], power: f64) -> ScoreResult<f64> {
    let mean = checked_mean(truth, prediction, power, "modified_nse")?;
    efficiency(truth, prediction, "modified_nse", |t, p| (p - t).abs().powf(power), |t, _| (t - mean).abs().powf(power))
}

/// Nash-Sutcliffe efficiency of relative errors.
///
/// # Formula
/// ```text
/// E_rel = 1 − Σ ((p − t)/t)² / Σ ((t − t̄)/t̄)²
/// ```
/// −∞..1; 1 is perfect.
///
/// # Errors
/// As [`modified_nse`]; [`ScoreError::Argument`] where a truth or its mean is 0.
///
/// # Example
/// ```
/// use isotherm::score::relative_nse;
/// // 1 over (1/2)² + (1/2)²
/// assert!((relative_nse(&[1.0, 3.0], &[2.0, 3.0]).unwrap() + 1.0).abs() < 1e-12);
/// ```
///
/// # Reference
/// Krause, Boyle, Bäse (2005), doi:10.5194/adgeo-5-89-2005
pub fn relative_nse(truth: &[f64], prediction: &[f64]) -> ScoreResult<f64> {
    const NAME: &str = "relative_nse";
    let mean = mean_to_divide_by(truth, prediction, NAME)?;
    efficiency(truth, prediction, NAME, |t, p| ((p - t) / t).powi(2), |t, _| ((t - mean) / mean).powi(2))
}

/// Angle between the two series as vectors, in radians.
///
/// # Formula
/// ```text
/// arccos( Σ t p / √(Σ t² Σ p²) )
/// ```
/// 0..π; 0 where the prediction is the truth times a positive number.
///
/// # Errors
/// [`ScoreError::TooFew`], [`ScoreError::NotFinite`]; [`ScoreError::Argument`] where a series is all zeros.
///
/// # Example
/// ```
/// use isotherm::score::spectral_angle;
/// assert!((spectral_angle(&[1.0, 0.0], &[0.0, 2.0]).unwrap() - std::f64::consts::FRAC_PI_2).abs() < 1e-12);
/// ```
///
/// # Reference
/// Robila, Gershman (2005), doi:10.1109/ISSCS.2005.1509878
pub fn spectral_angle(truth: &[f64], prediction: &[f64]) -> ScoreResult<f64> {
    check_count(truth, prediction, "spectral_angle", 1)?;
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (a, b) = (norm(truth), norm(prediction));
    if a == 0.0 || b == 0.0 {
        return Err(ScoreError::Argument("a series is all zeros, so the angle to it is undefined".into()));
    }
    // Kahan's form keeps its digits at 0 and π, where the arc cosine has half of them.
    let side = |sign: f64| truth.iter().zip(prediction).map(|(t, p)| (t / a + sign * p / b).powi(2)).sum::<f64>().sqrt();
    Ok(2.0 * side(-1.0).atan2(side(1.0)))
}

fn checked_mean(truth: &[f64], prediction: &[f64], power: f64, metric: &'static str) -> ScoreResult<f64> {
    check_count(truth, prediction, metric, 1)?;
    if !(power > 0.0 && power.is_finite()) {
        return Err(ScoreError::Argument(format!("{metric} with the power {power} was asked for; a positive one is wanted")));
    }
    Ok(Pairs::collect(truth, prediction, None, None)?.mean_truth())
}

fn mean_to_divide_by(truth: &[f64], prediction: &[f64], metric: &'static str) -> ScoreResult<f64> {
    check_count(truth, prediction, metric, 1)?;
    if let Some(position) = truth.iter().position(|t| *t == 0.0) {
        return Err(zero_divisor(metric, position));
    }
    let pairs = Pairs::collect(truth, prediction, None, None)?;
    if mean_is_zero(pairs.mean_truth(), pairs.spread_truth(), pairs.weight()) {
        return Err(zero_mean("truth", metric));
    }
    Ok(pairs.mean_truth())
}

/// 1 − Σ error / Σ reference.
fn efficiency(
    truth: &[f64],
    prediction: &[f64],
    metric: &'static str,
    error: impl Fn(f64, f64) -> f64,
    reference: impl Fn(f64, f64) -> f64,
) -> ScoreResult<f64> {
    let (mut errors, mut references) = (0.0, 0.0);
    for (t, p) in truth.iter().zip(prediction) {
        errors += error(*t, *p);
        references += reference(*t, *p);
    }
    if references == 0.0 {
        return Err(ScoreError::Constant { what: "the truth", metric });
    }
    Ok(1.0 - errors / references)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perfect_is_one_and_constants_are_refused() {
        let t = [1.0, 2.0, 5.0];
        for value in [index_of_agreement(&t, &t, 2.0), refined_index_of_agreement(&t, &t), modified_nse(&t, &t, 1.0)] {
            assert_eq!(value, Ok(1.0));
        }
        assert!(modified_nse(&[2.0, 2.0], &[1.0, 2.0], 1.0).is_err());
        assert!(index_of_agreement(&[2.0], &[2.0], 2.0).is_err());
        assert!(relative_nse(&[0.0, 2.0], &[1.0, 2.0]).is_err());
        assert!(index_of_agreement(&t, &t, 0.0).is_err());
    }
}

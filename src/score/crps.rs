//! Continuous ranked probability score: the absolute error of a forecast that is a distribution.

use super::error::{ScoreError, ScoreResult};
use super::significance::tail::normal_above;

/// How the spread among the members is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrpsEstimator {
    /// Over all M² pairs: the score of the members' step function itself. Favours large ensembles.
    Plain,
    /// Over the M(M − 1) pairs of different members: the score of the distribution that the members are drawn from.
    Fair,
}

/// Continuous ranked probability score of an ensemble for one observation.
///
/// # Formula
/// ```text
/// CRPS = mean |x_i − y| − Σ_ij |x_i − x_j| / (2 M²)        fair: / (2 M (M − 1))
/// ```
/// In the unit of the data; 0 is perfect. The plain score of one member is its absolute error. The fair one may be negative.
///
/// # Errors
/// [`ScoreError::TooFew`] without a member (fair: below two), [`ScoreError::NotFinite`] for an infinity or NaN: missing
/// members are left out by the caller, knowingly.
///
/// # Example
/// ```
/// use isotherm::score::{crps, CrpsEstimator};
/// // mean |x − 1| = 1, spread 2·2/(2·4) = 0.5
/// assert_eq!(crps(&[0.0, 2.0], 1.0, CrpsEstimator::Plain).unwrap(), 0.5);
/// assert_eq!(crps(&[0.0, 2.0], 1.0, CrpsEstimator::Fair).unwrap(), 0.0);
/// ```
///
/// # Reference
/// Gneiting, Raftery (2007), doi:10.1198/016214506000001437; Ferro (2014), doi:10.1002/qj.2270 (fair)
pub fn crps(members: &[f64], observation: f64, estimator: CrpsEstimator) -> ScoreResult<f64> {
    let wanted = if estimator == CrpsEstimator::Fair { 2 } else { 1 };
    let ordered = departures(members, observation, wanted)?;
    let m = ordered.len() as f64;
    let error = ordered.iter().map(|d| d.abs()).sum::<f64>() / m;
    // Of sorted values, Σ_ij |x_i − x_j| = 2 Σ (2 i − M + 1) x_i, i from 0.
    let spread: f64 = ordered.iter().enumerate().map(|(i, d)| (2.0 * i as f64 - m + 1.0) * d).sum();
    Ok(error - spread / (m * if estimator == CrpsEstimator::Fair { m - 1.0 } else { m }))
}

/// Plain score of an ensemble whose members have weights (brought to a sum of 1).
///
/// # Formula
/// ```text
/// CRPS = Σ w_i |x_i − y| − ½ Σ_ij w_i w_j |x_i − x_j|
/// ```
///
/// # Errors
/// As [`crps`]; [`ScoreError::Argument`] for weights of another number, negative, not finite or all 0.
///
/// # Example
/// ```
/// use isotherm::score::crps_weighted;
/// assert_eq!(crps_weighted(&[0.0, 9.0], &[2.0, 0.0], 1.0).unwrap(), 1.0);
/// ```
///
/// # Reference
/// Gneiting, Raftery (2007), doi:10.1198/016214506000001437
pub fn crps_weighted(members: &[f64], weights: &[f64], observation: f64) -> ScoreResult<f64> {
    departures(members, observation, 1)?;
    let total: f64 = weights.iter().sum();
    if weights.len() != members.len() || weights.iter().any(|w| !w.is_finite() || *w < 0.0) || total <= 0.0 {
        return Err(ScoreError::Argument(format!(
            "{} weights (sum {total}) for {} members; one each, not negative and not all 0, is wanted",
            weights.len(),
            members.len()
        )));
    }
    let mut pairs: Vec<(f64, f64)> = members.iter().zip(weights).map(|(x, w)| (x - observation, w / total)).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut error, mut half_spread, mut below) = (0.0, 0.0, 0.0);
    for (d, w) in pairs {
        error += w * d.abs();
        half_spread += w * d * (2.0 * below + w - 1.0);
        below += w;
    }
    Ok(error - half_spread)
}

/// Score of a normal forecast distribution.
///
/// # Formula
/// ```text
/// CRPS = σ ( z (2Φ(z) − 1) + 2φ(z) − 1/√π ),    z = (y − μ)/σ
/// ```
///
/// # Errors
/// [`ScoreError::Argument`] for a σ that is not positive, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::crps_normal;
/// // 2φ(0) − 1/√π
/// assert!((crps_normal(0.0, 1.0, 0.0).unwrap() - 0.233_695).abs() < 1e-6);
/// ```
///
/// # Reference
/// Gneiting et al. (2005), doi:10.1175/MWR2904.1
pub fn crps_normal(mean: f64, standard_deviation: f64, observation: f64) -> ScoreResult<f64> {
    let z = standardised(mean, standard_deviation, observation)?;
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    let twice_cdf_less_one = 1.0 - 2.0 * normal_above(z);
    Ok(standard_deviation * (z * twice_cdf_less_one + 2.0 * density - 1.0 / std::f64::consts::PI.sqrt()))
}

/// Logarithmic score of a normal forecast distribution: −ln of its density at the observation. Smaller is better.
///
/// # Errors
/// As [`crps_normal`].
///
/// # Example
/// ```
/// use isotherm::score::log_score_normal;
/// // ½ ln 2π
/// assert!((log_score_normal(0.0, 1.0, 0.0).unwrap() - 0.918_938_5).abs() < 1e-7);
/// ```
///
/// # Reference
/// Good (1952), doi:10.1111/j.2517-6161.1952.tb00104.x
pub fn log_score_normal(mean: f64, standard_deviation: f64, observation: f64) -> ScoreResult<f64> {
    let z = standardised(mean, standard_deviation, observation)?;
    Ok(0.5 * (z * z + std::f64::consts::TAU.ln()) + standard_deviation.ln())
}

fn standardised(mean: f64, standard_deviation: f64, observation: f64) -> ScoreResult<f64> {
    if !(standard_deviation > 0.0 && standard_deviation.is_finite()) {
        return Err(ScoreError::Argument(format!("a standard deviation of {standard_deviation}; a positive number is wanted")));
    }
    for (what, value) in [("the forecast's mean", mean), ("the observation", observation)] {
        if !value.is_finite() {
            return Err(ScoreError::NotFinite { what, position: 0 });
        }
    }
    Ok((observation - mean) / standard_deviation)
}

/// Members minus observation, ascending.
fn departures(members: &[f64], observation: f64, wanted: usize) -> ScoreResult<Vec<f64>> {
    if members.len() < wanted {
        return Err(ScoreError::TooFew { metric: "crps (members)", found: members.len(), wanted });
    }
    if !observation.is_finite() {
        return Err(ScoreError::NotFinite { what: "the observation", position: 0 });
    }
    if let Some(position) = members.iter().position(|m| !m.is_finite()) {
        return Err(ScoreError::NotFinite { what: "the ensemble", position });
    }
    let mut departures: Vec<f64> = members.iter().map(|m| m - observation).collect();
    departures.sort_unstable_by(f64::total_cmp);
    Ok(departures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bad_input_is_refused() {
        assert!(crps(&[], 0.0, CrpsEstimator::Plain).is_err());
        assert!(matches!(crps(&[1.0], 0.0, CrpsEstimator::Fair), Err(ScoreError::TooFew { .. })));
        assert!(crps(&[1.0, f64::NAN], 0.0, CrpsEstimator::Plain).is_err());
        assert!(crps_weighted(&[1.0], &[0.0], 0.0).is_err());
        assert!(crps_normal(0.0, 0.0, 0.0).is_err());
    }

    proptest! {
        #[test]
        fn agrees_with_all_pairs(members in prop::collection::vec(-5.0f64..5.0, 2..30), y in -6.0f64..6.0) {
            let m = members.len() as f64;
            let error: f64 = members.iter().map(|x| (x - y).abs()).sum::<f64>() / m;
            let spread: f64 = members.iter().flat_map(|a| members.iter().map(move |b| (a - b).abs())).sum();
            let plain = crps(&members, y, CrpsEstimator::Plain).unwrap();
            prop_assert!((plain - (error - spread / (2.0 * m * m))).abs() < 1e-12);
            prop_assert!((crps(&members, y, CrpsEstimator::Fair).unwrap() - (error - spread / (2.0 * m * (m - 1.0)))).abs() < 1e-12);
            prop_assert!((crps_weighted(&members, &vec![3.0; members.len()], y).unwrap() - plain).abs() < 1e-12);
            prop_assert_eq!(crps(&members[..1], y, CrpsEstimator::Plain).unwrap(), (members[0] - y).abs());
        }
    }
}

//! Down to which wavelength a product is right.

use serde::{Deserialize, Serialize};

use crate::score::error::{ScoreError, ScoreResult};

/// Along which axis a crossing is interpolated linearly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CrossingAxis {
    /// In the wavelength (as the Ocean Data Challenges do).
    #[default]
    Wavelength,
    /// In the frequency.
    Frequency,
}

/// The effective resolution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Resolution {
    /// The wavelength at which the score first falls below the level, coming from large scales.
    Wavelength(f64),
    /// It never falls below: every scale seen is resolved.
    EveryScale,
    /// The largest scale is below already: none is resolved.
    NoScale,
}

impl Resolution {
    /// The wavelength, where there is one.
    pub fn wavelength(self) -> Option<f64> {
        match self {
            Resolution::Wavelength(wavelength) => Some(wavelength),
            _ => None,
        }
    }
}

/// The effective resolution: where a score by scale **first** falls below `level`, from the largest scale on.
///
/// The score is 1 − P(error)/P(truth), coherence, or P(product)/P(truth), which measures energy and not agreement: state
/// which. Later crossings do not count, so a score that rises again at small scales (noise that happens to have the right
/// energy) gains nothing. A frequency of 0, or one without a score, is passed over.
///
/// # Formula
/// ```text
/// λ = λᵢ + (level − sᵢ) (λᵢ₊₁ − λᵢ) / (sᵢ₊₁ − sᵢ)   for the first i with sᵢ ≥ level > sᵢ₊₁,  λ = 1/k
/// ```
///
/// # Errors
/// [`ScoreError::Length`] where the lengths differ, [`ScoreError::TooFew`] below two frequencies with a score,
/// [`ScoreError::Argument`] unless frequencies ascend from 0 and the level is finite.
///
/// # Example
/// ```
/// use isotherm::score::{effective_resolution, CrossingAxis, Resolution};
/// let found = effective_resolution(&[0.01, 0.02, 0.04], &[Some(0.9), Some(0.7), Some(0.2)], 0.5, CrossingAxis::Wavelength);
/// let Ok(Resolution::Wavelength(found)) = found else { panic!() };
/// assert!((found - 40.0).abs() < 1e-12); // two fifths of the way from 50 to 25
/// ```
///
/// # Reference
/// Le Guillou et al. (2021), doi:10.1175/JTECH-D-20-0104.1
pub fn effective_resolution(
    frequencies: &[f64],
    score: &[Option<f64>],
    level: f64,
    axis: CrossingAxis,
) -> ScoreResult<Resolution> {
    if frequencies.len() != score.len() {
        return Err(ScoreError::Length { truth: frequencies.len(), prediction: score.len() });
    }
    let ascending = frequencies.windows(2).all(|k| k[0] < k[1]);
    if !ascending || frequencies.iter().any(|k| !(k.is_finite() && *k >= 0.0)) || !level.is_finite() {
        return Err(ScoreError::Argument(
            "an effective resolution needs ascending frequencies from 0 on and a level".to_string(),
        ));
    }
    let points: Vec<(f64, f64)> =
        frequencies.iter().zip(score).filter(|(k, _)| **k > 0.0).filter_map(|(k, s)| s.map(|s| (*k, s))).collect();
    if points.len() < 2 {
        return Err(ScoreError::TooFew { metric: "the effective resolution (frequencies)", found: points.len(), wanted: 2 });
    }
    if !(points[0].1 >= level) {
        return Ok(Resolution::NoScale);
    }
    // A NaN counts as below, which is the careful reading.
    let Some(pair) = points.windows(2).find(|p| !(p[1].1 >= level)) else {
        return Ok(Resolution::EveryScale);
    };
    let [(k, s), (next_k, next_s)] = [pair[0], pair[1]];
    let part = if next_s.is_finite() { (level - s) / (next_s - s) } else { 0.0 };
    Ok(Resolution::Wavelength(match axis {
        CrossingAxis::Wavelength => 1.0 / k + part * (1.0 / next_k - 1.0 / k),
        CrossingAxis::Frequency => 1.0 / (k + part * (next_k - k)),
    }))
}

/// The score 1 − P(error)/P(truth) at each frequency; none where the truth has no power.
///
/// 1 is perfect, 0 no better than no signal at all; negative where the error is larger than the truth.
///
/// # Errors
/// [`ScoreError::Length`] where the lengths differ.
///
/// # Example
/// ```
/// assert_eq!(isotherm::score::spectral_score(&[2.0, 0.0], &[0.5, 1.0]).unwrap(), [Some(0.75), None]);
/// ```
pub fn spectral_score(truth: &[f64], error: &[f64]) -> ScoreResult<Vec<Option<f64>>> {
    ratio(truth, error).map(|ratios| ratios.into_iter().map(|r| r.map(|r| 1.0 - r)).collect())
}

/// The ratio P(product)/P(truth) at each frequency; none where the truth has no power.
///
/// 1 is right, below 1 the product is too smooth, above it too rough.
///
/// # Errors
/// [`ScoreError::Length`] where the lengths differ.
pub fn spectral_ratio(truth: &[f64], product: &[f64]) -> ScoreResult<Vec<Option<f64>>> {
    ratio(truth, product)
}

fn ratio(truth: &[f64], other: &[f64]) -> ScoreResult<Vec<Option<f64>>> {
    if truth.len() != other.len() {
        return Err(ScoreError::Length { truth: truth.len(), prediction: other.len() });
    }
    Ok(truth.iter().zip(other).map(|(t, o)| (*t > 0.0).then(|| o / t)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: [f64; 5] = [0.0, 1.0, 2.0, 4.0, 5.0];

    fn of(score: [f64; 5], axis: CrossingAxis) -> Resolution {
        effective_resolution(&K, &score.map(Some), 0.5, axis).unwrap()
    }

    #[test]
    fn only_the_first_crossing_counts() {
        // from 0.75 at k = 1 to 0.25 at k = 2: half-way is k = 1.5 or a wavelength of 0.75
        let score = [0.0, 0.75, 0.25, 0.9, 0.1];
        assert_eq!(of(score, CrossingAxis::Frequency), Resolution::Wavelength(1.0 / 1.5));
        assert_eq!(of(score, CrossingAxis::Wavelength), Resolution::Wavelength(0.75));
    }

    #[test]
    fn none_and_every_scale() {
        assert_eq!(of([0.0, 0.9, 0.8, 0.7, 0.5], CrossingAxis::Wavelength), Resolution::EveryScale);
        assert_eq!(of([1.0, 0.4, 0.9, 0.9, 0.9], CrossingAxis::Wavelength), Resolution::NoScale);
        assert_eq!(Resolution::NoScale.wavelength(), None);
        assert_eq!(of([0.0, 0.9, 0.8, f64::NAN, 0.9], CrossingAxis::Wavelength), Resolution::Wavelength(0.5));
        let gap = [Some(0.0), Some(0.75), None, Some(0.25), None];
        let found = effective_resolution(&K, &gap, 0.5, CrossingAxis::Frequency).unwrap();
        assert_eq!(found, Resolution::Wavelength(1.0 / 2.5));
    }

    #[test]
    fn bad_input_is_refused() {
        let s = [Some(1.0), Some(0.0)];
        let of = |k: &[f64], level| effective_resolution(k, &s, level, CrossingAxis::Wavelength);
        assert!(of(&[1.0], 0.5).is_err() && of(&[2.0, 1.0], 0.5).is_err() && of(&[-1.0, 1.0], 0.5).is_err());
        assert!(of(&[1.0, 2.0], f64::NAN).is_err());
        assert!(matches!(of(&[0.0, 1.0], 0.5), Err(ScoreError::TooFew { found: 1, .. })));
        assert!(spectral_score(&[1.0], &[]).is_err() && spectral_ratio(&[1.0], &[]).is_err());
    }
}

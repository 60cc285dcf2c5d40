//! Verification of ensembles beside the CRPS: events, ranks, spread, intervals, vectors.

use super::error::{ScoreError, ScoreResult};

/// Brier score of the event "above `threshold`" for one observation, the members' share being its probability.
///
/// # Formula
/// ```text
/// ( #{x_i > threshold}/M − [y > threshold] )²
/// ```
/// 0..1; 0 is perfect.
///
/// # Errors
/// [`ScoreError::TooFew`] without a member, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::brier_above;
/// assert_eq!(brier_above(&[1.0, 2.0, 3.0, 4.0], 5.0, 3.5).unwrap(), 0.5625);
/// ```
///
/// # Reference
/// Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
pub fn brier_above(members: &[f64], observation: f64, threshold: f64) -> ScoreResult<f64> {
    check(members, &[observation], "brier_above", 1)?;
    let share = members.iter().filter(|m| **m > threshold).count() as f64 / members.len() as f64;
    Ok((share - f64::from(u8::from(observation > threshold))).powi(2))
}

/// The ranks that an observation may take among the members, from 1 to M + 1: more than one where members equal it.
///
/// # Errors
/// [`ScoreError::TooFew`] without a member, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::rank_range;
/// assert_eq!(rank_range(&[1.0, 2.0, 2.0, 3.0], 2.0).unwrap(), (2, 4));
/// ```
///
/// # Reference
/// Hamill (2001), doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2
pub fn rank_range(members: &[f64], observation: f64) -> ScoreResult<(usize, usize)> {
    check(members, &[observation], "rank_range", 1)?;
    let below = members.iter().filter(|m| **m < observation).count();
    let equal = members.iter().filter(|m| **m == observation).count();
    Ok((below + 1, below + 1 + equal))
}

/// Rank histogram with ties shared out evenly, so that nothing is drawn and the result can be repeated: M + 1 expected counts.
/// Flat for a reliable ensemble, a bowl where its spread is too small.
///
/// `ranks` are [`rank_range`]s of ensembles of `members` members.
///
/// # Errors
/// [`ScoreError::Argument`] for a rank outside 1..M + 1.
///
/// # Example
/// ```
/// use isotherm::score::rank_histogram;
/// assert_eq!(rank_histogram(&[(1, 1), (2, 3)], 2).unwrap(), vec![1.0, 0.5, 0.5]);
/// ```
///
/// # Reference
/// Hamill (2001), doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2
pub fn rank_histogram(ranks: &[(usize, usize)], members: usize) -> ScoreResult<Vec<f64>> {
    let mut counts = vec![0.0; members + 1];
    for &(low, high) in ranks {
        if low == 0 || low > high || high > members + 1 {
            return Err(ScoreError::Argument(format!("ranks {low}..{high} do not exist among {members} members")));
        }
        counts[low - 1..high].iter_mut().for_each(|c| *c += 1.0 / (high - low + 1) as f64);
    }
    Ok(counts)
}

/// Spread and skill of an ensemble over many cases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpreadSkill {
    /// Root mean squared error of the ensemble mean.
    pub rmse: f64,
    /// Root of the mean variance of the members (divisor M − 1).
    pub spread: f64,
    /// Spread over RMSE: 1 for a reliable, infinite ensemble, below 1 where the spread is too small.
    pub ratio: f64,
    /// The ratio times √((M + 1)/M): 1 for a reliable ensemble of this size.
    pub ratio_for_size: f64,
}

/// Spread against skill. `ensembles` holds one slice of members for each observation, all of one size.
///
/// # Formula
/// ```text
/// rmse = √( mean (x̄ − y)² ),    spread = √( mean s² ),    ratio = spread / rmse
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] without a case or below two members, [`ScoreError::Argument`] for ensembles of different size,
/// [`ScoreError::Constant`] where the ensemble mean is always right, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::spread_skill;
/// // means 1, errors 1; variance 2
/// let s = spread_skill(&[&[0.0, 2.0], &[2.0, 0.0]], &[2.0, 0.0]).unwrap();
/// assert!((s.ratio - 2f64.sqrt()).abs() < 1e-12);
/// ```
///
/// # Reference
/// Fortin et al. (2014), doi:10.1175/JHM-D-14-0008.1
pub fn spread_skill(ensembles: &[&[f64]], observations: &[f64]) -> ScoreResult<SpreadSkill> {
    const NAME: &str = "spread_skill";
    if ensembles.len() != observations.len() {
        return Err(ScoreError::Length { truth: observations.len(), prediction: ensembles.len() });
    }
    let Some(first) = ensembles.first() else { return Err(ScoreError::TooFew { metric: NAME, found: 0, wanted: 1 }) };
    let m = first.len();
    let (mut squared, mut variance) = (0.0, 0.0);
    for (members, y) in ensembles.iter().zip(observations) {
        if members.len() != m {
            return Err(ScoreError::Argument(format!("ensembles of {m} and {} members; one size is wanted", members.len())));
        }
        check(members, &[*y], NAME, 2)?;
        let mean = members.iter().sum::<f64>() / m as f64;
        squared += (mean - y).powi(2);
        variance += members.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (m - 1) as f64;
    }
    let n = ensembles.len() as f64;
    let (rmse, spread) = ((squared / n).sqrt(), (variance / n).sqrt());
    if rmse == 0.0 {
        return Err(ScoreError::Constant { what: "the error of the ensemble mean (0)", metric: NAME });
    }
    let ratio = spread / rmse;
    Ok(SpreadSkill { rmse, spread, ratio, ratio_for_size: ((m + 1) as f64 / m as f64).sqrt() * ratio })
}

/// Interval score of a central interval that should hold 1 − `alpha` of the observations.
///
/// # Formula
/// ```text
/// (u − l) + 2/α (l − y)₊ + 2/α (y − u)₊
/// ```
/// Smaller is better: narrow, and seldom missed.
///
/// # Errors
/// [`ScoreError::Argument`] for an α outside 0..1 or ends in the wrong order, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::interval_score;
/// assert_eq!(interval_score(0.0, 1.0, 2.0, 0.5).unwrap(), 5.0);
/// ```
///
/// # Reference
/// Gneiting, Raftery (2007), doi:10.1198/016214506000001437
pub fn interval_score(lower: f64, upper: f64, observation: f64, alpha: f64) -> ScoreResult<f64> {
    check(&[lower, upper], &[observation], "interval_score", 2)?;
    if !(alpha > 0.0 && alpha < 1.0) || lower > upper {
        return Err(ScoreError::Argument(format!(
            "an interval {lower}..{upper} with α = {alpha}; l ≤ u and 0 < α < 1 are wanted"
        )));
    }
    Ok(upper - lower + 2.0 / alpha * ((lower - observation).max(0.0) + (observation - upper).max(0.0)))
}

/// Quantile (pinball) score of a forecast of the quantile at `probability`.
///
/// # Formula
/// ```text
/// q (y − x) where y ≥ x, else (1 − q)(x − y)
/// ```
/// At least 0; smaller is better.
///
/// # Errors
/// [`ScoreError::Argument`] for a probability outside 0..1, [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::quantile_score;
/// assert_eq!(quantile_score(1.0, 3.0, 0.75).unwrap(), 1.5);
/// ```
///
/// # Reference
/// Koenker, Bassett (1978), doi:10.2307/1913643
pub fn quantile_score(forecast: f64, observation: f64, probability: f64) -> ScoreResult<f64> {
    check(&[forecast], &[observation], "quantile_score", 1)?;
    if !(0.0..=1.0).contains(&probability) {
        return Err(ScoreError::Argument(format!("probability {probability} is outside 0..1")));
    }
    let d = observation - forecast;
    Ok(if d >= 0.0 { probability * d } else { (probability - 1.0) * d })
}

/// Energy score: the CRPS of a vector.
///
/// # Formula
/// ```text
/// mean ‖x_i − y‖ − Σ_ij ‖x_i − x_j‖ / (2 M²)
/// ```
/// In the unit of the data; 0 is perfect.
///
/// # Errors
/// [`ScoreError::TooFew`] without a member or component, [`ScoreError::Argument`] for vectors of different length,
/// [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::energy_score;
/// assert_eq!(energy_score(&[&[3.0, 4.0]], &[0.0, 0.0]).unwrap(), 5.0);
/// ```
///
/// # Reference
/// Gneiting et al. (2008), doi:10.1007/s11749-008-0114-x
pub fn energy_score(members: &[&[f64]], observation: &[f64]) -> ScoreResult<f64> {
    check_vectors(members, observation, "energy_score")?;
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(p, q)| (p - q).powi(2)).sum::<f64>().sqrt();
    let m = members.len() as f64;
    let error = members.iter().map(|x| distance(x, observation)).sum::<f64>() / m;
    // Each pair once: half of the double sum.
    let spread: f64 = (0..members.len()).map(|i| (0..i).map(|k| distance(members[i], members[k])).sum::<f64>()).sum();
    Ok(error - spread / (m * m))
}

/// Variogram score of order `power`: does the ensemble have the right differences between places?
///
/// # Formula
/// ```text
/// Σ_ab ( mean_i |x_ia − x_ib|ᵖ − |y_a − y_b|ᵖ )²
/// ```
/// At least 0, over all ordered pairs of components, without weights.
///
/// # Errors
/// As [`energy_score`]; [`ScoreError::Argument`] for a power that is not positive.
///
/// # Example
/// ```
/// use isotherm::score::variogram_score;
/// assert_eq!(variogram_score(&[&[0.0, 1.0]], &[0.0, 3.0], 1.0).unwrap(), 8.0);
/// ```
///
/// # Reference
/// Scheuerer, Hamill (2015), doi:10.1175/MWR-D-14-00269.1
pub fn variogram_score(members: &[&[f64]], observation: &[f64], power: f64) -> ScoreResult<f64> {
    check_vectors(members, observation, "variogram_score")?;
    if !(power > 0.0 && power.is_finite()) {
        return Err(ScoreError::Argument(format!("a variogram score of order {power} was asked for; a positive one is wanted")));
    }
    let m = members.len() as f64;
    let mut sum = 0.0;
    for a in 0..observation.len() {
        for b in 0..a {
            let mean = members.iter().map(|x| (x[a] - x[b]).abs().powf(power)).sum::<f64>() / m;
            sum += 2.0 * (mean - (observation[a] - observation[b]).abs().powf(power)).powi(2);
        }
    }
    Ok(sum)
}

fn check(members: &[f64], observations: &[f64], metric: &'static str, wanted: usize) -> ScoreResult<()> {
    if members.len() < wanted {
        return Err(ScoreError::TooFew { metric, found: members.len(), wanted });
    }
    for (what, values) in [("the forecast", members), ("the observation", observations)] {
        if let Some(position) = values.iter().position(|v| !v.is_finite()) {
            return Err(ScoreError::NotFinite { what, position });
        }
    }
    Ok(())
}

fn check_vectors(members: &[&[f64]], observation: &[f64], metric: &'static str) -> ScoreResult<()> {
    if members.is_empty() || observation.is_empty() {
        return Err(ScoreError::TooFew { metric, found: members.len().min(observation.len()), wanted: 1 });
    }
    for member in members {
        if member.len() != observation.len() {
            return Err(ScoreError::Length { truth: observation.len(), prediction: member.len() });
        }
        check(member, observation, metric, 1)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_one_dimension_the_energy_score_is_the_crps() {
        let members = [0.3, -1.2, 2.5, 0.1];
        let vectors: Vec<&[f64]> = members.chunks(1).collect();
        let crps = super::super::crps::crps(&members, 0.7, super::super::crps::CrpsEstimator::Plain).unwrap();
        assert!((energy_score(&vectors, &[0.7]).unwrap() - crps).abs() < 1e-14);
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(brier_above(&[], 1.0, 0.0).is_err());
        assert!(rank_range(&[1.0], f64::NAN).is_err());
        assert!(rank_histogram(&[(0, 1)], 3).is_err() && rank_histogram(&[(1, 5)], 3).is_err());
        assert!(spread_skill(&[&[1.0, 1.0]], &[1.0]).is_err());
        assert!(spread_skill(&[&[1.0, 2.0], &[1.0]], &[1.0, 1.0]).is_err());
        assert!(interval_score(1.0, 0.0, 0.5, 0.1).is_err());
        assert!(quantile_score(1.0, 0.0, 1.5).is_err());
        assert!(energy_score(&[&[1.0]], &[1.0, 2.0]).is_err());
        assert!(variogram_score(&[&[1.0]], &[1.0], 0.0).is_err());
    }
}

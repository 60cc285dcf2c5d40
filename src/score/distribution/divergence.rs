//! Distances of two histograms on the same bins.
//!
//! All take shares of a whole in each bin ([`super::histogram_shares`]).

use super::{ScoreError, ScoreResult};

/// Perkins' skill score: the area that two histograms share.
///
/// # Formula
/// ```text
/// S = Σ min(p, q)
/// ```
/// 1 for equal histograms, 0 where they do not overlap. It depends on the bins, which must be stated.
///
/// # Errors
/// [`ScoreError::Length`], [`ScoreError::TooFew`] for no bin, [`ScoreError::Argument`] for a share that is negative or not finite.
///
/// # Example
/// ```
/// assert!((isotherm::score::perkins_skill(&[0.5, 0.5, 0.0], &[0.25, 0.5, 0.25]).unwrap() - 0.75).abs() < 1e-15);
/// ```
///
/// # Reference
/// Perkins et al. (2007), doi:10.1175/JCLI4253.1
pub fn perkins_skill(p: &[f64], q: &[f64]) -> ScoreResult<f64> {
    check(p, q)?;
    Ok(p.iter().zip(q).map(|(p, q)| p.min(*q)).sum())
}

/// Half the sum of absolute differences.
///
/// # Formula
/// ```text
/// ½ Σ |p − q|
/// ```
/// 0 for equal histograms, 1 where they do not overlap; for shares that sum to 1 it is 1 − Perkins' score.
///
/// # Errors
/// As [`perkins_skill`].
pub fn total_variation(p: &[f64], q: &[f64]) -> ScoreResult<f64> {
    check(p, q)?;
    Ok(0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>())
}

/// Hellinger's distance.
///
/// # Formula
/// ```text
/// √( ½ Σ (√p − √q)² )
/// ```
/// 0 for equal histograms, 1 where they do not overlap.
///
/// # Errors
/// As [`perkins_skill`].
///
/// # Reference
/// Hellinger (1909), doi:10.1515/crll.1909.136.210
pub fn hellinger(p: &[f64], q: &[f64]) -> ScoreResult<f64> {
    check(p, q)?;
    Ok((0.5 * p.iter().zip(q).map(|(p, q)| (p.sqrt() - q.sqrt()).powi(2)).sum::<f64>()).sqrt())
}

/// The symmetric χ² distance.
///
/// # Formula
/// ```text
/// ½ Σ (p − q)²/(p + q),    over bins that are not empty in both
/// ```
/// 0 for equal histograms, 1 where they do not overlap.
///
/// # Errors
/// As [`perkins_skill`].
pub fn chi_squared_distance(p: &[f64], q: &[f64]) -> ScoreResult<f64> {
    check(p, q)?;
    Ok(0.5 * p.iter().zip(q).filter(|(p, q)| **p + **q > 0.0).map(|(p, q)| (p - q).powi(2) / (p + q)).sum::<f64>())
}

/// The divergence of Kullback and Leibler in nats, both histograms normalised to a sum of 1 after `floor` is added to each bin.
///
/// # Formula
/// ```text
/// Σ p ln(p/q)
/// ```
/// 0 for equal histograms; not symmetric. Without a floor it is infinite where q is empty and p is not, which is an error here.
///
/// # Errors
/// As [`perkins_skill`]; [`ScoreError::Argument`] for a negative floor, an empty histogram, or a bin empty in q only.
///
/// # Example
/// ```
/// use isotherm::score::kullback_leibler;
/// // 1·ln(1/0.5)
/// assert!((kullback_leibler(&[1.0, 0.0], &[0.5, 0.5], 0.0).unwrap() - 2.0f64.ln()).abs() < 1e-15);
/// ```
///
/// # Reference
/// Kullback, Leibler (1951), doi:10.1214/aoms/1177729694
pub fn kullback_leibler(p: &[f64], q: &[f64], floor: f64) -> ScoreResult<f64> {
    check(p, q)?;
    if !(floor.is_finite() && floor >= 0.0) {
        return Err(ScoreError::Argument(format!("a floor of {floor} was given; 0 or more is wanted")));
    }
    let (p, q) = (normalised(p, floor)?, normalised(q, floor)?);
    if let Some(bin) = p.iter().zip(&q).position(|(p, q)| *p > 0.0 && *q == 0.0) {
        return Err(ScoreError::Argument(format!("bin {bin} is empty in one histogram only; a floor above 0 is wanted")));
    }
    Ok(relative_entropy(&p, &q))
}

/// The distance of Jensen and Shannon: the square root of their divergence, with logarithms to `base`.
///
/// # Formula
/// ```text
/// √( ½ Σ p log(p/m) + ½ Σ q log(q/m) ),    m = (p + q)/2, both normalised to a sum of 1
/// ```
/// 0 for equal histograms; to base 2 it is 1 where they do not overlap. The divergence is its square.
///
/// # Errors
/// As [`perkins_skill`]; [`ScoreError::Argument`] for an empty histogram or a base not above 1.
///
/// # Example
/// ```
/// assert!((isotherm::score::jensen_shannon(&[1.0, 0.0], &[0.0, 1.0], 2.0).unwrap() - 1.0).abs() < 1e-15);
/// ```
///
/// # Reference
/// Endres, Schindelin (2003), doi:10.1109/TIT.2003.813506
pub fn jensen_shannon(p: &[f64], q: &[f64], base: f64) -> ScoreResult<f64> {
    check(p, q)?;
    if !(base.is_finite() && base > 1.0) {
        return Err(ScoreError::Argument(format!("a logarithm to base {base} was asked for; a base above 1 is wanted")));
    }
    let (p, q) = (normalised(p, 0.0)?, normalised(q, 0.0)?);
    let middle: Vec<f64> = p.iter().zip(&q).map(|(p, q)| (p + q) / 2.0).collect();
    let divergence = (relative_entropy(&p, &middle) + relative_entropy(&q, &middle)) / 2.0;
    // Rounding may leave a tiny negative number for equal histograms.
    Ok((divergence.max(0.0) / base.ln()).sqrt())
}

fn relative_entropy(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).filter(|(p, _)| **p > 0.0).map(|(p, q)| p * (p / q).ln()).sum()
}

fn normalised(shares: &[f64], floor: f64) -> ScoreResult<Vec<f64>> {
    let total: f64 = shares.iter().map(|s| s + floor).sum();
    if total <= 0.0 {
        return Err(ScoreError::Argument("a histogram is empty; some mass is wanted".into()));
    }
    Ok(shares.iter().map(|s| (s + floor) / total).collect())
}

fn check(p: &[f64], q: &[f64]) -> ScoreResult<()> {
    if p.len() != q.len() {
        return Err(ScoreError::Length { truth: p.len(), prediction: q.len() });
    }
    if p.is_empty() {
        return Err(ScoreError::TooFew { metric: "a distance of histograms (bins)", found: 0, wanted: 1 });
    }
    match p.iter().chain(q).find(|s| !(s.is_finite() && **s >= 0.0)) {
        Some(share) => Err(ScoreError::Argument(format!("a bin holds {share}; 0 or more is wanted"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Distance = dyn Fn(&[f64], &[f64]) -> ScoreResult<f64>;

    proptest! {
        #[test]
        fn equal_is_nought_apart_is_one_and_all_are_symmetric(raw in proptest::collection::vec((0.0f64..1.0, 0.0f64..1.0), 2..20)) {
            let sums = raw.iter().fold((1e-9, 1e-9), |s, (p, q)| (s.0 + p, s.1 + q));
            let p: Vec<f64> = raw.iter().map(|r| r.0 / sums.0).collect();
            let q: Vec<f64> = raw.iter().map(|r| r.1 / sums.1).collect();
            let base_two = |p: &[f64], q: &[f64]| jensen_shannon(p, q, 2.0);
            let all: [&Distance; 4] = [&base_two, &total_variation, &hellinger, &chi_squared_distance];
            for distance in all {
                let d = distance(&p, &q).unwrap();
                prop_assert!((-1e-12..=1.0 + 1e-9).contains(&d));
                prop_assert!((d - distance(&q, &p).unwrap()).abs() < 1e-12);
                prop_assert!(distance(&p, &p).unwrap() < 1e-7);
            }
            prop_assert!((perkins_skill(&p, &q).unwrap() + total_variation(&p, &q).unwrap() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn by_hand() {
        let (p, q) = ([0.5, 0.5], [1.0, 0.0]);
        assert!((hellinger(&p, &q).unwrap() - (1.0 - 0.5f64.sqrt()).sqrt()).abs() < 1e-15);
        // ½ (0.25/1.5 + 0.25/0.5)
        assert!((chi_squared_distance(&p, &q).unwrap() - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn bad_histograms_are_refused() {
        assert!(kullback_leibler(&[0.5, 0.5], &[1.0, 0.0], 0.0).is_err());
        assert!(kullback_leibler(&[0.5, 0.5], &[1.0, 0.0], 1e-9).is_ok());
        assert!(jensen_shannon(&[0.0], &[1.0], 2.0).is_err() && jensen_shannon(&[1.0], &[1.0], 1.0).is_err());
        assert!(hellinger(&[], &[]).is_err() && hellinger(&[-1.0], &[1.0]).is_err() && hellinger(&[1.0], &[1.0, 0.0]).is_err());
    }
}

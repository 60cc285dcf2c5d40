//! Kling-Gupta efficiency in its four forms.
//!
//! Three of them divide by the mean of the truth and so depend on the zero of the unit: the same temperatures give another
//! KGE in °C than in K. State the unit with every number, or use [`Pairs::kge_modified`].

use super::error::{ScoreError, ScoreResult};
use super::pairs::Pairs;
use super::quantile::sorted;
use super::rank::spearman;
use super::valid::check_count;

/// A Kling-Gupta efficiency with its three parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kge {
    /// The efficiency: −∞..1, 1 is perfect; the mean of the truth as prediction gives 1 − √2.
    pub value: f64,
    /// Correlation (Pearson's; Spearman's in the non-parametric form).
    pub correlation: f64,
    /// Variability: what it is a ratio of depends on the form. 1 is perfect.
    pub variability: f64,
    /// Bias: ratio of the means, 1 is perfect (in the modified form a difference, 0 is perfect).
    pub bias: f64,
}

impl Pairs {
    /// Kling-Gupta efficiency of 2009.
    ///
    /// # Formula
    /// ```text
    /// KGE = 1 − √( (r − 1)² + (σ_p/σ_t − 1)² + (μ_p/μ_t − 1)² )
    /// ```
    /// −∞..1; 1 is perfect. Depends on the zero of the unit.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below two pairs, [`ScoreError::Constant`] where either side is constant,
    /// [`ScoreError::Argument`] where the mean of the truth is 0.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// // p = 2 t: r = 1, both ratios 2
    /// let kge = Pairs::collect(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0], None, None).unwrap().kge_2009().unwrap();
    /// assert!((kge.value - (1.0 - 2f64.sqrt())).abs() < 1e-12);
    /// ```
    ///
    /// # Reference
    /// Gupta et al. (2009), doi:10.1016/j.jhydrol.2009.08.003
    pub fn kge_2009(&self) -> ScoreResult<Kge> {
        let (r, alpha, beta) = self.kge_parts("kge_2009")?;
        Ok(Kge { value: distance_from_ideal(r, alpha, beta - 1.0), correlation: r, variability: alpha, bias: beta })
    }

    /// Kling-Gupta efficiency of 2012: variability is the ratio of the coefficients of variation.
    ///
    /// # Formula
    /// ```text
    /// KGE′ = 1 − √( (r − 1)² + ((σ_p/μ_p)/(σ_t/μ_t) − 1)² + (μ_p/μ_t − 1)² )
    /// ```
    /// −∞..1; 1 is perfect. Depends on the zero of the unit.
    ///
    /// # Errors
    /// As [`Pairs::kge_2009`], and where the mean of the prediction is 0.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// // p = 2 t: the coefficients of variation agree, so only the bias counts
    /// let kge = Pairs::collect(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0], None, None).unwrap().kge_2012().unwrap();
    /// assert!(kge.value.abs() < 1e-12 && (kge.variability - 1.0).abs() < 1e-12);
    /// ```
    ///
    /// # Reference
    /// Kling, Fuchs, Paulin (2012), doi:10.1016/j.jhydrol.2012.01.011
    pub fn kge_2012(&self) -> ScoreResult<Kge> {
        let (r, alpha, beta) = self.kge_parts("kge_2012")?;
        if mean_is_zero(self.mean_prediction(), self.spread_prediction(), self.weight()) {
            return Err(zero_mean("prediction", "kge_2012"));
        }
        let gamma = alpha / beta;
        Ok(Kge { value: distance_from_ideal(r, gamma, beta - 1.0), correlation: r, variability: gamma, bias: beta })
    }

    /// Modified Kling-Gupta efficiency: the bias is measured in standard deviations of the truth, so the zero of the unit
    /// does not matter.
    ///
    /// # Formula
    /// ```text
    /// KGE″ = 1 − √( (r − 1)² + (σ_p/σ_t − 1)² + ((μ_p − μ_t)/σ_t)² )
    /// ```
    /// −∞..1; 1 is perfect. The same in °C and in K.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below two pairs, [`ScoreError::Constant`] where either side is constant.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::Pairs;
    /// let of = |zero: f64| {
    ///     let shift = |v: [f64; 3]| v.map(|x| x + zero);
    ///     Pairs::collect(&shift([1.0, 2.0, 4.0]), &shift([1.5, 2.0, 3.0]), None, None).unwrap().kge_modified().unwrap().value
    /// };
    /// assert!((of(0.0) - of(273.15)).abs() < 1e-9);
    /// ```
    ///
    /// # Reference
    /// Tang et al. (2021), doi:10.1175/JCLI-D-21-0067.1
    pub fn kge_modified(&self) -> ScoreResult<Kge> {
        let (r, alpha) = self.correlation_and_spread_ratio("kge_modified")?;
        let bias = (self.sum_error() / self.weight()) / (self.spread_truth() / self.weight()).sqrt();
        Ok(Kge { value: distance_from_ideal(r, alpha, bias), correlation: r, variability: alpha, bias })
    }

    fn correlation_and_spread_ratio(&self, metric: &'static str) -> ScoreResult<(f64, f64)> {
        self.need(metric, 2)?;
        self.need_spread_of_truth(metric)?;
        self.need_spread_of_prediction(metric)?;
        Ok((self.pearson()?, (self.spread_prediction() / self.spread_truth()).sqrt()))
    }

    fn kge_parts(&self, metric: &'static str) -> ScoreResult<(f64, f64, f64)> {
        let (r, alpha) = self.correlation_and_spread_ratio(metric)?;
        if mean_is_zero(self.mean_truth(), self.spread_truth(), self.weight()) {
            return Err(zero_mean("truth", metric));
        }
        Ok((r, alpha, self.mean_prediction() / self.mean_truth()))
    }
}

/// Non-parametric Kling-Gupta efficiency: Spearman's correlation, and the distance of the two curves of sorted, normalised
/// values as variability. Ties get their average rank.
///
/// # Formula
/// ```text
/// KGE_np = 1 − √( (r_s − 1)² + (α − 1)² + (μ_p/μ_t − 1)² ),    α = 1 − ½ Σ | p₍ᵢ₎/(n μ_p) − t₍ᵢ₎/(n μ_t) |
/// ```
/// −∞..1; 1 is perfect. Depends on the zero of the unit.
///
/// # Errors
/// [`ScoreError::TooFew`] below two pairs, [`ScoreError::Constant`] where either side is constant,
/// [`ScoreError::Argument`] where a mean is 0, [`ScoreError::NotFinite`] for an infinity or NaN.
///
/// # Example
/// ```
/// use isotherm::score::kge_nonparametric;
/// assert!((kge_nonparametric(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]).unwrap().value - 1.0).abs() < 1e-12);
/// ```
///
/// # Reference
/// Pool, Vis, Seibert (2018), doi:10.1080/02626667.2018.1552002
pub fn kge_nonparametric(truth: &[f64], prediction: &[f64]) -> ScoreResult<Kge> {
    const NAME: &str = "kge_nonparametric";
    check_count(truth, prediction, NAME, 2)?;
    let pairs = Pairs::collect(truth, prediction, None, None)?;
    pairs.need_spread_of_truth(NAME)?;
    pairs.need_spread_of_prediction(NAME)?;
    let (mean_t, mean_p) = (pairs.mean_truth(), pairs.mean_prediction());
    for (what, mean, spread) in [("truth", mean_t, pairs.spread_truth()), ("prediction", mean_p, pairs.spread_prediction())] {
        if mean_is_zero(mean, spread, pairs.weight()) {
            return Err(zero_mean(what, NAME));
        }
    }
    let n = truth.len() as f64;
    let curves = sorted(truth)?.into_iter().zip(sorted(prediction)?);
    let alpha = 1.0 - 0.5 * curves.map(|(t, p)| (p / (n * mean_p) - t / (n * mean_t)).abs()).sum::<f64>();
    let (r, beta) = (spearman(truth, prediction, None)?, mean_p / mean_t);
    Ok(Kge { value: distance_from_ideal(r, alpha, beta - 1.0), correlation: r, variability: alpha, bias: beta })
}

fn distance_from_ideal(correlation: f64, variability: f64, bias_departure: f64) -> f64 {
    1.0 - ((correlation - 1.0).powi(2) + (variability - 1.0).powi(2) + bias_departure * bias_departure).sqrt()
}

/// A mean below 10⁻¹³ standard deviations is rounding of 0.
pub(super) fn mean_is_zero(mean: f64, spread: f64, weight: f64) -> bool {
    mean == 0.0 || mean * mean * weight <= 1e-26 * spread
}

pub(super) fn zero_mean(what: &str, metric: &str) -> ScoreError {
    ScoreError::Argument(format!(
        "the mean of the {what} is 0, so {metric} is undefined; use a metric that does not divide by it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_of_zero_is_a_reason() {
        let pairs = Pairs::collect(&[-0.1, 0.3, -0.2], &[0.0, 0.5, 0.1], None, None).unwrap();
        assert!(matches!(pairs.kge_2009(), Err(ScoreError::Argument(_))));
        assert!(pairs.kge_modified().is_ok());
        assert!(matches!(kge_nonparametric(&[-1.0, 1.0], &[1.0, 2.0]), Err(ScoreError::Argument(_))));
    }

    #[test]
    fn the_parts_by_hand() {
        // p = t + 2: r = 1, α = 1; μ 2 and 4, σ_t = √(2/3)
        let pairs = Pairs::collect(&[1.0, 2.0, 3.0], &[3.0, 4.0, 5.0], None, None).unwrap();
        assert!((pairs.kge_2009().unwrap().value - 0.0).abs() < 1e-12);
        assert!((pairs.kge_modified().unwrap().bias - 2.0 / (2f64 / 3.0).sqrt()).abs() < 1e-12);
    }
}

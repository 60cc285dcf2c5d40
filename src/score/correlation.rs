//! What a correlation is worth: p-value, interval, effective sample size.

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::beta::beta_reg;

use super::error::{ScoreError, ScoreResult};
use super::interval::Interval;
use super::pairs::Pairs;
use super::valid::check_count;

/// Two-sided p-value of a correlation `r` from `n` independent pairs (Pearson's exactly for normal data, Spearman's
/// approximately): Student's t with n − 2 degrees of freedom.
///
/// # Formula
/// ```text
/// t = r √( (n − 2)/(1 − r²) ),    p = I_{1 − r²}( (n − 2)/2, ½ )
/// ```
/// Two pairs always lie on a line, so p is 1 for them. For an `n` that is an effective sample size see [`effective_sample_size`].
///
/// # Errors
/// [`ScoreError::TooFew`] where n is below 2, [`ScoreError::Argument`] for r outside −1..1.
///
/// # Example
/// ```
/// use isotherm::score::correlation_p_value;
/// // t = 0.5 √(27/0.75) = 3 with 27 degrees of freedom
/// assert!((correlation_p_value(0.5, 29.0).unwrap() - 0.005757).abs() < 1e-4);
/// ```
///
/// # Reference
/// Student (1908), doi:10.2307/2331474
pub fn correlation_p_value(r: f64, n: f64) -> ScoreResult<f64> {
    if !(-1.0..=1.0).contains(&r) {
        return Err(ScoreError::Argument(format!("a correlation of {r} is outside -1..1")));
    }
    if n.is_nan() || n < 2.0 {
        return Err(ScoreError::TooFew { metric: "the p-value of a correlation", found: n.max(0.0) as usize, wanted: 2 });
    }
    if n == 2.0 {
        return Ok(1.0);
    }
    let rest = (1.0 - r) * (1.0 + r);
    Ok(if rest <= 0.0 { 0.0 } else { beta_reg((n - 2.0) / 2.0, 0.5, rest) })
}

/// Interval of Pearson's correlation by Fisher's transformation, for `n` independent pairs of normal data.
///
/// # Formula
/// ```text
/// tanh( atanh r ± z / √(n − 3) )
/// ```
/// With two or three pairs everything is possible: −1..1.
///
/// # Errors
/// [`ScoreError::TooFew`] below two pairs, [`ScoreError::Argument`] for r outside −1..1 or a coverage outside 0..1.
///
/// # Example
/// ```
/// use isotherm::score::fisher_interval;
/// // tanh(0.5493 ± 1.96/10)
/// let i = fisher_interval(0.5, 103, 0.95).unwrap();
/// assert!((i.lower - 0.3393).abs() < 1e-4 && (i.upper - 0.6323).abs() < 1e-4);
/// ```
///
/// # Reference
/// Fisher (1921), Metron 1, 3-32
pub fn fisher_interval(r: f64, n: usize, coverage: f64) -> ScoreResult<Interval> {
    if !((-1.0..=1.0).contains(&r) && coverage > 0.0 && coverage < 1.0) {
        return Err(ScoreError::Argument(format!("r = {r} with a coverage of {coverage}; -1..1 and 0..1 are wanted")));
    }
    if n < 2 {
        return Err(ScoreError::TooFew { metric: "the interval of a correlation", found: n, wanted: 2 });
    }
    if n < 4 {
        return Ok(Interval { lower: -1.0, upper: 1.0, coverage });
    }
    let half = Normal::standard().inverse_cdf(0.5 + coverage / 2.0) / ((n - 3) as f64).sqrt();
    let centre = r.atanh();
    Ok(Interval { lower: (centre - half).tanh(), upper: (centre + half).tanh(), coverage })
}

/// How many independent pairs two autocorrelated series of evenly spaced values are worth.
///
/// # Formula
/// ```text
/// n_eff = ⌊ n (1 − ρ_t ρ_p)/(1 + ρ_t ρ_p) ⌋, within 0..n;    ρ the correlation of a series with itself one step later
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] below three pairs, [`ScoreError::Constant`], [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::effective_sample_size;
/// let rising: Vec<f64> = (0..20).map(f64::from).collect();
/// assert_eq!(effective_sample_size(&rising, &rising).unwrap(), 0.0); // ρ = 1: no independent pair at all
/// ```
///
/// # Reference
/// Bretherton et al. (1999), doi:10.1175/1520-0442(1999)012<1990:TENOSD>2.0.CO;2
pub fn effective_sample_size(truth: &[f64], prediction: &[f64]) -> ScoreResult<f64> {
    check_count(truth, prediction, "effective_sample_size", 3)?;
    let step = |x: &[f64]| Pairs::collect(&x[..x.len() - 1], &x[1..], None, None)?.pearson();
    let product = step(truth)? * step(prediction)?;
    let n = truth.len() as f64;
    Ok((n * (1.0 - product) / (1.0 + product)).floor().clamp(0.0, n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_table() {
        // the 97.5 % point of t with 10 degrees of freedom is 2.2281: r = t/√(t² + 10)
        let t: f64 = 2.228_138_852;
        assert!((correlation_p_value(t / (t * t + 10.0).sqrt(), 12.0).unwrap() - 0.05).abs() < 1e-8);
        assert_eq!(correlation_p_value(1.0, 10.0).unwrap(), 0.0);
        assert!((correlation_p_value(0.0, 10.0).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn bad_arguments_are_refused() {
        assert!(correlation_p_value(1.5, 10.0).is_err());
        assert!(correlation_p_value(0.5, 1.9).is_err());
        assert!(fisher_interval(0.5, 1, 0.95).is_err());
        assert!(effective_sample_size(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]).is_err());
    }
}

//! Skewness and kurtosis of a sample.

use super::error::{ScoreError, ScoreResult};

/// Skewness: 0 for a symmetric sample, positive where the upper tail is longer.
///
/// # Formula
/// ```text
/// m₃ / m₂^{3/2},    m_k = mean (x − x̄)ᵏ
/// ```
///
/// # Errors
/// [`ScoreError::TooFew`] below two values, [`ScoreError::Constant`], [`ScoreError::NotFinite`].
///
/// # Example
/// ```
/// use isotherm::score::skewness;
/// assert_eq!(skewness(&[1.0, 2.0, 3.0]).unwrap(), 0.0);
/// ```
///
/// # Reference
/// Joanes, Gill (1998), doi:10.1111/1467-9884.00122 (their g₁)
pub fn skewness(values: &[f64]) -> ScoreResult<f64> {
    let [m2, m3, _] = central_moments(values, "skewness")?;
    Ok(m3 / m2.powf(1.5))
}

/// Excess kurtosis: 0 for a normal distribution, positive where the tails are heavier.
///
/// # Formula
/// ```text
/// m₄ / m₂² − 3,    m_k = mean (x − x̄)ᵏ
/// ```
///
/// # Errors
/// As [`skewness`].
///
/// # Example
/// ```
/// use isotherm::score::excess_kurtosis;
/// // two equal peaks: m₂ = m₄ = 1
/// assert_eq!(excess_kurtosis(&[-1.0, 1.0]).unwrap(), -2.0);
/// ```
///
/// # Reference
/// Joanes, Gill (1998), doi:10.1111/1467-9884.00122 (their g₂)
pub fn excess_kurtosis(values: &[f64]) -> ScoreResult<f64> {
    let [m2, _, m4] = central_moments(values, "excess_kurtosis")?;
    Ok(m4 / (m2 * m2) - 3.0)
}

fn central_moments(values: &[f64], metric: &'static str) -> ScoreResult<[f64; 3]> {
    if values.len() < 2 {
        return Err(ScoreError::TooFew { metric, found: values.len(), wanted: 2 });
    }
    if let Some(position) = values.iter().position(|v| !v.is_finite()) {
        return Err(ScoreError::NotFinite { what: "the sample", position });
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |power: i32| values.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / n;
    let m2 = moment(2);
    if m2.sqrt() <= 1e-13 * mean.abs() || m2 == 0.0 {
        return Err(ScoreError::Constant { what: "the sample", metric });
    }
    Ok([m2, moment(3), moment(4)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // 0 0 0 4: mean 1, m₂ = 3, m₃ = (−3 + 27)/4 = 6, m₄ = (3 + 81)/4 = 21
        let x = [0.0, 0.0, 0.0, 4.0];
        assert!((skewness(&x).unwrap() - 6.0 / 27f64.sqrt()).abs() < 1e-12);
        assert!((excess_kurtosis(&x).unwrap() - (21.0 / 9.0 - 3.0)).abs() < 1e-12);
        assert!(skewness(&[288.15; 5]).is_err());
    }
}

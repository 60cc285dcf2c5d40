//! L-moments of a sample, and laws that have them.

use statrs::function::gamma::gamma;

use super::gamma::{EULER, ln_gamma_one_minus};
use super::{GeneralizedPareto, Gev, Gumbel, ScoreResult};
use crate::score::error::ScoreError;

/// The first L-moments: sums over ordered values that outliers move far less than they move ordinary moments.
///
/// # Formula
/// ```text
/// b_r = 1/n Σ C(j−1, r)/C(n−1, r) x₍ⱼ₎
/// l₁ = b₀,  l₂ = 2b₁ − b₀,  l₃ = 6b₂ − 6b₁ + b₀,  l₄ = 20b₃ − 30b₂ + 12b₁ − b₀
/// ```
///
/// # Example
/// ```
/// use isotherm::score::LMoments;
/// // 1 2 3 4: half the mean distance of two values is 5/6; no skewness
/// let l = LMoments::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
/// assert!((l.scale - 5.0 / 6.0).abs() < 1e-14 && l.skewness.abs() < 1e-14);
/// ```
///
/// # Reference
/// Hosking (1990), doi:10.1111/j.2517-6161.1990.tb01775.x
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LMoments {
    /// l₁, the mean.
    pub location: f64,
    /// l₂, half the mean distance of two values.
    pub scale: f64,
    /// l₃/l₂, −1..1.
    pub skewness: f64,
    /// l₄/l₂, −1/4..1; set to 0 for a sample of three, which has none.
    pub kurtosis: f64,
}

impl LMoments {
    /// The unbiased sample L-moments.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below three values, [`ScoreError::Constant`], [`ScoreError::NotFinite`].
    pub fn of(values: &[f64]) -> ScoreResult<LMoments> {
        super::check_sample(values, "L-moments", 3)?;
        let mut x = values.to_vec();
        x.sort_unstable_by(f64::total_cmp);
        let n = x.len() as f64;
        // About the median, so that an offset costs no digits.
        let centre = x[x.len() / 2];
        let mut b = [0.0; 4];
        for (j, v) in x.iter().enumerate() {
            let j = j as f64;
            let mut weight = 1.0;
            for (r, b) in b.iter_mut().enumerate() {
                *b += weight * (v - centre) / n;
                let r = r as f64;
                weight *= if n - 1.0 - r > 0.0 { (j - r) / (n - 1.0 - r) } else { 0.0 };
            }
        }
        let scale = 2.0 * b[1] - b[0];
        let third = 6.0 * b[2] - 6.0 * b[1] + b[0];
        let fourth = if x.len() > 3 { 20.0 * b[3] - 30.0 * b[2] + 12.0 * b[1] - b[0] } else { 0.0 };
        Ok(LMoments { location: centre + b[0], scale, skewness: third / scale, kurtosis: fourth / scale })
    }

    /// The generalized extreme value law with these l₁, l₂ and skewness.
    ///
    /// # Formula
    /// ```text
    /// τ₃ = 2 (1 − 3^ξ)/(1 − 2^ξ) − 3,   σ = −l₂ ξ/((1 − 2^ξ) Γ(1 − ξ)),   μ = l₁ − σ (Γ(1 − ξ) − 1)/ξ
    /// ```
    /// The first equation is solved to rounding.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] for a skewness so low that no shape above −20 has it (below about −0.998).
    ///
    /// # Reference
    /// Hosking, Wallis, Wood (1985), doi:10.1080/00401706.1985.10488049
    pub fn gev(&self) -> ScoreResult<Gev> {
        // τ₃ rises from −1 (ξ → −∞) to 1 (ξ = 1); halving needs no more than 60 steps.
        let (mut low, mut high) = (-20.0, 1.0);
        if gev_skewness(low) > self.skewness || self.skewness >= 1.0 {
            return Err(ScoreError::Argument(format!("no generalized extreme value law has an L-skewness of {}", self.skewness)));
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if gev_skewness(middle) < self.skewness { low = middle } else { high = middle }
        }
        let shape = 0.5 * (low + high);
        // (2^ξ − 1)/ξ and (Γ(1 − ξ) − 1)/ξ tend to ln 2 and γ.
        let tiny = shape.abs() < 1e-12;
        let doubling = if tiny { std::f64::consts::LN_2 } else { (shape * std::f64::consts::LN_2).exp_m1() / shape };
        let rise = if tiny { EULER } else { ln_gamma_one_minus(shape).exp_m1() / shape };
        let scale = self.scale / (doubling * gamma(1.0 - shape));
        Gev::new(self.location - scale * rise, scale, shape)
    }

    /// Gumbel's law with these l₁ and l₂: σ = l₂/ln 2, μ = l₁ − γσ.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] where l₂ is not positive.
    pub fn gumbel(&self) -> ScoreResult<Gumbel> {
        let scale = self.scale / std::f64::consts::LN_2;
        Gumbel::new(self.location - EULER * scale, scale)
    }

    /// The generalized Pareto law above a known threshold with these l₁ and l₂.
    ///
    /// # Formula
    /// ```text
    /// ξ = 2 − (l₁ − u)/l₂,    σ = (l₁ − u)(1 − ξ)
    /// ```
    ///
    /// # Errors
    /// [`ScoreError::Argument`] where that gives no positive scale.
    ///
    /// # Reference
    /// Hosking, Wallis (1987), doi:10.1080/00401706.1987.10488243
    pub fn generalized_pareto(&self, threshold: f64) -> ScoreResult<GeneralizedPareto> {
        let mean = self.location - threshold;
        let shape = 2.0 - mean / self.scale;
        GeneralizedPareto::new(threshold, mean * (1.0 - shape), shape)
    }
}

/// L-skewness of the generalized extreme value law with shape ξ.
fn gev_skewness(shape: f64) -> f64 {
    if shape.abs() < 1e-12 {
        return 2.0 * 3.0f64.ln() / 2.0f64.ln() - 3.0;
    }
    2.0 * (shape * 3.0f64.ln()).exp_m1() / (shape * 2.0f64.ln()).exp_m1() - 3.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Law;

    /// l₂ as half the mean distance of two values, τ₃ from all triples: the definitions.
    #[test]
    fn definitions_are_the_twin() {
        let x = [1.3, -0.2, 4.4, 2.1, 0.9, 7.5];
        let l = LMoments::of(&x).unwrap();
        let (mut pairs, mut two) = (0.0, 0.0);
        let (mut triples, mut three) = (0.0, 0.0);
        for i in 0..6 {
            for j in 0..i {
                pairs += 1.0;
                two += 0.5 * f64::abs(x[i] - x[j]);
                for k in 0..j {
                    let mut t = [x[i], x[j], x[k]];
                    t.sort_by(f64::total_cmp);
                    triples += 1.0;
                    three += (t[2] - 2.0 * t[1] + t[0]) / 3.0;
                }
            }
        }
        assert!((l.scale - two / pairs).abs() < 1e-13);
        assert!((l.skewness - three / triples / (two / pairs)).abs() < 1e-13);
    }

    #[test]
    fn laws_have_the_moments_they_were_made_of() {
        // many quantiles stand for the law itself
        for shape in [-0.4, 0.0, 0.2] {
            let law = Gev::new(2.0, 1.5, shape).unwrap();
            let x: Vec<f64> = (0..20_000).map(|i| law.quantile((f64::from(i) + 0.5) / 20_000.0).unwrap()).collect();
            let back = LMoments::of(&x).unwrap().gev().unwrap();
            assert!((back.shape() - shape).abs() < 3e-3 && (back.scale() - 1.5).abs() < 3e-3, "{back:?}");
        }
        let law = GeneralizedPareto::new(1.0, 2.0, -0.2).unwrap();
        let x: Vec<f64> = (0..20_000).map(|i| law.quantile((f64::from(i) + 0.5) / 20_000.0).unwrap()).collect();
        let back = LMoments::of(&x).unwrap().generalized_pareto(1.0).unwrap();
        assert!((back.shape() + 0.2).abs() < 1e-3 && (back.scale() - 2.0).abs() < 2e-3, "{back:?}");
    }

    #[test]
    fn bad_samples_are_refused() {
        assert!(LMoments::of(&[1.0, 2.0]).is_err() && LMoments::of(&[2.0; 5]).is_err());
        assert_eq!(LMoments::of(&[1.0, 2.0, 4.0]).unwrap().kurtosis, 0.0);
    }
}

//! The generalized extreme value law of highest likelihood.

use rayon::prelude::*;

use super::law::{Law, shaped_log, shaped_log_slope};
use super::likelihood::LawFit;
use super::newton::{Minimum, minimise};
use super::{Gev, LMoments, ScoreResult, check_sample};
use crate::score::error::ScoreError;
use crate::score::valid::check_rows;

impl Gev {
    /// The law of highest likelihood, among shapes above −1 (below, the likelihood has no bound).
    ///
    /// A damped Newton search with exact slopes, in units of the sample's own location and scale, from the law of the sample's
    /// L-moments and from two more starts; the best of the maxima found is taken.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below four values, [`ScoreError::Constant`], [`ScoreError::NotFinite`], [`ScoreError::Argument`]
    /// where the likelihood has no maximum with a shape above −1 (very short or bounded samples; L-moments still give a law).
    ///
    /// # Example
    /// ```
    /// use isotherm::score::{Gev, Gumbel};
    /// let x = [3.1, 4.4, 2.9, 3.6, 5.2, 3.3, 3.0, 4.1, 3.8, 6.0];
    /// assert!(Gev::fit(&x).unwrap().log_likelihood >= Gumbel::fit(&x).unwrap().log_likelihood);
    /// ```
    ///
    /// # Reference
    /// Prescott, Walden (1980), doi:10.1093/biomet/67.3.723; Coles (2001), doi:10.1007/978-1-4471-3675-0
    pub fn fit(values: &[f64]) -> ScoreResult<LawFit<Gev>> {
        check_sample(values, "a generalized extreme value fit", 4)?;
        let moments = LMoments::of(values)?;
        let standard: Vec<f64> = values.iter().map(|v| (v - moments.location) / moments.scale).collect();
        let best = highest(&standard)
            .ok_or_else(|| ScoreError::Argument("the likelihood has no maximum with a shape above -1; use L-moments".into()))?;
        let law = Gev::new(moments.location + moments.scale * best.at[0], moments.scale * best.at[1].exp(), best.at[2])?;
        Ok(LawFit { log_likelihood: law.log_likelihood(values), law, count: values.len(), parameters: 3 })
    }

    /// Fits of many samples of `length` values each, one after the other in `values`; each has its own result.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] where `values` does not hold whole samples. What is wrong with one stands in its place.
    pub fn fit_many(values: &[f64], length: usize) -> ScoreResult<Vec<ScoreResult<LawFit<Gev>>>> {
        check_rows(values, length)?;
        Ok(values.par_chunks(length).map(Gev::fit).collect())
    }
}

/// The minimum of the negative log-likelihood over (μ, ln σ, ξ).
fn highest(x: &[f64]) -> Option<Minimum<3>> {
    let objective = |p: [f64; 3]| negative_log_likelihood(x, p);
    let mut best: Option<Minimum<3>> = None;
    for start in starts(x) {
        if let Some(found) = minimise(start, &objective)
            && best.is_none_or(|b| found.value < b.value)
        {
            best = Some(found);
        }
    }
    best
}

fn starts(x: &[f64]) -> Vec<[f64; 3]> {
    let Ok(moments) = LMoments::of(x) else {
        return Vec::new();
    };
    let mut starts = Vec::new();
    if let Ok(gumbel) = moments.gumbel() {
        starts.push([gumbel.location(), gumbel.scale().ln(), 0.0]);
    }
    if let Ok(gev) = moments.gev() {
        // A start must have every value inside the support; a shape nearer to 0 makes room.
        let mut shape = gev.shape().clamp(-0.9, 0.9);
        let margin =
            |shape: f64| x.iter().map(|v| 1.0 + shape * (v - gev.location()) / gev.scale()).fold(f64::INFINITY, f64::min);
        while margin(shape) < 0.05 && shape.abs() > 1e-3 {
            shape *= 0.8;
        }
        starts.insert(0, [gev.location(), gev.scale().ln(), shape]);
    }
    starts
}

/// Value and gradient by (μ, ln σ, ξ); none outside the domain.
pub(super) fn negative_log_likelihood(x: &[f64], p: [f64; 3]) -> Option<(f64, [f64; 3])> {
    let (location, scale, shape) = (p[0], p[1].exp(), p[2]);
    if shape <= -1.0 || !scale.is_finite() || scale <= 0.0 {
        return None;
    }
    let mut value = p[1] * x.len() as f64;
    let mut slope = [0.0, x.len() as f64, 0.0];
    for v in x {
        let s = (v - location) / scale;
        let inside = 1.0 + shape * s;
        if inside <= 0.0 {
            return None;
        }
        let y = shaped_log(shape, s);
        let t = (-y).exp();
        value += (1.0 + shape) * y + t;
        let by_y = 1.0 + shape - t;
        let by_s = by_y / inside;
        slope[0] -= by_s / scale;
        slope[1] -= by_s * s;
        slope[2] += y + by_y * shaped_log_slope(shape, s);
    }
    value.is_finite().then_some((value, slope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use crate::score::Gumbel;

    fn sample(law: &Gev, n: usize, name: &str) -> Vec<f64> {
        let mut random = Random::new(11, name);
        (0..n).map(|_| law.quantile(random.uniform_in(1e-12, 1.0)).unwrap()).collect()
    }

    #[test]
    fn slopes_by_differences() {
        let x = [0.3, -1.1, 0.8, 2.5, -0.4];
        for p in [[0.1, 0.2, 0.15], [-0.2, 0.4, -0.2], [0.0, 0.1, 1e-5]] {
            let slope = negative_log_likelihood(&x, p).unwrap().1;
            for i in 0..3 {
                let at = |h: f64| {
                    let mut p = p;
                    p[i] += h;
                    negative_log_likelihood(&x, p).unwrap().0
                };
                let want = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((slope[i] - want).abs() < 1e-6 * (1.0 + want.abs()), "{p:?} {i}");
            }
        }
    }

    #[test]
    fn parameters_are_recovered() {
        for shape in [-0.4, -0.1, 0.0, 0.3] {
            let law = Gev::new(290.0, 1.3, shape).unwrap();
            let x = sample(&law, 3000, "recovery");
            let fit = Gev::fit(&x).unwrap();
            assert!((fit.law.shape() - shape).abs() < 0.06, "{:?}", fit.law);
            assert!((fit.law.location() - 290.0).abs() < 0.12 && (fit.law.scale() / 1.3 - 1.0).abs() < 0.06);
            assert!(fit.log_likelihood >= law.log_likelihood(&x));
        }
    }

    #[test]
    fn no_neighbour_is_better_and_gumbel_is_no_better() {
        let law = Gev::new(0.0, 1.0, 0.1).unwrap();
        for case in 0..50 {
            let x = sample(&law, 40, &format!("small {case}"));
            let fit = Gev::fit(&x).unwrap();
            assert!(fit.log_likelihood >= Gumbel::fit(&x).unwrap().log_likelihood - 1e-9, "{case}");
            let mut random = Random::new(case, "neighbours");
            for _ in 0..50 {
                let near = Gev::new(
                    fit.law.location() + 0.05 * random.normal(),
                    fit.law.scale() * (0.05 * random.normal()).exp(),
                    fit.law.shape() + 0.05 * random.normal(),
                );
                assert!(near.unwrap().log_likelihood(&x) <= fit.log_likelihood, "{case}");
            }
        }
    }

    #[test]
    fn published_fit_of_port_pirie() {
        // Annual highest sea levels in metres, 1923-1987; fit of Coles (2001), section 3.4.1: 3.87, 0.198, −0.050, ℓ = 4.34
        let fit = Gev::fit(&crate::score::extremes::return_level::PORT_PIRIE).unwrap();
        assert!((fit.law.location() - 3.87).abs() < 0.005 && (fit.law.scale() - 0.198).abs() < 0.0005, "{:?}", fit.law);
        assert!((fit.law.shape() + 0.050).abs() < 0.0005 && (fit.log_likelihood - 4.34).abs() < 0.005, "{fit:?}");
    }

    #[test]
    fn bad_samples_are_refused() {
        assert!(matches!(Gev::fit(&[290.0; 10]), Err(ScoreError::Constant { .. })));
        assert!(Gev::fit(&[1.0, 2.0, 3.0]).is_err() && Gev::fit(&[1.0, 2.0, 3.0, f64::NAN]).is_err());
        assert!(Gev::fit_many(&[1.0; 7], 2).is_err());
    }
}

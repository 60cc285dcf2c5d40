//! Tail probabilities of the distributions that tests refer to, accurate where they are small.

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::beta::beta_reg;
use statrs::function::erf::erfc;
use statrs::function::gamma::gamma_ur;

/// P(Z ≥ z) of the standard normal distribution.
pub(in crate::score) fn normal_above(z: f64) -> f64 {
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// P(X ≥ x) of the χ² distribution.
pub(in crate::score) fn chi_squared_above(x: f64, degrees: f64) -> f64 {
    if x <= 0.0 { 1.0 } else { gamma_ur(degrees / 2.0, x / 2.0) }
}

/// P(|T| ≥ |t|) of Student's distribution.
pub(in crate::score) fn student_beyond(t: f64, degrees: f64) -> f64 {
    if t.is_infinite() { 0.0 } else { beta_reg(degrees / 2.0, 0.5, degrees / (degrees + t * t)) }
}

/// P(F ≥ f) of Fisher's distribution.
pub(in crate::score) fn fisher_above(f: f64, above: f64, below: f64) -> f64 {
    if f <= 0.0 { 1.0 } else { beta_reg(below / 2.0, above / 2.0, below / (below + above * f)) }
}

/// The t that Student's distribution exceeds on either side with probability 1 − `coverage`.
pub(in crate::score) fn student_quantile(coverage: f64, degrees: f64) -> f64 {
    let Ok(student) = StudentsT::new(0.0, 1.0, degrees) else {
        return f64::NAN;
    };
    let wanted = 1.0 - coverage;
    let mut t = student.inverse_cdf(0.5 + coverage / 2.0);
    // The library's quantile is good to about 1e-8; two Newton steps on the tail bring the rest.
    for _ in 0..2 {
        use statrs::distribution::Continuous;
        let slope = 2.0 * student.pdf(t);
        if slope > 0.0 {
            t += (student_beyond(t, degrees) - wanted) / slope;
        }
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_tables() {
        assert!((normal_above(1.959_963_984_540_054) - 0.025).abs() < 1e-14);
        // P(Z > 10) = 7.619853024160527e-24
        assert!((normal_above(10.0) / 7.619_853_024_160_527e-24 - 1.0).abs() < 1e-11);
        // χ² with 2 degrees of freedom is exponential
        assert!((chi_squared_above(60.0, 2.0) / (-30.0f64).exp() - 1.0).abs() < 1e-12);
        // with one degree of freedom t is Cauchy's: P(|T| > 1) = 1/2
        assert!((student_beyond(1.0, 1.0) - 0.5).abs() < 1e-14);
        // F(1, d) is t(d) squared
        assert!((fisher_above(4.0, 1.0, 7.0) - student_beyond(2.0, 7.0)).abs() < 1e-14);
        assert!((student_quantile(0.95, 10.0) - 2.228_138_851_964_938).abs() < 1e-12);
        assert!((student_quantile(0.95, 1.0) - 12.706_204_736_174_7).abs() < 1e-10);
    }
}

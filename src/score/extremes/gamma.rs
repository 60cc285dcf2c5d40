//! Gamma functions near 1, where differences of them are wanted, and derivatives.

use statrs::function::gamma::ln_gamma;

/// Euler's constant.
pub(super) const EULER: f64 = 0.577_215_664_901_532_9;

/// ζ(2) to ζ(12).
const ZETA: [f64; 11] = [
    1.644_934_066_848_226_4,
    1.202_056_903_159_594_2,
    1.082_323_233_711_138_2,
    1.036_927_755_143_37,
    1.017_343_061_984_449,
    1.008_349_277_381_922_8,
    1.004_077_356_197_944_3,
    1.002_008_392_826_082_2,
    1.000_994_575_127_818,
    1.000_494_188_604_119_5,
    1.000_246_086_553_308,
];

/// ln Γ(1 − ξ) = γξ + Σ ζ(k) ξᵏ/k, with full relative digits near 0.
pub(super) fn ln_gamma_one_minus(shape: f64) -> f64 {
    if shape.abs() > 0.02 {
        return ln_gamma(1.0 - shape);
    }
    let mut power = shape;
    let mut sum = EULER * shape;
    for (i, zeta) in ZETA.iter().enumerate() {
        power *= shape;
        sum += zeta * power / (i + 2) as f64;
    }
    sum
}

/// ln Γ(1 − 2ξ) − 2 ln Γ(1 − ξ) = Σ ζ(k) ξᵏ (2ᵏ − 2)/k, with full relative digits near 0.
pub(super) fn ln_gamma_second_difference(shape: f64) -> f64 {
    if shape.abs() > 0.02 {
        return ln_gamma(1.0 - 2.0 * shape) - 2.0 * ln_gamma(1.0 - shape);
    }
    let (mut power, mut two) = (shape, 2.0);
    let mut sum = 0.0;
    for (i, zeta) in ZETA.iter().enumerate() {
        power *= shape;
        two *= 2.0;
        sum += zeta * power * (two - 2.0) / (i + 2) as f64;
    }
    sum
}

/// The derivative of the digamma function, for positive x.
pub(super) fn trigamma(x: f64) -> f64 {
    let (mut x, mut sum) = (x, 0.0);
    while x < 12.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let v = 1.0 / (x * x);
    // The asymptotic series with Bernoulli's numbers 1/6, −1/30, 1/42, −1/30, 5/66.
    sum + 1.0 / x + v / 2.0 + v / x * (1.0 / 6.0 - v * (1.0 / 30.0 - v * (1.0 / 42.0 - v * (1.0 / 30.0 - v * 5.0 / 66.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_and_library_agree() {
        for shape in [-0.0199, -0.004, 0.011, 0.0199] {
            assert!((ln_gamma_one_minus(shape) - ln_gamma(1.0 - shape)).abs() < 1e-14);
            let want = ln_gamma(1.0 - 2.0 * shape) - 2.0 * ln_gamma(1.0 - shape);
            assert!((ln_gamma_second_difference(shape) - want).abs() < 1e-13);
        }
    }

    #[test]
    fn trigamma_of_one_and_a_half() {
        let pi2 = std::f64::consts::PI.powi(2);
        assert!((trigamma(1.0) - pi2 / 6.0).abs() < 1e-14);
        assert!((trigamma(1.5) - (pi2 / 2.0 - 4.0)).abs() < 1e-14);
    }
}

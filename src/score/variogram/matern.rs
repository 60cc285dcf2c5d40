//! The Matérn correlation, through the modified Bessel function of the second kind.

use statrs::function::gamma::ln_gamma;

/// The Matérn correlation of smoothness ν at the scaled distance x.
///
/// # Formula
/// ```text
/// ρ(x) = 2^(1−ν) x^ν K_ν(x) / Γ(ν),    K_ν(x) = ∫₀^∞ exp(−x cosh t) cosh(νt) dt
/// ```
/// 1 at x = 0, falling to 0; ν = 1/2 is the exponential, and the field has derivatives below order ν. The integral is taken
/// by the trapezoidal rule, which for such an integrand converges faster than any power of its step; each term carries the
/// factors before the integral in its exponent, so that nothing overflows. Relative error about 10⁻¹².
///
/// None for a distance that is negative or NaN, or a smoothness outside 0.01..100.
///
/// # Example
/// ```
/// use isotherm::score::matern_correlation;
/// assert!((matern_correlation(1.5, 2.0).unwrap() - 3.0 * (-2.0f64).exp()).abs() < 1e-14); // (1 + x) e^-x
/// ```
///
/// # Reference
/// NIST Digital Library of Mathematical Functions, 10.32.9, https://dlmf.nist.gov/10.32; Stein (1999),
/// doi:10.1007/978-1-4612-1494-6
pub fn matern_correlation(smoothness: f64, x: f64) -> Option<f64> {
    let nu = smoothness;
    if !(0.01..=100.0).contains(&nu) || !(x >= 0.0) {
        return None;
    }
    if x == 0.0 {
        return Some(1.0);
    }
    // Far below the smallest number; and the step below must not become 0.
    if x > 1e4 {
        return Some(0.0);
    }
    // Narrow enough for the integrand's peak, whose curvature is that of x cosh t − νt, and for the strip in which it is
    // analytic (half width π/2).
    let step = (0.55 / (x * x + nu * nu).sqrt().sqrt()).min(0.2);
    let constant = nu * x.ln() - nu * std::f64::consts::LN_2 - ln_gamma(nu);
    let peak = (nu / x).asinh();
    let (growth, decay) = (step.exp(), (-2.0 * nu * step).exp());
    let (mut power, mut echo, mut t) = (growth, decay, step);
    // The ends: half a term at t = 0.
    let mut sum = (constant - x).exp();
    loop {
        // exp(ln(2 prefactors) − x cosh t) cosh(νt)
        let term = (constant + nu * t - 0.5 * x * (power + 1.0 / power)).exp() * (1.0 + echo);
        sum += term;
        if t > peak && term <= 1e-18 * sum {
            break;
        }
        power *= growth;
        echo *= decay;
        t += step;
    }
    Some((sum * step).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.special.kv(ν, x), SciPy 1.16:
    /// `for nu in (0.3, 1.0, 2.5, 7.3, 20.0): for x in (1e-3, 0.1, 1.0, 2.0, 5.0, 30.0, 100.0): print(repr(kv(nu, x)))`
    const BESSEL: [(f64, [f64; 7]); 5] = [
        (
            0.3,
            [
                14.406547529041038,
                2.805056475021575,
                0.43507602420880526,
                0.11603697434812504,
                0.0037216693288734263,
                2.135627028326095e-14,
                4.658713811548969e-45,
            ],
        ),
        (
            1.0,
            [
                999.9962381560855,
                9.853844780870606,
                0.6019072301972346,
                0.13986588181652246,
                0.004044613445452164,
                2.167732001891549e-14,
                4.67985373563691e-45,
            ],
        ),
        (
            2.5,
            [
                118899799.1115488,
                1187.0212236418931,
                3.227479531135262,
                0.3897977588961997,
                0.006495775004385758,
                2.3624987811047993e-14,
                4.8036952541575036e-45,
            ],
        ),
        (
            7.3,
            [
                7.95754742220738e26,
                1998052613444.4526,
                96296.1856779108,
                543.638277384459,
                0.3157226020689345,
                5.089783988931503e-14,
                6.069698214173373e-45,
            ],
        ),
        (
            20.0,
            [
                6.37770655639738e82,
                6.376867526661186e42,
                6.294369360424536e22,
                5.7708568527002424e16,
                482700052.0621488,
                1.230451647544247e-11,
                3.3852054148901705e-44,
            ],
        ),
    ];

    #[test]
    fn it_is_the_bessel_function() {
        for (nu, values) in BESSEL {
            for (x, bessel) in [1e-3f64, 0.1, 1.0, 2.0, 5.0, 30.0, 100.0].into_iter().zip(values) {
                let want = bessel.ln() + (1.0 - nu) * std::f64::consts::LN_2 + nu * x.ln() - ln_gamma(nu);
                let got = matern_correlation(nu, x).unwrap().ln();
                assert!((got - want).abs() < 2e-12, "ν = {nu}, x = {x}: {got} {want}");
            }
        }
    }

    #[test]
    fn half_integers_are_elementary() {
        for x in [1e-9f64, 1e-4, 0.02, 0.7, 3.0, 11.0, 80.0] {
            let e = (-x).exp();
            for (nu, want) in [(0.5, e), (1.5, (1.0 + x) * e), (2.5, (1.0 + x + x * x / 3.0) * e)] {
                let got = matern_correlation(nu, x).unwrap();
                assert!((got / want - 1.0).abs() < 1e-12, "{nu} {x} {got} {want}");
            }
        }
    }

    #[test]
    fn the_ends() {
        assert_eq!(matern_correlation(3.0, 0.0), Some(1.0));
        assert_eq!(matern_correlation(3.0, 1e5), Some(0.0));
        assert_eq!(matern_correlation(3.0, f64::INFINITY), Some(0.0));
        assert!(matern_correlation(0.01, 1e-300).unwrap() > 0.9 && matern_correlation(100.0, 1e-300).unwrap() > 0.999);
        for (nu, x) in [(0.0, 1.0), (101.0, 1.0), (1.0, -1.0), (1.0, f64::NAN), (f64::NAN, 1.0)] {
            assert_eq!(matern_correlation(nu, x), None);
        }
    }
}

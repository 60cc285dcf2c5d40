//! The law of Kolmogorov's statistic of one sample.

use super::{ScoreError, ScoreResult};

/// Largest n d for which the exact matrix is raised to its power; its side is about twice that.
const LARGEST_EXACT: f64 = 60.0;
/// Up to this n the exact law is used where n d allows.
const MOST_EXACT: usize = 20_000;
/// Up to this n Smirnov's law is summed where the tail is not below 1e-15.
const MOST_SUMMED: usize = 2_000_000;

/// P(D ≥ d) of the largest gap D between the cumulative distribution of `count` independent values and their true continuous
/// one.
///
/// # Formula
/// ```text
/// exact: the matrix power of Marsaglia, Tsang and Wang;   large n: the expansion of Pelz and Good in 1/√n;
/// small tails: twice the one-sided law of Smirnov
/// ```
/// Good to about 10⁻⁹ absolute; up to 20 000 values small tails keep their relative digits.
///
/// # Errors
/// [`ScoreError::TooFew`] for no value, [`ScoreError::Argument`] for a gap that is NaN.
///
/// # Example
/// ```
/// use isotherm::score::kolmogorov_above;
/// // one value: D = max(u, 1 − u) ≥ 0.75 for half of all u
/// assert!((kolmogorov_above(1, 0.75).unwrap() - 0.5).abs() < 1e-14);
/// ```
///
/// # Reference
/// Marsaglia, Tsang, Wang (2003), doi:10.18637/jss.v008.i18; Pelz, Good (1976), doi:10.1111/j.2517-6161.1976.tb01579.x;
/// Simard, L'Ecuyer (2011), doi:10.18637/jss.v039.i11
pub fn kolmogorov_above(count: usize, gap: f64) -> ScoreResult<f64> {
    if count == 0 {
        return Err(ScoreError::TooFew { metric: "kolmogorov_above", found: 0, wanted: 1 });
    }
    if gap.is_nan() {
        return Err(ScoreError::Argument("the gap is not a number".into()));
    }
    let n = count as f64;
    if gap >= 1.0 {
        return Ok(0.0);
    }
    if gap <= 0.5 / n {
        return Ok(1.0);
    }
    let squared = n * gap * gap;
    // Two gaps on both sides at once are then too rare to matter (below 1e-10 of the whole).
    if squared >= 4.0 || gap > 0.5 {
        let exact = count <= MOST_EXACT || (squared < 18.0 && count <= MOST_SUMMED);
        return Ok(if exact { 2.0 * one_sided(count, gap) } else { tail_series(n, gap) }.min(1.0));
    }
    let below = if count <= MOST_EXACT && n * gap <= LARGEST_EXACT { by_matrix(count, gap) } else { by_expansion(n, gap) };
    Ok((1.0 - below).clamp(0.0, 1.0))
}

/// P(D⁺ ≥ d), Smirnov's law: d Σ_j C(n, j) (d + j/n)^{j−1} (1 − d − j/n)^{n−j}.
fn one_sided(count: usize, gap: f64) -> f64 {
    let n = count as f64;
    let mut sum = 0.0;
    let mut ln_ways = 0.0;
    for j in 0..=count {
        let at = gap + j as f64 / n;
        let rest = 1.0 - at;
        if rest <= 0.0 {
            break;
        }
        sum += (ln_ways + (j as f64 - 1.0) * at.ln() + (n - j as f64) * rest.ln()).exp();
        ln_ways += ((n - j as f64) / (j as f64 + 1.0)).ln();
    }
    gap * sum
}

/// Kolmogorov's series 2 Σ (−1)^{k−1} exp(−2k²z²) at a z shifted for finite n.
fn tail_series(n: f64, gap: f64) -> f64 {
    // The one-sided law is exp(−(6nd + 1)²/(18n)) up to terms of order 1/n.
    let one = (-(6.0 * n * gap + 1.0).powi(2) / (18.0 * n)).exp();
    let z2 = n * gap * gap;
    2.0 * (one - (-8.0 * z2).exp())
}

/// P(D < d) as the middle of n!/nⁿ Hⁿ, scaled as it grows.
fn by_matrix(count: usize, gap: f64) -> f64 {
    let n = count as f64;
    let k = (n * gap) as usize + 1;
    let side = 2 * k - 1;
    let h = k as f64 - n * gap;
    let mut matrix = vec![0.0; side * side];
    for i in 0..side {
        for j in 0..side.min(i + 2) {
            matrix[i * side + j] = 1.0;
        }
    }
    for i in 0..side {
        matrix[i * side] -= h.powi(i as i32 + 1);
        matrix[(side - 1) * side + i] -= h.powi((side - i) as i32);
    }
    if 2.0 * h - 1.0 > 0.0 {
        matrix[(side - 1) * side] += (2.0 * h - 1.0).powi(side as i32);
    }
    for i in 0..side {
        let mut factorial = 1.0;
        for j in (0..side.min(i + 1)).rev() {
            factorial *= (i - j + 1) as f64;
            matrix[i * side + j] /= factorial;
        }
    }
    let (power, mut exponent) = raise(&matrix, side, count);
    let mut result = power[(k - 1) * side + k - 1];
    for i in 1..=count {
        result *= i as f64 / n;
        if result < 1e-140 {
            result *= 1e140;
            exponent -= 140;
        }
    }
    result * 10f64.powi(exponent)
}

/// The matrix to a power, and the decimal exponent that was taken out.
fn raise(matrix: &[f64], side: usize, power: usize) -> (Vec<f64>, i32) {
    let mut result: Vec<f64> = (0..side * side).map(|i| if i / side == i % side { 1.0 } else { 0.0 }).collect();
    let (mut base, mut left) = (matrix.to_vec(), power);
    let (mut result_exponent, mut base_exponent) = (0, 0);
    while left > 0 {
        if left & 1 == 1 {
            result = product(&result, &base, side);
            result_exponent += base_exponent + shrink(&mut result, side);
        }
        left >>= 1;
        if left > 0 {
            base = product(&base, &base, side);
            base_exponent = 2 * base_exponent + shrink(&mut base, side);
        }
    }
    (result, result_exponent)
}

fn shrink(matrix: &mut [f64], side: usize) -> i32 {
    if matrix[(side / 2) * side + side / 2] > 1e140 {
        matrix.iter_mut().for_each(|v| *v *= 1e-140);
        return 140;
    }
    0
}

fn product(a: &[f64], b: &[f64], side: usize) -> Vec<f64> {
    let mut out = vec![0.0; side * side];
    for (row, out) in a.chunks(side).zip(out.chunks_mut(side)) {
        for (factor, line) in row.iter().zip(b.chunks(side)) {
            out.iter_mut().zip(line).for_each(|(o, v)| *o += factor * v);
        }
    }
    out
}

/// P(D < d) to order n^{−3/2}.
fn by_expansion(n: f64, gap: f64) -> f64 {
    use std::f64::consts::PI;
    let z = gap * n.sqrt();
    let (z2, z4, z6) = (z * z, z.powi(4), z.powi(6));
    let (pi2, pi4, pi6) = (PI * PI, PI.powi(4), PI.powi(6));
    let root = (PI / 2.0).sqrt();
    let (mut k0, mut k1, mut k2, mut k3) = (0.0, 0.0, 0.0, 0.0);
    for k in 0..60 {
        let h2 = (f64::from(k) + 0.5).powi(2);
        let e = (-pi2 * h2 / (2.0 * z2)).exp();
        if e == 0.0 {
            break;
        }
        let (h4, h6) = (h2 * h2, h2 * h2 * h2);
        // Terms k and −k − 1 are equal, hence twice.
        k0 += 2.0 * e;
        k1 += 2.0 * e * (pi2 * h2 - z2);
        k2 += 2.0 * e * (6.0 * z6 + 2.0 * z4 + pi2 * (2.0 * z4 - 5.0 * z2) * h2 + pi4 * (1.0 - 2.0 * z2) * h4);
        k3 += 2.0
            * e
            * (pi6 * h6 * (5.0 - 30.0 * z2) + pi4 * h4 * (-60.0 * z2 + 212.0 * z4) + pi2 * h2 * (135.0 * z4 - 96.0 * z6)
                - (30.0 * z6 + 90.0 * z6 * z2));
    }
    let (mut more2, mut more3) = (0.0, 0.0);
    for k in 1..60 {
        let k2 = f64::from(k * k);
        let e = (-pi2 * k2 / (2.0 * z2)).exp();
        if e == 0.0 {
            break;
        }
        more2 += 2.0 * e * pi2 * k2;
        more3 += 2.0 * e * (-pi4 * k2 * k2 + 3.0 * pi2 * k2 * z2);
    }
    let zeroth = root / z * k0;
    let first = root / (6.0 * z4) * k1;
    let second = root / (72.0 * z6 * z) * k2 - root / (36.0 * z2 * z) * more2;
    let third = root / (6480.0 * z6 * z4) * k3 + root / (216.0 * z6) * more3;
    zeroth + first / n.sqrt() + second / n + third / n.powf(1.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_values_by_hand() {
        // n = 2: P(D < d) = 2(2d − 1/2)² for 1/4 ≤ d ≤ 1/2, and 1 − 2(1 − d)² from 1/2 on
        for d in [0.3, 0.45, 0.5] {
            let want = 1.0 - 2.0 * (2.0 * d - 0.5f64).powi(2);
            assert!((kolmogorov_above(2, d).unwrap() - want).abs() < 1e-13, "{d}");
        }
        for d in [0.6f64, 0.9] {
            assert!((kolmogorov_above(2, d).unwrap() - 2.0 * (1.0 - d).powi(2)).abs() < 1e-13, "{d}");
        }
    }

    #[test]
    fn matrix_expansion_and_tail_meet() {
        for n in [2000usize, 10_000] {
            for z in [0.4, 0.6, 0.9, 1.3, 1.7] {
                let d = z / (n as f64).sqrt();
                let (a, b) = (by_matrix(n, d), by_expansion(n as f64, d));
                assert!((a - b).abs() < 20.0 / (n * n) as f64, "{n} {z} {a} {b}");
            }
            // P(D > 2/√n) is near 2 exp(−8) = 6.7e-4
            let d = 2.0 / (n as f64).sqrt();
            assert!((1.0 - by_matrix(n, d) - 2.0 * one_sided(n, d)).abs() < 1e-10);
            // the next term of the tail is of order 1/n
            assert!((tail_series(n as f64, d) / (2.0 * one_sided(n, d)) - 1.0).abs() < 10.0 / n as f64);
        }
    }

    #[test]
    fn printed_critical_value() {
        // the 5 % point for n = 20 is 0.29408 (Miller 1956)
        assert!((kolmogorov_above(20, 0.29408).unwrap() - 0.05).abs() < 2e-5);
    }

    #[test]
    fn ends() {
        assert_eq!(kolmogorov_above(5, 0.05).unwrap(), 1.0);
        assert_eq!(kolmogorov_above(5, 1.0).unwrap(), 0.0);
        assert!(kolmogorov_above(0, 0.5).is_err() && kolmogorov_above(5, f64::NAN).is_err());
    }
}

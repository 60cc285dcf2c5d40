//! Cubic splines: B-spline coefficients along an axis, and the natural spline through a few points.

use super::edge::Edge;

/// Turns values into the coefficients of the interpolating cubic B-spline along the rows' axis, in place, for
/// all `columns` at once: `c[i-1] + 4 c[i] + c[i+1] = 6 f[i]`, by one recursion down and one up.
///
/// The ends are closed by mirroring about the outer centre ([`Edge::Mirror`]) or the outer edge (any other rule).
/// For the latter SciPy's start value is followed, digit for digit: it takes the first value's last echo from the
/// running sum instead of the value, which moves the ends of an axis of n cells by some 0.27^(2n) of the values
/// (1e-6 for 5 cells, nothing for 20). Only rules that follow SciPy use it.
///
/// # Reference
/// Unser, M. (1999), Splines: a perfect fit for signal and image processing. doi:10.1109/79.799930.
pub(crate) fn spline_coefficients(plane: &mut [f64], rows: usize, columns: usize, edge: Edge) {
    if rows < 2 || columns == 0 {
        return;
    }
    let pole = 3.0_f64.sqrt() - 2.0;
    plane.iter_mut().for_each(|value| *value *= 6.0);
    for x in 0..columns {
        plane[x] = causal_start(|y| plane[y * columns + x], rows, pole, edge);
    }
    for y in 1..rows {
        let (before, here) = plane.split_at_mut(y * columns);
        here[..columns].iter_mut().zip(&before[(y - 1) * columns..]).for_each(|(value, above)| *value += pole * above);
    }
    let (before, last) = plane.split_at_mut((rows - 1) * columns);
    for (value, above) in last.iter_mut().zip(&before[(rows - 2) * columns..]) {
        *value = if edge == Edge::Mirror {
            (pole * above + *value) * pole / (pole * pole - 1.0)
        } else {
            *value * pole / (pole - 1.0)
        };
    }
    for y in (0..rows - 1).rev() {
        let (here, below) = plane.split_at_mut((y + 1) * columns);
        here[y * columns..].iter_mut().zip(&below[..columns]).for_each(|(value, next)| *value = pole * (next - *value));
    }
}

/// The sum of the values' mirror images before the first, each one pole's power weaker: where the recursion starts.
fn causal_start(value: impl Fn(usize) -> f64, length: usize, pole: f64, edge: Edge) -> f64 {
    let last = length - 1;
    let mut power = pole;
    if edge == Edge::Mirror {
        let far = pole.powi(last as i32);
        let mut sum = value(0) + far * value(last);
        for i in 1..last {
            sum += power * (value(i) + far * value(last - i));
            power *= pole;
        }
        return sum / (1.0 - far * far);
    }
    let far = pole.powi(length as i32);
    let mut sum = value(0) + far * value(last);
    for i in 1..length {
        let echo = if i == last { sum } else { value(last - i) };
        sum += power * (value(i) + far * echo);
        power *= pole;
    }
    value(0) + sum * pole / (1.0 - far * far)
}

/// The natural cubic spline (no curvature at its ends) through points at 0, 1, 2, ..., at position `at`.
pub(crate) fn natural_spline(values: &[f64], at: f64) -> f64 {
    let n = values.len();
    if n < 3 {
        let t = at.clamp(0.0, 1.0);
        return if n == 2 { values[0] * (1.0 - t) + values[1] * t } else { values.first().copied().unwrap_or(0.0) };
    }
    // curvatures m: m[i-1] + 4 m[i] + m[i+1] = 6 (f[i-1] - 2 f[i] + f[i+1]), m[0] = m[n-1] = 0
    let mut curvature = vec![0.0; n];
    let mut ratio = vec![0.0; n];
    for i in 1..n - 1 {
        let pivot = 4.0 - ratio[i - 1];
        ratio[i] = 1.0 / pivot;
        curvature[i] = (6.0 * (values[i - 1] - 2.0 * values[i] + values[i + 1]) - curvature[i - 1]) / pivot;
    }
    for i in (1..n - 1).rev() {
        curvature[i] -= ratio[i] * curvature[i + 1];
    }
    let i = (at.max(0.0) as usize).min(n - 2);
    let (t, u) = (at - i as f64, 1.0 - (at - i as f64));
    u * values[i] + t * values[i + 1] + ((u * u * u - u) * curvature[i] + (t * t * t - t) * curvature[i + 1]) / 6.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_give_the_values_back() {
        let values: Vec<f64> = (0..30).map(|i| f64::from(i * i % 17) - 8.0).collect();
        for edge in [Edge::Mirror, Edge::Reflect] {
            for n in 1..=values.len() {
                let mut c = values[..n].to_vec();
                spline_coefficients(&mut c, n, 1, edge);
                // SciPy's start for the reflected end is off by the last echo of the first value.
                let slip = if edge == Edge::Reflect && n > 1 { 30.0 * 0.268_f64.powi(2 * n as i32) } else { 0.0 };
                for (i, want) in values[..n].iter().enumerate() {
                    let at = |k: isize| edge.fold(i as isize + k, n).map_or(0.0, |j| c[j]);
                    let got = if n == 1 { c[0] } else { (at(-1) + 4.0 * at(0) + at(1)) / 6.0 };
                    assert!((got - want).abs() < 1e-12 + slip, "{edge:?} {n} {i}: {got}, want {want}");
                }
            }
        }
    }

    #[test]
    fn natural_spline_by_hand() {
        // f = 0, 1, 0: 4 m = 6 * (0 - 2 + 0) -> m = -3; at 1/2: (0 + 1)/2 + (0 + (1/8 - 1/2) * -3)/6 = 0.6875
        assert!((natural_spline(&[0.0, 1.0, 0.0], 0.5) - 0.6875).abs() < 1e-15);
        // straight lines stay straight
        assert!((natural_spline(&[1.0, 3.0, 5.0, 7.0], 2.25) - 5.5).abs() < 1e-15);
        assert_eq!(natural_spline(&[1.0, 3.0], 0.5), 2.0);
    }
}

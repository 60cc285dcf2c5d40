//! Cubic splines: B-spline coefficients along an axis, and the natural spline through a few points.

use super::edge::Edge;

/// Turns values into the coefficients of the interpolating cubic B-spline along the rows' axis, in place, for
/// all `columns` at once.
///
/// Solves `c[i-1] + 4 c[i] + c[i+1] = 6 f[i]` exactly, with the end closed by mirroring about the outer
/// centre ([`Edge::Mirror`]) or the outer edge (any other rule).
pub(crate) fn spline_coefficients(plane: &mut [f64], rows: usize, columns: usize, edge: Edge) {
    if rows < 2 || columns == 0 {
        return;
    }
    let (end_diagonal, end_neighbour) = if edge == Edge::Mirror { (4.0, 2.0) } else { (5.0, 1.0) };
    let mut ratio = vec![0.0; rows];
    for i in 0..rows {
        let last = i == rows - 1;
        let diagonal = if i == 0 || last { end_diagonal } else { 4.0 };
        let lower = if last { end_neighbour } else { f64::from(u8::from(i > 0)) };
        let upper = if i == 0 { end_neighbour } else { 1.0 };
        let pivot = diagonal - if i > 0 { lower * ratio[i - 1] } else { 0.0 };
        ratio[i] = upper / pivot;
        let (before, here) = plane.split_at_mut(i * columns);
        let here = &mut here[..columns];
        if i == 0 {
            here.iter_mut().for_each(|v| *v = 6.0 * *v / pivot);
        } else {
            let above = &before[(i - 1) * columns..];
            here.iter_mut().zip(above).for_each(|(v, p)| *v = (6.0 * *v - lower * p) / pivot);
        }
    }
    for i in (0..rows - 1).rev() {
        let (here, below) = plane.split_at_mut((i + 1) * columns);
        let factor = ratio[i];
        here[i * columns..].iter_mut().zip(&below[..columns]).for_each(|(v, n)| *v -= factor * n);
    }
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
        let values = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0];
        for edge in [Edge::Mirror, Edge::Reflect] {
            for n in 1..=values.len() {
                let mut c = values[..n].to_vec();
                spline_coefficients(&mut c, n, 1, edge);
                for (i, want) in values[..n].iter().enumerate() {
                    let at = |k: isize| edge.fold(i as isize + k, n).map_or(0.0, |j| c[j]);
                    assert!(((at(-1) + 4.0 * at(0) + at(1)) / 6.0 - want).abs() < 1e-12, "{edge:?} {n} {i}");
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

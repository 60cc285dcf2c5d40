//! A damped Newton search for the minimum of a smooth function of few parameters.

/// Where the search ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Minimum<const N: usize> {
    pub(super) at: [f64; N],
    pub(super) value: f64,
}

/// Most steps, accepted or not.
const MOST_STEPS: usize = 200;

/// The minimum that a damped Newton search (Levenberg's) finds from `start`. `f` gives value and gradient, or none outside its
/// domain. None where the search ends at the domain's edge, or finds no point with a positive definite curvature.
///
/// The curvature is found from differences of the gradient; that is good to about ten digits, and Newton's steps mend the rest.
pub(super) fn minimise<const N: usize, F>(start: [f64; N], f: &F) -> Option<Minimum<N>>
where
    F: Fn([f64; N]) -> Option<(f64, [f64; N])>,
{
    let (mut value, mut slope) = f(start)?;
    let mut at = start;
    let mut damping = 1e-3;
    let mut curvature = differences(at, f)?;
    for _ in 0..MOST_STEPS {
        let Some(step) = solve(&curvature, &slope, damping) else {
            damping = (damping * 10.0f64).max(1e-6);
            if damping > 1e12 {
                return None;
            }
            continue;
        };
        let gain: f64 = 0.5 * step.iter().zip(&slope).map(|(d, g)| d * g).sum::<f64>();
        // What is left to gain is below rounding, and undamped curvature is positive: this is the minimum.
        if gain.abs() <= 1e-14 * (1.0 + value.abs()) && solve(&curvature, &slope, 0.0).is_some() {
            return Some(Minimum { at, value });
        }
        let mut next = at;
        next.iter_mut().zip(&step).for_each(|(p, d)| *p -= d);
        let better = f(next).filter(|(v, g)| *v < value && g.iter().all(|g| g.is_finite()));
        match better.and_then(|found| Some((found, differences(next, f)?))) {
            Some(((v, g), c)) => {
                (at, value, slope, curvature) = (next, v, g, c);
                damping = if damping < 1e-9 { 0.0 } else { damping / 10.0 };
            }
            None => damping = (damping * 10.0f64).max(1e-6),
        }
        if damping > 1e12 {
            // No step is better: at a minimum to rounding, or at an edge.
            let flat = slope.iter().all(|g| g.abs() <= 1e-6 * (1.0 + value.abs()));
            return (flat && solve(&curvature, &slope, 0.0).is_some()).then_some(Minimum { at, value });
        }
    }
    None
}

/// Second derivatives by central differences of the gradient, made symmetric.
#[allow(clippy::needless_range_loop)] // rows and columns of a matrix
fn differences<const N: usize, F>(at: [f64; N], f: &F) -> Option<[[f64; N]; N]>
where
    F: Fn([f64; N]) -> Option<(f64, [f64; N])>,
{
    let mut curvature = [[0.0; N]; N];
    for i in 0..N {
        let h = 1e-5 * (1.0 + at[i].abs());
        let shifted = |h: f64| {
            let mut p = at;
            p[i] += h;
            f(p).map(|(_, slope)| slope)
        };
        let (up, down, width) = match (shifted(h), shifted(-h)) {
            (Some(up), Some(down)) => (up, down, 2.0 * h),
            // Beside an edge one side has to do.
            (Some(up), None) => (up, f(at)?.1, h),
            (None, Some(down)) => (f(at)?.1, down, h),
            (None, None) => return None,
        };
        for k in 0..N {
            curvature[i][k] = (up[k] - down[k]) / width;
        }
    }
    for i in 0..N {
        for k in 0..i {
            let mean = 0.5 * (curvature[i][k] + curvature[k][i]);
            curvature[i][k] = mean;
            curvature[k][i] = mean;
        }
    }
    curvature.iter().flatten().all(|c| c.is_finite()).then_some(curvature)
}

/// Solves (H + damping · diag|H|) x = g by Cholesky's method; none where the matrix is not positive definite.
#[allow(clippy::needless_range_loop)] // rows and columns of a matrix
fn solve<const N: usize>(curvature: &[[f64; N]; N], slope: &[f64; N], damping: f64) -> Option<[f64; N]> {
    let mut factor = [[0.0; N]; N];
    for i in 0..N {
        for k in 0..=i {
            let mut rest = curvature[i][k];
            if i == k {
                rest += damping * curvature[i][i].abs().max(1e-6);
            }
            for j in 0..k {
                rest -= factor[i][j] * factor[k][j];
            }
            if i == k {
                if rest.is_nan() || rest <= 0.0 {
                    return None;
                }
                factor[i][i] = rest.sqrt();
            } else {
                factor[i][k] = rest / factor[k][k];
            }
        }
    }
    let mut x = *slope;
    for i in 0..N {
        for k in 0..i {
            x[i] -= factor[i][k] * x[k];
        }
        x[i] /= factor[i][i];
    }
    for i in (0..N).rev() {
        for k in i + 1..N {
            x[i] -= factor[k][i] * x[k];
        }
        x[i] /= factor[i][i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banana_valley() {
        // Rosenbrock's function: minimum 0 at (1, 1)
        let f = |[x, y]: [f64; 2]| {
            let (a, b) = (1.0 - x, y - x * x);
            Some((a * a + 100.0 * b * b, [-2.0 * a - 400.0 * x * b, 200.0 * b]))
        };
        let found = minimise([-1.2, 1.0], &f).unwrap();
        assert!((found.at[0] - 1.0).abs() < 1e-6 && (found.at[1] - 1.0).abs() < 1e-6 && found.value < 1e-12);
    }

    #[test]
    fn functions_without_a_minimum_inside_are_refused() {
        assert!(minimise([0.5], &|[x]: [f64; 1]| (x > 0.0).then_some((x, [1.0]))).is_none());
        assert!(minimise([0.5], &|[x]: [f64; 1]| Some((-x * x, [-2.0 * x]))).is_none());
        assert!(minimise([-1.0], &|[x]: [f64; 1]| (x > 0.0).then_some((x * x, [2.0 * x]))).is_none());
    }

    #[test]
    fn linear_equations_by_hand() {
        let x = solve(&[[4.0, 2.0], [2.0, 3.0]], &[10.0, 9.0], 0.0).unwrap();
        assert!((x[0] - 1.5).abs() < 1e-14 && (x[1] - 2.0).abs() < 1e-14);
    }
}

//! The method of conjugate gradients with a preconditioner, for operators that are only known by what they do.

use rayon::prelude::*;

use crate::methods::error::{MethodError, MethodResult};

/// Cells in one part of a sum; fixed, so that sums do not depend on the number of threads.
pub(crate) const PART: usize = 8192;

/// Σ a b, in parts of fixed size.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let parts: Vec<f64> = a
        .par_chunks(PART)
        .with_min_len(4)
        .zip(b.par_chunks(PART))
        .map(|(a, b)| {
            let mut lanes = [0.0; 8];
            for (a, b) in a.chunks(8).zip(b.chunks(8)) {
                for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
                    *lane += a * b;
                }
            }
            lanes.iter().sum::<f64>()
        })
        .collect();
    parts.iter().sum()
}

/// `y = x + factor y`, or `y += factor x` the other way around.
fn combine(y: &mut [f64], x: &[f64], f: impl Fn(f64, f64) -> f64 + Sync) {
    y.par_chunks_mut(PART).with_min_len(4).zip(x.par_chunks(PART)).for_each(|(y, x)| {
        for (y, x) in y.iter_mut().zip(x) {
            *y = f(*y, *x);
        }
    });
}

/// Solves A x = right from `x` on, until the residual in the norm of the preconditioner has fallen to `tolerance` times that
/// of the right-hand side. Gives the number of iterations.
///
/// `apply` and `precondition` are symmetric and positive definite.
///
/// # Errors
/// [`MethodError::Argument`] where that takes more than `most` iterations.
pub(crate) fn conjugate_gradient(
    mut apply: impl FnMut(&[f64], &mut [f64]),
    mut precondition: impl FnMut(&[f64], &mut [f64]),
    right: &[f64],
    x: &mut [f64],
    tolerance: f64,
    most: usize,
) -> MethodResult<usize> {
    let n = right.len();
    let (mut r, mut z, mut image) = (right.to_vec(), vec![0.0; n], vec![0.0; n]);
    precondition(&r, &mut z);
    let limit = tolerance * tolerance * dot(&r, &z);
    if limit <= 0.0 {
        x.fill(0.0);
        return Ok(0);
    }
    apply(x, &mut image);
    combine(&mut r, &image, |r, image| r - image);
    precondition(&r, &mut z);
    let mut p = z.clone();
    let mut rz = dot(&r, &z);
    for iteration in 0..most {
        if rz <= limit {
            return Ok(iteration);
        }
        apply(&p, &mut image);
        let step = rz / dot(&p, &image);
        combine(x, &p, |x, p| x + step * p);
        combine(&mut r, &image, |r, image| r - step * image);
        precondition(&r, &mut z);
        let next = dot(&r, &z);
        let turn = next / rz;
        combine(&mut p, &z, |p, z| z + turn * p);
        rz = next;
    }
    Err(MethodError::Argument(format!(
        "the fill of {n} cells did not settle in {most} iterations; look for values of very different size in the field"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_system_is_solved_in_as_many_steps_as_it_has_unknowns() {
        // [4 1; 1 3] x = [1 2] has x = [1/11, 7/11].
        let apply = |u: &[f64], out: &mut [f64]| {
            out[0] = 4.0 * u[0] + u[1];
            out[1] = u[0] + 3.0 * u[1];
        };
        let mut x = [2.0, 1.0];
        let steps = conjugate_gradient(apply, |r, z| z.copy_from_slice(r), &[1.0, 2.0], &mut x, 1e-12, 5).unwrap();
        assert!(steps <= 3, "{steps}");
        assert!((x[0] - 1.0 / 11.0).abs() < 1e-12 && (x[1] - 7.0 / 11.0).abs() < 1e-12);
        let refused = conjugate_gradient(apply, |r, z| z.copy_from_slice(r), &[1.0, 2.0], &mut [5.0, 5.0], 1e-12, 1);
        assert!(refused.unwrap_err().to_string().contains("did not settle in 1"));
    }
}

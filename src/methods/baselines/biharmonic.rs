//! Gaps filled by the surface in space and time that bends least.

use super::conjugate_gradient::conjugate_gradient;
use super::harmonic::{TEMPORAL_WEIGHT, harmonic, unknowns};
use super::laplacian::Laplacian;
use super::multigrid::Multigrid;
use super::sequence::{Sequence, Solution};
use crate::methods::error::MethodResult;

/// Weight of the slope beside that of the bending: it keeps the fill of wide gaps from swinging out.
pub const SLOPE_WEIGHT: f64 = 1e-2;

/// Residual left, as a share of the right-hand side; more changes no fifth digit of an error.
const TOLERANCE: f64 = 1e-5;
const MOST_ITERATIONS: usize = 5000;

/// How a surface is bent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bending {
    /// Weight of the slope beside that of the bending.
    pub slope_weight: f64,
    /// How much more a step in time weighs than one in space.
    pub temporal_weight: f32,
    /// Residual left, as a share of the right-hand side.
    pub tolerance: f64,
}

impl Default for Bending {
    fn default() -> Bending {
        Bending { slope_weight: SLOPE_WEIGHT, temporal_weight: TEMPORAL_WEIGHT, tolerance: TOLERANCE }
    }
}

/// Fills the gaps with the least of the bending and a little of the slope. Gaps that no way leads to from an observed cell
/// stay.
///
/// # Formula
/// ```text
/// minimise |L u|² + ε |∇u|² over the gaps, u = the observation elsewhere
/// ```
/// where L is the six-neighbour Laplacian with the temporal weight, |∇u|² = uᵀ L u, and ε is the weight of the slope. The normal
/// equations (L² + ε L) u = 0 are solved by conjugate gradients, preconditioned by two multigrid cycles for L.
pub(crate) fn biharmonic(sequence: &Sequence, bending: &Bending) -> MethodResult<Solution> {
    let weights = [bending.temporal_weight, 1.0, 1.0];
    let unknown = unknowns(sequence, true);
    let solution = harmonic(sequence, weights)?;
    if !unknown.contains(&true) {
        return Ok(solution);
    }
    let whole = Laplacian::new(sequence.shape, sequence.wrap, &solution.known, weights);
    bent(solution, &unknown, &whole, |u, out| whole.apply(u, out), bending)
}

/// Bends a first fill as little as may be in its `unknown` cells: minimises |L u|² + ε uᵀ L u for the `operator` L, of which
/// `like` is a Laplacian that is close enough to lead the solver.
pub(crate) fn bent(
    mut start: Solution,
    unknown: &[bool],
    like: &Laplacian,
    operator: impl Fn(&[f64], &mut [f64]),
    bending: &Bending,
) -> MethodResult<Solution> {
    let n = unknown.len();
    let mut bend = vec![0.0; n];
    // L (L u) + ε L u in the gaps.
    let mut energy = |u: &[f64], out: &mut [f64]| {
        operator(u, &mut bend);
        operator(&bend, out);
        for ((out, bend), unknown) in out.iter_mut().zip(&bend).zip(unknown) {
            *out = if *unknown { *out + bending.slope_weight * bend } else { 0.0 };
        }
    };
    // What is solved for is the departure from the first fill.
    let mut right = vec![0.0; n];
    energy(&start.values, &mut right);
    right.iter_mut().for_each(|r| *r = -*r);
    let mut grids = Multigrid::new(like.within(unknown));
    let mut half = vec![0.0; n];
    let mut x = vec![0.0; n];
    conjugate_gradient(
        &mut energy,
        |r, z| {
            grids.apply(r, &mut half);
            grids.apply(&half, z);
        },
        &right,
        &mut x,
        bending.tolerance,
        MOST_ITERATIONS,
    )?;
    for i in (0..n).filter(|i| unknown[*i]) {
        start.values[i] += x[i];
    }
    Ok(start)
}

#[cfg(test)]
mod tests {
    use super::super::cholesky::Cholesky;
    use super::super::sequence::tests::sequence;
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn the_same_as_a_dense_solve() {
        let shape = [4, 5, 6];
        let n = 120;
        let mut random = Random::new(5, "biharmonic");
        let mut given = sequence(shape, (0..n).map(|_| (random.uniform() < 0.4).then(|| 15.0 + random.normal())).collect());
        given.sea = (0..n).map(|i| given.observed[i] || random.uniform() < 0.95).collect();
        given.wrap = true;
        let filled = biharmonic(&given, &Bending { slope_weight: 0.05, tolerance: 1e-7, ..Bending::default() }).unwrap();
        // The whole matrix, column by column from its definition.
        let known = filled.known.clone();
        let mut dense = vec![vec![0.0; n]; n];
        for i in 0..n {
            let [t, y, x] = [i / 30, i / 6 % 5, i % 6];
            let mut link = |j: usize, w: f64| {
                if known[i] && known[j] {
                    dense[i][i] += w;
                    dense[j][j] += w;
                    dense[i][j] -= w;
                    dense[j][i] -= w;
                }
            };
            if t < 3 {
                link(i + 30, 4.0);
            }
            if y < 4 {
                link(i + 6, 1.0);
            }
            link(if x < 5 { i + 1 } else { i - 5 }, 1.0);
        }
        let operator = |i: usize, j: usize| (0..n).map(|k| dense[i][k] * dense[k][j]).sum::<f64>() + 0.05 * dense[i][j];
        let open: Vec<usize> = (0..n).filter(|i| known[*i] && !given.observed[*i]).collect();
        let mut matrix = Vec::new();
        let mut right = Vec::new();
        for i in &open {
            matrix.extend(open.iter().map(|j| operator(*i, *j)));
            right.push(-(0..n).filter(|j| given.observed[*j]).map(|j| operator(*i, j) * given.values[j]).sum::<f64>());
        }
        let wanted = Cholesky::new(matrix, open.len()).unwrap().solve(&right);
        for (i, wanted) in open.iter().zip(wanted) {
            assert!((filled.values[*i] - wanted).abs() < 1e-5, "{i}: {} {wanted}", filled.values[*i]);
        }
    }

    #[test]
    fn a_parabola_is_bridged_better_than_by_a_chord() {
        // One row; a gap of 7 in x²: without slope weight the cubic through both ends and slopes is the parabola itself.
        let given = sequence([1, 1, 21], (0..21).map(|i| (!(7..14).contains(&i)).then(|| (i * i) as f64)).collect());
        let filled = biharmonic(&given, &Bending { slope_weight: 0.0, tolerance: 1e-7, ..Bending::default() }).unwrap();
        for i in 7..14 {
            assert!((filled.values[i] - (i * i) as f64).abs() < 1e-4, "{i}: {}", filled.values[i]);
        }
    }

    #[test]
    fn wide_gaps_settle_and_threads_change_no_bit() {
        let mut random = Random::new(6, "biharmonic");
        // Frames that are half hidden by a wide cloud each.
        let shape = [5, 48, 48];
        let cloud = |i: usize| {
            let (t, y, x) = (i / 2304, i / 48 % 48, i % 48);
            (y + 9 * t) % 48 < 34 && x % 40 > 4
        };
        let given =
            sequence(shape, (0..5 * 2304).map(|i| (!cloud(i)).then(|| random.normal() * 0.01 + (i % 48) as f64)).collect());
        let filled = biharmonic(&given, &Bending::default()).unwrap();
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| biharmonic(&given, &Bending::default()).unwrap()).values, filled.values);
        }
    }
}

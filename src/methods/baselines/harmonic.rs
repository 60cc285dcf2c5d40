//! Gaps filled by Laplace's equation: in each frame, or in space and time at once.

use super::conjugate_gradient::conjugate_gradient;
use super::laplacian::{Laplacian, LinkWeights};
use super::multigrid::Multigrid;
use super::sequence::{Sequence, Solution};
use crate::methods::error::MethodResult;

/// How much more a step in time weighs than one along rows or columns: frames are closer to each other than pixels.
pub const TEMPORAL_WEIGHT: f32 = 4.0;

/// The links of the space-time fill, and of the fill of single frames.
pub(crate) const SPACE_TIME: LinkWeights = [TEMPORAL_WEIGHT, 1.0, 1.0];
pub(crate) const SPACE: LinkWeights = [0.0, 1.0, 1.0];

/// Residual left, as a share of the right-hand side.
const TOLERANCE: f64 = 1e-8;
const MOST_ITERATIONS: usize = 2000;

/// The cells to be solved for: of the sea, not observed, and with a way to an observed cell.
pub(crate) fn unknowns(sequence: &Sequence, through_time: bool) -> Vec<bool> {
    let steps = sequence.steps_from(&sequence.observed, through_time);
    steps.iter().zip(&sequence.observed).map(|(steps, observed)| steps.is_some() && !observed).collect()
}

/// Makes each gap the weighted mean of its neighbours. Gaps that no way leads to from an observed cell stay.
///
/// # Formula
/// ```text
/// Σ w (u - u') = 0 in every gap, the sum running over the up to six neighbours; u = the observation elsewhere
/// ```
pub(crate) fn harmonic(sequence: &Sequence, weights: LinkWeights) -> MethodResult<Solution> {
    let unknown = unknowns(sequence, weights[0] > 0.0);
    let mut solution = sequence.solution();
    solution.known.iter_mut().zip(&unknown).for_each(|(known, unknown)| *known |= unknown);
    if !unknown.contains(&true) {
        return Ok(solution);
    }
    let whole = Laplacian::new(sequence.shape, sequence.wrap, &solution.known, weights);
    let inner = whole.within(&unknown);
    // Solved for the departure from the mean, which the start of zeros then is.
    let count = sequence.observed.iter().filter(|o| **o).count();
    let mean = sequence.values.iter().zip(&sequence.observed).filter(|(_, o)| **o).map(|(v, _)| v).sum::<f64>() / count as f64;
    let held: Vec<f64> = sequence.values.iter().zip(&sequence.observed).map(|(v, o)| if *o { v - mean } else { 0.0 }).collect();
    let mut right = vec![0.0; held.len()];
    whole.apply(&held, &mut right);
    right.iter_mut().zip(&unknown).for_each(|(r, unknown)| *r = if *unknown { -*r } else { 0.0 });
    let mut grids = Multigrid::new(inner.clone());
    let mut x = vec![0.0; held.len()];
    conjugate_gradient(|u, out| inner.apply(u, out), |r, z| grids.apply(r, z), &right, &mut x, TOLERANCE, MOST_ITERATIONS)?;
    for i in (0..x.len()).filter(|i| unknown[*i]) {
        solution.values[i] = x[i] + mean;
    }
    Ok(solution)
}

#[cfg(test)]
mod tests {
    use super::super::sequence::tests::sequence;
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn discretely_harmonic_fields_come_back() {
        // With weights (4, 1, 1): u = x² + y² - t²/2 has 4·(-1) + 2 + 2 = 0; x y, t x and linear terms too.
        let shape = [9, 12, 10];
        let truth = |i: usize| {
            let [t, y, x] = [i / 120, i / 10 % 12, i % 10].map(|v| v as f64 - 4.0);
            0.1 * (x * x + y * y - 0.5 * t * t) + 0.3 * x * y - 0.2 * t * x + y + 15.0
        };
        let inner = |i: usize| (1..8).contains(&(i / 120)) && (1..11).contains(&(i / 10 % 12)) && (1..9).contains(&(i % 10));
        let given = sequence(shape, (0..1080).map(|i| (!inner(i)).then(|| truth(i))).collect());
        let filled = harmonic(&given, SPACE_TIME).unwrap();
        for i in 0..1080 {
            assert!(filled.known[i] && (filled.values[i] - truth(i)).abs() < 1e-6, "{i}: {} {}", filled.values[i], truth(i));
        }
        // In single frames x² - y² is harmonic, whatever the frames beside it hold.
        let flat = |i: usize| {
            let [t, y, x] = [i / 120, i / 10 % 12, i % 10].map(|v| v as f64);
            (t + 1.0) * (x * x - y * y) + 100.0 * t
        };
        let given = sequence(shape, (0..1080).map(|i| (!inner(i)).then(|| flat(i))).collect());
        let filled = harmonic(&given, SPACE).unwrap();
        for i in 0..1080 {
            assert!((filled.values[i] - flat(i)).abs() < 1e-4, "{i}");
        }
    }

    #[test]
    fn large_holes_settle_and_threads_change_no_bit() {
        let mut random = Random::new(4, "harmonic");
        let given = sequence([6, 40, 50], (0..12_000).map(|_| (random.uniform() < 0.02).then(|| random.normal())).collect());
        let filled = harmonic(&given, SPACE_TIME).unwrap();
        let (low, high) = (0..12_000)
            .filter(|i| given.observed[*i])
            .map(|i| given.values[i])
            .fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        // the maximum principle
        assert!(filled.values.iter().all(|v| (low - 1e-9..=high + 1e-9).contains(v)));
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| harmonic(&given, SPACE_TIME).unwrap()).values, filled.values);
        }
    }

    #[test]
    fn an_empty_frame_and_a_lake_stay_open() {
        let mut given = sequence([2, 1, 5], (0..10).map(|i| (i < 2).then_some(1.0 + i as f64)).collect());
        (2..10).step_by(5).for_each(|i| given.sea[i] = false);
        let flat = harmonic(&given, SPACE).unwrap();
        assert_eq!(flat.known, [true, true, false, false, false, false, false, false, false, false]);
        let deep = harmonic(&given, SPACE_TIME).unwrap();
        assert_eq!(deep.known, [true, true, false, false, false, true, true, false, false, false]);
    }
}

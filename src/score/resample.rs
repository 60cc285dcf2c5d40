//! Bootstrap resampling: which observations (or blocks of them) each resample holds.

use rayon::prelude::*;

use super::error::{ScoreError, ScoreResult};
use crate::base::random::Random;

/// How a resample is drawn from `n` observations in order.
///
/// Errors of ocean fields are correlated in time and space. Drawing single values would make intervals far
/// too narrow, so either independent *units* are drawn (days, tiles, drifters: [`Resampling::Unit`]), or
/// runs of a series.
///
/// # Reference
/// Efron (1979), doi:10.1214/aos/1176344552 (units); Künsch (1989), doi:10.1214/aos/1176347265 (moving);
/// Politis, Romano (1992), in Exploring the Limits of Bootstrap, 263-270 (circular) and (1994),
/// doi:10.1080/01621459.1994.10476870 (stationary)
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resampling {
    /// Each of the `n` drawn by itself, with replacement: the n are independent units.
    Unit,
    /// Runs of `block` observations that lie wholly inside the series; joined, and cut to n.
    Moving {
        /// Length of a run.
        block: usize,
    },
    /// Runs of `block` observations on the series bent to a ring; joined, and cut to n.
    Circular {
        /// Length of a run.
        block: usize,
    },
    /// Runs of geometric length with mean `mean_block` on the ring: the resample is stationary.
    Stationary {
        /// Mean length of a run, at least 1.
        mean_block: f64,
    },
}

impl Resampling {
    /// Fails unless the plan can be drawn from `n` observations.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] below two observations, [`ScoreError::Argument`] for a block length that does not fit.
    pub fn check(&self, n: usize) -> ScoreResult<()> {
        if n < 2 {
            return Err(ScoreError::TooFew { metric: "a bootstrap interval", found: n, wanted: 2 });
        }
        match *self {
            Resampling::Moving { block } | Resampling::Circular { block } if block == 0 || block > n => {
                Err(ScoreError::Argument(format!("a block of {block} does not fit a series of {n}; 1..{n} is wanted")))
            }
            Resampling::Stationary { mean_block } if !(mean_block >= 1.0 && mean_block.is_finite()) => {
                Err(ScoreError::Argument(format!("a mean block of {mean_block} was asked for; at least 1 is wanted")))
            }
            _ => Ok(()),
        }
    }

    /// Draws one resample of `n` positions into `positions`. For a plan that passed [`Resampling::check`].
    pub fn draw(&self, n: usize, random: &mut Random, positions: &mut Vec<usize>) {
        positions.clear();
        if n == 0 {
            return;
        }
        match *self {
            Resampling::Unit => {
                positions.resize(n, 0);
                random.fill_below(n, positions);
            }
            Resampling::Moving { block } => {
                let block = block.clamp(1, n);
                while positions.len() < n {
                    let start = random.below(n - block + 1);
                    push_run(positions, start, block, n);
                }
            }
            Resampling::Circular { block } => {
                while positions.len() < n {
                    let start = random.below(n);
                    push_run(positions, start, block.max(1), n);
                }
            }
            Resampling::Stationary { mean_block } => {
                let stop = 1.0 / mean_block.max(1.0);
                let mut at = random.below(n);
                while positions.len() < n {
                    positions.push(at);
                    at = if random.uniform() < stop { random.below(n) } else { (at + 1) % n };
                }
            }
        }
    }
}

/// Positions of the runs that begin at `starts`, each `block` long, on a ring of `n`, joined and cut to n:
/// what [`Resampling::Circular`] (and, for starts that leave room, [`Resampling::Moving`]) makes of its draws.
pub fn runs_from(starts: &[usize], block: usize, n: usize) -> Vec<usize> {
    let mut positions = Vec::with_capacity(n);
    for start in starts {
        push_run(&mut positions, *start, block, n);
    }
    positions
}

fn push_run(positions: &mut Vec<usize>, start: usize, block: usize, n: usize) {
    let length = block.min(n.saturating_sub(positions.len()));
    positions.extend((0..length).map(|k| (start + k) % n));
}

/// The statistic of each of `resamples` resamples of `n` observations.
///
/// Resample i draws from a stream of its own, so the result is the same to the last bit for any number of
/// threads, and the first resamples do not change when more are asked for.
///
/// # Errors
/// As [`Resampling::check`]; [`ScoreError::TooFew`] below two resamples; whatever `statistic` gives.
///
/// # Example
/// ```
/// use isotherm::score::{resample, Resampling};
/// let x = [1.0, 2.0, 4.0, 8.0];
/// let mean = |at: &[usize]| Ok(at.iter().map(|i| x[*i]).sum::<f64>() / at.len() as f64);
/// let means = resample(4, Resampling::Unit, 500, 7, mean).unwrap();
/// assert!(means.iter().all(|m| (1.0..=8.0).contains(m)));
/// ```
pub fn resample<F>(n: usize, plan: Resampling, resamples: usize, seed: u64, statistic: F) -> ScoreResult<Vec<f64>>
where
    F: Fn(&[usize]) -> ScoreResult<f64> + Sync,
{
    plan.check(n)?;
    if resamples < 2 {
        return Err(ScoreError::TooFew { metric: "a bootstrap (resamples)", found: resamples, wanted: 2 });
    }
    let stream = Random::new(seed, "bootstrap");
    (0..resamples)
        .into_par_iter()
        .map_init(Vec::new, |positions, index| {
            plan.draw(n, &mut stream.child(index as u64), positions);
            statistic(positions)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_plan_draws_n_positions_within_n() {
        let mut random = Random::new(1, "plans");
        let mut positions = Vec::new();
        for plan in [
            Resampling::Unit,
            Resampling::Moving { block: 4 },
            Resampling::Circular { block: 4 },
            Resampling::Stationary { mean_block: 3.0 },
        ] {
            plan.draw(11, &mut random, &mut positions);
            assert_eq!(positions.len(), 11);
            assert!(positions.iter().all(|p| *p < 11), "{plan:?}");
        }
    }

    #[test]
    fn mean_run_of_the_stationary_plan() {
        // Of n - 1 steps a share 1 - p (1 - 1/n) goes to the next position; p = 1/5.
        let n = 20_000;
        let mut positions = Vec::new();
        Resampling::Stationary { mean_block: 5.0 }.draw(n, &mut Random::new(2, "runs"), &mut positions);
        let next = positions.windows(2).filter(|p| (p[0] + 1) % n == p[1]).count() as f64 / (n - 1) as f64;
        // five standard errors: 5 √(0.8·0.2/20000) = 0.014
        assert!((next - 0.8).abs() < 0.0142, "{next}");
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads_and_more_resamples() {
        let statistic = |at: &[usize]| Ok(at.iter().map(|i| (*i as f64).sqrt()).sum::<f64>());
        let with = |threads: usize, count: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| resample(30, Resampling::Circular { block: 5 }, count, 9, statistic).unwrap())
        };
        assert_eq!(with(1, 64), with(4, 64));
        assert_eq!(with(2, 128)[..64], with(2, 64)[..]);
    }

    #[test]
    fn plans_that_do_not_fit_are_refused() {
        assert!(Resampling::Unit.check(1).is_err());
        assert!(Resampling::Circular { block: 9 }.check(8).is_err());
        assert!(Resampling::Stationary { mean_block: 0.5 }.check(8).is_err());
        assert!(Resampling::Stationary { mean_block: f64::NAN }.check(8).is_err());
    }
}

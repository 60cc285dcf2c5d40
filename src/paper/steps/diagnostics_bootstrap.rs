//! Bootstrap intervals of many numbers of one statistic, all from the same resamples.

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::base::random::Random;
use crate::score::{DEFAULT_COVERAGE, Resampling, ScoreError, ScoreResult, percentile_interval};

/// Numbers with their intervals.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimates {
    /// From all units.
    pub values: Vec<f64>,
    /// Lower and upper ends; none where there are too few units to draw from.
    pub intervals: Option<(Vec<f64>, Vec<f64>)>,
    /// Units that were drawn from, counted in blocks where blocks are drawn.
    pub units: f64,
}

impl Estimates {
    /// The interval of one number.
    pub fn interval(&self, position: usize) -> Option<(f64, f64)> {
        self.intervals.as_ref().map(|(lower, upper)| (lower[position], upper[position]))
    }
}

/// A statistic of `units` units (days, tiles) with 95 % percentile intervals; runs of `block` units are drawn together.
///
/// A bootstrap of few blocks is too sure of itself: it knows neither that a spread estimated from b blocks is itself
/// uncertain (Student's t against the normal law) nor that b - 1 of them are free. The ends are therefore moved away from the value
/// by t(0.975; b - 1)/1.96 · √(b/(b - 1)): by 39 % for 6.5 blocks, by 1 % for 100. Fewer than two blocks tell nothing about their spread: the numbers then have no interval.
///
/// # Errors
/// Of the statistic, and as [`Resampling::check`].
pub fn estimates<F>(units: usize, block: usize, resamples: usize, seed: u64, statistic: F) -> ScoreResult<Estimates>
where
    F: Fn(&[usize]) -> ScoreResult<Vec<f64>> + Sync,
{
    let all: Vec<usize> = (0..units).collect();
    let values = statistic(&all)?;
    let block = block.max(1);
    let blocks = units as f64 / block as f64;
    if blocks < 2.0 {
        return Ok(Estimates { values, intervals: None, units: blocks.max(1.0) });
    }
    let plan = if block == 1 { Resampling::Unit } else { Resampling::Circular { block } };
    plan.check(units)?;
    let stream = Random::new(seed, "diagnostics");
    // Each resample has a stream of its own, so the result is the same for any number of threads.
    let replicates: Vec<Vec<f64>> = (0..resamples)
        .into_par_iter()
        .map_init(Vec::new, |positions, index| {
            plan.draw(units, &mut stream.child(index as u64), positions);
            statistic(positions)
        })
        .collect::<ScoreResult<_>>()?;
    let widening = widening(blocks)?;
    let (mut lower, mut upper) = (Vec::new(), Vec::new());
    for position in 0..values.len() {
        let column: Vec<f64> = replicates.iter().map(|r| r[position]).collect();
        let interval = percentile_interval(&column, DEFAULT_COVERAGE)?;
        let value = values[position];
        lower.push(value - widening * (value - interval.lower));
        upper.push(value + widening * (interval.upper - value));
    }
    Ok(Estimates { values, intervals: Some((lower, upper)), units: blocks })
}

/// How much wider the interval of `blocks` blocks has to be.
fn widening(blocks: f64) -> ScoreResult<f64> {
    let probability = 0.5 + DEFAULT_COVERAGE / 2.0;
    let wrong = |e: &dyn std::fmt::Display| ScoreError::Argument(format!("an interval from {blocks} blocks: {e}"));
    let student = StudentsT::new(0.0, 1.0, blocks - 1.0).map_err(|e| wrong(&e))?;
    let normal = Normal::standard();
    Ok(student.inverse_cdf(probability) / normal.inverse_cdf(probability) * (blocks / (blocks - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(values: &[f64], at: &[usize]) -> f64 {
        at.iter().map(|i| values[*i]).sum::<f64>() / at.len() as f64
    }

    #[test]
    fn the_interval_of_a_mean_has_its_textbook_width() {
        let mut random = Random::new(5, "test");
        let values: Vec<f64> = (0..400).map(|_| random.normal()).collect();
        let found = estimates(400, 1, 2000, 1, |at| Ok(vec![mean(&values, at), 7.0])).unwrap();
        let (lower, upper) = found.interval(0).unwrap();
        // 2 x 1.96/sqrt(400) = 0.196, whose own spread (sample and resamples) is about 4 %
        assert!(((upper - lower) / 0.196 - 1.0).abs() < 0.15, "{lower} {upper}");
        assert!(lower < found.values[0] && found.values[0] < upper);
        assert_eq!((found.interval(1), found.units), (Some((7.0, 7.0)), 400.0));
    }

    #[test]
    fn days_that_go_together_widen_the_interval() {
        // each value ten times over: blocks see 40 values where single draws would see 400
        let mut random = Random::new(6, "test");
        let drawn: Vec<f64> = (0..40).map(|_| random.normal()).collect();
        let values: Vec<f64> = (0..400).map(|i| drawn[i / 10]).collect();
        let width = |block| {
            let (lower, upper) = estimates(400, block, 1000, 1, |at| Ok(vec![mean(&values, at)])).unwrap().interval(0).unwrap();
            upper - lower
        };
        // runs of 20 on a ring of 400: about sqrt(10) times as wide
        assert!(width(20) > 2.0 * width(1), "{} {}", width(20), width(1));
    }

    #[test]
    fn few_blocks_widen_the_interval_as_the_table_of_students_t_says() {
        // t(0.975; 4) = 2.776445, z = 1.959964, five blocks: 2.776445/1.959964 · sqrt(5/4)
        assert!((widening(5.0).unwrap() - 2.776445 / 1.959964 * 1.25f64.sqrt()).abs() < 1e-5);
        // t(0.975; 999) = 1.962341
        assert!((widening(1000.0).unwrap() - 1.962341 / 1.959964 * (1000.0f64 / 999.0).sqrt()).abs() < 1e-4);
    }

    #[test]
    fn one_day_has_no_interval_and_errors_come_through() {
        assert_eq!(estimates(1, 10, 100, 1, |at| Ok(vec![at.len() as f64])).unwrap().intervals, None);
        assert_eq!(estimates(15, 10, 100, 1, |at| Ok(vec![at.len() as f64])).unwrap().intervals, None);
        let fails = |_: &[usize]| Err(crate::score::ScoreError::Argument("no".into()));
        assert!(estimates(10, 1, 100, 1, fails).is_err());
    }

    #[test]
    fn the_same_for_any_number_of_threads() {
        let values: Vec<f64> = (0..50).map(|i| f64::from(i * i % 17)).collect();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| estimates(50, 5, 64, 3, |at| Ok(vec![mean(&values, at)])).unwrap())
        };
        assert_eq!(with(1), with(3));
    }
}

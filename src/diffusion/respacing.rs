//! Fewer steps than the schedule has times: which of them a sampler visits.

use serde::{Deserialize, Serialize};

use super::error::{DiffusionResult, wrong};

/// How the visited times are spread over the schedule's.
///
/// # Reference
/// Lin et al. (2024), Common diffusion noise schedules and sample steps are flawed, table 2. arXiv:2305.08891
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Multiples of `steps / visits` (whole division) from 0: ends at time 0, misses the noisiest times.
    Leading,
    /// Counted back from the last time: starts at the noisiest time, may miss time 0.
    Trailing,
    /// Evenly from the last time to time 0, both visited.
    #[default]
    Even,
}

/// The `visits` times, from the noisiest down, of a schedule with times 0 to `steps - 1`.
///
/// # Errors
/// [`DiffusionError::Argument`](super::DiffusionError::Argument) where `visits` is 0 or more than `steps`.
///
/// # Example
/// ```
/// use isotherm::diffusion::{Spacing, respaced_times};
/// assert_eq!(respaced_times(10, 3, Spacing::Leading).unwrap(), [6, 3, 0]);
/// assert_eq!(respaced_times(10, 3, Spacing::Trailing).unwrap(), [9, 6, 2]);
/// assert_eq!(respaced_times(10, 3, Spacing::Even).unwrap(), [9, 5, 0]);
/// ```
pub fn respaced_times(steps: usize, visits: usize, spacing: Spacing) -> DiffusionResult<Vec<usize>> {
    if visits == 0 || visits > steps {
        return wrong(format!("{visits} steps were asked for of a schedule with {steps} times; 1 to {steps} are wanted"));
    }
    let share = |i: usize| i as f64 / visits as f64;
    Ok(match spacing {
        Spacing::Leading => (0..visits).rev().map(|i| i * (steps / visits)).collect(),
        Spacing::Trailing => (0..visits).map(|i| (steps as f64 * (1.0 - share(i))).round() as usize - 1).collect(),
        Spacing::Even if visits == 1 => vec![steps - 1],
        Spacing::Even => {
            let gap = (steps - 1) as f64 / (visits - 1) as f64;
            (0..visits).rev().map(|i| (i as f64 * gap).round() as usize).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn leading_as_the_dust_paper_samples() {
        // 200 of 2000: 1990, 1980, ..., 0
        let times = respaced_times(2000, 200, Spacing::Leading).unwrap();
        assert_eq!((times[0], times[1], times[199]), (1990, 1980, 0));
        assert!(respaced_times(5, 6, Spacing::Leading).is_err());
        assert!(respaced_times(5, 0, Spacing::Even).is_err());
    }

    proptest! {
        #[test]
        fn times_fall_and_stay_within_the_schedule(steps in 1usize..400, share in 0.0f64..1.0) {
            let visits = 1 + (share * (steps - 1) as f64) as usize;
            for spacing in [Spacing::Leading, Spacing::Trailing, Spacing::Even] {
                let times = respaced_times(steps, visits, spacing).unwrap();
                prop_assert_eq!(times.len(), visits);
                prop_assert!(times.windows(2).all(|pair| pair[0] > pair[1]), "{:?} {:?}", spacing, times);
                prop_assert!(times[0] < steps);
            }
            let all: Vec<usize> = (0..steps).rev().collect();
            prop_assert_eq!(respaced_times(steps, steps, Spacing::Trailing).unwrap(), all);
        }
    }
}

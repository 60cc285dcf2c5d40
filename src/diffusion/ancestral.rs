//! The ancestral sampler of DDPM: each step draws from the posterior of the earlier state.
//!
//! # Reference
//! Ho, Jain and Abbeel (2020), Denoising diffusion probabilistic models, equations 6 and 7. arXiv:2006.11239

use serde::{Deserialize, Serialize};

use super::ddpm_schedule::DdpmSchedule;
use super::error::DiffusionResult;
use super::reverse_walk::{ReverseStep, ReverseWalk, check_times};

/// The variance of a reverse step, between the two bounds that Ho et al. give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReverseVariance {
    /// The posterior's: right for data that are one point.
    #[default]
    Small,
    /// β of the step: right for data that are standard normal noise.
    Large,
}

/// The walk over `times` (falling; see [`respaced_times`](super::respaced_times)). The last step adds no noise.
///
/// # Formula
/// ```text
/// x_p = √ā_p b/(1−ā_t) x̂_0 + √a (1−ā_p)/(1−ā_t) x_t + σ z        a = ā_t/ā_p, b = 1−a
/// σ² = b (1−ā_p)/(1−ā_t)  (small)  or  b  (large)
/// ```
/// where p is the next visited time, with ā_p = 1 after the last.
///
/// # Errors
/// [`DiffusionError::Argument`](super::DiffusionError::Argument) where the times do not fall or are not the schedule's.
///
/// # Example
/// ```
/// use isotherm::diffusion::{DdpmSchedule, ReverseVariance, ancestral_walk};
/// let schedule = DdpmSchedule::from_betas(vec![0.2, 0.5]).unwrap(); // ā = 0.8, 0.4
/// let walk = ancestral_walk(&schedule, &[1, 0], ReverseVariance::Small).unwrap();
/// // b (1 − 0.8) / (1 − 0.4) = 0.5 · 0.2 / 0.6 = 1/6
/// assert!((walk.steps[0].noise.powi(2) - 1.0 / 6.0).abs() < 1e-15 && walk.steps[1].noise == 0.0);
/// ```
pub fn ancestral_walk(schedule: &DdpmSchedule, times: &[usize], variance: ReverseVariance) -> DiffusionResult<ReverseWalk> {
    check_times(times, schedule.steps())?;
    let mut steps = Vec::with_capacity(times.len());
    for (i, time) in times.iter().enumerate() {
        let now = schedule.signal_share(*time)?;
        let Some(next) = times.get(i + 1) else {
            steps.push(ReverseStep { time: *time, state: 0.0, clean: 1.0, before: 0.0, low: 0.0, noise: 0.0 });
            break;
        };
        let earlier = schedule.signal_share(*next)?;
        let ratio = now / earlier;
        let added = 1.0 - ratio;
        let small = added * (1.0 - earlier) / (1.0 - now);
        steps.push(ReverseStep {
            time: *time,
            state: ratio.sqrt() * (1.0 - earlier) / (1.0 - now),
            clean: earlier.sqrt() * added / (1.0 - now),
            before: 0.0,
            low: 0.0,
            noise: match variance {
                ReverseVariance::Small => small.sqrt(),
                ReverseVariance::Large => added.sqrt(),
            },
        });
    }
    Ok(ReverseWalk { start_low: 0.0, start_noise: 1.0, steps })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drawing x_t from q(x_t | x_0) and then x_p from the posterior must give q(x_p | x_0): mean √ā_p x_0, variance
    /// 1 − ā_p. This fixes all three weights of a step.
    #[test]
    fn posterior_and_forward_process_fit_together() {
        let schedule = DdpmSchedule::cosine(40, 0.008, 0.999).unwrap();
        let times = [39, 31, 17, 16, 5, 2, 0];
        let walk = ancestral_walk(&schedule, &times, ReverseVariance::Small).unwrap();
        for (step, next) in walk.steps.iter().zip(&times[1..]) {
            let (now, earlier) = (schedule.signal_share(step.time).unwrap(), schedule.signal_share(*next).unwrap());
            let mean = step.state * now.sqrt() + step.clean;
            let variance = step.state.powi(2) * (1.0 - now) + step.noise.powi(2);
            assert!((mean - earlier.sqrt()).abs() < 1e-14 && (variance - (1.0 - earlier)).abs() < 1e-14);
        }
    }

    /// For standard normal data the clean field's mean given x_t is √ā x_t, and the large variance keeps the state
    /// standard normal.
    #[test]
    fn the_large_variance_keeps_standard_normal_data() {
        let schedule = DdpmSchedule::linear(10, 0.01, 0.4).unwrap();
        let times: Vec<usize> = (0..10).rev().collect();
        let walk = ancestral_walk(&schedule, &times, ReverseVariance::Large).unwrap();
        for step in &walk.steps[..9] {
            let gain = step.state + step.clean * schedule.signal_share(step.time).unwrap().sqrt();
            assert!((gain.powi(2) + step.noise.powi(2) - 1.0).abs() < 1e-14);
        }
    }
}

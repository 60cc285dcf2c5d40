//! DDIM: the sampler that keeps the direction of the noise, with as much fresh noise as one likes.
//!
//! # Reference
//! Song, Meng and Ermon (2021), Denoising diffusion implicit models, equations 12 and 16. arXiv:2010.02502

use super::ddpm_schedule::DdpmSchedule;
use super::error::{DiffusionResult, wrong};
use super::reverse_walk::{ReverseStep, ReverseWalk, check_times};

/// The walk over `times` (falling; see [`respaced_times`](super::respaced_times)); `stochasticity` is the paper's η: 0 is
/// deterministic, 1 the ancestral sampler over the same times. The last step gives the clean field.
///
/// # Formula
/// ```text
/// x_p = √ā_p x̂_0 + √(1−ā_p−σ²) ε̂ + σ z        ε̂ = (x_t − √ā_t x̂_0) / √(1−ā_t)
/// σ = η √( (1−ā_p)/(1−ā_t) ) √( 1 − ā_t/ā_p )
/// ```
///
/// # Errors
/// [`DiffusionError::Argument`](super::DiffusionError::Argument) where the times do not fall or are not the schedule's, or
/// the stochasticity is not within 0 to 1.
///
/// # Example
/// ```
/// use isotherm::diffusion::{DdpmSchedule, ddim_walk};
/// let schedule = DdpmSchedule::from_betas(vec![0.36, 0.4375]).unwrap(); // ā = 0.64, 0.36
/// let walk = ddim_walk(&schedule, &[1, 0], 0.0).unwrap();
/// // √(1 − 0.64) / √(1 − 0.36) = 0.75, and 0.8 − 0.75 · 0.6 = 0.35
/// assert!((walk.steps[0].state - 0.75).abs() < 1e-12 && (walk.steps[0].clean - 0.35).abs() < 1e-12);
/// ```
pub fn ddim_walk(schedule: &DdpmSchedule, times: &[usize], stochasticity: f64) -> DiffusionResult<ReverseWalk> {
    check_times(times, schedule.steps())?;
    if !(0.0..=1.0).contains(&stochasticity) {
        return wrong(format!("a stochasticity of {stochasticity} was asked for; 0 to 1 is wanted"));
    }
    let mut steps = Vec::with_capacity(times.len());
    for (i, time) in times.iter().enumerate() {
        let now = schedule.signal_share(*time)?;
        let Some(next) = times.get(i + 1) else {
            steps.push(ReverseStep { time: *time, state: 0.0, clean: 1.0, before: 0.0, low: 0.0, noise: 0.0 });
            break;
        };
        let earlier = schedule.signal_share(*next)?;
        let noise = stochasticity * ((1.0 - earlier) / (1.0 - now) * (1.0 - now / earlier)).sqrt();
        let state = ((1.0 - earlier - noise * noise) / (1.0 - now)).sqrt();
        let clean = earlier.sqrt() - state * now.sqrt();
        steps.push(ReverseStep { time: *time, state, clean, before: 0.0, low: 0.0, noise });
    }
    Ok(ReverseWalk { start_low: 0.0, start_noise: 1.0, steps })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ancestral::{ReverseVariance, ancestral_walk};
    use super::*;

    #[test]
    fn full_stochasticity_is_the_ancestral_sampler() {
        let schedule = DdpmSchedule::cosine(60, 0.008, 0.999).unwrap();
        let times = [59, 41, 33, 12, 3, 0];
        let (a, b) =
            (ancestral_walk(&schedule, &times, ReverseVariance::Small).unwrap(), ddim_walk(&schedule, &times, 1.0).unwrap());
        for (a, b) in a.steps.iter().zip(&b.steps) {
            for (a, b) in [(a.state, b.state), (a.clean, b.clean), (a.noise, b.noise)] {
                assert!((a - b).abs() < 1e-12, "{a} {b}");
            }
        }
        assert!(ddim_walk(&schedule, &times, 1.5).is_err());
        assert!(ddim_walk(&schedule, &[0, 3], 0.0).is_err());
    }

    proptest! {
        /// Whatever the stochasticity, a state of q(x_t | x_0) becomes one of q(x_p | x_0) where x_0 is known.
        #[test]
        fn marginals_are_kept(stochasticity in 0.0f64..=1.0, first in 5usize..30, gap in 1usize..5) {
            let schedule = DdpmSchedule::linear(30, 1e-3, 0.3).unwrap();
            let walk = ddim_walk(&schedule, &[first, first - gap], stochasticity).unwrap();
            let (step, now) = (walk.steps[0], schedule.signal_share(first).unwrap());
            let earlier = schedule.signal_share(first - gap).unwrap();
            prop_assert!((step.state * now.sqrt() + step.clean - earlier.sqrt()).abs() < 1e-13);
            prop_assert!((step.state.powi(2) * (1.0 - now) + step.noise.powi(2) - (1.0 - earlier)).abs() < 1e-13);
        }
    }
}

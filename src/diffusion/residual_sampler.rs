//! The reverse process of residual shifting, from deterministic to ancestral.

use super::error::{DiffusionResult, wrong};
use super::residual_shifting::ResidualShifting;
use super::reverse_walk::{ReverseStep, ReverseWalk};

/// The walk over all times of `schedule`; `stochasticity` is 0 for the deterministic sampler that UADM uses and 1 for the
/// ancestral one of ResShift. The last step gives the clean field.
///
/// # Formula
/// ```text
/// start    y + κ √η_T u z
/// x_{t−1} = m x_t + k x̂_0 + c y + σ u z
/// σ = s κ √( α_t η_{t−1}/η_t )        m = √( η_{t−1}/η_t (1 − s² α_t/η_t) )
/// k = 1 − η_{t−1} − (1−η_t) m         c = η_{t−1} − η_t m
/// ```
/// where s is the stochasticity. The noise's local weight u scales start and steps alike, so that the marginals keep
/// their variance κ² η u² whatever s is.
///
/// # Errors
/// [`DiffusionError::Argument`](super::DiffusionError::Argument) where the stochasticity is not within 0 to 1.
///
/// # Example
/// ```
/// use isotherm::diffusion::{ResidualShifting, ResidualShiftingConfig, residual_walk};
/// let schedule = ResidualShifting::new(ResidualShiftingConfig::uadm()).unwrap();
/// let walk = residual_walk(&schedule, 0.0).unwrap();
/// assert_eq!(walk.steps.iter().map(|step| step.time).collect::<Vec<_>>(), [4, 3, 2, 1, 0]);
/// assert!(walk.steps.iter().all(|step| step.noise == 0.0));
/// ```
pub fn residual_walk(schedule: &ResidualShifting, stochasticity: f64) -> DiffusionResult<ReverseWalk> {
    if !(0.0..=1.0).contains(&stochasticity) {
        return wrong(format!("a stochasticity of {stochasticity} was asked for; 0 to 1 is wanted"));
    }
    let step = |time: usize| -> DiffusionResult<ReverseStep> {
        if time == 0 {
            return Ok(ReverseStep { time, state: 0.0, clean: 1.0, before: 0.0, low: 0.0, noise: 0.0 });
        }
        let (now, earlier) = (schedule.shift(time)?, schedule.earlier_shift(time));
        let (kept, added) = schedule.posterior_mean(time)?;
        // Rounding may leave a hair below 0 where the stochasticity is 1 and nothing is kept.
        let state = (kept * (1.0 - stochasticity.powi(2) * added)).max(0.0).sqrt();
        Ok(ReverseStep {
            time,
            state,
            clean: 1.0 - earlier - (1.0 - now) * state,
            before: 0.0,
            low: earlier - now * state,
            noise: stochasticity * schedule.posterior_variance(time)?.sqrt(),
        })
    };
    let last = schedule.steps() - 1;
    Ok(ReverseWalk {
        start_low: 1.0,
        start_noise: schedule.kappa() * schedule.shift(last)?.sqrt(),
        steps: (0..=last).rev().map(step).collect::<DiffusionResult<_>>()?,
    })
}

/// The deterministic walk of [`residual_walk`], each step with the clean field where it will be halfway, from the predictions
/// of this step and of the one before. It asks the network no more often, and with few steps keeps much more of the variance:
/// the walk of first order gives each step what the network said at its noisy end, which is too smooth for the rest of it.
///
/// # Formula
/// ```text
/// λ_t = ln( (1 − η_t) / √η_t )        r = (λ_t − λ_{t+1}) / (λ_{t−1} − λ_t)
/// x̂_0 in the step from t to t−1 becomes (1 + 1/(2r)) x̂_0(x_t) − 1/(2r) x̂_0(x_{t+1})
/// ```
/// The first step, and the last, which gives the clean field itself, stay as they are.
///
/// # Errors
/// As [`residual_walk`].
///
/// # Reference
/// Lu et al. (2022), DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models. arXiv:2211.01095
pub fn residual_walk_of_second_order(schedule: &ResidualShifting) -> DiffusionResult<ReverseWalk> {
    let mut walk = residual_walk(schedule, 0.0)?;
    let lambda = |time: usize| -> DiffusionResult<f64> {
        let shift = schedule.shift(time)?;
        Ok(((1.0 - shift) / shift.sqrt()).ln())
    };
    for step in walk.steps.iter_mut().skip(1).filter(|step| step.time > 0) {
        let t = step.time;
        let back = lambda(t)? - lambda(t + 1)?;
        // Where the start is pure noise, λ is minus infinity there, and nothing is extrapolated.
        let share = (lambda(t - 1)? - lambda(t)?) / (2.0 * back);
        step.before = -share * step.clean;
        step.clean *= 1.0 + share;
    }
    Ok(walk)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};
    use proptest::prelude::*;

    use super::super::noise::NoiseField;
    use super::super::residual_shifting::ResidualShiftingConfig;
    use super::super::reverse_walk::Conditions;
    use super::*;

    #[test]
    fn the_deterministic_table_of_uadm() {
        let schedule = ResidualShifting::new(ResidualShiftingConfig::uadm()).unwrap();
        let walk = residual_walk(&schedule, 0.0).unwrap();
        let (state, clean, low) = (
            [0.0, 0.073539, 0.678349, 0.776275, 0.824851],
            [1.0, 0.939059, 0.409328, 0.339536, 0.316746],
            [0.0, -0.012598, -0.087678, -0.115811, -0.141597],
        );
        for step in &walk.steps {
            let t = step.time;
            for (got, want) in [(step.state, state[t]), (step.clean, clean[t]), (step.low, low[t])] {
                assert!((got - want).abs() < 5.1e-7, "time {t}: got {got}, want {want}");
            }
        }
        assert!((walk.start_noise - 2.475).abs() < 1e-9 && walk.start_low == 1.0);
    }

    #[test]
    fn the_second_order_walk_follows_the_exact_flow_of_a_gaussian() {
        // Data N(0, 1), y = 0: the best network gives (1−η) x / ((1−η)² + κ² η), and the exact flow keeps
        // x / √((1−η)² + κ² η), so that a start of 1 spread ends as clean data of 1 spread.
        let gap = |steps: usize, second: bool| {
            let config =
                ResidualShiftingConfig { steps, kappa: 2.0, power: 1.0, smallest_noise: 0.06, last_root: 0.9, capped: false };
            let schedule = ResidualShifting::new(config).unwrap();
            let mut walk = if second { residual_walk_of_second_order(&schedule) } else { residual_walk(&schedule, 0.0) }.unwrap();
            let spread = |time: usize| {
                let shift = schedule.shift(time).unwrap();
                ((1.0 - shift).powi(2) + 4.0 * shift).sqrt()
            };
            // The last step is no part of the flow.
            walk.steps.pop();
            walk.start_noise = spread(steps - 1);
            let one = Tensor::ones((1, 1, 1, 1), DType::F64, &Device::Cpu).unwrap();
            let low = one.zeros_like().unwrap();
            let conditions = Conditions { low: Some(&low), noise_weight: None };
            let end = walk
                .sample(
                    conditions,
                    |_| Ok(one.clone()),
                    |x, time| Ok((x * ((1.0 - schedule.shift(time).unwrap()) / spread(time).powi(2)))?),
                )
                .unwrap();
            (end.flatten_all().unwrap().to_vec1::<f64>().unwrap()[0] - spread(0)).abs()
        };
        assert!(gap(9, true) < 0.5 * gap(9, false), "{} {}", gap(9, true), gap(9, false));
        // Halving the steps' length divides the gap by about 2 and by about 4.
        let (first, second) = (gap(40, false) / gap(79, false), gap(40, true) / gap(79, true));
        assert!((1.7..2.3).contains(&first), "{first}");
        assert!(second > 3.0, "{second}");
    }

    #[test]
    fn full_stochasticity_is_the_posterior() {
        let schedule = ResidualShifting::new(ResidualShiftingConfig::journal()).unwrap();
        for step in residual_walk(&schedule, 1.0).unwrap().steps {
            let (state, clean) = schedule.posterior_mean(step.time).unwrap();
            assert!((step.state - state).abs() < 1e-14 && (step.clean - clean).abs() < 1e-14 && step.low.abs() < 1e-14);
            assert!((step.noise.powi(2) - schedule.posterior_variance(step.time).unwrap()).abs() < 1e-14);
        }
        assert!(residual_walk(&schedule, -0.1).is_err());
        assert!(residual_walk(&schedule, f64::NAN).is_err());
    }

    proptest! {
        /// A state of q(x_t | x_0, y) becomes one of q(x_{t−1} | x_0, y): mean (1−η) x_0 + η y, variance κ² η.
        #[test]
        fn marginals_are_kept(stochasticity in 0.0f64..=1.0, kappa in 0.5f64..4.0, power in 0.2f64..2.0, steps in 2usize..20) {
            let config = ResidualShiftingConfig { steps, kappa, power, ..ResidualShiftingConfig::conference() };
            let schedule = ResidualShifting::new(config).unwrap();
            for step in residual_walk(&schedule, stochasticity).unwrap().steps {
                let (now, earlier) = (schedule.shift(step.time).unwrap(), schedule.earlier_shift(step.time));
                prop_assert!((step.state * (1.0 - now) + step.clean - (1.0 - earlier)).abs() < 1e-12);
                prop_assert!((step.state * now + step.low - earlier).abs() < 1e-12);
                let variance = step.state.powi(2) * kappa.powi(2) * now + step.noise.powi(2);
                prop_assert!((variance - kappa.powi(2) * earlier).abs() < 1e-11);
            }
        }
    }

    #[test]
    fn a_network_that_knows_the_field_finds_it_and_the_states_on_the_way() {
        let schedule = ResidualShifting::new(ResidualShiftingConfig::uadm()).unwrap();
        let field = NoiseField::new(3, 0);
        let draw = |i| field.tensor(i, [1, 6, 5], DType::F64, &Device::Cpu);
        let clean = draw(100).unwrap();
        let low = (&clean * 0.5).unwrap();
        let weight = Tensor::rand(0.4f64, 1.0, (1, 1, 6, 5), &Device::Cpu).unwrap();
        let conditions = Conditions { low: Some(&low), noise_weight: Some(&weight) };
        let walk = residual_walk(&schedule, 0.0).unwrap();
        // The walk starts at y, where the forward process ends at 0.9801 of the way there; what lacks is carried along.
        let mut carried = 1.0 - schedule.shift(4).unwrap();
        let mut worst = 0.0f64;
        let got = walk
            .sample(conditions, draw, |state, time| {
                // the deterministic walk keeps the start's noise: each state is the forward process with that noise
                let want = schedule.add_noise(&clean, &low, &draw(0)?, Some(&weight), &[time])?;
                let want = (want + ((&low - &clean)? * carried)?)?;
                carried *= walk.steps[4 - time].state;
                let gap = (state - want)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>()?;
                worst = worst.max(gap);
                Ok(clean.clone())
            })
            .unwrap();
        assert!(worst < 1e-13, "{worst}");
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(values(&got), values(&clean));
    }
}

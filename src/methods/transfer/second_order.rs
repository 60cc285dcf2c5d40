//! A sampler for few steps that looks back one step.

use crate::diffusion::{DdpmSchedule, DiffusionError, DiffusionResult, ReverseStep, ReverseWalk};

/// The deterministic walk of second order over `times` (falling). DDIM takes the predicted clean field for constant over a
/// step; this takes it for a straight line in half the logarithm of the signal over the noise, drawn through the last two
/// predictions, so that some ten steps keep the variance that DDIM wants many for. The last step gives the clean field.
///
/// # Formula
/// ```text
/// λ = ½ ln(ā/(1−ā)),   h = λ_p − λ_t,   q = ½ min(h / h_before, follow)
/// x_p = √((1−ā_p)/(1−ā_t)) x_t − √ā_p (e^(−h) − 1) ( (1 + q) x̂_0 − q x̂_0' )
/// ```
/// where p is the next visited time and x̂_0' the clean field predicted in the step before.
///
/// With `follow` 1 the line is followed no farther than it was seen, and normal data keep their variance to a few per cent.
/// Without it the line is followed to the end of each step, as published; where steps grow in λ, normal data come out with up to
/// two fifths too much spread. A network that has learnt for minutes says too smooth fields, for which that makes up.
///
/// # Errors
/// [`DiffusionError::Argument`] where the times do not fall or are not the schedule's.
///
/// # Reference
/// Lu et al. (2022), DPM-Solver++: fast solver for guided sampling of diffusion probabilistic models. arXiv:2211.01095
///
/// # Example
/// ```
/// use isotherm::diffusion::{DdpmSchedule, ddim_walk};
/// use isotherm::methods::transfer::second_order_walk;
/// let schedule = DdpmSchedule::cosine(100, 0.008, 0.999).unwrap();
/// // With nothing to look back on, the first step is DDIM's.
/// let (one, other) = (second_order_walk(&schedule, &[90, 40, 0], None).unwrap(), ddim_walk(&schedule, &[90, 40, 0], 0.0).unwrap());
/// assert!((one.steps[0].state - other.steps[0].state).abs() < 1e-12);
/// assert!((one.steps[0].clean - other.steps[0].clean).abs() < 1e-12);
/// ```
pub fn second_order_walk(schedule: &DdpmSchedule, times: &[usize], follow: Option<f64>) -> DiffusionResult<ReverseWalk> {
    if follow.is_some_and(|follow| follow.is_nan() || follow < 0.0) {
        return Err(DiffusionError::Argument(format!("a line was to be followed {follow:?} times as far; 0 or more is wanted")));
    }
    if times.is_empty() || times.windows(2).any(|pair| pair[0] <= pair[1]) {
        return Err(DiffusionError::Argument(format!("the times to visit must fall, and there must be one; found {times:?}")));
    }
    let mut steps = Vec::with_capacity(times.len());
    let mut last_step: Option<f64> = None;
    for (i, time) in times.iter().enumerate() {
        let now = schedule.signal_share(*time)?;
        let Some(next) = times.get(i + 1) else {
            steps.push(ReverseStep { time: *time, state: 0.0, clean: 1.0, before: 0.0, low: 0.0, noise: 0.0 });
            break;
        };
        let later = schedule.signal_share(*next)?;
        let logit = |share: f64| 0.5 * (share.ln() - (1.0 - share).ln());
        let h = logit(later) - logit(now);
        let reach = -later.sqrt() * (-h).exp_m1();
        let back = last_step.map_or(0.0, |before: f64| 0.5 * (h / before).min(follow.unwrap_or(f64::INFINITY)));
        steps.push(ReverseStep {
            time: *time,
            state: ((1.0 - later) / (1.0 - now)).sqrt(),
            clean: reach * (1.0 + back),
            before: -reach * back,
            low: 0.0,
            noise: 0.0,
        });
        last_step = Some(h);
    }
    Ok(ReverseWalk { start_low: 0.0, start_noise: 1.0, steps })
}

/// The `visits` times, from the noisiest down, of a schedule with times 0 to `steps - 1`: the i-th from the last is the last
/// time times `(i / (visits - 1))^crowding`. With a crowding of 1 they are even; above it they crowd where the noise is little,
/// where a field's small structures are made.
///
/// # Errors
/// [`DiffusionError::Argument`] where there is no visit, the crowding is below 1, or two visits would fall on one time.
pub fn crowded_times(steps: usize, visits: usize, crowding: f64) -> DiffusionResult<Vec<usize>> {
    let wrong = |problem: String| Err(DiffusionError::Argument(problem));
    if visits == 0 || visits > steps || crowding.is_nan() || crowding < 1.0 {
        return wrong(format!(
            "{visits} steps with a crowding of {crowding} were asked for; 1 to {steps}, and at least 1, are wanted"
        ));
    }
    let last = (steps - 1) as f64;
    let time = |i: usize| if visits == 1 { last } else { last * (i as f64 / (visits - 1) as f64).powf(crowding) };
    let times: Vec<usize> = (0..visits).rev().map(|i| time(i).round() as usize).collect();
    if times.windows(2).any(|pair| pair[0] == pair[1]) {
        return wrong(format!("{visits} of {steps} times with a crowding of {crowding} crowd on one time; ask for fewer"));
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::diffusion::{Conditions, Spacing, ddim_walk, respaced_times};

    /// Normal data of spread s: the mean of the clean field given x is √ā s² / (ā s² + 1 − ā) x, so each walk multiplies the
    /// noise by a number, which should be s.
    fn spread(walk: &ReverseWalk, schedule: &DdpmSchedule, s: f64) -> f64 {
        let one = Tensor::new(&[[1.0f64]], &Device::Cpu).unwrap();
        let out = walk.sample(
            Conditions::default(),
            |_| Ok(one.clone()),
            |x, t| {
                let a = schedule.signal_share(t)?;
                Ok((x * (a.sqrt() * s * s / (a * s * s + 1.0 - a)))?)
            },
        );
        out.unwrap().to_vec2::<f64>().unwrap()[0][0]
    }

    #[test]
    fn few_steps_keep_more_of_the_variance_than_ddims() {
        let schedule = DdpmSchedule::cosine(1000, 0.008, 0.999).unwrap();
        let times = crowded_times(1000, 8, 1.75).unwrap();
        for s in [0.1, 0.3, 0.6, 1.0] {
            let second = spread(&second_order_walk(&schedule, &times, Some(1.0)).unwrap(), &schedule, s);
            let first = spread(&ddim_walk(&schedule, &times, 0.0).unwrap(), &schedule, s);
            assert!((second - s).abs() < (first - s).abs(), "{s}: {second} {first}");
            assert!((second / s - 1.0).abs() < 0.12, "{s}: {second}");
        }
        let many = respaced_times(1000, 200, Spacing::Even).unwrap();
        assert!((spread(&second_order_walk(&schedule, &many, None).unwrap(), &schedule, 0.5) - 0.5).abs() < 5e-3);
    }

    #[test]
    fn a_line_followed_to_the_end_of_long_steps_gives_too_much() {
        let schedule = DdpmSchedule::cosine(1000, 0.008, 0.999).unwrap();
        let times = respaced_times(1000, 8, Spacing::Even).unwrap();
        let found = spread(&second_order_walk(&schedule, &times, None).unwrap(), &schedule, 0.3) / 0.3;
        assert!((1.2..1.5).contains(&found), "{found}");
    }

    #[test]
    fn times_crowd_where_the_noise_is_little() {
        assert_eq!(crowded_times(10, 4, 1.0).unwrap(), respaced_times(10, 4, Spacing::Even).unwrap());
        // 99 (i/3)²: 0, 11, 44, 99
        assert_eq!(crowded_times(100, 4, 2.0).unwrap(), [99, 44, 11, 0]);
        assert_eq!(crowded_times(100, 1, 2.0).unwrap(), [99]);
        // The first two of many would both be 0.
        assert!(crowded_times(100, 50, 3.0).unwrap_err().to_string().contains("crowd"));
        assert!(crowded_times(100, 0, 1.0).is_err() && crowded_times(100, 4, 0.5).is_err());
    }

    #[test]
    fn a_constant_clean_field_needs_no_looking_back() {
        let schedule = DdpmSchedule::cosine(50, 0.008, 0.999).unwrap();
        let walk = second_order_walk(&schedule, &[45, 30, 10, 0], None).unwrap();
        let ddim = ddim_walk(&schedule, &[45, 30, 10, 0], 0.0).unwrap();
        for (a, b) in walk.steps.iter().zip(&ddim.steps) {
            assert!((a.state - b.state).abs() < 1e-12 && (a.clean + a.before - b.clean).abs() < 1e-12);
        }
        for wrong in [&[3, 7][..], &[50], &[]] {
            assert!(second_order_walk(&schedule, wrong, None).is_err());
        }
        assert!(second_order_walk(&schedule, &[3, 1], Some(-1.0)).is_err());
    }
}

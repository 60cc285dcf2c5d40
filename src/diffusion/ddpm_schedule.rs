//! The noise schedule of a denoising diffusion model, and its forward process.
//!
//! # Reference
//! Ho, Jain and Abbeel (2020), Denoising diffusion probabilistic models. arXiv:2006.11239
//! Nichol and Dhariwal (2021), Improved denoising diffusion probabilistic models. arXiv:2102.09672

use std::f64::consts::FRAC_PI_2;

use candle_core::Tensor;

use super::error::{DiffusionResult, wrong};
use super::per_sample::per_sample;

/// How much noise each time adds, and how much signal is left after it.
///
/// # Formula
/// ```text
/// q(x_t | x_{t−1}) = N( √(1−β_t) x_{t−1}, β_t )      q(x_t | x_0) = N( √ā_t x_0, 1−ā_t )      ā_t = Π_{s≤t} (1−β_s)
/// ```
/// A signal share ā of 1 is the clean field, 0 is pure noise.
#[derive(Clone, Debug, PartialEq)]
pub struct DdpmSchedule {
    betas: Vec<f64>,
    signal_shares: Vec<f64>,
}

impl DdpmSchedule {
    /// A schedule of these β, each above 0 and below 1.
    ///
    /// # Errors
    /// [`DiffusionError::Argument`](super::DiffusionError::Argument) where there is none or one is out of range.
    pub fn from_betas(betas: Vec<f64>) -> DiffusionResult<DdpmSchedule> {
        if betas.is_empty() {
            return wrong("a schedule of no steps was asked for; at least 1 is wanted".to_string());
        }
        if let Some(beta) = betas.iter().find(|beta| !(**beta > 0.0 && **beta < 1.0)) {
            return wrong(format!("found a beta of {beta}; above 0 and below 1 is wanted"));
        }
        let mut left = 1.0;
        let signal_shares = betas
            .iter()
            .map(|beta| {
                left *= 1.0 - beta;
                left
            })
            .collect();
        Ok(DdpmSchedule { betas, signal_shares })
    }

    /// β that rise in equal steps from `first` to `last`; 1e-4 and 0.02 with 1000 steps are the usual ones.
    ///
    /// # Errors
    /// As [`DdpmSchedule::from_betas`].
    ///
    /// # Example
    /// ```
    /// use isotherm::diffusion::DdpmSchedule;
    /// let schedule = DdpmSchedule::linear(3, 0.1, 0.3).unwrap();
    /// assert!((schedule.signal_share(2).unwrap() - 0.9 * 0.8 * 0.7).abs() < 1e-15);
    /// ```
    pub fn linear(steps: usize, first: f64, last: f64) -> DiffusionResult<DdpmSchedule> {
        let gap = (last - first) / (steps.max(2) - 1) as f64;
        DdpmSchedule::from_betas((0..steps).map(|t| first + gap * t as f64).collect())
    }

    /// Nichol and Dhariwal's cosine: the signal share follows `cos²(π/2 (s + offset) / (1 + offset))` over s from 0 to 1,
    /// with β cut at `largest_beta` where that leaves nothing. They take 0.008 and 0.999.
    ///
    /// # Errors
    /// As [`DdpmSchedule::from_betas`]; an offset below 0 is refused too.
    ///
    /// # Example
    /// ```
    /// use isotherm::diffusion::DdpmSchedule;
    /// let schedule = DdpmSchedule::cosine(1000, 0.008, 0.999).unwrap();
    /// assert!(schedule.signal_share(0).unwrap() > 0.9999 && schedule.signal_share(999).unwrap() < 1e-6);
    /// ```
    pub fn cosine(steps: usize, offset: f64, largest_beta: f64) -> DiffusionResult<DdpmSchedule> {
        if offset.is_nan() || offset < 0.0 {
            return wrong(format!("a cosine offset of {offset} was asked for; at least 0 is wanted"));
        }
        let signal = |t: usize| ((t as f64 / steps as f64 + offset) / (1.0 + offset) * FRAC_PI_2).cos().powi(2);
        DdpmSchedule::from_betas((0..steps).map(|t| (1.0 - signal(t + 1) / signal(t)).min(largest_beta)).collect())
    }

    /// Number of times.
    pub fn steps(&self) -> usize {
        self.betas.len()
    }

    /// β of all times.
    pub fn betas(&self) -> &[f64] {
        &self.betas
    }

    /// ā of all times.
    pub fn signal_shares(&self) -> &[f64] {
        &self.signal_shares
    }

    /// ā at `time`: the share of the signal in the variance.
    ///
    /// # Errors
    /// [`DiffusionError::Argument`](super::DiffusionError::Argument) where there is no such time.
    pub fn signal_share(&self, time: usize) -> DiffusionResult<f64> {
        match self.signal_shares.get(time) {
            Some(share) => Ok(*share),
            None => wrong(format!("time {time} was asked for; the schedule has times 0 to {}", self.steps() - 1)),
        }
    }

    /// ā one time earlier than `time`; 1 before time 0.
    fn earlier_share(&self, time: usize) -> f64 {
        time.checked_sub(1).map_or(1.0, |t| self.signal_shares[t])
    }

    /// Signal over noise, `ā / (1 − ā)`: a squared error of the clean field times this is the squared error of the noise
    /// that it implies.
    ///
    /// # Errors
    /// As [`DdpmSchedule::signal_share`].
    pub fn signal_to_noise(&self, time: usize) -> DiffusionResult<f64> {
        let share = self.signal_share(time)?;
        Ok(share / (1.0 - share))
    }

    /// The variance of `q(x_{t−1} | x_t, x_0)`: `β_t (1−ā_{t−1}) / (1−ā_t)`, 0 at time 0.
    ///
    /// # Errors
    /// As [`DdpmSchedule::signal_share`].
    pub fn posterior_variance(&self, time: usize) -> DiffusionResult<f64> {
        let share = self.signal_share(time)?;
        Ok(self.betas[time] * (1.0 - self.earlier_share(time)) / (1.0 - share))
    }

    /// The logarithm of the posterior variance, with time 1's in place of time 0's, where the variance is 0.
    ///
    /// # Errors
    /// As [`DdpmSchedule::signal_share`], and for a schedule of a single time.
    pub fn log_posterior_variance(&self, time: usize) -> DiffusionResult<f64> {
        Ok(self.posterior_variance(time.max(1))?.ln())
    }

    /// The noisy fields `√ā_t x_0 + √(1−ā_t) noise`, with a time for each sample (or one for all).
    ///
    /// # Errors
    /// [`DiffusionError::Argument`](super::DiffusionError::Argument) where the times do not fit;
    /// [`DiffusionError::Nn`](super::DiffusionError::Nn) from the device.
    pub fn add_noise(&self, clean: &Tensor, noise: &Tensor, times: &[usize]) -> DiffusionResult<Tensor> {
        let signal = per_sample(times, self.steps(), clean, |t| self.signal_shares[t].sqrt())?;
        let spread = per_sample(times, self.steps(), clean, |t| (1.0 - self.signal_shares[t]).sqrt())?;
        Ok((clean.broadcast_mul(&signal)? + noise.broadcast_mul(&spread)?)?)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_cosine_of_2000_steps_as_published() {
        // read off the peer library (diffusers, squaredcos_cap_v2), rounded as given here
        let schedule = DdpmSchedule::cosine(2000, 0.008, 0.999).unwrap();
        for (time, want, digit) in [
            (0, 0.99998, 5e-6),
            (100, 0.99187, 5e-6),
            (500, 0.84645, 5e-6),
            (1000, 0.49306, 5e-6),
            (1500, 0.14372, 5e-6),
            (1900, 5.94e-3, 5e-6),
            (1980, 2.19e-4, 5e-7),
            (1990, 4.92e-5, 5e-8),
            (1999, 6.1e-10, 5e-12),
        ] {
            let got = schedule.signal_share(time).unwrap();
            assert!((got - want).abs() < digit, "{time}: {got}");
        }
        let capped = schedule.betas().iter().filter(|beta| **beta == 0.999).count();
        assert_eq!(capped, 1);
    }

    #[test]
    fn noise_by_hand_with_a_time_for_each_sample() {
        let schedule = DdpmSchedule::from_betas(vec![0.36, 0.4375]).unwrap(); // ā = 0.64, 0.36
        let clean = Tensor::new(&[[1.0f64, 2.0], [1.0, 2.0]], &Device::Cpu).unwrap();
        let noise = Tensor::new(&[[1.0f64, -1.0], [1.0, -1.0]], &Device::Cpu).unwrap();
        let got = schedule.add_noise(&clean, &noise, &[0, 1]).unwrap().to_vec2::<f64>().unwrap();
        // 0.8 x + 0.6 e and 0.6 x + 0.8 e
        for (got, want) in got.concat().iter().zip([1.4, 1.0, 1.4, 0.4]) {
            assert!((got - want).abs() < 1e-15);
        }
        assert!(schedule.add_noise(&clean, &noise, &[0, 2]).unwrap_err().to_string().contains("times 0 to 1"));
        assert!(schedule.add_noise(&clean, &noise, &[0, 1, 1]).unwrap_err().to_string().contains("batch of 2"));
    }

    #[test]
    fn schedules_that_cannot_be_are_refused() {
        assert!(DdpmSchedule::linear(0, 0.1, 0.2).is_err());
        assert!(DdpmSchedule::linear(3, 0.1, 1.0).is_err());
        assert!(DdpmSchedule::linear(3, f64::NAN, 0.2).is_err());
        assert!(DdpmSchedule::cosine(10, -0.1, 0.999).is_err());
        assert!(DdpmSchedule::linear(3, 0.1, 0.2).unwrap().signal_share(3).is_err());
    }
}

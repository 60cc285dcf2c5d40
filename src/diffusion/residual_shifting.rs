//! Residual shifting: a diffusion between a fine field and its low-resolution version, in a few steps.
//!
//! # Reference
//! Yue, Wang and Loy (2023), ResShift: efficient diffusion model for image super-resolution by residual shifting.
//! arXiv:2307.12348

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::error::{DiffusionResult, wrong};
use super::per_sample::per_sample;

/// The settings of a residual-shifting schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidualShiftingConfig {
    /// Number of times T, at least 2.
    pub steps: usize,
    /// Noise at the end, in units of the fields: κ.
    pub kappa: f64,
    /// Curvature p of the schedule; 1 is geometric, smaller values hurry through the small shifts.
    pub power: f64,
    /// Bounds the first shift: √η is at most this, and this divided by κ.
    pub smallest_noise: f64,
    /// √η at the last time.
    pub last_root: f64,
    /// Cap the first √η at √0.001 too, as the conference paper says and UADM's program does.
    pub capped: bool,
}

impl ResidualShiftingConfig {
    /// The conference paper's fifteen steps.
    pub fn conference() -> ResidualShiftingConfig {
        ResidualShiftingConfig { steps: 15, kappa: 2.0, power: 0.3, smallest_noise: 0.04, last_root: 0.99, capped: true }
    }

    /// The journal paper's four steps.
    pub fn journal() -> ResidualShiftingConfig {
        ResidualShiftingConfig { steps: 4, kappa: 2.0, power: 0.3, smallest_noise: 0.2, last_root: 0.99, capped: false }
    }

    /// UADM's five steps.
    pub fn uadm() -> ResidualShiftingConfig {
        ResidualShiftingConfig { steps: 5, kappa: 2.5, power: 0.2, smallest_noise: 0.2, last_root: 0.99, capped: true }
    }
}

/// How far each time has shifted from the fine field (0) to the low-resolution one (1), and the forward process.
///
/// # Formula
/// ```text
/// q(x_t | x_0, y) = N( x_0 + η_t (y − x_0), κ² η_t u² )
/// √η_t = s b^((T−1) (t/(T−1))^p)        b = (√η_{T−1} / s)^(1/(T−1)),   t = 0..T−1
/// s = min(m/κ, m)  and, where capped, at most √0.001
/// ```
/// where y is the low-resolution field on the fine grid, u the local weight of the noise (1 in the papers by Yue et al.,
/// UADM's uncertainty map else), and m the smallest noise.
#[derive(Clone, Debug, PartialEq)]
pub struct ResidualShifting {
    config: ResidualShiftingConfig,
    shifts: Vec<f64>,
}

impl ResidualShifting {
    /// The schedule of these settings.
    ///
    /// # Errors
    /// [`DiffusionError::Argument`](super::DiffusionError::Argument) for settings out of range.
    ///
    /// # Example
    /// ```
    /// use isotherm::diffusion::{ResidualShifting, ResidualShiftingConfig};
    /// let schedule = ResidualShifting::new(ResidualShiftingConfig::journal()).unwrap();
    /// // min(0.2 / 2, 0.2) = 0.1, squared
    /// assert!((schedule.shift(0).unwrap() - 0.01).abs() < 1e-15);
    /// assert!((schedule.shift(3).unwrap() - 0.9801).abs() < 1e-12);
    /// ```
    pub fn new(config: ResidualShiftingConfig) -> DiffusionResult<ResidualShifting> {
        let ResidualShiftingConfig { steps, kappa, power, smallest_noise, last_root, capped } = config;
        if steps < 2 {
            return wrong(format!("{steps} steps of residual shifting were asked for; at least 2 are wanted"));
        }
        let positive = [kappa, power, smallest_noise].iter().all(|v| v.is_finite() && *v > 0.0);
        let first = (smallest_noise / kappa).min(smallest_noise).min(if capped { 0.001f64.sqrt() } else { f64::INFINITY });
        if !(positive && last_root > first && last_root <= 1.0) {
            return wrong(format!(
                "found kappa {kappa}, power {power}, smallest_noise {smallest_noise}, last_root {last_root}; wanted positive \
                 numbers and a last root above the first ({first}) and at most 1"
            ));
        }
        let last = (steps - 1) as f64;
        let base = (last_root / first).powf(1.0 / last);
        let root = |t: usize| first * base.powf(last * (t as f64 / last).powf(power));
        Ok(ResidualShifting { config, shifts: (0..steps).map(|t| root(t).powi(2)).collect() })
    }

    /// The settings.
    pub fn config(&self) -> &ResidualShiftingConfig {
        &self.config
    }

    /// Number of times.
    pub fn steps(&self) -> usize {
        self.shifts.len()
    }

    /// κ.
    pub fn kappa(&self) -> f64 {
        self.config.kappa
    }

    /// η at `time`.
    ///
    /// # Errors
    /// [`DiffusionError::Argument`](super::DiffusionError::Argument) where there is no such time.
    pub fn shift(&self, time: usize) -> DiffusionResult<f64> {
        match self.shifts.get(time) {
            Some(shift) => Ok(*shift),
            None => wrong(format!("time {time} was asked for; the schedule has times 0 to {}", self.steps() - 1)),
        }
    }

    /// η one time earlier; 0 before time 0.
    pub(super) fn earlier_shift(&self, time: usize) -> f64 {
        time.checked_sub(1).and_then(|t| self.shifts.get(t)).copied().unwrap_or(0.0)
    }

    /// What `time` adds to the shift: α = η_t − η_{t−1}.
    ///
    /// # Errors
    /// As [`ResidualShifting::shift`].
    pub fn increment(&self, time: usize) -> DiffusionResult<f64> {
        Ok(self.shift(time)? - self.earlier_shift(time))
    }

    /// The weights of x_t and x_0 in the mean of `q(x_{t−1} | x_t, x_0, y)`: η_{t−1}/η_t and α_t/η_t.
    ///
    /// # Errors
    /// As [`ResidualShifting::shift`].
    pub fn posterior_mean(&self, time: usize) -> DiffusionResult<(f64, f64)> {
        let shift = self.shift(time)?;
        Ok((self.earlier_shift(time) / shift, self.increment(time)? / shift))
    }

    /// The variance of `q(x_{t−1} | x_t, x_0, y)` where the noise's weight u is 1: κ² α_t η_{t−1}/η_t, 0 at time 0.
    /// Elsewhere it is u² times this.
    ///
    /// # Errors
    /// As [`ResidualShifting::shift`].
    pub fn posterior_variance(&self, time: usize) -> DiffusionResult<f64> {
        Ok(self.kappa().powi(2) * self.posterior_mean(time)?.0 * self.increment(time)?)
    }

    /// The logarithm of the posterior variance, with time 1's in place of time 0's, where the variance is 0.
    ///
    /// # Errors
    /// As [`ResidualShifting::shift`].
    pub fn log_posterior_variance(&self, time: usize) -> DiffusionResult<f64> {
        Ok(self.posterior_variance(time.max(1))?.ln())
    }

    /// The shifted, noisy fields `x_0 + η_t (y − x_0) + κ √η_t u noise`, with a time for each sample (or one for all).
    ///
    /// # Errors
    /// [`DiffusionError::Argument`](super::DiffusionError::Argument) where the times do not fit;
    /// [`DiffusionError::Nn`](super::DiffusionError::Nn) from the device.
    pub fn add_noise(
        &self,
        clean: &Tensor,
        low: &Tensor,
        noise: &Tensor,
        noise_weight: Option<&Tensor>,
        times: &[usize],
    ) -> DiffusionResult<Tensor> {
        let shift = per_sample(times, self.steps(), clean, |t| self.shifts[t])?;
        let spread = per_sample(times, self.steps(), clean, |t| self.kappa() * self.shifts[t].sqrt())?;
        let mut noise = noise.broadcast_mul(&spread)?;
        if let Some(weight) = noise_weight {
            noise = noise.broadcast_mul(weight)?;
        }
        Ok(((clean + (low - clean)?.broadcast_mul(&shift)?)? + noise)?)
    }

    /// What the state is divided by before the network sees it, so that its spread is the same at all times: the root of
    /// `κ² η_t E[u²] + data_sd²`.
    ///
    /// `mean_square_weight` is `E[u²]`: 1 without a weight (ResShift in a latent space has a `data_sd` of 1), 0.3 in UADM's
    /// program (with 0.5), best the sample's own ([`mean_square_weight`](ResidualShifting::mean_square_weight)).
    ///
    /// # Errors
    /// As [`ResidualShifting::shift`].
    pub fn input_divisor(&self, time: usize, mean_square_weight: f64, data_sd: f64) -> DiffusionResult<f64> {
        Ok((self.kappa().powi(2) * self.shift(time)? * mean_square_weight + data_sd.powi(2)).sqrt())
    }

    /// The state as the network sees it, with each sample's own `E[u²]`; see [`ResidualShifting::input_divisor`].
    ///
    /// # Errors
    /// As [`ResidualShifting::add_noise`].
    pub fn scale_input(
        &self,
        state: &Tensor,
        noise_weight: Option<&Tensor>,
        data_sd: f64,
        times: &[usize],
    ) -> DiffusionResult<Tensor> {
        let variance = per_sample(times, self.steps(), state, |t| self.kappa().powi(2) * self.shifts[t])?;
        let variance = match noise_weight {
            Some(weight) => variance.broadcast_mul(&ResidualShifting::mean_square_weight(weight)?)?,
            None => variance,
        };
        Ok(state.broadcast_div(&(variance + data_sd.powi(2))?.sqrt()?)?)
    }

    /// `E[u²]` of each sample of a weight map `[b, ...]`, as `[b, 1, ...]`.
    ///
    /// # Errors
    /// [`DiffusionError::Nn`](super::DiffusionError::Nn) from the device.
    pub fn mean_square_weight(noise_weight: &Tensor) -> DiffusionResult<Tensor> {
        let axes: Vec<usize> = (1..noise_weight.rank()).collect();
        Ok(noise_weight.sqr()?.mean_keepdim(axes)?)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn check(got: impl Fn(usize) -> f64, want: &[f64], digit: f64) {
        for (time, want) in want.iter().enumerate() {
            let got = got(time);
            assert!((got - want).abs() <= digit, "time {time}: got {got}, want {want}");
        }
    }

    // The three tables were computed apart from this program; see the notes on UADM and ResShift.

    #[test]
    fn the_table_of_uadm() {
        let s = ResidualShifting::new(ResidualShiftingConfig::uadm()).unwrap();
        check(|t| s.shift(t).unwrap().sqrt(), &[0.031623, 0.430011, 0.633908, 0.816602, 0.990000], 5.1e-7);
        check(|t| s.shift(t).unwrap(), &[0.001000, 0.184909, 0.401839, 0.666839, 0.980100], 5.1e-7);
        check(|t| 2.5 * s.shift(t).unwrap().sqrt(), &[0.0791, 1.0750, 1.5848, 2.0415, 2.4750], 5.1e-5);
        check(|t| s.increment(t).unwrap(), &[0.001000, 0.183909, 0.216930, 0.265000, 0.313261], 5.1e-7);
        check(|t| s.posterior_variance(t).unwrap(), &[0.0, 0.006216, 0.623887, 0.998061, 1.332100], 5.1e-7);
        check(|t| s.posterior_mean(t).unwrap().0, &[0.0, 0.005408, 0.460158, 0.602603, 0.680379], 5.1e-7);
        check(|t| s.input_divisor(t, 0.3, 0.5).unwrap(), &[0.50187, 0.77247, 1.00172, 1.22488, 1.44488], 5.1e-6);
    }

    #[test]
    fn the_tables_of_the_conference_and_the_journal() {
        let s = ResidualShifting::new(ResidualShiftingConfig::conference()).unwrap();
        let roots = [0.02, 0.117, 0.176, 0.234, 0.292, 0.351, 0.412, 0.476, 0.542, 0.610, 0.681, 0.754, 0.830, 0.909, 0.99];
        check(|t| s.shift(t).unwrap().sqrt(), &roots, 5.1e-4);
        let variances =
            [0.0, 0.0016, 0.0307, 0.0535, 0.0782, 0.1054, 0.1357, 0.1694, 0.2067, 0.2479, 0.2932, 0.3429, 0.3972, 0.4564, 0.5207];
        check(|t| s.posterior_variance(t).unwrap(), &variances, 5.1e-5);
        let s = ResidualShifting::new(ResidualShiftingConfig::journal()).unwrap();
        check(|t| s.shift(t).unwrap().sqrt(), &[0.1, 0.5201, 0.7614, 0.99], 5.1e-5);
        check(|t| s.shift(t).unwrap(), &[0.01, 0.2705, 0.5797, 0.9801], 5.1e-5);
        check(|t| s.posterior_variance(t).unwrap(), &[0.0, 0.0385, 0.5771, 0.9473], 5.1e-5);
    }

    #[test]
    fn noise_by_hand_with_a_weight_for_each_cell() {
        let s = ResidualShifting::new(ResidualShiftingConfig::uadm()).unwrap();
        let t = |v: [f64; 2]| Tensor::new(&[[[v]]], &Device::Cpu).unwrap();
        let (clean, low, noise, weight) = (t([1.0, 2.0]), t([3.0, 1.0]), t([1.0, -1.0]), t([0.5, 1.0]));
        let got = s.add_noise(&clean, &low, &noise, Some(&weight), &[4]).unwrap();
        // eta 0.9801, kappa sqrt(eta) = 2.475: 1 + 0.9801 * 2 + 2.475 * 0.5 and 2 - 0.9801 - 2.475
        for (got, want) in got.flatten_all().unwrap().to_vec1::<f64>().unwrap().iter().zip([4.1977, -1.4551]) {
            assert!((got - want).abs() < 1e-12, "{got}");
        }
        // E[u²] = (0.25 + 1) / 2 = 0.625; 6.25 * 0.9801 * 0.625 + 0.25 = 4.07851562...
        let scaled = s.scale_input(&clean, Some(&weight), 0.5, &[4]).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert!((scaled[0] - 1.0 / 4.078_515_625f64.sqrt()).abs() < 1e-12, "{}", scaled[0]);
        let plain = s.scale_input(&clean, None, 0.5, &[4]).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert!((plain[1] - 2.0 / s.input_divisor(4, 1.0, 0.5).unwrap()).abs() < 1e-12);
    }

    #[test]
    fn the_forward_process_has_its_mean_and_variance() {
        use super::super::noise::NoiseField;
        use candle_core::DType;
        let s = ResidualShifting::new(ResidualShiftingConfig::uadm()).unwrap();
        let n = 200 * 200;
        let full = |v: f64| Tensor::full(v, (1, 1, 200, 200), &Device::Cpu).unwrap();
        for time in 0..5 {
            let noise = NoiseField::new(4, 0).tensor(time, [1, 200, 200], DType::F64, &Device::Cpu).unwrap();
            let x = s.add_noise(&full(1.0), &full(-2.0), &noise, Some(&full(0.5)), &[time]).unwrap();
            let x = x.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let (eta, spread) = (s.shift(time).unwrap(), 2.5 * s.shift(time).unwrap().sqrt() * 0.5);
            let mean = x.iter().sum::<f64>() / f64::from(n);
            let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n);
            // five standard errors: σ/200, and √2/200 of the variance
            assert!((mean - (1.0 - 3.0 * eta)).abs() < 0.025 * spread, "time {time}: {mean}");
            assert!((variance / (spread * spread) - 1.0).abs() < 0.0354, "time {time}: {variance}");
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let with = |change: fn(&mut ResidualShiftingConfig)| {
            let mut config = ResidualShiftingConfig::uadm();
            change(&mut config);
            ResidualShifting::new(config)
        };
        assert!(with(|c| c.steps = 1).is_err());
        assert!(with(|c| c.kappa = 0.0).is_err());
        assert!(with(|c| c.power = f64::NAN).is_err());
        assert!(with(|c| c.last_root = 1.5).is_err());
        assert!(with(|c| c.last_root = 0.01).is_err());
        assert!(with(|_| ()).unwrap().shift(5).is_err());
    }
}

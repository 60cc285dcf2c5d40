//! What a network predicts (the clean field, the noise or the velocity), and the way from one to the other.
//!
//! # Reference
//! Salimans and Ho (2022), Progressive distillation for fast sampling of diffusion models. arXiv:2202.00512

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use super::ddpm_schedule::DdpmSchedule;
use super::error::DiffusionResult;
use super::per_sample::per_sample;

/// What the network's output means.
///
/// # Formula
/// ```text
/// x_t = √ā x_0 + √(1−ā) ε        v = √ā ε − √(1−ā) x_0
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parametrisation {
    /// The clean field x_0.
    #[default]
    Clean,
    /// The noise ε.
    Noise,
    /// The velocity v.
    Velocity,
}

impl Parametrisation {
    /// What the network should have said for this clean field and noise.
    ///
    /// # Errors
    /// [`DiffusionError::Argument`](super::DiffusionError::Argument) where the times do not fit the batch or the schedule;
    /// [`DiffusionError::Nn`](super::DiffusionError::Nn) from the device.
    pub fn target(self, schedule: &DdpmSchedule, clean: &Tensor, noise: &Tensor, times: &[usize]) -> DiffusionResult<Tensor> {
        let (signal, spread) = roots(schedule, clean, times)?;
        Ok(match self {
            Parametrisation::Clean => clean.clone(),
            Parametrisation::Noise => noise.clone(),
            Parametrisation::Velocity => (noise.broadcast_mul(&signal)? - clean.broadcast_mul(&spread)?)?,
        })
    }

    /// The clean field that a network's `output` at `state` (x_t) means.
    ///
    /// # Errors
    /// As [`Parametrisation::target`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{Device, Tensor};
    /// use isotherm::diffusion::{DdpmSchedule, Parametrisation};
    /// let schedule = DdpmSchedule::from_betas(vec![0.36]).unwrap(); // ā = 0.64
    /// let tensor = |v: f64| Tensor::new(&[[v]], &Device::Cpu).unwrap();
    /// // x_0 = 2 and ε = 1 give x_t = 0.8 · 2 + 0.6 · 1 = 2.2
    /// let clean = Parametrisation::Noise.to_clean(&schedule, &tensor(1.0), &tensor(2.2), &[0]).unwrap();
    /// assert!((clean.to_vec2::<f64>().unwrap()[0][0] - 2.0).abs() < 1e-12);
    /// ```
    pub fn to_clean(self, schedule: &DdpmSchedule, output: &Tensor, state: &Tensor, times: &[usize]) -> DiffusionResult<Tensor> {
        let (signal, spread) = roots(schedule, state, times)?;
        Ok(match self {
            Parametrisation::Clean => output.clone(),
            Parametrisation::Noise => (state - output.broadcast_mul(&spread)?)?.broadcast_div(&signal)?,
            Parametrisation::Velocity => (state.broadcast_mul(&signal)? - output.broadcast_mul(&spread)?)?,
        })
    }

    /// The noise that a network's `output` at `state` (x_t) means.
    ///
    /// # Errors
    /// As [`Parametrisation::target`].
    pub fn to_noise(self, schedule: &DdpmSchedule, output: &Tensor, state: &Tensor, times: &[usize]) -> DiffusionResult<Tensor> {
        let (signal, spread) = roots(schedule, state, times)?;
        Ok(match self {
            Parametrisation::Clean => (state - output.broadcast_mul(&signal)?)?.broadcast_div(&spread)?,
            Parametrisation::Noise => output.clone(),
            Parametrisation::Velocity => (state.broadcast_mul(&spread)? + output.broadcast_mul(&signal)?)?,
        })
    }
}

/// `√ā` and `√(1−ā)` of each sample. Both are positive, since every β is within 0 and 1.
fn roots(schedule: &DdpmSchedule, like: &Tensor, times: &[usize]) -> DiffusionResult<(Tensor, Tensor)> {
    let shares = schedule.signal_shares();
    let signal = per_sample(times, schedule.steps(), like, |t| shares[t].sqrt())?;
    let spread = per_sample(times, schedule.steps(), like, |t| (1.0 - shares[t]).sqrt())?;
    Ok((signal, spread))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_target_leads_back_to_clean_field_and_noise(
            clean in prop::collection::vec(-3.0f64..3.0, 4), noise in prop::collection::vec(-3.0f64..3.0, 4),
            times in prop::collection::vec(0usize..20, 2)
        ) {
            let schedule = DdpmSchedule::linear(20, 1e-4, 0.2).unwrap();
            let tensor = |v: &[f64]| Tensor::from_vec(v.to_vec(), (2, 2), &Device::Cpu).unwrap();
            let (x0, eps) = (tensor(&clean), tensor(&noise));
            let state = schedule.add_noise(&x0, &eps, &times).unwrap();
            for kind in [Parametrisation::Clean, Parametrisation::Noise, Parametrisation::Velocity] {
                let output = kind.target(&schedule, &x0, &eps, &times).unwrap();
                let back = kind.to_clean(&schedule, &output, &state, &times).unwrap().to_vec2::<f64>().unwrap().concat();
                let again = kind.to_noise(&schedule, &output, &state, &times).unwrap().to_vec2::<f64>().unwrap().concat();
                // at time 0 the noise is 1/100 of the state, so dividing by it loses two digits
                prop_assert!(back.iter().zip(&clean).all(|(a, b)| (a - b).abs() < 1e-11), "{:?}", kind);
                prop_assert!(again.iter().zip(&noise).all(|(a, b)| (a - b).abs() < 1e-11), "{:?}", kind);
            }
        }
    }
}

//! The dynamic shift: a memory of past weeks, each known to have ended low, normal or high, moves a forecast.

use candle_core::{DType, Result, Tensor};
use serde::{Deserialize, Serialize};

use super::gru::Gru;
use crate::nn::ops::softmax;
use crate::nn::{Init, NnResult, Parameters};

/// Low, normal, high.
pub(super) const CLASSES: usize = 3;

/// What counts as low and as high.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ShiftBounds {
    /// Temperatures in degrees Celsius; published: 4 and 28.
    Celsius {
        /// At most this is low.
        low: f64,
        /// At least this is high.
        high: f64,
    },
    /// Departures from the station's cycle, in units of its deviation.
    Anomaly {
        /// At most this is low.
        low: f64,
        /// At least this is high.
        high: f64,
    },
}

impl ShiftBounds {
    /// The class of a day: 0 low, 1 normal, 2 high.
    pub(super) fn class(self, celsius: f64, anomaly: f64) -> usize {
        let (value, low, high) = match self {
            ShiftBounds::Celsius { low, high } => (celsius, low, high),
            ShiftBounds::Anomaly { low, high } => (anomaly, low, high),
        };
        if value <= low { 0 } else { 1 + usize::from(value >= high) }
    }
}

/// Settings of the dynamic shift.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftConfig {
    /// Weeks in the memory, drawn from the training windows once; published: 1024.
    pub memory: usize,
    /// The extreme value index of the loss of classes; published: 1.
    pub gamma: f64,
    /// What is low and what is high.
    pub bounds: ShiftBounds,
}

/// The part of the network that looks into the memory.
///
/// # Formula
/// ```text
/// u_t = Σ_j α_tj q_j,   α_t = softmax_j(h_t · s_j),   shift_t = b (u_high - u_low)
/// ```
/// `s_j` what a recurrent network remembers of the j-th week of the memory, `q_j` the class of the day after it (1 at the
/// class, else 0), `h_t` what the same network makes of the present week and the days up to lead t; `b` is learned and
/// starts at 0.
///
/// # Reference
/// Ding et al. (2019), Modeling extreme events in time series prediction. doi:10.1145/3292500.3330896
#[derive(Clone, Debug)]
pub(super) struct DynamicShift {
    gru: Gru,
    strength: Tensor,
}

impl DynamicShift {
    /// Parameters `shift.gru...`, `shift.strength`; `width` is that of the embedded days.
    pub fn new(parameters: &mut Parameters, width: usize) -> NnResult<DynamicShift> {
        Ok(DynamicShift {
            gru: Gru::new(parameters, "shift.gru", width, 2)?,
            strength: parameters.add("shift.strength", &[1], Init::Constant(0.0))?,
        })
    }

    /// Embedded days `[b, past, w]` and `[b, future, w]`, the memory's `[m, past, w]` and its classes `[m, 3]`, to shifts
    /// `[b, future]` and class probabilities `[b future, 3]`.
    pub fn forward(&self, past: &Tensor, future: &Tensor, memory: &Tensor, classes: &Tensor) -> Result<(Tensor, Tensor)> {
        let (b, leads, width) = future.dims3()?;
        let (_, state) = self.gru.forward(past, None)?;
        let (now, _) = self.gru.forward(future, Some(&state))?;
        let (_, remembered) = self.gru.forward(memory, None)?;
        let remembered = &remembered[remembered.len() - 1]; // [m, w]
        let likeness = now.reshape((b * leads, width))?.matmul(&remembered.t()?.contiguous()?)?; // [b leads, m]
        let probabilities = softmax(&likeness, 1)?.matmul(classes)?; // [b leads, 3]
        let tilt = (probabilities.narrow(1, CLASSES - 1, 1)? - probabilities.narrow(1, 0, 1)?)?;
        Ok((tilt.broadcast_mul(&self.strength)?.reshape((b, leads))?, probabilities))
    }
}

/// Classes as rows of zeros with a one.
pub(super) fn one_hot(classes: &[usize], dtype: DType, like: &Tensor) -> Result<Tensor> {
    let values: Vec<f32> = classes.iter().flat_map(|c| (0..CLASSES).map(move |k| f32::from(u8::from(*c == k)))).collect();
    Tensor::from_vec(values, (classes.len(), CLASSES), &candle_core::Device::Cpu)?.to_dtype(dtype)?.to_device(like.device())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::nn::gradient_check;

    fn ramp(shape: &[usize], step: f64) -> Tensor {
        let count: usize = shape.iter().product();
        Tensor::from_vec((0..count).map(|i| (i as f64 * step).sin()).collect::<Vec<f64>>(), shape, &Device::Cpu).unwrap()
    }

    fn shift(strength: f64) -> DynamicShift {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let shift = DynamicShift::new(&mut parameters, 4).unwrap();
        parameters.get("shift.strength").unwrap().set(&Tensor::new(&[strength], &Device::Cpu).unwrap()).unwrap();
        shift
    }

    #[test]
    fn a_memory_of_high_weeks_lifts_and_one_of_low_weeks_lowers() {
        let (past, future, memory) = (ramp(&[2, 3, 4], 0.3), ramp(&[2, 2, 4], 0.5), ramp(&[5, 3, 4], 0.7));
        let run = |classes: &[usize], strength: f64| {
            let classes = one_hot(classes, DType::F64, &memory).unwrap();
            let (shift, u) = shift(strength).forward(&past, &future, &memory, &classes).unwrap();
            assert_eq!(shift.dims(), [2, 2]);
            let sums = u.sum(1).unwrap().to_vec1::<f64>().unwrap();
            assert!(sums.iter().all(|s| (s - 1.0).abs() < 1e-12));
            shift.flatten_all().unwrap().to_vec1::<f64>().unwrap()
        };
        // where all the memory is of one class, that class is certain
        assert!(run(&[2; 5], 0.75).iter().all(|s| (s - 0.75).abs() < 1e-12));
        assert!(run(&[0; 5], 0.75).iter().all(|s| (s + 0.75).abs() < 1e-12));
        assert_eq!(run(&[2, 2, 0, 1, 2], 0.0), [0.0; 4]);
        let mixed = run(&[2, 2, 0, 1, 2], 1.0);
        assert!(mixed.iter().all(|s| s.abs() < 1.0) && mixed[0] != mixed[1]);
    }

    #[test]
    fn gradients_pass_through_the_memory() {
        let classes = one_hot(&[2, 0, 1], DType::F64, &ramp(&[1], 1.0)).unwrap();
        let network = shift(0.8);
        let inputs = [ramp(&[2, 3, 4], 0.3), ramp(&[2, 2, 4], 0.5), ramp(&[3, 3, 4], 0.7)];
        let both = |x: &[Tensor]| -> Result<Tensor> {
            let (shift, u) = network.forward(&x[0], &x[1], &x[2], &classes)?;
            Tensor::cat(&[shift.flatten_all()?, u.flatten_all()?], 0)
        };
        for report in gradient_check(&inputs, both).unwrap() {
            assert!(report.within(1e-7) && report.largest_gradient > 1e-4, "{report:?}");
        }
    }

    #[test]
    fn classes_by_their_bounds() {
        let degrees = ShiftBounds::Celsius { low: 4.0, high: 28.0 };
        assert_eq!([4.0, 4.1, 27.9, 28.0].map(|c| degrees.class(c, 9.0)), [0, 1, 1, 2]);
        let anomaly = ShiftBounds::Anomaly { low: -1.6, high: 1.6 };
        assert_eq!([-2.0, 0.0, 1.6].map(|a| anomaly.class(99.0, a)), [0, 1, 2]);
    }
}

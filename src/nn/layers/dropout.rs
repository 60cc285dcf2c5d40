//! Values left out at random in training.

use candle_core::{DType, Device, Result, Tensor, Var};
use rayon::prelude::*;

use crate::base::random::Random;
use crate::nn::error::{NnError, NnResult};
use crate::nn::parameters::Parameters;

/// Values drawn by one task: a multiple of the four words of a block.
const CHUNK: usize = 16_384;

/// In training each value is 0 with a probability of `rate`, and the others grow so that the mean stays; else nothing
/// changes.
///
/// # Formula
/// ```text
/// y = m x / (1 - rate),    m = 1 with probability 1 - rate, else 0
/// ```
/// The draws of a call are a pure function of the network's seed, the layer's name and the number of calls before. That
/// number is the buffer `NAME.calls`, so a run that was cut goes on with the draws of an uncut one; clones share it. The
/// draws are made on the host and are the same on every device and for any number of threads. At a rate of 0 there is
/// neither a draw nor a buffer.
///
/// # Reference
/// Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from overfitting. JMLR 15, 1929-1958
#[derive(Clone, Debug)]
pub struct Dropout {
    rate: f64,
    random: Random,
    calls: Option<Var>,
}

impl Dropout {
    /// A layer that leaves out the share `rate`, at least 0 and below 1.
    ///
    /// # Errors
    /// [`NnError::Argument`] for another rate; as [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device, Tensor};
    /// use isotherm::nn::{Parameters, layers::Dropout};
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// let layer = Dropout::new(&mut parameters, "dropout", 0.5).unwrap();
    /// let x = Tensor::ones(100, DType::F32, &Device::Cpu).unwrap();
    /// let y = layer.forward(&x, true).unwrap().to_vec1::<f32>().unwrap();
    /// assert!(y.iter().all(|y| *y == 0.0 || *y == 2.0) && y.contains(&0.0) && y.contains(&2.0));
    /// assert_eq!(layer.forward(&x, false).unwrap().to_vec1::<f32>().unwrap(), [1.0; 100]);
    /// assert_eq!(parameters.value_count(), 0); // nothing to train
    /// ```
    pub fn new(parameters: &mut Parameters, name: &str, rate: f64) -> NnResult<Dropout> {
        if !(0.0..1.0).contains(&rate) {
            return Err(NnError::Argument(format!("dropout '{name}': a rate of {rate}; at least 0 and below 1 is wanted")));
        }
        let calls = if rate > 0.0 { Some(parameters.add_counter(format!("{name}.calls"))?) } else { None };
        Ok(Dropout { rate, random: Random::new(parameters.seed(), &format!("dropout/{name}")), calls })
    }

    /// Any shape to the same.
    ///
    /// # Errors
    /// What the device gives.
    pub fn forward(&self, x: &Tensor, training: bool) -> Result<Tensor> {
        match (&self.calls, training) {
            (Some(calls), true) => x * self.factors(calls, x)?,
            _ => Ok(x.clone()),
        }
    }

    /// `m / (1 - rate)` for the next call.
    fn factors(&self, calls: &Var, x: &Tensor) -> Result<Tensor> {
        let call = calls.to_vec1::<f64>()?[0];
        calls.set(&Tensor::new(&[call + 1.0], &Device::Cpu)?)?;
        let stream = self.random.child(call as u64);
        // A word below this number leaves its value out.
        let out_below = (self.rate * f64::from(u32::MAX)) as u32;
        let kept = (1.0 / (1.0 - self.rate)) as f32;
        let mut factors = vec![0f32; x.elem_count()];
        factors.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, factors)| {
            let mut words = stream.clone().at((chunk * CHUNK / 4) as u64);
            factors.iter_mut().for_each(|f| *f = if words.next_u32() < out_below { 0.0 } else { kept });
        });
        if x.dtype() == DType::F64 {
            let exact = 1.0 / (1.0 - self.rate);
            let factors: Vec<f64> = factors.iter().map(|f| if *f == 0.0 { 0.0 } else { exact }).collect();
            return Tensor::from_vec(factors, x.shape(), &Device::Cpu)?.to_device(x.device());
        }
        Tensor::from_vec(factors, x.shape(), &Device::Cpu)?.to_dtype(x.dtype())?.to_device(x.device())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(rate: f64) -> (Parameters, Dropout) {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 7);
        let layer = Dropout::new(&mut parameters, "d", rate).unwrap();
        (parameters, layer)
    }

    fn values(x: &Tensor) -> Vec<f64> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn the_share_left_out_and_the_mean() {
        let n = 100_000;
        let x = Tensor::ones((10, n / 10), DType::F64, &Device::Cpu).unwrap();
        for rate in [0.1, 0.5, 0.9] {
            let y = values(&layer(rate).1.forward(&x, true).unwrap());
            let left_out = y.iter().filter(|y| **y == 0.0).count() as f64 / n as f64;
            // Five standard errors of a share
            let bound = 5.0 * (rate * (1.0 - rate) / n as f64).sqrt();
            assert!((left_out - rate).abs() < bound, "{rate}: {left_out}");
            assert!(y.iter().all(|y| *y == 0.0 || (y - 1.0 / (1.0 - rate)).abs() < 1e-15));
            let mean = y.iter().sum::<f64>() / n as f64;
            assert!((mean - 1.0).abs() < bound / (1.0 - rate), "{rate}: {mean}");
        }
    }

    #[test]
    fn outside_training_and_at_rate_0_nothing_changes() {
        let x = Tensor::arange(0f64, 20.0, &Device::Cpu).unwrap();
        assert_eq!(values(&layer(0.5).1.forward(&x, false).unwrap()), values(&x));
        let (parameters, none) = layer(0.0);
        assert_eq!(values(&none.forward(&x, true).unwrap()), values(&x));
        assert!(parameters.snapshot().unwrap().is_empty());
    }

    #[test]
    fn a_saved_network_goes_on_with_the_same_draws() {
        let x = Tensor::ones(50, DType::F64, &Device::Cpu).unwrap();
        let (parameters, dropout) = layer(0.3);
        let first = values(&dropout.forward(&x, true).unwrap());
        dropout.forward(&x, false).unwrap(); // takes no draw
        let saved = parameters.snapshot().unwrap();
        let second = values(&dropout.forward(&x, true).unwrap());
        assert_ne!(first, second);
        let (other_parameters, other) = layer(0.3);
        assert_eq!(first, values(&other.forward(&x, true).unwrap()), "the same seed, the same draws");
        other_parameters.set(&saved).unwrap();
        assert_eq!(second, values(&other.forward(&x, true).unwrap()));
        let mut further = Parameters::new(&Device::Cpu, DType::F64, 8);
        let another_seed = Dropout::new(&mut further, "d", 0.3).unwrap();
        assert_ne!(first, values(&another_seed.forward(&x, true).unwrap()));
    }

    #[test]
    fn the_same_draws_for_any_type_and_number_of_threads() {
        let run = |threads: usize, dtype: DType| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let x = Tensor::ones(3 * CHUNK + 5, dtype, &Device::Cpu).unwrap();
            let y = pool.install(|| layer(0.25).1.forward(&x, true).unwrap());
            values(&y.ne(0.0).unwrap().to_dtype(DType::F64).unwrap())
        };
        assert_eq!(run(1, DType::F64), run(3, DType::F64));
        assert_eq!(run(1, DType::F64), run(2, DType::F32));
    }

    #[test]
    fn the_gradient_is_the_factor() {
        let x = Var::from_tensor(&Tensor::arange(1f64, 31.0, &Device::Cpu).unwrap()).unwrap();
        let y = layer(0.4).1.forward(&x, true).unwrap();
        let gradients = y.sum_all().unwrap().backward().unwrap();
        let gradient = values(gradients.get(x.as_tensor()).unwrap());
        let (x, y) = (values(&x), values(&y));
        assert!(gradient.iter().zip(x.iter().zip(&y)).all(|(g, (x, y))| (g * x - y).abs() < 1e-12));
        assert!(gradient.contains(&0.0) && gradient.iter().any(|g| *g > 1.0));
    }

    #[test]
    fn rates_out_of_range_are_refused() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 7);
        for rate in [-0.1, 1.0, f64::NAN] {
            let error = Dropout::new(&mut parameters, "d", rate).unwrap_err().to_string();
            assert!(error.contains("below 1 is wanted"), "{error}");
        }
    }
}

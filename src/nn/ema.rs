//! An exponential moving average of the parameters, which predicts better than their last value.

use std::collections::BTreeMap;

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, WithDType, bail};
use rayon::prelude::*;

use super::error::{NnError, NnResult};
use super::ops::slices;
use super::parameters::Parameters;

/// `average = d average + (1 - d) parameter` after each step, with `d = min(decay, (1 + n) / (10 + n))`, so
/// that the random start is soon forgotten.
#[derive(Clone, Debug)]
pub struct Ema {
    decay: f64,
    updates: u64,
    averages: BTreeMap<String, Tensor>,
}

impl Ema {
    /// An average that starts at the present values.
    ///
    /// # Errors
    /// [`NnError::Argument`] where `decay` is not within 0..1; [`NnError::Tensor`] from the device.
    pub fn new(parameters: &Parameters, decay: f64) -> NnResult<Ema> {
        if !(0.0..1.0).contains(&decay) {
            return Err(NnError::Argument(format!("an EMA decay of {decay} was asked for; at least 0 and below 1 is wanted")));
        }
        Ok(Ema { decay, updates: 0, averages: parameters.snapshot()? })
    }

    /// Moves the average towards the parameters, after a step of the optimiser.
    ///
    /// # Errors
    /// [`NnError::Tensor`] from the device.
    pub fn update(&mut self, parameters: &Parameters) -> NnResult<()> {
        let n = self.updates as f64;
        let decay = self.decay.min((1.0 + n) / (10.0 + n));
        for (name, variable) in parameters.iter() {
            if let Some(average) = self.averages.get_mut(name) {
                if average.device().is_cpu() {
                    average.inplace_op2(variable.as_tensor(), &Blend { decay })?;
                } else {
                    *average = ((&*average * decay)? + (variable.as_tensor() * (1.0 - decay))?)?.detach();
                }
            }
        }
        // Buffers are themselves averages or the state of an iteration: their last value goes with the averages.
        for (name, buffer) in parameters.buffers() {
            self.averages.insert(name.to_string(), buffer.as_tensor().copy()?.detach());
        }
        self.updates += 1;
        Ok(())
    }

    /// Runs `work` with the averages in place of the parameters, then puts the parameters back, also where
    /// `work` failed.
    ///
    /// # Errors
    /// Those of `work`, or [`NnError::Tensor`] from the device.
    pub fn with_averages<T, E: From<NnError>>(
        &self,
        parameters: &Parameters,
        work: impl FnOnce() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let own = parameters.snapshot()?;
        parameters.set(&self.averages)?;
        let outcome = work();
        parameters.set(&own)?;
        outcome
    }

    /// The averages by parameter name.
    pub fn averages(&self) -> &BTreeMap<String, Tensor> {
        &self.averages
    }

    /// Number of updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Puts a saved state back.
    ///
    /// # Errors
    /// [`NnError::Parameter`] where names or shapes differ from the present ones.
    pub fn restore(&mut self, averages: BTreeMap<String, Tensor>, updates: u64) -> NnResult<()> {
        for (name, own) in &mut self.averages {
            match averages.get(name) {
                Some(t) if t.dims() == own.dims() => {
                    *own = t.to_dtype(own.dtype())?.to_device(own.device())?.copy()?;
                }
                _ => {
                    return Err(NnError::Parameter {
                        name: name.clone(),
                        problem: "has no saved average of its shape".to_string(),
                    });
                }
            }
        }
        self.updates = updates;
        Ok(())
    }
}

struct Blend {
    decay: f64,
}

impl InplaceOp2 for Blend {
    fn name(&self) -> &'static str {
        "ema"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        fn run<T: WithDType>(average: &mut [T], value: &[T], decay: f64) {
            let (keep, take) = (T::from_f64(decay), T::from_f64(1.0 - decay));
            average.par_chunks_mut(16_384).zip(value.par_chunks(16_384)).for_each(|(average, value)| {
                for (average, value) in average.iter_mut().zip(value) {
                    *average = keep * *average + take * *value;
                }
            });
        }
        match (s1, s2) {
            (CpuStorage::F32(a), CpuStorage::F32(b)) => run(slices::mutable(a, l1)?, slices::shared(b, l2)?, self.decay),
            (CpuStorage::F64(a), CpuStorage::F64(b)) => run(slices::mutable(a, l1)?, slices::shared(b, l2)?, self.decay),
            _ => bail!("ema works in f32 or f64, both the same"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::super::parameters::Init;
    use super::*;

    #[test]
    fn the_average_by_hand() {
        let mut p = Parameters::new(&Device::Cpu, DType::F64, 0);
        p.add("a", &[1], Init::Constant(1.0)).unwrap();
        let mut ema = Ema::new(&p, 0.5).unwrap();
        let set = |v: f64| p.set(&[("a".to_string(), Tensor::new(&[v], &Device::Cpu).unwrap())].into()).unwrap();
        let value = |ema: &Ema| ema.averages()["a"].to_vec1::<f64>().unwrap()[0];
        set(2.0);
        ema.update(&p).unwrap(); // d = 1/10: 0.1 * 1 + 0.9 * 2 = 1.9
        assert!((value(&ema) - 1.9).abs() < 1e-15);
        ema.update(&p).unwrap(); // d = 2/11: 1.9 * 2/11 + 2 * 9/11
        assert!((value(&ema) - (3.8 + 18.0) / 11.0).abs() < 1e-15);
        let seen: NnResult<f64> = ema.with_averages(&p, || Ok(p.get("a").unwrap().to_vec1::<f64>()?[0]));
        assert_eq!(seen.unwrap(), value(&ema));
        assert_eq!(p.get("a").unwrap().to_vec1::<f64>().unwrap(), [2.0]);
        assert!(Ema::new(&p, 1.0).is_err());
    }

    #[test]
    fn buffers_go_along_with_their_last_value() {
        let mut p = Parameters::new(&Device::Cpu, DType::F64, 1);
        p.add("a", &[1], Init::Constant(1.0)).unwrap();
        let buffer = p.add_buffer("mean", &[1], Init::Constant(0.0)).unwrap();
        let mut ema = Ema::new(&p, 0.9).unwrap();
        buffer.set(&Tensor::new(&[5.0f64], &Device::Cpu).unwrap()).unwrap();
        ema.update(&p).unwrap();
        let seen = ema.with_averages(&p, || Ok::<_, NnError>(buffer.to_vec1::<f64>()?)).unwrap();
        assert_eq!(seen, [5.0]);
    }
}

//! Stochastic gradient descent with momentum and a state that can be saved.
//!
//! # Reference
//! Sutskever et al. (2013), On the importance of initialization and momentum in deep learning. ICML 28, 1139-1147

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp3, Layout, Result, Tensor, Var, WithDType, bail};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::error::{NnError, NnResult};
use super::ops::slices;
use super::optimizer::{gradient_of, restore_moments, unknown_parameter};
use super::parameters::Parameters;

/// The constants of the descent.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// Share of the velocity that is kept; 0 is plain descent.
    pub momentum: f64,
    /// Take the gradient a step ahead, in PyTorch's form; wants momentum.
    pub nesterov: bool,
    /// Weight decay, added to the gradient.
    pub weight_decay: f64,
}

/// Descent over all parameters of a network. A parameter that gets no gradient is treated as having zeros.
///
/// # Formula
/// ```text
/// d = g + λ p        v ← μ v + d        p ← p − rate v        (nesterov: p ← p − rate (d + μ v))
/// ```
/// with momentum μ, weight decay λ and a velocity v that starts at 0.
#[derive(Clone, Debug)]
pub struct Sgd {
    config: SgdConfig,
    steps: u64,
    /// By parameter; empty without momentum.
    velocities: BTreeMap<String, Tensor>,
}

impl Sgd {
    /// An optimiser for these parameters.
    ///
    /// # Errors
    /// [`NnError::Argument`] where a constant is out of range; [`NnError::Tensor`] from the device.
    pub fn new(parameters: &Parameters, config: SgdConfig) -> NnResult<Sgd> {
        let SgdConfig { momentum, nesterov, weight_decay } = config;
        if !(0.0..1.0).contains(&momentum) || weight_decay.is_nan() || weight_decay < 0.0 || (nesterov && momentum == 0.0) {
            return Err(NnError::Argument(format!(
                "found momentum {momentum}, nesterov {nesterov}, weight_decay {weight_decay}; wanted a momentum within 0..1 \
                 (above 0 with nesterov) and a decay of at least 0"
            )));
        }
        let kept = parameters.iter().filter(|_| momentum > 0.0);
        let velocities =
            kept.map(|(name, v)| Ok((name.to_string(), v.as_tensor().zeros_like()?.detach()))).collect::<NnResult<_>>()?;
        Ok(Sgd { config, steps: 0, velocities })
    }

    /// One step at learning rate `rate`, with every gradient multiplied by `scale` first (clipping).
    ///
    /// # Errors
    /// [`NnError::Tensor`] from the device; [`NnError::Parameter`] where a parameter was added after [`Sgd::new`].
    pub fn step(&mut self, parameters: &Parameters, gradients: &GradStore, rate: f64, scale: f64) -> NnResult<()> {
        self.steps += 1;
        let update = Update { config: self.config, scale, rate };
        for (name, variable) in parameters.iter() {
            let parameter = variable.as_tensor();
            let gradient = gradient_of(parameter, gradients)?;
            if self.config.momentum == 0.0 {
                // The velocity of plain descent is the gradient itself, which nobody else holds.
                let own = gradient.copy()?;
                update.apply(variable, &mut own.detach(), &gradient)?;
            } else {
                let velocity = self.velocities.get_mut(name).ok_or_else(|| unknown_parameter(name))?;
                update.apply(variable, velocity, &gradient)?;
            }
        }
        Ok(())
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The velocities by parameter name, for a checkpoint.
    pub fn moments(&self) -> &BTreeMap<String, Tensor> {
        &self.velocities
    }

    /// Puts a saved state back.
    ///
    /// # Errors
    /// [`NnError::Parameter`] where names or sizes differ from the present ones.
    pub fn restore(&mut self, moments: &BTreeMap<String, Tensor>, steps: u64) -> NnResult<()> {
        restore_moments(&mut self.velocities, moments)?;
        self.steps = steps;
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Update {
    config: SgdConfig,
    scale: f64,
    rate: f64,
}

impl Update {
    fn apply(&self, variable: &Var, velocity: &mut Tensor, gradient: &Tensor) -> NnResult<()> {
        let parameter = variable.as_tensor();
        if !parameter.device().is_cpu() {
            return self.by_tensors(variable, velocity, gradient);
        }
        velocity.inplace_op3(gradient, &parameter.detach(), &MoveVelocity(*self))?;
        parameter.inplace_op3(velocity, gradient, &MoveParameter(*self))?;
        Ok(())
    }

    /// The same arithmetic by whole-tensor operations, for other devices.
    fn by_tensors(&self, variable: &Var, velocity: &mut Tensor, gradient: &Tensor) -> NnResult<()> {
        let SgdConfig { momentum, nesterov, weight_decay } = self.config;
        let value = variable.as_tensor().detach();
        let d = ((gradient * self.scale)? + (&value * weight_decay)?)?;
        let v = if momentum == 0.0 { d.clone() } else { ((&*velocity * momentum)? + &d)? };
        let step = if nesterov { (d + (&v * momentum)?)? } else { v.clone() };
        variable.set(&(value - (step * self.rate)?)?)?;
        *velocity = v.detach();
        Ok(())
    }
}

struct MoveVelocity(Update);
struct MoveParameter(Update);

const CHUNK: usize = 16_384;

impl InplaceOp3 for MoveVelocity {
    fn name(&self) -> &'static str {
        "sgd-velocity"
    }

    fn cpu_fwd(
        &self,
        s1: &mut CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<()> {
        fn run<T: WithDType>(velocity: &mut [T], gradient: &[T], value: &[T], u: &Update) {
            let [keep, scale, decay] = [u.config.momentum, u.scale, u.config.weight_decay].map(T::from_f64);
            velocity.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK).zip(value.par_chunks(CHUNK))).for_each(
                |(velocity, (gradient, value))| {
                    for (v, (g, p)) in velocity.iter_mut().zip(gradient.iter().zip(value)) {
                        let kept = if u.config.momentum == 0.0 { T::from_f64(0.0) } else { keep * *v };
                        *v = kept + (*g * scale + decay * *p);
                    }
                },
            );
        }
        match (s1, s2, s3) {
            (CpuStorage::F32(v), CpuStorage::F32(g), CpuStorage::F32(p)) => {
                run(slices::mutable(v, l1)?, slices::shared(g, l2)?, slices::shared(p, l3)?, &self.0);
            }
            (CpuStorage::F64(v), CpuStorage::F64(g), CpuStorage::F64(p)) => {
                run(slices::mutable(v, l1)?, slices::shared(g, l2)?, slices::shared(p, l3)?, &self.0);
            }
            _ => bail!("sgd works in f32 or f64, parameter and gradient the same"),
        }
        Ok(())
    }
}

impl InplaceOp3 for MoveParameter {
    fn name(&self) -> &'static str {
        "sgd-parameter"
    }

    fn cpu_fwd(
        &self,
        s1: &mut CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<()> {
        fn run<T: WithDType>(value: &mut [T], velocity: &[T], gradient: &[T], u: &Update) {
            let [keep, scale, decay] = [u.config.momentum, u.scale, u.config.weight_decay].map(T::from_f64);
            let rate = T::from_f64(u.rate);
            value.par_chunks_mut(CHUNK).zip(velocity.par_chunks(CHUNK).zip(gradient.par_chunks(CHUNK))).for_each(
                |(value, (velocity, gradient))| {
                    for (p, (v, g)) in value.iter_mut().zip(velocity.iter().zip(gradient)) {
                        let step = if u.config.nesterov { *g * scale + decay * *p + keep * *v } else { *v };
                        *p -= rate * step;
                    }
                },
            );
        }
        match (s1, s2, s3) {
            (CpuStorage::F32(p), CpuStorage::F32(v), CpuStorage::F32(g)) => {
                run(slices::mutable(p, l1)?, slices::shared(v, l2)?, slices::shared(g, l3)?, &self.0);
            }
            (CpuStorage::F64(p), CpuStorage::F64(v), CpuStorage::F64(g)) => {
                run(slices::mutable(p, l1)?, slices::shared(v, l2)?, slices::shared(g, l3)?, &self.0);
            }
            _ => bail!("sgd works in f32 or f64, parameter and velocity the same"),
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
    fn two_steps_by_hand() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 0);
        let p = parameters.add("p", &[1], Init::Constant(1.0)).unwrap();
        parameters.add("idle", &[2], Init::Constant(4.0)).unwrap();
        let config = SgdConfig { momentum: 0.5, nesterov: false, weight_decay: 0.1 };
        let mut sgd = Sgd::new(&parameters, config).unwrap();
        let mut step = |scale: f64| {
            let gradients = (&p * 2.0).unwrap().sum_all().unwrap().backward().unwrap();
            sgd.step(&parameters, &gradients, 0.5, scale).unwrap();
            p.to_vec1::<f64>().unwrap()[0]
        };
        // d = 2 + 0.1 · 1 = 2.1, v = 2.1, p = 1 − 1.05; then the gradient clipped to half: d = 1 − 0.005, v = 1.05 + 0.995
        assert!((step(1.0) - -0.05).abs() < 1e-15);
        assert!((step(0.5) - (-0.05 - 0.5 * 2.045)).abs() < 1e-15);
        // the idle one decays: 4 (1 − 0.05) = 3.8; v = 0.4, then 0.2 + 0.38: 3.8 − 0.29
        let idle = parameters.get("idle").unwrap().to_vec1::<f64>().unwrap();
        assert!((idle[0] - 3.51).abs() < 1e-14, "{idle:?}");
        assert!(Sgd::new(&parameters, SgdConfig { nesterov: true, ..SgdConfig::default() }).is_err());
    }

    #[test]
    fn whole_tensor_operations_do_the_same() {
        let gradient = Tensor::new(&[0.5f64, -2.0, 3.0], &Device::Cpu).unwrap();
        for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
            let config = SgdConfig { momentum, nesterov, weight_decay: 0.2 };
            let update = Update { config, scale: 0.7, rate: 0.1 };
            let path = |tensors: bool| {
                let variable = Var::new(&[1.0f64, 2.0, -3.0], &Device::Cpu).unwrap();
                let mut velocity = Tensor::new(&[0.1f64, 0.2, 0.3], &Device::Cpu).unwrap();
                for _ in 0..3 {
                    if tensors {
                        update.by_tensors(&variable, &mut velocity, &gradient).unwrap();
                    } else {
                        update.apply(&variable, &mut velocity, &gradient).unwrap();
                    }
                }
                [variable.to_vec1::<f64>().unwrap(), velocity.to_vec1::<f64>().unwrap()].concat()
            };
            for (a, b) in path(true).iter().zip(path(false)) {
                assert!((a - b).abs() < 1e-14, "{config:?}");
            }
        }
    }
}

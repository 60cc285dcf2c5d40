//! Adam and AdamW with a state that can be saved, one pass over memory for each parameter on the CPU.
//!
//! # Reference
//! Kingma and Ba (2015), Adam: a method for stochastic optimization. arXiv:1412.6980
//! Loshchilov and Hutter (2019), Decoupled weight decay regularization. arXiv:1711.05101

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, WithDType, bail};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::error::{NnError, NnResult};
use super::ops::slices;
use super::parameters::Parameters;

/// The constants of Adam.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// `true`: decay the weight directly (AdamW); `false`: add it to the gradient (L2).
    pub decoupled: bool,
}

impl Default for AdamConfig {
    fn default() -> AdamConfig {
        AdamConfig { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, decoupled: true }
    }
}

/// Adam over all parameters of a network. A parameter that gets no gradient is treated as having zeros.
#[derive(Clone, Debug)]
pub struct Adam {
    config: AdamConfig,
    steps: u64,
    /// By parameter: `[2, values]`, the mean of the gradient above the mean of its square.
    moments: BTreeMap<String, Tensor>,
}

impl Adam {
    /// An optimiser for these parameters.
    ///
    /// # Errors
    /// [`NnError::Argument`] where a constant is out of range; [`NnError::Tensor`] from the device.
    pub fn new(parameters: &Parameters, config: AdamConfig) -> NnResult<Adam> {
        let AdamConfig { beta1, beta2, epsilon, weight_decay, .. } = config;
        if !(0.0..1.0).contains(&beta1)
            || !(0.0..1.0).contains(&beta2)
            || epsilon.is_nan()
            || epsilon <= 0.0
            || weight_decay.is_nan()
            || weight_decay < 0.0
        {
            return Err(NnError::Argument(format!(
                "found beta1 {beta1}, beta2 {beta2}, epsilon {epsilon}, weight_decay {weight_decay}; \
                 wanted betas within 0..1, a positive epsilon and a decay of at least 0"
            )));
        }
        let moments = parameters
            .iter()
            .map(|(name, v)| Ok((name.to_string(), Tensor::zeros((2, v.elem_count()), v.dtype(), v.device())?)))
            .collect::<NnResult<_>>()?;
        Ok(Adam { config, steps: 0, moments })
    }

    /// One step at learning rate `rate`, with every gradient multiplied by `scale` first (clipping).
    ///
    /// # Errors
    /// [`NnError::Tensor`] from the device; [`NnError::Parameter`] where a parameter was added after
    /// [`Adam::new`].
    pub fn step(&mut self, parameters: &Parameters, gradients: &GradStore, rate: f64, scale: f64) -> NnResult<()> {
        self.steps += 1;
        let c = self.config;
        let update = Update {
            config: c,
            scale,
            rate,
            correction1: 1.0 - c.beta1.powf(self.steps as f64),
            correction2: 1.0 - c.beta2.powf(self.steps as f64),
        };
        for (name, variable) in parameters.iter() {
            let parameter = variable.as_tensor();
            let gradient = gradient_of(parameter, gradients)?;
            let moments = self.moments.get_mut(name).ok_or_else(|| unknown_parameter(name))?;
            if parameter.device().is_cpu() {
                moments.inplace_op3(&gradient, &parameter.detach(), &MoveMoments(update))?;
                parameter.inplace_op2(moments, &MoveParameter(update))?;
            } else {
                update.by_tensors(variable, moments, &gradient)?;
            }
        }
        Ok(())
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The moments by parameter name, `[2, values]` each, for a checkpoint.
    pub fn moments(&self) -> &BTreeMap<String, Tensor> {
        &self.moments
    }

    /// Puts a saved state back.
    ///
    /// # Errors
    /// [`NnError::Parameter`] where names or sizes differ from the present ones.
    pub fn restore(&mut self, moments: &BTreeMap<String, Tensor>, steps: u64) -> NnResult<()> {
        restore_moments(&mut self.moments, moments)?;
        self.steps = steps;
        Ok(())
    }
}

/// Puts saved moments in the place of an optimiser's own, which they must fit by name and shape.
pub(super) fn restore_moments(own: &mut BTreeMap<String, Tensor>, saved: &BTreeMap<String, Tensor>) -> NnResult<()> {
    for (name, own) in own {
        match saved.get(name) {
            Some(t) if t.dims() == own.dims() => *own = t.to_dtype(own.dtype())?.to_device(own.device())?.copy()?,
            _ => {
                return Err(NnError::Parameter { name: name.clone(), problem: "has no saved moments of its size".to_string() });
            }
        }
    }
    Ok(())
}

/// The gradient of a parameter, zeros where it got none.
pub(super) fn gradient_of(parameter: &Tensor, gradients: &GradStore) -> Result<Tensor> {
    match gradients.get(parameter) {
        Some(gradient) => gradient.detach().contiguous(),
        None => parameter.zeros_like(),
    }
}

/// The error for a parameter that was added after its optimiser.
pub(super) fn unknown_parameter(name: &str) -> NnError {
    NnError::Parameter { name: name.to_string(), problem: "is unknown to the optimiser; make it after the network".to_string() }
}

#[derive(Clone, Copy)]
struct Update {
    config: AdamConfig,
    scale: f64,
    rate: f64,
    correction1: f64,
    correction2: f64,
}

impl Update {
    /// The same arithmetic by whole-tensor operations, for other devices.
    fn by_tensors(&self, variable: &candle_core::Var, moments: &mut Tensor, gradient: &Tensor) -> NnResult<()> {
        let c = self.config;
        let value = variable.as_tensor().detach();
        let mut g = (gradient.flatten_all()? * self.scale)?;
        if !c.decoupled && c.weight_decay > 0.0 {
            g = (g + (value.flatten_all()? * c.weight_decay)?)?;
        }
        let mean = ((moments.get(0)? * c.beta1)? + (&g * (1.0 - c.beta1))?)?;
        let square = ((moments.get(1)? * c.beta2)? + (g.sqr()? * (1.0 - c.beta2))?)?;
        let root = ((&square / self.correction2)?.sqrt()? + c.epsilon)?;
        let step = ((&mean / self.correction1)? / root)?.reshape(value.shape())?;
        let kept = if c.decoupled { (&value * (1.0 - self.rate * c.weight_decay))? } else { value };
        variable.set(&(kept - (step * self.rate)?)?)?;
        *moments = Tensor::stack(&[mean, square], 0)?.detach();
        Ok(())
    }
}

struct MoveMoments(Update);
struct MoveParameter(Update);

const CHUNK: usize = 16_384;

impl InplaceOp3 for MoveMoments {
    fn name(&self) -> &'static str {
        "adam-moments"
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
        fn run<T: WithDType>(moments: &mut [T], gradient: &[T], value: &[T], u: &Update) {
            let c = u.config;
            let [b1, b2, a1, a2] = [c.beta1, c.beta2, 1.0 - c.beta1, 1.0 - c.beta2].map(T::from_f64);
            let scale = T::from_f64(u.scale);
            let decay = T::from_f64(if c.decoupled { 0.0 } else { c.weight_decay });
            let (mean, square) = moments.split_at_mut(gradient.len());
            mean.par_chunks_mut(CHUNK)
                .zip(square.par_chunks_mut(CHUNK))
                .zip(gradient.par_chunks(CHUNK).zip(value.par_chunks(CHUNK)))
                .for_each(|((mean, square), (gradient, value))| {
                    for ((m, s), (g, v)) in mean.iter_mut().zip(square).zip(gradient.iter().zip(value)) {
                        let g = *g * scale + decay * *v;
                        *m = b1 * *m + a1 * g;
                        *s = b2 * *s + a2 * g * g;
                    }
                });
        }
        match (s1, s2, s3) {
            (CpuStorage::F32(m), CpuStorage::F32(g), CpuStorage::F32(p)) => {
                run(slices::mutable(m, l1)?, slices::shared(g, l2)?, slices::shared(p, l3)?, &self.0);
            }
            (CpuStorage::F64(m), CpuStorage::F64(g), CpuStorage::F64(p)) => {
                run(slices::mutable(m, l1)?, slices::shared(g, l2)?, slices::shared(p, l3)?, &self.0);
            }
            _ => bail!(
                "adam works in f32 or f64, parameter and gradient the same; for bf16 keep f32 parameters and set the precision"
            ),
        }
        Ok(())
    }
}

impl InplaceOp2 for MoveParameter {
    fn name(&self) -> &'static str {
        "adam-parameter"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<()> {
        fn run<T: WithDType>(value: &mut [T], moments: &[T], u: &Update, root: impl Fn(T) -> T + Sync) {
            let c = u.config;
            let keep = T::from_f64(if c.decoupled { 1.0 - u.rate * c.weight_decay } else { 1.0 });
            let [rate, epsilon] = [u.rate / u.correction1, c.epsilon].map(T::from_f64);
            let square_factor = T::from_f64(1.0 / u.correction2.sqrt());
            let (mean, square) = moments.split_at(value.len());
            value.par_chunks_mut(CHUNK).zip(mean.par_chunks(CHUNK).zip(square.par_chunks(CHUNK))).for_each(
                |(value, (mean, square))| {
                    for (v, (m, s)) in value.iter_mut().zip(mean.iter().zip(square)) {
                        *v = *v * keep - rate * *m / (root(*s) * square_factor + epsilon);
                    }
                },
            );
        }
        match (s1, s2) {
            (CpuStorage::F32(p), CpuStorage::F32(m)) => {
                run(slices::mutable(p, l1)?, slices::shared(m, l2)?, &self.0, f32::sqrt);
            }
            (CpuStorage::F64(p), CpuStorage::F64(m)) => {
                run(slices::mutable(p, l1)?, slices::shared(m, l2)?, &self.0, f64::sqrt);
            }
            _ => bail!("adam works in f32 or f64, parameter and moments the same"),
        }
        Ok(())
    }
}

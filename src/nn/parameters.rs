//! The parameters of a network: an ordered map from full names (`body.0.conv1.weight`) to variables, and
//! beside them its buffers, which are kept and saved but not trained.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};

use super::error::{NnError, NnResult};
use crate::base::random::Random;

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Every value the same.
    Constant(f64),
    /// Normal with standard deviation `gain / sqrt(fan_in)`; `gain` is `sqrt(2)` before a rectifier.
    /// He et al. (2015), doi:10.1109/ICCV.2015.123.
    KaimingNormal {
        /// Factor for the activation that follows.
        gain: f64,
    },
    /// Uniform within `± 1 / sqrt(fan_in)`, PyTorch's default for weights.
    UniformFanIn,
    /// Uniform within `± bound`.
    Uniform {
        /// Largest absolute value.
        bound: f64,
    },
    /// Uniform within `± sqrt(6 / (fan_in + fan_out))`. Glorot and Bengio (2010).
    XavierUniform,
}

impl Init {
    /// The spread for a weight of this shape: the bound of a uniform, the standard deviation of a normal
    /// draw, the value itself of a constant.
    pub fn spread(self, shape: &[usize]) -> f64 {
        let (fan_in, fan_out) = fans(shape);
        match self {
            Init::Constant(value) => value,
            Init::KaimingNormal { gain } => gain / (fan_in as f64).sqrt(),
            Init::UniformFanIn => 1.0 / (fan_in as f64).sqrt(),
            Init::Uniform { bound } => bound,
            Init::XavierUniform => (6.0 / (fan_in + fan_out) as f64).sqrt(),
        }
    }

    fn draw(self, shape: &[usize], random: &mut Random) -> Vec<f64> {
        let spread = self.spread(shape);
        let mut one = || match self {
            Init::Constant(_) => spread,
            Init::KaimingNormal { .. } => spread * random.normal(),
            _ => random.uniform_in(-spread, spread),
        };
        (0..shape.iter().product::<usize>()).map(|_| one()).collect()
    }
}

/// `(fan_in, fan_out)` of a weight `[out, in, kernel...]`; at least 1.
fn fans(shape: &[usize]) -> (usize, usize) {
    let kernel: usize = shape.iter().skip(2).product();
    let size = |axis: usize| shape.get(axis).copied().unwrap_or(1);
    ((size(1) * kernel).max(1), (size(0) * kernel).max(1))
}

/// All values of one network, in the order of their names: what is trained, and the buffers.
#[derive(Clone, Debug)]
pub struct Parameters {
    device: Device,
    dtype: DType,
    seed: u64,
    shapes_only: bool,
    shapes: BTreeMap<String, Vec<usize>>,
    variables: BTreeMap<String, Var>,
    buffers: BTreeMap<String, Var>,
}

impl Parameters {
    /// No parameters yet. Each one added draws its start from `seed` and its own name, on the host, so the
    /// numbers are the same on any device and in any order of adding.
    pub fn new(device: &Device, dtype: DType, seed: u64) -> Parameters {
        Parameters {
            device: device.clone(),
            dtype,
            seed,
            shapes_only: false,
            shapes: BTreeMap::new(),
            variables: BTreeMap::new(),
            buffers: BTreeMap::new(),
        }
    }

    /// Names and shapes without values, to count a network that would fill the memory: each tensor that
    /// [`Parameters::add`] gives is one zero seen everywhere, so the network can be built, but has nothing to train.
    ///
    /// # Example
    /// ```
    /// use isotherm::nn::{Init, Parameters};
    /// let mut parameters = Parameters::shapes_only();
    /// parameters.add("giant", &[100_000, 100_000], Init::UniformFanIn).unwrap();
    /// assert_eq!(parameters.value_count(), 10_000_000_000);
    /// assert!(parameters.get("giant").is_none());
    /// ```
    pub fn shapes_only() -> Parameters {
        Parameters { shapes_only: true, ..Parameters::new(&Device::Cpu, DType::F32, 0) }
    }

    /// Adds a parameter and gives its tensor, which sees every later update.
    ///
    /// # Errors
    /// [`NnError::Parameter`] where the name is taken; [`NnError::Tensor`] from the device.
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device};
    /// use isotherm::nn::{Init, Parameters};
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// parameters.add("head.weight", &[8, 1, 3, 3], Init::KaimingNormal { gain: 1.0 }).unwrap();
    /// assert_eq!(parameters.value_count(), 72);
    /// assert!(parameters.add("head.weight", &[1], Init::Constant(0.0)).is_err());
    /// ```
    pub fn add(&mut self, name: impl Into<String>, shape: &[usize], init: Init) -> NnResult<Tensor> {
        let name = self.free(name.into())?;
        self.shapes.insert(name.clone(), shape.to_vec());
        if self.shapes_only {
            return Ok(Tensor::zeros(1, self.dtype, &self.device)?.broadcast_as(shape)?);
        }
        let variable = self.start(&name, shape, init)?;
        let tensor = variable.as_tensor().clone();
        self.variables.insert(name, variable);
        Ok(tensor)
    }

    /// Adds a buffer: a value that belongs to the network's state (a running mean, the vector of a power
    /// iteration), is saved and restored with it, and is changed by the network, not by an optimiser.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device};
    /// use isotherm::nn::{Init, Parameters};
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// let mean = parameters.add_buffer("norm.running_mean", &[8], Init::Constant(0.0)).unwrap();
    /// assert_eq!(mean.dims(), [8]);
    /// assert_eq!(parameters.value_count(), 0); // nothing to train
    /// assert_eq!(parameters.snapshot().unwrap().len(), 1); // but something to save
    /// ```
    pub fn add_buffer(&mut self, name: impl Into<String>, shape: &[usize], init: Init) -> NnResult<Var> {
        let name = self.free(name.into())?;
        let variable = self.start(&name, shape, init)?;
        self.buffers.insert(name, variable.clone());
        Ok(variable)
    }

    /// Adds a counter: a buffer of one f64 on the host, from 0, whatever the type and the device of the parameters are.
    ///
    /// # Errors
    /// As [`Parameters::add`].
    pub fn add_counter(&mut self, name: impl Into<String>) -> NnResult<Var> {
        let name = self.free(name.into())?;
        let variable = Var::zeros(1, DType::F64, &Device::Cpu)?;
        self.buffers.insert(name, variable.clone());
        Ok(variable)
    }

    fn free(&self, name: String) -> NnResult<String> {
        if self.shapes.contains_key(&name) || self.buffers.contains_key(&name) {
            return Err(NnError::Parameter { name, problem: "is there twice; each name is wanted once".to_string() });
        }
        Ok(name)
    }

    fn start(&self, name: &str, shape: &[usize], init: Init) -> NnResult<Var> {
        let values = init.draw(shape, &mut Random::new(self.seed, &format!("weights/{name}")));
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(self.dtype)?.to_device(&self.device)?;
        Ok(Var::from_tensor(&tensor)?)
    }

    /// Names and variables to train, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.variables.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    /// Names and buffers, in the order of the names.
    pub fn buffers(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.buffers.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    /// The trainable variable of this name.
    pub fn get(&self, name: &str) -> Option<&Var> {
        self.variables.get(name)
    }

    /// Number of parameters (tensors).
    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// Number of trainable values.
    pub fn value_count(&self) -> usize {
        self.shapes.values().map(|shape| shape.iter().product::<usize>()).sum()
    }

    /// Where they live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Their type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The seed of their start.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    fn all(&self) -> impl Iterator<Item = (&String, &Var)> {
        self.variables.iter().chain(&self.buffers)
    }

    /// A copy of all values, buffers included, which later updates do not change.
    ///
    /// # Errors
    /// [`NnError::Tensor`] from the device.
    pub fn snapshot(&self) -> NnResult<BTreeMap<String, Tensor>> {
        self.all().map(|(name, v)| Ok((name.clone(), v.as_tensor().copy()?.detach()))).collect()
    }

    /// Sets all values, buffers included, from `tensors`, which must hold exactly these names and shapes.
    ///
    /// # Errors
    /// [`NnError::Parameter`] names the first that is missing, unexpected or of another shape; then nothing
    /// has been changed.
    pub fn set(&self, tensors: &BTreeMap<String, Tensor>) -> NnResult<()> {
        let fail = |name: &str, problem: String| Err(NnError::Parameter { name: name.to_string(), problem });
        for (name, variable) in self.all() {
            match tensors.get(name) {
                None => return fail(name, "is missing; was the checkpoint made for another network?".to_string()),
                Some(t) if t.dims() != variable.dims() => {
                    return fail(name, format!("has shape {:?}, but the network wants {:?}", t.dims(), variable.dims()));
                }
                Some(_) => {}
            }
        }
        let known = |name: &String| self.variables.contains_key(name) || self.buffers.contains_key(name);
        if let Some(name) = tensors.keys().find(|name| !known(name)) {
            return fail(name, "is not part of the network; was the checkpoint made for another one?".to_string());
        }
        for (name, variable) in self.all() {
            variable.set(&tensors[name].to_dtype(variable.dtype())?.to_device(variable.device())?.contiguous()?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_depends_on_seed_and_name_alone() {
        let build = |names: [&str; 2]| {
            let mut p = Parameters::new(&Device::Cpu, DType::F32, 5);
            for name in names {
                p.add(name, &[4, 3, 3, 3], Init::XavierUniform).unwrap();
            }
            p.snapshot()
                .unwrap()
                .into_iter()
                .map(|(n, t)| (n, t.flatten_all().unwrap().to_vec1::<f32>().unwrap()))
                .collect::<Vec<_>>()
        };
        let (ab, ba) = (build(["a", "b"]), build(["b", "a"]));
        assert_eq!(ab, ba);
        assert_ne!(ab[0].1, ab[1].1);
        // fan_in 27, fan_out 36: bound sqrt(6/63) = 0.3086067
        assert!(ab[0].1.iter().all(|v| v.abs() <= 0.308_606_8));
    }

    #[test]
    fn setting_refuses_what_does_not_fit_and_changes_nothing() {
        let mut p = Parameters::new(&Device::Cpu, DType::F32, 5);
        p.add("a", &[2], Init::Constant(1.0)).unwrap();
        p.add("b", &[3], Init::Constant(1.0)).unwrap();
        let zeros = |n: usize| Tensor::zeros(n, DType::F32, &Device::Cpu).unwrap();
        let message = |pairs: Vec<(&str, usize)>| {
            let map = pairs.into_iter().map(|(n, s)| (n.to_string(), zeros(s))).collect();
            p.set(&map).unwrap_err().to_string()
        };
        assert!(message(vec![("a", 2)]).contains("'b': is missing"));
        assert!(message(vec![("a", 2), ("b", 4)]).contains("shape [4]"));
        assert!(message(vec![("a", 2), ("b", 3), ("c", 1)]).contains("'c': is not part"));
        assert_eq!(p.get("a").unwrap().to_vec1::<f32>().unwrap(), [1.0, 1.0]);
    }

    #[test]
    fn buffers_are_saved_but_not_trained() {
        let mut p = Parameters::new(&Device::Cpu, DType::F64, 5);
        p.add("a", &[2], Init::Constant(1.0)).unwrap();
        let buffer = p.add_buffer("mean", &[2], Init::Constant(0.0)).unwrap();
        assert!(p.add("mean", &[2], Init::Constant(0.0)).is_err() && p.add_buffer("a", &[2], Init::Constant(0.0)).is_err());
        assert_eq!((p.len(), p.value_count(), p.iter().count(), p.buffers().count()), (1, 2, 1, 1));
        let before = p.snapshot().unwrap();
        buffer.set(&Tensor::new(&[3.0f64, 4.0], &Device::Cpu).unwrap()).unwrap();
        assert_eq!(p.snapshot().unwrap()["mean"].to_vec1::<f64>().unwrap(), [3.0, 4.0]);
        p.set(&before).unwrap();
        assert_eq!(buffer.to_vec1::<f64>().unwrap(), [0.0, 0.0]);
    }

    #[test]
    fn shapes_alone_count_the_same() {
        let build = |mut p: Parameters| {
            let t = p.add("a", &[3, 2, 5], Init::UniformFanIn).unwrap();
            p.add("b", &[7], Init::Constant(1.0)).unwrap();
            (t.dims().to_vec(), p.len(), p.value_count(), p.add("a", &[1], Init::Constant(0.0)).is_err())
        };
        let full = build(Parameters::new(&Device::Cpu, DType::F32, 1));
        assert_eq!(full, (vec![3, 2, 5], 2, 37, true));
        assert_eq!(build(Parameters::shapes_only()), full);
    }
}

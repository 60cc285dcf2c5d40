//! Gated recurrent units, in layers.

use candle_core::{Result, Tensor, bail};

use crate::nn::ops::{add_bias, sigmoid, tanh};
use crate::nn::{Init, NnError, NnResult, Parameters};

/// A recurrent network with two gates.
///
/// # Formula
/// ```text
/// r = σ(W_r x + b_r + V_r h + d_r),   z = σ(W_z x + b_z + V_z h + d_z),   n = tanh(W_n x + b_n + r (V_n h + d_n))
/// h' = (1 - z) n + z h
/// ```
///
/// # Reference
/// Cho et al. (2014), Learning phrase representations using RNN encoder-decoder. doi:10.3115/v1/D14-1179
#[derive(Clone, Debug)]
pub(super) struct Gru {
    layers: Vec<Layer>,
    width: usize,
}

#[derive(Clone, Debug)]
struct Layer {
    from_input: Tensor,
    from_output: Tensor,
    input_bias: Tensor,
    output_bias: Tensor,
}

impl Gru {
    /// `layers` layers of `width` cells on inputs of the same width, with PyTorch's names, shapes (gates r, z, n) and start.
    pub fn new(parameters: &mut Parameters, name: &str, width: usize, layers: usize) -> NnResult<Gru> {
        if width == 0 || layers == 0 {
            return Err(NnError::Argument(format!("GRU of width {width}, {layers} layers; each must be at least 1")));
        }
        let init = Init::Uniform { bound: 1.0 / (width as f64).sqrt() };
        let layers = (0..layers)
            .map(|l| {
                let mut add = |part: &str, shape: &[usize]| parameters.add(format!("{name}.{part}_l{l}"), shape, init);
                Ok(Layer {
                    from_input: add("weight_ih", &[3 * width, width])?,
                    from_output: add("weight_hh", &[3 * width, width])?,
                    input_bias: add("bias_ih", &[3 * width])?,
                    output_bias: add("bias_hh", &[3 * width])?,
                })
            })
            .collect::<NnResult<Vec<_>>>()?;
        Ok(Gru { layers, width })
    }

    /// Inputs `[b, steps, width]` to the last layer's outputs `[b, steps, width]` and each layer's last output. Without
    /// `state` it starts from zeros.
    pub fn forward(&self, x: &Tensor, state: Option<&[Tensor]>) -> Result<(Tensor, Vec<Tensor>)> {
        let (b, steps, inputs) = x.dims3()?;
        let w = self.width;
        if inputs != w || steps == 0 || state.is_some_and(|s| s.len() != self.layers.len()) {
            bail!("GRU: input is {:?}; [b, steps, {w}] with at least one step and a state of each layer is wanted", x.dims());
        }
        let mut x = x.clone();
        let mut last = Vec::with_capacity(self.layers.len());
        for (l, layer) in self.layers.iter().enumerate() {
            let flat = x.reshape((b * steps, w))?.matmul(&layer.from_input.t()?)?;
            let inputs = add_bias(&flat, &layer.input_bias)?.reshape((b, steps, 3 * w))?;
            let mut h = match state {
                Some(state) => state[l].clone(),
                None => Tensor::zeros((b, w), x.dtype(), x.device())?,
            };
            let mut outputs = Vec::with_capacity(steps);
            for step in 0..steps {
                let i = inputs.narrow(1, step, 1)?.squeeze(1)?; // [b, 3 w]
                let o = add_bias(&h.matmul(&layer.from_output.t()?)?, &layer.output_bias)?;
                let gate = |t: &Tensor, k: usize| t.narrow(1, k * w, w)?.contiguous();
                let r = sigmoid(&(gate(&i, 0)? + gate(&o, 0)?)?)?;
                let z = sigmoid(&(gate(&i, 1)? + gate(&o, 1)?)?)?;
                let n = tanh(&(gate(&i, 2)? + (r * gate(&o, 2)?)?)?)?;
                h = (&n + (z * (h - &n)?)?)?;
                outputs.push(h.clone());
            }
            x = Tensor::stack(&outputs, 1)?; // [b, steps, w]
            last.push(h);
        }
        Ok((x, last))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::{DType, Device};

    use super::*;
    use crate::nn::gradient_check;

    fn t(v: &[f64], shape: &[usize]) -> Tensor {
        Tensor::from_vec(v.to_vec(), shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn one_cell_by_hand() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let gru = Gru::new(&mut parameters, "g", 1, 1).unwrap();
        parameters
            .set(&BTreeMap::from([
                ("g.weight_ih_l0".to_string(), t(&[1.0, -1.0, 2.0], &[3, 1])),
                ("g.weight_hh_l0".to_string(), t(&[0.5, 0.25, -1.0], &[3, 1])),
                ("g.bias_ih_l0".to_string(), t(&[0.0, 0.1, 0.0], &[3])),
                ("g.bias_hh_l0".to_string(), t(&[0.0, 0.0, 0.3], &[3])),
            ]))
            .unwrap();
        let s = |x: f64| 1.0 / (1.0 + (-x).exp());
        let step = |x: f64, h: f64| {
            let (r, z) = (s(x + 0.5 * h), s(0.1 - x + 0.25 * h));
            let n = (2.0 * x + r * (0.3 - h)).tanh();
            (1.0 - z) * n + z * h
        };
        let (outputs, last) = gru.forward(&t(&[0.7, -0.4], &[1, 2, 1]), None).unwrap();
        let got = outputs.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let first = step(0.7, 0.0);
        assert!((got[0] - first).abs() < 1e-14 && (got[1] - step(-0.4, first)).abs() < 1e-14, "{got:?}");
        // going on from a state is going on
        let (more, _) = gru.forward(&t(&[0.2], &[1, 1, 1]), Some(&last)).unwrap();
        let more = more.flatten_all().unwrap().to_vec1::<f64>().unwrap()[0];
        assert!((more - step(0.2, got[1])).abs() < 1e-14);
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 2);
        let gru = Gru::new(&mut parameters, "g", 3, 2).unwrap();
        let x: Vec<f64> = (0..24).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let report = gradient_check(&[t(&x, &[2, 4, 3])], |x| Ok(gru.forward(&x[0], None)?.0)).unwrap();
        assert!(report[0].within(1e-7) && report[0].largest_gradient > 1e-3, "{report:?}");
        // two layers of three gates: weights 2 · 9 · 3, biases 2 · 3 · 3
        assert_eq!(parameters.value_count(), 2 * (2 * 27 + 2 * 9));
        assert!(gru.forward(&t(&[0.0; 4], &[1, 2, 2]), None).is_err());
    }
}

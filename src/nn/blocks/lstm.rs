//! Long short-term memory, in layers.

use candle_core::{Result, Tensor, bail};

use crate::nn::error::{NnError, NnResult};
use crate::nn::layers::Dropout;
use crate::nn::ops::sigmoid;
use crate::nn::parameters::{Init, Parameters};
use crate::nn::precision::matrix_product;

/// What an [`Lstm`] remembers: for each layer its output and its cell, both `[b, width]`.
pub type LstmState = Vec<(Tensor, Tensor)>;

/// A recurrent network with gated cells.
///
/// # Formula
/// ```text
/// (i, f, g, o) = W x_t + b + V h_{t-1} + d
/// c_t = σ(f) c_{t-1} + σ(i) tanh(g),    h_t = σ(o) tanh(c_t)
/// ```
/// The four gates of all time steps come from one product with `W`, and those of one step from one product
/// with `V`. Each layer reads the outputs `h` of the one below, in training through a [`Dropout`] where one was asked for;
/// what a layer remembers passes none.
///
/// # Reference
/// Hochreiter and Schmidhuber (1997), Long short-term memory. doi:10.1162/neco.1997.9.8.1735; forget gates:
/// Gers et al. (2000), doi:10.1162/089976600300015015; dropout between layers: Zaremba et al. (2014), arXiv:1409.2329
#[derive(Clone, Debug)]
pub struct Lstm {
    layers: Vec<Layer>,
    /// Between one layer and the next.
    dropouts: Vec<Dropout>,
    inputs: usize,
    width: usize,
}

#[derive(Clone, Debug)]
struct Layer {
    from_input: Tensor,
    from_output: Tensor,
    input_bias: Tensor,
    output_bias: Tensor,
}

impl Lstm {
    /// `layers` layers of `width` cells. The parameters have PyTorch's names and shapes
    /// (`NAME.weight_ih_l0` `[4 width, inputs]`, ...) and start within `± 1 / sqrt(width)`. `dropout` is the rate between the
    /// layers.
    ///
    /// # Errors
    /// [`NnError::Argument`] where a size is 0 or the rate is out of range; as [`Parameters::add`].
    ///
    /// # Example
    /// ```
    /// use isotherm::candle_core::{DType, Device, Tensor};
    /// use isotherm::nn::Parameters;
    /// use isotherm::nn::blocks::Lstm;
    /// let mut parameters = Parameters::new(&Device::Cpu, DType::F32, 1);
    /// let lstm = Lstm::new(&mut parameters, "lstm", [3, 8], 2, 0.0).unwrap();
    /// let past = Tensor::zeros((1, 14, 3), DType::F32, &Device::Cpu).unwrap();
    /// let (outputs, state) = lstm.forward(&past, None, false).unwrap();
    /// assert_eq!(outputs.dims(), [1, 14, 8]);
    /// let (future, _) = lstm.forward(&past, Some(&state), false).unwrap(); // goes on from there
    /// assert_eq!(future.dims(), [1, 14, 8]);
    /// ```
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        [inputs, width]: [usize; 2],
        layers: usize,
        dropout: f64,
    ) -> NnResult<Lstm> {
        if inputs == 0 || width == 0 || layers == 0 {
            return Err(NnError::Argument(format!(
                "LSTM of {inputs} inputs, width {width}, {layers} layers; each must be at least 1"
            )));
        }
        let init = Init::Uniform { bound: 1.0 / (width as f64).sqrt() };
        let dropouts = (1..layers)
            .map(|l| Dropout::new(parameters, &format!("{name}.dropout_l{l}"), dropout))
            .collect::<NnResult<Vec<_>>>()?;
        let layers = (0..layers)
            .map(|l| {
                let below = if l == 0 { inputs } else { width };
                let mut add = |part: &str, shape: &[usize]| parameters.add(format!("{name}.{part}_l{l}"), shape, init);
                Ok(Layer {
                    from_input: add("weight_ih", &[4 * width, below])?,
                    from_output: add("weight_hh", &[4 * width, width])?,
                    input_bias: add("bias_ih", &[4 * width])?,
                    output_bias: add("bias_hh", &[4 * width])?,
                })
            })
            .collect::<NnResult<Vec<_>>>()?;
        Ok(Lstm { layers, dropouts, inputs, width })
    }

    /// Inputs `[b, steps, inputs]` to the last layer's outputs `[b, steps, width]` and the state after the
    /// last step. Without `state` it starts from zeros. Only in `training` is anything left out.
    ///
    /// # Errors
    /// A sentence where there is no step, or the inputs or the state have another shape.
    pub fn forward(&self, x: &Tensor, state: Option<&LstmState>, training: bool) -> Result<(Tensor, LstmState)> {
        let (b, steps, inputs) = x.dims3()?;
        if inputs != self.inputs || steps == 0 {
            bail!("LSTM: input is {:?}; [b, steps, {}] with at least one step is wanted", x.dims(), self.inputs);
        }
        if let Some(state) = state {
            let fits = |t: &Tensor| t.dims() == [b, self.width];
            if state.len() != self.layers.len() || !state.iter().all(|(h, c)| fits(h) && fits(c)) {
                bail!("LSTM: the state does not fit {} layers of [{b}, {}]", self.layers.len(), self.width);
            }
        }
        let (mut x, mut after) = (x.clone(), vec![]);
        for (l, layer) in self.layers.iter().enumerate() {
            let zeros = || Tensor::zeros((b, self.width), x.dtype(), x.device());
            let (output, cell) = match state {
                Some(state) => state[l].clone(),
                None => (zeros()?, zeros()?),
            };
            let (outputs, state) = layer.run(&x, output, cell)?; // [b, steps, width]
            x = match self.dropouts.get(l) {
                Some(dropout) => dropout.forward(&outputs, training)?,
                None => outputs,
            };
            after.push(state);
        }
        Ok((x, after))
    }
}

impl Layer {
    fn run(&self, x: &Tensor, mut output: Tensor, mut cell: Tensor) -> Result<(Tensor, (Tensor, Tensor))> {
        let (b, steps, inputs) = x.dims3()?;
        let width = output.dim(1)?;
        let bias = (&self.input_bias + &self.output_bias)?;
        let from_input = matrix_product(&x.reshape((b * steps, inputs))?, &self.from_input.t()?)? // [b steps, 4 width]
            .broadcast_add(&bias)?
            .reshape((b, steps, 4 * width))?;
        let from_output = self.from_output.t()?.contiguous()?;
        let mut outputs = Vec::with_capacity(steps);
        for step in 0..steps {
            let gates = (from_input.narrow(1, step, 1)?.squeeze(1)? + matrix_product(&output, &from_output)?)?; // [b, 4 width]
            let gate = |position: usize| gates.narrow(1, position * width, width);
            let kept = (sigmoid(&gate(1)?)? * &cell)?;
            cell = (kept + (sigmoid(&gate(0)?)? * gate(2)?.tanh()?)?)?; // [b, width]
            output = (sigmoid(&gate(3)?)? * cell.tanh()?)?; // [b, width]
            outputs.push(output.clone());
        }
        Ok((Tensor::stack(&outputs, 1)?, (output, cell)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::{DType, Device};

    use super::*;
    use crate::base::random::Random;

    #[test]
    fn one_cell_by_hand() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        let lstm = Lstm::new(&mut parameters, "l", [1, 1], 1, 0.0).unwrap();
        let t = |v: &[f64], shape: &[usize]| Tensor::from_vec(v.to_vec(), shape, &Device::Cpu).unwrap();
        parameters
            .set(&BTreeMap::from([
                ("l.weight_ih_l0".to_string(), t(&[1.0, 2.0, 0.5, -1.0], &[4, 1])),
                ("l.weight_hh_l0".to_string(), t(&[0.1, 0.2, 0.3, 0.4], &[4, 1])),
                ("l.bias_ih_l0".to_string(), t(&[0.0, 0.5, 0.0, 0.0], &[4])),
                ("l.bias_hh_l0".to_string(), t(&[0.0, 0.5, 0.0, 1.0], &[4])),
            ]))
            .unwrap();
        let s = |x: f64| 1.0 / (1.0 + (-x).exp());
        // Step 1, x = 1, h = c = 0: i 1, f 3, g 0.5, o 0. Step 2, x = -2: i -2 + .1 h, f -3 + .2 h, g -1 + .3 h, o 3 + .4 h.
        let c1 = s(1.0) * 0.5f64.tanh();
        let h1 = s(0.0) * c1.tanh();
        let c2 = s(-3.0 + 0.2 * h1) * c1 + s(-2.0 + 0.1 * h1) * (-1.0 + 0.3 * h1).tanh();
        let h2 = s(3.0 + 0.4 * h1) * c2.tanh();
        let (outputs, state) = lstm.forward(&t(&[1.0, -2.0], &[1, 2, 1]), None, true).unwrap();
        let outputs = outputs.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert!((outputs[0] - h1).abs() < 1e-15 && (outputs[1] - h2).abs() < 1e-15, "{outputs:?}");
        assert!((state[0].1.flatten_all().unwrap().to_vec1::<f64>().unwrap()[0] - c2).abs() < 1e-15);
    }

    #[test]
    fn going_on_from_a_state_is_one_run() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 3);
        let lstm = Lstm::new(&mut parameters, "l", [3, 4], 2, 0.0).unwrap();
        let mut random = Random::new(2, "x");
        let values: Vec<f64> = (0..2 * 7 * 3).map(|_| random.normal()).collect();
        let x = Tensor::from_vec(values, (2, 7, 3), &Device::Cpu).unwrap();
        let (whole, _) = lstm.forward(&x, None, false).unwrap();
        let (start, state) = lstm.forward(&x.narrow(1, 0, 4).unwrap(), None, false).unwrap();
        let (end, _) = lstm.forward(&x.narrow(1, 4, 3).unwrap(), Some(&state), false).unwrap();
        let parts = Tensor::cat(&[start, end], 1).unwrap();
        let error = (whole - parts).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
        assert!(error < 1e-15, "{error}");
        assert!(lstm.forward(&x.narrow(2, 0, 2).unwrap(), None, false).unwrap_err().to_string().contains("[b, steps, 3]"));
        assert!(lstm.forward(&x.narrow(0, 0, 1).unwrap(), Some(&state), false).unwrap_err().to_string().contains("does not fit"));
    }

    #[test]
    fn dropout_acts_between_layers_in_training_only() {
        let x = Tensor::ones((2, 5, 3), DType::F64, &Device::Cpu).unwrap();
        let run = |layers: usize, dropout: f64, training: bool| {
            let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 3);
            let lstm = Lstm::new(&mut parameters, "l", [3, 4], layers, dropout).unwrap();
            assert_eq!(parameters.value_count(), 16 * (3 + 4 + 2) + (layers - 1) * 16 * (4 + 4 + 2));
            let (y, state) = lstm.forward(&x, None, training).unwrap();
            (y.flatten_all().unwrap().to_vec1::<f64>().unwrap(), state[0].0.flatten_all().unwrap().to_vec1::<f64>().unwrap())
        };
        assert_eq!(run(2, 0.5, false), run(2, 0.0, true));
        assert_ne!(run(2, 0.5, true).0, run(2, 0.0, true).0);
        assert_eq!(run(2, 0.5, true).1, run(2, 0.0, true).1, "the first layer comes before it");
        assert_eq!(run(1, 0.5, true), run(1, 0.0, true), "one layer has nothing in between");
    }
}

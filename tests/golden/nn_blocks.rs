//! LSTM, Transformer and Swin layer against PyTorch in f64: outputs and the gradients of every input and parameter.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor, Var};
use isotherm::nn::Parameters;
use isotherm::nn::blocks::{Lstm, SwinConfig, SwinLayer, Transformer, TransformerConfig};
use serde_json::Value;

use super::support::{Case, Family, array};

fn tensor(value: &Value) -> Tensor {
    let a = array(value);
    Tensor::from_vec(a.data, a.shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap()
}

/// Gives `parameters` the case's weights, then checks `out` and the gradient of `sum(out * cos(flat index))` by each of them
/// and by each named input.
fn check(case: &Case<'_>, parameters: &Parameters, inputs: &[&str], f: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let weights = case.parameter("weights").as_object().expect("weights");
    let weights: BTreeMap<String, Tensor> = weights.iter().map(|(name, value)| (name.clone(), tensor(value))).collect();
    parameters.set(&weights).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let variables: Vec<Var> = inputs.iter().map(|name| Var::from_tensor(&tensor(case.input(name))).unwrap()).collect();
    let tensors: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
    let out = f(&tensors).unwrap().flatten_all().unwrap();
    case.check("out", &values(&out), case.expected("out"));
    let factors: Vec<f64> = (0..out.elem_count()).map(|i| (i as f64).cos()).collect();
    let score = (&out * Tensor::new(factors, &Device::Cpu).unwrap()).unwrap().sum_all().unwrap();
    let gradients = score.backward().unwrap();
    let named = parameters.iter().map(|(name, v)| (name, v.as_tensor()));
    for (name, leaf) in named.chain(inputs.iter().copied().zip(&tensors)) {
        let key = format!("grad.{name}");
        let gradient = gradients.get(leaf).unwrap_or_else(|| panic!("{}: {name} gets no gradient", case.name));
        case.check(&key, &values(gradient), case.expected(&key));
    }
    assert_eq!(case.unread(), Vec::<String>::new(), "{}: expected values that nothing was compared with", case.name);
}

#[test]
fn nn_blocks() {
    for case in Family::load("nn_blocks").cases() {
        let size = |key: &str| case.parameter(key).as_u64().expect("a size") as usize;
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 1);
        match case.name {
            "lstm/from_zeros" => {
                let inputs = array(case.input("x")).shape[2];
                let lstm = Lstm::new(&mut parameters, "lstm", [inputs, size("width")], size("layers"), 0.0).unwrap();
                check(&case, &parameters, &["x"], |t| Ok(lstm.forward(&t[0], None, true)?.0));
            }
            "lstm/from_state" => {
                let (inputs, layers) = (array(case.input("x")).shape[2], size("layers"));
                let lstm = Lstm::new(&mut parameters, "lstm", [inputs, size("width")], layers, 0.0).unwrap();
                check(&case, &parameters, &["x", "h", "c"], |t| {
                    let state = (0..layers).map(|l| Ok((t[1].get(l)?, t[2].get(l)?))).collect::<Result<_>>()?;
                    let (outputs, after) = lstm.forward(&t[0], Some(&state), true)?;
                    let of = |part: fn(&(Tensor, Tensor)) -> &Tensor| {
                        Tensor::stack(&after.iter().map(part).collect::<Vec<_>>(), 0)?.flatten_all()
                    };
                    Tensor::cat(&[outputs.flatten_all()?, of(|(h, _)| h)?, of(|(_, c)| c)?], 0)
                });
            }
            "transformer" => {
                let config = TransformerConfig {
                    width: size("width"),
                    heads: size("heads"),
                    encoder_layers: size("encoder_layers"),
                    decoder_layers: size("decoder_layers"),
                    hidden: size("hidden"),
                    dropout: 0.0,
                };
                let transformer = Transformer::new(&mut parameters, "t", &config).unwrap();
                check(&case, &parameters, &["source", "target"], |t| transformer.forward(&t[0], &t[1], true));
            }
            "swin" => {
                let config = SwinConfig {
                    width: size("width"),
                    head_width: size("head_width"),
                    window: size("window"),
                    depth: size("depth"),
                    widening: size("widening"),
                };
                let layer = SwinLayer::new(&mut parameters, "s", size("channels"), &config, size("groups")).unwrap();
                check(&case, &parameters, &["x"], |t| layer.forward(&t[0]));
            }
            name => panic!("golden case {name} is not covered"),
        }
    }
}

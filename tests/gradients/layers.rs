//! Layers: the gradient of their input and of their parameters.

use candle_core::{DType, Result, Tensor};
use isotherm::nn::layers::{
    BatchNorm, Convolution1d, Convolution3d, GroupNorm, InstanceNorm, LayerNorm, Linear, TransposedConvolution2d, default_bias,
};
use isotherm::nn::ops::{Convolution3dOptions, ConvolutionOptions, TransposedOptions};
use isotherm::nn::{Init, NnResult, Parameters};

use super::{check, device, normal};

/// Checks the gradient of the input, and that each parameter gets one.
fn check_layer<L>(
    name: &str,
    x: &[usize],
    build: impl Fn(&mut Parameters) -> NnResult<L>,
    forward: impl Fn(&L, &Tensor) -> Result<Tensor>,
) {
    let mut parameters = Parameters::new(&device(), DType::F64, 4);
    let layer = build(&mut parameters).unwrap();
    let x = normal(x, "x");
    check(name, std::slice::from_ref(&x), |t| forward(&layer, &t[0]));
    let y = forward(&layer, &x).unwrap();
    let gradients = (y.sqr().unwrap() * &y).unwrap().sum_all().unwrap().backward().unwrap();
    assert!(!parameters.is_empty());
    for (parameter, variable) in parameters.iter() {
        let gradient = gradients.get(variable.as_tensor()).unwrap_or_else(|| panic!("{name}: no gradient for {parameter}"));
        assert!(gradient.abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap() > 1e-6, "{name}: {parameter}");
    }
}

#[test]
fn each_layer() {
    let init = Init::UniformFanIn;
    let bias = |shape: &[usize]| Some(default_bias(shape));
    let options = ConvolutionOptions::same(3);
    check_layer(
        "Convolution1d",
        &[2, 2, 4],
        |p| Convolution1d::new(p, "c", [3, 2], 3, options, init, bias(&[3, 2, 3])),
        Convolution1d::forward,
    );
    let options = Convolution3dOptions::same([1, 3, 3]);
    check_layer(
        "Convolution3d",
        &[1, 2, 2, 3, 2],
        |p| Convolution3d::new(p, "c", [2, 2], [1, 3, 3], options, init, bias(&[2, 2, 1, 3, 3])),
        Convolution3d::forward,
    );
    let options = TransposedOptions { stride: 2, ..TransposedOptions::default() };
    check_layer(
        "TransposedConvolution2d",
        &[2, 2, 2, 2],
        |p| TransposedConvolution2d::new(p, "c", [3, 2], 2, options, init, bias(&[2, 3, 2, 2])),
        TransposedConvolution2d::forward,
    );
    check_layer("Linear", &[2, 3, 4], |p| Linear::new(p, "l", [2, 4], init, bias(&[2, 4])), Linear::forward);
    check_layer("Linear on rows", &[3, 4], |p| Linear::new(p, "l", [2, 4], init, None), Linear::forward);
    check_layer("GroupNorm", &[2, 4, 3], |p| GroupNorm::new(p, "n", 4, 2, 1e-5), GroupNorm::forward);
    check_layer("LayerNorm", &[2, 3, 4], |p| LayerNorm::new(p, "n", 4, 1e-5), LayerNorm::forward);
    check_layer("InstanceNorm", &[2, 2, 5], |p| InstanceNorm::new(p, "n", 2, 1e-5), InstanceNorm::forward);
    for training in [true, false] {
        check_layer("BatchNorm", &[3, 2, 2], |p| BatchNorm::new(p, "n", 2, 1e-5, 0.1), |layer, x| layer.forward(x, training));
    }
}

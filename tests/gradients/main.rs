//! Every operation and block against central finite differences in f64, first and second derivative.
//!
//! On the CPU, or on the device that the environment names: `ISOTHERM_TEST_DEVICE=cuda` (the first card) or `cuda:1`.

mod adversarial;
mod attention;
mod convolution;
mod device;
mod layers;
mod normalisation;
mod resampling;

use candle_core::{DType, Result, Tensor};
use isotherm::base::random::Random;
use isotherm::nn::ops::{
    ConvolutionOptions, Loss, add_bias, channel_product, gelu, gelu_tanh, leaky_relu, masked_loss, pixel_shuffle,
    pixel_unshuffle, relu, scale_channels, sigmoid, silu, softplus, tanh,
};
use isotherm::nn::{Parameters, gradient_check};

use device::device;

/// Central differences with step 1e-5 are good to about 1e-9 for values of order one; a wrong factor
/// or a missing term is off by order one.
const TOLERANCE: f64 = 1e-7;

fn normal(shape: &[usize], name: &str) -> Tensor {
    let mut random = Random::new(11, name);
    let count = shape.iter().product();
    Tensor::from_vec((0..count).map(|_| random.normal()).collect::<Vec<f64>>(), shape, &device()).unwrap()
}

/// The axes in reverse order: a view, not contiguous where there are two of them or more.
fn turned(x: &Tensor) -> Tensor {
    x.permute((0..x.rank()).rev().collect::<Vec<_>>()).unwrap()
}

/// Checks `f`, `f` of views that are not contiguous, and the gradient of `sum(f³)` with respect to each
/// input as a function of all inputs.
fn check(name: &str, inputs: &[Tensor], f: impl Fn(&[Tensor]) -> Result<Tensor>) {
    for (i, report) in gradient_check(inputs, &f).unwrap_or_else(|e| panic!("{name}: {e}")).iter().enumerate() {
        assert!(report.within(TOLERANCE), "{name}, input {i}: {report:?}");
        assert!(report.largest_gradient > 1e-3, "{name}, input {i}: the check saw no gradient");
    }
    let views: Vec<Tensor> = inputs.iter().map(|x| turned(x).contiguous().unwrap()).collect();
    let of_views = |x: &[Tensor]| f(&x.iter().map(turned).collect::<Vec<_>>());
    let difference = (f(inputs).unwrap() - of_views(&views).unwrap()).unwrap().abs().unwrap().max_all().unwrap();
    assert!(difference.to_scalar::<f64>().unwrap() < 1e-12, "{name}: another value for a view of the same numbers");
    for (i, report) in gradient_check(&views, of_views).unwrap_or_else(|e| panic!("{name}: {e}")).iter().enumerate() {
        assert!(report.within(TOLERANCE), "{name}, view of input {i}: {report:?}");
    }
    for taken in 0..inputs.len() {
        let second = gradient_check(inputs, |x| {
            let y = f(x)?;
            let gradients = ((&y * &y)? * &y)?.sum_all()?.backward()?;
            gradients.get(&x[taken]).cloned().ok_or_else(|| candle_core::Error::Msg("no gradient".to_string()))
        });
        for (i, report) in second.unwrap_or_else(|e| panic!("{name}, second order: {e}")).iter().enumerate() {
            assert!(report.within(1e-5), "{name}, derivative by input {i} of the gradient of input {taken}: {report:?}");
        }
    }
}

#[test]
fn bias_and_activations() {
    let x = || normal(&[2, 3, 2, 2], "x");
    check("add_bias", &[x(), normal(&[3], "b")], |t| add_bias(&t[0], &t[1]));
    check("silu", &[x()], |t| silu(&t[0]));
    check("relu", &[x()], |t| relu(&t[0]));
    check("leaky_relu", &[x()], |t| leaky_relu(&t[0], 0.2));
    check("gelu", &[x()], |t| gelu(&t[0]));
    check("gelu_tanh", &[x()], |t| gelu_tanh(&t[0]));
    check("sigmoid", &[x()], |t| sigmoid(&t[0]));
    check("tanh", &[x()], |t| tanh(&t[0]));
    check("softplus", &[x()], |t| softplus(&t[0]));
    check("scale_channels", &[x(), normal(&[3], "s")], |t| scale_channels(&t[0], &t[1]));
    check("channel_product", &[x(), normal(&[2, 3, 2, 2], "y")], |t| channel_product(&t[0], &t[1]));
}

#[test]
fn shuffles() {
    check("pixel_shuffle", &[normal(&[1, 8, 2, 2], "x")], |t| pixel_shuffle(&t[0], 2));
    check("pixel_unshuffle", &[normal(&[1, 1, 4, 6], "x")], |t| pixel_unshuffle(&t[0], 2));
}

#[test]
fn losses() {
    let weight = Tensor::new(&[1.0f64, 0.0, 2.0, 0.5], &device()).unwrap();
    for loss in [Loss::MeanSquare, Loss::MeanAbsolute, Loss::Charbonnier { epsilon: 0.1 }] {
        let (p, t) = (normal(&[4], "p"), normal(&[4], "t"));
        check(&format!("{loss:?}"), &[p, t], |x| masked_loss(loss, &x[0], &x[1], Some(&weight)));
    }
}

#[test]
fn parameters_get_their_gradients_through_a_convolution_block() {
    use isotherm::nn::{Convolution2d, Init};
    let x = normal(&[1, 1, 4, 4], "x");
    check("residual block", &[x], |t| {
        // f64 parameters of a fixed seed: the block is a fixed function of its input.
        let mut parameters = Parameters::new(&device(), DType::F64, 4);
        let mut layer = |name: &str, channels| {
            Convolution2d::new(&mut parameters, name, channels, 3, ConvolutionOptions::same(3), Init::XavierUniform)
                .map_err(|e| candle_core::Error::Msg(e.to_string()))
        };
        let (first, second) = (layer("first", [2, 1])?, layer("second", [1, 2])?);
        &t[0] + second.forward(&silu(&first.forward(&t[0])?)?)?
    });
}

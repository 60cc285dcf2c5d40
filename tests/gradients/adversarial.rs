//! Losses of critics, the gradient penalty, spectral normalisation, waves of time.

use candle_core::{Result, Tensor};
use isotherm::nn::gradient_check;
use isotherm::nn::ops::{
    ConvolutionOptions, add_bias, bce_with_logits, conv2d, gradient_penalty, group_norm, hinge_critic, hinge_generator,
    leaky_relu, max_pool2d, silu, spectral_norm, timestep_embedding, wasserstein_critic,
};

use super::{check, device, normal};

/// Set for the process in which gradients of gradients are cut.
const CUT: &str = "ISOTHERM_TEST_CUT_GRADIENTS";

#[test]
fn losses() {
    let inputs = [normal(&[3, 2], "real"), normal(&[3, 2], "fake")];
    let labels = Tensor::new(&[[0.0, 1.0], [1.0, 0.9], [0.2, 0.0]], &device()).unwrap();
    check("bce_with_logits", &inputs[..1], |t| bce_with_logits(&t[0], &labels));
    check("hinge_critic", &inputs, |t| hinge_critic(&t[0], &t[1]));
    check("hinge_generator", &inputs[..1], |t| hinge_generator(&t[0]));
    check("wasserstein_critic", &inputs, |t| wasserstein_critic(&t[0], &t[1]));
}

#[test]
fn spectral_normalisation_keeps_its_vectors_fixed() {
    // As PyTorch: u and v are constants. With the vectors converged the gradient is the true one.
    let weight = normal(&[3, 2, 2, 2], "weight");
    let mut u = Tensor::new(&[0.3, -0.5, 0.8], &device()).unwrap();
    spectral_norm(&weight, &mut u, 400).unwrap();
    let report = gradient_check(&[weight], |t| spectral_norm(&t[0], &mut u.clone(), 0)).unwrap();
    assert!(report[0].within(1e-7), "{report:?}");
}

#[test]
fn waves_of_time() {
    check("timestep_embedding", &[normal(&[4], "t")], |t| timestep_embedding(&t[0], 5));
}

/// A critic of the operations that critics are made of, with tensors between them that are no variables.
fn critic(x: &Tensor, t: &[Tensor]) -> Result<Tensor> {
    let strided = ConvolutionOptions { stride: 2, padding: 1, ..ConvolutionOptions::default() };
    let x = leaky_relu(&add_bias(&conv2d(x, &t[0], ConvolutionOptions::same(3))?, &t[1])?, 0.2)?;
    let x = leaky_relu(&group_norm(&x, 1, Some(&t[2]), None, 1e-5)?, 0.2)?;
    let x = silu(&conv2d(&x, &t[3], strided)?)?;
    max_pool2d(&x, [2, 2], [1, 1], [0, 0])?.mean((1, 2, 3))
}

fn critic_inputs() -> [Tensor; 4] {
    [normal(&[2, 1, 3, 3], "first"), normal(&[2], "bias"), normal(&[2], "gain"), normal(&[2, 2, 3, 3], "second")]
}

#[test]
fn the_gradient_penalty_of_a_deep_critic() {
    let samples = normal(&[2, 1, 4, 4], "samples");
    let penalty = |t: &[Tensor]| gradient_penalty(|x| critic(x, t), &samples);
    for (i, report) in gradient_check(&critic_inputs(), penalty).unwrap().iter().enumerate().filter(|(i, _)| *i != 1) {
        assert!(report.within(1e-6) && report.largest_gradient > 1e-4, "parameter {i}: {report:?}");
    }
}

#[test]
fn a_penalty_without_second_derivatives_is_refused() {
    let samples = normal(&[2, 1, 4, 4], "samples");
    let penalty = || gradient_penalty(|x| critic(x, &critic_inputs()), &samples);
    if std::env::var_os(CUT).is_some() {
        // The second process: only here, where candle has never read its setting.
        let error = penalty().unwrap_err().to_string();
        assert!(error.contains("CANDLE_GRAD_DO_NOT_DETACH=1"), "{error}");
        return;
    }
    assert!(penalty().is_ok());
    let name = std::thread::current().name().unwrap().to_string();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([&name, "--exact"])
        .env_remove("CANDLE_GRAD_DO_NOT_DETACH")
        .env(CUT, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

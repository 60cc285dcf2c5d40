//! Losses of critics and generators, and the gradient penalty.

use candle_core::{Result, Tensor, Var, bail};

use super::activation::{relu, softplus};
use crate::nn::derivative::gradients_of_one;
use crate::nn::second_order_gradients_work;

/// Added to the square of a gradient's length: its root has no derivative at 0.
const SMALLEST_SQUARE: f64 = 1e-12;

/// Binary cross-entropy of `logits` with `labels` from 0 to 1, the mean of all: `ln(1 + exp(x)) - x y`,
/// without overflow.
///
/// # Errors
/// A sentence where the shapes differ or there is no value.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let t = |v: f64| Tensor::new(&[v], &Device::Cpu).unwrap();
/// let loss = isotherm::nn::ops::bce_with_logits(&t(0.0), &t(1.0)).unwrap().to_scalar::<f64>().unwrap();
/// assert!((loss - 2f64.ln()).abs() < 1e-15);
/// ```
pub fn bce_with_logits(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    if logits.dims() != labels.dims() || logits.elem_count() == 0 {
        bail!("bce_with_logits: logits {:?}, labels {:?}; the same shape with a value is wanted", logits.dims(), labels.dims());
    }
    (softplus(logits)? - (logits * labels)?)?.mean_all()
}

/// The critic's hinge loss: `mean(max(0, 1 - real)) + mean(max(0, 1 + fake))`. Lim and Ye (2017),
/// doi:10.48550/arXiv.1705.02894.
///
/// # Errors
/// A sentence where there is no value.
pub fn hinge_critic(real: &Tensor, fake: &Tensor) -> Result<Tensor> {
    relu(&real.affine(-1.0, 1.0)?)?.mean_all()? + relu(&(fake + 1.0)?)?.mean_all()?
}

/// The generator's part of the hinge loss: `-mean(fake)`.
///
/// # Errors
/// What candle gives.
pub fn hinge_generator(fake: &Tensor) -> Result<Tensor> {
    fake.mean_all()?.neg()
}

/// The critic's Wasserstein loss: `mean(fake) - mean(real)`. Arjovsky et al. (2017),
/// doi:10.48550/arXiv.1701.07875.
///
/// # Errors
/// What candle gives.
pub fn wasserstein_critic(real: &Tensor, fake: &Tensor) -> Result<Tensor> {
    fake.mean_all()? - real.mean_all()?
}

/// The generator's part of the Wasserstein loss: `-mean(fake)`.
///
/// # Errors
/// What candle gives.
pub fn wasserstein_generator(fake: &Tensor) -> Result<Tensor> {
    fake.mean_all()?.neg()
}

/// Places between real and generated samples: `share · real + (1 - share) · fake`, one share for each sample
/// (`[b]`, from 0 to 1), detached.
///
/// # Errors
/// A sentence where shapes do not fit.
pub fn interpolate_samples(real: &Tensor, fake: &Tensor, share: &Tensor) -> Result<Tensor> {
    let Some(&batch) = real.dims().first().filter(|_| real.dims() == fake.dims() && real.dims()[..1] == *share.dims()) else {
        bail!(
            "interpolate_samples: real {:?}, fake {:?}, shares {:?}; equal shapes [b, ...] and [b] are wanted",
            real.dims(),
            fake.dims(),
            share.dims()
        );
    };
    let mut shape = vec![1; real.rank()];
    shape[0] = batch;
    let share = share.reshape(shape)?;
    Ok((real.broadcast_mul(&share)? + fake.broadcast_mul(&share.affine(-1.0, 1.0)?)?)?.detach())
}

/// The gradient penalty of a critic: the mean over samples of `(|∂critic/∂x| - 1)²` at `interpolates` `[b, ...]`,
/// itself differentiable in the critic's parameters.
///
/// The critic must not mix the samples of a batch (no batch normalisation).
///
/// # Errors
/// A sentence where gradients of gradients are cut in this process (see
/// [`crate::nn::second_order_gradients_work`]), for then the penalty would teach the critic nothing without a word; or where
/// the critic does not depend on its input.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[3f64, 4.0]], &Device::Cpu).unwrap();
/// // critic x² / 2: its gradient is x, of length 5, and (5 - 1)² = 16
/// let penalty = isotherm::nn::ops::gradient_penalty(|x| x.sqr()? * 0.5, &x).unwrap();
/// assert!((penalty.to_scalar::<f64>().unwrap() - 16.0).abs() < 1e-9);
/// ```
///
/// # Reference
/// Gulrajani et al. (2017), Improved training of Wasserstein GANs. doi:10.48550/arXiv.1704.00028
pub fn gradient_penalty(critic: impl Fn(&Tensor) -> Result<Tensor>, interpolates: &Tensor) -> Result<Tensor> {
    if interpolates.rank() == 0 || interpolates.elem_count() == 0 {
        bail!("gradient_penalty: samples are {:?}; [b, ...] with at least one value is wanted", interpolates.dims());
    }
    match second_order_gradients_work(interpolates.device()) {
        Ok(true) => {}
        Ok(false) => bail!(
            "gradient_penalty: gradients of gradients are cut in this process; set CANDLE_GRAD_DO_NOT_DETACH=1 before its start"
        ),
        Err(error) => bail!("gradient_penalty: {error}"),
    }
    let x = Var::from_tensor(&interpolates.detach())?;
    let gradients = gradients_of_one(&critic(x.as_tensor())?.sum_all()?, x.as_tensor())?;
    let Some(gradient) = gradients.get(x.as_tensor()) else {
        bail!("gradient_penalty: the critic does not depend on its input, or cuts the graph");
    };
    let squares = gradient.sqr()?.reshape((interpolates.dims()[0], ()))?.sum(1)?;
    ((squares + SMALLEST_SQUARE)?.sqrt()? - 1.0)?.sqr()?.mean_all()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn row(values: [f64; 2]) -> Tensor {
        Tensor::new(&values, &Device::Cpu).unwrap()
    }

    fn number(t: Result<Tensor>) -> f64 {
        t.unwrap().to_scalar::<f64>().unwrap()
    }

    #[test]
    fn losses_by_hand() {
        // real 0.5, 2 and fake -3, 1: (0.5 + 0) / 2 + (0 + 2) / 2
        let (real, fake) = (row([0.5, 2.0]), row([-3.0, 1.0]));
        assert_eq!(number(hinge_critic(&real, &fake)), 1.25);
        assert_eq!(number(hinge_generator(&fake)), 1.0);
        assert_eq!(number(wasserstein_critic(&real, &fake)), -2.25);
        assert_eq!(number(wasserstein_generator(&fake)), 1.0);
        assert!((number(bce_with_logits(&row([800.0, -800.0]), &row([0.0, 1.0]))) - 800.0).abs() < 1e-12);
        assert!(bce_with_logits(&real, &row([0.0, 1.0]).unsqueeze(0).unwrap()).is_err());
    }

    #[test]
    fn places_between() {
        let (real, fake) = (row([1.0, 2.0]).unsqueeze(1).unwrap(), row([3.0, 6.0]).unsqueeze(1).unwrap());
        let between = interpolate_samples(&real, &fake, &row([0.5, 0.25])).unwrap();
        assert_eq!(between.to_vec2::<f64>().unwrap(), [[2.0], [5.0]]);
        assert!(interpolate_samples(&real, &fake, &real).is_err());
    }

    #[test]
    fn a_critic_that_does_not_look_is_refused() {
        let x = row([1.0, 2.0]).unsqueeze(0).unwrap();
        let error = gradient_penalty(|x| Ok(x.detach()), &x).unwrap_err().to_string();
        assert!(error.contains("does not depend"), "{error}");
        // a flat critic: (0 - 1)²
        assert!((number(gradient_penalty(|x| x * x.zeros_like()?, &x)) - 1.0).abs() < 1e-5);
    }
}

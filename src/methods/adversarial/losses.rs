//! The adversarial losses of critic and generator.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::ops::bce_with_logits;

/// How logits of real and generated fields become losses; all are binary cross-entropies `H`.
///
/// # Formula
/// ```text
/// plain:         critic  H(r, 1) + H(f, 0)                  generator  H(f, 1)
/// relativistic:  critic  (H(r - f̄, 1) + H(f - r̄, 0)) / 2    generator  (H(r - f̄, 0) + H(f - r̄, 1)) / 2
/// ```
/// where `r` and `f` are the logits of real and generated fields and a bar is the mean over the batch. The relativistic
/// critic says how much more real the one looks than the other.
///
/// # Reference
/// Jolicoeur-Martineau (2018), The relativistic discriminator. doi:10.48550/arXiv.1807.00734
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdversarialLoss {
    /// Real or not, each by itself.
    Plain,
    /// More real than the others' mean, or less.
    Relativistic,
}

/// Cross-entropy with the same label everywhere.
fn entropy(logits: &Tensor, real: bool) -> Result<Tensor> {
    let labels = if real { logits.ones_like()? } else { logits.zeros_like()? };
    bce_with_logits(logits, &labels)
}

/// Each side's logits less the other side's mean.
fn relative(real: &Tensor, fake: &Tensor) -> Result<[Tensor; 2]> {
    Ok([real.broadcast_sub(&fake.mean_all()?)?, fake.broadcast_sub(&real.mean_all()?)?])
}

impl AdversarialLoss {
    /// What the critic makes small.
    ///
    /// # Errors
    /// A sentence where there is no logit.
    pub fn critic(self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        match self {
            AdversarialLoss::Plain => entropy(real, true)? + entropy(fake, false)?,
            AdversarialLoss::Relativistic => {
                let [real, fake] = relative(real, fake)?;
                (entropy(&real, true)? + entropy(&fake, false)?)? * 0.5
            }
        }
    }

    /// What the generator makes small.
    ///
    /// # Errors
    /// As [`AdversarialLoss::critic`].
    pub fn generator(self, real: &Tensor, fake: &Tensor) -> Result<Tensor> {
        match self {
            AdversarialLoss::Plain => entropy(fake, true),
            AdversarialLoss::Relativistic => {
                let [real, fake] = relative(real, fake)?;
                (entropy(&real, false)? + entropy(&fake, true)?)? * 0.5
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::nn::gradient_check;

    #[test]
    fn losses_by_hand() {
        let t = |values: &[f64]| Tensor::new(values, &Device::Cpu).unwrap();
        let number = |t: Result<Tensor>| t.unwrap().to_scalar::<f64>().unwrap();
        // H(x, 1) = ln(1 + e^-x), H(x, 0) = ln(1 + e^x)
        let (one, zero) = (|x: f64| (-x).exp().ln_1p(), |x: f64| x.exp().ln_1p());
        let (real, fake) = (t(&[2.0, 0.0]), t(&[-1.0, 0.5]));
        let plain = AdversarialLoss::Plain;
        assert!((number(plain.critic(&real, &fake)) - (one(2.0) + one(0.0) + zero(-1.0) + zero(0.5)) / 2.0).abs() < 1e-12);
        assert!((number(plain.generator(&real, &fake)) - (one(-1.0) + one(0.5)) / 2.0).abs() < 1e-12);
        // means: real 1, fake -0.25
        let relativistic = AdversarialLoss::Relativistic;
        let critic = (one(2.25) + one(0.25) + zero(-2.0) + zero(-0.5)) / 4.0;
        assert!((number(relativistic.critic(&real, &fake)) - critic).abs() < 1e-12);
        let generator = (zero(2.25) + zero(0.25) + one(-2.0) + one(-0.5)) / 4.0;
        assert!((number(relativistic.generator(&real, &fake)) - generator).abs() < 1e-12);
    }

    #[test]
    fn gradients_are_right_on_both_sides() {
        let t = |values: [f64; 4]| Tensor::new(&values, &Device::Cpu).unwrap();
        let inputs = [t([2.0, 0.3, -0.7, 1.1]), t([-1.0, 0.5, 0.2, -2.0])];
        for loss in [AdversarialLoss::Plain, AdversarialLoss::Relativistic] {
            for report in gradient_check(&inputs, |x| loss.critic(&x[0], &x[1])).unwrap() {
                assert!(report.within(1e-8) && report.largest_gradient > 1e-3, "{loss:?} {report:?}");
            }
        }
        let relativistic = AdversarialLoss::Relativistic;
        for report in gradient_check(&inputs, |x| relativistic.generator(&x[0], &x[1])).unwrap() {
            assert!(report.within(1e-8) && report.largest_gradient > 1e-3, "{report:?}");
        }
    }
}

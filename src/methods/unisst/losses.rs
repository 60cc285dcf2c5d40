//! The adversarial losses as the published program takes them: half the critics' hinge loss, and a hinge for the generator too.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::ops::{hinge_critic, hinge_generator, relu};

/// How the generator is told what the critics think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeneratorLoss {
    /// `mean(max(0, 1 - D))`, as published: who is believed already learns nothing more.
    Hinge,
    /// `-mean(D)`, as is usual with a critic's hinge.
    Mean,
}

impl GeneratorLoss {
    /// Of the logits that a critic gives to what was made.
    ///
    /// # Errors
    /// A sentence where there is no value.
    pub fn of(self, logits: &Tensor) -> Result<Tensor> {
        match self {
            GeneratorLoss::Hinge => relu(&logits.affine(-1.0, 1.0)?)?.mean_all(),
            GeneratorLoss::Mean => hinge_generator(logits),
        }
    }
}

/// `(mean(max(0, 1 - real)) + mean(max(0, 1 + made))) / 2` of one critic.
///
/// # Errors
/// A sentence where there is no value.
pub fn critic_loss(real: &Tensor, made: &Tensor) -> Result<Tensor> {
    hinge_critic(real, made)? * 0.5
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
        let (real, made) = (t(&[2.0, 0.5]), t(&[-3.0, 0.25]));
        // real: 0 and 0.5; made: 0 and 1.25; half of the sum of the means
        assert!((number(critic_loss(&real, &made)) - 0.5 * (0.25 + 0.625)).abs() < 1e-12);
        // 4 and 0.75
        assert!((number(GeneratorLoss::Hinge.of(&made)) - 2.375).abs() < 1e-12);
        assert!((number(GeneratorLoss::Mean.of(&made)) - 1.375).abs() < 1e-12);
    }

    #[test]
    fn gradients_are_right() {
        let t = |values: [f64; 3]| Tensor::new(&values, &Device::Cpu).unwrap();
        let inputs = [t([2.0, 0.3, -0.7]), t([-1.5, 0.5, 0.2])];
        for report in gradient_check(&inputs, |x| critic_loss(&x[0], &x[1])).unwrap() {
            assert!(report.within(1e-8) && report.largest_gradient > 1e-3, "{report:?}");
        }
        for loss in [GeneratorLoss::Hinge, GeneratorLoss::Mean] {
            for report in gradient_check(&inputs[1..], |x| loss.of(&x[0])).unwrap() {
                assert!(report.within(1e-8) && report.largest_gradient > 1e-3, "{report:?}");
            }
        }
    }
}

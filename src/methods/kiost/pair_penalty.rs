//! The gradient penalty of a critic of pairs.

use candle_core::{Result, Tensor};

use crate::nn::ops::{gradient_penalty, interpolate_samples};

/// The gradient penalty over fine day and coarse week together: at places between true and generated days, the length of the
/// gradient with regard to both is to be 1.
///
/// # Formula
/// ```text
/// mean over samples of (‖(∂D/∂y, ∂D/∂x)‖ - 1)²   at   y = η true + (1 - η) generated
/// ```
/// `η` one share for each sample; the week `x` is the sample's own.
///
/// # Errors
/// As [`gradient_penalty`]; a sentence where shapes do not fit.
///
/// # Reference
/// Gulrajani et al. (2017), Improved training of Wasserstein GANs. doi:10.48550/arXiv.1704.00028
pub fn pair_penalty(
    critic: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
    real: &Tensor,
    fake: &Tensor,
    week: &Tensor,
    share: &Tensor,
) -> Result<Tensor> {
    let day = interpolate_samples(real, fake, share)?;
    let length = day.elem_count() / day.dim(0)?;
    let both = Tensor::cat(&[day.flatten_from(1)?, week.flatten_from(1)?], 1)?; // [b, values of day and week]
    gradient_penalty(
        |both| {
            let day = both.narrow(1, 0, length)?.contiguous()?.reshape(real.shape())?;
            let week = both.narrow(1, length, both.dim(1)? - length)?.contiguous()?.reshape(week.shape())?;
            critic(&day, &week)
        },
        &both,
    )
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::super::critic::{Critic, CriticConfig};
    use super::*;
    use crate::nn::{Parameters, gradient_check, second_order_gradients_work};

    fn ramp(shape: &[usize], step: f64) -> Tensor {
        let count: usize = shape.iter().product();
        Tensor::from_vec((0..count).map(|i| (i as f64 * step).sin()).collect::<Vec<f64>>(), shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn the_penalty_of_a_plane_by_hand() {
        // D = 3 Σ y + 4 Σ x on one pixel each: the gradient (3, 4) has length 5, and (5 - 1)² = 16; of the day alone it
        // would be 4
        let one = |v: f64| Tensor::new(&[[v]], &Device::Cpu).unwrap();
        let plane = |day: &Tensor, week: &Tensor| ((day * 3.0)? + (week * 4.0)?)?.flatten_all();
        let share = Tensor::new(&[0.25f64], &Device::Cpu).unwrap();
        let penalty = pair_penalty(plane, &one(1.0), &one(2.0), &one(0.5), &share).unwrap();
        assert!((penalty.to_scalar::<f64>().unwrap() - 16.0).abs() < 1e-9);
    }

    #[test]
    fn the_penalty_teaches_the_critic_as_finite_differences_say() {
        assert!(second_order_gradients_work(&Device::Cpu).unwrap());
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 5);
        let config = CriticConfig { fine: vec![2, 3], coarse: vec![2, 3] };
        let critic = Critic::new(&mut parameters, &config).unwrap();
        let (real, fake) = (ramp(&[2, 1, 6, 6], 0.7), ramp(&[2, 1, 6, 6], 1.3));
        let week = ramp(&[2, 1, 3, 4, 4], 0.4);
        let share = Tensor::new(&[0.3f64, 0.8], &Device::Cpu).unwrap();
        let penalty = || pair_penalty(|d, w| critic.forward(d, w), &real, &fake, &week, &share).unwrap();
        let gradients = penalty().backward().unwrap();
        const STEP: f64 = 1e-6;
        for name in ["fine.stem.weight", "fine.0.conv1.weight", "projection.weight", "coarse.stem.weight", "linear.weight"] {
            let Some(variable) = parameters.get(name) else { panic!("{name} of {:?}", names(&parameters)) };
            let gradient = gradients.get(variable.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let values = variable.as_tensor().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let largest = gradient.iter().fold(0.0f64, |a, g| a.max(g.abs()));
            for i in (0..values.len()).step_by(values.len() / 3 + 1) {
                let moved = |by: f64| {
                    let mut values = values.clone();
                    values[i] += by;
                    variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu).unwrap()).unwrap();
                    penalty().to_scalar::<f64>().unwrap()
                };
                let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                moved(0.0);
                assert!((gradient[i] - difference).abs() < 1e-5 * largest.max(1.0), "{name} {i}: {} {difference}", gradient[i]);
            }
        }
    }

    fn names(parameters: &Parameters) -> Vec<String> {
        parameters.iter().map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn judgements_pass_their_gradient_to_day_and_week() {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 5);
        let config = CriticConfig { fine: vec![2, 3], coarse: vec![2, 3] };
        let critic = Critic::new(&mut parameters, &config).unwrap();
        let inputs = [ramp(&[1, 1, 4, 4], 0.7), ramp(&[1, 1, 2, 2, 2], 0.4)];
        for report in gradient_check(&inputs, |x| critic.forward(&x[0], &x[1])).unwrap() {
            assert!(report.within(1e-7) && report.largest_gradient > 1e-6, "{report:?}");
        }
    }
}

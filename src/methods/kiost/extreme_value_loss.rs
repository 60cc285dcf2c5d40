//! The extreme-value loss of classes: a cross-entropy that leans against what is rare being overlooked.

use candle_core::{Result, Tensor, bail};

/// Added to probabilities before their logarithm.
const SMALLEST: f64 = 1e-7;

/// The extreme-value loss of class probabilities `[n, classes]` against labels of the same shape (1 for the class that it is,
/// else 0), the mean over all samples of the sum over classes.
///
/// # Formula
/// ```text
/// - (1 - p) (1 - u/γ)^γ v ln u  -  p (1 - (1 - u)/γ)^γ (1 - v) ln(1 - u)
/// ```
/// for each class with its `share` p of the training days, probability u and label v. The rarer a class, the more its misses
/// weigh; γ, at least 1, is the extreme value index.
///
/// # Errors
/// A sentence where shapes do not fit or γ is below 1.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// use isotherm::methods::kiost::extreme_value_loss;
/// let t = |v: [f64; 2]| Tensor::new(&[v], &Device::Cpu).unwrap();
/// // both classes even: twice - 1/2 · 1/2 · ln(1/2)
/// let loss = extreme_value_loss(&t([0.5, 0.5]), &t([1.0, 0.0]), &[0.5, 0.5], 1.0).unwrap();
/// assert!((loss.to_scalar::<f64>().unwrap() - 0.5 * 2f64.ln()).abs() < 1e-6);
/// ```
///
/// # Reference
/// Ding et al. (2019), Modeling extreme events in time series prediction. doi:10.1145/3292500.3330896
pub fn extreme_value_loss(probabilities: &Tensor, labels: &Tensor, shares: &[f64], gamma: f64) -> Result<Tensor> {
    let (_, classes) = probabilities.dims2()?;
    if labels.dims() != probabilities.dims() || shares.len() != classes || gamma.is_nan() || gamma < 1.0 {
        bail!(
            "extreme-value loss: probabilities {:?}, labels {:?}, {} shares, gamma {gamma}; one shape, a share of each class and at least 1 are wanted",
            probabilities.dims(),
            labels.dims(),
            shares.len()
        );
    }
    let shares = Tensor::from_vec(shares.to_vec(), (1, classes), labels.device())?.to_dtype(labels.dtype())?;
    let power = |t: Tensor| if gamma == 1.0 { Ok(t) } else { t.powf(gamma) };
    let (u, v) = (probabilities, labels);
    let came = power(u.affine(-1.0 / gamma, 1.0)?)?.mul(v)?.mul(&(u + SMALLEST)?.log()?)?;
    let came = came.broadcast_mul(&shares.affine(-1.0, 1.0)?)?;
    let stayed = power(u.affine(1.0 / gamma, 1.0 - 1.0 / gamma)?)?;
    let stayed = stayed.mul(&v.affine(-1.0, 1.0)?)?.mul(&u.affine(-1.0, 1.0 + SMALLEST)?.log()?)?;
    (came + stayed.broadcast_mul(&shares)?)?.sum(1)?.mean_all()?.neg()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::nn::gradient_check;

    fn t(v: &[[f64; 3]]) -> Tensor {
        Tensor::from_vec(v.concat(), (v.len(), 3), &Device::Cpu).unwrap()
    }

    #[test]
    fn by_hand() {
        // one rare class of share 0.1, u = 0.2, v = 1; the two others u = 0.5, 0.3 and shares 0.8, 0.1, v = 0; γ = 2
        let loss = extreme_value_loss(&t(&[[0.2, 0.5, 0.3]]), &t(&[[1.0, 0.0, 0.0]]), &[0.1, 0.8, 0.1], 2.0).unwrap();
        let came = -0.9 * (1.0f64 - 0.1).powi(2) * 0.2f64.ln();
        let other = |p: f64, u: f64| -p * (1.0 - (1.0 - u) / 2.0).powi(2) * (1.0 - u).ln();
        let wanted = came + other(0.8, 0.5) + other(0.1, 0.3);
        assert!((loss.to_scalar::<f64>().unwrap() - wanted).abs() < 1e-5, "{wanted}");
    }

    #[test]
    fn certainty_costs_nothing_and_the_gradient_is_right() {
        let labels = t(&[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
        let shares = [0.05, 0.9, 0.05];
        let sure = extreme_value_loss(&labels, &labels, &shares, 1.0).unwrap().to_scalar::<f64>().unwrap();
        assert!(sure.abs() < 1e-6, "{sure}");
        let some = t(&[[0.2, 0.5, 0.3], [0.1, 0.7, 0.2]]);
        for gamma in [1.0, 1.5] {
            let report =
                gradient_check(std::slice::from_ref(&some), |x| extreme_value_loss(&x[0], &labels, &shares, gamma)).unwrap();
            assert!(report[0].within(1e-7) && report[0].largest_gradient > 1e-3, "{report:?}");
        }
        assert!(extreme_value_loss(&some, &labels, &shares[..2], 1.0).is_err());
        assert!(extreme_value_loss(&some, &labels, &shares, 0.5).is_err());
    }
}

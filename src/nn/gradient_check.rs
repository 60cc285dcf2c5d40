//! Gradients against central finite differences, in f64.

use candle_core::{DType, Result, Tensor, Var, bail};

/// The outcome for one input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientReport {
    /// Largest difference between the gradient and the finite difference.
    pub largest_error: f64,
    /// Largest finite difference, for scale.
    pub largest_gradient: f64,
}

impl GradientReport {
    /// Is the error at most `tolerance` times the larger of 1 and the largest gradient?
    pub fn within(&self, tolerance: f64) -> bool {
        self.largest_error <= tolerance * self.largest_gradient.max(1.0)
    }
}

/// Compares the gradient of `Σᵢ cos(i) f(inputs)ᵢ` with `(f(x + h) - f(x - h)) / 2h`, for each input.
///
/// With h = 1e-5 and f64 the rounding part of the difference is near 1e-11 and its truncation near 1e-10
/// for values of order one, so a right gradient is within about 1e-8; a wrong one is off by order one.
/// `f` may itself take a gradient (then second derivatives are checked).
///
/// # Errors
/// Where `f` fails, an input is not f64, or an input gets no gradient at all (a cut graph).
pub fn gradient_check(inputs: &[Tensor], f: impl Fn(&[Tensor]) -> Result<Tensor>) -> Result<Vec<GradientReport>> {
    const STEP: f64 = 1e-5;
    let weighted = |inputs: &[Tensor]| -> Result<Tensor> {
        let out = f(inputs)?.flatten_all()?;
        let weights: Vec<f64> = (0..out.elem_count()).map(|i| (i as f64).cos()).collect();
        (&out * Tensor::from_vec(weights, out.elem_count(), out.device())?)?.sum_all()
    };
    if let Some(bad) = inputs.iter().find(|i| i.dtype() != DType::F64) {
        bail!("gradient_check: an input is {:?}; f64 is wanted", bad.dtype());
    }
    let variables: Vec<Var> = inputs.iter().map(Var::from_tensor).collect::<Result<_>>()?;
    let tensors: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
    let gradients = weighted(&tensors)?.backward()?;
    let mut reports = Vec::with_capacity(inputs.len());
    for (position, input) in inputs.iter().enumerate() {
        let Some(gradient) = gradients.get(&tensors[position]) else {
            bail!("gradient_check: input {position} gets no gradient; the graph is cut somewhere");
        };
        let gradient = gradient.flatten_all()?.to_vec1::<f64>()?;
        let values = input.flatten_all()?.to_vec1::<f64>()?;
        let mut report = GradientReport { largest_error: 0.0, largest_gradient: 0.0 };
        for (i, gradient) in gradient.iter().enumerate() {
            let moved = |by: f64| -> Result<f64> {
                let mut values = values.clone();
                values[i] += by;
                // Variables, so that an `f` which takes a gradient itself finds one to take.
                let mut moved = tensors.clone();
                moved[position] =
                    Var::from_tensor(&Tensor::from_vec(values, input.shape(), input.device())?)?.as_tensor().clone();
                weighted(&moved)?.to_scalar::<f64>()
            };
            let difference = (moved(STEP)? - moved(-STEP)?) / (2.0 * STEP);
            report.largest_error = report.largest_error.max((gradient - difference).abs());
            report.largest_gradient = report.largest_gradient.max(difference.abs());
        }
        reports.push(report);
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_right_gradient_passes_and_a_wrong_one_fails() {
        let x = Tensor::new(&[0.3f64, -1.2, 2.0], &Device::Cpu).unwrap();
        let right = gradient_check(std::slice::from_ref(&x), |x| x[0].sqr()).unwrap();
        assert!(right[0].within(1e-8), "{right:?}");
        // Half of the dependence is hidden from the graph: the gradient is half of the right one.
        let wrong = gradient_check(std::slice::from_ref(&x), |x| &x[0] * x[0].detach()).unwrap();
        assert!(!wrong[0].within(0.1), "{wrong:?}");
        assert!(gradient_check(&[x], |x| x[0].detach().sqr()).is_err());
    }
}

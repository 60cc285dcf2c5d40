//! Group, instance and layer normalisation, one fused family of operations.
//!
//! Forward `N(x, weight, bias)`, the gradient of the input `D(x, weight, above)` and the gradients of weight
//! and bias `S(x, above)` give each other as derivatives, so that gradients of any order are right.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail};

use super::normalisation_kernels::{Rows, forward, input_gradient, parameter_gradient};
use super::slices::{by_type, own_path, slice};
use crate::nn::derivative::{cut, wanted};

/// Group normalisation of `x` `[b, c, ...]`: each group of channels of each image gets mean 0 and variance
/// 1, then each channel its weight and bias.
///
/// # Formula
/// ```text
/// y = weight · (x - μ) / sqrt(σ² + ε) + bias      μ, σ² (biased) over a group of one image
/// ```
///
/// # Errors
/// A sentence where the channels are not a multiple of `groups` or weight and bias are not of shape `[c]`.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[[1f64], [3.0], [10.0], [10.0]]], &Device::Cpu).unwrap(); // [1, 4, 1]
/// let y = isotherm::nn::ops::group_norm(&x, 2, None, None, 0.0).unwrap();
/// assert_eq!(y.narrow(1, 0, 2).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap(), [-1.0, 1.0]);
/// ```
///
/// # Reference
/// Wu and He (2018), Group normalization. doi:10.1007/978-3-030-01261-8_1
pub fn group_norm(x: &Tensor, groups: usize, weight: Option<&Tensor>, bias: Option<&Tensor>, epsilon: f64) -> Result<Tensor> {
    if x.rank() < 2 {
        bail!("group_norm: input is {:?}; [batch, channels, ...] is wanted", x.dims());
    }
    let channels = x.dims()[1];
    if groups == 0 || !channels.is_multiple_of(groups) {
        bail!("group_norm: {channels} channels in {groups} groups; a multiple of the groups is wanted");
    }
    let rows = Rows { channels: channels / groups, plane: x.dims()[2..].iter().product(), groups, epsilon };
    normalise("group_norm", x, rows, weight, bias)
}

/// Instance normalisation: group normalisation with one channel in each group.
///
/// # Errors
/// As [`group_norm`].
///
/// # Reference
/// Ulyanov et al. (2016), Instance normalization: the missing ingredient for fast stylization.
/// doi:10.48550/arXiv.1607.08022
pub fn instance_norm(x: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>, epsilon: f64) -> Result<Tensor> {
    if x.rank() < 3 {
        bail!("instance_norm: input is {:?}; [batch, channels, ...] with at least one more axis is wanted", x.dims());
    }
    let rows = Rows { channels: 1, plane: x.dims()[2..].iter().product(), groups: x.dims()[1], epsilon };
    normalise("instance_norm", x, rows, weight, bias)
}

/// Layer normalisation over the last dimension, with weight and bias of its length.
///
/// # Errors
/// A sentence where `x` has no dimension or weight and bias are of another length.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[1f64, 3.0], [5.0, 5.0]], &Device::Cpu).unwrap();
/// let y = isotherm::nn::ops::layer_norm_last(&x, None, None, 1e-12).unwrap().to_vec2::<f64>().unwrap();
/// assert!((y[0][0] + 1.0).abs() < 1e-9 && y[1][0] == 0.0);
/// ```
///
/// # Reference
/// Ba et al. (2016), Layer normalization. doi:10.48550/arXiv.1607.06450
pub fn layer_norm_last(x: &Tensor, weight: Option<&Tensor>, bias: Option<&Tensor>, epsilon: f64) -> Result<Tensor> {
    let Some(&last) = x.dims().last() else { bail!("layer_norm_last: input is a single value; a dimension is wanted") };
    normalise("layer_norm_last", x, Rows { channels: last, plane: 1, groups: 1, epsilon }, weight, bias)
}

fn normalise(name: &str, x: &Tensor, rows: Rows, weight: Option<&Tensor>, bias: Option<&Tensor>) -> Result<Tensor> {
    let channels = rows.all_channels();
    for (what, parameter) in [("weight", weight), ("bias", bias)] {
        if let Some(p) = parameter.filter(|p| p.dims() != [channels] || p.dtype() != x.dtype()) {
            bail!("{name}: {what} is {:?} {:?}; [{channels}] {:?} is wanted", p.dims(), p.dtype(), x.dtype());
        }
    }
    if x.elem_count() == 0 {
        bail!("{name}: input is {:?}, so there is nothing to take a mean of; at least one value is wanted", x.dims());
    }
    let or_full = |parameter: Option<&Tensor>, value: f64| match parameter {
        Some(p) => p.contiguous(),
        None => Tensor::full(value, channels, x.device())?.to_dtype(x.dtype()),
    };
    if own_path(x) {
        return x.contiguous()?.apply_op3(&or_full(weight, 1.0)?, &or_full(bias, 0.0)?, Normalise(rows));
    }
    let mut y = rows.normalised(x)?.reshape(rows.by_channel(x))?;
    if let Some(weight) = weight {
        y = y.broadcast_mul(&weight.reshape((1, channels, 1))?)?;
    }
    if let Some(bias) = bias {
        y = y.broadcast_add(&bias.reshape((1, channels, 1))?)?;
    }
    y.reshape(x.shape())
}

/// The same in plain operations, for derivatives above the first and for other devices.
impl Rows {
    /// `[rows, values of a row]`.
    fn by_row(&self, x: &Tensor) -> (usize, usize) {
        (x.elem_count() / self.len(), self.len())
    }

    /// `[images, channels, plane]`.
    fn by_channel(&self, x: &Tensor) -> (usize, usize, usize) {
        (x.elem_count() / self.len() / self.groups, self.all_channels(), self.plane)
    }

    /// `1 / sqrt(variance + epsilon)` of each row, `[rows, 1]`.
    fn scales(&self, x: &Tensor) -> Result<Tensor> {
        let x = x.reshape(self.by_row(x))?;
        let variance = x.broadcast_sub(&x.mean_keepdim(1)?)?.sqr()?.mean_keepdim(1)?;
        (variance + self.epsilon)?.sqrt()?.recip()
    }

    /// The normalised values, `[rows, values of a row]`.
    fn normalised(&self, x: &Tensor) -> Result<Tensor> {
        let scales = self.scales(x)?;
        let x = x.reshape(self.by_row(x))?;
        x.broadcast_sub(&x.mean_keepdim(1)?)?.broadcast_mul(&scales)
    }
}

/// `N(x, weight, bias)`.
struct Normalise(Rows);
/// `D(x, weight, above)`: the gradient of the input.
struct InputGradient(Rows);
/// `S(x, above)`: the gradients of weight and bias, `[2, channels]`.
struct ParameterGradient(Rows);

impl CustomOp3 for Normalise {
    fn name(&self) -> &'static str {
        "normalise"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let y = forward::<T>(&self.0, slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
            Ok((T::to_cpu_storage_owned(y), l1.shape().clone()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _result: &Tensor,
        above: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let above = above.contiguous()?;
        let to_x = if wanted(x) { Some(cut(x.apply_op3(weight, &above, InputGradient(self.0))?)) } else { None };
        if !wanted(weight) && !wanted(bias) {
            return Ok((to_x, None, None));
        }
        let sums = cut(x.apply_op2(&above, ParameterGradient(self.0))?);
        Ok((to_x, Some(sums.get(0)?), Some(sums.get(1)?)))
    }
}

impl CustomOp2 for ParameterGradient {
    fn name(&self) -> &'static str {
        "normalise-parameter-gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let sums = parameter_gradient::<T>(&self.0, slice(s1, l1)?, slice(s2, l2)?);
            Ok((T::to_cpu_storage_owned(sums), (2, self.0.all_channels()).into()))
        })
    }

    fn bwd(&self, x: &Tensor, gradient: &Tensor, _result: &Tensor, above: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        // <above, S(x, g)> = <g, above₀ n(x) + above₁>
        let (to_weight, to_bias) = (above.get(0)?.contiguous()?, above.get(1)?.contiguous()?);
        let to_x = x.apply_op3(&to_weight, gradient, InputGradient(self.0))?;
        let to_gradient = x.apply_op3(&to_weight, &to_bias, Normalise(self.0))?;
        Ok((Some(to_x), Some(to_gradient)))
    }
}

impl CustomOp3 for InputGradient {
    fn name(&self) -> &'static str {
        "normalise-input-gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        by_type!(s1, self.name(), T => {
            let dx = input_gradient::<T>(&self.0, slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?);
            Ok((T::to_cpu_storage_owned(dx), l1.shape().clone()))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        gradient: &Tensor,
        result: &Tensor,
        above: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        // With n normalised, s = 1 / sqrt(var + ε), p = weight · g, M the mean of a row and h = above:
        // D is linear and self-adjoint in p, hence <h, D(p)> = <D(h), p>, and with a = M(hp) - M(h) M(p) - M(hn) M(pn)
        // d<h, D>/dx = - s² a n - s (M(pn) D(h) + M(hn) D(p))
        let rows = &self.0;
        let shape = x.shape();
        let ones = weight.ones_like()?;
        let turned = x.apply_op3(&ones, &above.contiguous()?, InputGradient(*rows))?; // D(h)
        let by_channel = rows.by_channel(x);
        let spread = weight.reshape((1, rows.all_channels(), 1))?;
        let product = |t: &Tensor| t.reshape(by_channel)?.broadcast_mul(&spread);
        let to_gradient = product(&turned)?.reshape(shape)?;
        let to_weight = (gradient.reshape(by_channel)? * turned.reshape(by_channel)?)?.sum((0, 2))?;
        let by_row = rows.by_row(x);
        let p = product(gradient)?.reshape(by_row)?;
        let h = above.reshape(by_row)?;
        let (n, s) = (rows.normalised(x)?, rows.scales(x)?);
        let mean = |t: &Tensor| t.mean_keepdim(1);
        let (pn, hn) = (mean(&(&p * &n)?)?, mean(&(&h * &n)?)?);
        let a = ((mean(&(&h * &p)?)? - (mean(&h)? * mean(&p)?)?)? - (&hn * &pn)?)?;
        let along = n.broadcast_mul(&(s.sqr()? * a)?)?;
        let across = (turned.reshape(by_row)?.broadcast_mul(&pn)? + result.reshape(by_row)?.broadcast_mul(&hn)?)?;
        let to_x = (along + across.broadcast_mul(&s)?)?.neg()?.reshape(shape)?;
        Ok((Some(to_x), Some(to_weight), Some(to_gradient)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};

    use super::*;
    use crate::base::random::Random;

    fn tensor(shape: &[usize], name: &str) -> Tensor {
        let mut random = Random::new(5, name);
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| 3.0 + 2.0 * random.normal()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap()
    }

    #[test]
    fn agrees_with_the_plain_composition() {
        // Sizes on both sides of the lane, the piece and the task.
        for (shape, groups) in [([2, 6, 5, 3], 3), ([1, 4, 70, 75], 2), ([3, 2, 1, 1], 1)] {
            let x = tensor(&shape, "x");
            let c = shape[1];
            let (w, b) = (tensor(&[c], "w"), tensor(&[c], "b"));
            let rows = Rows { channels: c / groups, plane: shape[2] * shape[3], groups, epsilon: 1e-5 };
            let plain = rows.normalised(&x).unwrap().reshape(rows.by_channel(&x)).unwrap();
            let plain = plain.broadcast_mul(&w.reshape((1, c, 1)).unwrap()).unwrap();
            let plain = plain.broadcast_add(&b.reshape((1, c, 1)).unwrap()).unwrap().reshape(x.shape()).unwrap();
            let fused = group_norm(&x, groups, Some(&w), Some(&b), 1e-5).unwrap();
            assert!(largest_difference(&plain, &fused) < 1e-11, "{shape:?}");
        }
    }

    #[test]
    fn shift_and_scale_of_the_input_change_nothing() {
        let x = tensor(&[2, 4, 9, 7], "x");
        let y = group_norm(&x, 2, None, None, 0.0).unwrap();
        let moved = group_norm(&x.affine(3.5, -40.0).unwrap(), 2, None, None, 0.0).unwrap();
        assert!(largest_difference(&y, &moved) < 1e-11);
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        for shape in [[2, 8, 60, 50], [700, 64, 1, 1]] {
            let x = Var::from_tensor(&tensor(&shape, "x").to_dtype(DType::F32).unwrap()).unwrap();
            let w = Var::from_tensor(&tensor(&shape[1..2], "w").to_dtype(DType::F32).unwrap()).unwrap();
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let y = group_norm(&x, 4, Some(&w), None, 1e-5).unwrap();
                    let gradients = (y.sqr().unwrap() * &y).unwrap().sum_all().unwrap().backward().unwrap();
                    let bits = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                    [bits(&y), bits(gradients.get(&x).unwrap()), bits(gradients.get(&w).unwrap())]
                })
            };
            assert_eq!(run(1), run(2));
            assert_eq!(run(1), run(3));
        }
    }

    #[test]
    fn misfits_are_sentences() {
        let x = tensor(&[1, 4, 3, 3], "x");
        let text = |r: Result<Tensor>| r.unwrap_err().to_string();
        assert!(text(group_norm(&x, 3, None, None, 1e-5)).contains("4 channels in 3 groups"));
        assert!(text(group_norm(&x, 2, Some(&tensor(&[3], "w")), None, 1e-5)).contains("[4]"));
        assert!(text(layer_norm_last(&x, None, Some(&tensor(&[4], "b")), 1e-5)).contains("[3]"));
        assert!(text(group_norm(&tensor(&[0, 4, 3], "x"), 2, None, None, 1e-5)).contains("nothing"));
    }
}

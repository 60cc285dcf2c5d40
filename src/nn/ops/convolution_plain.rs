//! Convolutions as compositions of candle's operations whose gradients are right, for other devices.

use candle_core::{Result, Tensor, bail};

use super::convolution_map::Axes;

/// `[b, c, time, height, width]` of a tensor with fewer spatial axes.
fn with_three_axes(x: &Tensor) -> Result<Tensor> {
    let mut x = x.clone();
    while x.rank() < 5 {
        x = x.unsqueeze(2)?;
    }
    Ok(x)
}

/// As [`super::convolution_map::convolve`], which has checked the shapes.
pub(super) fn convolve(x: &Tensor, weight: &Tensor, axes: &Axes) -> Result<Tensor> {
    let Axes { stride, padding, dilation, groups } = *axes;
    if let ([_, _, h, w], [_, _, kh, kw]) = (x.dims(), weight.dims()) {
        let exact =
            |size: usize, kernel: usize| (size + 2 * padding[2] - dilation[2] * (kernel - 1) - 1).is_multiple_of(stride[2]);
        let uniform = stride[1] == stride[2] && padding[1] == padding[2] && dilation[1] == dilation[2];
        // Where rows or columns are left over, candle's gradient of a strided convolution fails.
        if uniform && exact(*h, *kh) && exact(*w, *kw) {
            return x.conv2d(weight, padding[2], stride[2], dilation[2], groups);
        }
    }
    if dilation[1] != dilation[2] {
        bail!("convolution: dilation {dilation:?}; on this device height and width must have the same");
    }
    let (mut image, kernel) = (with_three_axes(x)?, with_three_axes(weight)?);
    let (mut output, sizes) = ([0; 3], &kernel.dims()[2..]);
    for a in 0..3 {
        let reach = dilation[a] * (sizes[a] - 1);
        output[a] = (image.dims()[a + 2] + 2 * padding[a] - reach - 1) / stride[a] + 1;
        // Padded, and cut to what is used.
        image = image.pad_with_zeros(a + 2, padding[a], padding[a])?;
        image = image.narrow(a + 2, 0, (output[a] - 1) * stride[a] + reach + 1)?;
    }
    let (batch, channels) = (image.dims()[0], image.dims()[1]);
    let inside = if stride[1] == stride[2] { stride[1] } else { 1 };
    let mut sum: Option<Tensor> = None;
    for tap in 0..sizes[0] {
        // The frames that this tap sees, as images of their own.
        let frames = every(&image.narrow(2, tap * dilation[0], (output[0] - 1) * stride[0] + 1)?, 2, stride[0])?;
        let (h, w) = (frames.dims()[3], frames.dims()[4]);
        let frames = frames.transpose(1, 2)?.reshape((batch * output[0], channels, h, w))?;
        let weight = kernel.narrow(2, tap, 1)?.squeeze(2)?.contiguous()?;
        let part = frames.conv2d(&weight, 0, inside, dilation[1], groups)?;
        sum = Some(match sum {
            None => part,
            Some(sum) => (sum + part)?,
        });
    }
    let Some(mut y) = sum else { bail!("convolution: the kernel is empty") };
    if inside != stride[1] || inside != stride[2] {
        y = every(&every(&y, 2, stride[1])?, 3, stride[2])?;
    }
    let outputs = kernel.dims()[0];
    let y = y.reshape((batch, output[0], outputs, output[1], output[2]))?.transpose(1, 2)?.contiguous()?;
    without_axes(&y, x.rank())
}

/// Every `step`-th value along an axis.
fn every(x: &Tensor, axis: usize, step: usize) -> Result<Tensor> {
    if step == 1 {
        return Ok(x.clone());
    }
    let places: Vec<u32> = (0..x.dims()[axis]).step_by(step).map(|i| i as u32).collect();
    x.contiguous()?.index_select(&Tensor::new(places, x.device())?, axis)
}

fn without_axes(y: &Tensor, rank: usize) -> Result<Tensor> {
    let mut y = y.clone();
    while y.rank() > rank {
        y = y.squeeze(2)?;
    }
    Ok(y)
}

/// As [`super::convolution_map::transpose`]: zeros between the values, then a convolution by the turned
/// kernel.
pub(super) fn transpose(x: &Tensor, weight: &Tensor, axes: &Axes, output_padding: [usize; 3]) -> Result<Tensor> {
    let Axes { stride, padding, dilation, groups } = *axes;
    let (mut image, kernel) = (with_three_axes(x)?, with_three_axes(weight)?);
    for a in 0..3 {
        let axis = a + 2;
        let count = image.dims()[axis];
        if stride[a] > 1 {
            let mut shape = image.dims().to_vec();
            shape[axis] = count * stride[a];
            let spread = image.unsqueeze(axis + 1)?.pad_with_zeros(axis + 1, 0, stride[a] - 1)?.reshape(shape)?;
            image = spread.narrow(axis, 0, (count - 1) * stride[a] + 1)?;
        }
        let reach = dilation[a] * (kernel.dims()[axis] - 1);
        image = image.pad_with_zeros(axis, reach, reach + output_padding[a])?;
        let wanted = image.dims()[axis] - 2 * padding[a];
        image = image.narrow(axis, padding[a], wanted)?;
    }
    let [inputs, outputs, kt, kh, kw] = [0, 1, 2, 3, 4].map(|axis| kernel.dims()[axis]);
    let turned = kernel
        .reshape(vec![groups, inputs / groups, outputs, kt, kh, kw])?
        .transpose(1, 2)?
        .reshape((groups * outputs, inputs / groups, kt, kh, kw))?
        .flip(&[2, 3, 4])?;
    let plain = Axes { stride: [1; 3], padding: [0; 3], dilation, groups };
    without_axes(&convolve(&image.contiguous()?, &turned, &plain)?, x.rank())
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use crate::base::random::Random;
    use crate::nn::ops::convolution_map;

    fn variable(shape: &[usize], name: &str) -> Var {
        let mut random = Random::new(3, name);
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.normal()).collect();
        Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
    }

    fn same(a: &Tensor, b: &Tensor) -> bool {
        a.dims() == b.dims() && (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap() < 1e-11
    }

    /// Values and gradients of the two ways.
    fn compare(x: &[usize], w: &[usize], own: impl Fn(&Tensor, &Tensor) -> Tensor, plain: impl Fn(&Tensor, &Tensor) -> Tensor) {
        let (x, w) = (variable(x, "x"), variable(w, "w"));
        let (a, b) = (own(&x, &w), plain(&x, &w));
        assert!(same(&a, &b), "{:?} {:?}", a.dims(), b.dims());
        let gradients = |y: &Tensor| (y.sqr().unwrap() * y).unwrap().sum_all().unwrap().backward().unwrap();
        let (ga, gb) = (gradients(&a), gradients(&b));
        for v in [&x, &w] {
            let (from, to) = (ga.get(v).unwrap(), gb.get(v).unwrap());
            assert!((from - to).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap() < 1e-8);
        }
    }

    #[test]
    fn the_own_loops_and_the_plain_composition_agree() {
        let axes = |stride, padding, dilation, groups| Axes { stride, padding, dilation, groups };
        let cases: [(&[usize], &[usize], Axes); 5] = [
            (&[2, 4, 5, 6, 7], &[4, 2, 3, 3, 2], axes([1, 1, 1], [1, 0, 1], [1, 1, 1], 2)),
            (&[2, 2, 6, 5, 4], &[3, 2, 2, 3, 3], axes([2, 2, 1], [0, 1, 1], [2, 1, 1], 1)),
            (&[2, 2, 6, 5], &[3, 2, 3, 3], axes([1, 2, 2], [0, 1, 1], [1, 1, 1], 1)),
            (&[2, 2, 9, 8], &[3, 2, 3, 3], axes([1, 3, 3], [0, 0, 0], [1, 2, 2], 1)),
            (&[3, 4, 11], &[6, 2, 3], axes([1, 1, 2], [0, 0, 2], [1, 1, 1], 2)),
        ];
        for (x, w, axes) in cases {
            let rank = x.len() - 2;
            let own = |x: &Tensor, w: &Tensor| convolution_map::convolve("test", rank, x, w, axes).unwrap();
            compare(x, w, own, |x, w| convolve(x, w, &axes).unwrap());
        }
        type Case<'a> = (&'a [usize], &'a [usize], Axes, [usize; 3]);
        let cases: [Case<'_>; 4] = [
            (&[2, 4, 3, 4], &[4, 3, 4, 4], axes([1, 2, 2], [0, 1, 1], [1, 1, 1], 1), [0, 0, 0]),
            (&[2, 4, 3, 4], &[4, 3, 3, 3], axes([1, 3, 3], [0, 1, 1], [1, 2, 2], 2), [0, 2, 1]),
            (&[1, 2, 3, 4, 4], &[2, 3, 2, 3, 1], axes([2, 1, 2], [0, 2, 0], [1, 1, 1], 1), [1, 0, 1]),
            (&[2, 2, 3], &[2, 2, 3], axes([1, 1, 2], [0, 0, 0], [1, 1, 1], 2), [0, 0, 1]),
        ];
        for (x, w, axes, more) in cases {
            let rank = x.len() - 2;
            let own = |x: &Tensor, w: &Tensor| convolution_map::transpose("test", rank, x, w, axes, more).unwrap();
            compare(x, w, own, |x, w| transpose(x, w, &axes, more).unwrap());
        }
    }
}

//! 3-D convolution.

use candle_core::{Result, Tensor};

use super::convolution_map::{Axes, convolve, convolve_with_bias};

/// Stride, zero padding (each side), dilation of (time, height, width), and groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution3dOptions {
    /// Step between output values.
    pub stride: [usize; 3],
    /// Zeros added on each side.
    pub padding: [usize; 3],
    /// Step between kernel taps.
    pub dilation: [usize; 3],
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

impl Default for Convolution3dOptions {
    fn default() -> Convolution3dOptions {
        Convolution3dOptions { stride: [1; 3], padding: [0; 3], dilation: [1; 3], groups: 1 }
    }
}

impl Convolution3dOptions {
    /// The padding that keeps the size for an odd kernel of this size (stride 1).
    pub fn same(kernel: [usize; 3]) -> Convolution3dOptions {
        Convolution3dOptions { padding: kernel.map(|k| k / 2), ..Convolution3dOptions::default() }
    }
}

/// Cross-correlation of `x` `[b, c, t, h, w]` with `weight` `[o, c / groups, kt, kh, kw]`: each axis of size
/// `n` becomes `(n + 2 padding - dilation (k - 1) - 1) / stride + 1`.
///
/// # Errors
/// A sentence where ranks, channels, groups or sizes do not fit.
///
/// # Example
/// ```
/// use isotherm::candle_core::{DType, Device, Tensor};
/// use isotherm::nn::ops::{Convolution3dOptions, conv3d};
/// let x = Tensor::ones((1, 2, 3, 4, 4), DType::F32, &Device::Cpu).unwrap();
/// let w = Tensor::ones((1, 2, 3, 1, 1), DType::F32, &Device::Cpu).unwrap();
/// let y = conv3d(&x, &w, &Convolution3dOptions::default()).unwrap();
/// assert_eq!(y.dims(), [1, 1, 1, 4, 4]);
/// assert_eq!(y.max_all().unwrap().to_scalar::<f32>().unwrap(), 6.0); // two channels, three times
/// ```
pub fn conv3d(x: &Tensor, weight: &Tensor, options: &Convolution3dOptions) -> Result<Tensor> {
    let Convolution3dOptions { stride, padding, dilation, groups } = *options;
    convolve("conv3d", 3, x, weight, Axes { stride, padding, dilation, groups })
}

/// [`conv3d`] with one number of `bias` `[o]`, if any, added to each channel, in one operation.
///
/// # Errors
/// As [`conv3d`]; where `bias` is of another shape.
pub fn conv3d_with_bias(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, options: &Convolution3dOptions) -> Result<Tensor> {
    let Convolution3dOptions { stride, padding, dilation, groups } = *options;
    convolve_with_bias("conv3d", 3, x, weight, bias, Axes { stride, padding, dilation, groups })
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::base::random::Random;

    fn tensor(shape: &[usize], name: &str) -> Tensor {
        let mut random = Random::new(3, name);
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.normal()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// The definition, one sum for each output value.
    fn by_definition(x: &Tensor, w: &Tensor, o: &Convolution3dOptions) -> Vec<f64> {
        let [b, c, sizes @ ..] = x.dims() else { panic!() };
        let [outputs, inputs, kernel @ ..] = w.dims() else { panic!() };
        let (xs, ws) = (x.flatten_all().unwrap().to_vec1::<f64>().unwrap(), w.flatten_all().unwrap().to_vec1::<f64>().unwrap());
        let out: Vec<usize> =
            (0..3).map(|a| (sizes[a] + 2 * o.padding[a] - o.dilation[a] * (kernel[a] - 1) - 1) / o.stride[a] + 1).collect();
        let cells = |n: &[usize]| -> Vec<[usize; 3]> {
            let n = [n[0], n[1], n[2]];
            (0..n.iter().product()).map(|i: usize| [i / n[2] / n[1], i / n[2] % n[1], i % n[2]]).collect()
        };
        let mut all = vec![];
        for bi in 0..*b {
            for oc in 0..*outputs {
                for at in cells(&out) {
                    let mut sum = 0.0;
                    for ic in 0..*inputs {
                        for tap in cells(kernel) {
                            let from: Vec<isize> = (0..3)
                                .map(|a| (at[a] * o.stride[a] + tap[a] * o.dilation[a]) as isize - o.padding[a] as isize)
                                .collect();
                            if (0..3).all(|a| from[a] >= 0 && (from[a] as usize) < sizes[a]) {
                                let channel = oc / (outputs / o.groups) * inputs + ic;
                                let place =
                                    |base: usize, n: &[usize], p: [usize; 3]| ((base * n[0] + p[0]) * n[1] + p[1]) * n[2] + p[2];
                                let p = [from[0] as usize, from[1] as usize, from[2] as usize];
                                sum += xs[place(bi * c + channel, sizes, p)] * ws[place(oc * inputs + ic, kernel, tap)];
                            }
                        }
                    }
                    all.push(sum);
                }
            }
        }
        all
    }

    #[test]
    fn agrees_with_the_definition() {
        let o = |stride, padding, dilation, groups| Convolution3dOptions { stride, padding, dilation, groups };
        for (xs, ws, o) in [
            ([2, 2, 3, 4, 5], [3, 2, 3, 3, 3], Convolution3dOptions::same([3; 3])),
            ([1, 4, 5, 6, 4], [2, 2, 3, 1, 2], o([2, 1, 3], [1, 0, 2], [1, 1, 2], 2)),
            ([2, 2, 4, 3, 3], [2, 2, 1, 1, 1], o([1; 3], [0; 3], [1; 3], 1)),
            ([1, 3, 2, 5, 6], [3, 1, 2, 3, 3], o([1, 2, 1], [3, 1, 0], [1, 2, 1], 3)),
        ] {
            let (x, w) = (tensor(&xs, "x"), tensor(&ws, "w"));
            let got = conv3d(&x, &w, &o).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let want = by_definition(&x, &w, &o);
            assert_eq!(got.len(), want.len());
            assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-12), "{o:?}");
        }
    }

    #[test]
    fn misfits_are_sentences() {
        let x = tensor(&[1, 2, 3, 4, 5], "x");
        let text = |w: &[usize]| conv3d(&x, &tensor(w, "w"), &Convolution3dOptions::default()).unwrap_err().to_string();
        assert!(text(&[2, 3, 1, 1, 1]).contains("2 channels"));
        assert!(text(&[2, 2, 4, 1, 1]).contains("smaller than the kernel"));
        assert!(text(&[2, 2, 1, 1]).contains("5 axes"));
    }
}

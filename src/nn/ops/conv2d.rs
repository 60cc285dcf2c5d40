//! 2-D convolution.

use candle_core::{Result, Tensor};

use super::convolution_map::{Axes, convolve, convolve_with_bias};

/// Stride, zero padding (each side, both axes), dilation and groups of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvolutionOptions {
    /// Step between output pixels.
    pub stride: usize,
    /// Rows and columns of zeros added on each side.
    pub padding: usize,
    /// Step between kernel taps.
    pub dilation: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

impl Default for ConvolutionOptions {
    fn default() -> ConvolutionOptions {
        ConvolutionOptions { stride: 1, padding: 0, dilation: 1, groups: 1 }
    }
}

impl ConvolutionOptions {
    /// The padding that keeps the size for an odd kernel of this size (stride 1).
    pub fn same(kernel: usize) -> ConvolutionOptions {
        ConvolutionOptions { padding: kernel / 2, ..ConvolutionOptions::default() }
    }
}

/// Cross-correlation of `x` `[b, c, h, w]` with `weight` `[o, c / groups, kh, kw]`: `[b, o, h', w']` with
/// `h' = (h + 2 padding - dilation (kh - 1) - 1) / stride + 1`.
///
/// # Errors
/// A sentence where ranks, channels, groups or sizes do not fit.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// use isotherm::nn::ops::{ConvolutionOptions, conv2d};
/// let x = Tensor::new(&[[[[1f32, 2.0], [3.0, 4.0]]]], &Device::Cpu).unwrap();
/// let sum_of_all = Tensor::ones((1, 1, 2, 2), isotherm::candle_core::DType::F32, &Device::Cpu).unwrap();
/// let y = conv2d(&x, &sum_of_all, ConvolutionOptions::default()).unwrap();
/// assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [10.0]);
/// ```
pub fn conv2d(x: &Tensor, weight: &Tensor, options: ConvolutionOptions) -> Result<Tensor> {
    let ConvolutionOptions { stride, padding, dilation, groups } = options;
    convolve("conv2d", 2, x, weight, Axes::uniform(2, stride, padding, dilation, groups))
}

/// [`conv2d`] with one number of `bias` `[o]`, if any, added to each channel, in one operation.
///
/// # Errors
/// As [`conv2d`]; where `bias` is of another shape.
pub fn conv2d_with_bias(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, options: ConvolutionOptions) -> Result<Tensor> {
    let ConvolutionOptions { stride, padding, dilation, groups } = options;
    convolve_with_bias("conv2d", 2, x, weight, bias, Axes::uniform(2, stride, padding, dilation, groups))
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::base::random::Random;

    fn tensor(shape: &[usize], name: &str) -> Tensor {
        let mut random = Random::new(3, name);
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.normal()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// The definition, four loops deep for each output.
    fn by_definition(x: &Tensor, w: &Tensor, o: ConvolutionOptions) -> Vec<f64> {
        let (b, c, h, width) = x.dims4().unwrap();
        let (outputs, inputs, kh, kw) = w.dims4().unwrap();
        let (xs, ws) = (x.flatten_all().unwrap().to_vec1::<f64>().unwrap(), w.flatten_all().unwrap().to_vec1::<f64>().unwrap());
        let oh = (h + 2 * o.padding - o.dilation * (kh - 1) - 1) / o.stride + 1;
        let ow = (width + 2 * o.padding - o.dilation * (kw - 1) - 1) / o.stride + 1;
        let mut out = vec![];
        for bi in 0..b {
            for oc in 0..outputs {
                let group = oc / (outputs / o.groups);
                for y in 0..oh {
                    for xx in 0..ow {
                        let mut sum = 0.0;
                        for ic in 0..inputs {
                            for a in 0..kh {
                                for d in 0..kw {
                                    let iy = (y * o.stride + a * o.dilation) as isize - o.padding as isize;
                                    let ix = (xx * o.stride + d * o.dilation) as isize - o.padding as isize;
                                    if iy >= 0 && ix >= 0 && (iy as usize) < h && (ix as usize) < width {
                                        let channel = group * inputs + ic;
                                        sum += xs[((bi * c + channel) * h + iy as usize) * width + ix as usize]
                                            * ws[((oc * inputs + ic) * kh + a) * kw + d];
                                    }
                                }
                            }
                        }
                        out.push(sum);
                    }
                }
            }
        }
        out
    }

    #[test]
    fn agrees_with_the_definition() {
        let o = |stride, padding, dilation, groups| ConvolutionOptions { stride, padding, dilation, groups };
        for (xs, ws, o) in [
            ([2, 4, 6, 5], [6, 4, 3, 3], o(1, 1, 1, 1)),
            ([2, 4, 6, 5], [6, 4, 3, 3], o(2, 1, 1, 1)),
            ([1, 4, 7, 9], [4, 1, 3, 3], o(1, 2, 2, 4)),
            ([1, 4, 7, 4], [6, 2, 1, 3], o(3, 0, 1, 2)),
            ([3, 2, 4, 4], [5, 2, 1, 1], o(1, 0, 1, 1)),
            ([1, 1, 2, 2], [1, 1, 5, 5], o(1, 4, 1, 1)),
        ] {
            let (x, w) = (tensor(&xs, "x"), tensor(&ws, "w"));
            let got = conv2d(&x, &w, o).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let want = by_definition(&x, &w, o);
            assert_eq!(got.len(), want.len());
            assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-12), "{o:?}");
        }
    }

    #[test]
    fn the_same_bits_for_any_number_of_threads() {
        let x = tensor(&[3, 8, 40, 70], "x").to_dtype(DType::F32).unwrap();
        let w = candle_core::Var::from_tensor(&tensor(&[8, 8, 3, 3], "w").to_dtype(DType::F32).unwrap()).unwrap();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let y = conv2d(&x, w.as_tensor(), ConvolutionOptions::same(3)).unwrap();
                let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
                let gradient = gradients.get(w.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
                (y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), gradient)
            })
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn misfits_are_sentences() {
        let x = tensor(&[1, 4, 6, 5], "x");
        let wrong = conv2d(&x, &tensor(&[6, 3, 3, 3], "w"), ConvolutionOptions::default()).unwrap_err().to_string();
        assert!(wrong.contains("4 channels"), "{wrong}");
        let large = conv2d(&x, &tensor(&[6, 4, 7, 7], "w"), ConvolutionOptions::default()).unwrap_err().to_string();
        assert!(large.contains("smaller than the kernel"), "{large}");
    }
}

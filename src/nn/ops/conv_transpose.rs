//! Transposed convolution in two and three dimensions: the input gradient of a convolution, as a map of its own.

use candle_core::{Result, Tensor};

use super::convolution_map::{Axes, transpose};

/// Options of a transposed 2-D convolution, the same on both axes. They are those of the convolution that
/// it transposes: padding takes away from the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransposedOptions {
    /// Output pixels from one input pixel to the next.
    pub stride: usize,
    /// Rows and columns cut from each side of the output.
    pub padding: usize,
    /// Rows and columns more at the end; smaller than the stride.
    pub output_padding: usize,
    /// Step between kernel taps.
    pub dilation: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

impl Default for TransposedOptions {
    fn default() -> TransposedOptions {
        TransposedOptions { stride: 1, padding: 0, output_padding: 0, dilation: 1, groups: 1 }
    }
}

/// Options of a transposed 3-D convolution, for (time, height, width); see [`TransposedOptions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transposed3dOptions {
    /// Output values from one input value to the next.
    pub stride: [usize; 3],
    /// Values cut from each side of the output.
    pub padding: [usize; 3],
    /// Values more at the end; smaller than the stride.
    pub output_padding: [usize; 3],
    /// Step between kernel taps.
    pub dilation: [usize; 3],
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

impl Default for Transposed3dOptions {
    fn default() -> Transposed3dOptions {
        Transposed3dOptions { stride: [1; 3], padding: [0; 3], output_padding: [0; 3], dilation: [1; 3], groups: 1 }
    }
}

/// Transposed convolution of `x` `[b, c, h, w]` with `weight` `[c, o / groups, kh, kw]`: `[b, o, h', w']` with
/// `h' = (h - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1`.
///
/// # Errors
/// A sentence where ranks, channels, groups or sizes do not fit.
///
/// # Example
/// ```
/// use isotherm::candle_core::{DType, Device, Tensor};
/// use isotherm::nn::ops::{TransposedOptions, conv_transpose2d};
/// let x = Tensor::new(&[[[[1f32, 2.0]]]], &Device::Cpu).unwrap();
/// let w = Tensor::ones((1, 1, 1, 2), DType::F32, &Device::Cpu).unwrap();
/// let y = conv_transpose2d(&x, &w, &TransposedOptions::default()).unwrap();
/// assert_eq!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [1.0, 3.0, 2.0]);
/// ```
///
/// # Reference
/// Dumoulin and Visin (2016), A guide to convolution arithmetic for deep learning.
/// doi:10.48550/arXiv.1603.07285
pub fn conv_transpose2d(x: &Tensor, weight: &Tensor, options: &TransposedOptions) -> Result<Tensor> {
    let TransposedOptions { stride, padding, output_padding, dilation, groups } = *options;
    let axes = Axes::uniform(2, stride, padding, dilation, groups);
    transpose("conv_transpose2d", 2, x, weight, axes, [0, output_padding, output_padding])
}

/// Transposed convolution of `x` `[b, c, t, h, w]` with `weight` `[c, o / groups, kt, kh, kw]`, as
/// [`conv_transpose2d`] on each axis.
///
/// # Errors
/// A sentence where ranks, channels, groups or sizes do not fit.
pub fn conv_transpose3d(x: &Tensor, weight: &Tensor, options: &Transposed3dOptions) -> Result<Tensor> {
    let Transposed3dOptions { stride, padding, output_padding, dilation, groups } = *options;
    transpose("conv_transpose3d", 3, x, weight, Axes { stride, padding, dilation, groups }, output_padding)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::base::random::Random;
    use crate::nn::ops::{Convolution3dOptions, conv3d};

    fn tensor(shape: &[usize], name: &str) -> Tensor {
        let mut random = Random::new(6, name);
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| random.normal()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    #[test]
    fn is_the_adjoint_of_the_convolution() {
        // <conv(y), x> = <y, transpose(x)> for every x and y
        let dot = |a: &Tensor, b: &Tensor| (a * b).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        let (stride, padding, dilation, groups) = ([2, 1, 3], [1, 0, 2], [1, 2, 1], 2);
        let options = Convolution3dOptions { stride, padding, dilation, groups };
        let (y, w) = (tensor(&[2, 4, 6, 7, 8], "y"), tensor(&[6, 2, 3, 2, 4], "w"));
        let forward = conv3d(&y, &w, &options).unwrap();
        let x = tensor(forward.dims(), "x");
        // 6: (3 - 1) 2 - 2 + 2 + 1 = 5 and one more; 7 exactly; 8: (3 - 1) 3 - 4 + 3 + 1 = 6 and two more
        let back = Transposed3dOptions { stride, padding, dilation, groups, output_padding: [1, 0, 2] };
        let back = conv_transpose3d(&x, &w, &back).unwrap();
        assert_eq!(back.dims(), y.dims());
        assert!((dot(&forward, &x) - dot(&y, &back)).abs() < 1e-10);
    }

    #[test]
    fn misfits_are_sentences() {
        let x = tensor(&[1, 4, 3, 3], "x");
        let text = |w: &[usize], o: TransposedOptions| conv_transpose2d(&x, &tensor(w, "w"), &o).unwrap_err().to_string();
        let plain = TransposedOptions::default();
        assert!(text(&[3, 2, 2, 2], plain).contains("4 channels"));
        assert!(text(&[4, 2, 2, 2], TransposedOptions { output_padding: 1, ..plain }).contains("smaller"));
        assert!(text(&[4, 2, 1, 1], TransposedOptions { padding: 2, ..plain }).contains("leaves nothing"));
    }
}

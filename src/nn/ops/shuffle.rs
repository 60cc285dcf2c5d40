//! Pixel shuffle: channels become finer pixels, and back.
//!
//! # Reference
//! Shi et al. (2016), Real-time single image and video super-resolution using an efficient sub-pixel
//! convolutional neural network. doi:10.1109/CVPR.2016.207

use candle_core::{Result, Tensor, bail};

/// `[b, c f², h, w]` to `[b, c, h f, w f]`: channel `(c, i, j)` becomes pixel `(i, j)` of each cell.
///
/// # Errors
/// A sentence where the channels are not a multiple of `factor²`.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[1f32, 2.0, 3.0, 4.0], &Device::Cpu).unwrap().reshape((1, 4, 1, 1)).unwrap();
/// let y = isotherm::nn::ops::pixel_shuffle(&x, 2).unwrap();
/// assert_eq!(y.reshape((2, 2)).unwrap().to_vec2::<f32>().unwrap(), [[1.0, 2.0], [3.0, 4.0]]);
/// ```
pub fn pixel_shuffle(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (b, channels, h, w) = x.dims4()?;
    if factor == 0 || channels % (factor * factor) != 0 {
        bail!("pixel_shuffle: {channels} channels; a multiple of factor² = {} is wanted", factor * factor);
    }
    let c = channels / (factor * factor);
    x.reshape(vec![b, c, factor, factor, h, w])?
        .permute(vec![0, 1, 4, 2, 5, 3])? // [b, c, h, f, w, f]
        .reshape((b, c, h * factor, w * factor))
}

/// `[b, c, h f, w f]` to `[b, c f², h, w]`: the inverse of [`pixel_shuffle`].
///
/// # Errors
/// A sentence where height or width is not a multiple of `factor`.
pub fn pixel_unshuffle(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    if factor == 0 || h % factor != 0 || w % factor != 0 {
        bail!("pixel_unshuffle: an image of {h}x{w}; multiples of {factor} are wanted");
    }
    x.reshape(vec![b, c, h / factor, factor, w / factor, factor])?
        .permute(vec![0, 1, 3, 5, 2, 4])? // [b, c, f, f, h, w]
        .reshape((b, c * factor * factor, h / factor, w / factor))
}

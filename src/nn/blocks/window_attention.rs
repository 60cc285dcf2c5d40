//! Attention within windows of an image.

use candle_core::{Device, Result, Tensor};

use crate::nn::convolution::Convolution2d;
use crate::nn::error::{NnError, NnResult};
use crate::nn::ops::{ConvolutionOptions, attention, roll};
use crate::nn::parameters::{Init, Parameters};

/// Attention of each pixel to those of its window, with a learned bias for each head and relative position.
///
/// With a shift the windows lie cyclically moved, and pixels that only the cycle brings together do not see
/// each other. An image that is no multiple of the window is extended by pixels that no other sees. Along an
/// axis with one window nothing is shifted.
///
/// # Reference
/// Liu et al. (2021), doi:10.1109/ICCV48922.2021.00986
#[derive(Clone, Debug)]
pub struct WindowAttention {
    projections: Convolution2d,
    out: Convolution2d,
    /// `[(2 window - 1)², heads]`
    bias: Tensor,
    heads: usize,
    window: usize,
    shift: usize,
}

impl WindowAttention {
    /// For `width` channels in `heads` (a divisor of it), windows of `window` by `window` pixels moved by `shift`.
    ///
    /// # Errors
    /// [`NnError::Argument`] where a size is 0 or the heads do not divide the width; as [`Parameters::add`].
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        width: usize,
        heads: usize,
        window: usize,
        shift: usize,
    ) -> NnResult<WindowAttention> {
        if window == 0 || heads == 0 || width == 0 || !width.is_multiple_of(heads) {
            return Err(NnError::Argument(format!(
                "window attention: {width} channels in {heads} heads, windows of {window}; sizes of at least 1 and whole heads are wanted"
            )));
        }
        let mut map = |part: &str, channels: [usize; 2]| {
            let options = ConvolutionOptions::default();
            Convolution2d::new(parameters, &format!("{name}.{part}"), channels, 1, options, Init::UniformFanIn)
        };
        let (projections, out) = (map("projections", [3 * width, width])?, map("out", [width, width])?);
        let table = [(2 * window - 1) * (2 * window - 1), heads];
        let bias = parameters.add(format!("{name}.relative_bias"), &table, Init::Uniform { bound: 0.04 })?;
        Ok(WindowAttention { projections, out, bias, heads, window, shift })
    }

    /// `[b, width, h, w]` to the same shape, any size.
    ///
    /// # Errors
    /// Those of the operations.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (b, width, h, w) = x.dims4()?;
        let window = self.window;
        let frame = Frame::new([h, w], window, self.shift);
        let ([down, across], [shift_y, shift_x]) = (frame.windows, frame.shifts);
        let mut qkv = self.projections.forward(x)?; // [b, 3 width, h, w]
        for (axis, (size, windows)) in [(2, (h, down)), (3, (w, across))] {
            qkv = qkv.pad_with_zeros(axis, 0, windows * window - size)?; // [b, 3 width, h', w']
        }
        let moved = |x: Tensor, back: bool| -> Result<Tensor> {
            let sign = if back { 1 } else { -1 };
            let x = if shift_y > 0 { roll(&x, sign * shift_y as isize, 2)? } else { x };
            if shift_x > 0 { roll(&x, sign * shift_x as isize, 3) } else { Ok(x) }
        };
        let (heads, pixels) = (self.heads, window * window);
        let parts = moved(qkv, false)?
            .reshape(vec![b, 3, heads, width / heads, down, window, across, window])?
            .permute(vec![1, 0, 4, 6, 2, 5, 7, 3])? // [3, b, down, across, heads, window, window, d]
            .contiguous()?
            .reshape((3, b * down * across, heads, pixels, width / heads))?;
        let mask = frame.mask(b, x.device())?;
        let y = attention(&parts.get(0)?, &parts.get(1)?, &parts.get(2)?, Some(&self.relative_bias()?), mask.as_ref(), None)?;
        let y = y
            .reshape(vec![b, down, across, heads, window, window, width / heads])?
            .permute(vec![0, 3, 6, 1, 4, 2, 5])? // [b, heads, d, down, window, across, window]
            .contiguous()?
            .reshape((b, width, down * window, across * window))?;
        let y = moved(y, true)?.narrow(2, 0, h)?.narrow(3, 0, w)?; // [b, width, h, w]
        self.out.forward(&y)
    }

    /// `[heads, n, n]` for the n pixels of a window, row by row.
    fn relative_bias(&self) -> Result<Tensor> {
        let (window, pixels) = (self.window, self.window * self.window);
        let side = 2 * window - 1;
        let mut rows = Vec::with_capacity(pixels * pixels);
        for from in 0..pixels {
            for to in 0..pixels {
                let dy = from / window + window - 1 - to / window;
                let dx = from % window + window - 1 - to % window;
                rows.push((dy * side + dx) as u32);
            }
        }
        let rows = Tensor::from_vec(rows, pixels * pixels, self.bias.device())?;
        self.bias.index_select(&rows, 0)?.reshape((pixels, pixels, self.heads))?.permute((2, 0, 1))?.contiguous()
    }
}

/// How the windows lie on an image.
struct Frame {
    size: [usize; 2],
    windows: [usize; 2],
    shifts: [usize; 2],
    window: usize,
}

impl Frame {
    fn new(size: [usize; 2], window: usize, shift: usize) -> Frame {
        let windows = size.map(|size| size.div_ceil(window).max(1));
        Frame { size, windows, shifts: windows.map(|windows| if windows > 1 { shift } else { 0 }), window }
    }

    /// `[b windows, 1, n, n]`, 1 where a pixel sees another; none where all do.
    fn mask(&self, b: usize, device: &Device) -> Result<Option<Tensor>> {
        let whole = (0..2).all(|axis| self.windows[axis] * self.window == self.size[axis]);
        if whole && self.shifts == [0, 0] {
            return Ok(None);
        }
        let ([down, across], pixels) = (self.windows, self.window * self.window);
        let mut mask = Vec::with_capacity(down * across * pixels * pixels);
        for tile in 0..down * across {
            let regions: Vec<[bool; 3]> = (0..pixels).map(|pixel| self.region([tile / across, tile % across], pixel)).collect();
            for from in &regions {
                mask.extend(regions.iter().map(|to| u8::from(from == to)));
            }
        }
        let mask = Tensor::from_vec(mask, (1, down * across, pixels * pixels), device)?;
        let mask = mask.broadcast_as((b, down * across, pixels * pixels))?.contiguous()?;
        Ok(Some(mask.reshape((b * down * across, 1, pixels, pixels))?))
    }

    /// Did the cycle bring this pixel of a window here, along each axis, and is it an added one? Pixels see
    /// each other where the answers agree.
    fn region(&self, tile: [usize; 2], pixel: usize) -> [bool; 3] {
        let within = [pixel / self.window, pixel % self.window];
        let mut region = [false; 3];
        for axis in 0..2 {
            let length = self.windows[axis] * self.window;
            let moved = tile[axis] * self.window + within[axis] + self.shifts[axis];
            region[axis] = moved >= length;
            region[2] |= moved % length >= self.size[axis];
        }
        region
    }
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::*;
    use crate::base::random::Random;

    fn block(window: usize, shift: usize) -> (Parameters, WindowAttention) {
        let mut parameters = Parameters::new(&Device::Cpu, DType::F64, 4);
        let block = WindowAttention::new(&mut parameters, "a", 4, 2, window, shift).unwrap();
        (parameters, block)
    }

    fn image(h: usize, w: usize, name: &str) -> Tensor {
        let mut random = Random::new(6, name);
        Tensor::from_vec((0..4 * h * w).map(|_| random.normal()).collect::<Vec<f64>>(), (1, 4, h, w), &Device::Cpu).unwrap()
    }

    fn values(t: &Tensor) -> Vec<f64> {
        t.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// Pixel by pixel: the windows are laid over the image with an offset of `shift`, and cut at its edges.
    fn by_definition(parameters: &Parameters, window: usize, shift: usize, x: &Tensor) -> Vec<f64> {
        let get = |name: &str| values(parameters.get(&format!("a.{name}")).unwrap().as_tensor());
        let (weight, offset, table) = (get("projections.weight"), get("projections.bias"), get("relative_bias"));
        let (out_weight, out_offset) = (get("out.weight"), get("out.bias"));
        let (_, c, h, w) = x.dims4().unwrap();
        let (xs, heads, d) = (values(x), 2, c / 2);
        let map = |weight: &[f64], offset: &[f64], row: usize, input: &[f64]| {
            offset[row] + (0..c).map(|k| weight[row * c + k] * input[k]).sum::<f64>()
        };
        let input = |y: usize, x: usize| (0..c).map(|k| xs[(k * h + y) * w + x]).collect::<Vec<f64>>();
        let shift_of = |size: usize| if size > window { shift } else { 0 };
        let tile = |v: usize, size: usize| (v + window - shift_of(size)) / window;
        let mut result = vec![0.0; c * h * w];
        for y in 0..h {
            for x in 0..w {
                let mut mixed = vec![0.0; c];
                for head in 0..heads {
                    let part = |which: usize, y: usize, x: usize| {
                        (0..d).map(|k| map(&weight, &offset, which * c + head * d + k, &input(y, x))).collect::<Vec<f64>>()
                    };
                    let query = part(0, y, x);
                    let (mut total, mut sum) = (0.0, vec![0.0; d]);
                    for ky in (0..h).filter(|&ky| tile(ky, h) == tile(y, h)) {
                        for kx in (0..w).filter(|&kx| tile(kx, w) == tile(x, w)) {
                            let key = part(1, ky, kx);
                            let position = (y + window - 1 - ky) * (2 * window - 1) + x + window - 1 - kx;
                            let score = query.iter().zip(&key).map(|(q, k)| q * k).sum::<f64>() / (d as f64).sqrt()
                                + table[position * heads + head];
                            total += score.exp();
                            for (sum, v) in sum.iter_mut().zip(part(2, ky, kx)) {
                                *sum += score.exp() * v;
                            }
                        }
                    }
                    for k in 0..d {
                        mixed[head * d + k] = sum[k] / total;
                    }
                }
                for row in 0..c {
                    result[(row * h + y) * w + x] = map(&out_weight, &out_offset, row, &mixed);
                }
            }
        }
        result
    }

    #[test]
    fn agrees_with_the_definition_shifted_or_not_at_any_size() {
        for (window, shift, h, w) in
            [(4, 0, 8, 8), (4, 2, 8, 12), (4, 2, 4, 8), (4, 2, 3, 4), (4, 0, 6, 10), (3, 1, 7, 5), (2, 1, 6, 4)]
        {
            let (parameters, block) = block(window, shift);
            let x = image(h, w, "x");
            let (got, want) = (values(&block.forward(&x).unwrap()), by_definition(&parameters, window, shift, &x));
            let error = got.iter().zip(&want).map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
            assert!(error < 1e-13, "window {window}, shift {shift}, {h}x{w}: {error}");
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let mut parameters = Parameters::shapes_only();
        for (width, heads, window) in [(5, 2, 2), (4, 0, 2), (4, 2, 0), (0, 1, 2)] {
            let error = WindowAttention::new(&mut parameters, "a", width, heads, window, 0).unwrap_err().to_string();
            assert!(error.contains("whole heads"), "{error}");
        }
    }
}

//! Sampling an image at any places, differentiable in the image and in the places.

use candle_core::{DType, Result, Tensor, bail};

use super::resampling::Resampling;
use crate::grid::CUBIC_A_HOUSE;

/// What lies outside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Zeros.
    Zeros,
    /// The outer pixel again.
    Border,
}

/// The values of `x` `[b, c, h, w]` at the places `grid` `[b, h', w', 2]`, given as (x, y) from -1 to 1 across
/// the image: `[b, c, h', w']`.
///
/// With `align_corners` -1 and 1 are the centres of the outer pixels, else their outer edges.
///
/// # Errors
/// A sentence where shapes do not fit or the rule is not bilinear or bicubic.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// use isotherm::nn::ops::{Outside, Resampling, grid_sample};
/// let x = Tensor::new(&[[[[0f64, 10.0]]]], &Device::Cpu).unwrap();
/// let middle = Tensor::new(&[[[[0f64, 0.0]]]], &Device::Cpu).unwrap();
/// let y = grid_sample(&x, &middle, Resampling::Bilinear, Outside::Border, true).unwrap();
/// assert_eq!(y.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [5.0]);
/// ```
///
/// # Reference
/// Jaderberg et al. (2015), Spatial transformer networks. doi:10.48550/arXiv.1506.02025
pub fn grid_sample(x: &Tensor, grid: &Tensor, rule: Resampling, outside: Outside, align_corners: bool) -> Result<Tensor> {
    let (b, c, h, w) = x.dims4()?;
    let [grid_b, rows, columns, 2] = *grid.dims() else {
        bail!("grid_sample: the places are {:?}; [b, h', w', 2] is wanted", grid.dims());
    };
    if grid_b != b || h == 0 || w == 0 {
        bail!(
            "grid_sample: input is {:?} and the places {:?}; the same batch and at least one pixel are wanted",
            x.dims(),
            grid.dims()
        );
    }
    let places = b * rows * columns;
    let axis =
        |which: usize, size: usize| taps(&grid.narrow(3, which, 1)?.reshape((places, 1))?, size, rule, outside, align_corners);
    let (across, down) = (axis(0, w)?, axis(1, h)?);
    // Pixels as rows of channels: selecting rows has right gradients of any order, candle's `gather` has not.
    let pixels = x.permute((0, 2, 3, 1))?.reshape((b * h * w, c))?;
    let whole = |t: &Tensor| t.squeeze(1)?.detach().to_dtype(DType::U32);
    let width = Tensor::new(w as u32, x.device())?;
    let first: Vec<u32> = (0..places).map(|place| (place / (rows * columns) * h * w) as u32).collect();
    let first = Tensor::from_vec(first, places, x.device())?;
    let mut sum = Tensor::zeros((places, c), x.dtype(), x.device())?;
    for (row, row_weight) in &down {
        let row = (whole(row)?.broadcast_mul(&width)? + &first)?;
        for (column, column_weight) in &across {
            let values = pixels.index_select(&(&row + whole(column)?)?, 0)?; // [places, c]
            sum = (sum + values.broadcast_mul(&(row_weight * column_weight)?)?)?;
        }
    }
    sum.reshape((b, rows, columns, c))?.permute((0, 3, 1, 2))?.contiguous()
}

/// For each place along one axis, the pixels to look at (whole numbers inside the image) and their weights.
fn taps(place: &Tensor, size: usize, rule: Resampling, outside: Outside, align_corners: bool) -> Result<Vec<(Tensor, Tensor)>> {
    // From -1 .. 1 to pixels
    let position = if align_corners {
        place.affine(0.5 * (size - 1) as f64, 0.5 * (size - 1) as f64)?
    } else {
        place.affine(0.5 * size as f64, 0.5 * size as f64 - 0.5)?
    };
    let base = position.detach().floor()?;
    let t = (position - &base)?;
    let weights = match rule {
        Resampling::Bilinear => vec![(0.0, t.affine(-1.0, 1.0)?), (1.0, t.clone())],
        Resampling::Bicubic => {
            let a = CUBIC_A_HOUSE;
            let near = |d: &Tensor| (d.affine(a + 2.0, -(a + 3.0))? * d.sqr()?)? + 1.0;
            let far = |d: &Tensor| ((d.affine(a, -5.0 * a)? * d)?.affine(1.0, 8.0 * a)? * d)?.affine(1.0, -4.0 * a);
            let rest = t.affine(-1.0, 1.0)?;
            vec![(-1.0, far(&(&t + 1.0)?)?), (0.0, near(&t)?), (1.0, near(&rest)?), (2.0, far(&(rest + 1.0)?)?)]
        }
        _ => bail!("grid_sample: {rule:?}; the bilinear or the bicubic rule is wanted"),
    };
    let last = (size - 1) as f64;
    weights
        .into_iter()
        .map(|(offset, weight)| {
            let pixel = (&base + offset)?;
            let inside = pixel.clamp(0.0, last)?;
            let weight = match outside {
                Outside::Border => weight,
                Outside::Zeros => (weight * pixel.eq(&inside)?.to_dtype(place.dtype())?)?,
            };
            Ok((inside, weight))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_places_of_the_pixels_give_the_pixels() {
        let x = Tensor::arange(0f64, 12.0, &Device::Cpu).unwrap().reshape((1, 1, 3, 4)).unwrap();
        // centres of the pixels with the outer edges at -1 and 1: (2 i + 1) / n - 1
        let mut places = vec![];
        for row in 0..3 {
            for column in 0..4 {
                places.extend([(2.0 * column as f64 + 1.0) / 4.0 - 1.0, (2.0 * row as f64 + 1.0) / 3.0 - 1.0]);
            }
        }
        let grid = Tensor::from_vec(places, (1, 3, 4, 2), &Device::Cpu).unwrap();
        for rule in [Resampling::Bilinear, Resampling::Bicubic] {
            let y = grid_sample(&x, &grid, rule, Outside::Zeros, false).unwrap();
            let off = (&y - &x).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
            assert!(off < 1e-12, "{rule:?}: {off}");
        }
        assert!(grid_sample(&x, &grid, Resampling::Nearest, Outside::Zeros, false).is_err());
        assert!(grid_sample(&x, &grid.narrow(3, 0, 1).unwrap(), Resampling::Bilinear, Outside::Zeros, false).is_err());
    }
}

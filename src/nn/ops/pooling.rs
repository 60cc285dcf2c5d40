//! Pooling by means: linear, and separable along the axes.

use candle_core::{Result, Tensor, bail};

use super::axis_map::{AxisMap, along_planes};

/// Means over windows of `kernel` (rows, columns) of `x` `[..., h, w]`, every `stride`, with `padding` zeros
/// on each side that count as values: each axis of size `n` becomes `(n + 2 padding - kernel) / stride + 1`.
///
/// # Errors
/// A sentence where kernel or stride is 0, the padding more than half of the kernel, or the window larger
/// than the image.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[1f32, 2.0, 3.0], [5.0, 8.0, 9.0]], &Device::Cpu).unwrap();
/// let y = isotherm::nn::ops::average_pool2d(&x, [2, 2], [2, 2], [0, 0]).unwrap();
/// assert_eq!(y.to_vec2::<f32>().unwrap(), [[4.0]]); // (1 + 2 + 5 + 8) / 4; the last column is left over
/// ```
pub fn average_pool2d(x: &Tensor, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Result<Tensor> {
    let [.., h, w] = x.dims() else { bail!("average_pool2d: input is {:?}; at least two axes are wanted", x.dims()) };
    let map = |size: usize, a: usize| mean_map("average_pool2d", size, kernel[a], stride[a], padding[a]);
    along_planes(x, &map(*h, 0)?, &map(*w, 1)?)
}

/// As [`average_pool2d`] for `[..., t, h, w]` and windows of (times, rows, columns).
///
/// # Errors
/// As [`average_pool2d`].
pub fn average_pool3d(x: &Tensor, kernel: [usize; 3], stride: [usize; 3], padding: [usize; 3]) -> Result<Tensor> {
    let [.., t, h, w] = x.dims() else { bail!("average_pool3d: input is {:?}; at least three axes are wanted", x.dims()) };
    let map = |size: usize, a: usize| mean_map("average_pool3d", size, kernel[a], stride[a], padding[a]);
    let in_time = map(*t, 0)?;
    let planes = along_planes(x, &map(*h, 1)?, &map(*w, 2)?)?;
    if kernel[0] == 1 && stride[0] == 1 { Ok(planes) } else { in_time.along(&planes, x.rank() - 3) }
}

/// Means over areas so that any size comes out: output row `i` of `to` is the mean of the rows from
/// `floor(i n / n')` to `ceil((i + 1) n / n')` (PyTorch's adaptive average pooling and its `area`).
///
/// # Errors
/// A sentence where a size is 0.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[[1f32, 2.0, 6.0]], &Device::Cpu).unwrap();
/// let y = isotherm::nn::ops::area_pool(&x, (1, 2)).unwrap();
/// assert_eq!(y.to_vec2::<f32>().unwrap(), [[1.5, 4.0]]); // the middle belongs to both
/// ```
pub fn area_pool(x: &Tensor, to: (usize, usize)) -> Result<Tensor> {
    let [.., h, w] = x.dims() else { bail!("area_pool: input is {:?}; at least two axes are wanted", x.dims()) };
    along_planes(x, &area_map(*h, to.0)?, &area_map(*w, to.1)?)
}

/// What all windows of a pool must satisfy; gives the number of windows.
pub(super) fn windows(name: &str, size: usize, kernel: usize, stride: usize, padding: usize) -> Result<usize> {
    if kernel == 0 || stride == 0 || 2 * padding > kernel || size + 2 * padding < kernel {
        bail!(
            "{name}: {size} values, kernel {kernel}, stride {stride}, padding {padding}; \
             wanted kernel and stride of at least 1, padding of at most half the kernel, a kernel that fits"
        );
    }
    Ok((size + 2 * padding - kernel) / stride + 1)
}

fn mean_map(name: &str, size: usize, kernel: usize, stride: usize, padding: usize) -> Result<AxisMap> {
    let count = windows(name, size, kernel, stride, padding)?;
    let weight = 1.0 / kernel as f64;
    Ok(AxisMap::new(size, count, |i| {
        let (start, end) = (i * stride, i * stride + kernel);
        (start.max(padding)..end.min(size + padding)).map(|place| (place - padding, weight)).collect()
    }))
}

fn area_map(size: usize, to: usize) -> Result<AxisMap> {
    if size == 0 || to == 0 {
        bail!("area_pool: from {size} to {to} values; at least one of each is wanted");
    }
    Ok(AxisMap::new(size, to, |i| {
        let (start, end) = (i * size / to, ((i + 1) * size).div_ceil(to));
        (start..end).map(|place| (place, 1.0 / (end - start) as f64)).collect()
    }))
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn padding_counts_as_zeros() {
        // windows of 3 around each of 3, 6, 9: (0+3+6)/3, (3+6+9)/3, (6+9+0)/3
        let x = Tensor::new(&[[3f64, 6.0, 9.0]], &Device::Cpu).unwrap();
        let y = average_pool2d(&x, [1, 3], [1, 1], [0, 1]).unwrap().to_vec2::<f64>().unwrap();
        assert!(y[0].iter().zip([3.0, 6.0, 5.0]).all(|(got, want)| (got - want).abs() < 1e-15));
    }

    #[test]
    fn a_cube_by_hand() {
        // 0 .. 11 as (3, 2, 2): means of the frames are 1.5, 5.5, 9.5
        let x = Tensor::arange(0f64, 12.0, &Device::Cpu).unwrap().reshape((1, 1, 3, 2, 2)).unwrap();
        let y = average_pool3d(&x, [2, 2, 2], [1, 2, 2], [0, 0, 0]).unwrap();
        assert_eq!(y.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [3.5, 7.5]);
    }

    #[test]
    fn misfits_are_sentences() {
        let x = Tensor::zeros((1, 1, 2, 2), DType::F32, &Device::Cpu).unwrap();
        assert!(average_pool2d(&x, [3, 1], [1, 1], [0, 0]).unwrap_err().to_string().contains("kernel that fits"));
        assert!(average_pool2d(&x, [2, 2], [0, 1], [0, 0]).is_err());
        assert!(average_pool2d(&x, [2, 2], [1, 1], [2, 0]).is_err());
        assert!(area_pool(&x, (0, 1)).unwrap_err().to_string().contains("to 0"));
    }
}

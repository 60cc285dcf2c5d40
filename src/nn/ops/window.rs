//! Cutting a plane into square windows and putting it together again, for attention within windows.

use candle_core::{Result, Tensor, bail};

/// `[b, h, w, c]` to `[b · windows, size, size, c]`, the windows by rows.
///
/// # Errors
/// A sentence where height or width is not a multiple of `size`.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// use isotherm::nn::ops::{window_partition, window_reverse};
/// let x = Tensor::arange(0f32, 16.0, &Device::Cpu).unwrap().reshape((1, 4, 4, 1)).unwrap();
/// let windows = window_partition(&x, 2).unwrap(); // [4, 2, 2, 1]
/// assert_eq!(windows.get(1).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap(), [2.0, 3.0, 6.0, 7.0]);
/// let back = window_reverse(&windows, 2, 4, 4).unwrap();
/// assert_eq!(back.flatten_all().unwrap().to_vec1::<f32>().unwrap(), x.flatten_all().unwrap().to_vec1::<f32>().unwrap());
/// ```
///
/// # Reference
/// Liu et al. (2021), Swin Transformer: hierarchical vision transformer using shifted windows.
/// doi:10.1109/ICCV48922.2021.00986
pub fn window_partition(x: &Tensor, size: usize) -> Result<Tensor> {
    let (b, h, w, c) = x.dims4()?;
    if size == 0 || h % size != 0 || w % size != 0 {
        bail!("window_partition: a plane of {h}x{w}; multiples of the window's size {size} are wanted");
    }
    let (rows, columns) = (h / size, w / size);
    x.reshape(vec![b, rows, size, columns, size, c])?
        .permute(vec![0, 1, 3, 2, 4, 5])? // [b, rows, columns, size, size, c]
        .reshape((b * rows * columns, size, size, c))
}

/// The inverse of [`window_partition`]: `[b · windows, size, size, c]` to `[b, h, w, c]`.
///
/// # Errors
/// A sentence where the windows do not fill planes of `h` by `w`.
pub fn window_reverse(windows: &Tensor, size: usize, h: usize, w: usize) -> Result<Tensor> {
    let (count, height, width, c) = windows.dims4()?;
    let fits = size > 0 && [height, width] == [size; 2] && h.is_multiple_of(size) && w.is_multiple_of(size) && h > 0 && w > 0;
    let each = if fits { (h / size) * (w / size) } else { 1 };
    if !fits || count % each != 0 {
        bail!(
            "window_reverse: {count} windows of {height}x{width}; windows of {size}x{size} that fill planes of {h}x{w} are wanted"
        );
    }
    let b = count / each;
    windows
        .reshape(vec![b, h / size, w / size, size, size, c])?
        .permute(vec![0, 1, 3, 2, 4, 5])? // [b, rows, size, columns, size, c]
        .reshape((b, h, w, c))
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn misfits_are_sentences() {
        let x = Tensor::zeros((2, 4, 6, 3), DType::F32, &Device::Cpu).unwrap();
        assert!(window_partition(&x, 4).unwrap_err().to_string().contains("4x6"));
        let windows = window_partition(&x, 2).unwrap();
        assert_eq!(windows.dims(), [12, 2, 2, 3]);
        assert!(window_reverse(&windows, 2, 4, 10).is_err());
        assert!(window_reverse(&windows, 0, 4, 6).is_err());
        assert_eq!(window_reverse(&windows, 2, 4, 6).unwrap().dims(), [2, 4, 6, 3]);
    }
}

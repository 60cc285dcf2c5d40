//! Padding by any rule, and cyclic shifts.

use candle_core::{Result, Tensor, bail};

use super::axis_map::{AxisMap, along_planes};
use crate::grid::Edge;

/// What stands beyond the ends of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Zeros.
    Zero,
    /// The outer value again.
    Replicate,
    /// Mirrored about the outer value, which is not repeated.
    Reflect,
    /// The other end: around the globe.
    Periodic,
}

/// Values to add at the sides of a plane, and by which rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pad {
    /// Columns before the first.
    pub left: usize,
    /// Columns after the last.
    pub right: usize,
    /// Rows before the first.
    pub top: usize,
    /// Rows after the last.
    pub bottom: usize,
    /// Rule along a row (longitude).
    pub horizontal: Padding,
    /// Rule along a column (latitude).
    pub vertical: Padding,
}

impl Pad {
    /// The same number on all sides.
    pub const fn all(count: usize, horizontal: Padding, vertical: Padding) -> Pad {
        Pad { left: count, right: count, top: count, bottom: count, horizontal, vertical }
    }
}

/// `x` `[..., h, w]` with rows and columns added.
///
/// # Errors
/// A sentence where a reflection or a period is longer than the axis.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// use isotherm::nn::ops::{Pad, Padding, pad2d};
/// let x = Tensor::new(&[[1f32, 2.0, 3.0]], &Device::Cpu).unwrap();
/// let around = Pad { left: 1, right: 2, top: 0, bottom: 0, horizontal: Padding::Periodic, vertical: Padding::Zero };
/// assert_eq!(pad2d(&x, &around).unwrap().to_vec2::<f32>().unwrap(), [[3.0, 1.0, 2.0, 3.0, 1.0, 2.0]]);
/// ```
pub fn pad2d(x: &Tensor, pad: &Pad) -> Result<Tensor> {
    let [.., h, w] = x.dims() else { bail!("pad2d: input is {:?}; at least two axes are wanted", x.dims()) };
    let vertical = pad_map("pad2d", *h, pad.top, pad.bottom, pad.vertical)?;
    let horizontal = pad_map("pad2d", *w, pad.left, pad.right, pad.horizontal)?;
    along_planes(x, &vertical, &horizontal)
}

/// `x` `[..., t, h, w]` with `before` and `after` times added by the rule `time`, and its planes padded.
///
/// # Errors
/// As [`pad2d`].
pub fn pad3d(x: &Tensor, before: usize, after: usize, time: Padding, planes: &Pad) -> Result<Tensor> {
    let [.., t, _, _] = x.dims() else { bail!("pad3d: input is {:?}; at least three axes are wanted", x.dims()) };
    let in_time = pad_map("pad3d", *t, before, after, time)?;
    let padded = pad2d(x, planes)?;
    if before + after == 0 { Ok(padded) } else { in_time.along(&padded, x.rank() - 3) }
}

fn pad_map(name: &str, size: usize, before: usize, after: usize, rule: Padding) -> Result<AxisMap> {
    let most = before.max(after);
    let fits = match rule {
        Padding::Zero => true,
        Padding::Replicate => size > 0 || most == 0,
        Padding::Reflect => most < size.max(1),
        Padding::Periodic => most <= size,
    };
    if !fits {
        bail!("{name}: {size} values padded by {most} with {rule:?}; there are not as many to take");
    }
    let edge = match rule {
        Padding::Zero => Edge::Drop,
        Padding::Replicate => Edge::Clamp,
        Padding::Reflect => Edge::Mirror,
        Padding::Periodic => Edge::Wrap,
    };
    Ok(AxisMap::new(size, before + size + after, |i| {
        edge.fold(i as isize - before as isize, size).map(|place| (place, 1.0)).into_iter().collect()
    }))
}

/// `x` shifted by `shift` places along `dim`, what leaves at the end coming back at the start.
///
/// # Errors
/// A sentence where the axis does not exist.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// let x = Tensor::new(&[1f32, 2.0, 3.0], &Device::Cpu).unwrap();
/// assert_eq!(isotherm::nn::ops::roll(&x, 1, 0).unwrap().to_vec1::<f32>().unwrap(), [3.0, 1.0, 2.0]);
/// ```
pub fn roll(x: &Tensor, shift: isize, dim: usize) -> Result<Tensor> {
    let Some(&size) = x.dims().get(dim) else { bail!("roll: input is {:?}; it has no axis {dim}", x.dims()) };
    if size == 0 {
        return Ok(x.clone());
    }
    let shift = shift.rem_euclid(size as isize) as usize;
    AxisMap::new(size, size, |i| vec![((i + size - shift) % size, 1.0)]).along(x, dim)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn each_rule_by_hand() {
        let x = Tensor::new(&[[1f32, 2.0, 3.0]], &Device::Cpu).unwrap();
        let row = |horizontal| {
            let pad = Pad { left: 2, right: 2, top: 0, bottom: 0, horizontal, vertical: Padding::Zero };
            pad2d(&x, &pad).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_eq!(row(Padding::Zero), [0.0, 0.0, 1.0, 2.0, 3.0, 0.0, 0.0]);
        assert_eq!(row(Padding::Replicate), [1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0]);
        assert_eq!(row(Padding::Reflect), [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]);
        assert_eq!(row(Padding::Periodic), [2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0]);
    }

    #[test]
    fn a_shift_there_and_back_is_none() {
        let x = Tensor::arange(0f32, 24.0, &Device::Cpu).unwrap().reshape((2, 3, 4)).unwrap();
        for (dim, shift) in [(0, 1), (1, -2), (2, 7)] {
            let back = roll(&roll(&x, shift, dim).unwrap(), -shift, dim).unwrap();
            assert_eq!(back.to_vec3::<f32>().unwrap(), x.to_vec3::<f32>().unwrap());
        }
        assert!(roll(&x, 1, 3).unwrap_err().to_string().contains("no axis 3"));
    }

    #[test]
    fn too_long_a_reflection_is_refused() {
        let x = Tensor::zeros((1, 3, 3), DType::F32, &Device::Cpu).unwrap();
        let pad = |count, rule| pad2d(&x, &Pad::all(count, rule, Padding::Replicate));
        assert!(pad(2, Padding::Reflect).is_ok());
        assert!(pad(3, Padding::Reflect).unwrap_err().to_string().contains("not as many"));
        assert!(pad(3, Padding::Periodic).is_ok());
        assert!(pad(4, Padding::Periodic).is_err());
        let time = pad3d(&x, 1, 0, Padding::Replicate, &Pad::all(0, Padding::Zero, Padding::Zero)).unwrap();
        assert_eq!(time.dims(), [2, 3, 3]);
    }
}

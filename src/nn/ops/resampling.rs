//! Resampling to any size, in PyTorch's conventions.

use candle_core::{Result, Tensor, bail};

use super::axis_map::{AxisMap, along_planes};
use crate::grid::{CUBIC_A_HOUSE, CUBIC_A_KEYS, Edge, Kernel};

/// How values between the pixels are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resampling {
    /// Pixel `floor(i · n / n')`, PyTorch's `nearest`: when shrinking, not the nearest centre.
    Nearest,
    /// The pixel with the nearest centre, PyTorch's `nearest-exact`.
    NearestExact,
    /// Straight lines between centres.
    Bilinear,
    /// Cubic convolution with a = -0.75 (-0.5 where antialiased).
    Bicubic,
}

impl Resampling {
    fn kernel(self, antialias: bool) -> Option<Kernel> {
        match self {
            Resampling::Nearest | Resampling::NearestExact => None,
            Resampling::Bilinear => Some(Kernel::Linear),
            Resampling::Bicubic => Some(Kernel::Cubic { a: if antialias { CUBIC_A_KEYS } else { CUBIC_A_HOUSE } }),
        }
    }
}

/// `x` `[b, c, h, w]` resampled to `to` (rows, columns), by any factor, the borders clamped.
///
/// With `align_corners` the first and last *centres* of both sizes lie on each other, else the outer edges.
///
/// # Errors
/// A sentence where a size is 0, or the nearest pixel is asked for with aligned corners.
///
/// # Example
/// ```
/// use isotherm::candle_core::{Device, Tensor};
/// use isotherm::nn::ops::{Resampling, interpolate};
/// let x = Tensor::new(&[[[[0f32, 1.0]]]], &Device::Cpu).unwrap();
/// let row = |corners| interpolate(&x, (1, 3), Resampling::Bilinear, corners).unwrap().flatten_all().unwrap().to_vec1::<f32>();
/// assert_eq!(row(true).unwrap(), [0.0, 0.5, 1.0]);
/// assert!((row(false).unwrap()[1] - 0.5).abs() < 1e-6);
/// ```
///
/// # Reference
/// Keys (1981), Cubic convolution interpolation for digital image processing. doi:10.1109/TASSP.1981.1163711
pub fn interpolate(x: &Tensor, to: (usize, usize), rule: Resampling, align_corners: bool) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let map = |from, to| axis_map("interpolate", from, to, rule, align_corners, false);
    along_planes(x, &map(h, to.0)?, &map(w, to.1)?)
}

/// As [`interpolate`] without aligned corners, the kernel widened where an axis shrinks and cut off at the
/// borders, so that fine waves are damped, not folded into coarse ones (PyTorch's `antialias=True`).
///
/// # Errors
/// As [`interpolate`]; the nearest pixel has no kernel to widen.
pub fn interpolate_antialiased(x: &Tensor, to: (usize, usize), rule: Resampling) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let map = |from, to| axis_map("interpolate_antialiased", from, to, rule, false, true);
    along_planes(x, &map(h, to.0)?, &map(w, to.1)?)
}

/// As [`interpolate`] for `[b, c, t, h, w]`, to (times, rows, columns): trilinear or nearest.
///
/// # Errors
/// As [`interpolate`].
pub fn interpolate3d(x: &Tensor, to: (usize, usize, usize), rule: Resampling, align_corners: bool) -> Result<Tensor> {
    let (_, _, t, h, w) = x.dims5()?;
    let map = |from, to| axis_map("interpolate3d", from, to, rule, align_corners, false);
    let planes = along_planes(x, &map(h, to.1)?, &map(w, to.2)?)?;
    if to.0 == t { Ok(planes) } else { map(t, to.0)?.along(&planes, 2) }
}

fn axis_map(name: &str, from: usize, to: usize, rule: Resampling, align_corners: bool, antialias: bool) -> Result<AxisMap> {
    if from == 0 || to == 0 {
        bail!("{name}: from {from} to {to} values; at least one of each is wanted");
    }
    let Some(kernel) = rule.kernel(antialias) else {
        if align_corners || antialias {
            bail!("{name}: {rule:?} with aligned corners or antialias; these are for the bilinear and bicubic rules");
        }
        // In whole numbers, so that no rounding moves a pixel.
        let source = move |i: usize| match rule {
            Resampling::NearestExact => (2 * i + 1) * from / (2 * to),
            _ => i * from / to,
        };
        return Ok(AxisMap::new(from, to, |i| vec![(source(i), 1.0)]));
    };
    let ratio = from as f64 / to as f64;
    let stretch = if antialias { ratio.max(1.0) } else { 1.0 };
    let (support, edge) = (kernel.support() * stretch, if antialias { Edge::Drop } else { Edge::Clamp });
    Ok(AxisMap::new(from, to, |i| {
        let position = match (align_corners, to) {
            (true, 1) => 0.0,
            (true, _) => i as f64 * (from - 1) as f64 / (to - 1) as f64,
            (false, _) => (i as f64 + 0.5) * ratio - 0.5,
        };
        let (first, last) = ((position - support).ceil() as isize, (position + support).floor() as isize);
        let mut taps: Vec<(usize, f64)> = Vec::new();
        for place in first..=last {
            let weight = kernel.weight((place as f64 - position) / stretch);
            let Some(index) = edge.fold(place, from).filter(|_| weight != 0.0) else { continue };
            match taps.iter_mut().find(|(i, _)| *i == index) {
                Some((_, sum)) => *sum += weight,
                None => taps.push((index, weight)),
            }
        }
        let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
        taps.iter_mut().for_each(|(_, weight)| *weight /= sum);
        taps
    }))
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use proptest::prelude::*;

    use super::*;

    const ALL: [Resampling; 4] = [Resampling::Nearest, Resampling::NearestExact, Resampling::Bilinear, Resampling::Bicubic];

    proptest! {
        #[test]
        fn a_constant_stays_constant(h in 1usize..9, w in 1usize..9, to_h in 1usize..20, to_w in 1usize..20) {
            let x = Tensor::full(2.5f64, (1, 1, h, w), &Device::Cpu).unwrap();
            for rule in ALL {
                let y = interpolate(&x, (to_h, to_w), rule, false).unwrap();
                let off = (y - 2.5).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
                prop_assert!(off < 1e-12, "{rule:?}: {off}");
            }
        }
    }

    #[test]
    fn a_ramp_in_time_stays_a_ramp() {
        // three times 0, 1, 2 to five with aligned corners: 0, 0.5, 1, 1.5, 2
        let x = Tensor::new(&[0f64, 1.0, 2.0], &Device::Cpu).unwrap().reshape((1, 1, 3, 1, 1)).unwrap();
        let y = interpolate3d(&x, (5, 2, 1), Resampling::Bilinear, true).unwrap();
        let y = y.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(y, [0.0, 0.0, 0.5, 0.5, 1.0, 1.0, 1.5, 1.5, 2.0, 2.0]);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        let x = Tensor::zeros((1, 1, 2, 2), DType::F32, &Device::Cpu).unwrap();
        assert!(interpolate(&x, (0, 2), Resampling::Bilinear, false).unwrap_err().to_string().contains("to 0"));
        assert!(interpolate(&x, (2, 2), Resampling::Nearest, true).unwrap_err().to_string().contains("aligned corners"));
    }
}

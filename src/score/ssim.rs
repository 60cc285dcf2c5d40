//! Structural similarity of two fields.

use rayon::prelude::*;

use super::error::{ScoreError, ScoreResult};
use super::ssim_band::{Band, Planes};
use crate::base::vector::widest;

/// Rows that one task works on.
const BAND_ROWS: usize = 64;

/// The window within which means and covariances are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SsimWindow {
    /// `size` x `size` pixels of equal weight; odd.
    Uniform {
        /// Width in pixels.
        size: usize,
    },
    /// Gaussian weights, cut at 3.5 standard deviations (σ = 1.5: 11 x 11).
    Gaussian {
        /// Standard deviation in pixels.
        sigma: f64,
    },
}

/// The conventions of a structural similarity. State them with the number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SsimOptions {
    /// The window.
    pub window: SsimWindow,
    /// Divide (co)variances by N − 1 instead of N, N being the window's number of pixels.
    pub sample_covariance: bool,
    /// Constant of the means' term.
    pub k1: f64,
    /// Constant of the variances' term.
    pub k2: f64,
}

impl SsimOptions {
    /// As published: Gaussian window with σ = 1.5, population covariance.
    pub fn wang_2004() -> SsimOptions {
        SsimOptions { window: SsimWindow::Gaussian { sigma: 1.5 }, sample_covariance: false, k1: 0.01, k2: 0.03 }
    }

    /// The default of scikit-image: 7 x 7 uniform window, sample covariance.
    pub fn uniform_7() -> SsimOptions {
        SsimOptions { window: SsimWindow::Uniform { size: 7 }, sample_covariance: true, k1: 0.01, k2: 0.03 }
    }

    /// Weights of the window along one side; their sum is 1.
    fn kernel(&self) -> ScoreResult<Vec<f64>> {
        match self.window {
            SsimWindow::Uniform { size } if size >= 3 && size % 2 == 1 => Ok(vec![1.0 / size as f64; size]),
            SsimWindow::Uniform { size } => {
                Err(ScoreError::Argument(format!("an ssim window of {size} was asked for; an odd number from 3 on is wanted")))
            }
            SsimWindow::Gaussian { sigma } if sigma > 0.0 && sigma < 1e3 => {
                let radius = (3.5 * sigma + 0.5).floor().max(1.0);
                let count = 2 * radius as usize + 1;
                let weights: Vec<f64> = (0..count).map(|i| (-0.5 * ((i as f64 - radius) / sigma).powi(2)).exp()).collect();
                let sum: f64 = weights.iter().sum();
                Ok(weights.into_iter().map(|w| w / sum).collect())
            }
            SsimWindow::Gaussian { sigma } => {
                Err(ScoreError::Argument(format!("an ssim window of σ = {sigma} was asked for; between 0 and 1000 is wanted")))
            }
        }
    }
}

/// The similarity at every pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct SsimMap {
    /// Similarity around each pixel, in the order of the input. At the border the fields are continued by reflection.
    pub values: Vec<f64>,
    /// Does the window around the pixel lie wholly inside the field, on valid pixels only?
    pub whole: Vec<bool>,
}

/// Mean structural similarity with the number of windows behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ssim {
    /// Mean over the windows; −1..1, 1 is perfect.
    pub value: f64,
    /// Number of windows: those wholly inside the field and on valid pixels only.
    pub windows: usize,
}

/// Structural similarity of two fields of `rows` x `columns` pixels, averaged over every window that lies wholly inside
/// and holds valid pixels only.
///
/// # Formula
/// ```text
/// SSIM = (2 μ_t μ_p + C₁)(2 σ_tp + C₂) / ( (μ_t² + μ_p² + C₁)(σ_t² + σ_p² + C₂) ),    C_i = (K_i R)²
/// ```
/// −1..1; 1 is perfect. `data_range` R must be stated (the range of the truth, or a physical one); the value depends on it,
/// and on the zero of the unit through the means.
///
/// # Errors
/// [`ScoreError::Argument`] for buffers that do not fit the shape, a range that is not positive or a senseless window;
/// [`ScoreError::TooFew`] where no window is whole; [`ScoreError::NotFinite`] for a valid pixel that is infinite or NaN.
///
/// # Example
/// ```
/// use isotherm::score::{ssim, SsimOptions};
/// let field: Vec<f64> = (0..144).map(|i| ((i % 12) as f64).sin()).collect();
/// let same = ssim(&field, &field, 12, 12, None, 2.0, &SsimOptions::wang_2004()).unwrap();
/// assert!((same.value - 1.0).abs() < 1e-12);
/// assert_eq!(same.windows, 4); // an 11 x 11 window has 2 x 2 places in 12 x 12
/// ```
///
/// # Reference
/// Wang et al. (2004), doi:10.1109/TIP.2003.819861
pub fn ssim<T: Copy + Into<f64> + Sync>(
    truth: &[T],
    prediction: &[T],
    rows: usize,
    columns: usize,
    valid: Option<&[bool]>,
    data_range: f64,
    options: &SsimOptions,
) -> ScoreResult<Ssim> {
    let map = ssim_map(truth, prediction, rows, columns, valid, data_range, options)?;
    let windows = map.whole.iter().filter(|w| **w).count();
    if windows == 0 {
        return Err(ScoreError::TooFew { metric: "ssim (whole windows)", found: 0, wanted: 1 });
    }
    let sum: f64 = map.values.iter().zip(&map.whole).filter(|(_, w)| **w).map(|(v, _)| v).sum();
    Ok(Ssim { value: sum / windows as f64, windows })
}

/// The similarity at each pixel; see [`ssim`]. Where the window is not whole, masked pixels count as the mean of the truth.
///
/// # Errors
/// As [`ssim`], except that no whole window is needed.
pub fn ssim_map<T: Copy + Into<f64> + Sync>(
    truth: &[T],
    prediction: &[T],
    rows: usize,
    columns: usize,
    valid: Option<&[bool]>,
    data_range: f64,
    options: &SsimOptions,
) -> ScoreResult<SsimMap> {
    let n = rows * columns;
    if truth.len() != n || prediction.len() != n || valid.is_some_and(|v| v.len() != n) {
        return Err(ScoreError::Argument(format!(
            "fields of {} and {} pixels (mask of {}) do not fit {rows} x {columns}",
            truth.len(),
            prediction.len(),
            valid.map_or(n, <[bool]>::len)
        )));
    }
    if !(data_range > 0.0 && data_range.is_finite()) {
        return Err(ScoreError::Argument(format!("a data range of {data_range} was stated; a positive number is wanted")));
    }
    let kernel = options.kernel()?;
    let is_valid = |i: usize| valid.is_none_or(|v| v[i]);
    let (mut sum, mut count) = (0.0, 0usize);
    for i in 0..n {
        let (t, p): (f64, f64) = (truth[i].into(), prediction[i].into());
        if is_valid(i) {
            if !(t.is_finite() && p.is_finite()) {
                let what = if t.is_finite() { "prediction" } else { "truth" };
                return Err(ScoreError::NotFinite { what, position: i });
            }
            sum += t;
            count += 1;
        }
    }
    let pixels = (kernel.len() * kernel.len()) as f64;
    let planes = Planes {
        truth,
        prediction,
        valid,
        rows,
        columns,
        // Departures from one common value, so that variances near 288 K lose no digits.
        origin: sum / count.max(1) as f64,
        kernel: &kernel,
        factor: if options.sample_covariance { pixels / (pixels - 1.0) } else { 1.0 },
        constants: [(options.k1 * data_range).powi(2), (options.k2 * data_range).powi(2)],
    };
    let mut values = vec![0.0; n];
    if n > 0 {
        let bands = values.par_chunks_mut(BAND_ROWS * columns).enumerate();
        bands.for_each(|(band, out)| widest(Band { planes: &planes, first: band * BAND_ROWS, out }));
    }
    Ok(SsimMap { values, whole: whole_windows(rows, columns, kernel.len() / 2, valid) })
}

/// Position on a line continued as `d c b a | a b c d | d c b a`.
pub(super) fn reflect(position: isize, length: usize) -> usize {
    let period = 2 * length as isize;
    let p = position.rem_euclid(period);
    (if p < length as isize { p } else { period - 1 - p }) as usize
}

/// Which windows of the given radius are inside and valid throughout, from a summed table of invalid pixels.
fn whole_windows(rows: usize, columns: usize, radius: usize, valid: Option<&[bool]>) -> Vec<bool> {
    let inner = |length: usize| radius..length.saturating_sub(radius).max(radius);
    let Some(valid) = valid else {
        let mut whole = vec![false; rows * columns];
        inner(rows).for_each(|y| inner(columns).for_each(|x| whole[y * columns + x] = true));
        return whole;
    };
    let width = columns + 1;
    let mut sums = vec![0usize; (rows + 1) * width];
    for y in 0..rows {
        for x in 0..columns {
            let invalid = usize::from(!valid[y * columns + x]);
            sums[(y + 1) * width + x + 1] = invalid + sums[y * width + x + 1] + sums[(y + 1) * width + x] - sums[y * width + x];
        }
    }
    let mut whole = vec![false; rows * columns];
    for y in radius..rows.saturating_sub(radius) {
        for x in radius..columns.saturating_sub(radius) {
            let (top, bottom, left, right) = (y - radius, y + radius + 1, x - radius, x + radius + 1);
            let inside = sums[bottom * width + right] + sums[top * width + left];
            whole[y * columns + x] = inside == sums[top * width + right] + sums[bottom * width + left];
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn noise(n: usize, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed, "ssim");
        (0..n).map(|_| random.normal()).collect()
    }

    #[test]
    fn reflection() {
        assert_eq!((-3..7).map(|p| reflect(p, 3)).collect::<Vec<_>>(), [2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
    }

    #[test]
    fn whole_windows_are_those_of_the_definition() {
        let (rows, columns, radius) = (9usize, 11usize, 2usize);
        let mut random = Random::new(3, "mask");
        let valid: Vec<bool> = (0..rows * columns).map(|_| random.uniform() > 0.05).collect();
        let fast = whole_windows(rows, columns, radius, Some(&valid));
        for y in 0..rows {
            for x in 0..columns {
                let inside = y >= radius && x >= radius && y + radius < rows && x + radius < columns;
                let all = || (y - radius..=y + radius).all(|v| (x - radius..=x + radius).all(|u| valid[v * columns + u]));
                assert_eq!(fast[y * columns + x], inside && all(), "{y} {x}");
            }
        }
    }

    #[test]
    fn masked_pixels_may_hold_anything() {
        let (mut t, p) = (noise(400, 1), noise(400, 2));
        let mut valid = vec![true; 400];
        valid[210] = false;
        let score = |t: &[f64]| ssim(t, &p, 20, 20, Some(&valid), 4.0, &SsimOptions::uniform_7()).unwrap();
        let before = score(&t);
        t[210] = f64::NAN;
        assert_eq!(score(&t), before);
        assert_eq!(before.windows, 14 * 14 - 49);
    }

    #[test]
    fn bad_input_is_refused() {
        let f = noise(25, 1);
        let o = SsimOptions::uniform_7();
        assert!(ssim(&f, &f, 5, 4, None, 1.0, &o).is_err());
        assert!(ssim(&f, &f, 5, 5, None, 0.0, &o).is_err());
        assert!(matches!(ssim(&f, &f, 5, 5, None, 1.0, &o), Err(ScoreError::TooFew { .. })));
        assert!(ssim(&f, &f, 5, 5, None, 1.0, &SsimOptions { window: SsimWindow::Uniform { size: 4 }, ..o }).is_err());
        assert!(ssim(&f, &f, 5, 5, None, 1.0, &SsimOptions { window: SsimWindow::Gaussian { sigma: 0.0 }, ..o }).is_err());
    }
}

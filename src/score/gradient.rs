//! Magnitude of the gradient of a field: fronts, and how much of them a prediction keeps.

use super::error::{ScoreError, ScoreResult};
use super::pairs::Pairs;
use super::ssim::reflect;

/// A field of gradient magnitudes; where `valid` is false there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientMagnitude {
    /// Magnitude at each pixel, in the unit of the data per unit of spacing; 0 where not valid.
    pub values: Vec<f64>,
    /// Is there a magnitude at the pixel?
    pub valid: Vec<bool>,
}

/// Gradient magnitude by central differences, one-sided at the border and beside masked pixels.
///
/// `row_spacing` is the distance between rows, `column_spacing` that between the columns of each row (one number for each
/// row: on a latitude-longitude grid it shrinks towards the poles). A pixel without a valid neighbour in one of the two directions has no gradient.
///
/// # Formula
/// ```text
/// |∇z| = √( (∂z/∂y)² + (∂z/∂x)² ),    ∂z/∂x = (z(x+1) − z(x−1)) / 2Δx,  or (z(x+1) − z(x)) / Δx
/// ```
///
/// # Errors
/// [`ScoreError::Argument`] for buffers that do not fit the shape or a spacing that is not positive,
/// [`ScoreError::NotFinite`] for a valid pixel that is infinite or NaN.
///
/// # Example
/// ```
/// use isotherm::score::gradient_magnitude;
/// // z = 3 x + 4 y
/// let g = gradient_magnitude(&[0.0, 3.0, 4.0, 7.0], 2, 2, None, 1.0, &[1.0, 1.0]).unwrap();
/// assert_eq!(g.values, vec![5.0; 4]);
/// ```
///
/// # Reference
/// Belkin, O'Reilly (2009), doi:10.1016/j.jmarsys.2008.11.018
pub fn gradient_magnitude(
    values: &[f64],
    rows: usize,
    columns: usize,
    valid: Option<&[bool]>,
    row_spacing: f64,
    column_spacing: &[f64],
) -> ScoreResult<GradientMagnitude> {
    check(values, rows, columns, valid)?;
    if column_spacing.len() != rows {
        return Err(ScoreError::Argument(format!(
            "{} column spacings for {rows} rows; one for each is wanted",
            column_spacing.len()
        )));
    }
    if let Some(bad) = std::iter::once(&row_spacing).chain(column_spacing).find(|s| !(**s > 0.0 && s.is_finite())) {
        return Err(ScoreError::Argument(format!("a spacing of {bad} was given; a positive number is wanted")));
    }
    let at = |y: usize, x: usize| {
        let i = y * columns + x;
        (y < rows && x < columns && valid.is_none_or(|v| v[i])).then(|| values[i])
    };
    let mut out = GradientMagnitude { values: vec![0.0; values.len()], valid: vec![false; values.len()] };
    for (y, column_spacing) in column_spacing.iter().enumerate() {
        for x in 0..columns {
            let Some(centre) = at(y, x) else { continue };
            // One before the first wraps to usize::MAX, which `at` takes as outside.
            let across = slope(at(y, x.wrapping_sub(1)), centre, at(y, x + 1), *column_spacing);
            let along = slope(at(y.wrapping_sub(1), x), centre, at(y + 1, x), row_spacing);
            if let (Some(dx), Some(dy)) = (across, along) {
                out.values[y * columns + x] = dx.hypot(dy);
                out.valid[y * columns + x] = true;
            }
        }
    }
    Ok(out)
}

fn slope(before: Option<f64>, centre: f64, after: Option<f64>, spacing: f64) -> Option<f64> {
    match (before, after) {
        (Some(a), Some(b)) => Some((b - a) / (2.0 * spacing)),
        (None, Some(b)) => Some((b - centre) / spacing),
        (Some(a), None) => Some((centre - a) / spacing),
        (None, None) => None,
    }
}

/// Gradient magnitude by Sobel's 3 x 3 operator per pixel (divided by 8, so that a plane gets its slope); the field is
/// continued by reflection, and a masked pixel in the 3 x 3 leaves no gradient.
///
/// # Errors
/// As [`gradient_magnitude`].
///
/// # Example
/// ```
/// use isotherm::score::sobel_magnitude;
/// let plane: Vec<f64> = (0..9).map(|i| 3.0 * (i % 3) as f64 + 4.0 * (i / 3) as f64).collect();
/// assert_eq!(sobel_magnitude(&plane, 3, 3, None).unwrap().values[4], 5.0);
/// ```
///
/// # Reference
/// Sobel, Feldman (1968), A 3x3 isotropic gradient operator for image processing, Stanford AI Project
pub fn sobel_magnitude(values: &[f64], rows: usize, columns: usize, valid: Option<&[bool]>) -> ScoreResult<GradientMagnitude> {
    check(values, rows, columns, valid)?;
    let mut out = GradientMagnitude { values: vec![0.0; values.len()], valid: vec![false; values.len()] };
    for y in 0..rows {
        for x in 0..columns {
            let (mut dx, mut dy, mut whole) = (0.0, 0.0, true);
            for v in -1isize..=1 {
                for u in -1isize..=1 {
                    let i = reflect(y as isize + v, rows) * columns + reflect(x as isize + u, columns);
                    if valid.is_some_and(|valid| !valid[i]) {
                        whole = false;
                        continue;
                    }
                    let smooth = |offset: isize| if offset == 0 { 2.0 } else { 1.0 };
                    dx += u as f64 * smooth(v) * values[i] / 8.0;
                    dy += v as f64 * smooth(u) * values[i] / 8.0;
                }
            }
            if whole {
                out.values[y * columns + x] = dx.hypot(dy);
                out.valid[y * columns + x] = true;
            }
        }
    }
    Ok(out)
}

/// Pairs of gradient magnitudes of truth and prediction, where both have one: their RMSE is the gradient-magnitude error,
/// their bias says by how much fronts are sharpened or smoothed away.
///
/// # Errors
/// As [`gradient_magnitude`].
///
/// # Example
/// ```
/// use isotherm::score::gradient_pairs;
/// let (truth, flat) = ([0.0, 1.0, 0.0, 1.0], [0.5; 4]);
/// let pairs = gradient_pairs(&truth, &flat, 2, 2, None, 1.0, &[1.0; 2]).unwrap();
/// assert_eq!(pairs.bias().unwrap(), -1.0);
/// ```
///
/// # Reference
/// Xue et al. (2014), doi:10.1109/TIP.2013.2293423
pub fn gradient_pairs(
    truth: &[f64],
    prediction: &[f64],
    rows: usize,
    columns: usize,
    valid: Option<&[bool]>,
    row_spacing: f64,
    column_spacing: &[f64],
) -> ScoreResult<Pairs> {
    let t = gradient_magnitude(truth, rows, columns, valid, row_spacing, column_spacing)?;
    let p = gradient_magnitude(prediction, rows, columns, valid, row_spacing, column_spacing)?;
    Pairs::collect(&t.values, &p.values, Some(&t.valid), None)
}

fn check(values: &[f64], rows: usize, columns: usize, valid: Option<&[bool]>) -> ScoreResult<()> {
    if values.len() != rows * columns || valid.is_some_and(|v| v.len() != values.len()) {
        return Err(ScoreError::Argument(format!(
            "a field of {} pixels (mask of {}) does not fit {rows} x {columns}",
            values.len(),
            valid.map_or(values.len(), <[bool]>::len)
        )));
    }
    match (0..values.len()).find(|i| valid.is_none_or(|v| v[*i]) && !values[*i].is_finite()) {
        Some(position) => Err(ScoreError::NotFinite { what: "the field", position }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_a_masked_pixel_differences_are_one_sided() {
        // columns 0 1 4 9: without the last, the slope at 4 is 4 - 1
        let row = [0.0, 1.0, 4.0, f64::NAN, 0.0, 1.0, 4.0, f64::NAN];
        let valid = [true, true, true, false, true, true, true, false];
        let g = gradient_magnitude(&row, 2, 4, Some(&valid), 1.0, &[1.0, 2.0]).unwrap();
        assert_eq!(g.values, [1.0, 2.0, 3.0, 0.0, 0.5, 1.0, 1.5, 0.0]);
        assert_eq!(g.valid, valid);
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(gradient_magnitude(&[1.0; 4], 2, 3, None, 1.0, &[1.0; 2]).is_err());
        assert!(gradient_magnitude(&[1.0; 4], 2, 2, None, 0.0, &[1.0; 2]).is_err());
        assert!(gradient_magnitude(&[1.0; 4], 2, 2, None, 1.0, &[1.0]).is_err());
        assert!(sobel_magnitude(&[f64::NAN], 1, 1, None).is_err());
        // a single row has no slope along y
        assert_eq!(gradient_magnitude(&[1.0, 2.0], 1, 2, None, 1.0, &[1.0]).unwrap().valid, [false, false]);
    }
}

//! Planes: row-major buffers of `rows * columns` numbers, and the two precisions they come in.

use super::error::{GridError, GridResult};
use super::field::Field;

/// A number a plane may hold. Sums are always taken in `f64`, whatever the plane's own precision.
pub trait Sample: Copy + Default + PartialOrd + Send + Sync + 'static {
    /// The number in double precision.
    fn to_f64(self) -> f64;
    /// The nearest number of this precision.
    fn from_f64(value: f64) -> Self;
}

impl Sample for f32 {
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn from_f64(value: f64) -> f32 {
        value as f32
    }
}

impl Sample for f64 {
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn from_f64(value: f64) -> f64 {
        value
    }
}

/// Refuses a buffer that does not hold `rows * columns` things.
pub(crate) fn check_plane(what: &'static str, found: usize, rows: usize, columns: usize) -> GridResult<()> {
    let wanted = rows * columns;
    if found == wanted { Ok(()) } else { Err(GridError::Length { what, found, wanted, shape: vec![rows, columns] }) }
}

/// Which cells of frame `time` are valid.
pub(crate) fn valid_of_frame(field: &Field, time: usize) -> Vec<bool> {
    field.frame_mask(time).iter().map(|cell| cell.is_valid()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_of_the_wrong_length_is_named() {
        assert!(check_plane("the values", 6, 2, 3).is_ok());
        let error = check_plane("the values", 5, 2, 3).unwrap_err();
        assert_eq!(error.to_string(), "the values holds 5 values, but the shape [2, 3] needs 6");
    }
}

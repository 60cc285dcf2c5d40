//! The part of a storage's buffer that a contiguous layout covers, for operations in place.

use candle_core::{Layout, Result, bail};

/// The values, to be read.
pub(in crate::nn) fn shared<'a, T>(values: &'a [T], layout: &Layout) -> Result<&'a [T]> {
    let (start, end) = range(layout)?;
    Ok(&values[start..end])
}

/// The values, to be changed.
pub(in crate::nn) fn mutable<'a, T>(values: &'a mut [T], layout: &Layout) -> Result<&'a mut [T]> {
    let (start, end) = range(layout)?;
    Ok(&mut values[start..end])
}

fn range(layout: &Layout) -> Result<(usize, usize)> {
    match layout.contiguous_offsets() {
        Some(range) => Ok(range),
        None => bail!("found a tensor with gaps or a transposed order; a contiguous one is wanted"),
    }
}

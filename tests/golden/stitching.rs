//! Family `stitching`.

//! Family `interpolation`.

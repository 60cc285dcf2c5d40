//! Power spectra.

mod plane_transform;

pub(super) use plane_transform::{PlaneTransform, TransformBuffers, fast_length};

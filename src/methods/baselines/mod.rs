//! Baselines for gaps: methods that need no training, each a fair one. [`GapFill`] names them and fills a
//! [`Field`](crate::grid::Field); [`Filled`] is what comes out.

mod background;
mod biharmonic;
mod cholesky;
mod conjugate_gradient;
mod dineof;
mod drift;
mod filled;
mod frame_offset;
mod gap_fill;
mod harmonic;
mod held_out;
mod hide;
mod interpolation;
mod knots;
mod laplacian;
mod linear;
mod moving;
mod multigrid;
mod sequence;

pub use background::Centring;
pub use biharmonic::SLOPE_WEIGHT;
pub use dineof::DineofConfig;
pub use filled::{FillStatus, Filled};
pub use gap_fill::GapFill;
pub use harmonic::TEMPORAL_WEIGHT;
pub use hide::Hiding;
pub use interpolation::{CorrelationShape, Covariance, InterpolationConfig};

// What learned fills share with these.
pub(crate) use biharmonic::Bending;
pub(crate) use frame_offset::frame_offsets;
pub(crate) use gap_fill::frame_offset_biharmonic;
pub(crate) use held_out::HeldOutError;
pub(crate) use hide::hidden_cells;
pub(crate) use sequence::{Sequence, Solution};

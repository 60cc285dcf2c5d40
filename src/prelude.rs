//! What a notebook needs, in one line: `use isotherm::prelude::*;`.
//!
//! ```
//! use isotherm::prelude::*;
//!
//! let temperature_kelvin = Tensor::new(&[290.0_f64, 291.0], &Device::Cpu)?;
//! assert_eq!(temperature_kelvin.dims(), [2]);
//! # Ok::<(), candle_core::Error>(())
//! ```

pub use crate::base::random::Random;
pub use crate::data::{Observation, Observations, Platform};
pub use crate::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit, area_weights};
pub use crate::methods::SuperResolver;
pub use crate::paper::{Study, TidyTable, Verdict};
pub use crate::score::{Pairs, PointwiseMetric, Score, Weighting};
pub use candle_core::{DType, Device, Tensor, Var};

//! Floor 1: fields, axes, masks, units, area weights, regridding, tiling, land fill.
//!
//! Nothing here knows about files, tensors or figures.

mod area;
mod axis;
mod error;
mod field;
mod mask;
mod time;
mod unit;

pub use area::{EARTH_RADIUS_METRES, area_weights, cell_areas};
pub use axis::{Axis, AxisKind, Direction, wrap_180, wrap_360};
pub use error::{GridError, GridResult};
pub use field::Field;
pub use mask::{Cell, Mask};
pub use time::{SECONDS_PER_DAY, TimeAxis, instant, seconds_of_date};
pub use unit::Unit;

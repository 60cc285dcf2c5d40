//! Floor 1: fields, axes, masks, units, area weights, regridding, tiling, land fill.
//!
//! Nothing here knows about files, tensors or figures.

mod area;
mod axis;
mod back_project;
mod blend;
mod coarsen;
mod distance;
mod edge;
mod error;
mod field;
mod harmonic;
mod kernel;
mod land_fill;
mod lookup;
mod mask;
mod plan;
mod plane;
mod points;
mod regrid;
mod resample;
mod smooth;
mod sphere;
mod spline;
mod tiling;
mod time;
mod turn;
mod unit;
mod window;

pub use area::{EARTH_RADIUS_METRES, area_weights, cell_areas};
pub use axis::{Axis, AxisKind, Direction, wrap_180, wrap_360};
pub use back_project::{BACK_PROJECTION_ITERATIONS, back_project_plane, back_projected_bicubic};
pub use blend::{Blend, Covered};
pub use coarsen::{BlockStatistic, Blocks, Remainder, block_sums, coarsen_blocks, coarsen_mean, coarsen_plane};
pub use distance::{NearestValid, nearest_valid};
pub use edge::Edge;
pub use error::{GridError, GridResult};
pub use field::Field;
pub use kernel::{CUBIC_A_HOUSE, CUBIC_A_KEYS, Kernel};
pub use land_fill::{Fill, PartlyFilled, fill_masked, fill_plane, fill_rows_forward, fill_rows_linear};
pub use mask::{Cell, Mask};
pub use plane::Sample;
pub use points::{PointRule, PointSampler};
pub use regrid::regrid;
pub(crate) use resample::refine_frames;
pub use resample::{Interpolation, ResizeRule, resize_plane, upsample, upsample_plane};
pub use smooth::{GAUSSIAN_TRUNCATE_SIGMA, box_mean, box_mean_plane, gaussian_plane, gaussian_smooth, gaussian_weights};
pub use sphere::{central_angle, great_circle_degrees, great_circle_metres, longitude_difference};
pub use tiling::{Tile, Tiling, tile_starts};
pub use time::{SECONDS_PER_DAY, TimeAxis, instant, seconds_of_date};
pub(crate) use turn::turn;
pub use unit::Unit;
pub use window::Window;

//! Semivariograms: of scattered points and of whole fields, and models fitted to them.

mod bins;
mod cloud;
mod direction;
mod estimator;
mod fit;
mod lag_map;
mod lat_lon;
mod lookup;
mod matern;
mod model;
mod pair_distance;
mod pair_scan;
mod pairwise_difference;
mod plane_axis;
mod points;
mod simplex;

pub use bins::{LagBin, LagBins, LagPosition, Variogram};
pub use cloud::PointDistance;
pub use direction::LagDirection;
pub use estimator::VariogramEstimator;
pub use fit::{FitWeights, FittedVariogram, VariogramFamily, VariogramFit};
pub use lag_map::{LagMap, plane_variogram};
pub use lat_lon::LatLonGrid;
pub use matern::matern_correlation;
pub use model::{VariogramModel, VariogramShape};
pub use pair_distance::pair_distance_quantiles;
pub use plane_axis::{PlaneAxis, axis_variogram};
pub use points::PointVariogram;

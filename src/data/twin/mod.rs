//! The twin: a synthetic ocean whose truth is known, observed the way the real one is.
//!
//! What it is: surface quasi-geostrophic turbulence on an f-plane of infinite depth, doubly periodic, on square
//! cells of 5 km; temperature is a tracer that this flow stirs against the climate's meridional gradient, and
//! that relaxes to the climate; on top come a seasonal cycle, cold water at the coast, and by day a warm layer.
//! Two gridded analyses, clouds, drifters and moorings look at it, with errors that are known.
//!
//! What it is not: the labels in degrees (0.05 for each cell, from 30 N, 130 E) are only labels: the flow feels
//! neither the Earth's curvature nor the change of the Coriolis parameter, and cells do not narrow towards the
//! North. The land does not stop the flow; it only hides what lies beneath. There are no salinity, no mixed
//! layer and no weather. A figure from the twin must say that it is one; every field carries `tier = "twin"`.

mod analyses;
mod cache;
mod climate;
mod clouds;
mod coast;
mod config;
mod diurnal;
mod in_situ;
mod ocean;
mod platforms;
mod random_field;
mod spectral;
mod synthetic;
mod waves;

pub use clouds::{LIQUID_WATER_DEVIATION, LIQUID_WATER_MEAN, cloud_mask};
pub use config::{AnalysisConfig, CELL_DEGREES, CELL_METRES, COARSE_FACTOR, CORNER_DEGREES, InstrumentConfig, TwinConfig};
pub use diurnal::{Diurnal, local_solar_hour};
pub use in_situ::{DRIFTER_DEPTH_METRES, MOORING_DEPTH_METRES};
pub use synthetic::Twin;

#[cfg(test)]
mod tests;

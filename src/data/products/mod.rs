//! Readers: each product's files as a `Field` or a table of observations.

mod columns;
pub mod delimited;
pub mod gridded;
pub mod kma;
pub mod land_mask;
pub mod liquid_water;
pub mod ndbc;
pub mod profile;
pub mod raster;
mod station;
mod text_file;

pub use station::Station;

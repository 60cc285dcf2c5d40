//! Readers: each product's files as a `Field` or a table of observations.

pub mod delimited;
pub mod gridded;
pub mod land_mask;
pub mod ndbc;
pub mod profile;
pub mod raster;

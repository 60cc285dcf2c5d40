//! The readers of products, on small files that are laid out as those of the archives: same types, packing, fill
//! values, orders and names. Expected numbers are worked out by hand from the stored integers.

mod gridded;
mod observations;
mod rasters;
mod refusals;
mod sketch;

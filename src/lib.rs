//! Isotherm: an executable paper. Four published ways to see the sea surface (and dust) finer, trained,
//! scored and redrawn by one command.
//!
//! The modules are floors; a module uses only those below it (see ARCHITECTURE.md):
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`base`]: random numbers, whole files, hashes, progress |
//! | 1 | [`grid`]: fields, axes, masks, units, regridding, tiling |
//! | 2 | [`cf`] NetCDF in and out, [`score`] metrics and inference, [`nn`] tensors |
//! | 3 | [`data`] manifests, products, twin, splits; [`train`] loop and checkpoints; [`diffusion`] schedules and samplers |
//! | 4 | [`methods`] the networks and baselines; [`figure`] plots and passports |
//! | 5 | [`paper`] steps, tables, reports |
//! | 6 | [`cli`] the command line |
//!
//! Notebooks take all they need from [`prelude`].

pub mod base;
pub mod cf;
pub mod cli;
pub mod data;
pub mod diffusion;
pub mod figure;
pub mod grid;
pub mod methods;
pub mod nn;
pub mod paper;
pub mod prelude;
pub mod score;
pub mod train;

pub use candle_core;
pub use candle_nn;

//! Golden vectors: every case made with the field's Python peers (tests/golden/README.md).
//! `ISOTHERM_GOLDEN=<folder> cargo test --test golden` takes another folder of the same families.

mod support;

mod bootstrap;
mod cf_decode;
mod deterministic;
mod diffusion_schedules;
mod ensemble;
mod image_quality;
mod interpolation;
mod matchup;
mod nn_torch;
mod spectra;
mod stitching;
mod training;
mod variogram;
mod weighted;

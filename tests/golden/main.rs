//! Golden vectors: every case made with the field's Python peers (tests/golden/README.md).
//! `ISOTHERM_GOLDEN=<folder> cargo test --test golden` takes another folder of the same families.

mod support;

mod autocorr;
mod bootstrap;
mod cf_decode;
mod deterministic;
mod diffusion_schedules;
mod distribution_distance;
mod ensemble;
mod extremes;
mod image_quality;
mod interpolation;
mod matchup;
mod nn_blocks;
mod nn_torch;
mod paired_tests;
mod spectra;
mod stitching;
mod training;
mod variogram;
mod weighted;

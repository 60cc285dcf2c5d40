//! Synthetic dust: a tracer over mountains and basins, seen on two nested grids.
//!
//! What it is: a column of dust that gusts lift from the floors of dry basins, that a random wind carries, stirs and thins out,
//! that falls out sooner over rough and high ground, and of which less is above a mountain than beside it. The fine record is
//! this truth as daily means of aerosol optical depth. The coarse record is another program's view of the same days: it begins
//! years before and ends after, sees the plumes displaced and smoothed, knows the mountains by their block means only, and has
//! errors of its own that last for days.
//!
//! What it is not: the wind is a doubly periodic random flow with a prevailing part, not weather; there is no rain, no vertical
//! structure, no feedback. The labels (about 30 to 38 N, 60 to 70 E) are only labels: cells are squares. A figure from it must
//! say that it is a twin; every field carries `tier = "twin"`.
//!
//! [`DailyMeans`] makes such records of the files of real ones.

mod cache;
mod coarse_view;
mod config;
mod daily_means;
mod random_field;
mod record;
mod simulation;
mod terrain;
mod wind;

pub use config::{CoarseErrors, DustConfig, EmissionConfig, WindConfig};
pub use daily_means::{DailyMeans, MERRA2_TIMES_A_DAY, NATURE_RUN_TIMES_A_DAY};
pub use record::DustTwin;

//! Dust downscaled with a lent encoder: a forecast of coarse fields learns to see, a diffusion of fine fields uses what it saw.
//!
//! A fine field of log10 of the optical depth is drawn for a day, out of that day's coarse field, the ground, and the fine days
//! before, which it sees through the frozen encoder of a forecast that was trained on a long coarse record ([`fit_forecast`],
//! [`FrozenEncoder`], [`fit()`], [`Downscaler`]). Maps are drawn in patches that are blended at every step, and day after day past
//! the end of the fine record ([`roll_out`]).
//!
//! # Reference
//! Xiang, Zhong, Yan, Koutrakis, Garshick, Franklin (2025), Spatiotemporal satellite image downscaling with transfer encoders and
//! autoregressive generative models. arXiv:2512.05139
//!
//! # Departures
//! [`TransferConfig::paper`] keeps the published sizes, inputs, units, schedule and stitching. By default:
//! - a window's history ends on the day before its target ([`Alignment::Causal`]; the published program's slices give it the
//!   target itself), windows are of consecutive days, and whole blocks of days are held out with gaps ([`BlockPlan`]; the
//!   published split is [`random_day_split`]);
//! - the state is what a linear forecast from the same fields lacks, in its own units, so that noise is measured by what is
//!   really unknown, and the network predicts the velocity with a linear end;
//! - besides the features the network sees the last fine day, yesterday's coarse field and what is usual, and where asked the
//!   days before themselves, so that what the features are worth can be told from what the days are worth;
//! - a trunk says the field outright and the diffusion draws what it lacks ([`Task::TrunkAndDiffusion`]), so that the mean of an
//!   ensemble is as good as a deterministic network; [`inflation()`] says how far members lie from it on validation days;
//! - one network serves all seasons, told the day of the year; the encoder works once a day on the whole map; clean fields are
//!   blended at every step, which keeps the variance that averages of finished patches lose.

mod archive;
mod autoencoder;
mod calendar;
mod climatology;
mod config;
mod day_split;
mod denoiser;
mod downscaler;
mod draw_walk;
mod driver;
mod encoder;
mod fit;
mod forecast;
mod groundwork;
mod guided;
mod inflation;
mod inputs;
mod model;
mod objective;
mod rollout;
mod second_order;
mod source;
mod task;
mod training_days;
mod window;

pub use archive::{Archive, LEAST_OPTICAL_DEPTH};
pub use autoencoder::LatentConfig;
pub use calendar::Calendar;
pub use climatology::YearlyClimatology;
pub use config::{Stitching, TransferConfig};
pub use day_split::{BlockPlan, DaySplit, SeasonSplit, random_day_split};
pub use denoiser::{Denoiser, DenoiserConfig};
pub use downscaler::{Downscaler, DrawOptions};
pub use draw_walk::{Sampler, TransferDiffusion};
pub use driver::{Base, Driver};
pub use encoder::FrozenEncoder;
pub use fit::{TransferFitOptions, fit};
pub use forecast::{Forecast, ForecastConfig};
pub use groundwork::Groundwork;
pub use guided::{GuidedPlane, GuidedRegression};
pub use inflation::{Inflation, inflation};
pub use inputs::DayInputs;
pub use rollout::{RollOut, roll_out};
pub use second_order::{crowded_times, second_order_walk};
pub use source::{ForecastFitOptions, fit_forecast};
pub use task::{Task, Transfer};
pub use window::{Alignment, Window, joined_windows};

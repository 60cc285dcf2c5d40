//! Downscaling of a week of reanalysis under a projection critic, and the forecasts at stations.

mod climatology;
mod critic;
mod downscaler;
mod downscaling_config;
mod downscaling_fit;
mod events;
mod forecast_fit;
mod forecast_windows;
mod forecaster;
mod generator;
mod normalisation;
mod station_loss;
mod station_series;
mod station_statistics;
mod stations;
mod temporal_attention;
mod weeks;

pub use critic::{Critic, CriticConfig};
pub use downscaler::Downscaler;
pub use downscaling_config::{DownscalingConfig, DownscalingFitOptions, StationHead};
pub use downscaling_fit::{DOWNSCALER, fit_downscaling, pair_penalty};
pub use events::EventCounts;
pub use forecast_fit::{ForecastFitOptions, StationForecaster, StationForecasterConfig, fit_forecaster};
pub use forecast_windows::ForecastWindow;
pub use forecaster::{Core, Forecaster, ForecasterConfig};
pub use generator::{Generator, GeneratorConfig};
pub use normalisation::{Formulation, Normalisation};
pub use station_loss::StationLoss;
pub use station_series::{QualityControl, StationSeries};
pub use station_statistics::{ForecastBaseline, StationCycle, StationStatistics};
pub use stations::{KoreanStation, StationKind, korean_cell};
pub use weeks::WeekSource;

//! Transfer of an encoder: a forecast of coarse fields learns it, a diffusion of fine fields uses it.

mod denoiser;
mod forecast;

pub use denoiser::{Denoiser, DenoiserConfig};
pub use forecast::{Forecast, ForecastConfig};

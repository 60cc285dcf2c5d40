//! Power spectra of series and fields, and what follows from them: coherence, effective resolution, slope.

mod cross;
mod detrend;
mod isotropic;
mod line;
mod plane;
mod plane_transform;
mod resolution;
mod slope;
mod window;

pub use cross::CrossSpectrum;
pub use detrend::Detrend;
pub use isotropic::{IsotropicBins, IsotropicSpectrum};
pub use line::{LineSpectra, LineSpectrum, SpectrumScaling};
pub use plane::{PlaneSpectra, PlaneSpectrum};
pub(super) use plane_transform::{PlaneTransform, TransformBuffers, fast_length};
pub use resolution::{CrossingAxis, Resolution, effective_resolution, spectral_ratio, spectral_score};
pub use slope::spectral_slope;
pub use window::SpectralWindow;

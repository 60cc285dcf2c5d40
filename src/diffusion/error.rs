//! What can go wrong in diffusion.

use thiserror::Error;

use crate::grid::GridError;
use crate::nn::NnError;

/// Errors of the diffusion room.
#[derive(Debug, Error)]
pub enum DiffusionError {
    /// A setting, a time or a size is out of range.
    #[error("diffusion: {0}")]
    Argument(String),
    /// From the network or the device.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// From cutting or stitching tiles.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// The closure that stands for the network failed.
    #[error("{0}")]
    Model(String),
}

impl From<candle_core::Error> for DiffusionError {
    fn from(error: candle_core::Error) -> DiffusionError {
        DiffusionError::Nn(NnError::Tensor(error))
    }
}

/// Result of the diffusion room.
pub type DiffusionResult<T> = Result<T, DiffusionError>;

/// An [`DiffusionError::Argument`] with this text.
pub(super) fn wrong<T>(problem: String) -> DiffusionResult<T> {
    Err(DiffusionError::Argument(problem))
}

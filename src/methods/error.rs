//! What can go wrong in a method.

use thiserror::Error;

use crate::diffusion::DiffusionError;
use crate::grid::GridError;
use crate::nn::NnError;
use crate::train::TrainError;

/// Errors of the methods floor.
#[derive(Debug, Error)]
pub enum MethodError {
    /// From the grid floor.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// From the nn floor.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// From the diffusion floor.
    #[error(transparent)]
    Diffusion(#[from] DiffusionError),
    /// From the train floor.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A setting or an input is out of range.
    #[error("{0}")]
    Argument(String),
}

impl From<candle_core::Error> for MethodError {
    fn from(error: candle_core::Error) -> MethodError {
        MethodError::Nn(NnError::Tensor(error))
    }
}

/// Result of the methods floor.
pub type MethodResult<T> = Result<T, MethodError>;

//! What can go wrong with tensors, parameters and devices.

use thiserror::Error;

/// Errors of the nn floor.
#[derive(Debug, Error)]
pub enum NnError {
    /// From candle: a shape, a type or a device that does not fit.
    #[error("tensor: {0}")]
    Tensor(#[from] candle_core::Error),
    /// A parameter is missing, unexpected or of another shape than the network wants.
    #[error("parameter '{name}': {problem}")]
    Parameter {
        /// Its full name (`body.0.conv1.weight`).
        name: String,
        /// What was found, what was wanted.
        problem: String,
    },
    /// A device that was asked for by name cannot be used.
    #[error("device {device}: {problem}")]
    Device {
        /// The device asked for (`cuda:0`).
        device: String,
        /// What the driver said, and what to do.
        problem: String,
    },
    /// An argument is out of range.
    #[error("{0}")]
    Argument(String),
}

/// Result of the nn floor.
pub type NnResult<T> = Result<T, NnError>;

//! What can go wrong in training.

use std::path::PathBuf;

use thiserror::Error;

use crate::nn::NnError;

/// Errors of the train floor.
#[derive(Debug, Error)]
pub enum TrainError {
    /// From the network or the device.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// A file of the run could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// A checkpoint is damaged or was made by something else.
    #[error("{path}: {problem}")]
    Checkpoint {
        /// Which file.
        path: PathBuf,
        /// What was found, what to do.
        problem: String,
    },
    /// The run folder holds a run with other settings.
    #[error("{folder}: {problem}")]
    RunFolder {
        /// Which folder.
        folder: PathBuf,
        /// What was found, what to do.
        problem: String,
    },
    /// The loss is no longer a number.
    #[error(
        "the {what} is {value} at iteration {iteration}; the last good state is {last_good}; lower the learning rate or look at the data of that iteration"
    )]
    NotFinite {
        /// Loss, gradient or validation score.
        what: String,
        /// What it became.
        value: f64,
        /// The iteration.
        iteration: u64,
        /// Where the last good state lies.
        last_good: String,
    },
    /// A loss has grown far beyond what it was at first.
    #[error(
        "the {what} is {value} at iteration {iteration}, above the limit of {limit} that follows from the first iterations; the last good state is {last_good}; lower the learning rate or raise divergence_factor"
    )]
    Diverged {
        /// Which loss.
        what: String,
        /// What it became.
        value: f64,
        /// What it must not exceed.
        limit: f64,
        /// The iteration.
        iteration: u64,
        /// Where the last good state lies.
        last_good: String,
    },
    /// The closure that makes the loss or the validation score failed.
    #[error("{0}")]
    Task(String),
    /// A setting is out of range.
    #[error("{0}")]
    Argument(String),
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> TrainError {
        TrainError::Nn(NnError::Tensor(error))
    }
}

/// Result of the train floor.
pub type TrainResult<T> = Result<T, TrainError>;

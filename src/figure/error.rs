//! Why a figure cannot be drawn or read back.

use std::path::PathBuf;

use thiserror::Error;

/// Errors of the figure room. Each is one clear sentence.
#[derive(Debug, Error)]
pub enum FigureError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// What was asked for cannot be drawn.
    #[error("{0}")]
    Argument(String),
    /// The drawing library refused.
    #[error("the figure could not be drawn: {0}")]
    Drawing(String),
    /// A passport is missing, unreadable, or does not fit its files.
    #[error("{path}: {problem}")]
    Passport {
        /// Which file.
        path: PathBuf,
        /// What was found, what was wanted, what to do.
        problem: String,
    },
}

/// Result of the figure room.
pub type FigureResult<T> = Result<T, FigureError>;

/// An [`FigureError::Argument`] from a sentence.
pub(super) fn refuse<T>(sentence: impl Into<String>) -> FigureResult<T> {
    Err(FigureError::Argument(sentence.into()))
}

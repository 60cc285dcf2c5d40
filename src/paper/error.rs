//! What can go wrong between scores and a paper.

use std::path::PathBuf;

use thiserror::Error;

use crate::figure::FigureError;

/// Errors of the paper floor. Each is one clear sentence.
#[derive(Debug, Error)]
pub enum PaperError {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// A table's rows are not what they must be.
    #[error("{table}: {problem}")]
    Table {
        /// Which table or file.
        table: String,
        /// What was found, what was wanted, what to do.
        problem: String,
    },
    /// Scores without proof that test data stayed out of training.
    #[error("{table}: no leakage certificate was given, so the table is not rendered; take it from the split that was scored")]
    Certificate {
        /// Which table.
        table: String,
    },
    /// From the figure floor.
    #[error(transparent)]
    Figure(#[from] FigureError),
}

/// Result of the paper floor.
pub type PaperResult<T> = Result<T, PaperError>;

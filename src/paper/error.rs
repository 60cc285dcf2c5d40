//! What can go wrong when the paper is made.

use std::path::PathBuf;

use thiserror::Error;

use crate::figure::FigureError;

/// Errors of the paper floor. Each is one clear sentence.
#[derive(Debug, Error)]
pub enum PaperError {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// No such step, figure or notebook.
    #[error("there is no {what} '{found}'; there are: {known}")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// The name given.
        found: String,
        /// The names there are.
        known: String,
    },
    /// A file's content is not what it must be.
    #[error("{what}: {problem}")]
    Content {
        /// Which file, step or table.
        what: String,
        /// What was found, what was wanted, what to do.
        problem: String,
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
    /// A step failed.
    #[error("step '{step}': {problem}")]
    Step {
        /// The step.
        step: String,
        /// Why.
        problem: String,
    },
    /// Something published is stale, altered or absent.
    #[error("{0}")]
    Stale(String),
}

impl PaperError {
    /// Wraps a file-system error with the path it was about.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> PaperError {
        let path = path.into();
        move |source| PaperError::File { path, source }
    }

    /// Turns any error into the failure of `step`.
    pub fn step<E: std::fmt::Display>(step: &str) -> impl Fn(E) -> PaperError + '_ {
        move |error| PaperError::Step { step: step.to_string(), problem: error.to_string() }
    }
}

/// Result of the paper floor.
pub type PaperResult<T> = Result<T, PaperError>;

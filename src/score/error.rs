//! Why a score cannot be given.

use thiserror::Error;

/// A score that is undefined has a typed reason; it is never 0 and never a bare NaN.
#[derive(Debug, Error, Clone, PartialEq)]
pub enum ScoreError {
    /// The two inputs differ in length.
    #[error("truth has {truth} values and prediction {prediction}; the same number is wanted")]
    Length {
        /// Number of truth values.
        truth: usize,
        /// Number of prediction values.
        prediction: usize,
    },
    /// Too few valid pairs.
    #[error("{found} valid pairs; {metric} needs at least {wanted}")]
    TooFew {
        /// The metric asked for.
        metric: &'static str,
        /// Valid pairs found.
        found: usize,
        /// Valid pairs needed.
        wanted: usize,
    },
    /// A constant input where spread is needed.
    #[error("{what} is constant, so {metric} is undefined")]
    Constant {
        /// Which input.
        what: &'static str,
        /// The metric asked for.
        metric: &'static str,
    },
    /// An infinity or NaN among the valid values.
    #[error("{what} holds a value that is not finite at position {position}; mask it or mend it first")]
    NotFinite {
        /// Which input.
        what: &'static str,
        /// Where.
        position: usize,
    },
    /// A quantity that cannot be negative came out negative (or 0 where it must be positive).
    #[error("{what} came out as {value}; it must be positive")]
    Negative {
        /// Which quantity.
        what: &'static str,
        /// What it came out as.
        value: f64,
    },
    /// Scores of different protocols were compared.
    #[error("the scores follow different protocols ({left} and {right}) and cannot be compared")]
    Protocol {
        /// Protocol hash of one.
        left: String,
        /// Protocol hash of the other.
        right: String,
    },
    /// An argument is out of range.
    #[error("{0}")]
    Argument(String),
}

/// Result of the score floor.
pub type ScoreResult<T> = Result<T, ScoreError>;

//! What can be wrong with a grid, an axis, a unit or a field.

use thiserror::Error;

/// Errors of the grid floor. Each says what was found and what was wanted.
#[derive(Debug, Error, Clone, PartialEq)]
pub enum GridError {
    /// A buffer's length does not fit the shape it was given with.
    #[error("{what} holds {found} values, but the shape {shape:?} needs {wanted}")]
    Length {
        /// The buffer in question.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length the shape needs.
        wanted: usize,
        /// The shape.
        shape: Vec<usize>,
    },
    /// Two things that must agree in shape do not.
    #[error("{what}: found shape {found:?}, wanted {wanted:?}")]
    Shape {
        /// What was compared.
        what: &'static str,
        /// The shape found.
        found: Vec<usize>,
        /// The shape wanted.
        wanted: Vec<usize>,
    },
    /// An axis is not usable.
    #[error("the {axis} axis {problem}")]
    Axis {
        /// Which axis (`latitude`, `longitude`, `time`).
        axis: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A unit's text is not one that isotherm knows.
    #[error("unit '{found}' is not known; wanted one of: {wanted}")]
    UnknownUnit {
        /// The text found.
        found: String,
        /// The units known.
        wanted: String,
    },
    /// A quantity cannot be expressed in the unit asked for.
    #[error("a value in {from} cannot be turned into {to}")]
    Conversion {
        /// The unit at hand.
        from: String,
        /// The unit asked for.
        to: String,
    },
    /// An argument is out of range.
    #[error("{0}")]
    Argument(String),
    /// Nothing is left to work on (every cell masked, or no overlap).
    #[error("{0}")]
    Empty(String),
}

/// Result of the grid floor.
pub type GridResult<T> = Result<T, GridError>;

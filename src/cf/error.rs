//! What can go wrong between a NetCDF file and a field.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::grid::GridError;

/// Errors of reading and writing NetCDF. Each is one clear sentence that names the file.
#[derive(Debug, Error)]
pub enum CfError {
    /// The file could not be opened, read or written by the system.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{path} is not a NetCDF file: it begins with {found}; a NetCDF-3 (CDF) or NetCDF-4 (HDF5) file is wanted")]
    NotNetcdf {
        /// Which file.
        path: PathBuf,
        /// Its first bytes, printable or in hexadecimal.
        found: String,
    },
    /// A NetCDF-3 file is shorter than its header says.
    #[error("{path} is truncated: its header needs {needed} bytes, the file has {found}; fetch it again")]
    Truncated {
        /// Which file.
        path: PathBuf,
        /// Bytes that the header asks for.
        needed: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The content contradicts itself or its checksums.
    #[error("{path} is damaged: {problem}; fetch it again")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// The NetCDF library refused an action on a file being made.
    #[error("{path}: {action} failed: {problem}")]
    Library {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        action: String,
        /// The library's word.
        problem: String,
    },
    /// No variable of that name.
    #[error("{path} has no variable '{wanted}'; it has: {found}")]
    MissingVariable {
        /// Which file.
        path: PathBuf,
        /// The name asked for.
        wanted: String,
        /// The names there are.
        found: String,
    },
    /// A variable's attribute cannot be used.
    #[error("{path}: attribute {attribute} of variable '{variable}' {problem}")]
    Attribute {
        /// Which file.
        path: PathBuf,
        /// Whose attribute.
        variable: String,
        /// Which attribute.
        attribute: String,
        /// What was found and what was wanted.
        problem: String,
    },
    /// A variable's layout is not one that can be read as asked.
    #[error("{path}: variable '{variable}' {problem}")]
    Layout {
        /// Which file.
        path: PathBuf,
        /// Which variable.
        variable: String,
        /// What was found, what was wanted, what to do.
        problem: String,
    },
    /// Time units or a calendar that cannot be used.
    #[error("time units '{units}' (calendar {calendar}): {problem}")]
    Time {
        /// The units' text.
        units: String,
        /// The calendar's text.
        calendar: String,
        /// What is wrong.
        problem: String,
    },
    /// Nothing of the file lies where it was asked for.
    #[error("{path}: {problem}")]
    Empty {
        /// Which file.
        path: PathBuf,
        /// What was asked for and what there is.
        problem: String,
    },
    /// An argument is out of range, or fields do not fit together.
    #[error("{0}")]
    Argument(String),
    /// From the grid floor (units, axes).
    #[error("{path}: {source}")]
    Grid {
        /// Which file.
        path: PathBuf,
        /// The grid's word.
        source: GridError,
    },
}

/// Result of this room.
pub type CfResult<T> = Result<T, CfError>;

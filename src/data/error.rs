//! What can go wrong between a manifest and a field.

use std::path::PathBuf;

use thiserror::Error;

use crate::cf::CfError;
use crate::grid::GridError;

/// Errors of the data floor. Each is one clear sentence.
#[derive(Debug, Error)]
pub enum DataError {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// The content is not what it must be.
    #[error("{what}: {problem}")]
    Content {
        /// Which file, manifest or table.
        what: String,
        /// What was found, what was wanted, what to do.
        problem: String,
    },
    /// A download failed for good.
    #[error("{url}: {problem}")]
    Download {
        /// Where from.
        url: String,
        /// What happened and what to do.
        problem: String,
    },
    /// The server has no such file.
    #[error("{url}: {problem}")]
    NotFound {
        /// Where it should be.
        url: String,
        /// What to do.
        problem: String,
    },
    /// A checksum does not fit.
    #[error("{path}: sha256 is {found}, but the manifest wants {wanted}; remove the file and fetch it again")]
    Checksum {
        /// Which file.
        path: PathBuf,
        /// The sum found.
        found: String,
        /// The sum wanted.
        wanted: String,
    },
    /// An account, a token or an accepted licence is missing.
    #[error("{product}: {problem}")]
    Access {
        /// Which product.
        product: String,
        /// What is missing and where to get it.
        problem: String,
    },
    /// From the NetCDF room: its sentence names the file.
    #[error(transparent)]
    Cf(#[from] CfError),
    /// From the grid floor.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// From polars.
    #[error("table: {0}")]
    Table(#[from] polars::error::PolarsError),
}

/// Result of the data floor.
pub type DataResult<T> = Result<T, DataError>;

//! Floor 5: steps and their cache, tables, the chain behind each figure.

mod code;
mod error;
pub mod explain;
mod notebook;
mod receipt;
mod step;
mod steps;
mod study;

pub use error::{PaperError, PaperResult};
pub use notebook::{Notebook, all as notebooks};
pub use step::{DataFile, Step, StepContext, read_configuration};
pub use study::{State, Study};

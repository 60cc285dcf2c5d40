//! Floor 3: the training loop and its checkpoints.
//!
//! Training counts iterations, not seconds, so its result does not depend on the speed of the machine; a
//! run that was cut resumes bit for bit.

mod checkpoint;
mod error;
mod run_folder;
mod training_loop;

pub use checkpoint::{Checkpoint, CheckpointState};
pub use error::{TrainError, TrainResult};
pub use run_folder::RunFolder;
pub use training_loop::{Outcome, TrainingOptions, TrainingReport, train};

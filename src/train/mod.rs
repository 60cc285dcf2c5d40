//! Floor 3: the training loop and its checkpoints.
//!
//! Training counts iterations, not seconds, so its result does not depend on the speed of the machine; a
//! run that was cut resumes bit for bit. One network is trained by [`train`]; several that train against each other, each
//! with an optimiser of its own, by [`train_groups`].

mod checkpoint;
mod data_order;
mod error;
mod event_file;
mod iteration;
mod parameter_group;
mod run_folder;
mod training_loop;
mod training_options;
mod training_run;

pub use checkpoint::{Checkpoint, CheckpointState, GroupState};
pub use data_order::DataOrder;
pub use error::{TrainError, TrainResult};
pub use event_file::EventFile;
pub use iteration::Iteration;
pub use parameter_group::ParameterGroup;
pub use run_folder::RunFolder;
pub use training_loop::{Outcome, Trainee, TrainingReport, train, train_groups};
pub use training_options::{GroupOptions, TrainingOptions};
pub use training_run::RunDescription;

//! Floor 3: the training loop and its checkpoints.

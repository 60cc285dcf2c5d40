//! The files that the training of the learned method leaves for other steps.

/// Name of the checkpoint in the step's folder.
pub const WEIGHTS: &str = "edsr.safetensors";
/// Name of the training's log in the step's folder: a JSON object a line.
pub const LOG: &str = "training.jsonl";
/// Name of the file that says on what it was trained.
pub const DEVICE: &str = "device.txt";

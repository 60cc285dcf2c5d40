//! Floor 2: tensors with right gradients, blocks, initialisation, optimisers. The only room that knows
//! the insides of candle and cudarc.
//!
//! Several of candle's stock operations have a wrong, missing or silently cut gradient, and its
//! convolution is slow on the CPU; [`ops`] holds the operations that the methods use instead, each
//! checked by [`gradient_check`] in f64 and against PyTorch where a golden vector exists. Inside this
//! room errors are `candle_core::Result`; what leaves it is a [`NnError`].

pub mod blocks;
mod convolution;
mod decay;
mod derivative;
mod device;
mod ema;
mod error;
mod gradient_check;
mod gradients;
pub mod layers;
pub mod ops;
mod optimizer;
mod optimizer_choice;
mod parameters;
mod plateau;
mod precision;
mod schedule;
mod sgd;

pub use convolution::Convolution2d;
pub use decay::Decay;
pub use derivative::first_gradients;
pub use device::{DeviceChoice, describe_device, second_order_gradients_work, select_device};
pub use ema::Ema;
pub use error::{NnError, NnResult};
pub use gradient_check::{GradientReport, gradient_check};
pub use gradients::{add_gradients, clip_scale, global_norm, no_gradients};
pub use optimizer::{Adam, AdamConfig};
pub use optimizer_choice::{Optimizer, OptimizerConfig};
pub use parameters::{Init, Parameters};
pub use plateau::{Plateau, PlateauConfig, PlateauState};
pub use precision::{Precision, PrecisionScope};
pub use schedule::Schedule;
pub use sgd::{Sgd, SgdConfig};

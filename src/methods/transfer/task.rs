//! What the large network learns, and out of what.

use serde::{Deserialize, Serialize};

/// Whose features of the days before the large network is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transfer {
    /// Those that the forecast's encoder makes, frozen.
    #[default]
    Encoder,
    /// Those of an encoder that has learnt nothing, frozen.
    RandomEncoder,
    /// Those of an encoder that starts as the forecast's and goes on learning.
    TrainableEncoder,
    /// None: zeros in place of the features, or nothing where the days themselves are shown.
    Nothing,
}

impl Transfer {
    /// Is a frozen encoder asked for its features?
    pub(super) fn frozen(self) -> bool {
        matches!(self, Transfer::Encoder | Transfer::RandomEncoder)
    }

    /// Is an encoder wanted at all, to use or to begin from?
    pub(super) fn encodes(self) -> bool {
        self != Transfer::Nothing
    }
}

/// What the large network learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// To take noise away: a diffusion, which draws fields. As published.
    Diffusion,
    /// Two networks, trained together: one says the field outright, the other is a diffusion that draws what the first lacks.
    #[default]
    TrunkAndDiffusion,
    /// To say the field outright: the deterministic network with the same inputs.
    Regression,
    /// To say the field out of a few hidden numbers, which another network learns to read off it: a variational autoencoder.
    Autoencoder,
}

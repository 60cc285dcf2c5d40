//! A learning rate that falls when the validation score no longer does.

use serde::{Deserialize, Serialize};

use super::error::{NnError, NnResult};

/// When the rate falls, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlateauConfig {
    /// Factor of each fall.
    pub factor: f64,
    /// Validations without improvement that are borne; one more makes the rate fall.
    pub patience: u64,
    /// Share of the best score by which a score must be below it to count as an improvement.
    pub threshold: f64,
}

impl Default for PlateauConfig {
    fn default() -> PlateauConfig {
        PlateauConfig { factor: 0.1, patience: 10, threshold: 1e-4 }
    }
}

/// What a checkpoint keeps of a [`Plateau`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// Product of all falls so far.
    pub scale: f64,
    /// Best score that counted as an improvement.
    pub best: Option<f64>,
    /// Validations since then, or since the last fall.
    pub waited: u64,
}

/// Watches scores (smaller is better) and says by what the rate is multiplied, as PyTorch's `ReduceLROnPlateau` in its
/// relative mode without cool-down.
///
/// # Example
/// ```
/// use isotherm::nn::{Plateau, PlateauConfig};
/// let mut plateau = Plateau::new(PlateauConfig { factor: 0.5, patience: 1, threshold: 0.0 }).unwrap();
/// let scales: Vec<f64> = [3.0, 2.0, 2.0, 2.5, 1.0, 1.0, 1.0].iter().map(|score| plateau.observe(*score)).collect();
/// assert_eq!(scales, [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    config: PlateauConfig,
    state: PlateauState,
}

impl Plateau {
    /// A plateau that has seen nothing.
    ///
    /// # Errors
    /// [`NnError::Argument`] where the factor is not within 0 and 1 or the threshold not within 0..1.
    pub fn new(config: PlateauConfig) -> NnResult<Plateau> {
        if !(config.factor > 0.0 && config.factor < 1.0 && (0.0..1.0).contains(&config.threshold)) {
            return Err(NnError::Argument(format!(
                "found a plateau with factor {} and threshold {}; a factor within 0 and 1 and a threshold of at least 0 and \
                 below 1 are wanted",
                config.factor, config.threshold
            )));
        }
        Ok(Plateau { config, state: PlateauState { scale: 1.0, best: None, waited: 0 } })
    }

    /// Takes the score of a validation and gives the scale of the rate from now on.
    pub fn observe(&mut self, score: f64) -> f64 {
        let state = &mut self.state;
        // The share of the best score's size: for scores below 0 too, an improvement is a fall.
        if state.best.is_none_or(|best| score < best - self.config.threshold * best.abs()) {
            state.best = Some(score);
            state.waited = 0;
        } else {
            state.waited += 1;
        }
        if state.waited > self.config.patience {
            state.scale *= self.config.factor;
            state.waited = 0;
        }
        state.scale
    }

    /// The present scale of the rate.
    pub fn scale(&self) -> f64 {
        self.state.scale
    }

    /// For a checkpoint.
    pub fn state(&self) -> PlateauState {
        self.state
    }

    /// Puts a saved state back.
    pub fn restore(&mut self, state: PlateauState) {
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_improvement_does_not_count() {
        let mut plateau = Plateau::new(PlateauConfig { factor: 0.1, patience: 0, threshold: 0.1 }).unwrap();
        // 0.95 is above 1 − 0.1; 0.85 is below
        let scales: Vec<f64> = [1.0, 0.95, 0.85].iter().map(|score| plateau.observe(*score)).collect();
        assert_eq!(scales, [1.0, 0.1, 0.1]);
        // below 0: −1 is better than −0.5, but −0.52 is not by a tenth
        let mut plateau = Plateau::new(PlateauConfig { factor: 0.1, patience: 0, threshold: 0.1 }).unwrap();
        let scales: Vec<f64> = [-0.5, -0.52, -1.0].iter().map(|score| plateau.observe(*score)).collect();
        assert_eq!(scales, [1.0, 0.1, 0.1]);
    }

    #[test]
    fn a_restored_state_goes_on() {
        let config = PlateauConfig { factor: 0.5, patience: 2, threshold: 0.0 };
        let scores = [3.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 2.0];
        let mut whole = Plateau::new(config).unwrap();
        let wanted: Vec<f64> = scores.iter().map(|s| whole.observe(*s)).collect();
        for cut in 0..scores.len() {
            let mut first = Plateau::new(config).unwrap();
            for score in &scores[..cut] {
                first.observe(*score);
            }
            let mut second = Plateau::new(config).unwrap();
            second.restore(first.state());
            let rest: Vec<f64> = scores[cut..].iter().map(|s| second.observe(*s)).collect();
            assert_eq!(rest, wanted[cut..]);
        }
        assert!(Plateau::new(PlateauConfig { factor: 1.0, ..PlateauConfig::default() }).is_err());
    }
}

//! The learning rate as a pure function of the step.

use serde::{Deserialize, Serialize};

/// A linear warm-up from 0, then half a cosine down to `final_rate`.
///
/// # Reference
/// Loshchilov and Hutter (2017), SGDR: stochastic gradient descent with warm restarts. arXiv:1608.03983
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The largest rate.
    pub peak_rate: f64,
    /// The rate at the end and after it.
    pub final_rate: f64,
    /// Steps of warm-up; step 0 already moves, by `peak_rate / warmup_steps`.
    pub warmup_steps: u64,
    /// Steps in all, warm-up included.
    pub total_steps: u64,
}

impl Schedule {
    /// The rate used at `step` (the first is 0).
    ///
    /// # Example
    /// ```
    /// use isotherm::nn::Schedule;
    /// let s = Schedule { peak_rate: 1.0, final_rate: 0.0, warmup_steps: 2, total_steps: 12 };
    /// assert_eq!([s.rate(0), s.rate(1), s.rate(2)], [0.5, 1.0, 1.0]);
    /// assert!((s.rate(7) - 0.5).abs() < 1e-12 && s.rate(12) == 0.0 && s.rate(99) == 0.0);
    /// ```
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.peak_rate * (step + 1) as f64 / self.warmup_steps as f64;
        }
        if step >= self.total_steps {
            return self.final_rate;
        }
        let share = (step - self.warmup_steps) as f64 / (self.total_steps - self.warmup_steps) as f64;
        self.final_rate + 0.5 * (self.peak_rate - self.final_rate) * (1.0 + (std::f64::consts::PI * share).cos())
    }
}

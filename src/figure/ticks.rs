//! [`Scale`]s and their ticks.

use super::error::{FigureResult, refuse};

/// How numbers are laid along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Evenly, from the first to the second.
    Linear(f64, f64),
    /// By their logarithm, from the first to the second (both above 0).
    Logarithmic(f64, f64),
}

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub value: f64,
    /// Base of the label, and the power above it: `("10", Some("−3"))`.
    pub label: (String, Option<String>),
}

impl Scale {
    /// Fails unless the ends are finite, ascend, and are above 0 where the scale is logarithmic.
    pub(super) fn check(self, what: &str) -> FigureResult<Scale> {
        let (low, high) = self.ends();
        let positive = matches!(self, Scale::Linear(..)) || low > 0.0;
        if low.is_finite() && high.is_finite() && low < high && positive {
            return Ok(self);
        }
        refuse(format!("{what} cannot run from {low} to {high}; two finite, ascending ends are wanted, above 0 if logarithmic"))
    }

    /// Its two ends.
    pub fn ends(self) -> (f64, f64) {
        let (Scale::Linear(low, high) | Scale::Logarithmic(low, high)) = self;
        (low, high)
    }

    /// Where a value lies: 0 at the low end, 1 at the high end (not clamped).
    ///
    /// # Example
    /// ```
    /// use isotherm::figure::Scale;
    /// assert_eq!(Scale::Linear(-5.0, 35.0).fraction(5.0), 0.25);
    /// assert!((Scale::Logarithmic(1.0, 100.0).fraction(10.0) - 0.5).abs() < 1e-12);
    /// ```
    pub fn fraction(self, value: f64) -> f64 {
        match self {
            Scale::Linear(low, high) => (value - low) / (high - low),
            Scale::Logarithmic(low, high) => (value / low).ln() / (high / low).ln(),
        }
    }

    /// Labelled ticks, about `wanted` of them.
    pub(super) fn ticks(self, wanted: usize) -> Vec<Tick> {
        let (low, high) = self.ends();
        match self {
            Scale::Linear(..) => linear_ticks(low, high, nice_step(0.8 * (high - low) / wanted.max(1) as f64)),
            Scale::Logarithmic(..) => {
                let (first, last) = ((low.log10() - 1e-9).ceil() as i32, (high.log10() + 1e-9).floor() as i32);
                if last - first < 1 {
                    // less than two powers of ten: 1-2-5
                    let values = (first - 1..=last).flat_map(|p| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(p)));
                    let inside = values.filter(|v| *v >= low * (1.0 - 1e-9) && *v <= high * (1.0 + 1e-9));
                    return inside.map(|v| Tick { value: v, label: (plain(v), None) }).collect();
                }
                let every = ((last - first) as usize).div_ceil(wanted.max(1)).max(1) as i32;
                let powers: Vec<i32> = (first..=last).filter(|p| p.rem_euclid(every) == 0).collect();
                let short = powers.iter().all(|p| (-1..=3).contains(p));
                let label =
                    |p: i32| if short { (plain(10f64.powi(p)), None) } else { ("10".into(), Some(signed(f64::from(p), 0))) };
                powers.into_iter().map(|p| Tick { value: 10f64.powi(p), label: label(p) }).collect()
            }
        }
    }

    /// Unlabelled ticks between those of a logarithmic scale.
    pub(super) fn minor_ticks(self) -> Vec<f64> {
        let Scale::Logarithmic(low, high) = self else { return Vec::new() };
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        if last - first > 8 {
            return Vec::new();
        }
        let values = (first..=last).flat_map(|p| (2..10).map(move |m| f64::from(m) * 10f64.powi(p)));
        values.filter(|v| (low..=high).contains(v)).collect()
    }
}

fn linear_ticks(low: f64, high: f64, step: f64) -> Vec<Tick> {
    let slack = 1e-9 * (high - low);
    let (first, last) = (((low - slack) / step).ceil() as i64, ((high + slack) / step).floor() as i64);
    let decimals = decimals_of(step);
    // the count of a nice step is small; the cap guards against ends that differ by rounding only
    (first..=last.min(first + 50))
        .map(|i| Tick { value: i as f64 * step, label: (signed(i as f64 * step, decimals), None) })
        .collect()
}

/// The nice step (1, 2 or 5 times a power of ten) not below `raw`.
pub(super) fn nice_step(raw: f64) -> f64 {
    let exponent = raw.log10().floor() as i32;
    // read from decimal text, because 10^-1 by multiplication can miss the nearest double by a bit
    let step = |mantissa: u32| format!("{mantissa}e{exponent}").parse().unwrap_or(raw);
    [1, 2, 5].map(step).into_iter().find(|s| *s >= raw * (1.0 - 1e-9)).unwrap_or_else(|| step(10))
}

/// Decimals needed to write multiples of a nice step.
pub(super) fn decimals_of(step: f64) -> usize {
    (-(step * (1.0 + 1e-9)).log10().floor()).max(0.0) as usize
}

/// Fixed decimals, with a true minus sign and without a negative zero.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    if value < 0.0 && !is_zero { format!("−{text}") } else { text }
}

fn plain(value: f64) -> String {
    let decimals = (-value.log10().floor()).max(0.0) as usize;
    format!("{value:.decimals$}")
}

/// Thousands set apart by thin spaces from 10 000 on: `440 256`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, wanted: usize) -> Vec<String> {
        scale.ticks(wanted).into_iter().map(|t| t.label.0 + &t.label.1.map_or(String::new(), |p| format!("^{p}"))).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(Scale::Linear(-5.0, 35.0), 5), ["0", "10", "20", "30"]);
        assert_eq!(labels(Scale::Linear(-0.35, 0.35), 7), ["−0.3", "−0.2", "−0.1", "0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(Scale::Linear(0.0, 1.0), 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(Scale::Linear(0.0, 0.3).ticks(3)[2].value, 0.2);
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten() {
        assert_eq!(labels(Scale::Logarithmic(1.0, 2000.0), 6), ["1", "10", "100", "1000"]);
        assert_eq!(labels(Scale::Logarithmic(1e-6, 1e-3), 6), ["10^−6", "10^−5", "10^−4", "10^−3"]);
        assert_eq!(labels(Scale::Logarithmic(1.0, 7.0), 6), ["1", "2", "5"]);
        assert_eq!(Scale::Logarithmic(1.0, 30.0).minor_ticks(), [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 20.0, 30.0]);
    }

    #[test]
    fn impossible_scales_are_refused() {
        assert!(Scale::Linear(1.0, 1.0).check("x").is_err());
        assert!(Scale::Linear(f64::NAN, 1.0).check("x").is_err());
        assert!(Scale::Logarithmic(0.0, 1.0).check("x").is_err());
        assert!(Scale::Logarithmic(0.1, 1.0).check("x").is_ok());
    }

    #[test]
    fn signs_and_groups() {
        assert_eq!(signed(-0.0004, 3), "0.000");
        assert_eq!(signed(-1.5, 1), "−1.5");
        assert_eq!((grouped(9999), grouped(440256)), ("9999".into(), "440\u{a0}256".into()));
        assert_eq!((nice_step(0.3), nice_step(0.11), nice_step(30.0)), (0.5, 0.2, 50.0));
    }
}

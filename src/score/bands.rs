//! [`Bands`]: classes of a number, for scores by stratum.

use super::error::{ScoreError, ScoreResult};

/// Consecutive classes of a number. Band k holds `edges[k − 1] ≤ value < edges[k]`; the first and the last are open.
///
/// # Example
/// ```
/// use isotherm::score::Bands;
/// let bands = Bands::new(vec![50.0, 100.0]).unwrap();
/// assert_eq!([0.0, 50.0, 99.0, 1e6].map(|km| bands.class_of(km)), [0, 1, 1, 2]);
/// assert_eq!(bands.labels(""), ["below 50", "50 to 100", "100 and above"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bands {
    edges: Vec<f64>,
}

impl Bands {
    /// Bands between these edges.
    ///
    /// # Errors
    /// [`ScoreError::Argument`] where the edges do not ascend, one is not finite, or there are more than 100.
    pub fn new(edges: Vec<f64>) -> ScoreResult<Bands> {
        let orderly = edges.windows(2).all(|e| e[0] < e[1]) && edges.iter().all(|e| e.is_finite()) && edges.len() <= 100;
        if orderly { Ok(Bands { edges }) } else { Err(ScoreError::Argument(format!("the band edges {edges:?} do not ascend"))) }
    }

    /// The edges.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Number of bands.
    pub fn count(&self) -> usize {
        self.edges.len() + 1
    }

    /// The band of a value (of NaN: the first).
    pub fn class_of(&self, value: f64) -> u8 {
        self.edges.partition_point(|edge| *edge <= value) as u8
    }

    /// A label for each band, the numbers followed by `unit`.
    pub fn labels(&self, unit: &str) -> Vec<String> {
        let number = |v: f64| {
            // four significant digits, without the zeros at the end
            let digits = if v == 0.0 { 0 } else { (3 - v.abs().log10().floor() as i32).max(0) as usize };
            let text = format!("{v:.digits$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
        };
        let Some((first, last)) = self.edges.first().zip(self.edges.last()) else { return vec!["all".into()] };
        let between = self.edges.windows(2).map(|e| format!("{} to {}{unit}", number(e[0]), number(e[1])));
        std::iter::once(format!("below {}{unit}", number(*first)))
            .chain(between)
            .chain(std::iter::once(format!("{}{unit} and above", number(*last))))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_one_band() {
        let bands = Bands::new(vec![-1.0, 0.0, 2.5]).unwrap();
        let classes: Vec<u8> = [-9.0, -1.0, -0.5, 0.0, 2.4999, 2.5, f64::INFINITY].map(|v| bands.class_of(v)).to_vec();
        assert_eq!(classes, [0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(bands.count(), 4);
    }

    #[test]
    fn labels_are_short() {
        let bands = Bands::new(vec![0.012_345_6, 0.5, 100.0]).unwrap();
        assert_eq!(bands.labels(" K/km"), ["below 0.01235 K/km", "0.01235 to 0.5 K/km", "0.5 to 100 K/km", "100 K/km and above"]);
    }

    #[test]
    fn edges_must_ascend() {
        assert!(Bands::new(vec![1.0, 1.0]).is_err() && Bands::new(vec![f64::NAN]).is_err());
        assert_eq!(Bands::new(vec![]).unwrap().labels("x"), ["all"]);
    }
}

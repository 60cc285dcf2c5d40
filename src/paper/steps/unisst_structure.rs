//! How rough fills are inside the clouds: their squared differences over some cells, as a share of the truth's.

use crate::grid::Field;

/// Distances between the cells of a pair, along rows and columns.
pub const LAGS: [usize; 5] = [1, 2, 4, 8, 16];

/// The metric of a lag in the table: `structure_4`.
pub fn metric(lag: usize) -> String {
    format!("structure_{lag}")
}

/// Sums of squared differences of a sequence, by lag: of the truth, and of each fill.
#[derive(Clone, Debug, Default)]
pub struct Structure {
    /// Number of pairs by lag.
    pub pairs: [u64; LAGS.len()],
    truth: [f64; LAGS.len()],
    made: Vec<[f64; LAGS.len()]>,
}

impl Structure {
    /// Of the pairs of which both cells are `counted`.
    pub fn new(truth: &Field, made: &[&Field], counted: &[bool]) -> Structure {
        let [_, rows, columns] = truth.shape();
        let pixels = rows * columns;
        let mut found = Structure { made: vec![[0.0; LAGS.len()]; made.len()], ..Structure::default() };
        for i in (0..counted.len()).filter(|i| counted[*i]) {
            let (y, x) = (i % pixels / columns, i % columns);
            for (k, lag) in LAGS.iter().enumerate() {
                let right = (x + lag < columns).then_some(i + lag);
                let above = (y + lag < rows).then_some(i + lag * columns);
                for j in [right, above].into_iter().flatten().filter(|j| counted[*j]) {
                    let square = |f: &Field| f64::from(f.values()[i] - f.values()[j]).powi(2);
                    found.pairs[k] += 1;
                    found.truth[k] += square(truth);
                    found.made.iter_mut().zip(made).for_each(|(sums, field)| sums[k] += square(field));
                }
            }
        }
        found
    }

    /// What a fill has of the truth's squared differences, over several sequences; none where there is nothing to compare.
    pub fn share(of: &[&Structure], fill: usize, lag: usize) -> Option<f64> {
        let truth: f64 = of.iter().map(|s| s.truth[lag]).sum();
        let made: f64 = of.iter().map(|s| s.made.get(fill).map_or(0.0, |m| m[lag])).sum();
        (truth > 0.0).then(|| made / truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Axis, AxisKind, Mask, TimeAxis, Unit};

    fn row(values: Vec<f32>) -> Field {
        let n = values.len();
        let lat = Axis::regular(AxisKind::Latitude, 0.5, 1.0, 1).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 0.5, 1.0, n).unwrap();
        let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
        Field::new("sst", values, Mask::all_valid(n), time, lat, lon, Unit::Celsius).unwrap()
    }

    #[test]
    fn shares_by_hand() {
        // Half of the truth's differences, and a jump in a cell that does not count.
        let truth = row(vec![0.0, 2.0, 4.0, 50.0]);
        let half = row(vec![7.0, 8.0, 9.0, -3.0]);
        let found = Structure::new(&truth, &[&half, &truth], &[true, true, true, false]);
        assert_eq!(found.pairs, [2, 1, 0, 0, 0]);
        assert_eq!(Structure::share(&[&found], 0, 0), Some(0.25));
        assert_eq!(Structure::share(&[&found, &found], 1, 1), Some(1.0));
        assert_eq!(Structure::share(&[&found], 0, 2), None);
    }
}

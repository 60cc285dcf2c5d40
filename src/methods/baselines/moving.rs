//! Gaps filled by the surface that bends least in coordinates that move with the flow.

use super::biharmonic::{Bending, bent};
use super::drift::{Drift, DriftOptions, corners};
use super::harmonic::{harmonic, unknowns};
use super::laplacian::Laplacian;
use super::sequence::{Sequence, Solution};
use crate::methods::error::MethodResult;

/// How much more a step in time weighs than one in space: along the flow little changes.
const TEMPORAL_WEIGHT: f32 = 12.0;
const SLOPE_WEIGHT: f64 = 0.1;
const TOLERANCE: f64 = 1e-3;

/// Fills the gaps as [`biharmonic`](super::biharmonic::biharmonic) does, with each cell linked to where the flow came from
/// and to where it goes instead of to the same pixel before and after. The flow is found from what is seen.
///
/// # Formula
/// ```text
/// minimise |L u|² + ε uᵀ L u over the gaps,   L = L_space + w Dᵀ D,   (D u)(t, p) = u(t + 1, p + d/2) - u(t, p - d/2)
/// ```
/// where d(t, p) is the drift in cells from frame t to t + 1 and u between cells is bilinear. Where that leads over land or
/// beyond the border, the cell is linked to the same pixel.
pub(crate) fn moving_biharmonic(anomalies: &Sequence) -> MethodResult<Solution> {
    let drift = Drift::of(anomalies, &DriftOptions::default())?;
    along_drift(anomalies, &drift)
}

pub(crate) fn along_drift(sequence: &Sequence, drift: &Drift) -> MethodResult<Solution> {
    let unknown = unknowns(sequence, true);
    let start = harmonic(sequence, [TEMPORAL_WEIGHT, 1.0, 1.0])?;
    if !unknown.contains(&true) {
        return Ok(start);
    }
    let space = Laplacian::new(sequence.shape, sequence.wrap, &start.known, [0.0, 1.0, 1.0]);
    let still = Laplacian::new(sequence.shape, sequence.wrap, &start.known, [TEMPORAL_WEIGHT, 1.0, 1.0]);
    let links = Links::new(sequence, &start.known, drift);
    let bending = Bending { slope_weight: SLOPE_WEIGHT, temporal_weight: TEMPORAL_WEIGHT, tolerance: TOLERANCE };
    let operator = |u: &[f64], out: &mut [f64]| {
        space.apply(u, out);
        links.add(u, f64::from(TEMPORAL_WEIGHT), out);
    };
    // A still sea of the same stiffness is close enough to one that moves to lead the solver.
    bent(start, &unknown, &still, operator, &bending)
}

/// The rows of D: up to eight cells each.
struct Links {
    rows: Vec<[(u32, f32); 8]>,
}

impl Links {
    fn new(sequence: &Sequence, known: &[bool], drift: &Drift) -> Links {
        let [frames, rows, columns] = sequence.shape;
        let pixels = rows * columns;
        let mut links = Vec::new();
        for t in 0..frames.saturating_sub(1) {
            for p in 0..pixels {
                let (from, to) = (t * pixels + p, (t + 1) * pixels + p);
                let [u, v] = [&drift.along, &drift.across].map(|f| 0.25 * f64::from(f[from] + f[to]));
                let (y, x) = ((p / columns) as f64, (p % columns) as f64);
                let around = |frame: usize, sign: f64| {
                    let found = corners(sequence.shape, sequence.wrap, y + sign * v, x + sign * u)?;
                    let of_sea = found.iter().all(|(pixel, weight)| *weight == 0.0 || known[frame * pixels + pixel]);
                    of_sea.then(|| found.map(|(pixel, weight)| ((frame * pixels + pixel) as u32, (sign * weight) as f32)))
                };
                if let (Some(before), Some(later)) = (around(t, -1.0), around(t + 1, 1.0)) {
                    links.push(std::array::from_fn(|k| if k < 4 { before[k] } else { later[k - 4] }));
                } else if known[from] && known[to] {
                    let mut row = [(from as u32, 0.0); 8];
                    (row[0].1, row[1]) = (-1.0, (to as u32, 1.0));
                    links.push(row);
                }
            }
        }
        Links { rows: links }
    }

    /// `out += weight · Dᵀ D u`.
    fn add(&self, u: &[f64], weight: f64, out: &mut [f64]) {
        for row in &self.rows {
            let difference: f64 = row.iter().map(|(i, w)| f64::from(*w) * u[*i as usize]).sum();
            for (i, w) in row {
                out[*i as usize] += weight * f64::from(*w) * difference;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::biharmonic::biharmonic;
    use super::super::cholesky::Cholesky;
    use super::super::sequence::tests::sequence;
    use super::*;
    use crate::base::random::Random;

    #[test]
    fn without_a_flow_it_is_the_biharmonic_fill() {
        let mut random = Random::new(5, "still");
        let n = 6 * 12 * 12;
        let mut given = sequence([6, 12, 12], (0..n).map(|_| (random.uniform() < 0.4).then(|| random.normal())).collect());
        given.sea = (0..n).map(|i| given.observed[i] || i % 144 > 20).collect();
        let still = along_drift(&given, &Drift::none(n)).unwrap();
        let bending = Bending { slope_weight: SLOPE_WEIGHT, temporal_weight: TEMPORAL_WEIGHT, tolerance: 1e-8 };
        let wanted = biharmonic(&given, &bending).unwrap();
        assert_eq!(still.known, wanted.known);
        // As close as the solver of the one goes, which is coarse beside the errors of any fill.
        assert!(still.values.iter().zip(&wanted.values).all(|(a, b)| (a - b).abs() < 1e-2));
    }

    #[test]
    fn the_same_as_a_dense_solve() {
        let shape = [3, 5, 6];
        let n = 90;
        let mut random = Random::new(6, "moving");
        let mut given = sequence(shape, (0..n).map(|_| (random.uniform() < 0.4).then(|| random.normal())).collect());
        given.sea = (0..n).map(|i| given.observed[i] || i % 30 != 8).collect();
        let mut drift = Drift::none(n);
        for u in drift.along.iter_mut().chain(&mut drift.across) {
            *u = random.normal() as f32 * 0.7;
        }
        let filled = along_drift(&given, &drift).unwrap();
        let known = &filled.known;
        // The matrix from its definition, with places looked up one by one.
        let mut dense = vec![vec![0.0; n]; n];
        let mut square = |combination: &[(usize, f64)], weight: f64| {
            for (a, f) in combination {
                for (b, g) in combination {
                    dense[*a][*b] += weight * f * g;
                }
            }
        };
        for i in 0..n {
            for (j, inside) in [(i + 6, i / 6 % 5 < 4), (i + 1, i % 6 < 5)] {
                if inside && known[i] && known[j] {
                    square(&[(i, 1.0), (j, -1.0)], 1.0);
                }
            }
            if i + 30 >= n {
                continue;
            }
            let [u, v] = [&drift.along, &drift.across].map(|f| f64::from(f[i] + f[i + 30]) / 2.0);
            let hat = |d: f64| (1.0 - d.abs()).max(0.0);
            let mut combination = Vec::new();
            let mut whole = true;
            for (frame, sign) in [(i / 30, -1.0), (i / 30 + 1, 1.0)] {
                let (y, x) = ((i / 6 % 5) as f64 + sign * v / 2.0, (i % 6) as f64 + sign * u / 2.0);
                whole &= (0.0..=4.0).contains(&y) && (0.0..=5.0).contains(&x);
                for p in 0..30 {
                    let w = hat((p / 6) as f64 - y) * hat((p % 6) as f64 - x);
                    if w > 0.0 {
                        whole &= known[frame * 30 + p];
                        combination.push((frame * 30 + p, sign * w));
                    }
                }
            }
            if whole {
                square(&combination, f64::from(TEMPORAL_WEIGHT));
            } else if known[i] && known[i + 30] {
                square(&[(i, -1.0), (i + 30, 1.0)], f64::from(TEMPORAL_WEIGHT));
            }
        }
        let operator = |i: usize, j: usize| (0..n).map(|k| dense[i][k] * dense[k][j]).sum::<f64>() + SLOPE_WEIGHT * dense[i][j];
        let open: Vec<usize> = (0..n).filter(|i| known[*i] && !given.observed[*i]).collect();
        let mut matrix = Vec::new();
        let mut right = Vec::new();
        for i in &open {
            matrix.extend(open.iter().map(|j| operator(*i, *j)));
            right.push(-(0..n).filter(|j| given.observed[*j]).map(|j| operator(*i, j) * given.values[j]).sum::<f64>());
        }
        let wanted = Cholesky::new(matrix, open.len()).unwrap().solve(&right);
        for (i, wanted) in open.iter().zip(wanted) {
            assert!((filled.values[*i] - wanted).abs() < 2e-3, "{i}: {} {wanted}", filled.values[*i]);
        }
    }

    #[test]
    fn what_drifts_is_followed_under_a_cloud() {
        // Waves that drift by half a cell a frame; a cloud hides a square for six of ten frames.
        let truth = |i: usize| {
            let (t, y, x) = ((i / 1600) as f64, (i / 40 % 40) as f64, (i % 40) as f64);
            ((x - 0.5 * t) / 2.5).sin() * ((y + 0.3 * t) / 3.0).cos()
        };
        let hidden = |i: usize| (2..8).contains(&(i / 1600)) && (12..26).contains(&(i / 40 % 40)) && (12..26).contains(&(i % 40));
        let given = sequence([10, 40, 40], (0..16_000).map(|i| (!hidden(i)).then(|| truth(i))).collect());
        let error = |s: &Solution| {
            let gaps: Vec<usize> = (0..16_000).filter(|i| hidden(*i)).collect();
            gaps.iter().map(|i| (s.values[*i] - truth(*i)).abs()).sum::<f64>() / gaps.len() as f64
        };
        // The same weights without a flow: what is gained is the flow's.
        let (moving, still) = (moving_biharmonic(&given).unwrap(), along_drift(&given, &Drift::none(16_000)).unwrap());
        assert!(error(&moving) < 0.5 * error(&still), "{} {}", error(&moving), error(&still));
    }
}

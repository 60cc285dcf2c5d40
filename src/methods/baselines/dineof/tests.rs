use super::super::background::Centring;
use super::super::hide::Hiding;
use super::super::sequence::tests::sequence;
use super::*;

/// A field of exactly `rank` modes of falling size, and which cells are seen.
fn low_rank(shape: [usize; 3], rank: usize, seen: f64, noise: f64) -> (Vec<f64>, Sequence) {
    let mut random = Random::new(11, "low rank");
    let [frames, rows, columns] = shape;
    let pixels = rows * columns;
    let mut truth = vec![0.0; frames * pixels];
    for mode in 0..rank {
        let weight = 1.0 / (1.0 + mode as f64);
        let series: Vec<f64> = (0..frames).map(|_| random.normal()).collect();
        let map: Vec<f64> = (0..pixels).map(|_| random.normal()).collect();
        for t in 0..frames {
            for p in 0..pixels {
                truth[t * pixels + p] += weight * series[t] * map[p];
            }
        }
    }
    let cells = truth.iter().map(|v| (random.uniform() < seen).then(|| v + noise * random.normal())).collect();
    (truth, sequence(shape, cells))
}

fn root_mean_square(given: &Sequence, found: &Solution, truth: &[f64]) -> f64 {
    let gaps: Vec<usize> = (0..truth.len()).filter(|i| !given.observed[*i]).collect();
    (gaps.iter().map(|i| (found.values[*i] - truth[*i]).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt()
}

#[test]
fn a_field_of_low_rank_comes_back() {
    let (truth, given) = low_rank([30, 12, 15], 3, 0.5, 0.0);
    let config = DineofConfig {
        modes: Some(3),
        tolerance: 1e-10,
        most_iterations: 5000,
        centring: Centring::None,
        ..DineofConfig::default()
    };
    let found = dineof(&given, &config).unwrap();
    assert!(found.solution.known.iter().all(|k| *k));
    for i in 0..truth.len() {
        assert!((found.solution.values[i] - truth[i]).abs() < 1e-6, "{i}: {} {}", found.solution.values[i], truth[i]);
    }
}

#[test]
fn the_number_of_modes_is_found_and_a_constant_is_one_of_them() {
    // Noise of a tenth: more modes than there are would fit it.
    let (truth, given) = low_rank([60, 16, 16], 4, 0.6, 0.1);
    let config = DineofConfig {
        centring: Centring::None,
        hiding: Hiding::Points,
        hidden_share: 0.05,
        tolerance: 1e-5,
        ..DineofConfig::default()
    };
    let found = dineof(&given, &config).unwrap();
    assert_eq!(found.modes, 4, "{:?}", found.hidden_error);
    assert!(found.hidden_error.len() >= 7);
    let error = root_mean_square(&given, &found.solution, &truth);
    // 4 modes of 60 x 256 numbers: the noise left is 0.1 √(4 (60 + 256) / (0.6 · 60 · 256)) = 0.037
    assert!(error < 0.06, "{error}");
    // A shift of everything by 20 takes a mean off, or one mode more.
    let mut warm = given.clone();
    (0..warm.values.len()).filter(|i| given.observed[*i]).for_each(|i| warm.values[i] += 20.0);
    let shifted: Vec<f64> = truth.iter().map(|v| v + 20.0).collect();
    for centring in [Centring::Mean, Centring::FrameOffsetAndPattern] {
        let found = dineof(&warm, &DineofConfig { centring, ..config.clone() }).unwrap();
        let error = root_mean_square(&warm, &found.solution, &shifted);
        assert!(error < 0.09, "{centring:?} {error}");
    }
}

#[test]
fn the_same_fixed_point_as_a_whole_decomposition() {
    // The definition with a full eigendecomposition of XᵀX in every round, against the power iteration.
    let (_, given) = low_rank([12, 5, 6], 3, 0.7, 0.05);
    let config = DineofConfig {
        modes: Some(2),
        tolerance: 1e-9,
        most_iterations: 20_000,
        centring: Centring::None,
        ..DineofConfig::default()
    };
    let found = dineof(&given, &config).unwrap();
    let mut x = given.values.clone();
    for modes in 1..=2 {
        for _ in 0..4000 {
            let mut gram = vec![0.0; 144];
            for a in 0..12 {
                for b in 0..12 {
                    gram[a * 12 + b] = (0..30).map(|p| x[a * 30 + p] * x[b * 30 + p]).sum();
                }
            }
            let v = subspace::eigenvectors(gram, 12);
            let old = x.clone();
            for p in 0..30 {
                for t in (0..12).filter(|t| !given.observed[t * 30 + p]) {
                    x[t * 30 + p] =
                        (0..modes).map(|k| v[t * 12 + k] * (0..12).map(|s| v[s * 12 + k] * old[s * 30 + p]).sum::<f64>()).sum();
                }
            }
        }
    }
    for i in 0..360 {
        assert!((found.solution.values[i] - x[i]).abs() < 1e-5, "{i}: {} {}", found.solution.values[i], x[i]);
    }
}

#[test]
fn hidden_cells_are_judged_blind_and_shown_again() {
    let (_, given) = low_rank([20, 8, 8], 2, 0.7, 0.0);
    let config = DineofConfig { most_modes: 4, ..DineofConfig::default() };
    let found = dineof(&given, &config).unwrap();
    // observed cells, among them those hidden for a while, come back to the bit
    assert!((0..given.values.len()).all(|i| !given.observed[i] || found.solution.values[i] == given.values[i]));
    // what the hidden cells hold decides on their error, and on nothing that the search fits
    let random = Random::new(config.seed, "dineof");
    let hidden = hidden_cells(&given, config.hidden_share, config.hiding, &mut random.child(0));
    let mut other = given.clone();
    hidden.iter().for_each(|i| other.values[*i] += 1000.0);
    let poisoned = dineof(&other, &config).unwrap();
    assert!(poisoned.hidden_error[0] > 900.0 && poisoned.hidden_error[0] < 1100.0, "{:?}", poisoned.hidden_error);
}

#[test]
fn empty_frames_and_unseen_pixels_stay_open_and_threads_change_no_bit() {
    let (_, mut given) = low_rank([15, 20, 20], 2, 0.5, 0.1);
    for i in 0..given.values.len() {
        // frame 4 sees nothing, frame 5 one cell, pixel 7 is never seen
        if i / 400 == 4 || (i / 400 == 5 && i % 400 != 9) || i % 400 == 7 {
            given.observed[i] = false;
            given.values[i] = 0.0;
        }
    }
    given.observed[5 * 400 + 9] = true;
    let found = dineof(&given, &DineofConfig::default()).unwrap();
    for i in 0..given.values.len() {
        assert_eq!(found.solution.known[i], i / 400 != 4 && i % 400 != 7);
    }
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| dineof(&given, &DineofConfig::default()).unwrap()).solution.values, found.solution.values);
    }
    // a single observed cell is enough not to crash
    let alone = sequence([3, 2, 2], (0..12).map(|i| (i == 5).then_some(3.0)).collect());
    assert_eq!(dineof(&alone, &DineofConfig::default()).unwrap().solution.known.iter().filter(|k| **k).count(), 1);
    assert!(dineof(&alone, &DineofConfig { most_modes: 0, ..DineofConfig::default() }).is_err());
}

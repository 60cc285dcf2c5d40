use std::f64::consts::TAU;

use proptest::prelude::*;

use super::super::filled::FillStatus;
use super::*;
use crate::grid::{Axis, AxisKind, Cell, Mask, TimeAxis, Unit};

fn field(shape: [usize; 3], hours: f64, values: Vec<f32>, cells: Vec<Cell>) -> Field {
    let [frames, rows, columns] = shape;
    let latitude = Axis::regular(AxisKind::Latitude, 36.0, 1.0 / 12.0, rows).unwrap();
    let longitude = Axis::regular(AxisKind::Longitude, 5.0, 1.0 / 12.0, columns).unwrap();
    let time = TimeAxis::from_seconds((0..frames).map(|t| t as f64 * hours * 3600.0).collect()).unwrap();
    Field::new("sst", values, Mask::from_cells(cells), time, latitude, longitude, Unit::Celsius).unwrap()
}

/// Waves of many lengths that travel: a random field that moves and slowly changes shape.
struct Waves(Vec<[f64; 5]>);

impl Waves {
    /// Wavelengths between `short` and `long` cells with amplitudes as length^slope, drifting by `drift` cells a frame, each
    /// with a speed of its own of up to `spread` cells a frame.
    fn new(name: &str, [short, long]: [f64; 2], slope: f64, drift: [f64; 2], spread: f64) -> Waves {
        let mut random = Random::new(21, name);
        let mut waves: Vec<[f64; 5]> = (0..60)
            .map(|_| {
                let length = short * (long / short).powf(random.uniform());
                let (angle, phase) = (random.uniform_in(0.0, TAU), random.uniform_in(0.0, TAU));
                let (kx, ky) = (TAU / length * angle.cos(), TAU / length * angle.sin());
                let own = spread * random.normal() * TAU / length;
                [length.powf(slope), kx, ky, kx * drift[0] + ky * drift[1] + own, phase]
            })
            .collect();
        let power: f64 = waves.iter().map(|w| 0.5 * w[0] * w[0]).sum();
        waves.iter_mut().for_each(|w| w[0] /= power.sqrt());
        Waves(waves)
    }

    fn at(&self, t: usize, y: usize, x: usize) -> f64 {
        self.0.iter().map(|[a, kx, ky, w, p]| a * (kx * x as f64 + ky * y as f64 - w * t as f64 + p).cos()).sum()
    }
}

/// 24 six-hourly frames of eddies under drifting clouds: (truth, what is seen).
fn cloudy(shape: [usize; 3], cover: f64) -> (Vec<f64>, Field) {
    let eddies = Waves::new("eddies", [8.0, 60.0], 1.0, [0.4, 0.1], 0.3);
    let clouds = Waves::new("clouds", [10.0, 50.0], 0.8, [1.5, 0.5], 0.8);
    let [frames, rows, columns] = shape;
    let place = |i: usize| (i / (rows * columns), i / columns % rows, i % columns);
    let n = frames * rows * columns;
    let truth: Vec<f64> = (0..n)
        .map(|i| {
            let (t, y, x) = place(i);
            20.0 - 0.03 * y as f64 + 0.5 * eddies.at(t, y, x) + 0.3 * (TAU * t as f64 / 4.0).sin() + 0.02 * t as f64
        })
        .collect();
    let water: Vec<f64> = (0..n).map(place).map(|(t, y, x)| clouds.at(t, y, x)).collect();
    let mut sorted = water.clone();
    sorted.sort_by(f64::total_cmp);
    let threshold = sorted[((1.0 - cover) * n as f64) as usize];
    let cells = water.iter().map(|w| if *w > threshold { Cell::Cloud } else { Cell::Valid }).collect();
    let seen = field(shape, 6.0, truth.iter().map(|v| *v as f32).collect(), cells);
    (truth, seen)
}

fn filled_cells(filled: &Filled) -> Vec<usize> {
    (0..filled.status.len()).filter(|i| filled.status[*i].is_filled()).collect()
}

fn mean_absolute_error(truth: &[f64], seen: &Field, filled: &Filled) -> f64 {
    let hidden = filled_cells(filled);
    // All but pixels that are never seen, which some methods leave open.
    assert!(hidden.len() as f64 > 0.9 * (truth.len() - seen.mask().count_valid()) as f64);
    hidden.iter().map(|i| (f64::from(filled.field.values()[*i]) - truth[*i]).abs()).sum::<f64>() / hidden.len() as f64
}

/// Which methods are better than which, on eddies under clouds with a diurnal cycle.
#[test]
fn the_order_of_the_methods_under_moving_clouds() {
    let (truth, seen) = cloudy([24, 48, 48], 0.5);
    let mut error = std::collections::BTreeMap::new();
    for method in GapFill::all() {
        let started = std::time::Instant::now();
        let filled = method.fill(&seen).unwrap();
        let mae = mean_absolute_error(&truth, &seen, &filled);
        let said: Vec<f64> = filled.error.iter().flat_map(|e| e.values()).filter(|e| **e > 0.0).map(|e| f64::from(*e)).collect();
        let said = (said.iter().map(|e| e * e).sum::<f64>() / said.len() as f64).sqrt();
        let hidden = filled_cells(&filled);
        let square: f64 = hidden.iter().map(|i| (f64::from(filled.field.values()[*i]) - truth[*i]).powi(2)).sum();
        let rmse = (square / hidden.len() as f64).sqrt();
        println!("{:24} MAE {mae:.4} RMSE {rmse:.4} said {said:.4} {:.2?} {}", method.id(), started.elapsed(), filled.note);
        // the error estimate is of the right size
        assert!(said > 0.25 * rmse && said < 2.5 * rmse, "{}: {said} for {rmse}", method.id());
        error.insert(method.id(), mae);
    }
    assert!(error["frame_offset"] < error["linear"]);
    assert!(error["frame_offset_biharmonic"] < error["frame_offset"]);
    assert!(error["frame_offset_biharmonic"] < error["harmonic"]);
    assert!(error["oi"] < error["linear"]);
    assert!(error["dineof"] < error["linear"]);
}

/// A frame without data, one with a single cell, one more than nine tenths hidden, and land.
fn awkward() -> Field {
    let shape = [7, 9, 11];
    let mut random = Random::new(31, "awkward");
    let values = (0..693).map(|i| 15.0 + (i as f32 * 0.1).sin()).collect();
    let cells = (0..693)
        .map(|i| match (i / 99, i % 99) {
            (_, p) if p < 5 => Cell::Land,
            (_, 30) => Cell::Missing,
            (2, _) => Cell::Cloud,
            (3, p) if p != 50 => Cell::Cloud,
            (4, _) if random.uniform() < 0.93 => Cell::Missing,
            (1, 60) => Cell::Ice,
            _ if random.uniform() < 0.3 => Cell::Cloud,
            _ => Cell::Valid,
        })
        .collect();
    field(shape, 24.0, values, cells)
}

#[test]
fn awkward_frames_are_filled_or_left_and_marked() {
    let given = awkward();
    for method in GapFill::all() {
        let filled = method.fill(&given).unwrap();
        for (i, (cell, status)) in given.mask().cells().iter().zip(&filled.status).enumerate() {
            let (frame, pixel) = (i / 99, i % 99);
            let wanted = match cell {
                Cell::Valid => FillStatus::Observed,
                Cell::Land => FillStatus::Land,
                Cell::Ice => FillStatus::NotFilled,
                _ if frame == 2 && !method.fills_empty_frames() => FillStatus::NotFilled,
                _ if !(0..7).any(|t| given.mask().is_valid(t * 99 + pixel)) && method.id() == "dineof" => FillStatus::NotFilled,
                _ if frame == 2 => FillStatus::FilledInEmptyFrame,
                _ => FillStatus::Filled,
            };
            assert_eq!(*status, wanted, "{} cell {i}", method.id());
            let now = filled.field.mask().cells()[i];
            assert_eq!(now, if status.is_filled() { Cell::Valid } else { *cell });
            if status.is_filled() {
                let value = filled.field.values()[i];
                assert!((10.0..20.0).contains(&value), "{} cell {i}: {value}", method.id());
            }
        }
        let counts = filled.counts();
        assert_eq!(counts.iter().sum::<usize>(), 693);
        assert_eq!(counts[0], 35);
        let error = filled.error.unwrap();
        assert_eq!((error.unit(), error.name()), (Unit::KelvinDifference, "sst_error"));
        assert!((0..693).all(|i| (error.values()[i] > 0.0) == filled.status[i].is_filled()), "{}", method.id());
    }
}

#[test]
fn the_smallest_sequences_do_not_crash() {
    for shape in [[1, 1, 1], [1, 1, 2], [2, 1, 1], [1, 3, 3], [5, 1, 1]] {
        let n: usize = shape.iter().product();
        for seen in [1, n.div_ceil(2), n] {
            let cells = (0..n).map(|i| if i < seen { Cell::Valid } else { Cell::Missing }).collect();
            let given = field(shape, 24.0, (0..n).map(|i| 10.0 + i as f32).collect(), cells);
            for method in GapFill::all() {
                let filled = method.fill(&given).unwrap();
                assert_eq!(filled.counts()[1], seen, "{} {shape:?}", method.id());
            }
        }
        let none = field(shape, 24.0, vec![1.0; n], vec![Cell::Cloud; n]);
        assert!(GapFill::Linear.fill(&none).unwrap_err().to_string().contains("no observed cell"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Observed cells come back to the bit, and what lies under the mask changes nothing.
    #[test]
    fn observed_cells_are_untouched_and_hidden_ones_unknown(
        seed in 0u64..1000,
        share in 0.05f64..0.95,
        shape in (1usize..6, 1usize..9, 1usize..9),
        poison in prop_oneof![Just(f32::NAN), Just(1e30f32), Just(-5.0f32)],
    ) {
        let shape = [shape.0, shape.1, shape.2];
        let n: usize = shape.iter().product();
        let mut random = Random::new(seed, "property");
        let mut cells: Vec<Cell> = (0..n)
            .map(|_| if random.uniform() < share { Cell::Valid } else { [Cell::Cloud, Cell::Missing, Cell::Land][random.below(3)] })
            .collect();
        cells[random.below(n)] = Cell::Valid;
        let values: Vec<f32> = (0..n).map(|_| 15.0 + random.normal() as f32).collect();
        let poisoned = values.iter().zip(&cells).map(|(v, c)| if c.is_valid() { *v } else { poison }).collect();
        let given = field(shape, 24.0, values, cells.clone());
        let other = field(shape, 24.0, poisoned, cells);
        for method in GapFill::all() {
            let filled = method.fill(&given).unwrap();
            prop_assert_eq!(&filled, &method.fill(&other).unwrap(), "{}", method.id());
            for i in 0..n {
                if given.mask().is_valid(i) {
                    prop_assert_eq!(filled.field.values()[i].to_bits(), given.values()[i].to_bits());
                }
            }
        }
    }
}

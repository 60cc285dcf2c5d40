//! The synthetic ocean seen from outside: is it deterministic, stationary, and does it give back what was put in?

use std::sync::LazyLock;

use rustfft::num_complex::Complex64;

use super::*;
use crate::data::Platform;
use crate::grid::Cell;

/// One ocean for all tests that need more than a pond.
static SEA: LazyLock<Twin> = LazyLock::new(|| {
    let config = TwinConfig { seed: 3, cells: 128, days: 40, spin_up_days: 40, drifters: 150, ..TwinConfig::quick() };
    Twin::generate(&config, false).unwrap()
});

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
}

#[test]
fn the_same_for_any_number_of_threads_and_other_for_another_seed() {
    let config = TwinConfig { cells: 48, days: 3, spin_up_days: 2, ..TwinConfig::tiny() };
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let twin = Twin::generate(&config, false).unwrap();
            (twin.truth().clone(), twin.coarse_analysis().unwrap(), twin.fine_analysis().unwrap(), twin.observations())
        })
    };
    let one = with_threads(1);
    assert!(one == with_threads(2) && one == with_threads(5));
    let other = Twin::generate(&TwinConfig { seed: 2, ..config.clone() }, false).unwrap();
    assert_ne!(one.0.values(), other.truth().values());
}

#[test]
fn a_flow_too_fast_for_the_step_is_refused() {
    let config = TwinConfig { cells: 48, steps_per_day: 4, injection: 1e-5, days: 5, ..TwinConfig::tiny() };
    let sentence = Twin::generate(&config, false).map(|_| ()).unwrap_err().to_string();
    assert!(sentence.contains("steps_per_day"), "{sentence}");
}

#[test]
fn temperatures_are_physical_and_stationary() {
    let truth = SEA.truth();
    let spread: Vec<f64> = (0..truth.frames())
        .map(|t| {
            // Against the mean of its row, so that neither season nor latitude counts.
            let mut anomalies = Vec::new();
            for y in 0..128 {
                let row: Vec<f64> = (0..128).filter_map(|x| truth.get(t, y, x)).map(f64::from).collect();
                let (mean, _) = mean_and_deviation(&row);
                anomalies.extend(row.iter().map(|v| v - mean));
            }
            mean_and_deviation(&anomalies).1
        })
        .collect();
    let halves = spread.split_at(20);
    let (early, late) = (mean_and_deviation(halves.0).0, mean_and_deviation(halves.1).0);
    assert!(spread.iter().all(|s| (0.3..1.5).contains(s)), "{spread:?}");
    assert!((0.6..1.6).contains(&(late / early)), "{early} {late}");
    for (value, cell) in truth.values().iter().zip(truth.mask().cells()) {
        assert!(*cell == Cell::Land && *value == 0.0 || (5.0..30.0).contains(value), "{value} {cell:?}");
    }
}

/// Slope of the zonal power spectrum of the truth between two wavelengths in cells, from the days given: rows
/// of sea only, their straight line removed, a Hann window, and a straight line through the logarithms.
fn spectrum_slope(twin: &Twin, cells: usize, wavelengths: (f64, f64)) -> f64 {
    let truth = twin.truth();
    let plan = rustfft::FftPlanner::new().plan_fft_forward(cells);
    let mut power = vec![0.0; cells / 2];
    for t in 0..truth.frames() {
        for y in 0..cells {
            let row: Vec<f64> = (0..cells).filter_map(|x| truth.get(t, y, x)).map(f64::from).collect();
            if row.len() < cells {
                continue;
            }
            let line = |x: usize| row[0] + (row[cells - 1] - row[0]) * x as f64 / (cells - 1) as f64;
            let hann = |x: usize| 0.5 - 0.5 * (std::f64::consts::TAU * (x as f64 + 0.5) / cells as f64).cos();
            let mut modes: Vec<Complex64> = (0..cells).map(|x| Complex64::new((row[x] - line(x)) * hann(x), 0.0)).collect();
            plan.process(&mut modes);
            power.iter_mut().zip(&modes).for_each(|(sum, mode)| *sum += mode.norm_sqr());
        }
    }
    let inside = |k: &usize| (wavelengths.0..=wavelengths.1).contains(&(cells as f64 / *k as f64));
    let points: Vec<(f64, f64)> = (1..cells / 2).filter(inside).map(|k| ((k as f64).ln(), power[k].ln())).collect();
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>() / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>()
}

#[test]
fn the_spectrum_has_the_slope_of_surface_turbulence() {
    // Theory: k^-5/3 for a tracer in surface quasi-geostrophic turbulence; fronts alone would give k^-2.
    // Between 40 and 160 km, away from the stirring and from the hyperviscosity.
    let twin = Twin::generate(&TwinConfig { land_fraction: 0.0, days: 10, ..SEA.config().clone() }, false).unwrap();
    let slope = spectrum_slope(&twin, 128, (8.0, 32.0));
    assert!((-2.3..-1.4).contains(&slope), "{slope}");
}

#[test]
fn errors_of_the_platforms_are_recovered_from_what_they_report() {
    let (truth, observations) = (SEA.truth(), SEA.observations());
    let start = truth.time().seconds()[0];
    for (platform, depth) in [(Platform::Drifter, DRIFTER_DEPTH_METRES), (Platform::Mooring, MOORING_DEPTH_METRES)] {
        let (mut errors, mut good, mut all) = (Vec::new(), 0.0, 0.0);
        for o in observations.0.iter().filter(|o| o.platform == platform) {
            all += 1.0;
            assert_eq!(o.depth_metres, Some(depth));
            if o.quality < 4 {
                continue;
            }
            good += 1.0;
            let (day, midnight) = ((o.time - start) / 86_400.0, (o.time - start) % 86_400.0 == 0.0);
            let (x, y) = ((o.longitude - 130.025) / 0.05, (o.latitude - 30.025) / 0.05);
            if !midnight || !(0.0..126.9).contains(&x) || !(0.0..126.9).contains(&y) {
                continue;
            }
            let corner = |dy: usize, dx: usize| truth.get(day as usize, y as usize + dy, x as usize + dx).map(f64::from);
            if let (Some(a), Some(b), Some(c), Some(d)) = (corner(0, 0), corner(0, 1), corner(1, 0), corner(1, 1)) {
                let (fx, fy) = (x.fract(), y.fract());
                let truth = (1.0 - fy) * ((1.0 - fx) * a + fx * b) + fy * ((1.0 - fx) * c + fx * d);
                errors.push(o.sst_celsius - truth - SEA.diurnal().warming(o.time, o.latitude, o.longitude, depth));
            }
        }
        let (mean, deviation) = mean_and_deviation(&errors);
        let wanted = SEA.true_error_sd(platform);
        // 150 drifters: their offsets' mean is known to 0.1/√150 = 0.008 K, their spread to 6 %.
        assert!(errors.len() > 200, "{platform:?} {}", errors.len());
        assert!(mean.abs() < 0.03 && (deviation / wanted - 1.0).abs() < 0.1, "{platform:?} {mean} {deviation} {wanted}");
        let bad = 1.0 - good / all;
        assert!((bad - 0.03f64).abs() < 0.012, "{platform:?} {bad}");
    }
}

#[test]
fn the_coarse_analysis_is_unbiased_and_errs_as_told() {
    let mut config = SEA.config().clone();
    config.days = 3;
    config.spin_up_days = 0;
    config.land_fraction = 0.0;
    config.analyses.coarse_smoothing_cells = 0.0;
    let twin = Twin::generate(&TwinConfig { days: 60, cells: 64, ..config }, false).unwrap();
    let (truth, coarse) = (twin.truth(), twin.coarse_analysis().unwrap());
    assert_eq!(coarse.shape(), [60, 12, 12]);
    // The centre of the first block of five is that of the third fine cell: 30 + 2.5 x 0.05.
    assert!((coarse.latitude().centres()[0] - 30.125).abs() < 1e-9);
    let mut errors = Vec::new();
    for t in 0..60 {
        for (y, x) in (0..12).flat_map(|y| (0..12).map(move |x| (y, x))) {
            let cells = (0..25).map(|i| f64::from(truth.get(t, 5 * y + i / 5, 5 * x + i % 5).unwrap()));
            let value = f64::from(coarse.get(t, y, x).unwrap());
            errors.push(value - cells.sum::<f64>() / 25.0);
            assert!((value * 100.0 - (value * 100.0).round()).abs() < 1e-3, "{value} is no multiple of 0.01 K");
        }
    }
    let (mean, deviation) = mean_and_deviation(&errors);
    // 60 days of memory 4 days, 300 km of length 120 km: about 8 x 2 independent values in the mean, 0.05 K.
    assert!(mean.abs() < 0.15 && (0.14..0.26).contains(&deviation), "{mean} {deviation}");
}

#[test]
fn smoother_fine_fields_vary_less() {
    let roughness = |sigma: f64| {
        let field = SEA.fine_with_smoothness(5..6, sigma).unwrap();
        let steps: Vec<f64> = (0..128)
            .flat_map(|y| (0..127).map(move |x| (y, x)))
            .filter_map(|(y, x)| Some(f64::from(field.get(0, y, x + 1)? - field.get(0, y, x)?)))
            .collect();
        mean_and_deviation(&steps).1
    };
    assert_eq!(SEA.fine_with_smoothness(5..6, 0.0).unwrap().values(), SEA.truth().frame(5));
    assert!(roughness(0.0) > roughness(1.0) && roughness(1.0) > roughness(2.0) && roughness(2.0) > roughness(4.0));
    assert!(SEA.fine_with_smoothness(39..41, 1.0).is_err() && SEA.fine_with_smoothness(0..1, f64::NAN).is_err());
}

#[test]
fn clouds_have_their_marginal_nest_and_persist() {
    let water = SEA.liquid_water_path(0..40, 4).unwrap();
    let values: Vec<f64> = water.values().iter().map(|v| f64::from(*v)).collect();
    let (mean, deviation) = mean_and_deviation(&values);
    // Six frames of memory, 33 in four; 640 km hold some 10 patches: 60 independent values, 1.7 g/m² each way.
    assert!((mean - 66.5).abs() < 4.0 && (deviation - 12.9).abs() < 2.0, "{mean} {deviation}");
    let masks: Vec<_> = [55.0, 66.5, 80.0].iter().map(|t| cloud_mask(&water, *t).unwrap()).collect();
    for pair in masks.windows(2) {
        assert!(pair[0].cells().iter().zip(pair[1].cells()).all(|(low, high)| *high != Cell::Cloud || *low == Cell::Cloud));
        assert!(pair[0].count_valid() < pair[1].count_valid());
    }
    let frame = water.frame_len();
    let cells = masks[1].cells();
    let flips = (frame..cells.len()).filter(|i| cells[*i] != cells[*i - frame]).count() as f64 / (cells.len() - frame) as f64;
    assert!((0.06..0.12).contains(&flips), "{flips}");
    // A day's clouds do not depend on the range asked for.
    let later = SEA.liquid_water_path(7..9, 1).unwrap();
    assert_eq!(later.frame(0), water.frame(28));
    assert!(SEA.liquid_water_path(0..41, 1).is_err() && SEA.liquid_water_path(0..1, 3).is_err());
    assert!(cloud_mask(SEA.truth(), 66.5).is_err());
}

#[test]
fn drifters_and_moorings_are_reported_as_told() {
    let observations = SEA.observations();
    // 150 drifters and 16 moorings, four times a day for 40 days.
    assert_eq!(observations.len(), 166 * 4 * 40);
    let moorings: std::collections::BTreeSet<&str> =
        observations.0.iter().filter(|o| o.platform == Platform::Mooring).map(|o| o.platform_id.as_str()).collect();
    assert_eq!(moorings.len(), 16);
}

#[test]
fn drifters_carry_their_water_with_them() {
    // Without season, relaxation and coast, temperature is conserved along a path: what a drifter sees changes
    // far less within 6 hours than what a mooring sees.
    let config = TwinConfig {
        relaxation_days: 1e6,
        seasonal_kelvin: 0.0,
        coastal_cooling_kelvin: 0.0,
        land_fraction: 0.0,
        ..TwinConfig::tiny()
    };
    let twin = Twin::generate(&TwinConfig { days: 8, drifters: 40, ..config }, false).unwrap();
    let mut changes = [Vec::new(), Vec::new()];
    for (index, a) in twin.samples.iter().enumerate() {
        let next = twin.samples[index + 1..].iter().find(|b| b.platform == a.platform);
        if let Some(b) = next {
            changes[usize::from((a.platform as usize) < twin.moorings)].push(b.foundation_celsius - a.foundation_celsius);
        }
    }
    let [(_, along), (_, across)] = changes.map(|c| mean_and_deviation(&c));
    assert!(across > 0.05 && along < 0.3 * across, "{along} {across}");
}

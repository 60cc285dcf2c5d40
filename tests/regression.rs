//! The learned super-resolvers end to end on made-up ocean-like fields: small and quick by default; the
//! ignored `trial` trains a quick preset for real (EDSR, or what `ARCHITECTURE` says, for example `{"kind": "rrdb"}`):
//! `cargo test --test regression -- --ignored --nocapture trial`
//! With `ISOTHERM_TRIAL=<folder>` it also scores real frames: `<folder>/real.json` maps a name to the shape
//! `[frames, rows, columns]` of `<folder>/NAME.f32` (little-endian, NaN for land).

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::Device;
use isotherm::base::random::Random;
use isotherm::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit};
use isotherm::methods::SuperResolver;
use isotherm::methods::adversarial::{self, AdversarialConfig, AdversarialFitOptions};
use isotherm::methods::refinement::{Degradation, FineFieldSource, TileConfig, Tiles};
use isotherm::methods::regression::{
    Architecture, EdsrConfig, FitOptions, Regression, RegressionConfig, RrdbConfig, SrcnnConfig, SwinLightConfig, fit,
};
use isotherm::train::{Checkpoint, Outcome, TrainingOptions, TrainingReport};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

/// A periodic random field of `n` by `n` with amplitude falling as `k^-slope`, unit variance.
fn random_field(n: usize, slope: f64, random: &mut Random) -> Vec<f64> {
    let mut a: Vec<Complex<f64>> = (0..n * n).map(|_| Complex::new(random.normal(), 0.0)).collect();
    let mut planner = FftPlanner::new();
    let mut both = |a: &mut Vec<Complex<f64>>, forward: bool| {
        let fft = if forward { planner.plan_fft_forward(n) } else { planner.plan_fft_inverse(n) };
        for _ in 0..2 {
            a.chunks_mut(n).for_each(|row| fft.process(row));
            *a = (0..n * n).map(|i| a[i % n * n + i / n]).collect();
        }
    };
    both(&mut a, true);
    for (i, value) in a.iter_mut().enumerate() {
        let wave = |j: usize| (if j > n / 2 { j as f64 - n as f64 } else { j as f64 }).powi(2);
        let k = (wave(i / n) + wave(i % n)).sqrt();
        *value *= if k < 0.5 { 0.0 } else { k.powf(-slope) };
    }
    both(&mut a, false);
    let rms = (a.iter().map(|v| v.re * v.re).sum::<f64>() / (n * n) as f64).sqrt();
    a.iter().map(|v| v.re / rms).collect()
}

/// A gradient and smooth anomalies carried by a random flow for some turns (fronts, filaments), with a
/// little rougher variation on top.
fn stirred(n: usize, random: &mut Random) -> Vec<f32> {
    let stream_slope = random.uniform_in(2.5, 3.5);
    let stream = random_field(n, stream_slope, random);
    let tracer_slope = random.uniform_in(2.0, 3.5);
    let tracer = random_field(n, tracer_slope, random);
    let rough_slope = random.uniform_in(1.7, 2.5);
    let rough = random_field(n, rough_slope, random);
    let (turn, share) = (random.uniform_in(0.0, 60.0), random.uniform_in(0.0, 0.3));
    let at = |f: &[f64], y: f64, x: f64| {
        let (y0, x0) = (y.floor(), x.floor());
        let (ty, tx) = (y - y0, x - x0);
        let get = |dy: isize, dx: isize| {
            let wrap = |v: f64, d: isize| (v as isize + d).rem_euclid(n as isize) as usize;
            f[wrap(y0, dy) * n + wrap(x0, dx)]
        };
        (1.0 - ty) * ((1.0 - tx) * get(0, 0) + tx * get(0, 1)) + ty * ((1.0 - tx) * get(1, 0) + tx * get(1, 1))
    };
    let mut out = Vec::with_capacity(n * n);
    for (i, rough) in rough.iter().enumerate() {
        let (mut y, mut x) = ((i / n) as f64, (i % n) as f64);
        for _ in 0..24 {
            let u = -(at(&stream, y + 1.0, x) - at(&stream, y - 1.0, x)) / 2.0;
            let v = (at(&stream, y, x + 1.0) - at(&stream, y, x - 1.0)) / 2.0;
            (y, x) = (y - v * turn, x - u * turn);
        }
        let gradient = 3.0 * y / n as f64;
        out.push((15.0 + gradient + at(&tracer, y, x) + share * rough) as f32);
    }
    out
}

fn field(values: Vec<f32>, [frames, rows, columns]: [usize; 3], spacing: f64) -> Field {
    let lat = Axis::regular(AxisKind::Latitude, -30.0, spacing, rows).unwrap();
    let lon = Axis::regular(AxisKind::Longitude, 0.0, spacing, columns).unwrap();
    let time = TimeAxis::from_seconds((0..frames).map(|t| t as f64 * 86400.0).collect()).unwrap();
    let cells = values.iter().map(|v| if v.is_finite() { Cell::Valid } else { Cell::Land }).collect();
    Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap()
}

fn ocean(frames: usize, n: usize, seed: u64) -> Field {
    let values = (0..frames).flat_map(|t| stirred(n, &mut Random::new(seed, "ocean").child(t as u64))).collect();
    field(values, [frames, n, n], 0.05)
}

/// Mean of the valid cells of each block; a block without any is land.
fn coarsen(fine: &Field, factor: usize) -> Field {
    let [frames, rows, columns] = fine.shape();
    let (h, w) = (rows / factor, columns / factor);
    let mut values = Vec::with_capacity(frames * h * w);
    for t in 0..frames {
        for y in 0..h {
            for x in 0..w {
                let block: Vec<f64> = (0..factor * factor)
                    .filter_map(|i| fine.get(t, y * factor + i / factor, x * factor + i % factor))
                    .map(f64::from)
                    .collect();
                values.push(if block.is_empty() { f32::NAN } else { (block.iter().sum::<f64>() / block.len() as f64) as f32 });
            }
        }
    }
    field(values, [frames, h, w], 0.25)
}

/// Rms error over all ocean pixels, and over those whose 5 by 5 coarse neighbourhood is all ocean.
fn errors(fine: &Field, high: &Field, factor: usize) -> [(f64, usize); 2] {
    let [frames, rows, columns] = high.shape();
    let (h, w) = (rows / factor, columns / factor);
    let mut sums = [(0.0, 0usize); 2];
    for t in 0..frames {
        let whole = |cy: isize, cx: isize| {
            cy >= 0
                && cx >= 0
                && (cy as usize) < h
                && (cx as usize) < w
                && (0..factor * factor)
                    .all(|i| fine.get(t, cy as usize * factor + i / factor, cx as usize * factor + i % factor).is_some())
        };
        let whole: Vec<bool> = (0..h * w).map(|i| whole((i / w) as isize, (i % w) as isize)).collect();
        let open = |cy: usize, cx: usize| {
            (-2isize..=2).all(|dy| {
                (-2isize..=2).all(|dx| {
                    let (y, x) = (cy as isize + dy, cx as isize + dx);
                    y >= 0 && x >= 0 && (y as usize) < h && (x as usize) < w && whole[y as usize * w + x as usize]
                })
            })
        };
        let open: Vec<bool> = (0..h * w).map(|i| open(i / w, i % w)).collect();
        for y in 0..rows {
            for x in 0..columns {
                if let (Some(a), Some(b)) = (fine.get(t, y, x), high.get(t, y, x)) {
                    let square = f64::from(a - b).powi(2);
                    sums[0] = (sums[0].0 + square, sums[0].1 + 1);
                    if open[y / factor * w + x / factor] {
                        sums[1] = (sums[1].0 + square, sums[1].1 + 1);
                    }
                }
            }
        }
    }
    sums.map(|(s, n)| ((s / n.max(1) as f64).sqrt(), n))
}

/// Small sizes of each network, with a rate that suits it.
fn small() -> [(Architecture, f64); 4] {
    [
        (Architecture::Srcnn(SrcnnConfig { features: 12, mapped: 8, kernels: [7, 1, 5] }), 4e-3),
        (Architecture::Edsr(EdsrConfig { blocks: 2, channels: 8, ..EdsrConfig::quick() }), 4e-3),
        (Architecture::Rrdb(RrdbConfig { blocks: 1, channels: 8, growth: 4, ..RrdbConfig::quick() }), 4e-3),
        (Architecture::SwinLight(SwinLightConfig { groups: 1, depth: 2, width: 12, heads: 2, window: 4, widening: 2 }), 4e-3),
    ]
}

fn small_config(architecture: Architecture) -> RegressionConfig {
    RegressionConfig { tile: TileConfig { cells: 8, ..TileConfig::default() }, ..RegressionConfig::of(architecture) }
}

fn small_options(iterations: u64, peak_rate: f64) -> FitOptions {
    FitOptions {
        training: TrainingOptions { iterations, warmup_iterations: 5, validate_every: 20, peak_rate, ..Default::default() },
        batch: 4,
        validation_tiles: 16,
        ..FitOptions::default()
    }
}

fn small_fit(folder: &Path, ocean: &Field, config: &RegressionConfig, options: &FitOptions) -> (Regression, TrainingReport) {
    let source = |frames: &[usize]| FineFieldSource::new(ocean, frames).unwrap();
    let (training, validation, none) = (source(&[0, 1, 2]), source(&[3]), BTreeMap::new());
    fit(config.architecture.kind(), config, training, validation, options, folder, &Device::Cpu, &none).unwrap()
}

/// The bytes of a file in a run's folder.
fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn training_gives_the_same_bits_for_one_and_two_threads() {
    let ocean = ocean(4, 80, 3);
    for (architecture, rate) in small() {
        let config = small_config(architecture);
        let run = |threads: usize| {
            let place = tempfile::tempdir().unwrap();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                small_fit(place.path(), &ocean, &config, &small_options(10, rate));
                bytes(place.path(), "last.safetensors")
            })
        };
        assert!(run(1) == run(2), "{}: the checkpoints of one and two threads differ", config.architecture.kind());
    }
}

/// Iterations of a run that is cut.
const ITERATIONS: u64 = 18;

/// All tensors that a run ended with.
fn weights(folder: &Path) -> Vec<(String, Vec<f32>)> {
    let saved = Checkpoint::load(&folder.join("last.safetensors"), &Device::Cpu).unwrap();
    let all = saved.model.into_iter().chain(saved.ema).chain(saved.moments);
    all.map(|(name, t)| (name, t.flatten_all().unwrap().to_vec1::<f32>().unwrap())).collect()
}

#[test]
fn a_cut_run_ends_with_the_bits_of_an_uncut_one() {
    let ocean = ocean(4, 80, 3);
    let source = |frames: &[usize]| FineFieldSource::new(&ocean, frames).unwrap();
    let none = BTreeMap::new();
    let iteration = |path: &Path| Checkpoint::load(path, &Device::Cpu).map(|c| c.state.iteration);
    // While a whole run goes on, one of its checkpoints is taken; a second run finds it and goes on from there.
    let cut = |run: &(dyn Fn(&Path) -> TrainingReport + Sync), name: &str| {
        let (whole, again) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let taken = again.path().join("last.safetensors");
        std::thread::scope(|scope| {
            let running = scope.spawn(|| assert_eq!(run(whole.path()).outcome, Outcome::Finished));
            while !running.is_finished() && !taken.exists() {
                // Checkpoints are put in place whole, so what is read is one of them.
                if let Ok(bytes) = std::fs::read(whole.path().join("last.safetensors")) {
                    std::fs::write(&taken, bytes).unwrap();
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let from = iteration(&taken).unwrap();
        assert!((1..ITERATIONS).contains(&from), "{name}: the cut came at iteration {from}, so this test proves nothing");
        assert_eq!(run(again.path()).iterations, ITERATIONS);
        assert!(weights(whole.path()) == weights(again.path()), "{name}: the run resumed at {from} ends with other bits");
    };
    for (architecture, rate) in small() {
        let config = small_config(architecture);
        let mut options = small_options(ITERATIONS, rate);
        options.training.checkpoint_every = Some(3);
        cut(&|folder: &Path| small_fit(folder, &ocean, &config, &options).1, config.architecture.kind());
    }
    let generator = small_config(Architecture::Rrdb(RrdbConfig { blocks: 1, channels: 8, growth: 4, ..RrdbConfig::quick() }));
    let config = AdversarialConfig { generator, ..AdversarialConfig::default() };
    let mut options = AdversarialFitOptions {
        regression: small_options(ITERATIONS, 4e-3),
        start_iteration: 2,
        ..AdversarialFitOptions::default()
    };
    options.regression.training.checkpoint_every = Some(3);
    let run = |folder: &Path| {
        let (training, validation) = (source(&[0, 1, 2]), source(&[3]));
        adversarial::fit("esrgan", &config, training, validation, &options, folder, &Device::Cpu, &none).unwrap().1
    };
    cut(&run, "esrgan");
}

#[test]
fn small_networks_learn_and_apply_to_any_size() {
    let ocean = ocean(4, 100, 5);
    let frame = ocean.slice(3..4, 0..100, 0..100).unwrap();
    let low = coarsen(&frame, 5);
    let base = errors(&frame, &SuperResolver::BicubicBackProjected.apply(&low, 5).unwrap(), 5)[0].0;
    for (architecture, rate) in small() {
        let kind = architecture.kind();
        let place = tempfile::tempdir().unwrap();
        let (network, report) = small_fit(place.path(), &ocean, &small_config(architecture), &small_options(240, rate));
        let share = report.best.unwrap().0;
        assert!(share < 0.99, "{kind}, validation: {share} of the back-projected bicubic's error");
        // On a whole unseen frame, by tiles, it is better than what it corrects; its block means stay closed.
        let high = network.apply(&low).unwrap();
        let error = errors(&frame, &high, 5)[0].0;
        assert!(error < base, "{kind}: {error}, back-projected bicubic {base}");
        let back = coarsen(&high, 5);
        assert!(low.values().iter().zip(back.values()).all(|(a, b)| (a - b).abs() < 0.02), "{kind}");
        for (rows, columns) in [(3, 20), (11, 13), (20, 8)] {
            let part = low.slice(0..1, 0..rows, 0..columns).unwrap();
            for tiles in [Tiles::Whole, Tiles::Overlapped(8)] {
                assert_eq!(network.apply_with(&part, tiles).unwrap().shape(), [1, rows * 5, columns * 5]);
            }
        }
        let method = SuperResolver::Regression(Box::new(network));
        assert_eq!(method.id(), kind);
        assert!(method.apply(&low, 4).unwrap_err().to_string().contains("factor of 5"));
    }
}

#[test]
#[ignore = "trains for minutes; run by hand to choose settings"]
fn trial() {
    let number = |key: &str, default: f64| std::env::var(key).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let started = std::time::Instant::now();
    let ocean = ocean(24, 320, 1);
    println!("fields: {:.1} s", started.elapsed().as_secs_f64());
    let quick =
        EdsrConfig { channels: number("CHANNELS", 32.0) as usize, blocks: number("BLOCKS", 6.0) as usize, ..EdsrConfig::quick() };
    let architecture = match std::env::var("ARCHITECTURE") {
        Ok(text) => serde_json::from_str(&text).expect("ARCHITECTURE: a JSON object with its kind is wanted"),
        Err(_) => Architecture::Edsr(quick),
    };
    let config = RegressionConfig {
        closed: number("CLOSED", 1.0) > 0.0,
        tile: TileConfig { cells: number("TILE", 20.0) as usize, ..TileConfig::default() },
        architecture,
    };
    let iterations = number("ITERATIONS", 600.0) as u64;
    let options = FitOptions {
        training: TrainingOptions {
            iterations,
            peak_rate: number("RATE", 1e-3),
            validate_every: 200,
            ..FitOptions::default().training
        },
        batch: number("BATCH", 8.0) as usize,
        smooth_tile_floor: number("FLOOR", 0.02),
        degradation: Degradation {
            smoothing_pixels: number("SMOOTH", 4.0),
            speckle_share: number("SPECKLE", 0.3),
            ..Degradation::default()
        },
        ..FitOptions::default()
    };
    let frames: Vec<usize> = (0..20).collect();
    let source = |frames: &[usize]| FineFieldSource::new(&ocean, frames).unwrap();
    let place = tempfile::tempdir().unwrap();
    let (network, report) = fit(
        config.architecture.kind(),
        &config,
        source(&frames),
        source(&[20, 21]),
        &options,
        place.path(),
        &Device::Cpu,
        &BTreeMap::new(),
    )
    .unwrap();
    println!("{report:?}, {:.1} ms an iteration", 1e3 * report.seconds / iterations as f64);
    println!(
        "{}",
        std::fs::read_to_string(place.path().join("log.jsonl"))
            .unwrap()
            .lines()
            .filter(|l| l.contains("validation"))
            .collect::<Vec<_>>()
            .join("\n")
    );
    let mut fields = vec![("surrogate, unseen".to_string(), ocean.slice(22..24, 0..320, 0..320).unwrap())];
    if let Ok(folder) = std::env::var("ISOTHERM_TRIAL") {
        let folder = Path::new(&folder);
        let shapes: BTreeMap<String, [usize; 3]> =
            serde_json::from_slice(&std::fs::read(folder.join("real.json")).unwrap()).unwrap();
        for (name, shape) in shapes {
            let bytes = std::fs::read(folder.join(format!("{name}.f32"))).unwrap();
            let values = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            let whole = field(values, shape, 0.05);
            fields.push((name, whole.slice(0..shape[0], 0..shape[1] / 5 * 5, 0..shape[2] / 5 * 5).unwrap()));
        }
    }
    for (name, fine) in &fields {
        let low = coarsen(fine, 5);
        println!("{name} {:?}", fine.shape());
        let mut ladder = SuperResolver::untrained().to_vec();
        ladder.push(SuperResolver::Regression(Box::new(network.clone())));
        for method in ladder {
            let started = std::time::Instant::now();
            let [(all, n), (open, m)] = errors(fine, &method.apply(&low, 5).unwrap(), 5);
            println!(
                "  {:22} all {all:.5} (n {n})   open {open:.5} (n {m})   {:.2} s",
                method.id(),
                started.elapsed().as_secs_f64()
            );
        }
    }
}

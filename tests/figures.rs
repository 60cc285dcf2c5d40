//! Figures of synthetic data, drawn whole and read back. To look at them, name a folder to keep them in:
//! `ISOTHERM_KEEP_FIGURES=folder cargo test --test figures`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use isotherm::base::random::Random;
use isotherm::figure::{
    Band, ColourMap, LinePanel, LineSeries, LineStyle, MapPanel, MapStyle, PanelStatistics, Passport, Scale, ScatterPanel,
    ScatterStyle, Tier, draw_lines, draw_maps, draw_scatter,
};
use isotherm::grid::{Axis, AxisKind, Cell, Field, Mask, TimeAxis, Unit};

/// A folder that is removed at the end, or the one to keep.
struct Folder {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

fn folder() -> Folder {
    match std::env::var_os("ISOTHERM_KEEP_FIGURES") {
        Some(path) => Folder { path: path.into(), _temporary: None },
        None => {
            let temporary = tempfile::tempdir().unwrap();
            Folder { path: temporary.path().into(), _temporary: Some(temporary) }
        }
    }
}

fn passport(name: &str, tier: Tier) -> Passport {
    let mut passport = Passport::new(name, "sample", vec![tier]);
    passport.configuration = serde_json::json!({"range": "−2 … 35 °C"});
    passport
}

/// PNG, SVG and passport of a stem: whole, of the right size, and the same when drawn again.
fn check(folder: &Path, name: &str, width_pixels: u32, draw: impl Fn(&Path) -> Passport) -> Passport {
    let stem = folder.join(name);
    let first = draw(&stem);
    let bytes = |ending: &str| fs::read(folder.join(format!("{name}.{ending}"))).unwrap();
    let before: BTreeMap<&str, Vec<u8>> = ["png", "svg", "json"].into_iter().map(|e| (e, bytes(e))).collect();
    assert!(draw(&stem) == first, "{name}: the passport must repeat");
    for (ending, old) in &before {
        assert!(bytes(ending) == *old, "{name}.{ending} must repeat byte for byte");
    }
    let mut reader = png::Decoder::new(std::io::Cursor::new(&before["png"])).read_info().unwrap();
    assert_eq!(reader.info().width, width_pixels);
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    // a margin of white all round: nothing is cut off at the edge
    let (row, rows) = (3 * width_pixels as usize, reader.info().height as usize);
    let white = |range: std::ops::Range<usize>| pixels[range].iter().all(|p| *p == 255);
    assert!(white(0..row) && white(row * (rows - 1)..row * rows), "{name} touches its upper or lower edge");
    assert!((0..rows).all(|r| white(r * row..r * row + 3) && white((r + 1) * row - 3..(r + 1) * row)), "{name} touches a side");
    assert!(before["svg"].len() < 2_000_000, "{name}.svg has {} bytes", before["svg"].len());
    let inside = Passport::read_embedded(&folder.join(format!("{name}.png"))).unwrap();
    let beside = Passport::read(&folder.join(format!("{name}.json"))).unwrap();
    // compared as read from text, which may move a number's last bit
    let reread: Passport = serde_json::from_str(&serde_json::to_string(&first).unwrap()).unwrap();
    assert!(beside == reread, "{name}: the passport beside differs from the one given back");
    assert!(Passport { files: BTreeMap::new(), ..beside } == inside, "{name}: the passport inside differs from the one beside");
    first.check_files(folder).unwrap();
    first
}

fn scatter_panel(title: &str, n: usize, spread: f64, bias: f64) -> ScatterPanel {
    let mut random = Random::new(3, title);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for _ in 0..n {
        // two water masses, as in the published figure
        let truth = if random.uniform() < 0.35 { 27.0 + 1.6 * random.normal() } else { 14.0 + 6.0 * random.normal() };
        let truth = truth.clamp(-1.8, 33.0);
        x.push((truth - bias + spread * random.normal()) as f32);
        y.push(truth as f32);
    }
    let statistics = PanelStatistics { slope: 0.9981, intercept: -0.0649, r_squared: 0.9968, bias, rmse: spread, n };
    ScatterPanel { title: title.into(), x, y, statistics }
}

#[test]
fn scatter_of_four_and_of_eight() {
    let folder = folder();
    let names = ["Coarse analysis", "Bicubic, back-projected", "EDSR (learned)", "Fine analysis"];
    let four: Vec<_> = names.iter().enumerate().map(|(i, n)| scatter_panel(n, 20_000, 0.5 - 0.1 * i as f64, 0.03)).collect();
    let written = check(&folder.path, "scatter_four", 2126, |stem| {
        draw_scatter(&four, &ScatterStyle::default(), stem, &passport("scatter_four", Tier::Twin)).unwrap()
    });
    let drawn = &written.numbers["drawn"]["panels"][2];
    assert_eq!(drawn["statistics"]["n"], 20_000);
    assert_eq!(drawn["outside"], 0);
    let eight: Vec<_> = (0..8).map(|i| scatter_panel(names[i % 4], 900, 0.4, -0.05)).collect();
    check(&folder.path, "scatter_eight", 2126, |stem| {
        draw_scatter(&eight, &ScatterStyle::default(), stem, &passport("scatter_eight", Tier::Proxy)).unwrap()
    });
    let one = [scatter_panel("OSTIA", 150, 0.3, 0.05)];
    let style = ScatterStyle { width_millimetres: 88.0, range: Some((-5.0, 35.0)), ..ScatterStyle::default() };
    check(&folder.path, "scatter_one", 1039, |stem| {
        draw_scatter(&one, &style, stem, &passport("scatter_one", Tier::Real)).unwrap()
    });
}

#[test]
fn scatter_refuses_what_it_cannot_draw() {
    let folder = folder();
    let stem = folder.path.join("refused");
    let draw =
        |panels: &[ScatterPanel], style: &ScatterStyle| draw_scatter(panels, style, &stem, &passport("refused", Tier::Twin));
    let good = scatter_panel("a", 10, 0.1, 0.0);
    assert!(draw(&[], &ScatterStyle::default()).is_err());
    let mut bad = good.clone();
    bad.y[3] = f32::NAN;
    assert!(draw(&[bad], &ScatterStyle::default()).unwrap_err().to_string().contains("matchup 3"));
    let mut bad = good.clone();
    bad.statistics.n = 11;
    assert!(draw(&[bad], &ScatterStyle::default()).is_err());
    assert!(draw(&vec![good.clone(); 8], &ScatterStyle { width_millimetres: 60.0, ..ScatterStyle::default() }).is_err());
    assert!(draw(&[good], &ScatterStyle { range: Some((3.0, 3.0)), ..ScatterStyle::default() }).is_err());
    assert!(!stem.with_extension("png").exists());
}

/// An ocean with a front, eddies, an island and ice, `n` cells on a side.
fn ocean(n: usize, spacing: f64, noise: f64) -> Field {
    let lat = Axis::regular(AxisKind::Latitude, 30.0 + 0.5 * spacing, spacing, n).unwrap();
    let lon = Axis::regular(AxisKind::Longitude, 140.0 + 0.5 * spacing, spacing, n).unwrap();
    let mut random = Random::new(5, "ocean");
    let (mut values, mut cells) = (Vec::new(), Vec::new());
    for row in 0..n {
        for column in 0..n {
            let (y, x) = (row as f64 / n as f64, column as f64 / n as f64);
            let front = -8.0 * ((y - 0.5 + 0.08 * (9.0 * x).sin()) * 6.0).tanh();
            values.push((18.0 + front + (23.0 * x).sin() * (19.0 * y).cos() + noise * random.normal()) as f32);
            let land = (x - 0.2).hypot(y - 0.3) < 0.09 || x + 0.4 * y > 1.25;
            cells.push(match (land, y > 0.95) {
                (true, _) => Cell::Land,
                (_, true) => Cell::Ice,
                _ => Cell::Valid,
            });
        }
    }
    let time = TimeAxis::from_seconds(vec![0.0]).unwrap();
    Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap()
}

#[test]
fn maps_of_a_field_and_its_error() {
    let folder = folder();
    let (coarse, fine) = (ocean(64, 0.25, 0.0), ocean(320, 0.05, 0.1));
    let error = ocean(320, 0.05, 0.3);
    let values = error.values().iter().zip(fine.values()).map(|(a, b)| a - b).collect();
    let error = error.with_values(values, error.mask().clone()).unwrap();
    let panel = |title: &str, field, colour_map, range, quantity: &str, unit| MapPanel {
        title: title.into(),
        field,
        frame: 0,
        colour_map,
        range,
        quantity: quantity.into(),
        unit,
    };
    let sst = |title, field| panel(title, field, ColourMap::Thermal, None, "SST", Unit::Celsius);
    let mixed = [
        sst("Coarse analysis, 0.25°", &coarse),
        sst("Fine analysis, 0.05°", &fine),
        panel("Difference", &error, ColourMap::Vik, Some((-0.5, 0.5)), "Learned minus fine", Unit::KelvinDifference),
        panel("Difference, own range", &error, ColourMap::Vik, None, "Learned minus fine", Unit::KelvinDifference),
    ];
    let written = check(&folder.path, "maps_mixed", 2126, |stem| {
        draw_maps(&mixed, &MapStyle::default(), stem, &passport("maps_mixed", Tier::Twin)).unwrap()
    });
    assert_eq!(written.numbers["drawn"]["panels"][2]["range"], serde_json::json!([-0.5, 0.5]));
    let shared = [sst("Coarse", &coarse), sst("Fine", &fine), sst("Fine again", &fine)];
    check(&folder.path, "maps_shared", 2126, |stem| {
        draw_maps(&shared, &MapStyle::default(), stem, &passport("maps_shared", Tier::Real)).unwrap()
    });
}

#[test]
fn spectra_and_training_curves() {
    let folder = folder();
    let wavenumber: Vec<f64> = (1..80).map(|k| f64::from(k) * 2e-6).collect();
    let mut random = Random::new(9, "spectra");
    let mut spectrum = |label: &str, cut: f64| {
        let y: Vec<f64> = wavenumber
            .iter()
            .map(|k| 1e-9 * k.powf(-2.0) * (-(k / cut).powi(2)).exp() * (0.1 * random.normal()).exp() + 1e-3)
            .collect();
        let band = Band { lower: y.iter().map(|v| v * 0.8).collect(), upper: y.iter().map(|v| v * 1.25).collect() };
        LineSeries { label: label.into(), x: wavenumber.clone(), y, band: Some(band) }
    };
    let spectra = LinePanel {
        title: "Spectral density".into(),
        x_label: "Wavenumber (cycles per metre)".into(),
        y_label: "Power density (K² m)".into(),
        x_scale: Some(Scale::Logarithmic(2e-6, 2e-4)),
        y_scale: Some(Scale::Logarithmic(5e-4, 1e3)),
        series: vec![spectrum("Bicubic", 3e-5), spectrum("EDSR", 6e-5), spectrum("Truth", 2e-4)],
    };
    let steps: Vec<f64> = (0..400).map(f64::from).collect();
    let mut loss = |label: &str, scale: f64| LineSeries {
        label: label.into(),
        x: steps.clone(),
        y: steps.iter().map(|s| scale * (0.2 + (-s / 60.0).exp()) * (1.0 + 0.05 * random.normal())).collect(),
        band: None,
    };
    let training = LinePanel {
        title: "Training".into(),
        x_label: "Step".into(),
        y_label: "Loss".into(),
        x_scale: None,
        y_scale: None,
        series: vec![loss("train", 0.8), loss("validation", 1.0)],
    };
    let panels = [spectra, training];
    check(&folder.path, "lines", 2126, |stem| {
        draw_lines(&panels, &LineStyle::default(), stem, &passport("lines", Tier::Twin)).unwrap()
    });
}

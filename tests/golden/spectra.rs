//! Family `spectra`: every case; one of an unknown kind fails.

use isotherm::score::{
    CrossingAxis, Detrend, IsotropicBins, LineSpectra, LineSpectrum, PlaneSpectra, Resolution, SpectralWindow, SpectrumScaling,
    effective_resolution, spectral_ratio, spectral_score, spectral_slope,
};
use serde_json::Value;

use crate::support::{Case, Family, array, number};

#[test]
fn spectra() {
    let family = Family::load("spectra");
    for case in family.cases() {
        match case.name.split('/').next().unwrap() {
            "power2d" => plane(&case),
            "isotropic_xrft" => isotropic(&case),
            "parseval" => parseval(&case),
            "radial_shells" => shells(&case),
            "periodogram" => periodogram(&case),
            "periodogram_odd" | "welch" | "welch_len_short" => welch(&case),
            "coherence" => coherence(&case),
            "zonal_mean_spectrum" => zonal_mean(&case),
            "effective_resolution" => resolution(&case),
            "slope_fit" => slope(&case),
            "windows_psd_gain" => windows(&case),
            other => panic!("unknown kind of spectra case: {other}"),
        }
    }
}

fn detrend(value: &Value) -> Detrend {
    match value.as_str() {
        None => Detrend::None,
        Some("constant") => Detrend::Mean,
        Some("linear") => Detrend::Linear,
        other => panic!("unknown trend {other:?}"),
    }
}

fn window(value: &Value) -> SpectralWindow {
    match value.as_str() {
        None => SpectralWindow::Boxcar,
        Some("hann") => SpectralWindow::Hann,
        other => panic!("unknown window {other:?}"),
    }
}

fn plane_spectra(case: &Case) -> PlaneSpectra {
    PlaneSpectra {
        row_spacing: number(case.parameter("dy")),
        column_spacing: number(case.parameter("dx")),
        window: window(case.parameter("window")),
        window_correction: case.parameter("window_correction").as_bool().unwrap_or(false),
        detrend: detrend(case.parameter("detrend")),
        scaling: match case.parameter("scaling").as_str() {
            Some("spectrum") => SpectrumScaling::Line,
            _ => SpectrumScaling::Density,
        },
    }
}

fn plane(case: &Case) {
    let z = array(case.input("field"));
    let got = plane_spectra(case).power(&z.data, z.shape[0], z.shape[1]).unwrap();
    case.check("ps", &got.power, case.expected("ps"));
    case.check("freq_y", &got.row_frequencies, case.expected("freq_y"));
    case.check("freq_x", &got.column_frequencies, case.expected("freq_x"));
}

fn isotropic(case: &Case) {
    let z = array(case.input("field"));
    let bins = IsotropicBins::Xrft {
        factor: number(case.parameter("nfactor")) as usize,
        truncate: case.parameter("truncate").as_bool().unwrap(),
    };
    let got = plane_spectra(case).isotropic(&z.data, z.shape[0], z.shape[1], None, bins).unwrap();
    case.check("freq_r", &got.frequencies, case.expected("freq_r"));
    case.check("iso", &got.times_frequency(), case.expected("iso"));
}

fn parseval(case: &Case) {
    let z = array(case.input("field"));
    let (dy, dx, n) = (number(case.parameter("dy")), number(case.parameter("dx")), z.data.len() as f64);
    let plain = PlaneSpectra { window: SpectralWindow::Boxcar, ..PlaneSpectra::new(dy, dx) };
    let density: f64 = plain.power(&z.data, z.shape[0], z.shape[1]).unwrap().power.iter().sum();
    let lines = PlaneSpectra { scaling: SpectrumScaling::Line, ..plain };
    let lines: f64 = lines.power(&z.data, z.shape[0], z.shape[1]).unwrap().power.iter().sum();
    for (key, want) in case.all_expected() {
        let got = match key.as_str() {
            "variance_ddof0" => lines,
            "sum_density_times_dk" => density / (n * dx * dy),
            "sum_abs2" | "n2_var" => lines * n * n,
            other => panic!("unknown {other}"),
        };
        case.check_one(key, got, number(want));
    }
}

fn shells(case: &Case) {
    let z = array(case.input("field"));
    let spectra = PlaneSpectra {
        window: SpectralWindow::Boxcar,
        scaling: SpectrumScaling::Line,
        detrend: detrend(case.parameter("detrend")),
        ..PlaneSpectra::new(1.0, 1.0)
    };
    let got = spectra.isotropic(&z.data, z.shape[0], z.shape[1], None, IsotropicBins::Shells).unwrap();
    case.check("mean_power", &got.mean, case.expected("mean_power"));
    case.check("count", &got.cells.iter().map(|c| *c as f64).collect::<Vec<_>>(), case.expected("count"));
}

fn check_line(case: &Case, what: &str, got: &LineSpectrum, want: &Value) {
    case.check(&format!("{what} f"), &got.frequencies, &want["f"]);
    case.check(&format!("{what} p"), &got.power, &want["p"]);
}

fn periodogram(case: &Case) {
    let x = array(case.input("x")).data;
    let boxcar = LineSpectra { window: SpectralWindow::Boxcar, ..LineSpectra::new(1.0 / number(case.parameter("fs"))) };
    for (key, want) in case.all_expected() {
        let spectra = match key.as_str() {
            "boxcar_const" => boxcar,
            "hann_const" => LineSpectra { window: SpectralWindow::Hann, ..boxcar },
            "linear" => LineSpectra { detrend: Detrend::Linear, ..boxcar },
            "none_spectrum" => LineSpectra { detrend: Detrend::None, scaling: SpectrumScaling::Line, ..boxcar },
            other => panic!("unknown {other}"),
        };
        check_line(case, key, &spectra.power(&x).unwrap(), want);
    }
}

fn welch(case: &Case) {
    let x = array(case.input("x")).data;
    let used = case.parameter("use_first").as_u64().map_or(x.len(), |n| n as usize);
    let segment = case.parameter("nperseg").as_u64().map(|n| n as usize);
    // Without segments it is a periodogram, whose default is no taper.
    let window = if segment.is_some() { SpectralWindow::Hann } else { SpectralWindow::Boxcar };
    let overlap = case.parameter("noverlap").as_u64().map(|n| n as usize);
    let spectra = LineSpectra { segment, overlap, window, ..LineSpectra::new(1.0) };
    check_line(case, "power", &spectra.power(&x[..used]).unwrap(), &case.raw()["expected"]);
}

fn coherence(case: &Case) {
    let (x, y) = (array(case.input("x")).data, array(case.input("y")).data);
    let segment = Some(number(case.parameter("nperseg")) as usize);
    let got = LineSpectra { segment, ..LineSpectra::new(1.0) }.cross(&x, &y).unwrap();
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "coh" => {
                let coherence: Vec<f64> = got.coherence().into_iter().map(|c| c.unwrap()).collect();
                case.check("coh f", &got.frequencies, &want["f"]);
                case.check("coh p", &coherence, &want["p"]);
            }
            "csd_real" => case.check(key, &got.cross.iter().map(|c| c[0]).collect::<Vec<_>>(), want),
            "csd_imag" => case.check(key, &got.cross.iter().map(|c| c[1]).collect::<Vec<_>>(), want),
            other => panic!("unknown {other}"),
        }
    }
}

fn zonal_mean(case: &Case) {
    let z = array(case.input("field"));
    let spectra = LineSpectra {
        window: window(case.parameter("window")),
        detrend: detrend(case.parameter("detrend")),
        ..LineSpectra::new(number(case.parameter("dx")))
    };
    let got = spectra.power_of_rows(&z.data, z.shape[1], None).unwrap();
    check_line(case, "mean of rows", &got, &case.raw()["expected"]);
}

fn resolution(case: &Case) {
    let of = |key: &str| array(case.input(key)).data;
    let (k, level) = (of("k"), number(case.parameter("level")));
    let score = spectral_score(&of("psd_ref"), &of("psd_err")).unwrap();
    let ratio = spectral_ratio(&of("psd_ref"), &of("psd_rec")).unwrap();
    let values = |score: &[Option<f64>]| score.iter().map(|s| s.unwrap()).collect::<Vec<_>>();
    let crossing = |score: &[Option<f64>], axis| {
        let found = effective_resolution(&k, score, level, axis).unwrap();
        found.wavelength().unwrap_or(f64::NAN)
    };
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "score_1_minus_err_over_ref" => case.check(key, &values(&score), want),
            "ratio_rec_over_ref" => case.check(key, &values(&ratio), want),
            "wavelength_by_interp_in_k" => case.check_one(key, crossing(&score, CrossingAxis::Frequency), number(want)),
            "wavelength_by_interp_in_wavelength" => case.check_one(key, crossing(&score, CrossingAxis::Wavelength), number(want)),
            "ratio_0.5_wavelength_interp_k" => case.check_one(key, crossing(&ratio, CrossingAxis::Frequency), number(want)),
            "no_crossing" => {
                let flat = vec![Some(0.9); k.len()];
                let found = effective_resolution(&k, &flat, level, CrossingAxis::Wavelength).unwrap();
                assert_eq!(found, Resolution::EveryScale);
                assert!(number(want).is_nan());
            }
            other => panic!("unknown {other}"),
        }
    }
}

fn slope(case: &Case) {
    let (k, reference) = (array(case.input("k")).data, array(case.input("psd_ref")).data);
    let power: Vec<f64> = k.iter().zip(&reference).map(|(k, p)| p * (0.1 * (5.0 * k.ln()).sin()).exp()).collect();
    let range = array(case.parameter("range_index")).data;
    let (first, end) = (range[0] as usize, range[1] as usize);
    let line = spectral_slope(&k, &power, k[first]..=k[end - 1]).unwrap();
    case.check_one("slope", line.slope, number(case.expected("slope")));
    case.check_one("intercept", line.intercept, number(case.expected("intercept")));
}

fn windows(case: &Case) {
    let n = number(case.parameter("n")) as usize;
    let mean = |w: Vec<f64>, power| w.iter().map(|w| w.powi(power)).sum::<f64>() / n as f64;
    let (periodic, symmetric) = (SpectralWindow::Hann.weights(n).unwrap(), SpectralWindow::Hann.symmetric_weights(n).unwrap());
    for (key, want) in case.all_expected() {
        let got = match key.as_str() {
            "hann_periodic_mean" => mean(periodic.clone(), 1),
            "hann_periodic_meansq" => mean(periodic.clone(), 2),
            "hann_sym_meansq" => mean(symmetric.clone(), 2),
            other => panic!("unknown {other}"),
        };
        case.check_one(key, got, number(want));
    }
}

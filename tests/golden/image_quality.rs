//! Family `image_quality`: every case and key; one that is unknown fails.

use isotherm::score::{
    Normalisation, Pairs, ScoreError, SsimOptions, SsimWindow, gradient_magnitude, normalised_rmse, sobel_magnitude, ssim,
    ssim_map,
};

use crate::support::{Array, Case, Family, array, is_error, number};

#[test]
fn image_quality() {
    let family = Family::load("image_quality");
    for case in family.cases() {
        match case.name {
            "ssim_full_map/unit" => full_map(&case),
            "ssim_float32/unit" => float32(&case),
            "psnr_implied_range" => implied_range(&case),
            "ssim_nan/skimage_raw" => raw_nan(&case),
            "ssim_nan/valid_windows" => valid_windows(&case),
            "psnr_nan/valid_pixels" => valid_pixels(&case),
            "psnr_ranges/kelvin" => ranges(&case),
            "gradient_magnitude/kelvin" => gradients(&case),
            name if name.starts_with("ssim/") => similarity(&case),
            name if name.starts_with("psnr/") => psnr(&case),
            other => panic!("unknown kind of image_quality case: {other}"),
        }
    }
}

fn images(case: &Case) -> (Array, Array) {
    (array(case.input("image_true")), array(case.input("image_test")))
}

fn options(key: &str) -> SsimOptions {
    let (skimage, wang) = (SsimOptions::uniform_7(), SsimOptions::wang_2004());
    match key {
        "default_win7_samplecov" | "default" | "sample_cov" => skimage,
        "gaussian_samplecov" => SsimOptions { sample_covariance: true, ..wang },
        "wang2004" => wang,
        "win11_uniform" => SsimOptions { window: SsimWindow::Uniform { size: 11 }, ..skimage },
        "K_alt" => SsimOptions { k1: 0.02, k2: 0.05, ..skimage },
        "popcov" | "pop_cov" => SsimOptions { sample_covariance: false, ..skimage },
        "gaussian_sigma1" => SsimOptions { window: SsimWindow::Gaussian { sigma: 1.0 }, ..wang },
        other => panic!("unknown form of ssim {other}"),
    }
}

fn similarity(case: &Case) {
    let ((t, p), range) = (images(case), number(case.parameter("data_range")));
    for (key, want) in case.all_expected() {
        let got = ssim(&t.data, &p.data, t.shape[0], t.shape[1], None, range, &options(key)).unwrap();
        case.check_one(key, got.value, number(want));
    }
}

fn full_map(case: &Case) {
    let (t, p) = images(case);
    for (key, want) in case.all_expected() {
        let map = ssim_map(&t.data, &p.data, t.shape[0], t.shape[1], None, 1.0, &options(key)).unwrap();
        case.check(key, &map.values, want);
    }
}

fn psnr(case: &Case) {
    let ((t, p), range) = (images(case), number(case.parameter("data_range")));
    let pairs = Pairs::collect(&t.data, &p.data, None, None).unwrap();
    for (key, want) in case.all_expected() {
        let by = |by| normalised_rmse(&t.data, &p.data, by);
        let got = match key.as_str() {
            "psnr" => pairs.psnr(range),
            "mse" => pairs.mse(),
            "nrmse_euclidean" => by(Normalisation::RootMeanSquare),
            "nrmse_minmax" => by(Normalisation::Range),
            "nrmse_mean" => by(Normalisation::Mean),
            other => panic!("unknown {other}"),
        };
        match got {
            Ok(got) => case.check_one(key, got, number(want)),
            // The peer divides by the range of a constant.
            Err(error) => {
                assert!(matches!(error, ScoreError::Constant { .. }) && !number(want).is_finite(), "{} {key}", case.name);
            }
        }
    }
}

fn float32(case: &Case) {
    let (t, p) = images(case);
    let single = |v: &[f64]| v.iter().map(|x| *x as f32).collect::<Vec<f32>>();
    let wide = |v: &[f64]| v.iter().map(|x| f64::from(*x as f32)).collect::<Vec<f64>>();
    let got = ssim(&wide(&t.data), &wide(&p.data), t.shape[0], t.shape[1], None, 1.0, &options("default")).unwrap();
    case.check_one("default", got.value, number(case.expected("default")));
    let pairs = Pairs::collect(&single(&t.data), &single(&p.data), None, None).unwrap();
    case.check_one("psnr", pairs.psnr(1.0).unwrap(), number(case.expected("psnr")));
}

/// The peer guesses a range from the data; here it must be stated, and the guesses are stated.
fn implied_range(case: &Case) {
    let (t, p) = images(case);
    let pairs = Pairs::collect(&t.data, &p.data, None, None).unwrap();
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "psnr_nonneg_float" => case.check_one(key, pairs.psnr(1.0).unwrap(), number(want)),
            "psnr_float_with_negative" => case.check_one(key, pairs.psnr(2.0).unwrap(), number(want)),
            "psnr_out_of_range_float" => assert!(is_error(want) && pairs.psnr(f64::NAN).is_err()),
            "ssim_float_without_range" => {
                let got = ssim(&t.data, &p.data, t.shape[0], t.shape[1], None, f64::NAN, &options("default"));
                assert!(is_error(want) && matches!(got, Err(ScoreError::Argument(_))));
            }
            other => panic!("unknown {other}"),
        }
    }
}

/// The peer lets NaN through and loses nearly every pixel; without a mask they are refused here.
fn raw_nan(case: &Case) {
    let (t, p) = images(case);
    assert!(number(case.expected("mean_default")).is_nan() && number(case.expected("psnr")).is_nan());
    let got = ssim(&t.data, &p.data, t.shape[0], t.shape[1], None, 1.0, &options("default"));
    assert!(matches!(got, Err(ScoreError::NotFinite { what: "truth", .. })));
    assert!(matches!(Pairs::collect(&t.data, &p.data, None, None), Err(ScoreError::NotFinite { .. })));
}

fn finite(t: &Array, p: &Array) -> Vec<bool> {
    t.data.iter().zip(&p.data).map(|(t, p)| t.is_finite() && p.is_finite()).collect()
}

fn valid_windows(case: &Case) {
    let (t, p) = images(case);
    let valid = finite(&t, &p);
    for (key, want) in case.all_expected() {
        let form = if key == "windows" { "sample_cov" } else { key };
        let got = ssim(&t.data, &p.data, t.shape[0], t.shape[1], Some(&valid), 1.0, &options(form)).unwrap();
        case.check_one(key, if key == "windows" { got.windows as f64 } else { got.value }, number(want));
    }
}

fn valid_pixels(case: &Case) {
    let (t, p) = images(case);
    let pairs = Pairs::collect(&t.data, &p.data, Some(&finite(&t, &p)), None).unwrap();
    case.check_one("psnr", pairs.psnr(1.0).unwrap(), number(case.expected("psnr")));
    case.check_one("mse", pairs.mse().unwrap(), number(case.expected("mse")));
    case.check_one("n", pairs.count() as f64, number(case.expected("n")));
}

fn ranges(case: &Case) {
    let (t, p) = images(case);
    let pairs = Pairs::collect(&t.data, &p.data, None, None).unwrap();
    let (low, high) = t.data.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    for (key, want) in case.all_expected() {
        let range = match key.as_str() {
            "range_ref_max_minus_min" => high - low,
            "range_ref_max" => high,
            "range_45K" => 45.0,
            "range_255" => 255.0,
            other => panic!("unknown range {other}"),
        };
        case.check_one(key, pairs.psnr(range).unwrap(), number(want));
    }
}

fn gradients(case: &Case) {
    let t = array(case.input("image_true"));
    let (rows, columns) = (t.shape[0], t.shape[1]);
    let central = gradient_magnitude(&t.data, rows, columns, None, 1.0, &vec![1.0; rows]).unwrap();
    case.check("grad_mag", &central.values, case.expected("grad_mag"));
    case.check("sobel_mag", &sobel_magnitude(&t.data, rows, columns, None).unwrap().values, case.expected("sobel_mag"));
}

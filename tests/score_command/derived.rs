//! Ranks, similarity and gradients: what needs all pairs or whole frames, from files read piece by piece.

use isotherm::score::{SsimOptions, sobel_magnitude, ssim_map};

use super::support::*;

/// 1 + the smaller ones + half of the other equal ones, by counting.
fn ranks(values: &[f64]) -> Vec<f64> {
    let count = |of: &dyn Fn(f64) -> bool| values.iter().filter(|v| of(**v)).count() as f64;
    values.iter().map(|value| 1.0 + count(&|v| v < *value) + 0.5 * (count(&|v| v == *value) - 1.0)).collect()
}

#[test]
fn spearman_is_that_of_counted_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Sample::truth(6, 7, 9);
    let mut prediction = truth.prediction(0.5, 3);
    // ties
    truth.values.iter_mut().for_each(|v| *v = (4.0 * *v).round() / 4.0);
    prediction.values.iter_mut().for_each(|v| *v = (2.0 * *v).round() / 2.0);
    truth.write(folder.path(), "t.nc");
    prediction.write(folder.path(), "p.nc");
    let pairs = pairs(&truth, &prediction, |_| true);
    let (t, p) = (ranks(&pairs.iter().map(|p| p.0).collect::<Vec<_>>()), ranks(&pairs.iter().map(|p| p.1).collect::<Vec<_>>()));
    let ranked: Vec<_> = pairs.iter().zip(t.iter().zip(&p)).map(|((.., w), (t, p))| (*t, *p, *w)).collect();
    let json = json(folder.path(), "t.nc p.nc --metrics rmse,spearman --resamples 50");
    let (value, n) = found(&json, "all", "spearman");
    assert!((value - by_loops(&ranked, "pearson")).abs() < 1e-12 && n as usize == pairs.len(), "{value}");
    assert!((found(&json, "all", "rmse").0 - by_loops(&pairs, "rmse")).abs() < 1e-10);
}

/// Fields with one gap, so that most windows are whole.
fn whole(days: usize, rows: usize, columns: usize) -> (Sample, Sample) {
    let mut truth = Sample::truth(days, rows, columns);
    truth.valid.iter_mut().for_each(|v| *v = true);
    let mut prediction = truth.prediction(0.5, 3);
    prediction.valid.iter_mut().for_each(|v| *v = true);
    truth.valid[5] = false;
    (truth, prediction)
}

#[test]
fn similarity_and_gradients_are_those_of_each_frame() {
    let folder = tempfile::tempdir().unwrap();
    let (days, rows, columns) = (3, 16, 18);
    let (truth, prediction) = whole(days, rows, columns);
    truth.write(folder.path(), "t.nc");
    prediction.write(folder.path(), "p.nc");
    let (mut similarity, mut gradients) = (Vec::new(), Vec::new());
    for day in 0..days {
        let part = day * rows * columns..(day + 1) * rows * columns;
        let (t, p, valid) = (&truth.values[part.clone()], &prediction.values[part.clone()], &truth.valid[part]);
        let map = ssim_map(t, p, rows, columns, Some(valid), 8.0, &SsimOptions::wang_2004()).unwrap();
        similarity.extend(map.values.iter().zip(&map.whole).filter(|(_, w)| **w).map(|(v, _)| (0.0, *v, 1.0)));
        let sobel = |values: &[f32]| {
            sobel_magnitude(&values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(), rows, columns, Some(valid)).unwrap()
        };
        let (t, p) = (sobel(t), sobel(p));
        gradients.extend((0..t.values.len()).filter(|i| t.valid[*i]).map(|i| (t.values[i], p.values[i], 1.0)));
    }
    let options = "t.nc p.nc --metrics ssim,gradient_rmse --data-range 8 --weighting equal --resamples 50";
    let json = json(folder.path(), options);
    let (value, n) = found(&json, "all", "ssim");
    assert!((value - by_loops(&similarity, "bias")).abs() < 1e-12 && n as usize == similarity.len(), "{value} {n}");
    let (value, n) = found(&json, "all", "gradient_rmse");
    assert!((value - by_loops(&gradients, "rmse")).abs() < 1e-12 && n as usize == gradients.len(), "{value} {n}");
    let metric = |i: usize| json["scores"][i]["rules"]["metric"].as_str().unwrap_or_default().to_string();
    assert!(metric(0).contains("data range 8") && metric(1).contains("Sobel"), "{} {}", metric(0), metric(1));
    // one for each day, too
    let series = printed(folder.path(), &format!("{options} --over space"));
    assert_eq!(series.lines().filter(|l| l.contains(",ssim,")).count(), days);
}

#[test]
fn threads_and_memory_change_no_bit_of_what_is_derived() {
    let folder = tempfile::tempdir().unwrap();
    let (mut truth, mut prediction) = whole(30, 40, 50);
    truth.latitudes.iter_mut().for_each(|v| *v -= 60.0);
    prediction.latitudes.clone_from(&truth.latitudes);
    for sample in [&mut truth, &mut prediction] {
        sample.values.iter_mut().for_each(|v| *v = (16.0 * *v).round() / 16.0);
    }
    truth.write(folder.path(), "t.nc");
    prediction.write(folder.path(), "p.nc");
    let run = |more: &str| {
        printed(
            folder.path(),
            &format!("t.nc p.nc --metrics spearman,ssim,gradient_rmse --data-range 8 --json --resamples 20 {more}"),
        )
    };
    let first = run("--threads 1");
    assert_eq!(first, run("--threads 2"));
    assert_eq!(first, run("--memory 1"));
}

#[test]
fn ranks_that_take_too_much_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (truth, prediction) = whole(10, 40, 50);
    truth.write(folder.path(), "t.nc");
    prediction.write(folder.path(), "p.nc");
    let sentence = sentence(folder.path(), "t.nc p.nc --metrics spearman --memory 1");
    assert!(sentence.contains("too many values differ") && sentence.contains("--memory"), "{sentence}");
}

//! Scores by stratum and by region against loops over the same cells.

use isotherm::grid::{Unit, great_circle_metres};

use super::support::*;

fn made(days: usize, rows: usize, columns: usize) -> (tempfile::TempDir, Sample, Sample) {
    let folder = tempfile::tempdir().unwrap();
    let truth = Sample::truth(days, rows, columns);
    let prediction = truth.prediction(0.5, 3);
    truth.write(folder.path(), "t.nc");
    prediction.write(folder.path(), "p.nc");
    (folder, truth, prediction)
}

fn check(json: &serde_json::Value, stratum: &str, pairs: &[(f64, f64, f64)]) {
    let (value, n) = found(json, stratum, "rmse");
    assert_eq!(n as usize, pairs.len(), "{stratum}");
    assert!((value - by_loops(pairs, "rmse")).abs() < 1e-10, "{stratum}: {value} {}", by_loops(pairs, "rmse"));
}

#[test]
fn seasons_months_and_years() {
    // 2020-01-20 and 59 more days: 12 of January, 29 of February, 19 of March
    let (folder, truth, prediction) = made(60, 3, 4);
    let days = |from: usize, to: usize| pairs(&truth, &prediction, |i| (from..to).contains(&truth.place(i).0));
    let json_by = |by: &str| json(folder.path(), &format!("t.nc p.nc --metrics rmse --resamples 20 --by {by}"));
    let season = json_by("season");
    check(&season, "DJF", &days(0, 41));
    check(&season, "MAM", &days(41, 60));
    assert_eq!(season["scores"].as_array().unwrap().len(), 2);
    let month = json_by("month");
    check(&month, "01", &days(0, 12));
    check(&month, "02", &days(12, 41));
    check(&json_by("year"), "2020", &days(0, 60));
    let hash = |json: &serde_json::Value, row: usize| json["scores"][row]["score"]["protocol"].clone();
    assert_ne!(hash(&season, 0), hash(&season, 1), "scores of two seasons are not comparable");
}

#[test]
fn regions_by_name_and_by_box() {
    // latitudes 50.5..66.5, longitudes -4.5..35.5
    let (folder, truth, prediction) = made(3, 17, 41);
    let inside = |west: f64, east: f64, south: f64, north: f64| {
        pairs(&truth, &prediction, |i| {
            let (_, y, x) = truth.place(i);
            let (latitude, longitude) = (truth.latitudes[y], truth.longitudes[x]);
            (south..=north).contains(&latitude) && (west..=east).contains(&longitude)
        })
    };
    let by = json(folder.path(), "t.nc p.nc --metrics rmse --by region");
    check(&by, "baltic", &inside(9.0, 30.5, 53.5, 66.0));
    check(&by, "arctic", &inside(-180.0, 180.0, 66.0, 90.0));
    check(&by, "north_atlantic", &inside(-80.0, 0.0, 23.5, 66.0));
    let rows = by["scores"].as_array().unwrap();
    assert!(rows.iter().all(|r| r["rules"]["stratum"] != "black_sea"));
    check(&json(folder.path(), "t.nc p.nc --metrics rmse --region baltic"), "all", &inside(9.0, 30.5, 53.5, 66.0));
    check(&json(folder.path(), "t.nc p.nc --metrics rmse --region -2,55,3,60"), "all", &inside(-2.0, 3.0, 55.0, 60.0));
}

#[test]
fn bands_of_distance_to_the_coast() {
    let (folder, truth, prediction) = made(4, 8, 12);
    let cells = truth.cells();
    let land: Vec<usize> = (0..cells).filter(|c| (0..4).all(|t| !truth.valid[t * cells + c])).collect();
    assert!(land.len() >= 6);
    let at = |c: usize| (truth.latitudes[c / 12], truth.longitudes[c % 12]);
    let kilometres = |i: usize| {
        let (a, b) = at(i % cells);
        land.iter().map(|l| great_circle_metres(a, b, at(*l).0, at(*l).1) / 1e3).fold(f64::INFINITY, f64::min)
    };
    let json = json(folder.path(), "t.nc p.nc --metrics rmse --by coast");
    for (label, low, high) in [("50 to 100 km", 50.0, 100.0), ("100 to 200 km", 100.0, 200.0), ("200 km and above", 200.0, 1e9)] {
        check(&json, label, &pairs(&truth, &prediction, |i| (low..high).contains(&kilometres(i))));
    }
}

#[test]
fn bands_of_cloud_fraction() {
    let (folder, truth, prediction) = made(4, 5, 6);
    let mut cloud = Sample { unit: Unit::Percent, ..truth.clone() };
    cloud.values = (0..cloud.values.len()).map(|i| (i * 7 % 101) as f32).collect();
    cloud.valid.iter_mut().enumerate().for_each(|(i, v)| *v = i % 11 != 0);
    cloud.write(folder.path(), "c.nc");
    let json = json(folder.path(), "t.nc p.nc --metrics rmse --by cloud --cloud c.nc:sst");
    for (label, low, high) in [("below 0.1", 0, 10), ("0.1 to 0.5", 10, 50), ("0.5 to 0.9", 50, 90), ("0.9 and above", 90, 101)] {
        let inside = |i: usize| cloud.valid[i] && (low..high).contains(&(cloud.values[i] as i32));
        check(&json, label, &pairs(&truth, &prediction, inside));
    }
    cloud.values[1] = 300.0;
    cloud.valid[1] = true;
    cloud.write(folder.path(), "c.nc");
    assert!(sentence(folder.path(), "t.nc p.nc --by cloud --cloud c.nc:sst").contains("0 to 1"));
}

#[test]
fn bands_of_the_gradient_hold_their_shares() {
    let folder = tempfile::tempdir().unwrap();
    let mut truth = Sample::truth(10, 20, 30);
    truth.valid.fill(true);
    let mut prediction = truth.clone();
    // the error grows with the distance from the front's column, which has the largest gradient
    (0..truth.values.len()).for_each(|i| prediction.values[i] += if truth.place(i).2.abs_diff(15) <= 1 { 1.0 } else { 0.1 });
    truth.write(folder.path(), "t.nc");
    prediction.write(folder.path(), "p.nc");
    let json = json(folder.path(), "t.nc p.nc --metrics rmse --by gradient --weighting equal");
    let rows = json["scores"].as_array().unwrap();
    let shares: Vec<f64> = rows.iter().map(|r| r["score"]["n"].as_f64().unwrap() / 6000.0).collect();
    for (share, wanted) in shares.iter().zip([0.5, 0.25, 0.15, 0.1]) {
        // edges are rounded up by less than 1 % of their value
        assert!((share - wanted).abs() < 0.02, "{shares:?}");
    }
    let values: Vec<f64> = rows.iter().map(|r| r["score"]["value"].as_f64().unwrap()).collect();
    assert!(values[3] > 2.0 * values[0], "fronts have the larger error: {values:?}");
    assert!(rows[3]["rules"]["stratum"].as_str().unwrap().contains("K/km"));
}

#[test]
fn a_mask_of_one_instant_or_of_each() {
    let (folder, truth, prediction) = made(4, 5, 6);
    let mut mask = Sample { unit: Unit::One, ..truth.clone() };
    mask.values = (0..mask.values.len()).map(|i| (i % 3) as f32).collect();
    mask.valid.iter_mut().enumerate().for_each(|(i, v)| *v = i % 7 != 0);
    mask.write(folder.path(), "m.nc");
    let counts = |i: usize| mask.valid[i] && mask.values[i] != 0.0;
    let by_day = json(folder.path(), "t.nc p.nc --metrics rmse --mask m.nc:sst");
    check(&by_day, "all", &pairs(&truth, &prediction, counts));
    assert!(by_day["scores"][0]["rules"]["mask"].as_str().unwrap().contains("where sst of m.nc (sha256 "));
    let mut fixed = Sample { days: 1, first_day: 99, ..mask.clone() };
    fixed.values.truncate(30);
    fixed.valid.truncate(30);
    fixed.write(folder.path(), "f.nc");
    let once = json(folder.path(), "t.nc p.nc --metrics rmse --mask f.nc:sst");
    check(&once, "all", &pairs(&truth, &prediction, |i| counts(i % 30)));
}

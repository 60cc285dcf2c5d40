//! Family `weighted`: every case; one of an unknown kind fails.

use isotherm::grid::{Axis, AxisKind, EARTH_RADIUS_METRES, area_weights};
use isotherm::score::{Pairs, ScoreResult, correlation_p_value, mape, smape, spearman, valid_pairs};

use crate::support::{Case, Family, array, number};

#[test]
fn weighted() {
    let family = Family::load("weighted");
    for case in family.cases() {
        match case.name {
            "cell_area_km2" => cell_area(&case),
            "rmse_xarray_weighted" => {
                let groups = Groups::of(&case, "per_time_weighted");
                case.check("rmse", &groups.scores("rmse"), case.expected("rmse"));
                let bias: Vec<f64> = groups.scores("me").iter().map(|b| -b).collect();
                case.check("bias", &bias, case.expected("bias_sim_minus_obs"));
            }
            name => {
                let (metric, reduction) = name.split_once('/').unwrap_or_else(|| panic!("unknown weighted case {name}"));
                let want = array(case.expected(metric)).data;
                let got = Groups::of(&case, reduction).scores(metric);
                assert_eq!(got.len(), want.len(), "{name}");
                for (i, (got, want)) in got.iter().zip(want).enumerate() {
                    // Where a truth is constant the peer's nse is minus infinity; here it is undefined, with a reason.
                    let undefined = metric == "r2" && got.is_nan() && want == f64::NEG_INFINITY;
                    if !undefined {
                        case.check_one(&format!("{name}[{i}]"), *got, want);
                    }
                }
            }
        }
    }
}

/// The pairs that are reduced to one number each, with their weights.
struct Groups(Vec<(Vec<f64>, Vec<f64>, Vec<f64>)>);

impl Groups {
    fn of(case: &Case, reduction: &str) -> Groups {
        let (obs, sim, lat) = (array(case.input("obs")), array(case.input("sim")), array(case.input("lat")));
        let [times, rows, columns] = obs.shape[..] else { panic!("three dimensions are wanted") };
        let cells = rows * columns;
        let (count, of): (usize, fn(usize, usize, usize) -> usize) = match reduction {
            "per_time_weighted" | "per_time_plain" => (times, |t, _, _| t),
            "all_weighted" | "all_plain" => (1, |_, _, _| 0),
            "per_cell" => (cells, |_, cell, _| cell),
            other => panic!("unknown reduction {other}"),
        };
        let mut groups = vec![(Vec::new(), Vec::new(), Vec::new()); count];
        for i in 0..times * cells {
            if obs.data[i].is_nan() || sim.data[i].is_nan() {
                continue;
            }
            let group = &mut groups[of(i / cells, i % cells, columns)];
            let weighted = reduction.ends_with("_weighted");
            group.0.push(obs.data[i]);
            group.1.push(sim.data[i]);
            group.2.push(if weighted { lat.data[i % cells / columns].to_radians().cos() } else { 1.0 });
        }
        Groups(groups)
    }

    /// One value for each group, NaN where the metric is undefined.
    fn scores(&self, metric: &str) -> Vec<f64> {
        self.0.iter().map(|(o, s, w)| score(metric, o, s, w).unwrap_or(f64::NAN)).collect()
    }
}

fn score(metric: &str, o: &[f64], s: &[f64], w: &[f64]) -> ScoreResult<f64> {
    let pairs = Pairs::collect(o, s, None, Some(w))?;
    assert_eq!(valid_pairs(o, s, None)?.0.len(), pairs.count());
    match metric {
        "me" => pairs.bias().map(|b| -b),
        "mae" => pairs.mae(),
        "mse" => pairs.mse(),
        "rmse" => pairs.rmse(),
        "mape" => mape(o, s, Some(w)),
        "smape" => smape(o, s, Some(w)),
        "r2" => pairs.nse(),
        "pearson_r" => pairs.pearson(),
        "pearson_r_p_value" => correlation_p_value(pairs.pearson()?, o.len() as f64),
        "spearman_r" => spearman(o, s, Some(w)),
        // NaN to the peer for two pairs.
        "spearman_r_p_value" if o.len() < 3 => Ok(f64::NAN),
        "spearman_r_p_value" => correlation_p_value(spearman(o, s, Some(w))?, o.len() as f64),
        "linslope" => pairs.fit_prediction_on_truth().map(|l| l.slope),
        other => panic!("unknown weighted metric {other}"),
    }
}

fn cell_area(case: &Case) {
    let latitudes = array(case.input("lat")).data;
    let (dlat, dlon) = (number(case.parameter("dlat")), number(case.parameter("dlon")));
    let radius = number(case.parameter("R_km"));
    let factor = radius * radius * dlon.to_radians();
    let areas: Vec<f64> = latitudes
        .iter()
        .map(|centre| {
            // The row as the middle (or, at a pole, the first or last) of a small axis of its own.
            let centres: Vec<f64> = [-1.0, 0.0, 1.0].iter().map(|k| centre + k * dlat).filter(|c| c.abs() <= 90.0).collect();
            let position = centres.iter().position(|c| c == centre).unwrap();
            factor * area_weights(&Axis::new(AxisKind::Latitude, centres).unwrap())[position]
        })
        .collect();
    case.check("area", &areas, case.expected("area"));
    let globe = Axis::regular(AxisKind::Latitude, -89.875, 0.25, 720).unwrap();
    let sum: f64 = area_weights(&globe).iter().sum::<f64>() * factor * 1440.0;
    case.check_one("global_sum", sum, number(case.expected("global_sum_0.25deg")));
    case.check_one("sphere", sum, number(case.expected("sphere")));
    case.check("coslat", &latitudes.iter().map(|l| l.to_radians().cos()).collect::<Vec<_>>(), case.expected("coslat"));
    // The golden radius is rounded to the kilometre.
    assert!((EARTH_RADIUS_METRES / 1e3 - radius).abs() < 0.01);
}

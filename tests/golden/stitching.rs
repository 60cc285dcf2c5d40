//! Family `stitching`: windows and the blending of overlapping tiles.

use isotherm::grid::{Blend, Tiling, Window, tile_starts};

use crate::support::{Case, Family, array, number};

#[test]
fn every_case() {
    for case in Family::load("stitching").cases() {
        match case.name.split_once('/').map_or(case.name, |(group, _)| group) {
            "hann" => windows(&case),
            "weights1d" => weights_along_an_axis(&case),
            "blend2d" => blend(&case),
            _ => panic!("case {} is not known to this test", case.name),
        }
    }
}

fn count(case: &Case<'_>, key: &str) -> usize {
    number(case.parameter(key)) as usize
}

fn windows(case: &Case<'_>) {
    let length = count(case, "n");
    for (key, want) in case.all_expected() {
        let window = match key.as_str() {
            "symmetric" | "numpy_hanning" => Window::HannSymmetric,
            "periodic" => Window::HannPeriodic,
            "half_sample" => Window::HannHalfSample,
            "tukey_0.5" => Window::Tukey { taper: 0.5 },
            "cosine" => Window::Cosine,
            _ => panic!("{}: expectation {key} is not known to this test", case.name),
        };
        case.check(key, &window.weights(length), want);
    }
}

fn weights_along_an_axis(case: &Case<'_>) {
    assert_eq!(case.parameter("window"), "sin^2(pi(i+0.5)/t)");
    assert_eq!(case.parameter("last_tile"), "shifted back to end at N");
    let (length, tile, stride) = (count(case, "N"), count(case, "tile"), count(case, "stride"));
    let window = Window::HannHalfSample.weights(tile);
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "starts" => {
                let starts: Vec<f64> = tile_starts(length, tile, stride).into_iter().map(|s| s as f64).collect();
                case.check(key, &starts, want);
            }
            "weight_sum" => {
                // One column of tiles: each row of the plane's sums is the axis's sum times the window across.
                let sums = Tiling::new(length, tile, tile, stride).expect("a tiling").weight_sum().expect("sums");
                for (x, across) in window.iter().enumerate() {
                    let along: Vec<f64> = (0..length).map(|y| sums[y * tile + x] / across).collect();
                    case.check(key, &along, want);
                }
            }
            _ => panic!("{}: expectation {key} is not known to this test", case.name),
        }
    }
}

fn blend(case: &Case<'_>) {
    let z = array(case.input("z"));
    let tiling = Tiling::new(z.shape[0], z.shape[1], count(case, "tile"), count(case, "stride")).expect("a tiling");
    let placed: Vec<Vec<f64>> =
        case.parameter("tiles_row_col_bias").as_array().expect("tiles").iter().map(|tile| array(tile).data).collect();
    let corners: Vec<[f64; 2]> = tiling.tiles().iter().map(|t| [t.row as f64, t.column as f64]).collect();
    assert_eq!(corners, placed.iter().map(|p| [p[0], p[1]]).collect::<Vec<_>>(), "{}: tiles", case.name);
    let mut biased = Blend::new(&tiling);
    let mut plain = Blend::new(&tiling);
    for (index, tile) in placed.iter().enumerate().rev() {
        let cut = tiling.cut(&z.data, index).expect("a tile");
        biased.add(index, cut.iter().map(|v| v + tile[2]).collect()).expect("a new tile");
        plain.add(index, cut).expect("a new tile");
    }
    let biased = biased.finish().expect("all tiles");
    for (got, want) in plain.finish().expect("all tiles").iter().zip(&z.data) {
        case.check_one("without bias", *got, *want);
    }
    for (key, want) in case.all_expected() {
        match key.as_str() {
            "blended" => case.check(key, &biased, want),
            "weight_sum" => case.check(key, &tiling.weight_sum().expect("sums"), want),
            _ => panic!("{}: expectation {key} is not known to this test", case.name),
        }
    }
}

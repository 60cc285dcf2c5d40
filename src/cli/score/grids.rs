//! The cells that several grids have in common.

use std::ops::Range;

use anyhow::bail;

use crate::grid::{Axis, wrap_360};
use crate::score::Region;

/// Centres closer than this share of a cell are the same: files store coordinates as f32.
const TOLERANCE: f64 = 0.02;

/// One file's grid.
pub(super) struct Grid<'a> {
    /// `the truth`, `the prediction`, ...
    pub label: &'a str,
    pub latitude: &'a Axis,
    pub longitude: &'a Axis,
}

/// The part of a grid that is scored: rows from south to north, columns from west to east.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub rows: Range<usize>,
    pub columns: Vec<usize>,
}

/// For each grid the part that all have in common, within the region. The first grid (the truth's) leads.
///
/// # Errors
/// One sentence: the region holds no cell, there is no overlap, or the grids differ, with what was found.
pub(super) fn common_part(grids: &[Grid<'_>], region: Option<&Region>) -> anyhow::Result<Vec<Part>> {
    let Some(first) = grids.first() else { bail!("no grid was given") };
    let in_region = |axis: &Axis, inside: &dyn Fn(&Region, f64) -> bool| -> Vec<usize> {
        (0..axis.len()).filter(|i| region.is_none_or(|r| inside(r, axis.centres()[*i]))).collect()
    };
    let rows = in_region(first.latitude, &Region::contains_latitude);
    let columns = in_region(first.longitude, &Region::contains_longitude);
    if let (Some(region), true) = (region, rows.is_empty() || columns.is_empty()) {
        bail!("the region {} holds no cell of {}, which spans {}", region.name, first.label, span(first));
    }
    let mut kept_rows: Vec<Vec<usize>> = rows.into_iter().map(|y| vec![y]).collect();
    let mut kept_columns: Vec<Vec<usize>> = columns.into_iter().map(|x| vec![x]).collect();
    for other in &grids[1..] {
        let by_latitude = Places::of(other.latitude, false);
        let by_longitude = Places::of(other.longitude, true);
        let tolerance = |a: &Axis, b: &Axis| {
            let spacing = a.spacing().abs().min(b.spacing().abs());
            if spacing > 0.0 { TOLERANCE * spacing } else { 1e-3 }
        };
        let (south, west) = (tolerance(first.latitude, other.latitude), tolerance(first.longitude, other.longitude));
        let (many_rows, many_columns) = (kept_rows.len(), kept_columns.len());
        extend(&mut kept_rows, |y| by_latitude.find(first.latitude.centres()[y], south));
        extend(&mut kept_columns, |x| by_longitude.find(first.longitude.centres()[x], west));
        if kept_rows.is_empty() || kept_columns.is_empty() || !same_spacing(first, other, many_rows, many_columns) {
            bail!("{}", difference(first, other));
        }
    }
    start_after_the_gap(&mut kept_columns, first.longitude);
    grids
        .iter()
        .enumerate()
        .map(|(k, grid)| {
            let rows: Vec<usize> = kept_rows.iter().map(|r| r[k]).collect();
            let columns: Vec<usize> = kept_columns.iter().map(|c| c[k]).collect();
            let turn = grid.longitude.len();
            let in_step =
                rows.windows(2).all(|p| p[1] == p[0] + 1) && columns.windows(2).all(|p| (p[0] + 1) % turn == p[1] % turn);
            if !in_step {
                bail!("{}", difference(first, grids.get(k.max(1)).unwrap_or(first)));
            }
            Ok(Part { rows: rows[0]..rows[rows.len() - 1] + 1, columns })
        })
        .collect()
}

/// Adds to each kept position the one of the next grid, and drops those that have none.
fn extend(kept: &mut Vec<Vec<usize>>, find: impl Fn(usize) -> Option<usize>) {
    kept.retain_mut(|positions| match find(positions[0]) {
        Some(found) => {
            positions.push(found);
            true
        }
        None => false,
    });
}

/// Axes of one cell have no spacing to compare.
fn same_spacing(a: &Grid<'_>, b: &Grid<'_>, rows: usize, columns: usize) -> bool {
    let close = |a: &Axis, b: &Axis, many: usize| {
        let (p, q) = (a.spacing().abs(), b.spacing().abs());
        many < 2 || p == 0.0 || q == 0.0 || (p - q).abs() <= TOLERANCE * p
    };
    close(a.latitude, b.latitude, rows) && close(a.longitude, b.longitude, columns)
}

/// Columns that go around the globe begin after the widest gap between them.
fn start_after_the_gap(columns: &mut [Vec<usize>], longitude: &Axis) {
    let n = columns.len();
    let at = |i: usize| longitude.centres()[columns[i % n][0]];
    let gap = |i: usize| (at(i + 1) - at(i)).rem_euclid(360.0);
    // The gap from the last column to the first counts first, so that columns without a wider one stay as they are.
    let mut widest = n - 1;
    for i in 0..n.saturating_sub(1) {
        if gap(i) > gap(widest) + 0.5 * longitude.spacing().abs() {
            widest = i;
        }
    }
    columns.rotate_left((widest + 1) % n);
}

/// The centres of an axis in ascending order, with their positions.
struct Places {
    ordered: Vec<(f64, usize)>,
    circle: bool,
}

impl Places {
    fn of(axis: &Axis, circle: bool) -> Places {
        let value = |c: f64| if circle { wrap_360(c) } else { c };
        let mut ordered: Vec<(f64, usize)> = axis.centres().iter().enumerate().map(|(i, c)| (value(*c), i)).collect();
        ordered.sort_by(|a, b| a.0.total_cmp(&b.0));
        Places { ordered, circle }
    }

    /// The position of the centre at `wanted`, to within the tolerance.
    fn find(&self, wanted: f64, tolerance: f64) -> Option<usize> {
        let wanted = if self.circle { wrap_360(wanted) } else { wanted };
        let n = self.ordered.len();
        let after = self.ordered.partition_point(|(c, _)| *c < wanted);
        let away = |c: f64| {
            let d = (c - wanted).abs();
            if self.circle { d.min(360.0 - d) } else { d }
        };
        let (a, b) = (self.ordered[(after + n - 1) % n], self.ordered[after % n]);
        let nearest = if away(a.0) < away(b.0) { a } else { b };
        (away(nearest.0) <= tolerance).then_some(nearest.1)
    }
}

fn span(grid: &Grid<'_>) -> String {
    let ends = |axis: &Axis| format!("{:.4} to {:.4}", axis.centres()[0], axis.centres()[axis.len() - 1]);
    format!("latitudes {}, longitudes {}", ends(grid.latitude), ends(grid.longitude))
}

/// Why two grids cannot be scored together.
fn difference(a: &Grid<'_>, b: &Grid<'_>) -> String {
    let apart = |a: &Axis, b: &Axis| {
        let (p, q) = (a.edges(), b.edges());
        p[0] >= q[q.len() - 1] || q[0] >= p[p.len() - 1]
    };
    if apart(a.latitude, b.latitude) {
        return format!("no overlap in space: {} spans {}, {} {}", a.label, span(a), b.label, span(b));
    }
    let words = |g: &Grid<'_>| {
        format!(
            "{} has {} x {} cells of {:.4} x {:.4} degrees ({})",
            g.label,
            g.latitude.len(),
            g.longitude.len(),
            g.latitude.spacing(),
            g.longitude.spacing(),
            span(g)
        )
    };
    format!(
        "the grids differ or do not overlap: {}, {}; bring one to the grid of the other first (isotherm apply refines a coarse \
         field by a whole factor)",
        words(a),
        words(b)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::AxisKind;

    fn axes(south: f64, rows: usize, west: f64, columns: usize, spacing: f64) -> (Axis, Axis) {
        let latitude = Axis::regular(AxisKind::Latitude, south, spacing, rows).unwrap();
        (latitude, Axis::regular(AxisKind::Longitude, west, spacing, columns).unwrap())
    }

    fn common(a: &(Axis, Axis), b: &(Axis, Axis), region: Option<&str>) -> anyhow::Result<Vec<Part>> {
        let region = region.map(|r| Region::parse(r).unwrap());
        let grids = [
            Grid { label: "the truth", latitude: &a.0, longitude: &a.1 },
            Grid { label: "the prediction", latitude: &b.0, longitude: &b.1 },
        ];
        common_part(&grids, region.as_ref())
    }

    #[test]
    fn equal_grids_are_taken_whole() {
        let a = axes(-89.5, 180, 0.5, 360, 1.0);
        let parts = common(&a, &a, None).unwrap();
        assert_eq!(parts[0], Part { rows: 0..180, columns: (0..360).collect() });
        assert_eq!(parts[0], parts[1]);
    }

    #[test]
    fn two_counts_of_longitude_are_brought_together() {
        let (a, b) = (axes(0.5, 4, 0.5, 360, 1.0), axes(0.5, 4, -179.5, 360, 1.0));
        let parts = common(&a, &b, None).unwrap();
        assert_eq!(parts[0].columns, (0..360).collect::<Vec<_>>());
        assert_eq!((parts[1].columns[0], parts[1].columns[179], parts[1].columns[180]), (180, 359, 0));
        // a box across Greenwich begins in the west
        let parts = common(&a, &b, Some("-2,0,3,4")).unwrap();
        assert_eq!(parts[0].columns, [358, 359, 0, 1, 2]);
        assert_eq!(parts[1].columns, [178, 179, 180, 181, 182]);
    }

    #[test]
    fn the_overlap_of_two_parts_of_the_sea() {
        let (a, b) = (axes(30.5, 10, 350.5, 20, 1.0), axes(33.5, 20, -5.5, 4, 1.0));
        let parts = common(&a, &b, None).unwrap();
        assert_eq!(parts[0], Part { rows: 3..10, columns: vec![4, 5, 6, 7] });
        assert_eq!(parts[1], Part { rows: 0..7, columns: vec![0, 1, 2, 3] });
    }

    #[test]
    fn a_regional_prediction_of_a_global_truth_across_its_seam() {
        let (a, b) = (axes(0.5, 2, 0.5, 360, 1.0), axes(0.5, 2, -1.5, 4, 1.0));
        assert_eq!(common(&a, &b, None).unwrap()[0].columns, [358, 359, 0, 1]);
    }

    #[test]
    fn other_grids_are_refused_with_what_was_found() {
        let a = axes(30.5, 10, 10.5, 10, 1.0);
        for b in [axes(30.25, 20, 10.25, 20, 0.5), axes(30.5, 4, 10.5, 4, 3.0), axes(30.6, 10, 10.6, 10, 1.0)] {
            for sentence in [common(&a, &b, None), common(&b, &a, None)].map(|r| r.unwrap_err().to_string()) {
                assert!(sentence.contains("the grids differ") && sentence.contains("10 x 10 cells of 1.0000"), "{sentence}");
            }
        }
        let far = axes(-30.5, 10, 10.5, 10, 1.0);
        assert!(common(&a, &far, None).unwrap_err().to_string().contains("no overlap in space"));
        assert!(common(&a, &a, Some("100,30,110,40")).unwrap_err().to_string().contains("holds no cell of the truth"));
    }
}

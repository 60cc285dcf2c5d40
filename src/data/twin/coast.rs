//! Where the synthetic ocean is land: a mainland in the West and islands, from a seeded random field.

use super::config::{CELL_METRES, TwinConfig};
use super::random_field::{RandomField, RandomFieldSettings, Spectrum};
use crate::base::random::Random;

/// Length scale of the terrain, kilometres.
const TERRAIN_KILOMETRES: f64 = 200.0;

/// Height of the mainland over the rest, in standard deviations of the terrain.
const MAINLAND_HEIGHT: f64 = 3.0;

/// Width of the mainland as a share of the square.
const MAINLAND_WIDTH: f64 = 0.1;

/// Land, sea and the distance between them.
pub(super) struct Coast {
    /// Is the cell sea? In (y, x) order.
    pub(super) sea: Vec<bool>,
    /// Distance of each sea cell to the nearest land, cells (infinite where there is no land).
    pub(super) distance_cells: Vec<f32>,
}

impl Coast {
    /// The highest share of a random terrain is land. Seas that do not touch the largest one are land
    /// too: the square has no lakes.
    pub(super) fn new(config: &TwinConfig) -> Coast {
        let cells = config.cells;
        let settings = RandomFieldSettings {
            cells,
            length_cells: TERRAIN_KILOMETRES * 1000.0 / CELL_METRES,
            spectrum: Spectrum::PowerLaw(1.6),
            memory: 0.0,
            drift_cells: (0.0, 0.0),
        };
        let mut terrain = RandomField::new(&settings, Random::new(config.seed, "twin terrain")).values();
        for (index, height) in terrain.iter_mut().enumerate() {
            let west = (index % cells) as f64 / cells as f64;
            *height += (MAINLAND_HEIGHT * (-west / MAINLAND_WIDTH).exp()) as f32;
        }
        let mut sorted = terrain.clone();
        sorted.sort_by(f32::total_cmp);
        let land = (config.land_fraction * terrain.len() as f64).round() as usize;
        let mut sea = match land {
            0 => vec![true; terrain.len()],
            _ => terrain.iter().map(|height| *height < sorted[terrain.len() - land]).collect(),
        };
        keep_largest_sea(&mut sea, cells);
        let distance_cells = distance_to_land(&sea, cells);
        Coast { sea, distance_cells }
    }
}

fn keep_largest_sea(sea: &mut [bool], cells: usize) {
    let mut label = vec![0u32; sea.len()];
    let mut sizes = vec![0usize];
    for start in 0..sea.len() {
        if !sea[start] || label[start] != 0 {
            continue;
        }
        let this = sizes.len() as u32;
        sizes.push(0);
        let mut open = vec![start];
        label[start] = this;
        while let Some(index) = open.pop() {
            sizes[this as usize] += 1;
            let (y, x) = (index / cells, index % cells);
            let neighbours = [
                (y > 0).then(|| index - cells),
                (y + 1 < cells).then(|| index + cells),
                (x > 0).then(|| index - 1),
                (x + 1 < cells).then(|| index + 1),
            ];
            for next in neighbours.into_iter().flatten() {
                if sea[next] && label[next] == 0 {
                    label[next] = this;
                    open.push(next);
                }
            }
        }
    }
    let largest = (1..sizes.len()).max_by_key(|l| sizes[*l]).unwrap_or(0) as u32;
    sea.iter_mut().zip(&label).for_each(|(sea, label)| *sea = *sea && *label == largest);
}

/// Chamfer distance with weights 1 and √2: within 8 % of the Euclidean one, in two passes.
fn distance_to_land(sea: &[bool], cells: usize) -> Vec<f32> {
    let mut distance: Vec<f32> = sea.iter().map(|s| if *s { f32::INFINITY } else { 0.0 }).collect();
    let n = cells as isize;
    let relax = |distance: &mut [f32], y: isize, x: isize, neighbours: [(isize, isize); 4]| {
        for (dy, dx) in neighbours {
            let (v, u) = (y + dy, x + dx);
            if (0..n).contains(&v) && (0..n).contains(&u) {
                let step = if dy != 0 && dx != 0 { std::f32::consts::SQRT_2 } else { 1.0 };
                let here = (y * n + x) as usize;
                distance[here] = distance[here].min(distance[(v * n + u) as usize] + step);
            }
        }
    };
    for y in 0..n {
        for x in 0..n {
            relax(&mut distance, y, x, [(-1, -1), (-1, 0), (-1, 1), (0, -1)]);
        }
    }
    for y in (0..n).rev() {
        for x in (0..n).rev() {
            relax(&mut distance, y, x, [(1, 1), (1, 0), (1, -1), (0, 1)]);
        }
    }
    distance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn land_has_its_share_and_the_sea_is_one() {
        let config = TwinConfig { cells: 96, ..TwinConfig::tiny() };
        let coast = Coast::new(&config);
        let land = coast.sea.iter().filter(|s| !**s).count() as f64 / coast.sea.len() as f64;
        // Lakes that are filled come on top of the share asked for.
        assert!((0.149..0.30).contains(&land), "{land}");
        let mut again = coast.sea.clone();
        keep_largest_sea(&mut again, 96);
        assert_eq!(again, coast.sea);
    }

    #[test]
    fn no_land_when_none_is_asked_for() {
        let coast = Coast::new(&TwinConfig { land_fraction: 0.0, ..TwinConfig::tiny() });
        assert!(coast.sea.iter().all(|s| *s) && coast.distance_cells.iter().all(|d| d.is_infinite()));
    }

    #[test]
    fn distances_around_one_island() {
        let mut sea = vec![true; 49];
        sea[24] = false;
        let distance = distance_to_land(&sea, 7);
        assert_eq!((distance[24], distance[25], distance[21]), (0.0, 1.0, 3.0));
        assert!((distance[16] - std::f32::consts::SQRT_2).abs() < 1e-6);
        // The knight's move is 1 + √2 = 2.414 by chamfer, √5 = 2.236 in truth: 8 %.
        assert!((distance[15] - 2.414).abs() < 1e-3);
    }

    #[test]
    fn a_lake_becomes_land() {
        // A ring of land around the middle cell.
        let mut sea = vec![true; 25];
        for index in [6, 7, 8, 11, 13, 16, 17, 18] {
            sea[index] = false;
        }
        keep_largest_sea(&mut sea, 5);
        assert!(!sea[12] && sea[0]);
    }
}

//! Points coloured by how many share their cell of a two-dimensional histogram.

use super::colour_map::ColourMap;
use super::error::FigureResult;
use super::raster::Raster;
use super::ticks::nice_step;

/// About this many cells along each side of the histogram.
const CELLS: f64 = 80.0;
const LEVELS: usize = 255;

/// Counts in square cells over the same range of x and y.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Density {
    low: f64,
    high: f64,
    /// Side of a cell in the unit of the axes, a round number.
    pub cell: f64,
    side: usize,
    counts: Vec<u32>,
    /// The fullest cell.
    pub peak: u32,
    /// Points outside the range, which are not drawn.
    pub outside: usize,
}

impl Density {
    /// Counts pairs with both values within `low..=high`.
    pub fn count(x: &[f32], y: &[f32], low: f64, high: f64) -> Density {
        let cell = nice_step((high - low) / CELLS);
        let side = ((high - low) / cell).ceil().max(1.0) as usize;
        let mut density = Density { low, high, cell, side, counts: vec![0; side * side], peak: 0, outside: 0 };
        for (x, y) in x.iter().zip(y) {
            match density.cell_of(f64::from(*x), f64::from(*y)) {
                Some(at) => {
                    density.counts[at] += 1;
                    density.peak = density.peak.max(density.counts[at]);
                }
                None => density.outside += 1,
            }
        }
        density
    }

    fn cell_of(&self, x: f64, y: f64) -> Option<usize> {
        let range = self.low..=self.high;
        let place = |v: f64| (((v - self.low) / self.cell) as usize).min(self.side - 1);
        (range.contains(&x) && range.contains(&y)).then(|| place(y) * self.side + place(x))
    }

    /// A picture of `pixels` by `pixels` with a disc for each point, coloured by the logarithm of its
    /// cell's count from 1 to `peak`; fuller cells lie on top, so the order of the points is of no account.
    pub fn raster(&self, x: &[f32], y: &[f32], pixels: usize, radius: f64, map: ColourMap, peak: u32) -> FigureResult<Raster> {
        let mut centres = vec![0u8; pixels * pixels];
        for (x, y) in x.iter().zip(y) {
            let (x, y) = (f64::from(*x), f64::from(*y));
            let Some(cell) = self.cell_of(x, y) else { continue };
            let place = |v: f64| (((v - self.low) / (self.high - self.low) * pixels as f64) as usize).min(pixels - 1);
            let at = (pixels - 1 - place(y)) * pixels + place(x);
            centres[at] = centres[at].max(level(self.counts[cell], peak));
        }
        let reach = radius.floor() as isize;
        let disc: Vec<(isize, isize)> = (-reach..=reach)
            .flat_map(|dy| (-reach..=reach).map(move |dx| (dx, dy)))
            .filter(|(dx, dy)| ((dx * dx + dy * dy) as f64).sqrt() <= radius)
            .collect();
        let mut indices = vec![0u8; pixels * pixels];
        for (at, index) in centres.iter().enumerate().filter(|(_, index)| **index > 0) {
            let (row, column) = ((at / pixels) as isize, (at % pixels) as isize);
            for (dx, dy) in &disc {
                let (row, column) = (row + dy, column + dx);
                if (0..pixels as isize).contains(&row) && (0..pixels as isize).contains(&column) {
                    let cell = &mut indices[row as usize * pixels + column as usize];
                    *cell = (*cell).max(*index);
                }
            }
        }
        Raster::new(pixels, pixels, map.palette(LEVELS), indices)
    }
}

/// 1 for a count of 1, 255 for `peak`, even in the logarithm between.
fn level(count: u32, peak: u32) -> u8 {
    if peak <= 1 {
        return 1;
    }
    let fraction = f64::from(count.max(1)).ln() / f64::from(peak).ln();
    1 + ((LEVELS - 1) as f64 * fraction.clamp(0.0, 1.0)).round() as u8
}

/// Radius in millimetres of the disc of one point: large for few points, small for many, so that the
/// cloud neither vanishes nor fills the panel.
pub(super) fn disc_radius(points: usize) -> f64 {
    // 0.42 mm up to 100 points, 0.14 mm from 100 000 on
    let decades = (points.max(1) as f64).log10().clamp(2.0, 5.0) - 2.0;
    0.42 - decades / 3.0 * 0.28
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_hand() {
        // range 0..40, cell 0.5: the first three share the cell [10, 10.5) x [20, 20.5)
        let (x, y) = ([10.0, 10.1, 10.49, 10.5, 50.0], [20.0, 20.2, 20.49, 20.0, 1.0]);
        let density = Density::count(&x, &y, 0.0, 40.0);
        assert_eq!((density.cell, density.side, density.peak, density.outside), (0.5, 80, 3, 1));
        assert_eq!(density.counts[40 * 80 + 20], 3);
        assert_eq!(density.counts.iter().sum::<u32>(), 4);
    }

    #[test]
    fn levels_run_with_the_logarithm() {
        assert_eq!((level(1, 100), level(10, 100), level(100, 100)), (1, 128, 255));
        assert_eq!(level(1, 1), 1);
    }

    #[test]
    fn a_point_is_a_disc_with_y_upwards_and_order_does_not_matter() {
        let (x, y) = ([1.0f32, 9.0, 9.0], [1.0f32, 9.0, 9.0]);
        let density = Density::count(&x, &y, 0.0, 10.0);
        let picture = density.raster(&x, &y, 100, 1.0, ColourMap::Viridis, density.peak).unwrap();
        let at = |row: usize, column: usize| picture.indices()[row * 100 + column];
        assert_eq!((at(89, 10), at(88, 10), at(89, 11), at(88, 11)), (1, 1, 1, 0));
        assert_eq!((at(9, 90), at(10, 90)), (255, 255));
        let (x, y) = ([9.0f32, 1.0, 9.0], [9.0f32, 1.0, 9.0]);
        assert_eq!(density.raster(&x, &y, 100, 1.0, ColourMap::Viridis, density.peak).unwrap(), picture);
    }
}

//! Drifters that follow the flow and moorings that stand: where they are and what the truth is there.

use rustfft::num_complex::Complex32;

use super::climate::Climate;
use super::coast::Coast;
use super::config::{CELL_DEGREES, CELL_METRES, CORNER_DEGREES, TwinConfig};
use crate::base::random::Random;

/// A coastal mooring stands at most this far from land, cells.
const COASTAL_CELLS: f32 = 2.0;

/// An open-sea mooring stands at least this far from land, cells.
const OPEN_CELLS: f32 = 10.0;

/// A platform's place and the true foundation temperature there, at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// Moorings count from 0, drifters after them.
    pub(super) platform: u32,
    /// Seconds since 1970.
    pub(super) seconds: f64,
    /// Degrees north.
    pub(super) latitude: f64,
    /// Degrees east.
    pub(super) longitude: f64,
    /// Foundation temperature, degrees Celsius, without any error.
    pub(super) foundation_celsius: f64,
}

/// All platforms at sea.
pub(super) struct Platforms {
    cells: usize,
    /// Places in cells from the South-West corner (x, y).
    moorings: Vec<[f64; 2]>,
    drifters: Vec<Drifter>,
    /// Number of the next platform to be put out.
    next: u32,
    open_water: Vec<usize>,
    random: Random,
}

struct Drifter {
    number: u32,
    place: [f64; 2],
    /// Velocity of the step before, m/s, for the second-order step.
    before: Option<Complex32>,
}

impl Platforms {
    pub(super) fn new(config: &TwinConfig, coast: &Coast) -> Platforms {
        let cells = config.cells;
        let mut random = Random::new(config.seed, "twin platforms");
        let mut chosen = |wanted: usize, fits: &dyn Fn(f32) -> bool| {
            let mut places: Vec<usize> = (0..cells * cells).filter(|i| coast.sea[*i] && fits(coast.distance_cells[*i])).collect();
            random.shuffle(&mut places);
            places.truncate(wanted);
            places
        };
        let coastal = chosen(config.moorings * 2 / 3, &|distance| distance <= COASTAL_CELLS);
        let open = chosen(config.moorings - coastal.len(), &|distance| distance >= OPEN_CELLS);
        let centre = |i: &usize| [(i % cells) as f64 + 0.5, (i / cells) as f64 + 0.5];
        let moorings: Vec<[f64; 2]> = coastal.iter().chain(&open).map(centre).collect();
        let mut platforms = Platforms {
            cells,
            next: moorings.len() as u32,
            moorings,
            drifters: Vec::new(),
            open_water: (0..cells * cells).filter(|i| coast.sea[*i]).collect(),
            random,
        };
        for _ in 0..config.drifters {
            let drifter = platforms.release();
            platforms.drifters.push(drifter);
        }
        platforms
    }

    /// Number of moorings: platforms below it are moored, the others drift.
    pub(super) fn mooring_count(&self) -> usize {
        self.moorings.len()
    }

    fn release(&mut self) -> Drifter {
        let cell = self.open_water[self.random.below(self.open_water.len())];
        let place = [(cell % self.cells) as f64 + self.random.uniform(), (cell / self.cells) as f64 + self.random.uniform()];
        let number = self.next;
        self.next += 1;
        Drifter { number, place, before: None }
    }

    /// Moves the drifters by one step of the flow (second-order Adams-Bashforth). One that strands or
    /// leaves the square is lost, and another is put out elsewhere.
    pub(super) fn advance(&mut self, velocity: &[Complex32], sea: &[bool], seconds: f64) {
        for index in 0..self.drifters.len() {
            let drifter = &mut self.drifters[index];
            let now = interpolate(velocity, self.cells, drifter.place);
            let before = drifter.before.unwrap_or(now);
            let metres = |now: f32, before: f32| seconds * (1.5 * f64::from(now) - 0.5 * f64::from(before));
            drifter.place[0] += metres(now.re, before.re) / CELL_METRES;
            drifter.place[1] += metres(now.im, before.im) / CELL_METRES;
            drifter.before = Some(now);
            let inside = drifter.place.iter().all(|p| (0.0..self.cells as f64).contains(p));
            let afloat = inside && sea[drifter.place[1] as usize * self.cells + drifter.place[0] as usize];
            if !afloat {
                self.drifters[index] = self.release();
            }
        }
    }

    /// The truth at every platform.
    pub(super) fn sample(&self, seconds: f64, tracers: &[Complex32], climate: &Climate, samples: &mut Vec<Sample>) {
        let moored = self.moorings.iter().enumerate().map(|(i, place)| (i as u32, *place));
        for (platform, place) in moored.chain(self.drifters.iter().map(|d| (d.number, d.place))) {
            let latitude = CORNER_DEGREES.0 + place[1] * CELL_DEGREES;
            let anomaly = f64::from(interpolate(tracers, self.cells, place).im);
            let cooling = f64::from(interpolate(&climate.cooling, self.cells, place));
            samples.push(Sample {
                platform,
                seconds,
                latitude,
                longitude: CORNER_DEGREES.1 + place[0] * CELL_DEGREES,
                foundation_celsius: climate.celsius(seconds, latitude, cooling) + anomaly,
            });
        }
    }
}

/// Bilinear interpolation in a doubly periodic field whose values stand at cell centres.
fn interpolate<T>(values: &[T], cells: usize, place: [f64; 2]) -> T
where
    T: Copy + std::ops::Mul<f32, Output = T> + std::ops::Add<Output = T>,
{
    let split = |position: f64| {
        let shifted = (position - 0.5).rem_euclid(cells as f64);
        let low = shifted as usize % cells;
        (low, (low + 1) % cells, (shifted - shifted.floor()) as f32)
    };
    let ((x0, x1, fx), (y0, y1, fy)) = (split(place[0]), split(place[1]));
    let row = |y: usize| values[y * cells + x0] * (1.0 - fx) + values[y * cells + x1] * fx;
    row(y0) * (1.0 - fy) + row(y1) * fy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolation_is_exact_at_centres_midway_and_around_the_edge() {
        let values: Vec<f32> = (0..16).map(|v| v as f32).collect();
        assert_eq!(interpolate(&values, 4, [0.5, 0.5]), 0.0);
        assert_eq!(interpolate(&values, 4, [1.0, 1.0]), 2.5); // mean of 0, 1, 4, 5
        assert_eq!(interpolate(&values, 4, [0.0, 0.5]), 1.5); // mean of 3 and 0, across the edge
    }

    #[test]
    fn a_drifter_in_a_steady_stream_goes_the_way_it_must() {
        let config = TwinConfig { land_fraction: 0.0, drifters: 1, moorings: 0, ..TwinConfig::tiny() };
        let coast = Coast::new(&config);
        let mut platforms = Platforms::new(&config, &coast);
        platforms.drifters[0].place = [10.0, 20.0];
        let stream = vec![Complex32::new(0.5, -0.25); 64 * 64];
        for _ in 0..20 {
            platforms.advance(&stream, &coast.sea, 1000.0);
        }
        // 0.5 m/s for 20 000 s are 10 km, two cells; half as much to the South.
        let [x, y] = platforms.drifters[0].place;
        assert!((x - 12.0).abs() < 1e-9 && (y - 19.0).abs() < 1e-9, "{x} {y}");
    }

    #[test]
    fn a_drifter_that_leaves_is_replaced_under_another_number() {
        let config = TwinConfig { drifters: 1, ..TwinConfig::tiny() };
        let coast = Coast::new(&config);
        let mut platforms = Platforms::new(&config, &coast);
        let number = platforms.drifters[0].number;
        platforms.advance(&vec![Complex32::new(1e4, 0.0); 64 * 64], &coast.sea, 1000.0);
        assert_eq!(platforms.drifters[0].number, number + 1);
    }

    #[test]
    fn moorings_stand_in_the_sea_at_the_coast_and_off_it() {
        let config = TwinConfig { cells: 128, ..TwinConfig::tiny() };
        let coast = Coast::new(&config);
        let platforms = Platforms::new(&config, &coast);
        let distance = |place: &[f64; 2]| coast.distance_cells[place[1] as usize * 128 + place[0] as usize];
        assert_eq!(platforms.moorings.len(), 16);
        assert_eq!(platforms.moorings.iter().filter(|p| distance(p) > 0.0 && distance(p) <= COASTAL_CELLS).count(), 10);
        assert_eq!(platforms.moorings.iter().filter(|p| distance(p) >= OPEN_CELLS).count(), 6);
    }
}

//! The tracer: lifted, carried, stirred, thinned, fallen out.

use std::f64::consts::TAU;

use super::config::{DustConfig, RIM_CELLS};
use super::random_field::RandomField;
use super::terrain::Terrain;
use super::wind::{Wind, cells_in_a_step};
use crate::base::random::Random;

/// Optical depth below which the column never falls: the far remains of old dust.
const LEAST: f32 = 1e-2;
/// Memory of what comes in from outside, days.
const INFLOW_DAYS: f64 = 4.0;
/// Spread of the natural logarithm of what comes in.
const INFLOW_SPREAD: f64 = 0.9;

/// The dust above the simulated square, step by step.
pub(super) struct Simulation<'a> {
    config: &'a DustConfig,
    terrain: &'a Terrain,
    wind: Wind,
    /// Dust in optical depth above the sea's level, (row, column).
    column: Vec<f32>,
    /// Share of the way to the inflow that a cell goes in a step: 0 in the area.
    rim: Vec<f32>,
    /// Share that stays in a step.
    staying: Vec<f32>,
    inflow: RandomField,
    step: usize,
}

impl<'a> Simulation<'a> {
    /// The start, with nothing but what comes from outside.
    pub(super) fn new(config: &'a DustConfig, terrain: &'a Terrain) -> Simulation<'a> {
        let n = config.simulated_cells();
        let steps = config.steps_per_day as f64;
        let edge = |i: usize| i.min(n - 1 - i);
        let rim = (0..n * n)
            .map(|i| {
                let inside = edge(i / n).min(edge(i % n));
                if inside < RIM_CELLS { 0.5 * (RIM_CELLS - inside) as f32 / RIM_CELLS as f32 } else { 0.0 }
            })
            .collect();
        let staying = terrain
            .roughness
            .iter()
            .map(|rough| (-f64::from(*rough) / (config.emission.lifetime_days * steps)).exp() as f32)
            .collect();
        let memory = (-1.0 / (INFLOW_DAYS * steps)).exp();
        let random = Random::new(config.seed, "dust inflow");
        Simulation {
            config,
            terrain,
            wind: Wind::new(config),
            column: vec![config.emission.inflow as f32; n * n],
            rim,
            staying,
            inflow: RandomField::new(n, n as f64 / 6.0, f64::INFINITY, memory, random),
            step: 0,
        }
    }

    /// One day on: the mean column of the day, (row, column) of the simulated square.
    pub(super) fn day(&mut self, year_part: f64) -> Vec<f32> {
        let steps = self.config.steps_per_day;
        let mut mean = vec![0.0; self.column.len()];
        for _ in 0..steps {
            self.advance(year_part);
            mean.iter_mut().zip(&self.column).for_each(|(sum, c)| *sum += c / steps as f32);
        }
        mean
    }

    fn advance(&mut self, year_part: f64) {
        let emission = &self.config.emission;
        self.wind.step();
        self.inflow.step();
        let speeds = self.wind.speeds(year_part);
        let reach = cells_in_a_step(self.config);
        let n = self.config.simulated_cells();
        let mut next = carried(&self.column, n, &speeds, reach);
        spread(&mut next, n, emission.diffusion as f32);
        // Readiest in early June.
        let ready = 1.0 - emission.seasonal * (0.5 - 0.5 * (TAU * (year_part - 0.43)).cos());
        let lifted = (emission.strength * ready / self.config.steps_per_day as f64) as f32;
        let threshold = emission.threshold as f32;
        let outside = self.inflow.values();
        for (i, c) in next.iter_mut().enumerate() {
            let (u, v) = speeds[i];
            let excess = (u.hypot(v) / threshold - 1.0).max(0.0);
            *c = *c * self.staying[i] + lifted * self.terrain.source[i] * excess * excess;
            if self.rim[i] > 0.0 {
                let inflow = emission.inflow as f32 * (INFLOW_SPREAD as f32 * outside[i]).exp();
                *c += self.rim[i] * (inflow - *c);
            }
            *c = c.max(LEAST);
        }
        self.column = next;
        self.step += 1;
    }

    /// Steps done.
    #[cfg(test)]
    pub(super) fn steps(&self) -> usize {
        self.step
    }
}

/// Each cell takes what was upwind of it: cubic (Lagrange) between cells, periodic, and never beyond the four cells around.
fn carried(values: &[f32], n: usize, speeds: &[(f32, f32)], reach: f32) -> Vec<f32> {
    let wrap = |i: i32| i.rem_euclid(n as i32) as usize;
    let mut out = Vec::with_capacity(values.len());
    for (i, (u, v)) in speeds.iter().enumerate() {
        let (y, x) = ((i / n) as f32 - v * reach, (i % n) as f32 - u * reach);
        let (y0, x0) = (y.floor(), x.floor());
        let (wy, wx) = (cubic(y - y0), cubic(x - x0));
        let columns: [usize; 4] = std::array::from_fn(|k| wrap(x0 as i32 + k as i32 - 1));
        let (mut sum, mut low, mut high) = (0.0, f32::INFINITY, 0.0f32);
        for (k, weight) in wy.iter().enumerate() {
            let row = &values[wrap(y0 as i32 + k as i32 - 1) * n..][..n];
            let line: f32 = columns.iter().zip(&wx).map(|(x, w)| w * row[*x]).sum();
            sum += weight * line;
            if k == 1 || k == 2 {
                low = low.min(row[columns[1]].min(row[columns[2]]));
                high = high.max(row[columns[1]].max(row[columns[2]]));
            }
        }
        out.push(sum.clamp(low, high));
    }
    out
}

/// Weights of the cells -1, 0, 1, 2 at `t` between 0 and 1.
fn cubic(t: f32) -> [f32; 4] {
    [
        -t * (t - 1.0) * (t - 2.0) / 6.0,
        (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0,
        -(t + 1.0) * t * (t - 2.0) / 2.0,
        (t + 1.0) * t * (t - 1.0) / 6.0,
    ]
}

/// Each cell goes `share` of the way to the mean of its four neighbours; the sum stays.
fn spread(values: &mut [f32], n: usize, share: f32) {
    let before = values.to_vec();
    for y in 0..n {
        let (up, down) = ((y + 1) % n * n, (y + n - 1) % n * n);
        for x in 0..n {
            let around = before[up + x] + before[down + x] + before[y * n + (x + 1) % n] + before[y * n + (x + n - 1) % n];
            values[y * n + x] += share * (0.25 * around - before[y * n + x]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_cells_of_wind_move_a_puff_and_change_nothing_else() {
        let n = 8;
        let mut puff = vec![1.0f32; n * n];
        puff[2 * n + 3] = 5.0;
        // Two cells east and one north a step.
        let moved = carried(&puff, n, &vec![(2.0, 1.0); n * n], 1.0);
        let mut wanted = vec![1.0f32; n * n];
        wanted[3 * n + 5] = 5.0;
        moved.iter().zip(&wanted).for_each(|(a, b)| assert!((a - b).abs() < 1e-6));
    }

    #[test]
    fn the_cubic_is_exact_on_cubics_and_its_weights_sum_to_one() {
        for t in [0.0f32, 0.25, 0.5, 0.9] {
            let weights = cubic(t);
            let curve = |x: f32| 1.0 - 2.0 * x + 0.5 * x * x * x;
            let found: f32 = weights.iter().zip([-1.0, 0.0, 1.0, 2.0]).map(|(w, x)| w * curve(x)).sum();
            assert!((found - curve(t)).abs() < 1e-5 && (weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn diffusion_keeps_the_sum_and_lowers_the_peak() {
        let mut values = vec![0.0f32; 36];
        values[14] = 1.0;
        spread(&mut values, 6, 0.2);
        assert!((values.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        // 1 - 0.2, and a quarter of 0.2 for each neighbour
        assert!((values[14] - 0.8).abs() < 1e-6 && (values[15] - 0.05).abs() < 1e-6);
    }

    #[test]
    fn dust_stays_positive_and_is_lifted_more_in_summer() {
        let config = DustConfig::tiny();
        let terrain = Terrain::new(&config);
        let mean = |year_part: f64| {
            let mut simulation = Simulation::new(&config, &terrain);
            let mut sum = 0.0;
            for _ in 0..20 {
                let day = simulation.day(year_part);
                assert!(day.iter().all(|c| *c >= LEAST * 0.999 && c.is_finite()));
                sum += day.iter().map(|c| f64::from(*c)).sum::<f64>();
            }
            assert_eq!(simulation.steps(), 160);
            sum
        };
        assert!(mean(0.43) > mean(0.93));
    }
}

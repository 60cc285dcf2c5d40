//! [`Normalisation`]: what the network is given and gives, in units of statistics of the training days.

use serde::{Deserialize, Serialize};

use super::climatology::{basis, evaluate};
use super::pixel_statistics::Pixels;
use super::refinement::Refinement;
use crate::grid::{Cell, Field, Fill, Mask, fill_plane};
use crate::methods::error::{MethodError, MethodResult};

/// What the network's numbers stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formulation {
    /// As published: coarse and fine temperatures less their mean of all training days, over their deviation, pixel by
    /// pixel. The season is left in, so that it makes most of the deviation; land is 0.
    Published,
    /// The coarse input is the anomaly from each pixel's seasonal cycle; the output is what the bicubic of that anomaly
    /// lacks of the fine field's own, in units of its spread at each pixel. A network that gives 0 is the bicubic of
    /// anomalies on the fine seasonal cycle. The frame before the week tells land from sea, and land holds the nearest
    /// sea's anomaly.
    Residual,
}

/// The least scale of a pixel in the published formulation, kelvin.
const LEAST_KELVIN: f64 = 1e-3;
/// The least spread of a pixel's residual as a share of the mean spread.
const LEAST_SHARE: f64 = 0.3;

/// Statistics of the training days: pixel by pixel a seasonal cycle (or a mean) and a scale, for coarse and fine fields.
#[derive(Clone, Debug)]
pub struct Normalisation {
    pub(super) formulation: Formulation,
    pub(super) refinement: Refinement,
    /// Harmonics of the year in the seasonal cycles.
    pub(super) harmonics: usize,
    pub(super) coarse: Pixels,
    pub(super) fine: Pixels,
    /// The share of land of each coarse cell, for the frame before the week; zeros as published.
    pub(super) first_frame: Vec<f32>,
}

impl Normalisation {
    /// The statistics of `days` of a coarse field and of its fine counterpart, 5 or 2.5 times finer, on the same dates.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where the fields do not fit each other, a day does not exist, there are too few days, or no
    /// pixel is at sea.
    pub fn fit(formulation: Formulation, coarse: &Field, fine: &Field, days: &[usize]) -> MethodResult<Normalisation> {
        let wrong = |problem: String| Err(MethodError::Argument(format!("kiost: {problem}")));
        let ([_, rows, columns], [_, fine_rows, fine_columns]) = (coarse.shape(), fine.shape());
        let refinement = Refinement::between([rows, columns], [fine_rows, fine_columns]);
        let Some(refinement) = refinement.filter(|_| coarse.time() == fine.time()) else {
            return wrong(format!(
                "the coarse field is {rows} x {columns}, the fine one {fine_rows} x {fine_columns}; 5 (or 2.5) times as many cells on the same days are wanted"
            ));
        };
        if let Some(day) = days.iter().find(|d| **d >= fine.frames()) {
            return wrong(format!("day {day} does not exist; there are {}", fine.frames()));
        }
        let harmonics = if formulation == Formulation::Published { 0 } else { 2 };
        let mut normalisation = Normalisation {
            formulation,
            refinement,
            harmonics,
            coarse: Pixels::cycles(coarse, days, harmonics),
            fine: Pixels::cycles(fine, days, harmonics),
            first_frame: vec![0.0; rows * columns],
        };
        if normalisation.coarse.valid().iter().chain(&normalisation.fine.valid()).all(|v| !v) {
            return wrong(format!("{} training days tell of no pixel; give more days", days.len()));
        }
        if formulation == Formulation::Residual {
            let land: Vec<f32> = normalisation.fine.scale.iter().map(|s| 1.0 - s).collect();
            normalisation.first_frame = refinement.coarse_means(&land, fine_rows, fine_columns);
        }
        normalisation.fit_scales(coarse, fine, days)?;
        Ok(normalisation)
    }

    /// Scales from the training days' departures.
    fn fit_scales(&mut self, coarse: &Field, fine: &Field, days: &[usize]) -> MethodResult<()> {
        let (mut coarse_squares, mut fine_squares) =
            (vec![(0.0f64, 0usize); self.coarse.len()], vec![(0.0f64, 0usize); self.fine.len()]);
        for day in days {
            let seconds = fine.time().seconds()[*day];
            let anomaly = self.coarse_anomaly(coarse.frame(*day), coarse.frame_mask(*day), seconds)?;
            for (i, sum) in coarse_squares.iter_mut().enumerate() {
                if coarse.frame_mask(*day)[i].is_valid() && self.coarse.scale[i] > 0.0 {
                    *sum = (sum.0 + f64::from(anomaly[i]).powi(2), sum.1 + 1);
                }
            }
            let base = self.base(&anomaly, seconds);
            for (i, sum) in fine_squares.iter_mut().enumerate() {
                if fine.frame_mask(*day)[i].is_valid() && self.fine.scale[i] > 0.0 {
                    *sum = (sum.0 + (f64::from(fine.frame(*day)[i]) - base[i]).powi(2), sum.1 + 1);
                }
            }
        }
        let root = |(sum, n): (f64, usize)| (sum / n.max(1) as f64).sqrt();
        let whole = |squares: &[(f64, usize)]| root(squares.iter().fold((0.0, 0), |a, b| (a.0 + b.0, a.1 + b.1)));
        match self.formulation {
            Formulation::Published => {
                for (pixels, squares) in [(&mut self.coarse, coarse_squares), (&mut self.fine, fine_squares)] {
                    for (scale, square) in pixels.scale.iter_mut().zip(squares).filter(|(s, _)| **s > 0.0) {
                        *scale = root(square).max(LEAST_KELVIN) as f32;
                    }
                }
            }
            Formulation::Residual => {
                // One scale for the coarse anomalies, so that what is steep stays steep.
                let one = whole(&coarse_squares).max(LEAST_KELVIN) as f32;
                self.coarse.scale.iter_mut().filter(|s| **s > 0.0).for_each(|s| *s = one);
                let least = (LEAST_SHARE * whole(&fine_squares)).max(LEAST_KELVIN);
                for (scale, square) in self.fine.scale.iter_mut().zip(fine_squares).filter(|(s, _)| **s > 0.0) {
                    *scale = root(square).max(least) as f32;
                }
            }
        }
        Ok(())
    }

    /// What the network's numbers stand for.
    pub fn formulation(&self) -> Formulation {
        self.formulation
    }

    /// How many times finer the fine frames are.
    pub fn refinement(&self) -> Refinement {
        self.refinement
    }

    /// Rows and columns of coarse frames.
    pub fn coarse_shape(&self) -> [usize; 2] {
        [self.coarse.rows, self.coarse.columns]
    }

    /// Rows and columns of fine frames.
    pub fn fine_shape(&self) -> [usize; 2] {
        [self.fine.rows, self.fine.columns]
    }

    /// Where the fine grid is sea.
    pub fn sea(&self) -> Vec<bool> {
        self.fine.valid()
    }

    /// Kelvin that one unit of the network's output stands for, by fine pixel; 0 on land.
    pub fn fine_scale(&self) -> &[f32] {
        &self.fine.scale
    }

    /// The cycle of one fine pixel, degrees Celsius.
    pub(super) fn fine_cycle(&self, seconds: f64, cell: usize) -> f64 {
        let basis = basis(seconds, self.harmonics);
        evaluate(&basis, &self.fine.cycle[cell * basis.len()..])
    }

    /// The frame before the week.
    pub fn first_frame(&self) -> &[f32] {
        &self.first_frame
    }

    /// A coarse frame's departure from its cycles in kelvin; where there is none, 0 as published, else that of the nearest
    /// cell that has one.
    fn coarse_anomaly(&self, values: &[f32], cells: &[Cell], seconds: f64) -> MethodResult<Vec<f32>> {
        let cycle = self.coarse.cycle_at(seconds, self.harmonics);
        let known: Vec<bool> = self.coarse.scale.iter().zip(cells).map(|(s, c)| *s > 0.0 && c.is_valid()).collect();
        let anomaly: Vec<f32> = values
            .iter()
            .zip(&cycle)
            .zip(&known)
            .map(|((v, c), known)| if *known { (f64::from(*v) - c) as f32 } else { 0.0 })
            .collect();
        match self.formulation {
            Formulation::Published => Ok(anomaly),
            Formulation::Residual => {
                Ok(fill_plane(&anomaly, &known, self.coarse.rows, self.coarse.columns, false, Fill::Nearest)?)
            }
        }
    }

    /// A coarse frame as the network gets it.
    pub(super) fn coarse_input(&self, values: &[f32], cells: &[Cell], seconds: f64) -> MethodResult<Vec<f32>> {
        let anomaly = self.coarse_anomaly(values, cells, seconds)?;
        // All sea has one scale in the residual formulation, which filled land takes too.
        let common = self.coarse.scale.iter().copied().fold(0.0, f32::max);
        let scale = |s: &f32| if self.formulation == Formulation::Residual { common } else { *s };
        Ok(anomaly.iter().zip(&self.coarse.scale).map(|(a, s)| if scale(s) > 0.0 { a / scale(s) } else { 0.0 }).collect())
    }

    /// What the network's output is added to, in degrees Celsius, from the last day's coarse anomaly.
    fn base(&self, anomaly: &[f32], seconds: f64) -> Vec<f64> {
        let mut base = self.fine.cycle_at(seconds, self.harmonics);
        if self.formulation == Formulation::Residual {
            let fine = self.refinement.bicubic(anomaly, self.coarse.rows, self.coarse.columns);
            base.iter_mut().zip(fine).for_each(|(b, f)| *b += f64::from(f));
        }
        base
    }

    /// As [`Normalisation::base`], from the last day's coarse frame.
    pub(super) fn base_of(&self, values: &[f32], cells: &[Cell], seconds: f64) -> MethodResult<Vec<f64>> {
        Ok(self.base(&self.coarse_anomaly(values, cells, seconds)?, seconds))
    }

    /// The last day without a network (its output 0), on a fine grid: of the residual formulation the bicubic of anomalies
    /// on the fine seasonal cycle, as published the mean.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where the field has another shape; [`MethodError::Grid`] where its axes cannot be refined.
    pub fn apply_base(&self, coarse: &Field) -> MethodResult<Field> {
        self.check(coarse)?;
        let mut values = Vec::with_capacity(coarse.frames() * self.fine.len());
        for (t, seconds) in coarse.time().seconds().iter().enumerate() {
            let base = self.base_of(coarse.frame(t), coarse.frame_mask(t), *seconds)?;
            values.extend(base.into_iter().map(|v| v as f32));
        }
        self.fine_field(coarse, values)
    }

    /// Refuses a coarse field of another shape.
    pub(super) fn check(&self, coarse: &Field) -> MethodResult<()> {
        let [_, rows, columns] = coarse.shape();
        if [rows, columns] != self.coarse_shape() {
            return Err(MethodError::Argument(format!(
                "kiost: the field is {rows} x {columns}, but the statistics are of {:?} cells; give the region of the training",
                self.coarse_shape()
            )));
        }
        Ok(())
    }

    /// Fine values of all frames of a coarse field as a field, land masked.
    pub(super) fn fine_field(&self, coarse: &Field, values: Vec<f32>) -> MethodResult<Field> {
        let (latitude, longitude) = (self.refinement.axis(coarse.latitude())?, self.refinement.axis(coarse.longitude())?);
        let frame = Mask::from_valid(&self.sea(), Cell::Land);
        let cells = std::iter::repeat_n(frame.cells(), coarse.frames()).flatten().copied().collect();
        Ok(coarse.on_grid(values, Mask::from_cells(cells), latitude, longitude)?)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::grid::{Axis, AxisKind, SECONDS_PER_DAY, TimeAxis, Unit};

    /// A coarse and a fine field of some days on 8 x 8 and 40 x 40 cells; `value(day, latitude, longitude)` in cells of
    /// the coarse grid; the south-western 2 x 2 coarse cells are land.
    pub fn pond(days: usize, value: impl Fn(f64, f64, f64) -> f64) -> (Field, Field) {
        let field = |cells: usize, per_cell: f64| {
            let axis = |kind| Axis::regular(kind, 0.125 / per_cell, 0.25 / per_cell, cells).unwrap();
            let time = TimeAxis::from_seconds((0..days).map(|d| d as f64 * SECONDS_PER_DAY).collect()).unwrap();
            let place = |i: usize| (i as f64 + 0.5) / per_cell - 0.5;
            let all = || (0..days).flat_map(|d| (0..cells * cells).map(move |i| (d, i / cells, i % cells)));
            let values = all().map(|(d, y, x)| value(d as f64, place(y), place(x)) as f32).collect();
            let land = |y: usize, x: usize| place(y) < 1.5 && place(x) < 1.5;
            let cells_ = all().map(|(_, y, x)| if land(y, x) { Cell::Land } else { Cell::Valid }).collect();
            let (lat, lon) = (axis(AxisKind::Latitude), axis(AxisKind::Longitude));
            Field::new("sst", values, Mask::from_cells(cells_), time, lat, lon, Unit::Celsius).unwrap()
        };
        (field(8, 1.0), field(40, 5.0))
    }

    fn wave(day: f64, y: f64, x: f64) -> f64 {
        16.0 + 8.0 * (std::f64::consts::TAU * day / 365.25).cos() + (0.4 * day).sin() * (0.3 * x + 0.1 * y)
    }

    #[test]
    fn published_statistics_by_hand() {
        // two days, 1 and 3 everywhere: mean 2, deviation 1
        let (coarse, fine) = pond(2, |day, _, _| 1.0 + 2.0 * day);
        let n = Normalisation::fit(Formulation::Published, &coarse, &fine, &[0, 1]).unwrap();
        let input = n.coarse_input(coarse.frame(1), coarse.frame_mask(1), SECONDS_PER_DAY).unwrap();
        assert_eq!((input[0], input[63]), (0.0, 1.0));
        assert_eq!((n.fine_scale()[0], n.fine_scale()[1599]), (0.0, 1.0));
        assert!(n.first_frame().iter().all(|v| *v == 0.0));
        assert_eq!(n.apply_base(&coarse).unwrap().get(0, 39, 39), Some(2.0));
    }

    #[test]
    fn the_residual_base_is_the_bicubic_of_anomalies_on_the_fine_cycle() {
        let (coarse, fine) = pond(400, wave);
        let days: Vec<usize> = (0..400).collect();
        let n = Normalisation::fit(Formulation::Residual, &coarse, &fine, &days).unwrap();
        let base = n.apply_base(&coarse).unwrap();
        assert_eq!((base.shape(), base.get(7, 0, 0)), ([400, 40, 40], None));
        // At the centres of coarse cells the bicubic is right, and so is the seasonal cycle.
        for day in [3, 200, 399] {
            for (y, x) in [(22, 22), (17, 27)] {
                let (got, want) = (base.get(day, y, x).unwrap(), fine.get(day, y, x).unwrap());
                assert!((got - want).abs() < 2e-3, "{day} {y} {x}: {got} {want}");
            }
        }
        // land shows in the frame before the week
        assert_eq!((n.first_frame()[0], n.first_frame()[2], n.first_frame()[9]), (1.0, 0.0, 1.0));
    }

    #[test]
    fn test_days_and_land_leave_no_trace() {
        let (coarse, fine) = pond(60, wave);
        let days: Vec<usize> = (0..40).collect();
        // other values on days 40 and later and under land
        let change = |f: &Field| {
            let n = f.frame_len();
            let cells = f.mask().cells();
            let other = |(i, v): (usize, &f32)| if i / n >= 40 || !cells[i].is_valid() { v + 9.0 } else { *v };
            f.with_values(f.values().iter().enumerate().map(other).collect(), f.mask().clone()).unwrap()
        };
        for formulation in [Formulation::Published, Formulation::Residual] {
            let one = Normalisation::fit(formulation, &coarse, &fine, &days).unwrap();
            let two = Normalisation::fit(formulation, &change(&coarse), &change(&fine), &days).unwrap();
            assert_eq!((&one.coarse.cycle, &one.fine.scale), (&two.coarse.cycle, &two.fine.scale));
            let back = Normalisation::from_tensors(formulation, &one.tensors().unwrap()).unwrap();
            assert_eq!(back.apply_base(&coarse).unwrap(), one.apply_base(&coarse).unwrap());
        }
        let wrong = Normalisation::fit(Formulation::Residual, &fine, &fine, &days).unwrap_err().to_string();
        assert!(wrong.contains("2.5) times as many"), "{wrong}");
        assert!(Normalisation::fit(Formulation::Residual, &coarse, &fine, &[60]).is_err());
        assert!(
            Normalisation::fit(Formulation::Residual, &coarse, &fine, &[0, 1]).unwrap_err().to_string().contains("more days")
        );
        assert!(Normalisation::from_tensors(Formulation::Residual, &BTreeMap::new()).is_err());
    }
}

//! What is taken from the training days before any network learns: scales, climatologies, a linear forecast; and the planes
//! that the networks are given.

use super::archive::{Archive, bounded};
use super::climatology::{YearlyClimatology, least_squares};
use super::driver::{Base, Driver};
use crate::methods::error::{MethodError, MethodResult};

/// Mean and standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    mean: f64,
    spread: f64,
}

/// Statistics of the training days of an archive.
#[derive(Clone, Debug)]
pub struct Groundwork<'a> {
    archive: &'a Archive,
    fine_scale: Scale,
    coarse_scale: Scale,
    fine_range: (f32, f32),
    coarse_range: (f32, f32),
    fine_climate: YearlyClimatology,
    coarse_climate: YearlyClimatology,
    fine_anomaly: f64,
    coarse_anomaly: f64,
    height: Scale,
    linear: [f64; 3],
    bilinear_error: f64,
    linear_error: f64,
}

impl<'a> Groundwork<'a> {
    /// From these training days, which must have a fine field and a day before with one.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where a day lacks its fields, or the days are too few or all alike.
    pub fn new(archive: &'a Archive, train_days: &[usize]) -> MethodResult<Groundwork<'a>> {
        let wrong = |problem: &str| MethodError::Argument(format!("dust groundwork: {problem}"));
        let calendar = archive.calendar();
        let fine = |day: usize| archive.fine(day).ok_or_else(|| wrong(&format!("{} has no fine field", calendar.date(day))));
        let mut fines = Vec::with_capacity(train_days.len());
        let mut coarses = Vec::with_capacity(train_days.len());
        for day in train_days {
            fines.push((calendar.year_part(*day), fine(*day)?));
            coarses.push((calendar.year_part(*day), archive.coarse(*day)?));
        }
        let range = |planes: &[(f64, &[f32])]| {
            let all = planes.iter().flat_map(|(_, plane)| plane.iter().copied());
            all.fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
        };
        let scale = |planes: &[(f64, &[f32])]| scale_of(planes.iter().flat_map(|(_, p)| p.iter().map(|v| f64::from(*v))));
        let alike = || wrong("all training days are alike; days with some variety are wanted");
        let mut groundwork = Groundwork {
            archive,
            fine_scale: scale(&fines).ok_or_else(alike)?,
            coarse_scale: scale(&coarses).ok_or_else(alike)?,
            fine_range: range(&fines),
            coarse_range: range(&coarses),
            fine_climate: YearlyClimatology::fit(fines.iter().copied())?,
            coarse_climate: YearlyClimatology::fit(coarses.iter().copied())?,
            fine_anomaly: 1.0,
            coarse_anomaly: 1.0,
            height: scale_of(archive.elevation().iter().map(|v| f64::from(*v))).unwrap_or(Scale { mean: 0.0, spread: 1.0 }),
            linear: [0.0, 1.0, 0.0],
            bilinear_error: 1.0,
            linear_error: 1.0,
        };
        let days: Vec<usize> = train_days.iter().copied().filter(|d| *d > 0 && archive.fine(d - 1).is_some()).collect();
        if days.is_empty() {
            return Err(wrong("no training day has a day before it with a fine field"));
        }
        let (mut normal, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
        let (mut squares, mut bilinear, mut cells) = ([0.0; 3], 0.0, 0.0);
        for day in &days {
            let columns = groundwork.columns(*day, fine(day - 1)?)?;
            let usual = groundwork.climatology(*day);
            for (i, (value, usual)) in fine(*day)?.iter().zip(&usual).enumerate() {
                let departure = f64::from(value - usual);
                let at: [f64; 3] = std::array::from_fn(|k| f64::from(columns[k][i]));
                for k in 0..3 {
                    right[k] += at[k] * departure;
                    squares[k] += at[k] * at[k];
                    (0..3).for_each(|l| normal[k][l] += at[k] * at[l]);
                }
                bilinear += (departure - at[1]).powi(2);
                cells += 1.0;
            }
        }
        groundwork.linear = least_squares(normal, right).ok_or_else(alike)?;
        groundwork.fine_anomaly = (squares[0] / cells).sqrt();
        groundwork.coarse_anomaly = (squares[1] / cells).sqrt();
        groundwork.bilinear_error = (bilinear / cells).sqrt();
        let mut left = 0.0;
        for day in &days {
            let found = groundwork.linear(*day, fine(day - 1)?)?;
            left += found.iter().zip(fine(*day)?).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        }
        groundwork.linear_error = (left / cells).sqrt();
        if [groundwork.fine_anomaly, groundwork.coarse_anomaly, groundwork.bilinear_error, groundwork.linear_error].contains(&0.0)
        {
            return Err(alike());
        }
        Ok(groundwork)
    }

    /// The archive it was taken from.
    pub fn archive(&self) -> &'a Archive {
        self.archive
    }

    /// The climatology of a day on the fine grid.
    pub fn climatology(&self, day: usize) -> Vec<f32> {
        self.fine_climate.at(self.archive.calendar().year_part(day))
    }

    /// The day's coarse field between centres, as it is.
    ///
    /// # Errors
    /// As [`Archive::coarse`].
    pub fn bilinear(&self, day: usize) -> MethodResult<Vec<f32>> {
        Ok(self.archive.upsampled(self.archive.coarse(day)?))
    }

    /// The same with the coarse climatology replaced by the fine one: what is known of each cell by itself.
    ///
    /// # Errors
    /// As [`Archive::coarse`].
    pub fn bilinear_unbiased(&self, day: usize) -> MethodResult<Vec<f32>> {
        let usual = self.climatology(day);
        Ok(self.coarse_departure(day)?.iter().zip(usual).map(|(a, b)| a + b).collect())
    }

    /// The least-squares forecast from yesterday's fine and from today's and yesterday's coarse departures from what is usual,
    /// with the same three numbers everywhere. `last` is the fine field of the day before.
    ///
    /// # Errors
    /// As [`Archive::coarse`].
    pub fn linear(&self, day: usize, last: &[f32]) -> MethodResult<Vec<f32>> {
        let columns = self.columns(day, last)?;
        let weights = self.linear.map(|w| w as f32);
        let mut out = self.climatology(day);
        for (i, value) in out.iter_mut().enumerate() {
            *value = bounded(*value + (0..3).map(|k| weights[k] * columns[k][i]).sum::<f32>());
        }
        Ok(out)
    }

    /// The three numbers of the linear forecast: of yesterday's fine, today's coarse and yesterday's coarse departure.
    pub fn linear_weights(&self) -> [f64; 3] {
        self.linear
    }

    fn coarse_departure(&self, day: usize) -> MethodResult<Vec<f32>> {
        let usual = self.coarse_climate.at(self.archive.calendar().year_part(day));
        let departure: Vec<f32> = self.archive.coarse(day)?.iter().zip(usual).map(|(a, b)| a - b).collect();
        Ok(self.archive.upsampled(&departure))
    }

    fn columns(&self, day: usize, last: &[f32]) -> MethodResult<[Vec<f32>; 3]> {
        let Some(before) = day.checked_sub(1) else {
            return Err(MethodError::Argument("day 0 has no day before it, which a prediction looks back on".to_string()));
        };
        let usual = self.climatology(before);
        let own = last.iter().zip(usual).map(|(a, b)| a - b).collect();
        Ok([own, self.coarse_departure(day)?, self.coarse_departure(before)?])
    }

    /// From what a state is counted on a day, and in what unit (of log10). `last` is the fine field of the day before.
    ///
    /// # Errors
    /// As [`Archive::coarse`].
    pub fn reference(&self, base: Base, day: usize, last: &[f32]) -> MethodResult<(Vec<f32>, f32)> {
        Ok(match base {
            Base::Range => (vec![self.fine_range.0; last.len()], self.fine_range.1 - self.fine_range.0),
            Base::Bilinear => (self.bilinear_unbiased(day)?, self.bilinear_error as f32),
            Base::Linear => (self.linear(day, last)?, self.linear_error as f32),
        })
    }

    /// The planes of these drivers on a day, one after the other.
    ///
    /// # Errors
    /// As [`Archive::coarse`].
    pub fn drivers(&self, drivers: &[Driver], day: usize, last: &[f32]) -> MethodResult<Vec<f32>> {
        let [rows, columns] = self.archive.shape();
        let calendar = self.archive.calendar();
        let angle = std::f64::consts::TAU * calendar.year_part(day);
        let constant = |value: f64| vec![value as f32; rows * columns];
        let over = |plane: Vec<f32>, unit: f64| plane.into_iter().map(|v| v / unit as f32).collect::<Vec<f32>>();
        let mut out = Vec::with_capacity(drivers.len() * rows * columns);
        for driver in drivers {
            out.extend(match driver {
                Driver::CoarseNearest => {
                    let (coarse, (low, high)) = (self.archive.coarse(day)?, self.coarse_range);
                    let (factor, wide) = (self.archive.factor(), self.archive.coarse_shape()[1]);
                    let at = |i: usize| (coarse[i / columns / factor * wide + i % columns / factor] - low) / (high - low);
                    (0..rows * columns).map(at).collect()
                }
                Driver::Coarse => over(self.coarse_departure(day)?, self.coarse_anomaly),
                Driver::CoarseBefore => over(self.coarse_departure(day.saturating_sub(1))?, self.coarse_anomaly),
                Driver::LastFine => {
                    let usual = self.climatology(day.saturating_sub(1));
                    over(last.iter().zip(usual).map(|(a, b)| a - b).collect(), self.fine_anomaly)
                }
                Driver::Climatology => standardised(&self.climatology(day), self.fine_scale),
                Driver::Elevation => standardised(self.archive.elevation(), self.height),
                Driver::Latitude => (0..rows * columns).map(|i| (i / columns) as f32 / (rows - 1).max(1) as f32).collect(),
                Driver::Longitude => (0..rows * columns).map(|i| (i % columns) as f32 / (columns - 1).max(1) as f32).collect(),
                Driver::Year => constant(f64::from(chrono::Datelike::year(&calendar.date(day)) - 2000) / 24.0),
                Driver::SeasonCosine => constant(angle.cos()),
                Driver::SeasonSine => constant(angle.sin()),
            });
        }
        Ok(out)
    }

    /// A fine field in the units in which the encoder sees it: about 0, with a spread of about 1.
    pub fn scaled_fine(&self, plane: &[f32]) -> Vec<f32> {
        standardised(plane, self.fine_scale)
    }

    /// A coarse field in its own such units.
    pub fn scaled_coarse(&self, plane: &[f32]) -> Vec<f32> {
        standardised(plane, self.coarse_scale)
    }
}

fn standardised(plane: &[f32], scale: Scale) -> Vec<f32> {
    plane.iter().map(|v| ((f64::from(*v) - scale.mean) / scale.spread) as f32).collect()
}

/// Mean and standard deviation; none of nothing, or where all values are the same.
fn scale_of(values: impl Iterator<Item = f64>) -> Option<Scale> {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let step = value - mean;
        mean += step / count;
        squares += step * (value - mean);
    }
    let spread = (squares / count).sqrt();
    (spread.is_finite() && spread > 0.0).then_some(Scale { mean, spread })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::archive::tests::little;
    use super::*;
    use crate::base::random::Random;

    /// 120 days of waves that move one fine cell to the east each day, with a little noise.
    pub fn waves() -> Archive {
        let noise = Random::new(3, "test waves");
        little(120, move |d, y, x| {
            let mut random = noise.child((d * 256 + y * 16 + x) as u64);
            let phase = std::f32::consts::TAU * (x as f32 - d as f32) / 16.0;
            let slow = (d as f32 / 9.0).sin();
            10f32.powf(-1.0 + 0.3 * phase.sin() + 0.2 * slow + 0.02 * (y % 5) as f32 + 0.02 * random.normal() as f32)
        })
    }

    #[test]
    fn the_linear_forecast_beats_what_it_is_made_of() {
        let archive = waves();
        let train: Vec<usize> = (10..80).collect();
        let groundwork = Groundwork::new(&archive, &train).unwrap();
        let error = |plane: &dyn Fn(usize) -> Vec<f32>| -> f64 {
            train
                .iter()
                .map(|d| plane(*d).iter().zip(archive.fine(*d).unwrap()).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>())
                .sum()
        };
        let linear = error(&|d| groundwork.linear(d, archive.fine(d - 1).unwrap()).unwrap());
        for other in [
            error(&|d| archive.fine(d - 1).unwrap().to_vec()),
            error(&|d| groundwork.climatology(d)),
            error(&|d| groundwork.bilinear_unbiased(d).unwrap()),
            error(&|d| groundwork.bilinear(d).unwrap()),
        ] {
            assert!(linear < other, "{linear} {other}");
        }
    }

    #[test]
    fn a_reference_and_its_unit_give_the_field_back_as_a_state_of_about_one() {
        let archive = waves();
        let train: Vec<usize> = (10..80).collect();
        let groundwork = Groundwork::new(&archive, &train).unwrap();
        for base in [Base::Range, Base::Bilinear, Base::Linear] {
            let mut states = Vec::new();
            for day in &train {
                let (from, unit) = groundwork.reference(base, *day, archive.fine(day - 1).unwrap()).unwrap();
                states.extend(archive.fine(*day).unwrap().iter().zip(from).map(|(v, b)| f64::from((v - b) / unit)));
            }
            let rms = (states.iter().map(|s| s * s).sum::<f64>() / states.len() as f64).sqrt();
            match base {
                Base::Range => assert!(states.iter().all(|s| (-1e-6..=1.0 + 1e-6).contains(s))),
                _ => assert!((rms - 1.0).abs() < 1e-3, "{base:?} {rms}"),
            }
        }
    }

    #[test]
    fn drivers_are_planes_of_about_one_in_their_order() {
        let archive = waves();
        let groundwork = Groundwork::new(&archive, &(10..80).collect::<Vec<_>>()).unwrap();
        let all =
            [Driver::Elevation, Driver::SeasonCosine, Driver::LastFine, Driver::CoarseNearest, Driver::Year, Driver::Latitude];
        let planes = groundwork.drivers(&all, 40, archive.fine(39).unwrap()).unwrap();
        assert_eq!(planes.len(), all.len() * 256);
        assert!(planes.iter().all(|v| v.abs() < 8.0));
        // 40 days of a year of 365
        assert!((planes[256] - (std::f64::consts::TAU * 40.0 / 365.0).cos() as f32).abs() < 1e-6);
        assert_eq!(planes[4 * 256], 3.0 / 24.0);
        // Each coarse cell is one number over its 4 x 4 fine ones, within the training days' range.
        let nearest = &planes[3 * 256..4 * 256];
        assert!(nearest[0] == nearest[3 * 16 + 3] && nearest[0] != nearest[4] && nearest.iter().all(|v| (0.0..=1.0).contains(v)));
        assert_eq!((planes[5 * 256], planes[5 * 256 + 255]), (0.0, 1.0));
    }

    #[test]
    fn days_without_fields_are_refused() {
        let archive = waves();
        assert!(Groundwork::new(&archive, &[0, 1, 30]).unwrap_err().to_string().contains("no fine field"));
        let flat = little(60, |_, _, _| 0.1);
        assert!(Groundwork::new(&flat, &(5..50).collect::<Vec<_>>()).unwrap_err().to_string().contains("alike"));
    }
}

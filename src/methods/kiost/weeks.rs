//! [`Weeks`]: seven coarse days, the fine day that they end on, and what stations report on that day, paired by date.

use candle_core::{Device, Tensor};

use super::normalisation::Normalisation;
use super::station_series::StationSeries;
use crate::base::random::Random;
use crate::grid::{Field, SECONDS_PER_DAY};
use crate::methods::error::{MethodError, MethodResult};

/// A station is read at a cell of the sea that is at most this far from it.
const NEAREST_SEA_METRES: f64 = 20e3;

/// What a training is made from: fields on the same dates, and stations.
#[derive(Clone, Copy, Debug)]
pub struct WeekSource<'a> {
    /// The coarse analysis, land masked.
    pub coarse: &'a Field,
    /// The fine composite, 5 (or 2.5) times finer, on the same days.
    pub fine: &'a Field,
    /// Stations that training may see; their days are those of the fields.
    pub stations: &'a [StationSeries],
}

/// The frames of the week that ends at `seconds`, first day first, by date; none where a day is absent.
pub(super) fn week_frames(times: &[f64], seconds: f64, days: usize) -> Option<Vec<usize>> {
    let frame_of = |wanted: f64| {
        let i = times.partition_point(|t| *t < wanted - 1.0);
        times.get(i).filter(|t| (**t - wanted).abs() < 1.0).map(|_| i)
    };
    (0..days).rev().map(|back| frame_of(seconds - back as f64 * SECONDS_PER_DAY)).collect()
}

/// A batch of weeks.
#[derive(Clone, Debug)]
pub(super) struct WeekBatch {
    /// `[b, 1, days, h, w]`.
    pub week: Tensor,
    /// The frame before the week, `[b, 1, 1, h, w]`.
    pub first: Tensor,
    /// What the fine output should be, `[b, 1, 5 h, 5 w]`, 0 where it is not known.
    pub target: Tensor,
    /// 1 where it is known.
    pub sea: Tensor,
    /// What the network adds to, as a departure from the seasonal cycle in kelvin, `[b, 1, 5 h, 5 w]`.
    pub base: Tensor,
    /// What the station's cell should be, `[b, stations]`, 0 where nothing was reported.
    pub reports: Tensor,
    /// 1 where something was.
    pub reported: Tensor,
}

/// Where a station is read, and in which unit.
#[derive(Clone, Debug)]
struct Reader {
    cell: usize,
    /// Output units to units of the station's deviation.
    unit: f32,
}

/// Normalised weeks of some days.
#[derive(Clone, Debug)]
pub(super) struct Weeks {
    shape: [usize; 2],
    fine_shape: [usize; 2],
    days_of_week: usize,
    inputs: Vec<Vec<f32>>,
    /// By sample: frames of the week.
    weeks: Vec<Vec<usize>>,
    targets: Vec<Vec<f32>>,
    seas: Vec<Vec<f32>>,
    bases: Vec<Vec<f32>>,
    reports: Vec<Vec<Option<f32>>>,
    readers: Vec<Reader>,
    first_frame: Vec<f32>,
}

impl Weeks {
    /// The weeks of `source` that end on one of `days` and, like all their days, lie on or after the first of the run of
    /// `days` that they belong to: no input comes from outside.
    ///
    /// # Errors
    /// [`MethodError::Argument`] where no week is whole, a station is far from the sea, or its days are not the fields'.
    pub fn new(
        source: WeekSource<'_>,
        normalisation: &Normalisation,
        days: &[usize],
        days_of_week: usize,
        training_days: &[usize],
    ) -> MethodResult<Weeks> {
        let wrong = |problem: String| Err(MethodError::Argument(format!("kiost: {problem}")));
        let (coarse, fine) = (source.coarse, source.fine);
        normalisation.check(coarse)?;
        let [frames, rows, columns] = coarse.shape();
        let [_, fine_rows, fine_columns] = fine.shape();
        if [fine_rows, fine_columns] != normalisation.fine_shape() || coarse.time() != fine.time() {
            return wrong(
                "the fine field does not fit the coarse one; the same days and 5 (or 2.5) times as many cells are wanted".into(),
            );
        }
        if let Some(station) = source.stations.iter().find(|s| s.celsius.len() != frames) {
            return wrong(format!("station {} has {} days, the fields {frames}", station.id, station.celsius.len()));
        }
        let seconds = fine.time().seconds();
        let within: Vec<bool> = (0..frames).map(|d| days.contains(&d)).collect();
        let mut weeks = Weeks {
            shape: [rows, columns],
            fine_shape: [fine_rows, fine_columns],
            days_of_week,
            inputs: vec![Vec::new(); frames],
            weeks: Vec::new(),
            targets: Vec::new(),
            seas: Vec::new(),
            bases: Vec::new(),
            reports: Vec::new(),
            readers: readers(source, normalisation, training_days)?,
            first_frame: normalisation.first_frame().to_vec(),
        };
        for day in days.iter().copied().filter(|d| *d < frames) {
            let Some(week) = week_frames(seconds, seconds[day], days_of_week) else { continue };
            if !week.iter().all(|d| within[*d]) {
                continue;
            }
            for frame in &week {
                if weeks.inputs[*frame].is_empty() {
                    weeks.inputs[*frame] =
                        normalisation.coarse_input(coarse.frame(*frame), coarse.frame_mask(*frame), seconds[*frame])?;
                }
            }
            let base = normalisation.base_of(coarse.frame(day), coarse.frame_mask(day), seconds[day])?;
            let scale = normalisation.fine_scale();
            let known: Vec<bool> = fine.frame_mask(day).iter().zip(scale).map(|(c, s)| c.is_valid() && *s > 0.0).collect();
            let unit = |celsius: f64, i: usize| ((celsius - base[i]) / f64::from(scale[i])) as f32;
            let frame = fine.frame(day);
            weeks.targets.push((0..frame.len()).map(|i| if known[i] { unit(f64::from(frame[i]), i) } else { 0.0 }).collect());
            weeks.bases.push(normalisation.base_anomaly(&base, seconds[day]));
            weeks.seas.push(known.iter().map(|k| f32::from(u8::from(*k))).collect());
            let reports = source.stations.iter().zip(&weeks.readers);
            weeks.reports.push(reports.map(|(s, r)| s.celsius[day].map(|celsius| unit(celsius, r.cell))).collect());
            weeks.weeks.push(week);
        }
        if weeks.weeks.is_empty() {
            return wrong(format!("none of {} days ends {days_of_week} days in a row; give longer runs of days", days.len()));
        }
        Ok(weeks)
    }

    /// Number of weeks.
    pub fn len(&self) -> usize {
        self.weeks.len()
    }

    /// The fine cells that stations are read at.
    pub fn cells(&self) -> Vec<u32> {
        self.readers.iter().map(|r| r.cell as u32).collect()
    }

    /// Station units of one unit of the output, by station.
    pub fn units(&self) -> Vec<f32> {
        self.readers.iter().map(|r| r.unit).collect()
    }

    /// A batch of weeks drawn with equal chances.
    pub fn draw(&self, count: usize, random: &mut Random, device: &Device) -> candle_core::Result<WeekBatch> {
        let samples: Vec<usize> = (0..count).map(|_| random.below(self.len())).collect();
        self.batch(&samples, device)
    }

    /// A batch of these weeks.
    pub fn batch(&self, samples: &[usize], device: &Device) -> candle_core::Result<WeekBatch> {
        let (b, [h, w], stations) = (samples.len(), self.shape, self.readers.len());
        let [fine_h, fine_w] = self.fine_shape;
        let gather = |of: &[Vec<f32>]| -> Vec<f32> { samples.iter().flat_map(|s| of[*s].iter().copied()).collect() };
        let week: Vec<f32> =
            samples.iter().flat_map(|s| self.weeks[*s].iter().flat_map(|d| self.inputs[*d].iter().copied())).collect();
        let first: Vec<f32> = samples.iter().flat_map(|_| self.first_frame.iter().copied()).collect();
        let reports: Vec<Option<f32>> = samples.iter().flat_map(|s| self.reports[*s].iter().copied()).collect();
        let reported: Vec<f32> = reports.iter().map(|r| f32::from(u8::from(r.is_some()))).collect();
        let reports: Vec<f32> = reports.into_iter().map(|r| r.unwrap_or(0.0)).collect();
        let put = |values: Vec<f32>, shape: &[usize]| Tensor::from_vec(values, shape, &Device::Cpu)?.to_device(device);
        Ok(WeekBatch {
            week: put(week, &[b, 1, self.days_of_week, h, w])?,
            first: put(first, &[b, 1, 1, h, w])?,
            target: put(gather(&self.targets), &[b, 1, fine_h, fine_w])?,
            sea: put(gather(&self.seas), &[b, 1, fine_h, fine_w])?,
            base: put(gather(&self.bases), &[b, 1, fine_h, fine_w])?,
            reports: put(reports, &[b, stations])?,
            reported: put(reported, &[b, stations])?,
        })
    }
}

/// Cells and units of the stations. The unit is the deviation of the station's departures from the fine field's cycle on
/// training days.
fn readers(source: WeekSource<'_>, normalisation: &Normalisation, training_days: &[usize]) -> MethodResult<Vec<Reader>> {
    let seconds = source.fine.time().seconds();
    let mut readers = Vec::with_capacity(source.stations.len());
    for station in source.stations {
        let wrong = |problem: String| MethodError::Argument(format!("kiost: station {} {problem}", station.id));
        let cell = station
            .cell(source.fine, NEAREST_SEA_METRES)
            .filter(|c| normalisation.fine_scale()[*c] > 0.0)
            .ok_or_else(|| wrong(format!("is farther than {NEAREST_SEA_METRES} m from a cell of the sea; leave it out")))?;
        let reported = training_days.iter().filter_map(|d| Some((seconds[*d], (*station.celsius.get(*d)?)?)));
        let departures: Vec<f64> = reported.map(|(at, celsius)| celsius - normalisation.fine_cycle(at, cell)).collect();
        if departures.len() < 2 {
            return Err(wrong(format!("reports on {} training days; at least 2 are wanted", departures.len())));
        }
        let mean = departures.iter().sum::<f64>() / departures.len() as f64;
        let square = departures.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / departures.len() as f64;
        if square <= 0.0 {
            return Err(wrong("does not vary on training days; leave it out".to_string()));
        }
        readers.push(Reader { cell, unit: (f64::from(normalisation.fine_scale()[cell]) / square.sqrt()) as f32 });
    }
    Ok(readers)
}

#[cfg(test)]
mod tests {
    use super::super::normalisation::Formulation;
    use super::super::normalisation::tests::pond;
    use super::*;

    fn station(days: usize) -> StationSeries {
        // on the pond's (fine) cell 39, 39: 1.975 degrees north and east
        let celsius = (0..days).map(|d| (d != 8).then_some(if d % 2 == 0 { 3.0 } else { 7.0 })).collect();
        StationSeries { id: "S".into(), latitude: 1.975, longitude: 1.975, celsius }
    }

    #[test]
    fn a_week_ends_on_its_day_and_days_pair_by_date() {
        let times: Vec<f64> = (0..20).filter(|d| *d != 10).map(|d| f64::from(d) * SECONDS_PER_DAY).collect();
        assert_eq!(week_frames(&times, 7.0 * SECONDS_PER_DAY, 7), Some(vec![1, 2, 3, 4, 5, 6, 7]));
        // without day 10, day 17 is frame 16, and the week of day 16 is not whole
        assert_eq!(week_frames(&times, 17.0 * SECONDS_PER_DAY, 7), Some(vec![10, 11, 12, 13, 14, 15, 16]));
        assert_eq!(week_frames(&times, 16.0 * SECONDS_PER_DAY, 7), None);
        assert_eq!(week_frames(&times, 5.0 * SECONDS_PER_DAY, 7), None);
    }

    #[test]
    fn batches_by_hand() {
        // values by day, the same everywhere: 1, 3, 1, 3, ...: mean 2 and deviation 1 as published
        let (coarse, fine) = pond(20, |day, _, _| 1.0 + 2.0 * (day % 2.0));
        let days: Vec<usize> = (0..20).collect();
        let n = Normalisation::fit(Formulation::Published, &coarse, &fine, &days).unwrap();
        let stations = [station(20)];
        let source = WeekSource { coarse: &coarse, fine: &fine, stations: &stations };
        let weeks = Weeks::new(source, &n, &days, 7, &days).unwrap();
        assert_eq!((weeks.len(), weeks.cells()), (14, vec![39 * 40 + 39]));
        // 9 days of 3 and 10 of 7 about the cycle of 2: departures 1 and 5, of deviation 4 sqrt(90) / 19
        assert!((f64::from(weeks.units()[0]) - 19.0 / (4.0 * 90f64.sqrt())).abs() < 1e-6);
        let batch = weeks.batch(&[0, 2], &Device::Cpu).unwrap();
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!((batch.week.dims(), batch.target.dims()), (&[2, 1, 7, 8, 8][..], &[2, 1, 40, 40][..]));
        // the last sea cell of days 0 to 6, and of day 6 alone
        let week = values(&batch.week);
        assert_eq!((0..7).map(|d| week[d * 64 + 63]).collect::<Vec<f32>>(), [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0]);
        assert_eq!((week[0], values(&batch.target)[1599], values(&batch.target)[0]), (0.0, -1.0, 0.0));
        assert_eq!((values(&batch.sea)[1599], values(&batch.sea)[0]), (1.0, 0.0));
        // day 6: (3 - 2) / 1; day 8 has no report
        assert_eq!((values(&batch.reports), values(&batch.reported)), (vec![1.0, 0.0], vec![1.0, 0.0]));
    }

    #[test]
    fn weeks_do_not_reach_over_the_edge_of_their_part() {
        let (coarse, fine) = pond(30, |day, y, x| day + x - y);
        let train: Vec<usize> = (0..10).chain(20..30).collect();
        let n = Normalisation::fit(Formulation::Published, &coarse, &fine, &train).unwrap();
        let source = WeekSource { coarse: &coarse, fine: &fine, stations: &[] };
        let weeks = Weeks::new(source, &n, &train, 7, &train).unwrap();
        assert_eq!(weeks.len(), 8);
        assert!(weeks.weeks.iter().flatten().all(|d| train.contains(d)));
        assert!(Weeks::new(source, &n, &[0, 1, 2], 7, &train).unwrap_err().to_string().contains("longer runs"));
        let far = [StationSeries { latitude: 5.0, ..station(30) }];
        let source = WeekSource { stations: &far, ..source };
        assert!(Weeks::new(source, &n, &train, 7, &train).unwrap_err().to_string().contains("farther"));
    }
}

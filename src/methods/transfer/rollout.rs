//! Day after day: each prediction is the past of the next.

use std::collections::VecDeque;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::downscaler::{Downscaler, DrawOptions};
use super::groundwork::Groundwork;
use super::task::Task;
use super::window::{Alignment, Window};
use crate::methods::error::{MethodError, MethodResult};
use crate::score::Season;

/// What becomes of the history from one day to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollOut {
    /// A member's own predictions follow the last true days: all that there is after the end of the fine record.
    #[default]
    Strict,
    /// The true days, so that each prediction is one step ahead.
    Lenient,
}

/// Fields of log10, a list of members for each day. `model` gives the downscaling of a season, which changes at the borders of
/// months; where one serves the whole year it gives the same always.
///
/// A strict roll-out reads the fine days before `days` and none of them. Each member has a past of its own.
///
/// # Errors
/// [`MethodError::Argument`] where days before the first (strict) or before each day (lenient) have no fine field, or the
/// downscalings of the seasons look back on different numbers of days; as [`Downscaler::member`].
pub fn roll_out<'m>(
    model: impl Fn(Season) -> &'m Downscaler,
    groundwork: &Groundwork<'_>,
    days: Range<usize>,
    mode: RollOut,
    options: &DrawOptions,
) -> MethodResult<Vec<Vec<Vec<f32>>>> {
    let archive = groundwork.archive();
    let calendar = archive.calendar();
    let first = model(calendar.season(days.start));
    let lags = first.config().lags();
    let wrong = |problem: String| MethodError::Argument(format!("roll-out: {problem}"));
    let start = days.start;
    let too_early = || wrong(format!("{lags} days before day {start} are wanted"));
    let before = Window::of(start, lags, Alignment::Causal).ok_or_else(too_early)?;
    let members = if first.config().task == Task::Regression { 1 } else { options.members };
    let past: VecDeque<Vec<f32>> = archive.history(&before)?.into_iter().map(<[f32]>::to_vec).collect();
    let mut pasts = vec![past; members];
    let mut out = Vec::with_capacity(days.len());
    for day in days {
        let downscaler = model(calendar.season(day));
        if downscaler.config().lags() != lags {
            return Err(wrong(format!(
                "{} looks back on {} days, others on {lags}",
                downscaler.method(),
                downscaler.config().lags()
            )));
        }
        let mut of_day = Vec::with_capacity(members);
        match mode {
            RollOut::Lenient => {
                let window = Window::of(day, lags, Alignment::Causal).ok_or_else(too_early)?;
                of_day = downscaler.predict(&downscaler.inputs_of(groundwork, &window)?, day, options)?;
            }
            RollOut::Strict => {
                for (member, past) in pasts.iter_mut().enumerate() {
                    let history: Vec<&[f32]> = past.iter().map(Vec::as_slice).collect();
                    let inputs = downscaler.inputs_after(groundwork, day, &history)?;
                    let found = downscaler.member(&inputs, day, member, options)?;
                    past.pop_front();
                    past.push_back(found.clone());
                    of_day.push(found);
                }
            }
        }
        out.push(of_day);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::Device;

    use super::super::config::{Stitching, TransferConfig};
    use super::super::day_split::DaySplit;
    use super::super::denoiser::DenoiserConfig;
    use super::super::fit::{TransferFitOptions, fit};
    use super::super::forecast::ForecastConfig;
    use super::super::groundwork::tests::waves;
    use super::super::task::Transfer;
    use super::*;
    use crate::train::TrainingOptions;

    fn downscaler(groundwork: &Groundwork<'_>, train: &[usize]) -> Downscaler {
        let forecast = ForecastConfig { lags: 3, widths: [8, 8, 16], blocks: 1, head_width: 8, groups: 4 };
        let denoiser = DenoiserConfig { features: 3, projection: 4, widths: [8, 8, 16], groups: 4, ..DenoiserConfig::quick() };
        let stitching = Stitching { patch: 16, halo: 0, stride: 16, ..Stitching::default() };
        let config = TransferConfig {
            forecast,
            denoiser,
            transfer: Transfer::Nothing,
            raw_lags: true,
            stitching,
            ..TransferConfig::quick()
        };
        let training = TrainingOptions { iterations: 2, warmup_iterations: 1, validate_every: 2, ..TrainingOptions::default() };
        let options = TransferFitOptions { batch: 2, validation_patches: 2, training, ..TransferFitOptions::default() };
        let split = DaySplit { train: train.to_vec(), validation: vec![90, 91], test: vec![] };
        let place = tempfile::tempdir().unwrap();
        fit("ddpm", &config, groundwork, None, &split, &options, place.path(), &Device::Cpu, &BTreeMap::new()).unwrap().0
    }

    #[test]
    fn a_strict_roll_out_reads_no_day_that_it_predicts() {
        let train: Vec<usize> = (10..80).collect();
        let whole = waves();
        let groundwork = Groundwork::new(&whole, &train).unwrap();
        let model = downscaler(&groundwork, &train);
        let options = DrawOptions { members: 2, ..DrawOptions::default() };
        let run = |groundwork: &Groundwork<'_>, mode| roll_out(|_| &model, groundwork, 110..114, mode, &options);
        let strict = run(&groundwork, RollOut::Strict).unwrap();
        assert_eq!((strict.len(), strict[0].len()), (4, 2));
        // The same records, with other fine fields from day 110 on.
        let changed = {
            let fine: Vec<Vec<f32>> =
                (2..120).map(|d| if d >= 110 { vec![-2.0; 256] } else { whole.fine(d).unwrap().to_vec() }).collect();
            let field = whole.field("fine", &(2..120).collect::<Vec<_>>(), &fine).unwrap();
            let coarse = coarse_field(&whole);
            let heights = whole.wrap("height", &[2], whole.elevation().to_vec()).unwrap();
            super::super::archive::Archive::new(&field, &coarse, &heights).unwrap()
        };
        let other = Groundwork::new(&changed, &train).unwrap();
        let close = |a: &[Vec<Vec<f32>>], b: &[Vec<Vec<f32>>]| {
            a.iter().flatten().flatten().zip(b.iter().flatten().flatten()).all(|(a, b)| (a - b).abs() < 1e-3)
        };
        assert!(close(&strict, &run(&other, RollOut::Strict).unwrap()));
        let (lenient, misled) = (run(&groundwork, RollOut::Lenient).unwrap(), run(&other, RollOut::Lenient).unwrap());
        assert!(!close(&lenient, &misled));
        // The first day has the same past in both, and all days after it a member's own in one of them.
        assert_eq!(strict[0], lenient[0]);
        assert_ne!(strict[1], lenient[1]);
        assert!(run(&groundwork, RollOut::Strict).unwrap() == strict);
    }

    fn coarse_field(archive: &super::super::archive::Archive) -> crate::grid::Field {
        use crate::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};
        let axis = |kind| Axis::regular(kind, 30.25, 0.5, 4).unwrap();
        let time = TimeAxis::daily(archive.calendar().date(0), 12.0, 120).unwrap();
        let values = (0..120).flat_map(|d| archive.coarse(d).unwrap().iter().map(|v| 10f32.powf(*v))).collect();
        let (latitude, longitude) = (axis(AxisKind::Latitude), axis(AxisKind::Longitude));
        Field::new("coarse", values, Mask::all_valid(120 * 16), time, latitude, longitude, Unit::One).unwrap()
    }

    #[test]
    fn it_starts_only_where_there_is_a_past() {
        let train: Vec<usize> = (10..80).collect();
        let archive = waves();
        let groundwork = Groundwork::new(&archive, &train).unwrap();
        let model = downscaler(&groundwork, &train);
        let options = DrawOptions { members: 1, ..DrawOptions::default() };
        for (start, mode) in [(1, RollOut::Strict), (3, RollOut::Strict), (4, RollOut::Lenient)] {
            assert!(roll_out(|_| &model, &groundwork, start..start + 1, mode, &options).is_err());
        }
        assert!(roll_out(|_| &model, &groundwork, 5..6, RollOut::Strict, &options).is_ok());
    }
}

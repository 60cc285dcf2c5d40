//! How far the coarse record, from which the encoder has learnt, is from the fine one that it is shown.

use super::diagnostics_bootstrap::estimates;
use super::transfer_ground::DustGround;
use super::transfer_predictions::TransferLadderConfiguration;
use super::transfer_scores::row;
use crate::paper::step::StepContext;
use crate::paper::{PaperResult, TidyRow};
use crate::score::{ScoreResult, Season, wasserstein_histogram};

/// Bins of the logarithm for distances between distributions: 0.01 decade each, from -4 to 2.
const HISTOGRAM: (f64, f64, usize) = (-4.0, 2.0, 600);
/// Days that a season must have in each of two years to compare them.
const LEAST_DAYS: usize = 40;

/// The Wasserstein-1 distance, in decades, between what the encoder has learnt from and what it is shown, by season, beside
/// distances that are to be expected within one record.
///
/// # Errors
/// Where a day's field is not to be had.
pub fn domain(
    context: &StepContext<'_>,
    configuration: &TransferLadderConfiguration,
    ground: &DustGround,
) -> PaperResult<Vec<TidyRow>> {
    let (low, high, count) = HISTOGRAM;
    let edges: Vec<f64> = (0..=count).map(|k| low + (high - low) * k as f64 / count as f64).collect();
    let counts = |plane: &[f32]| -> Vec<f64> {
        let mut bins = vec![0.0; count];
        plane.iter().for_each(|v| {
            let place = (f64::from(*v) - low) / (high - low) * count as f64;
            bins[(place.max(0.0) as usize).min(count - 1)] += 1.0;
        });
        bins
    };
    let archive = &ground.archive;
    let (calendar, record) = (archive.calendar(), archive.fine_days());
    let middle = (record.start + record.end) / 2;
    let mut rows = Vec::new();
    for season in Season::ALL {
        let days: Vec<usize> = record.clone().filter(|day| calendar.season(*day) == season).collect();
        let mut fine = Vec::new();
        let mut coarse = Vec::new();
        for day in &days {
            fine.push(counts(archive.fine(*day).unwrap_or_default()));
            coarse.push(counts(archive.coarse(*day).map_err(|e| context.error(e))?));
        }
        let first_year: Vec<bool> = days.iter().map(|day| *day < middle).collect();
        let sum = |at: &[usize], of: &[Vec<f64>], takes: &dyn Fn(usize) -> bool| {
            let mut all = vec![0.0; count];
            at.iter().filter(|t| takes(**t)).for_each(|t| all.iter_mut().zip(&of[*t]).for_each(|(s, b)| *s += b));
            all
        };
        // A season that one of the years hardly has tells nothing of how years differ.
        let earlier = first_year.iter().filter(|first| **first).count();
        let two_years = earlier.min(days.len() - earlier) >= LEAST_DAYS;
        let statistic = |at: &[usize]| -> ScoreResult<Vec<f64>> {
            let between_years = |of: &[Vec<f64>]| {
                wasserstein_histogram(&edges, &sum(at, of, &|t| first_year[t]), &sum(at, of, &|t| !first_year[t]))
            };
            let mut numbers = vec![wasserstein_histogram(&edges, &sum(at, &fine, &|_| true), &sum(at, &coarse, &|_| true))?];
            if two_years {
                numbers.extend([between_years(&fine)?, between_years(&coarse)?]);
            }
            Ok(numbers)
        };
        let found = estimates(days.len(), configuration.block_days, configuration.resamples, configuration.seed, statistic);
        let found = found.map_err(|e| context.error(e))?;
        let dataset = format!("dust_{}", season.name().to_lowercase());
        let n = (days.len() * fine.first().map_or(0, |bins| bins.iter().sum::<f64>() as usize)) as u64;
        for (position, method) in
            ["coarse_and_fine", "fine_years", "coarse_years"].into_iter().enumerate().take(found.values.len())
        {
            rows.push(row(&dataset, method, "wasserstein", &found, position, n, "decade", configuration.seed));
        }
    }
    Ok(rows)
}

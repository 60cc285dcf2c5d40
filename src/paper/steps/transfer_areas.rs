//! The dust's errors by season and quarter of the area, as the published tables have them: one number for each image, their mean
//! and their spread over days; and, beside them, one number for all cells of all days with its interval. One network serves
//! all seasons and the whole area.

use chrono::Datelike;

use super::diagnostics_bootstrap::{Estimates, estimates};
use super::transfer_predictions::{DustPredictions, TRUTH, TransferLadderConfiguration};
use super::transfer_scores::{field_of, row};
use super::transfer_statistics::{Scale, daily_pairs, of_days};
use crate::grid::Field;
use crate::paper::step::StepContext;
use crate::paper::{PaperResult, TidyRow};
use crate::score::{Pairs, PointwiseMetric, ScoreResult, Season};

/// What is scored.
const METHODS: [&str; 6] = ["persistence", "bilinear", "linear", "unet", "ddpm", "ddpm_member"];

/// Quarters of the area: name, and whether it is the northern and the eastern half.
const QUARTERS: [(&str, bool, bool); 4] =
    [("southwest", false, false), ("southeast", false, true), ("northwest", true, false), ("northeast", true, true)];

/// The table's rows.
///
/// # Errors
/// Where a prediction is missing.
pub fn areas(
    context: &StepContext<'_>,
    configuration: &TransferLadderConfiguration,
    predictions: &DustPredictions,
) -> PaperResult<Vec<TidyRow>> {
    let truth = predictions.field(TRUTH)?;
    let block = configuration.block_days.div_ceil(configuration.day_stride.max(1));
    let mut rows = Vec::new();
    for (quarter, northern, eastern) in QUARTERS {
        let cut = |field: &Field| {
            let [days, rows, columns] = field.shape();
            // Rows ascend from the south.
            let half = |upper: bool, size: usize| if upper { size / 2..size } else { 0..size / 2 };
            field.slice(0..days, half(northern, rows), half(eastern, columns)).map_err(|e| context.error(e))
        };
        let wanted = cut(truth)?;
        for method in METHODS {
            let found = cut(predictions.field(&field_of(method))?)?;
            let pairs = daily_pairs(&wanted, &found, Scale::Logarithm).map_err(|e| context.error(e))?;
            for season in Season::ALL {
                let own: Vec<Pairs> = (0..wanted.frames())
                    .filter(|t| wanted.time().date(*t).is_some_and(|date| Season::of_month(date.month()) == season))
                    .map(|t| pairs[t])
                    .collect();
                if own.is_empty() {
                    continue;
                }
                let numbers = estimates(own.len(), block, configuration.resamples, configuration.seed, |at| {
                    let pooled = |metric| of_days(&own, at, metric);
                    let (mean, spread) = of_images(&own, at)?;
                    Ok(vec![pooled(PointwiseMetric::Rmse)?, pooled(PointwiseMetric::RSquaredPearson)?, mean, spread])
                });
                let numbers: Estimates = numbers.map_err(|e| context.error(e))?;
                let dataset = format!("dust_{}_{quarter}", season.name().to_lowercase());
                let n = (own.len() * wanted.frame_len()) as u64;
                let names = [
                    ("rmse", "decade"),
                    ("r_squared_pearson", "1"),
                    ("r_squared_of_images", "1"),
                    ("r_squared_of_images_sd", "1"),
                ];
                for (position, (metric, unit)) in names.into_iter().enumerate() {
                    rows.push(row(&dataset, method, metric, &numbers, position, n, unit, configuration.seed));
                }
            }
        }
    }
    Ok(rows)
}

/// Mean and standard deviation over days of each image's squared correlation.
fn of_images(days: &[Pairs], at: &[usize]) -> ScoreResult<(f64, f64)> {
    let each: Vec<f64> = at.iter().map(|t| days[*t].r_squared_pearson()).collect::<ScoreResult<_>>()?;
    let mean = each.iter().sum::<f64>() / each.len() as f64;
    let squares = each.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    Ok((mean, (squares / each.len().saturating_sub(1).max(1) as f64).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_a_mean_and_a_spread() {
        // Three maps: correlations of 1, of 0 and of -1, squared 1, 0, 1.
        let pairs = |found: [f64; 4]| Pairs::collect(&[0.0, 1.0, 0.0, 1.0], &found, None, None).unwrap();
        let days = [pairs([0.0, 2.0, 0.0, 2.0]), pairs([0.0, 0.0, 1.0, 1.0]), pairs([3.0, 1.0, 3.0, 1.0])];
        let (mean, spread) = of_images(&days, &[0, 1, 2]).unwrap();
        assert!((mean - 2.0 / 3.0).abs() < 1e-12 && (spread - (1.0f64 / 3.0).sqrt()).abs() < 1e-12, "{mean} {spread}");
    }
}

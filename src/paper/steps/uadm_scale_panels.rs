//! The panels of UADM's scales that are no spectra: how steep fronts are, and how rough a field is from cell to cell.

use super::uadm_scores::fronts;
use crate::figure::{LinePanel, LineSeries, Scale};
use crate::grid::Field;
use crate::score::{PlaneAxis, ScoreError, ScoreResult, VariogramEstimator, axis_variogram};

/// Share of the cells whose gradient is steeper than a value.
pub fn gradients(products: &[(&str, &Field)]) -> ScoreResult<LinePanel> {
    const POINTS: usize = 60;
    let mut series = Vec::new();
    let mut steepest = 0.0f64;
    let mut all = Vec::new();
    for (name, field) in products {
        let mut found = fronts(field)?;
        found.sort_by(f64::total_cmp);
        steepest = steepest.max(found.last().copied().unwrap_or(0.0));
        all.push((name, found));
    }
    for (name, found) in all {
        let x: Vec<f64> = (0..=POINTS).map(|i| steepest * i as f64 / POINTS as f64).collect();
        let steeper = |g: f64| (found.len() - found.partition_point(|v| *v <= g)) as f64 / found.len() as f64;
        let points: Vec<(f64, f64)> = x.into_iter().map(|g| (g, steeper(g))).filter(|(_, s)| *s > 0.0).collect();
        series.push(line(name, points));
    }
    Ok(LinePanel {
        title: "Fronts".into(),
        x_label: "gradient (K per 100 km)".into(),
        y_label: "share of cells that are steeper".into(),
        x_scale: Some(Scale::Linear(0.0, steepest)),
        y_scale: Some(Scale::Logarithmic(1e-5, 1.0)),
        series,
    })
}

/// Semivariances at the first lags along the rows, over the truth's.
pub fn roughness(products: &[(&str, &Field)]) -> ScoreResult<LinePanel> {
    const LARGEST_LAG: usize = 20;
    let mut curves = Vec::new();
    for (name, field) in products {
        let [frames, rows, columns] = field.shape();
        let mut sums = vec![(0.0, 0u64); LARGEST_LAG];
        for t in 0..frames {
            let values: Vec<f64> = field.frame(t).iter().map(|v| f64::from(*v)).collect();
            let valid: Vec<bool> = field.frame_mask(t).iter().map(|c| c.is_valid()).collect();
            let estimator = VariogramEstimator::Matheron;
            let found = axis_variogram(&values, rows, columns, Some(&valid), PlaneAxis::Columns, LARGEST_LAG, estimator)?;
            for (sum, bin) in sums.iter_mut().zip(&found.bins) {
                if let Some(value) = bin.semivariance {
                    *sum = (sum.0 + value * bin.pairs as f64, sum.1 + bin.pairs);
                }
            }
        }
        curves.push((*name, sums.into_iter().map(|(s, n)| s / n.max(1) as f64).collect::<Vec<f64>>()));
    }
    let Some((_, truth)) = curves.last().cloned() else {
        return Err(ScoreError::TooFew { metric: "roughness (products)", found: 0, wanted: 1 });
    };
    let series = curves
        .into_iter()
        .map(|(name, curve)| {
            line(name, curve.iter().zip(&truth).enumerate().map(|(i, (a, b))| ((i + 1) as f64 * 0.05, a / b)).collect())
        })
        .collect();
    Ok(LinePanel {
        title: "Roughness".into(),
        x_label: "lag along the rows (degrees)".into(),
        y_label: "semivariance / that of the truth".into(),
        x_scale: Some(Scale::Linear(0.0, 1.0)),
        y_scale: Some(Scale::Linear(0.0, 1.4)),
        series,
    })
}

/// A curve without a band.
pub fn line(label: &str, points: Vec<(f64, f64)>) -> LineSeries {
    let (x, y) = points.into_iter().unzip();
    LineSeries { label: label.into(), x, y, band: None }
}

//! Fitting a model to an empirical semivariogram.

use serde::{Deserialize, Serialize};

use super::bins::Variogram;
use super::model::{VariogramModel, VariogramShape};
use super::simplex::lowest;
use crate::score::error::{ScoreError, ScoreResult};

/// A family of models, whose shape parameter (of stable and Matérn) is fitted too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is described at the shape of its name")]
pub enum VariogramFamily {
    Spherical,
    Cubic,
    Exponential,
    Gaussian,
    Stable,
    Matern,
}

/// The weights of the bins in a fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FitWeights {
    /// All alike.
    Equal,
    /// The number of pairs.
    #[default]
    Pairs,
    /// Pairs over the squared model, Nₖ/γ(hₖ)² (Cressie): bins near 0 count most. Weights and model are found in turn.
    PairsOverSquaredModel,
}

/// What fit is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariogramFit {
    /// The family of models.
    pub family: VariogramFamily,
    /// The weights of the bins.
    pub weights: FitWeights,
    /// Whether a nugget is fitted; without, it is 0.
    pub nugget: bool,
    /// The largest effective range allowed; none for the position of the last bin, beyond which the data say nothing.
    pub largest_range: Option<f64>,
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedVariogram {
    /// The model.
    pub model: VariogramModel,
    /// Positions of the bins that were used.
    pub positions: Vec<f64>,
    /// The model there.
    pub fitted: Vec<f64>,
    /// Unweighted root mean square of model − data, in the squared unit of the values.
    pub rmse: f64,
    /// Whether the range is the largest allowed: the variogram does not level off, and range and sill mean little.
    pub range_at_limit: bool,
}

/// Shapes tried before the refinement; the limits are those of the shape parameter.
const EXPONENTS: [f64; 12] = [0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0];
/// The same of the Matérn family; beyond 20 it is Gaussian to the eye.
const SMOOTHNESSES: [f64; 13] = [0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 4.0, 7.0, 12.0, 20.0];
/// Ranges tried before the refinement, evenly in their logarithm.
const RANGES: usize = 48;
/// Rounds of weights and model in turn at most.
const ROUNDS: usize = 50;

impl VariogramFit {
    /// The weighted least-squares fit to the bins that have a semivariance.
    ///
    /// # Formula
    /// ```text
    /// minimise Σ wₖ ( γ̂ₖ − nugget − partial sill (1 − ρ(hₖ / scale)) )²,   nugget, partial sill ≥ 0,   range ≤ largest
    /// ```
    /// For a given range and shape the two variances follow exactly (linear least squares with both held at or above 0);
    /// range and shape are looked for on a grid and refined by the simplex method from the best places of the grid. No
    /// start needs to be guessed, and the result does not depend on one.
    ///
    /// # Errors
    /// [`ScoreError::TooFew`] with fewer bins than parameters, [`ScoreError::Constant`] where all semivariances are 0,
    /// [`ScoreError::Argument`] for a largest range that is not positive.
    ///
    /// # Example
    /// ```
    /// use isotherm::score::{FitWeights, LagBin, Variogram, VariogramEstimator, VariogramFamily, VariogramFit};
    /// let bin = |h: f64| LagBin { lower: h - 1.0, upper: h + 1.0, position: h, pairs: 10,
    ///     semivariance: Some(0.5 + 2.0 * (1.0 - (-h / 5.0).exp())) };
    /// let bins = (1..12).map(|k| bin(f64::from(2 * k))).collect();
    /// let variogram = Variogram { bins, estimator: VariogramEstimator::Matheron };
    /// let fit = VariogramFit { family: VariogramFamily::Exponential, weights: FitWeights::Pairs, nugget: true, largest_range: None };
    /// let model = fit.of(&variogram).unwrap().model;
    /// assert!((model.range() - 15.0).abs() < 1e-4 && (model.nugget - 0.5).abs() < 1e-5);
    /// ```
    ///
    /// # Reference
    /// Cressie (1985), doi:10.1007/BF01032109; Golub, Pereyra (1973), doi:10.1137/0710036
    pub fn of(&self, variogram: &Variogram) -> ScoreResult<FittedVariogram> {
        let used: Vec<(f64, f64, f64)> = variogram
            .bins
            .iter()
            .filter(|b| b.position > 0.0)
            .filter_map(|b| b.semivariance.map(|gamma| (b.position, gamma, b.pairs as f64)))
            .collect();
        let shaped = matches!(self.family, VariogramFamily::Stable | VariogramFamily::Matern);
        let wanted = 2 + usize::from(self.nugget) + usize::from(shaped);
        if used.len() < wanted {
            return Err(ScoreError::TooFew { metric: "the fit of a variogram (bins)", found: used.len(), wanted });
        }
        if used.iter().all(|(_, gamma, _)| *gamma == 0.0) {
            return Err(ScoreError::Constant { what: "the field", metric: "the fit of a variogram" });
        }
        let nearest = used.iter().map(|u| u.0).fold(f64::INFINITY, f64::min);
        let last = used.iter().map(|u| u.0).fold(0.0, f64::max);
        let largest = self.largest_range.unwrap_or(last);
        if !(largest > 0.0 && largest.is_finite()) {
            return Err(ScoreError::Argument(format!("a largest range of {largest} was stated; a positive one is wanted")));
        }
        // A range far below the first bin is all sill there: nothing is left to fit.
        let limits = [(0.1 * nearest).min(0.1 * largest).ln(), largest.ln()];
        let mut weights: Vec<f64> = match self.weights {
            FitWeights::Equal => vec![1.0; used.len()],
            _ => used.iter().map(|u| u.2).collect(),
        };
        let mut model = self.minimise(&used, &weights, limits);
        if self.weights == FitWeights::PairsOverSquaredModel {
            for _ in 0..ROUNDS {
                let tiny = 1e-9 * model.sill();
                weights = used.iter().map(|(h, _, pairs)| pairs / model.at(*h).max(tiny).powi(2)).collect();
                let next = self.minimise(&used, &weights, limits);
                let still = used.iter().all(|(h, ..)| (next.at(*h) - model.at(*h)).abs() <= 1e-9 * model.sill());
                model = next;
                if still {
                    break;
                }
            }
        }
        let fitted: Vec<f64> = used.iter().map(|(h, ..)| model.at(*h)).collect();
        let square: f64 = fitted.iter().zip(&used).map(|(f, (_, gamma, _))| (f - gamma).powi(2)).sum();
        Ok(FittedVariogram {
            model,
            positions: used.iter().map(|u| u.0).collect(),
            rmse: (square / used.len() as f64).sqrt(),
            fitted,
            range_at_limit: model.range() > 0.999 * largest,
        })
    }

    /// The best model for fixed weights; `limits` are the logarithms of the least and the largest range.
    fn minimise(&self, used: &[(f64, f64, f64)], weights: &[f64], limits: [f64; 2]) -> VariogramModel {
        let shapes: &[f64] = match self.family {
            VariogramFamily::Stable => &EXPONENTS,
            VariogramFamily::Matern => &SMOOTHNESSES,
            _ => &[1.0],
        };
        let shape_limits = [shapes[0].ln(), shapes[shapes.len() - 1].ln()];
        let within = |p: [f64; 2]| [p[0].clamp(limits[0], limits[1]), p[1].clamp(shape_limits[0], shape_limits[1])];
        let model = |p: [f64; 2]| {
            let [range, parameter] = within(p).map(f64::exp);
            self.variances(used, weights, self.shape(parameter), range)
        };
        let cost = |p: [f64; 2]| model(p).1;
        let step = (limits[1] - limits[0]) / (RANGES - 1) as f64;
        let mut starts: Vec<([f64; 2], f64)> = shapes
            .iter()
            .flat_map(|s| (0..RANGES).map(move |k| [limits[0] + k as f64 * step, s.ln()]))
            .map(|p| (p, cost(p)))
            .collect();
        starts.sort_by(|a, b| a.1.total_cmp(&b.1));
        // The best places of the grid that are no neighbours of a better one.
        let mut places: Vec<[f64; 2]> = Vec::new();
        for (p, _) in &starts {
            if places.len() < 3 && places.iter().all(|q| (p[0] - q[0]).abs() > 2.5 * step || (p[1] - q[1]).abs() > 0.8) {
                places.push(*p);
            }
        }
        let steps = [step, if shapes.len() > 1 { 0.25 } else { 0.0 }];
        let best =
            places.into_iter().map(|p| lowest(p, steps, cost)).min_by(|a, b| a.1.total_cmp(&b.1)).map_or(starts[0].0, |(p, _)| p);
        model(best).0
    }

    fn shape(&self, parameter: f64) -> VariogramShape {
        match self.family {
            VariogramFamily::Spherical => VariogramShape::Spherical,
            VariogramFamily::Cubic => VariogramShape::Cubic,
            VariogramFamily::Exponential => VariogramShape::Exponential,
            VariogramFamily::Gaussian => VariogramShape::Gaussian,
            VariogramFamily::Stable => VariogramShape::Stable { exponent: parameter.min(2.0) },
            VariogramFamily::Matern => VariogramShape::Matern { smoothness: parameter },
        }
    }

    /// The best variances for a shape and range, and the weighted sum of squares they leave.
    fn variances(&self, used: &[(f64, f64, f64)], weights: &[f64], shape: VariogramShape, range: f64) -> (VariogramModel, f64) {
        let scale = range / shape.range_of_unit_scale();
        // Weighted sums of 1, g, g², γ, gγ with g = 1 − ρ.
        let rises: Vec<f64> = used.iter().map(|(h, ..)| 1.0 - shape.correlation(h / scale)).collect();
        let [mut one, mut g, mut gg, mut y, mut gy] = [0.0; 5];
        for ((rise, (_, gamma, _)), w) in rises.iter().zip(used).zip(weights) {
            one += w;
            g += w * rise;
            gg += w * rise * rise;
            y += w * gamma;
            gy += w * rise * gamma;
        }
        let squares = |nugget: f64, sill: f64| -> f64 {
            let left = |((rise, (_, gamma, _)), w): ((&f64, &(f64, f64, f64)), &f64)| w * (gamma - nugget - sill * rise).powi(2);
            rises.iter().zip(used).zip(weights).map(left).sum()
        };
        // The free optimum, where both are allowed; else the better of the two borders.
        let mut candidates = vec![(0.0, if gg > 0.0 { (gy / gg).max(0.0) } else { 0.0 })];
        if self.nugget {
            candidates.push(((y / one).max(0.0), 0.0));
            let determinant = one * gg - g * g;
            if determinant > 1e-14 * one * gg {
                let (nugget, sill) = ((gg * y - g * gy) / determinant, (one * gy - g * y) / determinant);
                if nugget >= 0.0 && sill >= 0.0 {
                    candidates.push((nugget, sill));
                }
            }
        }
        let (nugget, partial_sill, cost) = candidates
            .into_iter()
            .map(|(nugget, sill)| (nugget, sill, squares(nugget, sill)))
            .fold((0.0, 0.0, f64::INFINITY), |best, next| if next.2 < best.2 { next } else { best });
        (VariogramModel { shape, scale, partial_sill, nugget }, cost)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bins::LagBin;
    use super::super::estimator::VariogramEstimator;
    use super::*;

    const FAMILIES: [VariogramFamily; 6] = [
        VariogramFamily::Spherical,
        VariogramFamily::Cubic,
        VariogramFamily::Exponential,
        VariogramFamily::Gaussian,
        VariogramFamily::Stable,
        VariogramFamily::Matern,
    ];

    fn variogram(of: impl Fn(f64) -> f64) -> Variogram {
        let bin = |k: u32| {
            let position = f64::from(k) * 4.0 + 2.0;
            LagBin {
                lower: position - 2.0,
                upper: position + 2.0,
                position,
                pairs: 40 + u64::from(k),
                semivariance: Some(of(position)),
            }
        };
        Variogram { bins: (0..18).map(bin).collect(), estimator: VariogramEstimator::Matheron }
    }

    fn fit(family: VariogramFamily) -> VariogramFit {
        VariogramFit { family, weights: FitWeights::default(), nugget: true, largest_range: None }
    }

    #[test]
    fn a_curve_of_the_family_is_recovered() {
        for family in FAMILIES {
            for parameter in [0.7, 1.5] {
                for weights in [FitWeights::Equal, FitWeights::Pairs, FitWeights::PairsOverSquaredModel] {
                    for nugget in [0.0, 0.4] {
                        let wanted = VariogramFit { weights, ..fit(family) };
                        let truth = VariogramModel::with_range(wanted.shape(parameter), 41.0, 2.5, nugget).unwrap();
                        let got = wanted.of(&variogram(|h| truth.at(h))).unwrap();
                        assert!(got.rmse < 2e-6, "{wanted:?} {parameter} {nugget} {got:?}");
                        assert!((got.model.range() / 41.0 - 1.0).abs() < 0.01, "{wanted:?} {parameter} {nugget} {got:?}");
                        assert!((got.model.sill() - truth.sill()).abs() < 0.01 && !got.range_at_limit);
                    }
                }
            }
        }
    }

    #[test]
    fn no_place_nearby_is_better() {
        let data = variogram(|h| 0.3 + 2.0 * (1.0 - (-h / 14.0).exp()) + 0.1 * (h * 0.9).sin());
        for family in FAMILIES {
            for nugget in [false, true] {
                let got = VariogramFit { nugget, weights: FitWeights::Equal, ..fit(family) }.of(&data).unwrap();
                let rmse = |m: VariogramModel| {
                    let square: f64 = data.points().iter().map(|(h, gamma)| (m.at(*h) - gamma).powi(2)).sum();
                    (square / 18.0).sqrt()
                };
                assert!((rmse(got.model) - got.rmse).abs() < 1e-12);
                for factor in [0.9, 0.99, 1.01, 1.1] {
                    let m = got.model;
                    let others = [
                        VariogramModel { scale: m.scale * factor, ..m },
                        VariogramModel { partial_sill: m.partial_sill * factor, ..m },
                        VariogramModel { nugget: if nugget { m.nugget * factor } else { 0.0 }, ..m },
                    ];
                    for other in others.into_iter().filter(|o| o.range() <= 70.0) {
                        assert!(rmse(other) >= got.rmse - 1e-9, "{family:?} {nugget} {other:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_trend_is_reported() {
        let got = fit(VariogramFamily::Spherical).of(&variogram(|h| 0.01 * h)).unwrap();
        assert!(got.range_at_limit);
    }

    #[test]
    fn nothing_to_fit_is_an_error() {
        assert!(matches!(fit(VariogramFamily::Gaussian).of(&variogram(|_| 0.0)), Err(ScoreError::Constant { .. })));
        let mut few = variogram(|h| h);
        few.bins.truncate(3);
        assert!(matches!(fit(VariogramFamily::Matern).of(&few), Err(ScoreError::TooFew { found: 3, wanted: 4, .. })));
        assert!(fit(VariogramFamily::Gaussian).of(&few).is_ok());
        let wanted = VariogramFit { largest_range: Some(0.0), ..fit(VariogramFamily::Gaussian) };
        assert!(matches!(wanted.of(&few), Err(ScoreError::Argument(_))));
    }
}

//! Units of a [`Normalisation`]'s output: on the mean, near the coast, and of what lies below it.

use super::normalisation::Normalisation;
use crate::grid::nearest_valid;
use crate::methods::error::MethodResult;

impl Normalisation {
    /// The mean kelvin of one unit of output over the sea.
    pub(super) fn mean_scale(&self) -> f32 {
        let (sum, n) = self.fine.scale.iter().filter(|s| **s > 0.0).fold((0.0, 0.0), |(a, n), s| (a + s, n + 1.0));
        if n > 0.0 { sum / n } else { 1.0 }
    }

    /// What a base departs from the fine cycles by, kelvin; 0 on land.
    pub(super) fn base_anomaly(&self, base: &[f64], seconds: f64) -> Vec<f32> {
        let cycle = self.fine.cycle_at(seconds, self.harmonics);
        let sea = self.fine.scale.iter().map(|s| *s > 0.0);
        base.iter().zip(cycle).zip(sea).map(|((b, c), sea)| if sea { (b - c) as f32 } else { 0.0 }).collect()
    }

    /// What one unit of a coastal correction is in units of the field's output, by fine pixel: the mean spread of all
    /// pixels, faded with the distance from land over `cells` cells.
    ///
    /// # Errors
    /// [`MethodError::Grid`](crate::methods::MethodError::Grid) from the search for land.
    pub(super) fn coastal_units(&self, cells: f64) -> MethodResult<Vec<f32>> {
        let land: Vec<bool> = self.sea().iter().map(|s| !s).collect();
        if !land.contains(&true) {
            return Ok(vec![0.0; land.len()]);
        }
        let nearest = nearest_valid(&land, self.fine.rows, self.fine.columns, false)?;
        let mean = f64::from(self.mean_scale());
        let unit = |(squared, scale): (_, &f32)| {
            let distance = f64::sqrt(squared as f64);
            if *scale > 0.0 { (mean * (-distance / cells).exp() / f64::from(*scale)) as f32 } else { 0.0 }
        };
        Ok(nearest.squared_distance.iter().copied().zip(&self.fine.scale).map(unit).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::normalisation::Formulation;
    use super::super::normalisation::tests::pond;
    use super::*;

    fn fitted(formulation: Formulation) -> Normalisation {
        let (coarse, fine) = pond(60, |day, y, x| 15.0 + (0.4 * day).sin() * (0.3 * x + 0.1 * y));
        Normalisation::fit(formulation, &coarse, &fine, &(0..60).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_base_departs_from_the_cycle_at_sea_alone() {
        let n = fitted(Formulation::Residual);
        let seconds = 30.0 * crate::grid::SECONDS_PER_DAY;
        let base: Vec<f64> = (0..1600).map(|i| n.fine_cycle(seconds, i) + 0.5).collect();
        let found = n.base_anomaly(&base, seconds);
        let sea = n.sea();
        assert!(found.iter().zip(&sea).all(|(a, sea)| if *sea { (a - 0.5).abs() < 1e-5 } else { *a == 0.0 }));
        // as published the network adds to the mean: nothing lies below its output
        let published = fitted(Formulation::Published);
        let mean = published.base_of(&[0.0; 64], &[crate::grid::Cell::Valid; 64], seconds).unwrap();
        assert!(published.base_anomaly(&mean, seconds).iter().all(|a| a.abs() < 1e-6));
    }

    #[test]
    fn the_mean_unit_is_that_of_the_sea_and_fades_from_the_coast() {
        let n = fitted(Formulation::Published);
        let at_sea: Vec<f32> = n.fine_scale().iter().copied().filter(|s| *s > 0.0).collect();
        let mean = at_sea.iter().sum::<f32>() / at_sea.len() as f32;
        assert!((n.mean_scale() - mean).abs() < 1e-5);
        let units = n.coastal_units(3.0).unwrap();
        // Ten land cells from the corner: the next one is one cell from land, the last of the row thirty.
        let kelvin = |i: usize| f64::from(units[i] * n.fine_scale()[i]);
        assert!((kelvin(10) - f64::from(mean) * (-1.0f64 / 3.0).exp()).abs() < 1e-4);
        assert!((kelvin(39) - f64::from(mean) * (-30.0f64 / 3.0).exp()).abs() < 1e-4 && units[0] == 0.0);
    }
}

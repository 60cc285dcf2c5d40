//! What drifters and moorings report of the synthetic ocean.

use super::super::observations::{Observation, Observations, Platform};
use super::synthetic::Twin;
use crate::base::random::Random;

/// Depth of a drifter's sensor, metres.
pub const DRIFTER_DEPTH_METRES: f64 = 0.2;

/// Depth of a mooring's sensor, metres.
pub const MOORING_DEPTH_METRES: f64 = 1.0;

/// Standard deviation of the gross errors, kelvin.
const GROSS_KELVIN: f64 = 2.0;

/// Step to which reports are rounded, kelvin.
const REPORT_KELVIN: f64 = 0.01;

impl Twin {
    /// Reports every 6 hours (00, 06, 12, 18 UTC) of drifters (0.2 m deep) and moorings (1 m).
    ///
    /// A report is the foundation temperature at the platform's true place and time, plus the diurnal warming
    /// at the sensor's depth, an offset of each drifter, noise of each reading, and what the grid does not
    /// resolve of a point's variability. A few per cent are gross errors, and have quality 1 or 2; the rest
    /// have 4 or 5.
    pub fn observations(&self) -> Observations {
        let instruments = &self.config.instruments;
        let (offsets, readings) = (Random::new(self.config.seed, "twin offsets"), Random::new(self.config.seed, "twin readings"));
        let report = |(index, sample): (usize, &super::platforms::Sample)| {
            let moored = (sample.platform as usize) < self.moorings;
            let mut random = readings.child(index as u64);
            let noise_kelvin = if moored { instruments.mooring_noise_kelvin } else { instruments.drifter_noise_kelvin };
            let offset =
                if moored { 0.0 } else { instruments.drifter_bias_kelvin * offsets.child(u64::from(sample.platform)).normal() };
            let depth = if moored { MOORING_DEPTH_METRES } else { DRIFTER_DEPTH_METRES };
            let warming = self.diurnal().warming(sample.seconds, sample.latitude, sample.longitude, depth);
            let noise = noise_kelvin * random.normal() + instruments.representativeness_kelvin * random.normal();
            let bad = random.uniform() < instruments.bad_fraction;
            let (gross, draw) = (GROSS_KELVIN * random.normal(), random.uniform());
            let celsius = sample.foundation_celsius + warming + offset + noise + if bad { gross } else { 0.0 };
            let (platform, letter) = if moored { (Platform::Mooring, 'M') } else { (Platform::Drifter, 'D') };
            Observation {
                time: sample.seconds,
                latitude: sample.latitude,
                longitude: sample.longitude,
                sst_celsius: (celsius / REPORT_KELVIN).round() * REPORT_KELVIN,
                depth_metres: Some(depth),
                platform_id: format!("TWIN{letter}{:05}", sample.platform),
                platform,
                quality: match (bad, draw) {
                    (true, d) if d < 0.5 => 1,
                    (true, _) => 2,
                    (false, d) if d < 0.2 => 4,
                    (false, _) => 5,
                },
            }
        };
        Observations(self.samples.iter().enumerate().map(report).collect())
    }

    /// What a radiometer without bias sees where and when each report of [`Twin::observations`] was made: the foundation
    /// temperature and noise of its own, degrees Celsius, in the order of the reports.
    pub fn radiometer(&self, noise_kelvin: f64, seed: u64) -> Vec<f64> {
        let stream = Random::new(seed, "twin radiometer");
        let pixel = |(index, sample): (usize, &super::platforms::Sample)| {
            sample.foundation_celsius + noise_kelvin * stream.child(index as u64).normal()
        };
        self.samples.iter().enumerate().map(pixel).collect()
    }

    /// The standard deviation, in kelvin, of a good report against the truth of foundation plus diurnal
    /// warming, as it was put in: a thing that only a twin can know, for checking what an analysis recovers.
    pub fn true_error_sd(&self, platform: Platform) -> f64 {
        let instruments = &self.config.instruments;
        let sensor = match platform {
            Platform::Mooring => instruments.mooring_noise_kelvin,
            _ => instruments.drifter_noise_kelvin.hypot(instruments.drifter_bias_kelvin),
        };
        sensor.hypot(instruments.representativeness_kelvin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::twin::{TwinConfig, local_solar_hour};

    fn deviation(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt())
    }

    #[test]
    fn the_radiometer_sees_the_foundation_with_its_noise_and_no_more() {
        let config = TwinConfig { seed: 3, cells: 96, days: 20, spin_up_days: 10, drifters: 150, ..TwinConfig::quick() };
        let twin = Twin::generate(&config, false).unwrap();
        let (quiet, noisy) = (twin.radiometer(0.0, 5), twin.radiometer(0.2, 5));
        let reports = twin.observations().0;
        assert_eq!((quiet.len(), noisy.len()), (reports.len(), reports.len()));
        let noise: Vec<f64> = noisy.iter().zip(&quiet).map(|(a, b)| a - b).collect();
        let (mean, spread) = deviation(&noise);
        // thousands of readings: the spread is known to about 1 %
        assert!(noise.len() > 3000 && mean.abs() < 0.02 && (spread / 0.2 - 1.0).abs() < 0.05, "{} {mean} {spread}", noise.len());
        // good drifters at night, when there is no diurnal warming, differ from the foundation by their own error alone
        let errors: Vec<f64> = reports
            .iter()
            .zip(&quiet)
            .filter(|(o, _)| o.platform == Platform::Drifter && o.quality >= 4)
            .filter(|(o, _)| (2.0..=7.0).contains(&local_solar_hour(o.time, o.longitude)))
            .map(|(o, foundation)| o.sst_celsius - foundation)
            .collect();
        let (_, spread) = deviation(&errors);
        let wanted = twin.true_error_sd(Platform::Drifter);
        assert!(errors.len() > 200 && (spread / wanted - 1.0).abs() < 0.12, "{} {spread} {wanted}", errors.len());
    }
}

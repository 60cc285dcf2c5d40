//! Triple collocation on the twin: drifters, the fine analysis and a simulated radiometer.

use std::collections::BTreeMap;

use crate::data::twin::{Twin, local_solar_hour};
use crate::data::{DataResult, Observation, Platform};
use crate::grid::Field;
use crate::paper::products;
use crate::score::{
    CollocationInterval, Interpolation, MatchRule, Point, Resampling, ScoreResult, TripleCollocation, collocation_intervals,
    match_field, triple_collocation,
};

/// Which observations count, and the third instrument.
#[derive(Clone, Copy, Debug)]
pub struct TripletRule {
    /// Observations of lower quality are left out.
    pub minimum_quality: u8,
    /// Local solar hours between which observations count.
    pub night_hours: (f64, f64),
    /// Standard deviation of the radiometer's noise, kelvin.
    pub radiometer_noise_kelvin: f64,
    /// Seed of the noise.
    pub seed: u64,
}

/// Three views of the same water, drifter by drifter in order of time.
#[derive(Clone, Debug, Default)]
pub struct Triplets {
    /// What the drifter reports, degrees Celsius.
    pub drifter: Vec<f64>,
    /// The fine analysis there and then.
    pub analysis: Vec<f64>,
    /// The radiometer's pixel.
    pub radiometer: Vec<f64>,
    /// Number of drifters.
    pub drifters: usize,
}

/// The triplets of some days of the twin.
///
/// The radiometer is simulated: the truth at the place and time plus independent noise. Triple collocation recovers an error
/// exactly where only *one* of the three is smoothed. The analysis is, in space and, between the days, in time: what that takes
/// away is common to the other two, whose errors come out right, and counts as error of the analysis.
///
/// # Errors
/// From the twin and the score floor.
pub fn triplets(twin: &Twin, days: &[usize], rule: &TripletRule) -> DataResult<ScoreResult<Triplets>> {
    let analysis = products::frames(&twin.fine_analysis()?, days)?;
    let radiometer = twin.radiometer(rule.radiometer_noise_kelvin, rule.seed);
    Ok(collocate(&twin.observations().0, &radiometer, &analysis, rule))
}

fn collocate(observations: &[Observation], radiometer: &[f64], analysis: &Field, rule: &TripletRule) -> ScoreResult<Triplets> {
    let (first, last) = match analysis.time().seconds() {
        [first, .., last] => (*first, *last),
        _ => return Ok(Triplets::default()),
    };
    let mut by_drifter: BTreeMap<&str, Vec<(&Observation, f64)>> = BTreeMap::new();
    for (o, pixel) in observations.iter().zip(radiometer) {
        let hour = local_solar_hour(o.time, o.longitude);
        let at_night = hour >= rule.night_hours.0 && hour <= rule.night_hours.1;
        // Beyond the last frame nothing could be interpolated.
        let within = (first..=last).contains(&o.time);
        if o.platform == Platform::Drifter && o.quality >= rule.minimum_quality && at_night && within {
            by_drifter.entry(&o.platform_id).or_default().push((o, *pixel));
        }
    }
    let own: Vec<(&Observation, f64)> = by_drifter.into_values().flatten().collect();
    let points: Vec<Point> = own
        .iter()
        .map(|(o, _)| Point { time: o.time, latitude: o.latitude, longitude: o.longitude, quality: o.quality })
        .collect();
    let spacing = analysis.latitude().spacing().abs().max(analysis.longitude().spacing().abs());
    let matching = MatchRule {
        radius_degrees: 0.75 * spacing,
        time_window_seconds: 12.0 * 3600.0,
        interpolation: Interpolation::Trilinear,
        minimum_quality: rule.minimum_quality,
        minimum_weight: 1.0,
    };
    let mut found = Triplets::default();
    let mut platforms = std::collections::BTreeSet::new();
    for ((o, pixel), analysis) in own.iter().zip(match_field(analysis, &points, &matching)?) {
        if let Some(analysis) = analysis {
            found.drifter.push(o.sst_celsius);
            found.analysis.push(analysis.value);
            found.radiometer.push(*pixel);
            platforms.insert(&o.platform_id);
        }
    }
    found.drifters = platforms.len();
    Ok(found)
}

/// Errors of drifter, analysis and radiometer, with intervals over runs of `block` triplets.
///
/// # Errors
/// As [`triple_collocation`] and [`collocation_intervals`].
pub fn errors_of(
    t: &Triplets,
    block: usize,
    resamples: usize,
    seed: u64,
) -> ScoreResult<(TripleCollocation, [CollocationInterval; 3])> {
    let found = triple_collocation(&t.drifter, &t.analysis, &t.radiometer, None)?;
    let plan = Resampling::Circular { block };
    let intervals = collocation_intervals(&t.drifter, &t.analysis, &t.radiometer, None, plan, resamples, 0.95, seed)?;
    Ok((found, intervals))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;
    use crate::grid::{Axis, AxisKind, Mask, TimeAxis, Unit};

    const DAY: f64 = 86_400.0;

    /// 10 + day at each cell, on two days.
    fn rising() -> Field {
        let axis = |kind| Axis::regular(kind, 0.5, 1.0, 3).unwrap();
        let values = (0..18).map(|i| if i < 9 { 10.0 } else { 11.0 }).collect();
        let time = TimeAxis::from_seconds(vec![0.0, DAY]).unwrap();
        Field::new("sst", values, Mask::all_valid(18), time, axis(AxisKind::Latitude), axis(AxisKind::Longitude), Unit::Celsius)
            .unwrap()
    }

    fn report(time: f64, platform: Platform, quality: u8) -> Observation {
        Observation {
            time,
            latitude: 1.2,
            longitude: 1.7,
            sst_celsius: 10.3,
            depth_metres: None,
            platform_id: "A".into(),
            platform,
            quality,
        }
    }

    #[test]
    fn only_good_drifters_at_night_within_the_period_count() {
        let rule = TripletRule { minimum_quality: 4, night_hours: (2.0, 7.0), radiometer_noise_kelvin: 0.0, seed: 1 };
        let six = 0.25 * DAY;
        let observations = [
            report(six, Platform::Drifter, 5),
            report(six, Platform::Drifter, 2),
            report(six, Platform::Mooring, 5),
            report(2.0 * six, Platform::Drifter, 5), // noon
            report(DAY + six, Platform::Drifter, 5), // after the last frame
        ];
        let found = collocate(&observations, &[10.1, 10.2, 10.3, 10.4, 10.5], &rising(), &rule).unwrap();
        assert_eq!((found.drifter, found.radiometer, found.drifters), (vec![10.3], vec![10.1], 1));
        // a quarter of the way from 10 to 11
        assert!((found.analysis[0] - 10.25).abs() < 1e-6);
    }

    #[test]
    fn errors_are_recovered_though_one_of_the_three_is_smoothed() {
        // truth = a + b; the analysis sees a alone, as a smoothed product would
        let mut random = Random::new(3, "test");
        let mut t = Triplets::default();
        for _ in 0..20_000 {
            let (a, b) = (2.0 * random.normal(), 0.3 * random.normal());
            t.drifter.push(a + b + 0.15 * random.normal());
            t.analysis.push(a + 0.1 * random.normal());
            t.radiometer.push(a + b + 0.2 * random.normal());
        }
        let (found, intervals) = errors_of(&t, 20, 200, 1).unwrap();
        for (set, (want, interval)) in found.sets.iter().zip([0.15, 0.1f64.hypot(0.3), 0.2].iter().zip(&intervals)) {
            let got = set.error_deviation();
            assert!((got / want - 1.0).abs() < 0.03, "{got} {want}");
            assert!(interval.error_deviation.lower < got && got < interval.error_deviation.upper);
        }
    }
}

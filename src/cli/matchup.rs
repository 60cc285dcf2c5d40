//! `isotherm match`: the values of a field at the user's observations.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;

use super::apply::open_field;
use crate::base::files::write_atomic;
use crate::data::Platform;
use crate::data::products::delimited::{Coordinate, Layout, read};
use crate::grid::Unit;
use crate::score::{Interpolation, MatchRule, Pairs, Point, match_field};

/// Match a sea-surface temperature field with in-situ observations (CSV with time, latitude, longitude, sst).
#[derive(Debug, Args)]
pub struct MatchCommand {
    /// NetCDF file with the field.
    field: PathBuf,
    /// CSV with the columns time (ISO 8601, UTC), latitude, longitude, sst (degrees Celsius), platform_id.
    observations: PathBuf,
    /// CSV to write: one row a match.
    output: PathBuf,
    /// The variable; without it, the only gridded one.
    #[arg(long)]
    variable: Option<String>,
    /// Largest distance to the nearest cell's centre, in degrees of arc; without it, three quarters of a cell.
    #[arg(long)]
    radius_degrees: Option<f64>,
    /// Largest time between observation and field, in hours.
    #[arg(long, default_value_t = 12.0)]
    window_hours: f64,
    /// Take the nearest cell instead of bilinear interpolation.
    #[arg(long)]
    nearest: bool,
}

const LAYOUT: Layout = Layout {
    what: "observation table",
    separator: b',',
    lines_after_header: 0,
    time: "time",
    latitude: Coordinate::Column("latitude"),
    longitude: Coordinate::Column("longitude"),
    temperature: "sst",
    depth_metres: None,
    platform_id: Ok("platform_id"),
    platform: Platform::Other,
};

/// Carries the command out.
///
/// # Errors
/// One sentence: a damaged file, a missing column, no overlap of field and observations.
pub fn run(command: MatchCommand) -> anyhow::Result<()> {
    let field = open_field(&command.field, command.variable.as_deref())?.to_unit(Unit::Celsius)?;
    let observations = read(&command.observations, &LAYOUT)?;
    let spacing = field.latitude().spacing().abs().max(field.longitude().spacing().abs());
    let rule = MatchRule {
        radius_degrees: command.radius_degrees.unwrap_or(0.75 * spacing),
        time_window_seconds: command.window_hours * 3600.0,
        interpolation: if command.nearest { Interpolation::Nearest } else { Interpolation::Bilinear },
        minimum_quality: 1,
        minimum_weight: 0.5,
    };
    let points: Vec<Point> = observations
        .0
        .iter()
        .map(|o| Point { time: o.time, latitude: o.latitude, longitude: o.longitude, quality: o.quality })
        .collect();
    let matches = match_field(&field, &points, &rule)?;
    let mut text = String::from(
        "platform_id,time_seconds,latitude,longitude,in_situ_celsius,field_celsius,distance_degrees,time_difference_seconds\n",
    );
    let mut pairs = Pairs::default();
    for (observation, found) in observations.0.iter().zip(&matches) {
        if let Some(found) = found {
            pairs.add(observation.sst_celsius, found.value, 1.0)?;
            let _ = writeln!(
                text,
                "{},{:.0},{:.5},{:.5},{:.4},{:.4},{:.5},{:.0}",
                observation.platform_id,
                observation.time,
                observation.latitude,
                observation.longitude,
                observation.sst_celsius,
                found.value,
                found.distance_degrees,
                found.time_difference_seconds
            );
        }
    }
    if pairs.count() == 0 {
        bail!(
            "no overlap: none of {} observations lies within {:.3} degrees and {} hours of a sea cell of {}; check area, dates and longitudes",
            observations.len(),
            rule.radius_degrees,
            command.window_hours,
            command.field.display()
        );
    }
    write_atomic(&command.output, text.as_bytes()).with_context(|| format!("cannot write {}", command.output.display()))?;
    println!(
        "{} of {} observations matched: bias {:+.3} K (field minus in situ), RMSE {:.3} K",
        pairs.count(),
        observations.len(),
        pairs.bias()?,
        pairs.rmse()?
    );
    Ok(())
}

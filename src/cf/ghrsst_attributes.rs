//! What a GHRSST file says of itself: the caller's [`GhrsstMetadata`] and the global attributes made of it.

use chrono::{DateTime, Utc};

use super::error::{CfError, CfResult};
use super::write::Provenance;
use crate::base::hash::sha256_parts;
use crate::grid::{Field, instant};

/// What GDS2 wants to know of a product.
#[derive(Clone, Debug, PartialEq)]
pub struct GhrsstMetadata {
    /// Title, history, source, references; `extra` holds further attributes and wins over the defaults.
    pub provenance: Provenance,
    /// Who made it.
    pub institution: String,
    /// `REGION-PRODUCER-L4-...`: the product's short name.
    pub id: String,
    /// Version of the product.
    pub product_version: String,
    /// Terms of use.
    pub licence: String,
    /// When the file is made, in seconds since 1970: given, so that the same input makes the same file.
    pub created_seconds: f64,
    /// Seconds that one analysis covers.
    pub period_seconds: f64,
}

/// GDS2's global attributes; those of the caller win.
pub(super) fn global_attributes(sst: &Field, metadata: &GhrsstMetadata) -> CfResult<Provenance> {
    let at = sst.time().seconds()[0];
    let (lat, lon) = (sst.latitude().edges(), sst.longitude().edges());
    let spacing = sst.latitude().spacing().abs();
    let stamp = |seconds: f64| -> CfResult<String> {
        let time: Option<DateTime<Utc>> = instant(seconds);
        time.map(|t| t.format("%Y%m%dT%H%M%SZ").to_string())
            .ok_or_else(|| CfError::Argument(format!("{seconds} seconds since 1970 is not a time that GHRSST can name")))
    };
    let half = 0.5 * metadata.period_seconds;
    let (start, stop) = (stamp(at - half)?, stamp(at + half)?);
    let content: Vec<u8> = sst.values().iter().flat_map(|v| v.to_le_bytes()).collect();
    let hash = sha256_parts([("id", metadata.id.as_bytes()), ("start", start.as_bytes()), ("sst", content.as_slice())]);
    let degrees = |value: f64| format!("{value:.6}").trim_end_matches('0').trim_end_matches('.').to_string();
    let defaults: [(&str, String); 36] = [
        ("summary", metadata.provenance.title.clone()),
        ("institution", metadata.institution.clone()),
        ("comment", "written by isotherm".into()),
        ("license", metadata.licence.clone()),
        ("id", metadata.id.clone()),
        ("naming_authority", "org.ghrsst".into()),
        ("product_version", metadata.product_version.clone()),
        ("uuid", uuid(&hash)),
        ("gds_version_id", "2.0".into()),
        ("netcdf_version_id", "4".into()),
        ("date_created", stamp(metadata.created_seconds)?),
        ("file_quality_level", "3".into()),
        ("spatial_resolution", format!("{} degree", degrees(spacing))),
        ("start_time", start.clone()),
        ("time_coverage_start", start),
        ("stop_time", stop.clone()),
        ("time_coverage_end", stop),
        ("southernmost_latitude", degrees(lat[0])),
        ("northernmost_latitude", degrees(lat[lat.len() - 1])),
        ("westernmost_longitude", degrees(lon[0])),
        ("easternmost_longitude", degrees(lon[lon.len() - 1])),
        ("platform", "not stated".into()),
        ("sensor", "not stated".into()),
        ("Metadata_Conventions", "Unidata Dataset Discovery v1.0".into()),
        ("metadata_link", "not stated".into()),
        ("keywords", "Oceans > Ocean Temperature > Sea Surface Temperature".into()),
        ("keywords_vocabulary", "NASA Global Change Master Directory (GCMD) Science Keywords".into()),
        ("standard_name_vocabulary", "NetCDF Climate and Forecast (CF) Metadata Convention".into()),
        ("geospatial_lat_units", "degrees_north".into()),
        ("geospatial_lat_resolution", degrees(spacing)),
        ("geospatial_lon_units", "degrees_east".into()),
        ("geospatial_lon_resolution", degrees(sst.longitude().spacing().abs())),
        ("creator_name", metadata.institution.clone()),
        ("project", "Group for High Resolution Sea Surface Temperature".into()),
        ("processing_level", "L4".into()),
        ("cdm_data_type", "grid".into()),
    ];
    let mut provenance = metadata.provenance.clone();
    for (key, text) in defaults {
        provenance.extra.entry(key.to_string()).or_insert(text);
    }
    Ok(provenance)
}

/// A UUID of version 8 (free form) from a hash, so that the same content has the same one.
fn uuid(hash: &str) -> String {
    format!("{}-{}-8{}-8{}-{}", &hash[..8], &hash[8..12], &hash[12..15], &hash[15..18], &hash[18..30])
}

#[cfg(test)]
mod tests {
    use super::super::ghrsst::tests::analysis;
    use super::*;

    #[test]
    fn the_same_analysis_has_the_same_uuid_and_another_another() {
        let (field, metadata) = analysis();
        let uuid_of = |f: &Field| global_attributes(f, &metadata).unwrap().extra["uuid"].clone();
        assert_eq!(uuid_of(&field), uuid_of(&field));
        let warmer = field.with_values(field.values().iter().map(|v| v + 1.0).collect(), field.mask().clone()).unwrap();
        assert_ne!(uuid_of(&field), uuid_of(&warmer));
    }

    #[test]
    fn the_caller_wins_over_the_defaults() {
        let (field, mut metadata) = analysis();
        metadata.provenance.extra.insert("platform".into(), "Metop-B".into());
        let attributes = global_attributes(&field, &metadata).unwrap().extra;
        assert_eq!((attributes["platform"].as_str(), attributes["sensor"].as_str()), ("Metop-B", "not stated"));
    }
}

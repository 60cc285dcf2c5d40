//! Analyses in the layout of GHRSST's L4 products.
//!
//! # Reference
//! GHRSST Science Team, Piollé, Armstrong, Casey and Donlon (2022), The Recommended GHRSST Data
//! Specification (GDS), 2.1 revision 0. doi:10.5281/zenodo.6984989

use std::path::Path;

use super::attribute::Attribute;
use super::builder::{Builder, Container, write_file};
use super::coordinates::{FILTERS, bytes, define_axis, define_time, frame_chunks, put_axis, time_values};
use super::error::{CfError, CfResult};
use super::ghrsst_attributes::{GhrsstMetadata, global_attributes};
use super::packing::{INT16_FILL, Packing, Settled};
use super::raw::{ElementType, Raw};
use super::time_units::TimeUnits;
use super::write::{Epoch, put_provenance};
use crate::grid::{Cell, Direction, Field, Unit};

const BYTE_FILL: i8 = i8::MIN;
const WATER: i8 = 1;
const LAND: i8 = 2;
const ICE: i8 = 8;

/// Writes one day's analysis as a GDS2 L4 file: `analysed_sst` (int16, 0.01 K from 273.15 K),
/// `analysis_error` (int16, 0.01 K), `sea_ice_fraction` (int8, 0.01) where given, and `mask` with bits
/// for water, land, lake, sea ice and river. An absent error estimate is written as all fill.
///
/// # Errors
/// [`CfError::Argument`] where a field has more than one instant, another grid, or values that the packing
/// does not hold; [`CfError::Library`] and [`CfError::File`] where writing fails.
pub fn write_ghrsst(
    path: &Path,
    analysed_sst: &Field,
    analysis_error: Option<&Field>,
    sea_ice_fraction: Option<&Field>,
    metadata: &GhrsstMetadata,
) -> CfResult<()> {
    let argument = |text: String| CfError::Argument(text);
    if analysed_sst.frames() != 1 || analysed_sst.latitude().direction() == Direction::Descending {
        return Err(argument(format!(
            "a GHRSST L4 file holds one analysis from south to north; {} were given",
            analysed_sst.frames()
        )));
    }
    for other in [analysis_error, sea_ice_fraction].into_iter().flatten() {
        if !other.same_grid(analysed_sst) {
            return Err(argument(format!("'{}' does not share grid and time with '{}'", other.name(), analysed_sst.name())));
        }
    }
    let in_unit = |field: &Field, unit: Unit| field.to_unit(unit).map_err(|e| argument(format!("'{}': {e}", field.name())));
    let sst = in_unit(analysed_sst, Unit::Kelvin)?;
    let error = analysis_error.map(as_difference).transpose()?;
    let ice = sea_ice_fraction.map(|f| in_unit(f, Unit::One)).transpose()?;
    let sst_packing = Packing::Int16 { scale: 0.01, offset: 273.15 }.settle(&sst)?;
    let error_packing = Settled::Int16 { scale: 0.01, offset: 0.0 };
    if let Some(error) = &error {
        Packing::Int16 { scale: 0.01, offset: 0.0 }.settle(error)?;
    }
    let ice_bytes = ice.as_ref().map(fraction_bytes).transpose()?;
    let units = TimeUnits::parse(Epoch::Ghrsst.units(), "standard")?;
    let seconds = time_values(sst.time(), &units)?.iter().map(|s| s.round() as i32).collect();
    let [_, rows, columns] = sst.shape();
    write_file(path, Container::Netcdf4, |file| {
        file.unlimited_dimension("time", 1)?;
        file.dimension("lat", rows)?;
        file.dimension("lon", columns)?;
        put_provenance(file, &global_attributes(&sst, metadata)?)?;
        define_time(file, sst.time(), &units, ElementType::I32)?;
        define_axis(file, "lat", sst.latitude(), false)?;
        define_axis(file, "lon", sst.longitude(), false)?;
        define_variables(file, rows, columns, sst_packing, ice_bytes.is_some(), error.is_some())?;
        file.put("time", &Raw::I32(seconds))?;
        put_axis(file, "lat", sst.latitude(), false)?;
        put_axis(file, "lon", sst.longitude(), false)?;
        file.put("analysed_sst", &sst_packing.encode(&sst, 0))?;
        let no_error = || Raw::I16(vec![INT16_FILL; rows * columns]);
        file.put("analysis_error", &error.as_ref().map_or_else(no_error, |e| error_packing.encode(e, 0)))?;
        if let Some(ice) = ice_bytes {
            file.put("sea_ice_fraction", &Raw::I8(ice))?;
        }
        file.put("mask", &Raw::I8(sst.frame_mask(0).iter().map(|c| mask_bits(*c)).collect()))
    })
}

/// An error field in kelvin, whose unit may be written as kelvin or as a difference.
fn as_difference(field: &Field) -> CfResult<Field> {
    match field.unit() {
        Unit::Kelvin | Unit::KelvinDifference => Ok(field.clone()),
        other => Err(CfError::Argument(format!("'{}' is in {other}; an error in kelvin is wanted", field.name()))),
    }
}

fn mask_bits(cell: Cell) -> i8 {
    match cell {
        Cell::Valid | Cell::Cloud => WATER,
        Cell::Land => LAND,
        Cell::Ice => WATER | ICE,
        Cell::Missing => BYTE_FILL,
    }
}

fn fraction_bytes(field: &Field) -> CfResult<Vec<i8>> {
    let cells = field.values().iter().zip(field.mask().cells());
    cells
        .map(|(v, c)| match c.is_valid() {
            true if (-0.005..=1.005).contains(v) => Ok((f64::from(*v) * 100.0).round() as i8),
            true => Err(CfError::Argument(format!("'{}' holds the sea ice fraction {v}; 0 to 1 is wanted", field.name()))),
            false => Ok(BYTE_FILL),
        })
        .collect()
}

fn define_variables(file: &mut Builder, rows: usize, columns: usize, sst: Settled, ice: bool, error: bool) -> CfResult<()> {
    let Settled::Int16 { scale, offset } = sst else {
        return Err(CfError::Argument("a GHRSST file packs temperature into int16".into()));
    };
    type Row<'a> = (&'a str, ElementType, Vec<(&'a str, Attribute)>);
    let temperature: Row = (
        "analysed_sst",
        ElementType::I16,
        vec![
            ("_FillValue", INT16_FILL.into()),
            ("long_name", "analysed sea surface temperature".into()),
            ("standard_name", "sea_surface_foundation_temperature".into()),
            ("units", "kelvin".into()),
            ("scale_factor", scale.into()),
            ("add_offset", offset.into()),
            ("valid_min", (-300i16).into()),
            ("valid_max", 4500i16.into()),
        ],
    );
    let comment = if error { "standard deviation" } else { "not estimated: every cell is fill" };
    let uncertainty: Row = (
        "analysis_error",
        ElementType::I16,
        vec![
            ("_FillValue", INT16_FILL.into()),
            ("long_name", "estimated error standard deviation of analysed_sst".into()),
            ("units", "kelvin".into()),
            ("scale_factor", 0.01f64.into()),
            ("add_offset", 0.0f64.into()),
            ("valid_min", 0i16.into()),
            ("valid_max", 32767i16.into()),
            ("comment", comment.into()),
        ],
    );
    let sea_ice: Row = (
        "sea_ice_fraction",
        ElementType::I8,
        vec![
            ("_FillValue", BYTE_FILL.into()),
            ("long_name", "sea ice area fraction".into()),
            ("standard_name", "sea_ice_area_fraction".into()),
            ("units", "1".into()),
            ("scale_factor", 0.01f64.into()),
            ("add_offset", 0.0f64.into()),
            ("valid_min", 0i8.into()),
            ("valid_max", 100i8.into()),
        ],
    );
    let mask: Row = (
        "mask",
        ElementType::I8,
        vec![
            ("_FillValue", BYTE_FILL.into()),
            ("long_name", "land sea ice lake bit mask".into()),
            ("flag_masks", bytes(&[1, 2, 4, 8, 16])),
            ("flag_meanings", "water land optional_lake_surface sea_ice optional_river_surface".into()),
            ("valid_min", 1i8.into()),
            ("valid_max", 31i8.into()),
        ],
    );
    for (name, element, attributes) in [temperature, uncertainty, sea_ice, mask] {
        if name == "sea_ice_fraction" && !ice {
            continue;
        }
        file.variable(name, element, &["time", "lat", "lon"])?;
        file.storage(name, &frame_chunks(rows, columns, element), FILTERS)?;
        for (key, value) in attributes {
            file.attribute(Some(name), key, value)?;
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::dataset::Dataset;
    use super::super::field::{ReadOptions, read_field};
    use super::super::validate::validate;
    use super::super::write::Provenance;
    use super::*;
    use crate::grid::{Axis, AxisKind, Mask, TimeAxis, seconds_of_date};

    pub fn analysis() -> (Field, GhrsstMetadata) {
        let lat = Axis::regular(AxisKind::Latitude, 30.025, 0.05, 3).unwrap();
        let lon = Axis::regular(AxisKind::Longitude, 120.025, 0.05, 4).unwrap();
        let noon = seconds_of_date(chrono::NaiveDate::from_ymd_opt(2020, 2, 29).unwrap()) + 43_200.0;
        let time = TimeAxis::from_seconds(vec![noon]).unwrap();
        let mut cells = vec![Cell::Valid; 12];
        (cells[1], cells[2], cells[3]) = (Cell::Land, Cell::Ice, Cell::Missing);
        let values = (0..12).map(|i| 20.0 + i as f32 * 0.137).collect();
        let field = Field::new("sst", values, Mask::from_cells(cells), time, lat, lon, Unit::Celsius).unwrap();
        let metadata = GhrsstMetadata {
            provenance: Provenance { title: "t".into(), history: "h".into(), ..Provenance::default() },
            institution: "i".into(),
            id: "ISO-L4-TEST".into(),
            product_version: "1.0".into(),
            licence: "MIT".into(),
            created_seconds: 0.0,
            period_seconds: 86_400.0,
        };
        (field, metadata)
    }

    #[test]
    fn an_analysis_has_the_layout_of_gds2() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l4.nc");
        let (field, metadata) = analysis();
        write_ghrsst(&path, &field, None, None, &metadata).unwrap();
        assert_eq!(validate(&path).unwrap(), vec![]);
        let dataset = Dataset::open(&path).unwrap();
        assert_eq!(dataset.raw("mask").unwrap(), Raw::I8(vec![1, 2, 9, -128, 1, 1, 1, 1, 1, 1, 1, 1]));
        // 2020-02-29 12:00 is 14303.5 days after 1981-01-01 (39 years, 10 leap days to 2020-01-01, 59 days and a half)
        assert_eq!(dataset.raw("time").unwrap(), Raw::I32(vec![14_303 * 86_400 + 43_200]));
        // 20 degC = 293.15 K = 273.15 + 2000 * 0.01
        assert_eq!(dataset.raw_slab("analysed_sst", &[0..1, 0..1, 0..2]).unwrap(), Raw::I16(vec![2000, INT16_FILL]));
        let text = |name: &str| dataset.global_attributes().get(name).and_then(Attribute::text).unwrap().to_string();
        assert_eq!(text("start_time"), "20200229T000000Z");
        assert_eq!(text("northernmost_latitude"), "30.15");
        let options = ReadOptions { unit: Some(Unit::Celsius), ..ReadOptions::default() };
        let back = read_field(&dataset, "analysed_sst", &options).unwrap();
        for (got, (want, cell)) in back.values().iter().zip(field.values().iter().zip(field.mask().cells())) {
            // half a step of 0.01 K and the rounding of f32 near 300
            assert!(!cell.is_valid() || (got - want).abs() < 0.005 + 4e-5, "{got} {want}");
        }
        assert_eq!(read_field(&dataset, "analysis_error", &ReadOptions::default()).unwrap().unit(), Unit::KelvinDifference);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l4.nc");
        let (field, metadata) = analysis();
        let hot = field.with_values(vec![900.0; 12], field.mask().clone()).unwrap();
        assert!(write_ghrsst(&path, &hot, None, None, &metadata).is_err());
        let ice = Field::new(
            "ice",
            vec![1.5; 12],
            Mask::all_valid(12),
            field.time().clone(),
            field.latitude().clone(),
            field.longitude().clone(),
            Unit::One,
        )
        .unwrap();
        assert!(write_ghrsst(&path, &field, None, Some(&ice), &metadata).is_err());
        assert!(!path.exists());
    }
}

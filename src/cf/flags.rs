//! Why a cell has no value, as a CF flag variable: `flag_values` and `flag_meanings`.

use super::attribute::Attribute;
use super::dataset::{Dataset, Variable};
use super::error::CfResult;
use crate::grid::Cell;

/// Each kind of cell with the word of `flag_meanings`; the value in the file is the cell's number.
pub(super) const MEANINGS: [(Cell, &str); 5] =
    [(Cell::Valid, "valid"), (Cell::Land, "land"), (Cell::Ice, "ice"), (Cell::Cloud, "cloud"), (Cell::Missing, "missing")];

/// An ancillary variable of flags, and which value means which cell.
pub(super) struct Flags {
    pub variable: String,
    /// Do the meanings name every kind of cell?
    pub complete: bool,
    meanings: Vec<(f64, Cell)>,
}

impl Flags {
    /// The cell that a flag value stands for.
    pub fn cell(&self, value: f32) -> Option<Cell> {
        self.meanings.iter().find(|(v, _)| *v == f64::from(value)).map(|(_, c)| *c)
    }
}

/// The first ancillary variable of `facts` whose flags have meanings of this house.
pub(super) fn cells_of_flags(dataset: &Dataset, facts: &Variable) -> CfResult<Option<Flags>> {
    for name in facts.text("ancillary_variables").unwrap_or("").split_whitespace().filter(|n| dataset.has(n)) {
        let flag = dataset.variable(name)?;
        let values = flag.attributes.get("flag_values").and_then(Attribute::numbers).unwrap_or(&[]);
        let words: Vec<&str> = flag.text("flag_meanings").unwrap_or("").split_whitespace().collect();
        let known = |word: &str| MEANINGS.iter().find(|(_, m)| *m == word).map(|(c, _)| *c);
        let meanings: Vec<(f64, Cell)> = values.iter().zip(&words).filter_map(|(v, w)| known(w).map(|cell| (*v, cell))).collect();
        if !meanings.is_empty() {
            let complete = MEANINGS.iter().all(|(cell, _)| meanings.iter().any(|(_, c)| c == cell));
            return Ok(Some(Flags { variable: name.to_string(), complete, meanings }));
        }
    }
    Ok(None)
}

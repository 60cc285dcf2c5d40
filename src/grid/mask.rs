//! Why a cell has no value: land, ice, cloud, or simply missing.

use serde::{Deserialize, Serialize};

use super::error::{GridError, GridResult};

/// The state of one cell. Only [`Cell::Valid`] cells carry a meaningful value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Cell {
    /// The value may be used.
    Valid = 0,
    /// Land or lake outside the domain of the field.
    Land = 1,
    /// Sea ice.
    Ice = 2,
    /// Hidden by cloud.
    Cloud = 3,
    /// No value, for no stated reason.
    Missing = 4,
}

impl Cell {
    /// Is the value usable?
    pub fn is_valid(self) -> bool {
        self == Cell::Valid
    }
}

/// One [`Cell`] for each value of a field, in the same order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Mask(Vec<Cell>);

impl Mask {
    /// A mask of `len` valid cells.
    pub fn all_valid(len: usize) -> Mask {
        Mask(vec![Cell::Valid; len])
    }

    /// A mask from its cells.
    pub fn from_cells(cells: Vec<Cell>) -> Mask {
        Mask(cells)
    }

    /// `true` becomes [`Cell::Valid`], `false` becomes `otherwise`.
    pub fn from_valid(valid: &[bool], otherwise: Cell) -> Mask {
        Mask(valid.iter().map(|v| if *v { Cell::Valid } else { otherwise }).collect())
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// No cells at all?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The cells.
    pub fn cells(&self) -> &[Cell] {
        &self.0
    }

    /// The cells, to be changed in place.
    pub fn cells_mut(&mut self) -> &mut [Cell] {
        &mut self.0
    }

    /// Is cell `index` valid?
    pub fn is_valid(&self, index: usize) -> bool {
        self.0[index].is_valid()
    }

    /// Number of valid cells.
    pub fn count_valid(&self) -> usize {
        self.0.iter().filter(|c| c.is_valid()).count()
    }

    /// Valid as booleans.
    pub fn to_valid(&self) -> Vec<bool> {
        self.0.iter().map(|c| c.is_valid()).collect()
    }

    /// Valid where both are; elsewhere the reason of `self`, else that of `other`.
    ///
    /// # Errors
    /// [`GridError::Shape`] where the lengths differ.
    pub fn and(&self, other: &Mask) -> GridResult<Mask> {
        if self.len() != other.len() {
            return Err(GridError::Shape { what: "masks to combine", found: vec![other.len()], wanted: vec![self.len()] });
        }
        Ok(Mask(self.0.iter().zip(&other.0).map(|(a, b)| if a.is_valid() { *b } else { *a }).collect()))
    }
}

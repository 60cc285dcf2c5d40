//! [`Raster`]: a small picture of at most 256 colours, laid into a drawing as one element.

use super::colour_map::Colour;
use super::error::{FigureResult, refuse};

/// An indexed picture. Index 0 is clear (what lies beneath shows through); index `i > 0` is
/// `palette[i - 1]`. Rows run from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raster {
    columns: usize,
    rows: usize,
    palette: Vec<Colour>,
    indices: Vec<u8>,
}

impl Raster {
    /// A raster from its indices, in rows from the top.
    ///
    /// # Errors
    /// [`FigureError::Argument`](super::FigureError) where the sizes do not fit, the palette holds more
    /// than 255 colours, or an index has no colour.
    pub fn new(columns: usize, rows: usize, palette: Vec<Colour>, indices: Vec<u8>) -> FigureResult<Raster> {
        if columns == 0 || rows == 0 || indices.len() != columns * rows {
            return refuse(format!("a raster of {columns} x {rows} cells needs as many indices; {} were given", indices.len()));
        }
        if palette.len() > 255 {
            return refuse(format!("a raster has at most 255 colours; {} were given", palette.len()));
        }
        if let Some(bad) = indices.iter().find(|i| usize::from(**i) > palette.len()) {
            return refuse(format!("index {bad} of a raster has no colour in a palette of {}", palette.len()));
        }
        Ok(Raster { columns, rows, palette, indices })
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The colours of the indices from 1 on.
    pub fn palette(&self) -> &[Colour] {
        &self.palette
    }

    /// The indices, in rows from the top.
    pub fn indices(&self) -> &[u8] {
        &self.indices
    }

    /// The colour of a cell, or `None` where it is clear.
    pub fn colour(&self, row: usize, column: usize) -> Option<Colour> {
        match self.indices[row * self.columns + column] {
            0 => None,
            index => Some(self.palette[usize::from(index) - 1]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_by_index() {
        let raster = Raster::new(2, 1, vec![Colour::BLACK, Colour::WHITE], vec![0, 2]).unwrap();
        assert_eq!((raster.colour(0, 0), raster.colour(0, 1)), (None, Some(Colour::WHITE)));
    }

    #[test]
    fn misfits_are_refused() {
        assert!(Raster::new(2, 2, vec![Colour::BLACK], vec![0; 3]).is_err());
        assert!(Raster::new(1, 1, vec![Colour::BLACK], vec![2]).is_err());
        assert!(Raster::new(1, 1, vec![Colour::BLACK; 256], vec![0]).is_err());
        assert!(Raster::new(0, 1, vec![], vec![]).is_err());
    }
}

//! A NetCDF file of observations, read column by column.

use std::path::Path;

use crate::cf::{Dataset, Decoded, Raw, text_of};
use crate::data::{DataError, DataResult};
use crate::grid::Unit;

/// One file with the means to say what is wrong with it.
pub(super) struct Columns {
    dataset: Dataset,
}

impl Columns {
    pub fn open(path: &Path) -> DataResult<Columns> {
        Ok(Columns { dataset: Dataset::open(path)? })
    }

    pub fn fail(&self, problem: impl Into<String>) -> DataError {
        DataError::Content { what: self.dataset.path().display().to_string(), problem: problem.into() }
    }

    pub fn has(&self, name: &str) -> bool {
        self.dataset.has(name)
    }

    pub fn numbers(&self, name: &str) -> DataResult<Decoded> {
        Ok(self.dataset.read(name)?)
    }

    /// The column, or `None` where the file has none of that name.
    pub fn optional(&self, name: &str) -> DataResult<Option<Decoded>> {
        if self.has(name) { self.numbers(name).map(Some) } else { Ok(None) }
    }

    /// Temperatures in degrees Celsius, by the variable's own unit.
    pub fn celsius(&self, name: &str) -> DataResult<Decoded> {
        let mut column = self.numbers(name)?;
        let Some(text) = text_of(&column.attributes, "units") else {
            return Err(self.fail(format!("has a '{name}' without units; kelvin or degree_Celsius is wanted")));
        };
        let (factor, offset) = Unit::parse(text)
            .and_then(|unit| unit.conversion(Unit::Celsius))
            .map_err(|e| self.fail(format!("has a '{name}' that is no temperature: {e}")))?;
        column.values.iter_mut().for_each(|v| *v = factor * *v + offset);
        Ok(column)
    }

    /// Identifiers: texts, rows of characters (blanks and NULs at the end cut off), or whole numbers.
    pub fn texts(&self, name: &str) -> DataResult<Option<Vec<String>>> {
        if !self.has(name) {
            return Ok(None);
        }
        let rows = self.dataset.variable(name)?.shape.first().copied().unwrap_or(1);
        Ok(Some(match self.dataset.raw(name)? {
            Raw::Text(texts) => texts.into_iter().map(|t| t.trim().to_string()).collect(),
            Raw::Char(bytes) => {
                let trimmed =
                    |row: &[u8]| String::from_utf8_lossy(row).trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_string();
                bytes.chunks((bytes.len() / rows.max(1)).max(1)).map(trimmed).collect()
            }
            numbers => match numbers.to_i64() {
                Some(whole) => whole.iter().map(i64::to_string).collect(),
                None => {
                    return Err(self.fail(format!(
                        "has a '{name}' of {}; texts or whole numbers are wanted",
                        numbers.element_type().name()
                    )));
                }
            },
        }))
    }

    /// Quality flags, by profile or by sample: digits as characters, or small numbers. Anything else counts as 9.
    pub fn digits(&self, name: &str, profiles: usize, levels: usize) -> DataResult<Option<Vec<u8>>> {
        if !self.has(name) {
            return Ok(None);
        }
        let digit = |number: i64| u8::try_from(number).ok().filter(|d| *d < 9).unwrap_or(9);
        let digits: Vec<u8> = match self.dataset.raw(name)? {
            Raw::Char(bytes) => bytes.iter().map(|b| digit(i64::from(*b) - i64::from(b'0'))).collect(),
            Raw::Text(texts) => texts.iter().map(|t| digit(t.trim().parse().unwrap_or(9))).collect(),
            other => match other.to_i64() {
                Some(numbers) => numbers.into_iter().map(digit).collect(),
                None => return Err(self.fail(format!("has a '{name}' of {}; digits are wanted", other.element_type().name()))),
            },
        };
        if digits.len() != profiles && digits.len() != profiles * levels {
            return Err(self.fail(format!("has {} flags '{name}' for {profiles} profiles of {levels} levels", digits.len())));
        }
        Ok(Some(digits))
    }
}

//! [`Dataset`]: an open NetCDF file whose header has been checked and read.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::attribute::{Attribute, Attributes};
use super::classic;
use super::error::{CfError, CfResult};
use super::foreign::{GLOBAL, Refusal};
use super::library::{Filters, Handle};
use super::raw::{ElementType, Raw};

/// The container around the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// NetCDF-3 in one of its three widths: no checksums, no compression.
    Classic,
    /// NetCDF-4, that is HDF5.
    Hdf5,
}

/// A named length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// Its length.
    pub len: usize,
    /// Can it grow?
    pub unlimited: bool,
}

/// What a file says of one of its variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Type of its elements in the file.
    pub element: ElementType,
    /// Names of its dimensions, slowest first.
    pub dimensions: Vec<String>,
    /// Lengths of its dimensions.
    pub shape: Vec<usize>,
    /// Its attributes.
    pub attributes: Attributes,
    /// How its chunks are stored.
    pub filters: Filters,
    pub(super) fills: bool,
    id: i32,
}

impl Variable {
    /// The text of an attribute, or `None` where it is absent or numeric.
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).and_then(Attribute::text)
    }

    /// The first number of an attribute, or `None` where it is absent or a text.
    pub fn number(&self, attribute: &str) -> Option<f64> {
        self.attributes.get(attribute).and_then(Attribute::numbers).and_then(|n| n.first().copied())
    }
}

/// An open file: dimensions, variables and attributes of its root group are in memory, data are read
/// when asked for. It may be shared between threads; reads wait for each other, because the C library
/// is not thread safe.
#[derive(Debug)]
pub struct Dataset {
    path: PathBuf,
    format: Format,
    dimensions: Vec<Dimension>,
    variables: Vec<Variable>,
    attributes: Attributes,
    handle: Handle,
}

impl Dataset {
    /// Opens a NetCDF-3 (classic, 64-bit offset, CDF-5) or NetCDF-4 file.
    ///
    /// Of a NetCDF-3 file the header is parsed first and the length compared with it, since netCDF-C
    /// reads a truncated one silently wrong. (A bit changed inside the data of such a file cannot be
    /// noticed by anyone: the format has no checksums.)
    ///
    /// # Errors
    /// [`CfError::File`], [`CfError::NotNetcdf`], [`CfError::Truncated`], [`CfError::Damaged`].
    ///
    /// # Example
    /// ```
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("note.nc");
    /// std::fs::write(&path, "hello").unwrap();
    /// let error = isotherm::cf::Dataset::open(&path).unwrap_err();
    /// assert!(error.to_string().contains("is not a NetCDF file"));
    /// ```
    pub fn open(path: &Path) -> CfResult<Dataset> {
        let format = check_container(path)?;
        let damaged = |refusal: Refusal| CfError::Damaged { path: path.to_path_buf(), problem: refusal.0 };
        let handle = Handle::open(path).map_err(damaged)?;
        let facts = handle.dimensions().map_err(damaged)?;
        let (variable_count, attribute_count) = handle.counts().map_err(damaged)?;
        let attributes_of = |id: i32, count: usize| -> CfResult<Attributes> {
            let mut attributes = Attributes::new();
            for number in 0..count {
                if let Some((name, value)) = handle.attribute(id, number).map_err(damaged)? {
                    attributes.insert(name, value);
                }
            }
            Ok(attributes)
        };
        let mut variables = Vec::with_capacity(variable_count.min(1 << 16));
        for number in 0..variable_count {
            let id = number as i32;
            let variable = handle.variable(id).map_err(damaged)?;
            let mut dimensions = Vec::new();
            let mut shape = Vec::new();
            for wanted in &variable.dimensions {
                let Some(found) = facts.iter().find(|d| d.id == *wanted) else {
                    return Err(damaged(Refusal(format!("variable '{}' has an unknown dimension", variable.name))));
                };
                dimensions.push(found.name.clone());
                shape.push(found.len);
            }
            variables.push(Variable {
                name: variable.name,
                element: variable.element,
                dimensions,
                shape,
                attributes: attributes_of(id, variable.attribute_count)?,
                filters: handle.filters(id),
                fills: handle.fills(id),
                id,
            });
        }
        let attributes = attributes_of(GLOBAL, attribute_count)?;
        let dimensions = facts.into_iter().map(|d| Dimension { name: d.name, len: d.len, unlimited: d.unlimited }).collect();
        Ok(Dataset { path: path.to_path_buf(), format, dimensions, variables, attributes, handle })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// NetCDF-3 or NetCDF-4?
    pub fn format(&self) -> Format {
        self.format
    }

    /// The dimensions of the root group.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// The variables of the root group, in file order.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The global attributes.
    pub fn global_attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Is there a variable of this name?
    pub fn has(&self, name: &str) -> bool {
        self.variables.iter().any(|v| v.name == name)
    }

    /// What the file says of a variable.
    ///
    /// # Errors
    /// [`CfError::MissingVariable`] lists the names there are.
    pub fn variable(&self, name: &str) -> CfResult<&Variable> {
        self.variables.iter().find(|v| v.name == name).ok_or_else(|| CfError::MissingVariable {
            path: self.path.clone(),
            wanted: name.to_string(),
            found: match self.variables.len() {
                0 => "none".to_string(),
                _ => self.variables.iter().map(|v| v.name.as_str()).collect::<Vec<_>>().join(", "),
            },
        })
    }

    /// The attributes of a variable.
    ///
    /// # Errors
    /// [`CfError::MissingVariable`].
    pub fn attributes(&self, variable: &str) -> CfResult<&Attributes> {
        Ok(&self.variable(variable)?.attributes)
    }

    /// All elements of a variable as stored: no mask, no scale.
    ///
    /// # Errors
    /// [`CfError::MissingVariable`]; [`CfError::Damaged`] where the library refuses, for instance
    /// because a checksum does not fit.
    pub fn raw(&self, variable: &str) -> CfResult<Raw> {
        let whole: Vec<Range<usize>> = self.variable(variable)?.shape.iter().map(|n| 0..*n).collect();
        self.raw_slab(variable, &whole)
    }

    /// The elements of a block as stored: one range for each dimension.
    ///
    /// # Errors
    /// As [`Dataset::raw`], and [`CfError::Layout`] where the ranges do not fit the shape.
    pub fn raw_slab(&self, variable: &str, ranges: &[Range<usize>]) -> CfResult<Raw> {
        let facts = self.variable(variable)?;
        let fits =
            ranges.len() == facts.shape.len() && ranges.iter().zip(&facts.shape).all(|(r, n)| r.start <= r.end && r.end <= *n);
        if !fits {
            return Err(self.layout(variable, format!("has shape {:?}, in which the block {ranges:?} does not lie", facts.shape)));
        }
        let start: Vec<usize> = ranges.iter().map(|r| r.start).collect();
        let count: Vec<usize> = ranges.iter().map(ExactSizeIterator::len).collect();
        self.handle.read(facts.id, facts.element, &start, &count).map_err(|refusal| CfError::Damaged {
            path: self.path.clone(),
            problem: format!("variable '{variable}' cannot be read ({})", refusal.0),
        })
    }

    pub(super) fn layout(&self, variable: &str, problem: String) -> CfError {
        CfError::Layout { path: self.path.clone(), variable: variable.to_string(), problem }
    }
}

/// NetCDF-3 or HDF5 by the first bytes; a NetCDF-3 file must be as long as its header says.
fn check_container(path: &Path) -> CfResult<Format> {
    let failed = |source| CfError::File { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    if facts.is_dir() {
        return Err(failed(std::io::Error::new(std::io::ErrorKind::IsADirectory, "is a folder; a NetCDF file is wanted")));
    }
    let mut magic = Vec::new();
    file.by_ref().take(8).read_to_end(&mut magic).map_err(failed)?;
    match magic.as_slice() {
        [b'C', b'D', b'F', version @ (1 | 2 | 5), ..] => {
            let version = *version;
            let again = File::open(path).map_err(failed)?;
            classic::check(path, again, facts.len(), version)?;
            Ok(Format::Classic)
        }
        [0x89, b'H', b'D', b'F', b'\r', b'\n', 0x1a, b'\n'] => Ok(Format::Hdf5),
        [] => Err(CfError::NotNetcdf { path: path.to_path_buf(), found: "nothing (the file is empty)".into() }),
        other => {
            let printable = other.iter().all(|b| b.is_ascii_graphic() || *b == b' ');
            let found = if printable {
                format!("'{}'", String::from_utf8_lossy(other))
            } else {
                other.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
            };
            Err(CfError::NotNetcdf { path: path.to_path_buf(), found })
        }
    }
}

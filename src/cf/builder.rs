//! [`Builder`]: a NetCDF file made variable by variable: what the writers stand on, and the way to
//! write a file of any layout (tests of readers, for instance).

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::attribute::Attribute;
use super::error::{CfError, CfResult};
use super::foreign::{GLOBAL, Refusal};
use super::library::{Filters, Handle};
use super::raw::{ElementType, Raw};
use crate::base::files::write_atomic;

/// The kind of file to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// NetCDF-3 classic.
    Classic,
    /// NetCDF-3 with 64-bit offsets.
    Offset64,
    /// NetCDF-3 with 64-bit data (CDF-5).
    Data64,
    /// NetCDF-4 (HDF5): the only one with compression and checksums.
    Netcdf4,
}

struct Defined {
    name: String,
    id: i32,
    element: ElementType,
    shape: Vec<usize>,
}

/// A file being made. Define dimensions, variables and attributes first, then put the data.
pub struct Builder {
    path: PathBuf,
    handle: Handle,
    dimensions: Vec<(String, i32, usize)>,
    variables: Vec<Defined>,
    defining: bool,
}

/// Makes a file with `make` in memory, writes it under a temporary name, flushes it to the disk and
/// renames it. It takes memory for the whole (compressed) file.
///
/// # Errors
/// The error of `make`, [`CfError::Library`] where the library refuses, [`CfError::File`] where the disk does
/// (no space, no permission); `path` is then as it was before.
///
/// # Example
/// ```
/// use isotherm::cf::{Container, Dataset, ElementType, Raw, write_file};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("a.nc");
/// write_file(&path, Container::Classic, |file| {
///     file.dimension("x", 3)?;
///     file.variable("v", ElementType::I16, &["x"])?;
///     file.attribute(Some("v"), "scale_factor", 0.5)?;
///     file.put("v", &Raw::I16(vec![1, 2, 3]))
/// }).unwrap();
/// assert_eq!(Dataset::open(&path).unwrap().read("v").unwrap().values, vec![0.5, 1.0, 1.5]);
/// ```
pub fn write_file(path: &Path, container: Container, make: impl FnOnce(&mut Builder) -> CfResult<()>) -> CfResult<()> {
    let mode = match container {
        Container::Classic => 0,
        Container::Offset64 => 0x0200,
        Container::Data64 => 0x0020,
        Container::Netcdf4 => 0x1000,
    };
    let failed = |action: &str, refusal: Refusal| CfError::Library {
        path: path.to_path_buf(),
        action: action.to_string(),
        problem: refusal.0,
    };
    let handle = Handle::create(mode).map_err(|r| failed("beginning the file", r))?;
    let mut builder = Builder { path: path.to_path_buf(), handle, dimensions: Vec::new(), variables: Vec::new(), defining: true };
    make(&mut builder)?;
    builder.end_definitions()?;
    let image = builder.handle.finish().map_err(|r| failed("completing the file", r))?;
    write_atomic(path, image.bytes()).map_err(|source| CfError::File { path: path.to_path_buf(), source })
}

impl Builder {
    fn failed(&self, action: String) -> impl FnOnce(Refusal) -> CfError + use<> {
        let path = self.path.clone();
        move |refusal| CfError::Library { path, action, problem: refusal.0 }
    }

    /// Adds a dimension of fixed length.
    ///
    /// # Errors
    /// [`CfError::Library`] (a bad or repeated name), [`CfError::Argument`] for a length of 0.
    pub fn dimension(&mut self, name: &str, len: usize) -> CfResult<()> {
        if len == 0 {
            return Err(CfError::Argument(format!("dimension '{name}' of length 0 cannot be written")));
        }
        let id = self.handle.define_dimension(name, Some(len)).map_err(self.failed(format!("defining dimension '{name}'")))?;
        self.dimensions.push((name.to_string(), id, len));
        Ok(())
    }

    /// Adds a dimension that readers may extend; `len` is the length to be written now.
    ///
    /// # Errors
    /// [`CfError::Library`].
    pub fn unlimited_dimension(&mut self, name: &str, len: usize) -> CfResult<()> {
        let id = self.handle.define_dimension(name, None).map_err(self.failed(format!("defining dimension '{name}'")))?;
        self.dimensions.push((name.to_string(), id, len));
        Ok(())
    }

    /// Adds a variable, stored plainly.
    ///
    /// # Errors
    /// [`CfError::Library`]; [`CfError::Argument`] for a dimension that was not added.
    pub fn variable(&mut self, name: &str, element: ElementType, dimensions: &[&str]) -> CfResult<()> {
        let mut ids = Vec::new();
        let mut shape = Vec::new();
        for wanted in dimensions {
            let Some((_, id, len)) = self.dimensions.iter().find(|(n, _, _)| n == wanted) else {
                return Err(CfError::Argument(format!("variable '{name}' needs dimension '{wanted}', which was not added")));
            };
            ids.push(*id);
            shape.push(*len);
        }
        let id = self.handle.define_variable(name, element, &ids).map_err(self.failed(format!("defining variable '{name}'")))?;
        self.variables.push(Defined { name: name.to_string(), id, element, shape });
        Ok(())
    }

    /// Stores a variable of a NetCDF-4 file in chunks of the given sizes, with filters. A variable
    /// without dimensions is left as it is.
    ///
    /// # Errors
    /// [`CfError::Library`]; [`CfError::Argument`] where the sizes are not one for each dimension.
    pub fn storage(&mut self, name: &str, chunks: &[usize], filters: Filters) -> CfResult<()> {
        let variable = self.find(name)?;
        if chunks.len() != variable.shape.len() || chunks.contains(&0) {
            return Err(CfError::Argument(format!("chunks {chunks:?} do not fit the shape {:?} of '{name}'", variable.shape)));
        }
        if chunks.is_empty() {
            return Ok(());
        }
        let failed = self.failed(format!("setting the storage of '{name}'"));
        self.handle.define_storage(variable.id, chunks, filters).map_err(failed)
    }

    /// Sets an attribute of a variable, or a global one.
    ///
    /// # Errors
    /// [`CfError::Library`]; [`CfError::Argument`] for a variable that was not added.
    pub fn attribute(&mut self, variable: Option<&str>, name: &str, value: impl Into<Attribute>) -> CfResult<()> {
        let id = variable.map_or(Ok(GLOBAL), |v| self.find(v).map(|found| found.id))?;
        let failed = self.failed(format!("setting attribute '{name}'"));
        self.handle.put_attribute(id, name, &value.into()).map_err(failed)
    }

    /// Writes all of a variable.
    ///
    /// # Errors
    /// As [`Builder::put_slab`].
    pub fn put(&mut self, name: &str, values: &Raw) -> CfResult<()> {
        let whole: Vec<Range<usize>> = self.find(name)?.shape.iter().map(|n| 0..*n).collect();
        self.put_slab(name, &whole, values)
    }

    /// Writes a block of a variable. Nothing can be defined afterwards.
    ///
    /// # Errors
    /// [`CfError::Argument`] where type, block or number of values do not fit; [`CfError::Library`].
    pub fn put_slab(&mut self, name: &str, ranges: &[Range<usize>], values: &Raw) -> CfResult<()> {
        self.end_definitions()?;
        let variable = self.find(name)?;
        let fits = ranges.len() == variable.shape.len()
            && ranges.iter().zip(&variable.shape).all(|(r, n)| r.start <= r.end && r.end <= *n)
            && ranges.iter().map(ExactSizeIterator::len).product::<usize>() == values.len();
        if !fits || values.element_type() != variable.element {
            return Err(CfError::Argument(format!(
                "{} values of {} do not fit the block {ranges:?} of '{name}' ({} of shape {:?})",
                values.len(),
                values.element_type().name(),
                variable.element.name(),
                variable.shape
            )));
        }
        let start: Vec<usize> = ranges.iter().map(|r| r.start).collect();
        let count: Vec<usize> = ranges.iter().map(ExactSizeIterator::len).collect();
        let failed = self.failed(format!("writing variable '{name}'"));
        self.handle.write(variable.id, &start, &count, values).map_err(failed)
    }

    fn find(&self, name: &str) -> CfResult<&Defined> {
        self.variables
            .iter()
            .find(|v| v.name == name)
            .ok_or_else(|| CfError::Argument(format!("variable '{name}' was not added to the file")))
    }

    fn end_definitions(&mut self) -> CfResult<()> {
        if std::mem::replace(&mut self.defining, false) {
            self.handle.end_definitions().map_err(self.failed("ending the definitions".into()))?;
        }
        Ok(())
    }
}

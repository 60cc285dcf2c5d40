//! A NetCDF file in a few lines: dimensions, then variables with their attributes and elements.

use std::path::PathBuf;

use isotherm::cf::{Attribute, Container, Raw, write_file};

/// Attributes of a variable.
pub type Notes<'a> = &'a [(&'a str, Attribute)];

struct Variable {
    name: String,
    dimensions: Vec<String>,
    elements: Raw,
    attributes: Vec<(String, Attribute)>,
}

/// The file to be.
pub struct Sketch {
    container: Container,
    dimensions: Vec<(String, usize)>,
    variables: Vec<Variable>,
}

/// A file on the disk, which goes with its folder.
pub struct Written {
    pub path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Sketch {
    pub fn new(container: Container) -> Sketch {
        Sketch { container, dimensions: Vec::new(), variables: Vec::new() }
    }

    pub fn dimension(mut self, name: &str, len: usize) -> Sketch {
        self.dimensions.push((name.into(), len));
        self
    }

    pub fn variable(mut self, name: &str, dimensions: &[&str], elements: Raw, attributes: Notes) -> Sketch {
        self.variables.push(Variable {
            name: name.into(),
            dimensions: dimensions.iter().map(|d| d.to_string()).collect(),
            elements,
            attributes: attributes.iter().map(|(n, a)| (n.to_string(), a.clone())).collect(),
        });
        self
    }

    /// A dimension with its coordinate variable.
    pub fn coordinate(self, name: &str, elements: Raw, units: &str) -> Sketch {
        let len = elements.len();
        self.dimension(name, len).variable(name, &[name], elements, &[("units", units.into())])
    }

    pub fn write(&self) -> Written {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("product.nc");
        write_file(&path, self.container, |file| {
            for (name, len) in &self.dimensions {
                file.dimension(name, *len)?;
            }
            for variable in &self.variables {
                let dimensions: Vec<&str> = variable.dimensions.iter().map(String::as_str).collect();
                file.variable(&variable.name, variable.elements.element_type(), &dimensions)?;
                for (name, value) in &variable.attributes {
                    file.attribute(Some(&variable.name), name, value.clone())?;
                }
            }
            self.variables.iter().try_for_each(|v| file.put(&v.name, &v.elements))
        })
        .unwrap();
        Written { path, _folder: folder }
    }
}

/// `first, first + step, ...` as single precision, the way files store coordinates.
pub fn floats(first: f64, step: f64, len: usize) -> Raw {
    Raw::F32((0..len).map(|i| (first + step * i as f64) as f32).collect())
}

/// The same in double precision.
pub fn doubles(first: f64, step: f64, len: usize) -> Raw {
    Raw::F64((0..len).map(|i| first + step * i as f64).collect())
}

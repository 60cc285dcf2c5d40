//! [`Attribute`]: a note in a file, on a variable or on the whole.

use std::collections::BTreeMap;

use super::raw::ElementType;

/// The value of an attribute. The stored type is kept: it decides the precision of unpacking.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text (several texts of a list are joined by line breaks).
    Text(String),
    /// One or more numbers.
    Numbers {
        /// The numbers (64-bit integers beyond 2^53 are rounded).
        values: Vec<f64>,
        /// Their type in the file.
        stored: ElementType,
    },
}

/// Attributes by name.
pub type Attributes = BTreeMap<String, Attribute>;

impl Attribute {
    /// One number of a stated type.
    pub fn number(value: f64, stored: ElementType) -> Attribute {
        Attribute::Numbers { values: vec![value], stored }
    }

    /// The text, or `None` for numbers.
    pub fn text(&self) -> Option<&str> {
        match self {
            Attribute::Text(text) => Some(text),
            Attribute::Numbers { .. } => None,
        }
    }

    /// The numbers, or `None` for a text.
    pub fn numbers(&self) -> Option<&[f64]> {
        match self {
            Attribute::Text(_) => None,
            Attribute::Numbers { values, .. } => Some(values),
        }
    }

    /// The type in the file.
    pub fn stored(&self) -> ElementType {
        match self {
            Attribute::Text(_) => ElementType::Char,
            Attribute::Numbers { stored, .. } => *stored,
        }
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Attribute {
        Attribute::Text(text.to_string())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Attribute {
        Attribute::Text(text)
    }
}

impl From<f32> for Attribute {
    fn from(value: f32) -> Attribute {
        Attribute::number(f64::from(value), ElementType::F32)
    }
}

impl From<f64> for Attribute {
    fn from(value: f64) -> Attribute {
        Attribute::number(value, ElementType::F64)
    }
}

impl From<i8> for Attribute {
    fn from(value: i8) -> Attribute {
        Attribute::number(f64::from(value), ElementType::I8)
    }
}

impl From<i16> for Attribute {
    fn from(value: i16) -> Attribute {
        Attribute::number(f64::from(value), ElementType::I16)
    }
}

impl From<i32> for Attribute {
    fn from(value: i32) -> Attribute {
        Attribute::number(f64::from(value), ElementType::I32)
    }
}

impl From<&[i8]> for Attribute {
    fn from(values: &[i8]) -> Attribute {
        Attribute::Numbers { values: values.iter().map(|v| f64::from(*v)).collect(), stored: ElementType::I8 }
    }
}

impl From<&[i16]> for Attribute {
    fn from(values: &[i16]) -> Attribute {
        Attribute::Numbers { values: values.iter().map(|v| f64::from(*v)).collect(), stored: ElementType::I16 }
    }
}

impl From<&[f32]> for Attribute {
    fn from(values: &[f32]) -> Attribute {
        Attribute::Numbers { values: values.iter().map(|v| f64::from(*v)).collect(), stored: ElementType::F32 }
    }
}

/// The text of attribute `name`, or `None` where it is absent or numeric.
pub fn text_of<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.get(name).and_then(Attribute::text)
}

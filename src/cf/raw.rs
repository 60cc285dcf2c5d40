//! [`Raw`]: the numbers of a variable exactly as the file stores them.

/// The default fill of both float types (NC_FILL_FLOAT).
pub(super) const DEFAULT_FLOAT_FILL: f64 = 9.969_209_968_386_869e36;

/// What one element of a variable is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// Signed byte.
    I8,
    /// Unsigned byte.
    U8,
    /// 16-bit integer.
    I16,
    /// Unsigned 16-bit integer.
    U16,
    /// 32-bit integer.
    I32,
    /// Unsigned 32-bit integer.
    U32,
    /// 64-bit integer.
    I64,
    /// Unsigned 64-bit integer.
    U64,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// One character of a fixed-length text.
    Char,
    /// A text of its own.
    Text,
    /// A compound, enumerated or other user type, which isotherm does not read.
    Other,
}

impl ElementType {
    /// The fill that the library writes into cells never written; none for bytes, whose every value is used.
    pub(super) fn default_fill(self) -> Option<f64> {
        match self {
            ElementType::I16 => Some(-32767.0),
            ElementType::U16 => Some(65535.0),
            ElementType::I32 => Some(-2_147_483_647.0),
            ElementType::U32 => Some(4_294_967_295.0),
            ElementType::F32 | ElementType::F64 => Some(DEFAULT_FLOAT_FILL),
            // -9223372036854775806 and 18446744073709551614, as f64
            ElementType::I64 => Some(-9_223_372_036_854_775_808.0),
            ElementType::U64 => Some(18_446_744_073_709_551_616.0),
            _ => None,
        }
    }

    /// Is it a number?
    pub fn is_number(self) -> bool {
        !matches!(self, ElementType::Char | ElementType::Text | ElementType::Other)
    }

    /// Is it an integer, signed or not?
    pub fn is_integer(self) -> bool {
        self.is_number() && !self.is_float()
    }

    /// Is it a floating-point number?
    pub fn is_float(self) -> bool {
        matches!(self, ElementType::F32 | ElementType::F64)
    }

    /// Bytes of one element in the file; 0 where that is not fixed.
    pub fn bytes(self) -> usize {
        match self {
            ElementType::I8 | ElementType::U8 | ElementType::Char => 1,
            ElementType::I16 | ElementType::U16 => 2,
            ElementType::I32 | ElementType::U32 | ElementType::F32 => 4,
            ElementType::I64 | ElementType::U64 | ElementType::F64 => 8,
            ElementType::Text | ElementType::Other => 0,
        }
    }

    /// The name used in messages (`int16`, `float32`, ...).
    pub fn name(self) -> &'static str {
        match self {
            ElementType::I8 => "int8",
            ElementType::U8 => "uint8",
            ElementType::I16 => "int16",
            ElementType::U16 => "uint16",
            ElementType::I32 => "int32",
            ElementType::U32 => "uint32",
            ElementType::I64 => "int64",
            ElementType::U64 => "uint64",
            ElementType::F32 => "float32",
            ElementType::F64 => "float64",
            ElementType::Char => "char",
            ElementType::Text => "string",
            ElementType::Other => "user-defined",
        }
    }

    /// Can `value` be stored in this type without change? (NaN only in floats.)
    pub fn holds(self, value: f64) -> bool {
        match self {
            ElementType::I8 => f64::from(value as i8) == value,
            ElementType::U8 => f64::from(value as u8) == value,
            ElementType::I16 => f64::from(value as i16) == value,
            ElementType::U16 => f64::from(value as u16) == value,
            ElementType::I32 => f64::from(value as i32) == value,
            ElementType::U32 => f64::from(value as u32) == value,
            ElementType::I64 => value as i64 as f64 == value,
            ElementType::U64 => value as u64 as f64 == value,
            ElementType::F32 | ElementType::F64 => true,
            ElementType::Char | ElementType::Text | ElementType::Other => false,
        }
    }
}

/// The stored elements, in file order and in their stored type: neither masked nor unpacked.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw {
    /// Signed bytes.
    I8(Vec<i8>),
    /// Unsigned bytes.
    U8(Vec<u8>),
    /// 16-bit integers.
    I16(Vec<i16>),
    /// Unsigned 16-bit integers.
    U16(Vec<u16>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// Unsigned 32-bit integers.
    U32(Vec<u32>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// Unsigned 64-bit integers.
    U64(Vec<u64>),
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
    /// Characters, as bytes.
    Char(Vec<u8>),
    /// Texts.
    Text(Vec<String>),
}

/// Runs one expression for whichever vector of numbers is inside; `$text` answers for the rest.
macro_rules! for_numbers {
    ($raw:expr, $values:ident => $number:expr, $text:expr) => {
        match $raw {
            Raw::I8($values) => $number,
            Raw::U8($values) => $number,
            Raw::I16($values) => $number,
            Raw::U16($values) => $number,
            Raw::I32($values) => $number,
            Raw::U32($values) => $number,
            Raw::I64($values) => $number,
            Raw::U64($values) => $number,
            Raw::F32($values) => $number,
            Raw::F64($values) => $number,
            Raw::Char(_) | Raw::Text(_) => $text,
        }
    };
}

impl Raw {
    /// The type of the elements.
    pub fn element_type(&self) -> ElementType {
        match self {
            Raw::I8(_) => ElementType::I8,
            Raw::U8(_) => ElementType::U8,
            Raw::I16(_) => ElementType::I16,
            Raw::U16(_) => ElementType::U16,
            Raw::I32(_) => ElementType::I32,
            Raw::U32(_) => ElementType::U32,
            Raw::I64(_) => ElementType::I64,
            Raw::U64(_) => ElementType::U64,
            Raw::F32(_) => ElementType::F32,
            Raw::F64(_) => ElementType::F64,
            Raw::Char(_) => ElementType::Char,
            Raw::Text(_) => ElementType::Text,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Raw::Char(values) => values.len(),
            Raw::Text(values) => values.len(),
            numbers => for_numbers!(numbers, values => values.len(), 0),
        }
    }

    /// No element at all?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[allow(clippy::unnecessary_cast)] // needed for all but one of the types that the macro goes through
    /// The numbers as `f64` (64-bit integers beyond 2^53 are rounded); `None` for texts.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        for_numbers!(self, values => Some(values.iter().map(|v| *v as f64).collect()), None)
    }

    #[allow(clippy::unnecessary_cast)] // as above
    /// The integers as `i64`; `None` for floats, texts, and unsigned numbers that do not fit.
    pub fn to_i64(&self) -> Option<Vec<i64>> {
        match self {
            Raw::F32(_) | Raw::F64(_) => None,
            Raw::U64(values) => values.iter().map(|v| i64::try_from(*v).ok()).collect(),
            other => for_numbers!(other, values => Some(values.iter().map(|v| *v as i64).collect()), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_holds_what_it_can_store() {
        assert!(ElementType::I16.holds(-32768.0) && !ElementType::I16.holds(32768.0) && !ElementType::I16.holds(0.5));
        assert!(!ElementType::I32.holds(f64::NAN) && ElementType::F32.holds(f64::NAN));
        assert!(!ElementType::U8.holds(-1.0) && !ElementType::Char.holds(1.0));
    }

    #[test]
    fn only_integers_become_integers() {
        assert_eq!(Raw::U16(vec![65535]).to_i64(), Some(vec![65535]));
        assert_eq!(Raw::F32(vec![1.0]).to_i64(), None);
        assert_eq!(Raw::U64(vec![u64::MAX]).to_i64(), None);
        assert_eq!(Raw::Char(vec![65]).to_f64(), None);
    }
}

//! From stored elements to values: masks, unsigned bytes, scale and offset.

use std::ops::Range;

use super::attribute::{Attribute, Attributes};
use super::dataset::{Dataset, Variable};
use super::error::{CfError, CfResult};
use super::raw::{DEFAULT_FLOAT_FILL, ElementType, Raw};

/// Relative closeness to the library's default fill of floats: old writers stored it through decimal text.
const DEFAULT_FILL_TOLERANCE: f64 = 1e-6;

/// A variable's values, unpacked, with a flag for each that says whether it may be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The values; where `valid` is false the value is NaN and means nothing.
    pub values: Vec<f64>,
    /// May the value be used?
    pub valid: Vec<bool>,
    /// Lengths of the dimensions.
    pub shape: Vec<usize>,
    /// Names of the dimensions, slowest first.
    pub dimensions: Vec<String>,
    /// The variable's attributes, as stored.
    pub attributes: Attributes,
}

impl Dataset {
    /// All values of a variable, masked and unpacked as [`Decoding`] says.
    ///
    /// # Errors
    /// As [`Dataset::raw`], and [`CfError::Attribute`] or [`CfError::Layout`] where the variable is a
    /// text or its packing attributes are not numbers.
    pub fn read(&self, variable: &str) -> CfResult<Decoded> {
        let whole: Vec<Range<usize>> = self.variable(variable)?.shape.iter().map(|n| 0..*n).collect();
        self.read_slab(variable, &whole)
    }

    /// The values of a block: one range for each dimension. For files larger than memory.
    ///
    /// # Errors
    /// As [`Dataset::read`], and [`CfError::Layout`] where the ranges do not fit the shape.
    pub fn read_slab(&self, variable: &str, ranges: &[Range<usize>]) -> CfResult<Decoded> {
        let facts = self.variable(variable)?;
        let decoding = Decoding::of(self, facts)?;
        let (values, valid) = decoding.apply(&self.raw_slab(variable, ranges)?);
        Ok(Decoded {
            values,
            valid,
            shape: ranges.iter().map(ExactSizeIterator::len).collect(),
            dimensions: facts.dimensions.clone(),
            attributes: facts.attributes.clone(),
        })
    }
}

/// How one variable is decoded. Where the usual readers differ, these rules hold:
///
/// | rule | here | as |
/// |---|---|---|
/// | `_FillValue`, `missing_value` (one or a list) | masked | both; NaN included |
/// | no `_FillValue`, filling not switched off | the type's default fill is masked, except for bytes | netCDF4-python; xarray keeps it |
/// | `valid_range`, else `valid_min`, `valid_max` | masked, compared in packed units | netCDF4-python; xarray keeps such values |
/// | a mask attribute that the type cannot hold | ignored | netCDF4-python |
/// | `_Unsigned = "true"` on signed integers | read as unsigned; masks too | both |
/// | `_Unsigned = "false"` on unsigned integers | read as signed | xarray; netCDF4-python ignores it |
/// | scale and offset float32, integers of at most 16 bits or float32 | float32 arithmetic | both |
/// | otherwise | float64 arithmetic | both |
/// | scale or offset a text | refused | both raise |
/// | NaN without any attribute | not valid | of this house |
#[derive(Clone, Debug)]
pub struct Decoding {
    element: ElementType,
    reread_sign: bool,
    missing: Vec<f64>,
    near_fill: bool,
    low: f64,
    high: f64,
    scale: Option<(f64, bool)>,
    offset: Option<(f64, bool)>,
}

impl Decoding {
    /// Reads a variable's masking and packing attributes.
    ///
    /// # Errors
    /// [`CfError::Layout`] for a variable of texts, [`CfError::Attribute`] where scale or offset is
    /// not one number.
    pub fn of(dataset: &Dataset, variable: &Variable) -> CfResult<Decoding> {
        let element = variable.element;
        if !element.is_number() {
            let problem = format!("holds {} elements; numbers are wanted", element.name());
            return Err(dataset.layout(&variable.name, problem));
        }
        let unsigned_text = variable.text("_Unsigned").map(str::to_ascii_lowercase);
        let signed = matches!(element, ElementType::I8 | ElementType::I16 | ElementType::I32);
        let unsigned = matches!(element, ElementType::U8 | ElementType::U16 | ElementType::U32);
        let reread_sign =
            (signed && unsigned_text.as_deref() == Some("true")) || (unsigned && unsigned_text.as_deref() == Some("false"));
        let mut decoding = Decoding {
            element,
            reread_sign,
            missing: Vec::new(),
            near_fill: false,
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
            scale: None,
            offset: None,
        };
        for name in ["missing_value", "_FillValue"] {
            for value in decoding.usable(variable.attributes.get(name)) {
                decoding.missing.push(value);
            }
        }
        if !variable.attributes.contains_key("_FillValue") && variable.fills {
            decoding.missing.extend(element.default_fill());
            decoding.near_fill = element.is_float() && !variable.attributes.contains_key("missing_value");
        }
        match decoding.usable(variable.attributes.get("valid_range")).as_slice() {
            [low, high] => (decoding.low, decoding.high) = (*low, *high),
            _ => {
                if let [low] = decoding.usable(variable.attributes.get("valid_min")).as_slice() {
                    decoding.low = *low;
                }
                if let [high] = decoding.usable(variable.attributes.get("valid_max")).as_slice() {
                    decoding.high = *high;
                }
            }
        }
        decoding.scale = packing_number(dataset, variable, "scale_factor")?;
        decoding.offset = packing_number(dataset, variable, "add_offset")?;
        Ok(decoding)
    }

    /// The attribute's numbers that the stored type can hold, as the reread type sees them.
    fn usable(&self, attribute: Option<&Attribute>) -> Vec<f64> {
        let numbers = attribute.and_then(Attribute::numbers).unwrap_or(&[]);
        let held = |v: f64| if self.element == ElementType::F32 { f64::from(v as f32) } else { v };
        numbers
            .iter()
            .filter(|v| self.element.holds(**v) || (self.reread_sign && self.reread_holds(**v)))
            .map(|v| self.reread(held(*v)))
            .collect()
    }

    fn reread_holds(&self, value: f64) -> bool {
        let (low, high) = self.reread_limits();
        (low..=high).contains(&value) && value.fract() == 0.0
    }

    /// The smallest and largest number after the sign is read the other way.
    fn reread_limits(&self) -> (f64, f64) {
        let span = 2f64.powi(8 * self.element.bytes() as i32);
        match self.element {
            ElementType::I8 | ElementType::I16 | ElementType::I32 => (0.0, span - 1.0),
            _ => (-span / 2.0, span / 2.0 - 1.0),
        }
    }

    /// A stored number with its sign read the other way where the file says so.
    fn reread(&self, value: f64) -> f64 {
        if !self.reread_sign {
            return value;
        }
        let span = 2f64.powi(8 * self.element.bytes() as i32);
        let (low, high) = self.reread_limits();
        if value < low {
            value + span
        } else if value > high {
            value - span
        } else {
            value
        }
    }

    fn is_missing(&self, value: f64) -> bool {
        if value.is_nan() {
            return true;
        }
        value < self.low
            || value > self.high
            || self.missing.contains(&value)
            || (self.near_fill && (value / DEFAULT_FLOAT_FILL - 1.0).abs() < DEFAULT_FILL_TOLERANCE)
    }

    /// Do the stored elements stand for themselves: single precision, neither scaled nor shifted?
    pub(super) fn is_plain(&self) -> bool {
        self.element == ElementType::F32 && self.scale.is_none() && self.offset.is_none()
    }

    /// The validity of plain elements ([`Decoding::is_plain`]), as [`Decoding::apply`] would find it.
    pub(super) fn plain_validity(&self, values: &[f32], valid: &mut [bool]) {
        let fits = |v: f32| !v.is_nan() && f64::from(v) >= self.low && f64::from(v) <= self.high;
        match self.missing.as_slice() {
            // Nearly every file: one marker or none, given twice. One comparison each, which the compiler can do in lanes.
            missing if missing.iter().all(|m| Some(m) == missing.first()) && !self.near_fill => {
                let marker = missing.first().map_or(f32::NAN, |m| *m as f32);
                valid.iter_mut().zip(values).for_each(|(valid, v)| *valid = fits(*v) & (*v != marker));
            }
            _ => valid.iter_mut().zip(values).for_each(|(valid, v)| *valid = !self.is_missing(f64::from(*v))),
        }
    }

    /// Values and validity of stored elements.
    pub fn apply(&self, raw: &Raw) -> (Vec<f64>, Vec<bool>) {
        let mut values = raw.to_f64().unwrap_or_default();
        let mut valid = vec![true; values.len()];
        let small = matches!(self.element, ElementType::F32)
            || matches!(self.element, ElementType::I8 | ElementType::U8 | ElementType::I16 | ElementType::U16);
        // What the running result is held in: float32 only while every part of it is small.
        let scale_single = small && self.scale.is_some_and(|(_, single)| single);
        let offset_single =
            self.offset.is_some_and(|(_, single)| single) && if self.scale.is_some() { scale_single } else { small };
        for (value, valid) in values.iter_mut().zip(&mut valid) {
            let stored = self.reread(*value);
            if self.is_missing(stored) {
                *valid = false;
                *value = f64::NAN;
                continue;
            }
            let mut result = stored;
            if let Some((scale, _)) = self.scale {
                result = if scale_single { f64::from(result as f32 * scale as f32) } else { result * scale };
            }
            if let Some((offset, _)) = self.offset {
                result = if offset_single { f64::from(result as f32 + offset as f32) } else { result + offset };
            }
            *value = result;
        }
        (values, valid)
    }
}

/// A packing attribute: its number and whether it is single precision.
fn packing_number(dataset: &Dataset, variable: &Variable, name: &str) -> CfResult<Option<(f64, bool)>> {
    let fail = |problem: String| CfError::Attribute {
        path: dataset.path().to_path_buf(),
        variable: variable.name.clone(),
        attribute: name.to_string(),
        problem,
    };
    match variable.attributes.get(name) {
        None => Ok(None),
        Some(Attribute::Text(text)) => Err(fail(format!("is the text '{text}'; a number is wanted"))),
        Some(Attribute::Numbers { values, stored }) => match values.as_slice() {
            [value] if value.is_finite() => Ok(Some((*value, *stored == ElementType::F32))),
            other => Err(fail(format!("holds {other:?}; one finite number is wanted"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::builder::{Builder, Container, write_file};
    use super::*;

    /// Decodes one variable `v` of the given elements after `describe` has set its attributes.
    fn decode(raw: Raw, describe: impl Fn(&mut Builder) -> CfResult<()>) -> CfResult<Decoded> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nc");
        write_file(&path, Container::Netcdf4, |file| {
            file.dimension("x", raw.len())?;
            file.variable("v", raw.element_type(), &["x"])?;
            describe(file)?;
            file.put("v", &raw)
        })
        .unwrap();
        Dataset::open(&path)?.read("v")
    }

    #[test]
    fn every_missing_value_of_a_list_is_masked() {
        let decoded =
            decode(Raw::I16(vec![-1, 2, -9, 4]), |f| f.attribute(Some("v"), "missing_value", &[-1i16, -9][..])).unwrap();
        assert_eq!(decoded.valid, vec![false, true, false, true]);
    }

    #[test]
    fn unsigned_false_reads_ubytes_as_signed() {
        let decoded = decode(Raw::U8(vec![0, 127, 128, 255]), |f| f.attribute(Some("v"), "_Unsigned", "false")).unwrap();
        assert_eq!(decoded.values, vec![0.0, 127.0, -128.0, -1.0]);
    }

    #[test]
    fn a_mask_that_the_type_cannot_hold_is_ignored() {
        let decoded = decode(Raw::I16(vec![1, 2]), |f| f.attribute(Some("v"), "missing_value", 1.5f32)).unwrap();
        assert_eq!(decoded.valid, vec![true, true]);
    }

    #[test]
    fn one_double_attribute_makes_the_sum_double() {
        let decoded = decode(Raw::I16(vec![3]), |f| {
            f.attribute(Some("v"), "scale_factor", 0.1f32)?;
            f.attribute(Some("v"), "add_offset", 0.25f64)
        })
        .unwrap();
        // 3 * 0.1 in f32 is 0.30000001192092896 (the nearest of its numbers), then the sum is in f64
        assert_eq!(decoded.values, vec![0.300_000_011_920_928_96 + 0.25]);
    }

    #[test]
    fn plain_numbers_are_masked_as_all_others_are() {
        let stored = vec![1.0f32, -9.0, f32::NAN, 9.969_21e36, f32::INFINITY, 40.0, 0.0];
        for attributes in [
            &[][..],
            &[("missing_value", -9.0f32)],
            &[("_FillValue", -9.0), ("missing_value", -9.0)],
            &[("_FillValue", -9.0), ("missing_value", 1.0), ("valid_max", 30.0)],
            &[("_FillValue", -9.0), ("valid_max", 30.0), ("valid_min", 0.0)],
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.nc");
            write_file(&path, Container::Netcdf4, |file| {
                file.dimension("x", stored.len())?;
                file.variable("v", ElementType::F32, &["x"])?;
                attributes.iter().try_for_each(|(name, value)| file.attribute(Some("v"), name, *value))?;
                file.put("v", &Raw::F32(stored.clone()))
            })
            .unwrap();
            let dataset = Dataset::open(&path).unwrap();
            let decoding = Decoding::of(&dataset, dataset.variable("v").unwrap()).unwrap();
            assert!(decoding.is_plain());
            let mut valid = vec![true; stored.len()];
            decoding.plain_validity(&stored, &mut valid);
            assert_eq!(valid, decoding.apply(&Raw::F32(stored.clone())).1, "{attributes:?}");
        }
    }

    #[test]
    fn texts_are_refused() {
        let sentence = decode(Raw::Char(b"abc".to_vec()), |_| Ok(())).unwrap_err().to_string();
        assert!(sentence.contains("holds char elements; numbers are wanted"), "{sentence}");
    }

    #[test]
    fn a_slab_is_the_part_of_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nc");
        write_file(&path, Container::Offset64, |file| {
            file.dimension("y", 3)?;
            file.dimension("x", 4)?;
            file.variable("v", ElementType::I32, &["y", "x"])?;
            file.put("v", &Raw::I32((0..12).collect()))
        })
        .unwrap();
        let dataset = Dataset::open(&path).unwrap();
        assert_eq!(dataset.read_slab("v", &[1..3, 2..4]).unwrap().values, vec![6.0, 7.0, 10.0, 11.0]);
        assert_eq!(dataset.read_slab("v", &[1..1, 2..4]).unwrap().shape, vec![0, 2]);
        assert!(dataset.read_slab("v", &[1..4, 2..4]).is_err() && dataset.read_slab("v", &[0..3, 0..4, 0..1]).is_err());
    }
}

//! Liquid water path as the clouds of Yin et al. are published: one `.npy` array of frames, kg/m².

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::data::{DataError, DataResult};
use crate::grid::{Axis, AxisKind, Field, Mask, TimeAxis, Unit};

/// The array has no coordinates: cells are given this size in degrees, about 100 m, from the equator and 0 E on.
const CELL_DEGREES: f64 = 1e-3;
/// Longest header that is read: real ones have about a hundred characters.
const LONGEST_HEADER: usize = 1 << 16;
/// Most values that are read: 16 times as many as are published.
const MOST_VALUES: usize = 1 << 30;

/// Reads frames of liquid water path (time, row, column), `float32` or `float64`, little-endian, in kg/m²: 10,800 frames of
/// 64 x 64 cells as published. Values that are not finite become missing.
///
/// The array says neither where nor when: the field's axes count cells and its times count frames, as seconds.
///
/// # Errors
/// [`DataError::File`] where the file cannot be read; [`DataError::Content`] where it is no `.npy` file of three dimensions,
/// is cut short or longer than it says, or holds other numbers.
///
/// # Example
/// ```no_run
/// use isotherm::data::products::liquid_water::read_liquid_water_path;
/// let water = read_liquid_water_path("LWP.npy".as_ref())?;
/// assert_eq!(water.shape(), [10_800, 64, 64]);
/// # Ok::<(), isotherm::data::DataError>(())
/// ```
///
/// # Reference
/// Clouds of the large-eddy model PyCLES for Yin et al. (2019). doi:10.6084/m9.figshare.9929798
pub fn read_liquid_water_path(path: &Path) -> DataResult<Field> {
    let failed = |source| DataError::File { path: path.into(), source };
    let refuse = |problem: String| DataError::Content { what: path.display().to_string(), problem };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut start = [0u8; 8];
    file.read_exact(&mut start).map_err(|_| refuse("is shorter than the start of a .npy file".into()))?;
    if &start[..6] != b"\x93NUMPY" {
        return Err(refuse("does not begin as a .npy file does; an array saved by numpy is wanted".into()));
    }
    let mut length = [0u8; 4];
    let bytes = if start[6] == 1 { 2 } else { 4 };
    file.read_exact(&mut length[..bytes]).map_err(|_| refuse("ends within its header".into()))?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST_HEADER {
        return Err(refuse(format!("states a header of {length} bytes; at most {LONGEST_HEADER} are wanted")));
    }
    let mut header = vec![0; length];
    file.read_exact(&mut header).map_err(|_| refuse("ends within its header".into()))?;
    let header = String::from_utf8_lossy(&header).into_owned();
    let shape = shape_of(&header)
        .ok_or_else(|| refuse(format!("has the shape {}; (time, row, column) is wanted", entry(&header, "shape"))))?;
    let double = match entry(&header, "descr") {
        "'<f8'" => true,
        "'<f4'" => false,
        other => return Err(refuse(format!("holds numbers of type {other}; '<f4' or '<f8' is wanted"))),
    };
    if entry(&header, "fortran_order") != "False" {
        return Err(refuse("is stored column by column; save it by numpy.ascontiguousarray".into()));
    }
    let count = shape.iter().try_fold(1usize, |n, s| n.checked_mul(*s)).filter(|n| (1..=MOST_VALUES).contains(n));
    let count = count.ok_or_else(|| refuse(format!("states a shape of {shape:?}; 1 to {MOST_VALUES} values are wanted")))?;
    let width = if double { 8 } else { 4 };
    let mut values = Vec::new();
    let mut frame = vec![0u8; shape[1] * shape[2] * width];
    for t in 0..shape[0] {
        file.read_exact(&mut frame).map_err(|_| refuse(format!("ends in frame {t} of {}; download it again", shape[0])))?;
        if double {
            values.extend(
                frame.chunks_exact(8).map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32),
            );
        } else {
            values.extend(frame.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        }
    }
    if file.read(&mut [0u8]).map_err(failed)? != 0 {
        return Err(refuse(format!("goes on after the {count} values of its shape {shape:?}")));
    }
    let latitude = Axis::regular(AxisKind::Latitude, 0.0, CELL_DEGREES, shape[1])?;
    let longitude = Axis::regular(AxisKind::Longitude, 0.0, CELL_DEGREES, shape[2])?;
    let time = TimeAxis::from_seconds((0..shape[0]).map(|t| t as f64).collect())?;
    let unit = Unit::KilogramPerSquareMetre;
    let field = Field::new("liquid_water_path", values, Mask::all_valid(count), time, latitude, longitude, unit)?;
    Ok(field
        .with_attribute("standard_name", "atmosphere_mass_content_of_cloud_liquid_water")
        .with_attribute("time_note", "the file states no times: frames are counted, as seconds"))
}

/// The text of an entry of the header's dictionary; empty where there is none.
fn entry<'a>(header: &'a str, key: &str) -> &'a str {
    let Some((_, rest)) = header.split_once(&format!("'{key}':")) else { return "" };
    let rest = rest.trim_start();
    let end = if rest.starts_with('(') { rest.find(')').map(|i| i + 1) } else { rest.find([',', '}']) };
    rest[..end.unwrap_or(rest.len())].trim()
}

fn shape_of(header: &str) -> Option<[usize; 3]> {
    let inner = entry(header, "shape").strip_prefix('(')?.strip_suffix(')')?;
    let sizes: Option<Vec<usize>> = inner.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|s| s.parse().ok()).collect();
    sizes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Cell;

    /// The bytes that numpy 2.4 writes for `numpy.save(f, a)`.
    fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn read(bytes: &[u8]) -> DataResult<Field> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("LWP.npy");
        std::fs::write(&path, bytes).unwrap();
        read_liquid_water_path(&path)
    }

    #[test]
    fn single_and_double_precision() {
        let numbers = [0.05, 0.06, f64::NAN, 0.08, 0.09, 0.1];
        let double: Vec<u8> = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
        let single: Vec<u8> = numbers.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect();
        let field = read(&npy("<f8", "(3, 1, 2)", &double)).unwrap();
        assert_eq!((field.shape(), field.unit()), ([3, 1, 2], Unit::KilogramPerSquareMetre));
        assert_eq!((field.get(1, 0, 1), field.mask().cells()[2]), (Some(0.08), Cell::Missing));
        assert_eq!(read(&npy("<f4", "(3, 1, 2)", &single)).unwrap(), field);
    }

    #[test]
    fn what_is_no_such_array_is_refused() {
        let data = [0u8; 48];
        let refused = |bytes: &[u8], word: &str| {
            let text = read(bytes).unwrap_err().to_string();
            assert!(text.contains(word), "{text}");
        };
        refused(b"CDF\x01 and so on", "does not begin");
        refused(b"\x93NU", "shorter");
        refused(&npy("<f8", "(3, 1, 2)", &data[..40]), "ends in frame 2 of 3");
        refused(&npy("<f8", "(2, 1, 2)", &data), "goes on after");
        refused(&npy("<f8", "(6,)", &data), "shape (6,)");
        refused(&npy(">f8", "(3, 1, 2)", &data), "'>f8'");
        refused(&npy("<f8", "(3, 1, 0)", &data), "values are wanted");
        refused(&npy("<f8", "(99999999999, 99999999999, 9)", &data), "values are wanted");
        refused(&npy("<f8", "(3, 1, 2)", &data)[..30], "within its header");
    }
}

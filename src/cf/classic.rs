//! The header of NetCDF-3 files (classic, 64-bit offset, CDF-5), read only to know how long the file
//! must be: netCDF-C reads a truncated one without error, and wrongly.
//!
//! # Reference
//! NetCDF Classic Format Specification, OGC 10-092r3; CDF-5 as in PnetCDF's format document.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::error::{CfError, CfResult};

/// Widths that differ between the three variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    Classic,
    Offset64,
    Data64,
}

struct Header<'a> {
    input: BufReader<File>,
    position: u64,
    length: u64,
    variant: Variant,
    path: &'a Path,
}

struct Region {
    begin: u64,
    bytes: u64,
    record: bool,
}

/// Checks that the file `path` of `length` bytes, which begins with the magic of NetCDF-3, has an
/// orderly header and all the data that the header speaks of.
///
/// # Errors
/// [`CfError::Truncated`], [`CfError::Damaged`], [`CfError::File`].
pub(super) fn check(path: &Path, file: File, length: u64, version: u8) -> CfResult<()> {
    let variant = match version {
        1 => Variant::Classic,
        2 => Variant::Offset64,
        _ => Variant::Data64,
    };
    let mut header = Header { input: BufReader::new(file), position: 0, length, variant, path };
    header.bytes(4)?;
    let needed = header.needed()?;
    if needed > length {
        return Err(CfError::Truncated { path: path.to_path_buf(), needed, found: length });
    }
    Ok(())
}

impl Header<'_> {
    fn damaged<T>(&self, problem: String) -> CfResult<T> {
        Err(CfError::Damaged { path: self.path.to_path_buf(), problem })
    }

    /// The next `count` bytes; a file that ends before is truncated.
    fn bytes(&mut self, count: u64) -> CfResult<Vec<u8>> {
        let end = self.position.saturating_add(count);
        if end > self.length {
            return Err(CfError::Truncated { path: self.path.to_path_buf(), needed: end, found: self.length });
        }
        let mut buffer = vec![0; count as usize];
        self.input.read_exact(&mut buffer).map_err(|source| CfError::File { path: self.path.to_path_buf(), source })?;
        self.position = end;
        Ok(buffer)
    }

    fn word(&mut self) -> CfResult<u64> {
        Ok(self.bytes(4)?.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    fn long_word(&mut self) -> CfResult<u64> {
        Ok(self.word()? << 32 | self.word()?)
    }

    /// A count or length: 32 bits, 64 in CDF-5.
    fn count(&mut self) -> CfResult<u64> {
        if self.variant == Variant::Data64 { self.long_word() } else { self.word() }
    }

    fn text(&mut self) -> CfResult<()> {
        let length = self.count()?;
        self.padded(length)
    }

    /// Skips `length` bytes and the padding to four.
    fn padded(&mut self, length: u64) -> CfResult<()> {
        self.bytes(length.saturating_add(3) / 4 * 4).map(|_| ())
    }

    /// The tag and length of a list; 0 for an absent one.
    fn list(&mut self, tag: u64, what: &str) -> CfResult<u64> {
        let found = self.word()?;
        let count = self.count()?;
        match (found, count) {
            (0, 0) => Ok(0),
            (f, n) if f == tag => Ok(n),
            _ => self.damaged(format!("the list of {what} in its header opens with tag {found} and length {count}")),
        }
    }

    fn element_bytes(&mut self) -> CfResult<u64> {
        match self.word()? {
            1 | 2 => Ok(1),
            3 => Ok(2),
            4 | 5 => Ok(4),
            6 => Ok(8),
            7 if self.variant == Variant::Data64 => Ok(1),
            8 if self.variant == Variant::Data64 => Ok(2),
            9 if self.variant == Variant::Data64 => Ok(4),
            10 | 11 if self.variant == Variant::Data64 => Ok(8),
            other => self.damaged(format!("its header holds the unknown data type {other}")),
        }
    }

    fn attributes(&mut self) -> CfResult<()> {
        for _ in 0..self.list(12, "attributes")? {
            self.text()?;
            let bytes = self.element_bytes()?;
            let count = self.count()?;
            self.padded(count.saturating_mul(bytes))?;
        }
        Ok(())
    }

    /// The length of file that the header asks for, in bytes.
    fn needed(&mut self) -> CfResult<u64> {
        let streaming = if self.variant == Variant::Data64 { u64::MAX } else { u64::from(u32::MAX) };
        let records = self.count()?;
        let dimension_count = self.list(10, "dimensions")?;
        let mut dimensions = Vec::new();
        for _ in 0..dimension_count {
            self.text()?;
            dimensions.push(self.count()?);
        }
        if dimensions.iter().filter(|d| **d == 0).count() > 1 {
            return self.damaged("its header has more than one record dimension".into());
        }
        self.attributes()?;
        let mut regions = Vec::new();
        for _ in 0..self.list(11, "variables")? {
            regions.push(self.variable(&dimensions)?);
        }
        if let Some(early) = regions.iter().find(|r| r.begin < self.position && r.bytes > 0) {
            let begin = early.begin;
            return self.damaged(format!("a variable's data begin at byte {begin}, inside the header"));
        }
        let record_count = regions.iter().filter(|r| r.record).count();
        // A lone record variable is not padded between records.
        let stride = regions
            .iter()
            .filter(|r| r.record)
            .map(|r| if record_count == 1 { r.bytes } else { r.bytes.saturating_add(3) / 4 * 4 })
            .fold(0u64, u64::saturating_add);
        let records = if records == streaming { 0 } else { records };
        let ends = regions.iter().map(|r| match (r.record, records) {
            (false, _) => r.begin.saturating_add(r.bytes),
            (true, 0) => 0,
            (true, n) => r.begin.saturating_add(stride.saturating_mul(n - 1)).saturating_add(r.bytes),
        });
        Ok(ends.fold(self.position, u64::max))
    }

    fn variable(&mut self, dimensions: &[u64]) -> CfResult<Region> {
        self.text()?;
        let rank = self.count()?;
        let (mut cells, mut record) = (1u64, false);
        for place in 0..rank {
            let id = self.count()?;
            match usize::try_from(id).ok().and_then(|i| dimensions.get(i)) {
                Some(0) if place == 0 => record = true,
                Some(0) => return self.damaged("the record dimension of a variable is not its first".into()),
                Some(len) => cells = cells.saturating_mul(*len),
                None => return self.damaged(format!("a variable uses dimension {id} of {}", dimensions.len())),
            }
        }
        self.attributes()?;
        let element = self.element_bytes()?;
        self.count()?; // the stored size, which is too narrow for large variables and is not trusted
        let begin = if self.variant == Variant::Classic { self.word()? } else { self.long_word()? };
        let bytes = cells.saturating_mul(element);
        Ok(Region { begin, bytes, record })
    }
}

//! Making a file through the C library: in memory, its bytes given to Rust when it is complete.

use std::ffi::{c_int, c_void};

use super::attribute::Attribute;
use super::foreign::*;
use super::library::{Filters, Handle};
use super::raw::{ElementType, Raw};

/// The bytes of a finished file, in memory of the C library.
pub(super) struct Image(CImage);

impl Image {
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `finish` has made sure that the memory is there; it is freed only with the image.
        let all: &[u8] = unsafe { std::slice::from_raw_parts(self.0.memory.cast(), self.0.bytes) };
        &all[..hdf5_length(all).unwrap_or(all.len())]
    }
}

/// The length that an HDF5 file states of itself: the library's memory is larger, and what lies behind
/// the end is not the same in every run. `None` for other files.
fn hdf5_length(image: &[u8]) -> Option<usize> {
    // The superblock (HDF5 File Format Specification 3.0, section II.A): the end-of-file address, eight
    // bytes in every file that netCDF-C makes, stands at byte 40 in versions 0 and 1, at byte 28 in 2 and 3.
    let at = match (image.get(..8)?, image.get(8)?) {
        (b"\x89HDF\r\n\x1a\n", 0) => 40,
        (b"\x89HDF\r\n\x1a\n", 2 | 3) => 28,
        _ => return None,
    };
    let address: [u8; 8] = image.get(at..at + 8)?.try_into().ok()?;
    usize::try_from(u64::from_le_bytes(address)).ok().filter(|length| *length <= image.len())
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: the library has handed the memory over, made by malloc; freeing null does nothing.
        unsafe { free(self.0.memory) };
    }
}

impl Handle {
    /// Begins a file in memory; `mode` as nc_create knows it.
    ///
    /// Not on the disk, because HDF5 crashes the process where a write fails: the finished image is
    /// written by Rust, where a full disk is an ordinary error.
    pub fn create(mode: c_int) -> Outcome<Handle> {
        let mut file = 0;
        let _guard = locked();
        // SAFETY: the name ends with a zero byte and `file` is writable.
        check(unsafe { nc_create_mem(c"isotherm".as_ptr(), mode, 0, &mut file) })?;
        Ok(Handle { file, writing: true })
    }

    /// Completes a file begun by [`Handle::create`] and gives its bytes.
    pub fn finish(self) -> Outcome<Image> {
        let mut image = CImage { bytes: 0, memory: std::ptr::null_mut(), flags: 0 };
        let _guard = locked();
        let file = self.file;
        std::mem::forget(self);
        // SAFETY: the number came from nc_create_mem and is not used again.
        check(unsafe { nc_close_memio(file, &mut image) })?;
        let image = Image(image);
        if image.0.memory.is_null() || image.0.bytes == 0 {
            return Err(Refusal("the library gave no bytes".into()));
        }
        Ok(image)
    }

    pub fn define_dimension(&self, name: &str, len: Option<usize>) -> Outcome<c_int> {
        let name = c_text(name.as_bytes())?;
        let mut id = 0;
        let _guard = locked();
        // SAFETY: a text with a zero byte and a writable integer; a length of 0 means unlimited.
        check(unsafe { nc_def_dim(self.file, name.as_ptr(), len.unwrap_or(0), &mut id) })?;
        Ok(id)
    }

    pub fn define_variable(&self, name: &str, element: ElementType, dimensions: &[c_int]) -> Outcome<c_int> {
        let name = c_text(name.as_bytes())?;
        let mut id = 0;
        let _guard = locked();
        // SAFETY: the list holds as many dimensions as stated.
        check(unsafe {
            nc_def_var(self.file, name.as_ptr(), kind_of(element), dimensions.len() as c_int, dimensions.as_ptr(), &mut id)
        })?;
        Ok(id)
    }

    /// Chunks of the given sizes with filters; the sizes must be as many as the variable's dimensions.
    pub fn define_storage(&self, id: c_int, chunks: &[usize], filters: Filters) -> Outcome<()> {
        let _guard = locked();
        // SAFETY: one size for each dimension.
        unsafe {
            check(nc_def_var_chunking(self.file, id, 0, chunks.as_ptr()))?;
            if filters.deflate > 0 {
                check(nc_def_var_deflate(self.file, id, filters.shuffle.into(), 1, filters.deflate.into()))?;
            }
            if filters.fletcher32 {
                check(nc_def_var_fletcher32(self.file, id, 1))?;
            }
        }
        Ok(())
    }

    pub fn put_attribute(&self, id: c_int, name: &str, value: &Attribute) -> Outcome<()> {
        let name = c_text(name.as_bytes())?;
        let _guard = locked();
        match value {
            // SAFETY: the text is as long as stated.
            Attribute::Text(text) => {
                check(unsafe { nc_put_att_text(self.file, id, name.as_ptr(), text.len(), text.as_ptr().cast()) })
            }
            Attribute::Numbers { values, stored } => check(unsafe {
                // SAFETY: as many numbers as stated; the library converts them to the stored type.
                nc_put_att_double(self.file, id, name.as_ptr(), kind_of(*stored), values.len(), values.as_ptr())
            }),
        }
    }

    pub fn end_definitions(&self) -> Outcome<()> {
        let _guard = locked();
        // SAFETY: the number came from nc_create_mem.
        check(unsafe { nc_enddef(self.file) })
    }

    /// Writes a block. `values` must be of the variable's type and as many as `count` says.
    pub fn write(&self, id: c_int, start: &[usize], count: &[usize], values: &Raw) -> Outcome<()> {
        let pointer: *const c_void = match values {
            Raw::I8(v) => v.as_ptr().cast(),
            Raw::U8(v) | Raw::Char(v) => v.as_ptr().cast(),
            Raw::I16(v) => v.as_ptr().cast(),
            Raw::U16(v) => v.as_ptr().cast(),
            Raw::I32(v) => v.as_ptr().cast(),
            Raw::U32(v) => v.as_ptr().cast(),
            Raw::I64(v) => v.as_ptr().cast(),
            Raw::U64(v) => v.as_ptr().cast(),
            Raw::F32(v) => v.as_ptr().cast(),
            Raw::F64(v) => v.as_ptr().cast(),
            Raw::Text(_) => return Err(Refusal("texts of their own are not written; use characters".into())),
        };
        let _guard = locked();
        // SAFETY: the caller's promise on type and number.
        check(unsafe { nc_put_vara(self.file, id, start.as_ptr(), count.as_ptr(), pointer) })
    }
}

//! The NetCDF C library behind a safe handle: the one place of the crate with foreign calls.
//!
//! The `netcdf` crate brings the library in (built from source or the system's); its own wrapper is
//! not used, because it panics on names and types that a damaged file can hold, hides the stored type
//! of empty attributes, and has no fletcher32. The C library is not thread safe, so every call here
//! holds one lock; nothing else in the crate may call the library.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use netcdf as _;

use super::attribute::Attribute;
use super::raw::{ElementType, Raw};

/// NC_memio of netcdf_mem.h.
#[repr(C)]
struct CImage {
    bytes: usize,
    memory: *mut c_void,
    flags: c_int,
}

unsafe extern "C" {
    fn nc_strerror(code: c_int) -> *const c_char;
    fn nc_open(path: *const c_char, mode: c_int, file: *mut c_int) -> c_int;
    fn nc_create_mem(name: *const c_char, mode: c_int, first_bytes: usize, file: *mut c_int) -> c_int;
    fn nc_close_memio(file: c_int, image: *mut CImage) -> c_int;
    fn nc_close(file: c_int) -> c_int;
    fn nc_abort(file: c_int) -> c_int;
    fn nc_enddef(file: c_int) -> c_int;
    fn nc_inq(file: c_int, dims: *mut c_int, vars: *mut c_int, atts: *mut c_int, unlimited: *mut c_int) -> c_int;
    fn nc_inq_unlimdims(file: c_int, count: *mut c_int, ids: *mut c_int) -> c_int;
    fn nc_inq_dimids(file: c_int, count: *mut c_int, ids: *mut c_int, parents: c_int) -> c_int;
    fn nc_inq_dim(file: c_int, dim: c_int, name: *mut c_char, len: *mut usize) -> c_int;
    fn nc_inq_var(
        file: c_int,
        var: c_int,
        name: *mut c_char,
        kind: *mut c_int,
        dims: *mut c_int,
        ids: *mut c_int,
        atts: *mut c_int,
    ) -> c_int;
    fn nc_inq_varndims(file: c_int, var: c_int, dims: *mut c_int) -> c_int;
    fn nc_inq_var_fill(file: c_int, var: c_int, no_fill: *mut c_int, value: *mut c_void) -> c_int;
    fn nc_inq_var_deflate(file: c_int, var: c_int, shuffle: *mut c_int, deflate: *mut c_int, level: *mut c_int) -> c_int;
    fn nc_inq_var_fletcher32(file: c_int, var: c_int, on: *mut c_int) -> c_int;
    fn nc_inq_attname(file: c_int, var: c_int, number: c_int, name: *mut c_char) -> c_int;
    fn nc_inq_att(file: c_int, var: c_int, name: *const c_char, kind: *mut c_int, len: *mut usize) -> c_int;
    fn nc_get_att_text(file: c_int, var: c_int, name: *const c_char, text: *mut c_char) -> c_int;
    fn nc_get_att_string(file: c_int, var: c_int, name: *const c_char, texts: *mut *mut c_char) -> c_int;
    fn nc_get_att_double(file: c_int, var: c_int, name: *const c_char, values: *mut f64) -> c_int;
    fn nc_free_string(count: usize, texts: *mut *mut c_char) -> c_int;
    fn nc_put_att_text(file: c_int, var: c_int, name: *const c_char, len: usize, text: *const c_char) -> c_int;
    fn nc_put_att_double(file: c_int, var: c_int, name: *const c_char, kind: c_int, len: usize, values: *const f64) -> c_int;
    fn nc_get_vara(file: c_int, var: c_int, start: *const usize, count: *const usize, values: *mut c_void) -> c_int;
    fn nc_put_vara(file: c_int, var: c_int, start: *const usize, count: *const usize, values: *const c_void) -> c_int;
    fn nc_def_dim(file: c_int, name: *const c_char, len: usize, dim: *mut c_int) -> c_int;
    fn nc_def_var(file: c_int, name: *const c_char, kind: c_int, n: c_int, dims: *const c_int, var: *mut c_int) -> c_int;
    fn nc_def_var_chunking(file: c_int, var: c_int, storage: c_int, sizes: *const usize) -> c_int;
    fn nc_def_var_deflate(file: c_int, var: c_int, shuffle: c_int, deflate: c_int, level: c_int) -> c_int;
    fn nc_def_var_fletcher32(file: c_int, var: c_int, on: c_int) -> c_int;
    fn free(memory: *mut c_void);
    fn H5Eset_auto2(stack: i64, function: *const c_void, data: *mut c_void) -> c_int;
}

const NAME_BYTES: usize = 257;
const MAX_DIMENSIONS: usize = 1024;
/// The number under which global attributes are found.
pub(super) const GLOBAL: c_int = -1;

static LIBRARY: Mutex<()> = Mutex::new(());

thread_local! {
    static HDF5_IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Takes the lock, and stops HDF5 from printing its error stack on this thread: a thread-safe HDF5
/// keeps that setting per thread, and a notebook counts any line on standard error as a failure.
fn locked() -> MutexGuard<'static, ()> {
    let guard = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
    HDF5_IS_QUIET.with(|quiet| {
        if !quiet.replace(true) {
            // SAFETY: a null function switches printing off; the lock is held.
            unsafe { H5Eset_auto2(0, std::ptr::null(), std::ptr::null_mut()) };
        }
    });
    guard
}

/// A refusal of the library, in its words.
#[derive(Debug)]
pub(super) struct Refusal(pub String);

type Outcome<T> = Result<T, Refusal>;

fn check(code: c_int) -> Outcome<()> {
    if code == 0 {
        return Ok(());
    }
    if code > 0 {
        return Err(Refusal(std::io::Error::from_raw_os_error(code).to_string()));
    }
    // SAFETY: the library answers with a static text for every code.
    let text = unsafe { CStr::from_ptr(nc_strerror(code)) };
    Err(Refusal(text.to_string_lossy().trim_start_matches("NetCDF: ").to_string()))
}

fn c_text(text: &[u8]) -> Outcome<CString> {
    CString::new(text).map_err(|_| Refusal("a name or path holds a zero byte".into()))
}

fn name_from(buffer: &[u8]) -> String {
    let end = buffer.iter().position(|b| *b == 0).unwrap_or(buffer.len());
    String::from_utf8_lossy(&buffer[..end]).into_owned()
}

/// A vector of `count` defaults, or a refusal where the memory for it cannot be had.
fn room_for<T: Default + Clone>(count: usize) -> Outcome<Vec<T>> {
    let mut values = Vec::new();
    values
        .try_reserve_exact(count)
        .map_err(|_| Refusal(format!("{count} values do not fit into memory; read fewer at a time")))?;
    values.resize(count, T::default());
    Ok(values)
}

fn element_of(kind: c_int) -> ElementType {
    use ElementType::*;
    [I8, Char, I16, I32, F32, F64, U8, U16, U32, I64, U64, Text]
        .get(usize::try_from(kind - 1).unwrap_or(usize::MAX))
        .copied()
        .unwrap_or(Other)
}

fn kind_of(element: ElementType) -> c_int {
    use ElementType::*;
    let order = [I8, Char, I16, I32, F32, F64, U8, U16, U32, I64, U64, Text];
    order.iter().position(|e| *e == element).map_or(0, |i| i as c_int + 1)
}

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

/// A dimension as the library describes it.
pub(super) struct DimensionFacts {
    pub id: c_int,
    pub name: String,
    pub len: usize,
    pub unlimited: bool,
}

/// A variable as the library describes it.
pub(super) struct VariableFacts {
    pub name: String,
    pub element: ElementType,
    pub dimensions: Vec<c_int>,
    pub attribute_count: usize,
}

/// How a variable's chunks are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Bytes regrouped by significance before compression.
    pub shuffle: bool,
    /// Level of zlib compression, 0 for none.
    pub deflate: u8,
    /// A checksum for every chunk.
    pub fletcher32: bool,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Handle {
    file: c_int,
    writing: bool,
}

impl Handle {
    pub fn open(path: &Path) -> Outcome<Handle> {
        let path = c_text(path.as_os_str().as_encoded_bytes())?;
        let mut file = 0;
        let _guard = locked();
        // SAFETY: the text ends with a zero byte and `file` is writable.
        check(unsafe { nc_open(path.as_ptr(), 0, &mut file) })?;
        Ok(Handle { file, writing: false })
    }

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

    /// `(variables, global attributes)`.
    pub fn counts(&self) -> Outcome<(usize, usize)> {
        let (mut dims, mut vars, mut atts, mut unlimited) = (0, 0, 0, 0);
        let _guard = locked();
        // SAFETY: four writable integers.
        check(unsafe { nc_inq(self.file, &mut dims, &mut vars, &mut atts, &mut unlimited) })?;
        Ok((vars.max(0) as usize, atts.max(0) as usize))
    }

    pub fn dimensions(&self) -> Outcome<Vec<DimensionFacts>> {
        let _guard = locked();
        let ids = |list: unsafe extern "C" fn(c_int, *mut c_int, *mut c_int) -> c_int| -> Outcome<Vec<c_int>> {
            let mut count = 0;
            // SAFETY: a null list asks for the count; the list then has room for it.
            check(unsafe { list(self.file, &mut count, std::ptr::null_mut()) })?;
            let mut ids = room_for::<c_int>(count.max(0) as usize)?;
            check(unsafe { list(self.file, &mut count, ids.as_mut_ptr()) })?;
            Ok(ids)
        };
        unsafe extern "C" fn own(file: c_int, count: *mut c_int, ids: *mut c_int) -> c_int {
            // SAFETY: the caller's promise.
            unsafe { nc_inq_dimids(file, count, ids, 0) }
        }
        let unlimited = ids(nc_inq_unlimdims)?;
        ids(own)?
            .into_iter()
            .map(|id| {
                let (mut name, mut len) = ([0u8; NAME_BYTES], 0);
                // SAFETY: the name has room for the longest name and its zero byte.
                check(unsafe { nc_inq_dim(self.file, id, name.as_mut_ptr().cast(), &mut len) })?;
                Ok(DimensionFacts { id, name: name_from(&name), len, unlimited: unlimited.contains(&id) })
            })
            .collect()
    }

    pub fn variable(&self, id: c_int) -> Outcome<VariableFacts> {
        let _guard = locked();
        let mut rank = 0;
        // SAFETY: one writable integer.
        check(unsafe { nc_inq_varndims(self.file, id, &mut rank) })?;
        let rank = rank.max(0) as usize;
        if rank > MAX_DIMENSIONS {
            return Err(Refusal(format!("variable {id} has {rank} dimensions")));
        }
        let mut dimensions = vec![0; rank];
        let (mut name, mut kind, mut rank, mut attributes) = ([0u8; NAME_BYTES], 0, 0, 0);
        // SAFETY: the name has room for the longest name, the list for the rank just asked for.
        check(unsafe {
            nc_inq_var(self.file, id, name.as_mut_ptr().cast(), &mut kind, &mut rank, dimensions.as_mut_ptr(), &mut attributes)
        })?;
        let attribute_count = attributes.max(0) as usize;
        Ok(VariableFacts { name: name_from(&name), element: element_of(kind), dimensions, attribute_count })
    }

    /// Does the library fill cells of this variable that were never written?
    pub fn fills(&self, id: c_int) -> bool {
        let mut no_fill = 0;
        let _guard = locked();
        // SAFETY: a null value asks for the switch only.
        let code = unsafe { nc_inq_var_fill(self.file, id, &mut no_fill, std::ptr::null_mut()) };
        code == 0 && no_fill != 1
    }

    /// How a variable is stored; a format without filters has none.
    pub fn filters(&self, id: c_int) -> Filters {
        let (mut shuffle, mut deflate, mut level, mut fletcher) = (0, 0, 0, 0);
        let _guard = locked();
        // SAFETY: writable integers; a refusal leaves them as they are.
        unsafe {
            nc_inq_var_deflate(self.file, id, &mut shuffle, &mut deflate, &mut level);
            nc_inq_var_fletcher32(self.file, id, &mut fletcher);
        }
        let deflate = if deflate == 1 { level.clamp(0, 9) as u8 } else { 0 };
        Filters { shuffle: shuffle == 1, deflate, fletcher32: fletcher == 1 }
    }

    /// Attribute `number` of a variable (or of [`GLOBAL`]); `None` for user types.
    pub fn attribute(&self, id: c_int, number: usize) -> Outcome<Option<(String, Attribute)>> {
        let _guard = locked();
        let (mut name, mut kind, mut len) = ([0u8; NAME_BYTES], 0, 0usize);
        let c_name = name.as_mut_ptr().cast::<c_char>();
        // SAFETY: the name has room for the longest name and is then a text with a zero byte.
        check(unsafe { nc_inq_attname(self.file, id, number as c_int, c_name) })?;
        check(unsafe { nc_inq_att(self.file, id, c_name, &mut kind, &mut len) })?;
        let stored = element_of(kind);
        let value = match stored {
            ElementType::Other => return Ok(None),
            ElementType::Char => {
                let mut text = room_for::<u8>(len)?;
                // SAFETY: room for `len` characters.
                check(unsafe { nc_get_att_text(self.file, id, c_name, text.as_mut_ptr().cast()) })?;
                Attribute::Text(name_from(&text))
            }
            ElementType::Text => {
                let mut pointers = vec![std::ptr::null_mut::<c_char>(); len.min(1 << 20)];
                if pointers.len() < len {
                    return Err(Refusal(format!("an attribute lists {len} texts")));
                }
                // SAFETY: room for `len` pointers, which the library sets and frees.
                check(unsafe { nc_get_att_string(self.file, id, c_name, pointers.as_mut_ptr()) })?;
                let texts = texts_from(&pointers);
                unsafe { nc_free_string(len, pointers.as_mut_ptr()) };
                Attribute::Text(texts.join("\n"))
            }
            _ => {
                let mut values = room_for::<f64>(len)?;
                // SAFETY: room for `len` numbers.
                check(unsafe { nc_get_att_double(self.file, id, c_name, values.as_mut_ptr()) })?;
                Attribute::Numbers { values, stored }
            }
        };
        Ok(Some((name_from(&name), value)))
    }

    /// The elements of a block, in their stored type. `start` and `count` must lie within the shape.
    pub fn read(&self, id: c_int, element: ElementType, start: &[usize], count: &[usize]) -> Outcome<Raw> {
        let total = count
            .iter()
            .try_fold(1usize, |n, c| n.checked_mul(*c))
            .ok_or_else(|| Refusal("more values than can be counted were asked for".into()))?;
        macro_rules! read_as {
            ($variant:ident, $type:ty) => {{
                let mut values = room_for::<$type>(total)?;
                if total > 0 {
                    let _guard = locked();
                    // SAFETY: room for `total` elements of the stored type.
                    check(unsafe { nc_get_vara(self.file, id, start.as_ptr(), count.as_ptr(), values.as_mut_ptr().cast()) })?;
                }
                Ok(Raw::$variant(values))
            }};
        }
        match element {
            ElementType::I8 => read_as!(I8, i8),
            ElementType::U8 => read_as!(U8, u8),
            ElementType::I16 => read_as!(I16, i16),
            ElementType::U16 => read_as!(U16, u16),
            ElementType::I32 => read_as!(I32, i32),
            ElementType::U32 => read_as!(U32, u32),
            ElementType::I64 => read_as!(I64, i64),
            ElementType::U64 => read_as!(U64, u64),
            ElementType::F32 => read_as!(F32, f32),
            ElementType::F64 => read_as!(F64, f64),
            ElementType::Char => read_as!(Char, u8),
            ElementType::Text => {
                let mut pointers = room_for::<usize>(total)?;
                if total > 0 {
                    let _guard = locked();
                    // SAFETY: a pointer has the size of a usize; the library sets all, then frees them.
                    let pointers_of_text = pointers.as_mut_ptr().cast::<*mut c_char>();
                    check(unsafe { nc_get_vara(self.file, id, start.as_ptr(), count.as_ptr(), pointers_of_text.cast()) })?;
                    let texts = texts_from(unsafe { std::slice::from_raw_parts(pointers_of_text, total) });
                    unsafe { nc_free_string(total, pointers_of_text) };
                    return Ok(Raw::Text(texts));
                }
                Ok(Raw::Text(Vec::new()))
            }
            ElementType::Other => Err(Refusal("it holds a user-defined type".into())),
        }
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

fn texts_from(pointers: &[*mut c_char]) -> Vec<String> {
    pointers
        .iter()
        // SAFETY: the library sets each pointer to null or to a text with a zero byte.
        .map(|p| if p.is_null() { String::new() } else { unsafe { CStr::from_ptr(*p) }.to_string_lossy().into_owned() })
        .collect()
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _guard = locked();
        // SAFETY: the number came from nc_open or nc_create_mem and is not used again. A file that was
        // being written and is dropped has failed: it is given up, not completed.
        unsafe { if self.writing { nc_abort(self.file) } else { nc_close(self.file) } };
    }
}

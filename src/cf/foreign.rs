//! The NetCDF C library's own functions, the lock around them, and its codes.
//!
//! The `netcdf` crate brings the library in (built from source or the system's); its own wrapper is
//! not used, because it panics on names and types that a damaged file can hold, hides the stored type
//! of empty attributes, and has no fletcher32. The C library is not thread safe, so every call is made
//! with the one lock held; nothing else in the crate may call the library.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

use netcdf as _;

use super::raw::ElementType;

/// NC_memio of netcdf_mem.h.
#[repr(C)]
pub struct CImage {
    pub bytes: usize,
    pub memory: *mut c_void,
    pub flags: c_int,
}

unsafe extern "C" {
    pub fn nc_strerror(code: c_int) -> *const c_char;
    pub fn nc_open(path: *const c_char, mode: c_int, file: *mut c_int) -> c_int;
    pub fn nc_create_mem(name: *const c_char, mode: c_int, first_bytes: usize, file: *mut c_int) -> c_int;
    pub fn nc_close_memio(file: c_int, image: *mut CImage) -> c_int;
    pub fn nc_close(file: c_int) -> c_int;
    pub fn nc_abort(file: c_int) -> c_int;
    pub fn nc_enddef(file: c_int) -> c_int;
    pub fn nc_inq(file: c_int, dims: *mut c_int, vars: *mut c_int, atts: *mut c_int, unlimited: *mut c_int) -> c_int;
    pub fn nc_inq_unlimdims(file: c_int, count: *mut c_int, ids: *mut c_int) -> c_int;
    pub fn nc_inq_dimids(file: c_int, count: *mut c_int, ids: *mut c_int, parents: c_int) -> c_int;
    pub fn nc_inq_dim(file: c_int, dim: c_int, name: *mut c_char, len: *mut usize) -> c_int;
    pub fn nc_inq_var(
        file: c_int,
        var: c_int,
        name: *mut c_char,
        kind: *mut c_int,
        dims: *mut c_int,
        ids: *mut c_int,
        atts: *mut c_int,
    ) -> c_int;
    pub fn nc_inq_varndims(file: c_int, var: c_int, dims: *mut c_int) -> c_int;
    pub fn nc_inq_var_fill(file: c_int, var: c_int, no_fill: *mut c_int, value: *mut c_void) -> c_int;
    pub fn nc_inq_var_deflate(file: c_int, var: c_int, shuffle: *mut c_int, deflate: *mut c_int, level: *mut c_int) -> c_int;
    pub fn nc_inq_var_fletcher32(file: c_int, var: c_int, on: *mut c_int) -> c_int;
    pub fn nc_inq_attname(file: c_int, var: c_int, number: c_int, name: *mut c_char) -> c_int;
    pub fn nc_inq_att(file: c_int, var: c_int, name: *const c_char, kind: *mut c_int, len: *mut usize) -> c_int;
    pub fn nc_get_att_text(file: c_int, var: c_int, name: *const c_char, text: *mut c_char) -> c_int;
    pub fn nc_get_att_string(file: c_int, var: c_int, name: *const c_char, texts: *mut *mut c_char) -> c_int;
    pub fn nc_get_att_double(file: c_int, var: c_int, name: *const c_char, values: *mut f64) -> c_int;
    pub fn nc_free_string(count: usize, texts: *mut *mut c_char) -> c_int;
    pub fn nc_put_att_text(file: c_int, var: c_int, name: *const c_char, len: usize, text: *const c_char) -> c_int;
    pub fn nc_put_att_double(file: c_int, var: c_int, name: *const c_char, kind: c_int, len: usize, values: *const f64) -> c_int;
    pub fn nc_get_vara(file: c_int, var: c_int, start: *const usize, count: *const usize, values: *mut c_void) -> c_int;
    pub fn nc_put_vara(file: c_int, var: c_int, start: *const usize, count: *const usize, values: *const c_void) -> c_int;
    pub fn nc_def_dim(file: c_int, name: *const c_char, len: usize, dim: *mut c_int) -> c_int;
    pub fn nc_def_var(file: c_int, name: *const c_char, kind: c_int, n: c_int, dims: *const c_int, var: *mut c_int) -> c_int;
    pub fn nc_def_var_chunking(file: c_int, var: c_int, storage: c_int, sizes: *const usize) -> c_int;
    pub fn nc_def_var_deflate(file: c_int, var: c_int, shuffle: c_int, deflate: c_int, level: c_int) -> c_int;
    pub fn nc_def_var_fletcher32(file: c_int, var: c_int, on: c_int) -> c_int;
    pub fn free(memory: *mut c_void);
    pub fn H5Eset_auto2(stack: i64, function: *const c_void, data: *mut c_void) -> c_int;
}

pub const NAME_BYTES: usize = 257;
pub const MAX_DIMENSIONS: usize = 1024;
/// The number under which global attributes are found.
pub const GLOBAL: c_int = -1;

static LIBRARY: Mutex<()> = Mutex::new(());

thread_local! {
    static HDF5_IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Takes the lock, and stops HDF5 from printing its error stack on this thread: a thread-safe HDF5
/// keeps that setting per thread, and a notebook counts any line on standard error as a failure.
pub fn locked() -> MutexGuard<'static, ()> {
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
pub struct Refusal(pub String);

pub type Outcome<T> = Result<T, Refusal>;

pub fn check(code: c_int) -> Outcome<()> {
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

pub fn c_text(text: &[u8]) -> Outcome<CString> {
    CString::new(text).map_err(|_| Refusal("a name or path holds a zero byte".into()))
}

pub fn name_from(buffer: &[u8]) -> String {
    let end = buffer.iter().position(|b| *b == 0).unwrap_or(buffer.len());
    String::from_utf8_lossy(&buffer[..end]).into_owned()
}

pub fn element_of(kind: c_int) -> ElementType {
    use ElementType::*;
    [I8, Char, I16, I32, F32, F64, U8, U16, U32, I64, U64, Text]
        .get(usize::try_from(kind - 1).unwrap_or(usize::MAX))
        .copied()
        .unwrap_or(Other)
}

pub fn kind_of(element: ElementType) -> c_int {
    use ElementType::*;
    let order = [I8, Char, I16, I32, F32, F64, U8, U16, U32, I64, U64, Text];
    order.iter().position(|e| *e == element).map_or(0, |i| i as c_int + 1)
}

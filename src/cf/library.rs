//! An open file of the C library behind a safe handle: reading. (Making one is in `making.rs`.)

use std::ffi::{CStr, c_char, c_int};
use std::path::Path;

use super::attribute::Attribute;
use super::foreign::*;
use super::raw::{ElementType, Raw};

/// A vector of `count` defaults, or a refusal where the memory for it cannot be had.
fn room_for<T: Default + Clone>(count: usize) -> Outcome<Vec<T>> {
    let mut values = Vec::new();
    values
        .try_reserve_exact(count)
        .map_err(|_| Refusal(format!("{count} values do not fit into memory; read fewer at a time")))?;
    values.resize(count, T::default());
    Ok(values)
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
    pub(super) file: c_int,
    pub(super) writing: bool,
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

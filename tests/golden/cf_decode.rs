//! Family `cf_decode`.

//! What a program that computes for long asks of its own process, once, at its start.

/// Makes the calling thread a member of the pool that the numeric loops run on, and keeps freed memory for what is
/// computed next.
///
/// Without the first every loop is handed to another thread and waited for; without the second glibc's allocator gives
/// large blocks back to the system as soon as they are freed, and each is mapped and zeroed anew. Neither changes a
/// result. To be called by a program, from its main thread: a library must not decide it. Where the pool already runs, or
/// the allocator is another one, things stay as they are.
pub fn settle() {
    // An error says that the pool already runs.
    let _ = rayon::ThreadPoolBuilder::new().use_current_thread().build_global();
    keep_freed_memory();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_freed_memory() {
    use std::ffi::c_int;
    unsafe extern "C" {
        fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }
    // From the C library's malloc.h.
    const M_TRIM_THRESHOLD: c_int = -1;
    const M_TOP_PAD: c_int = -2;
    const M_MMAP_THRESHOLD: c_int = -3;
    const MEBIBYTE: c_int = 1 << 20;
    for (parameter, value) in [(M_MMAP_THRESHOLD, 1024 * MEBIBYTE), (M_TRIM_THRESHOLD, c_int::MAX), (M_TOP_PAD, 16 * MEBIBYTE)] {
        // SAFETY: `mallopt` takes two numbers and may be called at any time.
        unsafe { mallopt(parameter, value) };
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_freed_memory() {}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    #[test]
    fn loops_run_before_and_after_and_a_second_call_does_no_harm() {
        let sum = || (0..1000u64).into_par_iter().sum::<u64>();
        let before = sum();
        super::settle();
        super::settle();
        assert_eq!((before, sum()), (499_500, 499_500));
    }
}

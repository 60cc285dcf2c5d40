//! Timing one task: seconds of each repeat, the memory it took beyond its inputs, and what one pass over the inputs costs.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

/// A run of so many budgets is not repeated: the first counts.
const LONG_RUN: f64 = 5.0;
/// Repeats at most; short tasks are repeated often enough for a median.
const MOST_REPEATS: usize = 50;

/// Something to time.
pub struct Task {
    input_bytes: usize,
    run: Box<dyn FnMut() -> Result<f64>>,
}

impl Task {
    /// A task that reads `input_bytes` of inputs already in memory. Each run returns a number that proves the result.
    pub fn new(input_bytes: usize, run: impl FnMut() -> Result<f64> + 'static) -> Task {
        Task { input_bytes, run: Box::new(run) }
    }
}

/// Runs the task once to warm up, then again for about `budget` seconds (three times at least; a very long first run
/// counts itself).
pub fn measure(mut task: Task, budget: f64) -> Result<Value> {
    reset_peak();
    let before = status_bytes("VmRSS:");
    let (mut processor, mut wall) = (Vec::new(), Vec::new());
    let (first, check) = timed(&mut task)?;
    let peak = status_bytes("VmHWM:").zip(before).map(|(peak, before)| peak.saturating_sub(before));
    let repeated = first[1] <= LONG_RUN * budget;
    if !repeated {
        processor.push(first[0]);
        wall.push(first[1]);
    }
    while wall.len() < MOST_REPEATS && repeated && (wall.len() < 3 || wall.iter().sum::<f64>() < budget) {
        let (seconds, _) = timed(&mut task)?;
        processor.push(seconds[0]);
        wall.push(seconds[1]);
    }
    let bytes = task.input_bytes;
    drop(task);
    Ok(json!({ "check": check, "processor": processor, "wall": wall, "peak_bytes": peak, "floor": floor(bytes) }))
}

fn timed(task: &mut Task) -> Result<([f64; 2], f64)> {
    let (processor, wall) = (processor_seconds(), Instant::now());
    let check = black_box((task.run)()?);
    let wall = wall.elapsed().as_secs_f64();
    let processor = processor_seconds().zip(processor).map_or(wall, |(end, start)| end - start);
    Ok(([processor, wall], check))
}

/// Seconds of one pass over so many bytes, summed as whole numbers in eight lanes: no task can read its inputs faster.
fn floor(bytes: usize) -> f64 {
    let words: Vec<u64> = (0..bytes as u64 / 8).collect();
    let mut seconds: Vec<f64> = (0..5)
        .map(|_| {
            let start = Instant::now();
            let mut sums = [0u64; 8];
            for chunk in black_box(&words).chunks_exact(8) {
                sums.iter_mut().zip(chunk).for_each(|(sum, word)| *sum = sum.wrapping_add(*word));
            }
            black_box(sums);
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[2]
}

/// Seconds that all threads of this process have had, which other programs on the machine disturb least.
#[cfg(target_os = "linux")]
fn processor_seconds() -> Option<f64> {
    #[repr(C)]
    struct TimeSpec {
        seconds: std::ffi::c_long,
        nanoseconds: std::ffi::c_long,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: std::ffi::c_int, time: *mut TimeSpec) -> std::ffi::c_int;
    }
    const CLOCK_PROCESS_CPUTIME_ID: std::ffi::c_int = 2;
    let mut time = TimeSpec { seconds: 0, nanoseconds: 0 };
    // SAFETY: the pointer is to a struct that lives through the call and has the C library's layout (64-bit Linux).
    let status = unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    (status == 0).then_some(time.seconds as f64 + 1e-9 * time.nanoseconds as f64)
}

#[cfg(not(target_os = "linux"))]
fn processor_seconds() -> Option<f64> {
    None
}

/// Makes the kernel's high-water mark begin anew, where it can.
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn status_bytes(key: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

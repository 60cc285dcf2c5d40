//! Progress of long work: a bar with ETA on a terminal, whole lines every few seconds elsewhere
//! (notebooks, logs), nothing for work that ends at once.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a whole line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Progress of one piece of work of a known number of steps.
pub struct Progress {
    label: String,
    total: u64,
    done: u64,
    message: String,
    started: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
    lines_on_error: bool,
}

impl Progress {
    /// Starts showing progress of `total` steps under `label`.
    pub fn new(label: impl Into<String>, total: u64) -> Progress {
        let label = label.into();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:32}] {pos}/{len} {elapsed} ETA {eta} {msg}") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_prefix(label.clone());
            bar
        });
        let now = Instant::now();
        Progress { label, total, done: 0, message: String::new(), started: now, last_line: now, bar, lines_on_error: false }
    }

    /// The same with its lines on standard error, for commands whose standard output is their result.
    pub fn on_error_stream(mut self) -> Progress {
        self.lines_on_error = true;
        self
    }

    /// A short text shown beside the count (`loss 0.0123`).
    pub fn message(&mut self, text: impl Into<String>) {
        self.message = text.into();
        if let Some(bar) = &self.bar {
            bar.set_message(self.message.clone());
        }
    }

    /// `count` more steps are done.
    pub fn advance(&mut self, count: u64) {
        self.done += count;
        match &self.bar {
            Some(bar) => bar.set_position(self.done),
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                match self.lines_on_error {
                    true => eprintln!("{}", self.line()),
                    // Standard output, not error: in a notebook, anything on stderr marks a failed cell.
                    false => println!("{}", self.line()),
                }
            }
            None => {}
        }
    }

    /// The line printed where there is no terminal.
    pub fn line(&self) -> String {
        let elapsed = self.started.elapsed().as_secs_f64();
        let left =
            if self.done > 0 { elapsed / self.done as f64 * self.total.saturating_sub(self.done) as f64 } else { f64::NAN };
        let percent = 100.0 * self.done as f64 / self.total.max(1) as f64;
        format!("{}: {percent:.0} % ({}/{}), {elapsed:.0} s, ETA {left:.0} s {}", self.label, self.done, self.total, self.message)
            .trim_end()
            .to_string()
    }

    /// Ends the display and gives the seconds spent.
    pub fn finish(self) -> f64 {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.started.elapsed().as_secs_f64()
    }
}

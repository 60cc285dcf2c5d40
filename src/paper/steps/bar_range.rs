//! Ranges of colour bars in narrow panels: wide enough for two ticks or more.

use crate::grid::Field;

/// The step (1, 2 or 5 times a power of ten) not below `raw`.
fn nice_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= raw * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// The ticks of a narrow panel's colour bar stand this share of its range apart, or the next nice number.
const TICK_SHARE: f64 = 0.4;

/// An end of a range about 0, not less than `largest`, whose bar is ticked at 0 and at both sides.
pub fn span(largest: f64) -> f64 {
    let step = nice_step(2.0 * TICK_SHARE * largest);
    largest.max(step)
}

/// A range that holds a frame's values and at least two ticks of a narrow panel's bar.
pub fn two_ticks(field: &Field, frame: usize) -> Option<(f64, f64)> {
    let cells = field.frame(frame).iter().zip(field.frame_mask(frame)).filter(|(_, c)| c.is_valid());
    let (low, high) =
        cells.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (v, _)| (a.min(f64::from(*v)), b.max(f64::from(*v))));
    (low < high).then(|| with_two_ticks(low, high))
}

fn with_two_ticks(mut low: f64, mut high: f64) -> (f64, f64) {
    const TRIES: usize = 4;
    for _ in 0..TRIES {
        let step = nice_step(TICK_SHARE * (high - low));
        let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        if last > first {
            break;
        }
        // The nearer of the next ticks on either side is taken in.
        let (below, above) = ((first - 1.0) * step, (last + 1.0) * step);
        if low - below <= above - high { low = below } else { high = above }
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_bar_has_two_ticks_or_more() {
        for (low, high) in [(20.6, 27.8), (3.5, 10.5), (-1.3, 1.4), (8.1, 8.3), (21.0, 26.0)] {
            let (a, b) = with_two_ticks(low, high);
            let step = nice_step(TICK_SHARE * (b - a));
            let ticks = (b / step + 1e-9).floor() - (a / step - 1e-9).ceil() + 1.0;
            assert!(a <= low && b >= high && ticks >= 2.0, "{low} {high}: {a} {b} step {step}");
        }
        // by hand: 7.2 wide asks for steps of 5, of which 25 alone lies within; 20 is nearer than 30
        assert_eq!(with_two_ticks(20.6, 27.8), (20.0, 27.8));
    }

    #[test]
    fn errors_are_ticked_on_both_sides() {
        assert_eq!((span(1.4), span(1.2), span(0.9), span(3.0)), (2.0, 1.2, 1.0, 5.0));
    }
}

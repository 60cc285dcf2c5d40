//! The calendar of a split as text.

use chrono::{Datelike, Days, NaiveDate};

use super::split::Part;

/// One line for each month: `2021-01 TTTT...vvvv`, a character a day; `.` is buffer, a blank lies before
/// the first day.
pub(super) fn calendar(first: NaiveDate, days: usize, part_of: impl Fn(usize) -> Option<Part>) -> String {
    let mut text = String::new();
    for day in 0..days {
        let date = first + Days::new(day as u64);
        if day == 0 || date.day() == 1 {
            if day > 0 {
                text.push('\n');
            }
            text.push_str(&format!("{} {}", date.format("%Y-%m"), " ".repeat(date.day0() as usize)));
        }
        text.push(part_of(day).map_or('.', Part::mark));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_months_by_hand() {
        let first = NaiveDate::from_ymd_opt(2021, 1, 29).unwrap();
        let part_of = |day| match day {
            0 | 1 => Some(Part::Train),
            3 => Some(Part::Validation),
            5 => Some(Part::Test),
            _ => None,
        };
        // 29, 30 January train; 31 buffer; 1 February validation; 2 buffer; 3 test.
        let wanted = format!("2021-01 {}TT.\n2021-02 v.t", " ".repeat(28));
        assert_eq!(calendar(first, 6, part_of), wanted);
    }
}

//! Numbers and times as people write them.

use logs::Timestamp;

/// How long something has lasted, in its two largest units.
pub(crate) fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {:02} min", minutes % 60),
        _ => format!("{days} d {:02} h", hours % 24),
    }
}

/// The same for `<time datetime>`, as HTML has it: `PT75S`.
pub(crate) fn duration_for_machines(seconds: u64) -> String {
    format!("PT{seconds}S")
}

/// A number with its digits in groups of three.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 restart`, `2 restarts`
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// A time of the day, and the whole time in RFC 3339; both in UTC.
pub(crate) fn clock(seconds: u64) -> (String, String) {
    let text = Timestamp::from_nanoseconds(seconds.saturating_mul(1_000_000_000)).to_string();
    (text[11..19].to_owned(), format!("{}Z", &text[..19]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (3600, "1 h 00 min"),
            (7509, "2 h 05 min"),
            (86_400, "1 d 00 h"),
            (1_000_000, "11 d 13 h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn numbers() {
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), text);
        }
        assert_eq!(counted(1, "line", "lines"), "1 line");
        assert_eq!(counted(0, "line", "lines"), "0 lines");
    }

    #[test]
    fn times_of_the_day() {
        assert_eq!(clock(1_795_860_000), ("10:00:00".into(), "2026-11-28T10:00:00Z".into()));
        assert_eq!(clock(u64::MAX).0.len(), 8);
    }
}

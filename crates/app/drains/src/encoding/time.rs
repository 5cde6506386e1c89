//! Points in time as RFC 3339 writes them, in UTC.

use std::io::Write as _;

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

/// Appends `2026-11-28T10:00:00.123456789Z`, with `digits` (1 to 9) behind the point; further ones are cut off.
pub(super) fn rfc3339(nanoseconds: u64, digits: u32, out: &mut Vec<u8>) {
    let (seconds, fraction) = (nanoseconds / SECOND, nanoseconds % SECOND);
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    let fraction = fraction / 10_u64.pow(9 - digits);
    let width = digits as usize;
    // Writing to a vector cannot fail.
    let _ =
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:0width$}Z");
}

/// Year, month and day of a day counted from 1970-01-01: 400 years have 146,097 days, and a year that starts in
/// March has its leap day at its end.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

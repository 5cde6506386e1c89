//! When something was said: nanoseconds since 1970 in UTC, written as RFC 3339.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const NANOSECONDS: u64 = 1_000_000_000;
const SECONDS_OF_A_DAY: u64 = 86_400;

/// A point in time: nanoseconds since 1970-01-01 00:00 UTC, up to the year 2554.
///
/// Its text form is RFC 3339 in UTC with nine digits of fraction, always [`Timestamp::TEXT_BYTES`] long, so that texts
/// sort as times do. Serde carries that text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Length of the text form: `2026-11-28T10:00:00.123456789Z`.
    pub const TEXT_BYTES: usize = 30;

    /// The earliest one.
    pub const EPOCH: Self = Self(0);

    /// The machine's clock, now.
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// From nanoseconds since 1970.
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since 1970.
    pub const fn nanoseconds(self) -> u64 {
        self.0
    }

    /// This much later; stays at the last one there is.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// This much earlier; stays at 1970.
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier`; zero when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The text form.
    pub fn text(self) -> [u8; Self::TEXT_BYTES] {
        let seconds = self.0 / NANOSECONDS;
        let (year, month, day) = date_of_day(seconds / SECONDS_OF_A_DAY);
        let second = seconds % SECONDS_OF_A_DAY;
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        digits(&mut text[0..4], year);
        digits(&mut text[5..7], month);
        digits(&mut text[8..10], day);
        digits(&mut text[11..13], second / 3600);
        digits(&mut text[14..16], second / 60 % 60);
        digits(&mut text[17..19], second % 60);
        digits(&mut text[20..29], self.0 % NANOSECONDS);
        text
    }

    /// Reads RFC 3339: any number of digits of fraction (from the tenth on they do not count), `Z` or an offset.
    /// `None` for anything else and for times before 1970 or after 2554.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (date, rest) = text.split_at_checked(19)?;
        if [date[4], date[7], date[13], date[16]] != *b"--::" || !matches!(date[10], b'T' | b't' | b' ') {
            return None;
        }
        let days = day_of_date(number(&date[0..4])?, number(&date[5..7])?, number(&date[8..10])?)?;
        let (hour, minute, second) = (number(&date[11..13])?, number(&date[14..16])?, number(&date[17..19])?);
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (fraction, zone) = fraction(rest)?;
        let seconds = days * SECONDS_OF_A_DAY + hour * 3600 + minute * 60 + second;
        let seconds = seconds.checked_add_signed(-offset(zone)?)?;
        seconds.checked_mul(NANOSECONDS)?.checked_add(fraction).map(Self)
    }
}

impl From<SystemTime> for Timestamp {
    /// Times before 1970 become 1970.
    fn from(time: SystemTime) -> Self {
        Self::EPOCH.after(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(text.as_bytes())
            .ok_or_else(|| D::Error::custom(format!("not an RFC 3339 time: {text:?}")))
    }
}

/// Right-aligned decimal digits, as many as there is room for.
fn digits(room: &mut [u8], mut value: u64) {
    for digit in room.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits
        .iter()
        .try_fold(0_u64, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u64::from(digit - b'0')))
}

/// `.123` as nanoseconds, and what follows it.
fn fraction(text: &[u8]) -> Option<(u64, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else { return Some((0, text)) };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let counted = length.min(9);
    let scale = 10_u64.pow(9 - counted as u32);
    (length > 0).then(|| Some((number(&text[..counted])? * scale, &text[length..])))?
}

/// `Z` or `+02:00` as seconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, time) = match zone {
        b"Z" | b"z" => return Some(0),
        [b'+', time @ ..] => (1, time),
        [b'-', time @ ..] => (-1, time),
        _ => return None,
    };
    let [hour @ .., b':', _, _] = time else { return None };
    let (hour, minute) = (number(hour)?, number(&time[hour.len() + 1..])?);
    (hour < 24 && minute < 60).then_some(sign * (hour * 3600 + minute * 60) as i64)
}

/// Days before each month of a year that is not a leap year.
const DAYS_BEFORE_MONTH: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

fn is_leap(year: u64) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

/// Days from 1970-01-01 to the first day of a year.
fn day_of_year(year: u64) -> u64 {
    let past = year - 1;
    365 * (year - 1970) + (past / 4 - past / 100 + past / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400)
}

fn day_of_date(year: u64, month: u64, day: u64) -> Option<u64> {
    let before = *DAYS_BEFORE_MONTH.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    let leap_day = u64::from(month > 2 && is_leap(year));
    ((1970..=9999).contains(&year) && (1..=31).contains(&day))
        .then(|| day_of_year(year) + before + leap_day + day - 1)
}

fn date_of_day(days: u64) -> (u64, u64, u64) {
    // 400 years have 146,097 days: the guess is at most one year off.
    let guess = 1969 + days * 400 / 146_097;
    let year = (guess.max(1970)..guess + 3).rev().find(|&year| day_of_year(year) <= days).unwrap_or(1970);
    let day = days - day_of_year(year);
    let leap_day = |month: usize| u64::from(month > 1 && is_leap(year));
    let month = (0..12).rev().find(|&month| DAYS_BEFORE_MONTH[month] + leap_day(month) <= day).unwrap_or(0);
    (year, month as u64 + 1, day - DAYS_BEFORE_MONTH[month] - leap_day(month) + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<u64> {
        Timestamp::parse(text.as_bytes()).map(Timestamp::nanoseconds)
    }

    #[test]
    fn known_times() {
        // `date -u -d … +%s` of GNU coreutils.
        for (text, seconds) in [
            ("1970-01-01T00:00:00.000000000Z", 0),
            ("2000-02-29T23:59:59.000000000Z", 951_868_799),
            ("2026-11-28T10:00:00.000000000Z", 1_795_860_000),
            ("2100-03-01T00:00:00.000000000Z", 4_107_542_400),
            ("2554-01-01T00:00:00.000000000Z", 18_429_292_800),
        ] {
            assert_eq!(Timestamp::from_nanoseconds(seconds * NANOSECONDS).to_string(), text);
            assert_eq!(parse(text), Some(seconds * NANOSECONDS));
        }
    }

    #[test]
    fn forms_that_others_write() {
        assert_eq!(parse("1970-01-01T00:00:01Z"), Some(NANOSECONDS));
        assert_eq!(parse("1970-01-01T00:00:01.5Z"), Some(1_500_000_000));
        assert_eq!(parse("1970-01-01T00:00:01.0000000019Z"), Some(1_000_000_001));
        assert_eq!(parse("1970-01-01T02:00:01+02:00"), Some(NANOSECONDS));
        assert_eq!(parse("1969-12-31T23:00:01-01:00"), None, "the date itself lies before 1970");
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "Z",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-01-32T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00+0200",
            "1970-01-01T00:00:00+2:",
            "2600-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips_and_sorts(one: u64, two: u64) {
            let (one, two) = (Timestamp(one), Timestamp(two));
            prop_assert_eq!(Timestamp::parse(&one.text()), Some(one));
            prop_assert_eq!(one.cmp(&two), one.text().cmp(&two.text()));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = Timestamp::parse(&bytes);
        }

        #[test]
        fn bytes_like_a_time_are_read_without_panic(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,12})?(Z|[+-][0-9]{0,3}:[0-9]{2})") {
            let _ = Timestamp::parse(text.as_bytes());
        }
    }
}

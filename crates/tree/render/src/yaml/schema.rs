//! What a plain scalar means: the implicit types of YAML 1.1 in the order PyYAML tries them, with
//! Salt's two changes (leading zeros are not octal, timestamps stay text).

use num_bigint::BigInt;
use value::Value;

/// The tag of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Null,
    Bool,
    Int,
    Float,
    Str,
    Binary,
    Timestamp,
    Merge,
    /// `=`, which nothing constructs.
    Default,
    Seq,
    Map,
    Omap,
    Pairs,
    Set,
    PythonUnicode,
    /// Any other, by its full name.
    Other(String),
}

const STANDARD: &str = "tag:yaml.org,2002:";

impl Tag {
    const NAMES: [(Self, &'static str); 15] = [
        (Self::Null, "null"),
        (Self::Bool, "bool"),
        (Self::Int, "int"),
        (Self::Float, "float"),
        (Self::Str, "str"),
        (Self::Binary, "binary"),
        (Self::Timestamp, "timestamp"),
        (Self::Merge, "merge"),
        (Self::Default, "value"),
        (Self::Seq, "seq"),
        (Self::Map, "map"),
        (Self::Omap, "omap"),
        (Self::Pairs, "pairs"),
        (Self::Set, "set"),
        (Self::PythonUnicode, "python/unicode"),
    ];

    pub(super) fn from_name(name: String) -> Self {
        name.strip_prefix(STANDARD)
            .and_then(|short| Self::NAMES.into_iter().find(|(_, known)| *known == short))
            .map_or_else(|| Self::Other(name), |(tag, _)| tag)
    }

    /// The full name.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Other(name) => name.clone(),
            tag => {
                let short = Self::NAMES.iter().find(|(known, _)| known == tag).map_or("", |(_, name)| name);
                format!("{STANDARD}{short}")
            }
        }
    }
}

/// The tag of a plain scalar without one.
pub(super) fn resolve(text: &str) -> Tag {
    let Some(first) = text.bytes().next() else { return Tag::Null };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' if bool_of(text).is_some() => {
            Tag::Bool
        }
        b'-' | b'+' | b'.' | b'0'..=b'9' => {
            if is_float(text) {
                Tag::Float
            } else if is_int(text) {
                Tag::Int
            } else if is_timestamp(text) {
                Tag::Timestamp
            } else {
                Tag::Str
            }
        }
        b'<' if text == "<<" => Tag::Merge,
        b'~' if text == "~" => Tag::Null,
        b'n' | b'N' if matches!(text, "null" | "Null" | "NULL") => Tag::Null,
        b'=' if text == "=" => Tag::Default,
        _ => Tag::Str,
    }
}

fn bool_of(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn all(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(allowed)
}

fn is_digit_or_underscore(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

/// Digits alone that mean what they say and fit 64 bits.
fn is_short_number(text: &str) -> bool {
    (1..=18).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `[0-9][0-9_]*`
fn starts_with_digit_then_digits(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && all(text, is_digit_or_underscore)
}

/// `[0-5]?[0-9]`
fn is_sixtieth(text: &str) -> bool {
    match text.as_bytes() {
        [unit] => unit.is_ascii_digit(),
        [ten, unit] => (b'0'..=b'5').contains(ten) && unit.is_ascii_digit(),
        _ => false,
    }
}

fn is_float(text: &str) -> bool {
    let body = unsigned(text);
    if matches!(body, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, rest)) = body.split_once('.') else { return false };
    if let Some((first, sixtieths)) = whole.split_once(':') {
        return starts_with_digit_then_digits(first)
            && sixtieths.split(':').all(is_sixtieth)
            && all(rest, is_digit_or_underscore);
    }
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        exponent
            .strip_prefix(['-', '+'])
            .is_some_and(|digits| !digits.is_empty() && all(digits, |byte| byte.is_ascii_digit()))
    });
    let number_fits = if whole.is_empty() {
        // `.5` takes no sign.
        body.len() == text.len() && starts_with_digit_then_digits(fraction)
    } else {
        starts_with_digit_then_digits(whole) && all(fraction, is_digit_or_underscore)
    };
    number_fits && exponent_fits
}

fn is_int(text: &str) -> bool {
    let body = unsigned(text);
    if let Some(digits) = body.strip_prefix("0b") {
        return !digits.is_empty() && all(digits, |byte| matches!(byte, b'0' | b'1' | b'_'));
    }
    if let Some(digits) = body.strip_prefix("0x") {
        return !digits.is_empty() && all(digits, |byte| byte.is_ascii_hexdigit() || byte == b'_');
    }
    if let Some(digits) = body.strip_prefix('0') {
        return all(digits, |byte| matches!(byte, b'0'..=b'7' | b'_'));
    }
    match body.split_once(':') {
        Some((first, sixtieths)) => {
            starts_with_digit_then_digits(first) && sixtieths.split(':').all(is_sixtieth)
        }
        None => starts_with_digit_then_digits(body),
    }
}

fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    // Only whether the quoting of dumped text is needed hangs on this, so the shape is enough.
    digits(0..4)
        && bytes.get(4) == Some(&b'-')
        && digits(5..6)
        && text[5..].contains('-')
        && (bytes.len() == 10 && digits(5..7) && bytes.get(7) == Some(&b'-') && digits(8..10)
            || has_time(text))
}

/// `YYYY-M-D` then `T` or blanks, then `H:MM:SS`, a fraction and a zone.
fn has_time(text: &str) -> bool {
    let Some(at) = text.find(['T', 't', ' ', '\t']) else { return false };
    let (date, time) = text.split_at(at);
    let mut parts = date.splitn(3, '-');
    let date_fits = parts.next().is_some_and(|year| year.len() == 4)
        && parts.all(|part| (1..=2).contains(&part.len()) && all(part, |byte| byte.is_ascii_digit()))
        && date.matches('-').count() == 2;
    let time = time.strip_prefix(['T', 't']).unwrap_or_else(|| time.trim_start_matches([' ', '\t']));
    let mut clock = time.splitn(3, ':');
    let (hour, minute, rest) = (clock.next(), clock.next(), clock.next());
    let two = |part: &str| part.len() == 2 && all(part, |byte| byte.is_ascii_digit());
    let second_fits = rest.is_some_and(|rest| {
        rest.get(..2).is_some_and(two) && {
            let tail = &rest[2..];
            let tail = tail
                .strip_prefix('.')
                .map_or(tail, |fraction| fraction.trim_start_matches(|c: char| c.is_ascii_digit()));
            let zone = tail.trim_start_matches([' ', '\t']);
            zone.is_empty() && tail.is_empty() || zone == "Z" || is_zone(zone)
        }
    });
    date_fits
        && hour.is_some_and(|hour| (1..=2).contains(&hour.len()) && all(hour, |byte| byte.is_ascii_digit()))
        && minute.is_some_and(two)
        && second_fits
}

fn is_zone(zone: &str) -> bool {
    let Some(body) = zone.strip_prefix(['-', '+']) else { return false };
    let (hours, minutes) =
        body.split_once(':').map_or((body, None), |(hours, minutes)| (hours, Some(minutes)));
    let digits = |part: &str| all(part, |byte| byte.is_ascii_digit());
    (1..=2).contains(&hours.len()) && digits(hours) && minutes.is_none_or(|m| m.len() == 2 && digits(m))
}

/// The boolean a scalar tagged so names, in any case.
pub(super) fn bool_value(text: &str) -> Option<Value> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" => Some(true.into()),
        "no" | "false" | "off" => Some(false.into()),
        _ => None,
    }
}

/// The integer a scalar tagged so means. `0644` is 644: Salt strips leading zeros, unless a sign hides
/// them from it.
pub(super) fn int_value(text: &str) -> Option<Value> {
    if is_short_number(text) {
        return text.parse::<i64>().ok().map(Value::from);
    }
    let prefixed = text.starts_with("0b") || text.starts_with("0x");
    let stripped = if text.starts_with('0') && !prefixed { text.trim_start_matches('0') } else { text };
    let digits = stripped.replace('_', "");
    if digits.is_empty() {
        return Some(0i64.into());
    }
    let negative = digits.starts_with('-');
    let body = unsigned(&digits);
    let magnitude = if body == "0" {
        BigInt::ZERO
    } else if let Some(binary) = body.strip_prefix("0b") {
        radix(binary, 2)?
    } else if let Some(hexadecimal) = body.strip_prefix("0x") {
        radix(hexadecimal, 16)?
    } else if body.starts_with('0') {
        radix(body, 8)?
    } else if body.contains(':') {
        sixtieths(body)?
    } else {
        radix(body, 10)?
    };
    Some(if negative { -magnitude } else { magnitude }.into())
}

fn radix(digits: &str, radix: u32) -> Option<BigInt> {
    if digits.starts_with(['+', '-']) {
        return None;
    }
    // Python refuses longer decimal texts as well; reading them takes quadratic time.
    const LONGEST: usize = 4300;
    match i64::from_str_radix(digits, radix) {
        Ok(small) => Some(small.into()),
        Err(_) if digits.len() <= LONGEST => BigInt::parse_bytes(digits.as_bytes(), radix),
        Err(_) => None,
    }
}

fn sixtieths(text: &str) -> Option<BigInt> {
    text.split(':').try_fold(BigInt::ZERO, |sum, part| Some(sum * 60 + radix(part, 10)?))
}

/// The float a scalar tagged so means.
pub(super) fn float_value(text: &str) -> Option<Value> {
    let digits = text.replace('_', "").to_ascii_lowercase();
    let sign = if digits.starts_with('-') { -1.0 } else { 1.0 };
    let body = unsigned(&digits);
    let magnitude = match body {
        ".inf" => f64::INFINITY,
        ".nan" => return Some(f64::NAN.into()),
        body if body.contains(':') => {
            let mut parts = body.rsplit(':').map(str::parse::<f64>);
            let mut base = 1.0;
            parts.try_fold(0.0, |sum, part| {
                let sum = sum + part.ok()? * base;
                base *= 60.0;
                Some(sum)
            })?
        }
        body => body.parse::<f64>().ok().filter(|_| !body.starts_with(['+', '-']))?,
    };
    Some((sign * magnitude).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_resolve_as_pyyaml_does() {
        let cases = [
            ("", Tag::Null),
            ("nULL", Tag::Str),
            ("y", Tag::Str),
            ("oN", Tag::Str),
            ("OFF", Tag::Bool),
            ("1e3", Tag::Str),
            ("1.", Tag::Float),
            ("+.5", Tag::Str),
            (".5e-3", Tag::Float),
            ("-.inf", Tag::Float),
            ("-.nan", Tag::Str),
            ("1:20.5", Tag::Float),
            ("1.2.3", Tag::Str),
            ("08", Tag::Str),
            ("-", Tag::Str),
            ("0x", Tag::Str),
            ("1:60", Tag::Str),
            ("2001-01-01", Tag::Timestamp),
            ("2001-1-01", Tag::Str),
            ("2001-12-14t21:59:43.10-05:00", Tag::Timestamp),
            ("2001-12-14 21:59:43.10 -5", Tag::Timestamp),
            ("2001-12-14 21:59", Tag::Str),
        ];
        for (text, tag) in cases {
            assert_eq!(resolve(text), tag, "{text:?}");
        }
    }

    #[test]
    fn leading_zeros_are_not_octal_unless_signed() {
        for (text, number) in [("0644", 644), ("-012", -10), ("00", 0), ("0_7", 7), ("-0x1f", -31)] {
            assert_eq!(int_value(text), Some(Value::from(i64::from(number))), "{text}");
        }
    }
}

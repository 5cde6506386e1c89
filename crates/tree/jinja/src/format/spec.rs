//! Laying out one value: numbers in their notations, width, fill, sign.

use num_bigint::BigInt;
use num_traits::Signed;

use crate::{Error, State, Value};

/// How a number's sign is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sign {
    /// Only when negative.
    #[default]
    Minus,
    Plus,
    Space,
}

/// A format specification.
#[derive(Clone, Debug, Default)]
pub(super) struct Spec {
    pub(super) fill: Option<char>,
    /// `<`, `>`, `^`, `=`
    pub(super) align: Option<char>,
    pub(super) sign: Sign,
    pub(super) alternate: bool,
    pub(super) zero: bool,
    pub(super) width: usize,
    /// `,` or `_`
    pub(super) grouping: Option<char>,
    pub(super) precision: Option<usize>,
    pub(super) kind: Option<char>,
}

/// Precision beyond this is a mistake or an attack; doubles have at most about 1,100 digits.
const MOST_DIGITS: usize = 1200;

/// `[[fill]align][sign][#][0][width][grouping][.precision][type]`
pub(super) fn parse(text: &str) -> Result<Spec, Error> {
    let mut spec = Spec::default();
    let mut rest: &[char] = &text.chars().collect::<Vec<_>>();
    let is_align = |c: &char| matches!(c, '<' | '>' | '^' | '=');
    match rest {
        [fill, align, tail @ ..] if is_align(align) => {
            (spec.fill, spec.align) = (Some(*fill), Some(*align));
            rest = tail;
        }
        [align, tail @ ..] if is_align(align) => {
            spec.align = Some(*align);
            rest = tail;
        }
        _ => {}
    }
    if let [sign @ ('+' | '-' | ' '), tail @ ..] = rest {
        spec.sign = match sign {
            '+' => Sign::Plus,
            ' ' => Sign::Space,
            _ => Sign::Minus,
        };
        rest = tail;
    }
    if let ['#', tail @ ..] = rest {
        spec.alternate = true;
        rest = tail;
    }
    if let ['0', tail @ ..] = rest {
        spec.zero = true;
        rest = tail;
    }
    let (width, tail) = digits(rest)?;
    spec.width = width.unwrap_or(0);
    rest = tail;
    if let [grouping @ (',' | '_'), tail @ ..] = rest {
        spec.grouping = Some(*grouping);
        rest = tail;
    }
    if let ['.', tail @ ..] = rest {
        let (precision, tail) = digits(tail)?;
        if precision.is_none() {
            return Err(Error::value_error("Format specifier missing precision"));
        }
        spec.precision = precision;
        rest = tail;
    }
    match rest {
        [] => {}
        [kind] => spec.kind = Some(*kind),
        _ => return Err(Error::value_error("Invalid format specifier")),
    }
    Ok(spec)
}

fn digits(text: &[char]) -> Result<(Option<usize>, &[char]), Error> {
    let count = text.iter().take_while(|c| c.is_ascii_digit()).count();
    let (number, rest) = text.split_at(count);
    if number.is_empty() {
        return Ok((None, rest));
    }
    let number: String = number.iter().collect();
    let number =
        number.parse().map_err(|_| Error::value_error("Too many decimal digits in format string"))?;
    Ok((Some(number), rest))
}

impl Spec {
    /// A value by this specification, as `format(value, spec)` does it.
    pub(super) fn apply(&self, state: &mut State<'_>, value: &Value) -> Result<String, Error> {
        match value {
            Value::Str(text) | Value::Markup(text) => self.text(state, text),
            Value::Int(_) | Value::Big(_) => self.integer(state, value),
            Value::Bool(flag) => self.integer(state, &Value::Int(i64::from(*flag))),
            Value::Float(number) => {
                let body = self.float_digits(*number, value)?;
                self.number(state, *number < 0.0 || number.is_sign_negative() && !number.is_nan(), "", &body)
            }
            value => Err(Error::type_error(format!(
                "unsupported format string passed to {}.__format__",
                value.type_name()
            ))),
        }
    }

    fn unknown(&self, value: &Value) -> Error {
        let kind = self.kind.unwrap_or(' ');
        Error::value_error(format!("Unknown format code '{kind}' for object of type '{}'", value.type_name()))
    }

    fn text(&self, state: &mut State<'_>, text: &str) -> Result<String, Error> {
        if self.kind.is_some_and(|kind| kind != 's') {
            return Err(self.unknown(&Value::Str(text.into())));
        }
        if self.align == Some('=') {
            return Err(Error::value_error("'=' alignment not allowed in string format specifier"));
        }
        let cut: String;
        let text = match self.precision {
            Some(precision) => {
                cut = text.chars().take(precision).collect();
                &cut
            }
            None => text,
        };
        self.pad(state, text, '<')
    }

    fn integer(&self, state: &mut State<'_>, value: &Value) -> Result<String, Error> {
        if matches!(self.kind, Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%')) {
            let number = value.as_float().unwrap_or(f64::INFINITY);
            let body = self.float_digits(number, value)?;
            return self.number(state, number < 0.0, "", &body);
        }
        if self.precision.is_some() {
            return Err(Error::value_error("Precision not allowed in integer format specifier"));
        }
        let number: BigInt = match value {
            Value::Big(number) => (**number).clone(),
            value => value.as_int().unwrap_or(0).into(),
        };
        let (prefix, body) = match self.kind {
            None | Some('d' | 'n') => ("", number.abs().to_string()),
            Some('x') => ("0x", number.abs().to_str_radix(16)),
            Some('X') => ("0X", number.abs().to_str_radix(16).to_uppercase()),
            Some('o') => ("0o", number.abs().to_str_radix(8)),
            Some('b') => ("0b", number.abs().to_str_radix(2)),
            Some('c') => {
                let c = u32::try_from(&number).ok().and_then(char::from_u32);
                let Some(c) = c else {
                    return Err(Error::new(crate::ErrorKind::Overflow, "%c arg not in range(0x110000)"));
                };
                return self.pad(state, &c.to_string(), '<');
            }
            Some(_) => return Err(self.unknown(value)),
        };
        self.number(state, number.is_negative(), if self.alternate { prefix } else { "" }, &body)
    }

    fn float_digits(&self, number: f64, value: &Value) -> Result<String, Error> {
        let precision = self.precision.unwrap_or(6);
        if precision > MOST_DIGITS {
            return Err(Error::value_error("precision too big"));
        }
        let magnitude = number.abs();
        Ok(match self.kind {
            Some('f') => fixed(magnitude, precision, self.alternate),
            Some('F') => fixed(magnitude, precision, self.alternate).to_uppercase(),
            Some('e') => exponent(magnitude, precision, self.alternate),
            Some('E') => exponent(magnitude, precision, self.alternate).to_uppercase(),
            Some('g' | 'n') => general(magnitude, precision, self.alternate),
            Some('G') => general(magnitude, precision, self.alternate).to_uppercase(),
            Some('%') => fixed(magnitude * 100.0, precision, self.alternate) + "%",
            None => match self.precision {
                None => value::float_text(magnitude),
                Some(precision) => {
                    let text = general(magnitude, precision, self.alternate);
                    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
                    if plain { text + ".0" } else { text }
                }
            },
            Some(_) => return Err(self.unknown(value)),
        })
    }

    /// Sign, prefix and digits, grouped and padded.
    fn number(
        &self,
        state: &mut State<'_>,
        negative: bool,
        prefix: &str,
        digits: &str,
    ) -> Result<String, Error> {
        let sign = match (negative, self.sign) {
            (true, _) => "-",
            (false, Sign::Plus) => "+",
            (false, Sign::Space) => " ",
            (false, Sign::Minus) => "",
        };
        let grouped = self.group(digits);
        let head = format!("{sign}{prefix}");
        let zeros = (self.zero && self.align.is_none()) || self.align == Some('=');
        if !zeros {
            return self.pad(state, &format!("{head}{grouped}"), '>');
        }
        let fill = self.fill.unwrap_or(if self.zero { '0' } else { ' ' });
        let length = head.len() + grouped.chars().count();
        let missing = self.width.saturating_sub(length);
        state.charge_text(missing)?;
        let filled: String = std::iter::repeat_n(fill, missing).collect();
        Ok(format!("{head}{filled}{grouped}"))
    }

    fn group(&self, digits: &str) -> String {
        let Some(separator) = self.grouping else { return digits.to_string() };
        let size = if matches!(self.kind, Some('x' | 'X' | 'o' | 'b')) { 4 } else { 3 };
        let end = digits.find(|c: char| !c.is_ascii_alphanumeric() || c == 'e').unwrap_or(digits.len());
        let (whole, rest) = digits.split_at(end);
        let length = whole.len();
        let mut out = String::with_capacity(digits.len() * 2);
        for (index, c) in whole.chars().enumerate() {
            if index > 0 && (length - index).is_multiple_of(size) {
                out.push(separator);
            }
            out.push(c);
        }
        out + rest
    }

    fn pad(&self, state: &mut State<'_>, text: &str, default: char) -> Result<String, Error> {
        let length = text.chars().count();
        let missing = self.width.saturating_sub(length);
        if missing == 0 {
            return Ok(text.to_string());
        }
        let fill = self.fill.unwrap_or(if self.zero { '0' } else { ' ' });
        state.charge_text(text.len().saturating_add(missing.saturating_mul(fill.len_utf8())))?;
        let left = match self.align.unwrap_or(default) {
            '<' => 0,
            '^' => missing / 2,
            _ => missing,
        };
        let blanks = |count: usize| std::iter::repeat_n(fill, count);
        Ok(blanks(left).chain(text.chars()).chain(blanks(missing - left)).collect())
    }
}

/// `%f`
pub(super) fn fixed(number: f64, precision: usize, alternate: bool) -> String {
    if !number.is_finite() {
        return value::float_text(number);
    }
    let text = format!("{number:.precision$}");
    if alternate && precision == 0 { text + "." } else { text }
}

/// `%e`
pub(super) fn exponent(number: f64, precision: usize, alternate: bool) -> String {
    if !number.is_finite() {
        return value::float_text(number);
    }
    let text = format!("{number:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
    let dot = if alternate && precision == 0 { "." } else { "" };
    format!("{digits}{dot}e{sign}{size:0>2}")
}

/// `%g`
pub(super) fn general(number: f64, precision: usize, alternate: bool) -> String {
    if !number.is_finite() {
        return value::float_text(number);
    }
    let precision = precision.max(1);
    let scientific = format!("{number:.*e}", precision - 1);
    let size: i64 = scientific.split_once('e').and_then(|(_, size)| size.parse().ok()).unwrap_or(0);
    let text = if (-4..precision as i64).contains(&size) {
        let places = usize::try_from(precision as i64 - 1 - size).unwrap_or(0);
        format!("{number:.places$}")
    } else {
        exponent(number, precision - 1, alternate)
    };
    if alternate {
        return text;
    }
    match text.split_once('e') {
        Some((digits, size)) if digits.contains('.') => {
            format!("{}e{size}", digits.trim_end_matches('0').trim_end_matches('.'))
        }
        None if text.contains('.') => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        _ => text,
    }
}

/// Python's `round(number, places)`: to the nearest, halves as their binary value has them.
pub(crate) fn round_half_even(number: f64, places: i64) -> f64 {
    if !number.is_finite() {
        return number;
    }
    if places >= 0 {
        let places = usize::try_from(places).unwrap_or(MOST_DIGITS).min(MOST_DIGITS);
        return format!("{number:.places$}").parse().unwrap_or(number);
    }
    if places < -308 {
        return 0.0f64.copysign(number);
    }
    let scale = 10f64.powi(i32::try_from(-places).unwrap_or(308));
    (number / scale).round_ties_even() * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_c_prints_them() {
        assert_eq!(general(1e10, 6, false), "1e+10");
        assert_eq!(general(0.0001, 6, false), "0.0001");
        assert_eq!(general(100_000.0, 6, false), "100000");
        assert_eq!(general(1_234_567.0, 6, false), "1.23457e+06");
        assert_eq!(exponent(12345.678, 6, false), "1.234568e+04");
        assert_eq!(fixed(2.25, 1, false), "2.2");
        assert_eq!(round_half_even(2.675, 2), 2.67);
        assert_eq!(round_half_even(1250.0, -2), 1200.0);
    }
}

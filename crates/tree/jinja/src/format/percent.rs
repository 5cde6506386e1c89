//! `format % values`, as C's printf with Python's additions.

use num_bigint::BigInt;
use num_traits::{FromPrimitive, Signed};

use super::spec::{exponent, fixed, general};
use crate::value::text::{repr, repr_short, to_text};
use crate::{Error, ErrorKind, State, Value};

/// One conversion: `%(key)-05.2f`.
#[derive(Default)]
struct Conversion {
    left: bool,
    plus: bool,
    space: bool,
    zero: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
    code: char,
}

/// Where values come from.
struct Values<'a> {
    all: &'a Value,
    /// How many of a tuple (or of the single value) are used.
    used: usize,
    /// A `%(key)s` has asked the mapping.
    mapped: bool,
}

impl Values<'_> {
    fn next(&mut self) -> Result<Value, Error> {
        let value = match self.all {
            Value::Tuple(tuple) => tuple.items().get(self.used).cloned(),
            single => (self.used == 0).then(|| single.clone()),
        };
        self.used += 1;
        value.ok_or_else(|| Error::type_error("not enough arguments for format string"))
    }

    fn lookup(&mut self, state: &mut State<'_>, key: &str) -> Result<Value, Error> {
        self.mapped = true;
        match self.all {
            Value::Dict(dict) => {
                dict.get(key).ok_or_else(|| Error::new(ErrorKind::Key, repr_short(&Value::from(key))))
            }
            Value::Object(object) if object.is_mapping() => object
                .item(state, &Value::from(key))?
                .ok_or_else(|| Error::new(ErrorKind::Key, repr_short(&Value::from(key)))),
            _ => Err(Error::type_error("format requires a mapping")),
        }
    }

    fn finish(&self) -> Result<(), Error> {
        let left_over = match self.all {
            Value::Tuple(tuple) => self.used < tuple.len(),
            Value::Dict(_) | Value::List(_) | Value::Range(_) | Value::View(_) | Value::Undefined(_) => false,
            Value::Object(object) => !object.is_mapping() && self.used == 0,
            _ => self.used == 0,
        };
        if left_over && !self.mapped {
            return Err(Error::type_error("not all arguments converted during string formatting"));
        }
        Ok(())
    }
}

/// `format % values`
pub(crate) fn percent(state: &mut State<'_>, format: &str, values: &Value) -> Result<String, Error> {
    state.charge(format.len() as u64 / 64)?;
    let mut out = String::with_capacity(format.len());
    let mut values = Values { all: values, used: 0, mapped: false };
    let characters: Vec<char> = format.chars().collect();
    let mut at = 0;
    while let Some(c) = characters.get(at) {
        at += 1;
        if *c != '%' {
            out.push(*c);
            continue;
        }
        let mut key = None;
        if characters.get(at) == Some(&'(') {
            let (name, end) = mapping_key(&characters, at + 1)?;
            key = Some(name);
            at = end;
        }
        if key.is_none() && characters.get(at) == Some(&'%') {
            at += 1;
            out.push('%');
            continue;
        }
        let conversion = conversion(&characters, &mut at, &mut values)?;
        let value = match key {
            Some(key) => values.lookup(state, &key)?,
            None => values.next()?,
        };
        let text = convert(&conversion, &value, at - 1)?;
        state.charge_text(out.len().saturating_add(text.len()).saturating_add(conversion.width))?;
        pad(&mut out, &conversion, &text);
    }
    values.finish()?;
    Ok(out)
}

fn mapping_key(characters: &[char], start: usize) -> Result<(String, usize), Error> {
    let mut depth = 1;
    let mut key = String::new();
    for (offset, c) in characters.iter().skip(start).enumerate() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok((key, start + offset + 1));
        }
        key.push(*c);
    }
    Err(Error::value_error("incomplete format key"))
}

fn conversion(characters: &[char], at: &mut usize, values: &mut Values<'_>) -> Result<Conversion, Error> {
    let mut conversion = Conversion::default();
    loop {
        match characters.get(*at) {
            Some('-') => conversion.left = true,
            Some('+') => conversion.plus = true,
            Some(' ') => conversion.space = true,
            Some('#') => conversion.alternate = true,
            Some('0') => conversion.zero = true,
            _ => break,
        }
        *at += 1;
    }
    if let Some(width) = size(characters, at, values, "width")? {
        conversion.left |= width < 0;
        conversion.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
    }
    if characters.get(*at) == Some(&'.') {
        *at += 1;
        let precision = size(characters, at, values, "prec")?.unwrap_or(0);
        conversion.precision = Some(usize::try_from(precision).unwrap_or(0));
    }
    while matches!(characters.get(*at), Some('h' | 'l' | 'L')) {
        *at += 1;
    }
    let Some(code) = characters.get(*at) else { return Err(Error::value_error("incomplete format")) };
    *at += 1;
    conversion.code = *code;
    Ok(conversion)
}

/// A width or precision: digits, or `*` for the next value.
fn size(
    characters: &[char],
    at: &mut usize,
    values: &mut Values<'_>,
    what: &str,
) -> Result<Option<i64>, Error> {
    if characters.get(*at) == Some(&'*') {
        *at += 1;
        return match values.next()?.as_int() {
            Some(size) => Ok(Some(size)),
            None => Err(Error::type_error("* wants int")),
        };
    }
    let mut size = None;
    while let Some(digit) = characters.get(*at).and_then(|c| c.to_digit(10)) {
        let grown: Option<i64> =
            size.unwrap_or(0i64).checked_mul(10).and_then(|size| size.checked_add(i64::from(digit)));
        size = Some(grown.ok_or_else(|| Error::value_error(format!("{what} too big")))?);
        *at += 1;
    }
    Ok(size)
}

/// The value's text, sign and prefix included, before padding.
fn convert(conversion: &Conversion, value: &Value, index: usize) -> Result<String, Error> {
    let code = conversion.code;
    let cut = |text: String| match conversion.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text,
    };
    match code {
        's' => to_text(value).map(cut),
        'r' => repr(value).map(cut),
        'a' => {
            let mut ascii = String::new();
            for c in repr(value)?.chars() {
                if c.is_ascii() { ascii.push(c) } else { crate::value::text::write_escaped(&mut ascii, c) }
            }
            Ok(cut(ascii))
        }
        'c' => character(value),
        'd' | 'i' | 'u' => {
            let number = match value {
                Value::Float(number) if number.is_finite() => {
                    BigInt::from_f64(number.trunc()).unwrap_or_default()
                }
                Value::Undefined(undefined) => return Err(undefined.error()),
                value => integer(value).ok_or_else(|| {
                    Error::type_error(format!(
                        "%{code} format: a real number is required, not {}",
                        value.type_name()
                    ))
                })?,
            };
            let digits = with_precision(number.abs().to_string(), conversion.precision);
            Ok(signed(conversion, number.is_negative(), "", &digits))
        }
        'x' | 'X' | 'o' => {
            let number = integer(value).ok_or_else(|| {
                Error::type_error(format!(
                    "%{code} format: an integer is required, not {}",
                    value.type_name()
                ))
            })?;
            let radix = if code == 'o' { 8 } else { 16 };
            let mut digits = with_precision(number.abs().to_str_radix(radix), conversion.precision);
            let mut prefix = if code == 'o' { "0o" } else { "0x" }.to_string();
            if code == 'X' {
                digits = digits.to_uppercase();
                prefix = "0X".into();
            }
            let prefix = if conversion.alternate { &*prefix } else { "" };
            Ok(signed(conversion, number.is_negative(), prefix, &digits))
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let number = match value {
                Value::Undefined(undefined) => return Err(undefined.error()),
                value => value.as_float().ok_or_else(|| {
                    Error::type_error(format!("must be real number, not {}", value.type_name()))
                })?,
            };
            let precision = conversion.precision.unwrap_or(6).min(1200);
            let magnitude = number.abs();
            let digits = match code.to_ascii_lowercase() {
                'e' => exponent(magnitude, precision, conversion.alternate),
                'f' => fixed(magnitude, precision, conversion.alternate),
                _ => general(magnitude, precision, conversion.alternate),
            };
            let digits = if code.is_uppercase() { digits.to_uppercase() } else { digits };
            Ok(signed(conversion, number.is_sign_negative() && !number.is_nan(), "", &digits))
        }
        code => Err(Error::value_error(format!(
            "unsupported format character '{}' ({:#x}) at index {index}",
            if code.is_ascii_graphic() { code } else { '?' },
            code as u32
        ))),
    }
}

fn integer(value: &Value) -> Option<BigInt> {
    match value {
        Value::Big(number) => Some((**number).clone()),
        value => value.as_int().map(BigInt::from),
    }
}

fn character(value: &Value) -> Result<String, Error> {
    if let Some(text) = value.as_str() {
        let mut characters = text.chars();
        return match (characters.next(), characters.next()) {
            (Some(only), None) => Ok(only.to_string()),
            _ => Err(Error::type_error("%c requires int or char")),
        };
    }
    let Some(code) = value.as_int() else {
        return Err(Error::type_error("%c requires int or char"));
    };
    let c = u32::try_from(code).ok().and_then(char::from_u32);
    c.map(String::from).ok_or_else(|| Error::new(ErrorKind::Overflow, "%c arg not in range(0x110000)"))
}

fn with_precision(digits: String, precision: Option<usize>) -> String {
    let missing = precision.unwrap_or(0).min(1200).saturating_sub(digits.len());
    "0".repeat(missing) + &digits
}

/// Sign, prefix, zeros up to the width, digits.
fn signed(conversion: &Conversion, negative: bool, prefix: &str, digits: &str) -> String {
    let sign = match (negative, conversion.plus, conversion.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    let mut zeros = 0;
    if conversion.zero && !conversion.left {
        const MOST: usize = 1 << 16;
        zeros = conversion.width.min(MOST).saturating_sub(sign.len() + prefix.len() + digits.len());
    }
    format!("{sign}{prefix}{}{digits}", "0".repeat(zeros))
}

fn pad(out: &mut String, conversion: &Conversion, text: &str) {
    let missing = conversion.width.saturating_sub(text.chars().count());
    if conversion.left {
        out.push_str(text);
    }
    out.extend(std::iter::repeat_n(' ', missing));
    if !conversion.left {
        out.push_str(text);
    }
}

//! Filters for numbers.

use num_bigint::BigInt;
use num_traits::{FromPrimitive, Num as _, Signed};

use super::{integer, required};
use crate::format::round_half_even;
use crate::lexer::is_space;
use crate::{Args, Environment, Error, ErrorKind, Signature, State, Value};

pub(super) fn register(environment: &mut Environment) {
    environment.add_filter("int", int);
    environment.add_filter("float", |_, args| {
        let [input, default] = args.bind(&Signature::new("do_float", &["value", "default"], 1))?;
        let default = default.unwrap_or(Value::Float(0.0));
        match required(input) {
            Value::Undefined(undefined) => Err(undefined.error()),
            value => Ok(to_float(&value).map_or(default, Value::Float)),
        }
    });
    environment.add_filter("abs", |_, args| match super::only_input(args, "abs", &["x"])? {
        Value::Float(number) => Ok(Value::Float(number.abs())),
        value => match to_integer(&value) {
            Some(number) => Ok(Value::big(number.abs())),
            None => Err(Error::type_error(format!("bad operand type for abs(): '{}'", value.type_name()))),
        },
    });
    environment.add_filter("round", round);
    environment.add_filter("filesizeformat", file_size);
}

fn to_integer(value: &Value) -> Option<BigInt> {
    match value {
        Value::Big(number) => Some((**number).clone()),
        value => value.as_int().map(BigInt::from),
    }
}

/// `float(value)`
fn to_float(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some(text) => parse_float(text),
        None => value.as_float(),
    }
}

fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned.to_ascii_lowercase().as_str() {
        "inf" | "infinity" | "nan" => return text.to_ascii_lowercase().parse().ok(),
        _ => {}
    }
    let bytes = unsigned.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let plain = bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'_' => is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)),
        byte => byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'),
    });
    if !plain || !bytes.iter().any(u8::is_ascii_digit) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// `int(text, base)`
fn parse_integer(text: &str, base: i64) -> Option<BigInt> {
    const LONGEST: usize = 4300;
    let text = text.trim_matches(is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefix = |prefix: &str| {
        lower.strip_prefix(prefix).map(|digits| digits.strip_prefix('_').unwrap_or(digits).to_string())
    };
    let (radix, digits) = match base {
        16 => (16, prefix("0x").unwrap_or(lower)),
        8 => (8, prefix("0o").unwrap_or(lower)),
        2 => (2, prefix("0b").unwrap_or(lower)),
        0 => match (prefix("0x"), prefix("0o"), prefix("0b")) {
            (Some(digits), ..) => (16, digits),
            (_, Some(digits), _) => (8, digits),
            (.., Some(digits)) => (2, digits),
            _ if lower.starts_with('0') && lower.bytes().any(|byte| !matches!(byte, b'0' | b'_')) => {
                return None;
            }
            _ => (10, lower),
        },
        base => (u32::try_from(base).ok().filter(|base| (2..=36).contains(base))?, lower),
    };
    if digits.is_empty()
        || digits.len() > LONGEST
        || digits.starts_with('_')
        || digits.ends_with('_')
        || digits.contains("__")
    {
        return None;
    }
    let digits = digits.replace('_', "");
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let number = BigInt::from_str_radix(&digits, radix).ok()?;
    Some(if negative { -number } else { number })
}

fn int(_: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let [input, default, base] = args.bind(&Signature::new("do_int", &["value", "default", "base"], 1))?;
    let default = default.unwrap_or(Value::Int(0));
    let base = integer(base.as_ref(), 10)?;
    let input = required(input);
    let truncated = |number: f64| BigInt::from_f64(number.trunc()).map(Value::big);
    match &input {
        Value::Undefined(undefined) => Err(undefined.error()),
        Value::Float(number) if number.is_infinite() => {
            Err(Error::new(ErrorKind::Overflow, "cannot convert float infinity to integer"))
        }
        Value::Float(number) => Ok(truncated(*number).unwrap_or(default)),
        value => match value.as_str() {
            Some(text) => Ok(parse_integer(text, base)
                .map(Value::big)
                .or_else(|| parse_float(text).filter(|number| number.is_finite()).and_then(truncated))
                .unwrap_or(default)),
            None => Ok(to_integer(value).map_or(default, Value::big)),
        },
    }
}

fn round(_: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let [input, precision, method] =
        args.bind(&Signature::new("do_round", &["value", "precision", "method"], 1))?;
    let input = required(input);
    let precision = integer(precision.as_ref(), 0)?;
    let method = method.unwrap_or_else(|| "common".into());
    let method = method.as_str().unwrap_or_default();
    if !matches!(method, "common" | "ceil" | "floor") {
        return Err(Error::new(ErrorKind::FilterArgument, "method must be common, ceil or floor"));
    }
    if method == "common" {
        return match &input {
            Value::Float(number) => Ok(Value::Float(round_half_even(*number, precision))),
            value => match to_integer(value) {
                Some(number) if precision >= 0 => Ok(Value::big(number)),
                Some(number) => Ok(Value::big(round_integer(&number, precision))),
                None => Err(Error::type_error(format!(
                    "type {} doesn't define __round__ method",
                    value.type_name()
                ))),
            },
        };
    }
    if let Value::Undefined(undefined) = &input {
        return Err(undefined.error());
    }
    let Some(number) = input.as_float() else {
        return Err(Error::type_error(format!(
            "unsupported operand type(s) for *: '{}' and 'int'",
            input.type_name()
        )));
    };
    let scale = 10f64.powi(i32::try_from(precision).unwrap_or(i32::MAX));
    let scaled = number * scale;
    let rounded = if method == "ceil" { scaled.ceil() } else { scaled.floor() };
    Ok(Value::Float(rounded / scale))
}

/// To a multiple of a power of ten, halves to even.
fn round_integer(number: &BigInt, places: i64) -> BigInt {
    const MOST: u32 = 20_000;
    let places = u32::try_from(places.unsigned_abs()).unwrap_or(MOST).min(MOST);
    let unit = BigInt::from(10).pow(places);
    let (quotient, remainder) = num_integer::Integer::div_mod_floor(number, &unit);
    let doubled = &remainder * 2;
    let up = doubled > unit || (doubled == unit && num_integer::Integer::is_odd(&quotient));
    (quotient + i32::from(up)) * unit
}

fn file_size(_: &mut State<'_>, args: Args) -> Result<Value, Error> {
    const PREFIXES: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    let [input, binary] = args.bind(&Signature::new("do_filesizeformat", &["value", "binary"], 1))?;
    let input = required(input);
    if let Value::Undefined(undefined) = &input {
        return Err(undefined.error());
    }
    let Some(bytes) = to_float(&input) else {
        return Err(match input.as_str() {
            Some(_) => Error::value_error(format!(
                "could not convert string to float: {}",
                crate::value::text::repr_short(&input)
            )),
            None => Error::type_error(format!(
                "float() argument must be a string or a real number, not '{}'",
                input.type_name()
            )),
        });
    };
    let binary = super::flag(binary)?;
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok("1 Byte".into());
    }
    if bytes < base {
        return Ok(Value::from(format!("{} Bytes", bytes.trunc() + 0.0)));
    }
    let mut unit = base;
    let mut text = String::new();
    for prefix in PREFIXES {
        unit *= base;
        let suffix = if binary { format!("{}iB", prefix.to_uppercase()) } else { format!("{prefix}B") };
        text = format!("{:.1} {suffix}", base * bytes / unit);
        if bytes < unit {
            break;
        }
    }
    Ok(Value::from(text))
}

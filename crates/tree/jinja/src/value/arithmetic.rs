//! `+ - * / // % **` and the signs.

use std::sync::Arc;

use num_bigint::{BigInt, Sign};
use num_integer::Integer as _;
use num_traits::{Signed, ToPrimitive, Zero};

use super::{Key, Set, Value, ViewKind, text};
use crate::{Error, ErrorKind, State};

/// A binary operator of arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
}

impl Operator {
    fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Remainder => "%",
            Self::Power => "** or pow()",
        }
    }
}

/// A number for arithmetic.
enum Number<'a> {
    Int(i64),
    Big(&'a BigInt),
    Float(f64),
}

fn number(value: &Value) -> Option<Number<'_>> {
    Some(match value {
        Value::Int(number) => Number::Int(*number),
        Value::Bool(flag) => Number::Int(i64::from(*flag)),
        Value::Big(number) => Number::Big(number),
        Value::Float(number) => Number::Float(*number),
        _ => return None,
    })
}

/// `a <operator> b`
pub(crate) fn binary(
    state: &mut State<'_>,
    operator: Operator,
    a: &Value,
    b: &Value,
) -> Result<Value, Error> {
    if let (Value::Int(a), Value::Int(b)) = (a, b) {
        let fast = match operator {
            Operator::Add => a.checked_add(*b),
            Operator::Subtract => a.checked_sub(*b),
            Operator::Multiply => a.checked_mul(*b),
            _ => None,
        };
        if let Some(result) = fast {
            return Ok(Value::Int(result));
        }
    }
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return numbers(state, operator, &a, &b);
    }
    for operand in [a, b] {
        // Formatting text with an undefined value is the formatter's affair.
        if let Value::Undefined(undefined) = operand
            && !(operator == Operator::Remainder && a.as_str().is_some())
        {
            return Err(undefined.error());
        }
    }
    match operator {
        Operator::Add => add(state, a, b),
        Operator::Multiply => multiply(state, a, b),
        Operator::Remainder => match a {
            Value::Str(format) => {
                crate::format::percent(state, format, b).map(|text| Value::Str(text.into()))
            }
            Value::Markup(format) => {
                let escaped = crate::methods::escape_nested(b);
                crate::format::percent(state, format, &escaped).map(|text| Value::Markup(text.into()))
            }
            _ => Err(unsupported(operator, a, b)),
        },
        Operator::Subtract => match (a, b) {
            (Value::Set(_), Value::Set(_)) | (Value::View(_), _) => difference(state, a, b),
            _ => Err(unsupported(operator, a, b)),
        },
        _ => Err(unsupported(operator, a, b)),
    }
}

fn unsupported(operator: Operator, a: &Value, b: &Value) -> Error {
    Error::type_error(format!(
        "unsupported operand type(s) for {}: '{}' and '{}'",
        operator.symbol(),
        a.type_name(),
        b.type_name()
    ))
}

fn add(state: &mut State<'_>, a: &Value, b: &Value) -> Result<Value, Error> {
    let wrong = |kind: &str| {
        Err(Error::type_error(format!("can only concatenate {kind} (not \"{}\") to {kind}", b.type_name())))
    };
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => Ok(Value::Str(join(state, a, b)?)),
        (Value::Markup(a), b) if b.as_str().is_some() => {
            Ok(Value::Markup(join(state, a, &crate::methods::escape_text(b))?))
        }
        (Value::Str(_), Value::Markup(b)) => {
            Ok(Value::Markup(join(state, &crate::methods::escape_text(a), b)?))
        }
        (Value::Str(_), _) => wrong("str"),
        (Value::List(a), Value::List(b)) => {
            state.charge_items(a.len() + b.len())?;
            let mut items = a.to_vec();
            items.extend(b.borrow().iter().cloned());
            Ok(Value::list(items))
        }
        (Value::List(_), _) => wrong("list"),
        (Value::Tuple(a), Value::Tuple(b)) => {
            state.charge_items(a.len() + b.len())?;
            Ok(Value::tuple(a.items().iter().chain(b.items()).cloned().collect()))
        }
        (Value::Tuple(_), _) => wrong("tuple"),
        (Value::Bytes(a), Value::Bytes(b)) => {
            state.charge_text(a.len() + b.len())?;
            Ok(Value::Bytes([&**a, &**b].concat().into()))
        }
        (Value::Bytes(_), b) => Err(Error::type_error(format!("can't concat {} to bytes", b.type_name()))),
        _ => Err(unsupported(Operator::Add, a, b)),
    }
}

fn join(state: &mut State<'_>, a: &str, b: &str) -> Result<Arc<str>, Error> {
    state.charge_text(a.len() + b.len())?;
    let mut joined = String::with_capacity(a.len() + b.len());
    joined.push_str(a);
    joined.push_str(b);
    Ok(joined.into())
}

fn multiply(state: &mut State<'_>, a: &Value, b: &Value) -> Result<Value, Error> {
    let (sequence, count) = match (is_sequence(a), is_sequence(b)) {
        (true, _) => (a, b),
        (false, true) => (b, a),
        (false, false) => return Err(unsupported(Operator::Multiply, a, b)),
    };
    let count = match count {
        Value::Big(number) if number.is_negative() => 0,
        Value::Big(_) => usize::MAX,
        count => match count.as_int() {
            Some(count) => usize::try_from(count).unwrap_or(0),
            None => {
                return Err(Error::type_error(format!(
                    "can't multiply sequence by non-int of type '{}'",
                    count.type_name()
                )));
            }
        },
    };
    match sequence {
        Value::Str(text) | Value::Markup(text) => {
            state.charge_text(text.len().saturating_mul(count))?;
            let repeated: Arc<str> = if text.is_empty() { "".into() } else { text.repeat(count).into() };
            Ok(if matches!(sequence, Value::Str(_)) { Value::Str(repeated) } else { Value::Markup(repeated) })
        }
        Value::Bytes(bytes) => {
            state.charge_text(bytes.len().saturating_mul(count))?;
            Ok(Value::Bytes(if bytes.is_empty() { bytes.clone() } else { bytes.repeat(count).into() }))
        }
        Value::List(list) => Ok(Value::list(repeat(state, &list.to_vec(), count)?)),
        Value::Tuple(tuple) => Ok(Value::tuple(repeat(state, tuple.items(), count)?)),
        _ => Err(unsupported(Operator::Multiply, a, b)),
    }
}

fn is_sequence(value: &Value) -> bool {
    matches!(value, Value::Str(_) | Value::Markup(_) | Value::Bytes(_) | Value::List(_) | Value::Tuple(_))
}

fn repeat(state: &mut State<'_>, items: &[Value], count: usize) -> Result<Vec<Value>, Error> {
    state.charge_items(items.len().saturating_mul(count))?;
    if items.is_empty() {
        return Ok(Vec::new());
    }
    Ok(std::iter::repeat_n(items, count).flatten().cloned().collect())
}

fn difference(state: &mut State<'_>, a: &Value, b: &Value) -> Result<Value, Error> {
    if let Value::View(view) = a
        && view.kind == ViewKind::Values
    {
        return Err(unsupported(Operator::Subtract, a, b));
    }
    let without = Set::from_items(b.to_items(state)?)?;
    let without = without.borrow();
    let keys: Result<Vec<Key>, Error> = a.to_items(state)?.into_iter().map(Key::new).collect();
    Ok(Value::Set(Set::from_keys(keys?.into_iter().filter(|key| !without.contains(key)).collect())))
}

fn numbers(
    state: &mut State<'_>,
    operator: Operator,
    a: &Number<'_>,
    b: &Number<'_>,
) -> Result<Value, Error> {
    match (a, b) {
        (Number::Float(a), b) => floats(operator, *a, to_float(b)?),
        (a, Number::Float(b)) => floats(operator, to_float(a)?, *b),
        (a, b) => integers(state, operator, &to_big(a), &to_big(b)),
    }
}

fn to_big(number: &Number<'_>) -> BigInt {
    match number {
        Number::Int(number) => (*number).into(),
        Number::Big(number) => (*number).clone(),
        Number::Float(_) => BigInt::zero(),
    }
}

fn to_float(number: &Number<'_>) -> Result<f64, Error> {
    match number {
        Number::Int(number) => Ok(*number as f64),
        Number::Float(number) => Ok(*number),
        Number::Big(number) => match number.to_f64() {
            Some(float) if float.is_finite() => Ok(float),
            _ => Err(Error::new(ErrorKind::Overflow, "int too large to convert to float")),
        },
    }
}

fn zero_division(message: &str) -> Error {
    Error::new(ErrorKind::ZeroDivision, message)
}

fn integers(state: &mut State<'_>, operator: Operator, a: &BigInt, b: &BigInt) -> Result<Value, Error> {
    let result = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => {
            state.charge_integer(a.bits() + b.bits())?;
            a * b
        }
        Operator::Divide => {
            if b.is_zero() {
                return Err(zero_division("division by zero"));
            }
            return divide(a, b);
        }
        Operator::FloorDivide => {
            if b.is_zero() {
                return Err(zero_division("integer division or modulo by zero"));
            }
            a.div_floor(b)
        }
        Operator::Remainder => {
            if b.is_zero() {
                return Err(zero_division("integer modulo by zero"));
            }
            a.mod_floor(b)
        }
        Operator::Power if b.sign() == Sign::Minus => {
            let (a, b) = (to_float(&Number::Big(a))?, to_float(&Number::Big(b))?);
            return floats(Operator::Power, a, b);
        }
        Operator::Power => {
            let small = a.bits() <= 1;
            let exponent = match b.to_u32() {
                Some(exponent) => exponent,
                // 0, 1 and -1 stay small whatever the exponent.
                None if small => u32::from(b.is_odd()) + 2,
                None => return Err(state.integer_too_large()),
            };
            if !small {
                state.charge_integer(a.bits().saturating_mul(u64::from(exponent)))?;
            }
            a.pow(exponent)
        }
    };
    state.charge_integer(result.bits())?;
    Ok(Value::big(result))
}

/// True division, exact to the last bit also for integers beyond 53 bits.
fn divide(a: &BigInt, b: &BigInt) -> Result<Value, Error> {
    const EXACT: u64 = 53;
    if a.bits() <= EXACT && b.bits() <= EXACT {
        let (a, b) = (a.to_f64().unwrap_or(0.0), b.to_f64().unwrap_or(1.0));
        return Ok(Value::Float(a / b));
    }
    // Scale so that the quotient has 64 significant bits and a sticky bit.
    let shift = 66 - (a.bits() as i64 - b.bits() as i64);
    let (dividend, divisor) = if shift >= 0 {
        (a.abs() << shift.unsigned_abs(), b.abs())
    } else {
        (a.abs(), b.abs() << shift.unsigned_abs())
    };
    let (mut quotient, remainder) = dividend.div_rem(&divisor);
    if !remainder.is_zero() {
        quotient |= BigInt::from(1);
    }
    let magnitude =
        quotient.to_f64().unwrap_or(f64::INFINITY) * 2f64.powi(i32::try_from(-shift).unwrap_or(0));
    if !magnitude.is_finite() {
        return Err(Error::new(ErrorKind::Overflow, "integer division result too large for a float"));
    }
    Ok(Value::Float(if a.is_negative() == b.is_negative() { magnitude } else { -magnitude }))
}

fn floats(operator: Operator, a: f64, b: f64) -> Result<Value, Error> {
    Ok(Value::Float(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide if b == 0.0 => return Err(zero_division("float division by zero")),
        Operator::Divide => a / b,
        Operator::FloorDivide if b == 0.0 => return Err(zero_division("float floor division by zero")),
        Operator::FloorDivide => ((a - float_modulo(a, b)) / b).round(),
        Operator::Remainder if b == 0.0 => return Err(zero_division("float modulo")),
        Operator::Remainder => float_modulo(a, b),
        Operator::Power => return float_power(a, b),
    }))
}

/// The remainder with the divisor's sign.
fn float_modulo(a: f64, b: f64) -> f64 {
    let remainder = a % b;
    if remainder == 0.0 {
        0.0f64.copysign(b)
    } else if (remainder < 0.0) != (b < 0.0) {
        remainder + b
    } else {
        remainder
    }
}

fn float_power(a: f64, b: f64) -> Result<Value, Error> {
    if a == 0.0 && b < 0.0 {
        return Err(zero_division("0.0 cannot be raised to a negative power"));
    }
    if a < 0.0 && a.is_finite() && b.is_finite() && b.fract() != 0.0 {
        return Err(Error::value_error("complex numbers are not supported"));
    }
    let result = a.powf(b);
    if result.is_infinite() && a.is_finite() && b.is_finite() {
        return Err(Error::new(ErrorKind::Overflow, "(34, 'Numerical result out of range')"));
    }
    Ok(Value::Float(result))
}

/// `-a`
pub(crate) fn negate(value: &Value) -> Result<Value, Error> {
    match value {
        Value::Undefined(undefined) => Err(undefined.error()),
        value => match number(value) {
            Some(Number::Int(number)) => {
                Ok(number.checked_neg().map_or_else(|| Value::big(-BigInt::from(number)), Value::Int))
            }
            Some(Number::Big(number)) => Ok(Value::big(-number.clone())),
            Some(Number::Float(number)) => Ok(Value::Float(-number)),
            None => Err(Error::type_error(format!("bad operand type for unary -: '{}'", value.type_name()))),
        },
    }
}

/// `+a`
pub(crate) fn positive(value: &Value) -> Result<Value, Error> {
    match value {
        Value::Undefined(undefined) => Err(undefined.error()),
        Value::Bool(flag) => Ok(Value::Int(i64::from(*flag))),
        Value::Int(_) | Value::Big(_) | Value::Float(_) => Ok(value.clone()),
        value => Err(Error::type_error(format!("bad operand type for unary +: '{}'", value.type_name()))),
    }
}

/// `a ~ b ~ c`: the texts of all, joined.
pub(crate) fn concatenate(state: &mut State<'_>, values: &[Value], escape: bool) -> Result<Value, Error> {
    let mut joined = String::new();
    let markup = escape && values.iter().any(|value| matches!(value, Value::Markup(_)));
    for value in values {
        if markup {
            joined.push_str(&crate::methods::escape_value(value)?);
        } else {
            text::write_text(&mut joined, value)?;
        }
    }
    state.charge_text(joined.len())?;
    Ok(if markup { Value::Markup(joined.into()) } else { Value::Str(joined.into()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_have_the_divisors_sign() {
        for (a, b, result) in [(7.5, 2.0, 1.5), (-7.0, 3.0, 2.0), (7.0, -3.0, -2.0), (-0.5, 1.0, 0.5)] {
            assert_eq!(float_modulo(a, b), result);
        }
    }

    #[test]
    fn true_division_rounds_once() {
        let a: BigInt = "123456789012345678901234567890".parse().unwrap();
        let Value::Float(result) = divide(&a, &BigInt::from(7)).unwrap() else { panic!() };
        assert_eq!(result, 1.763_668_414_462_081e28);
    }
}

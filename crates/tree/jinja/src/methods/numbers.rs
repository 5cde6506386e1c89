//! Methods of `int` and `float`.

use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::arguments::{Call, integer};
use crate::{Args, Error, ErrorKind, Value};

pub(super) const INT_NAMES: &[&str] =
    &["bit_length", "bit_count", "conjugate", "to_bytes", "as_integer_ratio"];
pub(super) const FLOAT_NAMES: &[&str] = &["is_integer", "conjugate", "as_integer_ratio"];

pub(super) fn int(receiver: &Value, name: &str, args: &Args) -> Result<Value, Error> {
    let call = Call { type_name: "int", name, args };
    let number: BigInt = match receiver {
        Value::Big(number) => (**number).clone(),
        receiver => receiver.as_int().unwrap_or(0).into(),
    };
    match name {
        "bit_length" => {
            call.none()?;
            Ok(Value::from(usize::try_from(number.bits()).unwrap_or(usize::MAX)))
        }
        "bit_count" => {
            call.none()?;
            let ones: u32 = number.magnitude().iter_u64_digits().map(u64::count_ones).sum();
            Ok(Value::Int(i64::from(ones)))
        }
        "conjugate" => {
            call.none()?;
            Ok(Value::big(number))
        }
        "as_integer_ratio" => {
            call.none()?;
            Ok(Value::tuple(vec![Value::big(number), Value::Int(1)]))
        }
        "to_bytes" => {
            let [length, order] = call.named(["length", "byteorder"])?;
            let length = length.map_or(Ok(1), |length| integer(&length))?;
            let length = usize::try_from(length).unwrap_or(0);
            let (sign, mut bytes) = number.to_bytes_be();
            if sign == num_bigint::Sign::Minus {
                return Err(Error::new(ErrorKind::Overflow, "can't convert negative int to unsigned"));
            }
            bytes = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            if bytes.len() > length || length > 1 << 20 {
                return Err(Error::new(ErrorKind::Overflow, "int too big to convert"));
            }
            let mut padded = vec![0; length - bytes.len()];
            padded.extend(bytes);
            if order.as_ref().and_then(Value::as_str) == Some("little") {
                padded.reverse();
            }
            Ok(Value::Bytes(padded.into()))
        }
        _ => Err(super::no_method(receiver, name)),
    }
}

pub(super) fn float(number: f64, name: &str, args: &Args) -> Result<Value, Error> {
    let call = Call { type_name: "float", name, args };
    call.none()?;
    match name {
        "is_integer" => Ok(Value::Bool(number.is_finite() && number.fract() == 0.0)),
        "conjugate" => Ok(Value::Float(number)),
        "as_integer_ratio" => {
            let mut scaled = number;
            let mut denominator = BigInt::from(1);
            if !number.is_finite() {
                return Err(Error::new(ErrorKind::Overflow, "cannot convert Infinity to integer ratio"));
            }
            while scaled.fract() != 0.0 {
                scaled *= 2.0;
                denominator *= 2;
            }
            let numerator = BigInt::from_f64(scaled).unwrap_or_default();
            Ok(Value::tuple(vec![Value::big(numerator), Value::big(denominator)]))
        }
        _ => Err(super::no_method(&Value::Float(number), name)),
    }
}

//! Methods of `bytes`, and the way from text to bytes.

use std::fmt::Write as _;
use std::sync::Arc;

use super::arguments::{Call, string};
use crate::value::text::quote;
use crate::{Args, Error, State, Value};

pub(super) const NAMES: &[&str] = &["decode", "hex", "lower", "upper", "strip", "startswith", "endswith"];

pub(super) fn call(state: &mut State<'_>, this: &Arc<[u8]>, name: &str, args: Args) -> Result<Value, Error> {
    let call = Call { type_name: "bytes", name, args: &args };
    state.charge(this.len() as u64 / 64)?;
    Ok(match name {
        "decode" => decode(this, &call)?,
        "hex" => {
            call.none()?;
            let mut text = String::with_capacity(this.len() * 2);
            for byte in this.iter() {
                let _ = write!(text, "{byte:02x}");
            }
            text.into()
        }
        "lower" => {
            call.none()?;
            Value::Bytes(this.to_ascii_lowercase().into())
        }
        "upper" => {
            call.none()?;
            Value::Bytes(this.to_ascii_uppercase().into())
        }
        "strip" => {
            call.none()?;
            Value::Bytes(this.trim_ascii().into())
        }
        "startswith" | "endswith" => match call.one()? {
            Value::Bytes(part) if name == "startswith" => Value::Bool(this.starts_with(part)),
            Value::Bytes(part) => Value::Bool(this.ends_with(part)),
            part => {
                return Err(Error::type_error(format!(
                    "{name} first arg must be bytes or a tuple of bytes, not {}",
                    part.type_name()
                )));
            }
        },
        name => return Err(super::no_method(&Value::Bytes(this.clone()), name)),
    })
}

fn decode(bytes: &[u8], call: &Call<'_>) -> Result<Value, Error> {
    let [encoding, errors] = call.named(["encoding", "errors"])?;
    let encoding = encoding.map_or_else(|| Ok("utf-8".into()), |encoding| string(&encoding))?;
    match &*encoding.to_lowercase().replace('_', "-") {
        "latin-1" | "latin1" | "iso-8859-1" => {
            return Ok(bytes.iter().map(|byte| *byte as char).collect::<String>().into());
        }
        "utf-8" | "utf8" | "u8" | "ascii" | "us-ascii" => {}
        _ => return Err(Error::other("LookupError", format!("unknown encoding: {encoding}"))),
    }
    let lossy = String::from_utf8_lossy(bytes);
    match errors.as_ref().and_then(Value::as_str) {
        Some("replace") => Ok(lossy.into_owned().into()),
        Some("ignore") => Ok(lossy.replace('\u{fffd}', "").into()),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(error) => {
                let position = error.valid_up_to();
                let byte = bytes.get(position).copied().unwrap_or(0);
                Err(Error::other(
                    "UnicodeDecodeError",
                    format!(
                        "{} codec can't decode byte {byte:#04x} in position {position}: invalid start byte",
                        quote(&encoding)
                    ),
                ))
            }
        },
    }
}

pub(super) fn encode(text: &str, call: &Call<'_>) -> Result<Value, Error> {
    let [encoding, errors] = call.named(["encoding", "errors"])?;
    let encoding = encoding.map_or_else(|| Ok("utf-8".into()), |encoding| string(&encoding))?;
    let limit = match &*encoding.to_lowercase().replace('_', "-") {
        "utf-8" | "utf8" | "u8" => return Ok(Value::Bytes(text.as_bytes().into())),
        "ascii" | "us-ascii" => 0x80,
        "latin-1" | "latin1" | "iso-8859-1" => 0x100,
        _ => return Err(Error::other("LookupError", format!("unknown encoding: {encoding}"))),
    };
    let errors = errors.map_or_else(|| Ok("strict".into()), |errors| string(&errors))?;
    let mut bytes = Vec::with_capacity(text.len());
    for (position, c) in text.chars().enumerate() {
        match u8::try_from(c as u32) {
            Ok(byte) if u32::from(byte) < limit => bytes.push(byte),
            _ => match &*errors {
                "ignore" => {}
                "replace" => bytes.push(b'?'),
                "xmlcharrefreplace" => bytes.extend(format!("&#{};", c as u32).into_bytes()),
                "backslashreplace" => {
                    let mut escaped = String::new();
                    crate::value::text::write_escaped(&mut escaped, c);
                    bytes.extend(escaped.into_bytes());
                }
                _ => {
                    let mut escaped = String::new();
                    crate::value::text::write_escaped(&mut escaped, c);
                    return Err(Error::other(
                        "UnicodeEncodeError",
                        format!(
                            "'{encoding}' codec can't encode character '{escaped}' in position {position}: ordinal \
                             not in range({limit})"
                        ),
                    ));
                }
            },
        }
    }
    Ok(Value::Bytes(bytes.into()))
}

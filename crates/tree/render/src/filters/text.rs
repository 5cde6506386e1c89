//! Text: regular expressions, quoting, paths, names, digests.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fancy_regex::{Captures, Regex, RegexBuilder};
use jinja::{Args, Environment, Error, ErrorKind, Signature, State, Value};
use sha2::Digest as _;

use super::serialize::{ascii, data};

pub(super) fn register(environment: &mut Environment) {
    register_patterns(environment);
    register_digests(environment);
    environment.add_filter("to_bool", |_, args| {
        let [value] = args.bind(&Signature::new("to_bool", &["val"], 1))?;
        Ok(Value::Bool(match value.unwrap_or(Value::None) {
            Value::Bool(flag) => flag,
            Value::Str(text) | Value::Markup(text) => {
                matches!(text.to_lowercase().as_str(), "yes" | "1" | "true")
            }
            Value::Int(number) => number > 0,
            list @ (Value::List(_) | Value::Dict(_) | Value::Set(_)) => list.is_true()?,
            undefined @ Value::Undefined(_) => undefined.is_true()?,
            _ => false,
        }))
    });
    environment.add_filter("quote", |state, args| {
        let text = one_text(state, args, "quote")?;
        Ok(shell_quoted(&text).as_str().into())
    });
    environment.add_filter("tojson", |state, args| {
        let [value, indent] = args.bind(&Signature::new("tojson", &["val", "indent"], 1))?;
        let value = data(value)?;
        let text = match indent.and_then(|indent| indent.as_int()) {
            Some(width) => value::json::to_pretty(&value, usize::try_from(width).unwrap_or(0).min(64)),
            None => value::json::to_text(&value),
        };
        state.charge_text(text.len())?;
        let text = ascii(&text).replace('<', "\\u003c").replace('>', "\\u003e");
        Ok(text.replace('&', "\\u0026").replace('\'', "\\u0027").as_str().into())
    });
    environment.add_filter("path_join", |state, args| {
        let mut path = String::new();
        for part in &args.positional {
            let part = state.text(part)?;
            if path.is_empty() {
                path.push_str(&part);
            } else {
                let inner = part.trim_start_matches('/');
                if !path.ends_with('/') {
                    path.push('/');
                }
                path.push_str(inner);
            }
        }
        let path = if path.is_empty() { ".".to_string() } else { path };
        Ok(normal_path(&path).as_str().into())
    });
    environment.add_filter("to_snake_case", |state, args| {
        let text = one_text(state, args, "to_snake_case")?;
        Ok(snake(&text).as_str().into())
    });
    environment.add_filter("to_camelcase", |state, args| {
        let [text, upper] = args.bind(&Signature::new("to_camelcase", &["snake_input", "uppercamel"], 1))?;
        let text = state.text(&text.unwrap_or(Value::None))?;
        let upper = upper.map_or(Ok(false), |upper| upper.is_true())?;
        Ok(camel(&text, upper).as_str().into())
    });
    environment.add_filter("contains_whitespace", |state, args| {
        Ok(Value::Bool(one_text(state, args, "contains_whitespace")?.contains(char::is_whitespace)))
    });
    environment.add_filter("is_hex", |state, args| {
        let text = one_text(state, args, "is_hex")?;
        let digits = text.trim_start_matches("0x");
        Ok(Value::Bool(!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())))
    });
    for name in ["to_num", "str_to_num"] {
        environment.add_filter(name, |_, args| {
            let value = args.positional.first().cloned().unwrap_or(Value::None);
            let number = value.as_str().map(|text| (text.trim().parse::<i64>(), text.trim().parse::<f64>()));
            Ok(match number {
                Some((Ok(number), _)) => Value::Int(number),
                Some((_, Ok(number))) => Value::Float(number),
                _ => value,
            })
        });
    }
    environment.add_filter("to_bytes", |state, args| {
        Ok(Value::Bytes(one_text(state, args, "to_bytes")?.as_bytes().into()))
    });
    for name in ["to_unicode", "to_str"] {
        environment.add_filter(name, |state, args| match args.positional.first() {
            Some(Value::Bytes(bytes)) => Ok(String::from_utf8_lossy(bytes).as_ref().into()),
            _ => Ok(Value::Str(one_text(state, args, "to_unicode")?)),
        });
    }
    environment.add_function("raise", |state, args| {
        let message = one_text(state, args, "raise")?;
        Err(Error::new(ErrorKind::Runtime, &*message).hint(
            "the template calls `raise` here: do what it asks for, or change the condition that leads to it",
        ))
    });
    environment.add_test("equalto", |_, args| {
        let [a, b] = args.bind(&Signature::new("equalto", &["value", "other"], 2))?;
        Ok(Value::Bool(a.unwrap_or(Value::None).equals(&b.unwrap_or(Value::None))?))
    });
}

fn one_text(state: &mut State<'_>, args: Args, name: &'static str) -> Result<std::sync::Arc<str>, Error> {
    let [text] = args.bind(&Signature::new(name, &["text"], 1))?;
    state.text(&text.unwrap_or(Value::None))
}

fn register_patterns(environment: &mut Environment) {
    environment.add_filter("regex_escape", |state, args| {
        let text = one_text(state, args, "regex_escape")?;
        let mut out = String::with_capacity(text.len() * 2);
        for c in text.chars() {
            if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c) {
                out.push('\\');
            }
            out.push(c);
        }
        Ok(out.as_str().into())
    });
    environment.add_filter("regex_match", |state, args| groups(state, args, "regex_match", true));
    environment.add_filter("regex_search", |state, args| groups(state, args, "regex_search", false));
    environment.add_filter("regex_replace", |state, args| {
        let names = &["txt", "rgx", "val", "ignorecase", "multiline"];
        let [text, regex, replacement, ignorecase, multiline] =
            args.bind(&Signature::new("regex_replace", names, 3))?;
        let text = state.text(&text.unwrap_or(Value::None))?;
        let regex = pattern(state, regex, false, ignorecase, multiline)?;
        let replacement = state.text(&replacement.unwrap_or(Value::None))?;
        let mut out = String::new();
        let mut from = 0;
        for captures in regex.captures_iter(&*text) {
            let captures = captures.map_err(|error| Error::limit(error.to_string()))?;
            let Some(whole) = captures.get(0) else { continue };
            out.push_str(text.get(from..whole.start()).unwrap_or_default());
            expand(&replacement, &captures, &mut out)?;
            from = whole.end();
            state.charge_text(out.len())?;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Ok(out.as_str().into())
    });
    environment.add_test("match", |state, args| {
        let names = &["txt", "rgx", "ignorecase", "multiline"];
        let [text, regex, ignorecase, multiline] = args.bind(&Signature::new("test_match", names, 2))?;
        let text = state.text(&text.unwrap_or(Value::None))?;
        let regex = pattern(state, regex, true, ignorecase, multiline)?;
        regex.is_match(&*text).map(Value::Bool).map_err(|error| Error::limit(error.to_string()))
    });
}

fn groups(state: &mut State<'_>, args: Args, name: &'static str, at_start: bool) -> Result<Value, Error> {
    let [text, regex, ignorecase, multiline] =
        args.bind(&Signature::new(name, &["txt", "rgx", "ignorecase", "multiline"], 2))?;
    let text = state.text(&text.unwrap_or(Value::None))?;
    let regex = pattern(state, regex, at_start, ignorecase, multiline)?;
    let captures = regex.captures(&*text).map_err(|error| Error::limit(error.to_string()))?;
    Ok(captures.map_or(Value::None, |captures| {
        let group = |at| captures.get(at).map_or(Value::None, |group| group.as_str().into());
        Value::tuple((1..captures.len()).map(group).collect())
    }))
}

/// A Python regular expression; the last ones used are kept compiled.
fn pattern(
    state: &mut State<'_>,
    regex: Option<Value>,
    at_start: bool,
    ignorecase: Option<Value>,
    multiline: Option<Value>,
) -> Result<Rc<Regex>, Error> {
    thread_local! {
        static COMPILED: RefCell<HashMap<String, Rc<Regex>>> = RefCell::default();
    }
    const KEPT: usize = 256;
    const BACKTRACKS: usize = 1_000_000;
    let is_set = |flag: Option<Value>| flag.map_or(Ok(false), |flag| flag.is_true());
    let flags = match (is_set(ignorecase)?, is_set(multiline)?) {
        (false, false) => "",
        (true, false) => "(?i)",
        (false, true) => "(?m)",
        (true, true) => "(?im)",
    };
    let written = state.text(&regex.unwrap_or(Value::None))?;
    let body = written.replace("\\Z", "\\z");
    let text = if at_start { format!("{flags}\\A(?:{body})") } else { format!("{flags}{body}") };
    state.charge(text.len() as u64)?;
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(regex) = compiled.get(&text) {
            return Ok(regex.clone());
        }
        let regex = RegexBuilder::new(&text).backtrack_limit(BACKTRACKS).build().map_err(|error| {
            Error::other("re.error", format!("`{written}` is no regular expression: {error}"))
        })?;
        if compiled.len() >= KEPT {
            compiled.clear();
        }
        let regex = Rc::new(regex);
        compiled.insert(text, regex.clone());
        Ok(regex)
    })
}

/// Python's replacement templates: `\1`, `\g<1>`, `\g<name>`, `\n`.
fn expand(template: &str, captures: &Captures<'_, str>, out: &mut String) -> Result<(), Error> {
    let mut rest = template;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let Some(c) = rest.chars().next() else {
            return Err(Error::other("re.error", "bad escape (end of pattern)"));
        };
        let name;
        if c == 'g'
            && let Some((inner, after)) = rest.strip_prefix("g<").and_then(|rest| rest.split_once('>'))
        {
            (name, rest) = (inner.to_string(), after);
        } else if c.is_ascii_digit() {
            let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
            name = rest.get(..digits).unwrap_or_default().to_string();
            rest = rest.get(digits..).unwrap_or_default();
        } else {
            out.push(match c {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                c => c,
            });
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            continue;
        }
        let (group, known) = match name.parse::<usize>() {
            Ok(number) => (captures.get(number), number < captures.len()),
            Err(_) => (captures.name(&name), captures.name(&name).is_some()),
        };
        if !known {
            return Err(Error::other("re.error", format!("invalid group reference {name}")));
        }
        out.push_str(group.map_or("", |group| group.as_str()));
    }
    out.push_str(rest);
    Ok(())
}

fn register_digests(environment: &mut Environment) {
    type Digest = fn(&[u8]) -> String;
    let digests: [(&str, Digest); 5] = [
        ("md5", |bytes| hexadecimal(&md5::Md5::digest(bytes))),
        ("sha1", |bytes| hexadecimal(&sha1::Sha1::digest(bytes))),
        ("sha256", |bytes| hexadecimal(&sha2::Sha256::digest(bytes))),
        ("sha512", |bytes| hexadecimal(&sha2::Sha512::digest(bytes))),
        ("base64_encode", |bytes| BASE64.encode(bytes)),
    ];
    for (name, digest) in digests {
        environment.add_filter(name, move |state, args| {
            let bytes = one_bytes(state, &args)?;
            state.charge(bytes.len() as u64 / 16)?;
            Ok(digest(&bytes).as_str().into())
        });
    }
    environment.add_filter("base64_decode", |state, args| {
        let bytes = one_bytes(state, &args)?;
        let bytes =
            BASE64.decode(&*bytes).map_err(|error| Error::other("binascii.Error", error.to_string()))?;
        Ok(match String::from_utf8(bytes) {
            Ok(text) => text.as_str().into(),
            Err(error) => Value::Bytes(error.into_bytes().into()),
        })
    });
    environment.add_filter("uuid", |state, args| {
        /// Salt's own namespace.
        const NAMESPACE: u128 = 0x9163_3ebf_1c86_5e33_935a_2806_1f4b_480e;
        let text = one_text(state, args, "uuid")?;
        let mut input = NAMESPACE.to_be_bytes().to_vec();
        input.extend_from_slice(text.as_bytes());
        let hash = sha1::Sha1::digest(&input);
        let number = hash.iter().take(16).fold(0u128, |number, byte| number << 8 | u128::from(*byte));
        let number = number & !(0xf << 76) & !(0x3 << 62) | (5 << 76) | (2 << 62);
        let hex = format!("{number:032x}");
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| hex.get(part).unwrap_or_default());
        Ok(parts.join("-").as_str().into())
    });
}

fn one_bytes(state: &mut State<'_>, args: &Args) -> Result<std::sync::Arc<[u8]>, Error> {
    match args.positional.first() {
        Some(Value::Bytes(bytes)) => Ok(bytes.clone()),
        value => Ok(state.text(value.unwrap_or(&Value::None))?.as_bytes().into()),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// As `shlex.quote`.
fn shell_quoted(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

fn normal_path(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    match (absolute, parts.join("/")) {
        (true, joined) => format!("/{joined}"),
        (false, joined) if joined.is_empty() => ".".into(),
        (false, joined) => joined,
    }
}

fn snake(text: &str) -> String {
    let mut out = String::new();
    for (at, c) in text.chars().enumerate() {
        if c.is_uppercase() && at > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn camel(text: &str, upper: bool) -> String {
    let mut out = String::new();
    let mut raise = upper;
    for c in text.chars() {
        match c {
            '_' => raise = true,
            c if raise => {
                out.extend(c.to_uppercase());
                raise = false;
            }
            c => out.push(c),
        }
    }
    out
}

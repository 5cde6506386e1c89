//! Filters for HTML and URLs.

use super::{flag, no_attribute, only_input, required, soft_text};
use crate::methods::{escape_str, escape_value};
use crate::value::text::{quote, to_text};
use crate::{Args, Environment, Error, Signature, State, Value};

pub(super) fn register(environment: &mut Environment) {
    for name in ["escape", "e"] {
        environment.add_filter(name, |_, args| {
            let input = only_input(args, "escape", &["s"])?;
            escape_value(&input).map(|text| Value::Markup(text.into()))
        });
    }
    environment.add_filter("forceescape", |_, args| {
        let input = only_input(args, "do_forceescape", &["value"])?;
        Ok(Value::Markup(escape_str(&to_text(&input)?).into()))
    });
    environment.add_filter("safe", |state, args| {
        let input = only_input(args, "do_mark_safe", &["value"])?;
        soft_text(state, &input).map(Value::Markup)
    });
    environment.add_filter("striptags", |state, args| {
        let input = only_input(args, "do_striptags", &["value"])?;
        Ok(Value::from(strip_tags(&soft_text(state, &input)?)))
    });
    environment.add_filter("xmlattr", xml_attributes);
    environment.add_filter("urlencode", url_encode);
    environment.add_filter("urlize", urlize);
}

/// A text without tags and comments, blanks collapsed, entities resolved.
pub(crate) fn strip_tags(text: &str) -> String {
    let without_comments = remove_between(text, "<!--", "-->");
    let without_tags = remove_between(&without_comments, "<", ">");
    let words: Vec<&str> =
        without_tags.split(crate::lexer::is_space).filter(|word| !word.is_empty()).collect();
    words
        .join(" ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", "\u{a0}")
        .replace("&amp;", "&")
}

fn remove_between(text: &str, open: &str, close: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once(open) {
        let Some((_, after)) = inside.split_once(close) else { break };
        out.push_str(before);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn xml_attributes(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let [input, autospace] =
        args.bind(&Signature::new("do_xmlattr", &["d", "autospace"], 1).with_context())?;
    let input = required(input);
    let autospace = match autospace {
        None => true,
        given => flag(given)?,
    };
    if !input.is_mapping() {
        return Err(no_attribute(&input, "items"));
    }
    let items = state.attribute(&input, "items")?;
    let mut parts = Vec::new();
    for pair in state.call(&items, Args::default())?.to_items(state)? {
        let pair = pair.to_items(state)?;
        let [key, value] = pair.as_slice() else { continue };
        if value.is_none() || value.is_undefined() {
            continue;
        }
        let Some(name) = key.as_str() else {
            return Err(Error::type_error("expected string or bytes-like object, got 'int'"));
        };
        if name.contains([' ', '\t', '\n', '\r', '\u{b}', '\u{c}', '/', '>', '=']) {
            return Err(Error::value_error(format!("Invalid character in attribute name: {}", quote(name))));
        }
        parts.push(format!("{}=\"{}\"", escape_value(key)?, escape_value(value)?));
    }
    let mut text = parts.join(" ");
    if autospace && !text.is_empty() {
        text.insert(0, ' ');
    }
    Ok(if state.autoescape() { Value::Markup(text.into()) } else { text.into() })
}

fn url_encode(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let input = only_input(args, "do_urlencode", &["value"])?;
    if input.as_str().is_some() || !input.is_iterable(state)? || matches!(input, Value::Bytes(_)) {
        return Ok(Value::from(url_quote(&input, false)?));
    }
    let pairs = match &input {
        Value::Dict(dict) => {
            dict.to_pairs().into_iter().map(|(key, value)| Value::tuple(vec![key, value])).collect()
        }
        input => input.to_items(state)?,
    };
    let mut parts = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let pair = pair.to_items(state).map_err(|_| {
            Error::type_error(format!("cannot unpack non-iterable {} object", pair.type_name()))
        })?;
        let [key, value] = pair.as_slice() else {
            return Err(Error::value_error(format!(
                "not enough values to unpack (expected 2, got {})",
                pair.len()
            )));
        };
        parts.push(format!("{}={}", url_quote(key, true)?, url_quote(value, true)?));
    }
    Ok(parts.join("&").into())
}

/// Percent encoding; in a query a blank becomes `+` and `/` is encoded as well.
fn url_quote(value: &Value, in_query: bool) -> Result<String, Error> {
    let bytes = match value {
        Value::Bytes(bytes) => bytes.to_vec(),
        value => to_text(value)?.into_bytes(),
    };
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(byte as char),
            b'/' if !in_query => out.push('/'),
            b' ' if in_query => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(out)
}

/// Links around what looks like a URL or a mail address.
fn urlize(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    const SIGNATURE: Signature = Signature::new(
        "do_urlize",
        &["value", "trim_url_limit", "nofollow", "target", "rel", "extra_schemes"],
        1,
    )
    .with_context();
    let [input, limit, nofollow, target, rel, schemes] = args.bind(&SIGNATURE)?;
    let text = escape_value(&required(input))?;
    let limit = match &limit {
        None | Some(Value::None) => None,
        Some(limit) => Some(usize::try_from(super::integer(Some(limit), 0)?).unwrap_or(0)),
    };
    let mut relations: Vec<String> = vec!["noopener".into()];
    if flag(nofollow)? {
        relations.push("nofollow".into());
    }
    if let Some(rel) = rel.filter(|rel| !rel.is_none()) {
        relations.extend(state.text(&rel)?.split_whitespace().map(str::to_string));
    }
    relations.sort();
    relations.dedup();
    let mut attributes = format!(" rel=\"{}\"", escape_str(&relations.join(" ")));
    if let Some(target) = target.filter(|target| !target.is_none()) {
        attributes += &format!(" target=\"{}\"", escape_value(&target)?);
    }
    let mut extra = Vec::new();
    if let Some(schemes) = schemes.filter(|schemes| !schemes.is_none()) {
        for scheme in schemes.to_items(state)? {
            extra.push(state.text(&scheme)?);
        }
    }
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(crate::lexer::is_space) {
        let word = piece.trim_end_matches(crate::lexer::is_space);
        let blanks = piece.get(word.len()..).unwrap_or_default();
        let (head, middle, tail) = punctuation(word);
        let shown = match limit {
            Some(limit) if middle.chars().count() > limit => {
                middle.chars().take(limit).collect::<String>() + "..."
            }
            _ => middle.to_string(),
        };
        out.push_str(head);
        match link(middle, &extra) {
            Some(href) if href.starts_with("mailto:") => {
                out.push_str(&format!("<a href=\"{href}\">{}</a>", middle.trim_start_matches("mailto:")));
            }
            Some(href) => out.push_str(&format!("<a href=\"{href}\"{attributes}>{shown}</a>")),
            None => out.push_str(middle),
        }
        out.push_str(tail);
        out.push_str(blanks);
    }
    state.charge_text(out.len())?;
    Ok(if state.autoescape() { Value::Markup(out.into()) } else { out.into() })
}

/// Splits opening punctuation from the front of a word and closing punctuation from its end.
fn punctuation(word: &str) -> (&str, &str, &str) {
    const OPEN: [&str; 3] = ["(", "&lt;", "["];
    const CLOSE: [&str; 8] = ["&gt;", ")", ".", ",", "]", ":", ";", "!"];
    let mut start = 0;
    while let Some(found) =
        OPEN.iter().find(|open| word.get(start..).is_some_and(|rest| rest.starts_with(**open)))
    {
        start += found.len();
    }
    let mut end = word.len();
    while let Some(rest) = word.get(start..end) {
        let Some(found) = CLOSE.iter().find(|close| rest.ends_with(**close)) else { break };
        // A closing bracket that the word itself opens belongs to it.
        let open = match *found {
            ")" => Some('('),
            "]" => Some('['),
            _ => None,
        };
        if open.is_some_and(|open| rest.matches(open).count() >= rest.matches(*found).count()) {
            break;
        }
        end -= found.len();
    }
    let (start, end) = (start.min(end), end);
    (
        word.get(..start).unwrap_or_default(),
        word.get(start..end).unwrap_or_default(),
        word.get(end..).unwrap_or_default(),
    )
}

fn link(word: &str, extra: &[std::sync::Arc<str>]) -> Option<String> {
    let is_host = |host: &str| {
        let name = host.split(['/', '?', '#', ':']).next().unwrap_or_default();
        let top = name.rsplit('.').next().unwrap_or_default();
        name.contains('.')
            && !name.starts_with('.')
            && top.len() >= 2
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@'))
    };
    for scheme in ["http://", "https://"] {
        if let Some(rest) = word.strip_prefix(scheme) {
            let local = rest.split(['/', ':']).next() == Some("localhost");
            return (is_host(rest) || local).then(|| word.to_string());
        }
    }
    if let Some(address) = word.strip_prefix("mailto:") {
        return is_mail(address).then(|| word.to_string());
    }
    if extra.iter().any(|scheme| word.len() > scheme.len() && word.starts_with(&**scheme)) {
        return Some(word.to_string());
    }
    if is_mail(word) {
        return Some(format!("mailto:{word}"));
    }
    let known = [".com", ".net", ".org"].iter().any(|top| {
        word.split(['/', '?', '#']).next().is_some_and(|host| host.len() > top.len() && host.ends_with(top))
    });
    ((word.starts_with("www.") || known) && is_host(word) && !word.contains('@'))
        .then(|| format!("https://{word}"))
}

fn is_mail(word: &str) -> bool {
    let Some((user, host)) = word.split_once('@') else { return false };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    !user.is_empty()
        && user.chars().all(plain)
        && host.contains('.')
        && !host.starts_with(['.', '-'])
        && !host.ends_with('.')
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
}

//! Heads of requests, as instances see them.
//!
//! * Fields that concern one connection only end here (RFC 9110, 7.6.1): `Connection` and what it names, `Keep-Alive`,
//!   `Proxy-*`, `TE` (but for `trailers`), `Transfer-Encoding`, `Upgrade` (but for an upgrade that is passed on), and `Expect`, which
//!   the router answers itself. `Proxy`, which CGI-like interfaces would take for a setting, ends here, too.
//! * The instance is told who asked: `Forwarded` (RFC 7239) and `X-Forwarded-For`, `-Proto`, `-Host`, `-Prefix`. What
//!   the client says there is removed, also in spellings that CGI-like interfaces hold for the same (`X_Forwarded_For`), unless
//!   the router was told to trust it.
//! * Requests carry `Via: 1.1 pinch` (RFC 9110, 7.6.3: a gateway must), which also shows a loop. Responses do not.

use std::io::Write;

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::request_id::X_REQUEST_ID;

/// By what name the router stands in `Via`.
const NAME: &str = "pinch";
/// How often a request may come by before it is held to go round in circles.
const MOST_ROUNDS: usize = 8;

/// What an instance is told about a request.
pub(crate) struct Origin<'a> {
    pub(crate) client: &'a str,
    pub(crate) secure: bool,
    pub(crate) host: Option<&'a HeaderValue>,
    pub(crate) trusted: bool,
    pub(crate) prefix: Option<&'a str>,
    pub(crate) request_id: &'a HeaderValue,
    /// The protocol to change to.
    pub(crate) upgrade: Option<&'a HeaderValue>,
}

/// How a request's body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none, or it is as long as its `Content-Length` says.
    AsTold,
    Chunked,
}

/// The protocol that a request asks to change to. HTTP/2 is not among them: whoever wants that begins with it.
pub(crate) fn wanted_upgrade(headers: &HeaderMap) -> Option<&HeaderValue> {
    let value = headers.get(UPGRADE)?;
    let http = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).any(|name| {
        name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"h2"))
            || name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"http"))
    });
    (!http && names(headers, "upgrade")).then_some(value)
}

/// Whether `Connection` names an option.
pub(crate) fn names(headers: &HeaderMap, option: &str) -> bool {
    options(headers).any(|name| name.eq_ignore_ascii_case(option.as_bytes()))
}

fn options(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(CONNECTION).iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// Whether a request has come by here too often.
pub(crate) fn goes_in_circles(headers: &HeaderMap) -> bool {
    if !headers.contains_key(VIA) {
        return false;
    }
    let values = headers.get_all(VIA).iter();
    let hops = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    hops.filter(|hop| hop.ends_with(NAME.as_bytes())).count() >= MOST_ROUNDS
}

/// Writes the head of a request. `path` is in origin form.
pub(crate) fn write_head(
    out: &mut Vec<u8>,
    method: &Method,
    path: &[&str],
    headers: &HeaderMap,
    origin: &Origin<'_>,
    framing: Framing,
) {
    out.extend_from_slice(method.as_str().as_bytes());
    out.push(b' ');
    for part in path {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    field(out, "host", origin.host.map_or(b"", HeaderValue::as_bytes));
    let named = named_by_connection(headers);
    for (name, value) in headers {
        if !ends_here(name, origin.trusted) && !named.contains(name) {
            field(out, name.as_str(), value.as_bytes());
        }
    }
    write_cookies(out, headers, &named);
    write_connection(out, headers, origin, framing);
    write_origin(out, headers, origin);
}

/// Writes the size of a chunk.
pub(crate) fn write_chunk(out: &mut Vec<u8>, size: usize) {
    let _ = write!(out, "{size:x}\r\n");
}

/// Writes the last chunk and the trailers.
pub(crate) fn write_trailers(out: &mut Vec<u8>, trailers: &HeaderMap) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        if !ends_here(name, false) && ![HOST, CONTENT_LENGTH, COOKIE].contains(name) {
            field(out, name.as_str(), value.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Whether a field is not copied: it concerns the client's connection only, is a claim, or is written apart.
fn ends_here(name: &HeaderName, trusted: bool) -> bool {
    match *name {
        CONNECTION | HOST | TE | TRANSFER_ENCODING | UPGRADE | EXPECT | PROXY_AUTHORIZATION
        | PROXY_AUTHENTICATE | FORWARDED | COOKIE => return true,
        _ => {}
    }
    let text = name.as_str();
    match text {
        "keep-alive" | "proxy-connection" | "proxy" | "http2-settings" | "x-request-id"
        | "x-forwarded-for" => true,
        "x-real-ip" => !trusted,
        _ if text.starts_with("x-forwarded-") => !trusted,
        _ if text.contains('_') => is_disguised(text),
        _ => false,
    }
}

/// Whether CGI-like interfaces take a field for one that only the router writes.
fn is_disguised(name: &str) -> bool {
    let plain = name.replace('_', "-");
    plain.starts_with("x-forwarded-") || ["x-real-ip", "x-request-id", "proxy"].contains(&plain.as_str())
}

/// The fields that `Connection` names, but for those without which the message would be another one.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    if !headers.contains_key(CONNECTION) {
        return Vec::new();
    }
    options(headers)
        .filter(|name| !is_plain_option(name))
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .filter(|name| ![HOST, CONTENT_LENGTH, COOKIE].contains(name))
        .collect()
}

fn is_plain_option(name: &[u8]) -> bool {
    [&b""[..], b"close", b"keep-alive", b"upgrade", b"te"]
        .iter()
        .any(|plain| plain.eq_ignore_ascii_case(name))
}

/// HTTP/2 may send cookies in several fields, HTTP/1.1 may not (RFC 9113, 8.2.3).
fn write_cookies(out: &mut Vec<u8>, headers: &HeaderMap, named: &[HeaderName]) {
    let mut cookies = headers.get_all(COOKIE).iter();
    if let (Some(first), false) = (cookies.next(), named.contains(&COOKIE)) {
        out.extend_from_slice(b"cookie: ");
        out.extend_from_slice(first.as_bytes());
        for more in cookies {
            out.extend_from_slice(b"; ");
            out.extend_from_slice(more.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn write_connection(out: &mut Vec<u8>, headers: &HeaderMap, origin: &Origin<'_>, framing: Framing) {
    if framing == Framing::Chunked {
        out.extend_from_slice(b"transfer-encoding: chunked\r\n");
    }
    let wants_trailers = || {
        let value = headers.get(TE)?;
        let mut names = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        names.find(|name| name.eq_ignore_ascii_case(b"trailers"))
    };
    if let Some(protocol) = origin.upgrade {
        out.extend_from_slice(b"connection: upgrade\r\n");
        field(out, "upgrade", protocol.as_bytes());
    } else if wants_trailers().is_some() {
        out.extend_from_slice(b"connection: te\r\nte: trailers\r\n");
    }
}

fn write_origin(out: &mut Vec<u8>, headers: &HeaderMap, origin: &Origin<'_>) {
    let proto = if origin.secure { "https" } else { "http" };
    write_list(out, "forwarded", headers, &FORWARDED, origin.trusted);
    out.extend_from_slice(b"for=");
    let (before, after) = if origin.client.contains(':') { ("\"[", "]\"") } else { ("", "") };
    for part in [before, origin.client, after] {
        out.extend_from_slice(part.as_bytes());
    }
    if let Some(host) = origin.host {
        out.extend_from_slice(b";host=\"");
        out.extend_from_slice(host.as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b";proto=");
    out.extend_from_slice(proto.as_bytes());
    out.extend_from_slice(b"\r\n");
    let x_forwarded_for = HeaderName::from_static("x-forwarded-for");
    write_list(out, "x-forwarded-for", headers, &x_forwarded_for, origin.trusted);
    out.extend_from_slice(origin.client.as_bytes());
    out.extend_from_slice(b"\r\n");
    if !origin.trusted || !headers.contains_key("x-forwarded-proto") {
        field(out, "x-forwarded-proto", proto.as_bytes());
    }
    if let Some(host) = origin.host.filter(|_| !origin.trusted || !headers.contains_key("x-forwarded-host")) {
        field(out, "x-forwarded-host", host.as_bytes());
    }
    if let Some(prefix) = origin.prefix {
        field(out, "x-forwarded-prefix", prefix.as_bytes());
    }
    field(out, X_REQUEST_ID.as_str(), origin.request_id.as_bytes());
    out.extend_from_slice(b"via: 1.1 pinch\r\n\r\n");
}

/// The beginning of a field that is a list: its name, and what is in it when that is trusted.
fn write_list(out: &mut Vec<u8>, name: &str, headers: &HeaderMap, key: &HeaderName, trusted: bool) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    if trusted {
        for value in headers.get_all(key) {
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b", ");
        }
    }
}

//! Heads of requests and responses as they go on. Pure.
//!
//! * Fields that concern one connection only end here (RFC 9110, 7.6.1): `Connection` and what it names, `Keep-Alive`,
//!   `Proxy-*`, `TE` (but for `trailers`), `Transfer-Encoding`, `Upgrade` (but for an upgrade that is passed on), and `Expect`, which
//!   the router answers itself.
//! * The instance is told who asked: `Forwarded` (RFC 7239) and `X-Forwarded-For`, `-Proto`, `-Host`, `-Prefix`. What
//!   the client says there is removed, also in spellings that CGI-like interfaces hold for the same (`X_Forwarded_For`), unless
//!   the router was told to trust it.
//! * Requests carry `Via: 1.1 pinch` (RFC 9110, 7.6.3: a gateway must), which also shows a loop. Responses do not.

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::request_id::X_REQUEST_ID;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const PROXY: HeaderName = HeaderName::from_static("proxy");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// By what name the router stands in `Via`.
const NAME: &str = "pinch";
/// How often a request may come by before it is held to go round in circles.
const MOST_ROUNDS: usize = 8;

/// What an instance is told about a request.
pub(crate) struct Origin<'a> {
    pub(crate) client: &'a HeaderValue,
    pub(crate) secure: bool,
    pub(crate) host: Option<&'a HeaderValue>,
    /// `Forwarded` for all of this, when it is known from the request before.
    pub(crate) forwarded: &'a HeaderValue,
    pub(crate) trusted: bool,
    pub(crate) prefix: Option<&'a str>,
    pub(crate) request_id: &'a HeaderValue,
    /// The protocol to change to.
    pub(crate) upgrade: Option<HeaderValue>,
}

/// The element of `Forwarded` for a request.
pub(crate) fn forwarded(client: &str, secure: bool, host: Option<&HeaderValue>) -> HeaderValue {
    let proto = if secure { "https" } else { "http" };
    let client = if client.contains(':') { format!("\"[{client}]\"") } else { client.to_owned() };
    let host =
        host.and_then(|host| host.to_str().ok()).map(|host| format!(";host=\"{host}\"")).unwrap_or_default();
    let text = format!("for={client}{host};proto={proto}");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("for=unknown"))
}

/// The protocol that a request asks to change to. HTTP/2 is not among them: whoever wants that begins with it.
pub(crate) fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(UPGRADE)?;
    let text = value.to_str().ok()?;
    let http = text.split(',').any(|name| {
        let name = name.trim_start().as_bytes();
        name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"h2"))
            || name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"http"))
    });
    (!http && names(headers, "upgrade")).then(|| value.clone())
}

/// Whether `Connection` names an option.
pub(crate) fn names(headers: &HeaderMap, option: &str) -> bool {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|name| name.trim().eq_ignore_ascii_case(option)))
}

/// Whether a request has come by here too often.
pub(crate) fn goes_in_circles(headers: &HeaderMap) -> bool {
    let mut rounds = 0;
    for value in headers.get_all(VIA).iter().filter_map(|value| value.to_str().ok()) {
        rounds += value.split(',').filter(|hop| hop.trim().ends_with(NAME)).count();
    }
    rounds >= MOST_ROUNDS
}

/// Makes a request's head the one that an instance sees.
pub(crate) fn prepare_request(headers: &mut HeaderMap, origin: Origin<'_>) {
    let trailers = headers.get(TE).is_some_and(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.split(',').any(|name| name.trim().eq_ignore_ascii_case("trailers")))
    });
    remove_hop_by_hop(headers);
    for name in [EXPECT, PROXY_AUTHORIZATION, PROXY, HTTP2_SETTINGS] {
        headers.remove(name);
    }
    remove_claims(headers, origin.trusted);
    if let Some(host) = origin.host {
        headers.insert(HOST, host.clone());
    }
    join_cookies(headers);
    match (origin.upgrade, trailers) {
        (Some(protocol), _) => {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, protocol);
        }
        (None, true) => {
            headers.insert(CONNECTION, HeaderValue::from_static("te"));
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        (None, false) => {}
    }
    let proto = if origin.secure { "https" } else { "http" };
    if origin.trusted {
        append_element(headers, FORWARDED, origin.forwarded);
        append_element(headers, X_FORWARDED_FOR, origin.client);
        headers.entry(X_FORWARDED_PROTO).or_insert(HeaderValue::from_static(proto));
    } else {
        headers.insert(FORWARDED, origin.forwarded.clone());
        headers.insert(X_FORWARDED_FOR, origin.client.clone());
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(proto));
    }
    if let Some(host) = origin.host {
        headers.entry(X_FORWARDED_HOST).or_insert_with(|| host.clone());
    }
    if let Some(prefix) = origin.prefix.and_then(|prefix| HeaderValue::from_str(prefix).ok()) {
        headers.insert(X_FORWARDED_PREFIX, prefix);
    }
    headers.insert(X_REQUEST_ID, origin.request_id.clone());
    append_element(headers, VIA, &HeaderValue::from_static("1.1 pinch"));
}

/// Makes a response's head the one that a client sees.
pub(crate) fn prepare_response(headers: &mut HeaderMap, upgraded: bool) {
    let protocol = headers.get(UPGRADE).filter(|_| upgraded).cloned();
    remove_hop_by_hop(headers);
    headers.remove(PROXY_AUTHENTICATE);
    if let Some(protocol) = protocol {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        for name in named_by_connection(headers) {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
}

/// The fields that `Connection` names, but for those without which the message would be another one.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(',')).map(str::trim);
    let plain = ["", "close", "keep-alive", "upgrade", "te"];
    names
        .filter(|name| !plain.iter().any(|known| known.eq_ignore_ascii_case(name)))
        .filter_map(|name| HeaderName::try_from(name).ok())
        .filter(|name| ![HOST, CONTENT_LENGTH, COOKIE].contains(name) && *name != X_REQUEST_ID)
        .collect()
}

/// Removes what a client says about where its request comes from.
fn remove_claims(headers: &mut HeaderMap, trusted: bool) {
    let claims = |name: &HeaderName| {
        let name = name.as_str();
        let forwarded = name.starts_with("x-forwarded-") || *name == X_REAL_IP || *name == FORWARDED;
        let disguised = name.contains('_') && {
            let plain = name.replace('_', "-");
            plain.starts_with("x-forwarded-")
                || *plain == X_REAL_IP
                || *plain == X_REQUEST_ID
                || plain == "proxy"
        };
        disguised || (forwarded && !trusted)
    };
    let found: Vec<_> = headers.keys().filter(|name| claims(name)).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// HTTP/2 may send cookies in several fields, HTTP/1.1 may not (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).iter();
    if cookies.next().is_some() && cookies.next().is_some() {
        let all: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
            headers.insert(COOKIE, joined);
        }
    }
}

/// Adds an element to a field that is a list.
fn append_element(headers: &mut HeaderMap, name: HeaderName, element: &HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, element.clone());
        return;
    }
    let mut all: Vec<_> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
    all.push(element.as_bytes());
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b", "[..])) {
        headers.insert(name, joined);
    }
}

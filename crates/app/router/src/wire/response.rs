//! Heads of responses.

use std::mem::MaybeUninit;

use bytes::BytesMut;
use http::header::{CONNECTION, CONTENT_LENGTH, PROXY_AUTHENTICATE, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Malformed;

/// The largest head of a response.
const LARGEST: usize = 256 * 1024;
/// The most fields of a response.
const MOST_FIELDS: usize = 256;

/// What a response's head says, but for its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) length: Length,
    /// Whether the connection may carry another request after this response.
    pub(crate) keeps_connection: bool,
}

/// How a body ends (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Known(u64),
    Chunked,
    UntilClose,
}

/// Takes a head off the front of the bytes, and puts its fields, but for those that concern the connection only, in the place of
/// those in the map. `None`: more bytes have to come first. `bodiless`: the request was a HEAD.
pub(crate) fn read_head(
    bytes: &mut BytesMut,
    bodiless: bool,
    fields: &mut HeaderMap,
) -> Result<Option<Head>, Malformed> {
    let mut room = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let parsed =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut room);
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() <= LARGEST => return Ok(None),
        _ => return Err(Malformed),
    };
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Malformed)?;
    let version = response.version.ok_or(Malformed)?;
    // Where each value stands: the bytes are taken out of the buffer, and the fields are views of them.
    let start = bytes.as_ptr().addr();
    let mut facts = Facts::default();
    fields.clear();
    fields.reserve(response.headers.len());
    let mut places = Vec::with_capacity(response.headers.len());
    for field in &*response.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Malformed)?;
        if !facts.notes(&name, field.value, status)? {
            let from = field.value.as_ptr().addr() - start;
            places.push((name, from..from + field.value.len()));
        }
    }
    let head = bytes.split_to(length).freeze();
    for (name, place) in places {
        fields.append(name, HeaderValue::from_maybe_shared(head.slice(place)).map_err(|_| Malformed)?);
    }
    for name in &facts.named {
        fields.remove(name);
    }
    let length = facts.length(status, bodiless, version)?;
    if facts.coding.is_some() {
        fields.remove(CONTENT_LENGTH);
    }
    let keeps = if version == 1 { !facts.close } else { facts.keep_alive };
    Ok(Some(Head { status, length, keeps_connection: keeps && length != Length::UntilClose }))
}

/// What the fields say about the connection and the body.
#[derive(Debug, Default)]
struct Facts {
    close: bool,
    keep_alive: bool,
    /// Whether the last coding is `chunked`.
    coding: Option<bool>,
    length: Option<u64>,
    /// Fields that `Connection` names.
    named: Vec<HeaderName>,
}

impl Facts {
    /// Whether a field ends here.
    fn notes(&mut self, name: &HeaderName, value: &[u8], status: StatusCode) -> Result<bool, Malformed> {
        let upgraded = status == StatusCode::SWITCHING_PROTOCOLS;
        match *name {
            CONNECTION => {
                self.options(value);
                return Ok(true);
            }
            TRANSFER_ENCODING => {
                let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
                self.coding = Some(last.trim_ascii().eq_ignore_ascii_case(b"chunked"));
                return Ok(true);
            }
            CONTENT_LENGTH => {
                let digits = std::str::from_utf8(value)
                    .ok()
                    .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                let length = digits.and_then(|text| text.parse().ok()).ok_or(Malformed)?;
                let again = self.length.replace(length);
                return if again.is_none_or(|other| other == length) {
                    Ok(again.is_some())
                } else {
                    Err(Malformed)
                };
            }
            UPGRADE => return Ok(!upgraded),
            TE | PROXY_AUTHENTICATE => return Ok(true),
            _ => {}
        }
        Ok(matches!(name.as_str(), "keep-alive" | "proxy-connection"))
    }

    fn options(&mut self, value: &[u8]) {
        for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            match option {
                option if option.eq_ignore_ascii_case(b"close") => self.close = true,
                option if option.eq_ignore_ascii_case(b"keep-alive") => self.keep_alive = true,
                option if option.eq_ignore_ascii_case(b"upgrade") => {}
                option => self
                    .named
                    .extend(HeaderName::from_bytes(option).ok().filter(|name| *name != CONTENT_LENGTH)),
            }
        }
    }

    fn length(&self, status: StatusCode, bodiless: bool, version: u8) -> Result<Length, Malformed> {
        let without = status.is_informational() || matches!(status.as_u16(), 204 | 304);
        match (self.coding, self.length) {
            (Some(_), _) if version == 0 => Err(Malformed),
            _ if bodiless || without => Ok(Length::Known(0)),
            (Some(true), _) => Ok(Length::Chunked),
            (None, Some(length)) => Ok(Length::Known(length)),
            (Some(false), _) | (None, None) => Ok(Length::UntilClose),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A head and its fields.
    fn read_all(text: &str, bodiless: bool) -> Result<Option<(Head, Vec<String>)>, Malformed> {
        let mut fields = HeaderMap::new();
        fields.insert("left", HeaderValue::from_static("over"));
        let head = read_head(&mut BytesMut::from(text), bodiless, &mut fields)?;
        let shown = fields.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        Ok(head.map(|head| (head, shown.collect())))
    }

    fn read(text: &str) -> Result<Option<Head>, Malformed> {
        Ok(read_all(text, false)?.map(|(head, _)| head))
    }

    #[test]
    fn fields_that_concern_the_connection_end_here() {
        let head = read_all(
            "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nConnection: keep-alive, X-Inner\r\nX-Inner: 1\r\nKeep-Alive: timeout=5\r\n\
             Upgrade: h2c\r\nProxy-Authenticate: x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n",
            false,
        );
        let (head, fields) = head.unwrap().unwrap();
        assert_eq!(fields, ["content-length: 2", "set-cookie: a", "set-cookie: b"]);
        assert_eq!((head.status.as_u16(), head.length, head.keeps_connection), (200, Length::Known(2), true));
        let (_, fields) =
            read_all("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", false)
                .unwrap()
                .unwrap();
        assert_eq!(fields, ["upgrade: websocket"]);
    }

    #[test]
    fn bodies_end_as_the_standard_says() {
        use Length::{Chunked, Known, UntilClose};
        for (head, length, keeps) in [
            ("1.1 200 x\r\nContent-Length: 5\r\n", Known(5), true),
            ("1.1 200 x\r\nContent-Length: 5\r\nContent-Length: 5\r\n", Known(5), true),
            ("1.1 200 x\r\nContent-Length: 5\r\nConnection: Close\r\n", Known(5), false),
            ("1.1 200 x\r\nTransfer-Encoding: gzip, Chunked\r\n", Chunked, true),
            ("1.1 200 x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", Chunked, true),
            ("1.1 200 x\r\nTransfer-Encoding: gzip\r\n", UntilClose, false),
            ("1.1 200 x\r\n", UntilClose, false),
            ("1.1 204 x\r\n", Known(0), true),
            ("1.1 304 x\r\nContent-Length: 5\r\n", Known(0), true),
            ("1.1 100 x\r\n", Known(0), true),
            ("1.0 200 x\r\nContent-Length: 5\r\n", Known(5), false),
            ("1.0 200 x\r\nContent-Length: 5\r\nConnection: keep-alive\r\n", Known(5), true),
        ] {
            let read = read(&format!("HTTP/{head}\r\n")).unwrap().unwrap();
            assert_eq!((read.length, read.keeps_connection), (length, keeps), "{head}");
        }
        let (head, fields) = read_all("HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\n", true).unwrap().unwrap();
        assert_eq!((head.length, fields), (Known(0), vec!["content-length: 5".to_owned()]));
    }

    #[test]
    fn what_is_no_head_is_refused() {
        for text in [
            "SSH-2.0-OpenSSH_9\r\n",
            "HTTP/2.0 200 x\r\n\r\n",
            "HTTP/1.1 abc x\r\n\r\n",
            "HTTP/1.1 200 x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 x\r\nContent-Length: 5, 5\r\n\r\n",
            "HTTP/1.1 200 x\r\nContent-Length: +5\r\n\r\n",
            "HTTP/1.1 200 x\r\nContent-Length: \r\n\r\n",
            "HTTP/1.1 200 x\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 x\r\nX: 1\r\n folded\r\n\r\n",
            "HTTP/1.1 200 x\r\nX : 1\r\n\r\n",
            "HTTP/1.1 200 x\r\nX: a\0b\r\n\r\n",
        ] {
            assert_eq!(read(text), Err(Malformed), "{text:?}");
        }
        assert_eq!(read(&format!("HTTP/1.1 200 x\r\n{}", "X: y\r\n".repeat(300))), Err(Malformed));
        assert_eq!(read(&format!("HTTP/1.1 200 x\r\nX: {}", "y".repeat(300_000))), Err(Malformed));
    }

    proptest! {
        #[test]
        fn a_part_of_a_head_is_waited_for_and_the_body_is_left(cut in 0usize..52) {
            let whole = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Some: thing\r\n\r\nbody";
            let mut bytes = BytesMut::from(&whole[..cut]);
            let mut fields = HeaderMap::new();
            prop_assert_eq!(read_head(&mut bytes, false, &mut fields), Ok(None));
            bytes.extend_from_slice(&whole.as_bytes()[cut..]);
            let head = read_head(&mut bytes, false, &mut fields).unwrap().unwrap();
            prop_assert_eq!(head.length, Length::Known(4));
            prop_assert_eq!(&bytes[..], b"body");
        }

        #[test]
        fn any_bytes_may_come(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut fields = HeaderMap::new();
            let _ = read_head(&mut BytesMut::from(&bytes[..]), false, &mut fields);
            let _ = read_head(&mut BytesMut::from(&[b"HTTP/1.1 200 ", &bytes[..]].concat()[..]), true, &mut fields);
        }
    }
}

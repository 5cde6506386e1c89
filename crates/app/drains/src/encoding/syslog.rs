//! Syslog messages (RFC 5424) in frames that say their length (RFC 6587, octet counting).
//!
//! `<14>1 2026-11-28T10:00:00.123456Z host guestbook web.1 stdout [origin software="guestbook" swVersion="v7"] text`
//!
//! | field | here |
//! |---|---|
//! | PRI | facility (`user` unless the URL says otherwise) and severity: standard output is 6 (informational), standard error 3 (error) |
//! | TIMESTAMP | UTC, six digits of a second, the most that the format has |
//! | HOSTNAME | this machine's |
//! | APP-NAME, PROCID | app and process (`web.1`) |
//! | MSGID | `stdout` or `stderr` |
//! | STRUCTURED-DATA | `origin`, registered in RFC 5424, 7.2: the app and its release, `v` and the number; `-` when the release is not known |
//! | MSG | UTF-8. A byte order mark stands before it, as 6.4 asks, when it is more than ASCII, unless the URL says `bom=no` |
//!
//! An event of several lines is one message with newlines in it, which octet counting makes possible. RFC 5424 sets no
//! upper bound and octet counting needs none, so there is none by default. Receivers have bounds: where one cuts or
//! hangs up, `longest` sends what is longer as several messages with the same header, cut between characters.

use std::borrow::Cow;
use std::io::Write as _;

use super::octets;
use crate::target::LEAST_LONGEST;
use crate::{Event, Stream, Syslog};

/// What all messages of a drain share.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    hostname: String,
    facility: u8,
    /// What is said before a message that is more than ASCII.
    mark: &'static str,
    longest: Option<usize>,
}

impl Header {
    /// What a target asks for, from a machine of this name.
    pub(crate) fn new(hostname: &str, target: &Syslog) -> Self {
        Self {
            hostname: name(hostname, 255).into_owned(),
            facility: target.facility,
            mark: if target.bom { "\u{feff}" } else { "" },
            longest: target.longest.map(|longest| longest.max(LEAST_LONGEST)),
        }
    }

    /// Appends the event as one frame, or several when it is longer than a message may be.
    pub(super) fn frame(&self, event: &Event, out: &mut Vec<u8>) {
        let mut header = Vec::with_capacity(160);
        self.header(event, &mut header);
        let text = octets::readable(&event.message);
        let room = self.longest.map_or(usize::MAX, |longest| longest - header.len() - self.mark.len());
        let mut rest: &str = &text;
        loop {
            let (part, behind) = rest.split_at(rest.floor_char_boundary(room));
            let mark = if part.is_ascii() { "" } else { self.mark };
            // Writing to a vector cannot fail.
            let _ = write!(out, "{} ", header.len() + mark.len() + part.len());
            out.extend_from_slice(&header);
            out.extend_from_slice(mark.as_bytes());
            out.extend_from_slice(part.as_bytes());
            rest = behind;
            if rest.is_empty() {
                return;
            }
        }
    }

    /// Everything up to and with the space before the message; 627 octets at most.
    fn header(&self, event: &Event, out: &mut Vec<u8>) {
        let severity = match event.stream {
            Stream::Stdout => 6,
            Stream::Stderr => 3,
        };
        // Writing to a vector cannot fail.
        let _ = write!(out, "<{}>1 ", self.facility * 8 + severity);
        octets::microseconds(event.time, out);
        let app = name(&event.app, 48);
        let process = name(&event.process, 128);
        let _ = write!(out, " {} {app} {process} {} ", self.hostname, event.stream.name());
        let _ = match event.release {
            Some(release) => {
                write!(out, "[origin software=\"{}\" swVersion=\"v{release}\"] ", parameter(&app))
            }
            None => write!(out, "- "),
        };
    }
}

/// A header field: visible ASCII only, `_` for anything else, at most `longest` octets, `-` for nothing.
fn name(text: &str, longest: usize) -> Cow<'_, str> {
    if text.is_empty() {
        "-".into()
    } else if text.len() <= longest && text.bytes().all(|octet| octet.is_ascii_graphic()) {
        text.into()
    } else {
        text.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(longest).collect()
    }
}

/// A value of structured data: `"`, `\` and `]` have a backslash before them.
fn parameter(text: &str) -> Cow<'_, str> {
    let special = ['"', '\\', ']'];
    if !text.contains(special) {
        return text.into();
    }
    let mut value = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if special.contains(&c) {
            value.push('\\');
        }
        value.push(c);
    }
    value.into()
}

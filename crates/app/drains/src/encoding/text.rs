//! One line an event, for people.

use std::io::Write as _;

use super::octets;
use crate::Event;

/// Appends `2026-11-28T10:00:00.123456Z guestbook[web.1]: message` and a newline. Further lines of an event start
/// with a tab, so that no event can be taken for two.
pub(super) fn line(event: &Event, out: &mut Vec<u8>) {
    octets::microseconds(event.time, out);
    // Writing to a vector cannot fail.
    let _ = write!(out, " {}[{}]: ", event.app, event.process);
    for octet in octets::readable(&event.message).bytes() {
        out.push(octet);
        if octet == b'\n' {
            out.push(b'\t');
        }
    }
    out.push(b'\n');
}

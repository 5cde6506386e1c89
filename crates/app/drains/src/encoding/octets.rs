//! Bytes as UTF-8, times with six digits.

use std::borrow::Cow;
use std::fmt::Write as _;

use logs::Timestamp;

/// Appends `2026-11-28T10:00:00.123456Z`: further digits are cut off.
pub(super) fn microseconds(time: Timestamp, out: &mut Vec<u8>) {
    out.extend_from_slice(&time.text()[.."2026-11-28T10:00:00.123456".len()]);
    out.push(b'Z');
}

/// The text itself when it is UTF-8; otherwise with each octet that belongs to no character as `\xHH`.
pub(super) fn readable(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for octet in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{octet:02x}");
        }
    }
    Cow::Owned(text)
}

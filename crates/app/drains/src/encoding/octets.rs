//! Bytes as UTF-8.

use std::borrow::Cow;
use std::fmt::Write as _;

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

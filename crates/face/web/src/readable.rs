//! Bytes of strangers as text that can be read and does no harm.
//!
//! Escape sequences of terminals are left out, other control characters become visible, and so do characters that turn the
//! direction of text around. HTML is not this module's business: the page escapes all text.

/// The text of bytes that may be anything. Newlines and tabs stay.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(c) = rest.chars().next() {
        if let Some(after) = after_escape_sequence(rest) {
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' | '\t' => clean.push(c),
            '\r' if rest.is_empty() || rest.starts_with('\n') => {}
            '\0'..='\x1f' => clean.push(picture(c)),
            '\x7f' => clean.push('\u{2421}'),
            '\u{80}'..='\u{9f}' => clean.push(char::REPLACEMENT_CHARACTER),
            _ if turns_or_breaks(c) => clean.push_str(&format!("⟨U+{:04X}⟩", u32::from(c))),
            _ => clean.push(c),
        }
    }
    clean
}

/// What follows an escape sequence (ECMA-48) at the start of a text; `None`: there is none.
fn after_escape_sequence(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('\x1b')?;
    match rest.bytes().next()? {
        b'[' => {
            let end = rest[1..].find(|c| !matches!(c, '\x20'..='\x3f')).map(|end| end + 1)?;
            rest[end..].starts_with(|c| matches!(c, '\x40'..='\x7e')).then(|| &rest[end + 1..])
        }
        // A string, such as a window's title or a link: up to its end, if it has one.
        b']' | b'P' | b'X' | b'^' | b'_' => {
            let end = rest.find(['\x07', '\x1b', '\n'])?;
            let tail = &rest[end..];
            tail.strip_prefix('\x07').or_else(|| tail.strip_prefix("\x1b\\"))
        }
        _ => {
            let last = rest.find(|c| !matches!(c, '\x20'..='\x2f'))?;
            rest[last..].starts_with(|c| matches!(c, '\x30'..='\x7e')).then(|| &rest[last + 1..])
        }
    }
}

/// The picture of a control character below U+0020.
fn picture(c: char) -> char {
    char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Marks, embeddings, overrides and isolates of direction; line and paragraph separators.
fn turns_or_breaks(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cases() {
        for (bytes, text) in [
            (&b"plain"[..], "plain"),
            ("Grüße, 世界 👋".as_bytes(), "Grüße, 世界 👋"),
            (b"a\tb\nc", "a\tb\nc"),
            (b"\x1b[1;31mred\x1b[0m", "red"),
            (b"\x1b]0;title\x07after", "after"),
            (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            (b"\x1b(Bcharset", "charset"),
            (b"\x1b(", "␛("),
            (b"\x1bMup", "up"),
            (b"\x1b[31", "␛[31"),
            (b"\x1b", "␛"),
            (b"\x1b]0;never ends", "␛]0;never ends"),
            (b"50%\r100%\r", "50%␍100%"),
            (b"dos\r\nline\r\n", "dos\nline\n"),
            (b"nul\0 bell\x07 del\x7f", "nul␀ bell␇ del␡"),
            (b"\xff\xfe", "\u{fffd}\u{fffd}"),
            ("c1\u{85}".as_bytes(), "c1\u{fffd}"),
            ("abc\u{202e}cba".as_bytes(), "abc⟨U+202E⟩cba"),
            ("one\u{2028}two".as_bytes(), "one⟨U+2028⟩two"),
        ] {
            assert_eq!(readable(bytes), text, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_left_that_controls(bytes: Vec<u8>) {
            let text = readable(&bytes);
            prop_assert!(text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control() && !turns_or_breaks(c)), "{text:?}");
        }

        #[test]
        fn text_without_controls_stays(text in "[^\\p{C}\u{2028}\u{2029}]*") {
            prop_assert_eq!(readable(text.as_bytes()), text);
        }
    }
}

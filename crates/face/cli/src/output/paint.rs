//! Colours, where a terminal shows them.

/// A colour by its use in Salt's outputters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Something that is well.
    Green,
    /// Something that failed.
    Red,
    /// Something that changed; keys.
    Cyan,
    /// Something to notice: numbers, planned changes.
    Yellow,
    /// A warning.
    BrightRed,
    /// Side remarks.
    Dim,
}

/// Paints text, or leaves it alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Paint {
    /// Whether escape sequences are written.
    pub enabled: bool,
}

impl Paint {
    /// The text in that colour.
    pub(crate) fn text(self, colour: Colour, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        if !self.enabled || text.is_empty() {
            return text.to_string();
        }
        let code = match colour {
            Colour::Green => "0;32",
            Colour::Red => "0;31",
            Colour::Cyan => "0;36",
            Colour::Yellow => "0;1;33",
            Colour::BrightRed => "0;1;31",
            Colour::Dim => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Text with control characters made visible: what a remote machine or a file says must not steer the terminal.
pub(crate) fn harmless(text: &str) -> std::borrow::Cow<'_, str> {
    let harmful = |c: char| c.is_control() && c != '\t' && c != '\n';
    if text.contains(harmful) {
        text.chars().flat_map(|c| if harmful(c) { c.escape_default().collect() } else { vec![c] }).collect()
    } else {
        text.into()
    }
}

/// The same for bytes of a line, whatever they are. With `colours`, sequences that only set colours pass.
pub(crate) fn harmless_bytes(text: &[u8], colours: bool) -> std::borrow::Cow<'_, [u8]> {
    let harmful = |byte: &u8| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f;
    if !text.iter().any(harmful) && !text.windows(2).any(is_second_control) {
        return text.into();
    }
    let mut safe = Vec::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(byte) = rest.first() {
        let taken = if let (true, Some(length)) = (colours, colour_sequence(rest)) {
            safe.extend_from_slice(&rest[..length]);
            length
        } else if rest.len() > 1 && is_second_control(&rest[..2]) {
            safe.extend_from_slice(format!("\\u{{{:x}}}", rest[1]).as_bytes());
            2
        } else {
            if harmful(byte) {
                safe.extend_from_slice((*byte as char).escape_default().to_string().as_bytes());
            } else {
                safe.push(*byte);
            }
            1
        };
        rest = &rest[taken..];
    }
    safe.into()
}

/// The length of the sequence that sets a colour, `ESC [ 1 ; 31 m`, at the start of a text.
fn colour_sequence(text: &[u8]) -> Option<usize> {
    let parameters = text.strip_prefix(b"\x1b[")?;
    let length = parameters.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    (length <= 32 && parameters.get(length) == Some(&b'm')).then_some(length + 3)
}

/// A control character of the second range (`U+0080` to `U+009F`), as UTF-8 has it.
fn is_second_control(pair: &[u8]) -> bool {
    pair[0] == 0xc2 && (0x80..0xa0).contains(&pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_pass_and_nothing_else_does() {
        let shown = |text: &'static [u8], colours| {
            String::from_utf8_lossy(&harmless_bytes(text, colours)).into_owned()
        };
        assert_eq!(shown(b"\x1b[1;31mred\x1b[0m", true), "\u{1b}[1;31mred\u{1b}[0m");
        assert_eq!(shown(b"\x1b[1;31mred", false), "\\u{1b}[1;31mred");
        assert_eq!(shown(b"\x1b]0;title\x07\x1b[2J\r", true), "\\u{1b}]0;title\\u{7}\\u{1b}[2J\\r");
        assert_eq!(shown("a\u{9b}2Jb".as_bytes(), true), "a\\u{9b}2Jb");
        assert_eq!(shown("äöü\t\u{a0}".as_bytes(), true), "äöü\t\u{a0}");
    }
}

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

//! How much a template may ask for.

/// Bounds of one rendering. A template that passes one of them fails with
/// [`ErrorKind::Limit`](crate::ErrorKind::Limit) (or the error Python raises in that place).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps: instructions, loop turns, and one for every few items or bytes a built-in handles.
    pub steps: u64,
    /// Macros, includes, imports and blocks inside one another.
    pub depth: u32,
    /// Bytes of the rendered text.
    pub output: usize,
    /// Bytes of one text value.
    pub text: usize,
    /// Items of one list, dict, tuple or set.
    pub items: usize,
    /// Numbers in one `range()`; Jinja's sandbox allows 100,000.
    pub range: u64,
    /// Bits of one integer.
    pub integer_bits: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 200_000_000,
            depth: 180,
            output: 256 << 20,
            text: 64 << 20,
            items: 4_000_000,
            range: 100_000,
            integer_bits: 1 << 16,
        }
    }
}

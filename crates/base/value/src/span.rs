//! Where in which text a value stands.

/// A text that has been read: a file, or one made on the way (a rendered template).
/// The registry that knows its name and content is `report::Sources`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// A range of bytes in a source. `start..end` are byte offsets, `start <= end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The source, or [`SourceId(0)`](SourceId) for none.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of a value that no text stands behind.
    pub const NONE: Self = Self { source: SourceId(0), start: 0, end: 0 };

    /// The bytes `start..end` of `source`. Offsets beyond 4 GiB are clamped.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { source, start: clamp(start), end: clamp(end.max(start)) }
    }

    /// Whether no text stands behind it.
    pub fn is_none(self) -> bool {
        self.source.0 == 0
    }

    /// This span, or `other` where this one is none.
    pub fn or(self, other: Self) -> Self {
        if self.is_none() { other } else { self }
    }

    /// The smallest span that covers both; the first one when they lie in different sources.
    pub fn to(self, other: Self) -> Self {
        if self.source != other.source {
            return self;
        }
        Self { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

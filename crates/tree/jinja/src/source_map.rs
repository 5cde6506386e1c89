//! From the rendered text back to the templates.

use value::Span;

/// Says which part of which template a byte of the rendered text came from.
///
/// Template text maps byte by byte; what `{{ }}` printed maps to the whole tag. Text that a macro,
/// an include or a block printed maps into the template that has it.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    runs: Vec<Run>,
}

/// Text from one place, up to the next run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Its first byte in the rendered text.
    pub(crate) start: u32,
    /// Where it came from.
    pub(crate) span: Span,
    /// Template text: each byte has its own place.
    pub(crate) literal: bool,
}

impl SourceMap {
    pub(crate) fn new(runs: Vec<Run>) -> Self {
        Self { runs }
    }

    /// The template text behind the byte at `offset` of the rendered text; [`Span::NONE`] when the
    /// rendering printed nothing.
    pub fn locate(&self, offset: usize) -> Span {
        self.span(offset..offset)
    }

    /// The template text behind a range of the rendered text, as far as it lies in the template the
    /// range starts in.
    pub fn span(&self, range: std::ops::Range<usize>) -> Span {
        let first = self.at(range.start);
        let last = if range.end > range.start + 1 { self.at(range.end - 1) } else { first };
        first.to(last)
    }

    fn at(&self, offset: usize) -> Span {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        let after = self.runs.partition_point(|run| run.start <= offset);
        let Some(run) = after.checked_sub(1).and_then(|index| self.runs.get(index)).or(self.runs.first())
        else {
            return Span::NONE;
        };
        if !run.literal {
            return run.span;
        }
        let start = run.span.start.saturating_add(offset.saturating_sub(run.start)).min(run.span.end);
        Span { start, end: start.saturating_add(1).min(run.span.end).max(start), ..run.span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::SourceId;

    #[test]
    fn template_text_maps_by_byte_and_printed_text_by_tag() {
        let span = |start, end| Span::new(SourceId(1), start, end);
        let map = SourceMap::new(vec![
            Run { start: 0, span: span(0, 3), literal: true },
            Run { start: 3, span: span(3, 11), literal: false },
            Run { start: 20, span: span(11, 12), literal: true },
        ]);
        assert_eq!(map.locate(1), span(1, 2));
        assert_eq!(map.locate(10), span(3, 11));
        assert_eq!(map.span(1..21), span(1, 12));
        assert_eq!(SourceMap::default().locate(5), Span::NONE);
    }
}

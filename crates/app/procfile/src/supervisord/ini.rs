//! The INI grammar of `supervisord.conf`: what Python's `RawConfigParser` reads, with the options supervisord gives it.
//!
//! `[section]` lines; `key = value` or `key: value`, keys in any case; a line that is indented deeper than its key
//! continues the value. `;` and `#` begin a comment at the begin of a line or after white space, quotes or not. Sections of
//! one name are one section, and of two values for a key the later counts.

use std::ops::Range;
use std::rc::Rc;

use indexmap::IndexMap;
use report::{Problem, Sources};
use value::Span;

use crate::secrets::{cover, secret_parts, secret_parts_of_line};
use crate::text::{Findings, lines};

/// All sections by name, of all files.
#[derive(Debug, Default)]
pub(super) struct Ini {
    pub(super) sections: IndexMap<String, Section>,
    /// Bytes of all texts together.
    pub(super) size: usize,
}

/// One section.
#[derive(Debug)]
pub(super) struct Section {
    /// Where its first header stands.
    pub(super) span: Span,
    pub(super) options: IndexMap<String, Value>,
}

/// One value.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// Its lines, trimmed, joined by line ends.
    pub(super) text: String,
    pub(super) key_span: Span,
    /// From its first to its last byte.
    pub(super) span: Span,
    /// The directory of the file that it stands in.
    pub(super) here: Rc<str>,
    /// Whether a comment cut off the end of a line of it.
    pub(super) cut: bool,
}

impl Ini {
    /// Adds the sections of a text, which is registered as `name` with secrets covered.
    pub(super) fn add(
        &mut self,
        name: &str,
        here: &str,
        text: &str,
        sources: &Sources,
        findings: &mut Findings<'_>,
    ) {
        self.size += text.len();
        let items = scan(text);
        let source = sources.add(name, covered_items(text, &items));
        let here: Rc<str> = here.into();
        let span = |range: &Range<usize>| Span::new(source, range.start, range.end);
        let mut section = None;
        for item in items {
            match item {
                Item::Header(range) => {
                    let name = text[range.clone()].to_string();
                    let new = || Section { span: span(&range), options: IndexMap::new() };
                    let entry = self.sections.entry(name);
                    section = Some(entry.index());
                    entry.or_insert_with(new);
                }
                Item::Option { key, lines, cut } => {
                    let all = lines.first().map_or(key.end, |line| line.start)
                        ..lines.last().map_or(key.end, |line| line.end);
                    let parts: Vec<&str> = lines.iter().map(|line| &text[line.clone()]).collect();
                    let value = Value {
                        text: parts.join("\n").trim_end().to_string(),
                        key_span: span(&key),
                        span: span(&all),
                        here: here.clone(),
                        cut,
                    };
                    self.option(section, text[key].to_lowercase(), value, findings);
                }
                Item::Bad(mistake, range) => findings.push(bad(mistake, &text[range.clone()], span(&range))),
            }
        }
    }

    fn option(&mut self, section: Option<usize>, key: String, value: Value, findings: &mut Findings<'_>) {
        let Some((_, section)) = section.and_then(|index| self.sections.get_index_mut(index)) else { return };
        if let Some(earlier) = section.options.get(&key) {
            let problem = Problem::warning(
                "supervisord.twice",
                format!("`{key}` is set twice: the later value counts"),
            )
            .at(value.key_span)
            .related(earlier.key_span, "set here first");
            findings.push(problem);
        }
        section.options.insert(key, value);
    }
}

/// A piece of a text. Ranges are bytes of it.
#[derive(Debug, PartialEq, Eq)]
enum Item {
    /// The name of a section.
    Header(Range<usize>),
    /// A key and the lines of its value, trimmed; those between them that are blank are empty.
    Option { key: Range<usize>, lines: Vec<Range<usize>>, cut: bool },
    /// What is neither.
    Bad(Mistake, Range<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    /// A line before the first header.
    BeforeSections,
    /// A line without `=` and `:`.
    WithoutValue,
    /// Nothing before `=`.
    WithoutKey,
}

fn bad(mistake: Mistake, line: &str, span: Span) -> Problem {
    let (code, what, hint) = match mistake {
        Mistake::BeforeSections => (
            "supervisord.no-section",
            "this line stands before the first section",
            "begin with a line such as `[program:web]`",
        ),
        Mistake::WithoutValue if line.starts_with('[') => {
            ("supervisord.syntax", "this section header is not closed", "write `[program:NAME]`")
        }
        Mistake::WithoutValue => (
            "supervisord.syntax",
            "no `=` in this line",
            "write `key=value`; a line that continues a value is indented, and a comment begins with `;`",
        ),
        Mistake::WithoutKey => ("supervisord.syntax", "no key before the value", "write `key=value`"),
    };
    Problem::error(code, what).at(span).hint(hint)
}

/// The text as it may be shown.
pub(super) fn covered(text: &str) -> String {
    covered_items(text, &scan(text))
}

fn covered_items(text: &str, items: &[Item]) -> String {
    let parts = items.iter().flat_map(|item| {
        let (begin, parts) = match item {
            Item::Header(_) => (0, Vec::new()),
            Item::Option { key, lines, .. } => {
                let value =
                    lines.first().map_or(0, |line| line.start)..lines.last().map_or(0, |line| line.end);
                (value.start, secret_parts(&text[key.clone()], &text[value]))
            }
            Item::Bad(_, range) => (range.start, secret_parts_of_line(&text[range.clone()])),
        };
        parts.into_iter().map(move |part| begin + part.start..begin + part.end)
    });
    cover(text, parts)
}

/// Takes a text apart.
fn scan(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut in_section, mut indent) = (false, 0);
    for line in lines(text) {
        let comment = comment_start(line.text);
        let before = &line.text[..comment.unwrap_or(line.text.len())];
        let begin = line.start + before.len() - before.trim_start().len();
        let range = begin..begin + before.trim().len();
        let value = &text[range.clone()];
        if value.is_empty() {
            if let (None, Some(Item::Option { lines, .. })) = (comment, items.last_mut()) {
                lines.push(range);
            }
            continue;
        }
        let deep = line.text.chars().take_while(|c| c.is_whitespace()).count();
        if let (true, Some(Item::Option { lines, cut, .. })) = (deep > indent, items.last_mut()) {
            lines.push(range);
            *cut |= comment.is_some();
            continue;
        }
        indent = deep;
        if let Some(name) = header(value) {
            in_section = true;
            items.push(Item::Header(range.start + name.start..range.start + name.end));
        } else if !in_section {
            items.push(Item::Bad(Mistake::BeforeSections, range));
            // One complaint is enough: nothing before the first header has a meaning.
            in_section = items.len() > 1;
        } else {
            items.push(option(text, range, comment.is_some()));
        }
    }
    items
}

/// Where a comment begins: at `;` or `#`, first in the line or after white space.
///
/// The two signs are sought in step, as Python does it: the first round in which one of them begins a comment decides.
fn comment_start(line: &str) -> Option<usize> {
    if line.trim_start().starts_with([';', '#']) {
        return Some(0);
    }
    let places = |sign: char| line.match_indices(sign).map(|(at, _)| at);
    let (mut semicolons, mut hashes) = (places(';'), places('#'));
    loop {
        let round = [semicolons.next(), hashes.next()];
        let begins = |at: &usize| *at == 0 || line[..*at].ends_with(char::is_whitespace);
        let found = round.iter().flatten().copied().filter(begins).min();
        if found.is_some() || round == [None, None] {
            return found;
        }
    }
}

/// The name in `[name]`: up to the last bracket, whatever follows it.
fn header(line: &str) -> Option<Range<usize>> {
    let end = line.rfind(']')?;
    (line.starts_with('[') && end > 1).then_some(1..end)
}

fn option(text: &str, range: Range<usize>, cut: bool) -> Item {
    let line = &text[range.clone()];
    let Some(delimiter) = line.find(['=', ':']) else { return Item::Bad(Mistake::WithoutValue, range) };
    let key = range.start..range.start + line[..delimiter].trim_end().len();
    if key.is_empty() {
        return Item::Bad(Mistake::WithoutKey, range);
    }
    let after = &line[delimiter + 1..];
    let begin = range.end - after.trim_start().len();
    Item::Option { key, lines: std::iter::once(begin..range.end).collect(), cut }
}

#[cfg(test)]
mod tests {
    use report::Problems;

    use super::*;

    fn read(text: &str) -> (Ini, Vec<String>) {
        let (sources, mut problems, mut ini) = (Sources::new(), Problems::new(), Ini::default());
        let mut findings = Findings::new("x.conf", &mut problems);
        ini.add("x.conf", "/etc", text, &sources, &mut findings);
        let said = problems.iter().map(|problem| problem.what.clone()).collect();
        (ini, said)
    }

    fn value(text: &str, key: &str) -> String {
        read(&format!("[s]\n{text}")).0.sections["s"].options[key].text.clone()
    }

    #[test]
    fn keys_values_and_comments() {
        assert_eq!(value("Key = a b ; c", "key"), "a b");
        assert_eq!(value("key: a=b;c # d", "key"), "a=b;c");
        assert_eq!(value("key=a\n  b ; c\n\n  ; d\n  e\n", "key"), "a\nb\n\ne");
        assert_eq!(value("key=\n  a,\n  b\nother=c", "key"), "\na,\nb");
        assert_eq!(value("key=a;b #c ;d", "key"), "a;b");
        assert_eq!(value("key=\"a ; b\"", "key"), "\"a", "comments know no quotes");
        assert_eq!(value("  key=a\n  other=b", "other"), "b", "as deep as the key is no continuation");
    }

    #[test]
    fn sections_of_one_name_are_one() {
        let (ini, said) = read("[a]\nx=1\n[b]\ny=2\n[a]\nx=3\nz=4\n");
        assert_eq!(ini.sections.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(ini.sections["a"].options["x"].text, "3");
        assert_eq!(said, ["`x` is set twice: the later value counts"]);
    }

    #[test]
    fn lines_that_mean_nothing() {
        assert_eq!(
            read("x=1\n[a]\nb\n=c\n[d\n").1,
            [
                "this line stands before the first section",
                "no `=` in this line",
                "no key before the value",
                "this section header is not closed"
            ]
        );
    }

    #[test]
    fn secrets_are_covered() {
        let text =
            "[s]\npassword=hunter2\nenvironment=A=\"b\",TOKEN=\"hunt\\\"\n  er2\",C=\"d\"\nx TOKEN hunter2";
        let shown = covered(text);
        assert!(!shown.contains("hunt") && !shown.contains("er2") && shown.contains("C=\"d\""), "{shown}");
        assert_eq!(shown.len(), text.len());
    }
}

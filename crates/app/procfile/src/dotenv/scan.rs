//! The statements of an env file: which bytes are names, which are values. Nothing is replaced yet.

use std::ops::Range;

use super::EnvFormat;
use crate::text::{Line, lines};

/// One variable of the file. Ranges are bytes of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// All of it, from its name (or the `export` before it) to the end of its value.
    pub(super) at: Range<usize>,
    pub(super) name: Range<usize>,
    pub(super) value: Written,
}

/// How a value is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Not at all: it is that of the process environment.
    Inherited,
    /// Without quotes; substitutions are made.
    Bare(Range<usize>),
    /// Between single quotes; only `\'` is special.
    Single(Range<usize>),
    /// Between double quotes; escapes and substitutions are made.
    Double(Range<usize>),
    /// As it stands.
    Verbatim(Range<usize>),
    /// As foreman reads it: quotes around all of it are taken away, in double ones escapes are made.
    Foreman(Range<usize>),
}

impl Written {
    /// The bytes between the quotes.
    pub(super) fn range(&self) -> Range<usize> {
        match self {
            Self::Inherited => 0..0,
            Self::Bare(range)
            | Self::Single(range)
            | Self::Double(range)
            | Self::Verbatim(range)
            | Self::Foreman(range) => range.clone(),
        }
    }
}

/// What is no statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) code: &'static str,
    /// What the mark stands under.
    pub(super) at: Range<usize>,
    pub(super) what: String,
    pub(super) hint: String,
    /// What may be a value, and the name it belongs to: it is covered if it looks secret.
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
    /// Whether the reader of this format passes over it.
    pub(super) ignored: bool,
}

/// Everything that stands in a text, in its order.
pub(super) fn scan(text: &str, format: EnvFormat) -> Vec<Result<Statement, Broken>> {
    match format {
        EnvFormat::Compose => Compose { text, at: 0 }.statements(),
        EnvFormat::Foreman => lines(text).filter_map(|line| foreman(line)).collect(),
        EnvFormat::Raw => lines(text).filter_map(|line| raw(line)).collect(),
    }
}

struct Compose<'t> {
    text: &'t str,
    at: usize,
}

/// White space within a line, as Compose has it.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{a0}')
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']')
}

impl Compose<'_> {
    fn statements(mut self) -> Vec<Result<Statement, Broken>> {
        let mut found = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            self.at += rest.len() - rest.trim_start().len();
            if self.rest().is_empty() {
                return found;
            }
            if self.rest().starts_with('#') {
                self.at = self.line_end();
                continue;
            }
            let statement = self.statement();
            if let Err(broken) = &statement {
                self.at = match broken.code {
                    // What follows belongs to a quotation that nobody closed.
                    UNENDED => self.text.len(),
                    _ => self.line_end(),
                };
            }
            found.push(statement);
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// The end of the line that `at` stands in.
    fn line_end(&self) -> usize {
        self.rest().find('\n').map_or(self.text.len(), |end| self.at + end)
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(is_blank).len();
    }

    fn statement(&mut self) -> Result<Statement, Broken> {
        let begin = self.at;
        if self.rest().strip_prefix("export").is_some_and(|rest| rest.starts_with(is_blank)) {
            self.at += "export".len();
            self.skip_blanks();
        }
        let name = self.name()?;
        let Some('=' | ':') = self.rest().chars().next() else {
            return Ok(Statement { at: begin..name.end, name, value: Written::Inherited });
        };
        self.at += 1;
        self.skip_blanks();
        let value = self.value(&name)?;
        let at = match &value {
            // Empty, with the blanks that `range` begins after.
            Written::Bare(range) => begin..range.end.max(name.end + 1),
            _ => begin..self.at,
        };
        self.at = self.line_end();
        Ok(Statement { at, name, value })
    }

    /// A name up to `=`, `:` or the end of the line, which `at` stands at afterwards.
    fn name(&mut self) -> Result<Range<usize>, Broken> {
        let end = self.line_end();
        let line = &self.text[self.at..end];
        let length = line.find(['=', ':']).unwrap_or(line.len());
        let name = self.at..self.at + line[..length].trim_end().len();
        let rest = (self.at + length + 1).min(end)..end;
        let broken = |code, at: Range<usize>, what: String, hint: &str| Broken {
            code,
            at,
            what,
            hint: hint.to_string(),
            name: name.clone(),
            value: rest.clone(),
            ignored: false,
        };
        if name.is_empty() {
            let at = self.at..(self.at + 1).min(end);
            return Err(broken("env.no-name", at, "no name before the value".into(), "write `NAME=value`"));
        }
        if let Some((offset, c)) = self.text[name.clone()].char_indices().find(|(_, c)| !is_name(*c)) {
            // What looks like a value without `=` may be a secret.
            let value = name.start + offset + c.len_utf8()..end;
            let at = name.start + offset..name.start + offset + c.len_utf8();
            let (code, what, hint) = match c {
                _ if is_blank(c) && length == line.len() => (
                    "env.no-equals",
                    "no `=` in this line".to_string(),
                    "write `NAME=value`, and a comment begins with `#`",
                ),
                _ if is_blank(c) => (
                    "env.name",
                    "white space in the name of a variable".to_string(),
                    "names have letters, digits and `_`",
                ),
                _ => (
                    "env.name",
                    format!("{c:?} in the name of a variable"),
                    "names have letters, digits and `_`",
                ),
            };
            return Err(Broken { name: name.start..at.start, value, ..broken(code, at, what, hint) });
        }
        self.at += length;
        Ok(name)
    }

    fn value(&mut self, name: &Range<usize>) -> Result<Written, Broken> {
        match self.rest().chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote, name),
            _ => {
                let line = &self.text[self.at..self.line_end()];
                let value = line.find(" #").map_or(line, |comment| &line[..comment]).trim_end();
                Ok(Written::Bare(self.at..self.at + value.len()))
            }
        }
    }

    fn quoted(&mut self, quote: char, name: &Range<usize>) -> Result<Written, Broken> {
        let open = self.at;
        let broken = |code, at, what: String, hint: String, value| Broken {
            code,
            at,
            what,
            hint,
            name: name.clone(),
            value,
            ignored: false,
        };
        let inside = &self.text[open + 1..];
        let Some(length) = closing(inside, quote) else {
            let what = format!("the quote {quote} that begins the value is never closed");
            let hint = format!("close it with {quote}; a quote within the value is written `\\{quote}`");
            return Err(broken(UNENDED, open..open + 1, what, hint, open..self.text.len()));
        };
        let value = open + 1..open + 1 + length;
        self.at = value.end + 1;
        let end = self.at;
        self.skip_blanks();
        if !self.rest().is_empty() && !self.rest().starts_with(['\n', '#']) {
            let line_end = self.line_end();
            let what = "something follows the closing quote".to_string();
            let hint =
                format!("put the quotes around all of the value; a quote within it is written `\\{quote}`");
            return Err(broken("env.after-quote", self.at..line_end, what, hint, open..line_end));
        }
        self.at = end;
        Ok(if quote == '"' { Written::Double(value) } else { Written::Single(value) })
    }
}

/// The code of a quotation that runs to the end of the file.
const UNENDED: &str = "env.unterminated-quote";

/// How many bytes of a text stand before the quote that closes it; one after a backslash does not.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// foreman takes `[A-Za-z0-9_]+=…` at the begin of a line and ignores all else.
fn foreman(line: Line<'_>) -> Option<Result<Statement, Broken>> {
    if line.text.trim().is_empty() || line.text.trim_start().starts_with('#') {
        return None;
    }
    let end = line.start + line.text.len();
    let length = line.text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let name = line.start..line.start + length;
    Some(if length > 0 && line.text[length..].starts_with('=') {
        Ok(Statement { at: line.start..end, value: Written::Foreman(name.end + 1..end), name })
    } else {
        Err(Broken {
            code: "env.ignored",
            at: line.start..end,
            what: "foreman ignores this line".into(),
            hint: "write `NAME=value` without spaces around the name".into(),
            value: name.end..end,
            name,
            ignored: true,
        })
    })
}

/// Compose's `format: raw`, which is that of `docker run --env-file`.
fn raw(line: Line<'_>) -> Option<Result<Statement, Broken>> {
    let text = line.text.trim_start();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let begin = line.start + line.text.len() - text.len();
    let end = begin + text.len();
    let length = text.find('=').unwrap_or(text.len());
    let name = begin..begin + length;
    let broken = |at: Range<usize>, what: &str| Broken {
        code: "env.name",
        at,
        what: what.into(),
        hint: "write `NAME=value`; in this format the value is all that follows, as it stands".into(),
        name: name.clone(),
        value: name.end..end,
        ignored: false,
    };
    if length == 0 {
        return Some(Err(broken(begin..begin + 1, "no name before the value")));
    }
    if let Some(gap) = text[..length].find(char::is_whitespace) {
        let word = begin..begin + gap;
        let at = begin + gap..begin + gap + text[gap..].chars().next().map_or(1, char::len_utf8);
        let broken = broken(at.clone(), "white space in the name of a variable");
        return Some(Err(Broken { name: word, value: at.end..end, ..broken }));
    }
    let value = if length == text.len() { Written::Inherited } else { Written::Verbatim(name.end + 1..end) };
    Some(Ok(Statement { at: begin..end, name, value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let show = |found: Result<Statement, Broken>| match found {
            Ok(Statement { at, name, value }) => {
                format!("{} | {} | {}", &text[at], &text[name], &text[value.range()])
            }
            Err(Broken { code, at, .. }) => format!("{code} {}", &text[at]),
        };
        scan(text, EnvFormat::Compose).into_iter().map(show).collect()
    }

    #[test]
    fn statements_know_their_parts() {
        assert_eq!(
            found("# c\n A = b c # d\nexport B='x\ny' # z\nC\n\nD:\"e\\\"\"\r\nE=\nF= # g"),
            [
                "A = b c | A | b c",
                "export B='x\ny' | B | x\ny",
                "C | C | ",
                "D:\"e\\\"\" | D | e\\\"",
                "E= | E | ",
                "F= # g | F | # g"
            ]
        );
    }

    #[test]
    fn mistakes_end_with_their_line() {
        assert_eq!(
            found("A B\nC D=e\n=f\nlol$w\nG=\"h\" i\nJ=k"),
            [
                "env.no-equals  ",
                "env.name  ",
                "env.no-name =",
                "env.name $",
                "env.after-quote i",
                "J=k | J | k"
            ]
        );
        assert_eq!(found("A='b\nC=d"), ["env.unterminated-quote '"]);
    }
}

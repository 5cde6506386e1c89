//! From statements to values: escapes, substitutions, bounds, and what is said about them.

use std::ops::Range;

use report::Problem;
use value::{Secret, Span};

use super::interpolate::{Fault, Substituted, interpolate};
use super::scan::{Broken, Statement, Written, scan};
use super::{EnvContext, EnvFile, EnvFormat, EnvVar, LONGEST_VARIABLE, Precedence, notes, readers};
use crate::Secrecy;
use crate::secrets::looks_secret;
use crate::text::Findings;

/// One file being read.
pub(super) struct Evaluation<'e, 'p> {
    file: EnvFile,
    text: &'e str,
    context: &'e EnvContext<'e>,
    findings: &'e mut Findings<'p>,
    /// Bytes of all values so far.
    size: usize,
}

impl<'e, 'p> Evaluation<'e, 'p> {
    pub(super) fn new(
        file: EnvFile,
        text: &'e str,
        context: &'e EnvContext<'e>,
        findings: &'e mut Findings<'p>,
    ) -> Self {
        Self { file, text, context, findings, size: 0 }
    }

    /// Evaluates every statement; `marked` says that the file began with a byte order mark.
    pub(super) fn run(mut self, marked: bool) -> EnvFile {
        let compares = self.context.format == EnvFormat::Compose;
        if compares {
            notes::of_the_file(self.text, marked, self.file.source, self.findings);
        }
        for found in scan(self.text, self.context.format) {
            let statement = match found {
                Ok(statement) => statement,
                Err(broken) => {
                    self.broken(broken);
                    continue;
                }
            };
            match self.value(&statement) {
                Ok(value) => {
                    let lookup = |name: &str| self.lookup(name);
                    if compares
                        && !self.findings.is_full()
                        && let Some(note) = notes::compare(self.text, &statement, value.as_ref(), &lookup)
                    {
                        self.findings.push(note.at(self.span(&statement.at)));
                    }
                    if let Some(value) = value {
                        self.take(&statement, value.text);
                    }
                }
                Err(problem) => self.findings.push(problem),
            }
            if self.size > EnvFile::LONGEST_VALUES {
                self.too_large(&statement);
                break;
            }
        }
        self.file
    }

    fn too_large(&mut self, statement: &Statement) {
        let what = format!("the values in {} are too large together", self.file.name);
        let problem = Problem::error("env.too-large", what).at(self.span(&statement.at));
        self.findings.push(
            problem
                .why(format!("after substitution they are more than {} bytes", EnvFile::LONGEST_VALUES))
                .hint("pass large values in files, and their paths in variables"),
        );
    }

    fn span(&self, range: &Range<usize>) -> Span {
        Span::new(self.file.source, range.start, range.end)
    }

    fn broken(&mut self, broken: Broken) {
        let span = self.span(&broken.at);
        let problem = if broken.ignored {
            Problem::warning(broken.code, broken.what)
        } else {
            Problem::error(broken.code, broken.what)
        };
        self.findings.push(problem.at(span).hint(broken.hint));
    }

    /// The value of a variable as this place of the file sees it.
    fn lookup(&self, name: &str) -> Option<String> {
        let process = || (self.context.process)(name);
        let files = || {
            let earlier = self.context.earlier.iter().rev().find_map(|file| file.value(name));
            self.file.value(name).or(earlier).map(String::from)
        };
        match self.context.precedence {
            Precedence::EnvFile => files().or_else(process),
            Precedence::ProcessEnvironment => process().or_else(files),
        }
    }

    /// The value of a statement; `None` for a name alone that the process environment does not have.
    fn value(&mut self, statement: &Statement) -> Result<Option<Substituted>, Problem> {
        let raw = &self.text[statement.value.range()];
        let plain = |text: String| Some(Substituted { text, unset: Vec::new(), any: false });
        let value = match &statement.value {
            Written::Inherited => (self.context.process)(&self.text[statement.name.clone()]).and_then(plain),
            Written::Verbatim(_) => plain(raw.to_string()),
            Written::Foreman(_) => plain(readers::foreman_value(raw)),
            Written::Single(_) => plain(raw.replace("\\'", "'")),
            Written::Bare(_) => Some(self.substitute(statement, raw)?),
            Written::Double(_) => Some(self.substitute(statement, &unescape(raw))?),
        };
        let length = value.as_ref().map_or(0, |value| value.text.len()) + statement.name.len() + 2;
        if length > LONGEST_VARIABLE {
            self.size += length;
            return Err(self.too_long(statement));
        }
        Ok(value)
    }

    fn substitute(&mut self, statement: &Statement, text: &str) -> Result<Substituted, Problem> {
        let range = statement.value.range();
        // Places within a text with escapes are not those of the file.
        let exact = text == &self.text[range.clone()];
        let place = |at: &Range<usize>| {
            if exact { range.start + at.start..range.start + at.end } else { range.clone() }
        };
        let done = match interpolate(text, &|name| self.lookup(name), LONGEST_VARIABLE) {
            Ok(done) => done,
            Err(fault) => {
                // What was written in vain counts too, or many such lines would take for ever.
                self.size += match &fault {
                    Fault::TooLong => LONGEST_VARIABLE,
                    Fault::Required { message, .. } => message.len(),
                    _ => 0,
                };
                return Err(self.fault(fault, statement, &place));
            }
        };
        for (name, at) in &done.unset {
            if self.findings.is_full() {
                break;
            }
            let known: Vec<&str> = self.file.vars.keys().map(String::as_str).collect();
            let problem =
                Problem::warning("env.unset", format!("`{name}` is not set: nothing stands in its place"))
                    .at(self.span(&place(at)))
                    .did_you_mean(name, known.into_iter().filter(|known| known != name))
                    .hint(format!(
                        "give a default, `${{{name}:-default}}`; a `$` that is meant as such is written `$$`"
                    ));
            self.findings.push(problem);
        }
        Ok(done)
    }

    fn fault(
        &self,
        fault: Fault,
        statement: &Statement,
        place: &dyn Fn(&Range<usize>) -> Range<usize>,
    ) -> Problem {
        let literal = "a `$` that is meant as such is written `$$`, or the value stands in single quotes";
        match fault {
            Fault::Unclosed(at) => Problem::error("env.substitution", "`${` is never closed")
                .at(self.span(&place(&at)))
                .hint("close it with `}`")
                .hint(literal),
            Fault::Malformed(at) => Problem::error("env.substitution", "this is no substitution")
                .at(self.span(&place(&at)))
                .hint("`${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `${NAME:+alternative}` are known, without spaces around the name")
                .hint(literal),
            Fault::Required { at, name, message } => {
                let problem = Problem::error("env.required", format!("`{name}` has to be set"))
                    .at(self.span(&place(&at)));
                let problem = if message.is_empty() { problem } else { problem.why(format!("the file says: {message}")) };
                problem.hint(format!("set `{name}` in the process environment or above this line"))
            }
            Fault::TooDeep(at) => Problem::error("env.substitution", "substitutions are nested too deep")
                .at(self.span(&place(&at))),
            Fault::TooLong => self.too_long(statement),
        }
    }

    fn too_long(&self, statement: &Statement) -> Problem {
        let name = &self.text[statement.name.clone()];
        Problem::error("env.too-long", format!("the value of `{name}` is too long to be passed to a program"))
            .at(self.span(&statement.name))
            .why(format!("Linux takes at most {LONGEST_VARIABLE} bytes for a variable"))
            .hint("write it to a file, and pass the file's path")
    }

    fn take(&mut self, statement: &Statement, value: String) {
        let name = &self.text[statement.name.clone()];
        let inherited = statement.value == Written::Inherited;
        self.size += name.len() + value.len() + 2;
        let var = EnvVar {
            name: name.to_string(),
            name_span: self.span(&statement.name),
            value_span: self.span(&if inherited { statement.name.clone() } else { statement.value.range() }),
            value: Secret::new(value),
            inherited,
        };
        if let Some(earlier) = self.file.vars.get(name)
            && earlier.value != var.value
        {
            let problem =
                Problem::note("env.twice", format!("`{name}` is set twice: the later value counts"))
                    .at(var.name_span)
                    .related(earlier.name_span, "set here first");
            self.findings.push(problem);
        }
        self.file.vars.insert(name.to_string(), var);
    }
}

/// The value of a statement of Compose's grammar that depends on nothing but itself.
pub(super) fn alone(text: &str, statement: &Statement) -> Option<String> {
    let raw = &text[statement.value.range()];
    let substituted = |text: &str| {
        let done = interpolate(text, &|_| None, usize::MAX).ok()?;
        done.unset.is_empty().then_some(done.text)
    };
    match statement.value {
        Written::Single(_) => Some(raw.replace("\\'", "'")),
        Written::Bare(_) => substituted(raw),
        Written::Double(_) => substituted(&unescape(raw)),
        _ => None,
    }
}

/// The text of a value as it may stand in a message.
pub(super) fn shown(name: &str, value: &str) -> Option<String> {
    const LONGEST: usize = 60;
    if looks_secret(name, value) != Secrecy::Open {
        return None;
    }
    let visible = |c: char| match c {
        '\n' => "⏎".to_string(),
        c if c.is_control() => c.escape_debug().to_string(),
        c => c.to_string(),
    };
    let text: String = value.chars().map(visible).collect();
    Some(match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    })
}

/// Makes the escapes of a value in double quotes. What they make is text: a `$` of theirs comes out as `$$`, which
/// stands for a `$` when substitutions are made.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (meant, length) = escape(rest);
        match meant {
            Some('$') => text.push_str("$$"),
            Some(c) => text.push(c),
            None => text.push('\\'),
        }
        rest = &rest[length..];
    }
    text + rest
}

/// What an escape means, and how many bytes of what follows the backslash belong to it.
fn escape(rest: &str) -> (Option<char>, usize) {
    let meant = match rest.bytes().next() {
        Some(b'a') => '\u{7}',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'v') => '\u{b}',
        Some(b'\\') => '\\',
        Some(b'"') => '"',
        Some(b'$') => '$',
        Some(b'0') => return octal(rest),
        _ => return (None, 0),
    };
    (Some(meant), 1)
}

/// `\0ooo`: three octal digits after the zero, up to 0377. NUL is no letter of a value.
fn octal(rest: &str) -> (Option<char>, usize) {
    let digits = rest.get(1..4).filter(|digits| digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit)));
    match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
        Some(code) if code > 0 => (Some(char::from(code)), 4),
        _ => (None, 0),
    }
}

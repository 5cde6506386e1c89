//! `.env` files: config vars, one `NAME=value` a line. Nothing in them is ever run.
//!
//! There is no one format. Seven programs read the same line in up to five ways, so Pinch reads as one of them and
//! says where the others differ: [`EnvFormat::Compose`] unless told otherwise, with a note on every line whose value
//! depends on the reader, who reads what, and how to write it so that (nearly) all agree.
//!
//! **Compose's grammar.** White space before a name, around `=` and at the end of a line does not count; `export ` before
//! a name neither; `:` stands for `=`. Without quotes a value ends before ` #`. Single quotes hold letters as they are,
//! but for `\'`. In double quotes `\n \r \t \a \b \f \v \\ \" \$` and `\0ooo` are escapes. Both may span lines.
//! Without quotes and in double ones `$NAME` and `${NAME:-word}` and the like are replaced (see `interpolate`). A name alone takes the value of
//! the process environment. Where Compose reads a mistake as something (`A="b" c`, `A B`, `=c`), Pinch refuses it.
//!
//! **foreman's**: only lines `[A-Za-z0-9_]+=…` count; quotes that enclose the whole value are taken away; nothing is
//! replaced. **raw** (Compose's `format: raw`, docker's `--env-file`): a value is what follows `=`, as it stands.
//!
//! Values that look secret never appear in a problem: the text that is registered for showing lines is covered there.

mod evaluate;
pub(crate) mod interpolate;
mod notes;
mod print;
mod readers;
mod scan;
#[cfg(test)]
mod tests;

use indexmap::IndexMap;
use report::{Problems, Sources};
use value::{Secret, SourceId, Span};

use crate::secrets::{cover, secret_parts, secret_parts_of_line};
use crate::text::{self, Findings};
pub use print::{BadName, BestLine, best_line, print};
use scan::{Statement, Written, scan};

/// The longest `NAME=value` that Linux passes to a program, in bytes, with the NUL at its end.
pub(crate) const LONGEST_VARIABLE: usize = 128 * 1024;

/// How an env file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EnvFormat {
    /// As Docker Compose does.
    #[default]
    Compose,
    /// As foreman does.
    Foreman,
    /// Values stand as they are.
    Raw,
}

impl EnvFormat {
    /// The formats by name, for `--env-format`.
    pub const NAMES: [(&str, Self); 3] =
        [("compose", Self::Compose), ("foreman", Self::Foreman), ("raw", Self::Raw)];
}

/// Who wins where an env file and the process environment both set a variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precedence {
    /// The env file, as foreman, honcho and overmind have it.
    #[default]
    EnvFile,
    /// The process environment, as Compose has it.
    ProcessEnvironment,
}

/// What reading an env file depends on.
#[derive(Clone, Copy)]
pub struct EnvContext<'c> {
    /// The grammar.
    pub format: EnvFormat,
    /// Whose value `$NAME` is when both have one.
    pub precedence: Precedence,
    /// The process environment.
    pub process: &'c dyn Fn(&str) -> Option<String>,
    /// The env files that were read before this one, in order; `$NAME` sees their variables.
    pub earlier: &'c [EnvFile],
}

/// The variables of one env file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvFile {
    name: String,
    source: SourceId,
    vars: IndexMap<String, EnvVar>,
}

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvVar {
    /// Its name: not empty, without `=`, NUL and white space.
    pub name: String,
    /// Its value, without NUL.
    pub value: Secret<String>,
    /// Where the name stands.
    pub name_span: Span,
    /// Where the value stands, quotes apart; the name's place if it is inherited.
    pub value_span: Span,
    /// Whether the file names it only, so that the value is that of the process environment.
    pub inherited: bool,
}

impl EnvFile {
    /// The longest env file that is read, in bytes. Readers need to read no more than one byte beyond it.
    pub const LONGEST: usize = 1 << 20;
    /// The most that all values of a file together may be after substitution, in bytes: more than Linux passes to a program by default.
    pub const LONGEST_VALUES: usize = 2 << 20;

    /// Reads the bytes of an env file called `name`. Its text, with secrets covered, is registered in `sources`.
    ///
    /// `None` if there is an error among the problems: bytes that are no text, a line that is no statement, a
    /// substitution that cannot be made, a value longer than Linux can pass on. A file without variables is fine.
    pub fn parse(
        name: &str,
        bytes: &[u8],
        context: &EnvContext<'_>,
        sources: &Sources,
        problems: &mut Problems,
    ) -> Option<Self> {
        let conceal = match context.format {
            EnvFormat::Compose => |text: &str| covered(text, EnvFormat::Compose),
            EnvFormat::Foreman => |text: &str| covered(text, EnvFormat::Foreman),
            EnvFormat::Raw => |text: &str| covered(text, EnvFormat::Raw),
        };
        let text = match text::decode(name, bytes, Self::LONGEST, sources, conceal) {
            Ok(text) => text,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        let file =
            Self { name: name.to_string(), source: sources.add(name, conceal(text)), vars: IndexMap::new() };
        let mut findings = Findings::new(name, problems);
        let marked = text.len() < bytes.len();
        let file = evaluate::Evaluation::new(file, text, context, &mut findings).run(marked);
        findings.finish().then_some(file)
    }

    /// What the file is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its text among the sources.
    pub fn source(&self) -> SourceId {
        self.source
    }

    /// Its variables in the order of the file. A name that stands in it twice has the later value.
    pub fn vars(&self) -> impl Iterator<Item = &EnvVar> {
        self.vars.values()
    }

    /// The variable of that name.
    pub fn get(&self, name: &str) -> Option<&EnvVar> {
        self.vars.get(name)
    }

    /// The value of that name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(|var| var.value.reveal().as_str())
    }
}

/// The text as it may be shown: the values of variables that look secret are covered.
fn covered(text: &str, format: EnvFormat) -> String {
    let statements = scan(text, format);
    let parts = statements.iter().flat_map(|statement| {
        let (begin, parts) = match statement {
            Ok(Statement { value: Written::Inherited, .. }) => (0, Vec::new()),
            Ok(Statement { name, value, .. }) => {
                let place = value.range();
                let parts = secret_parts(&text[name.clone()], &text[place.clone()]);
                match value {
                    // Where quotes cannot span lines, the next lines may belong to it all the same.
                    Written::Foreman(_) | Written::Verbatim(_)
                        if !parts.is_empty() && is_open(&text[place.clone()]) =>
                    {
                        (0, std::iter::once(place.start..text.len()).collect())
                    }
                    _ => (place.start, parts),
                }
            }
            Err(broken) => {
                let line = broken.name.start.min(broken.value.start)..broken.value.end;
                (line.start, secret_parts_of_line(&text[line]))
            }
        };
        parts.into_iter().map(move |part| begin + part.start..begin + part.end)
    });
    cover(text, parts)
}

/// Whether a value begins with a quote that it does not close.
fn is_open(value: &str) -> bool {
    let quote = value.chars().next().filter(|c| *c == '"' || *c == '\'');
    quote.is_some_and(|quote| !value[1..].contains(quote))
}

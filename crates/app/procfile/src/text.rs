//! Texts as they come: bytes, within a bound, made into lines that know where they stand.

use report::{Problem, Problems, Severity, Sources};
use value::Span;

/// Problems of one text that are shown; a text with thousands of them is no text of that kind.
const MOST_SHOWN: usize = 100;

/// The text of a file without its byte order mark, or what is wrong with its bytes.
///
/// A text that is refused is registered in `sources` so that its line can be shown, after `conceal` has covered
/// what must not be seen (as many bytes as before).
pub(crate) fn decode<'b>(
    name: &str,
    bytes: &'b [u8],
    longest: usize,
    sources: &Sources,
    conceal: fn(&str) -> String,
) -> Result<&'b str, Problem> {
    if bytes.len() > longest {
        let what = format!("{name} is too large: more than {longest} bytes");
        return Err(Problem::error("text.too-large", what)
            .on(name)
            .hint("check that it is the file that was meant; no such file is written by hand"));
    }
    let shown =
        |at: usize, length: usize, text: &str| Span::new(sources.add(name, conceal(text)), at, at + length);
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            let Some(at) = text.find('\0') else { return Ok(text) };
            Err(Problem::error("text.nul", format!("{name} holds a NUL byte"))
                .at(shown(at, 1, text))
                .why("no command line and no variable can hold one")
                .hint("save the file as UTF-8 text"))
        }
        Err(error) => {
            let at = error.valid_up_to();
            let byte = bytes[at];
            // The replacement character that stands at the first wrong byte is three bytes long.
            let span = shown(at, '\u{fffd}'.len_utf8(), &String::from_utf8_lossy(bytes));
            let problem = Problem::error("text.not-utf-8", format!("{name} is not UTF-8: byte 0x{byte:02x}"));
            let hint = match bytes {
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it looks like UTF-16: save the file as UTF-8",
                _ => "save the file as UTF-8",
            };
            Err(problem.at(span).hint(hint))
        }
    }
}

/// Shows a text as it is: for [`decode`], where a text holds no secrets.
pub(crate) fn as_it_is(text: &str) -> String {
    text.to_string()
}

/// One line without its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'t> {
    /// Where it begins in the text.
    pub(crate) start: usize,
    /// What it says.
    pub(crate) text: &'t str,
}

/// The lines of a text; each ends with LF or CR LF.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |whole| {
        let line = Line { start, text: without_end(whole) };
        start += whole.len();
        line
    })
}

fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// Collects what is found in one text, up to a bound.
pub(crate) struct Findings<'p> {
    name: String,
    problems: &'p mut Problems,
    shown: usize,
    errors: usize,
    kept_back: usize,
}

impl<'p> Findings<'p> {
    pub(crate) fn new(name: &str, problems: &'p mut Problems) -> Self {
        Self { name: name.to_string(), problems, shown: 0, errors: 0, kept_back: 0 }
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        self.errors += usize::from(problem.severity == Severity::Error);
        if self.shown < MOST_SHOWN {
            // The same one is kept once.
            let before = self.problems.len();
            self.problems.push(problem);
            self.shown += self.problems.len() - before;
        } else {
            self.kept_back += 1;
        }
    }

    /// Whether no more are shown, so that looking for more is in vain.
    pub(crate) fn is_full(&self) -> bool {
        self.shown >= MOST_SHOWN
    }

    /// How many errors are among them.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Whether an error is among them.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Says how many were kept back, and answers whether the text may be used.
    pub(crate) fn finish(self) -> bool {
        if self.kept_back > 0 {
            let what = format!("{} more problems in {} are not shown", self.kept_back, self.name);
            let problem = match self.errors {
                0 => Problem::note("text.more-problems", what),
                _ => Problem::error("text.more-problems", what),
            };
            self.problems.push(problem);
        }
        self.errors == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let sources = Sources::new();
        let problem = decode("Procfile", bytes, 64, &sources, as_it_is).expect_err("a problem");
        report::render(&problem, &sources, report::Style::Plain)
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_where_they_stand() {
        assert_eq!(
            refused(b"web: a\nw\xff: b\n"),
            "error: Procfile is not UTF-8: byte 0xff\n --> Procfile:2:2\n  |\n2 | w\u{fffd}: b\n  |  ^\n  |\n  \
             = help: save the file as UTF-8\n"
        );
        assert!(refused(b"a: b\0c\n").contains("--> Procfile:1:5"));
        assert!(refused(b"\xff\xfew\0e\0b\0").contains("looks like UTF-16"));
        assert!(refused(&[b'a'; 65]).contains("more than 64 bytes"));
    }

    #[test]
    fn lines_end_with_lf_or_crlf() {
        let found: Vec<_> = lines("a\r\nb\n\nc\rd").map(|line| (line.start, line.text)).collect();
        assert_eq!(found, [(0, "a"), (3, "b"), (5, ""), (6, "c\rd")]);
        assert_eq!(lines("").count(), 0);
    }

    #[test]
    fn thousands_of_problems_are_counted_not_shown() {
        let mut problems = Problems::new();
        let mut findings = Findings::new("x", &mut problems);
        for number in 0..5000 {
            findings.push(Problem::error("t", number.to_string()));
        }
        assert!(!findings.finish());
        assert_eq!(problems.len(), MOST_SHOWN + 1);
        assert!(problems.iter().last().is_some_and(|last| last.what.starts_with("4900 more")));
    }
}

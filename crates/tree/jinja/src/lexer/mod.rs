//! From text to tokens.
//!
//! Two machines take turns: outside of tags this file looks for the next delimiter and applies the
//! rules of whitespace control; inside of tags [`code`] reads names, numbers, strings and operators.
//! The rules are those of Jinja's lexer, its order of alternatives included. A failure is kept as
//! the last token, so that a parser that stops before it reports its own error first.

mod code;
mod escape;
mod newline;
mod token;

pub(crate) use newline::Normalized;
pub(crate) use token::{Symbol, Token, TokenKind};

use crate::Syntax;
use crate::ast::Place;

/// A lexical error and where it is.
#[derive(Clone, Debug)]
pub(crate) struct LexicalError {
    pub(crate) message: String,
    pub(crate) place: Place,
    /// What to do about it.
    pub(crate) hint: String,
}

/// All tokens of a text (whose newlines are `\n`). The last one is the end or an error.
pub(crate) fn tokenize(text: &str, syntax: &Syntax) -> Vec<Token> {
    let mut lexer = Lexer::new(text, syntax);
    let last = match lexer.run() {
        Ok(()) => Token { kind: TokenKind::End, place: Place::new(text.len(), text.len()) },
        Err(LexicalError { message, place, hint }) => {
            Token { place, kind: TokenKind::Error { message: message.into(), hint: hint.into() } }
        }
    };
    lexer.tokens.push(last);
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    syntax: &'a Syntax,
    starts: Vec<(Start, &'a str)>,
    at: usize,
    /// Whether the last thing matched ended with a newline (or there was none).
    line_starting: bool,
    tokens: Vec<Token>,
}

/// What a delimiter opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Raw,
    Comment,
    Block,
    Variable,
    LineStatement,
    LineComment,
}

/// A delimiter that was found.
struct Found {
    start: Start,
    /// Where the text before it ends.
    at: usize,
    /// Where it ends, whitespace sign included.
    end: usize,
    sign: Option<char>,
}

/// How the inside of a tag ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Block,
    Variable,
    Line,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str, syntax: &'a Syntax) -> Self {
        let mut starts = vec![
            (Start::Comment, &*syntax.comment_start),
            (Start::Block, &*syntax.block_start),
            (Start::Variable, &*syntax.variable_start),
        ];
        starts.extend(syntax.line_statement_prefix.as_deref().map(|prefix| (Start::LineStatement, prefix)));
        starts.extend(syntax.line_comment_prefix.as_deref().map(|prefix| (Start::LineComment, prefix)));
        starts.retain(|(_, delimiter)| !delimiter.is_empty());
        // The longest delimiter wins; among equals Jinja takes the greater name.
        let rank = |start: Start| match start {
            Start::Variable => 4,
            Start::LineStatement => 3,
            Start::LineComment => 2,
            Start::Comment => 1,
            Start::Block | Start::Raw => 0,
        };
        starts.sort_by_key(|(start, delimiter)| std::cmp::Reverse((delimiter.len(), rank(*start))));
        Self { text, syntax, starts, at: 0, line_starting: true, tokens: Vec::new() }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, kind: TokenKind, start: usize, end: usize) {
        self.tokens.push(Token { kind, place: Place::new(start, end) });
    }

    fn run(&mut self) -> Result<(), LexicalError> {
        while self.at < self.text.len() {
            let Some(found) = self.find_start() else {
                self.push_data(self.at, self.text.len());
                self.at = self.text.len();
                return Ok(());
            };
            self.push_text_before(&found);
            let opened = found.at..found.end;
            self.line_starting = self.text.get(opened.clone()).is_some_and(|text| text.ends_with('\n'));
            self.at = found.end;
            match found.start {
                Start::Comment => self.comment(opened.start)?,
                Start::Raw => self.raw(opened.start)?,
                Start::LineComment => {
                    let end = self.rest().find('\n').map_or(self.text.len(), |newline| self.at + newline);
                    self.line_starting = false;
                    self.at = end;
                }
                Start::Block => {
                    self.push(TokenKind::BlockBegin, opened.start, opened.end);
                    self.code(Inside::Block)?;
                }
                Start::LineStatement => {
                    self.push(TokenKind::BlockBegin, opened.start, opened.end);
                    self.code(Inside::Line)?;
                }
                Start::Variable => {
                    self.push(TokenKind::VariableBegin, opened.start, opened.end);
                    self.code(Inside::Variable)?;
                }
            }
        }
        Ok(())
    }

    fn push_data(&mut self, start: usize, end: usize) {
        if let Some(text) = self.text.get(start..end)
            && !text.is_empty()
        {
            self.push(TokenKind::Data(text.into()), start, end);
        }
    }

    /// The text up to a delimiter, without the whitespace that its sign or `lstrip_blocks` removes.
    fn push_text_before(&mut self, found: &Found) {
        let start = self.at;
        let text = self.text.get(start..found.at).unwrap_or_default();
        let kept = match found.sign {
            Some('-') => text.trim_end_matches(is_space).len(),
            Some(_) => text.len(),
            None if self.syntax.lstrip_blocks && found.start != Start::Variable => {
                let line = text.rfind('\n').map_or(0, |newline| newline + 1);
                let blank = text.get(line..).is_some_and(|line| line.chars().all(is_space));
                if (line > 0 || self.line_starting) && blank { line } else { text.len() }
            }
            None => text.len(),
        };
        self.push_data(start, start + kept);
    }

    fn find_start(&self) -> Option<Found> {
        let mut from = self.at;
        loop {
            let at = self.next_candidate(from)?;
            if let Some(found) = self.start_at(at) {
                return Some(found);
            }
            from = at + self.text.get(at..)?.chars().next()?.len_utf8();
        }
    }

    /// The next place where a delimiter may stand. Line prefixes may have blanks before them, so
    /// every place is a candidate when they are in use.
    fn next_candidate(&self, from: usize) -> Option<usize> {
        let rest = self.text.get(from..)?;
        if self.syntax.line_statement_prefix.is_some() || self.syntax.line_comment_prefix.is_some() {
            return (!rest.is_empty()).then_some(from);
        }
        let mut firsts = [0u8; 3];
        for (first, (_, delimiter)) in firsts.iter_mut().zip(&self.starts) {
            *first = delimiter.bytes().next()?;
        }
        let [a, b, c] = firsts;
        let offset = if a == b && b == c {
            rest.as_bytes().iter().position(|byte| *byte == a)
        } else {
            rest.as_bytes().iter().position(|byte| *byte == a || *byte == b || *byte == c)
        };
        offset.map(|offset| from + offset)
    }

    fn start_at(&self, at: usize) -> Option<Found> {
        if let Some(found) = self.raw_at(at) {
            return Some(found);
        }
        for (start, delimiter) in &self.starts {
            let begin = match start {
                Start::LineStatement => self.line_statement_at(at),
                Start::LineComment => self.line_comment_at(at),
                _ => Some(at),
            };
            let Some(begin) = begin else { continue };
            if !self.text.get(begin..).is_some_and(|rest| rest.starts_with(delimiter)) {
                continue;
            }
            let end = begin + delimiter.len();
            let sign = self.sign_at(end);
            return Some(Found { start: *start, at, end: end + sign.map_or(0, char::len_utf8), sign });
        }
        None
    }

    fn sign_at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next().filter(|c| matches!(c, '-' | '+'))
    }

    /// A line statement begins a line, blanks allowed. The answer is where its prefix would be.
    fn line_statement_at(&self, at: usize) -> Option<usize> {
        let starts_line = at == 0 || self.text.as_bytes().get(at - 1) == Some(&b'\n');
        let blanks = self.text.get(at..)?.bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | 0x0b));
        starts_line.then(|| at + blanks.count())
    }

    /// A line comment begins a line or follows something that is no blank.
    fn line_comment_at(&self, at: usize) -> Option<usize> {
        let before = self.text.get(..at)?.chars().next_back();
        let allowed = before.is_none_or(|c| c == '\n' || !is_space(c));
        let blanks: usize = self
            .text
            .get(at..)?
            .chars()
            .take_while(|c| is_space(*c) && !matches!(c, '\n' | '\r'))
            .map(char::len_utf8)
            .sum();
        allowed.then_some(at + blanks)
    }

    /// `{% raw %}`
    fn raw_at(&self, at: usize) -> Option<Found> {
        let block = &*self.syntax.block_start;
        let rest = self.text.get(at..)?.strip_prefix(block)?;
        let sign = rest.chars().next().filter(|c| matches!(c, '-' | '+'));
        let rest = rest.get(sign.map_or(0, char::len_utf8)..)?.trim_start_matches(is_space);
        let rest = rest.strip_prefix("raw")?.trim_start_matches(is_space);
        let rest = match rest.strip_prefix('-').and_then(|rest| rest.strip_prefix(&*self.syntax.block_end)) {
            Some(rest) => rest.trim_start_matches(is_space),
            None => rest.strip_prefix(&*self.syntax.block_end)?,
        };
        Some(Found { start: Start::Raw, at, end: self.text.len() - rest.len(), sign })
    }

    /// The content of `{% raw %}` up to `{% endraw %}`.
    fn raw(&mut self, opened: usize) -> Result<(), LexicalError> {
        let mut from = self.at;
        while let Some(offset) = self.text.get(from..).and_then(|rest| rest.find(&*self.syntax.block_start)) {
            let at = from + offset;
            let after = at + self.syntax.block_start.len();
            let sign = self.sign_at(after);
            let name = after + sign.map_or(0, char::len_utf8);
            let end = self.text.get(name..).and_then(|rest| {
                let rest = rest.trim_start_matches(is_space).strip_prefix("endraw")?;
                let rest = rest.trim_start_matches(is_space);
                Some(self.text.len() - self.after_block_end(rest)?.len())
            });
            if let Some(end) = end {
                self.push_text_before(&Found { start: Start::Raw, at, end, sign });
                self.close(end);
                return Ok(());
            }
            from = after;
        }
        let Syntax { block_start, block_end, .. } = self.syntax;
        let hint =
            format!("write `{block_start} endraw {block_end}` where the text that is taken as it is ends");
        error("Missing end of raw directive", opened, self.at, hint)
    }

    /// What follows an end of block, if one stands here: `%}`, `-%}` with the blanks after it, `+%}`.
    fn after_block_end(&self, rest: &'a str) -> Option<&'a str> {
        self.after_end(rest, &self.syntax.block_end, true)
    }

    fn after_end(&self, rest: &'a str, end: &str, plus: bool) -> Option<&'a str> {
        if plus && let Some(after) = rest.strip_prefix('+').and_then(|rest| rest.strip_prefix(end)) {
            return Some(after);
        }
        if let Some(after) = rest.strip_prefix('-').and_then(|rest| rest.strip_prefix(end)) {
            return Some(after.trim_start_matches(is_space));
        }
        let after = rest.strip_prefix(end)?;
        if plus && self.syntax.trim_blocks {
            return Some(after.strip_prefix('\n').unwrap_or(after));
        }
        Some(after)
    }

    fn comment(&mut self, opened: usize) -> Result<(), LexicalError> {
        let end = &*self.syntax.comment_end;
        let rest = self.rest();
        let Some(found) = rest.find(end) else {
            return error(
                "Missing end of comment tag",
                opened,
                self.at,
                format!("write `{end}` where the comment ends"),
            );
        };
        // The sign before the end belongs to it.
        let signed = rest.get(..found).is_some_and(|comment| comment.ends_with(['-', '+']));
        let from = if signed { found - 1 } else { found };
        let after = rest.get(from..).and_then(|rest| self.after_end(rest, end, true)).unwrap_or_default();
        self.close(self.text.len() - after.len());
        Ok(())
    }

    /// Goes on after a closing delimiter.
    fn close(&mut self, end: usize) {
        self.line_starting = self.text.get(..end).is_some_and(|text| text.ends_with('\n'));
        self.at = end;
    }
}

fn error<T>(
    message: impl Into<String>,
    start: usize,
    end: usize,
    hint: impl Into<String>,
) -> Result<T, LexicalError> {
    Err(LexicalError { message: message.into(), place: Place::new(start, end), hint: hint.into() })
}

/// What Python's `\s` and `str.strip` take for a blank.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

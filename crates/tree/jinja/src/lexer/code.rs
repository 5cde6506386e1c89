//! The inside of tags.

use num_bigint::BigInt;
use num_traits::Num as _;

use super::escape::unescape;
use super::token::SYMBOLS;
use super::{Inside, Lexer, LexicalError, Symbol, TokenKind, error, is_space};
use crate::value::text::quote;

impl Lexer<'_> {
    /// Reads tokens up to the end of the tag.
    pub(super) fn code(&mut self, inside: Inside) -> Result<(), LexicalError> {
        let mut brackets = Vec::new();
        loop {
            if brackets.is_empty() && self.end_of_tag(inside) {
                return Ok(());
            }
            let blanks = self.rest().len() - self.rest().trim_start_matches(is_space).len();
            if blanks > 0 {
                self.at += blanks;
                continue;
            }
            let Some(first) = self.rest().chars().next() else { return Ok(()) };
            let start = self.at;
            if self.number()? {
                continue;
            }
            if first.is_alphanumeric() || first == '_' || is_combining(first) {
                self.name()?;
            } else if first == '\'' || first == '"' {
                self.string(first)?;
            } else if let Some((text, symbol)) =
                SYMBOLS.iter().find(|(text, _)| self.rest().starts_with(text))
            {
                self.balance(&mut brackets, *symbol)?;
                self.at += text.len();
                self.push(TokenKind::Symbol(*symbol), start, self.at);
            } else {
                return self.unexpected(first);
            }
        }
    }

    fn unexpected(&self, c: char) -> Result<(), LexicalError> {
        let position = self.text.get(..self.at).map_or(0, |before| before.chars().count());
        let shown = quote(&c.to_string());
        let hint = match c {
            '\'' | '"' => format!("the text that begins with this {c} is never closed: write {c} at its end"),
            '!' => "write `not x`, or `x != y`".into(),
            '&' => "write `and`".into(),
            _ => format!("`{c}` means nothing here: remove it, or quote it as part of a text"),
        };
        error(format!("unexpected char {shown} at {position}"), self.at, self.at + c.len_utf8(), hint)
    }

    /// Takes the end of the tag if it stands here.
    fn end_of_tag(&mut self, inside: Inside) -> bool {
        let rest = self.rest();
        let after = match inside {
            Inside::Block => self.after_block_end(rest),
            Inside::Variable => self.after_end(rest, &self.syntax.variable_end, false),
            Inside::Line => {
                // The longest run of blanks that ends with a newline or the end of the text.
                let blanks = rest.len() - rest.trim_start_matches(is_space).len();
                if blanks == rest.len() {
                    Some("")
                } else {
                    let newline = rest.get(..blanks).and_then(|blanks| blanks.rfind('\n'));
                    newline.and_then(|newline| rest.get(newline + 1..))
                }
            }
        };
        let Some(after) = after else { return false };
        let (start, end) = (self.at, self.text.len() - after.len());
        let kind = if inside == Inside::Variable { TokenKind::VariableEnd } else { TokenKind::BlockEnd };
        self.push(kind, start, end);
        self.close(end);
        true
    }

    fn balance(&self, brackets: &mut Vec<Symbol>, symbol: Symbol) -> Result<(), LexicalError> {
        let expected = match symbol {
            Symbol::LeftBrace => Symbol::RightBrace,
            Symbol::LeftParenthesis => Symbol::RightParenthesis,
            Symbol::LeftBracket => Symbol::RightBracket,
            Symbol::RightBrace | Symbol::RightParenthesis | Symbol::RightBracket => {
                return match brackets.pop() {
                    Some(expected) if expected == symbol => Ok(()),
                    Some(expected) => error(
                        format!("unexpected '{}', expected '{}'", symbol.text(), expected.text()),
                        self.at,
                        self.at + 1,
                        format!("close with `{}` what was opened last", expected.text()),
                    ),
                    None => error(
                        format!("unexpected '{}'", symbol.text()),
                        self.at,
                        self.at + 1,
                        "nothing is open here: remove it, or open it before",
                    ),
                };
            }
            _ => return Ok(()),
        };
        brackets.push(expected);
        Ok(())
    }

    fn name(&mut self) -> Result<(), LexicalError> {
        let start = self.at;
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || is_combining(c);
        let length = self.rest().len() - self.rest().trim_start_matches(is_word).len();
        let name = self.rest().get(..length).unwrap_or_default();
        if name.starts_with(|c: char| c.is_numeric()) {
            let hint = "a name has letters, digits and `_`, and begins with no digit";
            return error("Invalid character in identifier", start, start + length, hint);
        }
        self.at += length;
        self.push(TokenKind::Name(name.into()), start, self.at);
        Ok(())
    }

    /// Reads a float or an integer if one stands here. Python reads integers of 4300 digits at most.
    fn number(&mut self) -> Result<bool, LexicalError> {
        const MOST_DIGITS: usize = 4300;
        let rest = self.rest();
        if !rest.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(false);
        }
        let start = self.at;
        let after_dot = start > 0 && self.text.as_bytes().get(start - 1) == Some(&b'.');
        if !after_dot && let Some(length) = float_length(rest) {
            let digits: String = rest.chars().take(length).filter(|c| *c != '_').collect();
            self.at += length;
            self.push(TokenKind::Float(digits.parse().unwrap_or(f64::INFINITY)), start, self.at);
            return Ok(true);
        }
        let (length, radix, skip) = integer_length(rest);
        let digits: String = rest.chars().take(length).skip(skip).filter(|c| *c != '_').collect();
        if digits.len() > MOST_DIGITS {
            let message = "Exceeds the limit (4300 digits) for integer string conversion";
            return error(message, start, start + length, "write it as a text, in quotes");
        }
        self.at += length;
        let number = BigInt::from_str_radix(&digits, radix).unwrap_or_default();
        self.push(TokenKind::Int(number), start, self.at);
        Ok(true)
    }

    fn string(&mut self, quote: char) -> Result<(), LexicalError> {
        let start = self.at;
        let mut characters = self.rest().char_indices().skip(1);
        let length = loop {
            match characters.next() {
                Some((_, '\\')) => {
                    characters.next();
                }
                Some((offset, c)) if c == quote => break offset + 1,
                Some(_) => {}
                None => return self.unexpected(quote),
            }
        };
        let content = self.rest().get(1..length - 1).unwrap_or_default();
        let text = match unescape(content) {
            Ok(text) => text,
            Err(message) => {
                let hint =
                    "a backslash begins an escape, such as `\\n`: write `\\\\` for one that is meant as such";
                return error(message, start, start + length, hint);
            }
        };
        self.at += length;
        self.push(TokenKind::Str(text.into()), start, self.at);
        Ok(())
    }
}

/// Marks that may continue an identifier.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{200c}'..='\u{200d}' | '\u{203f}'..='\u{2040}')
}

/// `(\d+_)*\d+`: the length of digits with single underscores between them.
fn digits_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut length = 0;
    while bytes.get(length).is_some_and(u8::is_ascii_digit)
        || (length > 0
            && bytes.get(length) == Some(&b'_')
            && bytes.get(length - 1).is_some_and(u8::is_ascii_digit)
            && bytes.get(length + 1).is_some_and(u8::is_ascii_digit))
    {
        length += 1;
    }
    length
}

/// The length of a float: digits with a fraction, an exponent, or both.
fn float_length(text: &str) -> Option<usize> {
    let mut length = digits_length(text);
    let mut is_float = false;
    if text.get(length..)?.starts_with('.') {
        let fraction = digits_length(text.get(length + 1..)?);
        if fraction > 0 {
            length += 1 + fraction;
            is_float = true;
        }
    }
    let rest = text.get(length..)?;
    if rest.starts_with(['e', 'E']) {
        let sign = usize::from(rest.get(1..)?.starts_with(['+', '-']));
        let exponent = digits_length(rest.get(1 + sign..)?);
        if exponent > 0 {
            length += 1 + sign + exponent;
            is_float = true;
        }
    }
    is_float.then_some(length)
}

/// The length of an integer, its radix, and how long the radix prefix is.
fn integer_length(text: &str) -> (usize, u32, usize) {
    let bytes = text.as_bytes();
    if bytes.first() == Some(&b'0') {
        let radix = match bytes.get(1) {
            Some(b'x' | b'X') => 16,
            Some(b'o' | b'O') => 8,
            Some(b'b' | b'B') => 2,
            _ => 0,
        };
        if radix != 0 {
            let is_digit = |byte: Option<&u8>| byte.is_some_and(|byte| (*byte as char).is_digit(radix));
            let mut length = 2;
            loop {
                if is_digit(bytes.get(length)) {
                    length += 1;
                } else if bytes.get(length) == Some(&b'_') && is_digit(bytes.get(length + 1)) {
                    length += 2;
                } else {
                    break;
                }
            }
            if length > 2 {
                return (length, radix, 2);
            }
        }
        // Zeros only: `012` is a zero and then something else.
        let mut length = 1;
        while bytes.get(length) == Some(&b'0')
            || (bytes.get(length) == Some(&b'_') && bytes.get(length + 1) == Some(&b'0'))
        {
            length += 1;
        }
        return (length, 10, 0);
    }
    (digits_length(text), 10, 0)
}

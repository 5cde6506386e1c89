//! bash, `set -a; . FILE`: the file is a script. Nothing is run here; a line that runs something is said to.

use std::str::Chars;

use super::super::interpolate::{Lookup, interpolate};
use super::{LONGEST, Reading};

pub(super) fn read(lines: &str, name: &str, lookup: &Lookup<'_>) -> Reading {
    let text = lines.trim_start_matches([' ', '\t', '\n']);
    let exported = text.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    let text = exported.map_or(text, |rest| rest.trim_start_matches([' ', '\t']));
    let length = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let key = &text[..length];
    let assigns =
        text[length..].starts_with('=') && !key.starts_with(|c: char| c.is_ascii_digit()) && !key.is_empty();
    if !assigns {
        return match (exported, first_word(text)) {
            (Some(_), word) if word == key => Reading::Absent,
            (Some(_), _) => Reading::Fails,
            (None, word) => Reading::Runs(word.to_string()),
        };
    }
    if key != name {
        return Reading::Absent;
    }
    let mut word = Word { letters: text[length + 1..].chars(), value: String::new(), lookup };
    match word.read() {
        Err(reading) => reading,
        Ok(()) => match rest_of_line(word.letters.as_str()) {
            // `export A=b c` marks `c` for export too; without `export`, `c` is a command.
            Some(command) if exported.is_none() => runs(command),
            _ => Reading::Value(word.value),
        },
    }
}

/// What a word does that follows an assignment.
fn runs(command: &str) -> Reading {
    let name = command.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    match command[name..].bytes().next() {
        _ if command.is_empty() => Reading::Otherwise,
        // A second assignment in the line.
        Some(b'=' | b'+' | b'[') => Reading::Otherwise,
        _ => Reading::Runs(command.to_string()),
    }
}

fn first_word(text: &str) -> &str {
    text.split([' ', '\t', '\n', ';', '|', '&', '<', '>', '(', ')']).next().unwrap_or_default()
}

/// The first word that follows the value in its line, comments apart.
fn rest_of_line(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', '\t']);
    let nothing = text.is_empty() || text.starts_with(['\n', '#']);
    (!nothing).then(|| first_word(text))
}

/// The word after the `=`, up to white space outside of quotes.
struct Word<'t> {
    letters: Chars<'t>,
    value: String,
    lookup: &'t Lookup<'t>,
}

impl Word<'_> {
    fn read(&mut self) -> Result<(), Reading> {
        if self.letters.as_str().starts_with('~') {
            return Err(Reading::Otherwise);
        }
        loop {
            let before = self.letters.clone();
            let Some(c) = self.letters.next() else { return Ok(()) };
            match c {
                ' ' | '\t' | '\n' => {
                    self.letters = before;
                    return Ok(());
                }
                '\'' => self.single()?,
                '"' => self.double()?,
                '\\' => match self.letters.next() {
                    Some('\n') => {}
                    Some(next) => self.value.push(next),
                    None => self.value.push('\\'),
                },
                '$' => self.dollar(false)?,
                '`' => return Err(self.runs()),
                ';' | '|' | '&' | '(' | ')' | '<' | '>' => return Err(self.operator(c)),
                // A tilde after a colon is a home directory too.
                ':' if self.letters.as_str().starts_with('~') => return Err(Reading::Otherwise),
                _ => self.value.push(c),
            }
        }
    }

    fn single(&mut self) -> Result<(), Reading> {
        let (inside, rest) = self.letters.as_str().split_once('\'').ok_or(Reading::Fails)?;
        self.value.push_str(inside);
        self.letters = rest.chars();
        Ok(())
    }

    fn double(&mut self) -> Result<(), Reading> {
        loop {
            match self.letters.next().ok_or(Reading::Fails)? {
                '"' => return Ok(()),
                '$' => self.dollar(true)?,
                '`' => return Err(self.runs()),
                '\\' => match self.letters.next().ok_or(Reading::Fails)? {
                    '\n' => {}
                    next @ ('$' | '`' | '"' | '\\') => self.value.push(next),
                    next => self.value.extend(['\\', next]),
                },
                c => self.value.push(c),
            }
        }
    }

    /// What follows a `$`: a variable, a substitution that Compose knows too, or something of bash's own.
    fn dollar(&mut self, quoted: bool) -> Result<(), Reading> {
        let rest = self.letters.as_str();
        let name = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let length = match rest.chars().next() {
            Some('{') => {
                let length = rest.find('}').ok_or(Reading::Fails)? + 1;
                let known = |c: char| c.is_ascii_alphanumeric() || "_:-+./, ".contains(c);
                if !rest[1..length - 1].chars().all(known) {
                    return Err(Reading::Otherwise);
                }
                length
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => name,
            Some('(') => return Err(self.runs()),
            Some('\'' | '"') if !quoted => return Err(Reading::Otherwise),
            Some(c) if c.is_ascii_digit() || "$?#!*@-[".contains(c) => return Err(Reading::Otherwise),
            _ => {
                self.value.push('$');
                return Ok(());
            }
        };
        let text = format!("${}", &rest[..length]);
        let done = interpolate(&text, self.lookup, LONGEST).map_err(|_| Reading::Otherwise)?;
        self.value.push_str(&done.text);
        self.letters = rest[length..].chars();
        if self.value.len() > LONGEST { Err(Reading::Otherwise) } else { Ok(()) }
    }

    /// A command substitution.
    fn runs(&self) -> Reading {
        let command = self.letters.as_str().trim_start_matches(['(', ' ']);
        let ends = |c: char| c.is_whitespace() || matches!(c, ')' | '`' | ';' | '|' | '&');
        Reading::Runs(command.split(ends).next().unwrap_or_default().to_string())
    }

    /// `;` ends the command, and what follows is another one; the others do more than that.
    fn operator(&self, operator: char) -> Reading {
        match rest_of_line(self.letters.as_str()) {
            Some(command) if operator == ';' => runs(command),
            None if operator == ';' => Reading::Value(self.value.clone()),
            _ => Reading::Otherwise,
        }
    }
}

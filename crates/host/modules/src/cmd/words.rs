//! Words of a command line.

use crate::Failure;

/// Splits as a POSIX shell would, without expanding anything: quotes and backslashes. An error says what
/// does not close.
pub(super) fn split(text: &str) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some('\'') => break,
                        Some(letter) => word.push(letter),
                        None => return Err(unclosed()),
                    }
                }
            }
            '"' => quoted(&mut letters, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().push(letters.next().ok_or_else(dangling)?),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

fn unclosed() -> Failure {
    Failure::message("No closing quotation")
        .hint("close the quote; a backslash stands before one that is meant as such")
}

fn dangling() -> Failure {
    Failure::message("No escaped character")
        .hint("a backslash at the end escapes nothing: remove it, or double it")
}

/// What stands up to the closing double quote: a backslash escapes only itself and the quote.
fn quoted(letters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Failure> {
    loop {
        match letters.next().ok_or_else(unclosed)? {
            '"' => return Ok(()),
            '\\' => match letters.next().ok_or_else(unclosed)? {
                escaped @ ('"' | '\\') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            letter => word.push(letter),
        }
    }
}

/// A word as a POSIX shell has to read it to get it back.
pub(super) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_split_as_in_python() {
        let cases: [(&str, &[&str]); 6] = [
            ("ls -l  /tmp", &["ls", "-l", "/tmp"]),
            ("echo 'a b' \"c\\\"d\" e\\ f", &["echo", "a b", "c\"d", "e f"]),
            ("a''b \"\"", &["ab", ""]),
            ("x=\"\\n\"", &["x=\\n"]),
            ("", &[]),
            ("a | b; c", &["a", "|", "b;", "c"]),
        ];
        for (text, words) in cases {
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
        for wrong in ["'a", "\"a", "a\\", "\"a\\"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn quoted_words_come_back() {
        for word in ["a", "it's", "", "a b\n$x"] {
            assert_eq!(split(&quote(word)).unwrap(), [word]);
        }
    }
}

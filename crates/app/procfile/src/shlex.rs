//! Words as Python's `shlex` splits them in its POSIX mode, which supervisord and honcho use.
//!
//! No shell is involved: quotes and backslashes group letters into words, and nothing is expanded.

use std::ops::Range;

/// Which letters belong together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether every letter that is not white space can be part of a word (`shlex.split`). Otherwise a word is
    /// made of letters, digits, `_` and [`Rules::also`], and any other letter is a word of its own.
    pub(crate) whole_words: bool,
    /// What else can be part of a word.
    pub(crate) also: &'static str,
    /// Whether `#` begins a comment, which ends with its line.
    pub(crate) comments: bool,
}

/// `shlex.split(text)`.
pub(crate) const SPLIT: Rules = Rules { whole_words: true, also: "", comments: false };

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// What it says, quotes and backslashes taken away.
    pub(crate) text: String,
    /// Where it stands.
    pub(crate) at: Range<usize>,
}

/// What does not end. The number is the byte it begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unended {
    /// A quotation.
    Quote(usize),
    /// A backslash that nothing follows.
    Escape(usize),
}

/// Splits a text into words.
pub(crate) fn split(text: &str, rules: Rules) -> Result<Vec<Word>, Unended> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut letters = text.char_indices();
    while let Some((at, c)) = letters.next() {
        let end = at + c.len_utf8();
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' if rules.comments => {
                words.extend(word.take());
                letters.by_ref().find(|(_, c)| *c == '\n');
            }
            '\\' => {
                let (at, c) = letters.next().ok_or(Unended::Escape(at))?;
                let word = word.get_or_insert_with(|| Word { text: String::new(), at: end - 1..end });
                word.text.push(c);
                word.at.end = at + c.len_utf8();
            }
            '"' | '\'' => {
                let word = word.get_or_insert_with(|| Word { text: String::new(), at: at..end });
                word.at.end = quoted(&mut letters, c, &mut word.text).ok_or(Unended::Quote(at))?;
            }
            _ if rules.whole_words || is_word(c, rules) => {
                let word = word.get_or_insert_with(|| Word { text: String::new(), at: at..end });
                word.text.push(c);
                word.at.end = end;
            }
            _ => {
                words.extend(word.take());
                words.push(Word { text: c.to_string(), at: at..end });
            }
        }
    }
    words.extend(word);
    Ok(words)
}

/// Reads what follows a quote, up to the one that closes it, and answers where that ends. Within double quotes a
/// backslash takes away the meaning of a quote and of a backslash, and stays before anything else.
fn quoted(letters: &mut std::str::CharIndices<'_>, quote: char, into: &mut String) -> Option<usize> {
    while let Some((at, c)) = letters.next() {
        match c {
            _ if c == quote => return Some(at + 1),
            '\\' if quote == '"' => {
                let (_, next) = letters.next()?;
                if next != '"' && next != '\\' {
                    into.push('\\');
                }
                into.push(next);
            }
            _ => into.push(c),
        }
    }
    None
}

/// Letters of words: those of ASCII and of Latin-1, as `shlex` lists them.
fn is_word(c: char, rules: Rules) -> bool {
    let latin = ('\u{c0}'..='\u{ff}').contains(&c) && c != '×' && c != '÷';
    c.is_ascii_alphanumeric() || c == '_' || latin || rules.also.contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, rules: Rules) -> Vec<String> {
        split(text, rules).expect("words").into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn a_command_is_split_as_shlex_does() {
        assert_eq!(
            words(r#"a 'b c' "d \"e\" \f" g\ h '' # i"#, SPLIT),
            ["a", "b c", "d \"e\" \\f", "g h", "", "#", "i"]
        );
        assert_eq!(words("a'b'\"c\"\nd", SPLIT), ["abc", "d"]);
        assert_eq!(split("a 'b", SPLIT), Err(Unended::Quote(2)));
        assert_eq!(split("a \"b\\\"", SPLIT), Err(Unended::Quote(2)));
        assert_eq!(split("a \\", SPLIT), Err(Unended::Escape(2)));
    }

    #[test]
    fn other_letters_are_words_of_their_own() {
        let rules = Rules { whole_words: false, also: "", comments: true };
        assert_eq!(words("A=b-c d#e\nf", rules), ["A", "=", "b", "-", "c", "d", "f"]);
        assert_eq!(words("é=ж", rules), ["é", "=", "ж"]);
    }

    #[test]
    fn words_know_where_they_stand() {
        let at: Vec<_> = split(r#"a "b c"d \e"#, SPLIT).expect("words").into_iter().map(|w| w.at).collect();
        assert_eq!(at, [0..1, 2..8, 9..11]);
    }
}

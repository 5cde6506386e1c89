//! Substitutions in values, as Compose has them.
//!
//! `$NAME` and `${NAME}`; `${NAME:-word}` and `${NAME-word}` (when empty or unset, when unset), `:?` and `?` (an
//! error with a message), `:+` and `+` (when set). Words nest and braces in them balance. `$$` is a `$`, and a `$`
//! that no name follows stays. Nothing is ever run: `$(…)` is text.

use std::cell::RefCell;
use std::ops::Range;

/// How deep words may nest.
const DEEPEST: usize = 32;

/// Gives the value of a variable.
pub(crate) type Lookup<'l> = dyn Fn(&str) -> Option<String> + 'l;

/// What cannot be substituted. Ranges are bytes of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `${` that nothing closes.
    Unclosed(Range<usize>),
    /// `${…}` that begins with no name, or whose name is followed by something unknown.
    Malformed(Range<usize>),
    /// A variable that has to be set.
    Required {
        /// The substitution.
        at: Range<usize>,
        /// The variable.
        name: String,
        /// What the file says about it.
        message: String,
    },
    /// Words within words beyond [`DEEPEST`].
    TooDeep(Range<usize>),
    /// More text than the bound that was given.
    TooLong,
}

/// A text with its substitutions made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Substituted {
    pub(crate) text: String,
    /// Variables that were used without being set and without a word to stand in, each with its place.
    pub(crate) unset: Vec<(String, Range<usize>)>,
    /// Whether anything was replaced.
    pub(crate) any: bool,
}

/// Makes the substitutions in a text; the answer is at most `longest` bytes.
pub(crate) fn interpolate(text: &str, lookup: &Lookup<'_>, longest: usize) -> Result<Substituted, Fault> {
    let pass = Pass { lookup, longest, unset: RefCell::default() };
    let mut result = String::with_capacity(text.len());
    pass.expand(text, 0, 0, &mut result)?;
    let any = text.contains('$') && result != text;
    Ok(Substituted { text: result, unset: pass.unset.into_inner(), any })
}

struct Pass<'l> {
    lookup: &'l Lookup<'l>,
    longest: usize,
    unset: RefCell<Vec<(String, Range<usize>)>>,
}

impl Pass<'_> {
    /// Expands `text`, which stands at `base`, at the end of `into`.
    fn expand(&self, text: &str, base: usize, depth: usize, into: &mut String) -> Result<(), Fault> {
        let mut at = 0;
        while let Some(found) = text[at..].find('$') {
            let dollar = at + found;
            into.push_str(&text[at..dollar]);
            let rest = &text[dollar + 1..];
            let place = |end: usize| base + dollar..base + end;
            if rest.starts_with('$') {
                into.push('$');
                at = dollar + 2;
            } else if rest.starts_with('{') {
                let Some(length) = balanced(rest) else { return Err(Fault::Unclosed(place(text.len()))) };
                at = dollar + 1 + length;
                let inside = &rest[1..length - 1];
                self.braced(inside, place(at), depth, into)?;
            } else {
                let length = name_length(rest);
                at = dollar + 1 + length;
                match &rest[..length] {
                    "" => into.push('$'),
                    name => self.variable(name, place(at), into),
                }
            }
            self.bound(into)?;
        }
        into.push_str(&text[at..]);
        self.bound(into)
    }

    fn bound(&self, text: &str) -> Result<(), Fault> {
        if text.len() > self.longest { Err(Fault::TooLong) } else { Ok(()) }
    }

    fn variable(&self, name: &str, place: Range<usize>, into: &mut String) {
        match (self.lookup)(name) {
            Some(value) => into.push_str(&value),
            None => self.unset.borrow_mut().push((name.to_string(), place)),
        }
    }

    /// Expands what stands between the braces.
    fn braced(
        &self,
        inside: &str,
        place: Range<usize>,
        depth: usize,
        into: &mut String,
    ) -> Result<(), Fault> {
        let length = name_length(inside);
        let (name, rest) = inside.split_at(length);
        if name.is_empty() {
            return Err(Fault::Malformed(place));
        }
        if rest.is_empty() {
            self.variable(name, place, into);
            return Ok(());
        }
        let empty_counts = rest.starts_with(':');
        let operator = &rest[usize::from(empty_counts)..];
        let (Some(kind @ ('-' | '?' | '+')), word) =
            (operator.chars().next(), operator.get(1..).unwrap_or_default())
        else {
            return Err(Fault::Malformed(place));
        };
        if depth >= DEEPEST {
            return Err(Fault::TooDeep(place));
        }
        let base = place.end - 1 - word.len();
        let value = (self.lookup)(name).filter(|value| !empty_counts || !value.is_empty());
        match (kind, value) {
            ('+', Some(_)) | ('-', None) => self.expand(word, base, depth + 1, into),
            ('+', None) => Ok(()),
            ('?', None) => {
                let mut message = String::new();
                self.expand(word, base, depth + 1, &mut message)?;
                Err(Fault::Required { at: place, name: name.to_string(), message })
            }
            (_, Some(value)) => {
                into.push_str(&value);
                Ok(())
            }
            (_, None) => Err(Fault::Malformed(place)),
        }
    }
}

/// How many bytes a name at the begin of a text has: `[A-Za-z_][A-Za-z0-9_]*`.
fn name_length(text: &str) -> usize {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match text.bytes().next() {
        Some(first) if word(first) && !first.is_ascii_digit() => {
            text.bytes().take_while(|byte| word(*byte)).count()
        }
        _ => 0,
    }
}

/// How many bytes a text that begins with `{` has up to the brace that closes it, both included.
fn balanced(text: &str) -> Option<usize> {
    let mut open = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: usize = 100;

    fn lookup(name: &str) -> Option<String> {
        let value = match name {
            "FOO" => "first",
            "EMPTY" => "",
            "LONG" => "0123456789",
            _ => return None,
        };
        Some(value.to_string())
    }

    fn expand(text: &str) -> Result<String, Fault> {
        interpolate(text, &lookup, LONGEST).map(|done| done.text)
    }

    #[test]
    fn values_defaults_and_alternatives() {
        for (text, expected) in [
            ("$FOO-bar ${FOO}x", "first-bar firstx"),
            ("$$FOO $${FOO} $$$FOO", "$FOO ${FOO} $first"),
            ("a $ b $} $1 ^x$", "a $ b $} $1 ^x$"),
            ("${NONE:-d} ${NONE-d} ${EMPTY:-d} ${EMPTY-d}", "d d d "),
            ("${NONE:+a} ${NONE+a} ${EMPTY:+a} ${EMPTY+a} ${FOO:+a}", "   a a"),
            ("${FOO:?e} ${FOO?e} ${EMPTY?e}", "first first "),
            ("${NONE:-${EMPTY:-${FOO}}}", "first"),
            ("${NONE:-{\"json\":1}}", "{\"json\":1}"),
            ("${NONE-a:-b?c}", "a:-b?c"),
            ("${NONE:-}", ""),
            ("$(echo hi) `x`", "$(echo hi) `x`"),
        ] {
            assert_eq!(expand(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn unset_variables_are_named_unless_a_word_stands_in() {
        let unset = |text| interpolate(text, &lookup, LONGEST).map(|done| done.unset);
        assert_eq!(unset("a$X${Y}"), Ok(vec![("X".into(), 1..3), ("Y".into(), 3..7)]));
        assert_eq!(unset("${X:-${Y}}"), Ok(vec![("Y".into(), 5..9)]));
        assert_eq!(unset("${X:+${Y}}${FOO?${Y}}"), Ok(vec![]));
    }

    #[test]
    fn faults_know_their_place() {
        for text in ["${", "a${", "${FOO:-${"] {
            assert!(matches!(expand(text), Err(Fault::Unclosed(_))), "{text}");
        }
        for text in ["${}", "${ }", "${ FOO}", "${FOO }", "${FOO!}", "${FOO:}", "${FOO/a/b}", "${1}"] {
            assert_eq!(expand(text), Err(Fault::Malformed(0..text.len())), "{text}");
        }
        let required = Fault::Required { at: 1..17, name: "X".into(), message: "set first".into() };
        assert_eq!(expand("a${X:?set ${FOO}}b"), Err(required));
    }

    #[test]
    fn length_and_depth_are_bounded() {
        assert_eq!(expand(&"$LONG".repeat(11)), Err(Fault::TooLong));
        let deep = "${X:-".repeat(2000) + &"}".repeat(2000);
        assert!(matches!(expand(&deep), Err(Fault::TooDeep(_))));
    }
}

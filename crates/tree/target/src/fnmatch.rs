//! Python's `fnmatch`: `*` any text (slashes too), `?` one character, `[a-z]` and `[!a-z]` sets.

/// A pattern, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Any,
    One,
    Literal(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

/// Whether the text holds a character that means something in a pattern.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

impl Pattern {
    /// Takes a pattern apart. Every text is a pattern: a bracket that is not closed stands for itself.
    pub fn new(pattern: &str) -> Self {
        let letters: Vec<char> = pattern.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(&letter) = letters.get(at) {
            at += 1;
            match letter {
                '*' if parts.last() == Some(&Part::Any) => {}
                '*' => parts.push(Part::Any),
                '?' => parts.push(Part::One),
                '[' => match set(&letters, at) {
                    Some((part, after)) => {
                        parts.push(part);
                        at = after;
                    }
                    None => parts.push(Part::Literal('[')),
                },
                letter => parts.push(Part::Literal(letter)),
            }
        }
        Self { parts }
    }

    /// Whether a text fits a pattern that is asked this once. Plain text is compared, nothing else.
    pub fn fits(pattern: &str, text: &str) -> bool {
        if is_pattern(pattern) { Self::new(pattern).matches(text) } else { pattern == text }
    }

    /// Whether the whole text fits. Linear in the product of both lengths at worst.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.parts.get(part) {
                Some(Part::Any) => {
                    retry = Some((part, at));
                    part += 1;
                }
                Some(one) if one.fits(text[at]) => {
                    part += 1;
                    at += 1;
                }
                _ => match retry {
                    Some((star, from)) => {
                        part = star + 1;
                        at = from + 1;
                        retry = Some((star, at));
                    }
                    None => return false,
                },
            }
        }
        self.parts.get(part..).is_some_and(|rest| rest.iter().all(|part| *part == Part::Any))
    }
}

impl Part {
    fn fits(&self, letter: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Literal(literal) => *literal == letter,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter)) != *negated
            }
        }
    }
}

/// A set that begins after `[` at `start`, and the place after its `]`.
fn set(letters: &[char], start: usize) -> Option<(Part, usize)> {
    let negated = letters.get(start) == Some(&'!');
    let first = start + usize::from(negated);
    // A bracket right at the start belongs to the set.
    let end = (first + 1..letters.len()).find(|&at| letters[at] == ']')?;
    let inside = &letters[first..end];
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < inside.len() {
        if at + 2 < inside.len() && inside[at + 1] == '-' {
            ranges.push((inside[at], inside[at + 2]));
            at += 3;
        } else {
            ranges.push((inside[at], inside[at]));
            at += 1;
        }
    }
    Some((Part::Set { negated, ranges }, end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Pattern;

    #[test]
    fn fits_as_python_fits() {
        let cases = [
            ("*", "", true),
            ("web*", "web1", true),
            ("web?", "web", false),
            ("w*b*1", "wxbyb1", true),
            ("[ab]x", "bx", true),
            ("[!ab]x", "bx", false),
            ("[a-c]", "b", true),
            ("[]]", "]", true),
            ("[", "[", true),
            ("a/*", "a/b/c", true),
            ("A", "a", false),
            ("[a-]", "-", true),
            ("web.*", "web", false),
            ("**a*", "bba", true),
            ("a?c", "ac", false),
            ("[!]]x", "]x", false),
            ("[x", "[x", true),
            ("a[b", "ab", false),
            ("[^a]", "^", true),
            ("a*b*c", "a--b-b--c", true),
            ("a*b*c", "a--b-b--", false),
            ("ä?", "äö", true),
            ("?é*", "aé", true),
            ("", "x", false),
        ];
        for (pattern, text, fits) in cases {
            assert_eq!(Pattern::new(pattern).matches(text), fits, "{pattern} {text}");
            assert_eq!(Pattern::fits(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_stay_cheap() {
        assert!(!Pattern::new(&"a*".repeat(200)).matches(&"a".repeat(150)));
    }

    proptest! {
        #[test]
        fn text_without_signs_fits_itself(text in "[a-z0-9./]{0,20}") {
            prop_assert!(Pattern::new(&text).matches(&text));
        }

        #[test]
        fn anything_goes_in(pattern in ".{0,30}", text in ".{0,30}") {
            Pattern::new(&pattern).matches(&text);
        }

        #[test]
        fn a_star_for_any_part_fits(before in "[a-z]{0,5}", cut in "[a-z]{0,5}", after in "[a-z]{0,5}") {
            let pattern = format!("{before}*{after}");
            let text = format!("{before}{cut}{after}");
            prop_assert!(Pattern::new(&pattern).matches(&text));
        }
    }
}

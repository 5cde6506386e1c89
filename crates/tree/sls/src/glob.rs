//! Shell-style patterns as Python's `fnmatch` reads them: `*`, `?`, `[seq]`, `[!seq]`.

/// A pattern, read once and matched often.
#[derive(Clone, Debug)]
pub struct Glob {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Char(char),
    AnyChar,
    AnyText,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// Whether the text holds a character that means something in a pattern.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

impl Glob {
    /// Reads a pattern. Every text is one: a `[` that is never closed stands for itself.
    pub fn new(pattern: &str) -> Self {
        let chars: Vec<char> = pattern.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(&here) = chars.get(at) {
            at += 1;
            parts.push(match here {
                '*' if matches!(parts.last(), Some(Part::AnyText)) => continue,
                '*' => Part::AnyText,
                '?' => Part::AnyChar,
                '[' => match class(&chars, at) {
                    Some((part, after)) => {
                        at = after;
                        part
                    }
                    None => Part::Char('['),
                },
                other => Part::Char(other),
            });
        }
        Self { parts }
    }

    /// Whether the whole text fits.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.parts.get(part) {
                Some(Part::AnyText) => {
                    part += 1;
                    retry = Some((part, at));
                    continue;
                }
                Some(here) if here.accepts(text[at]) => {
                    part += 1;
                    at += 1;
                    continue;
                }
                _ => {}
            }
            let Some((star, from)) = retry else { return false };
            (part, at) = (star, from + 1);
            retry = Some((star, from + 1));
        }
        self.parts.get(part..).is_some_and(|rest| rest.iter().all(|part| matches!(part, Part::AnyText)))
    }
}

impl Part {
    fn accepts(&self, char: char) -> bool {
        match self {
            Self::Char(own) => *own == char,
            Self::AnyChar => true,
            Self::AnyText => false,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&char)) != *negated
            }
        }
    }
}

/// The class whose content starts at `start`, and the place after its `]`.
fn class(chars: &[char], start: usize) -> Option<(Part, usize)> {
    let negated = chars.get(start) == Some(&'!');
    let first = start + usize::from(negated);
    let search = first + usize::from(chars.get(first) == Some(&']'));
    let end = search + chars.get(search..)?.iter().position(|char| *char == ']')?;
    let content = chars.get(first..end)?;
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(&low) = content.get(at) {
        match (content.get(at + 1), content.get(at + 2)) {
            (Some('-'), Some(&high)) => {
                ranges.push((low, high));
                at += 3;
            }
            _ => {
                ranges.push((low, low));
                at += 1;
            }
        }
    }
    Some((Part::Class { negated, ranges }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_fnmatch_does() {
        let cases = [
            ("web.*", "web.nginx", true),
            ("web.*", "web", false),
            ("*", "", true),
            ("**a*", "bba", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]x", "]x", true),
            ("[!]]x", "]x", false),
            ("[x", "[x", true),
            ("[^a]", "^", true),
            ("[a-]", "-", true),
            ("/etc/*.conf", "/etc/a/b.conf", true),
            ("a*b*c", "a--b-b--c", true),
            ("a*b*c", "a--b-b--", false),
            ("ä?", "äö", true),
        ];
        for (pattern, text, fits) in cases {
            assert_eq!(Glob::new(pattern).matches(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_stay_cheap() {
        assert!(!Glob::new(&"a*".repeat(200)).matches(&"a".repeat(150)));
    }
}

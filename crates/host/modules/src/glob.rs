//! Shell patterns as Python's `fnmatch.fnmatchcase` reads them.

/// Whether the whole text fits the pattern: `*` any run of characters, `?` one, `[abc]`, `[a-z]`, `[!a]` one of
/// a set. Nothing is escaped; a `[` that never closes stands for itself.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?', '[']) {
        return pattern == text;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut from) = (0, 0);
    // Where to go on when what follows the last star does not fit: one character further.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(at) {
            Some('*') => {
                retry = Some((at + 1, from));
                at += 1;
                continue;
            }
            None if from == text.len() => return true,
            None => None,
            Some(_) => text.get(from).and_then(|character| one(&pattern[at..], *character)),
        };
        match (step, retry) {
            (Some(width), _) => (at, from) = (at + width, from + 1),
            (None, Some((after, start))) if start < text.len() => {
                retry = Some((after, start + 1));
                (at, from) = (after, start + 1);
            }
            (None, _) => return false,
        }
    }
}

/// How many pattern characters match this one character; `None` when they do not.
fn one(pattern: &[char], character: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => match set_end(pattern) {
            Some(end) => in_set(pattern.get(1..end)?, character).then_some(end + 1),
            None => (character == '[').then_some(1),
        },
        plain => (*plain == character).then_some(1),
    }
}

/// Where the set that starts here closes; a `]` right after the start belongs to the set.
fn set_end(pattern: &[char]) -> Option<usize> {
    let first = if pattern.get(1) == Some(&'!') { 2 } else { 1 };
    let after = first + 1;
    pattern.get(after..)?.iter().position(|character| *character == ']').map(|offset| after + offset)
}

fn in_set(set: &[char], character: char) -> bool {
    let (negated, set) = match set {
        ['!', rest @ ..] => (true, rest),
        set => (false, set),
    };
    let mut rest = set;
    let mut found = false;
    loop {
        match rest {
            [low, '-', high, tail @ ..] => {
                found |= (*low..=*high).contains(&character);
                rest = tail;
            }
            [only, tail @ ..] => {
                found |= *only == character;
                rest = tail;
            }
            [] => return found != negated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_fit_as_in_python() {
        for (pattern, text) in [
            ("Debian", "Debian"),
            ("Debian*", "Debian-12"),
            ("*", ""),
            ("a*b*c", "aXbYbZc"),
            ("web[0-9]", "web7"),
            ("web[!0-9]", "webx"),
            ("[]x]", "]"),
            ("a[b", "a[b"),
            ("?é*", "aé"),
            ("[a-]", "-"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("debian", "Debian"),
            ("a*b", "aXc"),
            ("?", ""),
            ("web[0-9]", "webx"),
            ("web[!0-9]", "web3"),
            ("", "x"),
            ("a[b", "ab"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_stay_cheap() {
        assert!(!matches(&"a*".repeat(30), &("a".repeat(29) + &"b".repeat(2000))));
    }
}

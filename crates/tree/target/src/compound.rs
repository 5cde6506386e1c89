//! Compound expressions: `G@os:Debian and ( web* or not L@a,b )`.
//!
//! Precedence is Python's, since Salt evaluates the words as Python: `not` before `and` before `or`.

use crate::parse::{Kind, Node, Nodegroups};
use crate::{Subject, TargetError};

/// Deeper nesting is refused.
const DEEPEST: usize = 64;

/// Logic over matchers.
#[derive(Clone, Debug)]
pub(crate) enum Logic {
    One(Box<Node>),
    Not(Box<Logic>),
    All(Vec<Logic>),
    Any(Vec<Logic>),
}

impl Logic {
    pub(crate) fn matches(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::One(node) => node.matches(subject),
            Self::Not(logic) => !logic.matches(subject),
            Self::All(parts) => parts.iter().all(|part| part.matches(subject)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(subject)),
        }
    }
}

/// Understands an expression.
pub(crate) fn parse(
    expression: &str,
    nodegroups: &Nodegroups,
    path: &mut Vec<String>,
) -> Result<Logic, TargetError> {
    let mut parser = Parser { expression, words: words(expression), at: 0, nodegroups, path, depth: 0 };
    let logic = parser.any()?;
    match parser.peek() {
        None => Ok(logic),
        Some(_) => Err(parser.wrong("a word that joins nothing")),
    }
}

/// The matcher of a nodegroup.
pub(crate) fn nodegroup(
    name: &str,
    nodegroups: &Nodegroups,
    path: &mut Vec<String>,
) -> Result<Node, TargetError> {
    if path.iter().any(|there| there == name) {
        let mut names = path.clone();
        names.push(name.into());
        return Err(TargetError::NodegroupLoop { names });
    }
    let expression =
        nodegroups.get(name).ok_or_else(|| TargetError::UnknownNodegroup { name: name.into() })?;
    path.push(name.into());
    let logic = parse(expression, nodegroups, path);
    path.pop();
    logic.map(Node::Logic)
}

/// Words with their columns. Parentheses are words of their own only where they stand free or at a word's
/// edge and are not part of a regular expression (`E@(a|b)`), as Salt splits them.
fn words(expression: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    for (start, word) in split_words(expression) {
        let column = expression.get(..start).unwrap_or_default().chars().count() + 1;
        let mut inside = word;
        let mut opened = 0;
        while let Some(rest) = inside.strip_prefix('(') {
            words.push((column + opened, "("));
            inside = rest;
            opened += 1;
        }
        let balanced = |text: &str| text.matches('(').count() >= text.matches(')').count();
        let mut closed = 0;
        while !balanced(inside) {
            let Some(rest) = inside.strip_suffix(')') else { break };
            inside = rest;
            closed += 1;
        }
        if !inside.is_empty() {
            words.push((column + opened, inside));
        }
        let end = column + opened + inside.chars().count();
        words.extend((0..closed).map(|number| (end + number, ")")));
    }
    words
}

fn split_words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split(char::is_whitespace).filter_map(move |word| {
        let at = start;
        start += word.len() + text.get(at + word.len()..)?.chars().next().map_or(0, char::len_utf8);
        (!word.is_empty()).then_some((at, word))
    })
}

struct Parser<'a> {
    expression: &'a str,
    words: Vec<(usize, &'a str)>,
    at: usize,
    nodegroups: &'a Nodegroups,
    path: &'a mut Vec<String>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).map(|(_, word)| *word)
    }

    fn take(&mut self, word: &str) -> bool {
        let there = self.peek() == Some(word);
        self.at += usize::from(there);
        there
    }

    fn any(&mut self) -> Result<Logic, TargetError> {
        self.joined("or", Self::all, Logic::Any)
    }

    fn all(&mut self) -> Result<Logic, TargetError> {
        self.joined("and", Self::not, Logic::All)
    }

    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Logic, TargetError>,
        join: fn(Vec<Logic>) -> Logic,
    ) -> Result<Logic, TargetError> {
        let first = part(self)?;
        if self.peek() != Some(word) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(word) {
            parts.push(part(self)?);
        }
        Ok(join(parts))
    }

    fn not(&mut self) -> Result<Logic, TargetError> {
        let mut negated = false;
        while self.take("not") {
            negated = !negated;
        }
        let logic = self.one()?;
        Ok(if negated { Logic::Not(Box::new(logic)) } else { logic })
    }

    fn one(&mut self) -> Result<Logic, TargetError> {
        if self.take("(") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(TargetError::TooDeep { limit: DEEPEST });
            }
            let logic = self.any()?;
            self.depth -= 1;
            return if self.take(")") {
                Ok(logic)
            } else {
                Err(self.wrong("a parenthesis that is not closed"))
            };
        }
        match self.peek() {
            None => Err(self.wrong("a matcher is missing")),
            Some("and" | "or" | ")") => Err(self.wrong("a matcher is missing")),
            Some(word) => {
                let column = self.column();
                self.at += 1;
                self.matcher(word, column).map(|node| Logic::One(Box::new(node)))
            }
        }
    }

    /// `G@os:Debian`, with a delimiter of its own between letter and `@` (`G|@os|Debian`), or a glob.
    fn matcher(&mut self, word: &str, column: usize) -> Result<Node, TargetError> {
        let Some((head, expression)) = word.split_once('@') else {
            return Node::parse(Kind::Glob, word, ":", self.nodegroups, self.path);
        };
        let mut letters = head.chars();
        let kind = match letters.next() {
            Some('G') => Kind::Grain,
            Some('P') => Kind::GrainPcre,
            Some('I') => Kind::Pillar,
            Some('J') => Kind::PillarPcre,
            Some('L') => Kind::List,
            Some('S') => Kind::Ipcidr,
            Some('E') => Kind::Pcre,
            Some('N') => Kind::Nodegroup,
            _ => return Err(TargetError::UnknownLetter { letter: head.into(), column }),
        };
        let delimiter = letters.as_str();
        let delimiter = if delimiter.is_empty() { ":" } else { delimiter };
        Node::parse(kind, expression, delimiter, self.nodegroups, self.path)
    }

    fn column(&self) -> usize {
        let past_the_end = self.expression.chars().count() + 1;
        self.words.get(self.at).map_or(past_the_end, |(column, _)| *column)
    }

    fn wrong(&self, what: &'static str) -> TargetError {
        TargetError::Syntax { what, column: self.column(), expression: self.expression.into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use value::Value;

    use super::*;
    use crate::Target;

    fn groups() -> Nodegroups {
        let pairs = [("web", "web* or N@db"), ("db", "E@db\\d+"), ("a", "N@b"), ("b", "N@a")];
        pairs.map(|(name, expression)| (name.to_string(), expression.to_string())).into()
    }

    fn matches(expression: &str) -> Result<bool, TargetError> {
        let grains: Value = value::json::from_text(r#"{"os": "Debian", "ipv4": ["10.0.0.5"]}"#).unwrap();
        let pillar: Value = value::json::from_text(r#"{"role": "web", "x": {"y": "z"}}"#).unwrap();
        let subject = Subject { id: "web1", grains: &grains, pillar: &pillar };
        Target::parse(Kind::Compound, expression, &groups()).map(|target| target.matches(&subject))
    }

    #[test]
    fn logic() {
        let cases = [
            ("web*", true),
            ("G@os:Debian and web1", true),
            ("not web1", false),
            ("not not web1", true),
            ("db1 or web1 and G@os:Debian", true),
            ("( db1 or web1 ) and not G@os:Debian", false),
            ("(db1 or web1) and G@os:Deb*", true),
            ("E@(web|db)\\d and S@10.0.0.0/24", true),
            ("I@role:web and J@x:y:[a-z] and L@a,web1", true),
            ("P@os:(Debian|Ubuntu)", true),
            ("N@web and not N@db", true),
            ("I|@x|y|z", true),
        ];
        for (expression, expected) in cases {
            assert_eq!(matches(expression), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn mistakes_have_a_column() {
        for (expression, column) in
            [("web1 and", 9), ("and web1", 1), ("web1 web2", 6), ("( web1", 7), ("web1 )", 6), ("Q@x", 1)]
        {
            match matches(expression).unwrap_err() {
                TargetError::Syntax { column: at, .. } | TargetError::UnknownLetter { column: at, .. } => {
                    assert_eq!(at, column, "{expression}");
                }
                other => panic!("{expression}: {other}"),
            }
        }
        assert!(matches!(matches("N@a"), Err(TargetError::NodegroupLoop { .. })));
        assert!(matches!(matches("N@none"), Err(TargetError::UnknownNodegroup { .. })));
        assert!(matches!(matches(&"( ".repeat(100)), Err(TargetError::TooDeep { .. })));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(expression in "(\\(| |\\)|and|or|not|[GEPIJLSN]@|:|\\*|a|1|é){0,20}") {
            let _ = matches(&expression);
        }

        #[test]
        fn double_negation_is_nothing(word in "[a-z*]{1,5}") {
            prop_assume!(!["and", "or", "not"].contains(&word.as_str()));
            prop_assert_eq!(matches(&word), matches(&format!("not not {word}")));
        }

        #[test]
        fn de_morgan(a in "(web1|db1|G@os:Debian)", b in "(web1|db1|G@os:Debian)") {
            let left = matches(&format!("not ( {a} and {b} )"));
            let right = matches(&format!("not {a} or not {b}"));
            prop_assert_eq!(left, right);
        }
    }
}

//! Expressions that mean nothing.

use report::Problem;

/// Why an expression cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No kind of that name.
    #[error("there is no matcher `{name}`")]
    UnknownKind {
        /// The name.
        name: String,
    },
    /// A letter before `@` that stands for no matcher.
    #[error("`{letter}@` at column {column} stands for no matcher")]
    UnknownLetter {
        /// The letter.
        letter: String,
        /// Its column in the expression, from 1.
        column: usize,
    },
    /// Words in an order that makes no sense.
    #[error("{what} at column {column} of `{expression}`")]
    Syntax {
        /// What is wrong.
        what: &'static str,
        /// Where, in characters from 1.
        column: usize,
        /// The expression.
        expression: String,
    },
    /// A regular expression that is none.
    #[error("`{expression}` is no regular expression: {why}")]
    Regex {
        /// The expression.
        expression: String,
        /// Why.
        why: String,
    },
    /// An address that is none.
    #[error("`{text}` is no address or network")]
    Network {
        /// The text.
        text: String,
    },
    /// A nodegroup that is not defined.
    #[error("there is no nodegroup `{name}`")]
    UnknownNodegroup {
        /// Its name.
        name: String,
    },
    /// Nodegroups that name each other in a circle.
    #[error("nodegroups lead round in a circle: {}", .names.join(" -> "))]
    NodegroupLoop {
        /// The circle.
        names: Vec<String>,
    },
    /// Parentheses deeper than anybody writes.
    #[error("the expression is nested deeper than {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
}

impl From<TargetError> for Problem {
    fn from(error: TargetError) -> Self {
        let problem = Self::error("target.expression", error.to_string());
        match error {
            TargetError::UnknownKind { name } => {
                let names = crate::Kind::NAMES.map(|(name, _)| name);
                problem.did_you_mean(&name, names).or_hint(format!("there are {}", names.join(", ")))
            }
            TargetError::UnknownLetter { .. } => {
                problem.hint("letters are G P I J L S E R N; a plain word is a glob on the id")
            }
            TargetError::Syntax { .. } => {
                problem.hint("join matchers with `and`, `or`, `not` and parentheses")
            }
            TargetError::Regex { .. } => problem.hint(
                "write a regular expression; a glob such as `web*` needs another matcher: `glob`, `grain`",
            ),
            TargetError::Network { .. } => problem.hint("write 192.0.2.0/24 or 2001:db8::/32"),
            TargetError::UnknownNodegroup { name } => problem.hint(format!(
                "define it in the configuration: `nodegroups: {{{name}: 'web* and G@os:Debian'}}`"
            )),
            TargetError::NodegroupLoop { .. } => problem.hint("take one of those names out of the others"),
            TargetError::TooDeep { .. } => problem.hint("give parts of it names as nodegroups"),
        }
    }
}

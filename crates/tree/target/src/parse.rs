//! Targets: what was meant by an expression.

use std::collections::BTreeMap;

use fancy_regex::Regex;

use crate::compound::{self, Logic};
use crate::grain::{Search, Wanted};
use crate::network::Network;
use crate::{Pattern, Subject, TargetError};

/// Named compound expressions.
pub type Nodegroups = BTreeMap<String, String>;

/// The kinds of expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A glob on the id.
    #[default]
    Glob,
    /// A regular expression on the id.
    Pcre,
    /// A list of ids, joined by commas.
    List,
    /// A grain with a glob.
    Grain,
    /// A grain with a regular expression.
    GrainPcre,
    /// A pillar value with a glob.
    Pillar,
    /// A pillar value with a regular expression.
    PillarPcre,
    /// A pillar value as it is.
    PillarExact,
    /// An address or network.
    Ipcidr,
    /// Logic over all of these.
    Compound,
    /// A named compound expression.
    Nodegroup,
}

impl Kind {
    /// The kinds by the names that top files and command lines use.
    pub const NAMES: [(&'static str, Self); 14] = [
        ("glob", Self::Glob),
        ("pcre", Self::Pcre),
        ("list", Self::List),
        ("grain", Self::Grain),
        ("grains", Self::Grain),
        ("grain_pcre", Self::GrainPcre),
        ("grains_pcre", Self::GrainPcre),
        ("pillar", Self::Pillar),
        ("pillar_pcre", Self::PillarPcre),
        ("pillar_exact", Self::PillarExact),
        ("ipcidr", Self::Ipcidr),
        ("compound", Self::Compound),
        ("compound_match", Self::Compound),
        ("nodegroup", Self::Nodegroup),
    ];

    /// The kind of that name.
    pub fn from_name(name: &str) -> Result<Self, TargetError> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, kind)| *kind).ok_or_else(|| TargetError::UnknownKind { name: name.into() })
    }
}

/// An expression that has been understood.
#[derive(Clone, Debug)]
pub struct Target(Node);

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Glob(Pattern),
    Pcre(Box<Regex>),
    List(Vec<String>),
    Grain(Search),
    Pillar(Search),
    Network(Network),
    Logic(Logic),
}

impl Target {
    /// Understands an expression of a kind.
    pub fn parse(kind: Kind, expression: &str, nodegroups: &Nodegroups) -> Result<Self, TargetError> {
        Node::parse(kind, expression, ":", nodegroups, &mut Vec::new()).map(Self)
    }

    /// Whether a minion is meant.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.0.matches(subject)
    }
}

impl Node {
    /// Understands one matcher. `path` holds the nodegroups that led here.
    pub(crate) fn parse(
        kind: Kind,
        expression: &str,
        delimiter: &str,
        nodegroups: &Nodegroups,
        path: &mut Vec<String>,
    ) -> Result<Self, TargetError> {
        let grain = |wanted| Self::Grain(Search::new(expression, delimiter, wanted));
        let pillar = |wanted| Self::Pillar(Search::new(expression, delimiter, wanted));
        Ok(match kind {
            Kind::Glob => Self::Glob(Pattern::new(expression)),
            Kind::Pcre => Self::Pcre(Box::new(regex(expression)?)),
            Kind::List => Self::List(expression.split(',').map(|id| id.trim().to_string()).collect()),
            Kind::Grain => grain(Wanted::Glob),
            Kind::GrainPcre => {
                check_regex(expression, delimiter)?;
                grain(Wanted::Regex)
            }
            Kind::Pillar => pillar(Wanted::Glob),
            Kind::PillarPcre => {
                check_regex(expression, delimiter)?;
                pillar(Wanted::Regex)
            }
            Kind::PillarExact => pillar(Wanted::Exact),
            Kind::Ipcidr => Self::Network(Network::parse(expression)?),
            Kind::Compound => Self::Logic(compound::parse(expression, nodegroups, path)?),
            Kind::Nodegroup => compound::nodegroup(expression, nodegroups, path)?,
        })
    }

    pub(crate) fn matches(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Glob(pattern) => pattern.matches(subject.id),
            Self::Pcre(regex) => regex.is_match(subject.id).unwrap_or(false),
            Self::List(ids) => ids.iter().any(|id| id == subject.id),
            Self::Grain(search) => search.holds(subject.grains),
            Self::Pillar(search) => search.holds(subject.pillar),
            Self::Network(network) => network.holds(subject.grains),
            Self::Logic(logic) => logic.matches(subject),
        }
    }
}

/// Python's `re.match`: from the start, not necessarily to the end.
fn regex(expression: &str) -> Result<Regex, TargetError> {
    Regex::new(&format!("^(?:{expression})"))
        .map_err(|error| TargetError::Regex { expression: expression.into(), why: error.to_string() })
}

/// The part after the first delimiter has to be a regular expression.
fn check_regex(expression: &str, delimiter: &str) -> Result<(), TargetError> {
    let pattern = expression.rsplit(delimiter).next().unwrap_or_default();
    regex(pattern).map(|_| ())
}

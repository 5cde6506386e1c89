//! Which minions are meant.
//!
//! A [`Target`] is parsed once from an expression and asked for each minion, which it sees as a [`Subject`]: id,
//! grains and pillar. All of it is pure; the rules are Salt's as observed.
//!
//! | kind | expression | meant are minions |
//! |---|---|---|
//! | glob | `web*` | whose id fits (Python's `fnmatch`) |
//! | pcre | `web\d+` | whose id begins with what the expression describes |
//! | list | `a,b` | whose id is in the list |
//! | grain | `os:Deb*` | with such a grain; `grain_pcre` takes a regular expression |
//! | pillar | `role:web` | with such a pillar value; `pillar_pcre`, `pillar_exact` |
//! | ipcidr | `10.0.0.0/8` | with such an address |
//! | compound | `G@os:Debian and not web*` | for whom the logic holds |
//! | nodegroup | `web` | whom the named compound expression means |
//!
//! No input makes it panic or run for ever: nesting is bounded, nodegroups that name each other are found.

mod compound;
mod error;
mod fnmatch;
mod grain;
mod network;
mod parse;

pub use error::TargetError;
pub use fnmatch::{Pattern, is_pattern};
pub use parse::{Kind, Nodegroups, Target};

use value::Value;

/// A minion as matchers see it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its grains, a mapping.
    pub grains: &'a Value,
    /// Its pillar, a mapping.
    pub pillar: &'a Value,
}

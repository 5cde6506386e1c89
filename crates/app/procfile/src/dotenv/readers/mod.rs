//! How other programs read a variable of an env file.
//!
//! Each reader is a model of one program: given the lines of one statement it says which value the program takes
//! for the name, or what else it does. The models are compared with Pinch's own reading to warn where a file means
//! different things to different programs, and they choose how a value is best written. They were checked against
//! the programs themselves: foreman 0.90 (its source), honcho 2.0, node-foreman 3.0 (its source), bash 5,
//! python-dotenv 1.2, node 20 (`--env-file`).

mod bash;
mod foreman;
mod honcho;
mod node;
mod node_foreman;
mod python_dotenv;

pub(super) use foreman::value as foreman_value;

use super::interpolate::Lookup;

/// The longest value that is followed; Pinch itself takes less.
const LONGEST: usize = 1 << 18;

/// What a program makes of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It does not see the variable.
    Absent,
    /// It takes this value.
    Value(String),
    /// It gives up on the file.
    Fails,
    /// It runs this word as a command.
    Runs(String),
    /// It does something else that depends on more than the file.
    Otherwise,
}

impl Reading {
    fn value(text: impl Into<String>) -> Self {
        Self::Value(text.into())
    }
}

/// A program that reads env files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Reads the lines of one statement (ended by LF, no end at the last) for the variable of that name.
    pub(crate) read: fn(lines: &str, name: &str, lookup: &Lookup<'_>) -> Reading,
}

/// All programs that are compared, Compose apart, which Pinch reads as.
pub(crate) const READERS: [Reader; 6] = [
    Reader { name: "foreman", read: |lines, name, _| foreman::read(lines, name) },
    Reader { name: "honcho", read: |lines, name, _| honcho::read(lines, name) },
    Reader { name: "node-foreman", read: |lines, name, _| node_foreman::read(lines, name) },
    Reader { name: "bash", read: bash::read },
    Reader { name: "python-dotenv", read: python_dotenv::read },
    Reader { name: "node", read: |lines, name, _| node::read(lines, name) },
];

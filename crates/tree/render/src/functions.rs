//! How templates reach execution modules.

use value::{Map, Value};

/// The execution functions that templates call: `salt['pillar.get']('a:b')`, `salt.grains.get('os')`.
///
/// Calls made while a template renders are probes: an implementation must not let them change a machine
/// under a plan.
pub trait Functions: Send + Sync {
    /// Calls `module.function`. `args` are the positional arguments, `kwargs` the named ones (keys are text).
    fn call(&self, name: &str, args: Vec<Value>, kwargs: Map) -> Result<Value, FunctionError>;

    /// Whether there is a function of that name (`'pkg.version' in salt`).
    fn has(&self, name: &str) -> bool;

    /// Whether the call changes its first argument in place, as Salt's `defaults.merge` does: whoever calls from
    /// a language with shared values then puts the answer's content into the value it passed first.
    fn changes_first_argument(&self, _name: &str, _kwargs: &Map) -> bool {
        false
    }

    /// The names of all functions, in any order: for "did you mean".
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FunctionError {
    /// There is no such function.
    #[error("no execution function `{name}`")]
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// The arguments do not fit.
    #[error("{message}")]
    Arguments {
        /// What does not fit.
        message: String,
        /// What to do about it, one line each.
        hints: Vec<String>,
    },
    /// The function ran and failed.
    #[error("{message}")]
    Failed {
        /// What went wrong.
        message: String,
        /// What to do about it, one line each.
        hints: Vec<String>,
    },
}

/// No functions at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFunctions;

impl Functions for NoFunctions {
    fn call(&self, name: &str, _args: Vec<Value>, _kwargs: Map) -> Result<Value, FunctionError> {
        Err(FunctionError::Unknown { name: name.into() })
    }

    fn has(&self, _name: &str) -> bool {
        false
    }
}

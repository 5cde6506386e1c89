//! What Salt adds to Jinja: filters, tests and functions.

mod serialize;

use jinja::Environment;

/// Adds all of them.
pub(crate) fn register(environment: &mut Environment) {
    serialize::register(environment);
}

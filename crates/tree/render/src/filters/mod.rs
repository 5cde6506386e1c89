//! What Salt adds to Jinja: filters, tests and functions.

mod lists;
mod serialize;
mod text;

use jinja::Environment;

/// Adds all of them.
pub(crate) fn register(environment: &mut Environment) {
    serialize::register(environment);
    lists::register(environment);
    text::register(environment);
}

//! `ssh_auth`: the keys with which people may log in as a user.
//!
//! It manages lines of the user's `authorized_keys` and leaves all other lines, comments included, as they
//! are. The file and its folder are the user's alone (0600, 0700) when they are made here.

mod keys;
mod state;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "ssh_auth",
    documentation: "The keys with which people may log in as a user.",
    states: &[
        state!("present", state::present, state::Present),
        state!("absent", state::absent, state::Absent),
        state!("manage", state::manage, state::Manage),
    ],
    functions: &[],
};

//! `user`: accounts of people and services.
//!
//! # How it works
//! All users and groups are read as one value ([`accounts`]): the files in `/etc`, with facts that the run has
//! declared on top. A state works out how they are to be afterwards; each command carries the difference as its
//! effects, for the user and for every group it touches ([`manager`]). Numbers of new accounts are chosen here, by
//! the rules of `login.defs` ([`numbers`]), and handed to `useradd`: so a plan knows them. Home directories are made
//! through the host's files, so a plan lists them and later states can put files there.
//!
//! # What it never does
//! Show a password: its hash goes to `chpasswd` on standard input, and stands in results as `XXX-REDACTED-XXX`.
//! Remove a home directory that is not the user's own.

mod absent;
pub(crate) mod accounts;
mod alter;
mod database;
mod exec;
mod home;
pub(crate) mod manager;
pub(crate) mod numbers;
pub(crate) mod present;
pub(crate) mod text;

use value::{Map, Value};

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "user",
    documentation: "Accounts of people and services.",
    states: &[
        state!("present", present::present, present::Present),
        state!("absent", absent::absent, absent::Absent),
    ],
    functions: &[
        execution!("info", exec::info, exec::Name),
        execution!("list_users", exec::list_users, exec::Nothing),
        execution!("list_groups", exec::list_groups, exec::Name),
        execution!("primary_group", exec::primary_group, exec::Name),
        execution!("getent", exec::getent, exec::Nothing),
        execution!("add", exec::add, present::Present),
        execution!("delete", exec::delete, exec::Delete),
        execution!("chshell", exec::chshell, exec::Set),
        execution!("chhome", exec::chhome, exec::Set),
        execution!("chfullname", exec::chfullname, exec::Set),
        execution!("chgroups", exec::chgroups, exec::SetGroups),
    ],
};

/// What Salt's `user.info` answers about a user.
fn information(accounts: &accounts::Accounts, name: &str) -> Option<Map> {
    let user = accounts.users.get(name)?;
    let mut map: Map = [
        ("name", Value::from(name)),
        ("uid", user.uid.into()),
        ("gid", user.gid.into()),
        ("groups", accounts.groups_of(name).into()),
        ("home", user.home.as_str().into()),
        ("passwd", "x".into()),
        ("shell", user.shell.as_str().into()),
    ]
    .into_iter()
    .collect();
    for (key, part) in present::gecos_of(user) {
        map.insert(key, part);
    }
    Some(map)
}

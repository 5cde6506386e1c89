//! `group`: groups of users. How accounts are read and changed is told in `user`.
//!
//! It never removes a group that is somebody's primary group.

mod exec;
mod state;

use value::{Map, Value};

use crate::Module;
use crate::user::accounts::Accounts;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "group",
    documentation: "Groups of users.",
    states: &[
        state!("present", state::present, state::Present),
        state!("absent", state::absent, state::Absent),
    ],
    functions: &[
        execution!("info", exec::info, exec::Name),
        execution!("getent", exec::getent, exec::Nothing),
        execution!("add", exec::add, state::Present),
        execution!("delete", exec::delete, state::Absent),
        execution!("adduser", exec::adduser, exec::Member),
        execution!("deluser", exec::deluser, exec::Member),
        execution!("members", exec::members, exec::Members),
    ],
};

/// What Salt's `group.info` answers about a group.
fn information(accounts: &Accounts, name: &str) -> Option<Map> {
    let group = accounts.groups.get(name)?;
    let members: Value = group.members.iter().map(String::as_str).collect();
    let map = [
        ("name", Value::from(name)),
        ("passwd", "x".into()),
        ("gid", group.gid.into()),
        ("members", members),
    ];
    Some(map.into_iter().collect())
}

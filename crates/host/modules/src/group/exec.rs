//! Execution functions.

use value::{Map, Value};

use super::information;
use super::state::{Absent, Present, absent, present};
use crate::user::accounts::Accounts;
use crate::{Context, Failure, Outcome, Verdict};

arguments! {
    /// What there is to know about a group; an empty map when there is none.
    pub(super) struct Name {
        /// Name.
        name: String
        ;.. others
    }
}

/// See [`Name`].
pub(super) fn info(context: &Context<'_>, arguments: Name) -> Result<Map, Failure> {
    Ok(information(&Accounts::of(context.host())?, &arguments.name).unwrap_or_default())
}

arguments! {
    /// What there is to know about every group.
    pub(super) struct Nothing {
        ;.. others
    }
}

/// See [`Nothing`].
pub(super) fn getent(context: &Context<'_>, _: Nothing) -> Result<Value, Failure> {
    let accounts = Accounts::of(context.host())?;
    Ok(accounts.groups.keys().filter_map(|name| information(&accounts, name)).collect())
}

/// Adds a group.
pub(super) fn add(context: &Context<'_>, arguments: Present) -> Result<bool, Failure> {
    if Accounts::of(context.host())?.groups.contains_key(&arguments.name) {
        return Ok(false);
    }
    succeeded(present(context, arguments)?)
}

/// Removes a group.
pub(super) fn delete(context: &Context<'_>, arguments: Absent) -> Result<bool, Failure> {
    succeeded(absent(context, arguments)?)
}

arguments! {
    /// One member of a group.
    pub(super) struct Member {
        /// The group.
        name: String,
        /// The user.
        username: String
        ;.. others
    }
}

/// Makes a user a member.
pub(super) fn adduser(context: &Context<'_>, arguments: Member) -> Result<bool, Failure> {
    change(context, arguments.name, |group| group.addusers = Some(vec![arguments.username]))
}

/// Ends a user's membership.
pub(super) fn deluser(context: &Context<'_>, arguments: Member) -> Result<bool, Failure> {
    change(context, arguments.name, |group| group.delusers = Some(vec![arguments.username]))
}

arguments! {
    /// Sets all members of a group.
    pub(super) struct Members {
        /// The group.
        name: String,
        /// Users, separated by commas.
        members_list: String
        ;.. others
    }
}

/// See [`Members`].
pub(super) fn members(context: &Context<'_>, arguments: Members) -> Result<bool, Failure> {
    let users = arguments.members_list.split(',').map(str::trim).filter(|user| !user.is_empty());
    let users = users.map(String::from).collect();
    change(context, arguments.name, |group| group.members = Some(users))
}

fn change(context: &Context<'_>, name: String, set: impl FnOnce(&mut Present)) -> Result<bool, Failure> {
    if !Accounts::of(context.host())?.groups.contains_key(&name) {
        return Err(Failure::message(format!("Group {name} does not exist"))
            .hint("make it first: `group.add`, or a `group.present` state"));
    }
    let mut group = Present {
        name,
        gid: None,
        system: false,
        addusers: None,
        delusers: None,
        members: None,
        non_unique: false,
        local: false,
        others: Map::new(),
    };
    set(&mut group);
    succeeded(present(context, group)?)
}

fn succeeded(outcome: Outcome) -> Result<bool, Failure> {
    match outcome.verdict {
        Verdict::Holds => Ok(true),
        _ => Err(outcome.into_failure()),
    }
}

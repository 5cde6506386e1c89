//! Execution functions.

use std::collections::BTreeSet;

use host::Command;
use value::{Map, Value};

use super::accounts::Accounts;
use super::information;
use super::manager::Steps;
use crate::{AnyText, Context, Failure};

arguments! {
    /// What there is to know about a user; an empty map when there is none.
    pub(super) struct Name {
        /// Login name.
        name: String
        ;.. others
    }
}

/// See [`Name`].
pub(super) fn info(context: &Context<'_>, arguments: Name) -> Result<Map, Failure> {
    Ok(information(&Accounts::of(context.host())?, &arguments.name).unwrap_or_default())
}

/// The groups of a user, the primary one included.
pub(super) fn list_groups(context: &Context<'_>, arguments: Name) -> Result<Value, Failure> {
    Ok(Accounts::of(context.host())?.groups_of(&arguments.name).into())
}

/// The name of a user's primary group.
pub(super) fn primary_group(context: &Context<'_>, arguments: Name) -> Result<String, Failure> {
    let accounts = Accounts::of(context.host())?;
    let user = accounts.users.get(&arguments.name);
    let user = user.ok_or_else(|| no_user(&arguments.name))?;
    Ok(accounts.group_name(user.gid).cloned().unwrap_or_default())
}

arguments! {
    /// All users.
    pub(super) struct Nothing {
        ;.. others
    }
}

/// The names of all users, sorted.
pub(super) fn list_users(context: &Context<'_>, _: Nothing) -> Result<Value, Failure> {
    Ok(Accounts::of(context.host())?.users.keys().map(String::as_str).collect())
}

/// What there is to know about every user.
pub(super) fn getent(context: &Context<'_>, _: Nothing) -> Result<Value, Failure> {
    let accounts = Accounts::of(context.host())?;
    Ok(accounts.users.keys().filter_map(|name| information(&accounts, name)).collect())
}

/// Adds a user with properties; false when that fails.
pub(super) fn add(context: &Context<'_>, arguments: super::present::Present) -> Result<bool, Failure> {
    if Accounts::of(context.host())?.users.contains_key(&arguments.name) {
        return Ok(false);
    }
    succeeded(super::present::present(context, arguments)?)
}

arguments! {
    /// Removes a user.
    pub(super) struct Delete {
        /// Login name.
        name: String,
        /// Remove the home directory too.
        remove: bool = false,
        /// Remove the user even when logged in.
        force: bool = false
        ;.. others
    }
}

/// See [`Delete`].
pub(super) fn delete(context: &Context<'_>, arguments: Delete) -> Result<bool, Failure> {
    let Delete { name, remove, force, .. } = arguments;
    let others = Map::new();
    let absent = super::absent::Absent { name, purge: remove, force, local: false, others };
    succeeded(super::absent::absent(context, absent)?)
}

fn succeeded(outcome: crate::Outcome) -> Result<bool, Failure> {
    match outcome.verdict {
        crate::Verdict::Holds => Ok(true),
        _ => Err(outcome.into_failure()),
    }
}

arguments! {
    /// Sets one property of a user.
    pub(super) struct Set {
        /// Login name.
        name: String,
        /// What it is to be.
        value: AnyText
        ;.. others
    }
}

/// Sets the login shell.
pub(super) fn chshell(context: &Context<'_>, arguments: Set) -> Result<bool, Failure> {
    set(context, &arguments, "-s", |user, value| user.shell = value)
}

/// Sets the home directory, without moving anything.
pub(super) fn chhome(context: &Context<'_>, arguments: Set) -> Result<bool, Failure> {
    set(context, &arguments, "-d", |user, value| user.home = value)
}

/// Sets the full name.
pub(super) fn chfullname(context: &Context<'_>, arguments: Set) -> Result<bool, Failure> {
    let accounts = Accounts::of(context.host())?;
    let mut gecos = accounts.users.get(&arguments.name).map(|user| user.gecos.clone()).unwrap_or_default();
    gecos[0] = arguments.value.to_string();
    let value = AnyText(super::accounts::join_gecos(&gecos));
    let arguments = Set { value, ..arguments };
    set(context, &arguments, "-c", |user, _| user.gecos = gecos)
}

fn set(
    context: &Context<'_>,
    arguments: &Set,
    flag: &str,
    change: impl FnOnce(&mut super::accounts::User, String),
) -> Result<bool, Failure> {
    let value = arguments.value.to_string();
    if !super::text::is_field(&value) {
        return Err(Failure::message("a colon or line end cannot stand in a property of a user")
            .hint("the account files separate properties by colons: write the value without"));
    }
    let command = Command::new(["usermod", flag, value.as_str(), arguments.name.as_str()]);
    carry_out(context, &arguments.name, command, |accounts| {
        if let Some(user) = accounts.users.get_mut(&arguments.name) {
            change(user, value.clone());
        }
    })
}

arguments! {
    /// Sets the supplementary groups of a user.
    pub(super) struct SetGroups {
        /// Login name.
        name: String,
        /// Groups.
        groups: Vec<String>,
        /// Add to the groups that are there.
        append: bool = false
        ;.. others
    }
}

/// See [`SetGroups`].
pub(super) fn chgroups(context: &Context<'_>, arguments: SetGroups) -> Result<bool, Failure> {
    let name = &arguments.name;
    let accounts = Accounts::of(context.host())?;
    let mut groups: BTreeSet<String> = arguments
        .groups
        .iter()
        .flat_map(|group| group.split(','))
        .map(|group| group.trim().to_string())
        .collect();
    if arguments.append {
        groups.extend(accounts.memberships(name));
    }
    let list = groups.iter().cloned().collect::<Vec<_>>().join(",");
    let command = Command::new(["usermod", "-G", list.as_str(), name.as_str()]);
    carry_out(context, name, command, |accounts| accounts.set_memberships(name, &groups))
}

fn carry_out(
    context: &Context<'_>,
    name: &str,
    command: Command,
    change: impl FnOnce(&mut Accounts),
) -> Result<bool, Failure> {
    let accounts = Accounts::of(context.host())?;
    if !accounts.users.contains_key(name) || !super::text::is_name(name) {
        return Err(no_user(name));
    }
    let mut steps = Steps::from(accounts);
    steps.push(command, change);
    match steps.carry_out(context.host())? {
        Some(error) => Err(Failure::message(error).hint(super::manager::ADVICE)),
        None => Ok(true),
    }
}

fn no_user(name: &str) -> Failure {
    Failure::message(format!("User '{name}' does not exist")).hint(
        "make it first: `user.add`, or a `user.present` state; `user.list_users` lists those that are there",
    )
}

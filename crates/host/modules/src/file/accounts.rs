//! Users and groups by name and number: what the run has made so far, then the account files.

use std::path::Path;

use host::{Fact, Host, HostError, Owner, Subject};

use crate::Failure;

const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// Who a user's name, or number, stands for; `None` when there is no such user.
pub(super) fn user(host: &dyn Host, name: &str) -> Result<Option<Owner>, Failure> {
    find(host, "user", "uid", USERS, name)
}

/// Which group a name, or number, stands for; `None` when there is no such group.
pub(super) fn group(host: &dyn Host, name: &str) -> Result<Option<Owner>, Failure> {
    find(host, "group", "gid", GROUPS, name)
}

/// A user's name; the number as text when nobody has it.
pub(super) fn user_name(host: &dyn Host, owner: &Owner) -> Result<String, Failure> {
    named(host, "user", "uid", USERS, owner)
}

/// A group's name; the number as text when no group has it.
pub(super) fn group_name(host: &dyn Host, owner: &Owner) -> Result<String, Failure> {
    named(host, "group", "gid", GROUPS, owner)
}

/// The group that a user's own files have; `root` when the user is not known.
pub(super) fn primary_group(host: &dyn Host, user: &str) -> Result<String, Failure> {
    let accounts = table(host, USERS)?;
    let line = accounts.lines().find(|line| line.split(':').next() == Some(user));
    match line.and_then(|line| line.split(':').nth(3)).and_then(|id| id.parse().ok()) {
        Some(id) => group_name(host, &Owner::Id(id)),
        None => Ok(if group(host, user)?.is_some() { user.into() } else { "root".into() }),
    }
}

fn find(
    host: &dyn Host,
    kind: &'static str,
    number: &str,
    file: &str,
    name: &str,
) -> Result<Option<Owner>, Failure> {
    if name == "root" {
        return Ok(Some(Owner::Id(0)));
    }
    if let Ok(id) = name.parse() {
        return Ok(Some(Owner::Id(id)));
    }
    match host.fact(&Subject::new(kind, name)) {
        Some(Fact::Absent) => return Ok(None),
        Some(Fact::Present(properties)) => {
            let id = properties.get(number).and_then(|id| u32::try_from(id.as_int()?).ok());
            return Ok(Some(id.map_or_else(|| Owner::Name(name.into()), Owner::Id)));
        }
        Some(Fact::Unknown) => {
            let what = format!("the number of {kind} `{name}`");
            return Err(
                HostError::Unknown { what, because: format!("{kind} {name} is changed before") }.into()
            );
        }
        None => {}
    }
    let accounts = table(host, file)?;
    let line = accounts.lines().find(|line| line.split(':').next() == Some(name));
    Ok(line.and_then(|line| line.split(':').nth(2)).and_then(|id| id.parse().ok()).map(Owner::Id))
}

fn named(
    host: &dyn Host,
    kind: &'static str,
    number: &str,
    file: &str,
    owner: &Owner,
) -> Result<String, Failure> {
    let id = match owner {
        Owner::Id(0) => return Ok("root".into()),
        Owner::Id(id) => *id,
        Owner::Name(name) => return Ok(name.clone()),
    };
    for (name, fact) in host.facts(kind) {
        if let Fact::Present(properties) = fact
            && properties.get(number).and_then(value::Value::as_int) == Some(i64::from(id))
        {
            return Ok(name);
        }
    }
    let accounts = table(host, file)?;
    let text = id.to_string();
    let line = accounts.lines().find(|line| line.split(':').nth(2) == Some(&text));
    Ok(line.and_then(|line| line.split(':').next()).map_or(text, str::to_string))
}

fn table(host: &dyn Host, file: &str) -> Result<String, Failure> {
    match host.read(Path::new(file)) {
        Ok(content) => Ok(String::from_utf8_lossy(&content).into_owned()),
        Err(HostError::NotFound(_)) => Ok(String::new()),
        Err(error) => Err(error.into()),
    }
}

/// The user and group that new files belong to: those of the user the run is for.
pub(super) fn own(context: &crate::Context<'_>) -> Result<(Owner, Owner), Failure> {
    let host = context.host();
    let name = context.minion.options.get("user").and_then(value::Value::as_str).unwrap_or("root");
    let root = Owner::Id(0);
    if name == "root" {
        return Ok((root.clone(), root));
    }
    let owner = user(host, name)?.unwrap_or(root.clone());
    let group = group(host, &primary_group(host, name)?)?.unwrap_or(root);
    Ok((owner, group))
}

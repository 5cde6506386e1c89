//! Users and groups: the host's own tables, with what a run has declared on top.
//!
//! The tables are `/etc/passwd` and `/etc/group`, read as text. Declared facts (`user`, `group`) win, so that a plan
//! sees the accounts that an earlier state will make; such an account may have no number yet. Accounts that only a
//! directory service knows are asked of `getent`, when the host has it and the tables do not know the name.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use value::Value;

use crate::{Command, Fact, Host, HostError, Subject};

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Number; `None` while the account is only planned.
    pub uid: Option<u32>,
    /// Number of the primary group.
    pub gid: Option<u32>,
    /// The comment field, as it stands.
    pub comment: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Number; `None` while the group is only planned.
    pub gid: Option<u32>,
    /// Names of its members, primary members not among them.
    pub members: Vec<String>,
}

/// The user of that name; `None` when there is none.
pub fn user<H: Host + ?Sized>(host: &H, name: &str) -> Result<Option<User>, HostError> {
    match host.fact(&Subject::new("user", name)) {
        Some(Fact::Absent) => return Ok(None),
        Some(Fact::Present(value)) => return Ok(Some(user_from(name, &value))),
        Some(Fact::Unknown) | None => {}
    }
    let table = table(host, "/etc/passwd")?;
    match line_of(&table.text(), name).and_then(parse_user) {
        Some(user) => Ok(Some(user)),
        None => Ok(asked(host, "passwd", name).as_deref().and_then(parse_user)),
    }
}

/// The group of that name; `None` when there is none.
pub fn group<H: Host + ?Sized>(host: &H, name: &str) -> Result<Option<Group>, HostError> {
    match host.fact(&Subject::new("group", name)) {
        Some(Fact::Absent) => return Ok(None),
        Some(Fact::Present(value)) => return Ok(Some(group_from(name, &value))),
        Some(Fact::Unknown) | None => {}
    }
    let table = table(host, "/etc/group")?;
    match line_of(&table.text(), name).and_then(parse_group) {
        Some(group) => Ok(Some(group)),
        None => Ok(asked(host, "group", name).as_deref().and_then(parse_group)),
    }
}

/// The user with that number; `None` when there is none.
pub fn user_by_id<H: Host + ?Sized>(host: &H, uid: u32) -> Result<Option<User>, HostError> {
    let declared = host.facts("user");
    if !declared.is_empty() {
        return Ok(users(host)?.into_iter().find(|user| user.uid == Some(uid)));
    }
    let table = table(host, "/etc/passwd")?;
    let found = line_with_number(&table.text(), uid).and_then(parse_user);
    Ok(found.or_else(|| asked(host, "passwd", &uid.to_string()).as_deref().and_then(parse_user)))
}

/// The group with that number; `None` when there is none.
pub fn group_by_id<H: Host + ?Sized>(host: &H, gid: u32) -> Result<Option<Group>, HostError> {
    let declared = host.facts("group");
    if !declared.is_empty() {
        return Ok(groups(host)?.into_iter().find(|group| group.gid == Some(gid)));
    }
    let table = table(host, "/etc/group")?;
    let found = line_with_number(&table.text(), gid).and_then(parse_group);
    Ok(found.or_else(|| asked(host, "group", &gid.to_string()).as_deref().and_then(parse_group)))
}

/// All users, in the table's order, declared ones at the end.
pub fn users<H: Host + ?Sized>(host: &H) -> Result<Vec<User>, HostError> {
    let table = table(host, "/etc/passwd")?;
    let mut users: Vec<User> = table.text().lines().filter_map(parse_user).collect();
    for (name, fact) in host.facts("user") {
        users.retain(|user| user.name != name || fact == Fact::Unknown);
        if let Fact::Present(value) = fact {
            users.push(user_from(&name, &value));
        }
    }
    Ok(users)
}

/// All groups, in the table's order, declared ones at the end.
pub fn groups<H: Host + ?Sized>(host: &H) -> Result<Vec<Group>, HostError> {
    let table = table(host, "/etc/group")?;
    let mut groups: Vec<Group> = table.text().lines().filter_map(parse_group).collect();
    for (name, fact) in host.facts("group") {
        groups.retain(|group| group.name != name || fact == Fact::Unknown);
        if let Fact::Present(value) = fact {
            groups.push(group_from(&name, &value));
        }
    }
    Ok(groups)
}

/// The names of the groups a user is a member of, sorted; the primary group is among them.
pub fn groups_of<H: Host + ?Sized>(host: &H, user: &User) -> Result<Vec<String>, HostError> {
    if let Some(Fact::Present(value)) = host.fact(&Subject::new("user", user.name.as_str()))
        && let Some(declared) = value.get("groups").and_then(Value::as_list)
    {
        return Ok(declared.iter().map(ToString::to_string).collect());
    }
    let mut names: Vec<String> = groups(host)?
        .into_iter()
        .filter(|group| group.members.contains(&user.name) || (group.gid.is_some() && group.gid == user.gid))
        .map(|group| group.name)
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// A table as it was read; empty when there is none.
struct Table(Arc<[u8]>);

impl Table {
    fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

fn table<H: Host + ?Sized>(host: &H, path: &str) -> Result<Table, HostError> {
    match host.read(Path::new(path)) {
        Ok(bytes) => Ok(Table(bytes)),
        Err(HostError::NotFound(_)) => Ok(Table(Arc::new([]))),
        Err(error) => Err(error),
    }
}

/// A directory service's answer, where the host is set up to ask one.
fn asked<H: Host + ?Sized>(host: &H, database: &str, name: &str) -> Option<String> {
    let switch = host.read(Path::new("/etc/nsswitch.conf")).ok()?;
    let switch = String::from_utf8_lossy(&switch).into_owned();
    let line = switch.lines().find_map(|line| {
        line.trim().strip_prefix(database)?.trim_start().strip_prefix(':').map(str::to_string)
    })?;
    let others = line
        .split_whitespace()
        .any(|service| !matches!(service, "files" | "compat" | "systemd") && !service.starts_with('['));
    if !others || name.starts_with('-') || host.which("getent").is_none() {
        return None;
    }
    let output = host.probe(&Command::new(["getent", database, name])).ok()?;
    output.succeeded().then(|| output.stdout_text().lines().next().map(str::to_string)).flatten()
}

fn line_of<'a>(table: &'a str, name: &str) -> Option<&'a str> {
    table.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))
}

/// The first line whose third field is this number: of two names for one number the first is the name.
fn line_with_number(table: &str, number: u32) -> Option<&str> {
    table.lines().find(|line| line.split(':').nth(2).and_then(|field| field.parse().ok()) == Some(number))
}

fn parse_user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let mut next = || fields.next().map(str::to_string);
    let name = next()?;
    next()?;
    let (uid, gid) = (next()?.parse().ok()?, next()?.parse().ok()?);
    let (comment, home, shell) =
        (next().unwrap_or_default(), next().unwrap_or_default(), next().unwrap_or_default());
    (!name.is_empty()).then_some(User { name, uid: Some(uid), gid: Some(gid), comment, home, shell })
}

fn parse_group(line: &str) -> Option<Group> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_string();
    let gid = fields.nth(1)?.parse().ok()?;
    let members = fields.next().unwrap_or_default().split(',').filter(|member| !member.is_empty());
    let members = members.map(str::to_string).collect();
    (!name.is_empty()).then_some(Group { name, gid: Some(gid), members })
}

/// A declared user: a map with `uid`, `gid`, `fullname` or `comment`, `home`, `shell`, `groups`.
fn user_from(name: &str, value: &Value) -> User {
    let text = |key: &str| value.get(key).filter(|value| !value.is_null()).map(ToString::to_string);
    let number =
        |key: &str| value.get(key).and_then(Value::as_int).and_then(|number| u32::try_from(number).ok());
    User {
        name: name.into(),
        uid: number("uid"),
        gid: number("gid"),
        comment: text("comment").or_else(|| text("fullname")).unwrap_or_default(),
        home: text("home").unwrap_or_default(),
        shell: text("shell").unwrap_or_default(),
    }
}

/// A declared group: a map with `gid` and `members`.
fn group_from(name: &str, value: &Value) -> Group {
    let gid = value.get("gid").and_then(Value::as_int).and_then(|number| u32::try_from(number).ok());
    let members = value.get("members").and_then(Value::as_list).unwrap_or_default();
    Group { name: name.into(), gid, members: members.iter().map(ToString::to_string).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    fn machine() -> Memory {
        Memory::empty()
            .file(
                "/etc/passwd",
                "root:x:0:0:root:/root:/bin/bash\nbroken\nbob:x:1000:1000:Bob,,,:/home/bob:/bin/sh\n",
            )
            .file("/etc/group", "root:x:0:\nbob:x:1000:\nwheel:x:10:bob,amy\n")
    }

    #[test]
    fn tables_are_read() {
        let host = machine();
        let bob = user(&host, "bob").unwrap().unwrap();
        assert_eq!((bob.uid, bob.home.as_str()), (Some(1000), "/home/bob"));
        assert_eq!(groups_of(&host, &bob).unwrap(), ["bob", "wheel"]);
        assert_eq!(user(&host, "bo").unwrap(), None);
        assert_eq!(user_by_id(&host, 0).unwrap().unwrap().name, "root");
    }

    #[test]
    fn declared_accounts_win() {
        let host = machine().present("user", "new", Value::NULL).declared("user", "bob", Fact::Absent);
        assert_eq!(user(&host, "bob").unwrap(), None);
        assert_eq!(user(&host, "new").unwrap().unwrap().uid, None);
        assert_eq!(users(&host).unwrap().len(), 2);
    }
}

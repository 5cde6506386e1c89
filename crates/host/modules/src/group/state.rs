//! State functions.

use std::collections::BTreeSet;

use host::Command;
use value::{Map, Value};

use super::information;
use crate::user::accounts::{Accounts, Group};
use crate::user::manager::{ADVICE, Steps};
use crate::user::present::definitions;
use crate::user::text::{NAMES, is_name};
use crate::{Context, Failure, Outcome};

arguments! {
    /// Keeps a group there, with the properties that are given.
    pub(super) struct Present {
        /// Name.
        name: String,
        /// Number; the next that is free by default.
        gid: Option<i64>,
        /// Take the number from the range for system accounts.
        system: bool = false,
        /// Users who have to be members.
        addusers: Option<Vec<String>>,
        /// Users who must not be members.
        delusers: Option<Vec<String>>,
        /// All members.
        members: Option<Vec<String>>,
        /// Accept a number that another group has.
        non_unique: bool = false,
        /// For systems with `lgroupadd`; ignored.
        local: bool = false
        ;.. others
    }
}

/// See [`Present`].
pub(super) fn present(context: &Context<'_>, arguments: Present) -> Result<Outcome, Failure> {
    let name = &arguments.name;
    if let Some(failed) = arguments.problem() {
        return Ok(failed);
    }
    let host = context.host();
    let accounts = Accounts::of(host)?;
    let mut steps = Steps::from(accounts.clone());
    let there = accounts.groups.get(name);
    let wanted = u32::try_from(arguments.gid.unwrap_or(-1)).ok();
    if let Some(gid) = wanted.filter(|gid| there.is_none_or(|group| group.gid != *gid))
        && !arguments.non_unique
        && let Some(other) = accounts.group_name(gid)
    {
        return Ok(Outcome::failed(match there {
            None => format!("Group {name} is not present but gid {gid} is already taken by group {other}"),
            Some(_) => format!("Group {name} cannot have gid {gid}: it is already taken by group {other}"),
        })
        .hint("choose another gid, leave `gid` out, or add `- non_unique: True`")
        .blames("gid"));
    }
    let gid = match (wanted, there) {
        (Some(gid), _) => gid,
        (None, Some(group)) => group.gid,
        (None, None) => free(context, &arguments, &accounts)?,
    };
    let members = arguments.wanted_members(there);
    arguments.push(&mut steps, there, gid, &members);
    if *steps.now() == accounts {
        return Ok(Outcome::unchanged(format!("Group {name} is present and up to date")));
    }
    let foretold = steps.now().clone();
    let error = steps.carry_out(host)?;
    let after = if host.is_plan() { foretold } else { Accounts::of(host)? };
    let failed = error.unwrap_or_default();
    let Some(there) = there else {
        if !failed.is_empty() {
            let failed = Outcome::failed(format!("Failed to create new group {name}: {failed}"));
            return Ok(failed.hint(ADVICE));
        }
        let comment =
            context.words(format!("New group {name} created"), format!("Group {name} set to be added"));
        return Ok(Outcome::changed(comment, information(&after, name).unwrap_or_default()));
    };
    let mut comment = "The following group attributes are set to be changed:\n".to_string();
    for (key, value) in attributes(there, gid, &members, &arguments).iter() {
        comment += &format!("{key}: {value}\n");
    }
    if !failed.is_empty() {
        let failed = Outcome::failed(format!("{comment}Some changes could not be applied: {failed}"));
        return Ok(failed.hint(ADVICE));
    }
    Ok(Outcome::unchanged(comment).with("Final", "All changes applied successfully"))
}

impl Present {
    fn problem(&self) -> Option<Outcome> {
        let name = &self.name;
        if !is_name(name) {
            let failed = Outcome::failed(format!("`{name}` can not be the name of a group"));
            return Some(failed.hint(NAMES).blames("name"));
        }
        let everyone = [&self.members, &self.addusers, &self.delusers].into_iter().flatten().flatten();
        if let Some(wrong) = everyone.into_iter().find(|user| !is_name(user)) {
            let failed = Outcome::failed(format!("`{wrong}` can not be the name of a user"));
            return Some(failed.hint(NAMES));
        }
        if self.members.is_some() && (self.addusers.is_some() || self.delusers.is_some()) {
            return Some(
                Outcome::failed(
                    "Error: Conflicting options \"members\" with \"addusers\" and/or \"delusers\" can not be used \
                     together. ",
                )
                .hint("`members` is the whole list; `addusers` and `delusers` change what is there: keep one way")
                .blames("members"),
            );
        }
        let added = self.addusers.iter().flatten();
        if added.into_iter().any(|user| self.delusers.iter().flatten().any(|other| other == user)) {
            return Some(
                Outcome::failed("Error. Same user(s) can not be added and deleted simultaneously")
                    .hint("take the user out of `addusers` or out of `delusers`")
                    .blames("delusers"),
            );
        }
        if self.gid.is_some_and(|gid| !(0..i64::from(u32::MAX)).contains(&gid)) {
            return Some(
                Outcome::failed("Invalid gid").hint("write a number from 0 to 4294967294").blames("gid"),
            );
        }
        None
    }

    /// Members as they are to be, those who stay in their order.
    fn wanted_members(&self, there: Option<&Group>) -> Vec<String> {
        let there = there.map(|group| group.members.clone()).unwrap_or_default();
        if let Some(members) = &self.members {
            let same = there.iter().collect::<BTreeSet<_>>() == members.iter().collect::<BTreeSet<_>>();
            return if same { there } else { unique(members.iter().cloned()) };
        }
        let gone = |user: &String| self.delusers.iter().flatten().any(|other| other == user);
        let kept = there.into_iter().filter(|user| !gone(user));
        unique(kept.chain(self.addusers.iter().flatten().cloned()))
    }

    fn push(&self, steps: &mut Steps, there: Option<&Group>, gid: u32, members: &[String]) {
        let name = &self.name;
        match there {
            None => {
                let mut argv: Vec<String> = vec!["groupadd".into(), "-g".into(), gid.to_string()];
                for (wanted, flag) in [(self.system, "-r"), (self.non_unique, "-o")] {
                    if wanted {
                        argv.push(flag.into());
                    }
                }
                argv.push(name.clone());
                steps.push(Command::new(argv), |after| {
                    after.groups.insert(name.clone(), Group { gid, members: Vec::new() });
                });
            }
            Some(group) if group.gid != gid => {
                let mut argv: Vec<String> = vec!["groupmod".into(), "-g".into(), gid.to_string()];
                if self.non_unique {
                    argv.push("-o".into());
                }
                argv.push(name.clone());
                steps.push(Command::new(argv), |after| {
                    if let Some(group) = after.groups.get_mut(name) {
                        group.gid = gid;
                    }
                });
            }
            Some(_) => {}
        }
        let current = there.map(|group| group.members.clone()).unwrap_or_default();
        if current != members {
            let list = members.join(",");
            steps.push(Command::new(["gpasswd", "-M", list.as_str(), name.as_str()]), |after| {
                if let Some(group) = after.groups.get_mut(name) {
                    group.members = members.to_vec();
                }
            });
        }
    }
}

fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}

fn free(context: &Context<'_>, arguments: &Present, accounts: &Accounts) -> Result<u32, Failure> {
    let used = accounts.groups.values().map(|group| group.gid).collect();
    definitions(context.host())?.free("GID", arguments.system, &used).ok_or_else(|| {
        Failure::message(format!("Failed to create new group {}: no gid is free", arguments.name))
            .hint("widen GID_MIN to GID_MAX in /etc/login.defs, or name a `gid`")
    })
}

/// What Salt lists as about to change.
fn attributes(there: &Group, gid: u32, members: &[String], arguments: &Present) -> Map {
    let mut map = Map::new();
    if there.gid != gid {
        map.insert("gid", gid);
    }
    let list = |names: Vec<&String>| names.into_iter().map(String::as_str).collect::<Value>();
    if arguments.members.is_some() && there.members != members {
        if members.is_empty() {
            map.insert("delusers", list(there.members.iter().collect()))
        } else {
            map.insert("members", list(members.iter().collect()))
        };
        return map;
    }
    let added: Vec<&String> = members.iter().filter(|user| !there.members.contains(user)).collect();
    let deleted: Vec<&String> = there.members.iter().filter(|user| !members.contains(user)).collect();
    if !added.is_empty() {
        map.insert("addusers", list(added));
    }
    if !deleted.is_empty() {
        map.insert("delusers", list(deleted));
    }
    map
}

arguments! {
    /// Keeps a group away.
    pub(super) struct Absent {
        /// Name.
        name: String,
        /// For systems with `lgroupdel`; ignored.
        local: bool = false
        ;.. others
    }
}

/// See [`Absent`].
pub(super) fn absent(context: &Context<'_>, arguments: Absent) -> Result<Outcome, Failure> {
    let name = &arguments.name;
    let accounts = Accounts::of(context.host())?;
    let Some(group) = accounts.groups.get(name).filter(|_| is_name(name)) else {
        return Ok(Outcome::unchanged("Group not present"));
    };
    if let Some((user, _)) = accounts.users.iter().find(|(_, user)| user.gid == group.gid) {
        return Ok(Outcome::failed(format!(
            "Failed to remove group {name}: it is the primary group of user {user}"
        ))
        .hint(format!("give {user} another group first, or remove it: `user.absent`")));
    }
    let mut steps = Steps::from(accounts.clone());
    steps.push(Command::new(["groupdel", name]), |after| {
        after.groups.remove(name);
    });
    match steps.carry_out(context.host())? {
        Some(error) => Ok(Outcome::failed(format!("Failed to remove group {name}: {error}")).hint(ADVICE)),
        None => {
            let comment =
                context.words(format!("Removed group {name}"), format!("Group {name} is set for removal"));
            Ok(Outcome::unchanged(comment).with(name, ""))
        }
    }
}

//! `user.absent`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use host::Command;

use super::accounts::Accounts;
use super::manager::Steps;
use super::present::definitions;
use super::{home, text};
use crate::{Context, Failure, Outcome};

arguments! {
    /// Keeps a user away.
    pub(super) struct Absent {
        /// Login name.
        name: String,
        /// Remove the home directory and the mail too.
        purge: bool = false,
        /// Remove the user even when logged in.
        force: bool = false,
        /// For systems with `luserdel`; ignored.
        local: bool = false
        ;.. others
    }
}

/// See [`Absent`].
pub(super) fn absent(context: &Context<'_>, arguments: Absent) -> Result<Outcome, Failure> {
    let host = context.host();
    let name = &arguments.name;
    let accounts = Accounts::of(host)?;
    let Some(user) = accounts.users.get(name).filter(|_| text::is_name(name)) else {
        return Ok(Outcome::unchanged(format!("User {name} is not present")));
    };
    // As userdel does: the group of the same name goes too when nobody else is in it.
    let own = accounts.groups.get(name).is_some_and(|group| {
        let shared = accounts.users.iter().any(|(other, there)| other != name && there.gid == group.gid);
        definitions(host).is_ok_and(|definitions| definitions.user_groups())
            && !shared
            && group.members.iter().all(|member| member == name)
    });
    let mut argv = vec!["userdel"];
    if arguments.force {
        argv.push("-f");
    }
    argv.push(name);
    let mut steps = Steps::from(accounts.clone());
    steps.push(Command::new(argv), |after| {
        after.set_memberships(name, &BTreeSet::new());
        after.users.remove(name);
        if own {
            after.groups.remove(name);
        }
    });
    let foretold = steps.now().clone();
    if let Some(error) = steps.carry_out(host)? {
        let hint = "end the user's processes first, or add `- force: True`";
        return Ok(Outcome::failed(format!("Failed to remove user {name}: {error}")).hint(hint));
    }
    if arguments.purge {
        home::remove(host, Path::new(&user.home), user.uid)?;
        let mail = PathBuf::from("/var/mail").join(name);
        if host.link_metadata(&mail)?.is_some() {
            host.remove_file(&mail)?;
        }
    }
    let after = if host.is_plan() { foretold } else { Accounts::of(host)? };
    let mut outcome = Outcome::unchanged(
        context.words(format!("Removed user {name}"), format!("User {name} set for removal")),
    );
    for group in accounts.groups_of(name) {
        if !after.groups.contains_key(&group) {
            outcome = outcome.with(&format!("{group} group"), "removed");
        }
    }
    Ok(outcome.with(name, "removed"))
}

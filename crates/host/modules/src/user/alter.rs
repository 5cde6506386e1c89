//! `user.present` for a user that is there: what differs, and the steps that change it.

use std::collections::BTreeSet;
use std::path::Path;

use host::Command;
use value::Map;

use super::accounts::{Accounts, Password, REDACTED, Shadow, User, join_gecos};
use super::manager::Steps;
use super::present::{Present, password_steps, today};
use super::{home, information};
use crate::{Context, Failure, Outcome};

/// Bringing a user that is there into the declared state.
pub(super) struct Change<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) arguments: &'a Present,
    pub(super) user: &'a User,
    pub(super) accounts: &'a Accounts,
}

impl Change<'_> {
    /// Compares, acts where something differs, and says what changed.
    pub(super) fn bring_about(&self) -> Result<Outcome, Failure> {
        let host = self.context.host();
        let name = &self.arguments.name;
        let primary = self.arguments.primary(self.accounts)?;
        if let Some(refused) = self.refused(primary) {
            return Ok(refused);
        }
        let user = self.wanted_user(primary);
        let groups = self.wanted_memberships(user.gid);
        let mut steps = self.steps(&user, &groups);
        let shadow = if self.arguments.minds_shadow() {
            self.arguments.shadow(self.user.shadow.as_ref(), today(host))
        } else {
            None
        };
        password_steps(&mut steps, name, self.user.shadow.as_ref(), shadow.as_ref());
        self.lock_steps(&mut steps);

        let path = Path::new(&user.home);
        let homeless =
            self.arguments.createhome && user.home.starts_with('/') && host.metadata(path)?.is_none();
        if steps.now() == self.accounts && !homeless {
            return Ok(Outcome::unchanged(format!("User {name} is present and up to date")));
        }
        let foretold = steps.now().clone();
        if let Some(error) = steps.carry_out(host)? {
            let failed = Outcome::failed(format!("These values could not be changed: {error}"));
            return Ok(failed.hint(super::manager::ADVICE));
        }
        if homeless {
            home::create(host, path, (user.uid, user.gid), 0o755, false)?;
        }
        let after = if host.is_plan() { foretold } else { Accounts::of(host)? };
        let mut changes = self.changes(&after);
        if homeless {
            changes.insert("home", user.home.as_str());
        }
        let mut planned = "The following user attributes are set to be changed:\n".to_string();
        for (key, value) in changes.iter() {
            planned += &format!("{key}: {value}\n");
        }
        let comment = self.context.words(format!("Updated user {name}"), planned);
        Ok(Outcome::changed(comment, changes))
    }

    fn refused(&self, primary: Option<u32>) -> Option<Outcome> {
        let told = |what: &str, from: u32, to: u32| {
            format!(
                "- Changing {what} ({from} -> {to}) not permitted, set allow_{what}_change to True to force this \
                 change. Note that this will not change file ownership."
            )
        };
        let mut errors = Vec::new();
        match self.arguments.uid() {
            Some(uid) if uid != self.user.uid && !self.arguments.allow_uid_change => {
                errors.push(("uid", self.user.uid, uid));
            }
            _ => {}
        }
        match primary {
            Some(gid) if gid != self.user.gid && !self.arguments.allow_gid_change => {
                errors.push(("gid", self.user.gid, gid));
            }
            _ => {}
        }
        let words: Vec<String> = errors.iter().map(|(what, from, to)| told(what, *from, *to)).collect();
        let comment = format!(
            "Encountered error checking for needed changes. Additional info follows:\n\n{}",
            words.join("\n")
        );
        let failed = errors.iter().fold(Outcome::failed(comment), |outcome, (what, from, _)| {
            outcome
                .hint(format!("keep `- {what}: {from}`, or add `- allow_{what}_change: True`"))
                .blames(what)
        });
        (!errors.is_empty()).then_some(failed)
    }

    fn wanted_user(&self, primary: Option<u32>) -> User {
        let mut user = self.user.clone();
        user.uid = self.arguments.uid().unwrap_or(user.uid);
        user.gid = primary.unwrap_or(user.gid);
        if let Some(home) = self.arguments.home.as_ref().filter(|home| !home.is_empty()) {
            user.home.clone_from(home);
        }
        if let Some(shell) = self.arguments.shell.as_ref().filter(|shell| !shell.is_empty()) {
            user.shell.clone_from(shell);
        }
        for (part, wanted) in user.gecos.iter_mut().zip(self.arguments.gecos()) {
            if let Some(wanted) = wanted {
                *part = wanted.to_string();
            }
        }
        user
    }

    /// Supplementary groups as they are to be. A group of the user's own name is left as it is.
    fn wanted_memberships(&self, gid: u32) -> BTreeSet<String> {
        let there = self.accounts.memberships(&self.arguments.name);
        if self.arguments.groups.is_none() && self.arguments.optional_groups.is_none() {
            return there;
        }
        let mut wanted = self.arguments.wanted_groups(self.accounts);
        let primary = self.accounts.group_name(gid);
        let keep = |group: &&String| {
            !self.arguments.remove_groups || **group == self.arguments.name || Some(*group) == primary
        };
        wanted.extend(there.iter().filter(keep).cloned());
        wanted.retain(|group| Some(group) != primary || there.contains(group));
        wanted
    }

    fn steps(&self, user: &User, groups: &BTreeSet<String>) -> Steps {
        let name = &self.arguments.name;
        let mut argv: Vec<String> = vec!["usermod".into()];
        let mut flag = |flag: &str, value: String| argv.extend([flag.into(), value]);
        if user.uid != self.user.uid {
            flag("-u", user.uid.to_string());
        }
        if user.gid != self.user.gid {
            flag("-g", user.gid.to_string());
        }
        if user.home != self.user.home {
            flag("-d", user.home.clone());
        }
        if user.shell != self.user.shell {
            flag("-s", user.shell.clone());
        }
        if user.gecos != self.user.gecos {
            flag("-c", join_gecos(&user.gecos));
        }
        if *groups != self.accounts.memberships(name) {
            flag("-G", groups.iter().cloned().collect::<Vec<_>>().join(","));
        }
        if user.uid != self.user.uid && !self.arguments.unique {
            argv.push("-o".into());
        }
        let mut steps = Steps::from(self.accounts.clone());
        if argv.len() > 1 {
            argv.push(name.clone());
            steps.push(Command::new(argv), |after| {
                after.users.insert(name.clone(), user.clone());
                after.set_memberships(name, groups);
            });
        }
        steps
    }

    fn lock_steps(&self, steps: &mut Steps) {
        let name = &self.arguments.name;
        let there = steps.now().users.get(name).and_then(|user| user.shadow.clone());
        let (Some(lock), Some(shadow)) = (self.arguments.password_lock, there) else { return };
        if lock == shadow.password.is_locked() {
            return;
        }
        let turned = match (&shadow.password, lock) {
            (Password::Hash(hash), true) => Password::Hash(format!("!{hash}")),
            (Password::Hash(hash), false) => Password::Hash(hash.trim_start_matches('!').to_string()),
            (Password::Fingerprint(there), true) => Password::Fingerprint(format!("!{there}")),
            (Password::Fingerprint(there), false) => {
                Password::Fingerprint(there.trim_start_matches('!').to_string())
            }
        };
        let flag = if lock { "-L" } else { "-U" };
        steps.push(Command::new(["usermod", flag, name]), |after| {
            if let Some(user) = after.users.get_mut(name) {
                user.shadow = Some(Shadow { password: turned, ..shadow });
            }
        });
    }

    /// What is different now, under Salt's names; a password is never shown.
    fn changes(&self, after: &Accounts) -> Map {
        let name = &self.arguments.name;
        let mut changes = Map::new();
        let old = information(self.accounts, name).unwrap_or_default();
        let new = information(after, name).unwrap_or_default();
        for (key, value) in new.iter() {
            if old.get_key(key) != Some(value) {
                changes.insert(key.clone(), value.clone());
            }
        }
        let shadow = after.users.get(name).and_then(|user| user.shadow.as_ref());
        if let (Some(before), Some(after)) = (&self.user.shadow, shadow) {
            if !is_same(&before.password, &after.password) {
                changes.insert("passwd", REDACTED);
            }
            for ((key, before), (_, after)) in before.ages().into_iter().zip(after.ages()) {
                if before != after {
                    changes.insert(key, after);
                }
            }
        }
        changes
    }
}

fn is_same(one: &Password, other: &Password) -> bool {
    match other {
        Password::Hash(hash) => one.is(hash),
        Password::Fingerprint(_) => match one {
            Password::Hash(hash) => other.is(hash),
            Password::Fingerprint(_) => one == other,
        },
    }
}

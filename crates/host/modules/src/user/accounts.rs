//! Users and groups of a machine: the files in `/etc`, with what the run has declared since on top.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use host::{Effect, Fact, Host, HostError, Subject};
use value::{Map, Value};

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    /// Number.
    pub uid: u32,
    /// Number of the primary group.
    pub gid: u32,
    /// Full name, room, work phone, home phone, anything else: the comment field.
    pub gecos: [String; 5],
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// Password and its ages, where they are known.
    pub shadow: Option<Shadow>,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Number.
    pub gid: u32,
    /// Names of supplementary members, in the file's order.
    pub members: Vec<String>,
}

/// A password's state. Ages are days; -1 is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shadow {
    /// The password.
    pub password: Password,
    /// Day of the last change.
    pub changed: i64,
    /// Days before it may be changed.
    pub minimum: i64,
    /// Days after which it has to be changed.
    pub maximum: i64,
    /// Days of warning.
    pub warn: i64,
    /// Days after its end until the account is locked.
    pub inactive: i64,
    /// Day on which the account ends.
    pub expire: i64,
}

/// A hashed password. Facts carry a fingerprint only, so that a journal shows nobody's hash.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Password {
    /// The hash itself.
    Hash(String),
    /// A fingerprint of it.
    Fingerprint(String),
}

impl Password {
    /// Whether it is this hash.
    pub(crate) fn is(&self, hash: &str) -> bool {
        match self {
            Self::Hash(there) => there == hash,
            Self::Fingerprint(there) => *there == fingerprint(hash),
        }
    }

    /// Whether nobody can log in with it.
    pub(crate) fn is_locked(&self) -> bool {
        match self {
            Self::Hash(hash) | Self::Fingerprint(hash) => hash.starts_with('!'),
        }
    }

    /// Whether no password was ever set.
    pub(crate) fn is_unset(&self) -> bool {
        ["!", "!!", "*", "!*"].iter().any(|unset| self.is(unset))
    }
}

/// Never the hash.
impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(REDACTED)
    }
}

/// What stands for a password wherever one would be shown; Salt's words.
pub(crate) const REDACTED: &str = "XXX-REDACTED-XXX";

fn fingerprint(hash: &str) -> String {
    if hash.is_empty() {
        return String::new();
    }
    let mut hasher = DefaultHasher::new();
    hash.hash(&mut hasher);
    let lock = if hash.starts_with('!') { "!" } else { "" };
    format!("{lock}{:016x}", hasher.finish())
}

/// All users and groups, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// Users.
    pub users: BTreeMap<String, User>,
    /// Groups.
    pub groups: BTreeMap<String, Group>,
}

impl Accounts {
    /// Reads them. Files that are not there are empty; where `/etc/shadow` may not be read, passwords are unknown.
    pub(crate) fn of(host: &dyn Host) -> Result<Self, HostError> {
        let mut accounts = Self::parse(&read(host, "/etc/passwd")?, &read(host, "/etc/group")?);
        match read(host, "/etc/shadow") {
            Ok(shadow) => accounts.take_shadow(&shadow),
            Err(HostError::Denied { .. }) => {}
            Err(error) => return Err(error),
        }
        for (name, fact) in host.facts("group") {
            accounts.take_group(&name, fact)?;
        }
        for (name, fact) in host.facts("user") {
            accounts.take_user(&name, fact)?;
        }
        Ok(accounts)
    }

    /// The files as text. Lines that are no accounts are passed over.
    pub(super) fn parse(passwd: &str, group: &str) -> Self {
        let mut accounts = Self::default();
        for line in passwd.lines() {
            let [name, _, uid, gid, gecos, home, shell, ..] = line.split(':').collect::<Vec<_>>()[..] else {
                continue;
            };
            let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse()) else { continue };
            let user = User {
                uid,
                gid,
                gecos: split_gecos(gecos),
                home: home.into(),
                shell: shell.into(),
                shadow: None,
            };
            accounts.users.entry(name.into()).or_insert(user);
        }
        for line in group.lines() {
            let [name, _, gid, members, ..] = line.split(':').collect::<Vec<_>>()[..] else { continue };
            let Ok(gid) = gid.parse() else { continue };
            let members = members.split(',').filter(|name| !name.is_empty()).map(String::from).collect();
            accounts.groups.entry(name.into()).or_insert(Group { gid, members });
        }
        accounts
    }

    fn take_shadow(&mut self, text: &str) {
        for line in text.lines() {
            let mut fields = line.split(':');
            let (Some(name), Some(hash)) = (fields.next(), fields.next()) else { continue };
            let Some(user) = self.users.get_mut(name) else { continue };
            let mut age = || fields.next().and_then(|days| days.parse().ok()).unwrap_or(-1);
            user.shadow = Some(Shadow {
                password: Password::Hash(hash.into()),
                changed: age(),
                minimum: age(),
                maximum: age(),
                warn: age(),
                inactive: age(),
                expire: age(),
            });
        }
    }

    fn take_group(&mut self, name: &str, fact: Fact) -> Result<(), HostError> {
        let Fact::Present(value) = fact else {
            return self.gone_or_unknown("group", name, &fact);
        };
        let members = value.get("members").and_then(Value::as_list).unwrap_or_default();
        let members = members.iter().map(ToString::to_string).collect();
        let gid = number(&value, "gid").ok_or_else(|| unknown("group", name))?;
        self.groups.insert(name.into(), Group { gid, members });
        Ok(())
    }

    fn take_user(&mut self, name: &str, fact: Fact) -> Result<(), HostError> {
        let Fact::Present(value) = fact else {
            return self.gone_or_unknown("user", name, &fact);
        };
        let text = |key: &str| value.get(key).filter(|it| !it.is_null()).map(ToString::to_string);
        let uid = number(&value, "uid").ok_or_else(|| unknown("user", name))?;
        let user = User {
            uid,
            gid: number(&value, "gid").unwrap_or(uid),
            gecos: GECOS.map(|key| text(key).unwrap_or_default()),
            home: text("home").unwrap_or_default(),
            shell: text("shell").unwrap_or_default(),
            shadow: value.get("shadow").map(declared_shadow),
        };
        self.users.insert(name.into(), user);
        for group in value.get("groups").and_then(Value::as_list).unwrap_or_default() {
            if let Some(group) = self.groups.get_mut(&group.to_string())
                && group.gid != uid
                && !group.members.iter().any(|member| member == name)
            {
                group.members.push(name.into());
            }
        }
        Ok(())
    }

    fn gone_or_unknown(&mut self, kind: &'static str, name: &str, fact: &Fact) -> Result<(), HostError> {
        if *fact == Fact::Unknown {
            return Err(unknown(kind, name));
        }
        match kind {
            "user" => drop(self.users.remove(name)),
            _ => drop(self.groups.remove(name)),
        }
        Ok(())
    }

    /// The name of a group's number.
    pub(crate) fn group_name(&self, gid: u32) -> Option<&String> {
        self.groups.iter().find(|(_, group)| group.gid == gid).map(|(name, _)| name)
    }

    /// The names of a user's groups, the primary one included, sorted.
    pub(crate) fn groups_of(&self, name: &str) -> Vec<String> {
        let primary = self.users.get(name).map(|user| user.gid);
        let belongs = |group: &Group| Some(group.gid) == primary || group.members.iter().any(|it| it == name);
        self.groups.iter().filter(|(_, group)| belongs(group)).map(|(name, _)| name.clone()).collect()
    }

    /// The names of the groups that list a user as a member, sorted.
    pub(crate) fn memberships(&self, name: &str) -> BTreeSet<String> {
        let belongs = |group: &Group| group.members.iter().any(|it| it == name);
        self.groups.iter().filter(|(_, group)| belongs(group)).map(|(name, _)| name.clone()).collect()
    }

    /// Makes a user a member of exactly these groups; groups that are not there are passed over.
    pub(crate) fn set_memberships(&mut self, name: &str, groups: &BTreeSet<String>) {
        for (group_name, group) in &mut self.groups {
            let listed = group.members.iter().any(|member| member == name);
            match (listed, groups.contains(group_name)) {
                (false, true) => group.members.push(name.into()),
                (true, false) => group.members.retain(|member| member != name),
                _ => {}
            }
        }
    }

    /// What one state of accounts has that another has not, as effects.
    pub(crate) fn effects(&self, after: &Self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for name in names(&self.groups, &after.groups) {
            let (before, after) = (self.groups.get(name), after.groups.get(name));
            effects.extend(effect("group", name, before.map(group_fact), after.map(group_fact)));
        }
        for name in names(&self.users, &after.users) {
            let (before, after) = (self.users.get(name), after.users.get(name));
            effects.extend(effect("user", name, before.map(user_fact), after.map(user_fact)));
        }
        effects
    }
}

/// Names that stand in either.
pub(super) fn names<'a, T>(
    one: &'a BTreeMap<String, T>,
    other: &'a BTreeMap<String, T>,
) -> BTreeSet<&'a String> {
    one.keys().chain(other.keys()).collect()
}

/// The parts of the comment field, under Salt's names.
pub(crate) const GECOS: [&str; 5] = ["fullname", "roomnumber", "workphone", "homephone", "other"];

fn split_gecos(gecos: &str) -> [String; 5] {
    let mut parts = gecos.splitn(5, ',').map(String::from);
    [(); 5].map(|()| parts.next().unwrap_or_default())
}

/// The comment field of its parts, without commas that nothing follows.
pub(super) fn join_gecos(gecos: &[String; 5]) -> String {
    gecos.join(",").trim_end_matches(',').to_string()
}

fn read(host: &dyn Host, path: &str) -> Result<String, HostError> {
    match host.read(Path::new(path)) {
        Ok(content) => Ok(String::from_utf8_lossy(&content).into_owned()),
        Err(HostError::NotFound(_)) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

fn number(value: &Value, key: &str) -> Option<u32> {
    value.get(key).and_then(Value::as_int).and_then(|number| u32::try_from(number).ok())
}

fn unknown(kind: &str, name: &str) -> HostError {
    HostError::Unknown { what: format!("the {kind} {name}"), because: "an earlier step".into() }
}

fn effect(kind: &'static str, name: &str, before: Option<Map>, after: Option<Map>) -> Option<Effect> {
    let fact = |map: Option<Map>| map.map_or(Fact::Absent, |map| Fact::Present(map.into()));
    (before != after).then(|| Effect {
        subject: Subject::new(kind, name),
        before: fact(before),
        after: fact(after),
    })
}

fn group_fact(group: &Group) -> Map {
    let members: Value = group.members.iter().map(String::as_str).collect();
    [("gid", Value::from(group.gid)), ("members", members)].into_iter().collect()
}

fn user_fact(user: &User) -> Map {
    let mut map: Map = [("uid", Value::from(user.uid)), ("gid", user.gid.into())].into_iter().collect();
    map.insert("home", user.home.as_str());
    map.insert("shell", user.shell.as_str());
    for (key, part) in GECOS.iter().zip(&user.gecos) {
        if !part.is_empty() {
            map.insert(*key, part.as_str());
        }
    }
    if let Some(shadow) = &user.shadow {
        let fingerprint = match &shadow.password {
            Password::Hash(hash) => fingerprint(hash),
            Password::Fingerprint(there) => there.clone(),
        };
        let mut ages: Map = [("fingerprint", fingerprint)].into_iter().collect();
        for (key, days) in shadow.ages() {
            ages.insert(key, days);
        }
        map.insert("shadow", ages);
    }
    map
}

impl Shadow {
    /// The ages under Salt's names.
    pub(crate) fn ages(&self) -> [(&'static str, i64); 6] {
        [
            ("lstchg", self.changed),
            ("min", self.minimum),
            ("max", self.maximum),
            ("warn", self.warn),
            ("inact", self.inactive),
            ("expire", self.expire),
        ]
    }
}

fn declared_shadow(value: &Value) -> Shadow {
    let age = |key: &str| value.get(key).and_then(Value::as_int).unwrap_or(-1);
    Shadow {
        password: Password::Fingerprint(
            value.get("fingerprint").map(ToString::to_string).unwrap_or_default(),
        ),
        changed: age("lstchg"),
        minimum: age("min"),
        maximum: age("max"),
        warn: age("warn"),
        inactive: age("inact"),
        expire: age("expire"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_files_and_says_what_differs() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbob:x:1000:1000:Bob,1,,:/home/bob:/bin/sh\nbroken\n";
        let mut accounts = Accounts::parse(passwd, "root:x:0:\nbob:x:1000:\nsudo:x:27:bob,amy\n");
        accounts.take_shadow("bob:$6$a:19000:0:99999:7:::\n");
        assert_eq!(accounts.groups_of("bob"), ["bob", "sudo"]);
        assert_eq!(accounts.users["bob"].gecos[1], "1");
        assert_eq!(join_gecos(&accounts.users["bob"].gecos), "Bob,1");
        let shadow = accounts.users["bob"].shadow.clone().unwrap();
        assert!(shadow.password.is("$6$a") && !shadow.password.is_unset());
        assert_eq!((shadow.maximum, shadow.expire), (99999, -1));

        let mut after = accounts.clone();
        after.set_memberships("bob", &BTreeSet::from(["root".to_string()]));
        let subjects: Vec<_> =
            accounts.effects(&after).iter().map(|effect| effect.subject.to_string()).collect();
        assert_eq!(subjects, ["group root", "group sudo"]);
        let told = format!("{:?}{:?}", accounts, accounts.effects(&Accounts::default()));
        assert!(!told.contains("$6$a"), "{told}");
    }
}

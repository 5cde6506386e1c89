//! `user.present`.

use std::collections::BTreeSet;
use std::path::Path;

use host::{Command, Host, HostError};
use value::Value;

use super::accounts::{Accounts, GECOS, Group, Password, REDACTED, Shadow, User, join_gecos};
use super::manager::Steps;
use super::numbers::Definitions;
use super::text::{is_field, is_name};
use super::{alter, home, information};
use crate::{AnyText, Context, Failure, Outcome};

arguments! {
    /// Keeps a user there, with the properties that are given.
    pub(super) struct Present {
        /// Login name.
        name: String,
        /// Number; the next that is free by default.
        uid: Option<i64>,
        /// Primary group, by number or name.
        gid: Option<AnyText>,
        /// Take the group of the same name as the primary group.
        gid_from_name: bool = false,
        /// Whether a new user gets a group of its own; the machine's default otherwise.
        usergroup: Option<bool>,
        /// Supplementary groups; all have to be there.
        groups: Option<Vec<String>>,
        /// Supplementary groups, those that are there.
        optional_groups: Option<Vec<String>>,
        /// Leave groups that are not listed.
        remove_groups: bool = true,
        /// Home directory.
        home: Option<String>,
        /// Make the home directory if it is missing.
        createhome: bool = true,
        /// The password, hashed.
        password: Option<String>,
        /// Hash the password; not supported: give a hash (`openssl passwd -6`).
        hash_password: bool = false,
        /// Set the password again when it was changed on the machine.
        enforce_password: bool = true,
        /// Let the user in without a password.
        empty_password: bool = false,
        /// Login shell.
        shell: Option<String>,
        /// Refuse a number that another user has.
        unique: bool = true,
        /// Take the number from the range for system accounts.
        system: bool = false,
        /// Full name.
        fullname: Option<AnyText>,
        /// Room.
        roomnumber: Option<AnyText>,
        /// Phone at work.
        workphone: Option<AnyText>,
        /// Phone at home.
        homephone: Option<AnyText>,
        /// Anything else.
        other: Option<AnyText>,
        /// For systems that have login classes; ignored.
        loginclass: Option<String>,
        /// Day of the last change of the password, since 1970.
        date: Option<i64>,
        /// Days before the password may be changed.
        mindays: Option<i64>,
        /// Days after which the password has to be changed.
        maxdays: Option<i64>,
        /// Days after the password's end until the account is locked.
        inactdays: Option<i64>,
        /// Days of warning before the password ends.
        warndays: Option<i64>,
        /// Day on which the account ends, since 1970.
        expire: Option<i64>,
        /// Lock or unlock the password.
        password_lock: Option<bool>,
        /// Do not add the user to `lastlog` and `faillog`.
        nologinit: bool = false,
        /// Allow the number of a user to be changed.
        allow_uid_change: bool = false,
        /// Allow the primary group of a user to be changed.
        allow_gid_change: bool = false,
        /// For systems with `luseradd`; ignored.
        local: bool = false
        ;.. others
    }
}

/// See [`Present`].
pub(super) fn present(context: &Context<'_>, arguments: Present) -> Result<Outcome, Failure> {
    if let Some(failed) = arguments.problem() {
        return Ok(failed);
    }
    let host = context.host();
    let accounts = Accounts::of(host)?;
    if let Some(missing) = arguments.missing_groups(&accounts) {
        return Ok(Outcome::failed(format!("The following group(s) are not present: {missing}"))
            .hint("add a `group.present` state for each and require it, or list them under `optional_groups`")
            .blames("groups"));
    }
    match accounts.users.get(&arguments.name) {
        Some(user) => {
            alter::Change { context, arguments: &arguments, user, accounts: &accounts }.bring_about()
        }
        None => create(context, &arguments, accounts),
    }
}

impl Present {
    /// What can never be right, whatever the machine is like.
    pub(super) fn problem(&self) -> Option<Outcome> {
        if !is_name(&self.name) {
            let failed = Outcome::failed(format!("`{}` can not be the name of a user", self.name));
            return Some(failed.hint(super::text::NAMES).blames("name"));
        }
        for part in [&self.fullname, &self.roomnumber, &self.workphone].into_iter().flatten() {
            if part.as_str().contains(',') {
                return Some(
                    Outcome::failed(format!("Unsupported char ',' in {part}"))
                        .hint("commas separate the parts of that field in /etc/passwd: write it without"),
                );
            }
        }
        let gecos = [&self.fullname, &self.roomnumber, &self.workphone, &self.homephone, &self.other];
        let texts = gecos.into_iter().flatten().map(AnyText::as_str);
        let fields = [&self.home, &self.shell, &self.password].into_iter().flatten().map(String::as_str);
        if texts.chain(fields).any(|text| !is_field(text)) {
            return Some(
                Outcome::failed("A colon or line end cannot stand in a property of a user")
                    .hint("colons separate the properties in /etc/passwd: write the value without"),
            );
        }
        if self.hash_password && self.password.is_some() {
            return Some(
                Outcome::failed(
                    "hash_password is not supported: give `password` as a hash, such as `openssl passwd -6` makes",
                )
                .hint("remove `hash_password`, and put what `openssl passwd -6` prints into pillar")
                .blames("hash_password"),
            );
        }
        if self.uid.is_some_and(|uid| !(0..i64::from(u32::MAX)).contains(&uid)) {
            let failed = Outcome::failed(format!("uid {} is out of range", self.uid.unwrap_or_default()));
            return Some(failed.hint("write a number from 0 to 4294967294").blames("uid"));
        }
        None
    }

    pub(super) fn missing_groups(&self, accounts: &Accounts) -> Option<String> {
        let missing: Vec<&str> = self
            .groups
            .iter()
            .flatten()
            .filter(|group| !accounts.groups.contains_key(*group))
            .map(String::as_str)
            .collect();
        (!missing.is_empty()).then(|| missing.join(","))
    }

    /// Groups and those optional groups that are there.
    pub(super) fn wanted_groups(&self, accounts: &Accounts) -> BTreeSet<String> {
        let optional =
            self.optional_groups.iter().flatten().filter(|group| accounts.groups.contains_key(*group));
        self.groups.iter().flatten().chain(optional).cloned().collect()
    }

    pub(super) fn uid(&self) -> Option<u32> {
        self.uid.and_then(|uid| u32::try_from(uid).ok())
    }

    /// The primary group that is asked for.
    pub(super) fn primary(&self, accounts: &Accounts) -> Result<Option<u32>, Failure> {
        let name = match &self.gid {
            Some(gid) => gid.as_str(),
            None if self.gid_from_name => &self.name,
            None => return Ok(None),
        };
        if let Some(group) = accounts.groups.get(name) {
            return Ok(Some(group.gid));
        }
        match name.parse::<u32>() {
            Ok(gid) if accounts.group_name(gid).is_some() => Ok(Some(gid)),
            _ => Err(Failure::message(format!(
                "The primary group {name} of user {} is not present",
                self.name
            ))
            .hint(format!("add a `group.present` state for `{name}` that this one requires"))
            .blames(if self.gid.is_some() { "gid" } else { "gid_from_name" })),
        }
    }

    pub(super) fn gecos(&self) -> [Option<&AnyText>; 5] {
        [&self.fullname, &self.roomnumber, &self.workphone, &self.homephone, &self.other].map(Option::as_ref)
    }

    /// The password's state as asked for, on top of one.
    pub(super) fn shadow(&self, there: Option<&Shadow>, today: i64) -> Option<Shadow> {
        let fresh = Shadow {
            password: Password::Hash("!".into()),
            changed: today,
            minimum: 0,
            maximum: 99999,
            warn: 7,
            inactive: -1,
            expire: -1,
        };
        let mut shadow = there.cloned().unwrap_or(fresh);
        if self.empty_password {
            if !shadow.password.is("") {
                shadow.password = Password::Hash(String::new());
            }
        } else if let Some(hash) = self.password.as_ref().filter(|hash| !hash.is_empty())
            && !shadow.password.is(hash)
            && (self.enforce_password || shadow.password.is_unset())
        {
            shadow.password = Password::Hash(hash.clone());
            shadow.changed = today;
        }
        let ages = [
            (&mut shadow.changed, self.date),
            (&mut shadow.minimum, self.mindays),
            (&mut shadow.maximum, self.maxdays),
            (&mut shadow.inactive, self.inactdays),
            (&mut shadow.warn, self.warndays),
            (&mut shadow.expire, self.expire),
        ];
        for (age, wanted) in ages {
            if let Some(days) = wanted {
                *age = days;
            }
        }
        Some(shadow)
    }

    /// Whether anything about the password is asked for.
    pub(super) fn minds_shadow(&self) -> bool {
        let ages = [self.date, self.mindays, self.maxdays, self.inactdays, self.warndays, self.expire];
        self.password.is_some() || self.empty_password || ages.iter().any(Option::is_some)
    }
}

pub(super) fn today(host: &dyn Host) -> i64 {
    host.now().seconds.div_euclid(86400)
}

/// The rules of the machine for new accounts.
pub(crate) fn definitions(host: &dyn Host) -> Result<Definitions, HostError> {
    let mut text = String::new();
    for path in ["/etc/login.defs", "/etc/default/useradd"] {
        match host.read(Path::new(path)) {
            Ok(content) => text.push_str(&String::from_utf8_lossy(&content)),
            Err(HostError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        text.push('\n');
    }
    Ok(Definitions::new(text))
}

fn create(context: &Context<'_>, arguments: &Present, accounts: Accounts) -> Result<Outcome, Failure> {
    let host = context.host();
    let definitions = definitions(host)?;
    let name = &arguments.name;
    let used: BTreeSet<u32> = accounts.users.values().map(|user| user.uid).collect();
    let uid = match arguments.uid() {
        Some(uid) if arguments.unique && used.contains(&uid) => {
            return Ok(Outcome::failed(format!("Failed to create new user {name}: uid {uid} is taken"))
                .hint("choose another uid, or leave `uid` out: the next free one is taken")
                .blames("uid"));
        }
        Some(uid) => uid,
        None => definitions.free("UID", arguments.system, &used).ok_or_else(|| {
            Failure::message(format!("Failed to create new user {name}: no uid is free"))
                .hint("widen UID_MIN to UID_MAX in /etc/login.defs, or name a `uid`")
        })?,
    };
    let own = arguments.gid.is_none()
        && !arguments.gid_from_name
        && arguments.usergroup.unwrap_or_else(|| definitions.user_groups());
    let mut steps = Steps::from(accounts.clone());
    let mut useradd: Vec<String> = vec!["useradd".into(), "-M".into(), "-u".into(), uid.to_string()];
    let gid = if own {
        if accounts.groups.contains_key(name) {
            return Ok(Outcome::failed(format!(
                "Failed to create new user {name}: group {name} exists. Add the user to it with gid_from_name: \
                 True, or set usergroup: False"
            ))
            .hint("add `- gid_from_name: True` or `- usergroup: False`"));
        }
        let gids: BTreeSet<u32> = accounts.groups.values().map(|group| group.gid).collect();
        if gids.contains(&uid) {
            let gid = definitions.free("GID", arguments.system, &gids).ok_or_else(|| {
                Failure::message(format!("Failed to create new user {name}: no gid is free"))
                    .hint("widen GID_MIN to GID_MAX in /etc/login.defs, or name a `gid`")
            })?;
            steps.push(Command::new(["groupadd", "-g", &gid.to_string(), name]), |after| {
                after.groups.insert(name.clone(), Group { gid, members: Vec::new() });
            });
            useradd.extend(["-g".into(), gid.to_string()]);
            gid
        } else {
            useradd.push("-U".into());
            uid
        }
    } else {
        let fallback = || definitions.get("GROUP").and_then(|group| group.parse().ok()).unwrap_or(100);
        let gid = arguments.primary(&accounts)?.unwrap_or_else(fallback);
        useradd.extend(["-g".into(), gid.to_string()]);
        gid
    };
    for (wanted, flag) in [(!arguments.unique, "-o"), (arguments.system, "-r"), (arguments.nologinit, "-l")] {
        if wanted {
            useradd.push(flag.into());
        }
    }
    let groups = arguments.wanted_groups(&accounts);
    if !groups.is_empty() {
        useradd.extend(["-G".into(), groups.iter().cloned().collect::<Vec<_>>().join(",")]);
    }
    let home_base = definitions.get("HOME").unwrap_or("/home").trim_end_matches('/').to_string();
    let home = arguments.home.clone().unwrap_or_else(|| format!("{home_base}/{name}"));
    let shell = arguments.shell.clone();
    let shell = shell.unwrap_or_else(|| definitions.get("SHELL").unwrap_or("/bin/sh").to_string());
    let gecos = arguments.gecos().map(|part| part.map(ToString::to_string).unwrap_or_default());
    useradd.extend(["-d".into(), home.clone(), "-s".into(), shell.clone()]);
    if !join_gecos(&gecos).is_empty() {
        useradd.extend(["-c".into(), join_gecos(&gecos)]);
    }
    useradd.push(name.clone());
    let user = User { uid, gid, gecos, home: home.clone(), shell, shadow: None };
    let own_group = own && !useradd.contains(&"-g".to_string());
    steps.push(Command::new(useradd), |after| {
        after.users.insert(name.clone(), user);
        if own_group {
            after.groups.insert(name.clone(), Group { gid, members: Vec::new() });
        }
        after.set_memberships(name, &groups);
    });
    if arguments.minds_shadow() {
        let shadow = arguments.shadow(None, today(host));
        password_steps(&mut steps, name, None, shadow.as_ref());
    }
    let mut created = steps.now().clone();
    if let Some(error) = steps.carry_out(host)? {
        let failed = Outcome::failed(format!("Failed to create new user {name}: {error}"));
        return Ok(failed.hint(super::manager::ADVICE));
    }
    if !host.is_plan() {
        created = Accounts::of(host)?;
    }
    let home_path = Path::new(&home);
    if arguments.createhome && home.starts_with('/') && host.metadata(home_path)?.is_none() {
        home::create(host, home_path, (uid, gid), definitions.home_mode(), true)?;
    }
    let mut changes = information(&created, name).unwrap_or_default();
    if !arguments.createhome {
        changes.insert("home", "");
    }
    if arguments.password.is_some() && !arguments.empty_password {
        changes.insert("password", REDACTED);
    } else if arguments.empty_password {
        changes.insert("password", "");
    }
    for (key, days) in [
        ("date", arguments.date),
        ("mindays", arguments.mindays),
        ("maxdays", arguments.maxdays),
        ("inactdays", arguments.inactdays),
        ("warndays", arguments.warndays),
        ("expire", arguments.expire),
    ] {
        if let Some(days) = days {
            changes.insert(key, days);
        }
    }
    let comment = context.words(format!("New user {name} created"), format!("User {name} set to be added"));
    Ok(Outcome::changed(comment, changes))
}

/// Commands that bring a password's state about. The hash goes through standard input, never through argv.
pub(super) fn password_steps(steps: &mut Steps, name: &str, before: Option<&Shadow>, after: Option<&Shadow>) {
    let Some(after) = after else { return };
    let set = |accounts: &mut Accounts| {
        if let Some(user) = accounts.users.get_mut(name) {
            user.shadow = Some(after.clone());
        }
    };
    if before.map(|it| &it.password) != Some(&after.password) {
        match &after.password {
            Password::Hash(hash) if hash.is_empty() => steps.push(Command::new(["passwd", "-d", name]), set),
            Password::Hash(hash) if hash == "!" => {}
            Password::Hash(hash) => {
                let mut command = Command::new(["chpasswd", "-e"]);
                command.stdin = format!("{name}:{hash}\n").into_bytes();
                steps.push(command, set);
            }
            Password::Fingerprint(_) => {}
        }
    }
    let mut argv: Vec<String> = vec!["chage".into()];
    let ages = [
        ("-d", after.changed, before.map_or(after.changed, |it| it.changed)),
        ("-m", after.minimum, before.map_or(0, |it| it.minimum)),
        ("-M", after.maximum, before.map_or(99999, |it| it.maximum)),
        ("-W", after.warn, before.map_or(7, |it| it.warn)),
        ("-I", after.inactive, before.map_or(-1, |it| it.inactive)),
        ("-E", after.expire, before.map_or(-1, |it| it.expire)),
    ];
    for (flag, days, there) in ages {
        // chpasswd sets the day of the change itself.
        let by_password = flag == "-d" && before.is_some_and(|it| it.password != after.password);
        if days != there && !by_password {
            argv.extend([flag.into(), days.to_string()]);
        }
    }
    if argv.len() > 1 {
        argv.push(name.into());
        steps.push(Command::new(argv), set);
    }
}

/// The names of the comment field's parts with a user's values.
pub(super) fn gecos_of(user: &User) -> impl Iterator<Item = (&'static str, Value)> {
    GECOS.into_iter().zip(user.gecos.iter().map(|part| Value::from(part.as_str())))
}

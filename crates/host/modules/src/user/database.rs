//! Editing `/etc/passwd`, `/etc/group`, `/etc/shadow` and `/etc/gshadow` in a tree that has no programs for it.
//! Each file is replaced atomically; lines of other accounts stay as they are.

use std::path::Path;

use host::{Attributes, Host, HostError, Owner};

use super::accounts::{Accounts, Group, Password, Shadow, User, join_gecos, names};
use super::text::{edit, fields};

/// Writes what differs between two states of accounts. Missing files are made, with root in them.
pub(super) fn write(host: &dyn Host, before: &Accounts, after: &Accounts) -> Result<(), HostError> {
    let mut files = Files::read(host)?;
    for name in names(&before.groups, &after.groups) {
        let group = after.groups.get(name);
        if before.groups.get(name) != group {
            files.set_group(name, group);
        }
    }
    for name in names(&before.users, &after.users) {
        let user = after.users.get(name);
        if before.users.get(name) != user {
            files.set_user(name, user);
        }
    }
    files.write(host, after)
}

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
const SHADOW: &str = "/etc/shadow";
const GSHADOW: &str = "/etc/gshadow";

/// One file: what was there, what is to be there.
struct File {
    path: &'static str,
    before: Option<String>,
    text: String,
}

impl File {
    fn read(host: &dyn Host, path: &'static str, initial: &str) -> Result<Self, HostError> {
        let before = match host.read(Path::new(path)) {
            Ok(content) => Some(String::from_utf8_lossy(&content).into_owned()),
            Err(HostError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let text = before.clone().unwrap_or_else(|| initial.to_string());
        Ok(Self { path, before, text })
    }

    fn set(&mut self, name: &str, line: Option<&str>) {
        self.text = edit(&self.text, name, line);
    }

    fn write(&self, host: &dyn Host, secret: bool, accounts: &Accounts) -> Result<(), HostError> {
        if self.before.as_ref() == Some(&self.text) {
            return Ok(());
        }
        let attributes = if self.before.is_some() {
            Attributes::default()
        } else {
            let readers = accounts.groups.get("shadow").filter(|_| secret).map_or(0, |group| group.gid);
            Attributes {
                mode: Some(if secret { 0o640 } else { 0o644 }),
                user: Some(Owner::Id(0)),
                group: Some(Owner::Id(readers)),
            }
        };
        host.write(Path::new(self.path), self.text.as_bytes(), &attributes)
    }
}

struct Files {
    passwd: File,
    group: File,
    shadow: File,
    gshadow: File,
}

impl Files {
    fn read(host: &dyn Host) -> Result<Self, HostError> {
        Ok(Self {
            passwd: File::read(host, PASSWD, "root:x:0:0:root:/root:/bin/sh\n")?,
            group: File::read(host, GROUP, "root:x:0:\n")?,
            shadow: File::read(host, SHADOW, "root:*::0:99999:7:::\n")?,
            gshadow: File::read(host, GSHADOW, "root:*::\n")?,
        })
    }

    fn set_group(&mut self, name: &str, group: Option<&Group>) {
        let members = group.map(|group| group.members.join(",")).unwrap_or_default();
        let line = group.map(|group| {
            let password = fields(&self.group.text, name).and_then(|it| it.get(1).copied()).unwrap_or("x");
            format!("{name}:{password}:{}:{members}", group.gid)
        });
        self.group.set(name, line.as_deref());
        let line = group.map(|_| {
            let there = fields(&self.gshadow.text, name).unwrap_or_default();
            let password = there.get(1).copied().unwrap_or("!");
            let administrators = there.get(2).copied().unwrap_or_default();
            format!("{name}:{password}:{administrators}:{members}")
        });
        self.gshadow.set(name, line.as_deref());
    }

    fn set_user(&mut self, name: &str, user: Option<&User>) {
        let line = user.map(|user| {
            let password = fields(&self.passwd.text, name).and_then(|it| it.get(1).copied()).unwrap_or("x");
            let gecos = join_gecos(&user.gecos);
            format!("{name}:{password}:{}:{}:{gecos}:{}:{}", user.uid, user.gid, user.home, user.shell)
        });
        self.passwd.set(name, line.as_deref());
        let line = match user {
            None => None,
            Some(User { shadow: None, .. }) => match fields(&self.shadow.text, name) {
                Some(_) => return,
                None => Some(format!("{name}:!::0:99999:7:::")),
            },
            Some(User { shadow: Some(shadow), .. }) => Some(self.shadow_line(name, shadow)),
        };
        self.shadow.set(name, line.as_deref());
    }

    fn shadow_line(&self, name: &str, shadow: &Shadow) -> String {
        let there = fields(&self.shadow.text, name).and_then(|it| it.get(1).copied()).unwrap_or("!");
        let password = match &shadow.password {
            Password::Hash(hash) => hash.as_str(),
            Password::Fingerprint(_) => there,
        };
        let days = |days: i64| if days < 0 { String::new() } else { days.to_string() };
        let ages =
            [shadow.changed, shadow.minimum, shadow.maximum, shadow.warn, shadow.inactive, shadow.expire];
        format!("{name}:{password}:{}:", ages.map(days).join(":"))
    }

    fn write(&self, host: &dyn Host, accounts: &Accounts) -> Result<(), HostError> {
        let etc = Path::new("/etc");
        if host.metadata(etc)?.is_none() {
            host.create_directory(etc, &Attributes { mode: Some(0o755), ..Attributes::default() })?;
        }
        self.group.write(host, false, accounts)?;
        self.gshadow.write(host, true, accounts)?;
        self.passwd.write(host, false, accounts)?;
        self.shadow.write(host, true, accounts)
    }
}

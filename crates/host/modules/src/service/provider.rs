//! How services are asked about and told what to do.

use std::path::Path;
use std::time::Duration;

use host::{Action, Command, Effect, Fact, Host, HostError, Output, Subject};
use value::{Map, Value};

use super::{systemd, sysv, unit_files};
use crate::Failure;

/// The kind of a service's fact: `{running, enabled, masked}`.
pub(super) const KIND: &str = "service";

/// How it is with a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Service {
    /// Whether it runs.
    pub running: bool,
    /// Whether it starts at boot.
    pub enabled: bool,
    /// Whether it is masked for good.
    pub masked: bool,
    /// Whether it is masked until the next boot.
    pub runtime_masked: bool,
    /// Whether the manager has to read its unit again.
    pub needs_reload: bool,
}

/// What can be done to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Start,
    Stop,
    Restart,
    Reload,
    Enable,
    Disable,
    Mask { runtime: bool },
    Unmask { runtime: bool },
}

impl Deed {
    /// The verb of init systems.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Mask { .. } => "mask",
            Self::Unmask { .. } => "unmask",
        }
    }

    fn apply(self, service: &mut Service) {
        match self {
            Self::Start | Self::Restart => service.running = true,
            Self::Stop => service.running = false,
            Self::Reload => {}
            Self::Enable => service.enabled = true,
            Self::Disable => service.enabled = false,
            Self::Mask { runtime: false } => service.masked = true,
            Self::Mask { runtime: true } => service.runtime_masked = true,
            Self::Unmask { runtime: false } => service.masked = false,
            Self::Unmask { runtime: true } => service.runtime_masked = false,
        }
    }
}

/// Who manages services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Provider {
    /// systemd, running.
    Systemd,
    /// Scripts in `/etc/init.d`.
    SysV,
    /// Nobody: a tree that is to become a machine. Its unit files can be enabled; nothing runs.
    Offline,
}

impl Provider {
    /// Who manages this host's services.
    pub(super) fn of(host: &dyn Host) -> Result<Self, HostError> {
        if host.root().is_some() {
            return Ok(Self::Offline);
        }
        if host.metadata(Path::new("/run/systemd/system"))?.is_some() {
            return Ok(Self::Systemd);
        }
        Ok(if host.metadata(Path::new("/etc/init.d"))?.is_some() && host.which("service").is_some() {
            Self::SysV
        } else {
            Self::Offline
        })
    }

    /// Where to look when a service does not do what it is told.
    pub(super) fn advice(self, name: &str) -> String {
        match self {
            Self::Systemd => format!("`systemctl status {name}` and `journalctl -u {name}` say more"),
            Self::SysV => format!("`service {name} status` and the files in /var/log say more"),
            Self::Offline => "no service manager runs here: only what starts at boot can be set".into(),
        }
    }

    /// One service; `None` when there is none of that name.
    pub(super) fn look(self, host: &dyn Host, name: &str) -> Result<Option<Service>, HostError> {
        let subject = Subject::new(KIND, plain(name));
        match host.fact(&subject) {
            Some(Fact::Absent) => return Ok(None),
            Some(Fact::Present(value)) => return Ok(Some(declared(&value))),
            Some(Fact::Unknown) => {
                let because = "an earlier step".into();
                return Err(HostError::Unknown { what: format!("how it is with service {name}"), because });
            }
            None => {}
        }
        if !is_name(name) {
            return Ok(None);
        }
        match self {
            Self::Systemd => systemd::look(host, name),
            Self::SysV => sysv::look(host, name),
            Self::Offline => unit_files::look(host, name),
        }
    }

    /// Does something to a service. Answers why it failed, if it did.
    pub(super) fn act(
        self,
        host: &dyn Host,
        name: &str,
        deed: Deed,
        how: &How,
    ) -> Result<Option<String>, Failure> {
        let before = self.look(host, name)?.unwrap_or_default();
        if self == Self::Offline {
            return unit_files::act(host, name, deed, &before);
        }
        if self == Self::Systemd && before.needs_reload {
            reload_manager(host)?;
        }
        let mut command = match self {
            Self::SysV => sysv::command(name, deed),
            _ => systemd::command(name, deed, how),
        };
        command.timeout = how.timeout;
        let mut after = Service { needs_reload: false, ..before.clone() };
        deed.apply(&mut after);
        let effect =
            Effect { subject: Subject::new(KIND, plain(name)), before: fact(&before), after: fact(&after) };
        match host.act(&Action::new(command, vec![effect]))?.output() {
            Some(output) if !output.succeeded() => Ok(Some(self.explain(host, name, &output))),
            _ => Ok(None),
        }
    }

    /// Whether masks exist here.
    pub(super) fn has_masks(self) -> bool {
        self != Self::SysV
    }

    /// What the command said, and what the service itself said last.
    fn explain(self, host: &dyn Host, name: &str, output: &Output) -> String {
        let said = format!("{}\n{}", output.stderr_text().trim(), output.stdout_text().trim());
        let journal = match self {
            Self::Systemd => systemd::last_words(host, name),
            _ => String::new(),
        };
        [said.trim(), journal.trim()]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The names of all services.
    pub(super) fn all(self, host: &dyn Host) -> Result<Vec<String>, HostError> {
        let mut names = match self {
            Self::SysV => sysv::all(host)?,
            _ => unit_files::all(host)?,
        };
        for (name, fact) in host.facts(KIND) {
            names.retain(|there| *there != name);
            if matches!(fact, Fact::Present(_)) {
                names.push(name);
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// Makes systemd read its units again.
pub(super) fn reload_manager(host: &dyn Host) -> Result<bool, HostError> {
    let subject = Subject::new("service manager", "systemd");
    let after = Fact::Present([("read", true)].into_iter().collect::<Map>().into());
    let effect = Effect { subject, before: Fact::Absent, after };
    let output = host.act(&Action::new(Command::new(["systemctl", "daemon-reload"]), vec![effect]))?.output();
    Ok(output.is_none_or(|output| output.succeeded()))
}

/// How something is done to a service.
#[derive(Clone, Debug, Default)]
pub(super) struct How {
    /// Do not wait until it is done.
    pub no_block: bool,
    /// How long the command may take.
    pub timeout: Option<Duration>,
}

/// The name under which a service is filed: `.service` is left out.
pub(super) fn plain(name: &str) -> &str {
    name.strip_suffix(".service").unwrap_or(name)
}

/// Whether text can be the name of a unit; a path or an option can not.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['-', '.']) && !name.contains(['/', '\0', ' ', '\n'])
}

fn fact(service: &Service) -> Fact {
    let mut map: Map = [("running", Value::from(service.running)), ("enabled", service.enabled.into())]
        .into_iter()
        .collect();
    for (key, flag) in [("masked", service.masked), ("runtime_masked", service.runtime_masked)] {
        if flag {
            map.insert(key, true);
        }
    }
    Fact::Present(map.into())
}

fn declared(value: &Value) -> Service {
    let flag = |key: &str| value.get(key).is_some_and(Value::is_truthy);
    Service {
        running: flag("running"),
        enabled: flag("enabled"),
        masked: flag("masked"),
        runtime_masked: flag("runtime_masked"),
        needs_reload: false,
    }
}

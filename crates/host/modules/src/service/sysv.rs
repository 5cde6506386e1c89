//! Scripts in `/etc/init.d`, started through `service` and enabled through `update-rc.d`.

use std::path::{Path, PathBuf};

use host::{Command, Host, HostError};

use super::provider::{Deed, Service, plain};

/// One script; `None` when there is none.
pub(super) fn look(host: &dyn Host, name: &str) -> Result<Option<Service>, HostError> {
    let name = plain(name);
    if host.metadata(&Path::new("/etc/init.d").join(name))?.is_none() {
        return Ok(None);
    }
    let running = host.probe(&Command::new(["service", name, "status"]))?.succeeded();
    Ok(Some(Service { running, enabled: is_enabled(host, name)?, ..Service::default() }))
}

/// A start link (`S20nginx`) in any of the runlevels that a machine is used in.
fn is_enabled(host: &dyn Host, name: &str) -> Result<bool, HostError> {
    for level in ["2", "3", "4", "5", "S"] {
        let directory = PathBuf::from(format!("/etc/rc{level}.d"));
        if host.metadata(&directory)?.is_none() {
            continue;
        }
        let starts = |entry: &str| {
            entry
                .strip_prefix('S')
                .is_some_and(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()) == name)
        };
        if host.list(&directory)?.iter().any(|entry| starts(&entry.name)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The command for a deed. There are no masks here; who asks for one has been told so before.
pub(super) fn command(name: &str, deed: Deed) -> Command {
    let name = plain(name);
    match deed {
        Deed::Enable => Command::new(["update-rc.d", name, "defaults"]),
        Deed::Disable => Command::new(["update-rc.d", name, "disable"]),
        deed => Command::new(["service", name, deed.verb()]),
    }
}

/// The names of all scripts.
pub(super) fn all(host: &dyn Host) -> Result<Vec<String>, HostError> {
    let entries = host.list(Path::new("/etc/init.d"))?;
    Ok(entries
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| name != "README" && !name.contains('.'))
        .collect())
}

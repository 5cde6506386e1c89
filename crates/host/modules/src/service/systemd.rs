//! systemd, through `systemctl`: one probe tells all about a unit.

use std::collections::BTreeMap;

use host::{Command, Host, HostError};

use super::provider::{Deed, How, Service};

/// What is asked of a unit.
const PROPERTIES: &str = "LoadState,ActiveState,UnitFileState,NeedDaemonReload,FragmentPath";

/// One unit; `None` when systemd does not know it.
pub(super) fn look(host: &dyn Host, name: &str) -> Result<Option<Service>, HostError> {
    let output = host.probe(&Command::new(["systemctl", "show", "-p", PROPERTIES, "--", &unit(name)]))?;
    Ok(parse(&output.stdout_text()))
}

/// `Key=value` lines of `systemctl show`.
pub(super) fn properties(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once('=')).collect()
}

/// See [`look`].
fn parse(text: &str) -> Option<Service> {
    let properties = properties(text);
    let get = |key: &str| properties.get(key).copied().unwrap_or_default();
    let load = get("LoadState");
    if load.is_empty() || load == "not-found" {
        return None;
    }
    let file = get("UnitFileState");
    let masked = load == "masked" || file.starts_with("masked");
    let runtime_masked = file == "masked-runtime" || (masked && get("FragmentPath").starts_with("/run/"));
    Some(Service {
        running: matches!(get("ActiveState"), "active" | "reloading" | "activating" | "refreshing"),
        // What has no [Install] section is there because something else wants it: Salt calls neither enabled.
        enabled: matches!(file, "enabled" | "enabled-runtime" | "alias"),
        masked: masked && !runtime_masked,
        runtime_masked,
        needs_reload: get("NeedDaemonReload") == "yes",
    })
}

/// The command for a deed.
pub(super) fn command(name: &str, deed: Deed, how: &How) -> Command {
    let mut argv = vec!["systemctl"];
    if how.no_block && matches!(deed, Deed::Start | Deed::Stop | Deed::Restart | Deed::Reload) {
        argv.push("--no-block");
    }
    if matches!(deed, Deed::Mask { runtime: true } | Deed::Unmask { runtime: true }) {
        argv.push("--runtime");
    }
    let unit = unit(name);
    argv.extend([deed.verb(), "--", &unit]);
    Command::new(argv)
}

/// The last lines of a unit's journal; empty when there is none.
pub(super) fn last_words(host: &dyn Host, name: &str) -> String {
    let unit = unit(name);
    let journal = Command::new(["journalctl", "-u", &unit, "-n", "5", "--no-pager", "-o", "cat"]);
    match host.probe(&journal) {
        Ok(output) if output.succeeded() => match output.stdout_text().trim() {
            "" | "-- No entries --" => String::new(),
            text => format!("Last lines of its journal:\n{text}"),
        },
        _ => String::new(),
    }
}

/// A name with its suffix.
pub(super) fn unit(name: &str) -> String {
    const SUFFIXES: &[&str] = &[
        ".service",
        ".socket",
        ".device",
        ".mount",
        ".automount",
        ".swap",
        ".target",
        ".path",
        ".timer",
        ".slice",
        ".scope",
    ];
    if SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
        name.to_string()
    } else {
        format!("{name}.service")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_what_systemctl_shows() {
        let text = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n";
        let running = Service { running: true, enabled: true, ..Service::default() };
        assert_eq!(parse(text), Some(running.clone()));
        assert_eq!(parse("LoadState=not-found\nActiveState=inactive\nUnitFileState=\n"), None);
        assert_eq!(parse(""), None);
        let masked = "LoadState=masked\nActiveState=inactive\nUnitFileState=masked\n";
        assert_eq!(parse(masked), Some(Service { masked: true, ..Service::default() }));
        let runtime = "LoadState=masked\nActiveState=inactive\nUnitFileState=masked-runtime\n";
        assert_eq!(parse(runtime), Some(Service { runtime_masked: true, ..Service::default() }));
        let reload = text.replace("Reload=no", "Reload=yes");
        assert_eq!(parse(&reload), Some(Service { needs_reload: true, ..running }));
    }

    #[test]
    fn names_get_the_suffix_they_lack() {
        assert_eq!(unit("nginx"), "nginx.service");
        assert_eq!(unit("apt-daily.timer"), "apt-daily.timer");
        assert_eq!(unit("getty@tty1"), "getty@tty1.service");
    }
}

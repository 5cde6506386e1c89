//! What is installed that trees ask about: the service manager, file systems, an interpreter.

use std::path::Path;

use host::Host;
use value::{Map, Value};

use crate::{is_there, line, list, names};

/// From the names of files; no program is asked.
pub(crate) fn grains(host: &dyn Host) -> Map {
    let mut grains = Map::new();
    if let Some(version) = systemd_version(host) {
        // Its features are known to the program alone.
        grains.insert("systemd", [("version", version)].into_iter().collect::<Map>());
    }
    if let Some(version) = python_version(host) {
        grains.insert("pythonversion", list(version));
    }
    grains.insert("transactional", is_there(host, "/usr/sbin/transactional-update"));
    let zfs = is_there(host, "/sys/module/zfs") && host.which("zfs").is_some();
    grains.insert("zfs_support", zfs);
    grains.insert("zfs_feature_flags", zfs && is_there(host, "/sys/module/zfs/features.kernel"));
    if let Some(iqn) = initiator(&line(host, "/etc/iscsi/initiatorname.iscsi").unwrap_or_default()) {
        grains.insert("iscsi_iqn", list(iqn));
    }
    if host.which("selinuxenabled").is_some() {
        let mut selinux = Map::new();
        let enforce = line(host, "/sys/fs/selinux/enforce");
        let state = match enforce.as_deref() {
            Some("1") => "Enforcing",
            Some(_) => "Permissive",
            None => "Disabled",
        };
        selinux.insert("enabled", enforce.is_some());
        selinux.insert("enforced", state);
        grains.insert("selinux", selinux);
    }
    // Salt tells here which package it came in.
    grains.insert("package", Value::NULL);
    grains
}

/// systemd's own library bears its version in its name.
fn systemd_version(host: &dyn Host) -> Option<String> {
    let multiarch = names(host, "/usr/lib").into_iter().filter(|name| name.contains("-linux-gnu"));
    let folders = ["/usr/lib/systemd".to_string(), "/lib/systemd".to_string()]
        .into_iter()
        .chain(multiarch.map(|name| format!("/usr/lib/{name}/systemd")));
    folders.into_iter().find_map(|folder| names(host, &folder).iter().find_map(|name| shared_library(name)))
}

/// `252` in `libsystemd-shared-252.so`, `255.4-1.fc40` in Fedora's.
fn shared_library(name: &str) -> Option<String> {
    let version = name.strip_prefix("libsystemd-shared-")?.strip_suffix(".so")?;
    let number: String = version.chars().take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then_some(number)
}

/// Major and minor version of the `python3` that programs find: its link leads to `python3.11`.
fn python_version(host: &dyn Host) -> Option<Vec<i64>> {
    let target = host.read_link(Path::new("/usr/bin/python3")).ok()?;
    let name = target.file_name()?.to_str()?.strip_prefix("python")?;
    name.split('.').map(|part| part.parse().ok()).collect()
}

fn initiator(text: &str) -> Option<Vec<String>> {
    let found: Vec<String> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("InitiatorName=").map(str::to_string))
        .collect();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::Memory;

    #[test]
    fn versions_are_read_from_names() {
        assert_eq!(shared_library("libsystemd-shared-252.so").as_deref(), Some("252"));
        assert_eq!(shared_library("libsystemd-shared-255.4-1.fc40.so").as_deref(), Some("255"));
        assert_eq!(shared_library("libsystemd-core-252.so"), None);
        let host = Memory::empty()
            .file("/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so", "")
            .symlink("/usr/bin/python3", "python3.11");
        let grains = grains(&host);
        assert_eq!(grains.get("systemd").unwrap().to_string(), r#"{"version": "252"}"#);
        assert_eq!(grains.get("pythonversion").unwrap().to_string(), "[3, 11]");
    }
}

//! Which operating system: `os`, `os_family`, `osrelease` and their kin.

use host::Host;
use value::Map;

use crate::{is_directory, line, list, pairs, text};

/// What a distribution's `ID` is called in grains: its `os` and `os_family`, as Salt maps them.
const SYSTEMS: &[(&str, &str, &str)] = &[
    ("debian", "Debian", "Debian"),
    ("ubuntu", "Ubuntu", "Debian"),
    ("raspbian", "Raspbian", "Debian"),
    ("linuxmint", "Mint", "Debian"),
    ("kali", "Kali", "Debian"),
    ("devuan", "Devuan", "Debian"),
    ("pop", "Pop", "Debian"),
    ("rhel", "RedHat", "RedHat"),
    ("centos", "CentOS", "RedHat"),
    ("fedora", "Fedora", "RedHat"),
    ("rocky", "Rocky", "RedHat"),
    ("almalinux", "AlmaLinux", "RedHat"),
    ("ol", "OEL", "RedHat"),
    ("amzn", "Amazon", "RedHat"),
    ("sles", "SUSE", "Suse"),
    ("opensuse-leap", "SUSE", "Suse"),
    ("opensuse-tumbleweed", "SUSE", "Suse"),
    ("arch", "Arch", "Arch"),
    ("manjaro", "Manjaro", "Arch"),
    ("alpine", "Alpine", "Alpine"),
    ("gentoo", "Gentoo", "Gentoo"),
    ("void", "Void", "Void"),
    ("photon", "VMware Photon OS", "RedHat"),
];

/// From `/etc/os-release` and the package manager's architecture.
pub(crate) fn grains(host: &dyn Host) -> Map {
    let release =
        text(host, "/etc/os-release").or_else(|| text(host, "/usr/lib/os-release")).unwrap_or_default();
    let debian_version = line(host, "/etc/debian_version").unwrap_or_default();
    let mut grains = from_release(&release, &debian_version);
    grains.insert("kernel", "Linux");
    let architecture =
        line(host, "/proc/sys/kernel/arch").unwrap_or_else(|| std::env::consts::ARCH.to_string());
    let family = grains.get("os_family").map(ToString::to_string).unwrap_or_default();
    grains.insert("osarch", package_architecture(&family, &architecture));
    grains.insert("cpuarch", architecture);
    grains.insert("init", init(host));
    grains.insert("ps", "ps -efHww");
    grains
}

fn from_release(release: &str, debian_version: &str) -> Map {
    let field = |name: &str| {
        let found = pairs(release, '=').find(|(key, _)| *key == name);
        found.map(|(_, value)| value.trim_matches(['"', '\'']).to_string()).unwrap_or_default()
    };
    let (id, like, name) = (field("ID"), field("ID_LIKE"), field("NAME"));
    let (os, family) = system(&id, &like, &name);
    let mut version = field("VERSION_ID");
    if version.is_empty() {
        version = debian_version.split('.').next().unwrap_or_default().to_string();
    }
    let codename = match field("VERSION_CODENAME") {
        codename if codename.is_empty() => codename_in(&field("VERSION")),
        codename => codename,
    };
    let info: Vec<i64> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    let major = info.first().copied();
    // Ubuntu counts releases by year and month, so the whole version identifies one.
    let finger = if os == "Ubuntu" {
        version.clone()
    } else {
        major.map(|major| major.to_string()).unwrap_or_default()
    };
    let mut grains = Map::new();
    grains.insert("osfinger", format!("{}-{finger}", if family == "Debian" { os.as_str() } else { &name }));
    grains.insert("lsb_distrib_id", name.as_str());
    grains.insert("lsb_distrib_codename", codename.as_str());
    grains.insert("lsb_distrib_release", version.as_str());
    grains.insert("osfullname", name);
    grains.insert("oscodename", codename);
    grains.insert("osrelease", version);
    grains.insert("osrelease_info", list(info));
    if let Some(major) = major {
        grains.insert("osmajorrelease", major);
    }
    grains.insert("os", os);
    grains.insert("os_family", family);
    grains
}

/// `os` and `os_family`; a system that is not in the table takes the family of the first it says it is like.
fn system(id: &str, like: &str, name: &str) -> (String, String) {
    let known = |id: &str| SYSTEMS.iter().find(|(known, _, _)| *known == id);
    if let Some((_, os, family)) = known(id) {
        return ((*os).into(), (*family).into());
    }
    let os = if name.is_empty() { "Linux" } else { name };
    let family = like.split_whitespace().find_map(known).map_or(os, |(_, _, family)| family);
    (os.into(), family.into())
}

/// The word in parentheses of `12 (bookworm)`.
fn codename_in(version: &str) -> String {
    let inside = version.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    inside.map(|(word, _)| word.to_string()).unwrap_or_default()
}

/// What packages of the family call an architecture.
fn package_architecture(family: &str, machine: &str) -> String {
    match (family, machine) {
        ("Debian", "x86_64") => "amd64",
        ("Debian", "aarch64") => "arm64",
        ("Debian", "i686" | "i586" | "i386") => "i386",
        ("Debian", "armv7l") => "armhf",
        ("Debian", "ppc64le") => "ppc64el",
        (_, machine) => machine,
    }
    .to_string()
}

fn init(host: &dyn Host) -> &'static str {
    if is_directory(host, "/run/systemd/system") {
        return "systemd";
    }
    match line(host, "/proc/1/comm").as_deref() {
        Some("init") => "sysvinit",
        Some("runit") => "runit",
        Some("s6-svscan") => "s6",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grain(grains: &Map, name: &str) -> String {
        grains.get(name).map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn distributions_are_named_as_salt_names_them() {
        let debian = "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nID=debian\n";
        let ubuntu =
            "NAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nVERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\n";
        let rocky =
            "NAME=\"Rocky Linux\"\nVERSION_ID=\"9.3\"\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n";
        let other = "NAME=\"New\"\nVERSION_ID=\"1\"\nID=new\nID_LIKE=\"debian\"\n";
        let cases = [
            (debian, ["Debian", "Debian", "12", "Debian-12", "bookworm", "[12]"]),
            (ubuntu, ["Ubuntu", "Debian", "22.04", "Ubuntu-22.04", "jammy", "[22, 4]"]),
            (rocky, ["Rocky", "RedHat", "9.3", "Rocky Linux-9", "", "[9, 3]"]),
            (other, ["New", "Debian", "1", "New-1", "", "[1]"]),
        ];
        for (release, expected) in cases {
            let grains = from_release(release, "");
            let names = ["os", "os_family", "osrelease", "osfinger", "oscodename", "osrelease_info"];
            assert_eq!(names.map(|name| grain(&grains, name)), expected.map(String::from));
        }
    }

    #[test]
    fn odd_files_leave_grains_out() {
        let grains = from_release("=\n\u{0}VERSION_ID\nID==\"\n", "");
        assert_eq!(grains.get("osmajorrelease"), None);
        assert_eq!(grain(&grains, "os"), "Linux");
    }
}

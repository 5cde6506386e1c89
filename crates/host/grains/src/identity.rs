//! Names: of the machine, of the user Pinch runs as.

use std::net::IpAddr;
use std::path::Path;

use host::Host;
use sha2::{Digest as _, Sha256};
use value::Map;

use crate::{line, list, text, timezone};

/// From `/proc/sys/kernel/hostname`, `/etc/hosts`, `/etc/machine-id` and the process's own entry in `/proc`.
pub(crate) fn grains(host: &dyn Host, id: &str) -> Map {
    let node = line(host, "/proc/sys/kernel/hostname").unwrap_or_else(|| "localhost".into());
    let hosts = text(host, "/etc/hosts").unwrap_or_default();
    let full = fully_qualified(&node, &hosts);
    let (short, domain) = full.split_once('.').unwrap_or((&full, ""));
    let mut grains = Map::new();
    grains.insert("id", id);
    grains.insert("host", short);
    grains.insert("domain", domain);
    grains.insert("nodename", node.as_str());
    grains.insert("localhost", node.as_str());
    grains.insert("fqdns", list(Vec::<String>::new()));
    grains.insert("server_id", server_id(id));
    if let Some(machine) = line(host, "/etc/machine-id").or_else(|| line(host, "/var/lib/dbus/machine-id")) {
        grains.insert("machine_id", machine);
    }
    let variable = |name: &str| {
        host.environment()
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let path = variable("PATH");
    grains.insert("systempath", list(path.split(':')));
    grains.insert("path", path);
    grains.insert(
        "shell",
        Some(variable("SHELL")).filter(|shell| !shell.is_empty()).unwrap_or("/bin/sh".into()),
    );
    grains.insert("locale_info", locale(&variable("LANG"), time_zone(host)));
    let status = text(host, "/proc/self/status").unwrap_or_default();
    let (uid, gid) = (status_number(&status, "Uid"), status_number(&status, "Gid"));
    grains.insert("username", name_of(&text(host, "/etc/passwd").unwrap_or_default(), uid));
    grains.insert("groupname", name_of(&text(host, "/etc/group").unwrap_or_default(), gid));
    grains.insert("uid", uid);
    grains.insert("gid", gid);
    grains.insert("pid", status_field(&status, "Pid"));
    if let Ok(folder) = host.read_link(Path::new("/proc/self/cwd")) {
        grains.insert("cwd", folder.display().to_string());
    }
    grains.insert("fqdn_ip4", addresses(&hosts, &full, IpAddr::is_ipv4));
    grains.insert("fqdn_ip6", addresses(&hosts, &full, IpAddr::is_ipv6));
    grains.insert("fqdn", full);
    grains
}

/// The first name with a dot that `/etc/hosts` gives for the node; the node's own name otherwise.
fn fully_qualified(node: &str, hosts: &str) -> String {
    if node.contains('.') {
        return node.into();
    }
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
    for line in lines {
        let names: Vec<&str> = line.split_whitespace().skip(1).collect();
        if names.contains(&node)
            && let Some(full) =
                names.iter().find(|name| name.split('.').next() == Some(node) && name.contains('.'))
        {
            return (*full).into();
        }
    }
    node.into()
}

/// Salt's number for an id: its SHA-256 modulo 2^31, which is the digest's last 31 bits.
fn server_id(id: &str) -> i64 {
    let digest = Sha256::digest(id.as_bytes());
    let last = digest.iter().rev().take(4).rev().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte));
    i64::from(last & 0x7fff_ffff)
}

fn locale(language: &str, time_zone: String) -> Map {
    let (name, encoding) = language.split_once('.').unwrap_or((language, ""));
    let mut locale = Map::new();
    locale.insert("defaultlanguage", if matches!(name, "" | "C" | "POSIX") { "en_US" } else { name });
    locale.insert("defaultencoding", if encoding.is_empty() { "UTF-8" } else { encoding });
    locale.insert("detectedencoding", "utf-8");
    locale.insert("timezone", time_zone);
    locale
}

/// What clocks here call their time; without a table they run on UTC.
fn time_zone(host: &dyn Host) -> String {
    let table = host.read(Path::new("/etc/localtime")).ok();
    table.and_then(|table| timezone::abbreviation(&table, host.now().seconds)).unwrap_or_else(|| "UTC".into())
}

/// The addresses that `/etc/hosts` gives for a name, of one family, each once.
fn addresses(hosts: &str, name: &str, of_family: fn(&IpAddr) -> bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in hosts.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let address = words.next().and_then(|word| word.parse::<IpAddr>().ok()).filter(of_family);
        if let Some(address) = address.map(|address| address.to_string())
            && words.any(|word| word == name)
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// The effective number in a line of `/proc/self/status` that has a real and an effective one.
fn status_number(status: &str, name: &str) -> i64 {
    status_numbers(status, name).nth(1).unwrap_or(0)
}

/// The number in a line of `/proc/self/status`.
fn status_field(status: &str, name: &str) -> i64 {
    status_numbers(status, name).next().unwrap_or(0)
}

fn status_numbers<'a>(status: &'a str, name: &str) -> impl Iterator<Item = i64> + 'a {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().split_whitespace().map_while(|number| number.parse().ok())
}

/// The name of a number in passwd or group text; the number itself when it has none.
fn name_of(table: &str, number: i64) -> String {
    let named = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(number)).then(|| name.to_string())
    });
    named.unwrap_or_else(|| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_ids_are_salts() {
        assert_eq!(server_id("oracle"), 1_382_249_759);
    }

    #[test]
    fn full_names_come_from_the_hosts_file() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1 web1.example.org web1 # me\n";
        assert_eq!(fully_qualified("web1", hosts), "web1.example.org");
        assert_eq!(fully_qualified("db", hosts), "db");
        assert_eq!(fully_qualified("a.b", hosts), "a.b");
    }

    #[test]
    fn numbers_have_names() {
        assert_eq!(name_of("root:x:0:0::/root:/bin/sh\nbob:x:5:5:::", 5), "bob");
        assert_eq!(name_of("", 7), "7");
        assert_eq!(status_number("Name:\tx\nUid:\t1\t2\t3\t4\n", "Uid"), 2);
    }
}

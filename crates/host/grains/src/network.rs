//! Interfaces and addresses, from the kernel's tables.

use std::net::{Ipv4Addr, Ipv6Addr};

use host::Host;
use value::{Map, Value};

use crate::{line, list, names, text};

/// From `/proc/net`, `/sys/class/net` and `/etc/resolv.conf`.
pub(crate) fn grains(host: &dyn Host) -> Map {
    let interfaces = names(host, "/sys/class/net");
    let routes = routes(&text(host, "/proc/net/route").unwrap_or_default());
    let local = local_addresses(&text(host, "/proc/net/fib_trie").unwrap_or_default());
    let inet6 = inet6(&text(host, "/proc/net/if_inet6").unwrap_or_default());
    let (mut both, mut four, mut six, mut hardware) = (Map::new(), Map::new(), Map::new(), Map::new());
    for name in &interfaces {
        let fours: Vec<String> = local
            .iter()
            .filter(|address| interface_of(**address, &routes) == Some(name))
            .map(ToString::to_string)
            .collect();
        let sixes: Vec<String> = inet6
            .iter()
            .filter(|(_, interface)| interface == name)
            .map(|(address, _)| address.to_string())
            .collect();
        both.insert(name.as_str(), list(fours.iter().chain(&sixes)));
        four.insert(name.as_str(), list(&fours));
        six.insert(name.as_str(), list(&sixes));
        if let Some(address) = line(host, &format!("/sys/class/net/{name}/address")) {
            hardware.insert(name.as_str(), address);
        }
    }
    let mut grains = Map::new();
    grains.insert("ip_interfaces", both);
    grains.insert("ip4_interfaces", four);
    grains.insert("ip6_interfaces", six);
    grains.insert("hwaddr_interfaces", hardware);
    grains.insert("ipv4", list(local.iter().map(ToString::to_string)));
    let mut sixes: Vec<String> = inet6.iter().map(|(address, _)| address.to_string()).collect();
    sixes.sort();
    grains.insert("ipv6", sixes);
    let gateway =
        routes.iter().find(|route| route.network.is_unspecified() && !route.gateway.is_unspecified());
    let gateway6 = gateway6(&text(host, "/proc/net/ipv6_route").unwrap_or_default());
    grains.insert("ip_gw", gateway.is_some() || gateway6.is_some());
    grains.insert("ip4_gw", gateway.map_or(Value::from(false), |route| route.gateway.to_string().into()));
    grains.insert("ip6_gw", gateway6.map_or(Value::from(false), |address| address.to_string().into()));
    if let Some(route) = gateway {
        grains.insert("default_interface", route.interface.as_str());
    }
    grains.insert("dns", resolvers(&text(host, "/etc/resolv.conf").unwrap_or_default()));
    grains
}

struct Route {
    interface: String,
    network: Ipv4Addr,
    gateway: Ipv4Addr,
    mask: u32,
}

/// `/proc/net/route`: numbers are hexadecimal in the machine's byte order.
fn routes(table: &str) -> Vec<Route> {
    let address =
        |text: &str| u32::from_str_radix(text, 16).ok().map(|bits| Ipv4Addr::from(bits.swap_bytes()));
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            Some(Route {
                interface: (*columns.first()?).to_string(),
                network: address(columns.get(1)?)?,
                gateway: address(columns.get(2)?)?,
                mask: u32::from(address(columns.get(7)?)?),
            })
        })
        .collect()
}

/// The addresses of this machine: entries of `/proc/net/fib_trie` marked `/32 host LOCAL`, sorted, once each.
fn local_addresses(trie: &str) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    let mut last = None;
    for line in trie.lines() {
        let line = line.trim_start();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.trim().parse().ok();
        } else if line.starts_with("/32 host LOCAL")
            && let Some(address) = last.take()
        {
            found.push(address);
        }
    }
    found.sort();
    found.dedup();
    found
}

fn interface_of(address: Ipv4Addr, routes: &[Route]) -> Option<&str> {
    if address.is_loopback() {
        return Some("lo");
    }
    routes
        .iter()
        .filter(|route| route.gateway.is_unspecified())
        .filter(|route| u32::from(address) & route.mask == u32::from(route.network))
        .max_by_key(|route| route.mask)
        .map(|route| route.interface.as_str())
}

/// `/proc/net/if_inet6`: addresses with their interfaces; global ones before link-local ones.
fn inet6(table: &str) -> Vec<(Ipv6Addr, String)> {
    let mut found: Vec<(Ipv6Addr, String)> = table
        .lines()
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let bits = u128::from_str_radix(columns.first()?, 16).ok()?;
            Some((Ipv6Addr::from(bits), (*columns.get(5)?).to_string()))
        })
        .collect();
    found.sort_by_key(|(address, _)| (address.is_unicast_link_local(), *address));
    found
}

/// The gateway of the default route in `/proc/net/ipv6_route`.
fn gateway6(table: &str) -> Option<Ipv6Addr> {
    table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let is_default = columns.first()?.bytes().all(|digit| digit == b'0') && *columns.get(1)? == "00";
        let gateway = Ipv6Addr::from(u128::from_str_radix(columns.get(4)?, 16).ok()?);
        (is_default && !gateway.is_unspecified()).then_some(gateway)
    })
}

fn resolvers(text: &str) -> Map {
    let words = |keyword: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split(['#', ';']).next().unwrap_or_default());
        lines
            .filter_map(|line| line.trim().strip_prefix(keyword))
            .filter(|rest| rest.starts_with(char::is_whitespace))
            .flat_map(|rest| rest.split_whitespace().map(str::to_string))
            .collect()
    };
    let servers = words("nameserver");
    let mut dns = Map::new();
    dns.insert("nameservers", list(&servers));
    dns.insert("ip4_nameservers", list(servers.iter().filter(|server| !server.contains(':'))));
    dns.insert("ip6_nameservers", list(servers.iter().filter(|server| server.contains(':'))));
    dns.insert("sortlist", words("sortlist"));
    dns.insert("domain", words("domain").into_iter().next().unwrap_or_default());
    dns.insert("search", words("search"));
    dns.insert("options", words("options"));
    dns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_tables() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n\
                     eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n\
                     eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n";
        let trie = "  |-- 127.0.0.1\n     /32 host LOCAL\n  |-- 192.0.2.2\n    /32 host LOCAL\n  |-- 192.0.2.255\n   /32 link BROADCAST\n";
        let (routes, local) = (routes(table), local_addresses(trie));
        let placed: Vec<_> = local.iter().map(|address| interface_of(*address, &routes)).collect();
        assert_eq!(placed, [Some("lo"), Some("eth0")]);
        assert_eq!(routes[0].gateway.to_string(), "192.0.2.1");
        let six = inet6(
            "fe8000000000000000fc00fffe000001 04 40 20 80     eth0\nfd000000000000000000000000000002 04 40 00 82     eth0\n",
        );
        assert_eq!(six[0].0.to_string(), "fd00::2");
    }

    #[test]
    fn odd_tables_give_nothing() {
        assert!(routes("x\ny z\n\u{0}").is_empty());
        assert!(local_addresses("|-- x\n/32 host LOCAL").is_empty());
        assert!(inet6("zz 1\n").is_empty());
        assert_eq!(gateway6("0 00"), None);
    }

    #[test]
    fn resolvers_by_family() {
        let json =
            value::json::to_text(&resolvers("nameserver 10.0.0.1 # x\nnameserver ::1\nsearch a b\n").into());
        assert!(
            json.contains(r#""ip6_nameservers": ["::1"]"#) && json.contains(r#""search": ["a", "b"]"#),
            "{json}"
        );
    }
}

//! Execution functions.

use std::collections::BTreeSet;
use std::net::IpAddr;

use target::Pattern;
use value::{Map, Value};

use super::subnet::{self, Subnet};
use crate::{Context, Failure};

arguments! {
    /// The addresses of this machine, sorted.
    pub(super) struct Addresses {
        /// Only those of these interfaces: names or shell patterns, one or several.
        interface: Option<Vec<String>>,
        /// Loopback addresses too.
        include_loopback: bool = false,
        /// Only those in this network.
        cidr: Option<String>,
        /// Only `public` or only `private` ones.
        r#type: Option<String>,
    }
}

/// IPv4 addresses.
pub(super) fn addresses(context: &Context<'_>, asked: Addresses) -> Result<Value, Failure> {
    Ok(chosen(context, "ip4_interfaces", &asked))
}

/// IPv6 addresses.
pub(super) fn addresses6(context: &Context<'_>, asked: Addresses) -> Result<Value, Failure> {
    Ok(chosen(context, "ip6_interfaces", &asked))
}

fn chosen(context: &Context<'_>, grain: &str, asked: &Addresses) -> Value {
    let wanted = |address: &IpAddr| match (&asked.cidr, asked.r#type.as_deref()) {
        (Some(cidr), _) if !cidr.is_empty() => {
            Subnet::parse(cidr, true).is_some_and(|network| network.contains(*address))
        }
        (_, Some("public")) => !subnet::is_private(*address),
        (_, Some("private")) => subnet::is_private(*address),
        _ => true,
    };
    let all = own(context, grain, asked.interface.as_deref());
    all.into_iter()
        .filter(|address| asked.include_loopback || !address.is_loopback())
        .filter(wanted)
        .map(|address| address.to_string())
        .collect()
}

/// The addresses that grains list, by interface.
fn own(context: &Context<'_>, grain: &str, interfaces: Option<&[String]>) -> BTreeSet<IpAddr> {
    let table = context.minion.grains.get(grain).and_then(Value::as_map);
    let patterns: Option<Vec<&str>> =
        interfaces.map(|names| names.iter().flat_map(|name| name.split(',')).map(str::trim).collect());
    table
        .into_iter()
        .flat_map(Map::iter)
        .filter(|(name, _)| {
            let name = name.to_string();
            patterns
                .as_ref()
                .is_none_or(|patterns| patterns.iter().any(|pattern| Pattern::fits(pattern, &name)))
        })
        .flat_map(|(_, addresses)| addresses.as_list().unwrap_or_default())
        .filter_map(|address| address.as_str()?.parse().ok())
        .collect()
}

arguments! {
    /// Needs nothing.
    pub(super) struct Nothing {}
}

/// Each interface with its hardware address and its addresses, as far as grains know them.
pub(super) fn interfaces(context: &Context<'_>, _: Nothing) -> Result<Map, Failure> {
    let grains = &context.minion.grains;
    let table = |grain: &str| grains.get(grain).and_then(Value::as_map);
    let mut found = Map::new();
    for (grain, key) in [("ip4_interfaces", "inet"), ("ip6_interfaces", "inet6")] {
        for (name, addresses) in table(grain).into_iter().flat_map(Map::iter) {
            let interface = found.get_or_insert_with(name.clone(), || {
                let mut interface: Map = [("up", true)].into_iter().collect();
                if let Some(address) = table("hwaddr_interfaces").and_then(|all| all.get_key(name)) {
                    interface.insert("hwaddr", address.clone());
                }
                interface.into()
            });
            let addresses = addresses.as_list().unwrap_or_default();
            if let Some(interface) = interface.as_map_mut().filter(|_| !addresses.is_empty()) {
                let address = |address: &Value| [("address", address.clone())].into_iter().collect::<Map>();
                interface.insert(key, addresses.iter().map(address).collect::<Value>());
            }
        }
    }
    Ok(found)
}

arguments! {
    /// Of one interface.
    pub(super) struct Interface {
        /// Its name.
        iface: String,
    }
}

/// The first IPv4 address of an interface.
pub(super) fn interface_address(context: &Context<'_>, asked: Interface) -> Result<Value, Failure> {
    let addresses = context.minion.grains.get("ip4_interfaces").and_then(|table| table.get(&asked.iface));
    Ok(addresses.and_then(Value::as_list).and_then(<[_]>::first).cloned().unwrap_or_else(|| "".into()))
}

/// The hardware address of an interface.
pub(super) fn hardware_address(context: &Context<'_>, asked: Interface) -> Result<Value, Failure> {
    let address = context.minion.grains.get("hwaddr_interfaces").and_then(|table| table.get(&asked.iface));
    Ok(address
        .cloned()
        .unwrap_or_else(|| format!("Interface \"{}\" not in available interfaces", asked.iface).into()))
}

/// The machine's name.
pub(super) fn host_name(context: &Context<'_>, _: Nothing) -> Result<String, Failure> {
    Ok(context.grain_text("nodename"))
}

/// The machine's name with its domain.
pub(super) fn full_name(context: &Context<'_>, _: Nothing) -> Result<String, Failure> {
    Ok(context.grain_text("fqdn"))
}

arguments! {
    /// About a network.
    pub(super) struct Cidr {
        /// The network, `10.0.0.0/8`.
        cidr: String,
    }
}

/// Whether this machine has an address in a network.
pub(super) fn in_subnet(context: &Context<'_>, asked: Cidr) -> Result<bool, Failure> {
    let Some(network) = Subnet::parse(&asked.cidr, true) else { return Ok(false) };
    let all = ["ip4_interfaces", "ip6_interfaces"].map(|grain| own(context, grain, None));
    Ok(all.iter().flatten().any(|address| !address.is_loopback() && network.contains(*address)))
}

arguments! {
    /// Whether an address is in a network.
    pub(super) struct AddressAndCidr {
        /// The address.
        ip_addr: String,
        /// The network, `10.0.0.0/8`.
        cidr: String,
    }
}

/// See [`AddressAndCidr`].
pub(super) fn address_in_subnet(_: &Context<'_>, asked: AddressAndCidr) -> Result<bool, Failure> {
    let address = parsed(&asked.ip_addr)?;
    Ok(Subnet::parse(&asked.cidr, true).is_some_and(|network| network.contains(address)))
}

arguments! {
    /// The network that an address lies in.
    pub(super) struct NetworkOf {
        /// The address, with or without its prefix.
        ip_addr: String,
        /// The netmask, where the address comes without.
        netmask: Option<String>,
    }
}

/// See [`NetworkOf`].
pub(super) fn network_of(_: &Context<'_>, asked: NetworkOf) -> Result<String, Failure> {
    let text = match asked.netmask {
        Some(mask) => format!("{}/{mask}", asked.ip_addr),
        None => asked.ip_addr,
    };
    network(&text).map(|network| network.to_string())
}

/// A network taken apart.
pub(super) fn convert(_: &Context<'_>, asked: Cidr) -> Result<Map, Failure> {
    let network = network(&asked.cidr)?;
    Ok([
        ("network", network.address.to_string()),
        ("netmask", network.netmask().to_string()),
        ("broadcast", network.last().to_string()),
    ]
    .into_iter()
    .collect())
}

arguments! {
    /// About an address.
    pub(super) struct Address {
        /// The address.
        ip_addr: String,
    }
}

/// Whether an address is not routed on the public network.
pub(super) fn is_private(_: &Context<'_>, asked: Address) -> Result<bool, Failure> {
    parsed(&asked.ip_addr).map(subnet::is_private)
}

/// Whether an address is the machine's own loopback.
pub(super) fn is_loopback(_: &Context<'_>, asked: Address) -> Result<bool, Failure> {
    parsed(&asked.ip_addr).map(|address| address.is_loopback())
}

/// The name under which DNS holds an address's name.
pub(super) fn reverse(_: &Context<'_>, asked: Address) -> Result<String, Failure> {
    Ok(match parsed(&asked.ip_addr)? {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let digits = format!("{:032x}", u128::from(address));
            let mut name: String = digits.chars().rev().flat_map(|digit| [digit, '.']).collect();
            name.push_str("ip6.arpa");
            name
        }
    })
}

fn parsed(text: &str) -> Result<IpAddr, Failure> {
    text.parse().map_err(|_| {
        Failure::message(format!("'{text}' does not appear to be an IPv4 or IPv6 address"))
            .hint("write it as 192.0.2.1 or 2001:db8::1, without a prefix length")
    })
}

fn network(text: &str) -> Result<Subnet, Failure> {
    Subnet::parse(text, false).ok_or_else(|| {
        Failure::message(format!("'{text}' does not appear to be an IPv4 or IPv6 network"))
            .hint("write it as 192.0.2.0/24 or 2001:db8::/32")
    })
}

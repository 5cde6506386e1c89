//! Networks as address and prefix length.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network: an address whose bits after the prefix are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subnet {
    pub(super) address: IpAddr,
    pub(super) prefix: u32,
}

impl Subnet {
    /// Reads `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `fe80::/10` or a single address. With `strict`, bits after the
    /// prefix have to be zero; without, they are cleared.
    pub(super) fn parse(text: &str, strict: bool) -> Option<Self> {
        let (address, mask) =
            text.split_once('/').map_or((text, None), |(address, mask)| (address, Some(mask)));
        let address: IpAddr = address.parse().ok()?;
        let width = width(address);
        let prefix = match mask {
            None => width,
            Some(mask) => match mask.parse::<Ipv4Addr>() {
                Ok(mask) if address.is_ipv4() => prefix_of(mask)?,
                _ => mask.parse().ok().filter(|prefix| *prefix <= width)?,
            },
        };
        let network = Self { address: masked(address, prefix), prefix };
        (!strict || network.address == address).then_some(network)
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }

    pub(super) fn netmask(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => masked(Ipv4Addr::BROADCAST.into(), self.prefix),
            IpAddr::V6(_) => masked(Ipv6Addr::from(u128::MAX).into(), self.prefix),
        }
    }

    pub(super) fn last(&self) -> IpAddr {
        match (self.address, self.netmask()) {
            (IpAddr::V4(address), IpAddr::V4(mask)) => {
                Ipv4Addr::from(u32::from(address) | !u32::from(mask)).into()
            }
            (IpAddr::V6(address), IpAddr::V6(mask)) => {
                Ipv6Addr::from(u128::from(address) | !u128::from(mask)).into()
            }
            (address, _) => address,
        }
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(prefix)).unwrap_or(0);
            Ipv4Addr::from(u32::from(address) & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(prefix)).unwrap_or(0);
            Ipv6Addr::from(u128::from(address) & mask).into()
        }
    }
}

fn prefix_of(mask: Ipv4Addr) -> Option<u32> {
    let bits = u32::from(mask);
    let prefix = bits.leading_ones();
    (prefix + bits.trailing_zeros().min(32) == 32 || bits == 0).then_some(prefix)
}

/// The address blocks that Python's `ipaddress` calls private.
const PRIVATE: [&str; 23] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/29",
    "192.0.0.170/31",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::1/128",
    "::/128",
    "100::/64",
    "2001::/23",
    "2001:2::/48",
    "2001:db8::/32",
    "2001:10::/28",
    "fc00::/7",
    "fe80::/10",
];

/// Whether an address is in a block that is not routed on the public network.
pub(super) fn is_private(address: IpAddr) -> bool {
    PRIVATE.iter().filter_map(|text| Subnet::parse(text, true)).any(|block| block.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_compared() {
        let network = |text: &str| Subnet::parse(text, false).map(|network| network.to_string());
        assert_eq!(network("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(network("10.1.2.3/255.255.0.0").as_deref(), Some("10.1.0.0/16"));
        assert_eq!(network("10.1.2.3").as_deref(), Some("10.1.2.3/32"));
        assert_eq!(network("10.1.2.3/0").as_deref(), Some("0.0.0.0/0"));
        assert_eq!(network("fe80::1/64").as_deref(), Some("fe80::/64"));
        for wrong in ["10.0.0.0/33", "x/8", "10.0.0.0/255.0.255.0", "", "::/129"] {
            assert_eq!(network(wrong), None, "{wrong}");
        }
        assert_eq!(Subnet::parse("10.1.2.3/8", true), None);
        let block = Subnet::parse("172.16.0.0/12", true).unwrap();
        assert_eq!(
            (block.netmask().to_string(), block.last().to_string()),
            ("255.240.0.0".into(), "172.31.255.255".into())
        );
        assert!(PRIVATE.iter().all(|text| Subnet::parse(text, true).is_some()));
    }
}

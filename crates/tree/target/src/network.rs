//! Addresses and networks.

use std::net::IpAddr;

use value::Value;

use crate::TargetError;

/// A network, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `fe80::/10` or an address.
    pub(crate) fn parse(text: &str) -> Result<Self, TargetError> {
        let wrong = || TargetError::Network { text: text.into() };
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| wrong())?,
            None => longest,
        };
        if prefix > longest {
            return Err(wrong());
        }
        Ok(Self { address, prefix })
    }

    /// Whether one of the addresses in the grains `ipv4` and `ipv6` lies in it.
    pub(crate) fn holds(self, grains: &Value) -> bool {
        let family = if self.address.is_ipv4() { "ipv4" } else { "ipv6" };
        let addresses = grains.get(family).and_then(Value::as_list).unwrap_or_default();
        addresses
            .iter()
            .filter_map(|address| address.as_str()?.parse().ok())
            .any(|address| self.contains(address))
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let shift = 32 - u32::from(self.prefix);
                u32::from(ours).checked_shr(shift) == u32::from(theirs).checked_shr(shift)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let shift = 128 - u32::from(self.prefix);
                u128::from(ours).checked_shr(shift) == u128::from(theirs).checked_shr(shift)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_addresses() {
        let grains =
            value::json::from_text(r#"{"ipv4": ["127.0.0.1", "10.1.2.3"], "ipv6": ["fe80::1"]}"#).unwrap();
        for (network, holds) in [
            ("10.0.0.0/8", true),
            ("10.1.2.3", true),
            ("192.168.0.0/16", false),
            ("0.0.0.0/0", true),
            ("fe80::/10", true),
        ] {
            assert_eq!(Network::parse(network).unwrap().holds(&grains), holds, "{network}");
        }
        for wrong in ["10.0.0", "10.0.0.0/33", "x", "::/129", "1.2.3.4/-1"] {
            assert!(Network::parse(wrong).is_err(), "{wrong}");
        }
    }
}

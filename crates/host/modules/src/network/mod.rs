//! `network`: addresses and names of this machine, from its grains, and arithmetic on addresses.

mod exec;
mod subnet;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "network",
    documentation: "Addresses and names of this machine.",
    states: &[],
    functions: &[
        execution!("ip_addrs", exec::addresses, exec::Addresses),
        execution!("ipaddrs", exec::addresses, exec::Addresses),
        execution!("ip_addrs6", exec::addresses6, exec::Addresses),
        execution!("ipaddrs6", exec::addresses6, exec::Addresses),
        execution!("interfaces", exec::interfaces, exec::Nothing),
        execution!("interface_ip", exec::interface_address, exec::Interface),
        execution!("hw_addr", exec::hardware_address, exec::Interface),
        execution!("hwaddr", exec::hardware_address, exec::Interface),
        execution!("get_hostname", exec::host_name, exec::Nothing),
        execution!("get_fqdn", exec::full_name, exec::Nothing),
        execution!("in_subnet", exec::in_subnet, exec::Cidr),
        execution!("ip_in_subnet", exec::address_in_subnet, exec::AddressAndCidr),
        execution!("calc_net", exec::network_of, exec::NetworkOf),
        execution!("convert_cidr", exec::convert, exec::Cidr),
        execution!("is_private", exec::is_private, exec::Address),
        execution!("is_loopback", exec::is_loopback, exec::Address),
        execution!("reverse_ip", exec::reverse, exec::Address),
    ],
};

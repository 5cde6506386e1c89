//! Processors, memory, disks, and whether all of that is real.

use std::path::Path;

use host::Host;
use value::{Map, Value};

use crate::{is_directory, is_there, line, list, names, pairs, text};

/// From `/proc` and `/sys`.
pub(crate) fn grains(host: &dyn Host) -> Map {
    let mut grains = Map::new();
    processors(&text(host, "/proc/cpuinfo").unwrap_or_default(), &mut grains);
    memory(&text(host, "/proc/meminfo").unwrap_or_default(), &mut grains);
    disks(host, &mut grains);
    let (kind, subtype) = virtualization(host);
    grains.insert("virtual", kind);
    if let Some(subtype) = subtype {
        grains.insert("virtual_subtype", subtype);
    }
    for (name, file) in [
        ("biosversion", "bios_version"),
        ("biosreleasedate", "bios_date"),
        ("productname", "product_name"),
        ("manufacturer", "sys_vendor"),
        ("serialnumber", "product_serial"),
        ("uuid", "product_uuid"),
    ] {
        if let Some(text) = line(host, &format!("/sys/class/dmi/id/{file}")) {
            grains.insert(name, if name == "uuid" { text.to_lowercase() } else { text });
        }
    }
    grains.insert("efi", is_directory(host, "/sys/firmware/efi"));
    grains.insert("efi-secure-boot", secure_boot(host));
    let gpus = gpus(host);
    grains.insert("num_gpus", gpus.len());
    grains.insert("gpus", gpus);
    grains.insert("kernelparams", parameters(&line(host, "/proc/cmdline").unwrap_or_default()));
    if let Some(release) = line(host, "/proc/sys/kernel/osrelease") {
        grains.insert("kernelrelease", release);
    }
    if let Some(version) = line(host, "/proc/sys/kernel/version") {
        grains.insert("kernelversion", version);
    }
    grains
}

fn processors(cpuinfo: &str, grains: &mut Map) {
    let mut count = 0i64;
    for (key, value) in pairs(cpuinfo, ':') {
        match key {
            "processor" => count += 1,
            "model name" | "Processor" if !grains.contains("cpu_model") => {
                grains.insert("cpu_model", value);
            }
            "flags" | "Features" if !grains.contains("cpu_flags") => {
                grains.insert("cpu_flags", list(value.split_whitespace()));
            }
            _ => {}
        }
    }
    grains.insert("num_cpus", count.max(1));
}

/// Sizes in MiB, as Salt reports them.
fn memory(meminfo: &str, grains: &mut Map) {
    let mebibytes = |name: &str| {
        let found = pairs(meminfo, ':').find(|(key, _)| *key == name);
        let kibibytes = found.and_then(|(_, value)| value.split_whitespace().next()?.parse::<i64>().ok());
        kibibytes.unwrap_or(0) / 1024
    };
    grains.insert("mem_total", mebibytes("MemTotal"));
    grains.insert("swap_total", mebibytes("SwapTotal"));
}

fn disks(host: &dyn Host, grains: &mut Map) {
    let (mut turning, mut solid) = (Vec::new(), Vec::new());
    for name in names(host, "/sys/block") {
        if ["loop", "ram", "zram", "dm-", "md", "sr", "fd"].iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        match line(host, &format!("/sys/block/{name}/queue/rotational")).as_deref() {
            Some("0") => solid.push(name),
            Some(_) => turning.push(name),
            None => {}
        }
    }
    grains.insert("disks", turning);
    grains.insert("ssds", solid);
}

/// Whether the firmware checks what it starts: the last byte of its variable says so.
fn secure_boot(host: &dyn Host) -> bool {
    let folder = "/sys/firmware/efi/efivars";
    let variables = names(host, folder);
    let found = variables.iter().find(|name| name.starts_with("SecureBoot-"));
    let content = found.and_then(|name| host.read(&Path::new(folder).join(name)).ok());
    content.is_some_and(|content| content.last() == Some(&1))
}

/// Display adapters: PCI devices of class 3. Their model is their number: the names are in a table that is
/// larger than all else that is read here.
fn gpus(host: &dyn Host) -> Vec<Map> {
    let known = [
        ("0x10de", "nvidia"),
        ("0x1002", "amd"),
        ("0x8086", "intel"),
        ("0x15ad", "vmware"),
        ("0x1a03", "aspeed"),
    ];
    let mut found = Vec::new();
    for device in names(host, "/sys/bus/pci/devices") {
        let of =
            |file: &str| line(host, &format!("/sys/bus/pci/devices/{device}/{file}")).unwrap_or_default();
        if of("class").starts_with("0x03") {
            let vendor = of("vendor");
            let vendor =
                known.iter().find(|(number, _)| *number == vendor).map_or("unknown", |(_, name)| *name);
            let model = format!("Device {}", of("device").trim_start_matches("0x"));
            found.push([("vendor", vendor), ("model", model.as_str())].into_iter().collect());
        }
    }
    found
}

/// `virtual` and `virtual_subtype`.
fn virtualization(host: &dyn Host) -> (&'static str, Option<&'static str>) {
    if is_there(host, "/.dockerenv") {
        return ("container", Some("Docker"));
    }
    if is_there(host, "/run/.containerenv") {
        return ("container", Some("Podman"));
    }
    match line(host, "/run/systemd/container").as_deref() {
        Some("systemd-nspawn") => return ("container", Some("systemd-nspawn")),
        Some("lxc" | "lxc-libvirt") => return ("LXC", None),
        Some(_) => return ("container", None),
        None => {}
    }
    let product = line(host, "/sys/class/dmi/id/product_name").unwrap_or_default();
    let vendor = line(host, "/sys/class/dmi/id/sys_vendor").unwrap_or_default();
    let has = |word: &str| product.contains(word) || vendor.contains(word);
    let by_name = [
        ("VMware", "VMware"),
        ("VirtualBox", "VirtualBox"),
        ("KVM", "kvm"),
        ("QEMU", "kvm"),
        ("Standard PC", "kvm"),
        ("Virtual Machine", "VirtualPC"),
        ("Amazon EC2", "Nitro"),
        ("Google", "gce"),
        ("HVM domU", "xen"),
    ];
    let found = by_name.iter().find(|(word, _)| has(word)).map(|(_, kind)| *kind);
    let hypervisor = text(host, "/proc/cpuinfo").is_some_and(|text| text.contains(" hypervisor"));
    (found.unwrap_or(if hypervisor { "kvm" } else { "physical" }), None)
}

/// The kernel's command line as pairs; a word without a value has null.
fn parameters(line: &str) -> Value {
    line.split_whitespace()
        .map(|word| match word.split_once('=') {
            Some((name, value)) => vec![Value::from(name), value.into()],
            None => vec![Value::from(word), Value::NULL],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_processors_and_memory() {
        let mut grains = Map::new();
        processors("processor\t: 0\nmodel name\t: Fast\nflags\t\t: a b\n\nprocessor\t: 1\n", &mut grains);
        memory("MemTotal:       24684036 kB\nSwapTotal: x kB\n", &mut grains);
        let json = value::json::to_text(&grains.into());
        let expected = r#"{"cpu_model": "Fast", "cpu_flags": ["a", "b"], "num_cpus": 2, "mem_total": 24105, "swap_total": 0}"#;
        assert_eq!(json, expected);
    }

    #[test]
    fn kernel_parameters_are_pairs() {
        let json = value::json::to_text(&parameters("root=/dev/vda quiet a=b=c"));
        assert_eq!(json, r#"[["root", "/dev/vda"], ["quiet", null], ["a", "b=c"]]"#);
    }
}

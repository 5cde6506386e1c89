//! Units in a tree that nothing runs in: they are enabled by the links that `systemctl enable` would make, and
//! masked by a link to `/dev/null`. Nothing can be started there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use host::{Attributes, FileKind, Host, HostError};

use super::provider::{Deed, Service};
use super::systemd::unit;
use crate::Failure;

/// Where units are, the first that has one wins.
const DIRECTORIES: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Where the administrator's units and links are.
const ETC: &str = "/etc/systemd/system";

/// One unit; `None` when no file is there.
pub(super) fn look(host: &dyn Host, name: &str) -> Result<Option<Service>, HostError> {
    let unit = unit(name);
    let masked = is_masked(host, ETC, &unit)?;
    let runtime_masked = is_masked(host, "/run/systemd/system", &unit)?;
    let Some(text) = read(host, &unit)? else {
        let masked = Service { masked, runtime_masked, ..Service::default() };
        return Ok((masked.masked || masked.runtime_masked).then_some(masked));
    };
    let links = links(&text, &unit);
    let mut enabled = !links.is_empty();
    for (link, _) in links {
        enabled &= host.link_metadata(&link)?.is_some();
    }
    Ok(Some(Service { enabled, masked, runtime_masked, ..Service::default() }))
}

/// Does what can be done to a file.
pub(super) fn act(
    host: &dyn Host,
    name: &str,
    deed: Deed,
    before: &Service,
) -> Result<Option<String>, Failure> {
    let unit = unit(name);
    let null = Path::new("/dev/null");
    match deed {
        Deed::Start | Deed::Restart | Deed::Reload => {
            return Ok(Some(format!(
                "nothing runs here, so {unit} cannot be told to {}: no init system manages this tree",
                deed.verb()
            )));
        }
        Deed::Stop => {}
        Deed::Mask { runtime } => link(host, null, &mask_path(&unit, runtime))?,
        Deed::Unmask { runtime } => {
            if before.masked || before.runtime_masked {
                host.remove_file(&mask_path(&unit, runtime))?;
            }
        }
        Deed::Enable | Deed::Disable => {
            let Some(text) = read(host, &unit)? else {
                return Ok(Some(format!("there is no unit {unit}")));
            };
            let links = links(&text, &unit);
            if links.is_empty() && deed == Deed::Enable {
                return Ok(Some(format!("{unit} has no [Install] section: nothing says when to start it")));
            }
            for (path, target) in links {
                let there = host.link_metadata(&path)?.is_some();
                match (deed, there) {
                    (Deed::Enable, false) => link(host, &locate(host, &target)?, &path)?,
                    (Deed::Disable, true) => host.remove_file(&path)?,
                    _ => {}
                }
            }
        }
    }
    Ok(None)
}

/// The names of all services: units and links to them, without `.service`.
pub(super) fn all(host: &dyn Host) -> Result<Vec<String>, HostError> {
    let mut names = BTreeSet::new();
    for directory in DIRECTORIES {
        let directory = Path::new(directory);
        if host.metadata(directory)?.is_none_or(|it| it.kind != FileKind::Directory) {
            continue;
        }
        let entries = host.list(directory)?;
        names
            .extend(entries.iter().filter_map(|entry| entry.name.strip_suffix(".service")).map(String::from));
    }
    let scripts = Path::new("/etc/init.d");
    if host.metadata(scripts)?.is_some() {
        names.extend(super::sysv::all(host)?);
    }
    Ok(names.into_iter().collect())
}

fn is_masked(host: &dyn Host, directory: &str, unit: &str) -> Result<bool, HostError> {
    let path = Path::new(directory).join(unit);
    let is_link = host.link_metadata(&path)?.is_some_and(|there| there.kind == FileKind::Symlink);
    Ok(is_link && host.read_link(&path)? == Path::new("/dev/null"))
}

fn mask_path(unit: &str, runtime: bool) -> PathBuf {
    Path::new(if runtime { "/run/systemd/system" } else { ETC }).join(unit)
}

/// The file of a unit, or of the template that it is an instance of.
fn locate(host: &dyn Host, unit: &str) -> Result<PathBuf, HostError> {
    let names = [Some(unit.to_string()), template(unit)];
    for name in names.iter().flatten() {
        for directory in DIRECTORIES {
            let path = Path::new(directory).join(name);
            if host.metadata(&path)?.is_some_and(|there| there.kind == FileKind::File) {
                return Ok(path);
            }
        }
    }
    Err(HostError::NotFound(Path::new(ETC).join(unit)))
}

fn read(host: &dyn Host, unit: &str) -> Result<Option<String>, HostError> {
    match locate(host, unit) {
        Ok(path) => Ok(Some(String::from_utf8_lossy(&host.read(&path)?).into_owned())),
        Err(HostError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `getty@.service` for `getty@tty1.service`.
fn template(unit: &str) -> Option<String> {
    let (name, rest) = unit.split_once('@')?;
    let (_, suffix) = rest.rsplit_once('.')?;
    Some(format!("{name}@.{suffix}"))
}

/// The links that enable a unit, from its `[Install]` section: each link with the unit it leads to.
fn links(text: &str, unit: &str) -> Vec<(PathBuf, String)> {
    let mut links = Vec::new();
    let mut section = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        if section != "[Install]" {
            continue;
        }
        let safe = |name: &&str| !name.contains('/') && !name.starts_with('.');
        for name in value.split_whitespace().filter(safe) {
            let name = name.trim_matches('"');
            match key.trim() {
                "WantedBy" => {
                    links.push((Path::new(ETC).join(format!("{name}.wants")).join(unit), unit.into()));
                }
                "RequiredBy" => {
                    links.push((Path::new(ETC).join(format!("{name}.requires")).join(unit), unit.into()));
                }
                "Alias" => links.push((Path::new(ETC).join(name), unit.into())),
                _ => {}
            }
        }
    }
    links
}

fn link(host: &dyn Host, target: &Path, path: &Path) -> Result<(), HostError> {
    let mut missing = Vec::new();
    for parent in path.ancestors().skip(1) {
        if host.metadata(parent)?.is_some() {
            break;
        }
        missing.push(parent);
    }
    for parent in missing.into_iter().rev() {
        host.create_directory(parent, &Attributes { mode: Some(0o755), ..Attributes::default() })?;
    }
    host.create_symlink(target, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_install_section_says_which_links() {
        let text =
            "[Unit]\nWantedBy=no.target\n[Install]\nWantedBy=multi-user.target ../x\nAlias=web.service\n";
        let links: Vec<_> = links(text, "nginx.service").into_iter().map(|(path, _)| path).collect();
        assert_eq!(
            links,
            [
                Path::new("/etc/systemd/system/multi-user.target.wants/nginx.service"),
                Path::new("/etc/systemd/system/web.service"),
            ]
        );
        assert_eq!(template("getty@tty1.service").as_deref(), Some("getty@.service"));
        assert_eq!(template("nginx.service"), None);
    }
}

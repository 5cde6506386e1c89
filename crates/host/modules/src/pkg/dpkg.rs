//! dpkg's database, read directly: `/var/lib/dpkg/status` (deb-control paragraphs, one a package).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use host::{Host, HostError, Metadata};

/// Where the database is.
pub(super) const STATUS: &str = "/var/lib/dpkg/status";

/// What dpkg knows of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// The version that is, or was last, installed.
    pub version: String,
    /// `hold`, `install`, `deinstall`, `purge`: what is wanted.
    pub wanted: String,
    /// `installed`, `config-files`, `half-configured` …: how it is.
    pub status: String,
    /// Its architecture.
    pub architecture: String,
    /// Whether something of it stays behind when it is removed: files that a person may have edited.
    pub has_configuration: bool,
}

impl Record {
    /// Whether it is there, at least unpacked.
    pub(super) fn is_installed(&self) -> bool {
        matches!(
            self.status.as_str(),
            "installed"
                | "unpacked"
                | "half-configured"
                | "half-installed"
                | "triggers-awaited"
                | "triggers-pending"
        )
    }
}

/// All packages that dpkg knows of. Packages of a foreign architecture go by `name:architecture`.
#[derive(Debug, Default)]
pub(super) struct Database {
    /// By name.
    pub packages: HashMap<String, Record>,
    /// Virtual names, with the installed packages that provide them.
    pub provided: HashMap<String, Vec<String>>,
    /// The machine's own architecture; empty when there is no dpkg in it.
    pub architecture: String,
}

/// Reads the database; an absent one is empty. It is parsed once for each state of the file.
pub(super) fn database(host: &dyn Host) -> Result<Arc<Database>, HostError> {
    type Key = (Option<PathBuf>, Metadata);
    static LAST: Mutex<Option<(Key, Arc<Database>)>> = Mutex::new(None);

    let path = Path::new(STATUS);
    let Some(metadata) = host.metadata(path)? else {
        return Ok(Arc::default());
    };
    let key = (host.root().map(Path::to_path_buf), metadata);
    // A form without inodes has nothing that tells two states of a file apart.
    let lasting = key.1.identity != (0, 0);
    if lasting
        && let Some((known, database)) = &*LAST.lock().unwrap_or_else(PoisonError::into_inner)
        && *known == key
    {
        return Ok(database.clone());
    }
    let database = Arc::new(parse(&String::from_utf8_lossy(&host.read(path)?)));
    if lasting {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some((key, database.clone()));
    }
    Ok(database)
}

/// Parses the file. Paragraphs without a name are passed over.
pub(super) fn parse(text: &str) -> Database {
    let mut database = Database::default();
    let mut paragraphs = Vec::new();
    let mut paragraph = Paragraph::default();
    for line in text.lines() {
        if line.is_empty() {
            paragraphs.push(std::mem::take(&mut paragraph));
        } else {
            paragraph.take(line);
        }
    }
    paragraphs.push(paragraph);
    if let Some(dpkg) = paragraphs.iter().find(|paragraph| paragraph.name == "dpkg") {
        database.architecture.clone_from(&dpkg.record.architecture);
    }
    for Paragraph { name, provides, record } in paragraphs {
        if name.is_empty() {
            continue;
        }
        let name = database.full_name(name, &record.architecture);
        if record.is_installed() {
            for virtual_name in provides.split(',').filter_map(|entry| entry.split_whitespace().next()) {
                database.provided.entry(virtual_name.to_string()).or_default().push(name.clone());
            }
        }
        database.packages.insert(name, record);
    }
    database
}

impl Database {
    /// The name under which a package of that architecture is filed.
    pub(super) fn full_name(&self, name: &str, architecture: &str) -> String {
        if architecture.is_empty()
            || architecture == "all"
            || self.architecture.is_empty()
            || architecture == self.architecture
        {
            name.to_string()
        } else {
            format!("{name}:{architecture}")
        }
    }

    /// A name as people write it, made one that packages are filed under: `nginx:amd64` on amd64 is `nginx`.
    pub(super) fn normalized<'a>(&self, name: &'a str) -> &'a str {
        match name.split_once(':') {
            Some((plain, architecture)) if architecture == self.architecture || architecture == "all" => {
                plain
            }
            _ => name,
        }
    }
}

#[derive(Default)]
struct Paragraph<'a> {
    name: &'a str,
    provides: &'a str,
    record: Record,
}

impl<'a> Paragraph<'a> {
    fn take(&mut self, line: &'a str) {
        // Most of the file is descriptions and lists of files: they are passed over by their first letter.
        if !matches!(line.as_bytes().first(), Some(b'A' | b'C' | b'P' | b'S' | b'V')) {
            return;
        }
        let Some((field, value)) = line.split_once(':') else { return };
        let value = value.trim();
        match field {
            "Package" => self.name = value,
            "Version" => self.record.version = value.into(),
            "Architecture" => self.record.architecture = value.into(),
            "Provides" => self.provides = value,
            "Conffiles" => self.record.has_configuration = true,
            "Status" => {
                let mut words = value.split_whitespace();
                self.record.wanted = words.next().unwrap_or_default().into();
                self.record.status = words.next_back().unwrap_or_default().into();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.22\n\n\
        Package: exim4-daemon-light\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 4.96-15\n\
        Provides: mail-transport-agent, exim4 (= 4.96)\nDescription: mail\n a line: with a colon\n Package: no\n\n\
        Package: libc6\nStatus: install ok installed\nArchitecture: i386\nVersion: 2.36-9\n\n\
        Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\nConffiles:\n /etc/gone 00\n";

    #[test]
    fn reads_what_dpkg_writes() {
        let database = parse(SAMPLE);
        assert_eq!(database.architecture, "amd64");
        assert_eq!(database.packages.len(), 4);
        let exim = &database.packages["exim4-daemon-light"];
        assert_eq!((exim.version.as_str(), exim.wanted.as_str()), ("4.96-15", "hold"));
        assert_eq!(database.provided["mail-transport-agent"], ["exim4-daemon-light"]);
        assert_eq!(database.provided["exim4"], ["exim4-daemon-light"]);
        assert!(database.packages["libc6:i386"].is_installed());
        let gone = &database.packages["gone"];
        assert!(!gone.is_installed() && gone.has_configuration);
        assert_eq!(database.normalized("exim4-daemon-light:amd64"), "exim4-daemon-light");
        assert_eq!(database.normalized("libc6:i386"), "libc6:i386");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "[A-Za-z: \n,()=]{0,200}") {
            parse(&text);
        }
    }
}

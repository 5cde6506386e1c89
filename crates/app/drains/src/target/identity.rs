//! What makes a target the one it is.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::show::Host;
use super::{Http, Syslog, Target};

impl Target {
    /// A short name for where this sends to: 16 hexadecimal digits, the same in every process and version. Where it
    /// sends to and as whom is in it; how (the password, options) is not, so that a drain goes on where it stood when
    /// that changes.
    pub fn identity(&self) -> String {
        let digest = Sha256::digest(self.place().as_bytes());
        digest.iter().take(8).fold(String::new(), |mut text, octet| {
            let _ = write!(text, "{octet:02x}");
            text
        })
    }

    fn place(&self) -> String {
        match self {
            Self::Stdout { .. } => "stdout:".into(),
            Self::File { path, .. } => format!("file://{}", path.display()),
            Self::Syslog(Syslog { host, port, tls, .. }) => {
                let scheme = if tls.is_some() { "syslog+tls" } else { "syslog" };
                format!("{scheme}://{}:{port}", Host(host))
            }
            Self::Http(http) => place_of(http),
        }
    }
}

fn place_of(http: &Http) -> String {
    let scheme = if http.tls.is_some() { "https" } else { "http" };
    let user = http.credentials.as_ref().map(|one| format!("{}@", one.user.reveal())).unwrap_or_default();
    let query = http.query.as_ref().map(|query| format!("?{}", query.reveal())).unwrap_or_default();
    format!("{scheme}://{user}{}:{}{}{query}", Host(&http.host), http.port, http.path)
}

#[cfg(test)]
mod tests {
    use super::Target;

    fn identity(url: &str) -> String {
        url.parse::<Target>().unwrap().identity()
    }

    #[test]
    fn it_says_where_and_not_how() {
        let same = [
            ("file:///var/log/a", "file:///var/log/a#format=json"),
            ("syslog://logs:514", "syslog://logs:514?facility=local3&window=1MiB"),
            ("https://logs/in", "https://logs:443/in#gzip"),
            ("https://a:old@logs/in", "https://a:new@logs/in"),
        ];
        for (one, other) in same {
            assert_eq!(identity(one), identity(other), "{one} {other}");
        }
        let others = [
            "stdout:",
            "file:///var/log/b",
            "syslog://logs:514",
            "syslog://logs:515",
            "syslog+tls://logs:514",
            "http://logs:443/in",
            "https://logs/in",
            "https://b@logs/in",
            "https://logs/in?token=1",
            "https://logs/in?token=2",
        ];
        let mut found: Vec<String> = others.map(identity).into();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), others.len());
    }

    #[test]
    fn it_is_the_same_in_every_version() {
        // As `printf syslog://logs.example.org:514 | sha256sum` has it.
        assert_eq!(identity("syslog://logs.example.org:514"), "443412c13605b098");
    }
}

//! Targets as URLs, without what is secret in them.

use std::fmt;

use super::{FACILITY_USER, Format, Http, Syslog, Target, Tls, WINDOW, parse};

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout { format } => write!(f, "stdout:{}", json(*format)),
            Self::File { path, format } => write!(f, "file://{}{}", path.display(), json(*format)),
            Self::Syslog(syslog) => syslog.fmt(f),
            Self::Http(http) => http.fmt(f),
        }
    }
}

fn json(format: Format) -> &'static str {
    match format {
        Format::Text => "",
        Format::Json => "#format=json",
    }
}

impl fmt::Display for Syslog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "syslog+tls" } else { "syslog" };
        write!(f, "{scheme}://{}:{}", Host(&self.host), self.port)?;
        let facility = (self.facility != FACILITY_USER)
            .then(|| parse::facility_name(self.facility))
            .flatten()
            .map(|name| format!("facility={name}"));
        let options = [
            ca(self.tls.as_ref()),
            facility,
            (!self.bom).then(|| "bom=no".into()),
            self.longest.map(|longest| format!("longest={longest}")),
            (self.window != WINDOW).then(|| format!("window={}", self.window)),
        ];
        fragment(f, options)
    }
}

impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.tls.is_some() { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://")?;
        if let Some(credentials) = &self.credentials {
            write!(f, "{}@", credentials.user)?;
        }
        write!(f, "{}", Host(&self.host))?;
        if self.port != usual {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)?;
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        fragment(f, [ca(self.tls.as_ref()), self.gzip.then(|| "gzip".into())])
    }
}

fn ca(tls: Option<&Tls>) -> Option<String> {
    tls.and_then(|tls| tls.ca.as_ref()).map(|path| format!("ca={}", path.display()))
}

fn fragment(f: &mut fmt::Formatter<'_>, options: impl IntoIterator<Item = Option<String>>) -> fmt::Result {
    for (number, option) in options.into_iter().flatten().enumerate() {
        write!(f, "{}{option}", if number == 0 { '#' } else { '&' })?;
    }
    Ok(())
}

/// A host as it stands in a URL: IPv6 addresses in brackets.
pub(crate) struct Host<'a>(pub(crate) &'a str);

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(':') { write!(f, "[{}]", self.0) } else { f.write_str(self.0) }
    }
}

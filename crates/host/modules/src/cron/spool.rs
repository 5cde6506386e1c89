//! Where crontabs are: the spool file of each user, read and written as a file.
//!
//! cron looks at the spool directory once a minute and reads what is new; replacing a file there is all that the
//! program `crontab` does. Written as a file a change is atomic, and a plan shows it.

use std::path::{Path, PathBuf};

use host::{Attributes, HostError, Owner, accounts};

use super::tab::{Tab, with_header, without_header};
use crate::{Context, Failure};

/// Debian's place; also of most others.
const CRONTABS: &str = "/var/spool/cron/crontabs";
/// Red Hat's place.
const CRON: &str = "/var/spool/cron";

/// The crontab of a user.
pub(super) struct Spool<'a> {
    context: &'a Context<'a>,
    user: &'a str,
    path: PathBuf,
    /// Whether the program `crontab` hides three lines on top.
    headed: bool,
}

impl<'a> Spool<'a> {
    /// For a user. A name that would lead elsewhere is refused.
    pub(super) fn of(context: &'a Context<'a>, user: &'a str) -> Result<Self, Failure> {
        if !crate::user::text::is_name(user) {
            return Err(Failure::message(format!("`{user}` can not be the name of a user"))
                .hint("write the name as it stands in /etc/passwd: letters, digits, `-` and `_`")
                .blames("user"));
        }
        let redhat = context.grain_text("os_family") == "RedHat"
            && context.host().metadata(Path::new(CRONTABS))?.is_none();
        let directory = if redhat { CRON } else { CRONTABS };
        Ok(Self { context, user, path: Path::new(directory).join(user), headed: !redhat })
    }

    /// The text, without the header; empty when there is none.
    pub(super) fn read(&self) -> Result<String, HostError> {
        match self.context.host().read(&self.path) {
            Ok(content) => Ok(without_header(&String::from_utf8_lossy(&content))),
            Err(HostError::NotFound(_)) => Ok(String::new()),
            Err(error) => Err(error),
        }
    }

    /// The crontab.
    pub(super) fn tab(&self) -> Result<Tab, HostError> {
        Ok(Tab::parse(&self.read()?))
    }

    /// Replaces it.
    pub(super) fn write(&self, tab: &Tab) -> Result<(), Failure> {
        self.write_text(&tab.print())
    }

    fn no_user(&self) -> Failure {
        Failure::message(format!("there is no user {}", self.user))
            .hint(format!("add a `user.present` state for `{}` that this one requires", self.user))
            .blames("user")
    }

    /// Replaces its text.
    pub(super) fn write_text(&self, text: &str) -> Result<(), Failure> {
        let host = self.context.host();
        let account = accounts::user(host, self.user)?.ok_or_else(|| self.no_user())?;
        let group = match accounts::group(host, "crontab")? {
            Some(group) => group.gid.map_or(Owner::Name(group.name), Owner::Id),
            None => Owner::Id(0),
        };
        self.make_directory(&group)?;
        let user = account.uid.map_or(Owner::Name(account.name), Owner::Id);
        let attributes = Attributes { mode: Some(0o600), user: Some(user), group: Some(group) };
        let text = if self.headed { with_header(text) } else { text.to_string() };
        Ok(host.write(&self.path, text.as_bytes(), &attributes)?)
    }

    fn make_directory(&self, group: &Owner) -> Result<(), HostError> {
        let host = self.context.host();
        let Some(directory) = self.path.parent() else { return Ok(()) };
        let mut missing = Vec::new();
        for parent in directory.ancestors() {
            if host.metadata(parent)?.is_some() {
                break;
            }
            missing.push(parent);
        }
        for parent in missing.into_iter().rev() {
            let closed = parent == directory && self.headed;
            let attributes = Attributes {
                mode: Some(if closed { 0o1730 } else { 0o755 }),
                user: Some(Owner::Id(0)),
                group: Some(if closed { group.clone() } else { Owner::Id(0) }),
            };
            host.create_directory(parent, &attributes)?;
        }
        Ok(())
    }
}

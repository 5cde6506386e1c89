//! Who owns a file and who may do what with it: as declared, and as it stands.

use std::path::Path;

use host::{Attributes, FileKind, Host, Metadata, Owner};
use value::Map;

use super::accounts;
use crate::{AnyText, Context, Failure, Mode};

/// Ownership and permission bits as a state declares them. What is `None` is left alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Permissions {
    user: Option<(String, Owner)>,
    group: Option<(String, Owner)>,
    /// Permission bits.
    pub(crate) mode: Option<u32>,
}

impl Permissions {
    /// Reads what a state declares; an account that is not there is a failure.
    pub(crate) fn of(
        context: &Context<'_>,
        user: Option<&AnyText>,
        group: Option<&AnyText>,
        mode: Option<u32>,
    ) -> Result<Self, Failure> {
        let host = context.host();
        let mut wrong = String::new();
        let mut user = named(user).map(|name| (name, None));
        let mut group = named(group).map(|name| (name, None));
        if let Some((name, owner)) = &mut user {
            *owner = accounts::user(host, name)?;
            if owner.is_none() {
                wrong.push_str(&format!("User {name} is not available "));
            }
        }
        if let Some((name, owner)) = &mut group {
            *owner = accounts::group(host, name)?;
            if owner.is_none() {
                wrong.push_str(&format!("Group {name} is not available"));
            }
        }
        if !wrong.is_empty() {
            let missing = [("user", &user), ("group", &group)].into_iter().filter_map(|(kind, account)| {
                account.as_ref().filter(|(_, owner)| owner.is_none()).map(|(name, _)| (kind, name))
            });
            return Err(missing.fold(Failure::message(wrong), |failure, (kind, name)| {
                let hint = format!(
                    "add a `{kind}.present` state for `{name}` that this one requires, or correct the name"
                );
                failure.hint(hint).blames(kind)
            }));
        }
        let known = |(name, owner): (String, Option<Owner>)| Some((name, owner?));
        Ok(Self { user: user.and_then(known), group: group.and_then(known), mode })
    }

    /// What a new file or directory gets.
    pub(crate) fn attributes(&self) -> Attributes {
        let owner = |of: &Option<(String, Owner)>| of.as_ref().map(|(_, owner)| owner.clone());
        Attributes { mode: self.mode, user: owner(&self.user), group: owner(&self.group) }
    }

    /// The same with other bits.
    pub(crate) fn with_mode(&self, mode: Option<u32>) -> Self {
        Self { mode, ..self.clone() }
    }

    /// Only the parts that a recursion is to reach.
    pub(crate) fn only(&self, user: bool, group: bool, mode: bool) -> Self {
        Self {
            user: self.user.clone().filter(|_| user),
            group: self.group.clone().filter(|_| group),
            mode: self.mode.filter(|_| mode),
        }
    }

    /// Whether a user is declared.
    pub(crate) fn has_user(&self) -> bool {
        self.user.is_some()
    }

    /// Whether a group is declared.
    pub(crate) fn has_group(&self) -> bool {
        self.group.is_some()
    }

    /// Where something that stands there differs, in Salt's words: `user`, `group`, `mode`.
    pub(crate) fn differences(&self, found: &Metadata) -> Map {
        let mut changes = Map::new();
        if let Some((name, owner)) = &self.user
            && *owner != found.user
        {
            changes.insert("user", name.as_str());
        }
        if let Some((name, owner)) = &self.group
            && *owner != found.group
        {
            changes.insert("group", name.as_str());
        }
        if let Some(mode) = self.mode
            && mode != found.mode
            && found.kind != FileKind::Symlink
        {
            changes.insert("mode", octal(mode));
        }
        changes
    }

    /// Brings what stands at a path in line, and says where it differed. A link at the path is not followed.
    pub(crate) fn enforce(&self, host: &dyn Host, path: &Path, found: &Metadata) -> Result<Map, Failure> {
        let changes = self.differences(found);
        if changes.is_empty() {
            return Ok(changes);
        }
        let owned = changes.contains("user") || changes.contains("group");
        if owned {
            let wanted = self.attributes();
            let user = wanted.user.filter(|_| changes.contains("user"));
            let group = wanted.group.filter(|_| changes.contains("group"));
            host.set_owner(path, user.as_ref(), group.as_ref())?;
        }
        if found.kind != FileKind::Symlink {
            let mode = self.mode.unwrap_or(found.mode);
            // The system takes these two bits away from a file that changes hands.
            if mode != found.mode || (owned && found.mode & 0o6000 != 0) {
                host.set_mode(path, mode)?;
            }
        }
        Ok(changes)
    }
}

/// A name that was given; an empty one is none.
fn named(name: Option<&AnyText>) -> Option<String> {
    name.map(|name| name.0.clone()).filter(|name| !name.is_empty())
}

/// Permission bits as Salt prints them.
pub(crate) fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

/// The bits of a declared mode; `keep` is none.
pub(crate) fn bits(mode: Option<Mode>) -> Option<u32> {
    match mode {
        Some(Mode::Bits(bits)) => Some(bits),
        Some(Mode::Keep) | None => None,
    }
}

/// The bits of directories that are made on the way to a file: as the file's, and searchable by whoever may
/// read.
pub(crate) fn directory_bits(directory: Option<u32>, file: Option<u32>) -> Option<u32> {
    directory.or_else(|| {
        file.map(|bits| {
            [6, 3, 0].into_iter().fold(0, |mode, shift| {
                let part = (bits >> shift) & 7;
                mode | ((if part == 0 { 0 } else { part | 1 }) << shift)
            })
        })
    })
}

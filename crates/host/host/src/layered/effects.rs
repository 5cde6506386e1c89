//! What an act that is not run will have done to paths.
//!
//! An effect whose subject is a `path` puts something into the layer. Its properties are `kind`
//! (`file`, `directory` or `symlink`; without it something is there, nobody knows what), `mode` (bits),
//! `user`, `group` (a name or number), `target` (of a link) and `content` (of a file). What is not said is taken from what
//! stands there, or from what the system gives new things. The content of a directory is always unknown, that of
//! a file is unless it is said.

use std::path::{Path, PathBuf};

use value::{Data, Value};

use super::{Content, Layered, Node};
use crate::{Attributes, Clock as _, Fact, FileKind, Metadata, Owner};

impl Layered {
    /// Takes a declared effect on a path; `because` says which act has to run first.
    pub(super) fn take_path(&self, path: &Path, after: &Fact, because: &str) {
        // Where the links on the way lead; a way that is not there yet will be.
        let place = self.resolve(path, false).unwrap_or_else(|_| path.to_path_buf());
        if !place.is_absolute() {
            return;
        }
        let node = match after {
            Fact::Absent => Node::Gone,
            Fact::Unknown => Node::Unknown(because.to_string()),
            Fact::Present(properties) => self.node(&place, properties, because),
        };
        if !matches!(after, Fact::Absent) {
            self.imply_parents(&place, because);
        }
        let mut layer = self.layer();
        if !matches!(node, Node::Directory { .. }) {
            layer.forget_under(&place);
        }
        layer.nodes.insert(place, node);
    }

    fn node(&self, place: &Path, properties: &Value, because: &str) -> Node {
        let text = |key: &str| properties.get(key).and_then(Value::as_str);
        let there = self.look(place).ok().flatten();
        let kind = match text("kind") {
            Some("directory") => FileKind::Directory,
            Some("symlink") => FileKind::Symlink,
            _ => FileKind::File,
        };
        let attributes = Attributes {
            mode: properties.get("mode").and_then(Value::as_int).and_then(|mode| u32::try_from(mode).ok()),
            user: properties.get("user").and_then(owner),
            group: properties.get("group").and_then(owner),
        };
        let kept = there.filter(|there: &Metadata| there.kind == kind);
        let (mode, user, group) = self.dressed(place, &attributes, kept.as_ref(), kind);
        match kind {
            FileKind::Directory => {
                Node::Directory { mode, user, group, covers: false, unknown: Some(because.into()) }
            }
            FileKind::Symlink => {
                Node::Symlink { target: text("target").unwrap_or_default().into(), user, group }
            }
            _ => {
                let content = match text("content") {
                    Some(content) => Content::Known(content.as_bytes().into()),
                    None => Content::Unknown(because.into()),
                };
                Node::File { content, mode, user, group, modified: self.now() }
            }
        }
    }

    /// Whatever makes a path makes the way to it. What else is on the way nobody knows.
    fn imply_parents(&self, place: &Path, because: &str) {
        let missing: Vec<PathBuf> = place
            .ancestors()
            .skip(1)
            .take_while(|above| matches!(self.look(above), Ok(None)))
            .map(Path::to_path_buf)
            .collect();
        for above in missing.into_iter().rev() {
            let (mode, user, group) = self.dressed(&above, &Attributes::default(), None, FileKind::Directory);
            let unknown = Some(because.to_string());
            self.put(above, Node::Directory { mode, user, group, covers: true, unknown });
        }
    }
}

fn owner(value: &Value) -> Option<Owner> {
    match &value.data {
        Data::Str(name) => Some(Owner::Name(name.to_string())),
        Data::Int(number) => u32::try_from(*number).ok().map(Owner::Id),
        _ => None,
    }
}

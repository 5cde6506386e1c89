//! [`Files`] over a layer.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::{Content, Layer, Layered, Node};
use crate::{
    Attributes, Clock as _, DirectoryEntry, FileKind, Files, Host as _, HostError, Metadata, Owner,
    Timestamp, accounts,
};

/// As many links in a row as Linux follows.
pub(crate) const MOST_LINKS: usize = 40;

/// Where a look ends.
enum Found {
    /// In the layer.
    Here(Node),
    /// Below, and the layer does not hide it.
    Below,
    /// Nowhere.
    Nowhere,
}

impl Layered {
    /// What stands at a path that has no links in it.
    fn find(&self, layer: &Layer, path: &Path) -> Result<Found, HostError> {
        if let Some(node) = layer.nodes.get(path) {
            return match node {
                Node::Gone => Ok(Found::Nowhere),
                Node::Unknown(because) => Err(unknown(path.display().to_string(), because)),
                node => Ok(Found::Here(node.clone())),
            };
        }
        for above in path.ancestors().skip(1) {
            match layer.nodes.get(above) {
                None => {}
                Some(Node::Directory { unknown: Some(because), .. } | Node::Unknown(because)) => {
                    return Err(unknown(path.display().to_string(), because));
                }
                Some(Node::Directory { covers: false, .. }) => {}
                Some(_) => return Ok(Found::Nowhere),
            }
        }
        Ok(if self.below_files().is_some() { Found::Below } else { Found::Nowhere })
    }

    /// `lstat` of a path that has no links in it.
    pub(super) fn look(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        let found = self.find(&self.layer(), path)?;
        match found {
            Found::Here(node) => Ok(node.metadata()),
            Found::Nowhere => Ok(None),
            Found::Below => self.below_files().map_or(Ok(None), |below| below.link_metadata(path)),
        }
    }

    fn link_target(&self, path: &Path) -> Result<PathBuf, HostError> {
        let found = self.find(&self.layer(), path)?;
        match found {
            Found::Here(Node::Symlink { target, .. }) => Ok(target),
            Found::Below => match self.below_files() {
                Some(below) => below.read_link(path),
                None => Err(HostError::NotFound(path.into())),
            },
            _ => Err(HostError::Other {
                path: path.into(),
                operation: "read the link",
                why: "it is no link".into(),
            }),
        }
    }

    /// The path without links: those on the way are always followed, the last one when `follow` says so. What
    /// is missing at the end is kept, so that it can be created.
    pub(super) fn resolve(&self, path: &Path, follow: bool) -> Result<PathBuf, HostError> {
        check(path)?;
        let mut todo: Vec<String> = parts(path).rev().collect();
        let mut here = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = todo.pop() {
            if part == ".." {
                here.pop();
                continue;
            }
            let next = here.join(&part);
            let last = todo.is_empty();
            let kind = self.look(&next)?.map(|found| found.kind);
            if kind == Some(FileKind::Symlink) && (follow || !last) {
                links += 1;
                if links > MOST_LINKS {
                    return Err(HostError::LinkLoop(path.into()));
                }
                let target = self.link_target(&next)?;
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                todo.extend(parts(&target).rev());
            } else if !last && kind.is_none() {
                return Err(HostError::NotFound(next));
            } else if !last && kind != Some(FileKind::Directory) {
                return Err(self.no_directory(next));
            } else {
                here = next;
            }
        }
        Ok(here)
    }

    /// The resolved path of something new or replaced: its parent has to be a directory.
    fn place(&self, path: &Path) -> Result<PathBuf, HostError> {
        let place = self.resolve(path, false)?;
        match place.parent() {
            None => Ok(place),
            Some(parent) => match self.look(parent)? {
                Some(Metadata { kind: FileKind::Directory, .. }) => Ok(place),
                Some(_) => Err(self.no_directory(parent.into())),
                None => Err(HostError::NotFound(parent.into())),
            },
        }
    }

    /// Something else than a directory stands on the way; a planned thing that nobody knows may be one.
    fn no_directory(&self, path: PathBuf) -> HostError {
        match self.layer().nodes.get(&path) {
            Some(Node::File { content: Content::Unknown(because), .. }) => {
                unknown(path.display().to_string(), because)
            }
            _ => HostError::NotADirectory(path),
        }
    }

    /// Mode and owner of what is put at a resolved path: as asked for, else as `kept` has them, else as the
    /// system would choose.
    pub(super) fn dressed(
        &self,
        place: &Path,
        attributes: &Attributes,
        kept: Option<&Metadata>,
        kind: FileKind,
    ) -> (u32, Owner, Owner) {
        const SET_GROUP: u32 = 0o2000;
        let creator = self.creator();
        let above = place.parent().and_then(|parent| self.look(parent).ok().flatten());
        let inherits = above.as_ref().filter(|above| above.mode & SET_GROUP != 0);
        let mode = match kind {
            FileKind::Directory => (0o777 & !creator.umask) | if inherits.is_some() { SET_GROUP } else { 0 },
            FileKind::Symlink => 0o777,
            _ => 0o666 & !creator.umask,
        };
        let group = inherits.map_or(Owner::Id(creator.group), |above| above.group.clone());
        let chosen = |asked: &Option<Owner>, kept: Option<&Owner>, or: Owner| {
            asked.clone().or_else(|| kept.cloned()).unwrap_or(or)
        };
        (
            attributes.mode.or(kept.map(|kept| kept.mode)).unwrap_or(mode),
            chosen(&attributes.user, kept.map(|kept| &kept.user), Owner::Id(creator.user)),
            chosen(&attributes.group, kept.map(|kept| &kept.group), group),
        )
    }

    /// The attributes with names as numbers, where the accounts have one: what a run would find on disk.
    fn numbered(&self, attributes: &Attributes) -> Result<Attributes, HostError> {
        let user = attributes.user.as_ref().map(|owner| self.number(owner, "user")).transpose()?;
        let group = attributes.group.as_ref().map(|owner| self.number(owner, "group")).transpose()?;
        Ok(Attributes { mode: attributes.mode, user, group })
    }

    /// A name as its number. One that is planned without a number stays a name; one that nobody has is refused,
    /// as the run will refuse it.
    fn number(&self, owner: &Owner, kind: &'static str) -> Result<Owner, HostError> {
        let Owner::Name(name) = owner else { return Ok(owner.clone()) };
        let number = match kind {
            "user" => accounts::user(self, name)?.map(|user| user.uid),
            _ => accounts::group(self, name)?.map(|group| group.gid),
        };
        match number {
            Some(number) => Ok(number.map_or_else(|| owner.clone(), Owner::Id)),
            None => Err(HostError::NoAccount { kind, name: name.clone() }),
        }
    }

    /// Brings what stands at a resolved path into the layer, to change it there.
    fn lift(&self, path: &Path) -> Result<Node, HostError> {
        let found = self.find(&self.layer(), path)?;
        let Found::Below = found else {
            return match found {
                Found::Here(node) => Ok(node),
                _ => Err(HostError::NotFound(path.into())),
            };
        };
        let below = self.below_files().ok_or_else(|| HostError::NotFound(path.into()))?;
        let metadata = below.link_metadata(path)?.ok_or_else(|| HostError::NotFound(path.into()))?;
        let Metadata { kind, mode, user, group, modified, .. } = metadata.clone();
        Ok(match kind {
            FileKind::Directory => Node::Directory { mode, user, group, covers: false, unknown: None },
            FileKind::Symlink => Node::Symlink { target: below.read_link(path)?, user, group },
            FileKind::File => {
                // Read when asked for: nobody writes below while the layer stands.
                let content = Content::Below(path.to_path_buf(), metadata.size);
                Node::File { content, mode, user, group, modified }
            }
            kind => Node::Special { kind, mode, user, group },
        })
    }

    pub(super) fn put(&self, path: PathBuf, node: Node) {
        self.layer().nodes.insert(path, node);
    }
}

impl Files for Layered {
    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        match self.resolve(path, true) {
            Ok(place) => self.look(&place),
            Err(HostError::NotFound(_) | HostError::NotADirectory(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn link_metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        match self.resolve(path, false) {
            Ok(place) => self.look(&place),
            Err(HostError::NotFound(_) | HostError::NotADirectory(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(&self, path: &Path) -> Result<Arc<[u8]>, HostError> {
        let place = self.resolve(path, true)?;
        let found = self.find(&self.layer(), &place)?;
        match found {
            Found::Here(Node::File { content: Content::Known(bytes), .. }) => Ok(bytes),
            Found::Here(Node::File { content: Content::Unknown(because), .. }) => {
                Err(unknown(format!("the content of {}", path.display()), &because))
            }
            Found::Here(Node::File { content: Content::Below(origin, _), .. }) => match self.below_files() {
                Some(below) => below.read(&origin),
                None => Err(HostError::NotFound(path.into())),
            },
            Found::Here(Node::Directory { .. }) => Err(HostError::IsADirectory(path.into())),
            Found::Below => match self.below_files() {
                Some(below) => below.read(&place),
                None => Err(HostError::NotFound(path.into())),
            },
            _ => Err(HostError::NotFound(path.into())),
        }
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError> {
        let place = self.resolve(path, false)?;
        match self.look(&place)? {
            None => Err(HostError::NotFound(path.into())),
            Some(_) => self.link_target(&place),
        }
    }

    fn list(&self, path: &Path) -> Result<Vec<DirectoryEntry>, HostError> {
        let place = self.resolve(path, true)?;
        let metadata = self.look(&place)?.ok_or_else(|| HostError::NotFound(path.into()))?;
        if metadata.kind != FileKind::Directory {
            return Err(HostError::NotADirectory(path.into()));
        }
        let found = self.find(&self.layer(), &place)?;
        if let Found::Here(Node::Directory { unknown: Some(because), .. }) = found {
            return Err(unknown(format!("what is in {}", path.display()), &because));
        }
        let shines_through =
            matches!(found, Found::Below | Found::Here(Node::Directory { covers: false, .. }));
        let mut entries: BTreeMap<String, FileKind> = match self.below_files() {
            Some(below) if shines_through => match below.list(&place) {
                Ok(entries) => entries.into_iter().map(|entry| (entry.name, entry.kind)).collect(),
                Err(HostError::NotFound(_)) => BTreeMap::new(),
                Err(error) => return Err(error),
            },
            _ => BTreeMap::new(),
        };
        for (child, node) in self.layer().children(&place) {
            let Some(name) = child.file_name() else { continue };
            let name = name.to_string_lossy().into_owned();
            if let Node::Unknown(because) = node {
                return Err(unknown(format!("what is in {}", path.display()), because));
            }
            match node.metadata() {
                Some(metadata) => entries.insert(name, metadata.kind),
                None => entries.remove(&name),
            };
        }
        Ok(entries.into_iter().map(|(name, kind)| DirectoryEntry { name, kind }).collect())
    }

    fn write(&self, path: &Path, content: &[u8], attributes: &Attributes) -> Result<(), HostError> {
        let place = self.place(path)?;
        let there = self.look(&place)?;
        if let Some(found) = &there {
            refuse_special(path, found.kind)?;
        }
        let kept = there.filter(|found| found.kind == FileKind::File);
        let attributes = self.numbered(attributes)?;
        let (mode, user, group) = self.dressed(&place, &attributes, kept.as_ref(), FileKind::File);
        let modified = self.now();
        self.put(place, Node::File { content: Content::Known(content.into()), mode, user, group, modified });
        Ok(())
    }

    fn create_directory(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError> {
        let place = self.place(path)?;
        if self.look(&place)?.is_some() {
            return Err(HostError::Exists(path.into()));
        }
        let attributes = self.numbered(attributes)?;
        let (mode, user, group) = self.dressed(&place, &attributes, None, FileKind::Directory);
        self.put(place, Node::Directory { mode, user, group, covers: true, unknown: None });
        Ok(())
    }

    fn create_symlink(&self, target: &Path, link: &Path) -> Result<(), HostError> {
        let place = self.place(link)?;
        if self.look(&place)?.is_some() {
            return Err(HostError::Exists(link.into()));
        }
        let (_, user, group) = self.dressed(&place, &Attributes::default(), None, FileKind::Symlink);
        self.put(place, Node::Symlink { target: target.into(), user, group });
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError> {
        let (source, place) = (self.place(from)?, self.place(to)?);
        let moved = self.look(&source)?.ok_or_else(|| HostError::NotFound(from.into()))?;
        if source == place {
            return Ok(());
        }
        match self.look(&place)?.map(|found| found.kind) {
            Some(FileKind::Directory) if moved.kind != FileKind::Directory => {
                return Err(HostError::IsADirectory(to.into()));
            }
            Some(FileKind::Directory) if !self.list(&place)?.is_empty() => {
                return Err(HostError::NotEmpty(to.into()));
            }
            Some(kind) if kind != FileKind::Directory && moved.kind == FileKind::Directory => {
                return Err(HostError::NotADirectory(to.into()));
            }
            _ => {}
        }
        if moved.kind == FileKind::Directory {
            if place.starts_with(&source) && place != source {
                let why = "a directory cannot be moved into itself";
                return Err(HostError::BadPath { path: to.into(), why });
            }
            for entry in self.list(&source)? {
                self.lift_tree(&source.join(&entry.name), &place.join(&entry.name))?;
            }
        }
        let node = covering(self.lift(&source)?);
        let mut layer = self.layer();
        layer.forget_under(&source);
        layer.nodes.insert(source, Node::Gone);
        layer.nodes.insert(place, node);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> Result<(), HostError> {
        let place = self.place(path)?;
        match self.look(&place)? {
            None => Err(HostError::NotFound(path.into())),
            Some(found) if found.kind == FileKind::Directory => Err(HostError::IsADirectory(path.into())),
            Some(_) => {
                self.put(place, Node::Gone);
                Ok(())
            }
        }
    }

    fn remove_directory(&self, path: &Path) -> Result<(), HostError> {
        let place = self.place(path)?;
        match self.look(&place)? {
            None => Err(HostError::NotFound(path.into())),
            Some(found) if found.kind != FileKind::Directory => Err(HostError::NotADirectory(path.into())),
            Some(_) if place.parent().is_none() => {
                Err(HostError::BadPath { path: path.into(), why: "the root itself is not removed" })
            }
            Some(_) => {
                let mut layer = self.layer();
                layer.forget_under(&place);
                layer.nodes.insert(place, Node::Gone);
                Ok(())
            }
        }
    }

    fn set_mode(&self, path: &Path, bits: u32) -> Result<(), HostError> {
        let place = self.resolve(path, true)?;
        let mut node = self.lift(&place)?;
        match &mut node {
            Node::File { mode, .. } | Node::Directory { mode, .. } | Node::Special { mode, .. } => {
                *mode = bits;
            }
            Node::Symlink { .. } | Node::Gone | Node::Unknown(_) => {}
        }
        self.put(place, node);
        Ok(())
    }

    fn set_owner(&self, path: &Path, to: Option<&Owner>, to_group: Option<&Owner>) -> Result<(), HostError> {
        let asked = Attributes { mode: None, user: to.cloned(), group: to_group.cloned() };
        let Attributes { user: to, group: to_group, .. } = self.numbered(&asked)?;
        let place = self.resolve(path, false)?;
        let mut node = self.lift(&place)?;
        // The kernel takes set-user-id and set-group-id from a file that changes hands.
        if let Node::File { mode, .. } = &mut node {
            *mode &= if *mode & 0o010 == 0 { !0o4000 } else { !0o6000 };
        }
        if let Node::File { user, group, .. }
        | Node::Directory { user, group, .. }
        | Node::Special { user, group, .. }
        | Node::Symlink { user, group, .. } = &mut node
        {
            if let Some(to) = to {
                *user = to;
            }
            if let Some(to) = to_group {
                *group = to;
            }
        }
        self.put(place, node);
        Ok(())
    }

    fn set_modified(&self, path: &Path, to: Timestamp) -> Result<(), HostError> {
        let place = self.resolve(path, true)?;
        let mut node = self.lift(&place)?;
        if let Node::File { modified, .. } = &mut node {
            *modified = to;
        }
        self.put(place, node);
        Ok(())
    }
}

impl Layered {
    /// Copies a tree within the layer, for a directory that moves.
    fn lift_tree(&self, from: &Path, to: &Path) -> Result<(), HostError> {
        let node = covering(self.lift(from)?);
        if matches!(node, Node::Directory { .. }) {
            for entry in self.list(from)? {
                self.lift_tree(&from.join(&entry.name), &to.join(&entry.name))?;
            }
        }
        self.put(to.to_path_buf(), node);
        Ok(())
    }
}

/// A directory that has moved hides what lies below its new place.
fn covering(node: Node) -> Node {
    match node {
        Node::Directory { mode, user, group, unknown, .. } => {
            Node::Directory { mode, user, group, covers: true, unknown }
        }
        node => node,
    }
}

/// Refuses relative paths and those with a NUL.
pub(crate) fn check(path: &Path) -> Result<(), HostError> {
    let bad = |why| Err(HostError::BadPath { path: path.into(), why });
    if !path.is_absolute() {
        return bad("the path is not absolute");
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return bad("the path contains a NUL byte");
    }
    Ok(())
}

/// Refuses to put a file where a directory, device, pipe or socket is: nobody means to lose `/dev/null`.
pub(crate) fn refuse_special(path: &Path, there: FileKind) -> Result<(), HostError> {
    match there {
        FileKind::File | FileKind::Symlink => Ok(()),
        FileKind::Directory => Err(HostError::IsADirectory(path.into())),
        _ => {
            let why = "it is a device, pipe or socket".into();
            Err(HostError::Other { path: path.into(), operation: "write", why })
        }
    }
}

fn unknown(what: String, because: &str) -> HostError {
    HostError::Unknown { what, because: because.to_string() }
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = String> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        Component::ParentDir => Some("..".to_string()),
        _ => None,
    })
}

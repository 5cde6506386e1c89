//! Putting a content into its place: what `managed`, `recurse`, `serialize` and others come down to.

use std::path::{Path, PathBuf};

use host::{Action, Attributes, Command, Effect, Fact, FileKind, Metadata, Subject};
use value::Map;

use super::permissions::{Permissions, directory_bits, octal};
use super::{accounts, backup, place, text};
use crate::{Context, Failure, Outcome};

/// A place for a content.
#[derive(Clone, Debug)]
pub(super) struct Target<'a> {
    /// As the state names it.
    pub(super) name: &'a str,
    /// Its path.
    pub(super) path: PathBuf,
    /// What it gets.
    pub(super) permissions: Permissions,
    /// Whether the content comes from a file: Salt then reports the mode of a new file.
    pub(super) from_source: bool,
    /// Whether missing parents are made.
    pub(super) makedirs: bool,
    /// With which bits.
    pub(super) directory_mode: Option<u32>,
    /// Whether the old content is kept in the cache.
    pub(super) backup: bool,
    /// Whether the difference may be seen.
    pub(super) show_changes: bool,
    /// Whether a link at the path is followed; otherwise it is replaced.
    pub(super) follow_links: bool,
    /// What has to accept the content before it comes into its place: a command and the suffix of the file it
    /// is given.
    pub(super) check: Option<(&'a str, &'a str)>,
}

/// What stands at a target.
pub(super) struct Standing {
    /// The path behind links.
    pub(super) path: PathBuf,
    /// What is there.
    pub(super) found: Option<Metadata>,
}

impl Target<'_> {
    /// Looks at what is there. A directory is a failure in Salt's words.
    pub(super) fn look(&self, context: &Context<'_>) -> Result<Standing, Failure> {
        let host = context.host();
        let (path, found) = if self.follow_links {
            place::follow(host, &self.path)?
        } else {
            (self.path.clone(), host.link_metadata(&self.path)?)
        };
        match found.as_ref().map(|found| found.kind) {
            Some(FileKind::Directory) => {
                Err(Failure::message(format!("Specified target {} is a directory", self.name))
                    .hint("name a file in it, or take the directory away first with `file.absent`")
                    .blames("name"))
            }
            Some(FileKind::File | FileKind::Symlink) | None => Ok(Standing { path, found }),
            Some(_) => Err(Failure::message(format!("Specified target {} is not a regular file", self.name))
                .hint("a device, pipe or socket stands there: choose another path")
                .blames("name")),
        }
    }

    /// Brings the content into its place.
    pub(super) fn put(&self, context: &Context<'_>, content: &[u8]) -> Result<Outcome, Failure> {
        let Standing { path, found } = self.look(context)?;
        match found {
            None => self.create(context, &path, content),
            Some(found) if found.kind == FileKind::Symlink => {
                place::guard(context.host(), &path)?;
                self.check(context, content)?;
                context.host().remove_file(&path)?;
                context.host().write(&path, content, &self.permissions.attributes())?;
                let changes: Map =
                    [("diff", "Replace symbolic link with regular file")].into_iter().collect();
                Ok(self.updated(context, changes))
            }
            Some(found) => self.update(context, &path, &found, content),
        }
    }

    fn update(
        &self,
        context: &Context<'_>,
        path: &Path,
        found: &Metadata,
        content: &[u8],
    ) -> Result<Outcome, Failure> {
        let host = context.host();
        let mut changes = Map::new();
        let old = host.read(path)?;
        if &*old == content {
            if self.permissions.differences(found).is_empty() {
                return Ok(self.unchanged(context));
            }
            place::guard(host, path)?;
            return Ok(self.updated(context, self.permissions.enforce(host, path, found)?));
        }
        place::guard(host, path)?;
        self.check(context, content)?;
        let secret = host::holds_secrets(path, &old) || host::holds_secrets(path, content);
        changes.insert("diff", text::difference(&old, content, self.show_changes && !secret));
        if self.backup {
            backup::keep(context, path, &old, found)?;
        }
        host.write(path, content, &self.permissions.attributes())?;
        for (key, value) in self.permissions.differences(found).iter() {
            changes.insert(key.clone(), value.clone());
        }
        Ok(self.updated(context, changes))
    }

    fn create(&self, context: &Context<'_>, path: &Path, content: &[u8]) -> Result<Outcome, Failure> {
        self.prepare(context, path)?;
        self.check(context, content)?;
        context.host().write(path, content, &self.permissions.attributes())?;
        let mut changes: Map = [("diff", "New file")].into_iter().collect();
        self.report_new(context, path, &mut changes)?;
        Ok(self.updated(context, changes))
    }

    /// Makes an empty file where nothing is declared about the content.
    pub(super) fn create_empty(&self, context: &Context<'_>, path: &Path) -> Result<Outcome, Failure> {
        self.prepare(context, path)?;
        context.host().write(path, b"", &self.permissions.attributes())?;
        let mut changes: Map = [("new", format!("file {} created", self.name))].into_iter().collect();
        self.report_new(context, path, &mut changes)?;
        Ok(Outcome::changed(context.words("Empty file".into(), self.planned()), changes))
    }

    fn prepare(&self, context: &Context<'_>, path: &Path) -> Result<(), Failure> {
        let host = context.host();
        place::guard(host, path)?;
        let parent = path.parent().unwrap_or(Path::new("/"));
        if place::is_directory(host, parent)? {
            return Ok(());
        }
        if !self.makedirs {
            let what = format!("Parent directory not present: {}", parent.display());
            return Err(place::no_parent(what, parent));
        }
        let mode = directory_bits(self.directory_mode, self.permissions.mode);
        place::make_directories(host, parent, &self.permissions.with_mode(mode).attributes())
    }

    /// Salt reports what it had to set on the file it made: owners other than its own, a mode other than the
    /// private one that new files begin with.
    fn report_new(&self, context: &Context<'_>, path: &Path, changes: &mut Map) -> Result<(), Failure> {
        let host = context.host();
        let wanted = self.permissions.attributes();
        let found = Metadata {
            kind: FileKind::File,
            mode: 0o600,
            user: accounts::own(context)?.0,
            group: accounts::own(context)?.1,
            size: 0,
            modified: host::Timestamp::default(),
            identity: (0, 0),
        };
        for (key, value) in self.permissions.differences(&found).iter() {
            changes.insert(key.clone(), value.clone());
        }
        if wanted.mode.is_none()
            && self.from_source
            && let Some(made) = host.link_metadata(path)?
            && made.mode != 0o600
        {
            changes.insert("mode", octal(made.mode));
        }
        Ok(())
    }

    /// Lets a command look at the content before it comes into its place. Under a plan the command is not
    /// run: its file is not there.
    fn check(&self, context: &Context<'_>, content: &[u8]) -> Result<(), Failure> {
        let Some((command, suffix)) = self.check else { return Ok(()) };
        let host = context.host();
        let temporary = PathBuf::from(format!("/tmp/.pinch-check{}{suffix}", self.name.replace('/', "-")));
        let private = Attributes { mode: Some(0o600), ..Attributes::default() };
        host.write(&temporary, content, &private)?;
        let effect =
            Effect { subject: Subject::new("check", self.name), before: Fact::Absent, after: Fact::Absent };
        let line = format!("{command} {}", temporary.display());
        let ran = host.act(&Action::new(Command::shell(line), vec![effect]));
        let removed = host.remove_file(&temporary);
        let output = ran?.output();
        removed?;
        match output {
            Some(output) if !output.succeeded() => {
                let mut comment = "check_cmd execution failed".to_string();
                for said in [output.stdout_text(), output.stderr_text()] {
                    if !said.trim().is_empty() {
                        comment.push('\n');
                        comment.push_str(said.trim_end());
                    }
                }
                Err(Failure::message(comment)
                    .hint(format!(
                        "`{command}` refused the new content, so nothing was written: correct the source"
                    ))
                    .blames("check_cmd"))
            }
            _ => Ok(()),
        }
    }

    /// It was as declared.
    pub(super) fn unchanged(&self, context: &Context<'_>) -> Outcome {
        let start = context.words("File", "The file");
        Outcome::unchanged(format!("{start} {} is in the correct state", self.name))
    }

    /// It is as declared now.
    pub(super) fn updated(&self, context: &Context<'_>, changes: Map) -> Outcome {
        let done = format!("File {} updated", self.name);
        Outcome::changed(context.words(done, self.planned()), changes)
    }

    fn planned(&self) -> String {
        format!(
            "The file {} is set to be changed\nNote: No changes made, actual changes may\nbe different due to \
             other states.",
            self.name
        )
    }
}

/// Who owns a link: as declared, else the user the run is for and that user's group.
pub(super) fn link_owner(
    context: &Context<'_>,
    user: Option<&crate::AnyText>,
    group: Option<&crate::AnyText>,
) -> Result<(String, String, Permissions), Failure> {
    let own =
        || context.minion.options.get("user").and_then(value::Value::as_str).unwrap_or("root").to_string();
    let user = crate::AnyText(user.map_or_else(own, |user| user.0.clone()));
    let group = match group {
        Some(group) => group.clone(),
        None => crate::AnyText(accounts::primary_group(context.host(), &user.0)?),
    };
    let permissions = Permissions::of(context, Some(&user), Some(&group), None)?;
    Ok((user.0, group.0, permissions))
}

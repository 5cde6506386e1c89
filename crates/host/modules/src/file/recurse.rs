//! `file.recurse`: a folder of the state tree, copied to the machine.

use std::path::{Path, PathBuf};

use fancy_regex::Regex;
use host::FileKind;
use target::Pattern;
use value::{Map, Value};

use super::content::{Rendering, Source};
use super::permissions::{Permissions, bits};
use super::put::Target;
use super::{backup, clean, place};
use crate::{AnyText, Context, Failure, Mode, Outcome};

arguments! {
    /// Keeps a copy of a folder of the state tree.
    ///
    /// Changes: by path, what the file or directory got; `removed` for what `clean` took away.
    pub(super) struct Recurse {
        /// Where the copy stands.
        name: String,
        /// The folder of the tree, `salt://folder`, or a list of which the first that is there counts.
        source: Vec<String>,
        /// Remove what is in the copy and neither in the folder nor managed by another state of the run.
        clean: bool = false,
        /// Who owns everything.
        user or owner: Option<AnyText>,
        /// Which group everything belongs to.
        group: Option<AnyText>,
        /// Permission bits of directories.
        dir_mode: Option<Mode>,
        /// Permission bits of files; `keep` leaves them as they are.
        file_mode: Option<Mode>,
        /// The engine that renders every file (`jinja`).
        template: Option<String>,
        /// Variables of the templates.
        context: Option<Map>,
        /// Variables where `context` has none.
        defaults: Option<Map>,
        /// Make empty folders too.
        include_empty: bool = false,
        /// Only paths that fit: a glob, or a regular expression after `E@`.
        include_pat: Option<String>,
        /// No paths that fit.
        exclude_pat: Option<String>,
        /// How deep, from 0 for the folder's own files.
        maxdepth: Option<i64>,
        /// Replace the content of files that are there.
        replace: bool = true,
        /// Keep the old content in the minion's cache (`minion`).
        backup: Option<Value>,
        /// Show what differs.
        show_changes: bool = true
        ;.. others
    }
}

/// See [`Recurse`].
pub(super) fn recurse(context: &Context<'_>, arguments: Recurse) -> Result<Outcome, Failure> {
    let host = context.host();
    let name = arguments.name.trim_end_matches('/');
    let root = place::absolute(context, name)?;
    let folder = Folder::first(context, &arguments)?;
    let file_permissions = Permissions::of(
        context,
        arguments.user.as_ref(),
        arguments.group.as_ref(),
        bits(arguments.file_mode),
    )?;
    let folder_permissions = file_permissions.with_mode(bits(arguments.dir_mode));
    let mut changes = Map::new();
    let mut kept: Vec<PathBuf> = Vec::new();
    for inside in std::iter::once("").chain(folder.folders.iter().map(String::as_str)) {
        let path = if inside.is_empty() { root.clone() } else { root.join(inside) };
        directory(context, &path, &folder_permissions, &mut changes)?;
        kept.push(path);
    }
    for inside in &folder.files {
        let path = root.join(inside);
        let written = format!("salt://{}/{inside}", folder.path);
        let source = Source::parse(context, &written)?;
        let variables = variables(&arguments, &path, &written);
        let rendering =
            arguments.template.as_deref().map(|engine| Rendering { engine, variables: &variables });
        let content = source.content(context, rendering)?;
        let shown = path.display().to_string();
        let target = Target {
            name: &shown,
            path: path.clone(),
            permissions: file_permissions.clone(),
            from_source: true,
            makedirs: true,
            directory_mode: bits(arguments.dir_mode),
            backup: backup::wanted(context, arguments.backup.as_ref()),
            show_changes: arguments.show_changes,
            follow_links: false,
            check: None,
        };
        if arguments.replace || host.link_metadata(&path)?.is_none() {
            let outcome = target.put(context, &content)?;
            if !outcome.changes.is_empty() {
                changes.insert(shown, outcome.changes);
            }
        }
        kept.push(path);
    }
    if arguments.clean {
        let removed = clean::clean(context, &root, &kept, arguments.exclude_pat.as_deref())?;
        if !removed.is_empty() {
            changes.insert("removed", removed);
        }
    }
    if changes.is_empty() {
        return Ok(Outcome::unchanged(format!("The directory {name} is in the correct state")));
    }
    let done = format!("Recursively updated {name}");
    Ok(Outcome::changed(context.words(done.clone(), done), changes))
}

/// Makes a directory that is missing, or sets what differs.
fn directory(
    context: &Context<'_>,
    path: &Path,
    permissions: &Permissions,
    changes: &mut Map,
) -> Result<(), Failure> {
    let host = context.host();
    let shown = path.display().to_string();
    match host.metadata(path)? {
        Some(found) if found.kind == FileKind::Directory => {
            let set = permissions.enforce(host, path, &found)?;
            if !set.is_empty() {
                changes.insert(shown, set);
            }
        }
        Some(_) => {
            return Err(Failure::message(format!("The path {shown} exists and is not a directory"))
                .hint(format!("move away what stands at {shown}, or choose another `name`"))
                .blames("name"));
        }
        None => {
            place::guard(host, path)?;
            place::make_directories(host, path, &permissions.attributes())?;
            changes.insert(shown, "New Dir");
        }
    }
    Ok(())
}

fn variables(arguments: &Recurse, path: &Path, written: &str) -> Map {
    let mut variables = arguments.others.clone();
    variables.insert("name", path.display().to_string());
    variables.insert("source", written);
    for map in [&arguments.defaults, &arguments.context].into_iter().flatten() {
        for (key, entry) in map.entries() {
            variables.insert_at(key.clone(), entry.key_span, entry.value.clone());
        }
    }
    variables
}

/// A folder of the tree with what is wanted of it.
struct Folder {
    path: String,
    files: Vec<String>,
    folders: Vec<String>,
}

impl Folder {
    fn first(context: &Context<'_>, arguments: &Recurse) -> Result<Self, Failure> {
        let saltenv = context.saltenv;
        let folders = context.minion.tree.list_dirs(saltenv)?;
        for written in &arguments.source {
            let Source::Tree { path, .. } =
                Source::parse(context, written).map_err(|failure| failure.blames("source"))?
            else {
                return Err(Failure::message(format!("Invalid source '{written}' (must be a salt:// URI)"))
                    .hint("write the folder of the state tree: `source: salt://FOLDER`")
                    .blames("source"));
            };
            let path = path.trim_end_matches('/').to_string();
            if folders.binary_search(&path).is_ok() {
                return Self::read(context, arguments, path);
            }
        }
        let sources = arguments.source.join(", ");
        Err(Failure::message(format!(
            "Recurse failed: none of the specified sources were found: {sources} in saltenv '{saltenv}'"
        ))
        .hint(missing_folder(&arguments.source, &folders))
        .blames("source"))
    }

    fn read(context: &Context<'_>, arguments: &Recurse, path: String) -> Result<Self, Failure> {
        let prefix = format!("{path}/");
        let depth = arguments.maxdepth.and_then(|depth| usize::try_from(depth).ok());
        let include = arguments.include_pat.as_deref().map(Sieve::new).transpose()?;
        let exclude = arguments.exclude_pat.as_deref().map(Sieve::new).transpose()?;
        let wanted = |inside: &&str| {
            depth.is_none_or(|depth| inside.matches('/').count() <= depth)
                && include.as_ref().is_none_or(|sieve| sieve.fits(inside))
                && !exclude.as_ref().is_some_and(|sieve| sieve.fits(inside))
        };
        let inside = |paths: &[String]| -> Vec<String> {
            let below = paths.iter().filter_map(|path| path.strip_prefix(&prefix));
            below.filter(wanted).map(str::to_string).collect()
        };
        let tree = &context.minion.tree;
        let files = inside(&tree.list(context.saltenv)?);
        let mut folders = inside(&tree.list_dirs(context.saltenv)?);
        if !arguments.include_empty {
            folders.retain(|folder| files.iter().any(|file| file.starts_with(&format!("{folder}/"))));
        }
        Ok(Self { path, files, folders })
    }
}

/// What to do about a folder that the tree has not: the nearest one, if there is one.
fn missing_folder(sources: &[String], folders: &[String]) -> String {
    let path = |source: &String| source.trim_start_matches("salt://").trim_end_matches('/').to_string();
    let near =
        sources.iter().find_map(|source| report::suggest(&path(source), folders.iter().map(String::as_str)));
    match near {
        Some(near) => format!("did you mean `salt://{near}`?"),
        None => "make the folder below a root of `file_roots`; git keeps no empty folders".into(),
    }
}

/// A glob, or a regular expression after `E@`.
pub(super) enum Sieve {
    Glob(String),
    Regex(Box<Regex>),
}

impl Sieve {
    pub(super) fn new(pattern: &str) -> Result<Self, Failure> {
        match pattern.strip_prefix("E@") {
            None => Ok(Self::Glob(pattern.into())),
            Some(expression) => {
                Regex::new(expression).map(|regex| Self::Regex(Box::new(regex))).map_err(|error| {
                    Failure::message(format!("{pattern}: {error}"))
                        .hint("what follows `E@` is a regular expression; leave `E@` out to write a glob")
                })
            }
        }
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        match self {
            Self::Glob(pattern) => Pattern::fits(pattern, text),
            Self::Regex(regex) => regex.is_match(text).unwrap_or(false),
        }
    }
}

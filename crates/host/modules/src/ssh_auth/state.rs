//! State functions.

use std::path::{Path, PathBuf};

use host::accounts::{self, User};
use host::{Attributes, FileKind, HostError, Owner};
use value::{Map, Value};

use super::keys::{Key, full_kind};
use crate::{Context, Failure, Outcome, Verdict};

arguments! {
    /// Lets the owner of a key log in as a user.
    pub(super) struct Present {
        /// The key, alone or as a whole line with its kind, comment and options.
        name: String,
        /// The user to log in as.
        user: String,
        /// The key's kind, where the name does not say it.
        enc: String = "ssh-rsa",
        /// The comment, where the name has none.
        comment: String = "",
        /// A file of the tree with keys, instead of the name.
        source: String = "",
        /// Options, where the name has none.
        options: Vec<String> = Vec::new(),
        /// The file, below the user's home; `%h` and `%u` stand for the home and the user.
        config: String = ".ssh/authorized_keys",
        /// Accepted.
        fingerprint_hash_type: Option<String>
        ;.. others
    }
}

/// See [`Present`].
pub(super) fn present(context: &Context<'_>, asked: Present) -> Result<Outcome, Failure> {
    let wanted = wanted(context, &asked.name, &asked.source, &asked)?;
    let file = KeyFile::open(context, &asked.user, &asked.config)?;
    file.with_keys(&wanted, &asked.source)
}

arguments! {
    /// Does not let the owner of a key log in as a user.
    pub(super) struct Absent {
        /// The key, alone or as a whole line.
        name: String,
        /// The user to log in as.
        user: String,
        /// Accepted; the key alone decides.
        enc: String = "ssh-rsa",
        /// Accepted; the key alone decides.
        comment: String = "",
        /// A file of the tree with keys, instead of the name.
        source: String = "",
        /// Accepted; the key alone decides.
        options: Vec<String> = Vec::new(),
        /// The file, below the user's home; `%h` and `%u` stand for the home and the user.
        config: String = ".ssh/authorized_keys",
        /// Accepted.
        fingerprint_hash_type: Option<String>
    }
}

/// See [`Absent`].
pub(super) fn absent(context: &Context<'_>, asked: Absent) -> Result<Outcome, Failure> {
    let as_present = Present {
        name: asked.name.clone(),
        user: asked.user.clone(),
        enc: asked.enc,
        comment: String::new(),
        source: asked.source.clone(),
        options: Vec::new(),
        config: asked.config.clone(),
        fingerprint_hash_type: None,
        others: Map::new(),
    };
    let gone = wanted(context, &asked.name, &asked.source, &as_present)?;
    let file = match KeyFile::open(context, &asked.user, &asked.config) {
        Err(Failure::Message { .. }) => {
            return Ok(Outcome::unchanged(context.words("Key not present", "Key is already absent")));
        }
        file => file?,
    };
    file.without(|key| gone.iter().any(|gone| gone.blob == key.blob))
}

arguments! {
    /// Lets the owners of some keys log in as a user, and nobody else.
    pub(super) struct Manage {
        /// Any name.
        name: String,
        /// The keys, each a whole line.
        ssh_keys: Vec<String>,
        /// The user to log in as.
        user: String,
        /// The keys' kind, where they do not say it.
        enc: String = "ssh-rsa",
        /// The comment, where a key has none.
        comment: String = "",
        /// Options, where a key has none.
        options: Vec<String> = Vec::new(),
        /// The file, below the user's home; `%h` and `%u` stand for the home and the user.
        config: String = ".ssh/authorized_keys",
        /// Accepted.
        fingerprint_hash_type: Option<String>
    }
}

/// See [`Manage`].
pub(super) fn manage(context: &Context<'_>, asked: Manage) -> Result<Outcome, Failure> {
    let mut keys = Vec::new();
    for line in &asked.ssh_keys {
        let key = one(line, &asked.enc, &asked.comment, &asked.options);
        keys.push(key.map_err(|failure| failure.blames("ssh_keys"))?);
    }
    let open = || KeyFile::open(context, &asked.user, &asked.config);
    let file = open()?;
    let removed = file.without(|key| !keys.iter().any(|kept| kept.blob == key.blob))?;
    let file = open()?;
    let mut outcome = file.with_keys(&keys, "")?;
    for (key, change) in removed.changes.iter() {
        outcome.changes.insert(key.clone(), change.clone());
    }
    if !removed.changes.is_empty() {
        let words = context.words("Key removed", "Key set for removal");
        outcome.comment = format!("{words}\n{}", outcome.comment).trim().to_string();
    }
    Ok(outcome)
}

/// The keys that a state names.
fn wanted(context: &Context<'_>, name: &str, source: &str, asked: &Present) -> Result<Vec<Key>, Failure> {
    if source.is_empty() {
        let key = one(name, &asked.enc, &asked.comment, &asked.options);
        return Ok(vec![key.map_err(|failure| failure.blames("name"))?]);
    }
    let path = source.strip_prefix("salt://").unwrap_or(source);
    let (path, saltenv) = path.split_once("?saltenv=").unwrap_or((path, context.saltenv));
    let content = if source.starts_with('/') {
        Some(context.host().read(Path::new(source))?)
    } else {
        context.minion.tree.read(saltenv, path)?
    };
    let Some(content) = content else {
        return Err(Failure::message(format!("Failed to add the ssh key. Source file {source} is missing"))
            .hint("put the file with the public keys into the state tree, or correct the path")
            .blames("source"));
    };
    let text = String::from_utf8_lossy(&content).into_owned();
    let mut keys: Vec<Key> = text.lines().filter_map(Key::parse).collect();
    for key in &mut keys {
        if key.options.is_empty() {
            key.options.clone_from(&asked.options);
        }
    }
    if keys.iter().all(Key::is_valid) { Ok(keys) } else { Err(invalid().blames("source")) }
}

fn invalid() -> Failure {
    Failure::message("Invalid public ssh key, most likely has spaces or invalid syntax")
        .hint("write the whole line of the `.pub` file, kind and all: `ssh-ed25519 AAAA… comment`")
}

fn one(name: &str, kind: &str, comment: &str, options: &[String]) -> Result<Key, Failure> {
    let key = match Key::parse(name) {
        Some(key) => Key {
            options: if key.options.is_empty() { options.to_vec() } else { key.options },
            comment: if key.comment.is_empty() { comment.into() } else { key.comment },
            ..key
        },
        None => {
            let name = name.trim();
            let (key, own) = name.split_once(char::is_whitespace).unwrap_or((name, comment));
            let wrong = || {
                Failure::message(format!("Incorrect encryption key type '{kind}'."))
                    .hint("write `- enc: ssh-rsa`, `ssh-ed25519` or `ecdsa-sha2-nistp256`")
                    .blames("enc")
            };
            let kind = full_kind(kind).ok_or_else(wrong)?.to_string();
            Key { options: options.to_vec(), kind, blob: key.into(), comment: own.trim().into() }
        }
    };
    if key.is_valid() { Ok(key) } else { Err(invalid()) }
}

/// A user's file of keys, as it stands.
struct KeyFile<'a> {
    context: &'a Context<'a>,
    user: User,
    path: PathBuf,
    lines: Vec<String>,
    exists: bool,
}

impl<'a> KeyFile<'a> {
    fn open(context: &'a Context<'a>, name: &str, config: &str) -> Result<Self, Failure> {
        let Some(user) = accounts::user(context.host(), name)? else {
            let words =
                "Failed to add the ssh key. Is the home directory available, and/or does the key file exist?";
            return Err(Failure::message(words)
                .hint(format!(
                    "add a `user.present` state for `{name}` that this one requires, or correct the name"
                ))
                .blames("user"));
        };
        let home = if user.home.is_empty() { format!("/home/{name}") } else { user.home.clone() };
        let expanded = expanded(config, name, &home)?;
        let path = Path::new(&home).join(expanded);
        let (text, exists) = match context.host().read(&path) {
            Ok(content) => (String::from_utf8_lossy(&content).into_owned(), true),
            Err(HostError::NotFound(_)) => (String::new(), false),
            Err(error) => return Err(error.into()),
        };
        let lines = text.lines().map(String::from).collect();
        Ok(Self { context, user, path, lines, exists })
    }

    fn with_keys(mut self, keys: &[Key], source: &str) -> Result<Outcome, Failure> {
        let mut changes = Map::new();
        let user = self.user.name.clone();
        for key in keys {
            let at = self
                .lines
                .iter()
                .position(|line| Key::parse(line).is_some_and(|there| there.blob == key.blob));
            let line = key.line();
            match at.and_then(|at| self.lines.get_mut(at)) {
                Some(there) if Key::parse(there).as_ref() == Some(key) => {}
                Some(there) => {
                    *there = line;
                    changes.insert(key.blob.as_str(), "Updated");
                }
                None => {
                    self.lines.push(line);
                    changes.insert(key.blob.as_str(), "New");
                }
            }
        }
        let context = self.context;
        if changes.is_empty() {
            return Ok(Outcome::unchanged(match (keys, source) {
                ([key], "") => {
                    format!("The authorized host key {} is already present for user {user}", key.blob)
                }
                (_, "") => String::new(),
                (_, source) => format!("All host keys in file {source} are already present"),
            }));
        }
        self.write()?;
        let said = |key: &str, change: &Value| {
            let (done, planned) = match change.as_str() {
                Some("New") => ("added", "added"),
                _ => ("updated", "updated"),
            };
            context.words(
                format!("The authorized host key {key} for user {user} was {done}"),
                format!("Key {key} for user {user} is set to be {planned}"),
            )
        };
        let comments: Vec<String> =
            changes.iter().map(|(key, change)| said(&key.to_string(), change)).collect();
        Ok(Outcome::changed(comments.join("\n"), changes))
    }

    fn without(mut self, goes: impl Fn(&Key) -> bool) -> Result<Outcome, Failure> {
        let mut changes = Map::new();
        self.lines.retain(|line| match Key::parse(line) {
            Some(key) if goes(&key) => {
                changes.insert(key.blob, "Removed");
                false
            }
            _ => true,
        });
        let context = self.context;
        if changes.is_empty() {
            return Ok(Outcome::unchanged(context.words("Key not present", "Key is already absent")));
        }
        let user = self.user.name.clone();
        let first = changes.first().map(|(key, _)| key.to_string()).unwrap_or_default();
        self.write()?;
        let comment = context
            .words("Key removed".to_string(), format!("Key {first} for user {user} is set for removal"));
        Ok(Outcome { verdict: Verdict::Holds, ..Outcome::changed(comment, changes) })
    }

    fn write(&self) -> Result<(), Failure> {
        let host = self.context.host();
        let owner = |id: Option<u32>| id.map_or_else(|| Owner::Name(self.user.name.clone()), Owner::Id);
        let user = Some(owner(self.user.uid));
        let group = self.user.gid.map(Owner::Id);
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        match host.metadata(folder)? {
            Some(found) if found.kind == FileKind::Directory => {}
            Some(_) => return Err(HostError::NotADirectory(folder.to_path_buf()).into()),
            None => {
                let mode = Some(0o700);
                host.create_directory(
                    folder,
                    &Attributes { mode, user: user.clone(), group: group.clone() },
                )?;
            }
        }
        let attributes =
            if self.exists { Attributes::default() } else { Attributes { mode: Some(0o600), user, group } };
        let mut text = self.lines.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        Ok(host.write(&self.path, text.as_bytes(), &attributes)?)
    }
}

/// `%h`, `%u` and `%%` in a path.
fn expanded(config: &str, user: &str, home: &str) -> Result<String, Failure> {
    let wrong = |what: String| {
        Failure::message(what)
            .hint("`%h` is the home directory, `%u` the user, `%%` a percent sign")
            .blames("config")
    };
    let mut path = String::new();
    let mut letters = config.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            path.push(letter);
            continue;
        }
        match letters.next() {
            Some('%') => path.push('%'),
            Some('u') => path.push_str(user),
            Some('h') => path.push_str(home),
            Some(other) => {
                return Err(wrong(format!("AuthorizedKeysFile path: unknown token character \"%{other}\"")));
            }
            None => {
                return Err(wrong(
                    "AuthorizedKeysFile path: Last character can't be escape character".into(),
                ));
            }
        }
    }
    Ok(path)
}

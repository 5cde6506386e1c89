//! What a file is to contain: from the tree, a local file, the state itself, pillar or grains.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use host::FileKind;
use value::{Data, Map, Value};

use super::{hash, place, text};
use crate::{Context, Failure, Template};

/// A file that a state names as its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file of the tree.
    Tree {
        /// Its saltenv.
        saltenv: String,
        /// Its path in the tree.
        path: String,
    },
    /// A file of the machine.
    Local(PathBuf),
}

/// How a content that is a template is rendered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rendering<'a> {
    /// The engine.
    pub(crate) engine: &'a str,
    /// Variables.
    pub(crate) variables: &'a Map,
}

impl Source {
    /// Reads a source as states write it.
    pub(crate) fn parse(context: &Context<'_>, written: &str) -> Result<Self, Failure> {
        if let Some(rest) = written.strip_prefix("salt://") {
            let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
            let saltenv = query.strip_prefix("saltenv=").unwrap_or(context.saltenv).to_string();
            if path.split('/').any(|part| part == "..") {
                return Err(Failure::message(format!("Source {written} leads out of the state tree"))
                    .hint("a `salt://` path starts at a root of `file_roots` and has no `..` in it"));
            }
            let path = path.trim_start_matches('|').to_string();
            return Ok(Self::Tree { saltenv, path });
        }
        match written.split_once("://") {
            Some(("file", path)) => Ok(Self::Local(PathBuf::from(path))),
            Some((scheme, _)) => Err(Failure::message(format!(
                "Source {written}: this version does not fetch from {scheme}:// addresses"
            ))
            .hint("put the file into the state tree and name it as salt://…")),
            None if written.starts_with('/') => Ok(Self::Local(PathBuf::from(written))),
            None => Err(Failure::message(format!("Local file source {written} does not exist")).hint(
                format!("a file of the state tree is `salt://{written}`; one of the machine starts with `/`"),
            )),
        }
    }

    /// The first of the sources that is there.
    pub(crate) fn first(context: &Context<'_>, written: &[Value]) -> Result<(String, Self), Failure> {
        let mut names = Vec::new();
        for item in written {
            match item.as_map() {
                Some(map) => names.extend(map.keys().map(ToString::to_string)),
                None => names.push(item.to_string()),
            }
        }
        if let [only] = names.as_slice() {
            return Ok((only.clone(), Self::parse(context, only)?));
        }
        for name in &names {
            // One that cannot be fetched is as good as absent when there are others.
            let Ok(source) = Self::parse(context, name) else { continue };
            if source.exists(context)? {
                return Ok((name.clone(), source));
            }
        }
        Err(Failure::message("none of the specified sources were found").hint(format!(
            "none of these is there: {}; add one, or end the list with one that always is",
            names.join(", ")
        )))
    }

    fn exists(&self, context: &Context<'_>) -> Result<bool, Failure> {
        Ok(match self {
            Self::Tree { saltenv, path } => context.minion.tree.exists(saltenv, path)?,
            Self::Local(path) => context.host().metadata(path)?.is_some(),
        })
    }

    /// Its content. A file that is not there is a failure in Salt's words.
    pub(crate) fn read(&self, context: &Context<'_>) -> Result<Arc<[u8]>, Failure> {
        match self {
            Self::Tree { saltenv, path } => context.minion.tree.read(saltenv, path)?.ok_or_else(|| {
                let files = context.minion.tree.list(saltenv).unwrap_or_default();
                let hint = match report::suggest(path, files.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `salt://{near}`?"),
                    None => {
                        format!("put the file at `{path}` below a root of `file_roots`, or correct the path")
                    }
                };
                Failure::message(format!("Source file salt://{path} not found in saltenv '{saltenv}'"))
                    .hint(hint)
            }),
            Self::Local(path) => match context.host().metadata(path)? {
                Some(found) if found.kind == FileKind::File => Ok(context.host().read(path)?),
                Some(_) => Err(Failure::message(format!("Local file source {} is no file", path.display()))
                    .hint("name one file; whole folders of the state tree are copied by `file.recurse`")),
                None => Err(Failure::message(format!("Local file source {} does not exist", path.display()))
                    .hint("that is a path on the machine; files of the state tree start with `salt://`")),
            },
        }
    }

    /// What a template calls it.
    fn path(&self) -> Cow<'_, str> {
        match self {
            Self::Tree { path, .. } => Cow::Borrowed(path),
            Self::Local(path) => path.to_string_lossy(),
        }
    }

    /// Its content, rendered if it is a template.
    pub(crate) fn content(
        &self,
        context: &Context<'_>,
        rendering: Option<Rendering<'_>>,
    ) -> Result<Arc<[u8]>, Failure> {
        let raw = self.read(context)?;
        let Some(Rendering { engine, variables }) = rendering else { return Ok(raw) };
        let saltenv = match self {
            Self::Tree { saltenv, .. } => saltenv,
            Self::Local(_) => context.saltenv,
        };
        let path = self.path();
        let template = Template { engine, saltenv, path: &path, text: &raw, variables };
        Ok(context.templates.render(&template)?.into())
    }

    /// Checks its content against a declared hash, for sources that are not of the tree.
    pub(crate) fn verify(
        &self,
        context: &Context<'_>,
        written: &str,
        declared: &str,
        file: &str,
        wanted_name: Option<&str>,
    ) -> Result<(), Failure> {
        if matches!(self, Self::Tree { .. }) {
            return Ok(());
        }
        let expected = if declared.starts_with('/') || declared.contains("://") {
            let list = Self::parse(context, declared)?.read(context)?;
            let names = [wanted_name.unwrap_or(file), written];
            hash::Expected::in_list(&String::from_utf8_lossy(&list), &names)
        } else {
            hash::Expected::parse(declared)?
        };
        let expected = expected.ok_or_else(|| hash::malformed(declared))?;
        let actual = expected.algorithm.hash(&self.read(context)?);
        if actual == expected.digest {
            return Ok(());
        }
        Err(Failure::message(format!(
            "Specified {} checksum for {written} ({}) does not match actual checksum ({actual}). If the \
             'source_hash' value refers to a remote file with multiple possible matches, then it may be \
             necessary to set 'source_hash_name'.",
            expected.algorithm.name(),
            expected.digest
        ))
        .hint(format!("if this content is the wanted one, write `{}={actual}`", expected.algorithm.name()))
        .hint("otherwise fetch the source again: it is not what was declared")
        .blames("source_hash"))
    }
}

/// The text of `contents`, with lines ended as Salt ends them; bytes stay as they are.
pub(crate) fn inline(contents: &Value, newline: bool) -> Result<Arc<[u8]>, Failure> {
    if let Data::Bytes(bytes) = &contents.data {
        return Ok(bytes.clone());
    }
    let items = match &contents.data {
        Data::List(items) => items.as_slice(),
        Data::Map(_) => {
            let what = "Contents specified by contents/contents_pillar/contents_grains is not a string or list \
                        of strings, and is not binary data. SLS is likely malformed.";
            return Err(Failure::message(what)
                .hint("write the lines as a list of texts, or as one text: `- contents: |`"));
        }
        _ => std::slice::from_ref(contents),
    };
    let mut joined = String::new();
    for item in items {
        for line in text::lines(&item.to_string()) {
            joined.push_str(line);
            joined.push('\n');
        }
    }
    if !newline {
        joined.truncate(joined.trim_end_matches('\n').trim_end_matches('\r').len());
    }
    Ok(joined.into_bytes().into())
}

/// Text in another encoding.
pub(crate) fn encode(content: Arc<[u8]>, encoding: &str, errors: &str) -> Result<Arc<[u8]>, Failure> {
    let name = encoding.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let Ok(text) = std::str::from_utf8(&content) else { return Ok(content) };
    let limit: u32 = match name.as_str() {
        "utf8" | "utf" | "u8" => return Ok(content),
        "ascii" | "usascii" | "646" => 0x80,
        "latin1" | "latin" | "iso88591" | "l1" | "88591" => 0x100,
        _ => {
            return Err(Failure::message(format!("unknown encoding: {encoding}"))
                .hint("write `utf-8`, `ascii` or `latin-1`")
                .blames("encoding"));
        }
    };
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match (u32::from(character) < limit, errors) {
            (true, _) => bytes.push(character as u8),
            (false, "ignore") => {}
            (false, "replace") => bytes.push(b'?'),
            (false, _) => {
                let what = format!("'{encoding}' codec can't encode character {character:?}");
                return Err(Failure::message(what)
                    .hint("write `- encoding: utf-8`, or `- encoding_errors: replace`")
                    .blames("encoding"));
            }
        }
    }
    Ok(bytes.into())
}

/// Text that a state gives itself or takes from sources: for appending, prepending and blocks.
pub(crate) fn chunks(
    context: &Context<'_>,
    given: &[String],
    sources: &[Value],
    rendering: Option<Rendering<'_>>,
) -> Result<Vec<String>, Failure> {
    if sources.is_empty() {
        return Ok(given.to_vec());
    }
    let mut texts = Vec::new();
    for source in sources {
        let read = |(_, source): (String, Source)| source.content(context, rendering);
        let content = Source::first(context, std::slice::from_ref(source)).and_then(read);
        let content = content.map_err(|failure| failure.blames("source"))?;
        texts.push(String::from_utf8_lossy(&content).into_owned());
    }
    Ok(texts)
}

/// The file as it stands, as text; binary files and files that are not there are failures in Salt's words.
pub(crate) fn existing(context: &Context<'_>, name: &str) -> Result<(PathBuf, String), Failure> {
    let path = place::absolute(context, name)?;
    let (path, found) = place::follow(context.host(), &path)?;
    match found {
        None => Err(Failure::message(format!("{name}: file not found"))
            .hint("this state changes a file that is there: make it with `file.managed`, and require that")
            .blames("name")),
        Some(found) if found.kind != FileKind::File => Err(Failure::message(format!("{name}: is no file"))
            .hint("name a regular file: this state edits text")
            .blames("name")),
        Some(_) => {
            let content = context.host().read(&path)?;
            if !text::is_text(&content) {
                let what = format!("Cannot perform string replacements on a binary file: {name}");
                return Err(Failure::message(what)
                    .hint("binary files are replaced whole: `file.managed` with a `source`")
                    .blames("name"));
            }
            String::from_utf8(content.to_vec()).map(|text| (path, text)).map_err(|_| {
                Failure::message(format!("{name}: the file is not UTF-8 text"))
                    .hint("convert it to UTF-8, or replace it whole with `file.managed`")
                    .blames("name")
            })
        }
    }
}

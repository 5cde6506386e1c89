//! `file.managed`.

use std::sync::{Arc, LazyLock};

use host::FileKind;
use value::{Data, Key, Map, Value};

use super::content::{self, Rendering, Source};
use super::permissions::{Permissions, bits, octal};
use super::put::{Standing, Target};
use super::{accumulated, backup, place};
use crate::{AnyText, Context, Failure, Mode, Outcome};

arguments! {
    /// Keeps a file at a path, with a content from the state tree, the state itself, pillar or grains.
    ///
    /// Changes: `diff` (a unified difference, `New file`, or why there is none to show), `user`, `group`, `mode`;
    /// `new` for an empty file.
    pub(super) struct Managed {
        /// The path of the file.
        name: String,
        /// Where its content comes from: `salt://path`, an absolute path, or a list of which the first that is
        /// there counts.
        source: Option<Value>,
        /// The hash that a source outside the tree must have, or the file that lists it.
        source_hash: Option<String>,
        /// Under which name the list of hashes knows the file.
        source_hash_name: Option<String>,
        /// Who owns it.
        user or owner: Option<AnyText>,
        /// Which group it belongs to.
        group: Option<AnyText>,
        /// Permission bits, or `keep` for those of the source.
        mode: Option<Mode>,
        /// File attributes; accepted and left alone.
        attrs: Option<String>,
        /// The engine that renders the content (`jinja`).
        template: Option<String>,
        /// Make missing parent directories.
        makedirs: bool = false,
        /// Their permission bits.
        dir_mode: Option<Mode>,
        /// Variables of the template.
        context: Option<Map>,
        /// Variables where `context` has none.
        defaults: Option<Map>,
        /// Replace the content of a file that is there.
        replace: bool = true,
        /// Keep the old content in the minion's cache (`minion`).
        backup: Option<Value>,
        /// Show what differs.
        show_changes: bool = true,
        /// Make the file when it is not there.
        create: bool = true,
        /// The content.
        contents: Option<Value>,
        /// The pillar keys that hold the content.
        contents_pillar: Option<Vec<String>>,
        /// The grains that hold the content.
        contents_grains: Option<Vec<String>>,
        /// End the content with a line end.
        contents_newline: bool = true,
        /// What parts the keys of `contents_pillar` and `contents_grains`.
        contents_delimiter: String = ":",
        /// In which encoding the content is written.
        encoding: Option<String>,
        /// What becomes of characters that the encoding lacks: `strict`, `ignore`, `replace`.
        encoding_errors: String = "strict",
        /// Accept an empty content.
        allow_empty: bool = true,
        /// Follow a link at the path; otherwise it is replaced.
        follow_symlinks: bool = true,
        /// A command that has to accept the content before it replaces the old one.
        check_cmd: Option<String>,
        /// Where the content is written for `check_cmd`; left alone.
        tmp_dir: Option<String>,
        /// How the name of the file for `check_cmd` ends.
        tmp_ext: String = "",
        /// Use a source without checking its hash.
        skip_verify: bool = false,
        /// Keep the cached source; nothing is cached, so nothing is to keep.
        keep_source: bool = true,
        /// SELinux attributes; accepted and left alone.
        selinux: Option<Value>
        ;.. others
    }
}

/// See [`Managed`].
pub(super) fn managed(context: &Context<'_>, arguments: Managed) -> Result<Outcome, Failure> {
    let path = place::absolute(context, &arguments.name)?;
    let mut permissions =
        Permissions::of(context, arguments.user.as_ref(), arguments.group.as_ref(), bits(arguments.mode))?;
    if !arguments.create && !exists_as_file(context, &path)? {
        let comment = format!("File {} is not present and is not set for creation", arguments.name);
        return Ok(Outcome::unchanged(comment));
    }
    let sources = sources(arguments.source.as_ref());
    let content = content(context, &arguments, &sources)?;
    if arguments.mode == Some(Mode::Keep) {
        permissions = permissions.with_mode(kept_mode(context, &sources)?);
    }
    let target = Target {
        name: &arguments.name,
        path,
        permissions,
        from_source: !sources.is_empty(),
        makedirs: arguments.makedirs,
        directory_mode: bits(arguments.dir_mode),
        backup: backup::wanted(context, arguments.backup.as_ref()),
        show_changes: arguments.show_changes,
        follow_links: arguments.follow_symlinks,
        check: arguments.check_cmd.as_deref().map(|command| (command, arguments.tmp_ext.as_str())),
    };
    let outcome = match content {
        Some(content) if arguments.replace => target.put(context, &content)?,
        content => without_replacing(context, &target, content.as_deref())?,
    };
    Ok(warned(outcome, &arguments))
}

/// What holds when a file that is there keeps its content.
fn without_replacing(
    context: &Context<'_>,
    target: &Target<'_>,
    content: Option<&[u8]>,
) -> Result<Outcome, Failure> {
    let Standing { path, found } = target.look(context)?;
    let Some(found) = found else {
        return match content {
            Some(content) => target.put(context, content),
            None => target.create_empty(context, &path),
        };
    };
    if target.permissions.differences(&found).is_empty() {
        let done = format!("File {} exists with proper permissions. No changes made.", target.name);
        return Ok(Outcome::unchanged(context.words(done, format!("File {} not updated", target.name))));
    }
    place::guard(context.host(), &path)?;
    let changes = target.permissions.enforce(context.host(), &path, &found)?;
    let planned = match target.permissions.mode {
        Some(mode) if mode != found.mode => format!(
            "File {} will be updated with permissions {} from its current state of {}",
            target.name,
            octal(mode),
            octal(found.mode)
        ),
        _ => format!("File {} not updated", target.name),
    };
    Ok(Outcome::changed(context.words(format!("File {} updated", target.name), planned), changes))
}

/// The content as declared; `None` when nothing is declared.
fn content(
    context: &Context<'_>,
    arguments: &Managed,
    sources: &[Value],
) -> Result<Option<Arc<[u8]>>, Failure> {
    let inline = inline(context, arguments)?;
    if !sources.is_empty() && inline.is_some() {
        return Err(Failure::message(
            "'source' cannot be used in combination with 'contents', 'contents_pillar', or 'contents_grains'",
        )
        .hint("remove `source`, or what gives the content here")
        .blames("source"));
    }
    if arguments.mode == Some(Mode::Keep) && inline.is_some() {
        return Err(Failure::message(
            "Mode preservation cannot be used in combination with 'contents', 'contents_pillar', or \
             'contents_grains'",
        )
        .hint("write the bits: `- mode: '0644'`")
        .blames("mode"));
    }
    let engine = arguments.template.as_deref().filter(|engine| !engine.is_empty());
    let content = if let Some(contents) = inline {
        let content = content::inline(&contents, arguments.contents_newline)
            .map_err(|failure| failure.blames(given_as(arguments)))?;
        match engine {
            None => content,
            Some(engine) => {
                let variables = variables(context, arguments, "");
                let path = format!("{} ({})", context.sls, context.id);
                let template = crate::Template {
                    engine,
                    saltenv: context.saltenv,
                    path: &path,
                    text: &content,
                    variables: &variables,
                };
                context.templates.render(&template)?.into()
            }
        }
    } else if sources.is_empty() {
        return Ok(None);
    } else {
        let blamed = |failure: Failure| failure.blames("source");
        let (written, source) = Source::first(context, sources).map_err(blamed)?;
        if let Some(hash) = &arguments.source_hash
            && !arguments.skip_verify
        {
            let file = arguments.source_hash_name.as_deref();
            let verified = source.verify(context, &written, hash, &arguments.name, file);
            verified.map_err(|failure| failure.blames("source_hash"))?;
        }
        match engine {
            None => source.content(context, None).map_err(blamed)?,
            Some(engine) => {
                let variables = variables(context, arguments, &written);
                let rendering = Rendering { engine, variables: &variables };
                source.content(context, Some(rendering)).map_err(blamed)?
            }
        }
    };
    match &arguments.encoding {
        Some(encoding) => content::encode(content, encoding, &arguments.encoding_errors).map(Some),
        None => Ok(Some(content)),
    }
}

/// The content that stands in the state, in pillar or in grains.
fn inline(context: &Context<'_>, arguments: &Managed) -> Result<Option<Value>, Failure> {
    let given = [
        arguments.contents.is_some(),
        arguments.contents_pillar.is_some(),
        arguments.contents_grains.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() > 1 {
        let what = "Only one of 'contents', 'contents_pillar', and 'contents_grains' is permitted";
        return Err(Failure::message(what).hint("keep one of them").blames(given_as(arguments)));
    }
    let delimiter = &arguments.contents_delimiter;
    let (value, what) = if let Some(keys) = &arguments.contents_pillar {
        let pillar = context.minion.pillar();
        let found = looked_up(&pillar, keys, delimiter, "Pillar")?;
        (found, format!("contents_pillar {}", keys.join(", ")))
    } else if let Some(keys) = &arguments.contents_grains {
        let found = looked_up(&context.minion.grains, keys, delimiter, "Grain")?;
        (found, format!("contents_grains {}", keys.join(", ")))
    } else if let Some(contents) = &arguments.contents {
        (contents.clone(), "'contents'".to_string())
    } else {
        return Ok(None);
    };
    if !arguments.allow_empty && !value.is_truthy() {
        return Err(Failure::message(format!(
            "{what} value would result in empty contents. Set allow_empty to True to allow the managed file to \
             be empty."
        ))
        .hint("give a content, or remove `allow_empty: False`")
        .blames(given_as(arguments)));
    }
    Ok(Some(value))
}

fn looked_up(map: &Map, keys: &[String], delimiter: &str, kind: &str) -> Result<Value, Failure> {
    let all: Value = map.clone().into();
    let mut found = Vec::new();
    for key in keys {
        let value = map.get(key).or_else(|| all.traverse(key, delimiter));
        found.push(value.cloned().ok_or_else(|| missing_key(map, key, kind))?);
    }
    match <[Value; 1]>::try_from(found) {
        Ok([only]) => Ok(only),
        Err(many) => Ok(many.into()),
    }
}

fn missing_key(map: &Map, key: &str, kind: &str) -> Failure {
    let hint = match report::suggest(key, map.keys().filter_map(value::Key::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("set `{key}`, or correct the key: what lies deeper is written `outer:inner`"),
    };
    let argument = if kind == "Pillar" { "contents_pillar" } else { "contents_grains" };
    Failure::message(format!("{kind} {key} does not exist")).hint(hint).blames(argument)
}

/// The argument that gives the content.
fn given_as(arguments: &Managed) -> &'static str {
    match (&arguments.contents_pillar, &arguments.contents_grains) {
        (Some(_), _) => "contents_pillar",
        (None, Some(_)) => "contents_grains",
        (None, None) => "contents",
    }
}

/// The variables of a template: what the state was given, `defaults`, and `context` over all.
fn variables(context: &Context<'_>, arguments: &Managed, source: &str) -> Map {
    static OWN: LazyLock<[Key; 5]> =
        LazyLock::new(|| ["name", "source", "user", "group", "mode"].map(Key::from));
    let own: [Value; 5] = [
        arguments.name.as_str().into(),
        source.into(),
        arguments.user.as_ref().map(|user| user.0.as_str()).into(),
        arguments.group.as_ref().map(|group| group.0.as_str()).into(),
        bits(arguments.mode).map(octal).into(),
    ];
    let given = [Some(&arguments.others), arguments.defaults.as_ref(), arguments.context.as_ref()];
    let number: usize = given.into_iter().flatten().map(Map::len).sum();
    let mut variables = Map::with_capacity(number + own.len() + 1);
    add(&mut variables, &arguments.others);
    for (key, value) in OWN.iter().zip(own) {
        variables.insert(key.clone(), value);
    }
    let accumulated = accumulated::of(context, &arguments.name);
    if !accumulated.is_empty() {
        variables.insert("accumulator", accumulated);
    }
    for map in [&arguments.defaults, &arguments.context].into_iter().flatten() {
        add(&mut variables, map);
    }
    variables
}

fn add(variables: &mut Map, more: &Map) {
    for (key, entry) in more.entries() {
        variables.insert_at(key.clone(), entry.key_span, entry.value.clone());
    }
}

fn sources(source: Option<&Value>) -> Vec<Value> {
    match source.map(|source| &source.data) {
        Some(Data::List(items)) => items.clone(),
        Some(Data::Str(text)) if text.is_empty() => Vec::new(),
        Some(_) => source.into_iter().cloned().collect(),
        None => Vec::new(),
    }
}

/// The bits of the source: those of a local file. Files of the tree have none that are known.
fn kept_mode(context: &Context<'_>, sources: &[Value]) -> Result<Option<u32>, Failure> {
    if sources.is_empty() {
        return Ok(None);
    }
    let (_, source) = Source::first(context, sources)?;
    let path = match source {
        Source::Local(path) => path,
        Source::Tree { saltenv, path } => context.minion.tree.describe(&saltenv, &path).into(),
    };
    if !path.is_absolute() {
        return Ok(None);
    }
    Ok(context.host().metadata(&path)?.map(|found| found.mode))
}

fn exists_as_file(context: &Context<'_>, path: &std::path::Path) -> Result<bool, Failure> {
    Ok(context.host().metadata(path)?.is_some_and(|found| found.kind == FileKind::File))
}

fn warned(mut outcome: Outcome, arguments: &Managed) -> Outcome {
    if arguments.attrs.is_some() {
        outcome = outcome.warn("The 'attrs' argument is not supported and was ignored.");
    }
    if arguments.selinux.is_some() {
        outcome = outcome.warn("The 'selinux' argument is not supported and was ignored.");
    }
    if arguments.others.contains("file_mode") {
        outcome = outcome.warn(
            "The 'file_mode' argument will be ignored.  Please use 'mode' instead to set file permissions.",
        );
    }
    outcome
}

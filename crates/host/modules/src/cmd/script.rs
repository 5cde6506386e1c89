//! Scripts of the tree.
//!
//! The script travels on the standard input of a shell that stores it in a directory of its own (which nobody
//! else can look into), runs it from there and removes it: one command, no file that the journal would have
//! to account for, nothing for others to race with.

use std::path::Path;

use value::{Map, Span, Value};

use super::invocation::{Invocation, Line, is_directory};
use super::state::{Stateful, judged};
use super::stateful::reinterpreted;
use super::words;
use crate::{Arguments, Context, Failure, Outcome, Template};

arguments! {
    /// Runs a script of the tree, every time: say with `onlyif`, `unless`, `creates` or `onchanges` when it is
    /// needed.
    pub(super) struct Script {
        /// The script (`salt://web/setup.sh`), with arguments behind it, unless `source` names it.
        name: String,
        /// The script.
        source: Option<String>,
        /// Its arguments: text that is split into words, or a list of words.
        args: Option<Value>,
        /// The engine to render it with first.
        template: Option<String>,
        /// Variables for the template.
        context: Option<Map>,
        /// Variables for the template where `context` has none.
        defaults: Option<Map>,
        /// The directory to run it in; the user's home by default.
        cwd: Option<String>,
        /// The user to run it as.
        runas or user: Option<String>,
        /// The group to run it as.
        group: Option<String>,
        /// Accepted; the script's first line says what runs it.
        shell: Option<String>,
        /// Variables: a mapping, or a list of them. Their values are not shown.
        env: Option<Value>,
        /// Directories to put in front of `PATH`.
        prepend_path: Option<String>,
        /// Whether the script prints what it changed.
        stateful: Option<Value>,
        /// The file mode mask, in octal.
        umask: Option<String>,
        /// Seconds after which it is stopped.
        timeout: Option<f64>,
        /// Start it and do not wait for its end.
        bg: bool = false,
        /// Leave what it prints out of the result.
        hide_output: bool = false,
        /// At which level its output is logged; accepted.
        output_loglevel: Option<String>,
        /// Accepted; output is always captured.
        use_vt: bool = false,
        /// Exit codes that count as success too.
        success_retcodes: Option<Value>,
        /// Texts that count as success when printed.
        success_stdout: Option<Value>,
        /// Texts that count as success when printed as an error.
        success_stderr: Option<Value>,
        /// Paths that are there once it ran.
        creates: Vec<String> = Vec::new(),
        /// The saltenv that the script is read from.
        saltenv: Option<String>
        ;.. others
    }
}

/// See [`Script`].
pub(super) fn script(context: &Context<'_>, map: &Map, place: Span) -> Result<Outcome, Failure> {
    let arguments = Script::from_map(map, place)?;
    let stateful = Stateful::of(arguments.stateful.as_ref());
    let name = &arguments.name;
    let (first, behind) =
        name.split_once(' ').map_or((name.as_str(), None), |(first, rest)| (first, Some(rest)));
    let source = arguments.source.as_deref().unwrap_or(first);
    let args = arguments.args.clone().or_else(|| behind.map(Value::from));
    let comment =
        context.words(format!("Command '{name}' run"), format!("Command '{name}' would have been executed"));
    if !context.host().is_plan()
        && let Some(cwd) = arguments.cwd.as_ref().filter(|cwd| !is_directory(context, cwd))
    {
        return Ok(super::state::no_directory(cwd));
    }
    let Some(text) = text_of(context, source, &arguments)? else {
        let saltenv = arguments.saltenv.as_deref().unwrap_or(context.saltenv);
        let failed = Outcome::failed(format!("Unable to cache script {source} from saltenv '{saltenv}'"));
        let hint = "name a script of the state tree: `- source: salt://scripts/run.sh`";
        return Ok(not_cached(failed.hint(hint).blames("source")));
    };
    let invocation = invocation(source, &text, args.as_ref(), map)?;
    let outcome = match invocation.act(context, &arguments.creates)? {
        None => Outcome::unknown(comment),
        Some(ran) => judged(&ran, comment, false, !arguments.hide_output),
    };
    Ok(if stateful.is { reinterpreted(outcome) } else { outcome })
}

/// Waits for a watch.
pub(super) fn wait(_: &Context<'_>, map: &Map, place: Span) -> Result<Outcome, Failure> {
    Script::from_map(map, place)?;
    Ok(Outcome::unchanged(""))
}

fn not_cached(outcome: Outcome) -> Outcome {
    let empty =
        [("pid", Value::from(0i64)), ("retcode", 1i64.into()), ("stdout", "".into()), ("stderr", "".into())];
    let changes = empty.into_iter().chain([("cache_error", true.into())]).collect();
    Outcome { changes, ..outcome }
}

/// The script's text: of a file in the tree (`salt://path`, perhaps `?saltenv=dev`) or of one on the host,
/// rendered where the arguments say so. `None` when there is no such file.
pub(super) fn text_of(
    context: &Context<'_>,
    source: &str,
    arguments: &Script,
) -> Result<Option<Vec<u8>>, Failure> {
    let saltenv = arguments.saltenv.as_deref().unwrap_or(context.saltenv);
    let (path, saltenv) = match source.split_once("?saltenv=") {
        Some((path, saltenv)) => (path, saltenv),
        None => (source, saltenv),
    };
    let content = if let Some(path) = path.strip_prefix("salt://") {
        context.minion.tree.read(saltenv, path)?
    } else {
        let path = path.strip_prefix("file://").unwrap_or(path);
        match context.host().read(Path::new(path)) {
            Ok(content) => Some(content),
            Err(host::HostError::NotFound(_) | host::HostError::BadPath { .. }) => None,
            Err(error) => return Err(error.into()),
        }
    };
    let (Some(content), Some(engine)) = (&content, &arguments.template) else {
        return Ok(content.map(|content| content.to_vec()));
    };
    let mut variables = arguments.others.clone();
    for map in [&arguments.defaults, &arguments.context].into_iter().flatten() {
        for (key, value) in map.iter() {
            variables.insert(key.clone(), value.clone());
        }
    }
    let path = path.strip_prefix("salt://").unwrap_or(path);
    let template = Template { engine, saltenv, path, text: content, variables: &variables };
    context.templates.render(&template).map(|text| Some(text.as_bytes().to_vec()))
}

/// The command that stores, runs and removes a script. `args` is text that is split into words, or words.
pub(super) fn invocation(
    source: &str,
    text: &[u8],
    args: Option<&Value>,
    map: &Map,
) -> Result<Invocation, Failure> {
    let args = match args.filter(|args| args.is_truthy()) {
        None => Vec::new(),
        Some(args) => match args.as_list() {
            Some(words) => words.iter().map(Value::to_string).collect(),
            None => words::split(&args.to_string())?,
        },
    };
    let file = source.split('?').next().unwrap_or(source).rsplit('/').next().unwrap_or("script");
    stored(&[], &plain(file), &args, text, map)
}

/// The command that stores a text, runs `before FILE args` and removes the text.
pub(super) fn stored(
    before: &[String],
    file: &str,
    args: &[String],
    text: &[u8],
    map: &Map,
) -> Result<Invocation, Failure> {
    let path = format!("\"$d/{file}\"");
    let words = |words: &[String]| words.iter().map(|word| words::quote(word)).collect::<Vec<_>>();
    let line: Vec<String> = words(before).into_iter().chain([path.clone()]).chain(words(args)).collect();
    let line = line.join(" ");
    let line = format!(
        "d=$(mktemp -d \"${{TMPDIR:-/tmp}}/pinch.XXXXXXXX\") || exit 1; trap 'rm -rf \"$d\"' EXIT; \
         trap 'exit 143' HUP INT TERM; cat > {path} && chmod 500 {path} || exit 1; {line} </dev/null"
    );
    let invocation = Invocation::read(Line::Shell(line), map)?;
    // The line is for a POSIX shell, whatever shell the script itself wants.
    Ok(Invocation { stdin: text.to_vec(), shell: None, ..invocation })
}

/// A file name that needs no quoting.
fn plain(file: &str) -> String {
    let keep = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    let name: String = file.chars().filter(|letter| keep(*letter)).collect();
    if name.trim_matches('.').is_empty() { "script".into() } else { name }
}

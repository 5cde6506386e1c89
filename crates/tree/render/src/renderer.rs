//! The way from the bytes of a file to data or text.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use foldhash::HashMap;
use jinja::{Environment, Globals, Job, SourceMap, Syntax};
use report::{Problem, Problems, Sources};
use value::{Key, Map, SourceId, Span, Value};

use crate::loader::{KnownTexts, TreeLoader};
use crate::salt_object::Salt;
use crate::yaml::{self, YamlError};
use crate::{Functions, TreeFiles, filters, json, pipe, variables};

/// What every template sees besides its own variables.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// `grains`
    pub grains: Value,
    /// `pillar`
    pub pillar: Value,
    /// `opts`
    pub opts: Value,
}

/// Bounds of a rendering.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one template.
    pub template: usize,
    /// Steps, nesting, output.
    pub jinja: jinja::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self { template: 32 << 20, jinja: jinja::Limits::default() }
    }
}

/// What to render.
#[derive(Clone, Debug)]
pub struct RenderRequest<'a> {
    /// The saltenv that imports are looked up in.
    pub saltenv: &'a str,
    /// The SLS's dotted name; `None` for what is no SLS (a `file.managed` template).
    pub sls: Option<&'a str>,
    /// What a person calls the file, best its path on disk (`TreeFiles::describe`).
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
    /// The renderers when the text has no `#!` line; usually `jinja|yaml`.
    pub default_pipe: &'a str,
    /// Further variables; they win over all others.
    pub context: &'a Map,
}

/// A rendered text, with the way back to its template.
#[derive(Clone, Debug)]
pub struct RenderedText {
    /// The text.
    pub text: Arc<str>,
    origin: Origin,
}

impl RenderedText {
    /// The template text behind a range of bytes of the rendered text.
    pub fn span(&self, range: Range<usize>) -> Span {
        self.origin.span(range)
    }
}

/// Where the bytes of a text come from.
#[derive(Clone, Debug)]
enum Origin {
    Source(SourceId),
    Rendered(SourceMap),
}

impl Origin {
    fn span(&self, range: Range<usize>) -> Span {
        match self {
            Self::Source(source) => Span::new(*source, range.start, range.end),
            Self::Rendered(map) => map.span(range),
        }
    }
}

/// Renders templates of one tree for one minion. Cheap to clone; compiled templates are shared.
#[derive(Clone)]
pub struct Renderer {
    files: Arc<dyn TreeFiles>,
    functions: Arc<dyn Functions>,
    sources: Sources,
    facts: Arc<Facts>,
    limits: Arc<Limits>,
    /// For SLS, and for everything else: `jinja_sls_env` and `jinja_env` may differ.
    sls_environment: Arc<Environment>,
    environment: Arc<Environment>,
    texts: Arc<KnownTexts>,
    /// Tells the facts of one renderer from those of another.
    id: u64,
}

impl Renderer {
    /// A renderer of a tree. `opts` among the facts sets Jinja's options (`jinja_env`, `jinja_sls_env`,
    /// `jinja_trim_blocks`, `jinja_lstrip_blocks`, `allow_undefined`).
    pub fn new(
        files: Arc<dyn TreeFiles>,
        functions: Arc<dyn Functions>,
        sources: Sources,
        facts: Facts,
        limits: Limits,
    ) -> Self {
        let environment = environment(&facts.opts, "jinja_env", &limits);
        let sls_environment = environment_for_sls(&facts.opts, &environment, &limits);
        Self {
            files,
            functions,
            sources,
            facts: facts.into(),
            limits: limits.into(),
            sls_environment,
            environment,
            texts: Arc::default(),
            id: next_id(),
        }
    }

    /// The same tree and compiled templates, for other facts or functions: the pillar is known now.
    pub fn with(&self, functions: Arc<dyn Functions>, facts: Facts) -> Self {
        Self { functions, facts: facts.into(), id: next_id(), ..self.clone() }
    }

    /// The texts that spans point into.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The tree.
    pub fn files(&self) -> &Arc<dyn TreeFiles> {
        &self.files
    }

    /// Renders an SLS or pillar file to data. Nothing at all is an empty mapping.
    pub fn render_data(&self, request: &RenderRequest<'_>) -> Result<Value, Problems> {
        self.data(request).map_err(Problems::from)
    }

    /// Renders a template to text with Jinja, whatever its first line says: what `file.managed` does.
    pub fn render_text(&self, request: &RenderRequest<'_>) -> Result<RenderedText, Problem> {
        let (text, source) = self.text(request)?;
        self.jinja(request, &text, source)
    }

    fn data(&self, request: &RenderRequest<'_>) -> Result<Value, Problem> {
        let (text, source) = self.text(request)?;
        let stages = pipe::stages(&text, request.default_pipe);
        let mut current = RenderedText { text: Arc::clone(&text), origin: Origin::Source(source) };
        let mut template = Some((text, source));
        for stage in &stages {
            match stage.name.as_str() {
                "jinja" => {
                    let (text, source) = match template.take() {
                        Some(template) => template,
                        // A second Jinja renders what the first one made.
                        None => self.texts.source(
                            &self.sources,
                            &format!("{} (rendered)", request.name),
                            &current.text,
                        ),
                    };
                    current = self.jinja(request, &text, source)?;
                }
                "yaml" => return self.yaml(request, &current),
                "json" => return json(&current),
                "text" => return Ok(Value::from(current.text).at(Span::new(source, 0, 0))),
                name => return Err(unavailable(name, source, &current.text)),
            }
        }
        Ok(Value::from(current.text).at(Span::new(source, 0, 0)))
    }

    fn text(&self, request: &RenderRequest<'_>) -> Result<(Arc<str>, SourceId), Problem> {
        let size = request.bytes.len();
        if size > self.limits.template {
            let what = format!("the file has {size} bytes; templates may have {}", self.limits.template);
            return Err(Problem::error("render.too-large", what)
                .on(request.name)
                .hint("is that the file that was meant? Templates are text for people: keep data of that size apart"));
        }
        let text = std::str::from_utf8(request.bytes).map_err(|error| {
            let at = error.valid_up_to();
            // Up to the byte that is none, the readable form has the same offsets.
            let source = self.sources.add(request.name, String::from_utf8_lossy(request.bytes));
            Problem::error("render.not-utf-8", format!("the file is not UTF-8: invalid byte at offset {at}"))
                .at(Span::new(source, at, at + char::REPLACEMENT_CHARACTER.len_utf8()))
                .hint("save the file as UTF-8; binary files cannot be templates")
        })?;
        Ok(self.texts.source(&self.sources, request.name, text))
    }

    fn jinja(
        &self,
        request: &RenderRequest<'_>,
        text: &Arc<str>,
        source: SourceId,
    ) -> Result<RenderedText, Problem> {
        // A text without tags is its own rendering.
        if !text.contains('{') && !text.contains('#') {
            return Ok(RenderedText { text: Arc::clone(text), origin: Origin::Source(source) });
        }
        let is_sls = request.sls.is_some_and(|sls| !sls.is_empty());
        let environment = if is_sls { &self.sls_environment } else { &self.environment };
        let template = environment.compile(text, source)?;
        let mut globals = self.globals();
        static NAMES: LazyLock<[Arc<str>; 2]> = LazyLock::new(|| ["saltenv", "env"].map(Arc::from));
        let saltenv = jinja::Value::from(request.saltenv);
        for name in &*NAMES {
            globals.set(Arc::clone(name), saltenv.clone());
        }
        let mut own = Vec::new();
        let mut name = None;
        if let Some(sls) = request.sls {
            globals.set("sls", sls);
            for (variable, value) in variables::of_sls(request.name, sls) {
                if &*variable == "tplfile" {
                    name = value.as_str().map(Arc::from);
                }
                let value = jinja::Value::from(&value);
                // Loading an import changes these for everyone but the template itself.
                if matches!(&*variable, "tplfile" | "tpldir" | "tpldot") {
                    own.push((variable.clone(), value.clone()));
                }
                globals.set(variable, value);
            }
        }
        for (key, value) in request.context.iter() {
            if let Key::Str(name) = key {
                own.retain(|(known, _)| known != name);
                globals.set(Arc::clone(name), jinja::Value::from(value));
            }
        }
        let loader = TreeLoader {
            files: &*self.files,
            sources: &self.sources,
            texts: &self.texts,
            saltenv: request.saltenv,
            limit: self.limits.template,
            relative: RefCell::default(),
        };
        let job = Job { template, name, source, globals, variables: own };
        let rendered =
            environment.render(&loader, job).map_err(|error| self.nearest(error, request.saltenv))?;
        let mut out = rendered.text;
        // Jinja drops the newline that ends a template; Salt puts it back.
        if text.ends_with('\n') && !environment.syntax().keep_trailing_newline {
            out.push('\n');
        }
        Ok(RenderedText { text: out.into(), origin: Origin::Rendered(rendered.map) })
    }

    /// Suggests a template for one that is not there.
    fn nearest(&self, error: jinja::Error, saltenv: &str) -> jinja::Error {
        if *error.kind() != jinja::ErrorKind::NotFound || !error.hints().is_empty() {
            return error;
        }
        let name = error.message().to_string();
        let files = self.files.list(saltenv).unwrap_or_default();
        error.did_you_mean(&name, files.iter().map(String::as_str))
    }

    fn yaml(&self, request: &RenderRequest<'_>, rendered: &RenderedText) -> Result<Value, Problem> {
        let value = yaml::load(&rendered.text, &|range: Range<usize>| rendered.span(range))
            .map_err(|error| self.yaml_problem(request, rendered, error))?;
        Ok(if value.is_truthy() { value } else { Value::from(Map::new()).at(value.span) })
    }

    /// The error at its template line, and the rendered line where that reads otherwise.
    fn yaml_problem(
        &self,
        request: &RenderRequest<'_>,
        rendered: &RenderedText,
        error: YamlError,
    ) -> Problem {
        let at = error.problem.at.start.min(rendered.text.len());
        let span = error.span;
        let mut problem = Problem::from(error);
        if matches!(rendered.origin, Origin::Source(_)) {
            return problem;
        }
        let start =
            rendered.text.as_bytes().iter().take(at).rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = rendered.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let number = rendered.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        if self.template_line(span).is_none_or(|written| written != line) {
            let shown: String = line.chars().take(200).collect();
            problem = problem.why(format!("after Jinja, line {number} reads: {shown}"));
        }
        if span.is_none() {
            problem = problem.on(request.name);
        }
        problem
    }

    fn template_line(&self, span: Span) -> Option<String> {
        let source = self.sources.get(span.source)?;
        let before = source.text.get(..span.start as usize)?;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        source.text.get(start..)?.lines().next().map(str::to_string)
    }

    /// The variables every template of this renderer sees. They are converted once for each thread; as in
    /// Salt, what a template changes in `grains` or `pillar` the next one finds changed.
    fn globals(&self) -> Globals {
        thread_local! {
            static CONVERTED: RefCell<HashMap<u64, Globals>> = RefCell::default();
        }
        const KEPT: usize = 4;
        CONVERTED.with_borrow_mut(|converted| {
            if let Some(globals) = converted.get(&self.id) {
                return globals.clone();
            }
            if converted.len() >= KEPT {
                converted.clear();
            }
            let mut globals = Globals::new();
            globals.set("grains", jinja::Value::from(&self.facts.grains));
            globals.set("pillar", jinja::Value::from(&self.facts.pillar));
            globals.set("opts", jinja::Value::from(&self.facts.opts));
            globals.set("salt", jinja::Value::object(Salt::new(self.functions.clone())));
            converted.insert(self.id, globals.clone());
            globals
        })
    }
}

fn json(rendered: &RenderedText) -> Result<Value, Problem> {
    let text = pipe::without_line(&rendered.text);
    if text.trim().is_empty() {
        return Ok(Map::new().into());
    }
    json::data(&text, |range| rendered.span(range))
}

fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn unavailable(name: &str, source: SourceId, text: &str) -> Problem {
    const AVAILABLE: [&str; 4] = ["jinja", "yaml", "json", "text"];
    let needs = match name {
        "py" | "pyobjects" | "pydsl" => "it runs Python code of the tree",
        "mako" | "wempy" | "cheetah" | "genshi" => "it is a template engine written in Python",
        "gpg" => "it decrypts with the `gpg` program",
        "stateconf" => "it rewrites state trees before they are compiled",
        _ => "no renderer of that name is known",
    };
    let end = text.find('\n').unwrap_or(text.len());
    Problem::error("render.renderer", format!("renderer `{name}` is not available"))
        .at(Span::new(source, 0, end))
        .why(needs)
        .did_you_mean(name, AVAILABLE)
        .or_hint(format!("name one of {} in the `#!` line, joined by `|`", AVAILABLE.join(", ")))
}

fn environment(opts: &Value, option: &str, limits: &Limits) -> Arc<Environment> {
    let mut environment = Environment::new();
    environment.set_limits(limits.jinja.clone());
    environment.set_strict(!opts.get("allow_undefined").is_some_and(Value::is_truthy));
    environment.set_printable_dicts(true);
    environment.set_syntax(syntax(opts, option));
    filters::register(&mut environment);
    environment.into()
}

fn environment_for_sls(opts: &Value, other: &Arc<Environment>, limits: &Limits) -> Arc<Environment> {
    if syntax(opts, "jinja_sls_env") == *other.syntax() {
        other.clone()
    } else {
        environment(opts, "jinja_sls_env", limits)
    }
}

fn syntax(opts: &Value, option: &str) -> Syntax {
    let mut syntax = Syntax::default();
    let is_set = |name: &str| opts.get(name).is_some_and(Value::is_truthy);
    syntax.trim_blocks = is_set("jinja_trim_blocks");
    syntax.lstrip_blocks = is_set("jinja_lstrip_blocks");
    let options = opts.get(option).and_then(Value::as_map);
    for (name, value) in options.into_iter().flat_map(Map::iter) {
        let text = || value.as_str().map(str::to_string);
        let set = |place: &mut String| {
            if let Some(text) = text().filter(|text| !text.is_empty()) {
                *place = text;
            }
        };
        match name.to_string().to_lowercase().as_str() {
            "trim_blocks" => syntax.trim_blocks = value.is_truthy(),
            "lstrip_blocks" => syntax.lstrip_blocks = value.is_truthy(),
            "keep_trailing_newline" => syntax.keep_trailing_newline = value.is_truthy(),
            "line_statement_prefix" => syntax.line_statement_prefix = text(),
            "line_comment_prefix" => syntax.line_comment_prefix = text(),
            "block_start_string" => set(&mut syntax.block_start),
            "block_end_string" => set(&mut syntax.block_end),
            "variable_start_string" => set(&mut syntax.variable_start),
            "variable_end_string" => set(&mut syntax.variable_end),
            "comment_start_string" => set(&mut syntax.comment_start),
            "comment_end_string" => set(&mut syntax.comment_end),
            _ => {}
        }
    }
    syntax
}

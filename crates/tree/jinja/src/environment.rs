//! Everything that is the same for many renderings.

use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use value::{SourceId, Span};

use crate::lexer::{Normalized, tokenize};
use crate::parser::{Fault, parse};
use crate::program::Template;
use crate::vm::Globals;
use crate::{Args, Error, Limits, Loader, Rendered, State, Syntax, Value, builtin};

/// A filter, test or global function.
pub type NativeFunction = dyn Fn(&mut State<'_>, Args) -> Result<Value, Error> + Send + Sync;

/// Syntax, limits, filters, tests and global functions, and the templates compiled so far.
/// Set it up once, then share it between threads.
pub struct Environment {
    syntax: Syntax,
    limits: Limits,
    strict: bool,
    printable_dicts: bool,
    filters: HashMap<Arc<str>, Arc<NativeFunction>>,
    tests: HashMap<Arc<str>, Arc<NativeFunction>>,
    functions: HashMap<Arc<str>, Arc<NativeFunction>>,
    compiled: Mutex<HashMap<Arc<str>, Arc<Template>>>,
}

/// What to render.
#[derive(Clone)]
pub struct Job {
    /// The template.
    pub template: Arc<Template>,
    /// Its name, as importers and messages see it; `None` for a text without one.
    pub name: Option<Arc<str>>,
    /// What spans into it carry.
    pub source: SourceId,
    /// Variables that every template sees, imported ones included.
    pub globals: Globals,
    /// Variables that only this template, and what it passes its context to, sees.
    pub variables: Vec<(Arc<str>, Value)>,
}

impl Job {
    /// A template without a name, with globals only.
    pub fn new(template: Arc<Template>, source: SourceId, globals: Globals) -> Self {
        Self { template, name: None, source, globals, variables: Vec::new() }
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::new()
    }
}

impl Environment {
    /// An environment with Jinja's own filters, tests and functions, and strict undefined values.
    pub fn new() -> Self {
        let mut environment = Self {
            syntax: Syntax::default(),
            limits: Limits::default(),
            strict: true,
            printable_dicts: false,
            filters: HashMap::default(),
            tests: HashMap::default(),
            functions: HashMap::default(),
            compiled: Mutex::default(),
        };
        builtin::register(&mut environment);
        environment
    }

    /// Uses other delimiters or whitespace rules.
    pub fn set_syntax(&mut self, syntax: Syntax) {
        self.syntax = syntax;
        self.forget_compiled();
    }

    /// Uses other bounds.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Whether using an undefined value fails (it does unless told otherwise; Salt's
    /// `allow_undefined` turns it off).
    pub fn set_strict(&mut self, strict: bool) {
        self.strict = strict;
    }

    /// Whether printing a dict that holds an undefined value fails, as it does in Salt, rather than
    /// showing `Undefined` (it does not unless told so).
    pub fn set_printable_dicts(&mut self, printable: bool) {
        self.printable_dicts = printable;
    }

    pub(crate) fn has_printable_dicts(&self) -> bool {
        self.printable_dicts
    }

    /// The delimiters and whitespace rules.
    pub fn syntax(&self) -> &Syntax {
        &self.syntax
    }

    /// The bounds of a rendering.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether using an undefined value fails.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// Adds a filter, or replaces one. Its input is the first positional argument.
    pub fn add_filter(
        &mut self,
        name: &str,
        filter: impl Fn(&mut State<'_>, Args) -> Result<Value, Error> + Send + Sync + 'static,
    ) {
        self.filters.insert(name.into(), Arc::new(filter));
        self.forget_compiled();
    }

    /// Adds a test, or replaces one. Its input is the first positional argument; its answer is
    /// taken for true or false.
    pub fn add_test(
        &mut self,
        name: &str,
        test: impl Fn(&mut State<'_>, Args) -> Result<Value, Error> + Send + Sync + 'static,
    ) {
        self.tests.insert(name.into(), Arc::new(test));
        self.forget_compiled();
    }

    /// Adds a global function, or replaces one.
    pub fn add_function(
        &mut self,
        name: &str,
        function: impl Fn(&mut State<'_>, Args) -> Result<Value, Error> + Send + Sync + 'static,
    ) {
        self.functions.insert(name.into(), Arc::new(function));
    }

    /// The filter of that name.
    pub fn find_filter(&self, name: &str) -> Option<Arc<NativeFunction>> {
        self.filters.get(name).cloned()
    }

    /// The test of that name.
    pub fn find_test(&self, name: &str) -> Option<Arc<NativeFunction>> {
        self.tests.get(name).cloned()
    }

    /// The global function of that name.
    pub fn find_function(&self, name: &str) -> Option<Arc<NativeFunction>> {
        self.functions.get(name).cloned()
    }

    /// The names of all filters.
    pub fn filter_names(&self) -> impl Iterator<Item = &str> {
        self.filters.keys().map(|name| &**name)
    }

    /// The names of all tests.
    pub fn test_names(&self) -> impl Iterator<Item = &str> {
        self.tests.keys().map(|name| &**name)
    }

    /// The names of all global functions.
    pub fn function_names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(|name| &**name)
    }

    /// Compiles a text, or answers what was compiled from the same text before. Errors carry spans
    /// into `source`.
    pub fn compile(&self, text: &Arc<str>, source: SourceId) -> Result<Arc<Template>, Error> {
        const KEPT: usize = 4096;
        if let Some(template) = self.compiled().get(text) {
            return Ok(template.clone());
        }
        let template = self.compile_new(text).map(Arc::new).map_err(|fault| located(fault, source))?;
        let mut compiled = self.compiled();
        if compiled.len() >= KEPT {
            compiled.clear();
        }
        compiled.insert(text.clone(), template.clone());
        Ok(template)
    }

    fn compile_new(&self, text: &str) -> Result<Template, Fault> {
        let source = Normalized::new(text, self.syntax.keep_trailing_newline);
        let result = parse(&tokenize(&source.text, &self.syntax))
            .and_then(|body| crate::compiler::compile(self, &body, &source));
        result.map_err(|mut fault| {
            fault.place = source.original(fault.place);
            for (place, _) in &mut fault.aside.related {
                *place = source.original(*place);
            }
            fault
        })
    }

    /// Renders a template. `loader` finds what it includes, imports and extends.
    pub fn render(&self, loader: &dyn Loader, job: Job) -> Result<Rendered, Error> {
        State::new(self, loader, job.globals.clone()).render(job)
    }

    /// Compiles and renders a text without templates around it.
    pub fn render_text(&self, text: &str, globals: Globals) -> Result<String, Error> {
        let template = self.compile(&text.into(), SourceId(1))?;
        let job = Job::new(template, SourceId(1), globals);
        self.render(&crate::NoLoader, job).map(|rendered| rendered.text)
    }

    fn compiled(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, Arc<Template>>> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget_compiled(&mut self) {
        self.compiled.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn located(fault: Fault, source: SourceId) -> Error {
    let span = Span { source, start: fault.place.start, end: fault.place.end };
    let error = Error::new(fault.kind, fault.message).at(span);
    let error = fault.aside.hints.into_iter().fold(error, Error::hint);
    fault.aside.related.into_iter().fold(error, |error, (place, text)| {
        error.related(Span { source, start: place.start, end: place.end }, text)
    })
}

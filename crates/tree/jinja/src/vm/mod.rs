//! Running templates.
//!
//! [`State`] is one rendering: the operand stack, the running loops, what has been printed, the
//! templates loaded so far, and what is left of the limits. [`run`] is the instruction loop, [`call`]
//! calls things, [`templates`] includes, imports and extends. A macro call is a Rust call of
//! `State::run_function`; the depth limit bounds these.

mod call;
mod context;
mod loops;
mod operations;
mod output;
mod run;
mod structure;
mod templates;

use std::rc::Rc;
use std::sync::Arc;

pub use context::Globals;
pub(crate) use context::{Context, Frame, Unit};
use foldhash::HashMap;
use loops::ForState;
pub(crate) use loops::LoopContext;
pub(crate) use output::Output;

use crate::value::text;
use crate::value::{BlockReference, Special, Undefined, UndefinedKind, access};
use crate::{Args, Environment, Error, ErrorKind, Job, Limits, Loader, SourceMap, Value};

/// Where a loop's filter finds its item, and a recursive loop its iterable.
pub(crate) const ITEM_SLOT: u16 = 0;

/// A rendered template.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// What it printed.
    pub text: String,
    /// Where each part of it came from.
    pub map: SourceMap,
}

/// One rendering, as filters, tests, functions and objects see it.
pub struct State<'r> {
    environment: &'r Environment,
    loader: &'r dyn Loader,
    globals: Globals,
    steps_left: u64,
    depth: u32,
    stack: Vec<Value>,
    loops: Vec<ForState>,
    output: Output,
    captures: Vec<Output>,
    autoescape: bool,
    outer_autoescapes: Vec<bool>,
    units: HashMap<Arc<str>, Rc<Unit>>,
    /// The context of the template that is running.
    context: Option<Rc<Context>>,
    /// Frames and contexts that macros keep, let go of at the end.
    kept_frames: Vec<Rc<Frame>>,
    kept_contexts: Vec<Rc<Context>>,
}

impl<'r> State<'r> {
    pub(crate) fn new(environment: &'r Environment, loader: &'r dyn Loader, globals: Globals) -> Self {
        Self {
            environment,
            loader,
            globals,
            steps_left: environment.limits().steps,
            depth: 0,
            stack: Vec::new(),
            loops: Vec::new(),
            output: Output::mapped(),
            captures: Vec::new(),
            autoescape: false,
            outer_autoescapes: Vec::new(),
            units: HashMap::default(),
            context: None,
            kept_frames: Vec::new(),
            kept_contexts: Vec::new(),
        }
    }

    pub(crate) fn render(mut self, job: Job) -> Result<Rendered, Error> {
        self.output = Output::with_room_for(&job.template.literals);
        let unit = Rc::new(Unit {
            template: job.template,
            name: job.name,
            source: job.source,
            module: std::cell::RefCell::default(),
        });
        let globals = self.globals.clone();
        let context = Context::new(&unit, job.variables.into_iter().collect(), globals);
        self.kept_contexts.push(context.clone());
        self.run_root(&unit, &context)?;
        let output = std::mem::take(&mut self.output);
        Ok(Rendered { text: output.text, map: SourceMap::new(output.runs) })
    }

    /// The environment.
    pub fn environment(&self) -> &'r Environment {
        self.environment
    }

    /// The bounds of this rendering.
    pub fn limits(&self) -> &'r Limits {
        self.environment.limits()
    }

    /// Whether printed values are escaped (inside `{% autoescape true %}`).
    pub fn autoescape(&self) -> bool {
        self.autoescape
    }

    /// Counts work against the limit of steps. A function whose time grows with its input charges
    /// about one step for each item or each 64 bytes.
    pub fn charge(&mut self, steps: u64) -> Result<(), Error> {
        match self.steps_left.checked_sub(steps) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => {
                self.steps_left = 0;
                let most = self.limits().steps;
                Err(Error::limit(format!("the template takes too long: more than {most} steps")).hint(
                    "a loop runs over too much: let it run over fewer items, and not inside another one",
                ))
            }
        }
    }

    /// Runs something one level deeper, unless that is too deep.
    pub(crate) fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= self.limits().depth {
            return Err(Error::recursion());
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// Checks a text about to be made against the limits, by its bytes.
    pub fn charge_text(&mut self, bytes: usize) -> Result<(), Error> {
        let most = self.limits().text;
        if bytes > most {
            return Err(Error::limit(format!("a text of {bytes} bytes is too long (at most {most})")).hint(
                "make it shorter; large files are copied as they are: `file.managed` without `template`",
            ));
        }
        self.charge(bytes as u64 / 64)
    }

    /// Checks a collection about to be made against the limits, by its items.
    pub fn charge_items(&mut self, items: usize) -> Result<(), Error> {
        let most = self.limits().items;
        if items > most {
            return Err(Error::limit(format!("a collection of {items} items is too large (at most {most})"))
                .hint("give `range` smaller numbers, or repeat fewer items"));
        }
        self.charge(items as u64 / 16)
    }

    /// Checks an integer about to be made against the limits, by its bits.
    pub(crate) fn charge_integer(&mut self, bits: u64) -> Result<(), Error> {
        if bits > self.limits().integer_bits {
            return Err(self.integer_too_large());
        }
        self.charge(bits / 512)
    }

    pub(crate) fn integer_too_large(&self) -> Error {
        Error::limit(format!("the integer is too large (at most {} bits)", self.limits().integer_bits))
            .hint("calculate with smaller numbers, or with floats: `9.0 ** 9`")
    }

    /// An undefined value, strict if the environment is.
    pub fn undefined(&self, kind: UndefinedKind) -> Value {
        Value::Undefined(Undefined::with_strictness(kind, self.environment.is_strict()))
    }

    /// An undefined value that explains itself.
    pub fn undefined_hint(&self, hint: impl Into<String>) -> Value {
        self.undefined(UndefinedKind::Hint { text: hint.into(), near: None })
    }

    /// The variable of that name in the context of the running template (not its local ones).
    pub fn lookup(&self, name: &str) -> Option<Value> {
        match &self.context {
            Some(context) => context.resolve(name),
            None => self.globals.get(name).cloned(),
        }
    }

    /// The names in the context of the running template.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = match &self.context {
            Some(context) => context.names().into_iter().collect(),
            None => self.globals.iter().map(|(name, _)| name.clone()).collect(),
        };
        names.sort();
        names
    }

    /// The globals as they are now.
    pub fn globals(&self) -> &Globals {
        &self.globals
    }

    /// The name of the running template.
    pub fn template_name(&self) -> Option<Arc<str>> {
        self.context.as_ref().and_then(|context| context.unit.name.clone())
    }

    /// Python's `str()`. A strict undefined value is an error.
    pub fn text(&mut self, value: &Value) -> Result<Arc<str>, Error> {
        if let Value::Str(text) | Value::Markup(text) = value {
            return Ok(text.clone());
        }
        let text = text::to_text(value)?;
        self.charge_text(text.len())?;
        Ok(text.into())
    }

    /// Python's `repr()`.
    pub fn repr(&mut self, value: &Value) -> Result<String, Error> {
        let text = text::repr(value)?;
        self.charge_text(text.len())?;
        Ok(text)
    }

    /// `object.name`
    pub fn attribute(&mut self, object: &Value, name: &str) -> Result<Value, Error> {
        access::attribute(self, object, &name.into())
    }

    /// `object[index]`
    pub fn item(&mut self, object: &Value, index: &Value) -> Result<Value, Error> {
        access::item(self, object, index)
    }

    /// `item in container`
    pub fn contains(&mut self, container: &Value, item: &Value) -> Result<bool, Error> {
        crate::value::compare::contains(self, container, item)
    }

    /// Applies a filter by name; the input is the first positional argument.
    pub fn call_filter(&mut self, name: &str, args: Args) -> Result<Value, Error> {
        match self.environment.find_filter(name) {
            Some(filter) => filter(self, args),
            None => Err(Error::new(ErrorKind::Runtime, format!("No filter named {}.", text::quote(name)))
                .did_you_mean(name, self.environment.filter_names())),
        }
    }

    /// Applies a test by name; the input is the first positional argument.
    pub fn call_test(&mut self, name: &str, args: Args) -> Result<bool, Error> {
        match self.environment.find_test(name) {
            Some(test) => test(self, args)?.is_true(),
            None => Err(Error::new(ErrorKind::Runtime, format!("No test named {}.", text::quote(name)))
                .did_you_mean(name, self.environment.test_names())),
        }
    }

    /// `block.super`
    pub(crate) fn parent_block(&self, block: &BlockReference) -> Value {
        let depth = block.depth + 1;
        let exists =
            block.context.blocks.borrow().get(&block.name).is_some_and(|levels| depth < levels.len());
        if !exists {
            return self.no_parent_block(&block.name);
        }
        Value::Special(Rc::new(Special::Block(BlockReference {
            name: block.name.clone(),
            context: block.context.clone(),
            depth,
        })))
    }

    fn no_parent_block(&self, name: &str) -> Value {
        self.undefined_hint(format!("there is no parent block called {}.", text::quote(name)))
    }
}

impl Drop for State<'_> {
    /// Macros keep the frames they were made in, and frames keep macros: cut these circles.
    fn drop(&mut self) {
        for frame in self.kept_frames.drain(..) {
            frame.clear();
        }
        for context in self.kept_contexts.drain(..) {
            context.clear();
        }
        for unit in self.units.values() {
            unit.module.take();
        }
    }
}

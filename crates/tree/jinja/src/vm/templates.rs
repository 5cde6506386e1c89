//! Includes, imports, inheritance.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::HashMap;

use super::context::{Context, Frame, Globals, Unit};
use super::output::Output;
use super::{BlockReference, State};
use crate::program::Variable;
use crate::value::text::quote;
use crate::value::{Module, Special};
use crate::{Error, ErrorKind, UndefinedKind, Value};

impl State<'_> {
    /// Runs a template's body.
    pub(super) fn run_root(&mut self, unit: &Rc<Unit>, context: &Rc<Context>) -> Result<(), Error> {
        let slots = unit.template.functions.first().map_or(0, |function| function.slots.len());
        let frame = Frame::new(vec![None; slots], None);
        self.run_function(unit, 0, &frame, context, None).map(drop)
    }

    /// The template of a name, loaded at most once.
    pub(super) fn load(&mut self, name: &str, importer: &Unit) -> Result<Rc<Unit>, Error> {
        let full = self.loader.resolve(name, importer.name.as_deref(), &self.globals)?;
        if let Some(unit) = self.units.get(&full) {
            return Ok(unit.clone());
        }
        let Some(loaded) = self.loader.load(&full)? else {
            return Err(Error::new(ErrorKind::NotFound, name));
        };
        for (name, value) in loaded.globals {
            self.globals.set(name, value);
        }
        let template = self.environment.compile(&loaded.text, loaded.source)?;
        let unit = Rc::new(Unit {
            template,
            name: Some(full.clone()),
            source: loaded.source,
            module: RefCell::default(),
        });
        self.units.insert(full, unit.clone());
        Ok(unit)
    }

    /// The template of a value: a name.
    pub(super) fn load_value(&mut self, name: &Value, importer: &Unit) -> Result<Rc<Unit>, Error> {
        match name {
            Value::Undefined(undefined) => Err(undefined.error()),
            name => match name.as_str() {
                Some(name) => self.load(name, importer),
                None => Err(Error::type_error(format!(
                    "a template's name must be a str, not {}",
                    name.type_name()
                ))),
            },
        }
    }

    /// The first template that exists of a name or a list of names.
    fn load_first(&mut self, names: &Value, importer: &Unit) -> Result<Rc<Unit>, Error> {
        if names.as_str().is_some() || names.is_undefined() {
            return self.load_value(names, importer);
        }
        let names = names.to_items(self)?;
        if names.is_empty() {
            let message = "Tried to select from an empty list of templates.";
            return Err(Error::new(ErrorKind::NoneFound, message));
        }
        for name in &names {
            match self.load_value(name, importer) {
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Undefined) => {}
                result => return result,
            }
        }
        let mut tried = Vec::with_capacity(names.len());
        for name in &names {
            tried.push(match name {
                Value::Undefined(undefined) => undefined.error().message().to_string(),
                name => self.text(name)?.to_string(),
            });
        }
        let message = format!("none of the templates given were found: {}", tried.join(", "));
        Err(Error::new(ErrorKind::NoneFound, message))
    }

    /// `{% include %}`. `locals` are passed on; without them the template sees globals only.
    pub(super) fn include(
        &mut self,
        names: &Value,
        ignore_missing: bool,
        locals: Option<Vec<(Arc<str>, Value)>>,
        unit: &Rc<Unit>,
        context: &Rc<Context>,
    ) -> Result<(), Error> {
        let included = match self.load_first(names, unit) {
            Err(error)
                if ignore_missing && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NoneFound) =>
            {
                return Ok(());
            }
            result => result?,
        };
        match locals {
            Some(locals) => {
                let context = self.new_context(&included, context.pass_on(locals), context.globals.clone());
                self.run_root(&included, &context)
            }
            None => {
                let module = self.default_module(&included)?;
                if let Value::Special(special) = &module
                    && let Special::Module(module) = &**special
                {
                    self.charge_text(module.body.text.len())?;
                    self.output.append(&module.body);
                }
                Ok(())
            }
        }
    }

    fn new_context(
        &mut self,
        unit: &Rc<Unit>,
        given: HashMap<Arc<str>, Value>,
        globals: Globals,
    ) -> Rc<Context> {
        let context = Context::new(unit, given, globals);
        self.kept_contexts.push(context.clone());
        context
    }

    /// `{% import %}`
    pub(super) fn import(
        &mut self,
        name: &Value,
        locals: Option<Vec<(Arc<str>, Value)>>,
        unit: &Rc<Unit>,
        context: &Rc<Context>,
    ) -> Result<Value, Error> {
        let imported = self.load_value(name, unit)?;
        match locals {
            Some(locals) => self.make_module(&imported, context.pass_on(locals), context.globals.clone()),
            None => self.default_module(&imported),
        }
    }

    /// What an import without context gives: made once a rendering, so that everyone who imports
    /// it shares its values.
    fn default_module(&mut self, unit: &Rc<Unit>) -> Result<Value, Error> {
        if let Some(module) = &*unit.module.borrow() {
            return Ok(module.clone());
        }
        let module = self.make_module(unit, HashMap::default(), self.globals.clone())?;
        unit.module.replace(Some(module.clone()));
        Ok(module)
    }

    fn make_module(
        &mut self,
        unit: &Rc<Unit>,
        given: HashMap<Arc<str>, Value>,
        globals: Globals,
    ) -> Result<Value, Error> {
        let context = self.new_context(unit, given, globals);
        let outer = std::mem::replace(&mut self.output, Output::mapped());
        let result = self.run_root(unit, &context);
        let body = std::mem::replace(&mut self.output, outer);
        result?;
        let exported = context.exported.borrow();
        let exports = exported.iter().filter_map(|name| {
            let value = context.variables.borrow().get(name).cloned()?;
            Some((name.clone(), value))
        });
        let module = Module { name: unit.name.clone(), exports: exports.collect(), body };
        Ok(Value::Special(Rc::new(Special::Module(module))))
    }

    /// One name of `{% from … import %}`.
    pub(super) fn import_name(&mut self, module: &Value, name: &Arc<str>, unit: &Unit, line: usize) -> Value {
        let Value::Special(special) = module else { return Value::None };
        let Special::Module(module) = &**special else { return Value::None };
        if let Some(value) = module.exports.get(name) {
            return value.clone();
        }
        let place = match &unit.name {
            Some(importer) => format!("line {line} in {}", quote(importer)),
            None => format!("line {line}"),
        };
        let text = format!(
            "the template {} (imported on {place}) does not export the requested name {}",
            module.name.as_ref().map_or_else(|| "None".into(), |name| quote(name)),
            quote(name)
        );
        let near = report::suggest(name, module.exports.keys().map(|known| &**known)).map(Arc::from);
        self.undefined(UndefinedKind::Hint { text, near })
    }

    /// `{% extends %}`
    pub(super) fn extend(
        &mut self,
        name: &Value,
        unit: &Rc<Unit>,
        context: &Rc<Context>,
        parent: &mut Option<Rc<Unit>>,
    ) -> Result<(), Error> {
        if parent.is_some() {
            return Err(Error::new(ErrorKind::Runtime, "extended multiple times"));
        }
        let extended = self.load_value(name, unit)?;
        context.add_blocks(&extended);
        *parent = Some(extended);
        Ok(())
    }

    /// Prints the most derived body of a block.
    pub(super) fn print_block(
        &mut self,
        name: &Arc<str>,
        locals: Option<Vec<(Arc<str>, Value)>>,
        required: bool,
        context: &Rc<Context>,
    ) -> Result<(), Error> {
        let context = match locals {
            Some(locals) => {
                let derived = context.derived(locals);
                self.kept_contexts.push(derived.clone());
                derived
            }
            None => context.clone(),
        };
        if required && context.blocks.borrow().get(name).is_none_or(|levels| levels.len() <= 1) {
            let message = format!("Required block {} not found", quote(name));
            return Err(Error::new(ErrorKind::Runtime, message));
        }
        self.run_block(name, 0, &context)
    }

    /// Prints a block's body at one level of inheritance.
    pub(super) fn run_block(
        &mut self,
        name: &Arc<str>,
        depth: usize,
        context: &Rc<Context>,
    ) -> Result<(), Error> {
        let body = context.blocks.borrow().get(name).and_then(|levels| levels.get(depth)).cloned();
        let Some(body) = body else { return Ok(()) };
        let slots =
            body.unit.template.functions.get(body.function).map_or(0, |function| function.slots.len());
        let frame = Frame::new(vec![None; slots], None);
        self.run_function(&body.unit, body.function, &frame, context, None).map(drop)
    }

    /// `super` in a block's body: the next level after the one that is running.
    pub(super) fn super_block(
        &self,
        name: &Arc<str>,
        unit: &Rc<Unit>,
        function: usize,
        context: &Rc<Context>,
    ) -> Value {
        let levels = context.blocks.borrow();
        let running = levels.get(name).and_then(|levels| {
            levels.iter().position(|body| Rc::ptr_eq(&body.unit, unit) && body.function == function)
        });
        let depth = running.unwrap_or(usize::MAX - 1);
        self.parent_block(&BlockReference { name: name.clone(), context: context.clone(), depth })
    }
}

/// The values of local variables to pass on; empty ones are left out.
pub(super) fn local_values(frame: &Rc<Frame>, names: &[(Arc<str>, Variable)]) -> Vec<(Arc<str>, Value)> {
    let found = names.iter().filter_map(|(name, variable)| {
        Some((name.clone(), frame.outer(variable.depth)?.get(variable.slot)?))
    });
    found.collect()
}

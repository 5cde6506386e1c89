//! Instructions of statements.

use std::rc::Rc;

use super::State;
use super::loops::{ForSource, ForState, LoopContext};
use super::run::{Scene, closure, name_at};
use crate::program::Op;
use crate::value::special::Macro;
use crate::value::text::quote;
use crate::value::{Special, Undefined, UndefinedKind};
use crate::{Error, ErrorKind, Value};

impl State<'_> {
    /// Instructions of statements.
    #[inline(never)]
    pub(super) fn structure(&mut self, scene: &Scene<'_>, at: usize, op: Op) -> Result<(), Error> {
        match op {
            Op::Export { name, slot } | Op::ExportImported { name, slot } => {
                let name = name_at(scene, name);
                if let Some(value) = scene.frame.get(slot) {
                    scene.context.set(name, value);
                }
                if matches!(op, Op::Export { .. }) {
                    scene.context.export(name);
                } else {
                    scene.context.do_not_export(name);
                }
            }
            Op::BeginCapture => self.captures.push(std::mem::take(&mut self.output)),
            Op::EndCapture => {
                let outer = self.captures.pop().unwrap_or_default();
                let inner = std::mem::replace(&mut self.output, outer);
                let value = self.captured_text(inner)?;
                self.stack.push(value);
            }
            Op::MissingParameter(slot) => {
                let name = scene.function.slots.get(slot as usize).map_or("", |name| name);
                let value = self.undefined_hint(format!("parameter {} was not provided", quote(name)));
                scene.frame.set(slot, Some(value));
            }
            Op::MissingElse => {
                let line = scene.function.places.get(at).map_or(1, |place| scene.unit.template.line(*place));
                let place = match &scene.unit.name {
                    Some(name) => format!("line {line} in {}", quote(name)),
                    None => format!("line {line}"),
                };
                let hint = format!(
                    "the inline if-expression on {place} evaluated to false and no else section was defined."
                );
                self.stack.push(Value::Undefined(Undefined::lenient(UndefinedKind::Hint {
                    text: hint,
                    near: None,
                })));
            }
            Op::ForStart { extended, recursive } => {
                let iterable = self.pop();
                self.start_loop(scene, &iterable, extended, recursive)?;
            }
            Op::StoreLoop(slot) => {
                if let Some(ForState { source: ForSource::Extended(special), .. }) = self.loops.last() {
                    scene.frame.set(slot, Some(Value::Special(special.clone())));
                }
            }
            Op::ForMark => {
                if let Some(running) = self.loops.last_mut() {
                    running.marked = true;
                }
            }
            Op::ForEnd => drop(self.loops.pop()),
            Op::FilterItems(function) => {
                let iterable = self.pop();
                let filter = closure(scene, function);
                self.keep(scene);
                let value = self.filter_items(&iterable, filter)?;
                self.stack.push(value);
            }
            Op::Unpack(count) => {
                let value = self.pop();
                self.unpack(&value, count as usize)?;
            }
            Op::MakeMacro(function) => {
                self.keep(scene);
                let this = Macro {
                    unit: scene.unit.clone(),
                    function: function as usize,
                    frame: scene.frame.clone(),
                    context: scene.context.clone(),
                };
                self.stack.push(Value::Special(Rc::new(Special::Macro(this))));
            }
            Op::ImportName(name) => {
                let line = scene.function.places.get(at).map_or(1, |place| scene.unit.template.line(*place));
                let module = self.stack.last().cloned().unwrap_or(Value::None);
                let value = self.import_name(&module, name_at(scene, name), scene.unit, line);
                self.stack.push(value);
            }
            Op::LoadSelf => {
                self.stack.push(Value::Special(Rc::new(Special::Template(scene.context.clone()))));
            }
            Op::LoadSuper(name) => {
                let value = self.super_block(name_at(scene, name), scene.unit, scene.index, scene.context);
                self.stack.push(value);
            }
            Op::CheckNamespace => {
                let value = self.pop();
                if as_namespace(&value).is_none() {
                    let message = "cannot assign attribute on non-namespace object";
                    return Err(Error::new(ErrorKind::Runtime, message));
                }
            }
            Op::SetAttribute(name) => {
                let (namespace, value) = (self.pop(), self.pop());
                if let Some(namespace) = as_namespace(&namespace) {
                    let old = namespace.attributes.borrow_mut().insert(name_at(scene, name).clone(), value);
                    drop(old);
                }
            }
            Op::BeginAutoescape => {
                let enabled = self.pop().is_true()?;
                self.outer_autoescapes.push(std::mem::replace(&mut self.autoescape, enabled));
            }
            Op::EndAutoescape => self.autoescape = self.outer_autoescapes.pop().unwrap_or(false),
            // The rest is the loop's own.
            _ => {}
        }
        Ok(())
    }

    fn start_loop(
        &mut self,
        scene: &Scene<'_>,
        iterable: &Value,
        extended: bool,
        recursive: bool,
    ) -> Result<(), Error> {
        let cursor = iterable.cursor(self)?;
        let source = if extended {
            let (body, depth) = match scene.recursion.filter(|_| recursive) {
                Some((body, depth)) => (Some(body.clone()), depth),
                None => (None, 0),
            };
            let this = LoopContext::new(cursor, self.environment.is_strict(), depth, body);
            ForSource::Extended(Rc::new(Special::Loop(this)))
        } else {
            ForSource::Plain(cursor)
        };
        self.loops.push(ForState { source, marked: false });
        Ok(())
    }

    fn unpack(&mut self, value: &Value, count: usize) -> Result<(), Error> {
        let start = self.stack.len();
        match value {
            Value::Tuple(tuple) if tuple.len() == count => {
                self.stack.extend(tuple.items().iter().rev().cloned());
                return Ok(());
            }
            _ => {}
        }
        let mut cursor = value.cursor(self).map_err(|error| match error.kind() {
            ErrorKind::Type => {
                Error::type_error(format!("cannot unpack non-iterable {} object", value.type_name()))
            }
            _ => error,
        })?;
        for taken in 0..count {
            match cursor.next(self)? {
                Some(item) => self.stack.push(item),
                None => {
                    return Err(Error::value_error(format!(
                        "not enough values to unpack (expected {count}, got {taken})"
                    )));
                }
            }
        }
        if cursor.next(self)?.is_some() {
            return Err(Error::value_error(format!("too many values to unpack (expected {count})")));
        }
        if let Some(items) = self.stack.get_mut(start..) {
            items.reverse();
        }
        Ok(())
    }

    /// Remembers that something keeps the running frame.
    pub(super) fn keep(&mut self, scene: &Scene<'_>) {
        if !scene.frame.kept.replace(true) {
            self.kept_frames.push(scene.frame.clone());
        }
    }
}

fn as_namespace(value: &Value) -> Option<&crate::Namespace> {
    match value {
        Value::Special(special) => match &**special {
            Special::Namespace(namespace) => Some(namespace),
            _ => None,
        },
        _ => None,
    }
}

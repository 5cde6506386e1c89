//! The instruction loop.

use std::rc::Rc;
use std::sync::Arc;

use super::State;
use super::context::{Context, Frame, Unit};
use super::loops::ForSource;
use super::templates::local_values;
use crate::ast::Constant;
use crate::program::{Function, Op, Slot, Target, Variable};
use crate::value::text::{require_printable, write_text};
use crate::value::{RecursiveLoop, Special, UndefinedKind};
use crate::{Error, Value};

/// What an instruction runs in.
pub(super) struct Scene<'a> {
    pub(super) unit: &'a Rc<Unit>,
    pub(super) function: &'a Function,
    pub(super) index: usize,
    pub(super) frame: &'a Rc<Frame>,
    pub(super) context: &'a Rc<Context>,
    /// The recursive loop this function is the body of, and how deep it is.
    pub(super) recursion: Option<(&'a RecursiveLoop, u32)>,
}

impl State<'_> {
    /// Runs a function of a template to its end; the answer is what it returns, if anything.
    pub(super) fn run_function(
        &mut self,
        unit: &Rc<Unit>,
        index: usize,
        frame: &Rc<Frame>,
        context: &Rc<Context>,
        recursion: Option<(&RecursiveLoop, u32)>,
    ) -> Result<Option<Value>, Error> {
        let Some(function) = unit.template.functions.get(index) else { return Ok(None) };
        if self.depth >= self.limits().depth {
            return Err(Error::recursion());
        }
        self.depth += 1;
        let outer_context = self.context.replace(context.clone());
        let (stack, loops, captures, escapes) =
            (self.stack.len(), self.loops.len(), self.captures.len(), self.outer_autoescapes.len());
        let mut at = 0;
        let scene = Scene { unit, function, index, frame, context, recursion };
        let result = self.run(&scene, &mut at);
        self.depth -= 1;
        self.context = outer_context;
        result.map_err(|error| {
            self.stack.truncate(stack);
            self.loops.truncate(loops);
            if self.captures.len() > captures {
                self.captures.truncate(captures + 1);
                self.output = self.captures.pop().unwrap_or_default();
            }
            if let Some(escape) = self.outer_autoescapes.get(escapes) {
                self.autoescape = *escape;
                self.outer_autoescapes.truncate(escapes);
            }
            locate(self.suggest_name(error, function, context), unit, function, at)
        })
    }

    /// Suggests a name for one that nothing defines.
    fn suggest_name(&self, mut error: Error, function: &Function, context: &Context) -> Error {
        let Some(missing) = error.take_missing() else { return error };
        let known = context.names();
        let locals = function.slots.iter().filter(|name| !name.is_empty()).map(|name| &**name);
        let known = known.iter().map(|name| &**name).chain(self.environment.function_names()).chain(locals);
        error.did_you_mean(&missing, known.filter(|name| *name != &*missing))
    }

    pub(super) fn pop(&mut self) -> Value {
        self.stack.pop().unwrap_or(Value::None)
    }

    pub(super) fn pop_many(&mut self, count: usize) -> Vec<Value> {
        let from = self.stack.len().saturating_sub(count);
        self.stack.split_off(from)
    }

    /// Runs instructions to the end of the function. Every instruction is a call, so that this frame,
    /// which recursion repeats, stays small.
    fn run(&mut self, scene: &Scene<'_>, at: &mut usize) -> Result<Option<Value>, Error> {
        let ops = &*scene.function.ops;
        let mut parent: Option<Rc<Unit>> = None;
        let mut next = 0;
        while let Some(op) = ops.get(next) {
            *at = next;
            next += 1;
            self.charge(1)?;
            let jump = match *op {
                Op::Constant(index) => self.push_constant(scene, index),
                Op::Load(slot) => self.load_variable(scene, Variable { depth: 0, slot }),
                Op::LoadOuter(variable) => self.load_variable(scene, variable),
                Op::Store(slot) => self.store(scene, slot),
                Op::Copy { from, to } => copy(scene, from, to),
                Op::Clear { first, count } => clear(scene, first, count),
                Op::Resolve { name, slot } => self.resolve(scene, name, slot),
                Op::Data(index) => self.write_literal(scene, index)?,
                Op::Emit => self.emit(scene, *at)?,
                Op::Jump(target) => Some(target),
                Op::JumpIfFalse(target) => self.jump_if_false(target)?,
                Op::JumpIfFalseOrPop(target) => self.jump_or_pop(false, target)?,
                Op::JumpIfTrueOrPop(target) => self.jump_or_pop(true, target)?,
                Op::JumpIfSet { slot, target } => scene.frame.is_set(slot).then_some(target),
                Op::ForNext(target) => self.for_next(target)?,
                Op::ForElse(target) => self.loops.pop().is_some_and(|ended| ended.marked).then_some(target),
                Op::Extends => self.extends_op(scene, &mut parent)?,
                Op::SkipIfParent(target) => parent.is_some().then_some(target),
                Op::RenderParent => self.render_parent(scene, parent.as_ref())?,
                Op::Call { shape, emit } => self.call_op(scene, *at, shape, emit)?,
                Op::CallMethod { name, shape, emit } => self.method_op(scene, *at, name, shape, emit)?,
                Op::Include { ignore_missing, context } => self.include_op(scene, ignore_missing, context)?,
                Op::Import { context } => self.import_op(scene, context)?,
                Op::Block { name, locals, required } => self.block_op(scene, name, locals, required)?,
                Op::RunRecursive(function) => self.recursive_op(scene, function)?,
                Op::Return => return Ok(Some(self.pop())),
                op => self.simple(scene, *at, op)?,
            };
            if let Some(target) = jump {
                next = target as usize;
            }
        }
        Ok(None)
    }

    fn push_constant(&mut self, scene: &Scene<'_>, index: u32) -> Jump {
        let value = scene.unit.template.constants.get(index as usize).map_or(Value::None, constant);
        self.stack.push(value);
        None
    }

    fn load_variable(&mut self, scene: &Scene<'_>, variable: Variable) -> Jump {
        let value = scene.frame.outer(variable.depth).and_then(|frame| frame.get(variable.slot));
        let value = value.unwrap_or_else(|| self.missing_variable(scene, variable));
        self.stack.push(value);
        None
    }

    fn store(&mut self, scene: &Scene<'_>, slot: Slot) -> Jump {
        let value = self.pop();
        scene.frame.set(slot, Some(value));
        None
    }

    fn resolve(&mut self, scene: &Scene<'_>, name: u32, slot: Slot) -> Jump {
        let name = name_at(scene, name);
        let value = scene.context.resolve(name).or_else(|| {
            let function = self.environment.find_function(name)?;
            Some(Value::function(name.clone(), move |state, args| function(state, args)))
        });
        scene.frame.set(slot, value);
        None
    }

    fn emit(&mut self, scene: &Scene<'_>, at: usize) -> Result<Jump, Error> {
        let value = self.pop();
        self.print(scene, at, &value)
    }

    fn jump_if_false(&mut self, target: Target) -> Result<Jump, Error> {
        Ok((!self.pop().is_true()?).then_some(target))
    }

    fn jump_or_pop(&mut self, wanted: bool, target: Target) -> Result<Jump, Error> {
        let truth = match self.stack.last() {
            Some(value) => value.is_true()?,
            None => false,
        };
        if truth == wanted {
            return Ok(Some(target));
        }
        self.stack.pop();
        Ok(None)
    }

    fn for_next(&mut self, target: Target) -> Result<Jump, Error> {
        Ok(match self.next_item()? {
            Some(item) => {
                self.stack.push(item);
                None
            }
            None => Some(target),
        })
    }

    #[inline(never)]
    fn extends_op(&mut self, scene: &Scene<'_>, parent: &mut Option<Rc<Unit>>) -> Result<Jump, Error> {
        let name = self.pop();
        self.extend(&name, scene.unit, scene.context, parent)?;
        Ok(None)
    }

    #[inline(never)]
    fn render_parent(&mut self, scene: &Scene<'_>, parent: Option<&Rc<Unit>>) -> Result<Jump, Error> {
        if let Some(parent) = parent {
            self.run_root(parent, scene.context)?;
        }
        Ok(None)
    }

    #[inline(never)]
    fn include_op(
        &mut self,
        scene: &Scene<'_>,
        ignore_missing: bool,
        context: Option<u32>,
    ) -> Result<Jump, Error> {
        let names = self.pop();
        let locals = passed_locals(scene, context);
        self.include(&names, ignore_missing, locals, scene.unit, scene.context)?;
        Ok(None)
    }

    #[inline(never)]
    fn import_op(&mut self, scene: &Scene<'_>, context: Option<u32>) -> Result<Jump, Error> {
        let name = self.pop();
        let locals = passed_locals(scene, context);
        let module = self.import(&name, locals, scene.unit, scene.context)?;
        self.stack.push(module);
        Ok(None)
    }

    #[inline(never)]
    fn block_op(
        &mut self,
        scene: &Scene<'_>,
        name: u32,
        locals: Option<u32>,
        required: bool,
    ) -> Result<Jump, Error> {
        let locals = passed_locals(scene, locals);
        self.print_block(name_at(scene, name), locals, required, scene.context)?;
        Ok(None)
    }

    #[inline(never)]
    fn recursive_op(&mut self, scene: &Scene<'_>, function: u32) -> Result<Jump, Error> {
        let iterable = self.pop();
        let body = closure(scene, function);
        self.keep(scene);
        self.run_recursive(&body, iterable, 0)?;
        Ok(None)
    }

    #[cold]
    fn missing_variable(&self, scene: &Scene<'_>, variable: Variable) -> Value {
        let mut index = scene.index;
        if variable.depth > 0 {
            index = scene.unit.template.outer_function(index, variable.depth);
        }
        let function = scene.unit.template.functions.get(index);
        let name = function.and_then(|function| function.slots.get(variable.slot as usize)).cloned();
        self.undefined(UndefinedKind::Name(name.unwrap_or_default()))
    }

    fn write_literal(&mut self, scene: &Scene<'_>, index: u32) -> Result<Jump, Error> {
        if let Some(literal) = scene.unit.template.literals.get(index as usize) {
            self.output.begin(scene.unit.span(literal.place), true);
            self.output.text.push_str(&literal.text);
            self.check_output()?;
        }
        Ok(None)
    }

    fn print(&mut self, scene: &Scene<'_>, at: usize, value: &Value) -> Result<Jump, Error> {
        let place = scene.function.places.get(at).copied().unwrap_or_default();
        self.output.begin(scene.unit.span(place), false);
        if self.autoescape {
            self.output.text.push_str(&crate::methods::escape_value(value)?);
        } else {
            if self.environment.has_printable_dicts() {
                require_printable(value)?;
            }
            write_text(&mut self.output.text, value)?;
        }
        self.check_output()?;
        Ok(None)
    }

    fn check_output(&mut self) -> Result<(), Error> {
        let most = self.limits().output;
        if self.output.text.len() > most {
            return Err(Error::limit(format!("the template prints too much: more than {most} bytes"))
                .hint("let the loop print less, or run over fewer items"));
        }
        Ok(())
    }

    fn next_item(&mut self) -> Result<Option<Value>, Error> {
        // The loop is taken out while its iterator runs: a generator may run template code.
        let Some(mut running) = self.loops.pop() else { return Ok(None) };
        let result = match &mut running.source {
            ForSource::Plain(cursor) => cursor.next(self),
            ForSource::Extended(special) => match &**special {
                Special::Loop(this) => this.advance(self),
                _ => Ok(None),
            },
        };
        self.loops.push(running);
        result
    }

    #[inline(never)]
    fn call_op(&mut self, scene: &Scene<'_>, at: usize, shape: u32, emit: bool) -> Result<Jump, Error> {
        let Some(shape) = scene.unit.template.shapes.get(shape as usize) else { return Ok(None) };
        let args = self.pop_args(shape)?;
        let callee = self.pop();
        if !emit {
            let value = self.call(&callee, args)?;
            self.stack.push(value);
            return Ok(None);
        }
        match self.call_printing(&callee, args)? {
            Some(value) => self.print(scene, at, &value),
            None => Ok(None),
        }
    }

    #[inline(never)]
    fn method_op(
        &mut self,
        scene: &Scene<'_>,
        at: usize,
        name: u32,
        shape: u32,
        emit: bool,
    ) -> Result<Jump, Error> {
        let Some(shape) = scene.unit.template.shapes.get(shape as usize) else { return Ok(None) };
        let args = self.pop_args(shape)?;
        let object = self.pop();
        match self.call_method(&object, name_at(scene, name), args, emit)? {
            Some(value) if emit => return self.print(scene, at, &value),
            Some(value) => self.stack.push(value),
            None => {}
        }
        Ok(None)
    }
}

/// Where an instruction goes on, if not at the next one.
pub(super) type Jump = Option<Target>;

fn copy(scene: &Scene<'_>, from: Variable, to: Slot) -> Jump {
    let value = scene.frame.outer(from.depth).and_then(|frame| frame.get(from.slot));
    scene.frame.set(to, value);
    None
}

fn clear(scene: &Scene<'_>, first: Slot, count: u16) -> Jump {
    for slot in first..first.saturating_add(count) {
        scene.frame.set(slot, None);
    }
    None
}

pub(super) fn name_at<'a>(scene: &Scene<'a>, index: u32) -> &'a Arc<str> {
    // Every index comes from the compiler; a template with none has no such instruction.
    static EMPTY: std::sync::LazyLock<Arc<str>> = std::sync::LazyLock::new(|| "".into());
    scene.unit.template.names.get(index as usize).unwrap_or(&EMPTY)
}

pub(super) fn closure(scene: &Scene<'_>, function: u32) -> RecursiveLoop {
    RecursiveLoop {
        unit: scene.unit.clone(),
        function: function as usize,
        frame: scene.frame.clone(),
        context: scene.context.clone(),
    }
}

fn passed_locals(scene: &Scene<'_>, locals: Option<u32>) -> Option<Vec<(Arc<str>, Value)>> {
    let names = scene.unit.template.locals.get(locals? as usize)?;
    Some(local_values(scene.frame, names))
}

fn constant(constant: &Constant) -> Value {
    match constant {
        Constant::None => Value::None,
        Constant::Bool(flag) => Value::Bool(*flag),
        Constant::Int(number) => Value::Int(*number),
        Constant::Big(number) => Value::Big(number.clone()),
        Constant::Float(number) => Value::Float(*number),
        Constant::Str(text) => Value::Str(text.clone()),
    }
}

/// Says where an error happened, or, if it came from elsewhere, that it passed here.
fn locate(error: Error, unit: &Unit, function: &Function, at: usize) -> Error {
    let span = unit.span(function.places.get(at).copied().unwrap_or_default());
    if error.span().is_none() {
        return error.at(span);
    }
    let label = match function.ops.get(at) {
        Some(Op::Include { .. }) => "included here",
        Some(Op::Import { .. }) => "imported here",
        Some(Op::Extends | Op::RenderParent) => "extended here",
        Some(Op::Block { .. }) => "in this block",
        Some(Op::Filter { .. }) => "loaded here",
        _ => "called here",
    };
    error.traced(span, label)
}

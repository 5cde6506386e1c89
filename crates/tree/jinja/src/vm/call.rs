//! Calling macros, loops, blocks, methods, functions and objects.

use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;

use super::context::Frame;
use super::loops::LoopContext;
use super::output::Output;
use super::{ITEM_SLOT, State};
use crate::program::CallShape;
use crate::value::special::Macro;
use crate::value::text::quote;
use crate::value::{
    Cursor, Dict, Iter, Key, Module, RecursiveLoop, Special, Undefined, UndefinedKind, access,
};
use crate::{Args, Error, ErrorKind, Value, methods};

impl State<'_> {
    /// Calls a value.
    pub fn call(&mut self, callee: &Value, args: Args) -> Result<Value, Error> {
        match callee {
            Value::Special(special) => match &**special {
                Special::Macro(this) => {
                    let slots = bind(this, args)?;
                    if this.is_hidden() {
                        return self.captured_places(|state| state.run_macro(this, slots));
                    }
                    self.captured(|state| state.run_macro(this, slots))
                }
                Special::Loop(this) => {
                    let (recursive, iterable) = recursion(this, args)?;
                    self.captured(|state| state.run_recursive(&recursive, iterable, this.depth0 + 1))
                }
                Special::Block(block) => {
                    no_arguments("BlockReference.__call__", &args)?;
                    self.captured(|state| state.run_block(&block.name, block.depth, &block.context))
                }
                Special::Method(method) => self.call_builtin_method(&method.receiver, &method.name, args),
                Special::Native(native) => (native.function)(self, args),
                _ => Err(not_callable(callee)),
            },
            Value::Object(object) => object.call(self, args),
            Value::Undefined(undefined) => Err(undefined.error()),
            _ => Err(not_callable(callee)),
        }
    }

    /// Calls a value; what a macro, loop or block prints goes straight to the output, and the
    /// answer is `None`.
    pub(super) fn call_printing(&mut self, callee: &Value, args: Args) -> Result<Option<Value>, Error> {
        if let Value::Special(special) = callee {
            match &**special {
                Special::Macro(this) => {
                    let slots = bind(this, args)?;
                    self.run_macro(this, slots)?;
                    return Ok(None);
                }
                Special::Loop(this) => {
                    let (recursive, iterable) = recursion(this, args)?;
                    self.run_recursive(&recursive, iterable, this.depth0 + 1)?;
                    return Ok(None);
                }
                Special::Block(block) => {
                    no_arguments("BlockReference.__call__", &args)?;
                    self.run_block(&block.name, block.depth, &block.context)?;
                    return Ok(None);
                }
                _ => {}
            }
        }
        self.call(callee, args).map(Some)
    }

    /// `object.name(...)`; the answer is `None` when it has been printed.
    pub(super) fn call_method(
        &mut self,
        object: &Value,
        name: &Arc<str>,
        args: Args,
        print: bool,
    ) -> Result<Option<Value>, Error> {
        match object {
            Value::Special(special) => {
                if let Special::Loop(this) = &**special
                    && matches!(&**name, "cycle" | "changed")
                {
                    return this.call_method(name, args);
                }
            }
            Value::Object(this) => {
                if let Some(value) = this.call_method(self, name, &args)? {
                    return Ok(Some(value));
                }
            }
            object if methods::exists(object, name) => {
                return self.call_builtin_method(object, name, args).map(Some);
            }
            _ => {}
        }
        let callee = access::attribute(self, object, name)?;
        if print { self.call_printing(&callee, args) } else { self.call(&callee, args).map(Some) }
    }

    fn call_builtin_method(&mut self, receiver: &Value, name: &Arc<str>, args: Args) -> Result<Value, Error> {
        if let Value::Special(special) = receiver
            && let Special::Loop(this) = &**special
            && let Some(value) = this.call_method(name, args.clone())?
        {
            return Ok(value);
        }
        methods::call(self, receiver, name, args)
    }

    /// Runs something and answers what it printed as a value.
    fn captured(&mut self, run: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<Value, Error> {
        let outer = std::mem::take(&mut self.output);
        let result = run(self);
        let inner = std::mem::replace(&mut self.output, outer);
        result?;
        self.captured_text(inner)
    }

    /// Runs something and answers what it printed as a text that knows where it came from: a module without names.
    fn captured_places(&mut self, run: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<Value, Error> {
        let outer = std::mem::replace(&mut self.output, Output::mapped());
        let result = run(self);
        let body = std::mem::replace(&mut self.output, outer);
        result?;
        self.charge_text(body.text.len())?;
        let module = Module { name: None, exports: IndexMap::new(), body };
        Ok(Value::Special(Rc::new(Special::Module(module))))
    }

    pub(super) fn captured_text(&mut self, output: Output) -> Result<Value, Error> {
        self.charge_text(output.text.len())?;
        let text = output.text.into();
        Ok(if self.autoescape { Value::Markup(text) } else { Value::Str(text) })
    }

    fn run_macro(&mut self, this: &Macro, slots: Vec<Option<Value>>) -> Result<(), Error> {
        let frame = Frame::new(slots, Some(this.frame.clone()));
        self.run_function(&this.unit, this.function, &frame, &this.context, None).map(drop)
    }

    /// Prints a recursive loop over an iterable.
    pub(super) fn run_recursive(
        &mut self,
        recursive: &RecursiveLoop,
        iterable: Value,
        depth: u32,
    ) -> Result<(), Error> {
        let frame = function_frame(recursive, iterable);
        self.run_function(
            &recursive.unit,
            recursive.function,
            &frame,
            &recursive.context,
            Some((recursive, depth)),
        )
        .map(drop)
    }

    /// The items of an iterable that a loop's filter accepts, asked as they are taken.
    pub(super) fn filter_items(&mut self, iterable: &Value, filter: RecursiveLoop) -> Result<Value, Error> {
        let mut cursor: Cursor = iterable.cursor(self)?;
        let generator = move |state: &mut State<'_>| -> Result<Option<Value>, Error> {
            while let Some(item) = cursor.next(state)? {
                state.charge(1)?;
                let frame = function_frame(&filter, item.clone());
                let answer =
                    state.run_function(&filter.unit, filter.function, &frame, &filter.context, None)?;
                if answer.unwrap_or(Value::None).is_true()? {
                    return Ok(Some(item));
                }
            }
            Ok(None)
        };
        Ok(Value::Iterator(Iter::generator("t_1", generator)))
    }

    /// Takes arguments off the stack.
    pub(super) fn pop_args(&mut self, shape: &CallShape) -> Result<Args, Error> {
        let double_star = if shape.double_star { Some(self.pop()) } else { None };
        let values = self.pop_many(shape.keywords.len());
        let mut keyword: Vec<(Arc<str>, Value)> = shape.keywords.iter().cloned().zip(values).collect();
        let star = if shape.star { Some(self.pop()) } else { None };
        let mut positional = self.pop_many(shape.positional as usize);
        if let Some(star) = star {
            let items = star.to_items(self).map_err(|error| match error.kind() {
                ErrorKind::Type => {
                    Error::type_error(format!("Value after * must be an iterable, not {}", star.type_name()))
                }
                _ => error,
            })?;
            positional.extend(items);
        }
        if let Some(double_star) = double_star {
            self.add_keywords(&mut keyword, &double_star)?;
        }
        Ok(Args { positional, keyword })
    }

    fn add_keywords(&mut self, keyword: &mut Vec<(Arc<str>, Value)>, mapping: &Value) -> Result<(), Error> {
        let pairs = match mapping {
            Value::Dict(dict) => dict.to_pairs(),
            Value::Undefined(undefined) => return Err(undefined.error()),
            Value::Object(object) => match object.to_data() {
                Some(Value::Dict(dict)) => dict.to_pairs(),
                _ => return Err(not_a_mapping(mapping)),
            },
            _ => return Err(not_a_mapping(mapping)),
        };
        self.charge_items(pairs.len())?;
        for (name, value) in pairs {
            let Some(name) = name.as_str() else {
                return Err(Error::type_error("keywords must be strings"));
            };
            if keyword.iter().any(|(known, _)| &**known == name) {
                return Err(Error::type_error(format!(
                    "jinja2.sandbox.SandboxedEnvironment.call() got multiple values for keyword argument {}",
                    quote(name)
                )));
            }
            keyword.push((name.into(), value));
        }
        Ok(())
    }
}

/// A frame whose first variable is given.
fn function_frame(function: &RecursiveLoop, first: Value) -> Rc<Frame> {
    let slots = function.unit.template.functions.get(function.function);
    let mut slots = vec![None; slots.map_or(0, |function| function.slots.len())];
    if let Some(slot) = slots.get_mut(ITEM_SLOT as usize) {
        *slot = Some(first);
    }
    Frame::new(slots, Some(function.frame.clone()))
}

fn not_a_mapping(value: &Value) -> Error {
    Error::type_error(format!("argument after ** must be a mapping, not {}", value.type_name()))
}

fn not_callable(value: &Value) -> Error {
    Error::type_error(format!("'{}' object is not callable", value.type_name()))
}

fn no_arguments(name: &str, args: &Args) -> Result<(), Error> {
    if args.positional.is_empty() && args.keyword.is_empty() {
        return Ok(());
    }
    let given = args.positional.len() + 1;
    Err(Error::type_error(format!("{name}() takes 1 positional argument but {given} were given")))
}

/// What a call of `loop` runs: the recursive loop's body over the argument.
fn recursion(this: &LoopContext, args: Args) -> Result<(RecursiveLoop, Value), Error> {
    const SIGNATURE: crate::Signature =
        crate::Signature::new("LoopContext.__call__", &["iterable"], 1).with_context();
    let Some(recursive) = &this.recursive else {
        return Err(Error::type_error("The loop must have the 'recursive' marker to be called recursively."));
    };
    let [iterable] = args.bind(&SIGNATURE)?;
    Ok((recursive.clone(), iterable.unwrap_or(Value::None)))
}

/// Distributes a call's arguments to a macro's variables.
fn bind(this: &Macro, mut args: Args) -> Result<Vec<Option<Value>>, Error> {
    let Some(function) = this.unit.template.functions.get(this.function) else { return Ok(Vec::new()) };
    let mut slots: Vec<Option<Value>> = vec![None; function.slots.len()];
    let mut put = |slot: u16, value: Option<Value>| {
        if let Some(place) = slots.get_mut(slot as usize) {
            *place = value;
        }
    };
    let given = args.positional.len();
    let count = function.parameters.len();
    let mut positional = args.positional.drain(..).collect::<Vec<_>>().into_iter();
    let mut found_caller = function.explicit_caller && given >= count;
    for (index, parameter) in function.parameters.iter().enumerate() {
        if index < given {
            put(parameter.slot, positional.next());
        } else {
            found_caller |= &*parameter.name == "caller";
            put(parameter.slot, args.take_keyword(&parameter.name));
        }
    }
    if let Some(slot) = function.caller
        && !found_caller
    {
        let caller = args.take_keyword("caller").filter(|caller| !caller.is_none());
        let missing = || {
            Value::Undefined(Undefined::new(UndefinedKind::Hint {
                text: "No caller defined".into(),
                near: None,
            }))
        };
        put(slot, Some(caller.unwrap_or_else(missing)));
    }
    let name = || this.name().map_or_else(|| "None".into(), |name| quote(&name));
    if let Some(slot) = function.keywords {
        let entries = args.keyword.drain(..).map(|(name, value)| (Key::text(name), value)).collect();
        put(slot, Some(Value::Dict(Dict::from_map(entries))));
    } else if let Some((keyword, _)) = args.keyword.first() {
        if args.keyword.iter().any(|(keyword, _)| &**keyword == "caller") {
            return Err(Error::type_error(format!(
                "macro {} was invoked with two values for the special caller argument. This is most likely a bug.",
                name()
            )));
        }
        let known = function.parameters.iter().map(|parameter| &*parameter.name);
        return Err(Error::type_error(format!(
            "macro {} takes no keyword argument {}",
            name(),
            quote(keyword)
        ))
        .did_you_mean(keyword, known));
    }
    if let Some(slot) = function.varargs {
        put(slot, Some(Value::tuple(positional.collect())));
    } else if given > count {
        return Err(Error::type_error(format!("macro {} takes not more than {count} argument(s)", name())));
    }
    Ok(slots)
}

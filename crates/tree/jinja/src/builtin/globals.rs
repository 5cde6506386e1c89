//! `range`, `dict`, `namespace`, `cycler`, `joiner`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::methods::collections::dict_entries;
use crate::value::release::release;
use crate::value::{Namespace, Range, Special};
use crate::{Args, Dict, Environment, Error, ErrorKind, Object, State, Value};

pub(super) fn register(environment: &mut Environment) {
    environment.add_function("range", range);
    environment.add_function("dict", |state, args| {
        if args.positional.len() > 1 {
            let given = args.positional.len();
            return Err(Error::type_error(format!("dict expected at most 1 argument, got {given}")));
        }
        Ok(Value::Dict(Dict::from_map(dict_entries(state, &args)?)))
    });
    environment.add_function("namespace", |state, args| {
        let namespace = Namespace::default();
        for (key, value) in dict_entries(state, &args)? {
            if let Some(name) = key.value().as_str() {
                namespace.attributes.borrow_mut().insert(name.into(), value);
            }
        }
        Ok(Value::Special(Rc::new(Special::Namespace(namespace))))
    });
    environment.add_function("cycler", |_, args| {
        if args.positional.is_empty() {
            return Err(Error::other("RuntimeError", "at least one item has to be provided"));
        }
        Ok(Value::object(Cycler { items: args.positional, at: Cell::new(0) }))
    });
    environment.add_function("joiner", |_, mut args| {
        let keyword = args.take_keyword("sep");
        let separator = args.positional.into_iter().next().or(keyword).unwrap_or_else(|| ", ".into());
        Ok(Value::object(Joiner { separator: RefCell::new(separator), used: Cell::new(false) }))
    });
}

fn range(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    if !args.keyword.is_empty() {
        return Err(Error::type_error("range() takes no keyword arguments"));
    }
    let mut numbers = Vec::with_capacity(3);
    for argument in &args.positional {
        match argument {
            Value::Undefined(undefined) => return Err(undefined.error()),
            Value::Big(_) => return Err(too_big(state)),
            argument => numbers.push(argument.as_int().ok_or_else(|| {
                Error::type_error(format!(
                    "'{}' object cannot be interpreted as an integer",
                    argument.type_name()
                ))
            })?),
        }
    }
    let range = match *numbers.as_slice() {
        [stop] => Range { start: 0, stop, step: 1 },
        [start, stop] => Range { start, stop, step: 1 },
        [_, _, 0] => return Err(Error::value_error("range() arg 3 must not be zero")),
        [start, stop, step] => Range { start, stop, step },
        [] => return Err(Error::type_error("range expected at least 1 argument, got 0")),
        _ => {
            let given = numbers.len();
            return Err(Error::type_error(format!("range expected at most 3 arguments, got {given}")));
        }
    };
    if range.len() > state.limits().range {
        return Err(too_big(state));
    }
    Ok(Value::Range(Rc::new(range)))
}

fn too_big(state: &State<'_>) -> Error {
    Error::new(
        ErrorKind::Overflow,
        format!("Range too big. The sandbox blocks ranges larger than MAX_RANGE ({}).", state.limits().range),
    )
}

/// Gives its items in turn.
struct Cycler {
    items: Vec<Value>,
    at: Cell<usize>,
}

impl Drop for Cycler {
    fn drop(&mut self) {
        release(std::mem::take(&mut self.items));
    }
}

impl Cycler {
    fn current(&self) -> Value {
        self.items.get(self.at.get()).cloned().unwrap_or(Value::None)
    }
}

impl Object for Cycler {
    fn type_name(&self) -> &'static str {
        "Cycler"
    }

    fn attribute(&self, _: &mut State<'_>, name: &str) -> Result<Option<Value>, Error> {
        Ok(match name {
            "current" => Some(self.current()),
            "pos" => Some(self.at.get().into()),
            "items" => Some(Value::tuple(self.items.clone())),
            _ => None,
        })
    }

    fn call_method(&self, _: &mut State<'_>, name: &str, _: &Args) -> Result<Option<Value>, Error> {
        match name {
            "next" => {
                let current = self.current();
                self.at.set((self.at.get() + 1) % self.items.len().max(1));
                Ok(Some(current))
            }
            "reset" => {
                self.at.set(0);
                Ok(Some(Value::None))
            }
            _ => Ok(None),
        }
    }
}

/// Empty when called first, its separator ever after.
struct Joiner {
    separator: RefCell<Value>,
    used: Cell<bool>,
}

impl Drop for Joiner {
    fn drop(&mut self) {
        release(vec![self.separator.replace(Value::None)]);
    }
}

impl Object for Joiner {
    fn type_name(&self) -> &'static str {
        "Joiner"
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, _: &mut State<'_>, _: Args) -> Result<Value, Error> {
        Ok(if self.used.replace(true) { self.separator.borrow().clone() } else { "".into() })
    }
}

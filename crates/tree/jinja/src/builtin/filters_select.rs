//! `map`, `select`, `reject` and their kin, and `attr`.

use std::sync::Arc;

use super::required;
use super::sorting::Getter;
use crate::value::access;
use crate::{Args, Environment, Error, ErrorKind, Iter, Signature, State, Value};

pub(super) fn register(environment: &mut Environment) {
    environment.add_filter("map", map);
    environment.add_filter("select", |_, args| select(args, true, false, "sync_do_select"));
    environment.add_filter("reject", |_, args| select(args, false, false, "sync_do_reject"));
    environment.add_filter("selectattr", |_, args| select(args, true, true, "sync_do_selectattr"));
    environment.add_filter("rejectattr", |_, args| select(args, false, true, "sync_do_rejectattr"));
    environment.add_filter("attr", attr);
}

fn take_input(args: &mut Args, function: &str) -> Result<Value, Error> {
    if args.positional.is_empty() {
        let message = format!("{function}() missing 1 required positional argument: 'value'");
        return Err(Error::type_error(message));
    }
    Ok(args.positional.remove(0))
}

/// What `map` does to each item.
enum Mapping {
    Attribute(Getter),
    Filter(Arc<str>, Args),
}

impl Mapping {
    fn new(mut args: Args) -> Result<Self, Error> {
        let wrong = |message: String| Err(Error::new(ErrorKind::FilterArgument, message));
        if args.positional.is_empty() {
            let Some(attribute) = args.take_keyword("attribute") else {
                return wrong("map requires a filter argument".into());
            };
            let default = args.take_keyword("default");
            if let Some((name, _)) = args.keyword.first() {
                return wrong(format!("Unexpected keyword argument {}", crate::value::text::quote(name)));
            }
            return Ok(Self::Attribute(Getter::new(Some(&attribute), false, default)));
        }
        match args.positional.remove(0) {
            Value::Str(name) | Value::Markup(name) => Ok(Self::Filter(name, args)),
            Value::Undefined(undefined) => Err(undefined.error()),
            other => Err(Error::new(
                ErrorKind::Runtime,
                format!("No filter named {}.", crate::value::text::repr_short(&other)),
            )),
        }
    }

    fn apply(&self, state: &mut State<'_>, item: Value) -> Result<Value, Error> {
        match self {
            Self::Attribute(getter) => getter.get(state, &item),
            Self::Filter(name, args) => state.call_filter(name, with_input(args, item)),
        }
    }
}

fn with_input(args: &Args, input: Value) -> Args {
    let mut all = args.clone();
    all.positional.insert(0, input);
    all
}

/// The generators look at their arguments when the first item is taken, as Python's do.
fn map(_: &mut State<'_>, mut args: Args) -> Result<Value, Error> {
    let input = take_input(&mut args, "sync_do_map")?;
    let mut waiting = Some((input, args));
    let mut running = None;
    let generator = move |state: &mut State<'_>| -> Result<Option<Value>, Error> {
        if let Some((input, args)) = waiting.take() {
            if !input.is_true()? {
                return Ok(None);
            }
            running = Some((Mapping::new(args)?, input.cursor(state)?));
        }
        let Some((mapping, cursor)) = &mut running else { return Ok(None) };
        state.charge(1)?;
        match cursor.next(state)? {
            Some(item) => mapping.apply(state, item).map(Some),
            None => Ok(None),
        }
    };
    Ok(Value::Iterator(Iter::generator("sync_do_map", generator)))
}

/// What `select` asks of each item.
struct Question {
    getter: Getter,
    test: Option<(Arc<str>, Args)>,
}

impl Question {
    fn new(mut args: Args, of_attribute: bool) -> Result<Self, Error> {
        let mut attribute = None;
        if of_attribute {
            if args.positional.is_empty() {
                let message = "Missing parameter for attribute name";
                return Err(Error::new(ErrorKind::FilterArgument, message));
            }
            attribute = Some(args.positional.remove(0));
        }
        let getter = Getter::new(attribute.as_ref(), false, None);
        let test = if args.positional.is_empty() {
            None
        } else {
            match args.positional.remove(0) {
                Value::Str(name) | Value::Markup(name) => Some((name, args)),
                Value::Undefined(undefined) => return Err(undefined.error()),
                other => {
                    return Err(Error::new(
                        ErrorKind::Runtime,
                        format!("No test named {}.", crate::value::text::repr_short(&other)),
                    ));
                }
            }
        };
        Ok(Self { getter, test })
    }

    fn ask(&self, state: &mut State<'_>, item: &Value) -> Result<bool, Error> {
        let value = self.getter.get(state, item)?;
        match &self.test {
            Some((name, args)) => state.call_test(name, with_input(args, value)),
            None => value.is_true(),
        }
    }
}

fn select(mut args: Args, wanted: bool, of_attribute: bool, function: &'static str) -> Result<Value, Error> {
    let input = take_input(&mut args, function)?;
    let mut waiting = Some((input, args));
    let mut running = None;
    let generator = move |state: &mut State<'_>| -> Result<Option<Value>, Error> {
        if let Some((input, args)) = waiting.take() {
            if !input.is_true()? {
                return Ok(None);
            }
            running = Some((Question::new(args, of_attribute)?, input.cursor(state)?));
        }
        let Some((question, cursor)) = &mut running else { return Ok(None) };
        while let Some(item) = cursor.next(state)? {
            state.charge(1)?;
            if question.ask(state, &item)? == wanted {
                return Ok(Some(item));
            }
        }
        Ok(None)
    };
    Ok(Value::Iterator(Iter::generator("select_or_reject", generator)))
}

fn attr(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let [object, name] = args.bind(&Signature::new("do_attr", &["obj", "name"], 2).with_context())?;
    let (object, name) = (required(object), required(name));
    if let Value::Undefined(undefined) = &object {
        return Err(undefined.error());
    }
    let (Value::Str(name) | Value::Markup(name)) = &name else {
        return Err(Error::type_error(format!("attribute name must be string, not '{}'", name.type_name())));
    };
    match access::real_attribute(state, &object, name)? {
        Some(value) => Ok(value),
        None => Ok(state.undefined(crate::UndefinedKind::Attribute { object, name: name.clone() })),
    }
}

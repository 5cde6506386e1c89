//! Running `for` loops and the `loop` object.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::value::Cursor;
use crate::value::compare::equal;
use crate::value::text::repr_short;
use crate::value::{RecursiveLoop, Special, Undefined, UndefinedKind, Value};
use crate::{Args, Error, State};

/// A `for` that is running.
pub(crate) struct ForState {
    pub(crate) source: ForSource,
    /// Whether a turn ran to its end.
    pub(crate) marked: bool,
}

/// Where a running `for` takes its items from.
pub(crate) enum ForSource {
    Plain(Cursor),
    /// A [`Special::Loop`], when the body asks for `loop`.
    Extended(std::rc::Rc<Special>),
}

/// The `loop` object.
pub struct LoopContext {
    cursor: RefCell<Cursor>,
    strict: bool,
    /// Items in all, once that has been asked.
    length: Cell<Option<usize>>,
    /// Items taken so far.
    taken: Cell<usize>,
    before: RefCell<Option<Value>>,
    current: RefCell<Option<Value>>,
    after: RefCell<After>,
    last_changed: RefCell<Option<Vec<Value>>>,
    pub(crate) depth0: u32,
    pub(crate) recursive: Option<RecursiveLoop>,
}

/// The item after the current one.
#[derive(Clone, Default)]
enum After {
    /// Nobody has looked.
    #[default]
    Unknown,
    Item(Value),
    End,
}

impl LoopContext {
    /// What it has, to suggest one.
    pub(crate) const ATTRIBUTES: &[&str] = &[
        "index",
        "index0",
        "revindex",
        "revindex0",
        "first",
        "last",
        "length",
        "depth",
        "depth0",
        "previtem",
        "nextitem",
        "cycle",
        "changed",
    ];

    pub(crate) fn new(cursor: Cursor, strict: bool, depth0: u32, recursive: Option<RecursiveLoop>) -> Self {
        Self {
            cursor: RefCell::new(cursor),
            strict,
            length: Cell::new(None),
            taken: Cell::new(0),
            before: RefCell::default(),
            current: RefCell::default(),
            after: RefCell::default(),
            last_changed: RefCell::default(),
            depth0,
            recursive,
        }
    }

    /// Goes to the next item.
    pub(crate) fn advance(&self, state: &mut State<'_>) -> Result<Option<Value>, Error> {
        let next = match self.after.take() {
            After::Item(item) => Some(item),
            After::Unknown | After::End => self.take(state)?,
        };
        let Some(item) = next else { return Ok(None) };
        self.taken.set(self.taken.get() + 1);
        let passed = self.current.replace(Some(item.clone()));
        self.before.replace(passed);
        Ok(Some(item))
    }

    fn take(&self, state: &mut State<'_>) -> Result<Option<Value>, Error> {
        match self.cursor.try_borrow_mut() {
            Ok(mut cursor) => cursor.next(state),
            Err(_) => Err(Error::value_error("generator already executing")),
        }
    }

    fn peek(&self, state: &mut State<'_>) -> Result<Option<Value>, Error> {
        match &*self.after.borrow() {
            After::Unknown => {}
            After::Item(item) => return Ok(Some(item.clone())),
            After::End => return Ok(None),
        }
        let next = self.take(state)?;
        self.after.replace(next.clone().map_or(After::End, After::Item));
        Ok(next)
    }

    /// How many items; what does not know is read to its end.
    pub(crate) fn length(&self, state: &mut State<'_>) -> Result<usize, Error> {
        if let Some(length) = self.length.get() {
            return Ok(length);
        }
        let known = self.cursor.try_borrow().ok().and_then(|cursor| cursor.length());
        let length = match known {
            Some(length) => length,
            None => {
                let mut rest = Vec::new();
                while let Some(item) = self.take(state)? {
                    state.charge_items(rest.len())?;
                    state.charge(1)?;
                    rest.push(item);
                }
                let peeked = usize::from(matches!(&*self.after.borrow(), After::Item(_)));
                let length = rest.len() + self.taken.get() + peeked;
                if let Ok(mut cursor) = self.cursor.try_borrow_mut() {
                    *cursor = Cursor::Owned(rest.into_iter());
                }
                length
            }
        };
        self.length.set(Some(length));
        Ok(length)
    }

    /// `loop.name`, methods aside.
    pub(crate) fn attribute(&self, state: &mut State<'_>, name: &str) -> Result<Option<Value>, Error> {
        let index = self.taken.get();
        let integer = |number: usize| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        Ok(Some(match name {
            "index" => integer(index),
            "index0" => integer(index.saturating_sub(1)),
            "revindex" => integer((self.length(state)? + 1).saturating_sub(index)),
            "revindex0" => integer(self.length(state)?.saturating_sub(index)),
            "first" => Value::Bool(index == 1),
            "last" => Value::Bool(self.peek(state)?.is_none()),
            "length" => integer(self.length(state)?),
            "depth" => Value::Int(i64::from(self.depth0) + 1),
            "depth0" => Value::Int(i64::from(self.depth0)),
            "previtem" => match self.before.borrow().clone().filter(|_| index > 1) {
                Some(item) => item,
                None => self.nothing("there is no previous item"),
            },
            "nextitem" => match self.peek(state)? {
                Some(item) => item,
                None => self.nothing("there is no next item"),
            },
            _ => return Ok(None),
        }))
    }

    fn nothing(&self, hint: &str) -> Value {
        Value::Undefined(Undefined::with_strictness(
            UndefinedKind::Hint { text: hint.into(), near: None },
            self.strict,
        ))
    }

    /// `loop.cycle(...)` and `loop.changed(...)`
    pub(crate) fn call_method(&self, name: &str, args: Args) -> Result<Option<Value>, Error> {
        if let Some((keyword, _)) = args.keyword.first().filter(|_| matches!(name, "cycle" | "changed")) {
            return Err(Error::type_error(format!(
                "LoopContext.{name}() got an unexpected keyword argument '{keyword}'"
            )));
        }
        match name {
            "cycle" => {
                let choices = args.positional;
                if choices.is_empty() {
                    return Err(Error::type_error("no items for cycling given"));
                }
                let at = self.taken.get().saturating_sub(1) % choices.len();
                Ok(choices.into_iter().nth(at))
            }
            "changed" => {
                let last = self.last_changed.borrow().clone();
                let same = match &last {
                    Some(last) if last.len() == args.positional.len() => {
                        let mut same = true;
                        for (a, b) in last.iter().zip(&args.positional) {
                            same = same && (a.is_same(b) || equal(a, b)?);
                        }
                        same
                    }
                    _ => false,
                };
                self.last_changed.replace(Some(args.positional));
                Ok(Some(Value::Bool(!same)))
            }
            _ => Ok(None),
        }
    }

    pub(crate) fn repr(&self) -> String {
        let length =
            self.length.get().or_else(|| self.cursor.try_borrow().ok().and_then(|cursor| cursor.length()));
        let length: Arc<str> = length.map_or_else(|| "?".into(), |length| repr_short(&length.into()).into());
        format!("<LoopContext {}/{length}>", self.taken.get())
    }
}

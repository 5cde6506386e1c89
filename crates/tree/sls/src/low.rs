//! Low state: one chunk for each call of a state function, in order.

use std::cmp::Ordering;
use std::sync::Arc;

use foldhash::HashMap;
use value::{Data, Entry, Key, Map, Span, Value};

use crate::high::{Body, Declaration, HighState, Home};

/// One call of a state function.
#[derive(Clone, Debug)]
pub struct LowChunk {
    /// The state module (`file`).
    pub state: Arc<str>,
    /// The function (`managed`).
    pub fun: Arc<str>,
    /// The id it was declared under.
    pub id: Arc<str>,
    /// What it is about; the id unless `name` or `names` say otherwise.
    pub name: Arc<str>,
    /// The SLS that declares it.
    pub sls: Arc<str>,
    /// The saltenv of that SLS.
    pub saltenv: Arc<str>,
    /// Its place in the run.
    pub order: Order,
    /// Arguments and requisites as written, without `name` and `order`; entries know their places.
    pub args: Map,
    /// The SLS through which its SLS was included, the nearest first.
    pub included_from: Arc<[Arc<str>]>,
    /// Where its id stands.
    pub id_span: Span,
    /// Where its function stands.
    pub fun_span: Span,
    /// Where its name stands; [`Span::NONE`] when it is the id.
    pub name_span: Span,
}

/// A place in the run, as a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// A whole number: what a state gets or names itself.
    Whole(i64),
    /// With a fraction: one of several `names`.
    Fraction(f64),
}

impl LowChunk {
    /// `module.function`.
    pub fn function(&self) -> String {
        [&*self.state, ".", &*self.fun].concat()
    }

    /// The key of its result: `state_|-id_|-name_|-fun`.
    pub fn tag(&self) -> String {
        [&*self.state, &*self.id, &*self.name, &*self.fun].join("_|-")
    }

    /// The best single place to point at: the function, else the id.
    pub fn place(&self) -> Span {
        self.fun_span.or(self.id_span)
    }

    /// Where an argument stands (its key, else its value); the function when it is not there.
    pub fn argument_span(&self, name: &str) -> Span {
        self.args.entry(name).map_or(Span::NONE, |entry| entry.key_span.or(entry.value.span)).or(self.place())
    }

    /// In the shape in which Salt's `state.show_low_sls` prints it.
    pub fn to_value(&self) -> Value {
        let mut low = Map::new();
        low.insert("state", Arc::clone(&self.state));
        low.insert("name", Value::from(Arc::clone(&self.name)).at(self.name_span));
        low.insert("__sls__", Arc::clone(&self.sls));
        low.insert("__env__", Arc::clone(&self.saltenv));
        if !self.included_from.is_empty() {
            low.insert("__sls_included_from__", self.included_from.iter().map(Arc::clone).collect::<Value>());
        }
        low.insert("__id__", Value::from(Arc::clone(&self.id)).at(self.id_span));
        for (key, entry) in self.args.entries() {
            low.insert_at(key.clone(), entry.key_span, entry.value.clone());
        }
        low.insert("order", self.order);
        low.insert("fun", Value::from(Arc::clone(&self.fun)).at(self.fun_span));
        low.into()
    }
}

impl Order {
    /// As a number to compare with.
    pub fn number(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Fraction(number) => number,
        }
    }

    fn plus(self, more: f64) -> Self {
        Self::Fraction(self.number() + more)
    }
}

impl From<Order> for Value {
    fn from(order: Order) -> Self {
        match order {
            Order::Whole(number) => number.into(),
            Order::Fraction(number) => number.into(),
        }
    }
}

impl HighState {
    /// The low chunks as declared, in order: what Salt's `state.show_low_sls` shows. `extend`, `exclude` and
    /// the `_in` requisites have no part in it; see [`HighState::complete`].
    pub fn low(self) -> Vec<LowChunk> {
        let mut drafts = Vec::with_capacity(self.declarations.len());
        for (id, Declaration { id_span, home, states }) in self.declarations {
            for (state, body) in states {
                cut(Draft::new(&id, id_span, &home, state, body.span), body, &mut drafts);
            }
        }
        in_order(drafts)
    }
}

/// A chunk whose place is not yet a number.
#[derive(Clone)]
struct Draft {
    chunk: LowChunk,
    order: Option<Value>,
    /// Its place among several `names`, from 1.
    among_names: Option<u32>,
}

impl Draft {
    fn new(id: &Arc<str>, id_span: Span, home: &Home, state: Arc<str>, span: Span) -> Self {
        let chunk = LowChunk {
            state,
            fun: Arc::default(),
            id: Arc::clone(id),
            name: Arc::clone(id),
            sls: Arc::clone(&home.sls),
            saltenv: Arc::clone(&home.saltenv),
            order: Order::Whole(0),
            args: Map::new(),
            included_from: Arc::clone(&home.included_from),
            id_span,
            fun_span: span,
            name_span: Span::NONE,
        };
        Self { chunk, order: None, among_names: None }
    }

    /// Takes over an argument. A later one of the same key counts.
    fn take(&mut self, key: Key, Entry { value, key_span }: Entry) {
        match key.as_str() {
            Some("names" | "state" | "fun" | "__id__" | "__sls__" | "__env__") => {}
            Some("order") => self.order = Some(value),
            Some("name") => match value.data {
                Data::Str(name) => {
                    self.chunk.name = name;
                    self.chunk.name_span = value.span;
                }
                _ => {
                    self.chunk.name = Arc::clone(&self.chunk.id);
                    self.chunk.name_span = Span::NONE;
                }
            },
            _ => {
                self.chunk.args.insert_at(key, key_span, value);
            }
        }
    }

    /// Takes over arguments as they stand in a list.
    fn take_all(&mut self, arguments: Vec<Value>) {
        for argument in arguments {
            if let Data::Map(map) = argument.data {
                map.into_iter().for_each(|(key, entry)| self.take(key, entry));
            }
        }
    }
}

/// One state of an id, cut into a chunk for each of its names.
fn cut(mut draft: Draft, body: Body, drafts: &mut Vec<Draft>) {
    let mut function = None;
    let mut names = Names::default();
    draft.chunk.args = Map::with_capacity(body.args.len());
    for arg in body.args {
        match arg.data {
            Data::Str(name) => function = Some((name, arg.span)),
            Data::Map(arguments) => {
                for (key, entry) in arguments {
                    match entry.value.data {
                        Data::List(list) if key.as_str() == Some("names") => names.add(list),
                        _ => draft.take(key, entry),
                    }
                }
            }
            _ => {}
        }
    }
    let Some((function, span)) = function else { return };
    draft.chunk.fun = function;
    draft.chunk.fun_span = span.or(draft.chunk.fun_span);
    if names.list.is_empty() {
        drafts.push(draft);
        return;
    }
    for (number, name) in (1..).zip(names.list) {
        let mut own = Draft { among_names: Some(number), ..draft.clone() };
        own.chunk.name_span = name.span;
        match name.data {
            Data::Map(map) if !map.is_empty() => {
                let Some((name, arguments)) = map.into_iter().next() else { continue };
                own.chunk.name = name.to_string().into();
                if let Data::List(arguments) = arguments.value.data {
                    own.take_all(arguments);
                }
            }
            Data::Str(name) => own.chunk.name = name,
            _ => own.chunk.name = name.to_string().into(),
        }
        drafts.push(own);
    }
}

/// The entries of `names`, each once.
#[derive(Default)]
struct Names {
    list: Vec<Value>,
    by_text: HashMap<String, Vec<usize>>,
}

impl Names {
    fn add(&mut self, items: Vec<Value>) {
        for item in items {
            let text = match &item.data {
                Data::Map(map) => map.first().map(|(key, _)| key.to_string()).unwrap_or_default(),
                _ => item.to_string(),
            };
            let alike = self.by_text.entry(text).or_default();
            if !alike.iter().any(|at| self.list.get(*at) == Some(&item)) {
                alike.push(self.list.len());
                self.list.push(item);
            }
        }
    }
}

/// Turns what `order` says into numbers and sorts. The rules are Salt's: `first` is 0, `last` and negative
/// numbers stand behind everything, and chunks of the same number go by module, name and function.
fn in_order(drafts: Vec<Draft>) -> Vec<LowChunk> {
    let cap = cap(&drafts);
    let mut chunks: Vec<LowChunk> = drafts
        .into_iter()
        .map(|draft| {
            let mut chunk = draft.chunk;
            chunk.order = place(draft.order.as_ref(), draft.among_names, cap);
            chunk
        })
        .collect();
    chunks.sort_by(|a, b| {
        a.order.number().partial_cmp(&b.order.number()).unwrap_or(Ordering::Equal).then_with(|| by_text(a, b))
    });
    chunks
}

const BEHIND: i64 = 1_000_000;

/// The number of chunks that name no usable order: past every number that is named.
fn cap(drafts: &[Draft]) -> i64 {
    let mut cap = 1;
    for order in drafts.iter().filter_map(|draft| draft.order.as_ref()).filter_map(whole) {
        if order > cap - 1 && order > 0 {
            cap = order.saturating_add(100);
        }
    }
    cap
}

fn place(order: Option<&Value>, among_names: Option<u32>, cap: i64) -> Order {
    let behind = cap.saturating_add(BEHIND);
    let Some(order) = order else { return Order::Whole(cap) };
    let mut place = match &order.data {
        Data::Float(number) => Order::Fraction(*number),
        Data::Str(text) if &**text == "last" => Order::Whole(behind),
        Data::Str(text) if &**text == "first" => Order::Whole(0),
        _ => Order::Whole(whole(order).unwrap_or(cap)),
    };
    if let Some(number) = among_names {
        place = place.plus(f64::from(number) / 10_000.0);
    }
    match place {
        Order::Whole(number) if number < 0 => Order::Whole(behind.saturating_add(number)),
        Order::Fraction(number) if number < 0.0 => Order::Fraction(behind as f64 + number),
        place => place,
    }
}

fn whole(value: &Value) -> Option<i64> {
    value.as_int().or_else(|| value.as_bool().map(i64::from))
}

/// By module, name and function run together.
fn by_text(a: &LowChunk, b: &LowChunk) -> Ordering {
    let bytes =
        |chunk: &LowChunk| [Arc::clone(&chunk.state), Arc::clone(&chunk.name), Arc::clone(&chunk.fun)];
    let (a, b) = (bytes(a), bytes(b));
    a.iter().flat_map(|part| part.bytes()).cmp(b.iter().flat_map(|part| part.bytes()))
}

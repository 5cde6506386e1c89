//! What a running template sees.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use value::{SourceId, Span};

use crate::Value;
use crate::ast::Place;
use crate::program::Template;

/// Variables that every template of a rendering sees. Cloning shares them until one side changes.
///
/// Renderings have most of them in common and few of their own, so those are a list on top of the others.
#[derive(Clone, Default)]
pub struct Globals {
    layers: Rc<Layers>,
}

#[derive(Clone, Default)]
struct Layers {
    /// What was set last, each name once.
    own: Vec<(Arc<str>, Value)>,
    below: Rc<HashMap<Arc<str>, Value>>,
}

/// The most variables in the list on top.
const OWN: usize = 16;

impl Globals {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// The variable of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let Layers { own, below } = &*self.layers;
        own.iter().find(|(known, _)| &**known == name).map(|(_, value)| value).or_else(|| below.get(name))
    }

    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        let Layers { own, below } = Rc::make_mut(&mut self.layers);
        if let Some((_, place)) = own.iter_mut().find(|(known, _)| *known == name) {
            *place = value;
            return;
        }
        if own.len() == OWN {
            Rc::make_mut(below).extend(own.drain(..));
        }
        if own.capacity() == 0 {
            own.reserve_exact(OWN);
        }
        own.push((name, value));
    }

    /// All variables, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        let Layers { own, below } = &*self.layers;
        let hidden = |name: &Arc<str>| own.iter().any(|(known, _)| known == name);
        let below = below.iter().filter(move |(name, _)| !hidden(name));
        own.iter().map(|(name, value)| (name, value)).chain(below)
    }
}

impl<N: Into<Arc<str>>, V: Into<Value>> FromIterator<(N, V)> for Globals {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let below: HashMap<_, _> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { layers: Rc::new(Layers { own: Vec::new(), below: Rc::new(below) }) }
    }
}

/// A template as one rendering has loaded it.
pub(crate) struct Unit {
    pub(crate) template: Arc<Template>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) source: SourceId,
    /// What an import without context gives: made once.
    pub(crate) module: RefCell<Option<Value>>,
}

impl Unit {
    pub(crate) fn span(&self, place: Place) -> Span {
        Span { source: self.source, start: place.start, end: place.end }
    }
}

/// The variables of a template while it runs.
pub struct Context {
    pub(crate) unit: Rc<Unit>,
    /// What the template has set at its top level.
    pub(crate) variables: RefCell<HashMap<Arc<str>, Value>>,
    /// Which of these importers see, in the order they were set.
    pub(crate) exported: RefCell<Vec<Arc<str>>>,
    /// What was passed on to it.
    pub(crate) given: HashMap<Arc<str>, Value>,
    pub(crate) globals: Globals,
    /// The bodies of each block, the most derived first.
    pub(crate) blocks: RefCell<HashMap<Arc<str>, Vec<BlockBody>>>,
}

/// One level of a block.
#[derive(Clone)]
pub(crate) struct BlockBody {
    pub(crate) unit: Rc<Unit>,
    pub(crate) function: usize,
}

impl Context {
    pub(crate) fn new(unit: &Rc<Unit>, given: HashMap<Arc<str>, Value>, globals: Globals) -> Rc<Self> {
        let context = Self {
            unit: unit.clone(),
            variables: RefCell::default(),
            exported: RefCell::default(),
            given,
            globals,
            blocks: RefCell::default(),
        };
        context.add_blocks(unit);
        Rc::new(context)
    }

    /// Adds a template's blocks as the least derived ones.
    pub(crate) fn add_blocks(&self, unit: &Rc<Unit>) {
        let mut blocks = self.blocks.borrow_mut();
        for (name, function) in &unit.template.blocks {
            let body = BlockBody { unit: unit.clone(), function: *function };
            blocks.entry(name.clone()).or_default().push(body);
        }
    }

    pub(crate) fn resolve(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.variables.borrow().get(name) {
            return Some(value.clone());
        }
        self.given.get(name).or_else(|| self.globals.get(name)).cloned()
    }

    pub(crate) fn set(&self, name: &Arc<str>, value: Value) {
        self.variables.borrow_mut().insert(name.clone(), value);
    }

    pub(crate) fn export(&self, name: &Arc<str>) {
        let mut exported = self.exported.borrow_mut();
        if !name.starts_with('_') && !exported.contains(name) {
            exported.push(name.clone());
        }
    }

    pub(crate) fn do_not_export(&self, name: &str) {
        self.exported.borrow_mut().retain(|exported| &**exported != name);
    }

    /// What it passes on to another template, globals aside: the given variables, its own, and the
    /// local ones of the place.
    pub(crate) fn pass_on(&self, locals: Vec<(Arc<str>, Value)>) -> HashMap<Arc<str>, Value> {
        let mut given = self.given.clone();
        given.extend(self.variables.borrow().iter().map(|(name, value)| (name.clone(), value.clone())));
        given.extend(locals);
        given
    }

    /// A copy for a scoped block: the same blocks, and the local variables of the place.
    pub(crate) fn derived(self: &Rc<Self>, locals: Vec<(Arc<str>, Value)>) -> Rc<Self> {
        Rc::new(Self {
            unit: self.unit.clone(),
            variables: RefCell::default(),
            exported: RefCell::default(),
            given: self.pass_on(locals),
            globals: self.globals.clone(),
            blocks: RefCell::new(self.blocks.borrow().clone()),
        })
    }

    /// The names it sees, to suggest one.
    pub(crate) fn names(&self) -> HashSet<Arc<str>> {
        let mut names: HashSet<Arc<str>> = self.variables.borrow().keys().cloned().collect();
        names.extend(self.given.keys().cloned());
        names.extend(self.globals.iter().map(|(name, _)| name.clone()));
        names
    }

    /// Lets go of everything, so that macros that keep it do not keep each other alive.
    pub(crate) fn clear(&self) {
        let variables = self.variables.take();
        let blocks = self.blocks.take();
        drop((variables, blocks));
    }
}

/// The variables of a running function.
pub(crate) struct Frame {
    pub(crate) slots: RefCell<Vec<Option<Value>>>,
    /// The frame of the function around it.
    pub(crate) parent: Option<Rc<Frame>>,
    /// Whether the rendering knows that macros keep it.
    pub(crate) kept: Cell<bool>,
}

impl Frame {
    pub(crate) fn new(slots: Vec<Option<Value>>, parent: Option<Rc<Frame>>) -> Rc<Self> {
        Rc::new(Self { slots: RefCell::new(slots), parent, kept: Cell::new(false) })
    }

    pub(crate) fn get(&self, slot: u16) -> Option<Value> {
        self.slots.borrow().get(slot as usize).cloned().flatten()
    }

    pub(crate) fn is_set(&self, slot: u16) -> bool {
        self.slots.borrow().get(slot as usize).is_some_and(Option::is_some)
    }

    pub(crate) fn set(&self, slot: u16, value: Option<Value>) {
        let old = match self.slots.borrow_mut().get_mut(slot as usize) {
            Some(place) => std::mem::replace(place, value),
            None => None,
        };
        drop(old);
    }

    /// The frame some functions out.
    pub(crate) fn outer(self: &Rc<Self>, depth: u16) -> Option<&Rc<Self>> {
        let mut here = self;
        for _ in 0..depth {
            here = here.parent.as_ref()?;
        }
        Some(here)
    }

    pub(crate) fn clear(&self) {
        drop(self.slots.take());
    }
}

//! Which variable a name means where.
//!
//! Jinja decides this before it runs anything, scope by scope: a name that a scope reads and nobody
//! around has is looked up in the context when the scope is entered; a name that it writes is its
//! own, starting as a copy of the surrounding one or empty. Branches of an `if` share their scope:
//! what only one of them writes starts with what the context holds. The rules here are Jinja's, so
//! that the odd cases come out the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use foldhash::HashMap;
use indexmap::IndexMap;

use super::names::{self, Use};
use crate::ast::{Expression, Output, Statement, StatementKind, Target};
use crate::program::Slot;

/// Index of a scope.
pub(super) type ScopeId = usize;

/// What a variable starts as when its scope is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It is given.
    Parameter,
    /// What the context holds.
    Context,
    /// A copy of another variable.
    Alias(Reference),
    /// Empty.
    Empty,
}

/// A variable: whose, and which slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The function it lives in, by index.
    pub(super) function: usize,
    pub(super) slot: Slot,
}

/// The names of one scope.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) parent: Option<ScopeId>,
    pub(super) function: usize,
    names: Names,
}

#[derive(Clone, Debug, Default)]
struct Names {
    references: HashMap<Arc<str>, Slot>,
    starts: IndexMap<Slot, (Arc<str>, Start)>,
    stores: BTreeSet<Arc<str>>,
}

/// A change of a scope's names that a branch made.
#[derive(Debug)]
enum Change {
    Define(Definition),
    Store(ScopeId, Arc<str>),
}

#[derive(Debug)]
struct Definition {
    id: ScopeId,
    name: Arc<str>,
    slot: Slot,
    start: Start,
    /// What stood there before.
    reference: Option<Slot>,
    replaced: Option<(Arc<str>, Start)>,
}

/// All scopes of a template, and the slots of its functions.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    list: Vec<Scope>,
    /// The slot of a name in a scope, whatever branch defines it first.
    slots: HashMap<(ScopeId, Arc<str>), Slot>,
    /// The names of the slots of each function.
    functions: Vec<Vec<Arc<str>>>,
    /// How many branches are being looked at inside one another, and what they have changed.
    branching: u32,
    journal: Vec<Change>,
    /// A function ran out of slots.
    pub(super) overflow: bool,
}

impl Scopes {
    pub(super) fn add_function(&mut self) -> usize {
        self.functions.push(Vec::new());
        self.functions.len() - 1
    }

    pub(super) fn slot_names(&mut self, function: usize) -> Vec<Arc<str>> {
        self.functions.get_mut(function).map(std::mem::take).unwrap_or_default()
    }

    /// A scope inside another one (or none), in the given function.
    pub(super) fn open(&mut self, parent: Option<ScopeId>, function: usize) -> ScopeId {
        self.list.push(Scope { parent, function, names: Names::default() });
        self.list.len() - 1
    }

    fn get(&self, id: ScopeId) -> Option<&Scope> {
        self.list.get(id)
    }

    /// A slot without a name in templates.
    pub(super) fn hidden_slot(&mut self, function: usize) -> Slot {
        let Some(names) = self.functions.get_mut(function) else { return 0 };
        match Slot::try_from(names.len()) {
            Ok(slot) if slot < Slot::MAX => {
                names.push("".into());
                slot
            }
            _ => {
                self.overflow = true;
                0
            }
        }
    }

    fn slot(&mut self, id: ScopeId, name: &Arc<str>) -> Slot {
        if let Some(slot) = self.slots.get(&(id, name.clone())) {
            return *slot;
        }
        let function = self.get(id).map_or(0, |scope| scope.function);
        let slot = self.hidden_slot(function);
        if let Some(given) = self.functions.get_mut(function).and_then(|names| names.get_mut(slot as usize)) {
            *given = name.clone();
        }
        self.slots.insert((id, name.clone()), slot);
        slot
    }

    /// The variable a name means in a scope.
    pub(super) fn find(&self, id: ScopeId, name: &str) -> Option<Reference> {
        let mut here = Some(id);
        while let Some(scope) = here.and_then(|id| self.get(id)) {
            if let Some(slot) = scope.names.references.get(name) {
                return Some(Reference { function: scope.function, slot: *slot });
            }
            here = scope.parent;
        }
        None
    }

    fn find_outside(&self, id: ScopeId, name: &str) -> Option<Reference> {
        self.find(self.get(id)?.parent?, name)
    }

    fn define(&mut self, id: ScopeId, name: &Arc<str>, start: Start) -> Slot {
        let slot = self.slot(id, name);
        let Some(scope) = self.list.get_mut(id) else { return slot };
        let reference = scope.names.references.insert(name.clone(), slot);
        let replaced = scope.names.starts.insert(slot, (name.clone(), start));
        if self.branching > 0 {
            let change = Definition { id, name: name.clone(), slot, start, reference, replaced };
            self.journal.push(Change::Define(change));
        }
        slot
    }

    fn note_store(&mut self, id: ScopeId, name: &Arc<str>) {
        let Some(scope) = self.list.get_mut(id) else { return };
        if scope.names.stores.insert(name.clone()) && self.branching > 0 {
            self.journal.push(Change::Store(id, name.clone()));
        }
    }

    /// Takes back the changes since a mark, and answers them in order.
    fn take_back(&mut self, mark: usize) -> Vec<Change> {
        let changes = self.journal.split_off(mark);
        for change in changes.iter().rev() {
            match change {
                Change::Define(made) => {
                    let Some(scope) = self.list.get_mut(made.id) else { continue };
                    match made.reference {
                        Some(slot) => scope.names.references.insert(made.name.clone(), slot),
                        None => scope.names.references.remove(&made.name),
                    };
                    match &made.replaced {
                        Some(replaced) => scope.names.starts.insert(made.slot, replaced.clone()),
                        // What was added last is last: this moves nothing.
                        None => scope.names.starts.shift_remove(&made.slot),
                    };
                }
                Change::Store(id, name) => {
                    if let Some(scope) = self.list.get_mut(*id) {
                        scope.names.stores.remove(name);
                    }
                }
            }
        }
        changes
    }

    /// The scope has a parameter of that name.
    pub(super) fn parameter(&mut self, id: ScopeId, name: &Arc<str>) -> Slot {
        self.note_store(id, name);
        self.define(id, name, Start::Parameter)
    }

    /// The scope writes a name.
    pub(super) fn store(&mut self, id: ScopeId, name: &Arc<str>) {
        self.note_store(id, name);
        if self.get(id).is_some_and(|scope| scope.names.references.contains_key(name)) {
            return;
        }
        let start = self.find_outside(id, name).map_or(Start::Empty, Start::Alias);
        self.define(id, name, start);
    }

    /// The scope reads a name.
    pub(super) fn load(&mut self, id: ScopeId, name: &str) {
        if self.find(id, name).is_none() {
            self.define(id, &name.into(), Start::Context);
        }
    }

    pub(super) fn load_expression(&mut self, id: ScopeId, expression: &Expression) {
        names::expression(expression, &mut |name, _| self.load(id, name));
    }

    /// The names a target writes (as parameters: they are given), and the namespaces it reads.
    pub(super) fn target(&mut self, id: ScopeId, target: &Target, as_parameter: bool) {
        names::target(target, &mut |name, usage| match usage {
            Use::Load => self.load(id, name),
            Use::Store if as_parameter => {
                self.parameter(id, &name.into());
            }
            Use::Store => self.store(id, &name.into()),
        });
    }

    /// What a body reads and writes in this very scope; scopes inside it are not entered.
    pub(super) fn body(&mut self, id: ScopeId, body: &[Statement]) {
        for statement in body {
            self.statement(id, statement);
        }
    }

    fn statement(&mut self, id: ScopeId, statement: &Statement) {
        match &statement.kind {
            StatementKind::Output(parts) => {
                for part in parts {
                    if let Output::Expression(expression) = part {
                        self.load_expression(id, expression);
                    }
                }
            }
            StatementKind::If(node) => {
                if let Some((test, _)) = node.branches.first() {
                    self.load_expression(id, test);
                }
                let first = node.branches.first().map(|(_, body)| body.as_slice()).unwrap_or_default();
                let rest = node.branches.get(1..).unwrap_or_default();
                self.branches(
                    id,
                    &[
                        &|this: &mut Self| this.body(id, first),
                        &|this: &mut Self| {
                            for (test, body) in rest {
                                this.load_expression(id, test);
                                this.branches(id, &[&|this: &mut Self| this.body(id, body)]);
                            }
                        },
                        &|this: &mut Self| this.body(id, &node.otherwise),
                    ],
                );
            }
            StatementKind::Macro(node) => self.store(id, &node.name),
            StatementKind::Import { template, target, .. } => {
                self.load_expression(id, template);
                self.store(id, target);
            }
            StatementKind::FromImport { template, names, .. } => {
                self.load_expression(id, template);
                for name in names {
                    self.store(id, &name.alias);
                }
            }
            StatementKind::Set { target, value } => {
                self.load_expression(id, value);
                self.target(id, target, false);
            }
            StatementKind::SetBlock { target, .. } => self.target(id, target, false),
            StatementKind::For(node) => self.load_expression(id, &node.iterable),
            StatementKind::CallBlock(node) => self.load_expression(id, &node.call),
            StatementKind::FilterBlock { filter, .. } => self.load_expression(id, filter),
            StatementKind::With { bindings, .. } => {
                for (_, value) in bindings {
                    self.load_expression(id, value);
                }
            }
            StatementKind::Extends(template) | StatementKind::Include { template, .. } => {
                self.load_expression(id, template);
            }
            StatementKind::Do(expression) => self.load_expression(id, expression),
            StatementKind::Autoescape { .. }
            | StatementKind::Block(_)
            | StatementKind::Break
            | StatementKind::Continue => {}
        }
    }

    /// Looks at branches, each starting from the same names, and joins what they found.
    fn branches(&mut self, id: ScopeId, branches: &[&dyn Fn(&mut Self)]) {
        self.branching += 1;
        let mut found = Vec::new();
        for branch in branches {
            let mark = self.journal.len();
            branch(self);
            found.extend(self.take_back(mark));
        }
        self.branching -= 1;
        let mut stored: BTreeSet<Arc<str>> = BTreeSet::new();
        for change in found {
            match change {
                Change::Define(made) => {
                    self.define(made.id, &made.name, made.start);
                }
                Change::Store(id, name) => {
                    self.note_store(id, &name);
                    stored.insert(name);
                }
            }
        }
        for name in stored {
            let start = self.find_outside(id, &name).map_or(Start::Context, Start::Alias);
            self.define(id, &name, start);
        }
    }

    /// What each variable of a scope starts as, in order, and whether the scope writes it.
    pub(super) fn starts(&self, id: ScopeId) -> Vec<(Slot, Arc<str>, Start, bool)> {
        let Some(scope) = self.get(id) else { return Vec::new() };
        let written = |name: &Arc<str>| scope.names.stores.contains(name);
        let starts = scope.names.starts.iter();
        starts.map(|(slot, (name, start))| (*slot, name.clone(), *start, written(name))).collect()
    }

    /// Every variable that this scope or one around it has written, as seen from here.
    pub(super) fn stored(&self, id: ScopeId) -> BTreeMap<Arc<str>, Reference> {
        let mut found = BTreeMap::new();
        let mut here = Some(id);
        while let Some(scope) = here.and_then(|id| self.get(id)) {
            for name in &scope.names.stores {
                if let Some(reference) = self.find(id, name) {
                    found.entry(name.clone()).or_insert(reference);
                }
            }
            here = scope.parent;
        }
        found
    }
}

//! From the tree to instructions.
//!
//! Each Python function that Jinja would generate (the template's body, a macro, a block, a
//! recursive loop, the filter of a loop) becomes a [`Function`]. [`scope`] decides which slot a name
//! means; this file keeps the functions under construction; [`statement`], [`loops`] and
//! [`expression`] emit instructions.

mod expression;
mod functions;
mod loops;
mod names;
mod scope;
mod statement;

use std::sync::Arc;

use foldhash::HashMap;
use scope::{Reference, ScopeId, Scopes, Start};

use crate::Environment;
use crate::ast::{Block, Constant, Place, Statement, StatementKind};
use crate::environment::NativeFunction;
use crate::error::ErrorKind;
use crate::lexer::Normalized;
use crate::parser::Fault;
use crate::program::{CallShape, Callee, Function, Literal, Op, Slot, Target, Template, Variable};

/// Compiles a template's statements.
pub(crate) fn compile(
    environment: &Environment,
    body: &[Statement],
    source: &Normalized<'_>,
) -> Result<Template, Fault> {
    let mut compiler = Compiler {
        environment,
        template: Template {
            functions: Vec::new(),
            blocks: Vec::new(),
            constants: Vec::new(),
            names: Vec::new(),
            literals: Vec::new(),
            shapes: Vec::new(),
            locals: Vec::new(),
            filters: Vec::new(),
            tests: Vec::new(),
            lines: std::iter::once(0)
                .chain(
                    source.text.match_indices('\n').map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)),
                )
                .collect(),
        },
        scopes: Scopes::default(),
        interned: Interned::default(),
        has_extends: false,
        known_extends: false,
        loops: Vec::new(),
        captures: 0,
        autoescapes: 0,
        place: Place::default(),
        exact_places: source.is_exact(),
    };
    compiler.root(body)?;
    let mut template = compiler.template;
    if compiler.scopes.overflow {
        let fault = Fault::new(ErrorKind::Limit, "the template has too many variables", Place::default());
        return Err(fault.hint("gather them in a dict, or in several templates"));
    }
    for (index, function) in template.functions.iter_mut().enumerate() {
        function.slots = compiler.scopes.slot_names(index);
        if !source.is_exact() {
            function.places.iter_mut().for_each(|place| *place = source.original(*place));
        }
    }
    if !source.is_exact() {
        template.literals.iter_mut().for_each(|literal| literal.place = source.original(literal.place));
        for line in &mut template.lines {
            *line = source.original(Place { start: *line, end: *line }).start;
        }
    }
    Ok(template)
}

/// What is known about the surroundings of a statement.
#[derive(Clone, Copy)]
struct Frame {
    function: usize,
    scope: ScopeId,
    /// Variables set here are seen by importers.
    toplevel: bool,
    /// Not even inside an `if`.
    rootlevel: bool,
    /// In a branch: what filters and tests there are is found out when it runs.
    soft: bool,
    /// Output may have to be held back because another template is extended.
    checks_output: bool,
}

impl Frame {
    /// The frame of a scope inside this one.
    fn inner(self, scope: ScopeId) -> Self {
        Self { scope, toplevel: false, rootlevel: false, soft: false, ..self }
    }

    /// The frame of a branch.
    fn soft(self) -> Self {
        Self { rootlevel: false, soft: true, ..self }
    }
}

/// A loop that `break` and `continue` may leave.
struct OpenLoop {
    function: usize,
    next: Target,
    breaks: Vec<usize>,
    continues: Vec<usize>,
    captures: u32,
    autoescapes: u32,
}

#[derive(Default)]
struct Interned {
    names: HashMap<Arc<str>, u32>,
    shapes: HashMap<CallShape, u32>,
    strings: HashMap<Arc<str>, u32>,
    filters: HashMap<Arc<str>, u32>,
    tests: HashMap<Arc<str>, u32>,
}

struct Compiler<'e> {
    environment: &'e Environment,
    template: Template,
    scopes: Scopes,
    interned: Interned,
    has_extends: bool,
    known_extends: bool,
    loops: Vec<OpenLoop>,
    captures: u32,
    autoescapes: u32,
    /// Where the statement or expression at hand stands.
    place: Place,
    /// Whether places need no way back to the source.
    exact_places: bool,
}

impl Compiler<'_> {
    fn root(&mut self, body: &[Statement]) -> Result<(), Fault> {
        let mut blocks = Vec::new();
        find_blocks(body, &mut blocks, &mut self.has_extends);
        let function = self.add_function(None);
        let scope = self.scopes.open(None, function);
        self.scopes.body(scope, body);
        let frame = Frame {
            function,
            scope,
            toplevel: true,
            rootlevel: true,
            soft: false,
            checks_output: self.has_extends,
        };
        if names::reads(body, "self") {
            let slot = self.scopes.parameter(scope, &"self".into());
            self.emit(function, Op::LoadSelf);
            self.emit(function, Op::Store(slot));
        }
        self.enter(frame);
        self.statements(body, frame)?;
        if self.has_extends {
            self.emit(function, Op::RenderParent);
        }
        for (block, place) in blocks {
            self.place = place;
            if self.template.blocks.iter().any(|(name, _)| *name == block.name) {
                let name = crate::value::text::quote(&block.name);
                return Err(self.assertion(format!("block {name} defined twice")));
            }
            let function = self.block_body(block)?;
            self.template.blocks.push((block.name.clone(), function));
        }
        Ok(())
    }

    /// A block's body: a function of its own that sees nothing of the template around it.
    fn block_body(&mut self, block: &Block) -> Result<usize, Fault> {
        let function = self.add_function(None);
        let scope = self.scopes.open(None, function);
        if names::reads(&block.body, "self") {
            let slot = self.scopes.parameter(scope, &"self".into());
            self.emit(function, Op::LoadSelf);
            self.emit(function, Op::Store(slot));
        }
        if names::reads(&block.body, "super") {
            let slot = self.scopes.parameter(scope, &"super".into());
            let name = self.name(&block.name);
            self.emit(function, Op::LoadSuper(name));
            self.emit(function, Op::Store(slot));
        }
        self.scopes.body(scope, &block.body);
        let frame =
            Frame { function, scope, toplevel: false, rootlevel: false, soft: false, checks_output: false };
        self.enter(frame);
        self.statements(&block.body, frame)?;
        Ok(function)
    }

    fn add_function(&mut self, parent: Option<usize>) -> usize {
        self.template.functions.push(Function { parent, ..Function::default() });
        self.scopes.add_function()
    }

    /// Emits an instruction and answers where it is.
    fn emit(&mut self, function: usize, op: Op) -> usize {
        let place = self.place;
        let Some(function) = self.template.functions.get_mut(function) else { return 0 };
        function.ops.push(op);
        function.places.push(place);
        function.ops.len() - 1
    }

    fn here(&self, function: usize) -> Target {
        let length = self.template.functions.get(function).map_or(0, |function| function.ops.len());
        u32::try_from(length).unwrap_or(u32::MAX)
    }

    /// Lets a jump emitted before go to where the next instruction will be.
    fn land(&mut self, function: usize, jump: usize) {
        let target = self.here(function);
        self.aim(function, jump, target);
    }

    fn aim(&mut self, function: usize, jump: usize, to: Target) {
        let Some(op) = self.template.functions.get_mut(function).and_then(|body| body.ops.get_mut(jump))
        else {
            return;
        };
        match op {
            Op::Jump(target)
            | Op::JumpIfFalse(target)
            | Op::JumpIfFalseOrPop(target)
            | Op::JumpIfTrueOrPop(target)
            | Op::ForNext(target)
            | Op::ForElse(target)
            | Op::SkipIfParent(target)
            | Op::JumpIfSet { target, .. } => *target = to,
            _ => {}
        }
    }

    /// Gives the variables of a scope what they start with.
    fn enter(&mut self, frame: Frame) {
        for (slot, name, start, _) in self.scopes.starts(frame.scope) {
            self.start_variable(frame.function, slot, &name, start);
        }
    }

    fn start_variable(&mut self, function: usize, slot: Slot, name: &Arc<str>, start: Start) {
        match start {
            Start::Parameter => {}
            Start::Context => {
                let name = self.name(name);
                self.emit(function, Op::Resolve { name, slot });
            }
            Start::Alias(reference) => {
                let from = self.variable(function, reference);
                self.emit(function, Op::Copy { from, to: slot });
            }
            Start::Empty => {
                self.emit(function, Op::Clear { first: slot, count: 1 });
            }
        }
    }

    /// Empties the variables of a scope.
    fn leave(&mut self, frame: Frame) {
        let slots: Vec<Slot> = self.scopes.starts(frame.scope).into_iter().map(|(slot, ..)| slot).collect();
        let mut slots = slots.into_iter().peekable();
        while let Some(first) = slots.next() {
            let mut count = 1;
            while slots.next_if(|slot| *slot == first + count).is_some() {
                count += 1;
            }
            self.emit(frame.function, Op::Clear { first, count });
        }
    }

    /// A variable as seen from a function.
    fn variable(&self, function: usize, reference: Reference) -> Variable {
        let mut depth = 0;
        let mut here = function;
        while here != reference.function {
            match self.template.functions.get(here).and_then(|function| function.parent) {
                Some(parent) => here = parent,
                None => break,
            }
            depth += 1;
        }
        Variable { depth, slot: reference.slot }
    }

    fn name(&mut self, name: &Arc<str>) -> u32 {
        if let Some(index) = self.interned.names.get(name) {
            return *index;
        }
        let index = count(&self.template.names);
        self.template.names.push(name.clone());
        self.interned.names.insert(name.clone(), index);
        index
    }

    fn constant(&mut self, constant: &Constant) -> u32 {
        if let Constant::Str(text) = constant {
            if let Some(index) = self.interned.strings.get(text) {
                return *index;
            }
            self.interned.strings.insert(text.clone(), count(&self.template.constants));
        }
        self.template.constants.push(constant.clone());
        count(&self.template.constants) - 1
    }

    fn shape(&mut self, shape: CallShape) -> u32 {
        if let Some(index) = self.interned.shapes.get(&shape) {
            return *index;
        }
        let index = count(&self.template.shapes);
        self.template.shapes.push(shape.clone());
        self.interned.shapes.insert(shape, index);
        index
    }

    fn literal(&mut self, text: &Arc<str>, place: Place) -> u32 {
        self.template.literals.push(Literal { text: text.clone(), place });
        count(&self.template.literals) - 1
    }

    /// The variables an include or import passes on.
    fn locals(&mut self, frame: Frame) -> u32 {
        let stored = self.scopes.stored(frame.scope);
        let locals = stored.into_iter().map(|(name, reference)| {
            let variable = self.variable(frame.function, reference);
            (name, variable)
        });
        let locals = locals.collect();
        self.template.locals.push(locals);
        count(&self.template.locals) - 1
    }

    /// A filter by name. Outside of branches it has to exist now.
    fn filter_index(&mut self, name: &Arc<str>, frame: Frame) -> Result<u32, Fault> {
        let function = self.environment.find_filter(name);
        self.require_callee("filter", name, function.is_some(), frame)?;
        let known = self.interned.filters.get(name).copied();
        Ok(known.unwrap_or_else(|| {
            add_callee(&mut self.template.filters, &mut self.interned.filters, name, function)
        }))
    }

    fn test_index(&mut self, name: &Arc<str>, frame: Frame) -> Result<u32, Fault> {
        let function = self.environment.find_test(name);
        self.require_callee("test", name, function.is_some(), frame)?;
        let known = self.interned.tests.get(name).copied();
        Ok(known.unwrap_or_else(|| {
            add_callee(&mut self.template.tests, &mut self.interned.tests, name, function)
        }))
    }

    fn require_callee(&self, what: &str, name: &str, exists: bool, frame: Frame) -> Result<(), Fault> {
        if exists || frame.soft {
            return Ok(());
        }
        let fault = self.assertion(format!("No {what} named {}.", crate::value::text::quote(name)));
        Err(if what == "filter" {
            fault.did_you_mean(name, self.environment.filter_names()).or_hint(format!(
                "neither Jinja nor Salt has it; a function is called as `{name}(…)`, a module's as `salt['m.{name}'](…)`"
            ))
        } else {
            fault
                .did_you_mean(name, self.environment.test_names())
                .or_hint("values are compared with `==`; `is` asks tests such as `defined`, `none`, `string`")
        })
    }

    fn assertion(&self, message: impl Into<String>) -> Fault {
        Fault::new(ErrorKind::Assertion, message, self.place)
    }
}

fn add_callee(
    list: &mut Vec<Callee>,
    interned: &mut HashMap<Arc<str>, u32>,
    name: &Arc<str>,
    function: Option<Arc<NativeFunction>>,
) -> u32 {
    let index = count(list);
    list.push(Callee { name: name.clone(), function });
    interned.insert(name.clone(), index);
    index
}

fn count<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

/// All blocks, outer ones first, and whether there is an `extends`.
fn find_blocks<'a>(body: &'a [Statement], blocks: &mut Vec<(&'a Block, Place)>, extends: &mut bool) {
    for statement in body {
        match &statement.kind {
            StatementKind::Block(block) => {
                blocks.push((block, statement.place));
                find_blocks(&block.body, blocks, extends);
            }
            StatementKind::Extends(_) => *extends = true,
            StatementKind::For(node) => {
                find_blocks(&node.body, blocks, extends);
                find_blocks(&node.otherwise, blocks, extends);
            }
            StatementKind::If(node) => {
                for (_, body) in &node.branches {
                    find_blocks(body, blocks, extends);
                }
                find_blocks(&node.otherwise, blocks, extends);
            }
            StatementKind::Macro(node) => find_blocks(&node.body, blocks, extends),
            StatementKind::CallBlock(node) => find_blocks(&node.body, blocks, extends),
            StatementKind::FilterBlock { body, .. }
            | StatementKind::SetBlock { body, .. }
            | StatementKind::With { body, .. }
            | StatementKind::Autoescape { body, .. } => find_blocks(body, blocks, extends),
            _ => {}
        }
    }
}

/// Whether a body holds a block that sees the variables around it.
fn has_scoped_block(body: &[Statement]) -> bool {
    let mut blocks = Vec::new();
    find_blocks(body, &mut blocks, &mut false);
    blocks.iter().any(|(block, _)| block.scoped)
}

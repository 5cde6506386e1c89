//! A compiled template: functions of instructions for a stack machine.
//!
//! Variables live in numbered slots of their function's frame; a nested function (a macro, a
//! recursive loop, a loop's filter) reaches its surroundings by how many functions out and which
//! slot. Nothing in here belongs to one rendering, so a template is shared between threads.

use std::sync::Arc;

use crate::ast::{BinaryOperator, Constant, Place};
use crate::environment::NativeFunction;
use crate::value::compare::Order;

/// A slot of a frame.
pub(crate) type Slot = u16;

/// Where in the instructions.
pub(crate) type Target = u32;

/// A variable as seen from a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// How many functions out.
    pub(crate) depth: u16,
    pub(crate) slot: Slot,
}

/// One instruction. Comments show the stack before and after, top at the right.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// -> value
    Constant(u32),
    /// -> value (undefined when the slot is empty)
    Load(Slot),
    /// -> value
    LoadOuter(Variable),
    /// value ->
    Store(Slot),
    /// Empties slots.
    Clear {
        first: Slot,
        count: u16,
    },
    /// Copies a variable, emptiness included.
    Copy {
        from: Variable,
        to: Slot,
    },
    /// Looks a name up in the context.
    Resolve {
        name: u32,
        slot: Slot,
    },
    /// Makes a variable visible to importers and to the context.
    Export {
        name: u32,
        slot: Slot,
    },
    /// Makes an imported name visible to the context only.
    ExportImported {
        name: u32,
        slot: Slot,
    },
    /// Writes template text.
    Data(u32),
    /// value ->, written
    Emit,
    BeginCapture,
    /// -> text
    EndCapture,
    /// items -> tuple
    BuildTuple(u32),
    BuildList(u32),
    /// key value key value -> dict
    BuildDict(u32),
    Binary(BinaryOperator),
    Negate,
    Positive,
    Not,
    /// values -> text
    Concatenate(u32),
    Equal,
    NotEqual,
    Ordered(Order),
    In,
    NotIn,
    /// a -> a a
    Duplicate,
    /// a b -> b a b
    TuckCopy,
    /// a b -> b
    DropUnder,
    Pop,
    Jump(Target),
    /// value ->
    JumpIfFalse(Target),
    /// value -> value if it jumps, nothing if not
    JumpIfFalseOrPop(Target),
    JumpIfTrueOrPop(Target),
    /// Jumps when the slot holds something.
    JumpIfSet {
        slot: Slot,
        target: Target,
    },
    /// Marks a parameter that was not given.
    MissingParameter(Slot),
    /// -> undefined: an inline `if` without `else` whose test failed
    MissingElse,
    /// object -> value
    Attribute(u32),
    /// object index -> value
    Item,
    /// object start stop step -> value
    Slice,
    /// callee arguments -> value, or written
    Call {
        shape: u32,
        emit: bool,
    },
    /// object arguments -> value, or written
    CallMethod {
        name: u32,
        shape: u32,
        emit: bool,
    },
    /// input arguments -> value
    Filter {
        filter: u32,
        shape: u32,
    },
    Test {
        test: u32,
        shape: u32,
    },
    /// iterable ->
    ForStart {
        extended: bool,
        recursive: bool,
    },
    /// Puts the loop object into a slot.
    StoreLoop(Slot),
    /// -> item, or jumps at the end
    ForNext(Target),
    /// The body ran to its end.
    ForMark,
    ForEnd,
    /// Ends the loop and jumps over `else` if the body ran to its end.
    ForElse(Target),
    /// iterable -> iterable of the items a function accepts
    FilterItems(u32),
    /// iterable ->, the recursive loop's text written
    RunRecursive(u32),
    /// value -> items, the last on top first (so that stores take them in order)
    Unpack(u32),
    /// -> macro
    MakeMacro(u32),
    /// name ->
    Include {
        ignore_missing: bool,
        context: Option<u32>,
    },
    /// name -> module
    Import {
        context: Option<u32>,
    },
    /// module -> module value
    ImportName(u32),
    /// name ->
    Extends,
    SkipIfParent(Target),
    RenderParent,
    Block {
        name: u32,
        locals: Option<u32>,
        required: bool,
    },
    /// -> `self`
    LoadSelf,
    /// -> `super()`'s block
    LoadSuper(u32),
    /// namespace ->
    CheckNamespace,
    /// value namespace ->
    SetAttribute(u32),
    /// enabled ->
    BeginAutoescape,
    EndAutoescape,
    /// value ->, the function's answer
    Return,
}

/// A compiled template. Compiled once, rendered any number of times, on any thread.
#[derive(Debug)]
pub struct Template {
    /// The first is the template's body.
    pub(crate) functions: Vec<Function>,
    /// Block names and the functions of their bodies.
    pub(crate) blocks: Vec<(Arc<str>, usize)>,
    pub(crate) constants: Vec<Constant>,
    pub(crate) names: Vec<Arc<str>>,
    pub(crate) literals: Vec<Literal>,
    pub(crate) shapes: Vec<CallShape>,
    /// Which local variables an include, import or scoped block passes on.
    pub(crate) locals: Vec<Vec<(Arc<str>, Variable)>>,
    pub(crate) filters: Vec<Callee>,
    pub(crate) tests: Vec<Callee>,
    /// The byte offsets where the source's lines begin.
    pub(crate) lines: Vec<u32>,
}

/// Template text between tags.
#[derive(Debug)]
pub(crate) struct Literal {
    pub(crate) text: Arc<str>,
    pub(crate) place: Place,
}

/// A filter or test by name; absent when only a branch not taken may use it.
pub(crate) struct Callee {
    pub(crate) name: Arc<str>,
    pub(crate) function: Option<Arc<NativeFunction>>,
}

impl std::fmt::Debug for Callee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// What arguments a call pushes: positional ones, `*`, keyword values, `**`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct CallShape {
    pub(crate) positional: u32,
    pub(crate) star: bool,
    pub(crate) keywords: Vec<Arc<str>>,
    pub(crate) double_star: bool,
}

/// A body of instructions.
#[derive(Debug, Default)]
pub(crate) struct Function {
    /// A macro's name.
    pub(crate) name: Option<Arc<str>>,
    /// The function around it.
    pub(crate) parent: Option<usize>,
    pub(crate) ops: Vec<Op>,
    /// Where each instruction comes from.
    pub(crate) places: Vec<Place>,
    /// The variable in each slot.
    pub(crate) slots: Vec<Arc<str>>,
    pub(crate) parameters: Vec<Parameter>,
    /// Where a macro takes `caller`, `kwargs` and `varargs`, if it mentions them.
    pub(crate) caller: Option<Slot>,
    pub(crate) keywords: Option<Slot>,
    pub(crate) varargs: Option<Slot>,
    /// Whether `caller` is an ordinary parameter.
    pub(crate) explicit_caller: bool,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Arc<str>,
    pub(crate) slot: Slot,
}

impl Template {
    /// The function some functions out of another one.
    pub(crate) fn outer_function(&self, index: usize, depth: u16) -> usize {
        let outer = |index: usize| self.functions.get(index).and_then(|function| function.parent);
        (0..depth).fold(index, |index, _| outer(index).unwrap_or(index))
    }

    /// The line a place is on, from 1.
    pub(crate) fn line(&self, place: Place) -> usize {
        self.lines.partition_point(|start| *start <= place.start).max(1)
    }
}

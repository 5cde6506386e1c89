//! The template as a tree.

use std::sync::Arc;

use num_bigint::BigInt;

/// Bytes of the template's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Place {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: clamp(start), end: clamp(end) }
    }

    pub(crate) fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    None,
    Bool(bool),
    Int(i64),
    Big(Arc<BigInt>),
    Float(f64),
    Str(Arc<str>),
}

/// An expression and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) kind: ExpressionKind,
    pub(crate) place: Place,
    /// How many expressions are inside one another, this one included.
    pub(crate) height: u16,
}

#[derive(Clone, Debug)]
pub(crate) enum ExpressionKind {
    Constant(Constant),
    Name(Arc<str>),
    Tuple(Vec<Expression>),
    List(Vec<Expression>),
    Dict(Vec<(Expression, Expression)>),
    /// `then if test else otherwise`
    Conditional(Box<Conditional>),
    And(Box<(Expression, Expression)>),
    Or(Box<(Expression, Expression)>),
    Not(Box<Expression>),
    Negate(Box<Expression>),
    Positive(Box<Expression>),
    Binary(BinaryOperator, Box<(Expression, Expression)>),
    Concatenate(Vec<Expression>),
    Compare(Box<Expression>, Vec<(Comparison, Expression)>),
    Attribute(Box<Expression>, Arc<str>),
    Item(Box<(Expression, Expression)>),
    Slice(Box<Slice>),
    Call(Box<Expression>, Arguments),
    /// The input is absent in `{% filter upper %}` and `{% set x | upper %}`.
    Filter(Option<Box<Expression>>, Arc<str>, Arguments),
    Test(Box<Expression>, Arc<str>, Arguments),
}

#[derive(Clone, Debug)]
pub(crate) struct Conditional {
    pub(crate) test: Expression,
    pub(crate) then: Expression,
    pub(crate) otherwise: Option<Expression>,
}

#[derive(Clone, Debug)]
pub(crate) struct Slice {
    pub(crate) object: Expression,
    pub(crate) bounds: [Option<Expression>; 3],
}

pub(crate) use crate::value::arithmetic::Operator as BinaryOperator;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
}

/// What stands between the parentheses of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) positional: Vec<Expression>,
    pub(crate) keyword: Vec<(Arc<str>, Expression)>,
    /// `*expression`
    pub(crate) star: Option<Box<Expression>>,
    /// `**expression`
    pub(crate) double_star: Option<Box<Expression>>,
}

/// What can be assigned to.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Name(Arc<str>),
    Tuple(Vec<Target>, Place),
    /// `namespace.attribute`
    Attribute(Arc<str>, Arc<str>),
}

/// A statement and where its tag stands.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) kind: StatementKind,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum StatementKind {
    Output(Vec<Output>),
    For(Box<For>),
    If(If),
    Macro(Macro),
    CallBlock(Box<CallBlock>),
    FilterBlock { filter: Box<Expression>, body: Vec<Statement> },
    Set { target: Target, value: Box<Expression> },
    SetBlock { target: Target, filter: Option<Box<Expression>>, body: Vec<Statement> },
    With { bindings: Vec<(Target, Expression)>, body: Vec<Statement> },
    Block(Block),
    Extends(Box<Expression>),
    Include { template: Box<Expression>, ignore_missing: bool, with_context: bool },
    Import { template: Box<Expression>, target: Arc<str>, with_context: bool },
    FromImport { template: Box<Expression>, names: Vec<ImportedName>, with_context: bool },
    Do(Box<Expression>),
    Autoescape { enabled: Box<Expression>, body: Vec<Statement> },
    Break,
    Continue,
}

#[derive(Clone, Debug)]
pub(crate) enum Output {
    Data(Arc<str>, Place),
    Expression(Expression),
}

#[derive(Clone, Debug)]
pub(crate) struct For {
    pub(crate) target: Target,
    pub(crate) iterable: Expression,
    pub(crate) test: Option<Expression>,
    pub(crate) recursive: bool,
    pub(crate) body: Vec<Statement>,
    pub(crate) otherwise: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(crate) struct If {
    /// `if` and every `elif`.
    pub(crate) branches: Vec<(Expression, Vec<Statement>)>,
    pub(crate) otherwise: Vec<Statement>,
}

/// Parameters with their defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signature {
    pub(crate) parameters: Vec<(Arc<str>, Option<Expression>)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Macro {
    pub(crate) name: Arc<str>,
    pub(crate) signature: Signature,
    pub(crate) body: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(crate) struct CallBlock {
    pub(crate) call: Expression,
    pub(crate) signature: Signature,
    pub(crate) body: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) name: Arc<str>,
    pub(crate) scoped: bool,
    pub(crate) required: bool,
    pub(crate) body: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(crate) struct ImportedName {
    pub(crate) name: Arc<str>,
    pub(crate) alias: Arc<str>,
}

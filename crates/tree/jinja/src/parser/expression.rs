//! Expressions.

use super::{Fault, HEIGHT, Parser};
use crate::ast::{BinaryOperator, Comparison, Conditional, Expression, ExpressionKind, Place};
use crate::error::ErrorKind;
use crate::lexer::{Symbol, TokenKind};

/// How tight a binary operator binds; `or` least. `not` stands between `and` and the comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Compare,
    Sum,
    Concatenate,
    Product,
    Power,
    Unary,
}

impl Level {
    fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Compare,
            Self::Compare => Self::Sum,
            Self::Sum => Self::Concatenate,
            Self::Concatenate => Self::Product,
            Self::Product => Self::Power,
            Self::Power | Self::Unary => Self::Unary,
        }
    }
}

impl Parser<'_> {
    /// A whole expression, inline `if` included.
    pub(super) fn expression(&mut self) -> Result<Expression, Fault> {
        self.nested(|this| {
            let mut then = this.binary(Level::Or)?;
            while this.skip_name("if")? {
                let test = this.binary(Level::Or)?;
                let otherwise = if this.skip_name("else")? { Some(this.expression()?) } else { None };
                let place = then.place.to(otherwise.as_ref().unwrap_or(&test).place);
                let height =
                    then.height.max(test.height).max(otherwise.as_ref().map_or(0, |other| other.height));
                let kind = ExpressionKind::Conditional(Box::new(Conditional { test, then, otherwise }));
                then = grown(kind, place, height)?;
            }
            Ok(then)
        })
    }

    /// An expression without inline `if`.
    pub(super) fn expression_without_condition(&mut self) -> Result<Expression, Fault> {
        self.nested(|this| this.binary(Level::Or))
    }

    /// Everything that binds at least as tight as a level.
    fn binary(&mut self, level: Level) -> Result<Expression, Fault> {
        if level <= Level::Not && self.is_name("not") {
            let not = self.prefix_not()?;
            return self.binary_rest(not, level, Level::Not);
        }
        let left = self.unary(true)?;
        self.binary_rest(left, level, Level::Unary)
    }

    fn prefix_not(&mut self) -> Result<Expression, Fault> {
        let start = self.place();
        self.advance()?;
        let operand = self.nested(|this| this.binary(Level::Not))?;
        let (place, height) = (start.to(operand.place), operand.height);
        grown(ExpressionKind::Not(Box::new(operand)), place, height)
    }

    /// Takes operators that bind looser than what has been read and at least as tight as `lowest`.
    fn binary_rest(
        &mut self,
        mut left: Expression,
        lowest: Level,
        mut read: Level,
    ) -> Result<Expression, Fault> {
        while let Some(level) = self.operator_level() {
            if level < lowest || level > read {
                break;
            }
            left = match level {
                Level::Compare => self.comparison(left)?,
                Level::Concatenate => self.concatenation(left)?,
                Level::Or => {
                    self.advance()?;
                    let right = self.binary(level.tighter())?;
                    pair(ExpressionKind::Or, left, right)?
                }
                Level::And => {
                    self.advance()?;
                    let right = self.binary(level.tighter())?;
                    pair(ExpressionKind::And, left, right)?
                }
                _ => {
                    let Some(operator) = self.arithmetic_operator() else { break };
                    self.advance()?;
                    let right = self.binary(level.tighter())?;
                    pair(|pair| ExpressionKind::Binary(operator, pair), left, right)?
                }
            };
            read = level;
        }
        Ok(left)
    }

    fn operator_level(&self) -> Option<Level> {
        Some(match &self.token().kind {
            TokenKind::Name(name) => match &**name {
                "or" => Level::Or,
                "and" => Level::And,
                "in" => Level::Compare,
                "not" if matches!(&self.look().kind, TokenKind::Name(next) if &**next == "in") => {
                    Level::Compare
                }
                _ => return None,
            },
            TokenKind::Symbol(symbol) => match symbol {
                Symbol::Equal
                | Symbol::NotEqual
                | Symbol::Less
                | Symbol::LessEqual
                | Symbol::Greater
                | Symbol::GreaterEqual => Level::Compare,
                Symbol::Add | Symbol::Subtract => Level::Sum,
                Symbol::Tilde => Level::Concatenate,
                Symbol::Multiply | Symbol::Divide | Symbol::FloorDivide | Symbol::Remainder => Level::Product,
                Symbol::Power => Level::Power,
                _ => return None,
            },
            _ => return None,
        })
    }

    fn arithmetic_operator(&self) -> Option<BinaryOperator> {
        let TokenKind::Symbol(symbol) = self.token().kind else { return None };
        Some(match symbol {
            Symbol::Add => BinaryOperator::Add,
            Symbol::Subtract => BinaryOperator::Subtract,
            Symbol::Multiply => BinaryOperator::Multiply,
            Symbol::Divide => BinaryOperator::Divide,
            Symbol::FloorDivide => BinaryOperator::FloorDivide,
            Symbol::Remainder => BinaryOperator::Remainder,
            Symbol::Power => BinaryOperator::Power,
            _ => return None,
        })
    }

    /// `a < b <= c`, `a in b`, `a not in b`
    fn comparison(&mut self, first: Expression) -> Result<Expression, Fault> {
        let (mut place, mut height) = (first.place, first.height);
        let mut rest = Vec::new();
        while self.operator_level() == Some(Level::Compare) {
            let operator = match &self.token().kind {
                TokenKind::Symbol(Symbol::Equal) => Comparison::Equal,
                TokenKind::Symbol(Symbol::NotEqual) => Comparison::NotEqual,
                TokenKind::Symbol(Symbol::Less) => Comparison::Less,
                TokenKind::Symbol(Symbol::LessEqual) => Comparison::LessEqual,
                TokenKind::Symbol(Symbol::Greater) => Comparison::Greater,
                TokenKind::Symbol(Symbol::GreaterEqual) => Comparison::GreaterEqual,
                TokenKind::Name(name) if &**name == "in" => Comparison::In,
                _ => {
                    self.advance()?;
                    Comparison::NotIn
                }
            };
            self.advance()?;
            let operand = self.binary(Level::Sum)?;
            place = place.to(operand.place);
            height = height.max(operand.height);
            rest.push((operator, operand));
        }
        grown(ExpressionKind::Compare(Box::new(first), rest), place, height)
    }

    /// `a ~ b ~ c`
    fn concatenation(&mut self, first: Expression) -> Result<Expression, Fault> {
        let mut parts = vec![first];
        while self.skip_symbol(Symbol::Tilde)? {
            parts.push(self.binary(Level::Product)?);
        }
        sequence(ExpressionKind::Concatenate, parts, None)
    }

    /// Signs, then a primary with everything that follows it.
    fn unary(&mut self, with_filters: bool) -> Result<Expression, Fault> {
        let start = self.place();
        let negative = self.is_symbol(Symbol::Subtract);
        let mut node = if negative || self.is_symbol(Symbol::Add) {
            self.advance()?;
            let operand = self.nested(|this| this.unary(false))?;
            let (place, height) = (start.to(operand.place), operand.height);
            let operand = Box::new(operand);
            let kind =
                if negative { ExpressionKind::Negate(operand) } else { ExpressionKind::Positive(operand) };
            grown(kind, place, height)?
        } else {
            self.primary()?
        };
        node = self.postfix(node)?;
        if with_filters { self.filters_and_tests(node) } else { Ok(node) }
    }
}

/// A node over others of the given height.
pub(super) fn grown(kind: ExpressionKind, place: Place, height: u16) -> Result<Expression, Fault> {
    if height >= HEIGHT {
        let fault = Fault::new(ErrorKind::Limit, "the expression is nested too deeply", place);
        return Err(fault.hint("set parts of it first: `{% set part = … %}`"));
    }
    Ok(Expression { kind, place, height: height + 1 })
}

pub(super) fn sequence(
    make: impl FnOnce(Vec<Expression>) -> ExpressionKind,
    parts: Vec<Expression>,
    place: Option<Place>,
) -> Result<Expression, Fault> {
    let covered = match (parts.first(), parts.last()) {
        (Some(first), Some(last)) => first.place.to(last.place),
        _ => Place::default(),
    };
    let height = parts.iter().map(|part| part.height).max().unwrap_or(0);
    grown(make(parts), place.unwrap_or(covered), height)
}

fn pair(
    make: impl FnOnce(Box<(Expression, Expression)>) -> ExpressionKind,
    left: Expression,
    right: Expression,
) -> Result<Expression, Fault> {
    let (place, height) = (left.place.to(right.place), left.height.max(right.height));
    grown(make(Box::new((left, right))), place, height)
}

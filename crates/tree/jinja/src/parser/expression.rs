//! Expressions.

use std::sync::Arc;

use num_traits::ToPrimitive;

use super::{Fault, HEIGHT, Parser};
use crate::ast::{
    Arguments, BinaryOperator, Comparison, Conditional, Constant, Expression, ExpressionKind, Place, Slice,
};
use crate::error::ErrorKind;
use crate::lexer::{Symbol, TokenKind};
use crate::value::text::quote;

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

/// What may end a tuple without parentheses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TupleEnd {
    /// The end of the tag.
    Tag,
    /// Also the given word.
    Word(&'static str),
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
                then = this.grown(kind, place, height)?;
            }
            Ok(then)
        })
    }

    /// An expression without inline `if`.
    pub(super) fn expression_without_condition(&mut self) -> Result<Expression, Fault> {
        self.nested(|this| this.binary(Level::Or))
    }

    /// A node over others of the given height.
    fn grown(&self, kind: ExpressionKind, place: Place, height: u16) -> Result<Expression, Fault> {
        if height >= HEIGHT {
            return Err(Fault::new(ErrorKind::Limit, "the expression is nested too deeply", place));
        }
        Ok(Expression { kind, place, height: height + 1 })
    }

    fn pair(
        &self,
        make: impl FnOnce(Box<(Expression, Expression)>) -> ExpressionKind,
        left: Expression,
        right: Expression,
    ) -> Result<Expression, Fault> {
        let (place, height) = (left.place.to(right.place), left.height.max(right.height));
        self.grown(make(Box::new((left, right))), place, height)
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
        self.grown(ExpressionKind::Not(Box::new(operand)), place, height)
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
                    self.pair(ExpressionKind::Or, left, right)?
                }
                Level::And => {
                    self.advance()?;
                    let right = self.binary(level.tighter())?;
                    self.pair(ExpressionKind::And, left, right)?
                }
                _ => {
                    let Some(operator) = self.arithmetic_operator() else { break };
                    self.advance()?;
                    let right = self.binary(level.tighter())?;
                    self.pair(|pair| ExpressionKind::Binary(operator, pair), left, right)?
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
        self.grown(ExpressionKind::Compare(Box::new(first), rest), place, height)
    }

    /// `a ~ b ~ c`
    fn concatenation(&mut self, first: Expression) -> Result<Expression, Fault> {
        let mut parts = vec![first];
        while self.skip_symbol(Symbol::Tilde)? {
            parts.push(self.binary(Level::Product)?);
        }
        self.sequence(ExpressionKind::Concatenate, parts, None)
    }

    fn sequence(
        &self,
        make: impl FnOnce(Vec<Expression>) -> ExpressionKind,
        parts: Vec<Expression>,
        place: Option<Place>,
    ) -> Result<Expression, Fault> {
        let covered = match (parts.first(), parts.last()) {
            (Some(first), Some(last)) => first.place.to(last.place),
            _ => Place::default(),
        };
        let height = parts.iter().map(|part| part.height).max().unwrap_or(0);
        self.grown(make(parts), place.unwrap_or(covered), height)
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
            self.grown(kind, place, height)?
        } else {
            self.primary()?
        };
        node = self.postfix(node)?;
        if with_filters { self.filters_and_tests(node) } else { Ok(node) }
    }

    pub(super) fn primary(&mut self) -> Result<Expression, Fault> {
        let place = self.place();
        let kind = match self.token().kind.clone() {
            TokenKind::Name(name) => {
                self.advance()?;
                match &*name {
                    "true" | "True" => ExpressionKind::Constant(Constant::Bool(true)),
                    "false" | "False" => ExpressionKind::Constant(Constant::Bool(false)),
                    "none" | "None" => ExpressionKind::Constant(Constant::None),
                    _ => ExpressionKind::Name(name),
                }
            }
            TokenKind::Str(text) => return self.strings(text, place),
            TokenKind::Int(number) => {
                self.advance()?;
                ExpressionKind::Constant(match number.to_i64() {
                    Some(small) => Constant::Int(small),
                    None => Constant::Big(Arc::new(number)),
                })
            }
            TokenKind::Float(number) => {
                self.advance()?;
                ExpressionKind::Constant(Constant::Float(number))
            }
            TokenKind::Symbol(Symbol::LeftParenthesis) => {
                self.advance()?;
                let mut inner = self.tuple(true, true, TupleEnd::Tag)?;
                self.expect_symbol(Symbol::RightParenthesis)?;
                inner.place = Place { start: place.start, end: self.end_of_last() };
                return Ok(inner);
            }
            TokenKind::Symbol(Symbol::LeftBracket) => return self.list(),
            TokenKind::Symbol(Symbol::LeftBrace) => return self.dict(),
            kind => return self.fail(format!("unexpected {}", quote(kind.describe()))),
        };
        self.grown(kind, place, 0)
    }

    /// Adjacent literals are one.
    fn strings(&mut self, first: Arc<str>, mut place: Place) -> Result<Expression, Fault> {
        self.advance()?;
        let mut text = first;
        while let TokenKind::Str(next) = self.token().kind.clone() {
            place = place.to(self.place());
            text = [&*text, &*next].concat().into();
            self.advance()?;
        }
        self.grown(ExpressionKind::Constant(Constant::Str(text)), place, 0)
    }

    /// One expression, or several with commas between them as a tuple.
    pub(super) fn tuple(
        &mut self,
        with_condition: bool,
        parenthesized: bool,
        end: TupleEnd,
    ) -> Result<Expression, Fault> {
        let mut items = Vec::new();
        let mut is_tuple = false;
        let start = self.place();
        loop {
            if !items.is_empty() {
                self.expect_symbol(Symbol::Comma)?;
            }
            if self.at_tuple_end(end) {
                break;
            }
            items.push(if with_condition {
                self.expression()?
            } else {
                self.expression_without_condition()?
            });
            if !self.is_symbol(Symbol::Comma) {
                break;
            }
            is_tuple = true;
        }
        if !is_tuple {
            if let Some(only) = items.pop() {
                return Ok(only);
            }
            if !parenthesized {
                let found = quote(self.token().kind.describe());
                return self.fail(format!("Expected an expression, got {found}"));
            }
        }
        let place = Place { start: start.start, end: self.end_of_last().max(start.start) };
        self.sequence(ExpressionKind::Tuple, items, Some(place))
    }

    pub(super) fn at_tuple_end(&self, end: TupleEnd) -> bool {
        match &self.token().kind {
            TokenKind::VariableEnd
            | TokenKind::BlockEnd
            | TokenKind::Symbol(Symbol::RightParenthesis) => true,
            _ => matches!(end, TupleEnd::Word(word) if self.is_name(word)),
        }
    }

    fn list(&mut self) -> Result<Expression, Fault> {
        let start = self.place();
        self.expect_symbol(Symbol::LeftBracket)?;
        let mut items = Vec::new();
        while !self.is_symbol(Symbol::RightBracket) {
            if !items.is_empty() {
                self.expect_symbol(Symbol::Comma)?;
                if self.is_symbol(Symbol::RightBracket) {
                    break;
                }
            }
            items.push(self.expression()?);
        }
        self.expect_symbol(Symbol::RightBracket)?;
        let place = Place { start: start.start, end: self.end_of_last() };
        self.sequence(ExpressionKind::List, items, Some(place))
    }

    fn dict(&mut self) -> Result<Expression, Fault> {
        let start = self.place();
        self.expect_symbol(Symbol::LeftBrace)?;
        let mut entries: Vec<(Expression, Expression)> = Vec::new();
        while !self.is_symbol(Symbol::RightBrace) {
            if !entries.is_empty() {
                self.expect_symbol(Symbol::Comma)?;
                if self.is_symbol(Symbol::RightBrace) {
                    break;
                }
            }
            let key = self.expression()?;
            self.expect_symbol(Symbol::Colon)?;
            entries.push((key, self.expression()?));
        }
        self.expect_symbol(Symbol::RightBrace)?;
        let place = Place { start: start.start, end: self.end_of_last() };
        let height = entries.iter().map(|(key, value)| key.height.max(value.height)).max().unwrap_or(0);
        self.grown(ExpressionKind::Dict(entries), place, height)
    }

    /// Attributes, items and calls.
    pub(super) fn postfix(&mut self, mut node: Expression) -> Result<Expression, Fault> {
        loop {
            node = match self.token().kind {
                TokenKind::Symbol(Symbol::Dot) => self.attribute(node)?,
                TokenKind::Symbol(Symbol::LeftBracket) => self.subscript(node)?,
                TokenKind::Symbol(Symbol::LeftParenthesis) => self.call(node)?,
                _ => return Ok(node),
            };
        }
    }

    fn filters_and_tests(&mut self, mut node: Expression) -> Result<Expression, Fault> {
        loop {
            node = match &self.token().kind {
                TokenKind::Symbol(Symbol::Pipe) => {
                    self.advance()?;
                    self.filter(Some(node))?
                }
                TokenKind::Symbol(Symbol::LeftParenthesis) => self.call(node)?,
                TokenKind::Name(name) if &**name == "is" => self.test(node)?,
                _ => return Ok(node),
            };
        }
    }

    fn attribute(&mut self, object: Expression) -> Result<Expression, Fault> {
        self.advance()?;
        let place = object.place.to(self.place());
        let height = object.height;
        match self.token().kind.clone() {
            TokenKind::Name(name) => {
                self.advance()?;
                self.grown(ExpressionKind::Attribute(Box::new(object), name), place, height)
            }
            TokenKind::Int(_) => {
                let index = self.primary()?;
                self.grown(ExpressionKind::Item(Box::new((object, index))), place, height)
            }
            _ => self.fail("expected name or number"),
        }
    }

    fn subscript(&mut self, object: Expression) -> Result<Expression, Fault> {
        self.advance()?;
        if let Some(bounds) = self.slice_bounds(None)? {
            return self.finish_slice(object, bounds);
        }
        let start = self.place();
        let mut indices = Vec::new();
        while !self.is_symbol(Symbol::RightBracket) {
            if !indices.is_empty() {
                self.expect_symbol(Symbol::Comma)?;
            }
            let index = self.expression()?;
            if indices.is_empty() && self.is_symbol(Symbol::Colon) {
                if let Some(bounds) = self.slice_bounds(Some(index))? {
                    return self.finish_slice(object, bounds);
                }
                break;
            }
            indices.push(index);
        }
        self.expect_symbol(Symbol::RightBracket)?;
        let end = self.end_of_last();
        let index = match (indices.len(), indices.pop()) {
            (1, Some(index)) => index,
            (_, last) => {
                indices.extend(last);
                let place = Place { start: start.start, end };
                self.sequence(ExpressionKind::Tuple, indices, Some(place))?
            }
        };
        let place = Place { start: object.place.start, end };
        let height = object.height.max(index.height);
        self.grown(ExpressionKind::Item(Box::new((object, index))), place, height)
    }

    /// `:stop:step` after an optional start; `None` when no colon follows.
    fn slice_bounds(&mut self, start: Option<Expression>) -> Result<Option<[Option<Expression>; 3]>, Fault> {
        if !self.skip_symbol(Symbol::Colon)? {
            return Ok(None);
        }
        let mut bounds = [start, None, None];
        let ends = |this: &Self| this.is_symbol(Symbol::RightBracket) || this.is_symbol(Symbol::Comma);
        if !self.is_symbol(Symbol::Colon) && !ends(self) {
            bounds[1] = Some(self.expression()?);
        }
        if self.skip_symbol(Symbol::Colon)? && !ends(self) {
            bounds[2] = Some(self.expression()?);
        }
        Ok(Some(bounds))
    }

    fn finish_slice(
        &mut self,
        object: Expression,
        bounds: [Option<Expression>; 3],
    ) -> Result<Expression, Fault> {
        if !self.skip_symbol(Symbol::RightBracket)? {
            return self.unexpected(",");
        }
        let place = Place { start: object.place.start, end: self.end_of_last() };
        let height = bounds.iter().flatten().map(|bound| bound.height).max().unwrap_or(0).max(object.height);
        self.grown(ExpressionKind::Slice(Box::new(Slice { object, bounds })), place, height)
    }

    fn call(&mut self, callee: Expression) -> Result<Expression, Fault> {
        let arguments = self.arguments()?;
        let place = Place { start: callee.place.start, end: self.end_of_last() };
        let height = callee.height.max(arguments.height());
        self.grown(ExpressionKind::Call(Box::new(callee), arguments), place, height)
    }

    fn arguments(&mut self) -> Result<Arguments, Fault> {
        let opened = self.place();
        self.expect_symbol(Symbol::LeftParenthesis)?;
        let mut arguments = Arguments::default();
        let invalid = |this: &Self| this.fault("invalid syntax for function call expression", opened);
        let mut first = true;
        while !self.is_symbol(Symbol::RightParenthesis) {
            if !first {
                self.expect_symbol(Symbol::Comma)?;
                if self.is_symbol(Symbol::RightParenthesis) {
                    break;
                }
            }
            first = false;
            if self.is_symbol(Symbol::Multiply) {
                if arguments.star.is_some() || arguments.double_star.is_some() {
                    return Err(invalid(self));
                }
                self.advance()?;
                arguments.star = Some(Box::new(self.expression()?));
            } else if self.is_symbol(Symbol::Power) {
                if arguments.double_star.is_some() {
                    return Err(invalid(self));
                }
                self.advance()?;
                arguments.double_star = Some(Box::new(self.expression()?));
            } else if let (TokenKind::Name(name), TokenKind::Symbol(Symbol::Assign)) =
                (self.token().kind.clone(), &self.look().kind)
            {
                if arguments.double_star.is_some() {
                    return Err(invalid(self));
                }
                self.advance()?;
                self.advance()?;
                let value = self.expression()?;
                if arguments.keyword.iter().any(|(known, _)| *known == name) {
                    let message = format!("keyword argument repeated: {name}");
                    return Err(Fault::new(ErrorKind::Other("SyntaxError".into()), message, value.place));
                }
                arguments.keyword.push((name, value));
            } else {
                if arguments.star.is_some()
                    || arguments.double_star.is_some()
                    || !arguments.keyword.is_empty()
                {
                    return Err(invalid(self));
                }
                arguments.positional.push(self.expression()?);
            }
        }
        self.expect_symbol(Symbol::RightParenthesis)?;
        Ok(arguments)
    }

    /// A filter's name and arguments, the `|` taken already.
    pub(super) fn filter(&mut self, input: Option<Expression>) -> Result<Expression, Fault> {
        let (name, place) = self.dotted_name()?;
        let arguments =
            if self.is_symbol(Symbol::LeftParenthesis) { self.arguments()? } else { Arguments::default() };
        let start = input.as_ref().map_or(place.start, |input| input.place.start);
        let place = Place { start, end: self.end_of_last() };
        let height = input.as_ref().map_or(0, |input| input.height).max(arguments.height());
        self.grown(ExpressionKind::Filter(input.map(Box::new), name, arguments), place, height)
    }

    fn dotted_name(&mut self) -> Result<(Arc<str>, Place), Fault> {
        let (mut name, mut place) = self.name()?;
        while self.skip_symbol(Symbol::Dot)? {
            let (part, end) = self.name()?;
            name = format!("{name}.{part}").into();
            place = place.to(end);
        }
        Ok((name, place))
    }

    fn test(&mut self, input: Expression) -> Result<Expression, Fault> {
        self.advance()?;
        let negated = self.skip_name("not")?;
        let (name, _) = self.dotted_name()?;
        let mut arguments = Arguments::default();
        if self.is_symbol(Symbol::LeftParenthesis) {
            arguments = self.arguments()?;
        } else if self.starts_test_argument() {
            if self.is_name("is") {
                return self.fail("You cannot chain multiple tests with is");
            }
            let argument = self.nested(|this| {
                let primary = this.primary()?;
                this.postfix(primary)
            })?;
            arguments.positional.push(argument);
        }
        let place = Place { start: input.place.start, end: self.end_of_last() };
        let height = input.height.max(arguments.height());
        let test = self.grown(ExpressionKind::Test(Box::new(input), name, arguments), place, height)?;
        if !negated {
            return Ok(test);
        }
        let height = test.height;
        self.grown(ExpressionKind::Not(Box::new(test)), place, height)
    }

    fn starts_test_argument(&self) -> bool {
        match &self.token().kind {
            TokenKind::Name(name) => !matches!(&**name, "else" | "or" | "and"),
            TokenKind::Str(_) | TokenKind::Int(_) | TokenKind::Float(_) => true,
            TokenKind::Symbol(symbol) => matches!(symbol, Symbol::LeftBracket | Symbol::LeftBrace),
            _ => false,
        }
    }
}

impl Arguments {
    fn height(&self) -> u16 {
        let stars = self.star.iter().chain(&self.double_star).map(|expression| expression.height);
        let keywords = self.keyword.iter().map(|(_, value)| value.height);
        self.positional.iter().map(|value| value.height).chain(keywords).chain(stars).max().unwrap_or(0)
    }
}

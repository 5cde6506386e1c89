//! What follows a value: attributes, items, calls, filters, tests.

use std::sync::Arc;

use super::expression::{grown, sequence};
use super::{Fault, Parser, fault};
use crate::ast::{Arguments, Expression, ExpressionKind, Place, Slice};
use crate::error::ErrorKind;
use crate::lexer::{Symbol, TokenKind};

impl Parser<'_> {
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

    pub(super) fn filters_and_tests(&mut self, mut node: Expression) -> Result<Expression, Fault> {
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
                grown(ExpressionKind::Attribute(Box::new(object), name), place, height)
            }
            TokenKind::Int(_) => {
                let index = self.primary()?;
                grown(ExpressionKind::Item(Box::new((object, index))), place, height)
            }
            _ => self.fail(
                "expected name or number",
                "write a key after the dot; any other goes in brackets: `x['a-b']`",
            ),
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
                sequence(ExpressionKind::Tuple, indices, Some(place))?
            }
        };
        let place = Place { start: object.place.start, end };
        let height = object.height.max(index.height);
        grown(ExpressionKind::Item(Box::new((object, index))), place, height)
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
        grown(ExpressionKind::Slice(Box::new(Slice { object, bounds })), place, height)
    }

    fn call(&mut self, callee: Expression) -> Result<Expression, Fault> {
        let arguments = self.arguments()?;
        let place = Place { start: callee.place.start, end: self.end_of_last() };
        let height = callee.height.max(arguments.height());
        grown(ExpressionKind::Call(Box::new(callee), arguments), place, height)
    }

    fn arguments(&mut self) -> Result<Arguments, Fault> {
        let opened = self.place();
        self.expect_symbol(Symbol::LeftParenthesis)?;
        let mut arguments = Arguments::default();
        let invalid = || {
            let hint = "arguments by position come first, those by name after them: `f(1, two=2)`";
            fault("invalid syntax for function call expression", opened, hint)
        };
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
                    return Err(invalid());
                }
                self.advance()?;
                arguments.star = Some(Box::new(self.expression()?));
            } else if self.is_symbol(Symbol::Power) {
                if arguments.double_star.is_some() {
                    return Err(invalid());
                }
                self.advance()?;
                arguments.double_star = Some(Box::new(self.expression()?));
            } else if let (TokenKind::Name(name), TokenKind::Symbol(Symbol::Assign)) =
                (self.token().kind.clone(), &self.look().kind)
            {
                if arguments.double_star.is_some() {
                    return Err(invalid());
                }
                self.advance()?;
                self.advance()?;
                let value = self.expression()?;
                if arguments.keyword.iter().any(|(known, _)| *known == name) {
                    let message = format!("keyword argument repeated: {name}");
                    let fault = Fault::new(ErrorKind::Other("SyntaxError".into()), message, value.place);
                    return Err(fault.hint("give it once"));
                }
                arguments.keyword.push((name, value));
            } else {
                if arguments.star.is_some()
                    || arguments.double_star.is_some()
                    || !arguments.keyword.is_empty()
                {
                    return Err(invalid());
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
        grown(ExpressionKind::Filter(input.map(Box::new), name, arguments), place, height)
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
                return self
                    .fail("You cannot chain multiple tests with is", "join them: `(x is a) and (x is b)`");
            }
            let argument = self.nested(|this| {
                let primary = this.primary()?;
                this.postfix(primary)
            })?;
            arguments.positional.push(argument);
        }
        let place = Place { start: input.place.start, end: self.end_of_last() };
        let height = input.height.max(arguments.height());
        let test = grown(ExpressionKind::Test(Box::new(input), name, arguments), place, height)?;
        if !negated {
            return Ok(test);
        }
        let height = test.height;
        grown(ExpressionKind::Not(Box::new(test)), place, height)
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

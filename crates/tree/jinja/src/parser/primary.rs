//! Literals, names, brackets.

use std::sync::Arc;

use num_traits::ToPrimitive;

use super::expression::{grown, sequence};
use super::{Fault, Parser};
use crate::ast::{Constant, Expression, ExpressionKind, Place};
use crate::lexer::{Symbol, TokenKind};
use crate::value::text::quote;

/// What may end a tuple without parentheses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TupleEnd {
    /// The end of the tag.
    Tag,
    /// Also the given word.
    Word(&'static str),
}

impl Parser<'_> {
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
            _ => return self.no_value("unexpected"),
        };
        grown(kind, place, 0)
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
        grown(ExpressionKind::Constant(Constant::Str(text)), place, 0)
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
                return self.no_value("Expected an expression, got");
            }
        }
        let place = Place { start: start.start, end: self.end_of_last().max(start.start) };
        sequence(ExpressionKind::Tuple, items, Some(place))
    }

    /// Fails because something else stands where a value should; `what` comes before its name.
    fn no_value<T>(&self, what: &str) -> Result<T, Fault> {
        let found = &self.token().kind;
        let hint = match found {
            TokenKind::VariableEnd | TokenKind::BlockEnd | TokenKind::End => {
                format!("a value is missing before {}", super::sign(found.describe()))
            }
            TokenKind::Symbol(symbol) => format!("a value is missing before `{}`", symbol.text()),
            _ => "write a value here: a name, a number, or a text in quotes".into(),
        };
        self.fail(format!("{what} {}", quote(found.describe())), hint)
    }

    pub(super) fn at_tuple_end(&self, end: TupleEnd) -> bool {
        match &self.token().kind {
            TokenKind::VariableEnd | TokenKind::BlockEnd | TokenKind::Symbol(Symbol::RightParenthesis) => {
                true
            }
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
        sequence(ExpressionKind::List, items, Some(place))
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
        grown(ExpressionKind::Dict(entries), place, height)
    }
}

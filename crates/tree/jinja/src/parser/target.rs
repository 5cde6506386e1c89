//! What can be assigned to.

use super::primary::TupleEnd;
use super::{Fault, Parser, fault};
use crate::ast::{Expression, ExpressionKind, Target};
use crate::lexer::{Symbol, TokenKind};
use crate::value::text::quote;

impl Parser<'_> {
    /// What stands left of `=`, after `for`, or after `as`.
    pub(super) fn target(
        &mut self,
        with_attributes: bool,
        end: Option<&'static str>,
    ) -> Result<Target, Fault> {
        let start = self.place();
        let end = end.map_or(TupleEnd::Tag, TupleEnd::Word);
        let mut items = Vec::new();
        let mut is_tuple = false;
        loop {
            if !items.is_empty() {
                self.expect_symbol(Symbol::Comma)?;
            }
            if self.at_tuple_end(end) {
                break;
            }
            items.push(self.target_item(with_attributes)?);
            if !self.is_symbol(Symbol::Comma) {
                break;
            }
            is_tuple = true;
        }
        if !is_tuple {
            if let Some(only) = items.pop() {
                return Ok(only);
            }
            let found = quote(self.token().kind.describe());
            let hint = "write the name that is set: `{% for name in … %}`, `{% set name = … %}`";
            return self.fail(format!("Expected an expression, got {found}"), hint);
        }
        Ok(Target::Tuple(items, start))
    }

    fn target_item(&mut self, with_attributes: bool) -> Result<Target, Fault> {
        if with_attributes
            && let (TokenKind::Name(name), TokenKind::Symbol(Symbol::Dot)) =
                (self.token().kind.clone(), &self.look().kind)
        {
            self.advance()?;
            self.advance()?;
            let (attribute, _) = self.name()?;
            return Ok(Target::Attribute(name, attribute));
        }
        let expression = self.nested(Self::primary)?;
        Self::assignable(expression)
    }

    fn assignable(expression: Expression) -> Result<Target, Fault> {
        let place = expression.place;
        let what = match expression.kind {
            ExpressionKind::Name(name) => return Ok(Target::Name(name)),
            ExpressionKind::Tuple(items) => {
                let items: Result<Vec<Target>, Fault> = items.into_iter().map(Self::assignable).collect();
                return Ok(Target::Tuple(items?, place));
            }
            ExpressionKind::Constant(_) => "const",
            ExpressionKind::List(_) => "list",
            ExpressionKind::Dict(_) => "dict",
            ExpressionKind::Conditional(_) => "condexpr",
            ExpressionKind::And(_) => "and",
            ExpressionKind::Or(_) => "or",
            ExpressionKind::Not(_) => "not",
            ExpressionKind::Negate(_) => "neg",
            ExpressionKind::Positive(_) => "pos",
            ExpressionKind::Binary(..) => "binexpr",
            ExpressionKind::Concatenate(_) => "concat",
            ExpressionKind::Compare(..) => "compare",
            ExpressionKind::Attribute(..) => "getattr",
            ExpressionKind::Item(_) | ExpressionKind::Slice(_) => "getitem",
            ExpressionKind::Call(..) => "call",
            ExpressionKind::Filter(..) => "filter",
            ExpressionKind::Test(..) => "test",
        };
        let hint = "only names are set; a dict or list is changed with `{% do x.update({…}) %}`, `{% do x.append(…) %}`";
        Err(fault(format!("can't assign to {}", quote(what)), place, hint))
    }
}

//! Tags that bring in other templates, and Salt's tags that bring in data.

use std::sync::Arc;

use super::{Fault, Parser};
use crate::ast::{
    Arguments, Expression, ExpressionKind, ImportedName, Macro, Place, Signature, StatementKind, Target,
};
use crate::error::ErrorKind;
use crate::lexer::{Symbol, TokenKind};

impl Parser<'_> {
    /// `with context`, `without context`
    fn context_clause(&mut self) -> Result<Option<bool>, Fault> {
        let followed = matches!(&self.look().kind, TokenKind::Name(next) if &**next == "context");
        let with = self.is_name("with");
        if !followed || !(with || self.is_name("without")) {
            return Ok(None);
        }
        self.advance()?;
        self.advance()?;
        Ok(Some(with))
    }

    pub(super) fn include(&mut self) -> Result<StatementKind, Fault> {
        self.advance()?;
        let template = Box::new(self.expression()?);
        let missing = matches!(&self.look().kind, TokenKind::Name(next) if &**next == "missing");
        let ignore_missing = missing && self.is_name("ignore");
        if ignore_missing {
            self.advance()?;
            self.advance()?;
        }
        let with_context = self.context_clause()?.unwrap_or(true);
        Ok(StatementKind::Include { template, ignore_missing, with_context })
    }

    pub(super) fn import(&mut self) -> Result<(StatementKind, Arc<str>, Place), Fault> {
        self.advance()?;
        let template = Box::new(self.expression()?);
        self.expect_name("as")?;
        let (target, place) = self.name()?;
        let with_context = self.context_clause()?.unwrap_or(false);
        Ok((StatementKind::Import { template, target: target.clone(), with_context }, target, place))
    }

    pub(super) fn import_names(&mut self) -> Result<StatementKind, Fault> {
        self.advance()?;
        let template = Box::new(self.expression()?);
        self.expect_name("import")?;
        let mut names: Vec<ImportedName> = Vec::new();
        let mut with_context = None;
        loop {
            if !names.is_empty() {
                self.expect_symbol(Symbol::Comma)?;
            }
            with_context = with_context.or(self.context_clause()?);
            if with_context.is_some() {
                break;
            }
            let (name, place) = self.name()?;
            if name.starts_with('_') {
                let message = "names starting with an underline can not be imported";
                let fault = Fault::new(ErrorKind::Assertion, message, place);
                return Err(fault.hint("names with `_` in front belong to their file: rename it there"));
            }
            let alias = if self.skip_name("as")? { self.name()?.0 } else { name.clone() };
            names.push(ImportedName { name, alias });
            with_context = self.context_clause()?;
            if with_context.is_some() || !self.is_symbol(Symbol::Comma) {
                break;
            }
        }
        Ok(StatementKind::FromImport { template, names, with_context: with_context.unwrap_or(false) })
    }

    /// Salt's `{% load_yaml as x %}`: a hidden macro whose text goes through the filter of the same name.
    pub(super) fn load(&mut self, filter: &Arc<str>) -> Result<Vec<StatementKind>, Fault> {
        let place = self.place();
        self.advance()?;
        self.expect_name("as")?;
        let target = self.target(false, None)?;
        let name = self.temporary();
        let body = self.closed_block(&["endload"])?;
        let hidden = Expression { kind: ExpressionKind::Name(name.clone()), place, height: 1 };
        let call = Expression {
            kind: ExpressionKind::Call(Box::new(hidden), Arguments::default()),
            place,
            height: 2,
        };
        let value = Box::new(filtered(call, filter, place));
        let signature = Signature::default();
        Ok(vec![StatementKind::Macro(Macro { name, signature, body }), StatementKind::Set { target, value }])
    }

    /// Salt's `{% import_yaml 'file' as x %}`: an import whose text goes through the filter `load_yaml`.
    pub(super) fn import_data(&mut self, tag: &str, opened: Place) -> Result<Vec<StatementKind>, Fault> {
        let (import, target, _) = self.import()?;
        let place = Place { start: opened.start, end: self.place().end.max(opened.end) };
        let filter: Arc<str> = tag.replacen("import_", "load_", 1).into();
        let module = Expression { kind: ExpressionKind::Name(target.clone()), place, height: 1 };
        let value = Box::new(filtered(module, &filter, place));
        Ok(vec![import, StatementKind::Set { target: Target::Name(target), value }])
    }

    /// Salt's `{% profile as 'label' %}`: the body, nothing measured.
    pub(super) fn profile(&mut self) -> Result<Vec<StatementKind>, Fault> {
        self.advance()?;
        self.expect_name("as")?;
        let label = StatementKind::Do(Box::new(self.expression()?));
        let body = self.closed_block(&["endprofile"])?;
        Ok(std::iter::once(label).chain(body.into_iter().map(|statement| statement.kind)).collect())
    }
}

fn filtered(input: Expression, filter: &Arc<str>, place: Place) -> Expression {
    let height = input.height + 1;
    let kind = ExpressionKind::Filter(Some(Box::new(input)), filter.clone(), Arguments::default());
    Expression { kind, place, height }
}

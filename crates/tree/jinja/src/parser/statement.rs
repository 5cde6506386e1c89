//! Statements.

use std::sync::Arc;

use super::primary::TupleEnd;
use super::{Fault, Parser, fault};
use crate::ast::{
    Block, CallBlock, Expression, ExpressionKind, For, If, Macro, Output, Place, Signature, Statement,
    StatementKind,
};
use crate::error::ErrorKind;
use crate::lexer::{Symbol, TokenKind};
use crate::value::text::quote;

/// The tags there are, to suggest one.
const TAGS: &[&str] = &[
    "autoescape",
    "block",
    "break",
    "call",
    "continue",
    "do",
    "elif",
    "else",
    "endautoescape",
    "endblock",
    "endcall",
    "endfilter",
    "endfor",
    "endif",
    "endload",
    "endmacro",
    "endprofile",
    "endset",
    "endwith",
    "extends",
    "filter",
    "for",
    "from",
    "if",
    "import",
    "import_json",
    "import_text",
    "import_yaml",
    "include",
    "load_json",
    "load_text",
    "load_yaml",
    "macro",
    "print",
    "profile",
    "raw",
    "set",
    "with",
];

impl Parser<'_> {
    /// Statements up to one of the given tags (which becomes the current token), or to the end.
    pub(super) fn statements_until(
        &mut self,
        ends: Option<&'static [&'static str]>,
    ) -> Result<Vec<Statement>, Fault> {
        self.expected_ends.extend(ends);
        let result = self.nested(|this| this.body(ends));
        if ends.is_some() {
            self.expected_ends.pop();
        }
        result
    }

    fn body(&mut self, ends: Option<&'static [&'static str]>) -> Result<Vec<Statement>, Fault> {
        let mut body = Vec::new();
        let mut output: Vec<Output> = Vec::new();
        loop {
            let place = self.place();
            match self.token().kind.clone() {
                TokenKind::Data(text) => {
                    output.push(Output::Data(text, place));
                    self.advance()?;
                }
                TokenKind::VariableBegin => {
                    self.advance()?;
                    let mut expression = self.tuple(true, false, TupleEnd::Tag)?;
                    self.expect_kind(&TokenKind::VariableEnd)?;
                    expression.place = Place { start: place.start, end: self.end_of_last() };
                    output.push(Output::Expression(expression));
                }
                TokenKind::BlockBegin => {
                    flush(&mut output, &mut body);
                    self.advance()?;
                    if ends.is_some_and(|ends| ends.iter().any(|end| self.is_name(end))) {
                        return Ok(body);
                    }
                    self.statement(place, &mut body)?;
                    self.expect_kind(&TokenKind::BlockEnd)?;
                }
                TokenKind::End => {
                    flush(&mut output, &mut body);
                    return Ok(body);
                }
                // The lexer lets nothing else stand outside a tag.
                kind => return self.fail(format!("unexpected {}", quote(kind.describe())), "remove it"),
            }
        }
    }

    /// The body of a tag: the end of the opening tag, statements, one of the given tags.
    fn block(&mut self, ends: &'static [&'static str]) -> Result<Vec<Statement>, Fault> {
        self.skip_symbol(Symbol::Colon)?;
        self.expect_kind(&TokenKind::BlockEnd)?;
        let body = self.statements_until(Some(ends))?;
        if self.token().kind == TokenKind::End {
            self.expected_ends.push(ends);
            return Err(self.unknown_tag(None));
        }
        Ok(body)
    }

    /// [`block`](Self::block), the closing tag's name taken.
    pub(super) fn closed_block(&mut self, ends: &'static [&'static str]) -> Result<Vec<Statement>, Fault> {
        let body = self.block(ends)?;
        self.advance()?;
        Ok(body)
    }

    fn unknown_tag(&self, name: Option<&str>) -> Fault {
        let mut message = match name {
            None => "Unexpected end of template.".to_string(),
            Some(name) => format!("Encountered unknown tag {}.", quote(name)),
        };
        if let Some(ends) = self.expected_ends.last() {
            let looking = ends.iter().map(|end| quote(end)).collect::<Vec<_>>().join(" or ");
            let expected = |name: &str| self.expected_ends.iter().any(|ends| ends.contains(&name));
            message += &if name.is_some_and(expected) {
                format!(
                    " You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for {looking}."
                )
            } else {
                format!(" Jinja was looking for the following tags: {looking}.")
            };
        }
        if let Some((tag, _)) = self.open_tags.last() {
            message += &format!(" The innermost block that needs to be closed is {}.", quote(tag));
        }
        let mut fault = Fault::new(ErrorKind::Syntax, message, self.place());
        let end = self.expected_ends.last().and_then(|ends| ends.iter().find(|end| end.starts_with("end")));
        let is_end = name.is_none_or(|name| name.starts_with("end") && TAGS.contains(&name));
        fault = match (end, name) {
            (Some(end), None) => fault.hint(format!("write `{{% {end} %}}` where that block ends")),
            (Some(end), Some(_)) if is_end => fault.hint(format!("write `{{% {end} %}}` here, or before")),
            (None, Some(name)) if is_end => {
                fault.hint(format!("no tag that `{name}` could close is open: remove it, or open one before"))
            }
            (_, Some(name)) => fault
                .did_you_mean(name, TAGS.iter().copied())
                .or_hint("a value is printed by `{{ … }}`; tags such as `{% if … %}` begin with their name"),
            (_, None) => fault,
        };
        if is_end && let Some((_, opened)) = self.open_tags.last() {
            fault.aside.related.push((*opened, "opened here"));
        }
        fault
    }

    fn statement(&mut self, opened: Place, body: &mut Vec<Statement>) -> Result<(), Fault> {
        let TokenKind::Name(tag) = self.token().kind.clone() else {
            return self.fail(
                "tag name expected",
                "write the tag's name first, as in `{% if … %}`; `{{ … }}` prints a value",
            );
        };
        self.open_tags.push((tag.clone(), opened.to(self.place())));
        let kinds = self.tag(&tag, opened)?;
        self.open_tags.pop();
        let place = Place { start: opened.start, end: self.place().end.max(opened.end) };
        body.extend(kinds.into_iter().map(|kind| Statement { kind, place }));
        Ok(())
    }

    fn tag(&mut self, tag: &Arc<str>, opened: Place) -> Result<Vec<StatementKind>, Fault> {
        let kind = match &**tag {
            "load_yaml" | "load_json" | "load_text" => return self.load(tag),
            "import_yaml" | "import_json" | "import_text" => return self.import_data(tag, opened),
            "profile" => return self.profile(),
            "set" => self.set()?,
            "for" => self.for_loop()?,
            "if" => self.condition()?,
            "with" => self.with()?,
            "autoescape" => {
                self.advance()?;
                let enabled = Box::new(self.expression()?);
                StatementKind::Autoescape { enabled, body: self.closed_block(&["endautoescape"])? }
            }
            "block" => self.named_block()?,
            "extends" => {
                self.advance()?;
                StatementKind::Extends(Box::new(self.expression()?))
            }
            "include" => self.include()?,
            "import" => self.import()?.0,
            "from" => self.import_names()?,
            "call" => self.call_block()?,
            "filter" => {
                self.advance()?;
                let filter = self.filter(None)?;
                let filter = Box::new(self.filter_chain(filter)?);
                StatementKind::FilterBlock { filter, body: self.closed_block(&["endfilter"])? }
            }
            "macro" => {
                self.advance()?;
                let (name, _) = self.name()?;
                let signature = self.signature()?;
                StatementKind::Macro(Macro { name, signature, body: self.closed_block(&["endmacro"])? })
            }
            "print" => self.print()?,
            "do" => {
                self.advance()?;
                StatementKind::Do(Box::new(self.tuple(true, false, TupleEnd::Tag)?))
            }
            "break" => {
                self.advance()?;
                StatementKind::Break
            }
            "continue" => {
                self.advance()?;
                StatementKind::Continue
            }
            unknown => {
                self.open_tags.pop();
                return Err(self.unknown_tag(Some(unknown)));
            }
        };
        Ok(vec![kind])
    }

    /// More filters after the first.
    fn filter_chain(&mut self, mut filter: Expression) -> Result<Expression, Fault> {
        while self.skip_symbol(Symbol::Pipe)? {
            filter = self.filter(Some(filter))?;
        }
        Ok(filter)
    }

    fn set(&mut self) -> Result<StatementKind, Fault> {
        self.advance()?;
        let target = self.target(true, None)?;
        if self.skip_symbol(Symbol::Assign)? {
            let value = Box::new(self.tuple(true, false, TupleEnd::Tag)?);
            return Ok(StatementKind::Set { target, value });
        }
        let filter = if self.skip_symbol(Symbol::Pipe)? {
            let first = self.filter(None)?;
            Some(Box::new(self.filter_chain(first)?))
        } else {
            None
        };
        Ok(StatementKind::SetBlock { target, filter, body: self.closed_block(&["endset"])? })
    }

    fn for_loop(&mut self) -> Result<StatementKind, Fault> {
        self.advance()?;
        let target = self.target(false, Some("in"))?;
        self.expect_name("in")?;
        let iterable = self.tuple(false, false, TupleEnd::Word("recursive"))?;
        let test = if self.skip_name("if")? { Some(self.expression()?) } else { None };
        let recursive = self.skip_name("recursive")?;
        let body = self.block(&["endfor", "else"])?;
        let has_else = self.is_name("else");
        self.advance()?;
        let otherwise = if has_else { self.closed_block(&["endfor"])? } else { Vec::new() };
        Ok(StatementKind::For(Box::new(For { target, iterable, test, recursive, body, otherwise })))
    }

    fn condition(&mut self) -> Result<StatementKind, Fault> {
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        self.advance()?;
        loop {
            let test = self.tuple(false, false, TupleEnd::Tag)?;
            let body = self.block(&["elif", "else", "endif"])?;
            branches.push((test, body));
            if self.skip_name("elif")? {
                continue;
            }
            if self.skip_name("else")? {
                otherwise = self.closed_block(&["endif"])?;
            } else {
                self.advance()?;
            }
            return Ok(StatementKind::If(If { branches, otherwise }));
        }
    }

    fn with(&mut self) -> Result<StatementKind, Fault> {
        self.advance()?;
        let mut bindings = Vec::new();
        while self.token().kind != TokenKind::BlockEnd {
            if !bindings.is_empty() {
                self.expect_symbol(Symbol::Comma)?;
            }
            let target = self.target(false, None)?;
            self.expect_symbol(Symbol::Assign)?;
            bindings.push((target, self.expression()?));
        }
        Ok(StatementKind::With { bindings, body: self.closed_block(&["endwith"])? })
    }

    fn named_block(&mut self) -> Result<StatementKind, Fault> {
        self.advance()?;
        let (name, _) = self.name()?;
        let scoped = self.skip_name("scoped")?;
        let required = self.skip_name("required")?;
        if self.is_symbol(Symbol::Subtract) {
            return self.fail(
                "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an \
                 underscore instead.",
                "write `_` instead of `-`",
            );
        }
        let body = self.closed_block(&["endblock"])?;
        let is_blank = |statement: &Statement| match &statement.kind {
            StatementKind::Output(parts) => parts.iter().all(
                |part| matches!(part, Output::Data(text, _) if text.chars().all(crate::lexer::is_space)),
            ),
            _ => false,
        };
        if required && !body.iter().all(is_blank) {
            return self.fail(
                "Required blocks can only contain comments or whitespace",
                "take the content out, or the word `required`",
            );
        }
        self.skip_name(&name)?;
        Ok(StatementKind::Block(Block { name, scoped, required, body }))
    }

    fn signature(&mut self) -> Result<Signature, Fault> {
        self.expect_symbol(Symbol::LeftParenthesis)?;
        let mut signature = Signature::default();
        let mut defaults = false;
        while !self.is_symbol(Symbol::RightParenthesis) {
            if !signature.parameters.is_empty() {
                self.expect_symbol(Symbol::Comma)?;
            }
            let (name, place) = self.name()?;
            let default = if self.skip_symbol(Symbol::Assign)? {
                defaults = true;
                Some(self.expression()?)
            } else if defaults {
                return self.fail(
                    "non-default argument follows default argument",
                    "give it a default too, or move it in front of those that have one",
                );
            } else {
                None
            };
            if signature.parameters.iter().any(|(known, _)| *known == name) {
                let message = format!("duplicate argument {} in function definition", quote(&name));
                let fault = Fault::new(ErrorKind::Other("SyntaxError".into()), message, place);
                return Err(fault.hint("rename one of the two"));
            }
            signature.parameters.push((name, default));
        }
        self.expect_symbol(Symbol::RightParenthesis)?;
        Ok(signature)
    }

    fn call_block(&mut self) -> Result<StatementKind, Fault> {
        let place = self.place();
        self.advance()?;
        let signature =
            if self.is_symbol(Symbol::LeftParenthesis) { self.signature()? } else { Signature::default() };
        let call = self.expression()?;
        if !matches!(call.kind, ExpressionKind::Call(..)) {
            return Err(fault("expected call", place, "call a macro: `{% call name() %}`"));
        }
        let body = self.closed_block(&["endcall"])?;
        Ok(StatementKind::CallBlock(Box::new(CallBlock { call, signature, body })))
    }

    fn print(&mut self) -> Result<StatementKind, Fault> {
        self.advance()?;
        let mut parts = Vec::new();
        while self.token().kind != TokenKind::BlockEnd {
            if !parts.is_empty() {
                self.expect_symbol(Symbol::Comma)?;
            }
            parts.push(Output::Expression(self.expression()?));
        }
        Ok(StatementKind::Output(parts))
    }
}

fn flush(output: &mut Vec<Output>, body: &mut Vec<Statement>) {
    let Some(first) = output.first() else { return };
    let place = match first {
        Output::Data(_, place) => *place,
        Output::Expression(expression) => expression.place,
    };
    body.push(Statement { kind: StatementKind::Output(std::mem::take(output)), place });
}

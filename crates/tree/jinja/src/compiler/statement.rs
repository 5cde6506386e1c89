//! Statements.

use std::sync::Arc;

use super::{Compiler, Frame, names};
use crate::ast::{Expression, ExpressionKind, ImportedName, Output, Place, Statement, StatementKind, Target};
use crate::error::ErrorKind;
use crate::parser::Fault;
use crate::program::Op;

impl Compiler<'_> {
    pub(super) fn statements(&mut self, body: &[Statement], frame: Frame) -> Result<(), Fault> {
        for statement in body {
            self.place = statement.place;
            self.statement(statement, frame)?;
        }
        Ok(())
    }

    fn statement(&mut self, statement: &Statement, frame: Frame) -> Result<(), Fault> {
        let function = frame.function;
        match &statement.kind {
            StatementKind::Output(parts) => self.output(parts, frame)?,
            StatementKind::For(node) => self.for_loop(node, frame)?,
            StatementKind::If(node) => {
                let soft = frame.soft();
                let mut ends = Vec::new();
                for (test, body) in &node.branches {
                    self.expression(test, soft)?;
                    let next = self.emit(function, Op::JumpIfFalse(0));
                    self.statements(body, soft)?;
                    ends.push(self.emit(function, Op::Jump(0)));
                    self.land(function, next);
                }
                self.statements(&node.otherwise, soft)?;
                for end in ends {
                    self.land(function, end);
                }
            }
            StatementKind::Macro(node) => {
                let body = self.macro_body(Some(node.name.clone()), &node.signature, &node.body, frame)?;
                self.emit(function, Op::MakeMacro(u32::try_from(body).unwrap_or(u32::MAX)));
                self.store_name(&node.name, frame);
                self.export(&node.name, frame);
            }
            StatementKind::CallBlock(node) => {
                let body = self.macro_body(None, &node.signature, &node.body, frame)?;
                if let ExpressionKind::Call(callee, arguments) = &node.call.kind {
                    self.call(callee, arguments, Some(body), node.call.place, frame, true)?;
                }
            }
            StatementKind::FilterBlock { filter, body } => {
                let inner = frame.inner(self.scopes.open(Some(frame.scope), function));
                self.scopes.body(inner.scope, body);
                self.scopes.load_expression(inner.scope, filter);
                self.enter(inner);
                self.captured(body, inner)?;
                self.place = statement.place;
                self.expression(filter, inner)?;
                self.emit(function, Op::Emit);
                self.leave(inner);
            }
            StatementKind::Set { target, value } => self.set(target, value, frame)?,
            StatementKind::SetBlock { target, filter, body } => {
                let scope = self.scopes.open(Some(frame.scope), function);
                let inner = Frame { checks_output: false, ..frame.inner(scope) };
                self.scopes.body(scope, body);
                if let Some(filter) = filter {
                    self.scopes.load_expression(scope, filter);
                }
                self.enter(inner);
                self.captured(body, inner)?;
                if let Some(filter) = filter {
                    self.expression(filter, inner)?;
                }
                self.place = statement.place;
                self.store_target(target, frame);
                self.export_target(target, frame);
                self.leave(inner);
            }
            StatementKind::With { bindings, body } => {
                let inner = frame.inner(self.scopes.open(Some(frame.scope), function));
                for (target, _) in bindings {
                    self.scopes.target(inner.scope, target, true);
                }
                self.scopes.body(inner.scope, body);
                self.enter(inner);
                for (target, value) in bindings {
                    self.expression(value, frame)?;
                    self.store_target(target, inner);
                }
                self.statements(body, inner)?;
                self.leave(inner);
            }
            StatementKind::Block(block) => {
                if frame.toplevel && self.known_extends {
                    return Ok(());
                }
                let skip =
                    (frame.toplevel && self.has_extends).then(|| self.emit(function, Op::SkipIfParent(0)));
                let locals = block.scoped.then(|| self.locals(frame));
                let name = self.name(&block.name);
                self.emit(function, Op::Block { name, locals, required: block.required });
                if let Some(skip) = skip {
                    self.land(function, skip);
                }
            }
            StatementKind::Extends(template) => {
                if !frame.toplevel {
                    return Err(self.assertion("cannot use extend from a non top-level scope"));
                }
                self.expression(template, frame)?;
                self.emit(function, Op::Extends);
                if frame.rootlevel {
                    self.known_extends = true;
                }
            }
            StatementKind::Include { template, ignore_missing, with_context } => {
                self.expression(template, frame)?;
                let context = with_context.then(|| self.locals(frame));
                self.emit(function, Op::Include { ignore_missing: *ignore_missing, context });
            }
            StatementKind::Import { template, target, with_context } => {
                self.expression(template, frame)?;
                let context = with_context.then(|| self.locals(frame));
                self.emit(function, Op::Import { context });
                self.store_name(target, frame);
                self.export_imported(target, frame);
            }
            StatementKind::FromImport { template, names, with_context } => {
                self.import_names(template, names, *with_context, frame)?;
            }
            StatementKind::Do(expression) => {
                self.expression(expression, frame)?;
                self.emit(function, Op::Pop);
            }
            StatementKind::Autoescape { enabled, body } => {
                let inner = frame.inner(self.scopes.open(Some(frame.scope), function));
                self.scopes.load_expression(inner.scope, enabled);
                self.scopes.body(inner.scope, body);
                self.enter(inner);
                self.expression(enabled, inner)?;
                self.emit(function, Op::BeginAutoescape);
                self.autoescapes += 1;
                self.statements(body, inner)?;
                self.autoescapes -= 1;
                self.emit(function, Op::EndAutoescape);
                self.leave(inner);
            }
            StatementKind::Break | StatementKind::Continue => {
                self.leave_loop(matches!(statement.kind, StatementKind::Break), frame)?;
            }
        }
        Ok(())
    }

    /// Runs a body and leaves its text on the stack.
    fn captured(&mut self, body: &[Statement], frame: Frame) -> Result<(), Fault> {
        self.emit(frame.function, Op::BeginCapture);
        self.captures += 1;
        self.statements(body, frame)?;
        self.captures -= 1;
        self.emit(frame.function, Op::EndCapture);
        Ok(())
    }

    fn output(&mut self, parts: &[Output], frame: Frame) -> Result<(), Fault> {
        let function = frame.function;
        if frame.checks_output && self.known_extends {
            return Ok(());
        }
        let skip = frame.checks_output.then(|| self.emit(function, Op::SkipIfParent(0)));
        for part in parts {
            match part {
                Output::Data(text, place) => {
                    self.data(text, *place, function);
                }
                Output::Expression(expression) => {
                    if let ExpressionKind::Call(callee, arguments) = &expression.kind {
                        self.place = expression.place;
                        self.call(callee, arguments, None, expression.place, frame, true)?;
                    } else {
                        self.expression(expression, frame)?;
                        self.place = expression.place;
                        self.emit(function, Op::Emit);
                    }
                }
            }
        }
        if let Some(skip) = skip {
            self.land(function, skip);
        }
        Ok(())
    }

    /// Emits template text. Where newlines were shortened each line is a literal of its own, so that
    /// bytes still map one to one.
    fn data(&mut self, text: &Arc<str>, place: Place, function: usize) {
        if self.exact_places {
            self.place = place;
            let literal = self.literal(text, place);
            self.emit(function, Op::Data(literal));
            return;
        }
        let mut start = place.start as usize;
        for line in text.split_inclusive('\n') {
            self.place = Place::new(start, start + line.len());
            start += line.len();
            let literal = self.literal(&line.into(), self.place);
            self.emit(function, Op::Data(literal));
        }
    }

    fn set(&mut self, target: &Target, value: &Expression, frame: Frame) -> Result<(), Fault> {
        let mut namespaces: Vec<Arc<str>> = Vec::new();
        names::target(target, &mut |name, usage| {
            if usage == names::Use::Load && !namespaces.iter().any(|known| &**known == name) {
                namespaces.push(name.into());
            }
        });
        for name in namespaces {
            self.load_name(&name, frame);
            self.emit(frame.function, Op::CheckNamespace);
        }
        let place = self.place;
        self.expression(value, frame)?;
        self.place = place;
        self.store_target(target, frame);
        self.export_target(target, frame);
        Ok(())
    }

    /// Stores the value on the stack.
    pub(super) fn store_target(&mut self, target: &Target, frame: Frame) {
        match target {
            Target::Name(name) => self.store_name(name, frame),
            Target::Tuple(items, place) => {
                let outer: Place = std::mem::replace(&mut self.place, *place);
                self.emit(frame.function, Op::Unpack(super::count(items)));
                for item in items {
                    self.store_target(item, frame);
                }
                self.place = outer;
            }
            Target::Attribute(name, attribute) => {
                self.load_name(name, frame);
                let attribute = self.name(attribute);
                self.emit(frame.function, Op::SetAttribute(attribute));
            }
        }
    }

    fn store_name(&mut self, name: &Arc<str>, frame: Frame) {
        // The analysis has given the scope a variable of its own for every name it writes.
        let slot = match self.scopes.find(frame.scope, name) {
            Some(reference) if reference.function == frame.function => reference.slot,
            _ => self.scopes.hidden_slot(frame.function),
        };
        self.emit(frame.function, Op::Store(slot));
    }

    fn export_target(&mut self, target: &Target, frame: Frame) {
        match target {
            Target::Name(name) => self.export(name, frame),
            Target::Tuple(items, _) => items.iter().for_each(|item| self.export_target(item, frame)),
            Target::Attribute(..) => {}
        }
    }

    fn export(&mut self, name: &Arc<str>, frame: Frame) {
        if let (true, Some(reference)) = (frame.toplevel, self.scopes.find(frame.scope, name)) {
            let index = self.name(name);
            self.emit(frame.function, Op::Export { name: index, slot: reference.slot });
        }
    }

    fn export_imported(&mut self, name: &Arc<str>, frame: Frame) {
        if let (true, Some(reference)) = (frame.toplevel, self.scopes.find(frame.scope, name)) {
            let index = self.name(name);
            self.emit(frame.function, Op::ExportImported { name: index, slot: reference.slot });
        }
    }

    fn import_names(
        &mut self,
        template: &Expression,
        names: &[ImportedName],
        with_context: bool,
        frame: Frame,
    ) -> Result<(), Fault> {
        let place = self.place;
        self.expression(template, frame)?;
        self.place = place;
        let context = with_context.then(|| self.locals(frame));
        self.emit(frame.function, Op::Import { context });
        for imported in names {
            let name = self.name(&imported.name);
            self.emit(frame.function, Op::ImportName(name));
            self.store_name(&imported.alias, frame);
            self.export_imported(&imported.alias, frame);
        }
        self.emit(frame.function, Op::Pop);
        Ok(())
    }

    fn leave_loop(&mut self, is_break: bool, frame: Frame) -> Result<(), Fault> {
        let open = self.loops.last().filter(|open| open.function == frame.function);
        let Some((captures, escapes)) =
            open.map(|open| (self.captures - open.captures, self.autoescapes - open.autoescapes))
        else {
            let message = if is_break { "'break' outside loop" } else { "'continue' not properly in loop" };
            let fault = Fault::new(ErrorKind::Other("SyntaxError".into()), message, self.place);
            return Err(fault.hint(
                "it belongs between `{% for … %}` and `{% endfor %}`, and in no macro or block there",
            ));
        };
        for _ in 0..captures {
            self.emit(frame.function, Op::EndCapture);
            self.emit(frame.function, Op::Pop);
        }
        for _ in 0..escapes {
            self.emit(frame.function, Op::EndAutoescape);
        }
        let jump = self.emit(frame.function, Op::Jump(0));
        if let Some(open) = self.loops.last_mut() {
            if is_break { open.breaks.push(jump) } else { open.continues.push(jump) }
        }
        Ok(())
    }
}

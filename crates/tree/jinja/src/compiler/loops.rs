//! `{% for %}`

use super::{Compiler, Frame, OpenLoop, has_scoped_block, names};
use crate::ast::{Expression, For, Target};
use crate::parser::Fault;
use crate::program::Op;

/// The parts of a loop that need scopes of their own.
struct Parts {
    body: Frame,
    test: Option<Frame>,
    /// The loop object is asked for.
    extended: bool,
}

impl Compiler<'_> {
    pub(super) fn for_loop(&mut self, node: &For, frame: Frame) -> Result<(), Fault> {
        let mut targets_loop = names::writes(&node.body, "loop") || names::writes(&node.otherwise, "loop");
        names::target(&node.target, &mut |name, _| targets_loop |= name == "loop");
        if targets_loop {
            return Err(self.assertion("Can't assign to special loop variable in for-loop target"));
        }
        self.expression(&node.iterable, frame)?;
        if !node.recursive {
            return self.loop_itself(node, frame);
        }
        // A recursive loop is a function of its own, called with the iterable.
        let function = self.add_function(Some(frame.function));
        let iterable = self.scopes.hidden_slot(function);
        let captures = std::mem::take(&mut self.captures);
        let escapes = std::mem::take(&mut self.autoescapes);
        let inside = Frame { function, ..frame };
        self.emit(function, Op::Load(iterable));
        self.loop_itself(node, inside)?;
        self.captures = captures;
        self.autoescapes = escapes;
        self.emit(frame.function, Op::RunRecursive(u32::try_from(function).unwrap_or(u32::MAX)));
        Ok(())
    }

    /// The loop over the iterable on the stack.
    fn loop_itself(&mut self, node: &For, frame: Frame) -> Result<(), Fault> {
        let function = frame.function;
        let parts = self.loop_parts(node, frame);
        if let (true, Some(test_frame), Some(test)) = (parts.extended, parts.test, &node.test) {
            let filter = self.filter_function(&node.target, test, test_frame)?;
            self.emit(function, Op::FilterItems(u32::try_from(filter).unwrap_or(u32::MAX)));
        }
        self.emit(function, Op::ForStart { extended: parts.extended, recursive: node.recursive });
        if let (true, Some(reference)) = (parts.extended, self.scopes.find(parts.body.scope, "loop")) {
            self.emit(function, Op::StoreLoop(reference.slot));
        }
        let inline_test = if parts.extended { None } else { parts.test.zip(node.test.as_ref()) };
        if let Some((test_frame, _)) = inline_test {
            self.enter(test_frame);
        }
        // What the body only reads is the same on every turn.
        let starts = self.scopes.starts(parts.body.scope);
        for (slot, name, start, _) in starts.iter().filter(|(.., written)| !written) {
            self.start_variable(function, *slot, name, *start);
        }
        let next = self.here(function);
        let for_next = self.emit(function, Op::ForNext(0));
        let mut rejected = None;
        if let Some((test_frame, test)) = inline_test {
            self.emit(function, Op::Duplicate);
            self.store_target(&node.target, test_frame);
            self.expression(test, test_frame)?;
            rejected = Some(self.emit(function, Op::JumpIfFalse(0)));
        }
        self.store_target(&node.target, parts.body);
        for (slot, name, start, _) in starts.iter().filter(|(.., written)| *written) {
            self.start_variable(function, *slot, name, *start);
        }
        self.loops.push(OpenLoop {
            function,
            next,
            breaks: Vec::new(),
            continues: Vec::new(),
            captures: self.captures,
            autoescapes: self.autoescapes,
        });
        self.statements(&node.body, parts.body)?;
        let open = self.loops.pop();
        if !node.otherwise.is_empty() {
            self.emit(function, Op::ForMark);
        }
        let back = self.emit(function, Op::Jump(next));
        self.aim(function, back, next);
        if let Some(rejected) = rejected {
            self.land(function, rejected);
            self.emit(function, Op::Pop);
            self.emit(function, Op::Jump(next));
        }
        self.land(function, for_next);
        if let Some(open) = open {
            for jump in open.breaks {
                self.land(function, jump);
            }
            for jump in open.continues {
                self.aim(function, jump, open.next);
            }
        }
        self.finish_loop(node, frame, parts.body)
    }

    fn loop_parts(&mut self, node: &For, frame: Frame) -> Parts {
        let function = frame.function;
        let body = frame.inner(self.scopes.open(Some(frame.scope), function));
        let extended = node.recursive || names::reads(&node.body, "loop") || has_scoped_block(&node.body);
        if extended {
            self.scopes.parameter(body.scope, &"loop".into());
        }
        self.scopes.target(body.scope, &node.target, true);
        self.scopes.body(body.scope, &node.body);
        let test = node.test.as_ref().map(|test| {
            // With the loop object, items are filtered by a function before the loop counts them.
            let owner = if extended {
                let owner = self.add_function(Some(function));
                // The item it is asked about is its first variable.
                self.scopes.hidden_slot(owner);
                owner
            } else {
                function
            };
            let scope = self.scopes.open(Some(frame.scope), owner);
            self.scopes.target(scope, &node.target, true);
            self.scopes.load_expression(scope, test);
            Frame { function: owner, ..frame.inner(scope) }
        });
        Parts { body, test, extended }
    }

    /// A function of one item that answers whether the loop takes it.
    fn filter_function(&mut self, target: &Target, test: &Expression, frame: Frame) -> Result<usize, Fault> {
        self.enter(frame);
        self.emit(frame.function, Op::Load(crate::vm::ITEM_SLOT));
        self.store_target(target, frame);
        self.expression(test, frame)?;
        self.emit(frame.function, Op::Return);
        Ok(frame.function)
    }

    fn finish_loop(&mut self, node: &For, frame: Frame, body: Frame) -> Result<(), Fault> {
        let function = frame.function;
        if node.otherwise.is_empty() {
            self.emit(function, Op::ForEnd);
            self.leave(body);
            return Ok(());
        }
        let taken = self.emit(function, Op::ForElse(0));
        self.leave(body);
        let otherwise = frame.inner(self.scopes.open(Some(frame.scope), function));
        self.scopes.body(otherwise.scope, &node.otherwise);
        self.enter(otherwise);
        self.statements(&node.otherwise, otherwise)?;
        self.leave(otherwise);
        self.land(function, taken);
        Ok(())
    }
}

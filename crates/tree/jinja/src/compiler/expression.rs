//! Expressions.

use std::sync::Arc;

use super::{Compiler, Frame};
use crate::ast::{Arguments, Comparison, Expression, ExpressionKind, Place};
use crate::parser::Fault;
use crate::program::{CallShape, Op};
use crate::value::compare::Order;

impl Compiler<'_> {
    /// Emits what leaves the expression's value on the stack.
    pub(super) fn expression(&mut self, node: &Expression, frame: Frame) -> Result<(), Fault> {
        let outer = std::mem::replace(&mut self.place, node.place);
        self.expression_kind(node, frame)?;
        self.place = outer;
        Ok(())
    }

    fn emit_at(&mut self, place: Place, frame: Frame, op: Op) -> usize {
        self.place = place;
        self.emit(frame.function, op)
    }

    fn expression_kind(&mut self, node: &Expression, frame: Frame) -> Result<(), Fault> {
        let place = node.place;
        match &node.kind {
            ExpressionKind::Constant(constant) => {
                let index = self.constant(constant);
                self.emit(frame.function, Op::Constant(index));
            }
            ExpressionKind::Name(name) => self.load_name(name, frame),
            ExpressionKind::Tuple(items) => {
                self.all(items, frame)?;
                self.emit_at(place, frame, Op::BuildTuple(super::count(items)));
            }
            ExpressionKind::List(items) => {
                self.all(items, frame)?;
                self.emit_at(place, frame, Op::BuildList(super::count(items)));
            }
            ExpressionKind::Dict(entries) => {
                for (key, value) in entries {
                    self.expression(key, frame)?;
                    self.expression(value, frame)?;
                }
                self.emit_at(place, frame, Op::BuildDict(super::count(entries)));
            }
            ExpressionKind::Concatenate(items) => {
                self.all(items, frame)?;
                self.emit_at(place, frame, Op::Concatenate(super::count(items)));
            }
            ExpressionKind::Conditional(node) => {
                let soft = frame.soft();
                self.expression(&node.test, soft)?;
                let otherwise = self.emit(frame.function, Op::JumpIfFalse(0));
                self.expression(&node.then, soft)?;
                let end = self.emit(frame.function, Op::Jump(0));
                self.land(frame.function, otherwise);
                match &node.otherwise {
                    Some(otherwise) => self.expression(otherwise, soft)?,
                    None => {
                        self.emit(frame.function, Op::MissingElse);
                    }
                }
                self.land(frame.function, end);
            }
            ExpressionKind::And(pair) => self.short_circuit(pair, Op::JumpIfFalseOrPop(0), frame)?,
            ExpressionKind::Or(pair) => self.short_circuit(pair, Op::JumpIfTrueOrPop(0), frame)?,
            ExpressionKind::Not(operand) => {
                self.expression(operand, frame)?;
                self.emit_at(place, frame, Op::Not);
            }
            ExpressionKind::Negate(operand) => {
                self.expression(operand, frame)?;
                self.emit_at(place, frame, Op::Negate);
            }
            ExpressionKind::Positive(operand) => {
                self.expression(operand, frame)?;
                self.emit_at(place, frame, Op::Positive);
            }
            ExpressionKind::Binary(operator, pair) => {
                self.expression(&pair.0, frame)?;
                self.expression(&pair.1, frame)?;
                self.emit_at(place, frame, Op::Binary(*operator));
            }
            ExpressionKind::Compare(first, rest) => self.comparison(first, rest, place, frame)?,
            ExpressionKind::Attribute(object, name) => {
                self.expression(object, frame)?;
                let name = self.name(name);
                self.emit_at(place, frame, Op::Attribute(name));
            }
            ExpressionKind::Item(pair) => {
                self.expression(&pair.0, frame)?;
                self.expression(&pair.1, frame)?;
                self.emit_at(place, frame, Op::Item);
            }
            ExpressionKind::Slice(slice) => {
                self.expression(&slice.object, frame)?;
                for bound in &slice.bounds {
                    match bound {
                        Some(bound) => self.expression(bound, frame)?,
                        None => {
                            let none = self.constant(&crate::ast::Constant::None);
                            self.emit(frame.function, Op::Constant(none));
                        }
                    }
                }
                self.emit_at(place, frame, Op::Slice);
            }
            ExpressionKind::Call(callee, arguments) => {
                self.call(callee, arguments, None, place, frame, false)?;
            }
            ExpressionKind::Filter(input, name, arguments) => {
                // Without input the text is on the stack already.
                if let Some(input) = input {
                    self.expression(input, frame)?;
                }
                self.place = place;
                let filter = self.filter_index(name, frame)?;
                let shape = self.arguments(arguments, None, frame)?;
                self.emit_at(place, frame, Op::Filter { filter, shape });
            }
            ExpressionKind::Test(input, name, arguments) => {
                self.expression(input, frame)?;
                self.place = place;
                let test = self.test_index(name, frame)?;
                let shape = self.arguments(arguments, None, frame)?;
                self.emit_at(place, frame, Op::Test { test, shape });
            }
        }
        Ok(())
    }

    fn all(&mut self, items: &[Expression], frame: Frame) -> Result<(), Fault> {
        items.iter().try_for_each(|item| self.expression(item, frame))
    }

    pub(super) fn load_name(&mut self, name: &Arc<str>, frame: Frame) {
        let op = match self.scopes.find(frame.scope, name) {
            Some(reference) => {
                let variable = self.variable(frame.function, reference);
                if variable.depth == 0 { Op::Load(variable.slot) } else { Op::LoadOuter(variable) }
            }
            None => {
                // A name the analysis did not see (an argument of a set block's filter).
                let slot = self.scopes.hidden_slot(frame.function);
                let name = self.name(name);
                self.emit(frame.function, Op::Resolve { name, slot });
                Op::Load(slot)
            }
        };
        self.emit(frame.function, op);
    }

    fn short_circuit(
        &mut self,
        pair: &(Expression, Expression),
        jump: Op,
        frame: Frame,
    ) -> Result<(), Fault> {
        self.expression(&pair.0, frame)?;
        let jump = self.emit(frame.function, jump);
        self.expression(&pair.1, frame)?;
        self.land(frame.function, jump);
        Ok(())
    }

    /// `a < b < c` is `a < b and b < c` with `b` evaluated once.
    fn comparison(
        &mut self,
        first: &Expression,
        rest: &[(Comparison, Expression)],
        place: Place,
        frame: Frame,
    ) -> Result<(), Fault> {
        self.expression(first, frame)?;
        let mut failures = Vec::new();
        for (index, (comparison, operand)) in rest.iter().enumerate() {
            self.expression(operand, frame)?;
            let is_last = index + 1 == rest.len();
            if !is_last {
                self.emit_at(place, frame, Op::TuckCopy);
            }
            self.emit_at(
                place,
                frame,
                match comparison {
                    Comparison::Equal => Op::Equal,
                    Comparison::NotEqual => Op::NotEqual,
                    Comparison::Less => Op::Ordered(Order::Less),
                    Comparison::LessEqual => Op::Ordered(Order::LessEqual),
                    Comparison::Greater => Op::Ordered(Order::Greater),
                    Comparison::GreaterEqual => Op::Ordered(Order::GreaterEqual),
                    Comparison::In => Op::In,
                    Comparison::NotIn => Op::NotIn,
                },
            );
            if !is_last {
                failures.push(self.emit(frame.function, Op::JumpIfFalseOrPop(0)));
            }
        }
        if !failures.is_empty() {
            let end = self.emit(frame.function, Op::Jump(0));
            for failure in failures {
                self.land(frame.function, failure);
            }
            self.emit(frame.function, Op::DropUnder);
            self.land(frame.function, end);
        }
        Ok(())
    }

    /// A call. With `emit` its answer is written instead of left on the stack. `caller` is the
    /// function of a `{% call %}`'s body.
    pub(super) fn call(
        &mut self,
        callee: &Expression,
        arguments: &Arguments,
        caller: Option<usize>,
        place: Place,
        frame: Frame,
        emit: bool,
    ) -> Result<(), Fault> {
        if let ExpressionKind::Attribute(object, name) = &callee.kind {
            self.expression(object, frame)?;
            let name = self.name(name);
            let shape = self.arguments(arguments, caller, frame)?;
            self.emit_at(place, frame, Op::CallMethod { name, shape, emit });
        } else {
            self.expression(callee, frame)?;
            let shape = self.arguments(arguments, caller, frame)?;
            self.emit_at(place, frame, Op::Call { shape, emit });
        }
        Ok(())
    }

    /// Pushes arguments and answers their shape.
    fn arguments(
        &mut self,
        arguments: &Arguments,
        caller: Option<usize>,
        frame: Frame,
    ) -> Result<u32, Fault> {
        self.all(&arguments.positional, frame)?;
        if let Some(star) = &arguments.star {
            self.expression(star, frame)?;
        }
        let mut keywords = Vec::with_capacity(arguments.keyword.len());
        for (name, value) in &arguments.keyword {
            self.expression(value, frame)?;
            keywords.push(name.clone());
        }
        if let Some(caller) = caller {
            let caller = u32::try_from(caller).unwrap_or(u32::MAX);
            self.emit(frame.function, Op::MakeMacro(caller));
            keywords.push("caller".into());
        }
        if let Some(double_star) = &arguments.double_star {
            self.expression(double_star, frame)?;
        }
        Ok(self.shape(CallShape {
            positional: super::count(&arguments.positional),
            star: arguments.star.is_some(),
            keywords,
            double_star: arguments.double_star.is_some(),
        }))
    }
}

//! Which names a body mentions, in the order of evaluation.

use crate::ast::{
    Arguments, Expression, ExpressionKind, Output, Signature, Statement, StatementKind, Target,
};

/// How a name is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Load,
    Store,
}

/// Whether a body reads a name before it writes it, anywhere but in blocks.
pub(super) fn reads(body: &[Statement], name: &str) -> bool {
    let (mut read, mut written) = (false, false);
    statements(body, &mut |found, usage| {
        if found == name {
            match usage {
                Use::Load => read |= !written,
                Use::Store => written = true,
            }
        }
    });
    read
}

/// Whether a body writes a name anywhere.
pub(super) fn writes(body: &[Statement], name: &str) -> bool {
    let mut written = false;
    statements(body, &mut |found, usage| written |= usage == Use::Store && found == name);
    written
}

pub(super) fn statements(body: &[Statement], visit: &mut impl FnMut(&str, Use)) {
    for statement in body {
        statement_names(statement, visit);
    }
}

fn statement_names(statement: &Statement, visit: &mut impl FnMut(&str, Use)) {
    match &statement.kind {
        StatementKind::Output(parts) => {
            for part in parts {
                if let Output::Expression(part) = part {
                    expression(part, visit);
                }
            }
        }
        StatementKind::For(node) => {
            target(&node.target, visit);
            expression(&node.iterable, visit);
            statements(&node.body, visit);
            statements(&node.otherwise, visit);
            if let Some(test) = &node.test {
                expression(test, visit);
            }
        }
        StatementKind::If(node) => {
            for (test, body) in &node.branches {
                expression(test, visit);
                statements(body, visit);
            }
            statements(&node.otherwise, visit);
        }
        StatementKind::Macro(node) => {
            signature(&node.signature, visit);
            statements(&node.body, visit);
        }
        StatementKind::CallBlock(node) => {
            expression(&node.call, visit);
            signature(&node.signature, visit);
            statements(&node.body, visit);
        }
        StatementKind::FilterBlock { filter, body } => {
            statements(body, visit);
            expression(filter, visit);
        }
        StatementKind::Set { target: left, value } => {
            target(left, visit);
            expression(value, visit);
        }
        StatementKind::SetBlock { target: left, filter, body } => {
            target(left, visit);
            if let Some(filter) = filter {
                expression(filter, visit);
            }
            statements(body, visit);
        }
        StatementKind::With { bindings, body } => {
            for (left, value) in bindings {
                target(left, visit);
                expression(value, visit);
            }
            statements(body, visit);
        }
        StatementKind::Block(_) | StatementKind::Break | StatementKind::Continue => {}
        StatementKind::Extends(template)
        | StatementKind::Include { template, .. }
        | StatementKind::Import { template, .. }
        | StatementKind::FromImport { template, .. } => expression(template, visit),
        StatementKind::Do(node) => expression(node, visit),
        StatementKind::Autoescape { enabled, body } => {
            expression(enabled, visit);
            statements(body, visit);
        }
    }
}

fn signature(signature: &Signature, visit: &mut impl FnMut(&str, Use)) {
    for (name, _) in &signature.parameters {
        visit(name, Use::Store);
    }
    for default in signature.parameters.iter().filter_map(|(_, default)| default.as_ref()) {
        expression(default, visit);
    }
}

pub(super) fn target(node: &Target, visit: &mut impl FnMut(&str, Use)) {
    match node {
        Target::Name(name) => visit(name, Use::Store),
        Target::Tuple(items, _) => items.iter().for_each(|item| target(item, visit)),
        Target::Attribute(name, ..) => visit(name, Use::Load),
    }
}

pub(super) fn expression(node: &Expression, visit: &mut impl FnMut(&str, Use)) {
    match &node.kind {
        ExpressionKind::Constant(_) => {}
        ExpressionKind::Name(name) => visit(name, Use::Load),
        ExpressionKind::Tuple(items) | ExpressionKind::List(items) | ExpressionKind::Concatenate(items) => {
            for item in items {
                expression(item, visit);
            }
        }
        ExpressionKind::Dict(entries) => {
            for (key, value) in entries {
                expression(key, visit);
                expression(value, visit);
            }
        }
        ExpressionKind::Conditional(node) => {
            expression(&node.test, visit);
            expression(&node.then, visit);
            if let Some(otherwise) = &node.otherwise {
                expression(otherwise, visit);
            }
        }
        ExpressionKind::And(pair)
        | ExpressionKind::Or(pair)
        | ExpressionKind::Binary(_, pair)
        | ExpressionKind::Item(pair) => {
            expression(&pair.0, visit);
            expression(&pair.1, visit);
        }
        ExpressionKind::Not(operand)
        | ExpressionKind::Negate(operand)
        | ExpressionKind::Positive(operand)
        | ExpressionKind::Attribute(operand, _) => expression(operand, visit),
        ExpressionKind::Compare(first, rest) => {
            expression(first, visit);
            for (_, operand) in rest {
                expression(operand, visit);
            }
        }
        ExpressionKind::Slice(slice) => {
            expression(&slice.object, visit);
            slice.bounds.iter().flatten().for_each(|bound| expression(bound, visit));
        }
        ExpressionKind::Call(callee, given) => {
            expression(callee, visit);
            arguments(given, visit);
        }
        ExpressionKind::Filter(input, _, given) => {
            if let Some(input) = input {
                expression(input, visit);
            }
            arguments(given, visit);
        }
        ExpressionKind::Test(input, _, given) => {
            expression(input, visit);
            arguments(given, visit);
        }
    }
}

fn arguments(given: &Arguments, visit: &mut impl FnMut(&str, Use)) {
    given.positional.iter().for_each(|argument| expression(argument, visit));
    given.keyword.iter().for_each(|(_, argument)| expression(argument, visit));
    for argument in given.star.iter().chain(&given.double_star) {
        expression(argument, visit);
    }
}

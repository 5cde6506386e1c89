//! Macros and the bodies of `{% call %}`.

use std::sync::Arc;

use super::{Compiler, Frame, names};
use crate::ast::{Signature, Statement};
use crate::parser::Fault;
use crate::program::{Op, Parameter};

impl Compiler<'_> {
    /// Compiles the body of a macro (or of a call block, which has no name).
    pub(super) fn macro_body(
        &mut self,
        name: Option<Arc<str>>,
        signature: &Signature,
        body: &[Statement],
        frame: Frame,
    ) -> Result<usize, Fault> {
        let function = self.add_function(Some(frame.function));
        let scope = self.scopes.open(Some(frame.scope), function);
        let mut parameters = Vec::with_capacity(signature.parameters.len());
        for (name, _) in &signature.parameters {
            let slot = self.scopes.parameter(scope, name);
            parameters.push(Parameter { name: name.clone(), slot });
        }
        for default in signature.parameters.iter().filter_map(|(_, default)| default.as_ref()) {
            self.scopes.load_expression(scope, default);
        }
        let takes = |name: &str| signature.parameters.iter().find(|(parameter, _)| &**parameter == name);
        let mentions = |name: &str| names::reads(body, name);
        let mut caller = None;
        if mentions("caller") {
            match takes("caller") {
                Some((_, None)) => {
                    return Err(self.assertion(
                        "When defining macros or call blocks the special \"caller\" argument must be omitted or be \
                         given a default.",
                    ));
                }
                Some(_) => {}
                None => caller = Some(self.scopes.parameter(scope, &"caller".into())),
            }
        }
        let mut special = |name: &str| {
            (mentions(name) && takes(name).is_none()).then(|| self.scopes.parameter(scope, &name.into()))
        };
        let keywords = special("kwargs");
        let varargs = special("varargs");
        self.scopes.body(scope, body);
        let explicit_caller = takes("caller").is_some();
        if let Some(function) = self.template.functions.get_mut(function) {
            function.name = name;
            function.caller = caller;
            function.keywords = keywords;
            function.varargs = varargs;
            function.explicit_caller = explicit_caller;
        }
        let inner = Frame { function, checks_output: false, ..frame.inner(scope) };
        let outer_captures = std::mem::take(&mut self.captures);
        let outer_escapes = std::mem::take(&mut self.autoescapes);
        self.enter(inner);
        self.defaults(signature, &parameters, inner)?;
        if let Some(function) = self.template.functions.get_mut(function) {
            function.parameters = parameters;
        }
        self.statements(body, inner)?;
        self.captures = outer_captures;
        self.autoescapes = outer_escapes;
        Ok(function)
    }

    /// What parameters that were not given start as, in order: a default may use those before it.
    fn defaults(
        &mut self,
        signature: &Signature,
        parameters: &[Parameter],
        frame: Frame,
    ) -> Result<(), Fault> {
        for (parameter, (_, default)) in parameters.iter().zip(&signature.parameters) {
            let slot = parameter.slot;
            let given = self.emit(frame.function, Op::JumpIfSet { slot, target: 0 });
            match default {
                Some(default) => {
                    self.expression(default, frame)?;
                    self.emit(frame.function, Op::Store(slot));
                }
                None => {
                    self.emit(frame.function, Op::MissingParameter(slot));
                }
            }
            self.land(frame.function, given);
        }
        Ok(())
    }
}

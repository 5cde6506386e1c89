//! Instructions of expressions.

use foldhash::fast::RandomState;

use super::State;
use super::run::{Jump, Scene, name_at};
use crate::program::Op;
use crate::value::text::quote;
use crate::value::{Dict, DictMap, Key, access, arithmetic, compare};
use crate::{Error, ErrorKind, Value};

impl State<'_> {
    /// Instructions that neither jump nor end the function.
    #[inline(never)]
    pub(super) fn simple(&mut self, scene: &Scene<'_>, at: usize, op: Op) -> Result<Jump, Error> {
        match op {
            Op::Pop => drop(self.pop()),
            Op::Duplicate => self.stack.extend(self.stack.last().cloned()),
            Op::TuckCopy => {
                let (b, a) = (self.pop(), self.pop());
                self.stack.extend([b.clone(), a, b]);
            }
            Op::DropUnder => {
                let top = self.pop();
                self.pop();
                self.stack.push(top);
            }
            Op::BuildTuple(count) => {
                let items = self.pop_many(count as usize);
                self.stack.push(Value::tuple(items));
            }
            Op::BuildList(count) => {
                let items = self.pop_many(count as usize);
                self.stack.push(Value::list(items));
            }
            Op::BuildDict(count) => self.build_dict(count as usize)?,
            Op::Binary(operator) => {
                let (b, a) = (self.pop(), self.pop());
                let value = arithmetic::binary(self, operator, &a, &b)?;
                self.stack.push(value);
            }
            Op::Negate => {
                let value = arithmetic::negate(&self.pop())?;
                self.stack.push(value);
            }
            Op::Positive => {
                let value = arithmetic::positive(&self.pop())?;
                self.stack.push(value);
            }
            Op::Not => {
                let truth = self.pop().is_true()?;
                self.stack.push(Value::Bool(!truth));
            }
            Op::Concatenate(count) => {
                let values = self.pop_many(count as usize);
                let value = arithmetic::concatenate(self, &values, self.autoescape)?;
                self.stack.push(value);
            }
            Op::Equal | Op::NotEqual => {
                let (b, a) = (self.pop(), self.pop());
                let same = compare::equal(&a, &b)?;
                self.stack.push(Value::Bool(same == matches!(op, Op::Equal)));
            }
            Op::Ordered(order) => {
                let (b, a) = (self.pop(), self.pop());
                self.stack.push(Value::Bool(compare::ordered(&a, &b, order)?));
            }
            Op::In | Op::NotIn => {
                let (container, item) = (self.pop(), self.pop());
                let inside = compare::contains(self, &container, &item)?;
                self.stack.push(Value::Bool(inside == matches!(op, Op::In)));
            }
            Op::Attribute(name) => {
                let object = self.pop();
                let value = access::attribute(self, &object, name_at(scene, name))?;
                self.stack.push(value);
            }
            Op::Item => {
                let (index, object) = (self.pop(), self.pop());
                let value = access::item(self, &object, &index)?;
                self.stack.push(value);
            }
            Op::Slice => {
                let (step, stop, start, object) = (self.pop(), self.pop(), self.pop(), self.pop());
                let value = access::slice(self, &object, &[start, stop, step])?;
                self.stack.push(value);
            }
            Op::Filter { filter, shape } => self.filter_op(scene, filter, shape)?,
            Op::Test { test, shape } => self.test_op(scene, test, shape)?,
            _ => self.structure(scene, at, op)?,
        }
        Ok(None)
    }

    fn build_dict(&mut self, count: usize) -> Result<(), Error> {
        let mut values = self.pop_many(count.saturating_mul(2)).into_iter();
        let mut entries = DictMap::with_capacity_and_hasher(count, RandomState::default());
        while let (Some(key), Some(value)) = (values.next(), values.next()) {
            entries.insert(Key::new(key)?, value);
        }
        self.stack.push(Value::Dict(Dict::from_map(entries)));
        Ok(())
    }

    fn filter_op(&mut self, scene: &Scene<'_>, filter: u32, shape: u32) -> Result<(), Error> {
        let template = &scene.unit.template;
        let (Some(filter), Some(shape)) =
            (template.filters.get(filter as usize), template.shapes.get(shape as usize))
        else {
            return Ok(());
        };
        let mut args = self.pop_args(shape)?;
        args.positional.insert(0, self.pop());
        let Some(function) = &filter.function else {
            let message = format!("No filter named {} found.", quote(&filter.name));
            return Err(Error::new(ErrorKind::Runtime, message)
                .did_you_mean(&filter.name, self.environment.filter_names()));
        };
        let value = function(self, args)?;
        self.stack.push(value);
        Ok(())
    }

    fn test_op(&mut self, scene: &Scene<'_>, test: u32, shape: u32) -> Result<(), Error> {
        let template = &scene.unit.template;
        let (Some(test), Some(shape)) =
            (template.tests.get(test as usize), template.shapes.get(shape as usize))
        else {
            return Ok(());
        };
        let mut args = self.pop_args(shape)?;
        args.positional.insert(0, self.pop());
        let Some(function) = &test.function else {
            let message = format!("No test named {} found.", quote(&test.name));
            return Err(Error::new(ErrorKind::Runtime, message)
                .did_you_mean(&test.name, self.environment.test_names()));
        };
        let value = function(self, args)?;
        self.stack.push(value);
        Ok(())
    }
}

//! Values that the language itself makes.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Value;
use super::release::release;
use super::text::quote;
use crate::vm::{Context, Frame, LoopContext, Output, Unit};
use crate::{Args, Error, SourceMap, State};

/// A macro, a module, a namespace, a loop, a block, a bound method or a native function.
pub enum Special {
    /// `{% macro %}`, or the `caller` of a `{% call %}`.
    Macro(Macro),
    /// `loop`
    Loop(LoopContext),
    /// `super` and `self.name`
    Block(BlockReference),
    /// `self`
    Template(Rc<Context>),
    /// What `{% import %}` binds.
    Module(Module),
    /// `namespace()`
    Namespace(Namespace),
    /// `value.method`, not called yet.
    Method(BoundMethod),
    /// A function of the embedder's or of the language's.
    Native(Native),
}

/// A macro with the frame it was defined in.
pub struct Macro {
    pub(crate) unit: Rc<Unit>,
    pub(crate) function: usize,
    pub(crate) frame: Rc<Frame>,
    pub(crate) context: Rc<Context>,
}

impl Value {
    /// Where the text of a value came from: of an imported template or the body of a `{% load_yaml %}`, what printed
    /// each part of it. Other values do not know.
    pub fn origin(&self) -> SourceMap {
        match self {
            Self::Special(special) => match &**special {
                Special::Module(module) => SourceMap::new(module.body.runs.clone()),
                _ => SourceMap::default(),
            },
            _ => SourceMap::default(),
        }
    }
}

/// The body of a recursive loop with the frame it stands in.
#[derive(Clone)]
pub(crate) struct RecursiveLoop {
    pub(crate) unit: Rc<Unit>,
    pub(crate) function: usize,
    pub(crate) frame: Rc<Frame>,
    pub(crate) context: Rc<Context>,
}

/// A block at one level of the inheritance chain.
pub struct BlockReference {
    pub(crate) name: Arc<str>,
    pub(crate) context: Rc<Context>,
    pub(crate) depth: usize,
}

/// An imported template: what it exports, and what it printed.
pub struct Module {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) exports: IndexMap<Arc<str>, Value>,
    pub(crate) body: Output,
}

/// What `namespace()` makes: attributes that templates may set.
#[derive(Default)]
pub struct Namespace {
    pub(crate) attributes: RefCell<IndexMap<Arc<str>, Value>>,
}

impl Drop for Namespace {
    fn drop(&mut self) {
        release(std::mem::take(self.attributes.get_mut()).into_values().collect());
    }
}

/// A method of a built-in type with its receiver.
pub struct BoundMethod {
    pub(crate) receiver: Value,
    pub(crate) name: Arc<str>,
}

type NativeFunction = dyn Fn(&mut State<'_>, Args) -> Result<Value, Error>;

/// A function written in Rust.
pub struct Native {
    pub(crate) name: Arc<str>,
    pub(crate) function: Rc<NativeFunction>,
}

impl Special {
    pub(crate) fn is_callable(&self) -> bool {
        !matches!(self, Self::Template(_) | Self::Module(_) | Self::Namespace(_))
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Macro(_) => "Macro",
            Self::Loop(_) => "LoopContext",
            Self::Block(_) => "BlockReference",
            Self::Template(_) => "TemplateReference",
            Self::Module(_) => "TemplateModule",
            Self::Namespace(_) => "Namespace",
            Self::Method(_) => "builtin_function_or_method",
            Self::Native(_) => "function",
        }
    }

    pub(crate) fn qualified_type_name(&self) -> String {
        let module = match self {
            Self::Macro(_) | Self::Loop(_) | Self::Block(_) | Self::Template(_) => "jinja2.runtime.",
            Self::Module(_) => "jinja2.environment.",
            Self::Namespace(_) => "jinja2.utils.",
            Self::Method(_) | Self::Native(_) => "",
        };
        format!("{module}{}", self.type_name())
    }

    pub(crate) fn write_text(&self, out: &mut String) {
        match self {
            Self::Module(module) => out.push_str(&module.body.text),
            _ => self.write_repr(out),
        }
    }

    pub(crate) fn write_repr(&self, out: &mut String) {
        out.push_str(&match self {
            Self::Macro(this) => match this.name() {
                Some(name) => format!("<Macro {}>", quote(&name)),
                None => "<Macro anonymous>".into(),
            },
            Self::Loop(this) => this.repr(),
            Self::Template(context) => {
                format!("<TemplateReference {}>", optional_name(context.unit.name.as_ref()))
            }
            Self::Module(module) => format!("<TemplateModule {}>", optional_name(module.name.as_ref())),
            // Its attributes may hold it: the writer that knows what is open writes it.
            Self::Namespace(_) => "<Namespace>".into(),
            Self::Method(method) => {
                let address = std::ptr::from_ref(method).addr();
                let type_name = method.receiver.type_name();
                format!("<built-in method {} of {type_name} object at {address:#x}>", method.name)
            }
            Self::Block(_) => "<jinja2.runtime.BlockReference object>".into(),
            Self::Native(native) => format!("<function {}>", native.name),
        });
    }

    pub(crate) fn known_attributes(&self) -> Vec<Arc<str>> {
        match self {
            Self::Module(module) => module.exports.keys().cloned().collect(),
            Self::Namespace(namespace) => namespace.attributes.borrow().keys().cloned().collect(),
            Self::Loop(_) => LoopContext::ATTRIBUTES.iter().map(|name| (*name).into()).collect(),
            _ => Vec::new(),
        }
    }
}

fn optional_name(name: Option<&Arc<str>>) -> String {
    name.map_or_else(|| "None".into(), |name| quote(name))
}

impl Macro {
    /// Whether no template can name it: the body of a `{% load_yaml %}` and its kin, which is read as data.
    pub(crate) fn is_hidden(&self) -> bool {
        let function = self.unit.template.functions.get(self.function);
        function.and_then(|function| function.name.as_ref()).is_some_and(|name| name.ends_with('$'))
    }

    /// The macro's name; a `caller` has none.
    pub fn name(&self) -> Option<Arc<str>> {
        self.unit.template.functions.get(self.function)?.name.clone()
    }
}

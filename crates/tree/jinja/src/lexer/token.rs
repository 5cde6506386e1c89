//! Tokens and how messages name them.

use std::sync::Arc;

use num_bigint::BigInt;

use crate::ast::Place;

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind {
    Data(Arc<str>),
    BlockBegin,
    BlockEnd,
    VariableBegin,
    VariableEnd,
    Name(Arc<str>),
    Str(Arc<str>),
    Int(BigInt),
    Float(f64),
    Symbol(Symbol),
    End,
    /// The text cannot be read further.
    Error {
        /// Why.
        message: Arc<str>,
        /// What to do about it.
        hint: Arc<str>,
    },
}

/// Operators and brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    Add,
    Subtract,
    Divide,
    FloorDivide,
    Multiply,
    Remainder,
    Power,
    Tilde,
    LeftBracket,
    RightBracket,
    LeftParenthesis,
    RightParenthesis,
    LeftBrace,
    RightBrace,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Assign,
    Dot,
    Colon,
    Pipe,
    Comma,
    Semicolon,
}

/// Longer ones first, as they are tried.
pub(crate) const SYMBOLS: &[(&str, Symbol)] = &[
    ("//", Symbol::FloorDivide),
    ("**", Symbol::Power),
    ("==", Symbol::Equal),
    ("!=", Symbol::NotEqual),
    (">=", Symbol::GreaterEqual),
    ("<=", Symbol::LessEqual),
    ("+", Symbol::Add),
    ("-", Symbol::Subtract),
    ("/", Symbol::Divide),
    ("*", Symbol::Multiply),
    ("%", Symbol::Remainder),
    ("~", Symbol::Tilde),
    ("[", Symbol::LeftBracket),
    ("]", Symbol::RightBracket),
    ("(", Symbol::LeftParenthesis),
    (")", Symbol::RightParenthesis),
    ("{", Symbol::LeftBrace),
    ("}", Symbol::RightBrace),
    (">", Symbol::Greater),
    ("<", Symbol::Less),
    ("=", Symbol::Assign),
    (".", Symbol::Dot),
    (":", Symbol::Colon),
    ("|", Symbol::Pipe),
    (",", Symbol::Comma),
    (";", Symbol::Semicolon),
];

impl Symbol {
    /// As it is written.
    pub(crate) fn text(self) -> &'static str {
        SYMBOLS.iter().find(|(_, symbol)| *symbol == self).map_or("", |(text, _)| text)
    }
}

impl TokenKind {
    /// As Jinja's messages name it.
    pub(crate) fn describe(&self) -> &str {
        match self {
            Self::Data(_) => "template data / text",
            Self::BlockBegin => "begin of statement block",
            Self::BlockEnd => "end of statement block",
            Self::VariableBegin => "begin of print statement",
            Self::VariableEnd => "end of print statement",
            Self::Name(name) => name,
            Self::Str(_) => "string",
            Self::Int(_) => "integer",
            Self::Float(_) => "float",
            Self::Symbol(symbol) => symbol.text(),
            Self::End | Self::Error { .. } => "end of template",
        }
    }
}

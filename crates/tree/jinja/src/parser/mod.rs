//! From tokens to a tree.
//!
//! The grammar and its error texts are Jinja's. Nesting is bounded twice: how deep statements and
//! brackets may stand inside one another ([`NESTING`]), and how high an expression may grow by
//! chains such as `a + b + c` ([`HEIGHT`]), so that no later pass can overflow the stack.

mod expression;
mod imports;
mod postfix;
mod primary;
mod statement;
mod target;

use std::sync::Arc;

use crate::ast::{Place, Statement};
use crate::error::ErrorKind;
use crate::lexer::{LexicalError, Symbol, Token, TokenKind};

/// Statements and brackets inside one another.
const NESTING: u32 = 80;

/// Expressions inside one another.
const HEIGHT: u16 = 220;

/// A failure to read or compile a template, before it has a source.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) place: Place,
    /// Apart, so that results are small: the parser is recursive.
    pub(crate) aside: Box<Aside>,
}

/// What is said besides the message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aside {
    pub(crate) hints: Vec<String>,
    /// Other places that matter, each with what it has to do with it.
    pub(crate) related: Vec<(Place, &'static str)>,
}

impl Fault {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>, place: Place) -> Self {
        Self { kind, message: message.into(), place, aside: Box::default() }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.aside.hints.push(hint.into());
        self
    }

    /// Adds advice when there is none yet.
    pub(crate) fn or_hint(self, hint: impl Into<String>) -> Self {
        if self.aside.hints.is_empty() { self.hint(hint) } else { self }
    }

    pub(crate) fn did_you_mean<'a>(mut self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        if let Some(near) = report::suggest(word, known) {
            self.aside.hints.push(format!("did you mean `{near}`?"));
        }
        self
    }
}

impl From<LexicalError> for Fault {
    fn from(error: LexicalError) -> Self {
        Self::new(ErrorKind::Syntax, error.message, error.place).hint(error.hint)
    }
}

/// Reads a whole template.
pub(crate) fn parse(tokens: &[Token]) -> Result<Vec<Statement>, Fault> {
    let mut parser = Parser {
        tokens,
        at: 0,
        nesting: 0,
        open_tags: Vec::new(),
        expected_ends: Vec::new(),
        temporaries: 0,
    };
    parser.check_lexed()?;
    parser.statements_until(None)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    nesting: u32,
    /// The tags that are open and where they stand, for messages.
    open_tags: Vec<(Arc<str>, Place)>,
    /// What would close each of them.
    expected_ends: Vec<&'static [&'static str]>,
    /// How many hidden names have been made.
    temporaries: u32,
}

static END: Token = Token { kind: TokenKind::End, place: Place { start: 0, end: 0 } };

impl Parser<'_> {
    fn token(&self) -> &Token {
        self.tokens.get(self.at).or_else(|| self.tokens.last()).unwrap_or(&END)
    }

    fn place(&self) -> Place {
        self.token().place
    }

    /// Where the token before the current one ends.
    fn end_of_last(&self) -> u32 {
        self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |token| token.place.end)
    }

    fn look(&self) -> &Token {
        self.tokens.get(self.at + 1).or_else(|| self.tokens.last()).unwrap_or(&END)
    }

    /// Goes to the next token. What the lexer could not read is reported when it is reached.
    fn advance(&mut self) -> Result<(), Fault> {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        self.check_lexed()
    }

    fn check_lexed(&self) -> Result<(), Fault> {
        match &self.token().kind {
            TokenKind::Error { message, hint } => Err(fault(&**message, self.place(), &**hint)),
            _ => Ok(()),
        }
    }

    fn fail<T>(&self, message: impl Into<String>, hint: impl Into<String>) -> Result<T, Fault> {
        Err(fault(message, self.place(), hint))
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(&self.token().kind, TokenKind::Name(word) if &**word == name)
    }

    fn is_symbol(&self, symbol: Symbol) -> bool {
        self.token().kind == TokenKind::Symbol(symbol)
    }

    fn skip_name(&mut self, name: &str) -> Result<bool, Fault> {
        let found = self.is_name(name);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn skip_symbol(&mut self, symbol: Symbol) -> Result<bool, Fault> {
        let found = self.is_symbol(symbol);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect_symbol(&mut self, symbol: Symbol) -> Result<(), Fault> {
        if self.skip_symbol(symbol)? { Ok(()) } else { self.unexpected(symbol.text()) }
    }

    fn expect_name(&mut self, name: &str) -> Result<(), Fault> {
        if self.skip_name(name)? { Ok(()) } else { self.unexpected(name) }
    }

    fn expect_kind(&mut self, kind: &TokenKind) -> Result<(), Fault> {
        if self.token().kind == *kind { self.advance() } else { self.unexpected(kind.describe()) }
    }

    /// Any name.
    fn name(&mut self) -> Result<(Arc<str>, Place), Fault> {
        match &self.token().kind {
            TokenKind::Name(name) => {
                let found = (name.clone(), self.place());
                self.advance()?;
                Ok(found)
            }
            _ => self.unexpected("name"),
        }
    }

    fn unexpected<T>(&self, expected: &str) -> Result<T, Fault> {
        let wanted = sign(expected);
        let expected = crate::value::text::quote(expected);
        let found = &self.token().kind;
        if *found == TokenKind::End {
            let hint = format!("write {wanted}: what is opened here is never closed");
            return self.fail(format!("unexpected end of template, expected {expected}."), hint);
        }
        let hint = match found {
            TokenKind::VariableEnd | TokenKind::BlockEnd => {
                format!("write {wanted} before {}", sign(found.describe()))
            }
            _ if wanted.ends_with("end of the tag") => {
                "one value ends here: join it to the next with an operator such as `~` or `,`, or remove what follows"
                    .into()
            }
            _ => format!("write {wanted} here"),
        };
        self.fail(
            format!("expected token {expected}, got {}", crate::value::text::quote(found.describe())),
            hint,
        )
    }

    /// Runs a part of the grammar one level deeper.
    fn nested<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.nesting >= NESTING {
            let fault = Fault::new(ErrorKind::Limit, "the template is nested too deeply", self.place());
            return Err(fault.hint("move the inner part into a macro of its own"));
        }
        self.nesting += 1;
        let result = part(self);
        self.nesting -= 1;
        result
    }

    /// A name no template can write.
    fn temporary(&mut self) -> Arc<str> {
        self.temporaries += 1;
        format!("_fi{}$", self.temporaries).into()
    }
}

fn fault(message: impl Into<String>, place: Place, hint: impl Into<String>) -> Fault {
    Fault::new(ErrorKind::Syntax, message, place).hint(hint)
}

/// A kind of token as it is written.
fn sign(described: &str) -> String {
    match described {
        "end of print statement" => "`}}` at the end of the tag".into(),
        "end of statement block" => "`%}` at the end of the tag".into(),
        "name" => "a name".into(),
        other => format!("`{other}`"),
    }
}

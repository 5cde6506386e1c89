//! The delimiters and whitespace rules of the language.

/// Delimiters and whitespace control, with Jinja's defaults. Salt sets these from `jinja_env` and
/// `jinja_sls_env`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// `{%`
    pub block_start: String,
    /// `%}`
    pub block_end: String,
    /// `{{`
    pub variable_start: String,
    /// `}}`
    pub variable_end: String,
    /// `{#`
    pub comment_start: String,
    /// `#}`
    pub comment_end: String,
    /// A prefix that makes a whole line a statement.
    pub line_statement_prefix: Option<String>,
    /// A prefix that makes the rest of a line a comment.
    pub line_comment_prefix: Option<String>,
    /// Remove the first newline after a block tag.
    pub trim_blocks: bool,
    /// Remove blanks between the start of a line and a block tag.
    pub lstrip_blocks: bool,
    /// Keep the newline that ends the template.
    pub keep_trailing_newline: bool,
}

impl Default for Syntax {
    fn default() -> Self {
        Self {
            block_start: "{%".into(),
            block_end: "%}".into(),
            variable_start: "{{".into(),
            variable_end: "}}".into(),
            comment_start: "{#".into(),
            comment_end: "#}".into(),
            line_statement_prefix: None,
            line_comment_prefix: None,
            trim_blocks: false,
            lstrip_blocks: false,
            keep_trailing_newline: false,
        }
    }
}

//! PTX text to a syntax tree. Opcodes stay text: what they mean is the decoder's business.

pub mod ast;
mod lexer;
pub mod link;
mod number;
mod parser;
mod parser_constant;
mod parser_operand;
mod parser_statement;
mod parser_token;
mod parser_variable;

pub use parser::parse;

/// Where and why the text is not PTX.
#[derive(Debug)]
pub struct SyntaxError {
    pub line: u32,
    pub message: String,
}

#[cfg(test)]
mod tests;

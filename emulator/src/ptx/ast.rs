//! The syntax tree; names borrow from the text.

#[derive(Debug, Default)]
pub struct Source<'a> {
    pub text: &'a str,
    pub version: (u32, u32),
    pub version_line: u32,
    pub target: Vec<&'a str>,
    pub address_size: u32,
    /// `.file` numbers and names.
    pub files: Vec<(u32, &'a str)>,
    pub variables: Vec<Variable<'a>>,
    pub functions: Vec<Function<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    Reg,
    Global,
    Const,
    Shared,
    Local,
    Param,
}

#[derive(Clone, Debug)]
pub struct Variable<'a> {
    pub line: u32,
    pub space: Space,
    pub external: bool,
    pub name: &'a str,
    /// For `.reg .b32 %r<10>`: 10.
    pub count: Option<u32>,
    /// The type without its dot: `f32`, `b8`, `pred`.
    pub ty: &'a str,
    /// Elements of the `.v2`/`.v4` form, else 1.
    pub vector: u32,
    pub align: Option<u32>,
    /// Array extents; 0 for `[]`.
    pub dims: Vec<usize>,
    pub init: Option<Init<'a>>,
}

#[derive(Clone, Debug)]
pub enum Init<'a> {
    List(Vec<Init<'a>>),
    Value(Number),
    /// Address of a symbol plus an offset; `generic(..)` says which address is meant.
    Symbol {
        name: &'a str,
        offset: i64,
        generic: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Int(i128),
    /// `0f`: the bits of an f32.
    F32(u32),
    /// `0d`, or a decimal: the bits of an f64.
    F64(u64),
}

#[derive(Debug)]
pub struct Function<'a> {
    pub line: u32,
    pub name: &'a str,
    pub entry: bool,
    pub returns: Vec<Variable<'a>>,
    pub params: Vec<Variable<'a>>,
    /// `.maxntid` and the like with their numbers.
    pub limits: Vec<(&'a str, Vec<u32>)>,
    pub body: Option<Vec<Statement<'a>>>,
}

#[derive(Debug)]
pub enum Statement<'a> {
    Label(u32, &'a str),
    Variables(Vec<Variable<'a>>),
    Block(Vec<Statement<'a>>),
    Loc(Loc),
    Prototype(Prototype<'a>),
    /// `.branchtargets` and `.calltargets`.
    Targets {
        label: &'a str,
        names: Vec<&'a str>,
    },
    Instruction(Instruction<'a>),
}

/// A line of the source that the PTX was compiled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loc {
    pub file: u32,
    pub line: u32,
}

#[derive(Debug)]
pub struct Prototype<'a> {
    pub label: &'a str,
    pub returns: Vec<Variable<'a>>,
    pub params: Vec<Variable<'a>>,
}

#[derive(Debug)]
pub struct Instruction<'a> {
    pub line: u32,
    /// Predicate and whether it is negated.
    pub guard: Option<(&'a str, bool)>,
    pub opcode: &'a str,
    pub operands: Vec<Operand<'a>>,
}

#[derive(Clone, Debug)]
pub enum Operand<'a> {
    Name(&'a str),
    Number(Number),
    /// `!p`
    Not(&'a str),
    /// `-r` does not exist in PTX; `sym+4` does.
    Sum(&'a str, i64),
    /// `{a, b}`
    Vector(Vec<Operand<'a>>),
    /// `[a+4]`, and tensor addresses such as `[a, {x, y}]`.
    Address {
        base: Box<Operand<'a>>,
        offset: i64,
        rest: Vec<Operand<'a>>,
    },
    /// The address of an array's element: `a[2]`, `a[r]`, `a[r-1]`.
    Element {
        name: &'a str,
        index: Option<&'a str>,
        offset: i64,
    },
    /// `d|p`
    Pair(Box<Operand<'a>>, Box<Operand<'a>>),
    /// `(a, b)` of a call.
    List(Vec<Operand<'a>>),
}

//! A module's variables, functions and kernels.

use super::draft::Draft;
use super::function::{Function, Result, Signature, variable_bytes};
use super::liveness;
use super::operand::width;
use super::types::Type;
use crate::exec::inst::NONE;
use crate::exec::program::{Program, Routine};
use crate::exec::{ComputeCapability, Kernel, LoadError, LoadErrorKind, Param, space};
use crate::memory::Memory;
use crate::ptx::ast::{self, Init, Number, Source, Space, Variable};
use std::collections::HashMap;

/// Module variables beyond this number get memory only if something refers to them: a standard library header
/// defines thousands.
const MOST_UNUSED: usize = 1024;

type Globals = HashMap<String, (u64, usize)>;

/// Names of module scope, and what decoding a kernel has found so far.
pub struct Symbols<'a> {
    pub source: &'a Source<'a>,
    memory: &'a Memory,
    globals: &'a mut Globals,
    variables: HashMap<&'a str, &'a Variable<'a>>,
    functions: HashMap<&'a str, usize>,
    /// Functions of the kernel by routine number; the kernel is the first.
    pub routines: Vec<usize>,
    shared: HashMap<&'a str, u64>,
    shared_end: u32,
    /// Where dynamic shared memory begins, once that is known.
    dynamic_at: Option<u32>,
    dynamic_align: u32,
    dynamic_used: bool,
}

fn fail<T>(line: u32, kind: LoadErrorKind, message: impl Into<String>) -> Result<T> {
    Err(LoadError {
        line,
        kind,
        message: message.into(),
    })
}

/// Decodes every kernel; variables get their memory on the way.
pub fn module(
    source: &Source<'_>,
    cc: ComputeCapability,
    memory: &Memory,
    globals: &mut Globals,
) -> Result<Vec<Kernel>> {
    check_target(source, cc)?;
    let mut functions: HashMap<&str, usize> = HashMap::new();
    for (index, function) in source.functions.iter().enumerate() {
        let slot = functions.entry(function.name).or_insert(index);
        if function.body.is_some() {
            if *slot != index && source.functions[*slot].body.is_some() {
                return fail(
                    function.line,
                    LoadErrorKind::Syntax,
                    format!("'{}' is defined twice", function.name),
                );
            }
            *slot = index;
        }
    }
    let variables = source.variables.iter().map(|v| (v.name, v)).collect();
    let mut symbols = Symbols {
        source,
        memory,
        globals,
        variables,
        functions,
        routines: vec![],
        shared: HashMap::new(),
        shared_end: 0,
        dynamic_at: None,
        dynamic_align: 1,
        dynamic_used: false,
    };
    let in_memory =
        |v: &&Variable<'_>| matches!(v.space, Space::Global | Space::Const) && !v.external;
    if source.variables.iter().filter(in_memory).count() <= MOST_UNUSED {
        for variable in source.variables.iter().filter(in_memory) {
            symbols.address(variable.name)?;
        }
    }
    let mut kernels = vec![];
    for (index, function) in source.functions.iter().enumerate() {
        if function.entry && function.body.is_some() {
            kernels.push(symbols.kernel(index)?);
        }
    }
    Ok(kernels)
}

fn check_target(source: &Source<'_>, cc: ComputeCapability) -> Result<()> {
    let Some(target) = source.target.first() else {
        return fail(1, LoadErrorKind::Syntax, "no .target");
    };
    if source.address_size != 64 {
        return fail(1, LoadErrorKind::Unsupported, ".address_size 32");
    }
    let digits: String = target.chars().filter(char::is_ascii_digit).collect();
    let wanted: u32 = digits.parse().unwrap_or(u32::MAX);
    let have = cc.major * 10 + cc.minor;
    let exact = target.ends_with('a');
    if wanted > have || exact && wanted != have {
        let message = format!("the module is for {target}, the device is sm_{have}");
        return fail(1, LoadErrorKind::WrongTarget, message);
    }
    Ok(())
}

impl<'a> Symbols<'a> {
    /// Size and alignment of a parameter.
    pub fn formal(&self, v: &Variable<'a>) -> Result<(u32, u32)> {
        let ty = match Type::named(v.ty) {
            Some(ty) => ty,
            None => {
                return fail(
                    v.line,
                    LoadErrorKind::Unsupported,
                    format!("parameter type .{}", v.ty),
                );
            }
        };
        match variable_bytes(v, ty).and_then(|b| u32::try_from(b).ok()) {
            Some(bytes) if bytes <= 1 << 16 => {
                Ok((bytes, v.align.unwrap_or(ty.bytes()).clamp(1, 4096)))
            }
            _ => fail(
                v.line,
                LoadErrorKind::Syntax,
                format!("parameter '{}' is too large", v.name),
            ),
        }
    }

    pub fn signature(
        &self,
        params: &[Variable<'a>],
        returns: &[Variable<'a>],
    ) -> Result<Signature> {
        let sizes = |list: &[Variable<'a>]| {
            list.iter()
                .map(|v| Ok(self.formal(v)?.0))
                .collect::<Result<Vec<u32>>>()
        };
        Ok(Signature {
            params: sizes(params)?,
            returns: sizes(returns)?,
        })
    }

    /// A function by name.
    pub fn function(&self, name: &str) -> Option<&'a ast::Function<'a>> {
        self.functions
            .get(name)
            .map(|index| &self.source.functions[*index])
    }

    /// The routine number of a function with a body.
    pub fn routine(&mut self, name: &str) -> Option<usize> {
        let index = *self.functions.get(name)?;
        self.source.functions[index].body.as_ref()?;
        Some(
            self.routines
                .iter()
                .position(|r| *r == index)
                .unwrap_or_else(|| {
                    self.routines.push(index);
                    self.routines.len() - 1
                }),
        )
    }

    /// Makes every function a routine: an indirect call may reach it.
    pub fn all_routines(&mut self) {
        let source = self.source;
        for function in source
            .functions
            .iter()
            .filter(|f| !f.entry && f.body.is_some())
        {
            self.routine(function.name);
        }
    }

    /// Room in the block's shared memory for a variable.
    pub fn shared(&mut self, name: &'a str, bytes: u32, align: u32) -> Result<u64> {
        if let Some(at) = self.shared.get(name) {
            return Ok(*at);
        }
        let at = self.shared_end.checked_next_multiple_of(align.max(1));
        match at.and_then(|at| Some((at, at.checked_add(bytes)?))) {
            Some((at, end)) if end <= 1 << 20 => {
                self.shared_end = end;
                self.shared.insert(name, at.into());
                Ok(at.into())
            }
            _ => fail(
                0,
                LoadErrorKind::Unsupported,
                format!("shared variable '{name}' is too large"),
            ),
        }
    }

    /// The address of a module variable in its own space, or a function's pointer.
    pub fn address(&mut self, name: &str) -> Result<Option<u64>> {
        if let Some((address, _)) = self.globals.get(name) {
            return Ok(Some(*address));
        }
        if let Some(index) = self.functions.get(name) {
            let index = *index;
            if !self.source.functions[index].entry {
                self.routine(name);
            }
            return Ok(Some(space::CODE + index as u64));
        }
        let Some(v) = self.variables.get(name).copied() else {
            return Ok(None);
        };
        let Some(ty) = Type::named(v.ty) else {
            return fail(
                v.line,
                LoadErrorKind::Unsupported,
                format!("type .{}", v.ty),
            );
        };
        let Some(bytes) = variable_bytes(v, ty) else {
            return fail(
                v.line,
                LoadErrorKind::Syntax,
                format!("'{name}' is too large"),
            );
        };
        let align = v.align.unwrap_or(ty.bytes() * v.vector);
        match v.space {
            Space::Shared if v.external => {
                self.dynamic_used = true;
                self.dynamic_align = self.dynamic_align.max(align);
                Ok(Some(self.dynamic_at.unwrap_or(0).into()))
            }
            Space::Shared => Ok(Some(self.shared(
                v.name,
                bytes.try_into().unwrap_or(u32::MAX),
                align,
            )?)),
            Space::Global | Space::Const if v.external => fail(
                v.line,
                LoadErrorKind::Unresolved,
                format!("'{name}' is external and nothing defines it"),
            ),
            Space::Global | Space::Const => self.allocate(v, ty, bytes.max(1)).map(Some),
            _ => fail(
                v.line,
                LoadErrorKind::Syntax,
                format!("'{name}' in a space that a module does not have"),
            ),
        }
    }

    fn allocate(&mut self, v: &'a Variable<'a>, ty: Type, bytes: usize) -> Result<u64> {
        let address = match self.memory.alloc(bytes) {
            Ok(address) => address,
            Err(_) => {
                return fail(
                    v.line,
                    LoadErrorKind::OutOfMemory,
                    format!("no memory for '{}'", v.name),
                );
            }
        };
        self.globals.insert(v.name.to_owned(), (address, bytes));
        let written = if let Some(init) = &v.init {
            let (mut data, mut at) = (vec![0; bytes], 0);
            self.initialise(v, init, ty, &v.dims, &mut data, &mut at)?;
            self.memory.write(address, &data)
        } else {
            self.memory.fill(address, &[0], bytes)
        };
        match written {
            Ok(()) => Ok(address),
            Err(_) => fail(
                v.line,
                LoadErrorKind::OutOfMemory,
                format!("no memory for '{}'", v.name),
            ),
        }
    }

    fn initialise(
        &mut self,
        v: &'a Variable<'a>,
        init: &Init<'a>,
        ty: Type,
        dims: &[usize],
        data: &mut [u8],
        at: &mut usize,
    ) -> Result<()> {
        let size = ty.bytes() as usize;
        let bits: u64 = match init {
            Init::List(list) => {
                let rest = dims.get(1..).unwrap_or(&[]);
                let step = rest.iter().product::<usize>().max(1)
                    * size
                    * if dims.is_empty() {
                        1
                    } else {
                        v.vector as usize
                    };
                for item in list {
                    let start = *at;
                    self.initialise(v, item, ty, rest, data, at)?;
                    if matches!(item, Init::List(_)) {
                        // a short inner list leaves zeros
                        *at = start + step;
                    }
                }
                return Ok(());
            }
            Init::Value(Number::Int(value)) if ty.is_float() && *value != 0 => {
                if ty == Type::F64 {
                    (*value as f64).to_bits()
                } else {
                    (*value as f32).to_bits().into()
                }
            }
            Init::Value(Number::Int(value)) => *value as u64,
            Init::Value(Number::F32(bits)) => (*bits).into(),
            Init::Value(Number::F64(bits)) if ty == Type::F32 => {
                (f64::from_bits(*bits) as f32).to_bits().into()
            }
            Init::Value(Number::F64(bits)) => *bits,
            Init::Symbol {
                name,
                offset,
                generic,
            } => {
                let shared = self
                    .variables
                    .get(name)
                    .is_some_and(|v| v.space == Space::Shared);
                match self.address(name)? {
                    Some(address) => {
                        let window = if *generic && shared { space::SHARED } else { 0 };
                        (address + window).wrapping_add_signed(*offset)
                    }
                    None => {
                        return fail(v.line, LoadErrorKind::Unresolved, format!("name '{name}'"));
                    }
                }
            }
        };
        match data.get_mut(*at..*at + size) {
            Some(target) => target.copy_from_slice(&bits.to_le_bytes()[..size]),
            None => {
                return fail(
                    v.line,
                    LoadErrorKind::Syntax,
                    format!("too many initial values for '{}'", v.name),
                );
            }
        }
        *at += size;
        Ok(())
    }

    fn kernel(&mut self, index: usize) -> Result<Kernel> {
        self.dynamic_at = None;
        self.dynamic_used = false;
        self.dynamic_align = 1;
        let mut program = self.program(index)?;
        if self.dynamic_used {
            // only now is it known where static shared memory ends
            let at = self.shared_end.next_multiple_of(self.dynamic_align.max(16));
            self.dynamic_at = Some(at);
            program = self.program(index)?;
            self.shared_end = at;
        }
        let function = &self.source.functions[index];
        let mut params = vec![];
        let mut end = 0;
        for v in &function.params {
            let (size, align) = self.formal(v)?;
            let offset = (end as usize).next_multiple_of(align as usize);
            params.push(Param {
                offset,
                size: size as usize,
                align: align as usize,
            });
            end = offset as u32 + size;
        }
        let limit = |names: &[&str]| {
            let found = function
                .limits
                .iter()
                .find(|(n, v)| names.contains(n) && !v.is_empty())?;
            Some([0, 1, 2].map(|a| found.1.get(a).copied().unwrap_or(1)))
        };
        let is_const = |name: &&String| {
            self.variables
                .get(name.as_str())
                .is_some_and(|v| v.space == Space::Const)
        };
        let const_bytes = self
            .globals
            .iter()
            .filter(|(name, _)| is_const(name))
            .map(|(_, g)| g.1)
            .sum();
        Ok(Kernel {
            name: function.name.to_owned(),
            params,
            param_bytes: end as usize,
            static_shared: self.shared_end as usize,
            local_bytes: program.routines[0].local_bytes as usize,
            const_bytes,
            max_threads: limit(&[".maxntid", ".reqntid"]).map_or(1024, |d| d.iter().product()),
            required_block: limit(&[".reqntid"]),
            cluster: limit(&[".reqnctapercluster"]),
            program,
        })
    }

    /// The code of a kernel and all it may call.
    fn program(&mut self, index: usize) -> Result<Program> {
        self.routines = vec![index];
        self.shared.clear();
        self.shared_end = 0;
        let (mut code, mut runs, mut pool) = (vec![], vec![], vec![]);
        let (mut routines, mut locs, mut calls) = (vec![], vec![], vec![]);
        let mut next = 0;
        while next < self.routines.len() {
            let source = self.source;
            let function = &source.functions[self.routines[next]];
            let mut f = Function::new(self, next == 0, function.line);
            f.formals(function)?;
            f.statements(function.body.as_deref().unwrap_or(&[]))?;
            super::control::end(&mut f);
            let start = code.len() as u32;
            let laid_out = lay_out(f, start, pool.len() as u32)?;
            for (at, draft) in laid_out.drafts.into_iter().enumerate() {
                if let Some(callee) = draft.callee {
                    calls.push((start as usize + at, callee));
                }
                code.push(draft.inst);
                runs.push(draft.runs);
            }
            pool.extend(laid_out.pool);
            locs.extend(laid_out.locs);
            routines.push(Routine {
                name: function.name.to_owned(),
                entry: start,
                ..laid_out.routine
            });
            next += 1;
        }
        for (at, callee) in calls {
            code[at].a = callee as u32;
        }
        locs.sort_by_key(|(line, _)| *line);
        let mut program = Program::new(code, runs);
        program.pool = pool;
        program.routines = routines;
        program.tokens = self.routines.iter().map(|r| *r as u32).collect();
        program.locs = locs;
        program.files = self
            .source
            .files
            .iter()
            .map(|(n, name)| (*n, (*name).to_owned()))
            .collect();
        Ok(program)
    }
}

struct LaidOut {
    drafts: Vec<Draft>,
    pool: Vec<u32>,
    locs: Vec<(u32, ast::Loc)>,
    routine: Routine,
}

/// Gives registers and labels their places. `start` is the first instruction's number, `pool_at` that of the pool.
fn lay_out(mut f: Function<'_, '_>, start: u32, pool_at: u32) -> Result<LaidOut> {
    let mut labels = vec![];
    for label in &f.labels {
        match label {
            Some(at) => labels.push(*at),
            None => return f.error(LoadErrorKind::Unresolved, "a label without a place"),
        }
    }
    let registers = f.types.len();
    let bytes: Vec<u32> = f
        .types
        .iter()
        .map(|ty| {
            if *ty == Type::Pred {
                4
            } else {
                width(*ty) / 8 * 32
            }
        })
        .collect();
    let mut intervals = liveness::intervals(&f.drafts, &labels, registers);
    let mut constants: Vec<_> = f.constants.iter().map(|(c, r)| (*r, *c)).collect();
    constants.sort_by_key(|(reg, _)| reg.0);
    let mut end = 0;
    let mut fixed = vec![None; registers];
    let mut rows = vec![];
    for (reg, constant) in constants {
        let index = liveness::index(reg);
        if intervals[index].take().is_some() {
            let at = u32::next_multiple_of(end, bytes[index].min(64));
            end = at + bytes[index];
            fixed[index] = Some(at);
            rows.push((at, constant));
        }
    }
    let (places, end) = liveness::allocate(&intervals, &bytes, end);
    let place = |reg: super::draft::Reg| {
        fixed[liveness::index(reg)]
            .or(places[liveness::index(reg)])
            .unwrap_or(NONE)
    };
    for (at, draft) in f.drafts.iter_mut().enumerate() {
        for operand in &draft.operands {
            match operand.slot {
                super::draft::Slot::Inline(slot) => {
                    draft.inst.r[usize::from(slot)] = place(operand.reg)
                }
                super::draft::Slot::Pool(slot) => f.pool[slot as usize] = place(operand.reg),
            }
        }
        super::control::fix(draft, at as u32, start, pool_at, &labels, &mut f.pool);
    }
    Ok(LaidOut {
        drafts: f.drafts,
        pool: f.pool,
        locs: f.locs.into_iter().filter(|(line, _)| *line > 0).collect(),
        routine: Routine {
            name: String::new(),
            entry: 0,
            frame_bytes: end.next_multiple_of(256),
            constants: rows,
            local_bytes: f.local_bytes.next_multiple_of(16),
            params: f.formals.0,
            returns: f.formals.1,
        },
    })
}

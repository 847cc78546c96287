//! A kernel with all that it may call.

use super::function::Function;
use super::layout::lay_out;
use super::symbols::{Result, Symbols};
use crate::exec::handler::select;
use crate::exec::hopper::touch::Touch;
use crate::exec::state::{Program, Routine, Rows};
use crate::exec::{Kernel, Param};
use crate::ptx::ast::Space;
use std::collections::HashMap;

impl<'a> Symbols<'a> {
    pub(super) fn kernel(&mut self, index: usize) -> Result<Kernel> {
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
        let (mut code, mut traces, mut pool) = (vec![], vec![], vec![]);
        let (mut routines, mut locs, mut calls) = (vec![], vec![], vec![]);
        let (mut next, mut touching, mut unread) = (0, HashMap::new(), HashMap::new());
        let mut rows = Rows::default();
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
                traces.push(draft.trace);
            }
            rows.extend(&laid_out.operands);
            pool.extend(laid_out.pool);
            touching.extend(laid_out.touching);
            unread.extend(laid_out.unread);
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
        let mut program = Program::new(code, traces, select::<Touch>());
        program.text = self.text.clone();
        program.rows = rows;
        program.pool = pool;
        program.touching = touching;
        program.unread = unread;
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

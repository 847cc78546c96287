//! Calls and returns. A call's frame lies behind the caller's, in the register file and in local memory. Groups in one
//! routine's frame use different lanes of its rows; a frame of another routine there would have other rows, so it lies
//! behind.

use super::handler::Op;
use super::state::{Context, Flow, Frame, Inst, Lanes, Wait, space};
use crate::check::FaultKind;

/// The (offset, size) list at a place of the pool, and the place behind it.
fn areas(pool: &[u32], at: usize) -> (impl Iterator<Item = (u32, u32)> + '_, usize) {
    let count = pool[at] as usize;
    let end = at + 1 + 2 * count;
    (pool[at + 1..end].chunks_exact(2).map(|c| (c[0], c[1])), end)
}

impl Context<'_> {
    fn copy_local(&mut self, lanes: u32, from: u32, to: u32, bytes: u32) {
        if let Some(undefined) = &mut self.warp.undefined {
            undefined.copy_local(lanes, from, to, bytes);
        }
        for lane in Lanes(lanes) {
            for i in 0..bytes {
                let source = self.warp.local_pointer(u64::from(from + i), lane);
                // SAFETY: both frames were reserved when they were entered, and the areas lie inside them.
                let byte = unsafe { source.read() };
                let target = self.warp.local_pointer(u64::from(to + i), lane);
                // SAFETY: as above.
                unsafe { target.write(byte) }
            }
        }
    }

    fn enter_routine(&mut self, inst: &Inst, routine: usize) -> Flow {
        let program = self.launch.program;
        let (old, callee) = (self.warp.frame, &program.routines[routine]);
        let caller = &program.routines[old.routine as usize];
        let frame = Frame {
            base: self
                .warp
                .clear_base(old.base + caller.frame_bytes, routine, &program.routines),
            local: old.local + caller.local_bytes,
            routine: routine as u32,
            call: inst.b - 1,
        };
        let registers = (frame.base + callee.frame_bytes) as usize;
        if !self
            .warp
            .reserve(registers, (frame.local + callee.local_bytes) as usize)
        {
            let what = format!("Stack overflow: {} calls deep", self.warp.stack.len() + 1);
            return self.fail(inst, self.first_lane(), FaultKind::LaunchFailed, &what, &[]);
        }
        let (arguments, _) = areas(&program.pool, inst.imm as usize);
        for ((from, bytes), (to, _)) in arguments.zip(&callee.params) {
            self.copy_local(self.active, old.local + from, frame.local + to, bytes);
        }
        self.warp.stack.push(old);
        self.warp.frame = frame;
        self.base = self.warp.base();
        let ctaid = self.block.ctaid;
        self.warp
            .fill_constants(self.launch, ctaid, callee, self.active);
        self.pc = callee.entry;
        self.limit = self.warp.next_meeting();
        Flow::Jump
    }

    /// The value of the 8-byte argument number `index` in a lane.
    fn argument(&mut self, inst: &Inst, index: usize, lane: usize) -> u64 {
        let program = self.launch.program;
        let (mut arguments, _) = areas(&program.pool, inst.imm as usize);
        let Some((offset, bytes)) = arguments.nth(index) else {
            return 0;
        };
        let mut value = [0; 8];
        for (i, byte) in value.iter_mut().enumerate().take(bytes as usize) {
            let address = u64::from(self.warp.frame.local + offset) + i as u64;
            // SAFETY: the area lies inside the running frame, which was reserved when it was entered.
            *byte = unsafe { self.warp.local_pointer(address, lane).read() };
        }
        u64::from_le_bytes(value)
    }

    /// Leaves a call's result in a lane, where the caller wants one.
    fn result(&mut self, inst: &Inst, lane: usize, value: u64) {
        let program = self.launch.program;
        let (_, results) = areas(&program.pool, inst.imm as usize);
        let (mut results, _) = areas(&program.pool, results);
        let Some((offset, bytes)) = results.next() else {
            return;
        };
        if let Some(undefined) = &mut self.warp.undefined {
            undefined.set_local(self.warp.frame.local + offset, bytes, lane, None);
        }
        for (n, byte) in value.to_le_bytes().iter().enumerate().take(bytes as usize) {
            let address = u64::from(self.warp.frame.local + offset) + n as u64;
            // SAFETY: the area lies inside the running frame.
            unsafe { self.warp.local_pointer(address, lane).write(*byte) }
        }
    }
}

/// `call` of a named function.
pub struct Call;
impl Op for Call {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        c.enter_routine(i, i.a as usize)
    }
}

/// `call` through a pointer: lanes with other targets than the first come back to the instruction later.
pub struct CallIndirect;
impl Op for CallIndirect {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let row = c.row::<u64>(i.r[0]);
        let first = c.first_lane();
        let pointer = row.get(first);
        let token = pointer.wrapping_sub(space::CODE);
        let routine = c
            .launch
            .program
            .tokens
            .iter()
            .position(|t| u64::from(*t) == token);
        let Some(routine) = routine.filter(|_| pointer & space::WINDOW == space::CODE) else {
            let what = format!("Call of 0x{pointer:x}, which is no function");
            return c.fail(i, first, FaultKind::InvalidPc, &what, &[]);
        };
        let same = Lanes(c.active)
            .filter(|l| row.get(*l) == pointer)
            .fold(0, |m, l| m | 1 << l);
        if same != c.active {
            c.warp.park(i.b - 1, c.active & !same, Wait::Ready);
            c.activate(same);
        }
        c.enter_routine(i, routine)
    }
}

/// `ret` of a function.
pub struct Return;
impl Op for Return {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let program = c.launch.program;
        let callee = c.warp.frame;
        let Some(caller) = c.warp.stack.pop() else {
            return c.fail(
                i,
                c.first_lane(),
                FaultKind::InvalidPc,
                "return from no call",
                &[],
            );
        };
        let call = &c.launch.code[callee.call as usize];
        let (_, results) = areas(&program.pool, call.imm as usize);
        let (targets, _) = areas(&program.pool, results);
        for ((to, bytes), (from, _)) in
            targets.zip(&program.routines[callee.routine as usize].returns)
        {
            c.copy_local(c.active, callee.local + from, caller.local + to, bytes);
        }
        c.warp.frame = caller;
        c.base = c.warp.base();
        c.pc = callee.call + 1;
        c.limit = c.warp.next_meeting();
        let depth = c.warp.stack.len();
        if c.warp
            .groups
            .iter()
            .any(|g| g.wait == Wait::Ready && g.stack.len() > depth)
        {
            // others are still in calls: they come first, so that all meet behind the call
            c.warp.park(c.pc, c.active, Wait::Ready);
            return Flow::Switch;
        }
        Flow::Jump
    }
}

/// `vprintf(format, arguments)`
pub struct Printf;
impl Op for Printf {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        for lane in c.lanes() {
            let (format, arguments) = (c.argument(i, 0, lane), c.argument(i, 1, lane));
            let text = super::print::format(c, lane, format, arguments);
            super::print::write(&text);
            c.result(i, lane, text.len() as u64);
        }
        Flow::Next
    }
}

/// `malloc(size)`
pub struct Malloc;
impl Op for Malloc {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        for lane in c.lanes() {
            let address = c.launch.memory.heap_alloc(c.argument(i, 0, lane));
            c.result(i, lane, address);
        }
        Flow::Next
    }
}

/// `free(pointer)`
pub struct Free;
impl Op for Free {
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        for lane in c.lanes() {
            let address = c.argument(i, 0, lane);
            if address != 0 && !c.launch.memory.heap_free(address) {
                let what = format!("free() of 0x{address:x}, which is not malloc()'s or was freed");
                return c.fail(i, lane, FaultKind::LaunchFailed, &what, &[]);
            }
        }
        Flow::Next
    }
}

/// `__assertfail(message, file, line, function, size of a character)`
pub struct AssertFail;
impl Op for AssertFail {
    #[inline(always)]
    fn run(c: &mut Context<'_>, i: &Inst) -> Flow {
        let lane = c.first_lane();
        let [message, file, function] = [0, 1, 3].map(|n| {
            let address = c.argument(i, n, lane);
            String::from_utf8_lossy(&super::print::text(c, lane, address)).into_owned()
        });
        let line = c.argument(i, 2, lane) as u32;
        let what = format!("{file}:{line}: {function}: Assertion `{message}' failed");
        c.fail(i, lane, FaultKind::Assert, &what, &[])
    }
}

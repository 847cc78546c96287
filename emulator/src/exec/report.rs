//! The report of a fault, in the style of compute-sanitizer.

use super::state::{Block, Context, Flow, Inst, Launch};
use crate::check::shared::{ENGINE_THREAD, Finding};
use crate::check::{Fault, FaultKind, record};

/// `(1,2,3)` of a thread's number in its block.
pub fn thread_index(thread: u32, block: [u32; 3]) -> String {
    let [x, y, _] = block;
    format!("({},{},{})", thread % x, thread / x % y, thread / (x * y))
}

/// Where something was done and by whom: the kernel and its line, that line, the thread.
fn whereabouts(launch: &Launch<'_>, ctaid: [u32; 3], line: u32, thread: u32) -> Vec<String> {
    let place = launch
        .program
        .source_line(line)
        .map_or(String::new(), |(f, l)| format!(" ({f}:{l})"));
    let mut out = vec![format!("at {}, PTX line {line}{place}", launch.kernel_name)];
    let quote = launch.program.quote(line);
    if !quote.is_empty() {
        out.push(format!("> {quote}"));
    }
    let ([x, y, z], index) = (ctaid, thread_index(thread, launch.config.block));
    out.push(format!("by thread {index} in block ({x},{y},{z})"));
    out
}

/// A fault with its report.
fn describe(
    launch: &Launch<'_>,
    ctaid: [u32; 3],
    kind: FaultKind,
    line: u32,
    thread: u32,
    what: &str,
    more: &[String],
) -> Fault {
    let mut report = format!("========= {what}\n");
    for text in whereabouts(launch, ctaid, line, thread).iter().chain(more) {
        report.push_str(&format!("=========     {text}\n"));
    }
    Fault {
        kind,
        what: what.to_owned(),
        line,
        quote: launch.program.quote(line).to_owned(),
        report,
    }
}

impl Block {
    /// Notes the first fault of the block.
    pub fn report(
        &mut self,
        launch: &Launch<'_>,
        kind: FaultKind,
        line: u32,
        thread: u32,
        what: &str,
        more: &[String],
    ) {
        if self.fault.is_none() {
            let fault = describe(launch, self.ctaid, kind, line, thread, what, more);
            self.fault = Some(Box::new(fault));
        }
    }
}

impl Context<'_> {
    /// The number of a lane's thread in the block.
    #[inline(always)]
    pub fn thread(&self, lane: usize) -> u32 {
        self.warp.index * 32 + lane as u32
    }

    /// Where a lane does something.
    pub(super) fn whereabouts(&self, line: u32, lane: usize) -> Vec<String> {
        whereabouts(self.launch, self.block.ctaid, line, self.thread(lane))
    }

    /// The fault that a lane would be told of.
    pub(super) fn fault_of(&self, line: u32, lane: usize, what: &str, more: &[String]) -> Fault {
        let (ctaid, thread) = (self.block.ctaid, self.thread(lane));
        let kind = FaultKind::LaunchFailed;
        describe(self.launch, ctaid, kind, line, thread, what, more)
    }

    /// Fails the launch because of what a lane did; or, where runs go on, reports it and leaves the lane out.
    #[cold]
    pub fn fail(
        &mut self,
        inst: &Inst,
        lane: usize,
        kind: FaultKind,
        what: &str,
        more: &[String],
    ) -> Flow {
        let thread = self.thread(lane);
        let mut more = more.to_vec();
        if self.warp.frame.routine != 0 {
            let name = &self.launch.program.routines[self.warp.frame.routine as usize].name;
            more.push(format!(
                "in function {name}, {} calls deep",
                self.warp.stack.len()
            ));
        }
        if self.launch.options.goes_on && self.goes_by_lanes(inst) {
            let ctaid = self.block.ctaid;
            let fault = describe(self.launch, ctaid, kind, inst.line, thread, what, &more);
            record(self.launch.kernel_name, &fault);
            self.left_out |= 1 << lane;
            return Flow::Switch;
        }
        self.block
            .report(self.launch, kind, inst.line, thread, what, &more);
        Flow::Switch
    }

    /// Fails the launch because of what the shared memory's shadow says.
    #[cold]
    pub fn fail_shared(
        &mut self,
        inst: &Inst,
        lane: usize,
        write: bool,
        address: u32,
        size: u32,
        finding: Finding,
    ) -> Flow {
        let verb = if write { "write" } else { "read" };
        let place = |line: u32| {
            let source = self
                .launch
                .program
                .source_line(line)
                .map_or(String::new(), |(f, l)| format!(" ({f}:{l})"));
            format!("PTX line {line}{source}")
        };
        let name =
            |thread: u32| format!("thread {}", thread_index(thread, self.launch.config.block));
        let at = format!("Shared address 0x{address:x}");
        let (what, more) = match finding {
            Finding::Uninitialised => (
                format!("Uninitialized __shared__ memory read of size {size} bytes"),
                vec![at],
            ),
            Finding::Race {
                thread,
                line,
                write: other,
            } => {
                let other_verb = if other { "write" } else { "read" };
                let who = thread.map_or("several threads".to_owned(), name);
                (
                    format!(
                        "Race: __shared__ {verb} of size {size} bytes with no barrier since another thread's {other_verb}"
                    ),
                    vec![
                        at,
                        format!("the other {other_verb} was by {who} at {}", place(line)),
                    ],
                )
            }
            Finding::InFlight { thread, line } => {
                let who = if thread < ENGINE_THREAD {
                    format!(" by {}", name(thread))
                } else {
                    String::new()
                };
                (
                    format!(
                        "Asynchronous copy not waited for: __shared__ {verb} of size {size} bytes of its destination"
                    ),
                    vec![at, format!("the copy was started{who} at {}", place(line))],
                )
            }
            Finding::InUse { line } => (
                format!(
                    "Asynchronous operation not waited for: __shared__ {verb} of size {size} bytes where it still reads"
                ),
                vec![at, format!("it was started at {}", place(line))],
            ),
            Finding::NoProxyFence { thread, line } => (
                "Missing proxy fence: the asynchronous proxy reads __shared__ memory that an ordinary store wrote, with no fence.proxy.async between"
                    .to_owned(),
                vec![
                    at,
                    format!("the store was by {} at {}", name(thread), place(line)),
                ],
            ),
        };
        self.fail(inst, lane, FaultKind::LaunchFailed, &what, &more)
    }
}

//! The interpreter's loop: one warp until it cannot go on.

use super::count::Counter;
use super::observer::{Observer, Watcher};
use super::state::{Block, Context, Flow, Group, Hit, Inst, Launch, Peers, Wait, Warp};
use super::undefined::Follower;

/// Backward jumps of a group before the other groups of its warp get a turn.
pub const GROUP_BUDGET: u32 = 256;
/// Backward jumps of a warp before the other warps get a turn.
const WARP_BUDGET: u32 = 16384;

/// Turns that groups of a warp may use up before the other warps get one.
const MOST_TURNS: u32 = 32;

/// Why a warp stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All of its threads have ended.
    Ended,
    /// All of its threads wait.
    Waiting,
    /// It has jumped backward for long: others should run.
    Spinning,
    /// `Block::fault` says why.
    Failed,
}

/// Runs a warp of a block; the warp is handed back.
pub fn run_warp(
    warp: Warp,
    block: &mut Block,
    peers: Peers<'_>,
    launch: &Launch<'_>,
) -> (Warp, Stop) {
    let mut context = Context {
        base: std::ptr::null_mut(),
        write: 0,
        active: 0,
        pc: 0,
        limit: 0,
        budget: 0,
        unguarded: 0,
        left_out: 0,
        follows: false,
        begins: false,
        hits: [Hit::EMPTY; 8],
        level: launch.level,
        width: std::hint::black_box(32),
        warp,
        block,
        peers,
        launch,
    };
    let stop = context.run();
    (context.warp, stop)
}

impl Context<'_> {
    fn run(&mut self) -> Stop {
        let (mut turns, mut meetings) = (0, 0);
        loop {
            let rotated = self.warp.rotate;
            let Some(group) = self.warp.take_ready().or_else(|| self.release_lanes()) else {
                self.warp.rotate = false;
                return if self.warp.groups.is_empty() {
                    Stop::Ended
                } else {
                    Stop::Waiting
                };
            };
            self.warp.rotate = false;
            let alone = !self.warp.groups.iter().any(|g| g.wait == Wait::Ready);
            self.budget = if alone { WARP_BUDGET } else { GROUP_BUDGET };
            self.enter(group);
            if rotated {
                // a group that gets its turn keeps it, else the lowest would take over at once
                self.limit = u32::MAX;
            }
            self.interpret();
            if self.block.fault.is_some() {
                return Stop::Failed;
            }
            // only a group that has used up its turn leaves this set
            turns += u32::from(self.warp.rotate);
            if self.warp.rotate && (alone || turns >= MOST_TURNS) {
                return Stop::Spinning;
            }
            // groups that have met begin a turn together, so a loop with a join inside never uses one up
            meetings += 1;
            if meetings % GROUP_BUDGET == 0 {
                self.warp.rotate = true;
            }
            if meetings == WARP_BUDGET {
                return Stop::Spinning;
            }
        }
    }

    /// Makes a group the running one.
    fn enter(&mut self, group: Group) {
        self.warp.frame = group.frame;
        self.warp.stack = group.stack;
        self.base = self.warp.base();
        self.pc = group.pc;
        self.limit = self.warp.next_meeting();
        self.activate(group.mask);
    }

    fn interpret(&mut self) {
        let (launch, mut again) = (self.launch, false);
        loop {
            self.follows = self.warp.undefined.is_some() || !self.block.undefined.is_empty();
            if self.follows {
                self.warp.undefined.get_or_insert_default();
            }
            let watcher = Watcher::default();
            match (launch.counting, self.follows) {
                (_, false) if launch.watches() => self.observed(&mut { watcher }),
                (_, true) if launch.watches() => self.observed(&mut (watcher, Follower)),
                (Some(counting), false) => self.observed(&mut Counter::new(counting, again)),
                (Some(counting), true) => {
                    self.observed(&mut (Counter::new(counting, again), Follower))
                }
                (None, false) => self.observed(&mut ()),
                (None, true) => self.observed(&mut Follower),
            }
            again = std::mem::take(&mut self.begins);
            if !again {
                return;
            }
            self.warp.undefined.get_or_insert_default();
        }
    }

    fn observed(&mut self, observer: &mut impl Observer) {
        let launch = self.launch;
        let code: &[Inst] = launch.code;
        let mut pc = self.pc;
        loop {
            if pc >= self.limit {
                self.warp.park(pc, self.active, Wait::Ready);
                return;
            }
            let inst = &code[pc as usize];
            let mut flow = match observer.before(self, launch, pc) {
                // SAFETY: `inst.run` was selected for this processor, and the frame of the running group has the layout
                // of the routine that `pc` is in: calls and returns change both together.
                true => unsafe { (inst.run)(self, inst) },
                false => Flow::Switch,
            };
            if flow == Flow::Switch && self.left_out != 0 {
                flow = self.without_lanes(inst);
            }
            observer.after(self, launch, pc, flow);
            match flow {
                Flow::Next => pc += 1,
                Flow::Jump => pc = self.pc,
                Flow::Switch => {
                    // where it is tried again, if it is
                    self.pc = pc;
                    return;
                }
            }
        }
    }

    /// Lanes that wait for each other by mask: those that have met go on.
    ///
    /// Called when no group is ready, so whoever is missing is not on its way.
    fn release_lanes(&mut self) -> Option<Group> {
        let live = self.warp.live;
        let groups = &self.warp.groups;
        let met = groups.iter().find_map(|g| match g.wait {
            // one instruction: the group itself must have grown to the whole mask
            Wait::Collective { mask, .. } if mask & live & !g.mask == 0 => Some(g.wait),
            // a barrier: any instruction with the same mask
            Wait::Lanes { mask } => {
                let waiting = groups
                    .iter()
                    .filter(|o| o.wait == g.wait)
                    .fold(0, |all, o| all | o.mask);
                (mask & live & !waiting == 0).then_some(g.wait)
            }
            _ => None,
        })?;
        for group in &mut self.warp.groups {
            if group.wait == met {
                group.wait = Wait::Ready;
            }
        }
        self.warp.take_ready()
    }
}

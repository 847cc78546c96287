//! Ordinary accesses to `shared::cluster` addresses: lanes at the own block's memory, lanes at other blocks'.

use crate::exec::state::{Context, Flow, Inst, Kind, level, space};

impl Context<'_> {
    /// As `resolve`, for addresses of the whole cluster. What orders blocks is not tracked: of accesses to another
    /// block's memory only bounds, first writes and copies on their way are checked.
    pub fn cluster_memory(
        &mut self,
        inst: &Inst,
        at: &mut [u64; 32],
        size: u32,
        kind: Kind,
    ) -> Result<u32, Flow> {
        let (mut own, full) = (0, self.level == level::FULL);
        for lane in self.lanes() {
            let place = self.place(inst, lane, at[lane], size, size, kind.verb())?;
            if place.rank == self.block.rank {
                at[lane] = u64::from(place.offset);
                own |= 1 << lane;
                continue;
            }
            let block = self.block_of(place.rank);
            let host = block.shared_pointer(place.offset) as u64;
            block.events += u64::from(kind != Kind::Read);
            if kind != Kind::Read {
                block.undefined.set(place.offset, size, None);
            }
            if full {
                let finding = match kind {
                    Kind::Read => block.shadow.foreign_read(place.offset, size),
                    Kind::Write => block.shadow.foreign_write(place.offset, size),
                    Kind::Update => block
                        .shadow
                        .foreign_read(place.offset, size)
                        .or_else(|| block.shadow.foreign_write(place.offset, size)),
                };
                if let Some(finding) = finding {
                    let write = kind != Kind::Read;
                    let address = space::of_block(place.rank, place.offset);
                    return Err(self.fail_shared(inst, lane, write, address, size, finding));
                }
            }
            at[lane] = host;
        }
        Ok(own)
    }
}

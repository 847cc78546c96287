//! Several devices: which memory of the others a context's kernels reach.

use super::context::{Context, by_handle, current, in_context};
use super::entry::{Out, api};
use super::error::{Error, Outcome};
use super::handles::{Handle, lock};
use super::heap::Kind;
use super::machine::{Device, Ordinal, device, machine};
use super::pool;
use crate::memory::Memory;

/// The memory that kernels of a context see where there are other devices; nothing where there are none.
pub fn view(context: &Context) -> Outcome<Option<Memory>> {
    let devices = &machine()?.devices;
    if devices.len() == 1 {
        return Ok(None);
    }
    let own = context.device;
    let others = devices.iter().filter(|d| d.ordinal != own.ordinal);
    let peers = lock(&context.peers).clone();
    let mut view = own.heap.memory.view();
    for other in others {
        let why = format!(
            "it is memory of device {}, which the context of device {} has no access to",
            other.ordinal, own.ordinal
        );
        view.add(&other.heap.memory, &why, |base| {
            admits(other, base, own.ordinal, &peers)
        });
    }
    Ok(Some(view))
}

/// Whether kernels of device `to` reach the other device's allocation at `base`.
fn admits(other: &Device, base: u64, to: Ordinal, peers: &[Handle]) -> bool {
    let Ok(block) = other.heap.find(base) else {
        // a module's variable, which is not in the book: of one of the device's contexts
        return peers
            .iter()
            .any(|&peer| by_handle(peer).is_ok_and(|peer| peer.device.ordinal == other.ordinal));
    };
    match block.kind {
        Kind::Managed | Kind::Pinned(_) | Kind::Registered(_) => true,
        // pools are shared by their own call alone
        Kind::Pool(pool) => pool::is_shared_with(pool, to),
        Kind::Device | Kind::Graph => peers.contains(&block.context),
    }
}

in_context! {
    fn cuCtxEnablePeerAccess(peer: Handle, flags: u32) {
        let (own, peer) = (current()?, by_handle(peer)?);
        if flags != 0 {
            return Err(Error::INVALID_VALUE);
        }
        if own.handle == peer.handle {
            return Err(Error::INVALID_CONTEXT);
        }
        if own.device.ordinal == peer.device.ordinal {
            return Err(Error::PEER_ACCESS_UNSUPPORTED);
        }
        let mut peers = lock(&own.peers);
        if peers.contains(&peer.handle) {
            return Err(Error::PEER_ACCESS_ALREADY_ENABLED);
        }
        peers.push(peer.handle);
        Ok(())
    }

    fn cuCtxDisablePeerAccess(peer: Handle) {
        let (own, peer) = (current()?, by_handle(peer)?);
        let mut peers = lock(&own.peers);
        let at = peers.iter().position(|&p| p == peer.handle).ok_or(Error::PEER_ACCESS_NOT_ENABLED)?;
        peers.remove(at);
        Ok(())
    }
}

api! {
    fn cuDeviceCanAccessPeer(can: Out<i32>, ordinal: Ordinal, peer: Ordinal) {
        device(ordinal)?;
        device(peer)?;
        can.set(i32::from(ordinal != peer))
    }

    fn cuDeviceGetP2PAttribute(result: Out<i32>, attribute: u32, from: Ordinal, to: Ordinal) {
        device(from)?;
        device(to)?;
        if from == to {
            return Err(Error::INVALID_DEVICE);
        }
        result.set(match attribute {
            // the rank of the link's speed
            1 => 0,
            // access, and atomics
            2 | 3 => 1,
            // arrays
            4 => 0,
            _ => return Err(Error::INVALID_VALUE),
        })
    }
}

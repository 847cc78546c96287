//! Beginning and ending captures, and asking about them.

use super::capture::{begin, end, exchange_mode};
use super::device::device;
use super::entry::{In, Out, api};
use super::error::{Error, Outcome};
use super::graph::GRAPHS;
use super::handles::{Handle, lock};
use super::stream::{self, Stream};
/// 0 none, 1 active, 2 invalidated.
fn status(stream: &Stream) -> u32 {
    match &*lock(&stream.capturing) {
        None => 0,
        Some(place) => 1 + u32::from(place.capture.check().is_err()),
    }
}

fn info(stream: Handle, result: Out<u32>, id: Out<u64>, graph: Out<Handle>) -> Outcome {
    let stream = stream::find(stream)?;
    result.set(status(&stream))?;
    if let Some(place) = &*lock(&stream.capturing) {
        id.set_if_wanted(place.capture.id);
        graph.set_if_wanted(place.capture.graph.handle);
    }
    Ok(())
}

api! {
    fn cuStreamBeginCapture_v2(stream: Handle, mode: u32) {
        begin(stream, mode, None, Vec::new())
    }

    fn cuStreamBeginCaptureToGraph(
        stream: Handle, graph: Handle, after: In<Handle>, _edges: In<u8>, count: usize, mode: u32,
    ) {
        device()?;
        let graph = GRAPHS.get(graph)?;
        let after = after.list(count)?;
        graph.check_nodes(&after)?;
        begin(stream, mode, Some(graph), after)
    }

    fn cuStreamEndCapture(stream: Handle, result: Out<Handle>) {
        let stream = stream::find(stream)?;
        result.set(0)?;
        result.set(end(&stream)?.handle)
    }

    fn cuStreamIsCapturing(stream: Handle, result: Out<u32>) {
        result.set(status(&*stream::find(stream)?))
    }

    fn cuStreamGetCaptureInfo_v2(
        stream: Handle, result: Out<u32>, id: Out<u64>, graph: Out<Handle>, after: Out<usize>, count: Out<usize>,
    ) {
        // The list of nodes would have to outlive the call; whoever wants it must do without.
        if !after.is_null() || !count.is_null() {
            return Err(Error::NOT_SUPPORTED);
        }
        info(stream, result, id, graph)
    }

    fn cuStreamGetCaptureInfo_v3(
        stream: Handle, result: Out<u32>, id: Out<u64>, graph: Out<Handle>, after: Out<usize>, edges: Out<usize>,
        count: Out<usize>,
    ) {
        if !after.is_null() || !edges.is_null() || !count.is_null() {
            return Err(Error::NOT_SUPPORTED);
        }
        info(stream, result, id, graph)
    }

    fn cuThreadExchangeStreamCaptureMode(mode: Out<u32>) {
        device()?;
        mode.set(exchange_mode(mode.get()?)?)
    }
}

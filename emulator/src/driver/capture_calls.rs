//! Beginning and ending captures, and asking about them.

use super::capture::{self, begin, end, exchange_mode};
use super::entry::{In, Out, api};
use super::error::{Error, Outcome};
use super::graph::GRAPHS;
use super::handles::{Handle, lock};
use super::machine::machine;
use super::queue;
use super::stream::Stream;

/// 0 none, 1 active, 2 invalidated.
fn status(stream: &Stream) -> u32 {
    match &*lock(&stream.capturing) {
        None => 0,
        Some(place) => 1 + u32::from(capture::of(place).and_then(|c| c.check()).is_err()),
    }
}

/// Where `cuStreamGetCaptureInfo` puts what it was asked for; null for what was not.
struct Wanted {
    id: Out<u64>,
    graph: Out<Handle>,
    after: Out<usize>,
    count: Out<usize>,
}

fn info(stream: Handle, result: Out<u32>, wanted: Wanted) -> Outcome {
    let stream = queue::find(stream)?;
    result.set(status(&stream))?;
    if let Some(place) = &*lock(&stream.capturing) {
        let capture = capture::of(place)?;
        wanted.id.set_if_wanted(capture.id);
        wanted.graph.set_if_wanted(capture.graph.handle);
        // The list must stay where it is until the next call on this stream.
        let mut shown = lock(&stream.shown_nodes);
        shown.clone_from(&place.after);
        wanted.after.set_if_wanted(shown.as_ptr() as usize);
        wanted.count.set_if_wanted(shown.len());
    }
    Ok(())
}

/// Replaces, or adds to, what the stream's next node depends on.
fn update(stream: Handle, nodes: In<Handle>, count: usize, replace: u32) -> Outcome {
    let stream = queue::find(stream)?;
    let nodes = nodes.list(count)?;
    let mut capturing = lock(&stream.capturing);
    let place = capturing.as_mut().ok_or(Error::ILLEGAL_STATE)?;
    let capture = capture::of(place)?;
    capture.check()?;
    capture.graph.check_nodes(&nodes)?;
    if replace != 0 {
        place.after.clear();
    }
    place.after.extend(nodes);
    Ok(())
}

api! {
    fn cuStreamBeginCapture_v2(stream: Handle, mode: u32) {
        begin(queue::find(stream)?, mode, None, Vec::new())
    }

    fn cuStreamBeginCaptureToGraph(
        stream: Handle, graph: Handle, after: In<Handle>, _edges: In<u8>, count: usize, mode: u32,
    ) {
        machine()?;
        let graph = GRAPHS.get(graph)?;
        let after = after.list(count)?;
        graph.check_nodes(&after)?;
        begin(queue::find(stream)?, mode, Some(graph), after)
    }

    fn cuStreamEndCapture(stream: Handle, result: Out<Handle>) {
        let stream = queue::find(stream)?;
        result.set(0)?;
        result.set(end(&stream)?.handle)
    }

    fn cuStreamIsCapturing(stream: Handle, result: Out<u32>) {
        result.set(status(&*queue::find(stream)?))
    }

    fn cuStreamGetCaptureInfo_v2(
        stream: Handle, result: Out<u32>, id: Out<u64>, graph: Out<Handle>, after: Out<usize>, count: Out<usize>,
    ) {
        info(stream, result, Wanted { id, graph, after, count })
    }

    fn cuStreamGetCaptureInfo_v3(
        stream: Handle, result: Out<u32>, id: Out<u64>, graph: Out<Handle>, after: Out<usize>, edges: Out<usize>,
        count: Out<usize>,
    ) {
        // Null says that every edge is a plain one.
        edges.set_if_wanted(0);
        info(stream, result, Wanted { id, graph, after, count })
    }

    fn cuStreamUpdateCaptureDependencies(stream: Handle, nodes: In<Handle>, count: usize, replace: u32) {
        update(stream, nodes, count, replace)
    }

    fn cuStreamUpdateCaptureDependencies_v2(
        stream: Handle, nodes: In<Handle>, _edges: In<u8>, count: usize, replace: u32,
    ) {
        update(stream, nodes, count, replace)
    }

    fn cuThreadExchangeStreamCaptureMode(mode: Out<u32>) {
        machine()?;
        mode.set(exchange_mode(mode.get()?)?)
    }
}

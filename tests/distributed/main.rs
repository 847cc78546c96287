//! Ranks on several devices: threads of one process, and processes. Each scenario has processes of its own, since the
//! environment says how many devices the emulated driver has; on real GPUs it takes as many as there are.

#[path = "../common/mod.rs"]
mod common;

mod beside;
mod collectives;
mod data;
mod failures;
mod lenet;
mod meeting;
mod parallel;
mod ranks;
mod runs;
mod stages;
mod zero;

use std::process::ExitCode;

use runs::{Run, run};

/// Every scenario with how many devices and processes it is run; what else is said of it, says its function.
const RUNS: &[Run] = &[
    Run::new("collectives", collectives::all).threads(2),
    Run::new("collectives", collectives::all)
        .threads(4)
        .seed("3"),
    Run::new("collectives", collectives::all).processes(2),
    Run::new("collectives", collectives::all)
        .processes(4)
        .seed("5"),
    Run::new("collectives", collectives::all)
        .threads(2)
        .deferred(),
    Run::new("one_thread", collectives::one_thread).threads(2),
    Run::new("barrier", collectives::barrier)
        .threads(2)
        .deferred(),
    Run::new("kept", beside::kept).threads(2).deferred(),
    Run::new("alike", parallel::alike).threads(2),
    Run::new("alike", parallel::alike).threads(4).seed("7"),
    Run::new("alike", parallel::alike).threads(2).deferred(),
    Run::new("alike", parallel::alike).processes(2),
    Run::new("alike", parallel::alike).processes(4).seed("6"),
    Run::new("captured", parallel::captured).threads(2),
    Run::new("captured", parallel::captured)
        .threads(2)
        .deferred(),
    Run::new("captured", parallel::captured).processes(2),
    Run::new("parts", parallel::parts).threads(2),
    Run::new("unused", parallel::unused).threads(2),
    Run::new("buffers", parallel::buffers).threads(2),
    Run::new("wrong_models", parallel::wrong_models).threads(2),
    Run::new("zero", zero::steps).threads(2),
    Run::new("zero", zero::steps).threads(4).seed("2"),
    Run::new("zero", zero::steps).processes(2),
    Run::new("shares", zero::shares).threads(2),
    Run::new("shares", zero::shares).threads(3).seed("4"),
    Run::new("shares", zero::shares).threads(2).deferred(),
    Run::new("shares", zero::shares).processes(2),
    Run::new("files", data::files).threads(2),
    Run::new("sampler", data::sampler).alone(),
    Run::new("lenet", lenet::trains).threads(2),
    Run::new("lenet", lenet::trains).processes(2),
    Run::new("refused", failures::refused).threads(2),
    Run::new("mismatched", failures::mismatched)
        .threads(2)
        .emulated(),
    Run::new("killed", failures::killed).processes(4).fails(2),
    Run::new("killed_in_a_step", stages::killed)
        .processes(2)
        .stage("forward")
        .fails(1),
    Run::new("killed_in_a_step", stages::killed)
        .processes(2)
        .stage("backward")
        .fails(1),
    Run::new("killed_in_a_step", stages::killed)
        .processes(2)
        .stage("step")
        .fails(1),
    Run::new("killed_in_a_step", stages::killed)
        .processes(2)
        .stage("save")
        .fails(0),
    Run::new("left", failures::left).processes(2).deferred(),
    Run::new("left", failures::left).threads(2).deferred(),
    Run::new("left", failures::left).processes(3),
    Run::new("panicked", failures::panicked)
        .processes(3)
        .fails(1),
    Run::new("late", failures::late).processes(2),
    Run::new("late", failures::late).processes(3),
    Run::new("late", failures::late).processes(2).deferred(),
    Run::new("late", failures::late).threads(2),
    Run::new("stays", failures::stays).processes(2).deferred(),
    Run::new("no_library", failures::no_library).alone(),
    Run::new("variables", meeting::variables_wrong).alone(),
    Run::new("port_in_use", meeting::port_in_use).alone(),
    Run::new("agent_store", meeting::agent_store).threads(2),
    Run::new("nobody_comes", meeting::nobody_comes).alone(),
    Run::new("no_rank_0", meeting::no_rank_0).alone(),
    Run::new("strangers", meeting::strangers).threads(2),
    Run::new("twice", meeting::twice).alone(),
    Run::new("no_rank", meeting::no_rank).alone(),
    Run::new("world_sizes", meeting::world_sizes).processes(2),
];

fn main() -> ExitCode {
    runs::main(RUNS, run)
}

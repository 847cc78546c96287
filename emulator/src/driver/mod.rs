//! The driver API: the C functions, and the objects behind their handles.
//!
//! Work runs when it is enqueued, unless `deferred` keeps it, so every order that streams, events and graphs can ask for holds by itself. See
//! the README for what a program can notice of that.

#![allow(non_snake_case)] // the C functions keep their names

mod above;
mod attributes;
mod capture;
mod capture_calls;
mod context;
mod context_calls;
mod context_config;
mod copy;
mod counts;
mod deferred;
mod demangle;
mod device;
mod entry;
mod error;
mod event;
mod event_calls;
mod findings;
mod function;
mod graph;
mod graph_exec;
mod graph_nodes;
mod graph_query;
mod handles;
mod heap;
mod host;
mod init;
mod launch;
mod launch_calls;
mod library;
mod link;
mod machine;
mod memory;
mod module;
mod occupancy;
mod peer;
mod plant;
mod pointer;
mod pool;
mod pool_calls;
mod queue;
mod release;
mod stream;
mod stream_calls;
mod tensor_map;
mod trace;
mod transfer;
mod unsupported;
mod work;

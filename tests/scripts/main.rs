//! Scripts that a user starts, apart from those that CI runs as they are.

mod launch;
mod suite;

//! Threads that the process cannot do without.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};

/// The exit code when a thread failed, so that whoever watches starts the engine again.
pub const FAILED: i32 = 70;

/// Starts a thread. A panic in it ends the process: half an engine is worse than a new one.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.into()).spawn(move || {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            std::process::exit(FAILED);
        }
    })
}

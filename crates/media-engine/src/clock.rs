//! The only place where the engine reads a clock.

use media_proto::Micros;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

static START: OnceLock<Instant> = OnceLock::new();

/// Monotonic time since the first call in this process.
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> Micros {
    let start = START.get_or_init(Instant::now);
    start.elapsed().as_micros() as Micros
}

/// The wall clock, as microseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub fn unix() -> Micros {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as Micros)
}

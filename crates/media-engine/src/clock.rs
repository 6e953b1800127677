//! The only place where the engine reads a clock.

use media_proto::Micros;
use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

static START: OnceLock<Instant> = OnceLock::new();

/// The moment from which [`now`] counts: its first call in this process.
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub fn start() -> Instant {
    *START.get_or_init(Instant::now)
}

/// Monotonic time.
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> Micros {
    start().elapsed().as_micros() as Micros
}

/// The wall clock, as microseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub fn unix() -> Micros {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as Micros)
}

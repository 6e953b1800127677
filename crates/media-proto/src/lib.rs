//! The parts of tongdai's media engine that do no I/O.
//!
//! Nothing here opens a socket, reads a clock or starts a thread: packets come in as byte slices, the time is an
//! argument ([`Micros`]), and what is to be sent is written into the caller's buffer. All sound is 8 kHz mono.

pub mod codec;
pub mod dtmf;
pub mod g711;
pub mod g722;
pub mod jitter;
pub mod latch;
pub mod mixer;
pub mod opus;
pub mod recording;
pub mod rtcp;
pub mod rtp;
pub mod rx;
pub mod sound;
pub mod tone;
pub mod tx;
pub mod wav;

/// A moment or a span in microseconds of a monotonic clock whose zero is the caller's choice.
pub type Micros = u64;

/// Samples per second of every stream here.
pub const SAMPLE_RATE: u32 = 8000;

/// Samples in the 20 ms frame that mixers and recorders work in.
pub const FRAME: usize = 160;

/// The length of [`FRAME`].
pub const FRAME_MICROS: Micros = 20_000;

/// Microseconds in a millisecond.
pub const MS: Micros = 1_000;

/// Microseconds in a second.
pub const SECOND: Micros = 1_000_000;

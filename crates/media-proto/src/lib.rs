//! The parts of tongdai's media engine that do no I/O.
//!
//! Nothing here opens a socket, reads a clock or starts a thread: packets come in as byte slices, the time is an
//! argument ([`Micros`]), what is to be sent is written into the caller's buffer, and files are whatever reads and seeks. All sound is mono, of 8 or 16 kHz.

pub mod agc;
pub mod codec;
pub mod dtls;
pub mod dtmf;
pub mod ear;
pub mod floor;
pub mod g711;
pub mod g722;
pub mod ice;
pub mod inband;
pub mod latch;
pub mod mixer;
pub mod ogg;
pub mod opus;
pub mod opus_file;
pub mod presence;
pub mod quality;
pub mod recording;
pub mod resample;
pub mod rtcp;
pub mod rtp;
pub mod rx;
pub mod sound;
pub mod srtp;
pub mod stun;
pub mod tone;
pub mod track;
pub mod tx;
pub mod vad;
pub mod voice;
pub mod wav;

/// A moment or a span in microseconds of a monotonic clock whose zero is the caller's choice.
pub type Micros = u64;

/// Samples per second of narrow-band sound: what G.711 has.
pub const SAMPLE_RATE: u32 = 8000;

/// Samples in 20 ms of narrow-band sound.
pub const FRAME: usize = 160;

/// Samples in 20 ms of wide-band sound, of 16 kHz.
pub const WIDE_FRAME: usize = 320;

/// The length of [`FRAME`].
pub const FRAME_MICROS: Micros = 20_000;

/// Microseconds in a millisecond.
pub const MS: Micros = 1_000;

/// Microseconds in a second.
pub const SECOND: Micros = 1_000_000;

//! tongdai's media engine.
//!
//! Threads, each waiting on descriptors only:
//!
//! - [`control`] (the main thread) speaks with the controller, checks every command, owns names and ports;
//! - [`worker`], one for each core, moves packets and makes sound; its orders are checked already and cannot fail;
//! - [`handshakes`] agrees on keys with peers, which takes longer than a packet may wait;
//! - [`loader`] reads and encodes sound files, so that no packet waits for a disk, and [`reader`] those that are too long for
//!   that, piece by piece;
//! - [`writer`] writes recordings, for the same reason, each in a thread of its own.
//!
//! A panic ends the session, room or file that was worked for ([`fault`]), and neither the thread nor the process.
//!
//! [`decode`] is none of them: a process of its own for each file that somebody uploads.
//!
//! They talk through channels ([`orders`] down, [`notes`] up) with an eventfd beside each to wake the other side.

pub mod args;
pub mod clock;
pub mod control;
pub mod decode;
pub mod fault;
pub mod handshakes;
pub mod loader;
pub mod log;
pub mod notes;
pub mod orders;
pub mod playlist;
pub mod ports;
pub mod reader;
pub mod sys;
pub mod threads;
pub mod wire;
pub mod worker;
pub mod writer;

//! The threads that move packets. Sessions that hear each other are in one of them, so none waits for another.
//!
//! A worker sweeps its sockets: after a sweep it pauses until 1.25 ms have passed, so that the next one finds more (what a relay
//! costs is waking up, and the kernel's way for each packet); twice that while no packet is forwarded, as music and rooms are made by
//! the clock. With nothing to do it waits for the next packet or the next moment at which
//! something is due. Sessions and mixers are found by slot; nothing here is looked up by name or allocated per packet.

mod line;
mod measured;
mod mixing;
mod moving;
mod music;
mod player;
mod produce;
mod receive;
mod recorder;
mod report;
mod secure;
mod session;
mod spoken;
#[cfg(test)]
mod tests;
mod world;

use crate::clock;
use crate::handshakes::Handshakes;
use crate::notes::{Note, NoteSender};
use crate::orders::{Order, OrderReceiver};
use crate::sys::{self, Batch, Epoll};
use crate::threads;
use line::Door;
use media_proto::{Micros, SECOND};
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use world::World;

pub use moving::Parcel;

/// The shortest time between two sweeps: while somebody hears another as the packets come, and while nobody does.
const SWEEP: Micros = 1_250;
const EASY_SWEEP: Micros = 2_500;
/// The longest wait: something may be due that nobody told of.
const LONGEST_WAIT: Micros = 200_000;
/// Descriptors looked at in one sweep.
const READY: usize = 1024;
/// The token of the order queue; sockets have those of [`Door`].
const ORDERS: u64 = u64::MAX;

/// What a worker is given at its start.
pub struct Setup {
    pub orders: OrderReceiver,
    pub notes: NoteSender,
    pub handshakes: Handshakes,
    /// Silence of a peer after which `quiet` is told.
    pub quiet: Micros,
    /// Where it tells how busy it is.
    pub load: Arc<Load>,
}

/// How much of the last second a worker was busy, in thousandths.
#[derive(Debug, Default)]
pub struct Load(AtomicU32);

impl Load {
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn set(&self, thousandths: u32) {
        self.0.store(thousandths, Ordering::Relaxed);
    }
}

/// Starts a worker's thread; it ends after [`Order::End`], with [`Note::Ended`].
pub fn start(number: usize, setup: Setup) -> io::Result<JoinHandle<()>> {
    let epoll = Epoll::new(READY)?;
    epoll.add(setup.orders.wake.as_fd(), ORDERS)?;
    threads::spawn(&format!("worker-{number}"), move || run(epoll, setup))
}

fn run(epoll: Epoll, setup: Setup) {
    let Setup { mut orders, notes, handshakes, quiet, load } = setup;
    let mut world = World::new(epoll, notes.clone(), handshakes, quiet);
    let mut batch = Batch::default();
    let mut last_sweep = clock::now();
    let (mut measured_since, mut busy, mut sweep) = (last_sweep, 0, SWEEP);
    loop {
        let now = clock::now();
        busy += now - last_sweep;
        if now >= measured_since + SECOND {
            load.set((busy * 1000 / (now - measured_since)) as u32);
            (measured_since, busy) = (now, 0);
            sweep = if world.forwards() { SWEEP } else { EASY_SWEEP };
        }
        if now < last_sweep + sweep {
            sys::pause(Duration::from_micros(last_sweep + sweep - now));
        }
        let now = clock::now();
        let wait = world.next_due().saturating_sub(now).min(LONGEST_WAIT);
        let ready = match world.epoll.wait(Duration::from_micros(wait)) {
            Ok(ready) => ready,
            Err(error) => panic!("epoll fails: {error}"),
        };
        last_sweep = clock::now();
        // Orders first: a packet that came after control was answered must meet what was ordered. When an order waits for
        // what another worker gives, packets wait too.
        if (0..ready).any(|index| world.epoll.token(index) == ORDERS) {
            orders.wake.drain();
        }
        while let Some(order) = orders.take() {
            if matches!(order, Order::End) {
                world.end(last_sweep);
                notes.send(Note::Ended);
                return;
            }
            world.carry_out(order, last_sweep);
        }
        let ready = if orders.is_waiting() { 0 } else { ready };
        for index in 0..ready {
            match world.epoll.token(index) {
                ORDERS => {}
                token => {
                    let (slot, door) = Door::of(token);
                    world.receive(&mut batch, slot, door, last_sweep);
                }
            }
        }
        world.tick(clock::now());
    }
}

//! Which worker has which session. Those who hear each other are brought together.

use crate::clock;
use crate::log::{Level, log};
use crate::orders::{Order, OrderSender, Slot, Source, Subject, Token};
use crate::worker::Load;
use media_proto::{Micros, SECOND};
use serde_json::json;
use std::sync::Arc;

/// A worker that is less busy than this (thousandths) is given new sessions before the next one is: a busy worker takes more
/// packets each time it wakes up, which makes them cheap.
const ENOUGH: u32 = 500;
/// What a new session is taken to cost (thousandths) until the worker has measured it.
const GUESS: u32 = 2;

/// The workers. Orders that name a session or a mixer find their way.
pub struct Workers {
    workers: Vec<Worker>,
    sessions: Vec<Place>,
    mixers: Vec<usize>,
    next_parcel: Token,
}

struct Worker {
    orders: OrderSender,
    load: Arc<Load>,
    /// Sessions opened in the present second.
    opened: (Micros, u32),
}

/// The worker that a session is in, and what it hears there. (A session that a fault ended leaves its traces until its slot
/// is taken again; they bring too much together, never too little.)
#[derive(Clone, Copy, Default)]
struct Place {
    worker: usize,
    hears: Option<Subject>,
}

impl Workers {
    /// At least one worker, each with its queue and what it tells of its load.
    pub fn new(workers: impl IntoIterator<Item = (OrderSender, Arc<Load>)>) -> Workers {
        let workers = workers.into_iter().map(|(orders, load)| Worker { orders, load, opened: (0, 0) });
        Workers { workers: workers.collect(), sessions: Vec::new(), mixers: Vec::new(), next_parcel: 0 }
    }

    pub fn len(&self) -> usize {
        self.workers.len()
    }

    /// Sends an order for a session or a mixer.
    pub fn send(&mut self, order: Order) {
        match &order {
            Order::Open { slot, .. } => {
                let worker = self.choose();
                self.release(Subject::Session(*slot));
                let at = *slot as usize;
                if self.sessions.len() <= at {
                    self.sessions.resize(at + 1, Place::default());
                }
                self.sessions[at] = Place { worker, hears: None };
            }
            Order::MixerOpen { mixer } => {
                let (worker, at) = (self.choose(), *mixer as usize);
                if self.mixers.len() <= at {
                    self.mixers.resize(at + 1, 0);
                }
                self.mixers[at] = worker;
            }
            Order::Hear { slot, source } => self.join(*slot, source),
            Order::Close { slot, .. } => {
                self.release(Subject::Session(*slot));
                if let Some(place) = self.sessions.get_mut(*slot as usize) {
                    place.hears = None;
                }
            }
            Order::MixerClose { mixer } => self.release(Subject::Mixer(*mixer)),
            _ => {}
        }
        self.workers[self.worker_of(order.subject())].orders.send(order);
    }

    /// Sends an order to every worker.
    pub fn send_to_all(&self, order: impl Fn() -> Order) {
        for worker in &self.workers {
            worker.orders.send(order());
        }
    }

    fn worker_of(&self, subject: Subject) -> usize {
        match subject {
            Subject::Session(slot) => self.sessions.get(slot as usize).map_or(0, |place| place.worker),
            Subject::Mixer(mixer) => self.mixers.get(mixer as usize).copied().unwrap_or(0),
            Subject::Worker => 0,
        }
    }

    /// The worker for something new: the first with time to spare, or else the least busy.
    fn choose(&mut self) -> usize {
        let second = clock::now() / SECOND;
        let load = |worker: &Worker| {
            let opened = if worker.opened.0 == second { worker.opened.1 } else { 0 };
            worker.load.get() + GUESS * opened
        };
        let idle = self.workers.iter().position(|worker| load(worker) < ENOUGH);
        let least = || (0..self.workers.len()).min_by_key(|&at| load(&self.workers[at]));
        let chosen = idle.or_else(least).unwrap_or(0);
        let opened = &mut self.workers[chosen].opened;
        *opened = (second, if opened.0 == second { opened.1 + 1 } else { 1 });
        chosen
    }

    /// Nobody hears this any more.
    fn release(&mut self, gone: Subject) {
        for place in &mut self.sessions {
            place.hears = place.hears.filter(|heard| *heard != gone);
        }
    }

    /// Brings a session, and all that hear it, to the worker of what it is going to hear.
    fn join(&mut self, slot: Slot, source: &Source) {
        let heard = match *source {
            Source::Session(other) => Some(Subject::Session(other)),
            Source::Mixer(mixer) => Some(Subject::Mixer(mixer)),
            Source::Silence | Source::Echo | Source::Loop(_) => None,
        };
        let Some(&Place { worker: from, .. }) = self.sessions.get(slot as usize) else { return };
        self.sessions[slot as usize].hears = None;
        if let Some(to) = heard.map(|heard| self.worker_of(heard)).filter(|to| *to != from) {
            // What it heard until now may stay behind.
            self.workers[from].orders.send(Order::Hear { slot, source: Source::Silence });
            self.relocate(Subject::Session(slot), from, to);
        }
        self.sessions[slot as usize].hears = heard;
    }

    fn relocate(&mut self, first: Subject, from: usize, to: usize) {
        let (mut sessions, mut mixers) = (Vec::new(), Vec::new());
        for one in self.connected(first) {
            match one {
                Subject::Session(slot) => {
                    self.sessions[slot as usize].worker = to;
                    sessions.push(slot);
                }
                Subject::Mixer(mixer) => {
                    self.mixers[mixer as usize] = to;
                    mixers.push(mixer);
                }
                Subject::Worker => {}
            }
        }
        log(
            Level::Debug,
            "relocated",
            json!({"sessions": sessions.len(), "mixers": mixers.len(), "from": from, "to": to}),
        );
        self.next_parcel += 1;
        let parcel = self.next_parcel;
        let receiver = self.workers[to].orders.clone();
        receiver.send(Order::Await { parcel });
        self.workers[from].orders.send(Order::Give { sessions, mixers, parcel, to: receiver });
    }

    /// All that hear each other with `first`, directly or through others.
    fn connected(&self, first: Subject) -> Vec<Subject> {
        let mut found = vec![first];
        let mut at = 0;
        while let Some(&one) = found.get(at) {
            at += 1;
            let heard = match one {
                Subject::Session(slot) => self.sessions[slot as usize].hears,
                Subject::Mixer(_) | Subject::Worker => None,
            };
            let hearers = self.sessions.iter().enumerate();
            let hearers = hearers.filter(|(_, place)| place.hears == Some(one));
            for other in hearers.map(|(slot, _)| Subject::Session(slot as Slot)).chain(heard) {
                if !found.contains(&other) {
                    found.push(other);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::{self, OrderReceiver, Sockets};
    use crate::worker::Parcel;
    use media_proto::latch::Trust;
    use proptest::prelude::*;
    use std::collections::{HashMap, HashSet};
    use std::net::UdpSocket;

    const WORKERS: usize = 3;
    const SESSIONS: Slot = 8;
    const MIXERS: Slot = 2;

    /// Workers that only note who is where, and check that everyone is there whom an order needs.
    struct Stage {
        workers: Workers,
        loads: Vec<Arc<Load>>,
        queues: Vec<OrderReceiver>,
        present: Vec<HashSet<Subject>>,
        on_the_way: HashMap<Token, Vec<Subject>>,
    }

    impl Stage {
        fn new() -> Stage {
            let (senders, queues): (Vec<_>, Vec<_>) = (0..WORKERS).map(|_| orders::queue().unwrap()).unzip();
            let loads: Vec<Arc<Load>> = (0..WORKERS).map(|_| Arc::default()).collect();
            let workers = Workers::new(senders.into_iter().zip(loads.clone()));
            let present = vec![HashSet::new(); WORKERS];
            Stage { workers, loads, queues, present, on_the_way: HashMap::new() }
        }

        /// New sessions and mixers come to this worker from now on.
        fn favour(&self, favourite: usize) {
            for (at, load) in self.loads.iter().enumerate() {
                load.set(if at == favourite { 0 } else { 900 });
            }
        }

        fn open(&mut self, slot: Slot) {
            let socket = || UdpSocket::bind("127.0.0.1:0").unwrap();
            self.workers.send(Order::Open {
                slot,
                sockets: Sockets { rtp: socket(), rtcp: socket() },
                trust: Trust::Signalled,
            });
        }

        /// One worker carries out its next order, if it has one that it can carry out.
        fn step(&mut self, at: usize) -> bool {
            let Some(order) = self.queues[at].take() else { return false };
            let present = &mut self.present[at];
            match (order.subject(), order) {
                (subject, Order::Open { .. } | Order::MixerOpen { .. }) => {
                    assert!(present.insert(subject));
                }
                (subject, Order::Close { .. } | Order::MixerClose { .. }) => {
                    assert!(present.remove(&subject));
                }
                (subject, Order::Hear { source, .. }) => {
                    assert!(present.contains(&subject));
                    match source {
                        Source::Session(other) => assert!(present.contains(&Subject::Session(other))),
                        Source::Mixer(mixer) => assert!(present.contains(&Subject::Mixer(mixer))),
                        _ => {}
                    }
                }
                (_, Order::Give { sessions, mixers, parcel, to }) => {
                    let sessions = sessions.into_iter().map(Subject::Session);
                    let all: Vec<_> = sessions.chain(mixers.into_iter().map(Subject::Mixer)).collect();
                    assert!(all.iter().all(|one| present.remove(one)));
                    self.on_the_way.insert(parcel, all);
                    to.send(Order::Take { parcel, what: Box::<Parcel>::default() });
                }
                (_, Order::Take { parcel, .. }) => {
                    present.extend(self.on_the_way.remove(&parcel).unwrap());
                }
                (_, other) => panic!("{other:?}"),
            }
            true
        }

        fn settle(&mut self) {
            while (0..WORKERS).any(|at| self.step(at)) {}
        }
    }

    proptest! {
        #[test]
        fn everyone_is_with_those_whom_he_hears_however_late_each_worker_is(
            steps in prop::collection::vec((0u8..12, 0..SESSIONS, 0..SESSIONS, 0..WORKERS), 1..200),
        ) {
            let mut stage = Stage::new();
            for mixer in 0..MIXERS {
                stage.favour(mixer as usize % WORKERS);
                stage.workers.send(Order::MixerOpen { mixer });
            }
            let mut open = HashSet::new();
            for (what, slot, other, worker) in steps {
                match what {
                    0..=2 => {
                        stage.favour(worker);
                        if open.insert(slot) {
                            stage.open(slot);
                        }
                    }
                    3 => {
                        if open.remove(&slot) {
                            stage.workers.send(Order::Close { slot, token: None });
                            stage.settle(); // a slot is not taken again before its session is closed
                        }
                    }
                    4..=6 if slot != other && open.contains(&slot) && open.contains(&other) => {
                        stage.workers.send(Order::Hear { slot, source: Source::Session(other) });
                    }
                    7 if open.contains(&slot) => {
                        stage.workers.send(Order::Hear { slot, source: Source::Mixer(other % MIXERS) });
                    }
                    8 if open.contains(&slot) => {
                        stage.workers.send(Order::Hear { slot, source: Source::Silence });
                    }
                    _ => {
                        stage.step(worker);
                    }
                }
            }
            stage.settle();
            prop_assert!(stage.on_the_way.is_empty());
            prop_assert_eq!(stage.present.iter().map(HashSet::len).sum::<usize>(), open.len() + MIXERS as usize);
            for (slot, place) in stage.workers.sessions.iter().enumerate() {
                if open.contains(&(slot as Slot)) {
                    prop_assert!(stage.present[place.worker].contains(&Subject::Session(slot as Slot)));
                }
            }
        }
    }

    #[test]
    fn a_worker_is_filled_to_the_half_before_the_next_one_and_then_the_least_busy_is_chosen() {
        let mut stage = Stage::new();
        let place = |stage: &mut Stage, slot| {
            stage.open(slot);
            stage.workers.sessions[slot as usize].worker
        };
        assert_eq!(place(&mut stage, 0), 0);
        stage.loads[0].set(499);
        stage.loads[1].set(10);
        assert_eq!(place(&mut stage, 1), 1);
        for (load, thousandths) in stage.loads.iter().zip([900, 800, 950]) {
            load.set(thousandths);
        }
        assert_eq!(place(&mut stage, 2), 1);
    }
}

//! What control orders the workers to do. Names are resolved to slots, values checked, files loaded: orders cannot fail.

use crate::handshakes::{AssociationId, Outcome};
use crate::notes::Recorded;
use crate::playlist::{Place, Playlist};
use crate::sys::EventFd;
use crate::wire::{Both, Direction, Secret};
use crate::worker::Parcel;
use crate::writer::Writing;
use media_proto::codec::{Codec, Foreign};
use media_proto::dtls::{Fingerprint, Role};
use media_proto::dtmf;
use media_proto::ice::Generation;
use media_proto::latch::Trust;
use media_proto::mixer::Gain;
use media_proto::opus;
use media_proto::recording::Limits;
use media_proto::sound::Sound;
use media_proto::srtp::{Protector, Suite, Unprotector};
use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc;

/// The number of a session or a mixer in the worker's tables.
pub type Slot = u32;

/// A request that waits for its answer, in control's books.
pub type Token = u64;

/// The two sockets of a session.
#[derive(Debug)]
pub struct Sockets {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
}

/// What a payload type was negotiated for: the number that the peer knows it by, and the one that it sends to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format<T> {
    pub pt: u8,
    pub rx_pt: u8,
    pub what: T,
}

/// The master keys of a protected stream, as negotiated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srtp {
    pub suite: Suite,
    pub send: Secret,
    pub receive: Secret,
}

impl Srtp {
    /// The contexts of these keys; `None` when a key is none of the suite.
    pub fn contexts(&self) -> Option<(Protector, Unprotector)> {
        let (send, receive) = (self.send.bytes()?, self.receive.bytes()?);
        Some((Protector::new(self.suite, &send)?, Unprotector::new(self.suite, &receive)?))
    }
}

/// How the keys are agreed on with the peer itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dtls {
    pub role: Role,
    /// Of the peer's certificate: one of them has to be right.
    pub fingerprints: Vec<Fingerprint>,
}

/// The negotiated peer.
#[derive(Clone, Debug)]
pub struct Remote {
    pub rtp: SocketAddr,
    pub rtcp: SocketAddr,
    /// The first is what is made here. Empty when the peer has nothing but foreign ones: it hears only who has them too.
    pub codecs: Vec<Format<Codec>>,
    /// What is only passed on.
    pub foreign: Vec<Format<Foreign>>,
    /// What the receiver of our Opus asked for.
    pub opus: opus::Settings,
    /// telephone-event, by its clock.
    pub dtmf: Vec<Format<u32>>,
    /// Comfort noise, when it was negotiated.
    pub cn: Option<Format<()>>,
    /// The keys, when the stream is protected.
    pub srtp: Option<Srtp>,
    /// The keys will come of a handshake; then `srtp` is none.
    pub dtls: Option<Dtls>,
    /// The peer shows by ICE where it is; the addresses above mean nothing then.
    pub ice: Option<Generation>,
    /// RTCP comes to the port of RTP, and goes there.
    pub rtcp_mux: bool,
    pub direction: Direction,
    /// 10 to 60, a multiple of 10.
    pub ptime_ms: u32,
}

impl Remote {
    /// What is made here for the peer.
    pub fn first(&self) -> Option<Codec> {
        self.codecs.first().map(|format| format.what)
    }
}

/// What a session hears when nothing is played to it.
#[derive(Clone, Debug)]
pub enum Source {
    Silence,
    Echo,
    Session(Slot),
    Mixer(Slot),
    /// Music or a tone, for ever; never empty.
    Loop(Arc<Sound>),
}

/// A recording that is to begin.
#[derive(Debug)]
pub struct Record {
    /// What will be told of it when it is done.
    pub done: Recorded,
    pub file: Writing,
    /// 8000 or 16,000 Hz.
    pub rate: u32,
    pub limits: Limits,
    pub stop_digits: String,
    pub both: Option<Both>,
    pub beep: Option<Arc<Sound>>,
}

#[derive(Debug)]
pub enum Order {
    Open {
        slot: Slot,
        sockets: Sockets,
        trust: Trust,
    },
    /// Where the peer's signalling comes from.
    Signal {
        slot: Slot,
        from: SocketAddr,
    },
    Remote {
        slot: Slot,
        remote: Remote,
    },
    /// What came of a handshake.
    Handshake {
        slot: Slot,
        id: AssociationId,
        outcome: Outcome,
    },
    Hear {
        slot: Slot,
        source: Source,
    },
    Play {
        slot: Slot,
        play: String,
        list: Playlist,
    },
    /// Ends what is played, if it is `play` or that is not given.
    Stop {
        slot: Slot,
        play: Option<String>,
    },
    /// Goes on elsewhere in what is played, if it is `play` or that is not given.
    Seek {
        slot: Slot,
        play: Option<String>,
        to: Place,
    },
    /// Halts what is played, or goes on.
    Pause {
        slot: Slot,
        play: Option<String>,
        paused: bool,
    },
    Record {
        slot: Slot,
        record: Record,
    },
    StopRecord {
        slot: Slot,
        record: Option<String>,
    },
    /// How loud the session is in mixers, and whether its gain is controlled.
    Voice {
        slot: Slot,
        gain: Gain,
        agc: bool,
    },
    /// Leaves out what comes from now on, or goes on; if it is `record` or that is not given.
    PauseRecord {
        slot: Slot,
        record: Option<String>,
        paused: bool,
    },
    /// The digits both as events and as sound: the peer decides.
    Digits {
        slot: Slot,
        events: dtmf::Sender,
        sound: Arc<Sound>,
    },
    MixerOpen {
        mixer: Slot,
    },
    MixerPlay {
        mixer: Slot,
        list: Playlist,
    },
    MixerClose {
        mixer: Slot,
    },
    Close {
        slot: Slot,
        token: Option<Token>,
    },
    SessionStats {
        slot: Slot,
        token: Token,
    },
    EngineStats {
        token: Token,
    },
    /// These go to another worker, which awaits them.
    Give {
        sessions: Vec<Slot>,
        mixers: Vec<Slot>,
        parcel: Token,
        to: OrderSender,
    },
    /// The orders behind this one are carried out when the parcel has come.
    Await {
        parcel: Token,
    },
    Take {
        parcel: Token,
        what: Box<Parcel>,
    },
    /// Close everything and end.
    End,
}

/// Whom an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    Session(Slot),
    Mixer(Slot),
    Worker,
}

impl Order {
    pub fn subject(&self) -> Subject {
        match *self {
            Order::Open { slot, .. }
            | Order::Signal { slot, .. }
            | Order::Remote { slot, .. }
            | Order::Handshake { slot, .. }
            | Order::Hear { slot, .. }
            | Order::Play { slot, .. }
            | Order::Stop { slot, .. }
            | Order::Seek { slot, .. }
            | Order::Pause { slot, .. }
            | Order::Record { slot, .. }
            | Order::StopRecord { slot, .. }
            | Order::PauseRecord { slot, .. }
            | Order::Voice { slot, .. }
            | Order::Digits { slot, .. }
            | Order::Close { slot, .. }
            | Order::SessionStats { slot, .. } => Subject::Session(slot),
            Order::MixerOpen { mixer } | Order::MixerPlay { mixer, .. } | Order::MixerClose { mixer } => {
                Subject::Mixer(mixer)
            }
            Order::EngineStats { .. }
            | Order::Give { .. }
            | Order::Await { .. }
            | Order::Take { .. }
            | Order::End => Subject::Worker,
        }
    }
}

/// The way into a worker's queue.
#[derive(Clone, Debug)]
pub struct OrderSender {
    orders: mpsc::Sender<Order>,
    wake: Arc<EventFd>,
}

/// The worker's side.
pub struct OrderReceiver {
    orders: mpsc::Receiver<Order>,
    pub wake: Arc<EventFd>,
    /// Parcels that came before their turn.
    parcels: Vec<Order>,
    held: VecDeque<Order>,
}

pub fn queue() -> std::io::Result<(OrderSender, OrderReceiver)> {
    let (sender, receiver) = mpsc::channel();
    let wake = Arc::new(EventFd::new()?);
    let receiver =
        OrderReceiver { orders: receiver, wake: wake.clone(), parcels: Vec::new(), held: VecDeque::new() };
    Ok((OrderSender { orders: sender, wake }, receiver))
}

impl OrderReceiver {
    /// The next order, if any can be carried out. A parcel is taken when its turn has come, whenever it came.
    pub fn take(&mut self) -> Option<Order> {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Take { .. } => self.parcels.push(order),
                order => self.held.push_back(order),
            }
        }
        let Some(&Order::Await { parcel: awaited }) = self.held.front() else {
            return self.held.pop_front();
        };
        let is_it = |order: &Order| matches!(order, Order::Take { parcel, .. } if *parcel == awaited);
        let at = self.parcels.iter().position(is_it)?;
        self.held.pop_front();
        Some(self.parcels.swap_remove(at))
    }

    /// Whether there are orders that wait for a parcel.
    pub fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }
}

impl OrderSender {
    /// Sends an order; false when the worker has ended.
    pub fn send(&self, order: Order) -> bool {
        let sent = self.orders.send(order).is_ok();
        self.wake.notify();
        sent
    }
}

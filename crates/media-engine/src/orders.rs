//! What control orders the worker to do. Names are resolved to slots, values checked, files loaded: orders cannot fail.

use crate::notes::Recorded;
use crate::sys::EventFd;
use crate::wire::{Direction, Secret};
use media_proto::codec::Codec;
use media_proto::dtmf;
use media_proto::mixer::Gain;
use media_proto::opus;
use media_proto::recording::Limits;
use media_proto::sound::{Playlist, Sound};
use media_proto::srtp::{Protector, Suite, Unprotector};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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

/// The negotiated peer.
#[derive(Clone, Debug)]
pub struct Remote {
    pub rtp: SocketAddr,
    pub rtcp: SocketAddr,
    /// Never empty; the first is what is made here.
    pub codecs: Vec<Format<Codec>>,
    /// What the receiver of our Opus asked for.
    pub opus: opus::Settings,
    /// telephone-event, by its clock.
    pub dtmf: Vec<Format<u32>>,
    /// The keys, when the stream is protected.
    pub srtp: Option<Srtp>,
    pub direction: Direction,
    /// 10 to 60, a multiple of 10.
    pub ptime_ms: u32,
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
    pub file: u64,
    /// Set by the writer when the disk failed.
    pub failed: Arc<AtomicBool>,
    pub limits: Limits,
    pub stop_digits: String,
    pub beep: Option<Arc<Sound>>,
}

#[derive(Debug)]
pub enum Order {
    Open {
        slot: Slot,
        sockets: Sockets,
    },
    Remote {
        slot: Slot,
        remote: Remote,
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
    Record {
        slot: Slot,
        record: Record,
    },
    StopRecord {
        slot: Slot,
        record: Option<String>,
    },
    /// How loud the session is in mixers.
    Voice {
        slot: Slot,
        gain: Gain,
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
    /// Close everything and end.
    End,
}

/// The control side of the worker's queue.
pub struct OrderSender {
    orders: mpsc::Sender<Order>,
    wake: Arc<EventFd>,
}

/// The worker's side.
pub struct OrderReceiver {
    pub orders: mpsc::Receiver<Order>,
    pub wake: Arc<EventFd>,
}

pub fn queue() -> std::io::Result<(OrderSender, OrderReceiver)> {
    let (sender, receiver) = mpsc::channel();
    let wake = Arc::new(EventFd::new()?);
    Ok((OrderSender { orders: sender, wake: wake.clone() }, OrderReceiver { orders: receiver, wake }))
}

impl OrderSender {
    /// Sends an order; false when the worker has ended.
    pub fn send(&self, order: Order) -> bool {
        let sent = self.orders.send(order).is_ok();
        self.wake.notify();
        sent
    }
}

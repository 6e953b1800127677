//! One leg's stream: its state, and when it next has something to do.

use super::line::Line;
use super::player::Player;
use super::recorder::Recorder;
use super::secure::{Secure, nowhere};
use crate::orders::{Remote, Slot, Sockets, Source, Srtp};
use crate::playlist::Playlist;
use media_proto::codec::{self, Codec, Encoder, Foreign};
use media_proto::dtmf;
use media_proto::ear::Ear;
use media_proto::g711::Law;
use media_proto::inband;
use media_proto::latch::{Latch, Trust};
use media_proto::mixer::Gain;
use media_proto::presence::Presence;
use media_proto::resample::Resampler;
use media_proto::rtcp;
use media_proto::rtp::HEADER_LEN;
use media_proto::rx::RxStream;
use media_proto::srtp::{Protector, Unprotector};
use media_proto::tx::{Incoming, TxStream};
use media_proto::voice::{Heard, Voice};
use media_proto::{MS, Micros, SAMPLE_RATE};

/// A peer that sent nothing for this long is replaced by silence.
pub const HOLE: Micros = 200 * MS;

/// What feeds the outgoing stream, as the stream needs to know it.
pub mod kind {
    pub const SILENCE: u8 = 0;
    pub const PLAYER: u8 = 1;
    pub const LOOP: u8 = 2;
    pub const MIX: u8 = 3;
    pub const DIGITS: u8 = 4;
    pub const VOICE: u8 = 5;
}

pub struct Session {
    pub sockets: Sockets,
    pub line: Line,
    pub opened: Micros,
    pub remote: Option<Remote>,
    pub latch: Latch,
    pub rtcp_latch: Latch,
    pub rx: RxStream,
    pub tx: TxStream,
    pub digits_in: dtmf::Receiver,
    /// Finds keys in the voice of a peer that has no telephone-event.
    pub keys_in: Option<Box<inband::Receiver>>,
    pub source: Source,
    /// Where the endless sound goes on.
    pub loop_at: usize,
    /// Packets since it has been hearing that, of a codec with a state.
    pub in_step: u32,
    /// The sessions whose source this one is.
    pub hearers: Vec<Slot>,
    pub player: Option<Player>,
    pub digits: Option<Digits>,
    pub recorder: Option<Box<Recorder>>,
    /// What the leg says, while anybody needs it decoded.
    pub spoken: Option<Box<Voice>>,
    /// What became of it before the present time.
    pub heard_before: Heard,
    /// Packets that were decoded, or came too late for that.
    pub said: u64,
    /// The mixer's place in it.
    pub ear: Option<Box<Ear>>,
    /// Whether what it says is brought to one level.
    pub agc: bool,
    /// How loud it goes into the mix.
    pub voice: Gain,
    /// This leg's place in what the source says, when that has to be encoded anew.
    pub heard: Option<Box<Ear>>,
    pub coders: Coders,
    /// What protects the stream, if it is to be.
    pub srtp: Option<Box<(Protector, Unprotector)>>,
    /// How its peer proves itself, beside that.
    pub secure: Option<Box<Secure>>,
    /// When the next packet made here is due.
    pub next_packet: Micros,
    /// The relayed source sends nothing: silence goes out in its place.
    pub filling: bool,
    pub last_relayed: Micros,
    /// Whether the peer can be heard.
    pub presence: Presence,
    /// When a packet was last taken from a socket, whatever it was.
    pub last_taken: Micros,
    pub reports: Reports,
    pub strangers: u64,
    pub invalid: u64,
    pub unauthentic: u64,
    pub errors: u64,
}

/// The states of codecs that have one, made when they are first needed.
#[derive(Default)]
pub struct Coders {
    /// Of what is made here, unless that is G.711.
    pub encoder: Option<Encoder>,
    /// Brings a wide mix to a narrow leg.
    pub down: Option<Box<Resampler>>,
}

/// Digits that are being sent, in one form or the other.
pub enum Digits {
    Events(dtmf::Sender),
    Sound(Playlist),
}

/// The RTCP side of a session.
pub struct Reports {
    pub cname: String,
    /// When our next report is due; `None` before there is a peer.
    pub next: Option<Micros>,
    /// Packets sent at the time of the last report.
    pub packets: u64,
    /// The peer's last sender report and when it came.
    pub theirs: Option<(u32, Micros)>,
    pub block: Option<rtcp::Block>,
    /// Our packets that the block is about: those until the last that had reached the peer.
    pub covered: u64,
    pub round_trip: Option<Micros>,
}

/// A packet's payload type, as it was negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Voice(Codec),
    /// telephone-event of a clock.
    Event(u32),
    /// Comfort noise.
    Noise,
    /// A voice that is only passed on.
    Foreign(Foreign),
}

impl Kind {
    /// Ticks of the RTP clock in a second.
    pub fn clock(self) -> u32 {
        match self {
            Kind::Voice(codec) => codec.clock(),
            Kind::Event(clock) => clock,
            Kind::Noise => SAMPLE_RATE,
            Kind::Foreign(codec) => codec.clock(),
        }
    }
}

/// How voice gets from a codec to a leg.
enum Way {
    AsItIs(u8),
    Converted(u8, Law, Law),
    /// Decoded, and encoded by the clock of the leg.
    Anew,
    /// Not at all: the leg has only foreign ones.
    None,
}

/// Voice or an event that is to be forwarded: the payload stands at `start` in the datagram.
pub struct Forward<'a> {
    pub incoming: Incoming,
    pub kind: Kind,
    pub datagram: &'a mut [u8],
    pub start: usize,
    pub end: usize,
}

impl Session {
    pub fn new(sockets: Sockets, trust: Trust, now: Micros, random: (u128, u128)) -> Session {
        Session {
            sockets,
            line: Line::default(),
            opened: now,
            remote: None,
            latch: Latch::new(trust),
            rtcp_latch: Latch::new(trust),
            rx: RxStream::default(),
            tx: TxStream::new(now, random.0),
            digits_in: dtmf::Receiver::default(),
            keys_in: None,
            source: Source::Silence,
            loop_at: 0,
            in_step: 0,
            hearers: Vec::new(),
            player: None,
            digits: None,
            recorder: None,
            spoken: None,
            heard_before: Heard::default(),
            said: 0,
            ear: None,
            agc: false,
            voice: Gain::ONE,
            heard: None,
            coders: Coders::default(),
            srtp: None,
            secure: None,
            next_packet: now,
            filling: true,
            last_relayed: 0,
            presence: Presence::new(now),
            last_taken: 0,
            reports: Reports {
                cname: format!("{:024x}", random.1 >> 32),
                next: None,
                packets: 0,
                theirs: None,
                block: None,
                covered: 0,
                round_trip: None,
            },
            strangers: 0,
            invalid: 0,
            unauthentic: 0,
            errors: 0,
        }
    }

    /// Sets the negotiated peer, anew or again.
    pub fn set_remote(&mut self, remote: Remote, now: Micros, random: u32) {
        // With ICE the signalled address is only where the peer would like to be.
        self.latch.signal(if remote.ice.is_some() { nowhere(remote.rtp) } else { remote.rtp });
        self.rtcp_latch.signal(remote.rtcp);
        let (sent, received) = (self.sends(), self.receives());
        if remote.dtls.is_none() {
            self.protect(remote.srtp.as_ref());
        }
        let first = remote.first();
        let same = self.remote.as_ref().is_some_and(|before| {
            before.first() == first && (first != Some(Codec::Opus) || before.opus == remote.opus)
        });
        if !same {
            let wide = first.filter(|codec| codec.law().is_none());
            self.in_step = 0;
            self.coders.encoder = wide.and_then(|codec| Encoder::new(codec, remote.opus));
        }
        // One that sends its keys as events may let them be heard too, and would press each twice.
        let has_keys = !remote.dtmf.is_empty();
        self.keys_in = self.keys_in.take().filter(|_| !has_keys);
        if !has_keys {
            self.keys_in.get_or_insert_default();
        }
        self.remote = Some(remote);
        if !sent && self.sends() {
            self.in_step = 0;
            self.tx.interrupt();
        }
        if !received && self.receives() {
            self.presence = Presence::new(now);
        }
        self.next_packet = self.next_packet.max(now);
        self.reports.next.get_or_insert(now + rtcp::interval(random) / 2);
    }

    /// Has these keys from now on. A key that stays goes on with its context, which counts what was sent or came: beginning
    /// anew with one would use a key stream twice.
    fn protect(&mut self, srtp: Option<&Srtp>) {
        let before = self.remote.as_ref().and_then(|remote| remote.srtp.as_ref());
        let Some((srtp, (protector, unprotector))) = srtp.and_then(|srtp| Some((srtp, srtp.contexts()?)))
        else {
            self.srtp = None;
            return;
        };
        let same = before.filter(|before| before.suite == srtp.suite);
        match &mut self.srtp {
            Some(contexts) => {
                if same.is_none_or(|before| before.send != srtp.send) {
                    contexts.0 = protector;
                }
                if same.is_none_or(|before| before.receive != srtp.receive) {
                    contexts.1 = unprotector;
                }
            }
            None => self.srtp = Some(Box::new((protector, unprotector))),
        }
    }

    /// Whether the peer is to hear us.
    pub fn sends(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.direction.sends())
    }

    /// Whether the peer is to be heard.
    pub fn receives(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.direction.receives())
    }

    /// What the payload type was negotiated for.
    pub fn kind(&self, payload_type: u8) -> Option<Kind> {
        let remote = self.remote.as_ref()?;
        let voice = remote.codecs.iter().find(|format| format.rx_pt == payload_type);
        if let Some(format) = voice {
            return Some(Kind::Voice(format.what));
        }
        let foreign = remote.foreign.iter().find(|format| format.rx_pt == payload_type);
        if let Some(format) = foreign {
            return Some(Kind::Foreign(format.what));
        }
        if remote.cn.is_some_and(|format| format.rx_pt == payload_type) {
            return Some(Kind::Noise);
        }
        remote.dtmf.iter().find(|format| format.rx_pt == payload_type).map(|format| Kind::Event(format.what))
    }

    /// The payload type of keys, and its clock: that of the voice where the peer has it.
    pub fn event_format(&self) -> Option<(u8, u32)> {
        let remote = self.remote.as_ref()?;
        let clock = remote.first().map_or(SAMPLE_RATE, Codec::clock);
        let same = remote.dtmf.iter().find(|format| format.what == clock);
        same.or(remote.dtmf.first()).map(|format| (format.pt, format.what))
    }

    /// Whether something is heard instead of the source.
    pub fn is_covered(&self) -> bool {
        self.player.is_some() || self.digits.is_some()
    }

    /// Whether packets are made here now, by the session's own clock.
    pub fn is_producing(&self) -> bool {
        if self.remote.is_none() {
            return false;
        }
        // What is played ends at its time even when nobody may hear it.
        if self.is_covered() {
            return true;
        }
        self.sends()
            && match self.source {
                Source::Silence | Source::Loop(_) => true,
                Source::Echo | Source::Session(_) => self.filling,
                Source::Mixer(_) => false,
            }
    }

    /// The length of the packets made here, in ms. Encoders with a state are fed 20 ms at a time.
    pub fn packet_ms(&self) -> u32 {
        match &self.remote {
            Some(remote) if self.coders.encoder.is_none() => remote.ptime_ms,
            _ => 20,
        }
    }

    /// How voice of a codec gets to this leg.
    fn way(remote: &Remote, codec: Codec) -> Way {
        let Some(first) = remote.codecs.first() else { return Way::None };
        let same = || remote.codecs.iter().find(|format| format.what == codec);
        match (codec.law(), first.what.law()) {
            _ if codec == first.what => Way::AsItIs(first.pt),
            (Some(from), Some(to)) => Way::Converted(first.pt, from, to),
            _ => same().map_or(Way::Anew, |format| Way::AsItIs(format.pt)),
        }
    }

    /// Sends another's packet on to this leg. The 12 bytes before the payload are overwritten with our header. False: its
    /// voice has to be decoded and encoded anew for this leg, which has been left to the caller.
    pub fn forward(&mut self, now: Micros, packet: &mut Forward<'_>, scratch: &mut [u8]) -> bool {
        let Some(remote) = &self.remote else { return true };
        if !remote.direction.sends() || self.is_covered() {
            return true;
        }
        if self.latch.target().is_none() {
            return true;
        }
        let length = packet.end - packet.start;
        let bytes = &mut packet.datagram[packet.start - HEADER_LEN..packet.end];
        let (header, bytes) = match packet.kind {
            Kind::Voice(codec) => match Session::way(remote, codec) {
                Way::AsItIs(payload_type) => {
                    self.tx.set_clock(now, codec.clock());
                    (self.tx.relay(now, packet.incoming, payload_type, length), bytes)
                }
                Way::Converted(payload_type, from, to) => {
                    let converted = &mut scratch[..HEADER_LEN + length];
                    converted[HEADER_LEN..].copy_from_slice(&bytes[HEADER_LEN..]);
                    from.convert(to, &mut converted[HEADER_LEN..]);
                    self.tx.set_clock(now, codec.clock());
                    (self.tx.relay(now, packet.incoming, payload_type, length), converted)
                }
                Way::Anew => return false,
                Way::None => return true,
            },
            Kind::Foreign(codec) => {
                let Some(format) = remote.foreign.iter().find(|format| format.what == codec) else {
                    return true; // it is silence to who does not have it
                };
                self.tx.set_clock(now, codec.clock());
                (self.tx.relay(now, packet.incoming, format.pt, length), bytes)
            }
            Kind::Noise => {
                let Some(format) = remote.cn else { return false };
                self.tx.set_clock(now, SAMPLE_RATE);
                (self.tx.relay(now, packet.incoming, format.pt, length), bytes)
            }
            Kind::Event(clock) => {
                let Some((payload_type, ours)) = self.event_format() else { return true };
                let mut incoming = packet.incoming;
                incoming.timestamp = codec::rescale(incoming.timestamp, clock, ours);
                self.tx.set_clock(now, ours);
                let header = self.tx.relay_event(now, incoming, payload_type, length);
                let event = dtmf::Event::parse(&bytes[HEADER_LEN..]).filter(|_| clock != ours);
                let bytes = match event {
                    None => bytes,
                    Some(event) => {
                        let rescaled = &mut scratch[..HEADER_LEN + dtmf::PAYLOAD_LEN];
                        rescaled[HEADER_LEN..].copy_from_slice(&event.rescaled(clock, ours).to_bytes());
                        rescaled
                    }
                };
                (header, bytes)
            }
        };
        let Some(header) = header else { return true };
        bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        self.transmit(bytes);
        self.filling = self.heard.is_some() && matches!(packet.kind, Kind::Event(_));
        if !self.filling {
            self.heard = None;
        }
        self.last_relayed = now;
        true
    }

    /// When something is to be done for this session without a packet.
    pub fn next_due(&self, quiet: Micros) -> Micros {
        let mut due = Micros::MAX;
        if self.is_producing() {
            due = self.next_packet;
        } else if self.sends() && matches!(self.source, Source::Echo | Source::Session(_)) {
            due = self.last_relayed + HOLE;
        }
        if let Some(next) = self.recorder.as_ref().and_then(|recorder| recorder.next) {
            due = due.min(next);
        }
        if let Some(next) = self.reports.next {
            due = due.min(next);
        }
        if let Some(secure) = &self.secure {
            due = due.min(secure.next_due());
        }
        if self.receives() {
            due = due.min(self.presence.due(quiet));
        }
        due
    }

    /// What it hears is there no more; it hears silence.
    pub fn lose_source(&mut self, now: Micros) {
        self.source = Source::Silence;
        (self.ear, self.heard) = (None, None);
        self.next_packet = self.next_packet.max(now);
    }
}

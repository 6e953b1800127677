//! Sessions whose peer proves itself: by ICE where it is, by DTLS who it is.

use super::session::Session;
use super::world::World;
use crate::handshakes::{AssociationId, Handshakes, Outcome, Request};
use crate::notes::Happening;
use crate::orders::{Dtls, Remote, Slot};
use media_proto::dtls::is_dtls;
use media_proto::ice::{Agent, CONSENT};
use media_proto::latch::Verdict;
use media_proto::srtp::{Protector, Unprotector};
use media_proto::{Micros, rtcp, stun};
use std::net::{IpAddr, SocketAddr};

/// What a session has beside its keys.
#[derive(Default)]
pub struct Secure {
    ice: Option<Agent>,
    dtls: Option<(AssociationId, Dtls)>,
    /// The peer's consent ended, and it was told.
    expired: bool,
}

impl Secure {
    /// Whether the keys come from a handshake.
    fn shakes_hands(&self) -> bool {
        self.dtls.is_some()
    }

    /// When consent ends.
    pub fn next_due(&self) -> Micros {
        let ice = self.ice.as_ref().filter(|_| !self.expired);
        ice.map_or(Micros::MAX, Agent::deadline)
    }
}

impl Session {
    /// Takes what a `remote` says of ICE and DTLS. Returns the association that is not needed any more.
    pub fn set_secure(&mut self, remote: &Remote, now: Micros) -> Option<AssociationId> {
        if remote.ice.is_none() && remote.dtls.is_none() {
            let before = self.secure.take();
            return before.and_then(|secure| secure.dtls).map(|(id, _)| id);
        }
        let secure = self.secure.get_or_insert_default();
        match (&mut secure.ice, &remote.ice) {
            (Some(agent), Some(generation)) => agent.set(generation.clone(), now),
            (agent, generation) => {
                *agent = generation.clone().map(|generation| Agent::new(generation, now));
            }
        }
        if secure.ice.as_ref().is_some_and(|agent| agent.deadline() > now) {
            secure.expired = false;
        }
        let same = secure.dtls.as_ref().map(|(_, dtls)| dtls) == remote.dtls.as_ref();
        if same {
            return None;
        }
        // Keys of another certificate, or of none, are no keys for what follows.
        self.srtp = None;
        secure.dtls.take().map(|(id, _)| id)
    }

    /// Whether the stream may go out: not before there are the keys that it needs, nor without the peer's consent.
    pub fn may_send(&self) -> bool {
        let blocked = |secure: &Secure| secure.expired || (secure.shakes_hands() && self.srtp.is_none());
        !self.secure.as_deref().is_some_and(blocked)
    }

    /// Whether what comes cannot be opened yet.
    pub fn awaits_keys(&self) -> bool {
        self.srtp.is_none() && self.secure.as_deref().is_some_and(Secure::shakes_hands)
    }

    /// Judges the source of a valid packet. `proved` is whether it was made with the peer's key, and then whether it is the
    /// latest that was. With ICE the stream follows to where the peer has shown to be, and nowhere else.
    pub fn judge(&mut self, from: SocketAddr, proved: Option<bool>, now: Micros) -> Verdict {
        let Some(agent) = self.secure.as_deref().and_then(|secure| secure.ice.as_ref()) else {
            return self.latch.receive(from);
        };
        match self.latch.source() {
            _ if proved != Some(true) || !agent.consents(now, from) => {
                if proved.is_some() || self.latch.source() == Some(from) {
                    Verdict::Peer
                } else {
                    Verdict::Stranger
                }
            }
            Some(source) if source == from => Verdict::Peer,
            Some(_) => Verdict::Stranger,
            None => {
                self.latch.follow(from);
                Verdict::Latched
            }
        }
    }

    /// Whether RTCP has no port of its own.
    pub fn is_muxed(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.rtcp_mux)
    }
}

/// The address that nothing is sent to, of the family of this socket's.
pub fn nowhere(like: SocketAddr) -> SocketAddr {
    let ip: IpAddr = if like.is_ipv4() { [0; 4].into() } else { [0u16; 8].into() };
    SocketAddr::new(ip, 0)
}

impl World {
    /// Takes a datagram of a session's first port, by what its first bytes say that it is (RFC 7983 §7, RFC 5761 §4).
    pub fn arrived(&mut self, slot: Slot, from: SocketAddr, datagram: &mut [u8], now: Micros) {
        let Some(session) = self.session(slot) else { return };
        let (secure, muxed) = (session.secure.is_some(), session.is_muxed());
        match *datagram {
            [0..=3, ..] if secure => self.check(slot, from, datagram, now),
            [first, ..] if secure && is_dtls(first) => self.handshake(slot, from, datagram, now),
            [_, second, ..] if muxed && rtcp::is_type(second) => self.rtcp(slot, from, datagram, now),
            _ => self.rtp(slot, from, datagram, now),
        }
    }

    /// A STUN message.
    fn check(&mut self, slot: Slot, from: SocketAddr, datagram: &[u8], now: Micros) {
        let Some(session) = self.session(slot) else { return };
        let Some(secure) = session.secure.as_deref_mut() else { return };
        let Some(agent) = &mut secure.ice else {
            session.strangers += 1;
            return;
        };
        let mut answer = [0; stun::MAX_LEN];
        let heard = agent.receive(now, from, datagram, &mut answer);
        if heard.reply > 0 {
            session.errors += u64::from(session.sockets.rtp.send_to(&answer[..heard.reply], from).is_err());
        }
        if !heard.checked {
            session.strangers += 1;
            return;
        }
        secure.expired = false;
        if !heard.nominated {
            return;
        }
        let first = session.latch.source().is_none();
        if !session.latch.follow(from) {
            return;
        }
        let association = secure.dtls.as_ref().map(|(id, _)| *id);
        if let Some(id) = association {
            self.handshakes.ask(Request::Target { id, to: from });
        }
        self.tell(
            slot,
            if first { Happening::Latched { source: from } } else { Happening::Moved { source: from } },
        );
    }

    /// A record of DTLS: of the peer, or of somebody who would like to be it.
    fn handshake(&mut self, slot: Slot, from: SocketAddr, datagram: &[u8], now: Micros) {
        let Some(session) = self.session(slot) else { return };
        let Some(secure) = session.secure.as_deref() else { return };
        let known = match &secure.ice {
            Some(agent) => agent.consents(now, from),
            None => session.latch.target() == Some(from),
        };
        let Some((id, _)) = secure.dtls.as_ref().filter(|_| known) else {
            session.strangers += 1;
            return;
        };
        let id = *id;
        self.handshakes.packet(id, from, datagram);
    }

    /// Begins the handshake that a session needs, and ends the one that it needs no more.
    pub fn shake_hands(&mut self, slot: Slot, over: Option<AssociationId>) {
        if let Some(id) = over {
            self.handshakes.ask(Request::End { id });
        }
        let id = self.handshakes.new_id();
        let Some(session) = self.session(slot) else { return };
        let Some(asked) = session.remote.as_ref().and_then(|remote| remote.dtls.clone()) else { return };
        let to = session.latch.target();
        let Some(secure) = session.secure.as_deref_mut().filter(|secure| secure.dtls.is_none()) else {
            return;
        };
        let Ok(socket) = session.sockets.rtp.try_clone() else {
            self.tell(slot, Happening::Insecure { why: "the system has no descriptor for the handshake" });
            return;
        };
        secure.dtls = Some((id, asked.clone()));
        let Dtls { role, fingerprints } = asked;
        self.handshakes.ask(Request::Begin { id, slot, socket, role, fingerprints, to });
    }

    /// Ends the peer's consent when it is time: nothing more is sent to it.
    pub fn tick_consent(&mut self, slot: Slot, now: Micros) {
        let Some(secure) = self.session(slot).and_then(|session| session.secure.as_deref_mut()) else {
            return;
        };
        if secure.next_due() <= now {
            secure.expired = true;
            self.tell(slot, Happening::Expired { silent: CONSENT });
        }
    }

    /// What came of a handshake.
    pub fn shaken(&mut self, slot: Slot, id: AssociationId, outcome: Outcome) {
        let Some(session) = self.session(slot) else { return };
        let current = session.secure.as_deref().and_then(|secure| secure.dtls.as_ref());
        if current.is_none_or(|(current, _)| *current != id) {
            return;
        }
        let what = match outcome {
            Outcome::Failed(failure) => Happening::Insecure { why: failure.text() },
            Outcome::Keys(keys) => {
                let contexts = Protector::new(keys.suite, &keys.send)
                    .and_then(|protector| Some((protector, Unprotector::new(keys.suite, &keys.receive)?)));
                session.srtp = contexts.map(Box::new);
                Happening::Secured { suite: keys.suite, version: keys.version }
            }
        };
        self.tell(slot, what);
    }
}

/// Ends what a session that is closed has in hand.
pub fn end(session: &mut Session, handshakes: &Handshakes) {
    if let Some((id, _)) = session.secure.take().and_then(|secure| secure.dtls) {
        handshakes.ask(Request::End { id });
    }
}

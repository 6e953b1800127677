//! Sessions whose peer proves itself: by ICE where it is, by DTLS who it is.

use super::session::Session;
use super::world::World;
use crate::handshakes::{AssociationId, Handshakes, Outcome, Request};
use crate::notes::Happening;
use crate::orders::{Dtls, Remote, Slot};
use media_proto::dtls::{Role, is_dtls};
use media_proto::ice::{Agent, CONSENT};
use media_proto::latch::Verdict;
use media_proto::srtp::{Protector, Unprotector};
use media_proto::{Micros, rtcp, stun};
use std::net::{IpAddr, SocketAddr};

/// Handshakes from elsewhere that go on at once; the oldest makes room.
const MAX_ELSEWHERE: usize = 4;
/// Handshakes from elsewhere that a session begins at all.
const MAX_TRIES: usize = 16;

/// The handshake of a session. Without ICE nobody knows where a peer behind a NAT comes from: until there are keys others may
/// shake hands too, and whoever has the signalled certificate is the peer.
pub struct Shaking {
    id: AssociationId,
    asked: Dtls,
    elsewhere: Vec<(SocketAddr, AssociationId)>,
    tries: usize,
}

impl Shaking {
    fn end(self, handshakes: &Handshakes) {
        for (_, id) in self.elsewhere {
            handshakes.ask(Request::End { id });
        }
        handshakes.ask(Request::End { id: self.id });
    }
}

/// What a session has beside its keys.
#[derive(Default)]
pub struct Secure {
    ice: Option<Agent>,
    dtls: Option<Shaking>,
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
    /// Takes what a `remote` says of ICE and DTLS. Returns the handshake that is not needed any more.
    pub fn set_secure(&mut self, remote: &Remote, now: Micros) -> Option<Shaking> {
        if remote.ice.is_none() && remote.dtls.is_none() {
            return self.secure.take().and_then(|secure| secure.dtls);
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
        let same = secure.dtls.as_ref().map(|shaking| &shaking.asked) == remote.dtls.as_ref();
        if same {
            return None;
        }
        // Keys of another certificate, or of none, are no keys for what follows.
        self.srtp = None;
        secure.dtls.take()
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
            let verdict = self.latch.receive(from);
            // Who has the key is the peer, wherever it is.
            if verdict == Verdict::Stranger && proved == Some(true) && self.latch.source().is_none() {
                self.latch.follow(from);
                return Verdict::Latched;
            }
            return verdict;
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
        let association = secure.dtls.as_ref().map(|shaking| shaking.id);
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
        match &secure.dtls {
            Some(Shaking { id, .. }) if known => {
                let id = *id;
                self.handshakes.packet(id, from, datagram);
            }
            Some(_) if secure.ice.is_none() && session.srtp.is_none() => {
                self.elsewhere(slot, from, datagram);
            }
            _ => session.strangers += 1,
        }
    }

    /// A record that does not come from the signalled address, for a session that has neither ICE nor keys.
    fn elsewhere(&mut self, slot: Slot, from: SocketAddr, datagram: &[u8]) {
        let Some(session) = self.sessions.get_mut(slot as usize).and_then(Option::as_deref_mut) else {
            return;
        };
        let shaking = session.secure.as_deref_mut().and_then(|secure| secure.dtls.as_mut());
        let Some(shaking) = shaking else { return };
        if let Some((_, id)) = shaking.elsewhere.iter().find(|(address, _)| *address == from) {
            self.handshakes.packet(*id, from, datagram);
            return;
        }
        let begins = shaking.asked.role == Role::Server && is_plain_handshake(datagram);
        let socket = session.sockets.rtp.try_clone();
        let (true, true, Ok(socket)) = (begins, shaking.tries < MAX_TRIES, socket) else {
            session.strangers += 1;
            return;
        };
        if shaking.elsewhere.len() == MAX_ELSEWHERE {
            let (_, id) = shaking.elsewhere.remove(0);
            self.handshakes.ask(Request::End { id });
        }
        let id = self.handshakes.new_id();
        shaking.tries += 1;
        shaking.elsewhere.push((from, id));
        let Dtls { role, fingerprints } = shaking.asked.clone();
        self.handshakes.ask(Request::Begin { id, slot, socket, role, fingerprints, to: Some(from) });
        self.handshakes.packet(id, from, datagram);
    }

    /// Begins the handshake that a session needs, and ends the one that it needs no more.
    pub fn shake_hands(&mut self, slot: Slot, over: Option<Shaking>) {
        if let Some(over) = over {
            over.end(&self.handshakes);
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
        secure.dtls = Some(Shaking { id, asked: asked.clone(), elsewhere: Vec::new(), tries: 0 });
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
        let Some(session) = self.sessions.get_mut(slot as usize).and_then(Option::as_deref_mut) else {
            return;
        };
        let shaking = session.secure.as_deref_mut().and_then(|secure| secure.dtls.as_mut());
        let Some(shaking) = shaking else { return };
        let found = shaking.elsewhere.iter().position(|(_, one)| *one == id);
        let from = found.map(|at| shaking.elsewhere.swap_remove(at).0);
        if from.is_none() && shaking.id != id {
            return;
        }
        let mut moved = None;
        let what = match outcome {
            // Somebody who was not the peer.
            Outcome::Failed(_) if from.is_some() => return,
            Outcome::Failed(failure) => Happening::Insecure { why: failure.text() },
            Outcome::Keys(keys) => {
                for (_, other) in shaking.elsewhere.drain(..) {
                    self.handshakes.ask(Request::End { id: other });
                }
                if let Some(from) = from {
                    self.handshakes.ask(Request::End { id: std::mem::replace(&mut shaking.id, id) });
                    session.latch.follow(from);
                    moved = Some(Happening::Latched { source: from });
                }
                let contexts = Protector::new(keys.suite, &keys.send)
                    .and_then(|protector| Some((protector, Unprotector::new(keys.suite, &keys.receive)?)));
                session.srtp = contexts.map(Box::new);
                Happening::Secured { suite: keys.suite, version: keys.version }
            }
        };
        if let Some(moved) = moved {
            self.tell(slot, moved);
        }
        self.tell(slot, what);
    }
}

/// Whether a datagram begins with a handshake message that is not encrypted, as a ClientHello is (RFC 9147 §4).
fn is_plain_handshake(datagram: &[u8]) -> bool {
    matches!(datagram, [22, 0xfe, _, 0, 0, ..])
}

/// Ends what a session that is closed has in hand.
pub fn end(session: &mut Session, handshakes: &Handshakes) {
    if let Some(shaking) = session.secure.take().and_then(|secure| secure.dtls) {
        shaking.end(handshakes);
    }
}

//! DTLS-SRTP (RFC 5763, RFC 5764): the handshake from which a stream gets its keys.
//!
//! The protocol itself is that of `dimpl`, DTLS 1.3 or 1.2 as the peer has it. Here are the roles, whose certificate is
//! believed, the keys in the form that [`crate::srtp`] wants, and patience with what strangers throw in.

mod identity;

pub use identity::{Fingerprint, Hash, Identity};

use crate::Micros;
use crate::srtp::Suite;
use dimpl::{Dtls, Output, ProtocolVersion, SrtpProfile};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Largest datagram that is made here.
const MAX_DATAGRAM: usize = 2048;
/// A handshake that was spoiled this often is not begun again.
const MAX_ATTEMPTS: u32 = 8;
/// The record types of DTLS that matter here.
const ALERT: u8 = 21;

/// Whether a datagram is DTLS, by its first byte (RFC 7983 §7, RFC 9147 §4.1).
pub fn is_dtls(first: u8) -> bool {
    (20..=63).contains(&first)
}

/// Who begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `a=setup:active`.
    Client,
    /// `a=setup:passive`.
    Server,
}

/// The keys of both directions, each with its salt behind it.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    pub suite: Suite,
    pub send: Zeroizing<Vec<u8>>,
    pub receive: Zeroizing<Vec<u8>>,
    /// The version of DTLS that they were agreed on with.
    pub version: &'static str,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({}, …)", self.suite.name())
    }
}

/// Why there are no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The certificate is not the one whose fingerprint was signalled.
    Certificate,
    /// The peer does not use SRTP, or none of our profiles.
    Profile,
    /// It took too long, or went wrong too often.
    Handshake,
}

impl Failure {
    pub fn text(self) -> &'static str {
        match self {
            Failure::Certificate => "the peer's certificate is not the one whose fingerprint was signalled",
            Failure::Profile => "the peer agreed on no SRTP profile",
            Failure::Handshake => "the DTLS handshake did not come to an end",
        }
    }
}

/// What comes out of an association.
#[derive(Debug)]
pub enum Step<'a> {
    /// To be sent to the peer.
    Packet(&'a [u8]),
    Keys(Keys),
    /// There will be no keys.
    Failed(Failure),
    /// The peer said goodbye.
    Closed,
}

enum State {
    Shaking,
    Done,
    Failed,
}

/// One DTLS association.
pub struct Association {
    dtls: Dtls,
    identity: Identity,
    role: Role,
    fingerprints: Vec<Fingerprint>,
    /// The zero of [`Micros`].
    zero: Instant,
    state: State,
    attempts: u32,
    /// The certificate that came was the signalled one.
    known: bool,
    /// The handshake is complete; the keys come beside that.
    connected: bool,
    due: Micros,
    keys: Option<Keys>,
}

impl Association {
    /// An association with a peer whose certificate has one of these fingerprints. `zero` is the moment that `now` counts from.
    /// A client's first packet comes with the first [`Association::tick`].
    pub fn new(
        identity: &Identity,
        role: Role,
        fingerprints: Vec<Fingerprint>,
        zero: Instant,
        now: Micros,
    ) -> Association {
        Association {
            dtls: begin(identity, role, zero + Duration::from_micros(now)),
            identity: identity.clone(),
            role,
            fingerprints,
            zero,
            state: State::Shaking,
            attempts: 1,
            known: false,
            connected: false,
            due: now,
            keys: None,
        }
    }

    /// When [`Association::tick`] is to be called.
    pub fn next_due(&self) -> Micros {
        self.due
    }

    /// Whether there is nothing more to come of it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Failed)
    }

    /// Takes a datagram of the peer.
    pub fn receive(&mut self, now: Micros, datagram: &[u8], out: &mut impl FnMut(Step<'_>)) {
        if self.is_over() || (self.is_shaking() && is_plain_alert(datagram)) {
            // An alert that nothing protects may be anybody's. Who gives up will not go on, which is found soon enough.
            return;
        }
        let at = self.instant(now);
        let taken = self.dtls.handle_timeout(at).and_then(|()| self.dtls.handle_packet(datagram));
        self.conclude(taken, now, out);
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Micros, out: &mut impl FnMut(Step<'_>)) {
        if self.is_over() || now < self.due {
            return;
        }
        let at = self.instant(now);
        match self.dtls.handle_timeout(at) {
            // Time is no stranger: when it is over, it is over.
            Err(_) if self.is_shaking() => self.fail(Failure::Handshake, out),
            other => self.conclude(other, now, out),
        }
    }

    fn conclude(&mut self, done: Result<(), dimpl::Error>, now: Micros, out: &mut impl FnMut(Step<'_>)) {
        match done {
            Ok(()) => self.drain(now, out),
            Err(_) if !self.is_shaking() => {
                // The keys hold without it.
                self.state = State::Failed;
                self.due = Micros::MAX;
            }
            Err(_) if self.attempts >= MAX_ATTEMPTS => self.fail(Failure::Handshake, out),
            Err(_) => {
                // Whoever sent that, the peer must not suffer: it finds us as it would have.
                self.attempts += 1;
                (self.known, self.connected, self.keys) = (false, false, None);
                self.dtls = begin(&self.identity, self.role, self.instant(now));
                self.drain(now, out);
            }
        }
    }

    fn drain(&mut self, now: Micros, out: &mut impl FnMut(Step<'_>)) {
        let mut buffer = [0; MAX_DATAGRAM];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => out(Step::Packet(packet)),
                Output::PeerCert(certificate) => {
                    self.known = self.fingerprints.iter().any(|known| known.is_of(certificate));
                    if !self.known {
                        return self.fail(Failure::Certificate, out);
                    }
                }
                Output::KeyingMaterial(material, profile) => {
                    self.keys = split(&material, profile, self.role, self.dtls.protocol_version());
                }
                Output::Connected => self.connected = true,
                Output::CloseNotify => {
                    self.state = State::Failed;
                    self.due = Micros::MAX;
                    return out(Step::Closed);
                }
                Output::Timeout(at) => {
                    if self.connected && self.is_shaking() {
                        match self.keys.take() {
                            Some(keys) if self.known => {
                                self.state = State::Done;
                                out(Step::Keys(keys));
                            }
                            Some(_) => return self.fail(Failure::Certificate, out),
                            None => return self.fail(Failure::Profile, out),
                        }
                    }
                    let due = at.saturating_duration_since(self.zero).as_micros();
                    self.due = Micros::try_from(due).unwrap_or(Micros::MAX).max(now + 1);
                    return;
                }
                // No record is larger than our buffer, since we set how large they may be.
                Output::BufferTooSmall { .. } => return self.fail(Failure::Handshake, out),
                _ => {}
            }
        }
    }

    fn is_shaking(&self) -> bool {
        matches!(self.state, State::Shaking)
    }

    fn fail(&mut self, failure: Failure, out: &mut impl FnMut(Step<'_>)) {
        self.state = State::Failed;
        self.due = Micros::MAX;
        out(Step::Failed(failure));
    }

    fn instant(&self, now: Micros) -> Instant {
        self.zero + Duration::from_micros(now)
    }
}

fn begin(identity: &Identity, role: Role, now: Instant) -> Dtls {
    let mut dtls = Dtls::new_auto(identity.config.clone(), identity.certificate.clone(), now);
    if role == Role::Client {
        dtls.set_active(true);
    }
    dtls
}

/// Whether a datagram begins with an alert of epoch 0, which is not encrypted.
fn is_plain_alert(datagram: &[u8]) -> bool {
    matches!(datagram, [ALERT, _, _, 0, 0, ..])
}

/// Takes the exported keying material apart (RFC 5764 §4.2): the keys of client and server, then their salts.
fn split(
    material: &[u8],
    profile: SrtpProfile,
    role: Role,
    version: Option<ProtocolVersion>,
) -> Option<Keys> {
    let suite = match profile {
        SrtpProfile::AES128_CM_SHA1_80 => Suite::AesCm128Sha80,
        SrtpProfile::AEAD_AES_128_GCM => Suite::AesGcm128,
        SrtpProfile::AEAD_AES_256_GCM => Suite::AesGcm256,
        _ => return None,
    };
    let (keys, salts) = material.split_at_checked(2 * suite.key_len())?;
    let (client, server) = keys.split_at(suite.key_len());
    let (client_salt, server_salt) = salts.split_at_checked(salts.len() / 2)?;
    let client = Zeroizing::new([client, client_salt].concat());
    let server = Zeroizing::new([server, server_salt].concat());
    let (send, receive) = match role {
        Role::Client => (client, server),
        Role::Server => (server, client),
    };
    let version = if version == Some(ProtocolVersion::DTLS1_3) { "1.3" } else { "1.2" };
    (send.len() == suite.master_len()).then_some(Keys { suite, send, receive, version })
}

#[cfg(test)]
mod tests;

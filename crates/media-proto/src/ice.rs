//! ICE-lite (RFC 8445 §2.5, RFC 8839): we have one address that everybody reaches, answer the peer's checks, and let it
//! choose the pair. A check that carries our password is the peer's consent to be sent media (RFC 7675).

use crate::stun::{self, Class, MAX_LEN, Message, Writer};
use crate::{Micros, SECOND};
use std::net::SocketAddr;
use zeroize::Zeroize;

/// Without an authenticated check for this long the peer has withdrawn its consent.
pub const CONSENT: Micros = 15 * SECOND;

/// Addresses of the peer that are remembered; the one checked longest ago makes room.
const MAX_SOURCES: usize = 8;

/// A user fragment and its password. They are not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub ufrag: String,
    pub pwd: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        self.pwd.zeroize();
    }
}

/// One exchange of credentials (a generation): a restart begins another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    pub local: Credentials,
    /// The peer's user fragment. Its password is not needed by who never asks.
    pub remote_ufrag: String,
}

impl Generation {
    /// Whether a message is the peer's: addressed to us by it, and made with our password.
    fn owns(&self, message: &Message<'_>) -> bool {
        let mut name = message.username.unwrap_or_default().splitn(2, |byte| *byte == b':');
        name.next() == Some(self.local.ufrag.as_bytes())
            && name.next() == Some(self.remote_ufrag.as_bytes())
            && message.is_authentic(self.local.pwd.as_bytes())
    }
}

/// Our side of ICE for one session.
#[derive(Debug)]
pub struct Agent {
    now: Generation,
    /// The generation before a restart: good until the peer nominates a pair of the new one (RFC 8445 §9).
    before: Option<Generation>,
    /// Where authenticated checks came from, and when the last one did.
    sources: Vec<(SocketAddr, Micros)>,
    last_check: Micros,
}

/// What came of a datagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The length of the answer that is to be sent to where it came from; 0: none.
    pub reply: usize,
    /// It was an authenticated check.
    pub checked: bool,
    /// The peer wants media to go there.
    pub nominated: bool,
}

impl Agent {
    /// Consent is counted from `now`.
    pub fn new(generation: Generation, now: Micros) -> Agent {
        Agent { now: generation, before: None, sources: Vec::with_capacity(MAX_SOURCES), last_check: now }
    }

    /// Goes on with these credentials. Media flows where it does until the peer nominates anew.
    pub fn set(&mut self, generation: Generation, now: Micros) {
        if generation != self.now {
            self.before = Some(std::mem::replace(&mut self.now, generation));
            self.last_check = now;
        }
    }

    /// Takes a datagram that looks like STUN; an answer is written into `out`.
    pub fn receive(
        &mut self,
        now: Micros,
        from: SocketAddr,
        datagram: &[u8],
        out: &mut [u8; MAX_LEN],
    ) -> Heard {
        // Answers are to nobody here, and indications only keep a NAT open.
        let request = stun::parse(datagram).ok().filter(|message| message.class == Class::Request);
        let Some(request) = request else { return Heard::default() };
        let fail =
            |out, code, reason| Writer::new(out, Class::Error, request.transaction).error(code, reason);
        if !request.is_signed() || request.username.is_none() {
            return Heard { reply: fail(out, 400, "Bad Request").finish(), ..Heard::default() };
        }
        let current = self.now.owns(&request);
        let generation = match &self.before {
            _ if current => &self.now,
            Some(before) if before.owns(&request) => before,
            _ => return Heard { reply: fail(out, 401, "Unauthenticated").finish(), ..Heard::default() },
        };
        let password = generation.local.pwd.as_bytes();
        if !request.unknown().is_empty() {
            let writer = fail(out, 420, "Unknown Attribute").unknown(request.unknown());
            return Heard { reply: writer.sign(password).finish(), ..Heard::default() };
        }
        if request.controlled.is_some() {
            // A lite agent is always controlled (RFC 8445 §6.1.1): the peer has to change its mind.
            let writer = fail(out, 487, "Role Conflict");
            return Heard { reply: writer.sign(password).finish(), ..Heard::default() };
        }
        let writer = Writer::new(out, Class::Success, request.transaction).mapped(from);
        let reply = writer.sign(password).finish();
        self.remember(now, from);
        self.last_check = now;
        let nominated = current && request.use_candidate;
        if nominated {
            self.before = None;
        }
        Heard { reply, checked: true, nominated }
    }

    fn remember(&mut self, now: Micros, from: SocketAddr) {
        if let Some(known) = self.sources.iter_mut().find(|(address, _)| *address == from) {
            known.1 = now;
            return;
        }
        if self.sources.len() == MAX_SOURCES
            && let Some(oldest) = (0..MAX_SOURCES).min_by_key(|at| self.sources[*at].1)
        {
            self.sources.swap_remove(oldest);
        }
        self.sources.push((from, now));
    }

    /// Whether the peer has shown by a check, not long ago, that it is at this address.
    pub fn consents(&self, now: Micros, from: SocketAddr) -> bool {
        self.sources.iter().any(|(address, at)| *address == from && now < at + CONSENT)
    }

    /// When consent ends unless another check comes.
    pub fn deadline(&self) -> Micros {
        self.last_check + CONSENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(ours: &str, theirs: &str) -> Generation {
        let local = Credentials { ufrag: ours.into(), pwd: format!("password-of-{ours}-0000") };
        Generation { local, remote_ufrag: theirs.into() }
    }

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 4000))
    }

    struct Check<'a> {
        username: &'a str,
        password: &'a str,
        nominate: bool,
    }

    const GOOD: Check<'_> = Check { username: "us:them", password: "password-of-us-0000", nominate: false };

    fn request(check: &Check<'_>) -> Vec<u8> {
        let mut out = [0; MAX_LEN];
        let mut writer = Writer::new(&mut out, Class::Request, [3; 12]).username(check.username.as_bytes());
        writer = writer.priority(1).controlling(77);
        if check.nominate {
            writer = writer.use_candidate();
        }
        let length = writer.sign(check.password.as_bytes()).finish();
        out[..length].to_vec()
    }

    fn ask(agent: &mut Agent, now: Micros, from: SocketAddr, datagram: &[u8]) -> (Heard, Option<u16>) {
        let mut out = [0; MAX_LEN];
        let heard = agent.receive(now, from, datagram, &mut out);
        let error = (heard.reply > 0).then(|| stun::parse(&out[..heard.reply]).unwrap().error).flatten();
        (heard, error)
    }

    #[test]
    fn a_check_with_our_password_is_answered_and_is_consent() {
        let mut agent = Agent::new(generation("us", "them"), 0);
        assert_eq!(agent.deadline(), CONSENT);
        let mut out = [0; MAX_LEN];
        let heard = agent.receive(SECOND, address(1), &request(&GOOD), &mut out);
        assert!(heard.checked && !heard.nominated);
        let answer = stun::parse(&out[..heard.reply]).unwrap();
        assert_eq!(
            (answer.class, answer.mapped, answer.transaction),
            (Class::Success, Some(address(1)), [3; 12])
        );
        assert!(answer.is_authentic(b"password-of-us-0000"));
        assert_eq!(agent.deadline(), SECOND + CONSENT);
        assert!(agent.consents(SECOND, address(1)) && !agent.consents(SECOND, address(2)));
        assert!(!agent.consents(SECOND + CONSENT, address(1)));
        let (heard, _) = ask(&mut agent, SECOND, address(1), &request(&Check { nominate: true, ..GOOD }));
        assert!(heard.nominated);
    }

    #[test]
    fn nobody_else_is_believed() {
        let mut agent = Agent::new(generation("us", "them"), 0);
        for check in [
            Check { password: "guess", ..GOOD },
            Check { username: "us:other", ..GOOD },
            Check { username: "you:them", ..GOOD },
            Check { username: "us", ..GOOD },
            Check { username: "us:them:x", ..GOOD },
        ] {
            let (heard, error) = ask(&mut agent, SECOND, address(1), &request(&check));
            assert_eq!((heard.checked, error), (false, Some(401)));
        }
        let mut out = [0; MAX_LEN];
        let length = Writer::new(&mut out, Class::Request, [3; 12]).username(b"us:them").finish();
        assert_eq!(ask(&mut agent, SECOND, address(1), &out[..length]).1, Some(400));
        let length = Writer::new(&mut out, Class::Indication, [3; 12]).finish();
        assert_eq!(ask(&mut agent, SECOND, address(1), &out[..length]).0, Heard::default());
        assert_eq!(ask(&mut agent, SECOND, address(1), b"no STUN at all").0, Heard::default());
        assert_eq!(agent.deadline(), CONSENT);
        assert!(!agent.consents(SECOND, address(1)));
    }

    #[test]
    fn a_peer_that_believes_to_be_controlled_is_told_that_we_are() {
        let mut agent = Agent::new(generation("us", "them"), 0);
        let mut out = [0; MAX_LEN];
        let writer = Writer::new(&mut out, Class::Request, [3; 12]).username(b"us:them").controlled(1);
        let length = writer.sign(b"password-of-us-0000").finish();
        let (heard, error) = ask(&mut agent, 0, address(1), &out[..length]);
        assert_eq!((heard.checked, error), (false, Some(487)));
    }

    #[test]
    fn a_restart_keeps_the_old_pair_until_the_new_one_is_nominated() {
        let mut agent = Agent::new(generation("us", "them"), 0);
        let again = Check { username: "we:they", password: "password-of-we-0000", nominate: true };
        agent.set(generation("us", "them"), SECOND);
        assert_eq!(agent.deadline(), CONSENT, "the same again is no restart");
        agent.set(generation("we", "they"), SECOND);
        let old = request(&Check { nominate: true, ..GOOD });
        let (heard, _) = ask(&mut agent, SECOND, address(1), &old);
        assert_eq!((heard.checked, heard.nominated), (true, false));
        assert!(ask(&mut agent, SECOND, address(2), &request(&again)).0.nominated);
        assert_eq!(ask(&mut agent, SECOND, address(1), &old).1, Some(401));
    }

    #[test]
    fn many_addresses_push_out_the_oldest() {
        let mut agent = Agent::new(generation("us", "them"), 0);
        for last in 1..=MAX_SOURCES as u8 + 1 {
            ask(&mut agent, u64::from(last), address(last), &request(&GOOD));
        }
        assert!(!agent.consents(100, address(1)));
        assert!((2..=MAX_SOURCES as u8 + 1).all(|last| agent.consents(100, address(last))));
    }
}

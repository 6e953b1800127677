use super::*;
use crate::{MS, SECOND};

fn identity(seed: u8) -> Identity {
    Identity::new([seed; 32], [seed; 16], 1_795_000_000 * SECOND).unwrap()
}

/// Two ends and the wire between them.
struct Pair {
    now: Micros,
    ends: [Association; 2],
    keys: [Option<Keys>; 2],
    failed: [Option<Failure>; 2],
    packets: usize,
}

const CLIENT: usize = 0;
const SERVER: usize = 1;

impl Pair {
    #[allow(clippy::disallowed_methods, reason = "some moment has to be the zero")]
    fn new(believed_of_client: &Identity) -> Pair {
        let (client, server) = (identity(1), identity(2));
        let zero = Instant::now();
        let known = |identity: &Identity| vec![Fingerprint::parse(identity.fingerprint()).unwrap()];
        let ends = [
            Association::new(&client, Role::Client, known(&server), zero, 0),
            Association::new(&server, Role::Server, known(believed_of_client), zero, 0),
        ];
        Pair { now: 0, ends, keys: [None, None], failed: [None, None], packets: 0 }
    }

    /// Carries packets to and fro until nothing is said; `lose` says which are lost.
    fn run(&mut self, mut lose: impl FnMut(usize) -> bool) {
        for _ in 0..20_000 {
            if self.keys.iter().all(Option::is_some) || self.failed.iter().any(Option::is_some) {
                return;
            }
            for from in [CLIENT, SERVER] {
                let mut said = Vec::new();
                self.step(from, None, &mut said);
                self.carry(1 - from, said, &mut lose);
            }
            self.now += 10 * MS;
        }
    }

    fn carry(&mut self, to: usize, said: Vec<Vec<u8>>, lose: &mut impl FnMut(usize) -> bool) {
        for packet in said {
            self.packets += 1;
            if !lose(self.packets) {
                let mut answer = Vec::new();
                self.step(to, Some(&packet), &mut answer);
                self.carry(1 - to, answer, lose);
            }
        }
    }

    fn step(&mut self, end: usize, packet: Option<&[u8]>, said: &mut Vec<Vec<u8>>) {
        let (keys, failed) = (&mut self.keys[end], &mut self.failed[end]);
        let mut out = |step: Step<'_>| match step {
            Step::Packet(packet) => said.push(packet.to_vec()),
            Step::Keys(found) => *keys = Some(found),
            Step::Failed(failure) => *failed = Some(failure),
            Step::Closed => {}
        };
        match packet {
            Some(packet) => self.ends[end].receive(self.now, packet, &mut out),
            None => self.ends[end].tick(self.now, &mut out),
        }
    }

    fn agree(&self) {
        let [Some(client), Some(server)] = &self.keys else { panic!("{:?}", self.failed) };
        assert_eq!(
            (client.suite, &client.send, &client.receive),
            (server.suite, &server.receive, &server.send)
        );
        assert_ne!(client.send, client.receive);
    }
}

#[test]
fn both_ends_get_the_same_keys() {
    let mut pair = Pair::new(&identity(1));
    pair.run(|_| false);
    pair.agree();
    assert_eq!(pair.keys[CLIENT].as_ref().unwrap().version, "1.3");
}

#[test]
fn a_peer_that_has_dtls_1_2_only_is_met_there() {
    let mut pair = Pair::new(&identity(1));
    let at = pair.ends[CLIENT].zero;
    let us = identity(1);
    pair.ends[CLIENT].dtls = Dtls::new_12(us.config.clone(), us.certificate.clone(), at);
    pair.ends[CLIENT].dtls.set_active(true);
    pair.run(|_| false);
    pair.agree();
    assert_eq!(pair.keys[SERVER].as_ref().unwrap().version, "1.2");
}

#[test]
fn lost_packets_are_sent_again() {
    for nth in 1..=8 {
        let mut pair = Pair::new(&identity(1));
        pair.run(|packet| packet == nth);
        pair.agree();
    }
    let mut pair = Pair::new(&identity(1));
    pair.run(|packet| packet % 3 == 0);
    pair.agree();
}

#[test]
fn a_certificate_that_was_not_signalled_gets_no_keys() {
    let mut pair = Pair::new(&identity(9));
    pair.run(|_| false);
    assert_eq!(pair.failed[SERVER], Some(Failure::Certificate));
    assert!(pair.keys[SERVER].is_none());
}

/// A ClientHello of DTLS 1.2 that offers nothing but a suite that nobody has.
fn bad_hello() -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend([7; 32]);
    body.extend([0, 0, 0, 2, 0x12, 0x34, 1, 0]);
    let length = body.len() as u8;
    let mut hello = vec![1, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length];
    hello.extend(body);
    let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, hello.len() as u8];
    record.extend(hello);
    record
}

/// Threat 9: in the race between a stranger's hello and the caller's, the stranger's came first, the handshake failed over
/// its ciphers, and the call had no sound.
#[test]
fn a_hello_that_cannot_be_answered_does_not_keep_the_peer_out() {
    let mut pair = Pair::new(&identity(1));
    for _ in 0..3 {
        let mut said = Vec::new();
        pair.step(SERVER, Some(&bad_hello()), &mut said);
        assert!(said.is_empty(), "no alert");
    }
    assert_eq!(pair.failed[SERVER], None);
    pair.run(|_| false);
    pair.agree();
}

#[test]
fn an_alert_that_nothing_protects_ends_nothing() {
    let mut pair = Pair::new(&identity(1));
    let alert = [ALERT, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40];
    let mut none = Vec::new();
    pair.step(SERVER, Some(&alert), &mut none);
    pair.step(CLIENT, Some(&alert), &mut none);
    pair.run(|_| false);
    pair.agree();
    pair.step(SERVER, Some(&alert), &mut none);
    assert!(!pair.ends[SERVER].is_over());
}

#[test]
fn a_peer_that_never_answers_is_given_up() {
    let mut pair = Pair::new(&identity(1));
    pair.run(|_| true);
    assert_eq!(pair.failed[CLIENT], Some(Failure::Handshake));
    assert!(pair.now <= 31 * SECOND, "{}", pair.now);
}

#[test]
fn any_bytes_are_taken_without_panic() {
    use proptest::prelude::*;
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    proptest!(ProptestConfig::with_cases(64), |(bytes in bytes, kind in 20u8..25)| {
        let mut pair = Pair::new(&identity(1));
        let mut record = vec![kind, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, bytes.len() as u8];
        record.extend(bytes);
        let mut none = Vec::new();
        pair.step(SERVER, Some(&record), &mut none);
        pair.step(CLIENT, Some(&record), &mut none);
    });
}

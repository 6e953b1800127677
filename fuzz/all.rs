//! One function for each kind of input: whatever the bytes, it returns.

#![allow(dead_code, reason = "each target uses one of them")]

use media_engine::wire::{self, Command, Envelope};
use media_proto::dtls::{Association, Fingerprint, Identity, Role, Step};
use media_proto::ice::{Agent, Credentials, Generation};
use media_proto::srtp::{MAX_OVERHEAD, Protector, Suite, Unprotector};
use media_proto::{dtmf, rtcp, rtp, rx, stun};
use std::cell::Cell;
use std::net::SocketAddr;
use std::panic;
use std::sync::{Once, OnceLock};
use std::time::Instant;

/// What an agent of ICE says to a datagram, also when its credentials are right.
pub fn stun(data: &[u8]) {
    let local = Credentials { ufrag: "lite".into(), pwd: "0123456789012345678901".into() };
    let mut agent = Agent::new(Generation { local, remote_ufrag: "full".into() }, 0);
    let mut out = [0; stun::MAX_LEN];
    let from = SocketAddr::from(([192, 0, 2, 1], 4000));
    let heard = agent.receive(1, from, data, &mut out);
    if heard.reply > 0 {
        stun::parse(&out[..heard.reply]).expect("our own answer is a message");
    }
    // Signed by the peer: the rest of a message, behind attributes that are right.
    let mut signed = [0; stun::MAX_LEN];
    let writer = stun::Writer::new(&mut signed, stun::Class::Request, [7; 12]);
    let name = &data[..data.len().min(500)];
    let length = writer.username(name).sign(b"0123456789012345678901").finish();
    agent.receive(2, from, &signed[..length], &mut out);
}

/// Records to both ends of a handshake, the first byte saying when: it may be begun already.
#[allow(clippy::disallowed_methods, reason = "some moment has to be the zero")]
pub fn dtls(data: &[u8]) {
    static ENDS: OnceLock<(Identity, Identity, Instant)> = OnceLock::new();
    let (one, other, zero) = ENDS.get_or_init(|| {
        let identity = |seed| Identity::new([seed; 32], [seed; 16], 1_795_000_000_000_000).expect("a key");
        (identity(1), identity(2), Instant::now())
    });
    let known = |identity: &Identity| vec![Fingerprint::parse(identity.fingerprint()).expect("our own")];
    let mut client = Association::new(one, Role::Client, known(other), *zero, 0);
    let mut server = Association::new(other, Role::Server, known(one), *zero, 0);
    let Some((&first, data)) = data.split_first() else { return };
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    client.tick(0, &mut |step| collect(step, &mut to_server));
    for _ in 0..first % 4 {
        for packet in std::mem::take(&mut to_server) {
            server.receive(1, &packet, &mut |step| collect(step, &mut to_client));
        }
        for packet in std::mem::take(&mut to_client) {
            client.receive(2, &packet, &mut |step| collect(step, &mut to_server));
        }
    }
    // Pieces of the input are datagrams, each behind its length.
    let mut rest = data;
    while let Some((&length, more)) = rest.split_first() {
        let (piece, next) = more.split_at(more.len().min(usize::from(length)));
        server.receive(3, piece, &mut |step| collect(step, &mut to_client));
        client.receive(3, piece, &mut |step| collect(step, &mut to_server));
        rest = next;
    }
    server.tick(5_000_000, &mut |_| {});
    client.tick(5_000_000, &mut |_| {});
}

fn collect(step: Step<'_>, packets: &mut Vec<Vec<u8>>) {
    if let Step::Packet(packet) = step {
        packets.push(packet.to_vec());
    }
}

pub fn rtp(data: &[u8]) {
    let mut stream = rx::RxStream::default();
    let mut keys = dtmf::Receiver::default();
    if let Ok(packet) = rtp::parse(data) {
        let payload = &data[packet.payload.clone()];
        stream.receive(1, 8000, packet.ssrc, packet.sequence, packet.timestamp, payload.len());
        if let Some(event) = dtmf::Event::parse(payload) {
            keys.receive(1, 8000, packet.timestamp, event);
        }
    }
    stream.measure();
}

pub fn rtcp(data: &[u8]) {
    if let Some(heard) = rtcp::parse(data, 7)
        && let Some(block) = heard.block
    {
        block.round_trip(u64::MAX / 3);
    }
}

/// The first byte chooses the suite, and whether the rest is opened or protected first.
pub fn srtp(data: &[u8]) {
    let Some((&first, data)) = data.split_first() else { return };
    let suite = Suite::ALL[usize::from(first) % Suite::ALL.len()];
    let master: Vec<u8> = (0..suite.master_len() as u8).collect();
    let mut open = Unprotector::new(suite, &master).expect("a key of the suite");
    let mut protect = Protector::new(suite, &master).expect("a key of the suite");
    let mut packet = data.to_vec();
    if first & 0x80 == 0 {
        let _ = open.rtp(&mut packet.clone());
        let _ = open.rtcp(&mut packet);
        return;
    }
    packet.resize(data.len() + MAX_OVERHEAD, 0);
    let (mut control, length) = (packet.clone(), protect.rtp(&mut packet, data.len()));
    if length > 0 {
        let (opened, _) = open.rtp(&mut packet[..length]).expect("what was protected is opened");
        assert_eq!(&packet[..opened], data);
    }
    let length = protect.rtcp(&mut control, data.len());
    if length > 0 {
        let opened = open.rtcp(&mut control[..length]).expect("what was protected is opened");
        assert_eq!(&control[..opened], data);
    }
}

/// A frame of the command channel, as control would read it.
pub fn command(data: &[u8]) {
    let _ = wire::read::<Envelope>(data);
    if let Ok(command) = wire::read::<Command>(data) {
        let again = wire::frame(&command);
        let _ = wire::read::<Command>(&again[4..]).expect("what we write we read");
    }
}

thread_local! {
    /// Whether the last panic was in code of others.
    static OTHERS: Cell<bool> = const { Cell::new(false) };
}

/// An upload, of which a second is decoded. A decoder that stumbles has found the file damaged, as in the process that decodes in
/// earnest: only faults of our own count.
pub fn decode(data: &[u8]) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let others = info.location().is_some_and(|at| at.file().contains("symphonia"));
            OTHERS.set(others);
            if !others {
                usual(info);
            }
        }));
    });
    let decoded = panic::catch_unwind(|| {
        let mut samples = Vec::new();
        if media_engine::decode::decode(data.to_vec(), 1, &mut samples).is_ok() {
            assert!(
                samples.len() % 4 == 0 && samples.len() <= 4 * (1 + 384_000),
                "a rate, and a second of samples"
            );
        }
    });
    if let Err(fault) = decoded
        && !OTHERS.get()
    {
        panic::resume_unwind(fault);
    }
}

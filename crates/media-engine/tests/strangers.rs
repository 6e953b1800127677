//! What strangers send to the ports of the engine, and what does not come of it (docs/threats.md).

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use common::{
    Browser, Controller, EVENT, Engine, Keys, PATIENCE, Phone, bad_hello, connect_protected, hello, loudest,
    sleep_ms, sleep_until, tone,
};
use media_proto::codec::Codec::{self, Opus, Pcmu};
use media_proto::dtls::Role;
use media_proto::g711::Law;
use media_proto::rtp::Header;
use media_proto::srtp::Suite;
use media_proto::wav;
use serde_json::{Value, json};
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What strangers whistle, in Hz: nobody else here does.
const WHISTLE: f64 = 2_500.0;

/// Sends to all these ports, from one address that is nobody's, until it is told to stop: a whistle under each payload type, keys,
/// and what looks like ICE, DTLS and RTCP. Returns how many datagrams it sent, and whether sound came
/// back.
fn spray(ports: Range<u16>, stop: &AtomicBool) -> (u64, bool) {
    let socket = UdpSocket::bind("127.0.0.9:0").unwrap();
    let mut payload = [0; 160];
    Law::Mu.encode(&tone(WHISTLE, 20), &mut payload);
    let (mut sequence, mut sent, start) = (0u16, 0, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        for port in ports.clone() {
            let payload_type = [0, 111, EVENT, 0][usize::from(sequence % 4)];
            let timestamp = u32::from(sequence) * 160;
            let header = Header { marker: false, payload_type, sequence, timestamp, ssrc: 0x5712_a9e5 };
            let mut packet = header.to_bytes().to_vec();
            packet.extend(if payload_type == EVENT { &[9, 10, 0, 160][..] } else { &payload });
            let other = match sequence % 8 {
                3 => Some(bad_hello()),
                5 => Some([&[0x80, 203, 0, 1][..], &0x5712_a9e5u32.to_be_bytes()].concat()),
                7 => Some([&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat()),
                _ => None,
            };
            let to = SocketAddr::from(([127, 0, 0, 1], port));
            let _ = socket.send_to(other.as_deref().unwrap_or(&packet), to); // nobody may be there
            sent += 1;
        }
        sequence += 1;
        sleep_until(start + Duration::from_millis(15) * u32::from(sequence));
    }
    socket.set_nonblocking(true).unwrap();
    let mut answer = [0; 2048];
    let mut heard = false;
    while socket.recv(&mut answer).is_ok() {
        heard |= answer[0] >> 6 == 2; // RTP or RTCP: what is no check of ICE is told so
    }
    (sent, heard)
}

/// Ends those who flood, however the test ends.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn record(control: &mut Controller, engine: &Engine, session: &str) {
    control
        .ok(json!({"op": "record", "session": session, "record": session, "max_ms": 60_000, "both": "mixed",
        "rate": 8000, "path": engine.path(&format!("{session}.wav"))}));
}

fn recorded(engine: &Engine, session: &str) -> Vec<i16> {
    wav::parse(&std::fs::read(engine.path(&format!("{session}.wav"))).unwrap()).unwrap()
}

fn stats(control: &mut Controller, session: &str) -> Value {
    control.ok(json!({"op": "stats", "session": session}))["stats"].clone()
}

/// Threat 8: RTP to the whole range of ports, from before the first packet of each phone until after its last, whatever protects
/// them.
#[test]
fn what_a_stranger_sprays_during_whole_calls_is_not_relayed_not_recorded_and_moves_nobody() {
    let engine = Engine::start_with(&[], 10);
    let (mut control, fingerprint) = hello(&engine);
    let first = control.ok(json!({"op": "open", "session": "first"}))["port"].as_u64().unwrap() as u16;
    control.ok(json!({"op": "close", "session": "first"}));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let spraying = scope.spawn(|| spray(first..first + 20, &stop));
        let stops = Stops(&stop);
        let names = ["plain", "plain-2", "sdes", "sdes-2", "dtls", "dtls-2"];
        let mut phones: Vec<Phone> = [Pcmu, Pcmu, Pcmu, Pcmu].map(Phone::new).into();
        for (phone, name) in phones.iter_mut().zip(["plain", "plain-2"]) {
            control.connect_phone(name, phone);
        }
        connect_protected(&mut control, "sdes", &mut phones[2], &Keys::new(Suite::AesCm128Sha80, 1));
        connect_protected(&mut control, "sdes-2", &mut phones[3], &Keys::new(Suite::AesGcm256, 2));
        let mut browser = Browser::new(3);
        browser.connect(&mut control, "dtls", "passive");
        browser.begin(Role::Client, &fingerprint);
        browser.check(true);
        let keys = browser.shake(PATIENCE).expect("keys");
        phones.push(browser.phone(&keys));
        phones.push(Phone::new(Pcmu));
        control.connect_phone("dtls-2", &mut phones[5]);
        for pair in names.chunks(2) {
            control.bridge(pair[0], pair[1]);
            record(&mut control, &engine, pair[0]);
        }
        sleep_ms(300); // the phones are silent, the stranger is not
        std::thread::scope(|scope| {
            for (i, phone) in phones.iter_mut().enumerate() {
                scope.spawn(move || phone.speak(&tone([440.0, 1_000.0][i % 2], 3_000)));
            }
        });
        sleep_ms(500);
        for (i, (name, phone)) in names.iter().zip(&phones).enumerate() {
            let sound = phone.sound();
            assert!(loudest(&sound, [1_000.0, 440.0][i % 2]) > 4_000.0, "{name} hears its peer");
            assert!(loudest(&sound, WHISTLE) < 300.0, "{name} hears {}", loudest(&sound, WHISTLE));
            let stats = stats(&mut control, name);
            let dropped =
                ["rx_strangers", "rx_invalid", "rx_unauthentic"].map(|name| stats[name].as_u64().unwrap());
            assert!(dropped.iter().sum::<u64>() > 50, "the spray reached {name}: {stats}");
            let heard = stats["rx_packets"].as_u64().unwrap();
            assert!((145..=150).contains(&heard), "{name} is heard, and nobody else: {stats}");
            if i != 4 {
                phone.assert_one_stream();
            }
        }
        assert!(control.heard("moved").is_empty() && control.heard("dtmf").is_empty());
        let latched = control.heard("latched");
        for (name, phone) in names.iter().zip(&phones) {
            let ports: Vec<_> = latched
                .iter()
                .filter(|event| event["session"] == json!(name))
                .map(|event| &event["port"])
                .collect();
            assert_eq!(ports, [&json!(phone.port())], "{name}");
        }
        for pair in names.chunks(2) {
            control.ok(json!({"op": "close", "session": pair[0]}));
            control.event("record_done");
            let sound = recorded(&engine, pair[0]);
            assert!(loudest(&sound, 440.0) > 4_000.0 && loudest(&sound, 1_000.0) > 4_000.0, "{pair:?}");
            assert!(loudest(&sound, WHISTLE) < 300.0, "{pair:?}: {}", loudest(&sound, WHISTLE));
        }
        drop(stops);
        let (sent, heard) = spraying.join().unwrap();
        assert!(sent > 2_000);
        assert!(!heard, "the stranger was sent sound");
    });
}

/// A phone whose own network's address is all that it knows of itself: it is found by where it signals from.
#[test]
fn a_phone_behind_a_nat_is_found_where_it_signals_from_and_nobody_else_is() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut phone = Phone::new(Pcmu);
    let opened = control.ok(json!({"op": "open", "session": "a"}));
    phone.engine = SocketAddr::from(([127, 0, 0, 1], opened["port"].as_u64().unwrap() as u16));
    let mut stranger = Phone::of(UdpSocket::bind("127.0.0.9:0").unwrap(), Pcmu);
    stranger.engine = phone.engine;
    control.ok(json!({"op": "signal", "session": "a", "ip": "127.0.0.1", "port": 5060}));
    let remote = json!({"op": "remote", "session": "a", "ip": "192.168.77.5", "port": 4000,
        "codecs": [{"name": "PCMU", "pt": 0}], "direction": "sendrecv"});
    control.ok(remote.clone());
    control.hear("a", json!({"kind": "echo"}));
    stranger.talk(0x66, 10);
    phone.say(0x11);
    assert_eq!(control.event("latched")["port"], json!(phone.port()));
    phone.wait_for("its echo", |heard| heard.payload[0] == 0x11);
    // Its NAT binds anew: nothing is believed before its signalling has shown where it is now, and then only that host.
    let mut moved = Phone::new(Pcmu);
    moved.engine = phone.engine;
    moved.talk(0x22, 5);
    control.ok(json!({"op": "signal", "session": "a", "ip": "127.0.0.1", "port": 5060}));
    control.ok(remote);
    moved.talk(0x22, 5);
    assert_eq!(control.heard("latched").len(), 0);
    control.ok(json!({"op": "signal", "session": "a", "ip": "127.0.0.1", "port": 40_077}));
    stranger.talk(0x66, 5);
    assert_eq!(control.heard("latched").len(), 0);
    moved.say(0x33);
    assert_eq!(control.event("latched")["port"], json!(moved.port()));
    moved.wait_for("its echo", |heard| heard.payload[0] == 0x33);
    assert_eq!(stranger.heard().len(), 0);
    let stats = stats(&mut control, "a");
    assert_eq!((&stats["rx_packets"], &stats["rx_strangers"]), (&json!(2), &json!(25)), "{stats}");
    let refused = json!({"op": "signal", "session": "a", "ip": "home", "port": 5060});
    assert_eq!(control.refused(refused), "bad_ip");
}

/// The last resort of an operator whose phones come from where nothing has told.
#[test]
fn where_anyone_may_be_the_peer_the_first_is() {
    let engine = Engine::start_with(&["--latch", "anyone"], 2);
    let mut control = engine.controller();
    let (mut phone, mut other) = (Phone::new(Pcmu), Phone::of(UdpSocket::bind("127.0.0.9:0").unwrap(), Pcmu));
    control.connect_phone("a", &mut phone);
    other.engine = phone.engine;
    other.say(1);
    assert_eq!(control.event("latched")["ip"], json!("127.0.0.9"));
    phone.say(1);
    assert_eq!(control.event("latched")["ip"], json!("127.0.0.1"));
}

/// The memory of the engine, in bytes.
fn memory(engine: &Engine) -> u64 {
    let statm = std::fs::read_to_string(format!("/proc/{}/statm", engine.child.id())).unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

/// Sends 1,000 packets a second, 20 at once, until it is told to stop; returns how many.
fn flood(phone: &mut Phone, stop: &AtomicBool) -> u64 {
    let mut payload = [0; 160];
    Law::Mu.encode(&tone(WHISTLE, 20), &mut payload);
    let (start, mut sent) = (Instant::now(), 0);
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..20 {
            phone.send(0, &payload, 160);
        }
        sent += 20;
        sleep_until(start + Duration::from_millis(sent));
    }
    sent
}

/// Threat 11: a flood into a port whose leg is recorded, from a stranger and from the peer itself.
#[test]
fn a_flood_into_a_recording_neither_grows_it_nor_harms_the_neighbours() {
    let engine = Engine::start_with(&["--workers", "1"], 10);
    let mut control = engine.controller();
    for (name, is_peer) in [("stranger", false), ("peer", true)] {
        let (mut caller, mut intruder) = (Phone::new(Pcmu), Phone::new(Pcmu));
        let (mut a, mut b) = (Phone::new(Codec::Pcma), Phone::new(Opus));
        let neighbours = [format!("{name}-a"), format!("{name}-b")];
        control.connect_phone(name, &mut caller);
        control.connect_phone(&neighbours[0], &mut a);
        control.connect_phone(&neighbours[1], &mut b);
        control.bridge(&neighbours[0], &neighbours[1]);
        record(&mut control, &engine, name);
        intruder.engine = caller.engine;
        caller.speak(&tone(440.0, 200));
        let (before, began) = (memory(&engine), Instant::now());
        let (stop, flooded) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let _stops = Stops(&stop);
            scope.spawn(|| {
                let from = if is_peer { &mut caller } else { &mut intruder };
                flooded.store(flood(from, &stop), Ordering::Relaxed);
            });
            let both = [
                scope.spawn(|| a.speak(&tone(440.0, 2_000))),
                scope.spawn(|| b.speak(&tone(1_000.0, 2_000))),
            ];
            both.into_iter().for_each(|speaking| speaking.join().unwrap());
        });
        sleep_ms(500);
        assert!(flooded.into_inner() > 1_000);
        let grown = memory(&engine).saturating_sub(before);
        assert!(grown < 8 << 20, "{name}: {grown} bytes more");
        for (neighbour, phone, tone) in [(&neighbours[0], &a, 1_000.0), (&neighbours[1], &b, 440.0)] {
            let stats = stats(&mut control, neighbour);
            assert_eq!((&stats["rx_packets"], &stats["rx_lost"]), (&json!(100), &json!(0)), "{stats}");
            phone.assert_one_stream();
            assert!(loudest(&phone.sound(), tone) > 4_000.0, "{name}: {neighbour}");
        }
        control.ok(json!({"op": "close", "session": name}));
        let done = control.event("record_done");
        let passed = began.elapsed().as_millis() as u64 + 300;
        let sound = recorded(&engine, name);
        assert!((1_900..=passed).contains(&done["ms"].as_u64().unwrap()), "{done}, {passed} ms");
        assert_eq!(sound.len() as u64, done["ms"].as_u64().unwrap() * 8);
        assert_eq!(done["reason"], json!("closed"));
        if !is_peer {
            assert!(loudest(&sound, 440.0) > 4_000.0);
            assert!(loudest(&sound, WHISTLE) < 300.0, "the stranger is recorded");
        }
    }
}

//! Sessions of peers that speak ICE and DTLS-SRTP, as browsers do: the peer here is a full ICE agent and a DTLS end of its
//! own, over real sockets.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use common::{Browser, Engine, PATIENCE, Phone, bad_hello, eventually, hello, loudest, tone};
use media_proto::codec::Codec::{Opus, Pcmu};
use media_proto::dtls::{Identity, Role};
use media_proto::srtp::{Protector, Unprotector};
use serde_json::{Value, json};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

fn talk(a: &mut Phone, b: &mut Phone) {
    std::thread::scope(|scope| {
        scope.spawn(|| a.speak(&tone(440.0, 500)));
        scope.spawn(|| b.speak(&tone(1000.0, 500)));
    });
    eventually("a hears b", || loudest(&a.sound(), 1000.0) > 4000.0);
    eventually("b hears a", || loudest(&b.sound(), 440.0) > 4000.0);
}

#[test]
fn a_browser_and_a_phone_talk_whoever_begins_the_handshake() {
    let engine = Engine::start();
    let (mut control, fingerprint) = hello(&engine);
    for (name, setup, role) in [("a", "passive", Role::Client), ("b", "active", Role::Server)] {
        let mut browser = Browser::new(3);
        browser.connect(&mut control, name, setup);
        browser.begin(role, &fingerprint);
        assert_eq!(browser.check(true), Some(0));
        let there = browser.socket.local_addr().unwrap().port();
        eventually("control is told of the check", || {
            let latched = control.heard("latched");
            latched.iter().any(|event| event["session"] == name && event["port"] == there)
        });
        let keys = browser.shake(PATIENCE).expect("keys");
        let secured = control.event("secured");
        assert_eq!((&secured["suite"], &secured["dtls"]), (&json!("AEAD_AES_256_GCM"), &json!("1.3")));
        let (mut one, mut other) = (browser.phone(&keys), Phone::new(Pcmu));
        let plain = format!("{name} plain");
        control.connect_phone(&plain, &mut other);
        control.bridge(name, &plain);
        talk(&mut one, &mut other);
        let stats = control.ok(json!({"op": "stats", "session": name}))["stats"].clone();
        let dropped = [&stats["rx_strangers"], &stats["rx_invalid"], &stats["rx_unauthentic"]];
        assert_eq!(dropped, [&json!(0); 3], "{stats}");
    }
}

#[test]
fn rtcp_comes_and_goes_through_the_same_port() {
    let engine = Engine::start();
    let (mut control, fingerprint) = hello(&engine);
    let mut browser = Browser::new(3);
    browser.connect(&mut control, "a", "passive");
    browser.begin(Role::Client, &fingerprint);
    browser.check(true);
    let keys = browser.shake(PATIENCE).expect("keys");
    let (mut out, mut back) = (
        Protector::new(keys.suite, &keys.send).unwrap(),
        Unprotector::new(keys.suite, &keys.receive).unwrap(),
    );
    // The engine's first report comes within 3.25 s; ours tells it of its stream.
    let began = Instant::now();
    let mut buffer = [0; 2048];
    let report = loop {
        assert!(began.elapsed() < PATIENCE, "no RTCP");
        let Ok((length, _)) = browser.socket.recv_from(&mut buffer) else { continue };
        if media_proto::rtcp::is_type(buffer[1])
            && let Ok(length) = back.rtcp(&mut buffer[..length])
        {
            break buffer[..length].to_vec();
        }
    };
    let ssrc = u32::from_be_bytes([report[4], report[5], report[6], report[7]]);
    let measured =
        media_proto::rx::Measured { ssrc, fraction_lost: 0, lost: 7, highest_sequence: 9, jitter: 0 };
    let received = media_proto::rtcp::Received { measured, last_report: 0, delay: 0 };
    let ours = media_proto::rtcp::Report {
        ssrc: 99,
        cname: "browser",
        sent: None,
        received: Some(received),
        goodbye: false,
    };
    let mut packet = [0; 256];
    let length = {
        let mut plain = [0; media_proto::rtcp::MAX_LEN];
        let length = ours.write(&mut plain);
        packet[..length].copy_from_slice(&plain[..length]);
        out.rtcp(&mut packet, length)
    };
    browser.socket.send_to(&packet[..length], browser.engine).unwrap();
    eventually("the report is read", || {
        control.ok(json!({"op": "stats", "session": "a"}))["stats"]["tx_lost"] == json!(7)
    });
}

/// Threat 9: whoever has not shown by ICE to be the peer is not spoken to at all, and spoils nothing.
#[test]
fn a_hello_from_elsewhere_is_dropped_and_a_bad_one_from_the_peers_address_spoils_nothing() {
    let engine = Engine::start_with(&[], 110);
    let (mut control, fingerprint) = hello(&engine);
    let (mut browser, mut stranger) = (Browser::new(3), Browser::new(4));
    for round in 0..100 {
        let name = format!("s{round}");
        browser.connect(&mut control, &name, "passive");
        browser.begin(Role::Client, &fingerprint);
        // A stranger is first, with a good hello; the peer's own too, while it has not been checked.
        stranger.engine = browser.engine;
        stranger.begin(Role::Client, &fingerprint);
        assert!(stranger.shake(Duration::from_millis(10)).is_none());
        browser.socket.send_to(&bad_hello(), browser.engine).unwrap();
        assert_eq!(browser.check(true), Some(0));
        // And now one with ciphers that nobody has, from the peer's own address.
        browser.socket.send_to(&bad_hello(), browser.engine).unwrap();
        assert!(stranger.shake(Duration::from_millis(5)).is_none());
        browser.shake(PATIENCE).expect("keys");
        control.event("secured");
        let stats = control.ok(json!({"op": "stats", "session": name}))["stats"].clone();
        assert!(stats["rx_strangers"].as_u64().unwrap() >= 2, "{stats}");
        control.ok(json!({"op": "close", "session": name}));
    }
    assert!(control.heard("insecure").is_empty());
}

/// A phone that speaks DTLS but not ICE, behind a NAT: its hello comes from where nobody said, and so may a stranger's.
#[test]
fn without_ice_whoever_has_the_signalled_certificate_is_the_peer_wherever_it_is() {
    let engine = Engine::start_with(&[], 20);
    let (mut control, fingerprint) = hello(&engine);
    for (name, signalled) in [("behind a NAT", None), ("where it said", Some(()))] {
        let mut browser = Browser::new(3);
        let opened = control.ok(json!({"op": "open", "session": name}));
        browser.engine.set_port(opened["port"].as_u64().unwrap() as u16);
        let inside = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = signalled.map_or(&inside, |()| &browser.socket).local_addr().unwrap().port();
        control.ok(json!({
            "op": "remote", "session": name, "ip": "127.0.0.1", "port": port, "rtcp_mux": true,
            "codecs": [{"name": "opus", "pt": 111}], "direction": "sendrecv",
            "dtls": {"setup": "passive", "fingerprints": [browser.identity.fingerprint()]},
        }));
        // Strangers are first: with certificates of their own, and with hellos that lead nowhere.
        for seed in 4..7 {
            let mut stranger = Browser::new(seed);
            stranger.engine = browser.engine;
            stranger.begin(Role::Client, &fingerprint);
            stranger.shake(Duration::from_millis(100)); // whatever it believes to have
            stranger.socket.send_to(&bad_hello(), browser.engine).unwrap();
        }
        assert!(control.heard("secured").is_empty());
        browser.begin(Role::Client, &fingerprint);
        let keys = browser.shake(PATIENCE).expect("keys");
        control.event("secured");
        control.hear(name, json!({"kind": "echo"}));
        let mut phone = browser.phone(&keys);
        phone.speak(&tone(440.0, 300));
        eventually(&format!("who is {name} hears himself"), || loudest(&phone.sound(), 440.0) > 4000.0);
        // Once there are keys, nobody from elsewhere is answered any more.
        let mut late = Browser::new(7);
        late.engine = browser.engine;
        late.begin(Role::Client, &fingerprint);
        assert!(late.shake(Duration::from_millis(50)).is_none());
    }
    assert!(control.heard("insecure").is_empty());
}

#[test]
fn a_certificate_that_was_not_signalled_gets_no_keys() {
    let engine = Engine::start();
    let (mut control, fingerprint) = hello(&engine);
    let mut browser = Browser::new(3);
    browser.connect(&mut control, "a", "passive");
    browser.identity = Identity::new([9; 32], [9; 16], 1_795_000_000_000_000).unwrap();
    browser.begin(Role::Client, &fingerprint);
    browser.check(true);
    browser.shake(Duration::from_millis(500));
    assert!(control.event("insecure")["detail"].as_str().unwrap().contains("fingerprint"));
}

#[test]
fn a_peer_that_moves_is_followed_when_ice_shows_it_and_strangers_are_not() {
    let engine = Engine::start();
    let (mut control, fingerprint) = hello(&engine);
    let mut browser = Browser::new(3);
    browser.connect(&mut control, "a", "passive");
    browser.begin(Role::Client, &fingerprint);
    browser.check(true);
    let keys = browser.shake(PATIENCE).expect("keys");
    control.hear("a", json!({"kind": "echo"}));
    let mut phone = browser.phone(&keys);
    phone.speak(&tone(440.0, 300));
    // Somebody who repeats the peer's packets from elsewhere moves nothing, nor does one with a wrong password.
    let mut stranger = Browser::new(4);
    stranger.engine = browser.engine;
    stranger.socket.send_to(&phone.last_sent, browser.engine).unwrap();
    stranger.ice.1 = "a0wrong0password0000000".into();
    assert_eq!(stranger.check(true), Some(401));
    assert!(control.heard("moved").is_empty());
    // The peer from another port: its packets are heard, and followed once a check came from there.
    let moved = UdpSocket::bind("127.0.0.1:0").unwrap();
    moved.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let mut there = Phone::of(moved.try_clone().unwrap(), Opus);
    there.engine = phone.engine;
    there.protect = phone.protect.take();
    (there.ssrc, there.sequence, there.timestamp) = (phone.ssrc, phone.sequence, phone.timestamp);
    there.unprotect(Unprotector::new(keys.suite, &keys.receive).unwrap());
    there.speak(&tone(440.0, 100));
    assert!(control.heard("moved").is_empty() && there.heard().is_empty());
    let mut again = Browser::new(3);
    (again.socket, again.engine) = (moved, browser.engine);
    again.check(false); // its answer may be taken by the phone, which has the same socket
    there.speak(&tone(440.0, 300));
    let port = json!(again.socket.local_addr().unwrap().port());
    assert_eq!(control.event("moved")["port"], port);
    eventually("he hears himself there", || loudest(&there.sound(), 440.0) > 4000.0);
}

#[test]
fn a_restart_of_ice_keeps_the_keys_and_the_sound() {
    let engine = Engine::start();
    let (mut control, fingerprint) = hello(&engine);
    let mut browser = Browser::new(3);
    browser.connect(&mut control, "a", "passive");
    browser.begin(Role::Client, &fingerprint);
    browser.check(true);
    let keys = browser.shake(PATIENCE).expect("keys");
    let old = browser.ice.clone();
    browser.ice = ("lit2".into(), "another0password00000000".into(), "ful2".into());
    browser.remote(&mut control, "a", "passive", "opus");
    let new = ("lit2".to_owned(), "another0password00000000".to_owned(), "ful2".to_owned());
    browser.ice = old.clone();
    assert_eq!(browser.check(false), Some(0), "the old pair is good until there is a new one");
    browser.ice = new;
    assert_eq!(browser.check(true), Some(0));
    browser.ice = old;
    assert_eq!(browser.check(false), Some(401));
    control.hear("a", json!({"kind": "echo"}));
    let mut phone = browser.phone(&keys);
    phone.speak(&tone(440.0, 300));
    eventually("he hears himself", || loudest(&phone.sound(), 440.0) > 4000.0);
}

#[test]
fn what_makes_no_sense_is_refused_without_the_secrets() {
    let engine = Engine::start();
    let (mut control, fingerprint) = hello(&engine);
    control.ok(json!({"op": "open", "session": "a"}));
    let good = json!({"op": "remote", "session": "a", "ip": "0.0.0.0", "port": 9, "direction": "sendrecv",
        "codecs": [{"name": "opus", "pt": 111}], "rtcp_mux": true,
        "dtls": {"setup": "passive", "fingerprints": [fingerprint]},
        "ice": {"ufrag": "abcd", "pwd": "0123456789012345678901", "remote_ufrag": "efgh"}});
    let wrong = [
        ("rtcp_mux", json!(false)),
        ("dtls", json!({"setup": "passive", "fingerprints": ["sha-1 AA:BB"]})),
        ("dtls", json!({"setup": "passive", "fingerprints": []})),
        ("dtls", json!({"setup": "actpass", "fingerprints": [fingerprint]})),
        ("ice", json!({"ufrag": "abcd", "pwd": "tooshort", "remote_ufrag": "efgh"})),
        ("ice", json!({"ufrag": "a d", "pwd": "0123456789012345678901", "remote_ufrag": "efgh"})),
    ];
    for (key, value) in wrong {
        let mut command = good.clone();
        command[key] = value;
        let answer: Value = control.ask(command);
        assert_eq!(answer["error"], json!("bad_value"), "{key}: {answer}");
        assert!(!answer["detail"].as_str().unwrap().contains("tooshort"));
    }
    control.ok(good);
}

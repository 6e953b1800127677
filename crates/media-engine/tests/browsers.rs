//! Sessions of peers that speak ICE and DTLS-SRTP, as browsers do: the peer here is a full ICE agent and a DTLS end of its
//! own, over real sockets.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use common::{Controller, Engine, PATIENCE, Phone, loudest, sleep_ms, tone};
use media_proto::codec::Codec::{Opus, Pcmu};
use media_proto::dtls::{Association, Fingerprint, Identity, Keys, Role, Step, is_dtls};
use media_proto::srtp::{Protector, Unprotector};
use media_proto::stun::{self, Class, Writer};
use serde_json::{Value, json};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

const PWD: &str = "the-password-of-engine00";

/// What a browser is, before it has keys.
struct Browser {
    socket: UdpSocket,
    engine: SocketAddr,
    identity: Identity,
    zero: Instant,
    dtls: Option<Association>,
    /// ufrag and password of the engine, and our own ufrag.
    ice: (String, String, String),
}

impl Browser {
    fn new(seed: u8) -> Browser {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let identity = Identity::new([seed; 32], [seed; 16], 1_795_000_000_000_000).unwrap();
        let ice = ("lite".into(), PWD.replace('-', "0"), "full".into());
        let engine = SocketAddr::from(([127, 0, 0, 1], 9));
        Browser { socket, engine, identity, zero: Instant::now(), dtls: None, ice }
    }

    /// Opens the session `name` for it; the engine takes the given part in the handshake.
    fn connect(&mut self, control: &mut Controller, name: &str, setup: &str) {
        let opened = control.ok(json!({"op": "open", "session": name}));
        self.engine.set_port(opened["port"].as_u64().unwrap() as u16);
        self.remote(control, name, setup, "opus");
    }

    fn remote(&self, control: &mut Controller, name: &str, setup: &str, codec: &str) {
        let (ufrag, pwd, remote_ufrag) = &self.ice;
        control.ok(json!({
            "op": "remote", "session": name, "ip": "0.0.0.0", "port": 9, "rtcp_mux": true,
            "codecs": [{"name": codec, "pt": 111}], "dtmf": [{"pt": 101, "clock": 48000}], "direction": "sendrecv",
            "ice": {"ufrag": ufrag, "pwd": pwd, "remote_ufrag": remote_ufrag},
            "dtls": {"setup": setup, "fingerprints": [self.identity.fingerprint()]},
        }));
    }

    fn begin(&mut self, role: Role, fingerprint: &str) {
        let known = vec![Fingerprint::parse(fingerprint).unwrap()];
        self.dtls = Some(Association::new(&self.identity, role, known, self.zero, self.now()));
    }

    fn now(&self) -> u64 {
        self.zero.elapsed().as_micros() as u64
    }

    /// Sends a check and returns the answer's error, 0 for none, or `None` when there is no answer.
    fn check(&mut self, nominate: bool) -> Option<u16> {
        let mut out = [0; stun::MAX_LEN];
        let name = format!("{}:{}", self.ice.0, self.ice.2);
        let mut writer = Writer::new(&mut out, Class::Request, [5; 12]).username(name.as_bytes());
        writer = writer.priority(1_853_824_767).controlling(42);
        if nominate {
            writer = writer.use_candidate();
        }
        let length = writer.sign(self.ice.1.as_bytes()).finish();
        self.socket.send_to(&out[..length], self.engine).unwrap();
        let asked = Instant::now();
        let mut answer = [0; 2048];
        while asked.elapsed() < Duration::from_millis(300) {
            let Ok((length, _)) = self.socket.recv_from(&mut answer) else { continue };
            if let Ok(answer) = stun::parse(&answer[..length]) {
                assert!(answer.error.is_some() || answer.is_authentic(self.ice.1.as_bytes()));
                assert!(answer.error.is_some() || answer.mapped == self.socket.local_addr().ok());
                return Some(answer.error.unwrap_or(0));
            }
        }
        None
    }

    /// Shakes hands, for at most `patience`.
    fn shake(&mut self, patience: Duration) -> Option<Keys> {
        let began = Instant::now();
        let mut buffer = [0; 2048];
        while began.elapsed() < patience {
            let now = self.now();
            let (socket, engine, mut keys) = (&self.socket, self.engine, None);
            let mut out = |step: Step<'_>| match step {
                Step::Packet(packet) => drop(socket.send_to(packet, engine).unwrap()),
                Step::Keys(found) => keys = Some(found),
                step => panic!("{step:?}"),
            };
            let dtls = self.dtls.as_mut().unwrap();
            dtls.tick(now, &mut out);
            if let Ok((length, _)) = socket.recv_from(&mut buffer)
                && is_dtls(buffer[0])
            {
                dtls.receive(now, &buffer[..length], &mut out);
            }
            if keys.is_some() {
                return keys;
            }
        }
        None
    }

    /// A phone that goes on with the keys, from the same address.
    fn phone(&self, keys: &Keys) -> Phone {
        let mut phone = Phone::of(self.socket.try_clone().unwrap(), Opus);
        phone.engine = self.engine;
        phone.protect = Protector::new(keys.suite, &keys.send);
        phone.unprotect(Unprotector::new(keys.suite, &keys.receive).unwrap());
        phone
    }
}

fn hello(engine: &Engine) -> (Controller, String) {
    let mut control = Controller::connect(&engine.socket);
    let hello = control.ok(json!({"op": "hello", "proto": 1}));
    (control, hello["fingerprint"].as_str().unwrap().to_owned())
}

fn talk(a: &mut Phone, b: &mut Phone) {
    std::thread::scope(|scope| {
        scope.spawn(|| a.speak(&tone(440.0, 500)));
        scope.spawn(|| b.speak(&tone(1000.0, 500)));
    });
    sleep_ms(80);
    assert!(loudest(&a.sound(), 1000.0) > 4000.0, "{}", loudest(&a.sound(), 1000.0));
    assert!(loudest(&b.sound(), 440.0) > 4000.0, "{}", loudest(&b.sound(), 440.0));
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
        sleep_ms(20); // the check is answered before control is told of it
        let latched = control.heard("latched");
        assert!(
            latched.iter().any(|event| event["session"] == name && event["port"] == there),
            "{latched:?}"
        );
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
    sleep_ms(50);
    let stats = control.ok(json!({"op": "stats", "session": "a"}))["stats"].clone();
    assert_eq!(stats["tx_lost"], json!(7), "{stats}");
}

/// Threat 9: whoever has not shown by ICE to be the peer is not spoken to at all, and spoils nothing.
#[test]
fn a_hello_from_elsewhere_is_dropped_and_a_bad_one_from_the_peers_address_spoils_nothing() {
    let engine = Engine::start_with(&[], 20);
    let (mut control, fingerprint) = hello(&engine);
    for round in 0..10 {
        let name = format!("s{round}");
        let mut browser = Browser::new(3);
        browser.connect(&mut control, &name, "passive");
        browser.begin(Role::Client, &fingerprint);
        // A stranger is first, with a good hello; the peer's own too, while it has not been checked.
        let mut stranger = Browser::new(4);
        stranger.engine = browser.engine;
        stranger.begin(Role::Client, &fingerprint);
        assert!(stranger.shake(Duration::from_millis(30)).is_none());
        browser.socket.send_to(&bad_hello(), browser.engine).unwrap();
        assert_eq!(browser.check(true), Some(0));
        // And now one with ciphers that nobody has, from the peer's own address.
        browser.socket.send_to(&bad_hello(), browser.engine).unwrap();
        assert!(stranger.shake(Duration::from_millis(10)).is_none());
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
        sleep_ms(50);
        assert!(loudest(&phone.sound(), 440.0) > 4000.0, "{name}");
        // Once there are keys, nobody from elsewhere is answered any more.
        let mut late = Browser::new(7);
        late.engine = browser.engine;
        late.begin(Role::Client, &fingerprint);
        assert!(late.shake(Duration::from_millis(50)).is_none());
    }
    assert!(control.heard("insecure").is_empty());
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
    sleep_ms(50);
    let port = json!(again.socket.local_addr().unwrap().port());
    assert_eq!(control.event("moved")["port"], port);
    assert!(loudest(&there.sound(), 440.0) > 4000.0);
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
    sleep_ms(50);
    assert!(loudest(&phone.sound(), 440.0) > 4000.0);
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

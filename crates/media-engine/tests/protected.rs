//! Streams protected by SRTP with keys from SDP, over real sockets.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use common::{
    Browser, Engine, Keys, PATIENCE, Phone, connect_protected as connect, eventually, hello, loudest,
    remote_protected as remote, sleep_ms, tone,
};
use media_proto::codec::Codec::{self, Opus, Pcma, Pcmu};
use media_proto::dtls::Role;
use media_proto::srtp::{Protector, Suite, Unprotector};
use serde_json::json;
use std::net::UdpSocket;

fn talk(a: &mut Phone, b: &mut Phone, what: &str) {
    std::thread::scope(|scope| {
        scope.spawn(|| a.speak(&tone(440.0, 500)));
        scope.spawn(|| b.speak(&tone(1000.0, 500)));
    });
    eventually(&format!("a hears b {what}"), || loudest(&a.sound(), 1000.0) > 4500.0);
    eventually(&format!("b hears a {what}"), || loudest(&b.sound(), 440.0) > 4500.0);
    a.assert_one_stream();
    b.assert_one_stream();
}

#[test]
fn every_suite_talks_with_a_plain_phone_whether_forwarded_or_encoded_anew() {
    let engine = Engine::start_with(&[], 40);
    let mut control = engine.controller();
    std::thread::scope(|scope| {
        for (i, suite) in Suite::ALL.into_iter().enumerate() {
            let codec = [Pcmu, Pcma, Opus][i % 3];
            let (mut a, mut b) = (Phone::new(codec), Phone::new(Pcmu));
            let names = (format!("a{i}"), format!("b{i}"));
            connect(&mut control, &names.0, &mut a, &Keys::new(suite, i as u8));
            control.connect_phone(&names.1, &mut b);
            control.bridge(&names.0, &names.1);
            scope.spawn(move || talk(&mut a, &mut b, suite.name()));
        }
    });
}

#[test]
fn two_phones_with_keys_of_their_own_talk_and_press_keys() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
    connect(&mut control, "a", &mut a, &Keys::new(Suite::AesCm128Sha80, 1));
    connect(&mut control, "b", &mut b, &Keys::new(Suite::AesGcm256, 2));
    control.bridge("a", "b");
    talk(&mut a, &mut b, "both");
    a.press('8');
    assert_eq!(control.event("dtmf")["digit"], json!("8"));
    let stats = control.ok(json!({"op": "stats", "session": "a"}))["stats"].clone();
    assert_eq!((&stats["rx_unauthentic"], &stats["rx_invalid"]), (&json!(0), &json!(0)));
}

#[test]
fn what_is_not_protected_with_the_key_is_neither_heard_nor_followed() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
    connect(&mut control, "a", &mut a, &Keys::new(Suite::AesCm128Sha32, 1));
    control.connect_phone("b", &mut b);
    control.bridge("a", "b");
    a.speak(&tone(440.0, 200));
    control.has_heard("a", &a);
    b.forget();
    // A stranger who knows address, SSRC and sequence, but no key; and one who repeats what he overheard.
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut plain = media_proto::rtp::Header {
        marker: false,
        payload_type: 0,
        sequence: a.sequence,
        timestamp: a.timestamp,
        ssrc: a.ssrc,
    }
    .to_bytes()
    .to_vec();
    plain.extend([0x11; 164]);
    let overheard = a.last_sent.clone();
    for _ in 0..10 {
        stranger.send_to(&plain, a.engine).unwrap();
        stranger.send_to(&overheard, a.engine).unwrap();
        plain[3] = plain[3].wrapping_add(1);
    }
    eventually("all of it is counted", || {
        control.ok(json!({"op": "stats", "session": "a"}))["stats"]["rx_unauthentic"] == json!(20)
    });
    sleep_ms(60);
    assert!(b.heard().iter().all(|heard| heard.payload.iter().all(|&byte| byte == 0xff)), "heard by b");
    assert!(control.heard("moved").is_empty());
    a.forget();
    talk(&mut a, &mut b, "afterwards");
}

#[test]
fn a_phone_that_moves_is_followed_when_it_proves_itself() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
    let keys = Keys::new(Suite::AesCm128Sha80, 1);
    connect(&mut control, "a", &mut a, &keys);
    control.connect_phone("b", &mut b);
    control.bridge("a", "b");
    talk(&mut a, &mut b, "before");
    let mut moved = Phone::new(Pcmu);
    (moved.engine, moved.ssrc, moved.sequence, moved.timestamp) = (a.engine, a.ssrc, a.sequence, a.timestamp);
    moved.protect = a.protect.take();
    moved.unprotect(Unprotector::new(keys.suite, &keys.back).unwrap());
    moved.say(1);
    let event = control.event("moved");
    assert_eq!((&event["session"], &event["port"]), (&json!("a"), &json!(moved.port())));
    b.forget();
    talk(&mut moved, &mut b, "after");
    sleep_ms(300);
    a.forget();
    let before = moved.heard().len();
    eventually("more is heard at the new place", || moved.heard().len() > before + 5);
    assert!(a.heard().is_empty(), "nothing goes to the old place");
}

#[test]
fn a_remote_that_comes_again_goes_on_with_the_same_keys_and_begins_with_others() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
    let keys = Keys::new(Suite::AesCm128Sha80, 1);
    // Behind the end of the sequence numbers a context that began anew would not know which turn this is.
    a.sequence = 65_530;
    connect(&mut control, "a", &mut a, &keys);
    control.connect_phone("b", &mut b);
    control.bridge("a", "b");
    talk(&mut a, &mut b, "first");
    remote(&mut control, "a", &a, json!({"srtp": keys.entry()}));
    b.forget();
    talk(&mut a, &mut b, "held and resumed");
    let mine =
        Keys { suite: keys.suite, out: keys.out.iter().map(|byte| !byte).collect(), back: keys.back.clone() };
    remote(&mut control, "a", &a, json!({"srtp": mine.entry()}));
    a.protect = Protector::new(mine.suite, &mine.out);
    b.forget();
    talk(&mut a, &mut b, "a key of its own");
    let others = Keys::new(Suite::AesGcm128, 9);
    remote(&mut control, "a", &a, json!({"srtp": others.entry()}));
    a.protect = Protector::new(others.suite, &others.out);
    a.unprotect(Unprotector::new(others.suite, &others.back).unwrap());
    b.forget();
    a.forget();
    talk(&mut a, &mut b, "other keys");
}

#[test]
fn reports_are_protected_too() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    let keys = Keys::new(Suite::AesCm256Sha80, 1);
    let rtcp = UdpSocket::bind("127.0.0.1:0").unwrap();
    rtcp.set_read_timeout(Some(common::PATIENCE)).unwrap();
    connect(&mut control, "a", &mut a, &keys);
    let port = rtcp.local_addr().unwrap().port();
    remote(&mut control, "a", &a, json!({"srtp": keys.entry(), "rtcp_port": port}));
    a.speak(&tone(440.0, 100));
    control.ok(json!({"op": "close", "session": "a"}));
    let mut buffer = [0; 2048];
    let (length, _) = rtcp.recv_from(&mut buffer).expect("a report with its goodbye");
    let length = Unprotector::new(keys.suite, &keys.back).unwrap().rtcp(&mut buffer[..length]);
    assert!(media_proto::rtcp::parse(&buffer[..length.expect("protected")], 0).is_some());
}

#[test]
fn keys_that_cannot_be_are_refused_without_being_told() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Codec::Pcmu);
    control.connect_phone("a", &mut a);
    let good = Keys::new(Suite::AesCm128Sha80, 1).entry();
    for (field, value) in [("suite", "NULL"), ("send", "c2hvcnQ="), ("recv", "not base64 but a secret")] {
        let mut entry = good.clone();
        entry[field] = json!(value);
        let answer = control.ask(json!({"op": "remote", "session": "a", "ip": "127.0.0.1", "port": 4000,
            "codecs": [{"name": "PCMU", "pt": 0}], "direction": "sendrecv", "srtp": entry}));
        assert_eq!(answer["error"], json!("bad_value"));
        assert!(!answer["detail"].as_str().unwrap().contains("secret"), "{answer}");
    }
}

/// A key as it may be written down.
fn spellings(key: &[u8]) -> [String; 5] {
    let hex =
        |separator: &str| key.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator);
    let decimal = key.iter().map(ToString::to_string).collect::<Vec<_>>();
    [BASE64_STANDARD.encode(key), hex(""), hex(":"), decimal.join(","), decimal.join(", ")]
}

#[test]
fn no_key_is_in_the_log_however_much_is_logged() {
    let path = std::env::temp_dir().join(format!("tongdai-engine-log-{}", std::process::id()));
    let log = std::fs::File::create(&path).unwrap();
    let mut engine = Engine::start_logging(&["--log-level", "debug"], 20, log.into());
    let (mut control, fingerprint) = hello(&engine);
    let mut secrets = Vec::new();
    let mut a = Phone::new(Pcmu);
    let keys = Keys::new(Suite::AesCm128Sha80, 1);
    connect(&mut control, "a", &mut a, &keys);
    let mut browser = Browser::new(3);
    browser.connect(&mut control, "b", "passive");
    browser.begin(Role::Client, &fingerprint);
    assert_eq!(browser.check(true), Some(0));
    let agreed = browser.shake(PATIENCE).expect("keys");
    let mut b = browser.phone(&agreed);
    control.bridge("a", "b");
    talk(&mut a, &mut b, "between keys of both kinds");
    secrets
        .extend([&keys.out[..], &keys.back, &agreed.send, &agreed.receive].into_iter().flat_map(spellings));
    secrets.push(browser.ice.1.clone());
    // What fails, with and without an answer, is told in the log, and what cannot even be read.
    let mut wrong = json!({"op": "remote", "session": "a", "ip": "127.0.0.1", "port": 9, "direction": "sendrecv",
        "codecs": [{"name": "nothing", "pt": 0}], "srtp": keys.entry(),
        "ice": {"ufrag": "abcd", "pwd": browser.ice.1, "remote_ufrag": "efgh"}});
    assert_eq!(control.refused(wrong.clone()), "bad_value");
    control.send(&wrong);
    assert_eq!(control.event("error")["error"], json!("bad_value"));
    for (field, value) in [("srtp", json!(keys.entry()["send"])), ("ice", json!([browser.ice.1]))] {
        wrong[field] = value;
        control.refused(wrong.clone());
    }
    a.socket.send_to(&[0x80; 60], a.engine).unwrap(); // of no key
    control.ok(json!({"op": "close", "session": "b"}));
    engine.signal("-TERM");
    assert_eq!(engine.wait(), Some(0));
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    for event in ["opened", "refused", "closed", "terminated"] {
        assert!(written.contains(&format!("\"event\":\"{event}\"")), "not logged: {event}");
    }
    for secret in secrets {
        assert!(!written.contains(&secret), "{secret} is in the log:\n{written}");
    }
}

//! What a leg hears and who is listened to, over real sockets.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use common::{EVENT, Engine, Phone, amplitude, eventually, loudest, sleep_ms, tone, undisturbed};
use media_proto::codec::Codec::{Pcma, Pcmu};
use serde_json::json;

#[test]
fn a_bridge_forwards_both_ways_unchanged_under_our_own_ssrc() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
    control.call(&mut a, &mut b);
    for i in 0..25u8 {
        a.say(i + 1);
        b.say(i + 101);
        sleep_ms(20);
    }
    a.press('5');
    let keys =
        || b.heard().into_iter().filter(|heard| heard.packet.payload_type == EVENT).collect::<Vec<_>>();
    eventually("the key is heard", || keys().len() >= 7);
    a.wait_for("b's last word", |heard| heard.payload[0] == 125);
    for (phone, peer, first) in [(&a, &b, 101u8), (&b, &a, 1)] {
        phone.assert_one_stream();
        let heard = phone.heard();
        assert!(heard.iter().all(|heard| heard.packet.ssrc != peer.ssrc));
        let voice: Vec<u8> = heard
            .iter()
            .filter(|heard| heard.packet.payload_type == 0 && heard.payload[0] != 0xff)
            .map(|heard| heard.payload[0])
            .collect();
        assert_eq!(voice, (first..first + 25).collect::<Vec<_>>());
        assert!(heard.iter().find(|heard| heard.payload[0] == first).unwrap().packet.marker);
    }
    let events = keys();
    assert_eq!(events.len(), 7);
    assert!(events.iter().all(|event| event.packet.timestamp == events[0].packet.timestamp));
    assert_eq!(events.last().unwrap().payload, [5, 0x8a, 0x03, 0x20]);
    let pressed = control.event("dtmf");
    assert_eq!((&pressed["session"], &pressed["digit"]), (&json!("a"), &json!("5")));
    assert!(control.heard("dtmf").is_empty(), "one press is told once");
}

#[test]
fn different_codecs_are_transcoded_and_a_key_is_heard_in_band_by_a_peer_without_events() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcma));
    b.has_events = false;
    control.call(&mut a, &mut b);
    let talk = std::thread::scope(|scope| {
        let back = scope.spawn(|| b.speak(&tone(1000.0, 500)));
        a.speak(&tone(440.0, 500));
        back.join()
    });
    talk.unwrap();
    eventually("a hears b", || loudest(&a.sound(), 1000.0) > 5500.0);
    eventually("b hears a", || loudest(&b.sound(), 440.0) > 5500.0);
    assert!(loudest(&b.sound(), 1000.0) < 200.0);
    b.forget();
    a.press('1');
    eventually("the key is heard in band", || {
        let sound = b.sound();
        loudest(&sound, 697.0) > 3000.0 && loudest(&sound, 1209.0) > 3000.0
    });
    b.assert_one_stream();
}

#[test]
fn what_is_played_is_heard_whole_and_then_the_source_again() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcma);
    control.connect_phone("a", &mut a);
    let greeting = engine.wav("greeting.wav", &tone(600.0, 330));
    let menu = engine.wav("menu.wav", &tone(900.0, 270));
    sleep_ms(60);
    control.ok(json!({"op": "play", "session": "a", "play": "p1", "files": [greeting, menu]}));
    let done = control.event("play_done");
    assert_eq!((&done["play"], &done["reason"]), (&json!("p1"), &json!("finished")));
    eventually("silence follows", || {
        let sound = a.sound();
        let end = sound.iter().rposition(|&sample| sample.abs() > 500);
        end.is_some_and(|end| sound.len() > end + 160)
    });
    a.assert_one_stream();
    let sound = a.sound();
    let start = sound.iter().position(|&sample| sample.abs() > 500).unwrap();
    assert!(amplitude(&sound[start..start + 2600], 600.0) > 5500.0);
    assert!(amplitude(&sound[start + 2700..start + 4700], 900.0) > 5500.0, "no gap between the files");
    let end = sound.iter().rposition(|&sample| sample.abs() > 500).unwrap();
    assert!((4770..4800).contains(&(end - start)), "{}", end - start);
}

#[test]
fn a_player_is_stopped_replaced_and_repeated() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    let short = engine.wav("short.wav", &tone(600.0, 100));
    control.ok(json!({"op": "play", "session": "a", "play": "p1", "files": [short], "repeat": true}));
    sleep_ms(300);
    assert!(control.heard("play_done").is_empty());
    control.ok(json!({"op": "play", "session": "a", "play": "p2", "files": [short], "repeat": true}));
    let done = control.event("play_done");
    assert_eq!((&done["play"], &done["reason"]), (&json!("p1"), &json!("stopped")));
    control.ok(json!({"op": "stop", "session": "a", "play": "another"}));
    assert!(control.heard("play_done").is_empty());
    control.ok(json!({"op": "stop", "session": "a"}));
    assert_eq!(control.event("play_done")["play"], json!("p2"));
    control.ok(json!({"op": "play", "session": "a", "play": "p3", "files": [short], "repeat": true}));
    control.ok(json!({"op": "close", "session": "a"}));
    assert_eq!(control.event("play_done")["reason"], json!("closed"));
    assert_eq!(control.refused(json!({"op": "close", "session": "a"})), "no_session");
}

#[test]
fn commands_for_a_session_keep_their_order_while_files_are_loaded() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    let long = engine.wav("long.wav", &vec![1000; 8000 * 300]);
    for command in [
        json!({"op": "play", "session": "a", "play": "p1", "files": [long]}),
        json!({"op": "stop", "session": "a", "play": "p1"}),
        json!({"op": "play", "session": "a", "play": "p2", "files": [engine.path("none.wav")]}),
        json!({"op": "close", "session": "a"}),
        json!({"op": "play", "session": "a", "play": "p3", "files": [long]}),
    ] {
        control.send(&command);
    }
    assert_eq!(control.event("play_done")["reason"], json!("stopped"));
    let refused = control.event("error");
    assert_eq!((&refused["op"], &refused["error"]), (&json!("play"), &json!("bad_file")));
    assert_eq!(control.event("error")["error"], json!("no_session"));
}

#[test]
fn music_and_tones_are_heard_for_ever_and_at_the_same_moment_by_all() {
    undisturbed(|| {
        let engine = Engine::start();
        let mut control = engine.controller();
        let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
        control.connect_phone("a", &mut a);
        control.connect_phone("b", &mut b);
        // Its loudness tells the place in the loop of 500 ms.
        let ramp: Vec<i16> = (0..4000).map(|i| i * 8).collect();
        let music = engine.wav("music.wav", &ramp);
        control.hear("a", json!({"kind": "music", "file": music}));
        sleep_ms(130);
        control.hear("b", json!({"kind": "music", "file": music}));
        a.forget();
        b.forget();
        sleep_ms(700);
        let (one, other) = (a.heard(), b.heard());
        let place =
            |heard: &common::Heard| f64::from(media_proto::g711::ulaw_decode(heard.payload[80])) / 64.0;
        let apart: Vec<f64> = one
            .iter()
            .filter_map(|x| {
                let y = other.iter().min_by_key(|y| y.at.max(x.at) - y.at.min(x.at))?;
                Some((place(x) - place(y)).abs())
            })
            .filter(|apart| *apart < 400.0)
            .collect();
        assert!(apart.len() > 20 && apart.iter().all(|apart| *apart < 50.0), "{apart:?}");
        control.hear("a", json!({"kind": "tone", "tone": "busy"}));
        a.forget();
        sleep_ms(1100);
        let sound = a.sound();
        assert!(loudest(&sound, 425.0) > 5000.0);
        assert!(sound.chunks(800).any(|part| amplitude(part, 425.0) < 50.0), "busy pauses");
        a.assert_one_stream();
    });
}

#[test]
fn echo_and_silence_go_on_in_one_stream_when_the_leg_is_silent() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    control.hear("a", json!({"kind": "echo"}));
    a.talk(0x21, 20);
    sleep_ms(500);
    a.talk(0x22, 20);
    a.wait_for_bytes(0x22, 20);
    a.assert_one_stream();
    let heard: Vec<u8> = a.heard().iter().map(|heard| heard.payload[0]).collect();
    assert_eq!(heard.iter().filter(|byte| **byte == 0x21).count(), 20);
    assert_eq!(heard.iter().filter(|byte| **byte == 0x22).count(), 20);
    let silent = heard.iter().filter(|byte| **byte == 0xff).count();
    assert!(silent >= 10, "{silent} packets of silence in the hole");
}

#[test]
fn nobody_hears_himself_in_a_mixer_of_three() {
    let engine = Engine::start();
    let mut control = engine.controller();
    control.ok(json!({"op": "mixer_open", "mixer": "m"}));
    assert_eq!(control.refused(json!({"op": "mixer_open", "mixer": "m"})), "exists");
    let codecs = [Pcmu, Pcma, Pcmu];
    let tones = [500.0, 800.0, 1300.0];
    let mut phones = codecs.map(Phone::new);
    for (phone, name) in phones.iter_mut().zip(["a", "b", "c"]) {
        control.connect_phone(name, phone);
        control.hear(name, json!({"kind": "mixer", "mixer": "m"}));
    }
    let speak = |phones: &mut [Phone; 3]| {
        std::thread::scope(|scope| {
            for (phone, frequency) in phones.iter_mut().zip(tones) {
                scope.spawn(move || phone.speak(&tone(frequency, 800)));
            }
        });
    };
    speak(&mut phones);
    for (i, phone) in phones.iter().enumerate() {
        phone.assert_one_stream();
        let sound = phone.sound();
        for (j, frequency) in tones.into_iter().enumerate() {
            let level = loudest(&sound, frequency);
            assert!(if i == j { level < 300.0 } else { level > 5000.0 }, "{i} hears {j} with {level}");
        }
    }
    let announcement = engine.wav("joined.wav", &tone(1700.0, 200));
    control.ok(json!({"op": "mixer_play", "mixer": "m", "files": [announcement]}));
    for phone in &phones {
        eventually("the announcement is heard", || loudest(&phone.sound(), 1700.0) > 5000.0);
    }
    control.ok(json!({"op": "mixer_close", "mixer": "m"}));
    for phone in &phones {
        eventually("the room is silent", || {
            let heard = phone.heard();
            let silence = phone.codec.law().unwrap().silence();
            heard.iter().rev().take(5).all(|heard| heard.payload == [silence; 160])
        });
        phone.forget();
    }
    speak(&mut phones);
    for phone in &phones {
        phone.assert_one_stream();
        let silence = phone.codec.law().unwrap().silence();
        let heard = phone.heard();
        assert!(heard.len() > 30 && heard.iter().all(|heard| heard.payload == [silence; 160]));
    }
    assert_eq!(control.refused(json!({"op": "mixer_close", "mixer": "m"})), "no_mixer");
}

#[test]
fn digits_are_sent_as_events_and_in_band_to_a_leg_without_them() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
    b.has_events = false;
    control.connect_phone("a", &mut a);
    control.connect_phone("b", &mut b);
    for session in ["a", "b"] {
        control.ok(json!({"op": "dtmf", "session": session, "digits": "1#"}));
    }
    assert_eq!(control.refused(json!({"op": "dtmf", "session": "a", "digits": "1x"})), "bad_value");
    eventually("both keys are heard in band", || {
        let sound = b.sound();
        loudest(&sound, 1209.0) > 3000.0 && loudest(&sound, 1477.0) > 3000.0
    });
    a.wait_for("silence behind the events", |heard| {
        let keys = a.heard().into_iter().filter(|heard| heard.packet.payload_type == EVENT);
        let last = keys.map(|heard| heard.packet.sequence).next_back();
        last.is_some_and(|last| heard.packet.sequence.wrapping_sub(last).wrapping_sub(5) < 1000)
    });
    a.assert_one_stream();
    b.assert_one_stream();
    let mut receiver = media_proto::dtmf::Receiver::default();
    let keys: String = a
        .heard()
        .iter()
        .filter(|heard| heard.packet.payload_type == EVENT)
        .filter_map(|heard| {
            let event = media_proto::dtmf::Event::parse(&heard.payload).unwrap();
            receiver.receive(0, 8000, heard.packet.timestamp, event)
        })
        .map(|pressed| pressed.digit)
        .collect();
    assert_eq!(keys, "1#");
}

#[test]
fn a_stranger_is_neither_heard_nor_sent_to() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b, mut stranger) = (Phone::new(Pcmu), Phone::new(Pcmu), Phone::new(Pcmu));
    control.call(&mut a, &mut b);
    stranger.engine = a.engine;
    // Even one that was quicker loses the stream to the signalled peer.
    stranger.say(0x66);
    a.say(0x11);
    control.has_heard("a", &a);
    stranger.forget();
    b.forget();
    for _ in 0..10 {
        stranger.say(0x66);
        stranger.press('9');
        a.say(0x11);
    }
    b.wait_for_bytes(0x11, 10);
    // Where the machine held a up for long, silence stands in.
    assert!(b.heard().iter().all(|heard| [0x11, 0xff].contains(&heard.payload[0])));
    assert_eq!(stranger.heard().len(), 0);
    assert!(control.heard("dtmf").is_empty());
    let stats = control.ok(json!({"op": "stats", "session": "a"}));
    assert_eq!(stats["stats"]["rx_strangers"], json!(80));
    let latched = control.heard("latched");
    assert_eq!(latched.last().unwrap()["port"], json!(a.port()));
}

#[test]
fn a_peer_behind_a_nat_is_latched_to_once() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut real, mut signalled) = (Phone::new(Pcmu), Phone::new(Pcmu));
    let opened = control.ok(json!({"op": "open", "session": "a"}));
    real.engine = ([127, 0, 0, 1], opened["port"].as_u64().unwrap() as u16).into();
    signalled.engine = real.engine;
    control.remote("a", &signalled, "sendrecv");
    signalled.wait_for("silence at the signalled address", |_| true);
    real.say(1);
    let latched = control.event("latched");
    assert_eq!((&latched["ip"], &latched["port"]), (&json!("127.0.0.1"), &json!(real.port())));
    real.wait_for("silence at the real address", |_| true);
    sleep_ms(300);
    signalled.forget();
    let before = real.heard().len();
    eventually("more silence is heard there", || real.heard().len() > before + 5);
    assert_eq!(signalled.heard().len(), 0);
}

#[test]
fn the_direction_is_obeyed_and_the_stream_goes_on_after_a_hold() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
    control.call(&mut a, &mut b);
    a.talk(0x31, 5);
    control.remote("b", &b, "inactive");
    sleep_ms(300);
    let before = b.heard().len();
    a.talk(0x32, 10);
    b.talk(0x44, 5);
    assert_eq!(b.heard().len(), before, "nothing is sent to a peer on hold");
    assert!(a.heard().iter().all(|heard| heard.payload[0] == 0xff), "and nothing of it is heard");
    control.remote("b", &b, "sendonly");
    a.talk(0x33, 5);
    b.talk(0x44, 5);
    control.remote("b", &b, "sendrecv");
    b.talk(0x45, 5);
    b.wait_for_bytes(0x33, 5);
    a.wait_for_bytes(0x45, 5);
    b.assert_one_stream();
    assert_eq!(a.heard().iter().filter(|heard| heard.payload[0] == 0x44).count(), 0);
}

#[test]
fn a_session_that_is_closed_leaves_silence_to_those_who_heard_it() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
    control.call(&mut a, &mut b);
    b.talk(0x21, 10);
    control.has_heard("b", &b);
    let stats = control.ok(json!({"op": "close", "session": "b"}));
    assert_eq!(stats["stats"]["rx_packets"], json!(10));
    let list = control.ok(json!({"op": "list"}));
    assert_eq!(list["sessions"][0]["source"], json!({"kind": "silence"}));
    assert_eq!(list["sessions"][0]["tag"], json!("a tag"));
    a.forget();
    b.forget();
    b.talk(0x22, 10);
    eventually("a hears silence", || a.heard().len() >= 8);
    a.assert_one_stream();
    assert!(a.heard().iter().all(|heard| heard.payload[0] == 0xff));
    assert_eq!(b.heard().len(), 0);
}

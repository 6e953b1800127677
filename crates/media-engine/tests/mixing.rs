//! Rooms: who is heard, how loud, and what is encoded only once.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use common::{Engine, Phone, eventually, level, loudest, sleep_ms, sleep_until, tone, undisturbed};
use media_proto::FRAME;
use media_proto::codec::Codec::{G722, Opus, Pcma, Pcmu};
use serde_json::json;
use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_member_is_made_louder_softer_and_silent() {
    let engine = Engine::start();
    let mut control = engine.controller();
    control.ok(json!({"op": "mixer_open", "mixer": "m"}));
    let mut phones = [Pcmu, Pcma].map(Phone::new);
    for (phone, name) in phones.iter_mut().zip(["a", "b"]) {
        control.connect_phone(name, phone);
        control.hear(name, json!({"kind": "mixer", "mixer": "m"}));
    }
    let [a, b] = &mut phones;
    for (how, least, most) in [
        (json!({}), 5000.0, 7000.0),
        (json!({"gain_db": 6}), 10_500.0, 13_000.0),
        (json!({"gain_db": -12}), 1200.0, 1800.0),
        (json!({"gain_db": 6, "muted": true}), 0.0, 50.0),
    ] {
        let mut command = json!({"op": "voice", "session": "a"});
        command.as_object_mut().unwrap().extend(how.as_object().unwrap().clone());
        control.ok(command);
        b.forget();
        a.speak(&tone(700.0, 600));
        // The end of a voice that breaks off is concealed.
        eventually("b hears silence again", || {
            let sound = b.sound();
            sound.len() > 8 * 600 && sound[sound.len() - 1600..].iter().all(|sample| sample.abs() < 50)
        });
        let level = level(&b.sound(), 700.0);
        assert!((least..=most).contains(&level), "{how}: {level}");
    }
    assert_eq!(control.refused(json!({"op": "voice", "session": "nobody"})), "no_session");
}

#[test]
fn who_speaks_softly_is_brought_to_the_level_of_the_others_when_that_is_asked_for() {
    undisturbed(|| {
        let engine = Engine::start();
        let mut control = engine.controller();
        control.ok(json!({"op": "mixer_open", "mixer": "m"}));
        let mut phones = [Pcmu, Opus, Pcma].map(Phone::new);
        for (phone, name) in phones.iter_mut().zip(["a", "b", "c"]) {
            control.connect_phone(name, phone);
            control.hear(name, json!({"kind": "mixer", "mixer": "m"}));
        }
        let [a, b, c] = &mut phones;
        // words of a sixth of what the other tests say
        let words = |frequency| -> Vec<i16> {
            let word = tone(frequency, 300).into_iter().map(|sample| sample / 6).chain([0; 800]);
            word.collect::<Vec<_>>().repeat(15)
        };
        control.ok(json!({"op": "voice", "session": "a", "agc": true}));
        thread::scope(|scope| {
            scope.spawn(|| a.speak(&words(700.0)));
            scope.spawn(|| b.speak(&words(1100.0)));
        });
        let heard = c.sound();
        let (first, last) = (&heard[..8 * 600], &heard[heard.len() - 8 * 1000..]);
        for (name, frequency, rises) in [("a", 700.0, true), ("b", 1100.0, false)] {
            let (before, after) = (loudest(first, frequency), loudest(last, frequency));
            assert!((700.0..1400.0).contains(&before), "{name}: {before} at first");
            let wanted = if rises { 2300.0..4600.0 } else { 700.0..1300.0 };
            assert!(wanted.contains(&after), "{name}: {after} in the end");
        }
    });
}

#[test]
fn those_who_only_listen_hear_one_encoding_also_of_wide_codecs_and_one_who_begins_to_speak_hears_no_click() {
    undisturbed(|| {
        let engine = Engine::start();
        let mut control = engine.controller();
        control.ok(json!({"op": "mixer_open", "mixer": "m"}));
        let mut phones = [Pcmu, Opus, Opus, Opus, G722, G722, G722].map(Phone::new);
        for (phone, name) in phones.iter_mut().zip(["speaker", "o1", "o2", "o3", "g1", "g2", "g3"]) {
            control.connect_phone(name, phone);
            control.hear(name, json!({"kind": "mixer", "mixer": "m"}));
        }
        let [speaker, o1, o2, o3, g1, g2, g3] = &mut phones;
        sleep_ms(1200); // everybody has come to the shared encoders, in silence
        let start = Instant::now();
        thread::scope(|scope| {
            scope.spawn(|| speaker.speak(&tone(500.0, 1550)));
            for (phone, from) in [(&mut *o3, 300), (&mut *g3, 950)] {
                scope.spawn(move || {
                    sleep_until(start + Duration::from_millis(from));
                    phone.speak(&tone(1100.0, 500));
                });
            }
        });
        for (one, other) in [(&*o1, &*o2), (&*g1, &*g2)] {
            let payloads =
                |phone: &Phone| phone.heard().into_iter().map(|heard| heard.payload).collect::<HashSet<_>>();
            let (one, other) = (payloads(one), payloads(other));
            let same = one.intersection(&other).count();
            assert!(same > 50, "only {same} packets are the same");
        }
        for (phone, from) in [(&*o3, 300), (&*g3, 950)] {
            phone.assert_one_stream();
            // While he speaks himself he hears only the other: a tone of 500 Hz has small steps, and a click has large ones.
            let packets = phone.heard();
            let at =
                |ms| packets.iter().position(|heard| heard.at > start + Duration::from_millis(ms)).unwrap();
            let sound = &phone.sound()[at(from - 20) * FRAME..at(from + 500) * FRAME];
            assert!(loudest(sound, 500.0) > 4500.0 && loudest(sound, 1100.0) < 400.0, "{:?}", phone.codec);
            let step = sound.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max();
            assert!(step < Some(3500), "{:?}: {step:?}", phone.codec);
        }
        assert!(loudest(&o1.sound(), 1100.0) > 4500.0 && loudest(&g1.sound(), 1100.0) > 4500.0);
    });
}

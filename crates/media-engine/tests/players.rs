//! Players: files of every kind, of any length, with seek and pause.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use common::{Engine, Phone, eventually, loudest, sleep_ms, tone, undisturbed};
use media_proto::codec::Codec::{G722, Opus, Pcma, Pcmu};
use media_proto::opus_file;
use serde_json::json;
use std::os::unix::fs::FileExt;

/// Writes an Ogg/Opus file of 16 kHz.
fn opus(engine: &Engine, name: &str, samples: &[i16]) -> String {
    let mut file = Vec::new();
    let mut writer = opus_file::Writer::new(1, 1, 16_000, &mut file).unwrap();
    writer.push(samples, &mut file);
    writer.finish(&mut file);
    let path = engine.path(name);
    std::fs::write(&path, file).unwrap();
    path
}

/// A tone of 16 kHz sound.
fn wide_tone(frequency: f64, ms: usize) -> Vec<i16> {
    tone(frequency / 2.0, 2 * ms)
}

/// How much memory the engine has, in KiB.
fn memory(engine: &Engine) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", engine.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn opus_is_heard_by_every_codec_and_wide_by_those_who_are() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let samples: Vec<i16> =
        wide_tone(600.0, 800).iter().zip(wide_tone(5000.0, 800)).map(|(a, b)| a + b).collect();
    let file = opus(&engine, "prompt.opus", &samples);
    for codec in [Pcmu, Pcma, G722, Opus] {
        let mut phone = Phone::new(codec);
        let session = format!("{codec:?}");
        control.connect_phone(&session, &mut phone);
        control.ok(json!({"op": "play", "session": session, "play": "p", "files": [file]}));
        let done = control.event("play_done");
        assert_eq!((&done["reason"], &done["ms"]), (&json!("finished"), &json!(800)));
        eventually("it is heard", || loudest(&phone.sound_at(16_000), 300.0) > 4_500.0);
        let sound = phone.sound_at(16_000);
        assert!(loudest(&sound, 300.0) > 4_500.0, "{codec:?}: {}", loudest(&sound, 300.0));
        let high = loudest(&sound, 2_500.0);
        assert!(if codec.law().is_some() { high < 300.0 } else { high > 3_000.0 }, "{codec:?}: {high}");
        phone.assert_one_stream();
    }
}

#[test]
fn an_hour_is_played_from_anywhere_and_costs_hardly_any_memory() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    let wav = engine.path("hour.wav");
    let file = std::fs::File::create(&wav).unwrap();
    file.set_len(44 + 2 * 8000 * 3600).unwrap();
    file.write_all_at(&media_proto::wav::header(8000 * 3600), 0).unwrap();
    for (second, frequency) in [(0, 500.0), (57 * 60, 700.0), (58 * 60, 900.0)] {
        let sound: Vec<u8> = tone(frequency, 5_000).iter().flat_map(|sample| sample.to_le_bytes()).collect();
        file.write_all_at(&sound, 44 + 2 * 8000 * second).unwrap();
    }
    let ogg = opus(&engine, "minute.opus", &[wide_tone(500.0, 35_000), wide_tone(700.0, 35_000)].concat());
    let before = memory(&engine);
    control.ok(json!({"op": "play", "session": "a", "play": "p1", "files": [wav]}));
    let hears = |a: &Phone, frequency: f64| {
        eventually(&format!("{frequency} Hz are heard"), || loudest(&a.sound(), frequency) > 5_500.0);
    };
    hears(&a, 500.0);
    // The 58th minute.
    control.ok(json!({"op": "seek", "session": "a", "play": "p1", "ms": 57 * 60_000 + 1_000}));
    hears(&a, 700.0);
    let last = |a: &Phone, ms: usize| a.sound().into_iter().rev().take(8 * ms).collect::<Vec<_>>();
    assert!(loudest(&last(&a, 100), 500.0) < 300.0, "it goes on there");
    control.ok(json!({"op": "pause", "session": "a", "paused": true}));
    eventually("it pauses", || last(&a, 200).iter().all(|sample| sample.abs() < 10));
    control.ok(json!({"op": "pause", "session": "a", "play": "p1", "paused": false}));
    control.ok(json!({"op": "seek", "session": "a", "by_ms": 59_500}));
    hears(&a, 900.0);
    control.ok(json!({"op": "seek", "session": "a", "ms": 60 * 60_000 - 100}));
    let done = control.event("play_done");
    assert_eq!((&done["reason"], &done["ms"]), (&json!("finished"), &json!(3_600_000)));
    control.ok(json!({"op": "play", "session": "a", "play": "p2", "files": [ogg], "repeat": true}));
    control.ok(json!({"op": "seek", "session": "a", "ms": 69_000}));
    a.forget();
    eventually("its end is heard, and its beginning again", || {
        let sound = a.sound();
        loudest(&sound, 700.0) > 4_500.0 && loudest(&last(&a, 400), 500.0) > 4_500.0
    });
    let more = memory(&engine).saturating_sub(before);
    assert!(more < 8_000, "{more} KiB more");
    a.assert_one_stream();
}

#[test]
fn a_file_that_is_bad_or_missing_is_told_with_the_reason() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    let bad = engine.path("bad.ogg");
    std::fs::write(&bad, b"ID3\x04 this is an MP3").unwrap();
    for (file, said) in [(bad, "convert it"), (engine.path("none.opus"), "cannot be read")] {
        let answer = control.ask(json!({"op": "play", "session": "a", "play": "p", "files": [file]}));
        assert_eq!(answer["error"], json!("bad_file"));
        assert!(answer["detail"].as_str().unwrap().contains(said), "{answer}");
    }
    // One that is cut short while it is played ends, and says so.
    let long = engine.wav("long.wav", &tone(500.0, 90_000));
    control.ok(json!({"op": "play", "session": "a", "play": "p", "files": [long]}));
    let file = std::fs::OpenOptions::new().write(true).open(engine.path("long.wav")).unwrap();
    file.set_len(100_000).unwrap();
    control.ok(json!({"op": "seek", "session": "a", "ms": 60_000}));
    let done = control.event("play_done");
    assert_eq!((&done["play"], &done["reason"]), (&json!("p"), &json!("failed")));
    assert!(done["detail"].as_str().unwrap().contains("long.wav"), "{done}");
    assert_eq!(control.refused(json!({"op": "seek", "session": "a", "ms": 1, "by_ms": 1})), "bad_value");
}

/// Samples of 16 kHz that are further from the one before than the tone's own are.
fn clicks(sound: &[i16], frequency: f64) -> usize {
    let most = 6_000.0 * std::f64::consts::TAU * frequency / 16_000.0 * 1.4;
    sound.windows(2).filter(|pair| f64::from(pair[1].abs_diff(pair[0])) > most).count()
}

#[test]
fn music_is_encoded_once_for_all_whose_codec_is_the_same_whenever_they_come() {
    undisturbed(|| {
        let engine = Engine::start();
        let mut control = engine.controller();
        let music = engine.wav("music.wav", &tone(900.0, 500));
        for codec in [G722, Opus] {
            let (mut early, mut late) = (Phone::new(codec), Phone::new(codec));
            let names = [format!("{codec:?}-1"), format!("{codec:?}-2")];
            for (name, phone) in names.iter().zip([&mut early, &mut late]) {
                control.connect_phone(name, phone);
                control.hear(name, json!({"kind": "music", "file": music}));
                sleep_ms(333);
            }
            sleep_ms(700);
            let last = |phone: &Phone| phone.heard().into_iter().rev().take(30).collect::<Vec<_>>();
            let (first, second) = (last(&early), last(&late));
            let same =
                first.iter().filter(|one| second.iter().any(|other| other.payload == one.payload)).count();
            assert!(same >= 28, "{codec:?}: {same} of 30 packets are the same");
            // One is spoken to in between, and is with the others again a moment later.
            let word = engine.wav("word.wav", &tone(900.0, 300));
            control.ok(json!({"op": "play", "session": names[0], "play": "word", "files": [word]}));
            control.event("play_done");
            sleep_ms(600);
            let (first, second) = (last(&early), last(&late));
            let same =
                first.iter().filter(|one| second.iter().any(|other| other.payload == one.payload)).count();
            assert!(same >= 18, "{codec:?}: {same} of 30 packets are the same again");
            for phone in [&early, &late] {
                phone.assert_one_stream();
                let sound = phone.sound_at(16_000);
                assert!(loudest(&sound[1_600..], 450.0) > 4_500.0, "{codec:?}");
            }
            assert_eq!(clicks(&late.sound_at(16_000)[1_600..], 900.0), 0, "{codec:?}");
            for name in &names {
                control.ok(json!({"op": "close", "session": name}));
            }
        }
    });
}

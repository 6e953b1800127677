//! Legs of different codecs in one call, over real sockets.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use common::{EVENT, Engine, Phone, eventually, loudest, sleep_ms, tone, undisturbed};
use media_proto::codec::Codec::{self, G722, Opus, Pcma, Pcmu};
use media_proto::opus;
use media_proto::quality::{self, Measured};
use serde_json::{Value, json};
use std::thread;

/// A tone of 16 kHz sound. Its frequency is found at half of it, by those who think of 8 kHz.
fn wide_tone(frequency: f64, ms: usize) -> Vec<i16> {
    tone(frequency / 2.0, 2 * ms)
}

#[test]
fn each_hears_the_other_whatever_codecs_they_have() {
    let engine = Engine::start_with(&[], 40);
    let mut control = engine.controller();
    let mut pairs = Vec::new();
    for (i, a) in Codec::ALL.into_iter().enumerate() {
        for b in Codec::ALL.into_iter().skip(i) {
            let (mut one, mut other) = (Phone::new(a), Phone::new(b));
            let names = (format!("{a:?}-{b:?}-1"), format!("{a:?}-{b:?}-2"));
            control.connect_phone(&names.0, &mut one);
            control.connect_phone(&names.1, &mut other);
            control.bridge(&names.0, &names.1);
            pairs.push((one, other));
        }
    }
    thread::scope(|scope| {
        for (one, other) in &mut pairs {
            scope.spawn(|| one.speak(&tone(440.0, 1000)));
            scope.spawn(|| other.speak(&tone(1000.0, 1000)));
        }
    });
    for (one, other) in &pairs {
        let pair = format!("{:?} and {:?} hear each other", one.codec, other.codec);
        eventually(&pair, || {
            loudest(&one.sound(), 1000.0) > 4500.0 && loudest(&other.sound(), 440.0) > 4500.0
        });
    }
    // The decoder of a codec with a state takes a moment to follow when another stream begins.
    for (one, other) in &pairs {
        let pair = format!("{:?} and {:?}", one.codec, other.codec);
        one.assert_one_stream();
        other.assert_one_stream();
        assert!(loudest(&one.sound(), 1000.0) > 4500.0, "{pair}: {}", loudest(&one.sound(), 1000.0));
        assert!(
            loudest(&one.sound(), 440.0) < 600.0,
            "{pair}: hears himself with {}",
            loudest(&one.sound(), 440.0)
        );
        assert!(loudest(&other.sound(), 440.0) > 4500.0, "{pair}: {}", loudest(&other.sound(), 440.0));
        assert!(
            loudest(&other.sound(), 1000.0) < 600.0,
            "{pair}: hears himself with {}",
            loudest(&other.sound(), 1000.0)
        );
    }
}

#[test]
fn what_both_have_is_forwarded_unchanged_also_when_it_is_not_the_first() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Opus), Phone::new(Opus));
    control.connect_phone("a", &mut a);
    control.connect_phone("b", &mut b);
    control.ok(
        json!({"op": "remote", "session": "b", "ip": "127.0.0.1", "port": b.port(), "direction": "sendrecv",
        "codecs": [{"name": "PCMU", "pt": 0}, {"name": "opus", "pt": 107}]}),
    );
    control.bridge("a", "b");
    let payloads: Vec<Vec<u8>> = (0..10u8).map(|i| vec![0x48, i, 1, 2, 3]).collect();
    for payload in &payloads {
        a.send(111, payload, 960);
        sleep_ms(20);
    }
    let passed =
        || b.heard().into_iter().filter(|heard| heard.packet.payload_type == 107).collect::<Vec<_>>();
    eventually("all is heard", || passed().len() >= payloads.len());
    let heard = passed();
    assert_eq!(heard.iter().map(|heard| heard.payload.clone()).collect::<Vec<_>>(), payloads);
    assert!(
        heard.windows(2).all(|pair| pair[1].packet.timestamp == pair[0].packet.timestamp.wrapping_add(960))
    );
}

#[test]
fn wide_band_stays_wide_between_wide_codecs() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(G722), Phone::new(Opus));
    control.call(&mut a, &mut b);
    thread::scope(|scope| {
        scope.spawn(|| a.speak_at(&wide_tone(5000.0, 800), 16_000));
        scope.spawn(|| b.speak_at(&wide_tone(6000.0, 800), 16_000));
    });
    eventually("b hears 5 kHz", || loudest(&b.sound_at(16_000), 5000.0 / 2.0) > 3500.0);
    eventually("a hears 6 kHz", || loudest(&a.sound_at(16_000), 6000.0 / 2.0) > 3500.0);
}

#[test]
fn a_mixer_is_wide_for_those_who_are_and_narrow_for_the_others() {
    let engine = Engine::start();
    let mut control = engine.controller();
    control.ok(json!({"op": "mixer_open", "mixer": "m"}));
    let mut phones = [Pcmu, Opus, G722, Pcma].map(Phone::new);
    for (phone, name) in phones.iter_mut().zip(["a", "b", "c", "d"]) {
        control.connect_phone(name, phone);
        control.hear(name, json!({"kind": "mixer", "mixer": "m"}));
    }
    let [a, b, c, d] = &mut phones;
    thread::scope(|scope| {
        scope.spawn(|| a.speak(&tone(500.0, 1000)));
        scope.spawn(|| b.speak_at(&wide_tone(5500.0, 1000), 16_000));
        scope.spawn(|| c.speak(&tone(1300.0, 1000)));
    });
    let announcement = engine.wav("joined.wav", &tone(1700.0, 200));
    control.ok(json!({"op": "mixer_play", "mixer": "m", "files": [announcement]}));
    let level = |phone: &Phone, frequency: f64| loudest(&phone.sound_at(16_000), frequency / 2.0);
    for phone in [&*a, &*b, &*c, &*d] {
        eventually("the announcement is heard", || level(phone, 1700.0) > 4000.0);
    }
    for (i, phone) in [a, b, c, d].into_iter().enumerate() {
        phone.assert_one_stream();
        for (j, frequency) in [(0, 500.0), (2, 1300.0), (9, 1700.0)] {
            let level = level(phone, frequency);
            assert!(if i == j { level < 400.0 } else { level > 4000.0 }, "{i} hears {j} with {level}");
        }
        let high = level(phone, 5500.0);
        assert!(if i == 2 { high > 3500.0 } else { high < 400.0 }, "{i} hears 5.5 kHz with {high}");
    }
}

#[test]
fn players_music_and_recorders_work_for_wide_legs() {
    let engine = Engine::start();
    let mut control = engine.controller();
    for (codec, name) in [(G722, "a"), (Opus, "b")] {
        let mut phone = Phone::new(codec);
        control.connect_phone(name, &mut phone);
        let file = engine.wav("greeting.wav", &tone(600.0, 400));
        control.ok(json!({"op": "play", "session": name, "play": "p", "files": [file]}));
        assert_eq!(control.event("play_done")["reason"], json!("finished"));
        eventually(&format!("{codec:?} hears it"), || loudest(&phone.sound(), 600.0) > 4500.0);
        let music = engine.wav("music.wav", &tone(900.0, 500));
        control.hear(name, json!({"kind": "music", "file": music}));
        eventually(&format!("{codec:?} hears the music"), || loudest(&phone.sound(), 900.0) > 4500.0);
        control.hear(name, json!({"kind": "silence"}));
        let path = engine.path(&format!("{name}.wav"));
        control.ok(json!({"op": "record", "session": name, "record": "r", "path": path, "max_ms": 5000}));
        phone.speak(&tone(1100.0, 600));
        control.has_heard(name, &phone);
        control.ok(json!({"op": "stop_record", "session": name}));
        control.event("record_done");
        let recorded: Vec<i16> = std::fs::read(&path).unwrap()[44..]
            .chunks_exact(2)
            .map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]]))
            .collect();
        assert!(loudest(&recorded, 1100.0 / 2.0) > 4500.0, "{codec:?}: recorded at 16 kHz");
        phone.assert_one_stream();
    }
}

#[test]
fn a_key_keeps_its_length_from_one_clock_to_the_other() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Opus), Phone::new(Pcmu));
    control.call(&mut a, &mut b);
    a.speak(&tone(500.0, 200));
    b.speak(&tone(500.0, 200));
    let mut press = |from: &mut Phone, to: &Phone, digit: char, lasts: u16| {
        from.press(digit);
        let heard = || to.heard().into_iter().filter(|heard| heard.packet.payload_type == EVENT).collect();
        eventually("the key is heard", || Vec::len(&heard()) >= 7);
        let events: Vec<_> = heard();
        assert_eq!(events.len(), 7);
        assert!(events.iter().all(|event| event.packet.timestamp == events[0].packet.timestamp));
        assert_eq!(events.last().unwrap().payload[2..], lasts.to_be_bytes());
        let pressed = control.event("dtmf");
        assert_eq!(pressed["digit"], json!(digit.to_string()));
        assert!(pressed["ms"].as_u64().unwrap() <= 40);
    };
    press(&mut a, &b, '7', 800);
    press(&mut b, &a, '#', 4800);
}

#[test]
fn lost_packets_leave_no_holes_and_are_counted() {
    for (from, to) in [(Opus, Pcmu), (G722, Pcmu), (Pcmu, G722)] {
        undisturbed(|| {
            let engine = Engine::start();
            let mut control = engine.controller();
            let (near, far) = (format!("{from:?}-1"), format!("{from:?}-2"));
            let (mut a, mut b) = (Phone::new(from), Phone::new(to));
            a.loses = 10;
            control.connect_phone(&near, &mut a);
            control.connect_phone(&far, &mut b);
            control.bridge(&near, &far);
            a.speak(&tone(440.0, 1500));
            control.has_heard(&near, &a);
            let sound = b.sound();
            let spoken = sound.iter().position(|sample| sample.abs() > 3000).unwrap();
            let frames: Vec<&[i16]> = sound[spoken + 1600..spoken + 9_600].chunks_exact(160).collect();
            let quiet = frames.iter().filter(|frame| frame.iter().all(|sample| sample.abs() < 1500)).count();
            // Five packets or more are lost; a phone that this machine held up is no hole of ours.
            assert!(quiet < 3, "{from:?}: {quiet} of {} frames", frames.len());
            let stats = control.ok(json!({"op": "stats", "session": near}))["stats"].clone();
            let count = |name: &str| stats[name].as_u64().unwrap();
            assert!(count("heard_ms") > 1300, "{stats}");
            // Eight packets of 20 ms are lost (of a tone Opus repeats little), and more may come too late.
            let least = if from == Opus { 80 } else { 140 };
            assert!((least..=240).contains(&count("concealed_ms")), "{from:?}: {stats}");
            assert_eq!((count("rx_packets"), count("rx_lost")), (67, 8), "{stats}");
            assert!((10.0..500.0).contains(&stats["buffer_ms"].as_f64().unwrap()), "{stats}");
            check_mos(&stats, from, count("concealed_ms") as f64 / count("heard_ms") as f64);
        });
    }
}

/// The score is that of the share that was not heard.
fn check_mos(stats: &Value, codec: Codec, lost: f64) {
    let jitter = (stats["rx_jitter_ms"].as_f64().unwrap() * 1000.0) as u64;
    let expected = quality::mos(Measured { codec, lost, jitter, round_trip: 0 });
    let mos = stats["rx_mos"].as_f64().unwrap();
    assert!((mos - expected).abs() < 0.05, "{mos} for {expected}: {stats}");
}

/// Something like a voice, of which Opus repeats each packet in the next one: its pitch changes all the time.
fn voice(ms: usize) -> Vec<i16> {
    let step = |i: usize| std::f64::consts::TAU * (200.0 + (i / 160 % 10) as f64 * 20.0) / 8000.0;
    (0..ms * 8).map(|i| ((step(i) * i as f64).sin() * 6000.0) as i16).collect()
}

#[test]
fn what_opus_repairs_is_no_loss_for_who_listens_and_what_is_only_passed_on_is() {
    undisturbed(|| {
        let engine = Engine::start();
        let mut control = engine.controller();
        for (to, share) in [(Pcmu, 0.02), (Opus, 0.1)] {
            let (near, far) = (format!("{to:?}-1"), format!("{to:?}-2"));
            let (mut a, mut b) = (Phone::new(Opus), Phone::new(to));
            a.loses = 10;
            control.connect_phone(&near, &mut a);
            control.connect_phone(&far, &mut b);
            control.bridge(&near, &far);
            a.speak(&voice(2000));
            control.has_heard(&near, &a);
            let stats = control.ok(json!({"op": "stats", "session": near}))["stats"].clone();
            assert_eq!(stats["rx_lost"], json!(10), "{stats}");
            match to {
                // The first losses come before it is known that they can be repaired, and this machine may hold something up.
                Pcmu => {
                    let (concealed, heard) = (stats["concealed_ms"].as_u64(), stats["heard_ms"].as_u64());
                    let concealed = concealed.unwrap() as f64 / heard.unwrap() as f64;
                    assert!(concealed < share + 0.03, "{stats}");
                    check_mos(&stats, Opus, concealed);
                }
                _ => check_mos(&stats, Opus, share),
            }
        }
    });
}

#[test]
fn what_opus_repeats_follows_the_reports_of_who_hears_it() {
    undisturbed(|| {
        let engine = Engine::start();
        let mut control = engine.controller();
        let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Opus));
        control.connect_phone("a", &mut a);
        control.connect_phone("b", &mut b);
        // At this rate the encoder has bits for it only when much is lost.
        control.ok(
            json!({"op": "remote", "session": "b", "ip": "127.0.0.1", "port": b.port(), "direction": "sendrecv",
            "codecs": [{"name": "opus", "pt": 111, "fmtp": "useinbandfec=1;maxaveragebitrate=17500"}]}),
        );
        control.bridge("a", "b");
        let mut repeats = |fractions: &[u8]| {
            a.speak(&voice(100));
            let ssrc = b.heard()[0].packet.ssrc;
            fractions.iter().for_each(|&fraction| b.report(ssrc, fraction));
            sleep_ms(20);
            b.forget();
            a.speak(&voice(600));
            let packets: Vec<_> = b.heard().into_iter().skip(3).collect();
            let repeat = packets.iter().filter(|heard| opus::has_fec(&heard.payload)).count();
            repeat as f64 / packets.len() as f64
        };
        let (without, much, without_again) = (repeats(&[0; 30]), repeats(&[77]), repeats(&[0; 30]));
        assert!(without < 0.1 && much > 0.6 && without_again < 0.1, "{without}, {much}, {without_again}");
    });
}

#[test]
fn who_prefers_that_is_sent_hardly_anything_while_the_other_is_silent() {
    undisturbed(|| {
        let engine = Engine::start();
        let mut control = engine.controller();
        let mut phones = [Pcmu, Opus, Opus].map(Phone::new);
        for (phone, name) in phones.iter_mut().zip(["a", "b", "c"]) {
            control.connect_phone(name, phone);
        }
        let [a, b, c] = &mut phones;
        for (name, phone, fmtp) in [("b", &b, "usedtx=1"), ("c", &c, "useinbandfec=1")] {
            control.ok(json!({"op": "remote", "session": name, "ip": "127.0.0.1", "port": phone.port(),
                "codecs": [{"name": "opus", "pt": 111, "fmtp": fmtp}], "direction": "sendrecv"}));
            control.hear(name, json!({"kind": "session", "session": "a"}));
        }
        let mut octets = |samples: &[i16]| {
            a.speak(samples);
            b.forget();
            c.forget();
            a.speak(samples);
            let sum = |phone: &Phone| phone.heard().iter().map(|heard| heard.payload.len()).sum::<usize>();
            (sum(b), sum(c))
        };
        let (pause, pause_of_other) = octets(&[0; 8000]);
        let (voice, voice_of_other) = octets(&voice(1000));
        assert!(
            5 * pause < pause_of_other,
            "{pause} octets of silence, {pause_of_other} to one who has not asked"
        );
        assert!(2 * voice > voice_of_other, "{voice} octets of a voice, {voice_of_other} to the other");
    });
}

#[test]
fn a_peer_may_send_under_another_number_than_it_receives() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Opus), Phone::new(Opus));
    control.connect_phone("a", &mut a);
    control.connect_phone("b", &mut b);
    for (name, phone) in [("a", &a), ("b", &b)] {
        control.ok(json!({"op": "remote", "session": name, "ip": "127.0.0.1", "port": phone.port(),
            "codecs": [{"name": "opus", "pt": 120, "rx_pt": 111}], "direction": "sendrecv"}));
    }
    control.bridge("a", "b");
    a.speak(&tone(440.0, 200));
    let voice = || b.heard().into_iter().filter(|heard| heard.packet.payload_type == 120).count();
    eventually("the voice is heard", || voice() >= 9);
}

#[test]
fn keys_in_the_voice_are_told_of_a_peer_without_events_and_only_of_such() {
    undisturbed(|| {
        let engine = Engine::start();
        let mut control = engine.controller();
        for (codec, has_events) in [(Pcma, false), (G722, false), (Pcmu, true)] {
            let mut phone = Phone::new(codec);
            phone.has_events = has_events;
            let name = format!("{codec:?}");
            control.connect_phone(&name, &mut phone);
            phone.speak(&tone(500.0, 200));
            let sound = (0..100 * 8).map(|i| {
                let at = f64::from(i) * std::f64::consts::TAU / 8000.0;
                (((at * 770.0).sin() + (at * 1336.0).sin()) * 5000.0) as i16
            });
            phone.speak(&sound.chain(std::iter::repeat_n(0, 800)).collect::<Vec<_>>());
            sleep_ms(30);
            let told = control.heard("dtmf").into_iter().filter(|event| event["session"] == json!(name));
            let keys: Vec<_> = told.map(|event| event["digit"].clone()).collect();
            assert_eq!(keys, if has_events { vec![] } else { vec![json!("5")] }, "{codec:?}");
        }
    });
}

#[test]
fn a_described_pause_is_heard_as_noise_and_goes_on_to_who_knows_it() {
    undisturbed(|| {
        let engine = Engine::start();
        let mut control = engine.controller();
        let (mut a, mut b, mut c) = (Phone::new(Pcmu), Phone::new(Pcmu), Phone::new(G722));
        control.connect_phone("a", &mut a);
        control.connect_phone("b", &mut b);
        control.connect_phone("c", &mut c);
        for (name, phone) in [("a", &a), ("b", &b)] {
            control.ok(json!({"op": "remote", "session": name, "ip": "127.0.0.1", "port": phone.port(),
                "codecs": [{"name": "PCMU", "pt": 0}], "cn": {"pt": 13}, "direction": "sendrecv"}));
        }
        for name in ["b", "c"] {
            control.hear(name, json!({"kind": "session", "session": "a"}));
        }
        a.speak(&tone(440.0, 200));
        b.forget();
        a.send(13, &[30], 160);
        sleep_ms(400);
        let described: Vec<_> =
            b.heard().into_iter().filter(|heard| heard.packet.payload_type == 13).collect();
        assert_eq!(described.len(), 1);
        assert_eq!(described[0].payload, [30]);
        let sound = c.sound_at(16_000);
        let last = &sound[sound.len() - 3200..];
        let energy: f64 = last.iter().map(|&sample| f64::from(sample).powi(2)).sum();
        let level = 20.0 * ((energy / last.len() as f64).sqrt() / 32_767.0).log10();
        assert!((-34.0..-27.0).contains(&level), "{level:.1} dB");
        b.assert_one_stream();
        c.assert_one_stream();
    });
}

#[test]
fn a_foreign_codec_is_passed_on_between_two_who_have_it_and_harms_nobody_else() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b, mut c) = (Phone::new(Pcmu), Phone::new(Pcmu), Phone::new(Pcmu));
    control.connect_phone("a", &mut a);
    control.connect_phone("b", &mut b);
    control.connect_phone("c", &mut c);
    let g729 = |pt: u8| json!([{"name": "G729", "clock": 8000, "pt": pt}]);
    let keys = json!([{"pt": EVENT}]);
    control.ok(json!({"op": "remote", "session": "a", "ip": "127.0.0.1", "port": a.port(), "codecs": [],
        "foreign": g729(18), "dtmf": keys, "direction": "sendrecv"}));
    control.ok(json!({"op": "remote", "session": "b", "ip": "127.0.0.1", "port": b.port(),
        "codecs": [{"name": "PCMU", "pt": 0}], "foreign": g729(97), "direction": "sendrecv"}));
    control.bridge("a", "b");
    control.hear("c", json!({"kind": "session", "session": "a"}));
    for i in 0..10u8 {
        a.send(18, &[i; 20], 160);
        sleep_ms(20);
    }
    let passed = || b.heard().into_iter().filter(|heard| heard.packet.payload_type == 97).collect::<Vec<_>>();
    eventually("all is passed on", || passed().len() >= 10);
    let passed = passed();
    assert_eq!(passed.iter().map(|heard| heard.payload[0]).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    b.assert_one_stream();
    assert!(c.sound().iter().all(|&sample| sample == 0), "silence to who does not have it");
    a.press('7');
    assert_eq!(control.event("dtmf")["digit"], json!("7"));
    // Nothing can be made for it, but what is played ends, and a recording of it is silence.
    a.forget();
    let file = engine.wav("greeting.wav", &tone(600.0, 200));
    let path = engine.path("a.wav");
    control.ok(json!({"op": "record", "session": "a", "record": "r", "path": path, "max_ms": 5000}));
    control.ok(json!({"op": "play", "session": "a", "play": "p", "files": [file]}));
    assert_eq!(control.event("play_done")["reason"], json!("finished"));
    control.ok(json!({"op": "stop_record", "session": "a"}));
    assert!(control.event("record_done")["voiced_ms"] == json!(0));
    assert!(a.heard().is_empty());
    b.speak(&tone(440.0, 200));
    sleep_ms(40);
    assert!(a.heard().is_empty(), "what it does not have does not come");
}

//! The golden vectors of the command channel (tests/contract/*.json), which the Python side reads too.
//!
//! They are made from the engine's own types: run with `UPDATE_VECTORS=1` after a change of the contract, and look at the
//! difference before it is committed.

use media_engine::wire::{
    self, Body, Both, CodecEntry, Command, Direction, DtlsEntry, EngineStats, ErrorCode, Event, EventEntry,
    FileFormat, ForeignEntry, Grant, IceEntry, Lack, Listed, NoiseEntry, Numbered, PlayEnd, RecordCommand,
    RecordEnd, Refusal, RemoteCommand, Secret, SessionStats, Setup, Source, SrtpEntry, ToneName,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;

fn s(text: &str) -> String {
    text.to_owned()
}

/// A command with its `id`, as control sends it.
fn command(id: u64, command: &Command) -> Value {
    let mut value = serde_json::to_value(command).unwrap();
    value["id"] = json!(id);
    value
}

fn remote() -> RemoteCommand {
    RemoteCommand {
        session: s("s-1"),
        ip: s("192.0.2.7"),
        port: 40_000,
        rtcp_ip: None,
        rtcp_port: None,
        codecs: vec![
            CodecEntry { name: s("PCMA"), pt: 8, rx_pt: None, fmtp: None },
            CodecEntry { name: s("PCMU"), pt: 0, rx_pt: None, fmtp: None },
        ],
        dtmf: vec![EventEntry { pt: 101, rx_pt: None, clock: 8000 }],
        foreign: Vec::new(),
        cn: None,
        srtp: None,
        dtls: None,
        ice: None,
        rtcp_mux: false,
        direction: Direction::Sendrecv,
        ptime: 20,
        tag: None,
    }
}

const FINGERPRINT: &str =
    "sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2";

fn sources() -> Vec<(&'static str, Source)> {
    vec![
        ("silence", Source::Silence),
        ("echo", Source::Echo),
        ("session", Source::Session { session: s("s-2") }),
        ("mixer", Source::Mixer { mixer: s("m-1") }),
        ("music", Source::Music { file: s("/var/lib/music/hold.wav") }),
        ("tone ringback", Source::Tone { tone: ToneName::Ringback }),
        ("tone busy", Source::Tone { tone: ToneName::Busy }),
        ("tone congestion", Source::Tone { tone: ToneName::Congestion }),
    ]
}

fn commands() -> Vec<(String, Command)> {
    let session = || s("s-1");
    let record = RecordCommand {
        session: session(),
        record: s("r-1"),
        path: s("/var/lib/voicemail/Đặng.wav"),
        max_ms: 180_000,
        silence_ms: Some(5_000),
        stop_digits: Some(s("#")),
        beep_ms: Some(400),
        both: None,
        format: FileFormat::Wav,
        rate: None,
        resume: false,
    };
    let open = |ip: Option<&str>, port, reserved| Command::Open {
        session: session(),
        ip: ip.map(s),
        port,
        reserved,
        release: None,
    };
    let mut commands = vec![
        ("hello", Command::Hello { proto: 1, after: None }),
        ("hello after a crash", Command::Hello { proto: 1, after: Some(70_000) }),
        ("open", open(None, None, false)),
        ("open at an address", open(Some("2001:db8::1"), None, false)),
        ("open again", open(Some("192.0.2.1"), Some(20_000), false)),
        ("signal", Command::Signal { session: session(), ip: s("198.51.100.4"), port: 5060 }),
        ("remote", Command::Remote(Box::new(remote()))),
        (
            "remote with everything",
            Command::Remote(Box::new(RemoteCommand {
                rtcp_ip: Some(s("192.0.2.8")),
                rtcp_port: Some(40_101),
                direction: Direction::Sendonly,
                ptime: 30,
                tag: Some(s("anphat/call-7/leg-2")),
                ..remote()
            })),
        ),
        (
            "remote of wide band",
            Command::Remote(Box::new(RemoteCommand {
                codecs: vec![
                    CodecEntry {
                        name: s("opus"),
                        pt: 107,
                        rx_pt: Some(111),
                        fmtp: Some(s("maxplaybackrate=16000;useinbandfec=1")),
                    },
                    CodecEntry { name: s("G722"), pt: 9, rx_pt: None, fmtp: None },
                ],
                dtmf: vec![
                    EventEntry { pt: 110, rx_pt: None, clock: 48_000 },
                    EventEntry { pt: 96, rx_pt: Some(101), clock: 8000 },
                ],
                ..remote()
            })),
        ),
        (
            "remote without events",
            Command::Remote(Box::new(RemoteCommand {
                dtmf: vec![],
                direction: Direction::Recvonly,
                ..remote()
            })),
        ),
        (
            "remote with keys",
            Command::Remote(Box::new(RemoteCommand {
                srtp: Some(SrtpEntry {
                    suite: s("AES_CM_128_HMAC_SHA1_80"),
                    send: Secret::new("WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"),
                    recv: Secret::new("PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"),
                }),
                ..remote()
            })),
        ),
        (
            "remote of a browser",
            Command::Remote(Box::new(RemoteCommand {
                ip: s("0.0.0.0"),
                port: 9,
                ice: Some(IceEntry {
                    ufrag: s("Wq3r"),
                    pwd: Secret::new("Q3JvY3VzIHZlcm51cyBzdW50"),
                    remote_ufrag: s("9uB6"),
                }),
                dtls: Some(DtlsEntry { setup: Setup::Passive, fingerprints: vec![s(FINGERPRINT)] }),
                rtcp_mux: true,
                ..remote()
            })),
        ),
        (
            "remote on hold",
            Command::Remote(Box::new(RemoteCommand { direction: Direction::Inactive, ..remote() })),
        ),
        (
            "play",
            Command::Play {
                session: session(),
                play: s("p-1"),
                files: vec![s("/prompts/en/welcome.wav"), s("/prompts/vi/chào.wav")],
                repeat: false,
            },
        ),
        (
            "play for ever",
            Command::Play { session: session(), play: s("p-2"), files: vec![s("/a.wav")], repeat: true },
        ),
        ("stop", Command::Stop { session: session(), play: None }),
        ("stop one", Command::Stop { session: session(), play: Some(s("p-1")) }),
        ("record", Command::Record(record.clone())),
        (
            "record plainly",
            Command::Record(RecordCommand {
                silence_ms: None,
                stop_digits: None,
                beep_ms: None,
                ..record.clone()
            }),
        ),
        ("record on", Command::Record(RecordCommand { beep_ms: None, resume: true, ..record.clone() })),
        ("stop_record", Command::StopRecord { session: session(), record: None }),
        ("stop_record one", Command::StopRecord { session: session(), record: Some(s("r-1")) }),
        ("dtmf", Command::Dtmf { session: session(), digits: s("12*#D"), ms: 100, gap_ms: 60 }),
        ("mixer_open", Command::MixerOpen { mixer: s("m-1") }),
        ("mixer_play", Command::MixerPlay { mixer: s("m-1"), files: vec![s("/prompts/joined.wav")] }),
        ("mixer_close", Command::MixerClose { mixer: s("m-1") }),
        ("close", Command::Close { session: session() }),
        ("list", Command::List {}),
        ("stats of a session", Command::Stats { session: Some(session()) }),
        ("stats of the engine", Command::Stats { session: None }),
    ]
    .into_iter()
    .map(|(name, command)| (s(name), command))
    .collect::<Vec<_>>();
    for (kind, source) in sources() {
        commands.push((format!("hear {kind}"), Command::Hear { session: session(), source }));
    }
    let voice = |gain_db, muted| Command::Voice { session: s("s-1"), gain_db, muted, agc: false };
    commands.push((s("voice"), voice(Some(-6.5), false)));
    commands.push((s("voice muted"), voice(None, true)));
    let call = RecordCommand {
        silence_ms: None,
        stop_digits: None,
        beep_ms: None,
        both: Some(Both::Stereo),
        ..record
    };
    let opus = RecordCommand { format: FileFormat::Opus, rate: Some(16_000), ..call.clone() };
    commands.push((s("record as opus"), Command::Record(opus)));
    commands.push((s("record of both in stereo"), Command::Record(call.clone())));
    commands.push((s("record of both"), Command::Record(RecordCommand { both: Some(Both::Mixed), ..call })));
    let pause = |record, paused| Command::PauseRecord { session: s("s-1"), record, paused };
    commands.push((s("pause_record"), pause(None, true)));
    commands.push((s("pause_record to go on"), pause(Some(s("r-1")), false)));
    let levelled = Command::Voice { session: s("s-1"), gain_db: None, muted: false, agc: true };
    commands.push((s("voice levelled"), levelled));
    let seek = |ms, by_ms| Command::Seek { session: s("s-1"), play: Some(s("p-1")), ms, by_ms };
    commands.push((s("seek"), seek(Some(90_000), None)));
    commands.push((s("seek back"), seek(None, Some(-5_000))));
    let pause = |play, paused| Command::Pause { session: s("s-1"), play, paused };
    commands.push((s("pause"), pause(Some(s("p-1")), true)));
    commands.push((s("pause to go on"), pause(None, false)));
    let g729 = ForeignEntry { name: s("G729"), clock: 8000, pt: 18, rx_pt: None };
    let passed_on = RemoteCommand { codecs: Vec::new(), foreign: vec![g729], ..remote() };
    commands.push((s("remote with a foreign codec"), Command::Remote(Box::new(passed_on))));
    let cn = Some(NoiseEntry { pt: 13, rx_pt: None });
    commands
        .push((s("remote with comfort noise"), Command::Remote(Box::new(RemoteCommand { cn, ..remote() }))));
    commands.push((s("reserve"), Command::Reserve { ip: Some(s("192.0.2.1")), count: 32 }));
    commands.push((s("open on a reserved port"), open(None, Some(20_000), true)));
    let release = Some(20_000);
    let elsewhere = Command::Open { session: s("s-1"), ip: None, port: None, reserved: false, release };
    commands.push((s("open where nothing is reserved"), elsewhere));
    commands
}

fn replies() -> Vec<(&'static str, Value)> {
    let grant = |re, body| serde_json::to_value(Grant { re, ok: true, body }).unwrap();
    let opened = |next| Body::Opened { ip: s("127.0.0.1"), port: 20_000, rtcp_port: 20_001, next };
    let mut replies = vec![
        ("done", grant(1, Body::Done {})),
        (
            "hello",
            grant(
                2,
                Body::Hello {
                    engine: s("0f1e2d3c4b5a6978"),
                    proto: 1,
                    version: s("0.1.0"),
                    sessions: 3,
                    lost: 0,
                    fingerprint: s(FINGERPRINT),
                },
            ),
        ),
        ("open", grant(300, opened(None))),
        ("open on a reserved port", grant(301, opened(Some(20_002)))),
        ("reserve", grant(302, Body::Reserved { ip: s("127.0.0.1"), ports: vec![20_000, 20_002] })),
        (
            "list",
            grant(
                70_000,
                Body::List {
                    sessions: vec![
                        Listed {
                            session: s("s-1"),
                            port: 20_000,
                            source: Source::Session { session: s("s-2") },
                            remote: Some(s("192.0.2.7:40000")),
                            tag: Some(s("anphat/call-7")),
                            play: Some(s("p-1")),
                            record: Some(s("r-1")),
                        },
                        Listed {
                            session: s("s-2"),
                            port: 20_002,
                            source: Source::Silence,
                            remote: None,
                            tag: None,
                            play: None,
                            record: None,
                        },
                    ],
                    mixers: vec![s("m-1")],
                },
            ),
        ),
        ("stats of a session", grant(4, Body::Session { stats: SessionStats::default() })),
        ("close", grant(5, Body::Session { stats: full_stats() })),
        (
            "stats of the engine",
            grant(6, Body::Engine { stats: EngineStats { ms: 1, ..EngineStats::default() } }),
        ),
    ];
    for (name, error) in [
        ("bad_command", ErrorCode::BadCommand),
        ("no_session", ErrorCode::NoSession),
        ("no_mixer", ErrorCode::NoMixer),
        ("exists", ErrorCode::Exists),
        ("no_ports", ErrorCode::NoPorts),
        ("bad_ip", ErrorCode::BadIp),
        ("bad_file", ErrorCode::BadFile),
        ("bad_value", ErrorCode::BadValue),
        ("internal", ErrorCode::Internal),
    ] {
        let refusal = Refusal { re: 9, ok: false, error, detail: s("what to do") };
        replies.push((name, serde_json::to_value(refusal).unwrap()));
    }
    replies
}

fn full_stats() -> SessionStats {
    SessionStats {
        ms: 61_234,
        rx_packets: 3_050,
        rx_octets: 488_000,
        rx_lost: -1,
        rx_jitter_ms: 1.25,
        heard_ms: 12_000,
        concealed_ms: 240,
        rx_late: 7,
        buffer_ms: Some(35.5),
        rx_strangers: 2,
        rx_invalid: 1,
        rx_unauthentic: 4,
        tx_packets: 3_061,
        tx_octets: 489_760,
        tx_errors: 0,
        tx_lost: Some(4),
        tx_reported: Some(3_050),
        tx_jitter_ms: Some(0.5),
        rtt_ms: Some(31.5),
        rx_mos: Some(4.38),
        tx_mos: Some(4.25),
    }
}

fn events() -> Vec<(String, Numbered)> {
    let session = || s("s-1");
    let mut events = vec![
        ("dtmf", Event::Dtmf { session: session(), digit: '#', ms: 20 }),
        ("latched", Event::Latched { session: session(), ip: s("192.0.2.7"), port: 40_000 }),
        ("moved", Event::Moved { session: session(), ip: s("192.0.2.9"), port: 40_002 }),
        ("secured", Event::Secured { session: session(), suite: s("AEAD_AES_256_GCM"), dtls: s("1.3") }),
        ("insecure", Event::Insecure { session: session(), detail: s("the peer agreed on no SRTP profile") }),
        ("expired", Event::Expired { session: session(), ms: 15_000 }),
        ("quiet", Event::Quiet { session: session(), ms: 5_000, lack: Lack::Packets }),
        ("quiet with silence", Event::Quiet { session: session(), ms: 5_010, lack: Lack::Sound }),
        ("heard", Event::Heard { session: session(), ms: 8_240 }),
        (
            "error",
            Event::Error {
                op: s("close"),
                error: ErrorCode::NoSession,
                detail: s("there is no session s-1"),
                session: Some(session()),
                mixer: None,
            },
        ),
        (
            "error without session",
            Event::Error {
                op: s(""),
                error: ErrorCode::BadCommand,
                detail: s("no map"),
                session: None,
                mixer: None,
            },
        ),
        (
            "error of a mixer",
            Event::Error {
                op: s("mixer"),
                error: ErrorCode::Internal,
                detail: s("a fault of the engine ended this mixer"),
                session: Some(session()),
                mixer: Some(s("m-1")),
            },
        ),
        ("orphaned", Event::Orphaned { session: session() }),
    ]
    .into_iter()
    .map(|(name, event)| (s(name), event))
    .collect::<Vec<_>>();
    for reason in [PlayEnd::Finished, PlayEnd::Stopped, PlayEnd::Closed, PlayEnd::Failed] {
        let detail = (reason == PlayEnd::Failed).then(|| s("/long.opus cannot be read: input/output error"));
        let event = Event::PlayDone { session: session(), play: s("p-1"), reason, ms: 4_200, detail };
        events.push((format!("play_done {reason:?}").to_lowercase(), event));
    }
    for reason in [
        RecordEnd::Stopped,
        RecordEnd::Digit,
        RecordEnd::Silence,
        RecordEnd::Limit,
        RecordEnd::Closed,
        RecordEnd::Disk,
        RecordEnd::Failed,
    ] {
        let event = Event::RecordDone {
            session: session(),
            record: s("r-1"),
            path: s("/var/lib/voicemail/Đặng.wav"),
            ms: 12_340,
            voiced_ms: 7_000,
            reason,
            digit: (reason == RecordEnd::Digit).then_some('#'),
        };
        events.push((format!("record_done {reason:?}").to_lowercase(), event));
    }
    events
        .into_iter()
        .zip([1, 127, 128, 65_536].into_iter().cycle())
        .map(|((name, event), n)| (name, Numbered { n, event }))
        .collect()
}

fn vector(name: &str, value: &impl Serialize) -> Value {
    let hex: String = wire::frame(value).iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"name": name, "frame": hex, "value": serde_json::to_value(value).unwrap()})
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// The vectors in a file, after checking that they are those that the engine's types make.
fn golden(file: &str, made: Vec<Value>) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract").join(file);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let lines: Vec<String> = made.iter().map(|vector| format!("  {vector}")).collect();
        std::fs::write(&path, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(kept, made, "{file} is not what the engine speaks; see the top of this test");
    for vector in &kept {
        let frame = bytes(&vector["frame"]);
        assert_eq!(u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize, frame.len() - 4);
        assert_eq!(wire::read::<Value>(&frame[4..]).unwrap(), vector["value"]);
    }
    kept
}

#[test]
fn commands_are_read_as_they_are_written() {
    let commands = commands();
    let made = commands.iter().zip(1..).map(|((name, what), id)| vector(name, &command(id, what)));
    let kept = golden("commands.json", made.collect());
    for (vector, (name, command)) in kept.iter().zip(&commands) {
        let frame = bytes(&vector["frame"]);
        assert_eq!(wire::read::<Command>(&frame[4..]).unwrap(), *command, "{name}");
        let envelope: wire::Envelope = wire::read(&frame[4..]).unwrap();
        assert_eq!(envelope.op.as_deref(), Some(command.op()));
        assert_eq!(envelope.id, vector["value"]["id"].as_u64());
    }
    for op in wire::OPS {
        assert!(commands.iter().any(|(_, command)| command.op() == op), "no vector for {op}");
    }
}

#[test]
fn what_may_be_left_out_of_a_command_has_its_default() {
    let read = |value: Value| wire::read::<Command>(&wire::frame(&value)[4..]).unwrap();
    let play = read(json!({"op": "play", "session": "a", "play": "p", "files": ["f"], "later": "unknown"}));
    assert!(matches!(play, Command::Play { repeat: false, .. }));
    let dtmf = read(json!({"op": "dtmf", "session": "a", "digits": "1"}));
    assert!(matches!(dtmf, Command::Dtmf { ms: 100, gap_ms: 60, .. }));
    let remote =
        read(json!({"op": "remote", "session": "a", "ip": "::1", "port": 1, "direction": "inactive",
        "codecs": [{"name": "PCMU", "pt": 0}], "dtmf": [{"pt": 101}]}));
    let Command::Remote(remote) = remote else { panic!("{remote:?}") };
    assert_eq!((remote.ptime, remote.codecs[0].rx_pt, remote.dtmf[0].clock), (20, None, 8000));
}

#[test]
fn replies_are_written_as_they_are_kept() {
    golden("replies.json", replies().iter().map(|(name, value)| vector(name, value)).collect());
}

#[test]
fn events_are_written_as_they_are_kept_and_read_back() {
    let events = events();
    let kept = golden("events.json", events.iter().map(|(name, event)| vector(name, event)).collect());
    for (vector, (_, event)) in kept.iter().zip(&events) {
        assert_eq!(wire::read::<Numbered>(&bytes(&vector["frame"])[4..]).unwrap(), *event);
    }
}

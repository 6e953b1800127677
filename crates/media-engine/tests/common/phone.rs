//! A phone with a real socket.

use super::{PATIENCE, sleep_ms, sleep_until};
use media_proto::codec::{Codec, Decoder, Encoder};
use media_proto::opus;
use media_proto::resample::Resampler;
use media_proto::rtcp::{self, Received, Report};
use media_proto::rtp::{self, Header};
use media_proto::rx::Measured;
use media_proto::srtp::{MAX_OVERHEAD, Protector, Unprotector};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

static PHONES: AtomicU16 = AtomicU16::new(0);

/// The payload type of telephone-event here.
pub const EVENT: u8 = 101;

const FRAME_TIME: Duration = Duration::from_millis(20);

/// A packet that a phone heard.
#[derive(Clone, Debug)]
pub struct Heard {
    pub at: Instant,
    pub from: SocketAddr,
    pub packet: rtp::Packet,
    pub payload: Vec<u8>,
}

/// A phone: it keeps all that it hears.
pub struct Phone {
    pub socket: UdpSocket,
    pub engine: SocketAddr,
    pub codec: Codec,
    pub has_events: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Every so manieth packet of what is spoken is lost.
    pub loses: usize,
    encoder: Encoder,
    /// Protects what it sends, if it does.
    pub protect: Option<Protector>,
    /// How many packets it has sent.
    pub sent: u64,
    /// The last packet as it was sent.
    pub last_sent: Vec<u8>,
    unprotect: Arc<Mutex<Option<Unprotector>>>,
    heard: Arc<Mutex<Vec<Heard>>>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Phone {
    pub fn new(codec: Codec) -> Phone {
        Phone::of(UdpSocket::bind("127.0.0.1:0").unwrap(), codec)
    }

    /// A phone with this socket.
    pub fn of(socket: UdpSocket, codec: Codec) -> Phone {
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let unprotect: Arc<Mutex<Option<Unprotector>>> = Arc::default();
        let listener = {
            let (socket, heard, stop) = (socket.try_clone().unwrap(), heard.clone(), stop.clone());
            let unprotect = unprotect.clone();
            thread::spawn(move || {
                let mut buffer = [0; 2048];
                while !stop.load(Ordering::Relaxed) {
                    if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                        let mut length = length;
                        if buffer[0] >> 6 != 2 {
                            continue; // STUN or DTLS
                        }
                        if let Some(unprotect) = unprotect.lock().unwrap().as_mut() {
                            match unprotect.rtp(&mut buffer[..length]) {
                                Ok((opened, _)) => length = opened,
                                Err(_) => continue, // from before the keys were agreed
                            }
                        }
                        let packet = rtp::parse(&buffer[..length]).expect("RTP");
                        let payload = buffer[packet.payload.clone()].to_vec();
                        heard.lock().unwrap().push(Heard { at: Instant::now(), from, packet, payload });
                    }
                }
            })
        };
        let number = PHONES.fetch_add(1, Ordering::Relaxed);
        Phone {
            socket,
            engine: SocketAddr::from(([127, 0, 0, 1], 9)),
            codec,
            has_events: true,
            sequence: number.wrapping_mul(7919),
            timestamp: u32::from(number) * 99_991,
            ssrc: u32::from(number) + 1,
            loses: 0,
            encoder: Encoder::new(codec, opus::Settings { fec: true, ..Default::default() }).unwrap(),
            protect: None,
            sent: 0,
            last_sent: Vec::new(),
            unprotect,
            heard,
            stop,
            listener: Some(listener),
        }
    }

    /// What it hears is protected from now on; what it heard before is forgotten.
    pub fn unprotect(&self, keys: Unprotector) {
        *self.unprotect.lock().unwrap() = Some(keys);
        self.forget();
    }

    pub fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    pub fn payload_type(&self) -> u8 {
        match self.codec {
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
            Codec::G722 => 9,
            Codec::Opus => 111,
        }
    }

    /// Sends one packet of this payload type.
    pub fn send(&mut self, payload_type: u8, payload: &[u8], advance: u32) {
        let header = Header {
            marker: false,
            payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        };
        let mut packet = header.to_bytes().to_vec();
        packet.extend(payload);
        if let Some(protect) = &mut self.protect {
            let length = packet.len();
            packet.resize(length + MAX_OVERHEAD, 0);
            let length = protect.rtp(&mut packet, length);
            packet.truncate(length);
        }
        self.socket.send_to(&packet, self.engine).unwrap();
        self.last_sent = packet;
        self.sent += 1;
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(advance);
    }

    /// Sends a packet whose every byte is `byte`.
    pub fn say(&mut self, byte: u8) {
        self.send(self.payload_type(), &[byte; 160], 160);
    }

    /// Says so many packets in real time, all bytes `byte`.
    pub fn talk(&mut self, byte: u8, packets: usize) {
        let mut due = Instant::now();
        for _ in 0..packets {
            self.say(byte);
            due = self.pace(due);
        }
    }

    /// Waits until the packet behind the one that was due at `due` is, and returns when that was. A phone that the machine held up goes
    /// on from there, as one that sends nothing in a pause: its timestamps tell of it, and nothing comes too late.
    fn pace(&mut self, due: Instant) -> Instant {
        let next = due + FRAME_TIME;
        sleep_until(next);
        let missed = (next.elapsed().as_millis() / FRAME_TIME.as_millis()) as u32;
        self.timestamp = self.timestamp.wrapping_add(missed * (self.codec.clock() / 50));
        next + missed * FRAME_TIME
    }

    /// Sends samples of 8 kHz in real time.
    pub fn speak(&mut self, samples: &[i16]) {
        self.speak_at(samples, 8000);
    }

    /// Sends samples of 8 or 16 kHz in real time, as its codec has them.
    pub fn speak_at(&mut self, samples: &[i16], rate: u32) {
        let samples = at_rate(samples, rate, self.codec.rate());
        let mut due = Instant::now();
        for (i, frame) in samples.chunks_exact(self.codec.rate() as usize / 50).enumerate() {
            let mut payload = [0; opus::MAX_PAYLOAD];
            let length = self.encoder.encode(frame, &mut payload);
            if self.loses == 0 || i % self.loses != 3 {
                self.send(self.payload_type(), &payload[..length], self.codec.clock() / 50);
            } else {
                self.sequence = self.sequence.wrapping_add(1);
                self.timestamp = self.timestamp.wrapping_add(self.codec.clock() / 50);
            }
            due = self.pace(due);
        }
    }

    /// Reports that of the stream `ssrc` this share (of 256) was lost lately.
    pub fn report(&self, ssrc: u32, fraction_lost: u8) {
        let measured = Measured { ssrc, fraction_lost, lost: 0, highest_sequence: 0, jitter: 0 };
        let received = Some(Received { measured, last_report: 0, delay: 0 });
        let report = Report { ssrc: self.ssrc, cname: "phone", sent: None, received, goodbye: false };
        let mut packet = [0; rtcp::MAX_LEN];
        let length = report.write(&mut packet);
        let to = SocketAddr::new(self.engine.ip(), self.engine.port() + 1);
        self.socket.send_to(&packet[..length], to).unwrap();
    }

    /// Presses a key for 100 ms.
    pub fn press(&mut self, digit: char) {
        let event = media_proto::dtmf::event(digit).unwrap();
        for i in 1..=7u16 {
            let event = media_proto::dtmf::Event { event, end: i > 4, volume: 10, duration: 160 * i.min(5) };
            self.send(EVENT, &event.rescaled(8000, self.codec.clock()).to_bytes(), 0);
            if i < 5 {
                sleep_ms(20);
            }
        }
        self.timestamp = self.timestamp.wrapping_add(self.codec.clock() / 10);
    }

    /// What was heard of the session that the phone talks to. (Another test's engine may still send to a port that is
    /// ours now.)
    pub fn heard(&self) -> Vec<Heard> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|heard| heard.from == self.engine).cloned().collect()
    }

    /// Forgets what was heard.
    pub fn forget(&self) {
        self.heard.lock().unwrap().clear();
    }

    /// What was heard, decoded, one packet behind the other, at 8 kHz.
    pub fn sound(&self) -> Vec<i16> {
        self.sound_at(8000)
    }

    /// What was heard, at 8 or 16 kHz.
    pub fn sound_at(&self, rate: u32) -> Vec<i16> {
        let mut decoder = Decoder::new(self.codec).unwrap();
        let mut sound = Vec::new();
        for heard in self.heard().iter().filter(|heard| heard.packet.payload_type != EVENT) {
            assert_eq!(heard.packet.payload_type, self.payload_type());
            let mut samples = [0; 2048];
            let count = decoder.decode(&heard.payload, &mut samples);
            sound.extend(&samples[..count]);
        }
        at_rate(&sound, self.codec.rate(), rate)
    }

    /// Checks that all that was heard is one stream, in order and without a gap.
    pub fn assert_one_stream(&self) {
        let heard = self.heard();
        for pair in heard.windows(2) {
            assert_eq!(pair[1].packet.ssrc, pair[0].packet.ssrc, "another SSRC");
            assert_eq!(
                pair[1].packet.sequence,
                pair[0].packet.sequence.wrapping_add(1),
                "a gap in the sequence: {:?}",
                heard.iter().map(|heard| heard.packet.sequence).collect::<Vec<_>>()
            );
            let step = pair[1].packet.timestamp.wrapping_sub(pair[0].packet.timestamp) as i32;
            assert!((0..2 * self.codec.clock() as i32).contains(&step), "the timestamp jumps by {step}");
        }
    }

    /// Waits until so many packets were heard whose bytes are all `byte`.
    pub fn wait_for_bytes(&self, byte: u8, count: usize) {
        super::eventually(&format!("{count} packets of {byte:#x} are heard"), || {
            self.heard().iter().filter(|heard| heard.payload[0] == byte).count() >= count
        });
    }

    /// Waits until something is heard that fits.
    pub fn wait_for(&self, what: &str, fits: impl Fn(&Heard) -> bool) -> Heard {
        let started = Instant::now();
        loop {
            if let Some(heard) = self.heard().into_iter().find(&fits) {
                return heard;
            }
            assert!(started.elapsed() < PATIENCE, "{what} is not heard");
            sleep_ms(2);
        }
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn at_rate(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    if from == to {
        return samples.to_vec();
    }
    let mut out = vec![0; samples.len() * to as usize / from as usize];
    Resampler::new(from, to).process(samples, &mut out);
    out
}

//! Sounds that are played one after the other without a gap: those in memory, and those that are read as they are heard.

use crate::reader::{Chunk, Ready, Stream};
use crate::wire::PlayEnd;
use media_proto::SAMPLE_RATE;
use media_proto::g711::Law;
use media_proto::sound::Sound;
use std::sync::Arc;

/// A part of a list.
#[derive(Debug)]
pub enum Piece {
    Sound(Arc<Sound>),
    Stream(Box<Stream>),
}

impl Piece {
    /// Length in samples of 8 kHz.
    fn len(&self) -> u64 {
        match self {
            Piece::Sound(sound) => sound.len() as u64,
            Piece::Stream(stream) => stream.length(),
        }
    }
}

impl From<Arc<Sound>> for Piece {
    fn from(sound: Arc<Sound>) -> Piece {
        Piece::Sound(sound)
    }
}

/// Where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// From the beginning, in ms.
    At(u64),
    /// From here, in ms.
    By(i64),
}

#[derive(Debug)]
pub struct Playlist {
    pieces: Vec<Piece>,
    repeat: bool,
    /// Silence is heard, and nothing is missed.
    pub paused: bool,
    index: usize,
    /// Samples of 8 kHz of the present piece that were heard.
    heard: u64,
    /// The place in the present chunk of it, if it is a stream.
    at: usize,
    failed: Option<String>,
}

impl Playlist {
    /// A list to be played once, or for ever with `repeat` (which a list without sound cannot be).
    pub fn new(pieces: Vec<Piece>, repeat: bool) -> Playlist {
        let repeat = repeat && pieces.iter().any(|piece| piece.len() > 0);
        Playlist { pieces, repeat, paused: false, index: 0, heard: 0, at: 0, failed: None }
    }

    /// One sound, once.
    pub fn once(sound: Arc<Sound>) -> Playlist {
        Playlist::new(vec![Piece::Sound(sound)], false)
    }

    /// Adds a sound at the end.
    pub fn push(&mut self, sound: Arc<Sound>) {
        self.pieces.push(Piece::Sound(sound));
    }

    /// Fills `out` with the next payload, and with silence where there is none.
    pub fn payload(&mut self, law: Law, out: &mut [u8]) {
        let filled = self.fill(
            out,
            1,
            |sound, at, out| sound.payload(law, at, out),
            |chunk, at, out| {
                let samples = &chunk.narrow[at..];
                let count = samples.len().min(out.len());
                law.encode(&samples[..count], &mut out[..count]);
                count
            },
        );
        out[filled..].fill(law.silence());
    }

    /// Like [`Playlist::payload`], as samples of 16 kHz (an even number).
    pub fn frame(&mut self, out: &mut [i16]) {
        let filled = self.fill(out, 2, Sound::frame, |chunk, at, out| {
            let samples = &chunk.wide[2 * at..];
            let count = samples.len().min(out.len());
            out[..count].copy_from_slice(&samples[..count]);
            count / 2
        });
        out[filled..].fill(0);
    }

    fn fill<T>(
        &mut self,
        out: &mut [T],
        unit: usize,
        of_sound: impl Fn(&Sound, usize, &mut [T]) -> usize,
        of_chunk: impl Fn(&Chunk, usize, &mut [T]) -> usize,
    ) -> usize {
        let mut filled = 0;
        while filled < out.len() && !self.paused {
            let rest = &mut out[filled..];
            let copied = match self.pieces.get_mut(self.index) {
                None => break,
                Some(Piece::Sound(sound)) => {
                    let copied = of_sound(sound, self.heard as usize, rest);
                    if self.heard as usize + copied >= sound.len() {
                        filled += copied * unit;
                        self.advance();
                        continue;
                    }
                    copied
                }
                Some(Piece::Stream(stream)) => {
                    let (ready, begins) = stream.ready(self.at);
                    if begins {
                        self.at = 0;
                    }
                    match ready {
                        Ready::Chunk(chunk) => {
                            let copied = of_chunk(chunk, self.at, rest);
                            self.at += copied;
                            copied
                        }
                        Ready::NotYet => break,
                        Ready::End => {
                            self.advance();
                            continue;
                        }
                        Ready::Failed(detail) => {
                            self.failed = Some(detail.to_owned());
                            break;
                        }
                    }
                }
            };
            filled += copied * unit;
            self.heard += copied as u64;
        }
        filled
    }

    /// Goes to the next piece.
    fn advance(&mut self) {
        if let (true, Some(Piece::Stream(stream))) = (self.repeat, self.pieces.get_mut(self.index)) {
            stream.seek(0); // so that it is there when its turn comes again
        }
        let next = self.index + 1;
        let next = if self.repeat && next == self.pieces.len() { 0 } else { next };
        self.enter(next, 0);
    }

    /// Goes on in a piece, at a sample of it.
    fn enter(&mut self, index: usize, heard: u64) {
        (self.index, self.heard, self.at) = (index, heard, 0);
        if let Some(Piece::Stream(stream)) = self.pieces.get_mut(index) {
            stream.seek(heard);
        }
    }

    /// Goes on elsewhere; behind the end is the end, before the beginning the beginning.
    pub fn seek(&mut self, to: Place) {
        let per_ms = u64::from(SAMPLE_RATE / 1000);
        let ms = match to {
            Place::At(ms) => ms,
            Place::By(ms) => self.ms().saturating_add_signed(ms),
        };
        let mut left = ms.saturating_mul(per_ms);
        for index in 0..self.pieces.len() {
            let length = self.pieces[index].len();
            if left < length {
                return self.enter(index, left);
            }
            left -= length;
        }
        self.enter(self.pieces.len(), 0);
    }

    /// Where it is, in ms from the beginning.
    pub fn ms(&self) -> u64 {
        let before: u64 = self.pieces.iter().take(self.index).map(Piece::len).sum();
        (before + self.heard) / u64::from(SAMPLE_RATE / 1000)
    }

    /// Why it ended, if it has.
    pub fn end(&self) -> Option<PlayEnd> {
        match self.failed {
            Some(_) => Some(PlayEnd::Failed),
            None => (self.index >= self.pieces.len()).then_some(PlayEnd::Finished),
        }
    }

    /// What is wrong with the file that ended it.
    pub fn failure(&mut self) -> Option<String> {
        self.failed.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media_proto::{FRAME, WIDE_FRAME};

    fn sound(value: i16, length: usize) -> Piece {
        Piece::Sound(Arc::new(Sound::new(vec![value; length])))
    }

    #[test]
    fn files_follow_each_other_without_a_gap_and_end_in_silence() {
        let mut list = Playlist::new(vec![sound(1000, 100), sound(-1000, 100)], false);
        let mut frame = [7; WIDE_FRAME];
        list.frame(&mut frame);
        assert!(frame[198] > 900 && frame[202] < -900);
        assert_eq!((list.end(), list.ms()), (None, 20));
        let mut payload = [0; FRAME];
        list.payload(Law::A, &mut payload);
        assert_eq!((payload[40], payload[39] == payload[40]), (Law::A.silence(), false));
        assert_eq!((list.end(), list.ms()), (Some(PlayEnd::Finished), 25));
        list.frame(&mut frame);
        assert_eq!(frame, [0; WIDE_FRAME]);
    }

    #[test]
    fn a_repeated_list_has_no_end_but_an_empty_one_has() {
        let mut list = Playlist::new(vec![sound(1000, 100)], true);
        let mut payload = [0; FRAME];
        for _ in 0..10 {
            list.payload(Law::Mu, &mut payload);
            assert!(payload.iter().all(|&byte| byte == payload[0] && byte != Law::Mu.silence()));
            assert_eq!(list.end(), None);
        }
        let mut empty = Playlist::new(vec![sound(0, 0)], true);
        empty.payload(Law::Mu, &mut payload);
        assert_eq!(empty.end(), Some(PlayEnd::Finished));
    }

    #[test]
    fn it_pauses_and_goes_on_anywhere() {
        let mut list = Playlist::new(vec![sound(1000, 800), sound(-1000, 800)], false);
        let mut frame = [0; WIDE_FRAME];
        list.paused = true;
        list.frame(&mut frame);
        assert_eq!((frame, list.ms()), ([0; WIDE_FRAME], 0));
        list.paused = false;
        for (to, ms, value) in [
            (Place::At(150), 150, -1000),
            (Place::By(-100), 70, 1000),
            (Place::By(-1_000), 0, 1000),
            (Place::By(120), 140, -1000),
        ] {
            list.seek(to);
            assert_eq!(list.ms(), ms, "{to:?}");
            list.frame(&mut frame);
            assert!(frame[40..280].iter().all(|sample| sample.abs_diff(value) < 100), "{to:?}: {frame:?}");
        }
        list.seek(Place::At(u64::MAX));
        assert_eq!((list.end(), list.ms()), (Some(PlayEnd::Finished), 200));
    }
}

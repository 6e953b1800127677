//! What a file is, by its first bytes. Names are not asked: they lie.

use super::Error;

/// Who decodes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    OggOpus,
    /// WebM, Matroska.
    Ebml,
    /// A container, or a codec with a header.
    Container,
    /// Frames of MPEG audio, perhaps behind tags.
    Frames,
}

/// What people upload by mistake, or in the belief that it would do.
const STRANGERS: [(usize, &[u8], &str); 20] = [
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"PK\x05\x06", "a ZIP archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (8, b"WEBP", "a picture (WebP)"),
    (4, b"ftyphei", "a picture (HEIC)"),
    (0, b"MThd", "a MIDI file"),
    (0, b"#!AMR", "an AMR file"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
    (8, b"AVI ", "an AVI video"),
    (0, b"FLV\x01", "a Flash video"),
    (0, b".snd", "a Sun/NeXT sound file"),
    (0, b"caff", "a Core Audio file"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
];

/// Sound begins with one of these, or else with a frame of MPEG audio (11 bits of ones).
const SOUNDS: [(usize, &[u8], Kind); 6] = [
    (0, b"ID3", Kind::Frames),
    (0, b"fLaC", Kind::Container),
    (0, b"OggS", Kind::Container),
    (8, b"AIF", Kind::Container),
    (4, b"ftyp", Kind::Container),
    (0, b"\x1a\x45\xdf\xa3", Kind::Ebml),
];

fn has(file: &[u8], at: usize, magic: &[u8]) -> bool {
    file.get(at..at + magic.len()) == Some(magic)
}

/// Whether it may be sound, and of which kind.
pub fn of(file: &[u8]) -> Result<Kind, Error> {
    if file.is_empty() {
        return Err(Error::Empty);
    }
    if let Some((.., what)) = STRANGERS.iter().find(|(at, magic, _)| has(file, *at, magic)) {
        return Err(Error::NotSound(Some(what)));
    }
    // The first page of each stream comes before everything else, and is a small one.
    let begin = &file[..file.len().min(4096)];
    if has(file, 0, b"OggS") && begin.windows(8).any(|bytes| bytes == b"OpusHead") {
        return Ok(Kind::OggOpus);
    }
    if let Some((.., kind)) = SOUNDS.iter().find(|(at, magic, _)| has(file, *at, magic)) {
        return Ok(*kind);
    }
    // What is no sound looks like a frame somewhere, sooner or later; a file of frames begins with one, or with a few zeros.
    let first = file.iter().position(|&byte| byte != 0).unwrap_or(file.len());
    match file[first..] {
        [0xff, second, ..] if second & 0xe0 == 0xe0 => Ok(Kind::Frames),
        _ => Err(Error::NotSound(None)),
    }
}

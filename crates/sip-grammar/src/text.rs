//! Characters, quoting, and a cursor over a piece of text (RFC 3261 §25.1).

use std::borrow::Cow;

/// Why a text is not what it should be, and the status that a request with it deserves.
pub struct Flaw {
    pub reason: String,
    pub status: u16,
}

impl Flaw {
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), status: 400 }
    }

    /// `what` and the beginning of the text that is meant.
    pub fn about(what: &str, text: &str, most: usize) -> Self {
        Self::new(format!("{what} {}", shown(text, most)))
    }
}

/// The beginning of a text in quotes, as an error shows it: in one line whatever it holds.
pub fn shown(text: &str, most: usize) -> String {
    let beginning: String = text.chars().take(most).collect();
    format!("'{}'", beginning.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'"))
}

/// token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~")
pub fn is_token_byte(byte: u8) -> bool {
    const TOKEN: [bool; 256] = table(b"-.!%*_+`'~");
    TOKEN[usize::from(byte)]
}

/// What a parameter's value may hold outside quotes: a token, a host, and what phones write there.
fn is_value_byte(byte: u8) -> bool {
    const VALUE: [bool; 256] = table(b"-.!%*_+`'~[]:@/?&=$#");
    VALUE[usize::from(byte)]
}

/// "_" is not in the grammar of a host but in many names.
pub fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

const fn table(marks: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
}

pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

pub fn is_plain_value(text: &str) -> bool {
    text.bytes().all(is_value_byte)
}

/// White space as Python has it.
pub fn is_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\x1c'..=' ') || (!c.is_ascii() && c.is_whitespace())
}

pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// UTF-8 (§25.1), or Latin-1 as some phones send it: always text that can be stored and sent again.
pub fn decode(data: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(data) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(data.iter().map(|&byte| char::from(byte)).collect()),
    }
}

/// The content of a quoted-string; other text as it is.
pub fn unquote(text: &str) -> Cow<'_, str> {
    let inner = match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner,
        None => return Cow::Borrowed(text),
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        out.push(if c == '\\' { rest.next().unwrap_or(c) } else { c });
    }
    Cow::Owned(out)
}

pub fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// ASCII in lower case, without a copy where it is.
pub fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// A place in a text. What takes a piece moves on only over what it takes.
#[derive(Clone)]
pub struct Cursor<'t> {
    pub rest: &'t str,
}

impl<'t> Cursor<'t> {
    pub fn new(rest: &'t str) -> Self {
        Self { rest }
    }

    pub fn spaces(&mut self) -> &mut Self {
        self.rest = self.rest.trim_start_matches(is_space);
        self
    }

    /// Take this byte if it is next.
    pub fn take(&mut self, byte: u8) -> bool {
        let found = self.rest.as_bytes().first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// Take this word, whatever its case.
    pub fn take_word(&mut self, word: &str) -> bool {
        let found = self.rest.len() >= word.len()
            && self.rest.as_bytes()[..word.len()].eq_ignore_ascii_case(word.as_bytes());
        if found {
            self.rest = &self.rest[word.len()..];
        }
        found
    }

    /// Take all bytes that `wanted` holds of; none may be part of a longer character.
    pub fn bytes(&mut self, wanted: impl Fn(u8) -> bool) -> &'t str {
        let end = self.rest.bytes().position(|byte| !wanted(byte)).unwrap_or(self.rest.len());
        self.cut(end)
    }

    /// Take all characters until one that `unwanted` holds of.
    pub fn until(&mut self, unwanted: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(unwanted).unwrap_or(self.rest.len());
        self.cut(end)
    }

    /// Take a quoted-string with its quotes.
    pub fn quoted(&mut self) -> Option<&'t str> {
        let bytes = self.rest.as_bytes();
        if bytes.first() != Some(&b'"') {
            return None;
        }
        let end = closing_quote(bytes, 1)?;
        Some(self.cut(end))
    }

    fn cut(&mut self, end: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

/// Behind the quote that closes the one before `from`.
pub fn closing_quote(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

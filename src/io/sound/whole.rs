//! Whether a compressed file is whole: what decoders pass over in silence.
//!
//! A decoder is made to play on: it looks for the next frame that can be played, and takes the end of the file for the end of
//! the sound. Samples would be missing, and those behind them stand at the wrong time. Here the frames are walked by their
//! headers alone, each where the one before it ends, which costs next to nothing.
//!
//! | file | frames | what says how much there should be |
//! | --- | --- | --- |
//! | MP3 | frames of layer III, between tags | the first frame (Xing, Info), if the encoder wrote one |
//! | AAC | frames of ADTS | nothing but the length of the last |
//! | FLAC | frames, as the decoder finds them | the number of samples and their checksum, where they are given; the end of the file |
//! | Ogg | pages, numbered and with checksums | the mark of the last page |
//! | MP4 | boxes | their lengths |
//!
//! Sources: ISO 11172-3 and 13818-3 (frames of MPEG audio), the LAME tag's revision 1; ISO 13818-7 (ADTS); RFC 3533 (Ogg);
//! ISO 14496-12 (boxes, edit lists).

use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::Path;

use super::super::content::Bytes;
use crate::{Error, Result};

/// Where to read a file, and what to call it.
pub(super) struct Walk<'a> {
    name: &'a Path,
    bytes: Box<dyn Bytes>,
    len: u64,
}

/// What a walk through an MP3 or ADTS file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frames {
    /// Where the first frame begins.
    pub begin: u64,
    /// Number of frames with samples.
    pub count: u64,
}

impl<'a> Walk<'a> {
    pub fn new(name: &'a Path, bytes: Box<dyn Bytes>, len: u64) -> Self {
        Self { name, bytes, len }
    }

    fn failed(&self, source: io::Error) -> Error {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => self.bad("it is cut off; copy or download it again"),
            _ => Error::unread(self.name, source),
        }
    }

    fn bad(&self, reason: impl Into<String>) -> Error {
        Error::bad_file(self.name, reason)
    }

    /// Where the reader stands.
    fn to(&mut self, at: u64) -> Result<()> {
        // Frames are short: seeking within what is buffered saves reading it again.
        let here = self
            .bytes
            .stream_position()
            .map_err(|source| self.failed(source))?;
        let ahead = at.wrapping_sub(here);
        let buffered = self
            .bytes
            .fill_buf()
            .map(<[u8]>::len)
            .map_err(|source| self.failed(source))?;
        if at >= here && ahead <= buffered as u64 {
            self.bytes.consume(ahead as usize);
            return Ok(());
        }
        self.bytes
            .seek(SeekFrom::Start(at))
            .map(drop)
            .map_err(|source| self.failed(source))
    }

    /// Up to so many bytes from a place.
    pub fn start<const N: usize>(&mut self, at: u64) -> Result<Vec<u8>> {
        self.to(at)?;
        let mut start = Vec::with_capacity(N);
        let read = self.bytes.by_ref().take(N as u64).read_to_end(&mut start);
        read.map_err(|source| self.failed(source))?;
        Ok(start)
    }

    fn rest(&mut self, at: u64, count: usize) -> Result<Vec<u8>> {
        self.to(at)?;
        let mut rest = vec![0; count];
        self.bytes
            .read_exact(&mut rest)
            .map_err(|source| self.failed(source))?;
        Ok(rest)
    }

    /// The end of the tags (ID3v2) and of the zeros that stand before the frames.
    pub fn behind_tags(&mut self, mut at: u64) -> Result<u64> {
        loop {
            match self.start::<10>(at)?.as_slice() {
                [b'I', b'D', b'3', _, _, flags, a, b, c, d] => {
                    let size = [a, b, c, d]
                        .iter()
                        .fold(0, |size, &&byte| size << 7 | u64::from(byte & 0x7F));
                    at += 10 + size + if flags & 0x10 != 0 { 10 } else { 0 };
                    if at > self.len {
                        return Err(
                            self.bad("it is cut off within its tags; copy or download it again")
                        );
                    }
                }
                [0, ..] => {
                    let zeros = self
                        .start::<4096>(at)?
                        .iter()
                        .take_while(|&&byte| byte == 0)
                        .count();
                    at += zeros as u64;
                }
                _ => return Ok(at),
            }
        }
    }

    /// Walks frames of which `frame` reads the length; in front of, between and behind them tags may stand.
    fn frames(
        &mut self,
        kind: &str,
        frame: impl Fn(&[u8]) -> Result<u64, &'static str>,
    ) -> Result<Frames> {
        let begin = self.behind_tags(0)?;
        let (mut at, mut count) = (begin, 0);
        while at < self.len {
            let start = self.start::<11>(at)?;
            match frame(&start) {
                Ok(len) if at + len <= self.len => {
                    at += len;
                    count += 1;
                }
                Ok(len) => {
                    return Err(self.bad(format!(
                        "it is cut off: its {kind} number {} has {len} bytes, and {} are there; copy or download it again",
                        count + 1,
                        self.len - at
                    )));
                }
                Err(_)
                    if [&b"TAG"[..], b"APETAGEX", b"LYRICSBEGIN", b"3DI"]
                        .iter()
                        .any(|tag| start.starts_with(tag)) =>
                {
                    break;
                }
                Err(_) if start.starts_with(b"ID3") || start.starts_with(&[0]) => {
                    at = self.behind_tags(at)?;
                }
                Err(_) if start.len() < 8 && self.len - at < 8 => {
                    return Err(self.bad(format!(
                        "it is cut off: {} bytes of a {kind} are at its end; copy or download it again",
                        start.len()
                    )));
                }
                Err(reason) => {
                    return Err(self.bad(format!(
                        "it is damaged: {reason} at byte {at}, where {kind} number {} should begin",
                        count + 1
                    )));
                }
            }
        }
        if count == 0 {
            return Err(self.bad(format!("it holds no {kind}")));
        }
        Ok(Frames { begin, count })
    }

    /// A file of frames of layer III.
    pub fn mp3(mut self) -> Result<Frames> {
        let frames = self.frames("frame of MP3", |start| {
            Mp3::of(start).map(|frame| frame.len)
        })?;
        // A first frame may say how many follow, and is silent itself.
        let start = self.start::<192>(frames.begin)?;
        let Ok(first) = Mp3::of(&start) else {
            return Ok(frames);
        };
        let info = start.get(first.side_end..).unwrap_or(&[]);
        let field = |at: usize| {
            info.get(at..at + 4)
                .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
        };
        if !(info.starts_with(b"Xing") || info.starts_with(b"Info")) {
            return Ok(frames);
        }
        let count = frames.count - 1;
        let flags = field(4).unwrap_or(0);
        let said = field(8).filter(|_| flags & 1 != 0).map(u64::from);
        // Some encoders count the frame that says so, too.
        if let Some(said) = said.filter(|&said| said != count && said != frames.count) {
            return Err(self.bad(match said > count {
                true => format!(
                    "it is cut off: its header promises {said} frames, and {count} are there; copy or download it again"
                ),
                false => format!(
                    "its header promises {said} frames, and {count} are there, as where several files were put one behind the \
                     other; ffmpeg -i writes them as one"
                ),
            }));
        }
        if count == 0 {
            return Err(self.bad("it holds no samples"));
        }
        Ok(Frames { count, ..frames })
    }

    /// A file of frames of AAC in ADTS.
    pub fn adts(mut self) -> Result<Frames> {
        self.frames("frame of AAC", |start| match start {
            [0xFF, flags, _, a, b, c, _, ..] if flags & 0xF6 == 0xF0 => {
                let len = u64::from(a & 3) << 11 | u64::from(*b) << 3 | u64::from(c >> 5);
                if len < 7 { Err("no frame") } else { Ok(len) }
            }
            _ => Err("there is no frame"),
        })
    }

    /// Where the first frame of a FLAC file begins, which begins itself at a place.
    pub fn flac(mut self, begin: u64) -> Result<u64> {
        let mut at = begin + 4;
        loop {
            let head = self.rest(at, 4)?;
            let len = head[1..]
                .iter()
                .fold(0, |len, &byte| len << 8 | u64::from(byte));
            at += 4 + len;
            if at > self.len {
                return Err(self.bad("it is cut off within its header; copy or download it again"));
            }
            if head[0] & 0x80 != 0 {
                return Ok(at);
            }
        }
    }

    /// Refuses bytes behind the last frame that are none of it, nor a tag.
    pub fn ends(mut self, at: u64) -> Result<()> {
        let start = self.start::<11>(at)?;
        let known = [&b"TAG"[..], b"APETAGEX", b"LYRICSBEGIN", b"ID3"];
        match start.is_empty() || known.iter().any(|tag| start.starts_with(tag)) {
            true => Ok(()),
            false => Err(self.bad(format!(
                "it is cut off or damaged: {} bytes at its end are no whole frame; copy or download it again",
                self.len.saturating_sub(at)
            ))),
        }
    }

    /// An Ogg file: pages in order, whole, to the last one of every stream.
    pub fn ogg(mut self) -> Result<()> {
        let (mut at, mut page) = (0, 0_u64);
        let mut open: Vec<(u32, u32)> = Vec::new(); // serial number and next page of streams that go on
        let mut began = false;
        while at < self.len {
            page += 1;
            let mut head = self.start::<27>(at)?;
            let cut = |walk: &Self| {
                walk.bad(format!(
                    "it is cut off within its page {page}; copy or download it again"
                ))
            };
            if head.len() < 27 && b"OggS".starts_with(&head[..head.len().min(4)]) {
                return Err(cut(&self));
            }
            if !head.starts_with(b"OggS") {
                return Err(self.bad(format!("it is damaged: there is no page at byte {at}")));
            }
            let u32_at = |head: &[u8], at: usize| {
                u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
            };
            let (flags, serial, number, checksum) = (
                head[5],
                u32_at(&head, 14),
                u32_at(&head, 18),
                u32_at(&head, 22),
            );
            let segments = usize::from(head[26]);
            if at + 27 + segments as u64 > self.len {
                return Err(cut(&self));
            }
            let lacing = self.rest(at + 27, segments)?;
            let body_len = lacing.iter().map(|&len| usize::from(len)).sum::<usize>();
            let end = at + (27 + segments + body_len) as u64;
            if end > self.len {
                return Err(cut(&self));
            }
            let body = self.rest(at + 27 + segments as u64, body_len)?;
            head[22..26].fill(0);
            if [&head, &lacing, &body]
                .into_iter()
                .fold(0, |crc, part| crc32(crc, part))
                != checksum
            {
                return Err(self.bad(format!(
                    "it is damaged: the checksum of its page {page} is wrong"
                )));
            }
            if flags & 2 != 0 {
                if began {
                    return Err(self.bad(
                        "it holds several sounds, one behind the other; ffmpeg -i writes them as one",
                    ));
                }
                for (codec, name) in [(&b"OpusHead"[..], "Opus"), (b"Speex", "Speex")] {
                    if body.starts_with(codec) {
                        return Err(self.bad(format!(
                            "its sound is coded as {name}, which is not decoded here; ffmpeg -i writes it as FLAC or WAV"
                        )));
                    }
                }
                open.push((serial, number));
            } else {
                began = true;
            }
            let Some(place) = open.iter().position(|&(known, _)| known == serial) else {
                return Err(self.bad(format!(
                    "it is damaged: its page {page} belongs to nothing before it"
                )));
            };
            if open[place].1 != number {
                return Err(self.bad(format!(
                    "it is damaged: page {} of its sound is missing, page {number} comes instead",
                    open[place].1
                )));
            }
            open[place].1 = number.wrapping_add(1);
            if flags & 4 != 0 {
                open.remove(place);
            }
            at = end;
        }
        if !open.is_empty() {
            return Err(self.bad(format!(
                "it is cut off: none of its {page} pages is marked as the last; copy or download it again"
            )));
        }
        Ok(())
    }

    /// An MP4 file: boxes that fill it. What its edit list leaves out at the beginning of the sound, in seconds.
    pub fn mp4(mut self) -> Result<f64> {
        let len = self.len;
        let boxes = self.boxes(0, len)?;
        let Some(movie) = boxes.iter().find(|part| &part.kind == b"moov") else {
            return Err(self.bad(
                "it is cut off: the table of its samples (moov) is missing, which recorders write at the end",
            ));
        };
        let inside = self.boxes(movie.begin, movie.end)?;
        for track in inside.iter().filter(|part| &part.kind == b"trak") {
            let parts = self.boxes(track.begin, track.end)?;
            let find = |parts: &[Part], kind: &[u8; 4]| {
                parts.iter().find(|part| &part.kind == kind).copied()
            };
            let Some(media) = find(&parts, b"mdia") else {
                continue;
            };
            let media = self.boxes(media.begin, media.end)?;
            let (Some(handler), Some(header)) = (find(&media, b"hdlr"), find(&media, b"mdhd"))
            else {
                continue;
            };
            if self.start::<12>(handler.begin)?.get(8..12) != Some(b"soun") {
                continue;
            }
            let Some(edits) = find(&parts, b"edts") else {
                return Ok(0.0);
            };
            let edits = self.boxes(edits.begin, edits.end)?;
            let Some(list) = find(&edits, b"elst") else {
                return Ok(0.0);
            };
            let header = self.start::<32>(header.begin)?;
            let scale = if header.first() == Some(&1) { 20 } else { 12 };
            let number = |bytes: &[u8], at: usize, len: usize| {
                bytes
                    .get(at..at + len)
                    .map(|b| b.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)))
            };
            let list = self.start::<4096>(list.begin)?;
            let wide = list.first() == Some(&1);
            let (entry, size) = if wide { (20, 8) } else { (12, 4) };
            // The first edit that is no pause.
            for index in 0..number(&list, 4, 4).unwrap_or(0) as usize {
                let Some(time) = number(&list, 8 + index * entry + size, size) else {
                    break;
                };
                if time != u64::MAX >> (64 - 8 * size) {
                    let scale = number(&header, scale, 4)
                        .filter(|&scale| scale > 0)
                        .unwrap_or(1);
                    return Ok(time as f64 / scale as f64);
                }
            }
            return Ok(0.0);
        }
        Err(self.bad("it holds no sound"))
    }

    /// The boxes between two places.
    fn boxes(&mut self, mut at: u64, end: u64) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        while at + 8 <= end {
            let head = self.start::<16>(at)?;
            let short = head[..4]
                .iter()
                .fold(0, |n, &byte| n << 8 | u64::from(byte));
            let kind = [head[4], head[5], head[6], head[7]];
            let (begin, size) = match (short, head.get(8..16)) {
                (0, _) => (8, end - at),
                (1, Some(long)) => (16, long.iter().fold(0, |n, &byte| n << 8 | u64::from(byte))),
                (size, _) => (8, size),
            };
            if size < begin || size > end - at {
                return Err(self.bad(format!(
                    "it is cut off or damaged: its part {} has {size} bytes, and {} are there; copy or download it again",
                    String::from_utf8_lossy(&kind),
                    end - at
                )));
            }
            parts.push(Part {
                kind,
                begin: at + begin,
                end: at + size,
            });
            at += size;
        }
        Ok(parts)
    }
}

/// A box of an MP4 file: what it holds lies between two places.
#[derive(Debug, Clone, Copy)]
struct Part {
    kind: [u8; 4],
    begin: u64,
    end: u64,
}

/// What the header of a frame of MPEG audio says.
struct Mp3 {
    /// Bytes of the frame.
    len: u64,
    /// Bytes before what the side information describes, where a first frame has its own.
    side_end: usize,
}

impl Mp3 {
    fn of(start: &[u8]) -> Result<Self, &'static str> {
        let [0xFF, a, b, c, ..] = *start else {
            return Err("there is no frame");
        };
        if a & 0xE0 != 0xE0 {
            return Err("there is no frame");
        }
        // MPEG 1, and its extensions to half and quarter rates.
        let first = match a >> 3 & 3 {
            3 => true,
            0 | 2 => false,
            _ => return Err("there is a frame of an unknown version"),
        };
        if a >> 1 & 3 != 1 {
            return Err("there is a frame of another layer than III");
        }
        let kilobits = if first {
            [
                0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0,
            ]
        } else {
            [
                0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0,
            ]
        }[usize::from(b >> 4)];
        let rate = [44_100, 48_000, 32_000, 0][usize::from(b >> 2 & 3)]
            >> match a >> 3 & 3 {
                3 => 0,
                2 => 1,
                _ => 2,
            };
        if kilobits == 0 || rate == 0 {
            return Err("there is a frame of no known bit rate");
        }
        let samples_an_eighth = if first { 144_000 } else { 72_000 };
        let mono = c >> 6 == 3;
        Ok(Self {
            len: samples_an_eighth * kilobits / rate + u64::from(b >> 1 & 1),
            side_end: match (first, mono) {
                (true, false) => 36,
                (true, true) | (false, false) => 21,
                (false, true) => 13,
            },
        })
    }
}

/// The checksum of Ogg, of bytes behind others.
fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut crc = (i as u32) << 24;
            let mut bit = 0;
            while bit < 8 {
                crc = crc << 1 ^ if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 };
                bit += 1;
            }
            table[i] = crc;
            i += 1;
        }
        table
    };
    bytes.iter().fold(crc, |crc, &byte| {
        crc << 8 ^ TABLE[usize::from((crc >> 24) as u8 ^ byte)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_ogg_is_that_of_the_catalogue() {
        // The catalogue's check of CRC-32/CKSUM, which is inverted at the end.
        assert_eq!(crc32(0, b"123456789"), !0x765E_7680);
    }

    #[test]
    fn frames_of_mp3_have_the_lengths_of_the_standard() {
        let len = |bytes: [u8; 4]| Mp3::of(&bytes).map(|frame| frame.len);
        assert_eq!(len([0xFF, 0xFB, 0x90, 0x00]), Ok(417)); // 128 kbit/s at 44.1 kHz
        assert_eq!(len([0xFF, 0xFB, 0x92, 0x00]), Ok(418)); // with padding
        assert_eq!(len([0xFF, 0xF3, 0x80, 0xC0]), Ok(208)); // 64 kbit/s at 22.05 kHz
        assert!(len([0xFF, 0xFD, 0x90, 0x00]).is_err_and(|reason| reason.contains("layer")));
        assert!(len([0xFF, 0xFB, 0xF0, 0x00]).is_err());
    }
}

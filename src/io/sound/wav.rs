//! The header of a WAV file: what its samples are, and how many bytes of them are promised.
//!
//! In comes a stream at its first byte; it is left at the first sample. Sizes that the file may not know are no matter: RIFF's
//! own is not looked at, and that of the samples may be one that programs write into a pipe, where they cannot go back to
//! say how long it became.
//!
//! | size of `data` | written by | what it means |
//! | --- | --- | --- |
//! | 0, with bytes behind it | streams | all that follows |
//! | from 2^31 − 2^16 to 2^31, from 2^32 − 2^16 on | sox, arecord, ffmpeg into a pipe | all that follows, at most so much |
//! | anything else | | just so much: less is a file that is cut off |
//!
//! Conventions that bite: samples of fewer bits than their bytes (20 in three, 24 in four) stand at the top of them, as
//! the format says, so that they have the range of their bytes. Eight bits have no sign, more have.
//!
//! Sources: Microsoft, "Multiple channel audio data and WAVE files", 2007; EBU Tech 3306 (RF64), ITU-R BS.2088 (BW64).
//!
//! Leaves out: samples that are coded (ADPCM, A-law, µ-law), which are refused by name; big-endian files (RIFX).

use std::io::{self, Read};
use std::path::Path;

use super::sample::SampleType;
use crate::{Error, Result};

/// No chunk before the samples that matters is larger.
const MAX_FORMAT: u32 = 1 << 12;

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub sample: SampleType,
    pub channels: usize,
    /// Samples per second, not 0.
    pub rate: u32,
    /// Bytes of samples.
    pub data: Promised,
    /// Bytes before them.
    pub len: u64,
}

/// How many bytes of samples follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promised {
    Exactly(u64),
    /// Whatever comes, up to so many.
    Upto(u64),
}

/// Whether a file begins as a WAV file does.
pub(super) fn begins(start: &[u8]) -> bool {
    matches!(
        start,
        [b'R', b'I', b'F', b'F' | b'X', ..]
            | [b'R', b'F', b'6', b'4', ..]
            | [b'B', b'W', b'6', b'4', ..]
    ) && start.get(8..12) == Some(b"WAVE")
}

impl Header {
    /// Reads it; `name` is what errors call the file.
    pub fn read(name: &Path, stream: &mut impl Read) -> Result<Self> {
        let mut bytes = Counted { stream, count: 0 };
        Self::chunks(name, &mut bytes).map_err(|error| match error {
            Fault::Read(source) if source.kind() == io::ErrorKind::UnexpectedEof => Error::bad_file(
                name,
                format!(
                    "it is cut off: it ends after {} bytes, within its header and before any sample; copy or record it \
                     again",
                    bytes.count
                ),
            ),
            Fault::Read(source) => Error::unread(name, source),
            Fault::Refused(reason) => Error::bad_file(name, reason),
        })
    }

    fn chunks(name: &Path, bytes: &mut Counted<impl Read>) -> Result<Self, Fault> {
        let [riff, _, wave] = [bytes.four()?, bytes.four()?, bytes.four()?];
        if &riff == b"RIFX" {
            return Err(Fault::Refused(format!(
                "it is big-endian (RIFX); ffmpeg -i {} -c:a pcm_s16le would write one that is not",
                name.display()
            )));
        }
        if &wave != b"WAVE" {
            return Err(Fault::Refused(
                "it is a RIFF file, but holds no sound".to_string(),
            ));
        }
        let mut format = None;
        let mut long = None; // the size that has no room in 32 bits
        loop {
            let id = bytes.four()?;
            let size = bytes.u32()?;
            match &id {
                b"fmt " if size > MAX_FORMAT => {
                    return Err(Fault::Refused(format!(
                        "the description of its samples has {size} bytes; at most {MAX_FORMAT} make sense"
                    )));
                }
                b"fmt " => {
                    let mut chunk = vec![0; size as usize];
                    bytes.read_exact(&mut chunk)?;
                    bytes.skip(size & 1)?;
                    format = Some(Format::of(&chunk).map_err(Fault::Refused)?);
                }
                b"ds64" if size >= 24 => {
                    let mut chunk = [0; 16];
                    bytes.read_exact(&mut chunk)?;
                    bytes.skip((size - 16) + (size & 1))?;
                    let [_, data] = *chunk.as_chunks::<8>().0 else {
                        continue;
                    };
                    long = Some(u64::from_le_bytes(data));
                }
                b"data" => {
                    let Some(format) = format else {
                        return Err(Fault::Refused(
                            "nothing says what its samples are: it has no fmt chunk before them"
                                .to_string(),
                        ));
                    };
                    return Ok(Self {
                        sample: format.sample,
                        channels: format.channels,
                        rate: format.rate,
                        data: Promised::of(size, long),
                        len: bytes.count,
                    });
                }
                _ => bytes.skip(size.saturating_add(size & 1))?,
            }
        }
    }

    /// Bytes of one sample of every channel.
    pub fn frame(&self) -> usize {
        self.channels * self.sample.bytes()
    }
}

impl Promised {
    fn of(size: u32, long: Option<u64>) -> Self {
        match (size, long) {
            (u32::MAX, Some(long)) if long != u64::MAX => Promised::Exactly(long),
            (0 | 0xFFFF_0000.., _) => Promised::Upto(u64::MAX),
            (0x7FFF_0000..=0x8000_0000, _) => Promised::Upto(u64::from(size)),
            _ => Promised::Exactly(u64::from(size)),
        }
    }
}

struct Format {
    sample: SampleType,
    channels: usize,
    rate: u32,
}

impl Format {
    fn of(chunk: &[u8]) -> Result<Self, String> {
        let u16_at = |at: usize| {
            chunk
                .get(at..at + 2)
                .map(|b| u16::from_le_bytes([b[0], b[1]]))
        };
        let (Some(mut tag), Some(channels), Some(rate), Some(align), Some(bits)) = (
            u16_at(0),
            u16_at(2),
            chunk
                .get(4..8)
                .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])),
            u16_at(12),
            u16_at(14),
        ) else {
            return Err(format!(
                "the description of its samples has {} bytes, at least 16 are needed",
                chunk.len()
            ));
        };
        const EXTENSIBLE: u16 = 0xFFFE;
        if tag == EXTENSIBLE {
            tag = u16_at(24).ok_or("the description of its samples is cut off")?;
        }
        if channels == 0 || rate == 0 {
            return Err(format!(
                "its header says {channels} channels and {rate} Hz, which is no sound"
            ));
        }
        let bytes = align / channels;
        if !align.is_multiple_of(channels) || bits > 8 * bytes || bits + 8 <= 8 * bytes {
            return Err(format!(
                "its header says {bits} bits a sample, and {align} bytes for {channels} of them, which do not agree"
            ));
        }
        let sample = match (tag, bytes) {
            (1, 1) => SampleType::U8,
            (1, 2) => SampleType::S16,
            (1, 3) => SampleType::S24,
            (1, 4) => SampleType::S32,
            (3, 4) => SampleType::F32,
            (3, 8) => SampleType::F64,
            (1 | 3, _) => {
                let kind = if tag == 1 { "integers" } else { "floats" };
                return Err(format!(
                    "its samples are {kind} of {bytes} bytes; integers of 1 to 4 and floats of 4 and 8 can be read"
                ));
            }
            _ => {
                let coded = match tag {
                    2 => "ADPCM",
                    6 => "A-law",
                    7 => "µ-law",
                    0x11 => "IMA ADPCM",
                    0x50 | 0x55 => "MPEG audio",
                    0xFF | 0x1610 => "AAC",
                    _ => "something unknown",
                };
                return Err(format!(
                    "its samples are coded as {coded} (format {tag:#x}), which is not decoded here; ffmpeg -c:a pcm_s16le \
                     writes them plain"
                ));
            }
        };
        Ok(Self {
            sample,
            channels: usize::from(channels),
            rate,
        })
    }
}

/// Why a header cannot be used.
enum Fault {
    Read(io::Error),
    Refused(String),
}

impl From<io::Error> for Fault {
    fn from(source: io::Error) -> Self {
        Fault::Read(source)
    }
}

/// A stream of which is known how much has been read.
struct Counted<'a, R> {
    stream: &'a mut R,
    count: u64,
}

impl<R: Read> Counted<'_, R> {
    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    filled += read;
                    self.count += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn four(&mut self) -> io::Result<[u8; 4]> {
        let mut bytes = [0; 4];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> io::Result<u32> {
        self.four().map(u32::from_le_bytes)
    }

    fn skip(&mut self, count: u32) -> io::Result<()> {
        let skipped = io::copy(
            &mut self.stream.by_ref().take(count.into()),
            &mut io::sink(),
        )?;
        self.count += skipped;
        match skipped == u64::from(count) {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(id: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = id.as_bytes().to_vec();
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes
    }

    fn format(tag: u16, channels: u16, align: u16, bits: u16) -> Vec<u8> {
        let mut body = Vec::new();
        for word in [tag, channels] {
            body.extend(word.to_le_bytes());
        }
        body.extend(8000_u32.to_le_bytes());
        body.extend((8000 * u32::from(align)).to_le_bytes());
        for word in [align, bits] {
            body.extend(word.to_le_bytes());
        }
        body
    }

    /// A file of these chunks, with a head and samples.
    fn file(head: &str, chunks: &[Vec<u8>], size: u32) -> Vec<u8> {
        let mut bytes = [head.as_bytes(), &[0xFF; 4], b"WAVE"].concat();
        bytes.extend(chunks.concat());
        bytes.extend(b"data");
        bytes.extend(size.to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Header> {
        Header::read(Path::new("a.wav"), &mut &bytes[..])
    }

    #[test]
    fn chunks_that_do_not_matter_are_passed_by_and_the_sizes_counted() {
        let list = chunk("LIST", b"INFOodd"); // padded to an even size
        let bytes = file("RIFF", &[list, chunk("fmt ", &format(1, 2, 6, 20))], 600);
        let header = read(&bytes).unwrap();
        assert_eq!(
            (header.sample, header.channels, header.rate),
            (SampleType::S24, 2, 8000)
        );
        assert_eq!(header.data, Promised::Exactly(600));
        assert_eq!(header.len, bytes.len() as u64);
        assert_eq!(header.frame(), 6);
    }

    #[test]
    fn sizes_that_stand_for_an_unknown_one_are_known() {
        let fmt = chunk("fmt ", &format(1, 1, 2, 16));
        let promised = |size: u32| read(&file("RIFF", &[fmt.clone()], size)).unwrap().data;
        assert_eq!(promised(0), Promised::Upto(u64::MAX));
        assert_eq!(promised(u32::MAX), Promised::Upto(u64::MAX));
        assert_eq!(promised(0xFFFF_FFD3), Promised::Upto(u64::MAX)); // 2^32 - 1 less a header
        assert_eq!(promised(0x7FFF_F000), Promised::Upto(0x7FFF_F000)); // sox
        assert_eq!(promised(0x8000_0000), Promised::Upto(0x8000_0000)); // arecord
        assert_eq!(promised(0x7FFE_0000), Promised::Exactly(0x7FFE_0000));
    }

    #[test]
    fn sizes_beyond_32_bits_stand_in_a_chunk_of_their_own() {
        let mut sizes = vec![0; 28];
        sizes[8..16].copy_from_slice(&5_000_000_000_u64.to_le_bytes());
        let chunks = [chunk("ds64", &sizes), chunk("fmt ", &format(3, 1, 8, 64))];
        let header = read(&file("RF64", &chunks, u32::MAX)).unwrap();
        assert_eq!(header.data, Promised::Exactly(5_000_000_000));
        assert_eq!(header.sample, SampleType::F64);
    }

    #[test]
    fn what_is_no_plain_sound_is_refused_by_name() {
        let refused = |body: Vec<u8>| {
            read(&file("RIFF", &[chunk("fmt ", &body)], 4))
                .unwrap_err()
                .to_string()
        };
        assert!(refused(format(6, 1, 1, 8)).contains("A-law"));
        assert!(refused(format(0x55, 1, 1, 8)).contains("MPEG audio"));
        assert!(refused(format(3, 1, 2, 16)).contains("floats of 2 bytes"));
        assert!(refused(format(1, 0, 2, 16)).contains("0 channels"));
        assert!(refused(format(1, 2, 3, 8)).contains("do not agree"));
        assert!(refused(format(1, 1, 2, 8)).contains("do not agree"));
        assert!(refused(vec![1; 9]).contains("at least 16"));
        let without = file("RIFF", &[], 4);
        assert!(
            read(&without)
                .unwrap_err()
                .to_string()
                .contains("no fmt chunk")
        );
        let big = file("RIFX", &[], 4);
        assert!(read(&big).unwrap_err().to_string().contains("big-endian"));
        let whole = file("RIFF", &[chunk("fmt ", &format(1, 1, 2, 16))], 4);
        for len in 0..whole.len() {
            let message = read(&whole[..len]).unwrap_err().to_string();
            assert!(message.contains("cut off"), "{len}: {message}");
        }
    }
}

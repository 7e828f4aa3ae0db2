//! Compressed sounds, decoded by `symphonia` one packet at a time.
//!
//! In comes a FLAC, MP3, Ogg (Vorbis, FLAC), AAC (ADTS) or MP4 file, checked to be [whole](super::whole) before; out come
//! blocks of its channels. What an encoder added at the beginning and the end, and says so in the file, is left out.
//!
//! Conventions that bite: an ADTS file has no place to say what its encoder added, which stays, about a thousand samples.
//! HE-AAC is refused where its file says that it is; where it does not, what an AAC decoder of the first kind knows of it is
//! decoded, the lower half of its band.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use symphonia::core::audio::{Audio, GenericAudioBufferRef};
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, ReadOnlySource};
use symphonia::default::formats::{AdtsReader, FlacReader, IsoMp4Reader, MpaReader, OggReader};

use super::super::content::Content;
use super::sample::unit;
use super::whole::Walk;
use crate::num::Real;
use crate::{Error, Result};

/// What a compressed file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Flac,
    Mp3,
    Adts,
    Ogg,
    Mp4,
}

impl Codec {
    pub fn of(start: &[u8]) -> Option<Self> {
        Some(match start {
            [b'f', b'L', b'a', b'C', ..] => Codec::Flac,
            [b'O', b'g', b'g', b'S', ..] => Codec::Ogg,
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Codec::Mp4,
            [0xFF, flags, ..] if flags & 0xF6 == 0xF0 => Codec::Adts,
            [0xFF, flags, ..] if flags & 0xE6 == 0xE2 => Codec::Mp3,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Codec::Flac => "FLAC",
            Codec::Mp3 => "MP3",
            Codec::Adts => "AAC",
            Codec::Ogg => "Ogg",
            Codec::Mp4 => "MP4",
        }
    }
}

/// What is known of a compressed file: how many channels, samples of each, and a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct About {
    pub channels: usize,
    pub samples: u64,
    pub rate: u32,
}

/// Reads what a file is; of most kinds its samples have to be counted for that.
pub(super) fn about(name: &Path, content: &Content, codec: Codec, begin: u64) -> Result<About> {
    let mut count = Counter::default();
    let decoder = Decoder::open(name, content, codec, begin)?;
    if codec == Codec::Flac
        && let Some(about) = decoder.declared()
    {
        return Ok(about);
    }
    decoder.run(|packet| count.add(packet))?;
    count
        .about
        .ok_or_else(|| Error::bad_file(name, "it holds no samples"))
}

/// Every sample of a file, channel by channel.
///
/// `begin` is where it begins, behind tags.
pub(super) fn read<T: Real>(
    name: &Path,
    content: &Content,
    codec: Codec,
    begin: u64,
) -> Result<Vec<Vec<T>>> {
    let mut channels: Vec<Vec<T>> = Vec::new();
    Decoder::open(name, content, codec, begin)?.run(|packet| {
        channels.resize_with(packet.count, Vec::new);
        for (channel, list) in channels.iter_mut().enumerate() {
            packet.append(channel, list);
        }
    })?;
    Ok(channels)
}

/// Samples that were decoded at once, less what does not belong to the sound.
struct Block<'a> {
    samples: GenericAudioBufferRef<'a>,
    /// How many channels.
    count: usize,
    rate: u32,
    skip: usize,
    take: usize,
}

impl Block<'_> {
    fn append<T: Real>(&self, channel: usize, list: &mut Vec<T>) {
        fn push<T: Real, S: Copy>(
            plane: Option<&[S]>,
            skip: usize,
            take: usize,
            list: &mut Vec<T>,
            value: impl Fn(S) -> f64,
        ) {
            let plane = plane.unwrap_or(&[]).iter().skip(skip).take(take);
            list.extend(plane.map(|&sample| T::narrow(value(sample))));
        }
        let (skip, take) = (self.skip, self.take);
        match &self.samples {
            GenericAudioBufferRef::F32(samples) => {
                push(samples.plane(channel), skip, take, list, f64::from);
            }
            GenericAudioBufferRef::S32(samples) => {
                push(samples.plane(channel), skip, take, list, unit);
            }
            other => {
                // No decoder here gives another type; if one did, this is what it means.
                let mut planes: Vec<Vec<f64>> = Vec::new();
                other.copy_to_vecs_planar(&mut planes);
                push(
                    planes.get(channel).map(Vec::as_slice),
                    skip,
                    take,
                    list,
                    |v| v,
                );
            }
        }
    }
}

#[derive(Default)]
struct Counter {
    about: Option<About>,
}

impl Counter {
    fn add(&mut self, block: &Block) {
        let about = self.about.get_or_insert(About {
            channels: block.count,
            samples: 0,
            rate: block.rate,
        });
        about.samples += block.take as u64;
    }
}

struct Decoder<'a> {
    name: &'a Path,
    codec: Codec,
    reader: Box<dyn FormatReader + 'a>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    /// Samples at the beginning that do not belong to the sound, and the number of those that do, where the decoder does not
    /// see to it.
    skip: u64,
    length: Option<u64>,
    /// Where the frames of a FLAC file begin, and what looks for more behind them.
    frames: u64,
    walk: Walk<'a>,
}

impl<'a> Decoder<'a> {
    fn open(name: &'a Path, content: &Content, codec: Codec, begin: u64) -> Result<Self> {
        let bytes = || content.open().map_err(|source| Error::unread(name, source));
        let len = content
            .len()
            .map_err(|source| Error::unread(name, source))?;
        let walk = || Ok::<_, Error>(Walk::new(name, bytes()?, len));
        let mut begin = begin;
        let (mut seconds, mut frames) = (0.0, 0);
        match codec {
            Codec::Flac => frames = walk()?.flac(begin)?,
            Codec::Mp3 => begin = walk()?.mp3()?.begin,
            Codec::Adts => begin = walk()?.adts()?.begin,
            Codec::Ogg => walk()?.ogg()?,
            Codec::Mp4 => seconds = walk()?.mp4()?,
        }
        // Of files that can be searched, MP3s would be estimated to have some length, and cut to it.
        let searched = codec == Codec::Mp4;
        let source =
            source(content, begin, searched).map_err(|source| Error::unread(name, source))?;
        let stream = MediaSourceStream::new(source, Default::default());
        let options = FormatOptions::default();
        let reader: Result<Box<dyn FormatReader>, Fault> = match codec {
            Codec::Flac => FlacReader::try_new(stream, options).map(|reader| Box::new(reader) as _),
            Codec::Mp3 => MpaReader::try_new(stream, options).map(|reader| Box::new(reader) as _),
            Codec::Adts => AdtsReader::try_new(stream, options).map(|reader| Box::new(reader) as _),
            Codec::Ogg => OggReader::try_new(stream, options).map(|reader| Box::new(reader) as _),
            Codec::Mp4 => {
                IsoMp4Reader::try_new(stream, options).map(|reader| Box::new(reader) as _)
            }
        };
        let reader = reader.map_err(|fault| refused(name, codec, fault))?;
        let track = reader.default_track(TrackType::Audio);
        let found = track.and_then(|track| match &track.codec_params {
            Some(CodecParameters::Audio(params)) => Some((track, params)),
            _ => None,
        });
        let Some((track, params)) = found else {
            return Err(Error::bad_file(
                name,
                "it holds no sound that is decoded here",
            ));
        };
        // What the file has of checksums is looked at.
        let options = AudioDecoderOptions::default().verify(true).gapless(true);
        let decoder = symphonia::default::get_codecs().make_audio_decoder(params, &options);
        let decoder = decoder.map_err(|fault| refused(name, codec, fault))?;
        let rate = f64::from(params.sample_rate.unwrap_or(0));
        let (id, num_frames) = (track.id, track.num_frames);
        Ok(Self {
            name,
            codec,
            skip: (seconds * rate).round() as u64,
            length: num_frames.filter(|_| codec == Codec::Mp4),
            track: id,
            reader,
            decoder,
            frames,
            walk: walk()?,
        })
    }

    /// What the header says, if it says all.
    fn declared(&self) -> Option<About> {
        let track = self.reader.tracks().first()?;
        let Some(CodecParameters::Audio(params)) = &track.codec_params else {
            return None;
        };
        Some(About {
            channels: params.channels.as_ref()?.count(),
            samples: track.num_frames?,
            rate: params.sample_rate?,
        })
    }

    /// Decodes everything. What comes before a fault has been handed out when the fault is returned.
    fn run(mut self, mut block: impl FnMut(&Block)) -> Result<()> {
        let (name, codec) = (self.name, self.codec);
        let declared = self.declared();
        let mut first: Option<(usize, u32)> = None;
        let mut at = 0; // samples decoded
        let mut bytes = self.frames;
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(fault) => {
                    return Err(self
                        .missing(at, declared)
                        .unwrap_or_else(|| refused(name, codec, fault)));
                }
            };
            if packet.track_id != self.track {
                continue;
            }
            // The decoder finds the next frame behind what is damaged; the samples in between would be gone.
            if codec == Codec::Flac && packet.pts.get() != at as i64 {
                return Err(Error::bad_file(
                    name,
                    format!(
                        "it is damaged: the samples from {at} to {} are missing",
                        packet.pts.get()
                    ),
                ));
            }
            bytes += packet.data.len() as u64;
            let samples = self
                .decoder
                .decode(&packet)
                .map_err(|fault| refused(name, codec, fault))?;
            let (count, rate) = (samples.num_planes(), samples.spec().rate());
            if *first.get_or_insert((count, rate)) != (count, rate) {
                return Err(Error::bad_file(
                    name,
                    "its channels or its rate change on the way; ffmpeg -i writes it as one sound",
                ));
            }
            let frames = samples.frames() as u64;
            let end = self.length.map_or(u64::MAX, |length| length.max(self.skip));
            let from = self.skip.clamp(at, at + frames);
            let to = end.clamp(from, (at + frames).max(from));
            block(&Block {
                samples,
                count,
                rate,
                skip: (from - at) as usize,
                take: (to - from) as usize,
            });
            at += frames;
        }
        if codec == Codec::Flac {
            if let Some(error) = self.missing(at, declared) {
                return Err(error);
            }
            self.walk.ends(bytes)?;
            if self.decoder.finalize().verify_ok == Some(false) {
                return Err(Error::bad_file(
                    name,
                    "it is damaged: its samples do not have the checksum that it gives",
                ));
            }
        }
        if at <= self.skip {
            return Err(Error::bad_file(name, "it holds no samples"));
        }
        Ok(())
    }

    /// Whether samples are missing that were promised.
    fn missing(&self, found: u64, declared: Option<About>) -> Option<Error> {
        let promised = declared.filter(|_| self.codec == Codec::Flac)?.samples;
        (found < promised).then(|| super::cut_off(self.name, promised, found))
    }
}

/// The bytes of a file from a place on, as the decoders take them.
fn source(content: &Content, begin: u64, searched: bool) -> io::Result<Box<dyn MediaSource>> {
    fn from<R: Read + Seek + MediaSource + 'static>(
        mut bytes: R,
        begin: u64,
        searched: bool,
    ) -> io::Result<Box<dyn MediaSource>> {
        bytes.seek(SeekFrom::Start(begin))?;
        Ok(match searched {
            true => Box::new(bytes),
            false => Box::new(ReadOnlySource::new(bytes)),
        })
    }
    match content {
        Content::File(path) => from(File::open(path)?, begin, searched),
        Content::Memory(bytes) => from(Cursor::new(bytes.clone()), begin, searched),
    }
}

/// What a decoder has against a file.
fn refused(name: &Path, codec: Codec, fault: Fault) -> Error {
    let codec = codec.name();
    Error::bad_file(
        name,
        match fault {
            Fault::IoError(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                "it is cut off: it ends before its last sample; copy or download it again"
                    .to_string()
            }
            Fault::IoError(source) if source.raw_os_error().is_some() => {
                return Error::unread(name, source);
            }
            Fault::IoError(source) => format!("its {codec} data are damaged: {source}"),
            Fault::DecodeError(reason) => format!("its {codec} data are damaged: {reason}"),
            Fault::Unsupported(reason) => format!(
                "it is {codec} of a kind that is not decoded here ({reason}); ffmpeg -i writes it as FLAC or WAV"
            ),
            Fault::ResetRequired => {
                "it holds several sounds, one behind the other; ffmpeg -i writes them as one"
                    .to_string()
            }
            other => format!("its {codec} data cannot be used: {other}"),
        },
    )
}

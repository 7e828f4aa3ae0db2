//! [`Tiff`]: pages of TIFF files, whatever their samples are.
//!
//! In comes a file or stream, TIFF or BigTIFF; out come planes, page by page. The crate `tiff` unpacks strips and tiles;
//! what the samples of a pixel mean is decided here, since it knows neither palettes nor what to do with samples beside
//! the colours. For that it is shown every page as one of plain bands and of whole tiles: [`Disguise`] changes a few
//! numbers of the file as it is read: the place of the first directory (so that any page is reached without walking there),
//! the photometric interpretation, and the size of a page of tiles, which at its rim are stored whole. (Read in part they
//! come out wrong of planes apart, and not at all of LZW, whose reader takes for the end what its last bits still hold.)
//!
//! - Grey (white or black is zero), palette, RGB, CMYK and YCbCr, of 1, 2, 4, 8, 16, 32 or 64 bits, unsigned, signed or
//!   floating; strips or tiles; samples of a pixel together or in planes; every compression that `tiff` unpacks in Rust.
//! - A sample beside the colours is alpha if the file says so (`ExtraSamples` 1: colours are multiplied by it already; 2:
//!   they are not). Every other is an image of its own behind that of the colours: of RGB and infrared, two images.
//! - Pages that are reduced copies or masks of others (`NewSubfileType` 1 and 4) are left out, unless there are no others.
//! - Colours of CMYK are (1 − c)(1 − k); those of YCbCr follow Rec. 601, clipped to the range of the samples.
//! - The numbers that are stored (`Values::Raw`) are those of the colours: of a palette, its entries; of white-is-zero, not
//!   turned around.
//!
//! Source: TIFF Revision 6.0 (1992) and its supplements; BigTIFF.
//!
//! Leaves out, and refuses: Lab, masks, raw sensors; bits in reverse order; subsampled chroma that is not JPEG; what is
//! compressed with Zstandard, LZMA or JPEG 2000.

use std::collections::HashSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use image::metadata::Orientation;
use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::content::{Bytes, Content};
use super::jpeg;
use super::options::{ImageOptions, Values};
use super::pixels::{Decoded, MOST_BYTES, Planes, TOO_LARGE, check_memory, put, turn, turns};
use crate::num::Real;
use crate::{Error, Result};

/// More samples than this in a pixel are a damaged header.
const MOST_SAMPLES: usize = 1 << 12;

/// The pages of a file, of which the directories are known.
#[derive(Debug, Clone)]
pub(super) struct Tiff {
    layout: Layout,
    pages: Vec<Page>,
    images: Vec<Image>,
}

/// How numbers are stored in the file.
#[derive(Debug, Clone, Copy)]
struct Layout {
    big_endian: bool,
    /// BigTIFF, whose counts and places have 8 bytes.
    big: bool,
}

/// What a directory tells.
#[derive(Debug, Clone, Default)]
struct Page {
    /// Where the directory stands.
    at: u64,
    /// Where the number of the photometric interpretation stands, and how many bytes it has.
    photometric_at: Option<(u64, usize)>,
    photometric: u64,
    /// Rows and columns as stored.
    size: [usize; 2],
    /// Where their numbers stand, and how many bytes they have.
    size_at: [Option<(u64, usize)>; 2],
    /// Rows and columns of a tile, if there are tiles.
    tile: [usize; 2],
    orientation: Option<Orientation>,
    samples: usize,
    /// What the samples beside the colours are.
    extras: Vec<u64>,
    /// A reduced copy or a mask.
    secondary: bool,
    has_sub_directories: bool,
    reversed_bits: bool,
}

/// One image: a page's colours, or one of the samples beside them.
#[derive(Debug, Clone, Copy)]
struct Image {
    page: usize,
    band: Option<usize>,
}

/// What the first samples of a pixel are.
#[derive(Debug, Clone, PartialEq)]
enum Colors {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    /// Red, green and blue of every index, of 16 bits.
    Palette(Vec<[u16; 3]>),
    Cmyk,
    YCbCr,
}

impl Tiff {
    /// Reads the directories.
    pub fn open(name: &Path, content: &Content) -> Result<Self> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => Error::bad_file(
                name,
                "it is cut off: a directory of its pages lies beyond its end; copy or save it again",
            ),
            io::ErrorKind::InvalidData => Error::bad_file(name, source.to_string()),
            _ => Error::unread(name, source),
        };
        // Directories are small and far apart.
        let mut bytes = BufReader::with_capacity(512, content.open().map_err(failed)?);
        let (layout, first) = Layout::read(&mut bytes).map_err(failed)?;
        let mut pages = Vec::new();
        let mut seen = HashSet::new();
        let mut next = first;
        while next != 0 {
            if !seen.insert(next) {
                return Err(Error::bad_file(
                    name,
                    "the directories of its pages lead in a circle",
                ));
            }
            let (page, after) = layout.page(&mut bytes, next).map_err(failed)?;
            pages.push(page);
            next = after;
        }
        let missing = layout
            .described(&mut bytes, first)
            .map_err(failed)?
            .filter(|&images| images > pages.len());
        if let Some(images) = missing {
            return Err(Error::bad_file(
                name,
                format!(
                    "its description promises {images} images, and it has directories of {}: ImageJ leaves them out beyond \
                     4 GB; save it as BigTIFF, or as .npy",
                    pages.len()
                ),
            ));
        }
        if pages.is_empty() {
            return Err(Error::bad_file(name, "it has no pages"));
        }
        if pages.iter().all(|page| page.secondary) {
            if pages[0].has_sub_directories {
                return Err(Error::bad_file(
                    name,
                    "its pages are previews of an image that it hides elsewhere, as raw files of cameras do; export it as \
                     a TIFF of 16 bits",
                ));
            }
            pages.iter_mut().for_each(|page| page.secondary = false);
        }
        let mut images = Vec::new();
        for (index, page) in pages.iter().enumerate().filter(|(_, page)| !page.secondary) {
            images.push(Image {
                page: index,
                band: None,
            });
            let colors = page.colors();
            let alpha = page.alpha();
            let others = (colors..page.samples).filter(|&sample| alpha != Some(sample));
            images.extend(others.map(|sample| Image {
                page: index,
                band: Some(sample),
            }));
        }
        Ok(Self {
            layout,
            pages,
            images,
        })
    }

    /// Number of images.
    pub fn count(&self) -> usize {
        self.images.len()
    }

    /// Height and width of an image, upright.
    pub fn size(&self, index: usize) -> [usize; 2] {
        let page = &self.pages[self.images[index].page];
        let mut size = page.size;
        if page.orientation.is_some_and(turns) {
            size.reverse();
        }
        size
    }

    /// Decodes images, one after the other.
    pub fn planes<S: Real>(
        &self,
        name: &Path,
        content: &Content,
        options: &ImageOptions,
        range: Range<usize>,
    ) -> Decoded<S> {
        let (name, content, options) = (name.to_path_buf(), content.clone(), options.clone());
        let layout = self.layout;
        let images: Vec<_> = self.images[range]
            .iter()
            .map(|image| (self.pages[image.page].clone(), image.band))
            .collect();
        Box::new(
            images
                .into_iter()
                .map(move |(page, band)| page.decode::<S>(layout, &name, &content, &options, band)),
        )
    }
}

impl Page {
    /// How many samples of a pixel are its colours.
    fn colors(&self) -> usize {
        match self.photometric {
            2 | 6 | 8 | 9 | 10 => 3,
            5 => 4,
            _ => 1,
        }
    }

    /// Which sample is alpha.
    fn alpha(&self) -> Option<usize> {
        let place = self.extras.iter().position(|kind| matches!(kind, 1 | 2))?;
        Some(self.colors() + place).filter(|&sample| sample < self.samples)
    }

    /// Whether the colours are multiplied by alpha already.
    fn premultiplied(&self) -> bool {
        self.extras.iter().find(|kind| matches!(kind, 1 | 2)) == Some(&1)
    }

    /// The planes of the colours, or of one band.
    fn decode<S: Real>(
        &self,
        layout: Layout,
        name: &Path,
        content: &Content,
        options: &ImageOptions,
        band: Option<usize>,
    ) -> Result<Planes<S>> {
        let refuse = |reason: String| Error::bad_file(name, reason);
        let failed = |error: TiffError| refused(name, error);
        let length = content
            .len()
            .map_err(|source| Error::unread(name, source))?;
        let most = MOST_BYTES.max(length);
        let bytes = content
            .open()
            .map_err(|source| Error::unread(name, source))?;
        let bytes = self.disguised(layout, bytes).ok_or_else(|| {
            refuse(
                "it does not say what its samples are (no PhotometricInterpretation)".to_string(),
            )
        })?;
        let mut limits = Limits::default();
        limits.decoding_buffer_size = usize::try_from(most).unwrap_or(usize::MAX);
        limits.intermediate_buffer_size = limits.decoding_buffer_size;
        let mut decoder = Decoder::new(bytes).map_err(failed)?.with_limits(limits);

        let colors = self.interpretation(&mut decoder, name)?;
        let (bits, samples) = match decoder.colortype().map_err(failed)? {
            ColorType::Gray(bits) => (bits, 1),
            ColorType::Multiband {
                bit_depth,
                num_samples,
            } => (bit_depth, usize::from(num_samples)),
            other => {
                return Err(refuse(format!(
                    "it has pixels of kind {other:?}, which are not known"
                )));
            }
        };
        if samples < self.colors() || samples != self.samples {
            return Err(refuse(format!(
                "its pixels have {samples} samples, and {} make a colour",
                self.colors()
            )));
        }
        let [rows, columns] = self.size;
        let decoded = (rows as u64)
            .saturating_mul(columns as u64)
            .saturating_mul(samples as u64)
            .saturating_mul(u64::from(bits).div_ceil(8));
        if decoded > most {
            return Err(Error::bad_file(name, TOO_LARGE));
        }
        let (chunk_columns, chunk_rows) = decoder.chunk_dimensions();
        let chunk = [chunk_rows as usize, chunk_columns as usize];
        let largest = chunk[0].min(rows) as u64
            * chunk[1] as u64
            * samples as u64
            * u64::from(bits).div_ceil(8);
        check_memory::<S>(self.size, options, largest)?;

        let planar = decoder
            .find_tag_unsigned::<u16>(Tag::PlanarConfiguration)
            .map_err(failed)?
            == Some(2);
        let wanted: Vec<usize> = match band {
            Some(sample) => vec![sample],
            None => (0..self.colors()).chain(self.alpha()).collect(),
        };
        let pixel = Pixel {
            colors,
            alpha: band.is_none().then(|| self.alpha()).flatten().is_some(),
            premultiplied: self.premultiplied(),
            band: band.is_some(),
            options,
        };
        let across = match decoder.get_chunk_type() {
            ChunkType::Strip => 1,
            ChunkType::Tile => columns.div_ceil(chunk[1]),
        };
        let regions = across * rows.div_ceil(chunk[0]);
        let jpeg = JpegChunks::of(&mut decoder, content).map_err(failed)?;
        let channels = options.color.channels();
        let mut planes = vec![S::zero(); channels * rows * columns];
        let mut numbers = vec![0.0; wanted.len()];
        for region in 0..regions {
            let [top, left] = [region / across * chunk[0], region % across * chunk[1]];
            let [height, width] = [chunk[0].min(rows - top), chunk[1].min(columns - left)];
            // Which chunks hold it, and where in their pixels the samples stand that are wanted.
            let (indices, places): (Vec<usize>, Vec<(usize, usize)>) = if planar {
                let indices = wanted
                    .iter()
                    .map(|sample| region + sample * regions)
                    .collect();
                (indices, (0..wanted.len()).map(|chunk| (chunk, 0)).collect())
            } else {
                (
                    vec![region],
                    wanted.iter().map(|&sample| (0, sample)).collect(),
                )
            };
            let mut chunks = Vec::with_capacity(indices.len());
            for index in indices {
                if let Some(jpeg) = &jpeg {
                    jpeg.check(name, index)?;
                }
                let index = u32::try_from(index)
                    .map_err(|_| refuse("it has too many tiles".to_string()))?;
                let samples = decoder.read_chunk(index).map_err(failed)?;
                let stored = decoder.chunk_data_dimensions(index).0 as usize;
                let per_pixel = if planar { 1 } else { self.samples };
                chunks.push(Chunk::new(samples, bits, stored * per_pixel, per_pixel));
            }
            let scale = chunks[0].scale();
            for y in 0..height {
                for x in 0..width {
                    for (number, &(chunk, place)) in numbers.iter_mut().zip(&places) {
                        *number = chunks[chunk].number(y, x, place).ok_or_else(|| {
                            refuse(
                                "a strip or tile of it has fewer samples than its size".to_string(),
                            )
                        })?;
                    }
                    let i = (top + y) * columns + left + x;
                    pixel.put(&mut planes, i, &numbers, &scale);
                }
            }
        }
        Ok(turn(
            Planes {
                samples: planes,
                size: self.size,
            },
            self.orientation.unwrap_or(Orientation::NoTransforms),
        ))
    }

    /// What the colours are, if that is known here.
    fn interpretation(&self, decoder: &mut Decoder<Disguise>, name: &Path) -> Result<Colors> {
        let failed = |error: TiffError| refused(name, error);
        let refuse = |reason: &str| Err(Error::bad_file(name, reason.to_string()));
        if self.reversed_bits {
            return refuse("its bits are stored in reverse order (FillOrder 2); save it anew");
        }
        match self.photometric {
            0 => Ok(Colors::WhiteIsZero),
            1 => Ok(Colors::BlackIsZero),
            2 => Ok(Colors::Rgb),
            3 => {
                let map = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(failed)?;
                let len = map.len() / 3;
                // Some programs write 8 bits where 16 belong, in the lower byte or in the upper one.
                let only = |byte: u16| map.iter().all(|v| v & !byte == 0);
                let [lower, upper] = [only(0xFF), only(0xFF00)];
                let wide = |v: u16| match v {
                    _ if lower => v * 257,
                    _ if upper => (v >> 8) * 257,
                    _ => v,
                };
                let entry = |i: usize| [0, 1, 2].map(|c| wide(map[c * len + i]));
                Ok(Colors::Palette((0..len).map(entry).collect()))
            }
            5 => match decoder
                .find_tag_unsigned::<u16>(Tag::Unknown(332))
                .map_err(failed)?
            {
                None | Some(1) => Ok(Colors::Cmyk),
                Some(_) => refuse("its inks are others than cyan, magenta, yellow and black"),
            },
            6 => {
                let jpeg = compression(decoder).map_err(failed)? == JPEG;
                let subsampling = decoder
                    .find_tag_unsigned_vec::<u16>(Tag::ChromaSubsampling)
                    .map_err(failed)?;
                if !jpeg && subsampling != Some(vec![1, 1]) {
                    return refuse("its chroma is subsampled without JPEG; save it as RGB");
                }
                Ok(Colors::YCbCr)
            }
            8..=10 => refuse("its colours are L*a*b*; save it as RGB or grey"),
            4 => refuse("it is a mask of another image"),
            other => Err(Error::bad_file(
                name,
                format!(
                    "its samples are of a kind that is not known (PhotometricInterpretation {other}), as those of raw sensors; \
                     export it as a TIFF of 16 bits"
                ),
            )),
        }
    }

    /// The file as one whose first directory is this page's, and whose samples are plain bands.
    fn disguised(&self, layout: Layout, bytes: Box<dyn Bytes>) -> Option<Disguise> {
        let (at, len) = self.photometric_at?;
        let (first, places) = if layout.big { (8, 8) } else { (4, 4) };
        let mut changes = vec![
            (first, layout.number(self.at, places)),
            (at, layout.number(1, len)),
        ];
        for axis in [0, 1] {
            let whole = self.size[axis].checked_next_multiple_of(self.tile[axis]);
            if let (Some(whole), Some((at, len))) = (whole, self.size_at[axis])
                && (whole as u64) < 1 << (8 * len)
            {
                changes.push((at, layout.number(whole as u64, len)));
            }
        }
        Some(Disguise {
            bytes,
            position: 0,
            changes,
        })
    }
}

/// What becomes of the numbers of a pixel.
struct Pixel<'a> {
    colors: Colors,
    /// The last number is alpha.
    alpha: bool,
    premultiplied: bool,
    /// There is one number, which is no colour.
    band: bool,
    options: &'a ImageOptions,
}

/// What integers of a type mean.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// What is 1.
    full: f64,
    /// What is no chroma.
    half: f64,
    signed: bool,
}

impl Pixel<'_> {
    fn put<S: Real>(&self, planes: &mut [S], i: usize, numbers: &[f64], scale: &Scale) {
        let raw = self.options.values == Values::Raw;
        let one = if raw { 1.0 } else { scale.full };
        let mut alpha = 1.0;
        if self.alpha && !self.premultiplied {
            alpha = numbers[numbers.len() - 1] / scale.full;
        }
        let rgb = if self.band {
            [numbers[0] / one; 3]
        } else {
            match &self.colors {
                Colors::BlackIsZero => [numbers[0] / one; 3],
                Colors::WhiteIsZero if raw => [numbers[0]; 3],
                Colors::WhiteIsZero if scale.signed => [-numbers[0] / one; 3],
                Colors::WhiteIsZero => [(scale.full - numbers[0]) / one; 3],
                Colors::Rgb => [0, 1, 2].map(|c| numbers[c] / one),
                Colors::Palette(map) => {
                    let one = if raw { 1.0 } else { 65535.0 };
                    // An index beyond the palette has no colour: black, as everywhere else.
                    let entry = map.get(numbers[0] as usize).copied().unwrap_or_default();
                    entry.map(|v| f64::from(v) / one)
                }
                Colors::Cmyk => {
                    let rest = |ink: usize| 1.0 - numbers[ink] / scale.full;
                    [0, 1, 2].map(|ink| rest(ink) * rest(3) * scale.full / one)
                }
                Colors::YCbCr => {
                    let [y, b, r] = [numbers[0], numbers[1] - scale.half, numbers[2] - scale.half];
                    let green = (0.299 * 1.402 * r + 0.114 * 1.772 * b) / 0.587;
                    [y + 1.402 * r, y - green, y + 1.772 * b]
                        .map(|v| v.clamp(0.0, scale.full) / one)
                }
            }
        };
        put(planes, i, rgb, alpha, self.options.color);
    }
}

/// The samples of a strip or tile.
struct Chunk {
    samples: DecodingResult,
    bits: usize,
    /// Samples of a row.
    row: usize,
    per_pixel: usize,
}

impl Chunk {
    fn new(samples: DecodingResult, bits: u8, row: usize, per_pixel: usize) -> Self {
        Self {
            samples,
            bits: usize::from(bits),
            row,
            per_pixel,
        }
    }

    /// A sample of a pixel.
    fn number(&self, y: usize, x: usize, sample: usize) -> Option<f64> {
        let column = x * self.per_pixel + sample;
        if self.bits < 8 {
            let DecodingResult::U8(bytes) = &self.samples else {
                return None;
            };
            // Several samples in a byte, the first in the highest bits; rows begin with a byte.
            let bit = column * self.bits;
            let byte = bytes.get(y * (self.row * self.bits).div_ceil(8) + bit / 8)?;
            let number = byte >> (8 - self.bits - bit % 8) & ((1 << self.bits) - 1);
            return Some(f64::from(number));
        }
        let i = y * self.row + column;
        match &self.samples {
            DecodingResult::U8(v) => v.get(i).map(|&v| f64::from(v)),
            DecodingResult::U16(v) => v.get(i).map(|&v| f64::from(v)),
            DecodingResult::U32(v) => v.get(i).map(|&v| f64::from(v)),
            DecodingResult::U64(v) => v.get(i).map(|&v| v as f64),
            DecodingResult::I8(v) => v.get(i).map(|&v| f64::from(v)),
            DecodingResult::I16(v) => v.get(i).map(|&v| f64::from(v)),
            DecodingResult::I32(v) => v.get(i).map(|&v| f64::from(v)),
            DecodingResult::I64(v) => v.get(i).map(|&v| v as f64),
            DecodingResult::F16(v) => v.get(i).map(|&v| v.to_f64()),
            DecodingResult::F32(v) => v.get(i).map(|&v| f64::from(v)),
            DecodingResult::F64(v) => v.get(i).copied(),
        }
    }

    fn scale(&self) -> Scale {
        let power = |n: usize| 2_f64.powi(n as i32);
        let (full, signed) = match &self.samples {
            DecodingResult::F16(_) | DecodingResult::F32(_) | DecodingResult::F64(_) => {
                (1.0, false)
            }
            DecodingResult::I8(_)
            | DecodingResult::I16(_)
            | DecodingResult::I32(_)
            | DecodingResult::I64(_) => (power(self.bits - 1), true),
            _ => (power(self.bits) - 1.0, false),
        };
        Scale {
            full,
            half: if full == 1.0 && self.bits > 1 {
                0.5
            } else {
                power(self.bits - 1)
            },
            signed,
        }
    }
}

const JPEG: u16 = 7;

fn compression(decoder: &mut Decoder<Disguise>) -> Result<u16, TiffError> {
    let method = decoder.find_tag_unsigned::<u16>(Tag::Compression)?;
    Ok(method.unwrap_or(1))
}

/// Where the JPEG data of every strip or tile stand; its decoder does not say when they end too early.
struct JpegChunks<'a> {
    content: &'a Content,
    tables: Vec<u8>,
    places: Vec<(u64, u64)>,
}

impl<'a> JpegChunks<'a> {
    /// Those of a page that is compressed with JPEG.
    fn of(
        decoder: &mut Decoder<Disguise>,
        content: &'a Content,
    ) -> Result<Option<Self>, TiffError> {
        if compression(decoder)? != JPEG {
            return Ok(None);
        }
        let (offsets, lengths) = match decoder.get_chunk_type() {
            ChunkType::Strip => (Tag::StripOffsets, Tag::StripByteCounts),
            ChunkType::Tile => (Tag::TileOffsets, Tag::TileByteCounts),
        };
        let offsets = decoder.get_tag_u64_vec(offsets)?;
        let lengths = decoder.get_tag_u64_vec(lengths)?;
        let tables = decoder.find_tag(Tag::JPEGTables)?;
        let tables = tables.map(|value| value.into_u8_vec()).transpose()?;
        Ok(Some(Self {
            content,
            tables: tables.unwrap_or_default(),
            places: offsets.into_iter().zip(lengths).collect(),
        }))
    }

    /// Refuses a chunk whose data end too early.
    fn check(&self, name: &Path, index: usize) -> Result<()> {
        let failed = |source| Error::unread(name, source);
        let Some(&(at, length)) = self.places.get(index) else {
            return Ok(()); // the decoder has its own words for it
        };
        let mut bytes = self.content.open().map_err(failed)?;
        bytes.seek(SeekFrom::Start(at)).map_err(failed)?;
        let mut data = Vec::new();
        bytes.take(length).read_to_end(&mut data).map_err(failed)?;
        // The tables are an image without data: its end and the beginning of the other meet.
        if let (Some(tables), Some(rest)) = (
            self.tables.get(..self.tables.len().saturating_sub(2)),
            data.get(2..),
        ) && !self.tables.is_empty()
        {
            data = [tables, rest].concat();
        }
        match jpeg::decode(&data) {
            Some(pixels) if !jpeg::is_whole(&data, &pixels) => {
                Err(Error::bad_file(name, jpeg::CUT))
            }
            _ => Ok(()),
        }
    }
}

/// A file in which a few bytes are read as others.
struct Disguise {
    bytes: Box<dyn Bytes>,
    position: u64,
    changes: Vec<(u64, Vec<u8>)>,
}

impl Read for Disguise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        for (at, bytes) in &self.changes {
            for (place, &byte) in (*at..).zip(bytes) {
                let inside = place.checked_sub(self.position);
                if let Some(i) = inside.filter(|&i| i < count as u64) {
                    buffer[i as usize] = byte;
                }
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Disguise {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.bytes.seek(to)?;
        Ok(self.position)
    }
}

/// An entry of a directory.
struct Entry {
    tag: u64,
    kind: u64,
    count: u64,
    /// Where its value stands, if that fits in, and where it says what place it has, if not.
    at: u64,
}

impl Layout {
    /// How numbers are stored, and where the first directory stands.
    fn read(bytes: &mut impl Read) -> io::Result<(Self, u64)> {
        let mut head = [0; 8];
        bytes.read_exact(&mut head)?;
        let layout = Self {
            big_endian: head[0] == b'M',
            big: head[2..4].contains(&43),
        };
        if !layout.big {
            return Ok((layout, layout.value(&head[4..])));
        }
        let mut first = [0; 8];
        bytes.read_exact(&mut first)?;
        Ok((layout, layout.value(&first)))
    }

    fn value(&self, bytes: &[u8]) -> u64 {
        let join = |value, &byte: &u8| value << 8 | u64::from(byte);
        if self.big_endian {
            bytes.iter().fold(0, join)
        } else {
            bytes.iter().rev().fold(0, join)
        }
    }

    /// A number in so many bytes.
    fn number(&self, value: u64, len: usize) -> Vec<u8> {
        if self.big_endian {
            value.to_be_bytes()[8 - len..].to_vec()
        } else {
            value.to_le_bytes()[..len].to_vec()
        }
    }

    /// The entries of the directory at a place, and where the next one is.
    fn directory(&self, bytes: &mut (impl Read + Seek), at: u64) -> io::Result<(Vec<Entry>, u64)> {
        let read = |bytes: &mut dyn Read, len: usize| -> io::Result<u64> {
            let mut buffer = [0; 8];
            bytes.read_exact(&mut buffer[..len])?;
            Ok(self.value(&buffer[..len]))
        };
        let (count_len, place_len) = if self.big { (8, 8) } else { (2, 4) };
        bytes.seek(SeekFrom::Start(at))?;
        let count = read(bytes, count_len)?;
        if count > 1 << 16 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a directory of its pages is damaged",
            ));
        }
        let mut entries = Vec::new();
        let entry_len = 4 + 2 * place_len as u64;
        for i in 0..count {
            let tag = read(bytes, 2)?;
            let kind = read(bytes, 2)?;
            let count = read(bytes, place_len)?;
            read(bytes, place_len)?;
            let at = at
                .saturating_add(count_len as u64 + i * entry_len)
                .saturating_add(4 + place_len as u64);
            entries.push(Entry {
                tag,
                kind,
                count,
                at,
            });
        }
        let next = read(bytes, place_len)?;
        Ok((entries, next))
    }

    /// The bytes of an entry, at most so many of them.
    fn bytes_of(
        &self,
        bytes: &mut (impl Read + Seek),
        entry: &Entry,
        most: usize,
    ) -> io::Result<Vec<u8>> {
        let item = match entry.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 | 17 | 18 => 8,
            _ => return Ok(Vec::new()),
        };
        let len = entry.count.saturating_mul(item);
        let place_len = if self.big { 8 } else { 4 };
        let mut at = entry.at;
        if len > place_len {
            let mut place = [0; 8];
            bytes.seek(SeekFrom::Start(at))?;
            bytes.read_exact(&mut place[..place_len as usize])?;
            at = self.value(&place[..place_len as usize]);
        }
        bytes.seek(SeekFrom::Start(at))?;
        let mut value = Vec::new();
        bytes.take(len.min(most as u64)).read_to_end(&mut value)?;
        if (value.len() as u64) < len.min(most as u64) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(value)
    }

    /// The whole numbers of an entry.
    fn numbers(&self, bytes: &mut (impl Read + Seek), entry: &Entry) -> io::Result<Vec<u64>> {
        let item = match entry.kind {
            1 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            _ => return Ok(Vec::new()),
        };
        let value = self.bytes_of(bytes, entry, MOST_SAMPLES * item)?;
        Ok(value
            .chunks_exact(item)
            .map(|bytes| self.value(bytes))
            .collect())
    }

    /// What a directory tells, and where the next one is.
    fn page(&self, bytes: &mut (impl Read + Seek), at: u64) -> io::Result<(Page, u64)> {
        let (entries, next) = self.directory(bytes, at)?;
        let mut page = Page {
            at,
            samples: 1,
            ..Page::default()
        };
        for entry in &entries {
            // Only these are looked at, since every one may lie elsewhere.
            if !matches!(
                entry.tag,
                254 | 256 | 257 | 262 | 266 | 274 | 277 | 322 | 323 | 330 | 338
            ) {
                continue;
            }
            let numbers = self.numbers(bytes, entry)?;
            let Some(&number) = numbers.first() else {
                continue;
            };
            let place = match entry.kind {
                3 => Some((entry.at, 2)),
                4 => Some((entry.at, 4)),
                _ => None,
            };
            match entry.tag {
                254 => page.secondary = number & 0b101 != 0,
                256 | 257 => {
                    let axis = 257 - entry.tag as usize;
                    page.size[axis] = number as usize;
                    page.size_at[axis] = place;
                }
                262 => {
                    page.photometric = number;
                    page.photometric_at = place;
                }
                266 => page.reversed_bits = number == 2,
                274 => page.orientation = Orientation::from_exif(number.min(255) as u8),
                277 => page.samples = (number as usize).min(MOST_SAMPLES),
                322 => page.tile[1] = number as usize,
                323 => page.tile[0] = number as usize,
                330 => page.has_sub_directories = true,
                _ => page.extras = numbers,
            }
        }
        if page.size.contains(&0) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "a page of it has no pixels: {} x {}",
                    page.size[0], page.size[1]
                ),
            ));
        }
        Ok((page, next))
    }

    /// How many images the description of the first page promises, if it does.
    fn described(&self, bytes: &mut (impl Read + Seek), first: u64) -> io::Result<Option<usize>> {
        let (entries, _) = self.directory(bytes, first)?;
        let Some(entry) = entries.iter().find(|entry| entry.tag == 270) else {
            return Ok(None);
        };
        let text = self.bytes_of(bytes, entry, 1 << 12)?;
        let text = String::from_utf8_lossy(&text);
        if !text.starts_with("ImageJ=") {
            return Ok(None);
        }
        let images = text.lines().find_map(|line| line.strip_prefix("images="));
        Ok(images.and_then(|number| number.trim().parse().ok()))
    }
}

/// Why the decoder refused a page.
fn refused(name: &Path, error: TiffError) -> Error {
    match error {
        TiffError::IoError(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            Error::bad_file(
                name,
                "it is cut off: samples of a page lie beyond its end; copy or save it again",
            )
        }
        TiffError::IoError(source) if source.get_ref().is_none() => Error::unread(name, source),
        TiffError::LimitsExceeded => Error::bad_file(name, TOO_LARGE),
        TiffError::UnsupportedError(reason) => Error::bad_file(
            name,
            format!(
                "{reason}; save it without compression or with deflate, in 8, 16 or 32 bits, or its numbers as .npy"
            ),
        ),
        other => Error::bad_file(name, format!("a page of it is damaged: {other}")),
    }
}

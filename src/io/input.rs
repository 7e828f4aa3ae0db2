//! [`InputFile`]: a file of images of any kind, known by its headers and read one image at a time.
//!
//! In comes a path or a stream; out come images `[channels, H, W]` in order, each with a label. What is known before
//! anything is decoded: how many images there are, the size of each, their leading axes.
//!
//! | kind | told by | its images | leading axes | labels |
//! | --- | --- | --- | --- | --- |
//! | picture | what `image` decodes | frames of a GIF, WebP or APNG; else one | `[frames]`, or none of one image | `a.gif#2` |
//! | TIFF | `II*`, `MM*` | pages, and in a page the samples that are neither colour nor alpha | `[pages]`, or none of one image | `a.tif#2` |
//! | NumPy | `\x93NUMPY` | the last two axes | all others | `a.npy[3, 0]` |
//! | NumPy archive | `PK` | those of its one array of images, or of the one that is named, `a.npz:key` | as above | `a.npz:key[3, 0]` |
//! | FITS | `SIMPLE` | those of its image extensions, or of the one that is named or counted, `a.fits:SCI` | of one extension its axes, of several `[images]` | `a.fits:SCI[3]` |
//!
//! Conventions that bite:
//! - A file is opened when its images are read and closed afterwards: a list of inputs holds no handles.
//! - `stack.tif#2` is the second image of `stack.tif`, counted from 1, for any kind; so labels are inputs again.
//! - What cannot be read twice (a pipe, a device) is kept in memory.

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ndarray::Array3;

use super::arrays;
use super::content::{Address, Content, Kind};
#[cfg(feature = "fits")]
use super::fits::Fits;
use super::npy::NpyFile;
use super::npz::Archive;
use super::options::{Color, ImageOptions, Pages};
use super::picture::Picture;
use super::pixels::{Decoded, finish};
use super::tiff::Tiff;
use crate::grid;
use crate::num::Real;
use crate::{Error, Result};

/// What an input is, as far as it matters to whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// An image file: its channels are colours, and it may be read as grey or as RGB.
    Image,
    /// An array of NumPy, or FITS: planes with leading axes, taken as they are.
    Array,
}

/// A file of images, of which the headers are known.
///
/// ```no_run
/// use wavelet_scattering::io::{ImageOptions, InputFile};
///
/// let input = InputFile::open("stack.tif", &ImageOptions::default())?;
/// println!("{} images, the first of {:?} samples", input.len(), input.size(0));
/// for (index, image) in input.images::<f32>()?.enumerate() {
///     println!("{}: {:?}", input.label(index), image?.shape());
/// }
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug)]
pub struct InputFile {
    /// What errors and labels call it.
    name: PathBuf,
    content: Content,
    format: Format,
    options: ImageOptions,
    /// Which of its images are read.
    selected: Range<usize>,
    /// Whether one of its arrays was asked for by name.
    key: bool,
}

/// The headers of each kind of file.
#[derive(Debug)]
enum Format {
    Picture(Picture),
    Tiff(Tiff),
    /// An array of NumPy; in an archive, and under which name.
    Array {
        archive: Option<(Archive, String)>,
        /// As it is read: a last axis of channels has been moved before the rows.
        shape: Vec<usize>,
    },
    #[cfg(feature = "fits")]
    Fits(Fits),
}

impl InputFile {
    /// Opens a file and reads its headers. A path may end in the address of images within the file, `data.npz:key` or
    /// `stack.tif#2`, if there is no file of that name.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read; [`Error::BadFile`] if it is no file of images, or has none at the address
    /// or in the pages wanted; [`Error::InvalidParameter`] for options that do not apply to its kind;
    /// [`Error::OutOfMemory`] for a stream that does not fit.
    pub fn open(path: impl AsRef<Path>, options: &ImageOptions) -> Result<Self> {
        let (file, content, address) = Content::find(path.as_ref())?;
        Self::new(&file, content, address, options)
    }

    /// Everything that a stream gives, told by its content; `name` is what errors and labels call it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(
        name: impl AsRef<Path>,
        stream: impl Read,
        options: &ImageOptions,
    ) -> Result<Self> {
        let name = name.as_ref();
        let content = Content::read(name, stream)?;
        Self::new(name, content, Address::default(), options)
    }

    fn new(
        name: &Path,
        content: Content,
        address: Address,
        options: &ImageOptions,
    ) -> Result<Self> {
        options.check()?;
        let start = |content: &Content| {
            content
                .start::<16>()
                .map_err(|source| Error::unread(name, source))
        };
        let mut content = content;
        let mut kind = Kind::of(&start(&content)?);
        if kind == Kind::Gzip {
            content = content.unpacked(name)?;
            kind = Kind::of(&start(&content)?);
        }
        let key = address.key.as_deref();
        let format = match kind {
            Kind::Npy => {
                let array = NpyFile::of(name, &content)?;
                Format::array(name, &array, None, options)?
            }
            Kind::Zip => {
                let archive = Archive::open(name, &content)?;
                let (key, array) = match key {
                    Some(key) => (key.to_string(), archive.array(key)?),
                    None => archive.images()?,
                };
                Format::array(name, &array, Some((archive, key)), options)?
            }
            #[cfg(feature = "fits")]
            Kind::Fits => Format::Fits(Fits::open(name, &content, key)?),
            #[cfg(not(feature = "fits"))]
            Kind::Fits => {
                return Err(Error::bad_file(
                    name,
                    "it is a FITS file, and this library was built without the feature fits",
                ));
            }
            Kind::Tiff => Format::Tiff(Tiff::open(name, &content)?),
            Kind::Picture | Kind::Gzip => Format::Picture(Picture::open(name, &content)?),
        };
        if let (Some(key), Kind::Npy | Kind::Tiff | Kind::Picture | Kind::Gzip) = (key, kind) {
            return Err(Error::bad_file(
                name,
                format!(
                    "there is nothing called {key:?} in it; only arrays in .npz and FITS files have names"
                ),
            ));
        }
        let mut input = Self {
            name: name.to_path_buf(),
            content,
            format,
            options: options.clone(),
            selected: 0..0,
            key: address.key.is_some(),
        };
        input.check()?;
        input.selected = input.select(address.page)?;
        Ok(input)
    }

    /// Whether the options apply to this kind of file.
    fn check(&self) -> Result<()> {
        let refuse = |name, value: &str, limit: &str| {
            Err(Error::InvalidParameter {
                name,
                value: value.to_string(),
                limit: format!("{} {limit}", self.name.display()),
            })
        };
        match self.kind() {
            InputKind::Image if self.options.channels_last => refuse(
                "channels_last",
                "true",
                "is an image file, whose channels are known; it applies to arrays",
            ),
            InputKind::Array if self.options.color == Color::Rgb => refuse(
                "color",
                "rgb",
                "holds arrays, whose channels are a leading axis; it applies to image files",
            ),
            _ => Ok(()),
        }
    }

    /// Which images are wanted.
    fn select(&self, page: Option<usize>) -> Result<Range<usize>> {
        let all = self.count();
        let pages = match page {
            Some(n) => Pages::Range { from: n, to: n },
            None => self.options.pages,
        };
        match pages {
            Pages::All => Ok(0..all),
            Pages::First => Ok(0..1),
            Pages::Range { from, to } if from >= 1 && from <= to && to <= all => Ok(from - 1..to),
            Pages::Range { .. } => Err(Error::bad_file(
                &self.name,
                format!("pages {pages} are wanted, and it holds {all}, counted from 1"),
            )),
        }
    }

    /// The file, or the name that a stream was given.
    pub fn path(&self) -> &Path {
        &self.name
    }

    /// Whether it is an image file or an array.
    pub fn kind(&self) -> InputKind {
        match self.format {
            Format::Picture(_) | Format::Tiff(_) => InputKind::Image,
            Format::Array { .. } => InputKind::Array,
            #[cfg(feature = "fits")]
            Format::Fits(_) => InputKind::Array,
        }
    }

    /// Number of images that are read, at least 1.
    #[allow(clippy::len_without_is_empty)] // there is no file of no images
    pub fn len(&self) -> usize {
        self.selected.len()
    }

    /// The axes that its images are arranged in: of an array those before the last two, of a file of several images their
    /// number; none of one image. With [`Pages`] other than all, the number of images.
    pub fn leading(&self) -> Vec<usize> {
        if self.selected.len() < self.count() {
            return vec![self.len()];
        }
        self.axes()
    }

    /// Channels of each image as it is read: 1, or 3 of an image file in RGB.
    pub fn channels(&self) -> usize {
        self.options.color.channels()
    }

    /// Height and width of an image as it is read: upright, and resized if that is asked for.
    ///
    /// # Panics
    /// For an index that is not below [`len`](Self::len).
    pub fn size(&self, index: usize) -> [usize; 2] {
        let index = self.index(index);
        self.options.resize.unwrap_or_else(|| match &self.format {
            Format::Picture(picture) => picture.size(),
            Format::Tiff(tiff) => tiff.size(index),
            Format::Array { shape, .. } => last_two(shape),
            #[cfg(feature = "fits")]
            Format::Fits(fits) => fits.size(index),
        })
    }

    /// What tables call an image: the file, and behind it which of several images it is.
    ///
    /// # Panics
    /// For an index that is not below [`len`](Self::len).
    pub fn label(&self, index: usize) -> String {
        let index = self.index(index);
        let name = self.name.display();
        match &self.format {
            Format::Picture(_) | Format::Tiff(_) if self.count() == 1 => name.to_string(),
            Format::Picture(_) | Format::Tiff(_) => format!("{name}#{}", index + 1),
            Format::Array { archive, .. } => {
                let key = match archive {
                    Some((_, key)) if self.key => format!(":{key}"),
                    _ => String::new(),
                };
                match self.axes().as_slice() {
                    [] => format!("{name}{key}"),
                    axes => format!("{name}{key}{:?}", grid::position(index, axes)),
                }
            }
            #[cfg(feature = "fits")]
            Format::Fits(fits) => format!("{name}{}", fits.label(index)),
        }
    }

    /// Reads the images in order. The file is open as long as the iterator lives.
    ///
    /// After an image that cannot be read come those that do not depend on it: the next pages of a TIFF, but nothing more
    /// of an array that is cut off.
    ///
    /// **Shape** of each `[channels, H, W]`.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be opened. Of each image: [`Error::File`]; [`Error::BadFile`] if it is damaged,
    /// cut off, or of a kind that cannot be decoded; [`Error::OutOfMemory`].
    pub fn images<T: Real>(&self) -> Result<Images<T>> {
        self.images_in(0..self.len())
    }

    /// As [`images`](Self::images), those at the indices given. An array is read from there on; a TIFF jumps to the page;
    /// what is compressed as a whole (an `.npz` by `savez_compressed`, an animation) is decoded from its beginning.
    ///
    /// # Errors
    /// As [`images`](Self::images).
    ///
    /// # Panics
    /// For a range that reaches beyond [`len`](Self::len).
    pub fn images_in<T: Real>(&self, range: Range<usize>) -> Result<Images<T>> {
        assert!(range.start <= range.end && range.end <= self.len());
        let range = self.selected.start + range.start..self.selected.start + range.end;
        let options = self.options.clone();
        let name = self.name.clone();
        let left = range.len();
        let images: Box<dyn Iterator<Item = Result<Array3<T>>>> = match options.resize {
            None => Box::new(
                self.planes::<T>(range)?
                    .map(move |planes| finish(&name, planes?, &options)),
            ),
            Some(_) => Box::new(
                self.planes::<f64>(range)?
                    .map(move |planes| finish(&name, planes?, &options)),
            ),
        };
        Ok(Images { images, left })
    }

    fn planes<S: Real>(&self, range: Range<usize>) -> Result<Decoded<S>> {
        let (name, content, options) = (&self.name, &self.content, &self.options);
        match &self.format {
            Format::Picture(picture) => picture.planes(name, content, options, range),
            Format::Tiff(tiff) => Ok(tiff.planes(name, content, options, range)),
            Format::Array { archive, shape } => {
                let file = match archive {
                    Some((archive, key)) => archive.array(key)?,
                    None => NpyFile::of(name, content)?,
                };
                arrays::planes(file, shape, options, range)
            }
            #[cfg(feature = "fits")]
            Format::Fits(fits) => fits.planes(name, content, options, range),
        }
    }

    /// Number of images in the file.
    fn count(&self) -> usize {
        self.axes().iter().product()
    }

    /// The axes of all images of the file.
    fn axes(&self) -> Vec<usize> {
        match &self.format {
            Format::Picture(picture) => several(picture.count()),
            Format::Tiff(tiff) => several(tiff.count()),
            Format::Array { shape, .. } => shape[..shape.len() - 2].to_vec(),
            #[cfg(feature = "fits")]
            Format::Fits(fits) => fits.axes(),
        }
    }

    /// The index in the file of an image that is read.
    fn index(&self, index: usize) -> usize {
        assert!(
            index < self.len(),
            "image {index} of {} in {}",
            self.len(),
            self.name.display()
        );
        self.selected.start + index
    }
}

impl Format {
    /// An array of NumPy, if it is one of images.
    fn array(
        name: &Path,
        array: &NpyFile,
        archive: Option<(Archive, String)>,
        options: &ImageOptions,
    ) -> Result<Self> {
        let shape = arrays::shape(name, array.shape(), options)?;
        Ok(Format::Array { archive, shape })
    }
}

/// The axes of so many images of a file: none of one.
fn several(count: usize) -> Vec<usize> {
    if count == 1 { Vec::new() } else { vec![count] }
}

fn last_two(shape: &[usize]) -> [usize; 2] {
    [shape[shape.len() - 2], shape[shape.len() - 1]]
}

/// The images of an [`InputFile`], in order.
pub struct Images<T> {
    images: Box<dyn Iterator<Item = Result<Array3<T>>>>,
    left: usize,
}

impl<T> std::fmt::Debug for Images<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Images({} left)", self.left)
    }
}

impl<T> Iterator for Images<T> {
    type Item = Result<Array3<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        self.images.next()
    }
}

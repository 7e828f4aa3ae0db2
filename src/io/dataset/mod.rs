//! [`read_dataset`]: labelled images or sounds to train and to test on, from the files that data sets come as.
//!
//! In comes a folder or a file; out come two [`LabelledImages`], `[n, channels, rows, columns]` in [0, 1] with a class
//! for each image, or `[n, 1, 1, samples]` of sounds. What is read, in this order:
//!
//! - **IDX**, as MNIST: a folder with images and labels, each for training and for testing.
//! - **CIFAR-10, binary version**: a folder with `data_batch*` or `train*`, and `test*`, ending in `.bin`.
//! - **NumPy**: an `.npz` with `x` and `y`, or `images` and `labels`, or the same with `_train` and `_test` behind; or a
//!   folder with one for training and one for testing.
//! - **Sounds** (feature `sound`): one sub-folder per class, as of images, of any files that `SoundFile` opens; or files named
//!   `{digit}_{speaker}_{take}` in the folder or in its `recordings`, as those of the Free Spoken Digit Dataset.
//! - **Folders of images**: one sub-folder per class, in `train` and `test` or side by side, of any files that
//!   [`InputFile`](super::InputFile) opens; of a file of several images each has the class of its folder.
//! - **CSV**: one image a row, with its label, as scikit-learn's digits.
//!
//! Conventions that bite:
//! - A name belongs to training if it contains `train` or `data_batch`, to testing if it contains `test` or `t10k`. Any
//!   file may be compressed with gzip, which is told by its content.
//! - What comes without a test set is split by a fixed seed: of every class one half, rounded down, to train on. Such
//!   sets are small, and the error rate on few test images says little.
//! - Sets of sounds whose names say so are parted by their own rule: of spoken digits the takes 0 to 4 are tested, of class folders
//!   with files named `{fold}-{recording}-{take}`, as those of ESC-10, the highest fold.
//! - Classes are the labels that occur, any whole numbers or texts, in their order and under these names. Where a
//!   `classes.txt` or `batches.meta.txt` stands beside the files, a number is called by the line of that number, from 0 on.
//! - A path that is no folder is told by its content, so that it may be a pipe.
//! - Images of a set have one size. Files of several sizes are cropped around their centre to the smallest height and
//!   the smallest width, without scaling, which would move the frequencies in them; more than half is never cut away.
//! - Sounds of a set have one rate, and channels are mixed. Of sounds that are longer than wanted the middle is taken, shorter ones
//!   stand in the middle of zeros; as long as the longest is what is wanted if nothing else is said.
//! - A class folder with images or arrays in it is one of images, whatever sounds are beside them.
//!
//! Leaves out: downloading; labels other than one class per image.

mod cifar;
mod class_folders;
mod csv;
mod digits;
mod idx;
mod label;
mod labelled;
mod listing;
mod medium;
mod npz;
mod options;
mod packed;
mod part;
#[cfg(feature = "sound")]
mod sounds;

pub use labelled::LabelledImages;
pub use medium::Medium;
pub use options::DatasetOptions;

use std::fs;
use std::io;
use std::path::Path;

use label::{Classes, Label};
use listing::{Listing, class_names, lower_name, without_gz};
use part::{Part, Parts};

use super::content::{Content, Kind};
use super::options::ImageOptions;
use crate::{Error, Result};

/// The seed that parts a set which comes in one piece; the same on every machine, so that its test images stay test
/// images.
const SPLIT_SEED: u64 = 0;

/// With more different labels, labels were meant as something else.
const MAX_CLASSES: usize = 1 << 16;

/// A set of images or sounds to train on and another to test on, of the same size and the same classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The name of the folder or file.
    pub name: String,
    /// What the samples are.
    pub medium: Medium,
    /// What may be learned from.
    pub train: LabelledImages,
    /// What must not.
    pub test: LabelledImages,
}

/// Reads a data set; the [module](self) says which kinds there are and how they are told apart.
///
/// **Shape** both halves `[n, channels, rows, columns]`, channels, rows and columns the same in both; `[n, 1, 1, samples]` of sounds.
///
/// **Units** [0, 1]: integers of 8 and 16 bits are divided by 255 and 65535, the numbers of a CSV file by its largest,
/// floats have to lie there already. [−1, 1) of sounds that are stored as integers; those stored as floats stay as they are.
///
/// # Errors
/// [`Error::File`] for what cannot be read; [`Error::BadFile`] for anything that is not such a data set: files missing
/// or cut off, counts that differ, labels without a class, sounds of several rates; [`Error::OutOfMemory`] if the samples do not fit.
///
/// ```no_run
/// let digits = wavelet_scattering::io::read_dataset("mnist")?;
/// assert_eq!(digits.train.images.shape(), [60_000, 1, 28, 28]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn read_dataset(path: impl AsRef<Path>) -> Result<Dataset> {
    read_dataset_with(path, &DatasetOptions::default())
}

/// Reads a data set whose images or sounds are to be taken in a certain way.
///
/// Images in folders are taken as [`InputFile`](super::InputFile) takes them, but in their own colours and size; of a
/// file of several, each has the class of the folder. Of the other kinds [`ImageOptions::channels_last`] applies to
/// archives, and nothing else does.
///
/// # Errors
/// As [`read_dataset`]; [`Error::InvalidParameter`] for an option that does not apply.
pub fn read_dataset_with(path: impl AsRef<Path>, options: &DatasetOptions) -> Result<Dataset> {
    let path = path.as_ref();
    let about = fs::metadata(path).map_err(|source| Error::unread(path, source))?;
    if !about.is_dir() {
        let content = Content::of(path)?;
        let is_table = without_gz(&lower_name(path)).ends_with(".csv");
        // What is no file on a disk has no name that would tell.
        return read_one_file(path, &content, is_table || !about.is_file(), options);
    }
    let listing = Listing::new(path)?;
    let mut medium = Medium::Images;
    let is_plain = || check_options(path, options, Form::Table);
    let parts = if let Some(parts) = idx::read(&listing)? {
        is_plain()?;
        parts
    } else if let Some(parts) = cifar::read(&listing)? {
        is_plain()?;
        parts
    } else if let Some(parts) = npz::read(&listing, options.images.channels_last)? {
        check_options(path, options, Form::Archive)?;
        parts
    } else if let Some((parts, rate)) = read_sounds(&listing, options)? {
        check_options(path, options, Form::Sounds)?;
        medium = Medium::Sounds { rate };
        parts
    } else if let Some(parts) = class_folders::read(&listing, &options.images)? {
        check_options(path, options, Form::ImageFolders)?;
        parts
    } else if let Some(parts) = csv::read(&listing)? {
        is_plain()?;
        parts
    } else {
        return Err(Error::bad_file(
            path,
            "it holds no data set: neither IDX, CIFAR-10, .npz or .csv files, nor one sub-folder of images or sounds per class, nor \
             sounds named {digit}_{speaker}_{take}",
        ));
    };
    assemble(path, medium, parts, class_names(&listing)?)
}

/// Reads a data set that comes as a stream, an archive or a table, told by its content; `name` is what errors call it.
///
/// # Errors
/// As [`read_dataset_with`].
pub fn read_dataset_from(
    name: impl AsRef<Path>,
    stream: impl io::Read,
    options: &DatasetOptions,
) -> Result<Dataset> {
    let name = name.as_ref();
    read_one_file(name, &Content::read(name, stream)?, true, options)
}

/// An archive, or a table if it may be one.
fn read_one_file(
    path: &Path,
    content: &Content,
    may_be_a_table: bool,
    options: &DatasetOptions,
) -> Result<Dataset> {
    let unread = |source| Error::unread(path, source);
    let parts = match Kind::of(&content.start::<16>().map_err(unread)?) {
        // A file that has the name and not the content is refused as what it was meant to be.
        kind if kind == Kind::Zip || lower_name(path).ends_with(".npz") => {
            check_options(path, options, Form::Archive)?;
            npz::read_file(path, content, options.images.channels_last)?
        }
        _ if may_be_a_table => {
            check_options(path, options, Form::Table)?;
            let bytes = content.open().map_err(unread)?;
            csv::read_file(path, &packed::unpacked_bytes(path, bytes)?)?
        }
        _ => {
            return Err(Error::bad_file(
                path,
                "a data set is a folder, an .npz or a .csv; give the folder that holds this file",
            ));
        }
    };
    assemble(path, Medium::Images, parts, None)
}

/// The sounds of a folder and their rate, if it is a set of sounds.
fn read_sounds(listing: &Listing, options: &DatasetOptions) -> Result<Option<(Parts, f64)>> {
    #[cfg(feature = "sound")]
    return sounds::read(listing, options);
    #[cfg(not(feature = "sound"))]
    {
        let _ = (listing, options);
        Ok(None)
    }
}

/// What a data set comes as, as far as options care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Numbers without axes of their own.
    Table,
    /// Arrays.
    Archive,
    ImageFolders,
    Sounds,
}

/// Refuses options that do not apply to a data set of this form.
fn check_options(path: &Path, options: &DatasetOptions, form: Form) -> Result<()> {
    let usual = ImageOptions::default();
    let images = &options.images;
    let in_folders = form == Form::ImageFolders;
    let has_axes = in_folders || form == Form::Archive;
    let are_sounds = form == Form::Sounds;
    let asked = [
        ("color", images.color != usual.color, in_folders),
        ("resize", images.resize != usual.resize, in_folders),
        ("pages", images.pages != usual.pages, in_folders),
        ("values", images.values != usual.values, in_folders),
        ("nan", images.nan != usual.nan, in_folders),
        ("channels_last", images.channels_last, has_axes),
        ("resample", options.resample.is_some(), are_sounds),
        ("samples", options.samples.is_some(), are_sounds),
    ];
    let refused = asked
        .into_iter()
        .find(|&(_, asked, applies)| asked && !applies);
    let Some((option, ..)) = refused else {
        return Ok(());
    };
    let applies_to = match option {
        "resample" | "samples" => "sounds",
        _ => "images",
    };
    Err(Error::InvalidParameter {
        name: "option",
        value: option.to_string(),
        limit: format!(
            "it applies to folders of {applies_to}, and {} is none",
            path.display()
        ),
    })
}

/// The 5,000 handwritten digits that are compiled in, 4,000 to train on and 1,000 to test on, as `assets/mnist` has them.
///
/// # Errors
/// None, as long as what is compiled in is whole.
pub fn mnist_subset() -> Result<Dataset> {
    let path = Path::new("mnist-subset");
    assemble(path, Medium::Images, digits::mnist_subset()?, None)
}

/// Checks the halves against each other, splits a whole, and names the classes.
fn assemble(
    path: &Path,
    medium: Medium,
    parts: Parts,
    names: Option<Vec<String>>,
) -> Result<Dataset> {
    let Parts { train, test } = parts;
    let noun = medium.noun();
    // What occurs among the images that are learned from; of a whole, all of it.
    let classes = Classes::of(&train.labels);
    if classes.len() > MAX_CLASSES {
        return Err(Error::bad_file(
            path,
            format!(
                "its {noun}s have {} different labels, and at most {MAX_CLASSES} classes are told apart",
                classes.len()
            ),
        ));
    }
    let names = classes.names(names.as_deref()).map_err(|label| {
        let reason = format!(
            "there are {noun}s of class {label}, and the file of names has no line for it: lines are counted from 0"
        );
        Error::bad_file(path, reason)
    })?;
    // Of `.` and `..`, the folder they stand for.
    let name = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    let name = [".npz", ".csv"]
        .iter()
        .fold(without_gz(&name), |name, end| {
            name.strip_suffix(end).unwrap_or(name)
        });
    let name = name.to_string();
    let train_path = train.path.clone();
    let train = labelled(train, &classes, &names, noun)?;
    let (train, test) = match test {
        Some(test) => {
            let test_path = test.path.clone();
            let test = labelled(test, &classes, &names, noun)?;
            let [ours, theirs] = [&train, &test].map(|half| half.images.shape()[1..].to_vec());
            if ours != theirs {
                return Err(Error::bad_file(
                    &test_path,
                    format!(
                        "its images have shape {theirs:?} (channels, rows, columns), those of {} {ours:?}",
                        train_path.display()
                    ),
                ));
            }
            (train, test)
        }
        None => split(&train_path, &train, noun)?,
    };
    if names.len() < 2 {
        return Err(Error::bad_file(
            path,
            format!("all its training {noun}s are of one class; at least two are needed"),
        ));
    }
    Ok(Dataset {
        name,
        medium,
        train,
        test,
    })
}

/// A part with its labels as numbers of classes.
fn labelled(part: Part, classes: &Classes, names: &[String], noun: &str) -> Result<LabelledImages> {
    let Part {
        path,
        images,
        labels,
    } = part;
    if images.is_empty() {
        return Err(Error::bad_file(
            &path,
            format!(
                "its {noun}s have shape {:?}: there are no samples",
                images.shape()
            ),
        ));
    }
    let number = |(i, label): (usize, &Label)| {
        classes.number(label).ok_or_else(|| {
            let reason = format!(
                "test {noun} {i} is of class {label}, which no training {noun} is; do both halves belong together?"
            );
            Error::bad_file(&path, reason)
        })
    };
    let labels = labels.iter().enumerate().map(number);
    Ok(LabelledImages {
        labels: labels.collect::<Result<_>>()?,
        images,
        classes: names.to_vec(),
    })
}

/// One half of every class to train on, the other, which may be larger by one, to test on.
fn split(
    path: &Path,
    all: &LabelledImages,
    noun: &str,
) -> Result<(LabelledImages, LabelledImages)> {
    let [mut train, mut test] = [Vec::new(), Vec::new()];
    for (class, indices) in all.shuffled_by_class(SPLIT_SEED).iter().enumerate() {
        if indices.len() == 1 {
            return Err(Error::bad_file(
                path,
                format!(
                    "class {} has one {noun}; at least two are needed, one to train on and one to test on",
                    all.classes[class]
                ),
            ));
        }
        let (first, second) = indices.split_at(indices.len() / 2);
        train.extend(first);
        test.extend(second);
    }
    // As they came: whoever takes the first so many of a half should not get one class.
    train.sort_unstable();
    test.sort_unstable();
    Ok((all.select(&train)?, all.select(&test)?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::io;
    use std::path::PathBuf;

    use ndarray::{Array4, Axis};

    use super::*;

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/datasets")
            .join(name)
    }

    /// What `tests/data/datasets/README.md` promises of image n.
    fn expected(n: usize, rows: usize, scale: f32) -> Array4<f32> {
        Array4::from_shape_fn([1, 1, rows, 3], |(_, _, row, column)| {
            (20 * n + 3 * row + column) as f32 / scale
        })
    }

    /// Which of the twelve images stands at each place; all of them have to be as promised.
    fn numbers(half: &LabelledImages, scale: f32) -> Vec<usize> {
        let rows = half.images.shape()[2];
        let number = |i: usize| {
            let n = (half.images[[i, 0, 0, 0]] * scale / 20.0).round() as usize;
            let image = half.select(&[i]).unwrap().images;
            let difference = (&image - &expected(n, rows, scale)).mapv(f32::abs);
            assert!(difference.iter().all(|&d| d < 1e-6), "image {i}: {image}");
            assert_eq!(half.labels[i], n % 3);
            n
        };
        (0..half.len()).map(number).collect()
    }

    fn refusal(path: impl AsRef<Path>) -> String {
        let error = read_dataset(path).unwrap_err();
        assert!(
            matches!(error, Error::BadFile { .. } | Error::BadPath { .. }),
            "{error:?}"
        );
        error.to_string()
    }

    /// A copy of a folder with one file changed.
    fn with_change(folder: &str, file: &str, change: impl Fn(&mut Vec<u8>)) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(data(folder)).unwrap() {
            let from = entry.unwrap().path();
            fs::copy(&from, copy.path().join(from.file_name().unwrap())).unwrap();
        }
        let path = copy.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, bytes).unwrap();
        copy
    }

    #[test]
    fn halves_that_other_programs_wrote_are_read_as_they_were_meant() {
        for (name, scale) in [
            ("idx", 255.0),
            ("idx-gz", 255.0),
            ("npz", 255.0),
            ("halves", 255.0),
        ] {
            let set = read_dataset(data(name)).unwrap();
            assert_eq!(set.name, name);
            assert_eq!(set.train.images.shape(), [9, 1, 4, 3], "{name}");
            let sorted = |half| {
                let mut numbers = numbers(half, scale);
                numbers.sort_unstable();
                numbers
            };
            assert_eq!(sorted(&set.train), (0..9).collect::<Vec<_>>(), "{name}");
            assert_eq!(sorted(&set.test), [9, 10, 11], "{name}");
        }
        let order = |name| numbers(&read_dataset(data(name)).unwrap().train, 255.0);
        assert_eq!(
            order("idx-gz"),
            (0..9).collect::<Vec<_>>(),
            "in the order of the file"
        );
        assert_eq!(
            order("halves"),
            [0, 3, 6, 1, 4, 7, 2, 5, 8],
            "by class, then by name"
        );
        assert_eq!(
            read_dataset(data("halves")).unwrap().test.classes,
            ["a", "b", "c"]
        );
        assert_eq!(
            read_dataset(data("idx")).unwrap().test.classes,
            ["0", "1", "2"]
        );
    }

    #[test]
    fn channels_may_stand_last_in_an_archive_and_have_16_bits() {
        let set = read_dataset(data("halves.npz")).unwrap();
        assert_eq!(set.name, "halves");
        assert_eq!(set.train.images.shape(), [9, 3, 4, 3]);
        let first = set
            .train
            .images
            .slice(ndarray::s![.., ..1, .., ..])
            .to_owned();
        let first = LabelledImages {
            images: first,
            ..set.train.clone()
        };
        assert_eq!(numbers(&first, 65535.0), (0..9).collect::<Vec<_>>());
        let step =
            &set.train.images.index_axis(Axis(1), 2) - &set.train.images.index_axis(Axis(1), 0);
        assert!(step.iter().all(|d| (d - 2.0 / 65535.0).abs() < 1e-8));
    }

    #[test]
    fn cifar_records_of_all_batches_follow_each_other() {
        let set = read_dataset(data("cifar")).unwrap();
        assert_eq!(set.train.images.shape(), [4, 3, 32, 32]);
        // Of the ten names those of the classes that occur, 6 to 9.
        assert_eq!(set.train.classes, ["frog", "horse", "ship", "truck"]);
        assert_eq!(
            (set.train.labels, set.test.labels),
            (vec![3, 2, 1, 0], vec![2, 1])
        );
        for ((n, c, row, column), &sample) in set.train.images.indexed_iter() {
            let value = [row, column, 10 * n][c];
            assert_eq!(sample, value as f32 / 255.0);
        }
    }

    #[test]
    fn a_whole_is_split_into_halves_of_every_class_and_always_the_same_ones() {
        for (name, rows, scale) in [
            ("whole.npz", 4, 255.0),
            ("folders", 4, 255.0),
            ("digits.csv.gz", 3, 228.0),
            ("header.csv", 3, 228.0),
        ] {
            let set = read_dataset(data(name)).unwrap();
            assert_eq!(set.train.images.shape(), [6, 1, rows, 3], "{name}");
            let [train, test] = [&set.train, &set.test].map(|half| numbers(half, scale));
            let all: BTreeSet<_> = train.iter().chain(&test).collect();
            assert_eq!(all.len(), 12, "{name}: none is lost or twice there");
            for half in [&set.train, &set.test] {
                for class in 0..3 {
                    assert_eq!(
                        half.labels.iter().filter(|&&l| l == class).count(),
                        2,
                        "{name}"
                    );
                }
            }
            assert_eq!(set, read_dataset(data(name)).unwrap(), "{name}");
        }
    }

    #[test]
    fn idx_files_that_are_cut_off_or_something_else_say_so() {
        let images = "train-images-idx3-ubyte";
        let labels = "train-labels-idx1-ubyte";
        type Change = dyn Fn(&mut Vec<u8>);
        let cases: [(&str, &Change, &str); 8] = [
            (
                images,
                &|b| b.truncate(60),
                "cut off: [9, 4, 3] needs 108 bytes and 44 are there",
            ),
            (images, &|b| b.truncate(9), "ends within its IDX header"),
            (images, &|b| b.truncate(2), "no IDX file"),
            (images, &|b| b.push(0), "more than the 108"),
            (images, &|b| b[0] = 0x89, "[89, 00, 08, 03]"),
            (images, &|b| b[2] = 0x0D, "type is 0x0d"),
            (labels, &|b| b[3] = 3, "3 axes, and 1 is needed"),
            (labels, &|b| b.clear(), "no IDX file"),
        ];
        for (file, change, part) in cases {
            let folder = with_change("idx", file, change);
            let message = refusal(folder.path());
            assert!(
                message.contains(part) && message.contains(file),
                "{message}"
            );
        }
        let huge = with_change("idx", images, |b| b[4..16].fill(0xFF));
        assert!(refusal(huge.path()).contains("cut off"));
    }

    #[test]
    fn labels_that_do_not_fit_the_images_are_counted_out() {
        let labels = "train-labels-idx1-ubyte";
        let fewer = with_change("idx", labels, |b| {
            b.pop();
            b[7] = 8;
        });
        assert!(refusal(fewer.path()).contains("8 labels for the 9 images"));
        let unknown = with_change("idx", "t10k-labels-idx1-ubyte", |b| b[8] = 7);
        assert!(refusal(unknown.path()).contains("class 7, which no training image is"));
        fs::write(unknown.path().join("classes.txt"), "x\ny\nz\n").unwrap();
        assert!(refusal(unknown.path()).contains("class 7, which no training image is"));
        fs::write(unknown.path().join("classes.txt"), "x\ny\n").unwrap();
        assert!(
            refusal(unknown.path()).contains("class 2, and the file of names has no line for it")
        );
        let one = with_change("idx", labels, |b| b[8..].fill(0));
        fs::copy(
            data("idx").join("t10k-labels-idx1-ubyte"),
            one.path().join("t10k-labels-idx1-ubyte"),
        )
        .unwrap();
        assert!(refusal(one.path()).contains("no training image"));
    }

    #[test]
    fn files_that_are_missing_or_doubled_are_named() {
        let folder = with_change("idx", "train-labels-idx1-ubyte", |_| {});
        let path = folder.path();
        fs::copy(
            data("idx-gz").join("train-labels-idx1-ubyte.gz"),
            path.join("train-labels-idx1-ubyte.gz"),
        )
        .unwrap();
        assert!(
            read_dataset(path).is_ok(),
            "a compressed twin is no second file"
        );
        fs::write(path.join("train2-labels-idx1-ubyte"), "").unwrap();
        assert!(refusal(path).contains("2 files of training labels"));
        fs::remove_file(path.join("train2-labels-idx1-ubyte")).unwrap();
        fs::remove_file(path.join("t10k-labels-idx1-ubyte")).unwrap();
        assert!(refusal(path).contains("no file of test labels"));

        let cifar = with_change("cifar", "test_batch.bin.gz", |_| {});
        fs::remove_file(cifar.path().join("test_batch.bin.gz")).unwrap();
        assert!(refusal(cifar.path()).contains("no .bin file of test images"));
        let npz = with_change("npz", "digits_test.npz", |_| {});
        fs::rename(
            npz.path().join("digits_test.npz"),
            npz.path().join("rest.npz"),
        )
        .unwrap();
        assert!(refusal(npz.path()).contains("no file of test images"));
        assert!(matches!(
            read_dataset(path.join("absent")),
            Err(Error::File { .. })
        ));
        let empty = tempfile::tempdir().unwrap();
        assert!(refusal(empty.path()).contains("no data set"));
        assert!(refusal(data("README.md")).contains("give the folder"));
    }

    #[test]
    fn damaged_gzip_and_foreign_records_are_errors_of_their_file() {
        let file = "data_batch_1.bin.gz";
        let message =
            |change: &dyn Fn(&mut Vec<u8>)| refusal(with_change("cifar", file, change).path());
        assert!(message(&|b| b.truncate(b.len() / 2)).contains("gzip data is cut off"));
        assert!(message(&|b| b[12] ^= 0xFF).contains("gzip data is damaged"));
        assert!(message(&|b| *b = vec![0; 3000]).contains("no multiple of the 3073"));
        assert!(message(&|b| *b = vec![0; 3074 * 2]).contains("CIFAR-100"));
        assert!(message(&|b| *b = vec![10; 3073]).contains("label 0 is 10"));
    }

    #[test]
    fn archives_without_the_right_arrays_say_which_they_have() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npz");
        type Entry<'a> = (&'a str, &'a [usize], &'a [f32]);
        let write = |arrays: &[Entry]| {
            let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
            for (name, shape, samples) in arrays {
                let npy = folder.path().join("x.npy");
                let mut stack = crate::io::NpyStack::create(&npy, shape, &[]).unwrap();
                stack.push(samples).unwrap();
                stack.finish(&[]).unwrap();
                zip.start_file(
                    format!("{name}.npy"),
                    zip::write::SimpleFileOptions::default(),
                )
                .unwrap();
                io::copy(&mut File::open(npy).unwrap(), &mut zip).unwrap();
            }
            zip.finish().unwrap();
        };
        let four: &[f32] = &[0.0, 0.5, 1.0, 0.5];
        let y: Entry = ("y", &[4], &[0.0, 1.0, 0.0, 1.0]);
        write(&[("x", &[4, 1, 1], four), y]);
        assert_eq!(read_dataset(&path).unwrap().train.len(), 2);
        let cases: [(&[Entry], &str); 6] = [
            (&[("data", &[4, 1, 1], four), y], "it holds data, y"),
            (&[("x", &[4], four), y], "x has shape [4]"),
            (
                &[("x", &[4, 1, 1], &[0.0, 16.0, 1.0, 2.0]), y],
                "x has a sample 16",
            ),
            (
                &[("x", &[4, 1, 1], &[0.0, f32::NAN, 1.0, 0.0]), y],
                "x has a sample NaN",
            ),
            (
                &[("x", &[4, 1, 1], four), ("y", &[4], &[0.0, 0.5, 1.0, 1.0])],
                "label 0.5",
            ),
            (
                &[("x", &[4, 1, 1], four), ("y", &[3], &[0.0, 1.0, 1.0])],
                "3 labels for the 4 images",
            ),
        ];
        for (arrays, part) in cases {
            write(arrays);
            let message = refusal(&path);
            assert!(message.contains(part), "{message}");
        }
        fs::write(&path, "no archive").unwrap();
        assert!(refusal(&path).contains("archive of arrays"));
    }

    #[test]
    fn images_that_cropping_would_ruin_and_folders_without_images_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let image = |name: &str, width, height| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            crate::io::write_png(
                path,
                &crate::raster::Raster::filled(width, height, [9, 9, 9]),
            )
            .unwrap();
        };
        for name in ["a/1.png", "a/2.png", "b/1.png", "b/2.png"] {
            image(name, 5, 4);
        }
        image("b/3.png", 4, 3);
        assert_eq!(
            read_dataset(folder.path()).unwrap().train.images.shape(),
            [2, 1, 3, 4]
        );
        image("b/4.png", 11, 4);
        let message = refusal(folder.path());
        assert!(
            message.contains("4.png") && message.contains("4 rows and 11 columns"),
            "{message}"
        );
        fs::remove_file(folder.path().join("b/4.png")).unwrap();
        image("c/1.png", 5, 4);
        assert!(refusal(folder.path()).contains("class c has one image"));
        fs::remove_file(folder.path().join("c/1.png")).unwrap();
        assert!(refusal(folder.path()).contains("holds no images"));
    }

    #[test]
    fn tables_with_holes_or_odd_rows_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let cases = [
            ("1,2,3,4,0\n1,x,3,4,1\n", "row 2, column 2 holds \"x\""),
            ("1,2,3,4,0\n1,-2,3,4,1\n", "numbers from 0 on"),
            ("1,2,3,4,0\n1,2,3,4\n", "no table"),
            ("1,2,3,0\n1,2,3,1\n", "3 samples beside the label; a square"),
            ("1,2,3,4,0.5\n", "a label is a whole number or a text"),
            ("1,2,3,4,\n", "a label is a whole number or a text"),
            ("", "0 rows"),
            ("1,2,3,4,-7\n1,2,3,4,70000\n", "class -7 has one image"),
            ("1,2,3,4,cat\n1,2,3,4,dog\n", "class cat has one image"),
            ("1,2,3,4,0\n1,2,3,4,0\n", "of one class"),
        ];
        for (text, part) in cases {
            fs::write(&path, text).unwrap();
            let message = refusal(&path);
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn classes_are_the_labels_that_occur_under_their_own_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let classes = |text: &str| {
            fs::write(&path, text).unwrap();
            let set = read_dataset(&path).unwrap();
            assert_eq!(set.train.classes, set.test.classes);
            let mut labels = set.train.labels.clone();
            labels.sort_unstable();
            labels.dedup();
            assert_eq!(labels, (0..set.train.classes.len()).collect::<Vec<_>>());
            (set.train.len(), set.train.classes)
        };
        for (labels, expected) in [
            (["1", "26"], ["1", "26"]),
            (["70000", "-7"], ["-7", "70000"]),
            (
                ["18446744073709551616", "3.0"],
                ["3", "18446744073709551616"],
            ),
            (["dog", "a, \"b\""], ["a, \"b\"", "dog"]),
            (["n", "y"], ["n", "y"]),
            (["y", "n"], ["n", "y"]),
        ] {
            let quoted = labels.map(|label| format!("\"{}\"", label.replace('"', "\"\"")));
            let row = |k: usize| format!("0,{k},1,2,{}\n", quoted[k % 2]);
            let text: String = (0..8).map(row).collect();
            assert_eq!(classes(&text), (4, expected.map(String::from).to_vec()));
            let text = format!(
                "label,a,b,c,d\n{}",
                (0..8)
                    .map(|k| format!("{},0,{k},1,2\n", quoted[k % 2]))
                    .collect::<String>()
            );
            assert_eq!(classes(&text), (4, expected.map(String::from).to_vec()));
        }
        // Column names that are numbers, as pandas writes them; and one of the labels is a column's name.
        let text = "0,1,2,3,target\n0,1,2,3,1\n0,1,2,3,1\n0,1,2,3,2\n0,1,2,3,2\n";
        assert_eq!(classes(text), (2, vec!["1".into(), "2".into()]));
    }

    #[test]
    fn labels_of_idx_files_may_be_any_integers() {
        let labels = "train-labels-idx1-ubyte";
        let as_words = |b: &mut Vec<u8>, offset: i32| {
            let words = b[8..]
                .iter()
                .flat_map(|&v| (i32::from(v) + offset).to_be_bytes());
            let words: Vec<u8> = words.collect();
            b.truncate(8);
            b[2] = 0x0C;
            b.extend(words);
        };
        let folder = with_change("idx", labels, |b| as_words(b, -100_001));
        let test = folder.path().join("t10k-labels-idx1-ubyte");
        let mut bytes = fs::read(&test).unwrap();
        as_words(&mut bytes, -100_001);
        fs::write(&test, bytes).unwrap();
        let set = read_dataset(folder.path()).unwrap();
        assert_eq!(set.test.classes, ["-100001", "-100000", "-99999"]);
        assert_eq!(numbers(&set.test, 255.0), [9, 10, 11]);
        fs::write(folder.path().join("classes.txt"), "x\ny\nz\n").unwrap();
        assert!(refusal(folder.path()).contains("class -100001, and the file of names"));
    }

    #[test]
    fn the_digits_that_are_compiled_in_are_balanced() {
        let set = mnist_subset().unwrap();
        assert_eq!(set.name, "mnist-subset");
        for (half, n) in [(&set.train, 400), (&set.test, 100)] {
            assert_eq!(half.images.shape(), [10 * n, 1, 28, 28]);
            for class in half.shuffled_by_class(0) {
                assert_eq!(class.len(), n);
            }
            // Of all 60,000: 0.1307, as published; a sample of a tenth is near it.
            let mean = half.images.mean().unwrap();
            assert!((mean - 0.1307).abs() < 0.005, "{mean}");
        }
    }
}

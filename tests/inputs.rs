//! Files that other programs wrote, read as those programs read them: `tests/data/inputs`, found by walking.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use wavelet_scattering::Error;
use wavelet_scattering::io::{
    Color, ImageOptions, InputFile, InputKind, NanPolicy, NpyFile, Pages, Values, list_inputs,
    read_image,
};
use wavelet_scattering::ndarray::{Array3, ArrayD, Axis};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/inputs")
        .join(name)
}

/// The inputs of the folder, each with the array that it holds by another program, and whether that is in colour.
fn cases() -> Vec<(PathBuf, ArrayD<f64>, bool)> {
    let names: BTreeSet<String> = fs::read_dir(data(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut cases = Vec::new();
    for name in names.iter().filter(|name| !name.contains(".expected.")) {
        if name.starts_with("refused_") || name.ends_with(".py") || name.ends_with(".md") {
            continue;
        }
        let stem = name.rsplit_once('.').unwrap().0;
        let expected = [stem.to_string(), name.replace('.', "_")]
            .into_iter()
            .flat_map(|stem| {
                [(".expected.npy", false), (".expected.rgb.npy", true)]
                    .map(|(end, color)| (format!("{stem}{end}"), color))
            })
            .find(|(name, _)| names.contains(name));
        let (expected, color) = expected.unwrap_or_else(|| panic!("nothing is expected of {name}"));
        let expected = NpyFile::open(data(&expected)).unwrap().read().unwrap();
        cases.push((data(name), expected, color));
    }
    assert!(cases.len() > 60);
    cases
}

fn options(color: bool) -> ImageOptions {
    ImageOptions {
        color: if color { Color::Rgb } else { Color::Gray },
        ..ImageOptions::default()
    }
}

fn images(input: &InputFile) -> Vec<Array3<f64>> {
    input.images().unwrap().map(Result::unwrap).collect()
}

/// How much samples may differ: not at all beyond the last bit, but for what decoders round differently.
fn tolerance(path: &Path) -> f64 {
    match path.file_stem().unwrap().to_str().unwrap() {
        // Others round colours to 8 bits, and enlarge chroma by other filters.
        "jpeg" | "jpeg_tiles" => 2.5 / 255.0,
        "photo_baseline" | "photo_progressive" | "photo_restarts" => 8.0 / 255.0,
        "photo_full_chroma" | "photo_grey" | "photo_lossy" => 3.0 / 255.0,
        _ => 1e-15,
    }
}

fn assert_close(got: &Array3<f64>, expected: &ArrayD<f64>, tolerance: f64, label: &str) {
    let expected = if expected.ndim() == 2 {
        expected.clone().insert_axis(Axis(0))
    } else {
        expected.clone()
    };
    assert_eq!(got.shape(), expected.shape(), "{label}");
    for ((place, g), e) in got.indexed_iter().zip(expected.iter()) {
        let same = (g.is_nan() && e.is_nan()) || (g - e).abs() <= tolerance * e.abs().max(1.0);
        assert!(same, "{label} {place:?}: {g}, expected {e}");
    }
}

#[test]
fn every_file_holds_what_the_program_that_wrote_it_reads() {
    for (path, expected, color) in cases() {
        let name = path.display().to_string();
        let input =
            InputFile::open(&path, &options(color)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(input.len(), expected.len_of(Axis(0)), "{name}");
        let got: Vec<_> = input
            .images::<f64>()
            .unwrap()
            .map(|image| image.unwrap_or_else(|error| panic!("{error}")))
            .collect();
        assert_eq!(got.len(), input.len(), "{name}");
        for (index, image) in got.iter().enumerate() {
            let expected = expected.index_axis(Axis(0), index).to_owned();
            assert_close(image, &expected, tolerance(&path), &input.label(index));
            assert_eq!(
                input.size(index),
                [image.shape()[1], image.shape()[2]],
                "{name}"
            );
        }
    }
}

#[test]
fn a_stream_is_told_by_its_content_and_read_the_same() {
    for (path, _, color) in cases() {
        let file = InputFile::open(&path, &options(color)).unwrap();
        let stream = File::open(&path).unwrap();
        let input = InputFile::from_reader("-", stream, &options(color)).unwrap();
        assert_eq!(input.leading(), file.leading());
        assert!(input.label(0).starts_with('-'));
        for (a, b) in images(&input).iter().zip(images(&file)) {
            assert_eq!(format!("{a}"), format!("{b}"), "{}", path.display());
        }
    }
}

#[test]
fn one_image_is_the_same_alone_and_among_others() {
    for (path, _, color) in cases() {
        let input = InputFile::open(&path, &options(color)).unwrap();
        let all = images(&input);
        for (index, image) in all.iter().enumerate() {
            let one: Vec<_> = input.images_in::<f64>(index..index + 1).unwrap().collect();
            assert_eq!(one.len(), 1);
            let one = one.into_iter().next().unwrap().unwrap();
            assert_eq!(format!("{one}"), format!("{image}"));
            let addressed = format!("{}#{}", path.display(), index + 1);
            let one = read_image::<f64>(addressed, &options(color)).unwrap();
            assert_eq!(format!("{one}"), format!("{image}"));
        }
    }
}

#[test]
fn pages_are_chosen_and_labelled_from_1() {
    let path = data("pages.tif");
    let name = path.display().to_string();
    let open = |pages: &str| {
        let options = ImageOptions {
            pages: pages.parse().unwrap(),
            ..ImageOptions::default()
        };
        InputFile::open(&path, &options)
    };
    let all = open("all").unwrap();
    assert_eq!(
        (all.len(), all.leading()),
        (3, vec![3]),
        "the reduced copy is none"
    );
    assert_eq!(all.label(2), format!("{name}#3"));
    let some = open("2-3").unwrap();
    assert_eq!(
        (some.len(), some.leading(), some.label(0)),
        (2, vec![2], format!("{name}#2"))
    );
    assert_eq!(images(&some), images(&all)[1..]);
    assert_eq!(open("first").unwrap().label(0), format!("{name}#1"));
    let message = open("3-4").unwrap_err().to_string();
    assert!(
        message.contains("3-4") && message.contains("holds 3"),
        "{message}"
    );
    let message = read_image::<f32>(&path, &ImageOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("3 images") && message.contains("#1"),
        "{message}"
    );
}

#[test]
fn raw_values_are_the_numbers_that_are_stored() {
    let raw = ImageOptions {
        values: Values::Raw,
        ..ImageOptions::default()
    };
    for (name, full) in [
        ("camera_12_bits.png", 65535.0),
        ("grey_100.pgm", 100.0),
        ("grey_1000.pgm", 1000.0),
        ("grey_4095.pgm", 4095.0),
        ("grey_u2_.tif", 65535.0),
        ("grey_i2_byteorder_rowsperstrip3.tif", 32768.0),
        ("grey_f4_.tif", 1.0),
    ] {
        let stored = read_image::<f64>(data(name), &raw).unwrap();
        let unit = read_image::<f64>(data(name), &ImageOptions::default()).unwrap();
        assert!(
            full == 1.0 || stored.iter().all(|v| v.fract() == 0.0),
            "{name}"
        );
        assert_eq!(stored.mapv(|v| v / full), unit, "{name}");
    }
}

#[test]
fn arrays_keep_their_axes_and_archives_their_names() {
    let open = |name: &str| InputFile::open(data(name), &ImageOptions::default());
    let input = open("cube.fits").unwrap();
    assert_eq!(
        (input.kind(), input.leading()),
        (InputKind::Array, vec![2, 3])
    );
    assert!(input.label(4).ends_with("cube.fits[1, 1]"));
    let input = open("refused_several.npz:b").unwrap();
    assert_eq!(input.leading(), [2]);
    assert!(input.label(1).ends_with("refused_several.npz:b[1]"));
    let input = open("extensions.fits").unwrap();
    let labels: Vec<_> = (0..3)
        .map(|i| input.label(i).rsplit_once(':').unwrap().1.to_string())
        .collect();
    assert_eq!(labels, ["SCI", "ERR", "SCI,2"]);
    for (key, count) in [("sci", 2), ("ERR", 1), ("SCI,2", 1), ("4", 1)] {
        assert_eq!(
            open(&format!("extensions.fits:{key}")).unwrap().len(),
            count,
            "{key}"
        );
    }
    for (name, words) in [
        ("refused_several.npz", "a [3, 5, 6], b [2, 5, 6]"),
        ("refused_several.npz:c", "holds a, b"),
        ("refused_two.npy", "one behind the other"),
        ("refused_table.fits", "holds no image"),
        ("refused_compressed.fits", "funpack"),
        ("extensions.fits:DQ", "SCI, ERR, SCI,2"),
        ("refused_imagej.tif", "promises 5 images"),
        ("cube.fits#7", "holds 6"),
        ("pages.tif:x", "have names"),
    ] {
        let error = open(name).unwrap_err();
        assert!(matches!(error, Error::BadFile { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let zstd = read_image::<f32>(data("refused_zstd.tif"), &ImageOptions::default());
    assert!(zstd.unwrap_err().to_string().contains("ZSTD"));
    let rgb = InputFile::open(data("cube.fits"), &options(true)).unwrap_err();
    assert!(matches!(rgb, Error::InvalidParameter { name: "color", .. }));
}

#[test]
fn channels_that_are_last_are_turned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    let mut bytes = Vec::new();
    {
        use npyz::WriterBuilder;
        let mut writer = npyz::WriteOptions::<f32>::new()
            .default_dtype()
            .shape(&[2, 3, 4, 5])
            .writer(&mut bytes)
            .begin_nd()
            .unwrap();
        writer.extend((0..120).map(|v| v as f32)).unwrap();
        writer.finish().unwrap();
    }
    fs::write(&path, bytes).unwrap();
    let last = ImageOptions {
        channels_last: true,
        ..ImageOptions::default()
    };
    let input = InputFile::open(&path, &last).unwrap();
    assert_eq!((input.leading(), input.size(0)), (vec![2, 5], [3, 4]));
    for (index, image) in images(&input).iter().enumerate() {
        let [n, c] = [index / 5, index % 5];
        for ((_, y, x), &v) in image.indexed_iter() {
            assert_eq!(v, (((n * 3 + y) * 4 + x) * 5 + c) as f64);
        }
    }
    let from_the_middle = input.images_in::<f64>(7..9).unwrap().map(Result::unwrap);
    assert_eq!(from_the_middle.collect::<Vec<_>>(), images(&input)[7..9]);
    assert!(matches!(
        InputFile::open(data("pages.tif"), &last),
        Err(Error::InvalidParameter {
            name: "channels_last",
            ..
        })
    ));
}

#[test]
fn samples_that_are_no_number_are_replaced_on_request() {
    let read = |nan| {
        let options = ImageOptions {
            nan,
            ..ImageOptions::default()
        };
        read_image::<f64>(data("scaled_blank.fits"), &options).unwrap()
    };
    let kept = read(NanPolicy::Keep);
    let missing = kept.iter().filter(|v| v.is_nan()).count();
    assert!(missing > 0);
    let there: Vec<f64> = kept.iter().copied().filter(|v| !v.is_nan()).collect();
    let mean = there.iter().sum::<f64>() / there.len() as f64;
    for (policy, value) in [(NanPolicy::Zero, 0.0), (NanPolicy::Mean, mean)] {
        for (&k, &r) in kept.iter().zip(read(policy).iter()) {
            let expected = if k.is_nan() { value } else { k };
            assert!((r - expected).abs() <= 1e-12 * expected.abs());
        }
    }
}

#[test]
fn no_file_is_taken_in_part() {
    let folder = tempfile::tempdir().unwrap();
    for (path, _, color) in cases() {
        if path.ends_with("extensions.fits") {
            continue; // cut between two of its arrays it is a file of fewer
        }
        let whole = fs::read(&path).unwrap();
        let cut = folder.path().join(path.file_name().unwrap());
        for part in 1..8 {
            fs::write(&cut, &whole[..whole.len() * part / 8]).unwrap();
            let read = InputFile::open(&cut, &options(color))
                .and_then(|input| input.images::<f64>()?.collect::<Result<Vec<_>, _>>());
            let Ok(images) = read else { continue };
            // Some files end in what is no part of the images: then all of it has to be there.
            let whole = InputFile::open(&path, &options(color)).unwrap();
            let expected: Vec<_> = whole.images::<f64>().unwrap().map(Result::unwrap).collect();
            assert_eq!(
                format!("{images:?}"),
                format!("{expected:?}"),
                "{} {part}/8",
                path.display()
            );
        }
    }
}

/// A file whose pixel data end early, as if it were whole: with all that its format puts behind them.
fn ended(path: &Path, whole: &[u8], share: f64) -> Vec<u8> {
    let end = path.extension().unwrap().to_str().unwrap();
    let at = |from: usize, to: usize| from + ((to - from) as f64 * share) as usize;
    let behind = |bytes: &[u8], end: &[u8]| [bytes, end].concat();
    match end {
        "jpg" => {
            let scan = whole.windows(2).position(|w| w == [0xFF, 0xDA]).unwrap();
            behind(&whole[..at(scan + 14, whole.len() - 2)], &[0xFF, 0xD9])
        }
        "gif" => behind(&whole[..at(800, whole.len() - 2)], &[0, 0x3B]),
        "webp" => {
            let mut bytes = whole[..at(40, whole.len()) & !1].to_vec();
            let len = bytes.len() as u32;
            bytes[4..8].copy_from_slice(&(len - 8).to_le_bytes());
            bytes[16..20].copy_from_slice(&(len - 20).to_le_bytes());
            bytes
        }
        "png" => {
            let data = whole.windows(4).position(|w| w == b"IDAT").unwrap();
            let len = u32::from_be_bytes(whole[data - 4..data].try_into().unwrap()) as usize;
            let chunk = &whole[data..at(data + 4, data + 4 + len)];
            let mut bytes = whole[..data - 4].to_vec();
            bytes.extend((chunk.len() as u32 - 4).to_be_bytes());
            bytes.extend(chunk);
            bytes.extend(crc(chunk).to_be_bytes());
            behind(&bytes, b"\0\0\0\0IEND\xAE\x42\x60\x82")
        }
        other => panic!("{other}"),
    }
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn an_end_put_behind_data_that_are_cut_off_deceives_nobody() {
    let folder = tempfile::tempdir().unwrap();
    for (path, _, _) in cases() {
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("photo_") {
            continue;
        }
        let whole = fs::read(&path).unwrap();
        let cut = folder.path().join(name);
        for share in [0.05, 0.3, 0.5, 0.7, 0.9, 0.97] {
            fs::write(&cut, ended(&path, &whole, share)).unwrap();
            let read = read_image::<f64>(&cut, &options(true));
            let Err(error) = read else {
                panic!("{name} {share} is taken")
            };
            assert!(
                matches!(error, Error::BadFile { .. }),
                "{name} {share}: {error:?}"
            );
            if name.ends_with("jpg") {
                assert!(error.to_string().contains("cut off"), "{error}");
            }
        }
    }
}

#[test]
fn a_folder_is_what_its_owner_put_there() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in [
        "a/img0.png",
        "a/._img0.png",
        "a/.ipynb_checkpoints/img0-checkpoint.png",
        "a/__MACOSX/img0.png",
        "a/Thumbs.db",
        "a/.DS_Store",
        "b/x.npy",
        "b/deep/y.fits.gz",
        "mixed/x.npy",
        "mixed/y.png",
    ] {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), "").unwrap();
    }
    let listed = |name: &str| list_inputs(&[root.join(name)]).unwrap();
    assert_eq!(listed("a").files, [root.join("a/img0.png")]);
    assert_eq!(
        listed("a").left_out,
        3,
        "files of images, and not Thumbs.db"
    );
    assert_eq!(
        listed("b").files,
        [root.join("b/deep/y.fits.gz"), root.join("b/x.npy")]
    );
    assert_eq!(listed("a/._img0.png").left_out, 0, "what is named is meant");
    let message = list_inputs(&[root.join("mixed")]).unwrap_err().to_string();
    assert!(
        message.contains("1 image files and 1 files of arrays"),
        "{message}"
    );
    assert!(list_inputs(&[root.join("a/none.png")]).is_err());
    assert_eq!(
        "2-3".parse::<Pages>().unwrap(),
        Pages::Range { from: 2, to: 3 }
    );
}

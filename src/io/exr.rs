//! What an OpenEXR file holds beyond what `image` takes of it: the first layer with R, G and B, and of that these.
//!
//! Files of one layer with R, G, B and perhaps A go to `image`; those of one channel, whatever its name (Y, Z, a mask), are
//! read here; any others are refused with the names of what they hold, so that nothing of a file is dropped in silence.

use std::io;
use std::path::Path;

use exr::error::Error as ExrError;
use exr::meta::MetaData;
use exr::prelude::{ReadChannels, ReadLayers, read};

use super::content::Content;
use super::options::ImageOptions;
use super::pixels::{MOST_BYTES, Planes, TOO_LARGE, check_memory, put};
use crate::num::Real;
use crate::{Error, Result};

/// Height and width of a file of one channel; `None` of one that `image` takes as a whole.
pub(super) fn one_channel(name: &Path, content: &Content) -> Result<Option<[usize; 2]>> {
    let refuse = |reason: String| Err(Error::bad_file(name, reason));
    let bytes = content
        .open()
        .map_err(|source| Error::unread(name, source))?;
    let meta = MetaData::read_from_buffered(bytes, false).map_err(|error| refused(name, error))?;
    let [header] = meta.headers.as_slice() else {
        let names = meta.headers.iter().map(|header| {
            let name = header.own_attributes.layer_name.as_ref();
            name.map_or("nameless".to_string(), |name| name.to_string())
        });
        return refuse(format!(
            "it holds several layers ({}); save the one that is wanted",
            names.collect::<Vec<_>>().join(", ")
        ));
    };
    if header.deep {
        return refuse("its pixels have several depths; flatten it".to_string());
    }
    let window = header.shared_attributes.display_window;
    let at = header.own_attributes.layer_position;
    let size = header.layer_size;
    let inside = |axis: fn(&exr::math::Vec2<i64>) -> i64| {
        let place = |v: exr::math::Vec2<i32>| exr::math::Vec2(i64::from(v.0), i64::from(v.1));
        let side = |v: exr::math::Vec2<usize>| exr::math::Vec2(v.0 as i64, v.1 as i64);
        axis(&place(at)) >= axis(&place(window.position))
            && axis(&place(at)) + axis(&side(size))
                <= axis(&place(window.position)) + axis(&side(window.size))
    };
    if !inside(|v| v.0) || !inside(|v| v.1) {
        return refuse(
            "it has pixels outside the window that it shows; crop or enlarge the window"
                .to_string(),
        );
    }
    let mut channels: Vec<String> = header
        .channels
        .list
        .iter()
        .map(|channel| channel.name.to_string())
        .collect();
    channels.sort_unstable();
    match channels
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["B", "G", "R"] | ["A", "B", "G", "R"] => Ok(None),
        [_] if size == window.size => Ok(Some([size.1, size.0])),
        [_] => refuse(
            "its one channel does not fill the window that it shows; crop the window".to_string(),
        ),
        _ => refuse(format!(
            "it holds the channels {}; R, G and B with or without A make an image, or one channel: save those that are wanted",
            channels.join(", ")
        )),
    }
}

/// The samples of a file of one channel.
pub(super) fn planes<S: Real>(
    name: &Path,
    content: &Content,
    options: &ImageOptions,
    size: [usize; 2],
) -> Result<Planes<S>> {
    let pixels = (size[0] as u64).saturating_mul(size[1] as u64);
    let length = content
        .len()
        .map_err(|source| Error::unread(name, source))?;
    if pixels.saturating_mul(4) > MOST_BYTES.max(length) {
        return Err(Error::bad_file(name, TOO_LARGE));
    }
    check_memory::<S>(size, options, pixels.saturating_mul(4))?;
    let bytes = content
        .open()
        .map_err(|source| Error::unread(name, source))?;
    let image = read()
        .no_deep_data()
        .largest_resolution_level()
        .all_channels()
        .first_valid_layer()
        .all_attributes()
        .from_buffered(bytes)
        .map_err(|error| refused(name, error))?;
    let channel = image.layer_data.channel_data.list.first();
    let samples: Vec<f32> = channel
        .map(|channel| channel.sample_data.values_as_f32().collect())
        .unwrap_or_default();
    if samples.len() as u64 != pixels {
        return Err(Error::bad_file(name, "its channel does not fill its size"));
    }
    let mut planes = vec![S::zero(); options.color.channels() * samples.len()];
    for (i, &sample) in samples.iter().enumerate() {
        put(&mut planes, i, [f64::from(sample); 3], 1.0, options.color);
    }
    Ok(Planes {
        samples: planes,
        size,
    })
}

fn refused(name: &Path, error: ExrError) -> Error {
    match error {
        ExrError::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            Error::bad_file(name, "it is cut off; copy or save it again")
        }
        ExrError::Io(source) if source.get_ref().is_none() => Error::unread(name, source),
        other => Error::bad_file(name, format!("it cannot be decoded as an image: {other}")),
    }
}

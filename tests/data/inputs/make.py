"""Files of the trade as other programs write them, and what they hold as those programs read it.

Writes beside itself, for every input `name.ext`, the array `name.expected.npy` of all its images in grey, or
`name.expected.rgb.npy` in colour: [images, rows, columns] or [images, 3, rows, columns], float64.
"""

import gzip
import io
import struct

import numpy as np
import tifffile
from astropy.io import fits
from PIL import Image

rng = np.random.default_rng(13)


def full(dtype):
    """What means 1."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return 1.0
    if dtype.kind == "i":
        return 2.0 ** (8 * dtype.itemsize - 1)
    return 2.0 ** (8 * dtype.itemsize) - 1


def expect(name, images, color=False):
    images = np.asarray(images, "f8")
    np.save(f"{name}.expected{'.rgb' if color else ''}.npy", images)


def noise(shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return rng.normal(size=shape).astype(dtype)
    info = np.iinfo(dtype)
    x = rng.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)
    x.flat[0], x.flat[1] = info.min, info.max
    return x


def planes(x):
    """[rows, columns, 3] to [3, rows, columns]."""
    return np.moveaxis(x, -1, 0)


def tiff(name, x, **options):
    tifffile.imwrite(f"{name}.tif", x, metadata=None, **options)
    return tifffile.imread(f"{name}.tif").astype("f8") / full(x.dtype)


# --- TIFF: every type of sample, with every way to store it somewhere
ways = [
    {},
    {"compression": "zlib", "predictor": True},
    {"compression": "lzw"},
    {"bigtiff": True, "rowsperstrip": 2},
    {"byteorder": ">", "rowsperstrip": 3},
    {"compression": "packbits", "rowsperstrip": 4},
    {"tile": (16, 16), "compression": "lzw", "predictor": True},
    {"bigtiff": True, "byteorder": ">", "compression": "zlib"},
]
types = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]
for i, kind in enumerate(types):
    for way in (ways[i % 8], ways[(3 * i + 5) % 8]):
        if "predictor" in way and kind[0] == "f":
            way = {**way, "predictor": 3}
        if "predictor" in way and kind[1] == "8" and kind[0] != "f":
            way = {k: v for k, v in way.items() if k != "predictor"}  # tifffile knows none of 64 bits
        name = f"grey_{kind}_" + "_".join(f"{k}{v}" for k, v in way.items())
        name = "".join(c for c in name if c.isalnum() or c == "_").replace("compression", "")
        expect(name, [tiff(name, noise((19, 23), kind), photometric="minisblack", **way)])

rgb = noise((20, 37, 3), "u1")
expect("rgb_together", [planes(tiff("rgb_together", rgb, photometric="rgb"))], True)
apart = np.moveaxis(noise((20, 37, 3), "u2"), -1, 0).copy()
expect("rgb_apart_strips", [tiff("rgb_apart_strips", apart, photometric="rgb", planarconfig="separate", rowsperstrip=7)], True)
apart = np.moveaxis(noise((20, 37, 3), "f4"), -1, 0).copy()
expect("rgb_apart_tiles", [tiff("rgb_apart_tiles", apart, photometric="rgb", planarconfig="separate", tile=(16, 16))], True)

# colours not yet multiplied, multiplied already, and a fourth sample of which the file says nothing
rgba = noise((9, 11, 4), "u1")
x = tiff("alpha_straight", rgba, photometric="rgb", extrasamples=["unassalpha"])
expect("alpha_straight", [planes(x[..., :3] * x[..., 3:])], True)
rgba[..., :3] = (rgba[..., :3].astype(int) * rgba[..., 3:] + 127) // 255
x = tiff("alpha_multiplied", rgba, photometric="rgb", extrasamples=["assocalpha"])
expect("alpha_multiplied", [planes(x[..., :3])], True)
x = tiff("rgb_and_infrared", noise((9, 11, 4), "u2"), photometric="rgb", extrasamples=["unspecified"], compression="lzw", predictor=True)
expect("rgb_and_infrared", [planes(x[..., :3]), np.repeat(x[None, ..., 3], 3, 0)], True)
x = tiff("bands", noise((4, 9, 11), "u2"), photometric="minisblack", planarconfig="separate", extrasamples=["unspecified"] * 3)
expect("bands", x)

white = noise((9, 11), "u1")
tiff("white_is_zero", white, photometric="miniswhite")
expect("white_is_zero", [1 - white / 255])
palette = noise((3, 256), "u2")
index = noise((9, 11), "u1")
tiff("palette", index, photometric="palette", colormap=palette, compression="zlib")
expect("palette", [palette[:, index] / 65535], True)
small = Image.fromarray(rng.integers(0, 16, size=(9, 11)).astype("u1"), "P")
small.putpalette(list(rng.integers(0, 256, size=48)))
small.save("palette_pillow.tif")
expect("palette_pillow", [planes(np.asarray(small.convert("RGB")) / 255)], True)

bits = rng.integers(0, 2, size=(13, 21)).astype(bool)
for name, way in [("bits", {}), ("bits_group4", {"compression": "group4"}), ("bits_packbits", {"compression": "packbits"})]:
    Image.fromarray(bits).save(f"{name}.tif", **way)
    expect(name, [np.asarray(Image.open(f"{name}.tif")).astype("f8")])

cmyk = Image.fromarray(noise((9, 11, 4), "u1"), "CMYK")
cmyk.save("cmyk.tif")
c = np.asarray(cmyk) / 255
expect("cmyk", [planes((1 - c[..., :3]) * (1 - c[..., 3:]))], True)

# smooth, so that JPEG is about right: decoders differ by their rounding
y, x = np.mgrid[0:24, 0:40]
smooth = np.stack([128 + 100 * np.sin(x / 9), 128 + 90 * np.cos(y / 7), 4 * x + y], -1).astype("u1")
for name, way in [("jpeg", {"compression": "jpeg"}), ("jpeg_tiles", {})]:
    if way:
        Image.fromarray(smooth).save(f"{name}.tif", quality=95, **way)
    else:
        tifffile.imwrite(f"{name}.tif", smooth, photometric="ycbcr", compression="jpeg", compressionargs={"level": 95}, subsampling=(1, 1), tile=(16, 16), metadata=None)
    expect(name, [planes(np.asarray(Image.open(f"{name}.tif").convert("RGB")) / 255)], True)
tifffile.imwrite("webp.tif", smooth, photometric="rgb", compression="webp", compressionargs={"lossless": True}, metadata=None)
expect("webp", [planes(smooth / 255)], True)
tifffile.imwrite("refused_zstd.tif", smooth, photometric="rgb", compression="zstd", metadata=None)

# pages: of different types and sizes, a reduced copy among them, one turned by a quarter
with tifffile.TiffWriter("pages.tif") as file:
    for i, shape in enumerate([(8, 12), (8, 12), (5, 6), (8, 12)]):
        file.write(noise(shape, "u2"), photometric="minisblack", metadata=None, subfiletype=1 if i == 2 else 0)
expect("pages", [page.asarray() / 65535 for i, page in enumerate(tifffile.TiffFile("pages.tif").pages) if i != 2])
stored = noise((4, 6), "u1")
for n, upright in [(2, stored[:, ::-1]), (3, stored[::-1, ::-1]), (4, stored[::-1]), (5, stored.T), (6, np.rot90(stored, -1)), (7, stored[::-1, ::-1].T), (8, np.rot90(stored))]:
    tiff(f"orientation_{n}", stored, photometric="minisblack", extratags=[(274, "H", 1, n, True)])
    expect(f"orientation_{n}", [upright / 255])
tifffile.imwrite("refused_imagej.tif", noise((6, 8), "u1"), description="ImageJ=1.53t\nimages=5\nslices=5\n", metadata=None)

# --- animations, as Pillow composes them; transparent is black
canvas = Image.new("RGBA", (20, 16))
frames = []
for i in range(4):
    frame = Image.new("RGBA", (20, 16), (0, 0, 0, 0))
    frame.paste((255, 60 * i, 0, 255), (2 * i, 3, 2 * i + 8, 12))
    frames.append(frame)
frames[0].save("moving.gif", save_all=True, append_images=frames[1:], disposal=2, loop=0)
frames[0].save("moving.webp", save_all=True, append_images=frames[1:], lossless=True)
frames[0].save("moving.png", save_all=True, append_images=frames[1:])
for name in ["moving.gif", "moving.webp", "moving.png"]:
    file = Image.open(name)
    shown = []
    for i in range(file.n_frames):
        file.seek(i)
        x = np.asarray(file.convert("RGBA")) / 255
        shown.append(planes(x[..., :3] * x[..., 3:]))
    expect(name.replace(".", "_"), shown, True)

# --- greys that are not of 8 or 16 bits
for most in [1, 100, 255, 1000, 4095, 65535]:
    x = rng.integers(0, most, size=(6, 7), endpoint=True)
    with open(f"grey_{most}.pgm", "wb") as file:
        file.write(f"P5\n7 6\n{most}\n".encode() + x.astype("u1" if most < 256 else ">u2").tobytes())
    expect(f"grey_{most}", [x / most])
camera = rng.integers(0, 4096, size=(6, 7)).astype("u2")
Image.fromarray(camera).save("camera_12_bits.png")
expect("camera_12_bits", [camera / 65535])

# --- NumPy
x = noise((3, 5, 6), "f4")
np.savez("one.npz", x=x, labels=np.arange(3))
np.savez_compressed("one_compressed.npz", labels=np.arange(3), images=x)
for name in ["one", "one_compressed"]:
    expect(name, x)
np.savez("refused_several.npz", a=x, b=x[:2])
header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2L, 3L, 4L), }"
header += " " * (63 - (10 + len(header)) % 64) + "\n"
x = noise((2, 3, 4), "i2")
with open("python_2.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + x.tobytes())
expect("python_2", np.load("python_2.npy"))
with open("refused_two.npy", "wb") as file:
    np.save(file, x)
    np.save(file, x)

# --- FITS
for kind in ["u1", "i2", "i4", "i8", "f4", "f8", "u2", "u4", "u8"]:
    fits.writeto(f"bitpix_{kind}.fits", noise((7, 9), kind), overwrite=True)
    expect(f"bitpix_{kind}", [fits.getdata(f"bitpix_{kind}.fits")])
scaled = fits.PrimaryHDU(noise((7, 9), "i2"))
scaled.header["BSCALE"], scaled.header["BZERO"] = 0.25, -3.5
scaled.header["BLANK"] = -32768
scaled.writeto("scaled_blank.fits", overwrite=True)
expect("scaled_blank", [fits.getdata("scaled_blank.fits")])
cube = noise((2, 3, 4, 5), "f4")
fits.writeto("cube.fits", cube, overwrite=True)
expect("cube", cube.reshape(6, 4, 5))
with open("cube.fits", "rb") as file, open("packed.fits.gz", "wb") as to:
    to.write(gzip.compress(file.read(), mtime=0))
expect("packed.fits", cube.reshape(6, 4, 5))
table = fits.BinTableHDU.from_columns([fits.Column("t", "E", array=np.arange(5.0))])
sci, err = noise((4, 5), "f4"), noise((4, 5), "i2")
hdus = [
    fits.PrimaryHDU(),
    fits.ImageHDU(sci, name="SCI"),
    table,
    fits.ImageHDU(np.arange(8.0), name="SPECTRUM"),
    fits.ImageHDU(err, name="ERR"),
    fits.ImageHDU(sci * 2, name="SCI", ver=2),
]
fits.HDUList(hdus).writeto("extensions.fits", overwrite=True)
expect("extensions", [sci, err, sci * 2])
fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(noise((16, 16), "i2"))]).writeto("refused_compressed.fits", overwrite=True)
fits.HDUList([fits.PrimaryHDU(), table.copy()]).writeto("refused_table.fits", overwrite=True)

# --- lossy files with much in them, to be cut; decoders differ by their rounding
y, x = np.mgrid[0:32, 0:48]
photo = np.stack([128 + 90 * np.sin(x / 5) * np.cos(y / 6), 128 + 80 * np.cos(x * y / 300), 2 * x + y], -1)
photo = Image.fromarray(np.clip(photo + rng.normal(scale=12, size=photo.shape), 0, 255).astype("u1"))
for name, way in [
    ("baseline", {"quality": 90}),
    ("progressive", {"quality": 90, "progressive": True}),
    ("restarts", {"quality": 90, "restart_marker_blocks": 3}),
    ("full_chroma", {"quality": 95, "subsampling": 0, "optimize": True}),
]:
    photo.save(f"photo_{name}.jpg", **way)
    expect(f"photo_{name}", [planes(np.asarray(Image.open(f"photo_{name}.jpg")) / 255)], True)
photo.convert("L").save("photo_grey.jpg", quality=90)
expect("photo_grey", [np.asarray(Image.open("photo_grey.jpg")) / 255])
photo.save("photo_lossy.webp", quality=90)
expect("photo_lossy", [planes(np.asarray(Image.open("photo_lossy.webp")) / 255)], True)
photo.save("photo_exact.webp", lossless=True)
expect("photo_exact", [planes(np.asarray(photo) / 255)], True)
photo.save("photo_png.png")
expect("photo_png", [planes(np.asarray(photo) / 255)], True)
photo.quantize(64).save("photo_gif.gif")
expect("photo_gif", [planes(np.asarray(Image.open("photo_gif.gif").convert("RGB")) / 255)], True)

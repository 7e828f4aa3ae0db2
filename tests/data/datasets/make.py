"""Writes the small data sets of this folder: python make.py, with numpy and pillow."""
import gzip
import os
import struct

import numpy as np
from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))


def write(name, content, compress=False):
    path = os.path.join(here, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(gzip.compress(content, 9, mtime=0) if compress else content)


def idx(array):
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


# Images n of 4 x 3: sample (row, column) is 20 n + 3 row + column; labels n mod 3.
images = (20 * np.arange(12)[:, None, None] + 3 * np.arange(4)[:, None] + np.arange(3)).astype(np.uint8)
labels = (np.arange(12) % 3).astype(np.uint8)

for folder, compress in [("idx", False), ("idx-gz", True)]:
    end = ".gz" if compress else ""
    for part, rows in [("train", slice(0, 9)), ("t10k", slice(9, 12))]:
        write(f"{folder}/{part}-images-idx3-ubyte{end}", idx(images[rows]), compress)
        write(f"{folder}/{part}-labels-idx1-ubyte{end}", idx(labels[rows]), compress)

# CIFAR-10: record n has label 9 - n; red rises along the rows, green along the columns, blue is 10 n.
rise = np.arange(32, dtype=np.uint8)
def record(n):
    planes = [np.repeat(rise[:, None], 32, 1), np.repeat(rise[None], 32, 0), np.full((32, 32), 10 * n)]
    return bytes([9 - n]) + np.stack(planes).astype(np.uint8).tobytes()

for name, rows in [("data_batch_1", range(0, 2)), ("data_batch_2", range(2, 4)), ("test_batch", range(1, 3))]:
    write(f"cifar/{name}.bin.gz", b"".join(record(n) for n in rows), True)
names = "airplane automobile bird cat deer dog frog horse ship truck".split()
write("cifar/batches.meta.txt", ("\n".join(names) + "\n\n").encode())

# NumPy: one archive to be split, one with both halves, a folder with two; bytes, halves of 16 bits and floats.
def npz(name, **arrays):
    path = os.path.join(here, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    np.savez_compressed(path, **arrays)

npz("whole.npz", x=images, y=labels.astype(np.int64))
rgb = np.stack([images, images + 1, images + 2], -1).astype(np.uint16)
npz("halves.npz", images_train=rgb[:9], labels_train=labels[:9], images_test=rgb[9:], labels_test=labels[9:])
fractions = (images / 255).astype(np.float32)
npz("npz/digits_train.npz", images=fractions[:9], labels=labels[:9, None])
npz("npz/digits_test.npz", images=fractions[9:], labels=labels[9:, None])

# Folders of images: 8-bit grey, one of them larger, side by side and in train and test.
for n in range(12):
    image = images[n]
    if n == 4:
        image = np.pad(image, ((1, 1), (1, 2)), constant_values=255)
    for folder in ["folders", "halves/" + ("train" if n < 9 else "test")]:
        path = os.path.join(here, folder, "abc"[labels[n]])
        os.makedirs(path, exist_ok=True)
        Image.fromarray(image).save(os.path.join(path, f"{n:02}.png"), optimize=True)

# Tables: the label last, and where a header says.
square = images[:, :3].reshape(12, 9)
rows = [[*pixels, label] for pixels, label in zip(square, labels)]
write("digits.csv.gz", "".join(",".join(map(str, row)) + "\n" for row in rows).encode(), True)
header = ["label"] + [f"pixel{i}" for i in range(9)]
rows = [header] + [[label, *pixels] for pixels, label in zip(square, labels)]
write("header.csv", "".join(",".join(map(str, row)) + "\n" for row in rows).encode())

# Labels of every type that can be one, and some that cannot.
npz("labels.npz",
    bool=np.array([False, True]), int8=np.array([-128, 127], np.int8),
    int64_big_endian=np.array([-2**63, 2**63 - 1], ">i8"), uint64=np.array([0, 2**64 - 1], np.uint64),
    float32=np.array([-3, 2**24], np.float32), column=np.array([[1], [26]]),
    unicode=np.array(["größe 3", "07"]), bytes=np.array([b"cat", b"a"]),
    half=np.array([0.5, 1]), nan=np.array([np.nan, 1]), rows=np.zeros((2, 2), np.uint8), scalar=np.array(1),
    complex=np.zeros(2, np.complex64))

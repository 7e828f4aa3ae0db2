#!/usr/bin/env python3
"""Scattering, joint scattering and mel spectra of sounds, under one classifier and one protocol each.

    sounds.py fsdd DIR [--scatter PROGRAM]     spoken digits: takes 0 to 4 are tested, the others learned
    sounds.py esc10 DIR [--scatter PROGRAM]    environmental sounds: one fold learned, the other tested, both ways

DIR is the folder of the data set. Features come from the program `scatter`, mel spectra and their cepstra from librosa, classifiers from
scikit-learn: a Gaussian SVM and a logistic regression, both tuned by cross-validation on what is learned. Every feature is the logarithm of
what was averaged over the same stretches of time. The packages are those of `requirements-sounds.txt`.
"""

import argparse
import pathlib
import subprocess
import tempfile
import warnings

import librosa
import numpy as np
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

RATE = 8000
# Spoken digits: a second, in eight stretches. Environmental sounds: five seconds, the mean and the deviation of stretches.
DIGIT, DIGIT_STRETCH = 8192, 1024
CLIP, CLIP_STRETCH = 40000, 2048


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=["fsdd", "esc10"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--scatter", default="target/release/scatter")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    if arguments.set == "fsdd":
        spoken_digits(arguments)
    else:
        environmental_sounds(arguments)


def spoken_digits(arguments):
    files = sorted((arguments.folder / "recordings").glob("*.wav"))
    names = [file.stem.split("_") for file in files]
    digits = np.array([int(digit) for digit, _, _ in names])
    tested = np.array([int(take) < 5 for _, _, take in names])
    sounds = np.stack([middle(read(file), DIGIT) for file in files])
    print(f"{np.sum(~tested)} learned, {np.sum(tested)} tested")
    J, Q = "8", "8"
    options = ["-J", J, "-Q", Q, "-T", str(DIGIT_STRETCH)]
    time = scattering(arguments, sounds, options)
    joint = scattering(arguments, sounds, [*options, "--joint", "--J-fr", "3"])
    features = {
        "MFCC": stretches(mfcc(sounds), DIGIT_STRETCH),
        "mel spectra": logarithm(stretches(mel(sounds), DIGIT_STRETCH)),
        "scattering, order 1": logarithm(time[:, time_orders(arguments, options) < 2]),
        "scattering, orders 1 and 2": logarithm(time),
        "joint scattering": logarithm(joint),
    }
    print("| features | numbers | SVM, error | linear, error |\n| --- | ---: | ---: | ---: |")
    for name, x in features.items():
        x = x.reshape(len(x), -1)
        errors = [100 * np.mean(fit(kind, x[~tested], digits[~tested]).predict(x[tested]) != digits[tested]) for kind in (svm, linear)]
        print(f"| {name} | {x.shape[1]} | {errors[0]:.1f} % | {errors[1]:.1f} % |", flush=True)


def environmental_sounds(arguments):
    files = sorted(arguments.folder.glob("*/*.wav"))
    classes = np.array([file.parent.name for file in files])
    folds = np.array([int(file.name.split("-")[0]) for file in files])
    sounds = np.stack([middle(read(file), CLIP) for file in files])
    options = ["-J", "11", "-Q", "8", "-T", str(CLIP_STRETCH)]
    time = scattering(arguments, sounds, options)
    orders = time_orders(arguments, options)
    first = logarithm(time[:, orders == 1])
    # Frequency scattering of log S1: the wavelets of the first layer stand in order, so they are a signal of their own.
    across = np.moveaxis(first, 1, 2)
    frequency = scattering(arguments, across, ["-J", "3", "-Q", "1"])
    frequency = np.moveaxis(frequency, 1, -1).reshape(len(files), frequency.shape[1], -1)
    joint = scattering(arguments, sounds, [*options, "--joint", "--J-fr", "3"])
    features = {
        "mel spectra": summary(logarithm(stretches(mel(sounds), CLIP_STRETCH))),
        "MFCC": summary(stretches(mfcc(sounds), CLIP_STRETCH)),
        "time scattering": summary(logarithm(time)),
        "time and frequency scattering of log S1": np.concatenate(
            [summary(logarithm(time)), summary(frequency)], axis=1
        ),
        "joint scattering": summary(logarithm(joint)),
    }
    print("| features | numbers | SVM, accuracy | linear, accuracy |\n| --- | ---: | ---: | ---: |")
    for name, x in features.items():
        right = {svm: 0, linear: 0}
        for learned, tested in [(1, 2), (2, 1)]:
            learned, tested = folds == learned, folds == tested
            for kind in right:
                model = fit(kind, x[learned], classes[learned])
                right[kind] += np.sum(model.predict(x[tested]) == classes[tested])
        shares = [f"{100 * count / len(files):.0f} % ({count} of {len(files)})" for count in right.values()]
        print(f"| {name} | {x.shape[1]} | {shares[0]} | {shares[1]} |", flush=True)


def read(file):
    sound, rate = soundfile.read(file, dtype="float32")
    assert rate == RATE and sound.ndim == 1, file
    return sound


def middle(sound, length):
    """The middle of a sound, or the sound in the middle of zeros."""
    if len(sound) >= length:
        start = (len(sound) - length) // 2
        return sound[start : start + length]
    before = (length - len(sound)) // 2
    return np.pad(sound, (before, length - len(sound) - before))


def scattering(arguments, signals, options):
    """What the program makes of signals in the last axis: [signals.., paths, times]."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        np.save(folder / "signals.npy", np.ascontiguousarray(signals, np.float32))
        command = [arguments.scatter, "signal", folder / "signals.npy", *options, "-o", folder / "features.npy"]
        subprocess.run(command, check=True, capture_output=True)
        features = np.load(folder / "features.npy")
        return features.reshape(*signals.shape[:-1], *features.shape[signals.ndim - 1 :])


def time_orders(arguments, options):
    """The order of every path of a signal as long as averages are."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        np.save(folder / "signal.npy", np.zeros((1, DIGIT), np.float32))
        command = [arguments.scatter, "signal", folder / "signal.npy", *options, "-o", folder / "features.npy"]
        subprocess.run(command, check=True, capture_output=True)
        rows = (folder / "features.paths.csv").read_text().splitlines()
        return np.array([int(row.split(",")[2]) for row in rows[1:]])


def mel(sounds):
    spectra = librosa.feature.melspectrogram(y=sounds, sr=RATE, n_fft=512, hop_length=128, n_mels=40, power=1.0)
    return spectra


def mfcc(sounds):
    cepstra = librosa.feature.mfcc(y=sounds, sr=RATE, n_mfcc=20, n_fft=512, hop_length=128, n_mels=40)
    return np.concatenate([cepstra, librosa.feature.delta(cepstra)], axis=1)


def stretches(frames, samples):
    """Means over stretches of so many samples."""
    count = frames.shape[-1] * 128 // samples
    return np.stack([part.mean(-1) for part in np.array_split(frames, count, axis=-1)], axis=-1)


def logarithm(features):
    """log(S + ε), ε a thousandth of the mean of all S of the same sound."""
    features = np.maximum(features, 0)
    axes = tuple(range(1, features.ndim))
    return np.log(features + 1e-3 * features.mean(axes, keepdims=True) + 1e-12)


def summary(features):
    """Mean and standard deviation over time."""
    return np.concatenate([features.mean(-1), features.std(-1)], axis=1).reshape(len(features), -1)


def svm():
    return SVC(), {"svc__C": [1, 10, 100], "svc__gamma": ["scale", 1e-3, 3e-4, 1e-4, 3e-5]}


def linear():
    return LogisticRegression(max_iter=2000), {"logisticregression__C": [1e-3, 1e-2, 1e-1, 1]}


def fit(kind, x, y):
    model, grid = kind()
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return GridSearchCV(make_pipeline(StandardScaler(), model), grid, cv=folds, n_jobs=2).fit(x, y)


if __name__ == "__main__":
    main()

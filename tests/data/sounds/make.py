"""Sounds as other programs write them, and what they hold as other programs read them.

Writes beside itself, for every sound `name.ext`, the array `name.expected.npy` of its samples [channels, samples]. Integers
are fractions of their range. Needs numpy, scipy and soundfile, and ffmpeg, sox and flac as programs.
"""

import struct
import subprocess
import wave

import numpy as np
import scipy.signal
import soundfile

rng = np.random.default_rng(14)


def sound(samples, rate, channels=1):
    """A tone that rises, another a channel, and a little noise, within [-0.8, 0.8]."""
    t = np.arange(samples) / rate
    rows = [np.sin(2 * np.pi * (200 * (c + 1) * t + 0.02 * rate / t[-1] * t**2)) for c in range(channels)]
    return 0.6 * np.array(rows) + 0.2 * rng.uniform(-1, 1, (channels, samples))


def integers(x, bits):
    top = 2.0 ** (bits - 1)
    v = np.round(x * top).clip(-top, top - 1).astype("i8")
    v[:, 0], v[:, 1] = -top, top - 1
    return v


def expect(name, x):
    x = np.atleast_2d(x)
    exact = x.astype("f4")
    np.save(f"{name}.expected.npy", exact if (exact == x).all() else x)


def run(*command, data=None):
    return subprocess.run([str(c) for c in command], input=data, check=True, capture_output=True).stdout


def ffmpeg(*command, data=None):
    return run("ffmpeg", "-nostdin" if data is None else "-y", "-y", "-hide_banner", "-bitexact", *command, data=data)


def decoded(path, channels):
    """What ffmpeg makes of it."""
    data = ffmpeg("-i", path, "-f", "f32le", "-c:a", "pcm_f32le", "-")
    return np.frombuffer(data, "<f4").reshape(-1, channels).T


# --- WAV of integers, by Python
for bits, channels in [(8, 1), (16, 1), (16, 2), (24, 2), (32, 1)]:
    v = integers(sound(400, 8000, channels), bits)
    name = f"python_{bits}_{channels}"
    with wave.open(f"{name}.wav", "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(bits // 8)
        out.setframerate(8000)
        stored = v.T.ravel() + (128 if bits == 8 else 0)
        out.writeframes(b"".join(int(s).to_bytes(bits // 8, "little", signed=bits > 8) for s in stored))
    expect(name, v / 2.0 ** (bits - 1))

# --- WAV by libsndfile: floats, the extensible header, sizes of 64 bits
for name, subtype, kind, channels, dtype in [
    ("sndfile_f32", "FLOAT", "WAV", 1, "f4"),
    ("sndfile_f64", "DOUBLE", "WAV", 2, "f8"),
    ("sndfile_extensible_24", "PCM_24", "WAVEX", 3, "f8"),
    ("sndfile_extensible_f32", "FLOAT", "WAVEX", 2, "f4"),
    ("sndfile_rf64", "PCM_16", "RF64", 1, "f8"),
]:
    x = sound(300, 11025, channels)
    soundfile.write(f"{name}.wav", x.T, 11025, subtype=subtype, format=kind)
    data, rate = soundfile.read(f"{name}.wav", dtype="float64", always_2d=True)
    assert rate == 11025
    expect(name, data.T.astype(dtype))

# --- WAV into a pipe, which cannot say how long it became
v = integers(sound(500, 16000), 16).astype("<i2")
for name, data in [
    ("ffmpeg_pipe", ffmpeg("-f", "s16le", "-ar", 16000, "-ac", 1, "-i", "-", "-f", "wav", "-", data=v.tobytes())),
    ("sox_pipe", run("sox", "-t", "raw", "-e", "signed", "-b", 16, "-r", 16000, "-c", 1, "-", "-t", "wav", "-", data=v.tobytes())),
]:
    assert struct.unpack("<I", data[data.index(b"data") + 4 :][:4])[0] > 2**31 - 2**16, name
    open(f"{name}.wav", "wb").write(data)
    expect(name, v / 2.0**15)
header = open("ffmpeg_pipe.wav", "rb").read()
at = header.index(b"data") + 4
open("zero_length.wav", "wb").write(header[:4] + bytes(4) + header[8:at] + bytes(4) + header[at + 4 :])
expect("zero_length", v / 2.0**15)

# --- FLAC: by libsndfile, by the encoder of Xiph, of a stream whose length it does not know
for name, subtype, bits, channels in [("sndfile_16", "PCM_16", 16, 1), ("sndfile_24", "PCM_24", 24, 2), ("sndfile_8", "PCM_S8", 8, 1)]:
    v = integers(sound(4500, 8000, channels), bits)
    soundfile.write(f"flac_{name}.flac", (v / 2.0 ** (bits - 1)).T, 8000, subtype=subtype, format="FLAC")
    expect(f"flac_{name}", v / 2.0 ** (bits - 1))
v = integers(sound(5000, 16000, 2), 16).astype("<i2")
raw = ["flac", "--silent", "--force-raw-format", "--endian=little", "--sign=signed", "--channels=2", "--bps=16", "--sample-rate=16000"]
open("flac_xiph.flac", "wb").write(run(*raw, "--stdout", "-", data=v.T.tobytes()))
expect("flac_xiph", v / 2.0**15)
open("flac_in_ogg.ogg", "wb").write(run(*raw, "--ogg", "--stdout", "-", data=v.T.tobytes()))
expect("flac_in_ogg", v / 2.0**15)

# --- Lossy kinds: one reader beside ours
x = sound(9000, 22050)
soundfile.write("source.wav", x.T, 22050, subtype="PCM_16")
stereo = sound(9000, 44100, 2)
soundfile.write("stereo.wav", stereo.T, 44100, subtype="PCM_16")
for name, ext, channels, options in [
    ("mp3", "mp3", 1, ["-c:a", "libmp3lame", "-b:a", "64k"]),
    ("mp3_stereo_variable", "mp3", 2, ["-c:a", "libmp3lame", "-q:a", "4", "-metadata", "title=a title"]),
    ("mp3_plain", "mp3", 1, ["-c:a", "libmp3lame", "-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0"]),
    ("vorbis", "ogg", 1, ["-c:a", "libvorbis", "-q:a", "3"]),
    ("vorbis_stereo", "ogg", 2, ["-c:a", "libvorbis", "-q:a", "5"]),
    ("aac_adts", "aac", 1, ["-c:a", "aac", "-b:a", "64k"]),
    ("aac", "m4a", 2, ["-c:a", "aac", "-b:a", "96k"]),
    ("aac_streamed", "m4a", 1, ["-c:a", "aac", "-b:a", "48k", "-movflags", "+faststart"]),
]:
    path = f"{name}.{ext}"
    ffmpeg("-i", "source.wav" if channels == 1 else "stereo.wav", *options, path)
    if ext == "ogg":
        expect(name, soundfile.read(path, dtype="float32", always_2d=True)[0].T)
    else:
        # This ffmpeg plays what an MP4 file has behind its last sample.
        expect(name, decoded(path, channels)[:, : 9000 if ext == "m4a" else None])
ffmpeg("-i", "source.wav", "-c:a", "libopus", "-ar", 16000, "refused_opus.ogg")
ffmpeg("-i", "source.wav", "-c:a", "pcm_alaw", "refused_alaw.wav")
ffmpeg("-i", "source.wav", "refused_aiff.aiff")
run("rm", "source.wav", "stereo.wav")

# --- Another rate, by scipy with the same window
x = np.sin(np.arange(300) ** 2 / 700.0)
np.save("resample.input.npy", x)
for up, down in [(160, 147), (147, 160), (1, 3), (5, 2)]:
    cutoff = 0.95 * min(1, up / down)
    reach = int(np.ceil(64 / cutoff))
    t = cutoff * np.arange(-reach * up, reach * up + 1) / up
    u = t / 64
    window = np.where(abs(u) < 1, np.i0(12 * np.sqrt(np.clip(1 - u * u, 0, None))) / np.i0(12.0), 0)
    taps = cutoff * np.sinc(t) * window
    # Of taps that are given it takes `up` times as much.
    np.save(f"resample.{up}_{down}.npy", scipy.signal.resample_poly(x, up, down, window=taps / up))

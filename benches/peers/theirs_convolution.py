"""The convolution peers in Python, for `run`: one workload by one of them.

    theirs_convolution.py PEER THREADS WORKLOAD ANSWER FILTERS

WORKLOAD is an object of `ours.rs list`, ANSWER and FILTERS are files by `ours.rs answer` and `ours.rs filters`. Builds
the call, warms up, prints versions and the relative l2 difference from ANSWER, then serves as theirs.py does.

A name that ends in _plan has the kernel's transform made before the clock starts, as our plans have; the others
transform the kernel in every call, as their interface makes them.
"""

import json
import math
import sys

import numpy as np
import scipy.fft

from theirs import noise, serve


class Scipy:
    """scipy.signal, and scipy.fft for the bank, which is circular."""

    def __init__(self, threads):
        self.threads = threads
        self.version = f"scipy {scipy.__version__}"

    def linear(self, function, signal, taps):
        import scipy.signal

        function = getattr(scipy.signal, function)

        def run():
            with scipy.fft.set_workers(self.threads):
                return function(signal, taps, "same")

        return run

    def bank(self, image, filters):
        def run():
            with scipy.fft.set_workers(self.threads):
                return scipy.fft.ifft2(scipy.fft.fft2(image) * filters)

        return run


class Torch:
    def __init__(self, threads):
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.fft, self.array, self.version = torch.fft, torch.from_numpy, f"torch {torch.__version__}"

    def real_pair(self, shape):
        return lambda x: self.fft.rfftn(x, s=shape), lambda x_hat: self.fft.irfftn(x_hat, s=shape)

    def bank(self, image, filters):
        image, filters = self.array(image), self.array(filters)
        return lambda: self.fft.ifft2(self.fft.fft2(image) * filters)


class Mkl:
    def __init__(self, threads):
        import mkl_fft  # threads by MKL_NUM_THREADS

        self.fft, self.array, self.version = mkl_fft, lambda x: x, f"mkl_fft {mkl_fft.__version__}"

    def real_pair(self, shape):
        axes = tuple(range(len(shape)))
        return lambda x: self.fft.rfftn(x, shape, axes), lambda x_hat: self.fft.irfftn(x_hat, shape, axes)

    def bank(self, image, filters):
        return lambda: self.fft.ifftn(self.fft.fftn(image) * filters, axes=(1, 2))


class Fftw:
    """Plans are measured; the buffers they were made for are reused, and filled and read within the time."""

    def __init__(self, threads):
        import pyfftw

        self.fftw, self.version = pyfftw, f"pyfftw {pyfftw.__version__}"
        self.options = {"flags": ("FFTW_MEASURE",), "threads": threads, "planning_timelimit": 10.0}

    def linear(self, signal, taps, shape, crop):
        axes = tuple(range(len(shape)))
        real = self.fftw.zeros_aligned(shape, "float32")
        spectrum = self.fftw.empty_aligned((*shape[:-1], shape[-1] // 2 + 1), "complex64")
        forward = self.fftw.FFTW(real, spectrum, axes=axes, **self.options)
        inverse = self.fftw.FFTW(spectrum, real, axes=axes, direction="FFTW_BACKWARD", **self.options)
        real[:] = 0
        real[tuple(map(slice, taps.shape))] = taps
        forward.execute()
        kernel = spectrum / np.float32(math.prod(shape))

        def run():
            real[:] = 0
            real[tuple(map(slice, signal.shape))] = signal
            forward.execute()
            np.multiply(spectrum, kernel, out=spectrum)
            inverse.execute()
            return real[crop].copy()

        return run

    def bank(self, image, filters):
        plane, spectrum = (self.fftw.empty_aligned(image.shape, "complex64") for _ in range(2))
        products, planes = (self.fftw.empty_aligned(filters.shape, "complex64") for _ in range(2))
        forward = self.fftw.FFTW(plane, spectrum, axes=(0, 1), **self.options)
        inverse = self.fftw.FFTW(products, planes, axes=(1, 2), direction="FFTW_BACKWARD", **self.options)
        filters = filters / np.float32(image.size)

        def run():
            plane[:] = image
            forward.execute()
            np.multiply(spectrum, filters, out=products)
            inverse.execute()
            return planes

        return run


def opencv(threads, signal, taps):
    import cv2

    cv2.setNumThreads(threads)
    kernel = np.ascontiguousarray(taps[::-1, ::-1])  # it correlates
    return lambda: cv2.filter2D(signal, -1, kernel, borderType=cv2.BORDER_CONSTANT), f"opencv {cv2.__version__}"


def call(peer, threads, workload, filters):
    """What is timed, and the versions behind it."""
    shape = workload["shape"]
    signal = noise(shape)
    if workload["taps"] is None:
        filters = np.fromfile(filters, "<f4").reshape(-1, *shape)
        kinds = {"scipy_fft_plan": Scipy, "torch_fft_plan": Torch, "mkl_fft_plan": Mkl, "pyfftw_plan": Fftw}
        library = kinds[peer](threads)
        return library.bank(signal, filters), library.version

    k = workload["taps"]
    taps = noise([k] * len(shape), start=signal.size) - np.float32(0.5)
    if peer == "opencv_filter2D":
        return opencv(threads, signal, taps)
    if peer.startswith("scipy_"):
        library = Scipy(threads)
        return library.linear(peer.removeprefix("scipy_"), signal, taps), library.version

    fast = [scipy.fft.next_fast_len(n + k - 1, real=True) for n in shape]
    crop = tuple(slice((k - 1) // 2, (k - 1) // 2 + n) for n in shape)
    if peer == "pyfftw_plan":
        library = Fftw(threads)
        return library.linear(signal, taps, fast, crop), library.version
    library = {"torch": Torch, "mkl": Mkl}[peer.split("_")[0]](threads)
    forward, inverse = library.real_pair(fast)
    signal, taps = library.array(signal), library.array(taps)
    if peer.endswith("_plan"):
        kernel = forward(taps)
        return lambda: inverse(forward(signal) * kernel)[crop], library.version
    return lambda: inverse(forward(signal) * forward(taps))[crop], library.version


def main():
    peer, threads, workload, answer, filters = sys.argv[1:]
    run, version = call(peer, int(threads), json.loads(workload), filters)
    got = np.asarray(run())
    ours = np.fromfile(answer, "<c8" if np.iscomplexobj(got) else "<f4").reshape(got.shape)
    error = np.linalg.norm((got - ours).ravel()) / np.linalg.norm(ours.ravel())
    serve(run, version, [float(error)])


if __name__ == "__main__":
    main()

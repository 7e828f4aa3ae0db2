//! The inner loops of `wavelet-scattering`, and the only place where `unsafe` may appear.
//!
//! [`vector`] is the vocabulary, [`portable`] and `x86_64` speak it, with [`pass::WithSimd`] a caller chooses among them at
//! run time. Everything else is written once, in that vocabulary, and compiled for every instruction set; the portable one is
//! the reference that the tests hold the others against. Passes of Fourier transforms are compiled here, with this crate, the
//! small kernels with what uses them.
//!
//! It is a crate so that it is compiled once, and no interface for others: use `wavelet-scattering`.

#![allow(missing_docs, missing_debug_implementations)] // what a name and its module do not say is said where it is called

pub mod any_length;
pub mod butterfly;
pub mod element;
pub mod pairs;
pub mod pass;
pub mod phases;
pub mod portable;
pub mod product;
pub mod response;
pub mod scalar;
pub mod squares;
pub mod vector;
pub mod window;
#[cfg(target_arch = "x86_64")]
pub mod x86_64;

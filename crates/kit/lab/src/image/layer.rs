//! The one layer every image has: an empty tar archive, compressed.

/// Two blocks of zeros: the end of an archive in which nothing was.
pub(super) const TAR: [u8; 1024] = [0; 1024];

/// The archive as gzip, byte for byte the one that Docker uses.
pub(super) const GZIP: [u8; 32] = [
    31, 139, 8, 0, 0, 9, 110, 136, 0, 255, 98, 24, 5, 163, 96, 20, 140, 88, 0, 8, 0, 0, 255, 255,
    46, 175, 181, 239, 0, 4, 0, 0,
];

/// The archive as zstd: a frame of one segment of 1024 bytes, in which one zero is repeated.
pub(super) const ZSTD: [u8; 11] = [
    0x28, 0xb5, 0x2f, 0xfd, 0x60, 0x00, 0x03, 0x03, 0x20, 0x00, 0x00,
];

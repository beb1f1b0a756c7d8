"""A stream of bytes, encrypted in chunks, each of which is checked before anything of it is used.

Guarantee: with the right key exactly what was written is read; an edit of any byte, chunks that are missing, doubled or
in another order, and a stream that ends early or goes on are refused. Memory is bounded both ways, whatever the
stream claims: a chunk is at most `CHUNK_BYTES_MAX`, before and after it is unpacked.

Every archive has a key of its own, derived from the given one and a random salt, so that a nonce is used once: it is
the chunk's number and whether it is the last. The header, which every chunk is bound to, holds a commitment to the key;
so a wrong key is told from a damaged file, and no file can be made that opens with two keys.

Sources: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance"), AES-256-GCM (NIST SP 800-38D), HKDF with SHA-256 (RFC 5869), zlib (RFC 1950).
"""

import hmac
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from horolog.backup.keys import BackupKey

MAGIC = b"HOROLOG BACKUP 1"
SALT_BYTES = 32
COMMITMENT_BYTES = 32
HEADER_BYTES = len(MAGIC) + SALT_BYTES + COMMITMENT_BYTES
CHUNK_BYTES = 256 * 1024
"""A chunk is sealed when it has reached this."""
WRITE_BYTES_MAX = 4 * 1024 * 1024
CHUNK_BYTES_MAX = CHUNK_BYTES + WRITE_BYTES_MAX
SEALED_BYTES_MAX = CHUNK_BYTES_MAX + 64 * 1024
"""What cannot be compressed becomes larger: by some bytes in 16 KiB, and by the tag."""

_LENGTH_BYTES = 4
_COUNTER_BYTES = 11


class ArchiveError(Exception):
    """An archive that cannot be trusted or understood; nothing that was read of it may be used."""


class SealingWriter:
    """Writes a stream; what is written by one call stays in one chunk. Without `finish` it is worth nothing."""

    def __init__(self, file: BinaryIO, key: BackupKey, salt: bytes) -> None:
        """`salt` are `SALT_BYTES` random bytes, never used before."""
        if len(salt) != SALT_BYTES:
            raise ValueError(f"a salt has {SALT_BYTES} bytes")
        cipher_key, commitment = _derived(key, salt)
        self._file = file
        self._cipher = AESGCM(cipher_key)
        self._header = MAGIC + salt + commitment
        self._number = 0
        self._waiting = bytearray()
        file.write(self._header)

    def write(self, plain: bytes) -> None:
        """Add to the stream, at most `WRITE_BYTES_MAX` at a time."""
        if len(plain) > WRITE_BYTES_MAX:
            raise ValueError(f"{len(plain)} bytes at a time; at most {WRITE_BYTES_MAX} are allowed")
        self._waiting += plain
        if len(self._waiting) >= CHUNK_BYTES:
            self._seal(is_last=False)

    def finish(self) -> None:
        """End the stream; nothing may be written after."""
        self._seal(is_last=True)

    def _seal(self, is_last: bool) -> None:
        packed = zlib.compress(bytes(self._waiting))
        sealed = self._cipher.encrypt(_nonce(self._number, is_last), packed, self._header)
        self._file.write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        self._number += 1
        self._waiting.clear()


def opened_chunks(file: BinaryIO, key: BackupKey) -> Iterator[bytes]:
    """The chunks of a stream, each as soon as it has been checked; only when all came, it was whole.

    Raises:
        ArchiveError: it is none, was changed, or was made with another key.
    """
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        raise ArchiveError("the file is not a backup of Horolog, or one of another version")
    salt, commitment = header[len(MAGIC) : -COMMITMENT_BYTES], header[-COMMITMENT_BYTES:]
    cipher_key, expected = _derived(key, salt)
    if not hmac.compare_digest(commitment, expected):
        raise ArchiveError("the backup was made with another key, or its beginning was changed")
    cipher = AESGCM(cipher_key)
    number, length = 0, file.read(_LENGTH_BYTES)
    while True:
        sealed = _sealed(file, length, number)
        length = file.read(_LENGTH_BYTES)
        is_last = not length
        try:
            packed = cipher.decrypt(_nonce(number, is_last), sealed, header)
        except InvalidTag:
            raise ArchiveError(f"the backup was changed or cut off: part {number + 1} of it is not authentic") from None
        yield _unpacked(packed)
        if is_last:
            return
        number += 1


def _sealed(file: BinaryIO, length: bytes, number: int) -> bytes:
    size = int.from_bytes(length, "big")
    if len(length) < _LENGTH_BYTES or not 0 < size <= SEALED_BYTES_MAX:
        raise ArchiveError(f"the backup was changed or cut off at part {number + 1}")
    sealed = file.read(size)
    if len(sealed) < size:
        raise ArchiveError(f"the backup was cut off in part {number + 1}")
    return sealed


def _unpacked(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(packed, CHUNK_BYTES_MAX)
    except zlib.error as error:
        raise ArchiveError("a part of the backup cannot be unpacked") from error
    if not unpacking.eof or unpacking.unused_data:
        raise ArchiveError(f"a part of the backup is larger than the {CHUNK_BYTES_MAX} bytes allowed")
    return plain


def _derived(key: BackupKey, salt: bytes) -> tuple[bytes, bytes]:
    """The key of one archive, and the commitment to it."""
    both = HKDF(SHA256(), length=64, salt=salt, info=b"horolog backup 1").derive(key.value)
    return both[:32], both[32:]


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(_COUNTER_BYTES, "big") + bytes([is_last])

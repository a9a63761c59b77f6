#!/usr/bin/env python3
"""Writes the handwritten digits that come with Lockstep as files, to try folders of images and arrays.

  digits-to-files.py FOLDER [--every N] [--colour]

FOLDER/png/train and FOLDER/png/test hold a folder a class, zero to nine, of PNG files; FOLDER/arrays holds
the same digits as NumPy files. With --every N only every Nth digit is written. With --colour digits are in
colours, 32 × 32 pixels on a coloured ground, as CIFAR's images have it, and FOLDER/cifar holds CIFAR-10's
binary files of them.
"""
import argparse
import gzip
import os
import struct
import zlib

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SOURCE = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../Sources/CLockstepData/Resources/mnist-5k")


def idx(name):
    with gzip.open(os.path.join(SOURCE, name)) as file:
        data = file.read()
    count = struct.unpack(">I", data[4:8])[0]
    return count, data[4 + 4 * data[3]:]


def png(pixels, width, height, channels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = width * channels
    rows = b"".join(b"\0" + pixels[y * row:(y + 1) * row] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b""))


def npy(path, kind, shape, data):
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (kind, shape)
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + data)


def coloured(pixels, number):
    """A digit of 28 × 28 in a colour on a ground of another one, 32 × 32 pixels, red, green and blue."""
    ink = [255 - 60 * (number % 3), 120 + 60 * (number % 2), 255 - 50 * (number % 5)]
    ground = [20 * (number % 4), 30 * (number % 3), 15 * (number % 7)]
    result = bytearray()
    for y in range(32):
        for x in range(32):
            grey = pixels[(y - 2) * 28 + x - 2] if 2 <= y < 30 and 2 <= x < 30 else 0
            result += bytes((i * grey + g * (255 - grey)) // 255 for i, g in zip(ink, ground))
    return bytes(result)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--colour", action="store_true")
    options = parser.parse_args()
    os.makedirs(f"{options.folder}/arrays", exist_ok=True)
    for part in ["train", "test"]:
        count, images = idx(f"{part}-images-idx3-ubyte.gz")
        _, labels = idx(f"{part}-labels-idx1-ubyte.gz")
        numbers = range(0, count, options.every)
        pictures = [images[784 * n:784 * (n + 1)] for n in numbers]
        classes = bytes(labels[n] for n in numbers)
        if options.colour:
            pictures = [coloured(picture, n) for n, picture in zip(numbers, pictures)]
        side, channels = (32, 3) if options.colour else (28, 1)
        for n, label, picture in zip(numbers, classes, pictures):
            folder = f"{options.folder}/png/{part}/{NAMES[label]}"
            os.makedirs(folder, exist_ok=True)
            with open(f"{folder}/{n:05}.png", "wb") as file:
                file.write(png(picture, side, side, channels))
        shape = (len(pictures), side, side) + ((3,) if options.colour else ())
        npy(f"{options.folder}/arrays/{part}_images.npy", "|u1", shape, b"".join(pictures))
        npy(f"{options.folder}/arrays/{part}_labels.npy", "|u1", (len(pictures),), classes)
        if options.colour:
            records = [
                bytes([label]) + picture[0::3] + picture[1::3] + picture[2::3]
                for label, picture in zip(classes, pictures)
            ]
            os.makedirs(f"{options.folder}/cifar", exist_ok=True)
            parts = 5 if part == "train" else 1
            for index in range(parts):
                name = f"data_batch_{index + 1}.bin" if part == "train" else "test_batch.bin"
                begin, end = index * len(records) // parts, (index + 1) * len(records) // parts
                with open(f"{options.folder}/cifar/{name}", "wb") as file:
                    file.write(b"".join(records[begin:end]))
            with open(f"{options.folder}/cifar/batches.meta.txt", "w") as file:
                file.write("\n".join(NAMES) + "\n")


main()

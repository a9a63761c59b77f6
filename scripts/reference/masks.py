"""The definition of dropout masks once more, independently of the program under test."""

import numpy
import torch

from cases import f32


def philox(counter, key):
    c, k, mask = list(counter), list(key), 0xFFFFFFFF
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(b >> 32) ^ c[1] ^ k[0], b & mask, (a >> 32) ^ c[3] ^ k[1], a & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def dropout(rate, key, seed, step, first):
    def run(x):
        elements = x[0].numel()
        mask = torch.zeros(x.shape[0], elements)
        for example in range(x.shape[0]):
            for element in range(elements):
                words = philox(
                    [element // 4, first + example, step & 0xFFFFFFFF, step >> 32],
                    [(seed & 0xFFFFFFFF) ^ (key * 0x9E3779B9 & 0xFFFFFFFF), seed >> 32])
                mask[example, element] = words[element % 4] >= int(f32(rate) * 2**32)
        scale = numpy.float32(1) / (numpy.float32(1) - numpy.float32(rate))
        return x * mask.reshape(x.shape) * float(scale)
    return run

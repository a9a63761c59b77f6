#!/usr/bin/env python3
"""Prints the order of an epoch, computed independently of the Swift code from its description:
Philox4x32-10, Lemire's bounded integers, Fisher-Yates. The sampler's tests hold the output."""
import sys

WORD = 2**32


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(b // WORD) ^ c[1] ^ k[0], b % WORD, (a // WORD) ^ c[3] ^ k[1], a % WORD]
        k = [(k[0] + 0x9E3779B9) % WORD, (k[1] + 0xBB67AE85) % WORD]
    return c


def words(seed, purpose, index):
    position = 0
    while True:
        yield from philox(
            [position % WORD, position // WORD, index, purpose], [seed % WORD, seed // WORD]
        )
        position += 1


def below(stream, bound):
    def draw():
        low = next(stream)
        return (low + next(stream) * WORD) * bound

    product = draw()
    if product % 2**64 < bound:
        threshold = 2**64 % bound
        while product % 2**64 < threshold:
            product = draw()
    return product // 2**64


def order(count, seed, epoch):
    stream = words(seed, 1, epoch)
    result = list(range(count))
    for last in range(count - 1, 0, -1):
        other = below(stream, last + 1)
        result[last], result[other] = result[other], result[last]
    return result


assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
print(order(*(int(argument) for argument in sys.argv[1:4])))

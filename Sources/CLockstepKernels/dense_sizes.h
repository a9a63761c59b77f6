// Sizes of tiles and blocks of products, for all instruction sets.
#ifndef LOCKSTEP_DENSE_SIZES_H
#define LOCKSTEP_DENSE_SIZES_H

#include <stddef.h>

#include "lanes.h"

// A panel of two vectors has twice the rows.
#define LARGEST_ROWS 12
#define LARGEST_VECTORS 4
#define LARGEST_TILE (24 * LANES)
#define LARGEST_WIDTH (LARGEST_VECTORS * LANES)

// Products of many rows lay the weights, or what they are the sums of, in panels: so many rows at
// a time pass these, ...
#define HEIGHT 96
// ... so many terms at a time, at most
#define MOST_TERMS 256
// (or less, where the rows lie in groups of four or more, with a gap of a vector behind each).
#define GROUPS (HEIGHT * MOST_TERMS + HEIGHT / 4 * LANES)
#define UNROLL _Pragma("clang loop unroll(full)")

#endif

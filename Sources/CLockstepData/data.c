#include "lockstep_data.h"

// A program may be copied to another node and run from any directory, so the data lies in its
// read-only segment and is paged in when it is used. `#embed` (C23) takes the files as they are,
// costs a few milliseconds to compile and is tracked as a dependency; there is no generated code.
#if !defined(__has_embed)
#error "this file needs a compiler with #embed: clang 19 or newer, as Swift 6.3 brings it"
#endif
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char training_images[] = {
#embed "Resources/mnist-5k/train-images-idx3-ubyte.gz"
};
static const unsigned char training_labels[] = {
#embed "Resources/mnist-5k/train-labels-idx1-ubyte.gz"
};
static const unsigned char test_images[] = {
#embed "Resources/mnist-5k/test-images-idx3-ubyte.gz"
};
static const unsigned char test_labels[] = {
#embed "Resources/mnist-5k/test-labels-idx1-ubyte.gz"
};
static const unsigned char breast_cancer[] = {
#embed "Resources/breast-cancer.csv"
};
static const unsigned char king_james[] = {
#embed "Resources/king-james.txt.gz"
};

static const lockstep_data_file files[] = {
    {"mnist-5k/train-images-idx3-ubyte.gz", training_images, sizeof training_images},
    {"mnist-5k/train-labels-idx1-ubyte.gz", training_labels, sizeof training_labels},
    {"mnist-5k/test-images-idx3-ubyte.gz", test_images, sizeof test_images},
    {"mnist-5k/test-labels-idx1-ubyte.gz", test_labels, sizeof test_labels},
    {"breast-cancer.csv", breast_cancer, sizeof breast_cancer},
    {"king-james.txt.gz", king_james, sizeof king_james},
};

size_t lockstep_data_count(void) { return sizeof files / sizeof files[0]; }

lockstep_data_file lockstep_data_at(size_t index) { return files[index]; }

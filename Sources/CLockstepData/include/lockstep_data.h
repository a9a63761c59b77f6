#ifndef LOCKSTEP_DATA_H
#define LOCKSTEP_DATA_H
#include <stddef.h>

/// A file of `Resources/`, embedded in the program.
typedef struct {
  /// The path below `Resources/`.
  const char *path;
  /// The file's bytes.
  const unsigned char *bytes;
  /// The number of bytes.
  size_t count;
} lockstep_data_file;

/// The number of embedded files.
size_t lockstep_data_count(void);

/// The embedded file with an index below `lockstep_data_count()`.
lockstep_data_file lockstep_data_at(size_t index);

#endif

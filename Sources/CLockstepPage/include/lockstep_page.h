#ifndef LOCKSTEP_PAGE_H
#define LOCKSTEP_PAGE_H
#include <stddef.h>

/// UTF-8 text, embedded in the program; no zero ends it.
typedef struct {
  /// The text's bytes.
  const char *bytes;
  /// The number of bytes.
  size_t count;
} lockstep_page_text;

/// The style sheet of the page of `lockstep report`.
lockstep_page_text lockstep_page_style(void);

/// The script of the page of `lockstep report`, which draws its charts.
lockstep_page_text lockstep_page_script(void);

#endif

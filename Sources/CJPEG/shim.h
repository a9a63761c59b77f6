// Decoding a JPEG file in memory. libjpeg ends the program where an error has no handler; the handler
// here jumps back, and must not jump out of C: the one function returns a code, and the error's text in
// its result.
#ifndef LOCKSTEP_CJPEG_SHIM_H
#define LOCKSTEP_CJPEG_SHIM_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

// A decoded image, or why there is none.
typedef struct {
  int width;
  int height;
  // 1: grey; 3: red, green, blue.
  int channels;
  // Rows from the top, pixels interleaved, 8 bits a value; free() releases it.
  unsigned char *pixels;
  char message[JMSG_LENGTH_MAX + 1];
} lockstep_jpeg_image;

// What one decoding holds.
typedef struct {
  // libjpeg finds it by this address: it stays first.
  struct jpeg_error_mgr errors;
  struct jpeg_decompress_struct reader;
  lockstep_jpeg_image *image;
  jmp_buf escape;
} lockstep_jpeg_decoding;

static void lockstep_jpeg_fail(j_common_ptr reader) {
  lockstep_jpeg_decoding *decoding = (lockstep_jpeg_decoding *)reader->err;
  reader->err->format_message(reader, decoding->image->message);
  longjmp(decoding->escape, 1);
}

// Damage is an error, not a warning: libjpeg would fill in what is missing. Oddities of headers, and
// bytes between segments, change no pixel.
static void lockstep_jpeg_warn(j_common_ptr reader, int level) {
  if (level >= 0) return;
  switch (reader->err->msg_code) {
  case JWRN_EXTRANEOUS_DATA:
  case JWRN_ADOBE_XFORM:
  case JWRN_JFIF_MAJOR: return;
  default: lockstep_jpeg_fail(reader);
  }
}

static void lockstep_jpeg_ignore(j_common_ptr reader) { (void)reader; }

static void lockstep_jpeg_refuse(lockstep_jpeg_decoding *decoding, const char *text) {
  strncpy(decoding->image->message, text, JMSG_LENGTH_MAX);
  longjmp(decoding->escape, 1);
}

// Runs the decoding; 0 where the image is complete. All state is the caller's, so that a jump finds
// it as it was.
static int lockstep_jpeg_run(
    lockstep_jpeg_decoding *decoding, const unsigned char *bytes, size_t count, size_t most_pixels) {
  if (setjmp(decoding->escape)) return 1;
  struct jpeg_decompress_struct *reader = &decoding->reader;
  reader->err = jpeg_std_error(&decoding->errors);
  decoding->errors.error_exit = lockstep_jpeg_fail;
  decoding->errors.emit_message = lockstep_jpeg_warn;
  decoding->errors.output_message = lockstep_jpeg_ignore;
  jpeg_create_decompress(reader);
  jpeg_mem_src(reader, bytes, count);
  jpeg_read_header(reader, TRUE);

  if ((size_t)reader->image_width > most_pixels / reader->image_height)
    lockstep_jpeg_refuse(decoding, "it has too many pixels");
  switch (reader->jpeg_color_space) {
  case JCS_GRAYSCALE: reader->out_color_space = JCS_GRAYSCALE; break;
  case JCS_RGB:
  case JCS_YCbCr: reader->out_color_space = JCS_RGB; break;
  case JCS_CMYK:
  case JCS_YCCK:
    lockstep_jpeg_refuse(decoding, "its colours are CMYK, for printing: convert it to RGB");
    break;
  default: lockstep_jpeg_refuse(decoding, "its colour space is unknown: convert it to RGB");
  }
  // The same bits on every processor.
  reader->dct_method = JDCT_ISLOW;
  jpeg_start_decompress(reader);

  const size_t row = (size_t)reader->output_width * (size_t)reader->output_components;
  decoding->image->width = (int)reader->output_width;
  decoding->image->height = (int)reader->output_height;
  decoding->image->channels = reader->output_components;
  decoding->image->pixels = (unsigned char *)malloc(row * reader->output_height);
  if (!decoding->image->pixels) lockstep_jpeg_refuse(decoding, "there is no memory for its pixels");
  while (reader->output_scanline < reader->output_height) {
    JSAMPROW to = decoding->image->pixels + reader->output_scanline * row;
    jpeg_read_scanlines(reader, &to, 1);
  }
  jpeg_finish_decompress(reader);
  return 0;
}

// Decodes a file's bytes to grey, or to red, green and blue. Returns 0, or 1 and a message.
static inline int lockstep_jpeg_decode(
    const unsigned char *bytes, size_t count, size_t most_pixels, lockstep_jpeg_image *image) {
  memset(image, 0, sizeof *image);
  lockstep_jpeg_decoding *decoding =
      (lockstep_jpeg_decoding *)calloc(1, sizeof(lockstep_jpeg_decoding));
  if (!decoding) {
    strncpy(image->message, "there is no memory to decode it", JMSG_LENGTH_MAX);
    return 1;
  }
  decoding->image = image;
  const int failed = lockstep_jpeg_run(decoding, bytes, count, most_pixels);
  jpeg_destroy_decompress(&decoding->reader);
  free(decoding);
  if (failed) {
    free(image->pixels);
    image->pixels = NULL;
  }
  return failed;
}

#endif

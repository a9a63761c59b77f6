// Decoding a PNG file in memory. libpng reports errors by longjmp, which must not leave C: the one
// function here returns a code, and the error's text in its result.
#ifndef LOCKSTEP_CPNG_SHIM_H
#define LOCKSTEP_CPNG_SHIM_H

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

// A decoded image, or why there is none.
typedef struct {
  int width;
  int height;
  // 1: grey; 3: red, green, blue.
  int channels;
  // Rows from the top, pixels interleaved, 8 bits a value; free() releases it.
  unsigned char *pixels;
  char message[160];
} lockstep_png_image;

// What one decoding holds.
typedef struct {
  const unsigned char *bytes;
  size_t count;
  size_t next;
  png_structp png;
  png_infop info;
  png_bytep *rows;
  lockstep_png_image *image;
  jmp_buf escape;
} lockstep_png_decoding;

static inline void lockstep_png_say(lockstep_png_image *image, const char *text) {
  strncpy(image->message, text, sizeof image->message - 1);
  image->message[sizeof image->message - 1] = 0;
}

static void lockstep_png_fail(png_structp png, png_const_charp text) {
  lockstep_png_decoding *decoding = (lockstep_png_decoding *)png_get_error_ptr(png);
  lockstep_png_say(decoding->image, text);
  longjmp(decoding->escape, 1);
}

static void lockstep_png_ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void lockstep_png_read(png_structp png, png_bytep to, png_size_t count) {
  lockstep_png_decoding *decoding = (lockstep_png_decoding *)png_get_io_ptr(png);
  if (count > decoding->count - decoding->next) png_error(png, "truncated: it ends before its content does");
  memcpy(to, decoding->bytes + decoding->next, count);
  decoding->next += count;
}

// Runs the decoding; 0 where the image is complete. All state is the caller's, so that a jump finds
// it as it was.
static int lockstep_png_run(lockstep_png_decoding *decoding, size_t most_pixels) {
  if (setjmp(decoding->escape)) return 1;
  decoding->png = png_create_read_struct(
      PNG_LIBPNG_VER_STRING, decoding, lockstep_png_fail, lockstep_png_ignore);
  if (!decoding->png) {
    lockstep_png_say(decoding->image, "libpng does not start");
    return 1;
  }
  png_structp png = decoding->png;
  decoding->info = png_create_info_struct(png);
  if (!decoding->info) png_error(png, "libpng has no memory");
  png_set_read_fn(png, decoding, lockstep_png_read);
  png_set_user_limits(png, 1 << 20, 1 << 20);
  png_read_info(png, decoding->info);

  const png_uint_32 width = png_get_image_width(png, decoding->info);
  const png_uint_32 height = png_get_image_height(png, decoding->info);
  const int type = png_get_color_type(png, decoding->info);
  const int depth = png_get_bit_depth(png, decoding->info);
  if ((size_t)width > most_pixels / height) png_error(png, "it has too many pixels");
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
  if (depth == 16) png_set_scale_16(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, decoding->info);

  const int channels = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
  const size_t row = (size_t)width * (size_t)channels;
  if (png_get_rowbytes(png, decoding->info) != row) png_error(png, "its rows have an odd length");
  decoding->image->width = (int)width;
  decoding->image->height = (int)height;
  decoding->image->channels = channels;
  decoding->image->pixels = (unsigned char *)malloc(row * height);
  decoding->rows = (png_bytep *)malloc(height * sizeof(png_bytep));
  if (!decoding->image->pixels || !decoding->rows) png_error(png, "there is no memory for its pixels");
  for (png_uint_32 y = 0; y < height; y++) decoding->rows[y] = decoding->image->pixels + y * row;
  png_read_image(png, decoding->rows);
  png_read_end(png, NULL);
  return 0;
}

// Decodes a file's bytes to 8 bits a value: palettes become colours, 16 bits are scaled, alpha is left
// out. Returns 0, or 1 and a message.
static inline int lockstep_png_decode(
    const unsigned char *bytes, size_t count, size_t most_pixels, lockstep_png_image *image) {
  memset(image, 0, sizeof *image);
  lockstep_png_decoding *decoding =
      (lockstep_png_decoding *)calloc(1, sizeof(lockstep_png_decoding));
  if (!decoding) {
    lockstep_png_say(image, "there is no memory to decode it");
    return 1;
  }
  decoding->bytes = bytes;
  decoding->count = count;
  decoding->image = image;
  const int failed = lockstep_png_run(decoding, most_pixels);
  png_destroy_read_struct(&decoding->png, &decoding->info, NULL);
  free(decoding->rows);
  free(decoding);
  if (failed) {
    free(image->pixels);
    image->pixels = NULL;
  }
  return failed;
}

#endif

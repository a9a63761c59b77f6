#include "lockstep_page.h"

// As in CLockstepData: the files as they are, in the program's read-only segment.
#if !defined(__has_embed)
#error "this file needs a compiler with #embed: clang 19 or newer, as Swift 6.3 brings it"
#endif
#pragma clang diagnostic ignored "-Wc23-extensions"

static const char style[] = {
#embed "Resources/report.css"
};
static const char script[] = {
#embed "Resources/report.js"
};

lockstep_page_text lockstep_page_style(void) {
  return (lockstep_page_text){style, sizeof style};
}

lockstep_page_text lockstep_page_script(void) {
  return (lockstep_page_text){script, sizeof script};
}

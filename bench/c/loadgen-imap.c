/* IMAP as a client speaks it: LOGIN, then NOOP, FETCH, IDLE or LOGOUT. RFC 3501, RFC 2177. */
#include "loadgen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GREETING, LOGGING_IN, LOGGED_IN };

static void greeted(struct conn *c, const char *line) {
  static unsigned user;
  if (strncmp(line, "* OK", 4)) return fail(c, "greeting");
  c->step = LOGGING_IN;
  say(c, "a%u LOGIN user%u@example.org secret\r\n", ++c->tag, user++ % 1000);
}

/* The status word behind our tag; NULL for any other line. */
static const char *tagged(const struct conn *c, const char *line) {
  char tag[16];
  int length = snprintf(tag, sizeof tag, "a%u ", c->tag);
  return strncmp(line, tag, (size_t)length) ? NULL : line + length;
}

static void line(struct conn *c, const char *line, size_t length) {
  if (c->step == GREETING) return greeted(c, line);
  if (c->phase == RUNNING && options.command == HOLD && *line == '+') return held(c);
  if (c->phase == RUNNING && length > 2 && line[length - 1] == '}') {
    const char *open = strrchr(line, '{');
    if (open) c->skip = strtoull(open + 1, NULL, 10);
    return;
  }
  const char *status = tagged(c, line);
  if (!status) return;
  if (strncmp(status, "OK", 2)) return fail(c, "refused");
  if (c->step == LOGGING_IN) {
    c->step = LOGGED_IN;
    logged_in(c);
  } else if (c->phase == RUNNING) {
    op_finished(c);
  }
}

static void command(struct conn *c, enum command command) {
  char text[64];
  switch (command) {
    case FETCH: snprintf(text, sizeof text, "FETCH %zu BODY[]", options.size); break;
    case HOLD: strcpy(text, "IDLE"); break;
    case QUIT: strcpy(text, "LOGOUT"); break;
    default: strcpy(text, "NOOP");
  }
  say(c, "a%u %s\r\n", ++c->tag, text);
}

const struct protocol imap = {.name = "imap", .line = line, .command = command};

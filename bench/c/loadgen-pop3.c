/* POP3 as a client speaks it: USER and PASS, then NOOP or QUIT. RFC 1939. */
#include "loadgen.h"

#include <string.h>

enum { GREETING, USER, PASS, LOGGED_IN };

static void line(struct conn *c, const char *line, size_t length) {
  static unsigned user;
  (void)length;
  if (strncmp(line, "+OK", 3)) return fail(c, "refused");
  switch (c->step) {
    case GREETING:
      c->step = USER;
      return say(c, "USER user%u@example.org\r\n", user++ % 1000);
    case USER:
      c->step = PASS;
      return say(c, "PASS secret\r\n");
    case PASS:
      c->step = LOGGED_IN;
      return logged_in(c);
    default:
      if (c->phase == RUNNING && options.command == HOLD) return held(c);
      if (c->phase == RUNNING) op_finished(c);
  }
}

static void command(struct conn *c, enum command command) { say(c, command == QUIT ? "QUIT\r\n" : "NOOP\r\n"); }

const struct protocol pop3 = {.name = "pop3", .line = line, .command = command};

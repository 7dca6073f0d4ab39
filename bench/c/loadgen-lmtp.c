/* LMTP as a mail server speaks it: LHLO, then one transaction after the other, or QUIT. RFC 2033. */
#include "loadgen.h"

#include <string.h>

enum { GREETING, LHLO, READY, MAIL, RCPT, DATA, TEXT };

static void line(struct conn *c, const char *line, size_t length) {
  if (length > 3 && line[3] == '-') return;
  if (*line != '2' && *line != '3') return fail(c, "refused");
  switch (c->step) {
    case GREETING:
      c->step = LHLO;
      return say(c, "LHLO client.example.org\r\n");
    case LHLO:
      c->step = READY;
      return logged_in(c);
    case DATA:
      c->step = TEXT;
      return send_message(c);
    case READY:
    case TEXT:
      c->step = READY;
      if (c->phase == RUNNING) op_finished(c);
      return;
    default:
      c->step++;
  }
}

static void command(struct conn *c, enum command command) {
  static unsigned user;
  if (command != DELIVER) return say(c, command == QUIT ? "QUIT\r\n" : "NOOP\r\n");
  c->step = MAIL;
  say(c, "MAIL FROM:<alice@example.org>\r\nRCPT TO:<user%u@example.org>\r\nDATA\r\n", user++ % 1000);
}

const struct protocol lmtp = {.name = "lmtp", .line = line, .command = command};

/* POP3: every password is right, the mailbox is empty. RFC 1939, capabilities RFC 2449, AUTH RFC 5034. */
#include "backend.h"

#include <string.h>
#include <strings.h>

enum { COMMAND, RESPONSE };

static void greet(struct conn *c) { put(c, "+OK Ready.\r\n"); }

static void line(struct conn *c, char *text, size_t length) {
  (void)length;
  if (c->step == RESPONSE) {
    c->step = COMMAND;
    put(c, "+OK Logged in.\r\n");
  } else if (!strncasecmp(text, "CAPA", 4)) {
    put(c, "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nUSER\r\nSASL PLAIN LOGIN\r\n.\r\n");
  } else if (!strncasecmp(text, "AUTH ", 5) && !strchr(text + 5, ' ')) {
    c->step = RESPONSE;
    put(c, "+ \r\n");
  } else {
    c->closing = !strncasecmp(text, "QUIT", 4);
    put(c, "+OK\r\n");
  }
}

const struct service pop3_service = {.name = "pop3", .greet = greet, .line = line};

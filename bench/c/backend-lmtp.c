/* LMTP: takes every message for every recipient and forgets it. RFC 2033. */
#define _GNU_SOURCE
#include "backend.h"

#include <string.h>
#include <strings.h>

/* The last octets of the message text so far, which may be the start of the line that ends it. */
static const char end_of_text[] = "\r\n.\r\n";
enum { END_LENGTH = sizeof end_of_text - 1 };

static void greet(struct conn *c) { put(c, "220 backend LMTP Ready.\r\n"); }

static void line(struct conn *c, char *text, size_t length) {
  (void)length;
  if (!strncasecmp(text, "LHLO", 4)) {
    put(c, "250-backend\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 PIPELINING\r\n");
  } else if (!strncasecmp(text, "RCPT", 4)) {
    c->count++;
    put(c, "250 2.1.5 OK\r\n");
  } else if (!strncasecmp(text, "DATA", 4)) {
    c->raw = true;
    strcpy(c->command, "\r\n");
    put(c, "354 OK\r\n");
  } else if (!strncasecmp(text, "QUIT", 4)) {
    c->closing = true;
    put(c, "221 2.0.0 Bye\r\n");
  } else {
    if (!strncasecmp(text, "RSET", 4)) c->count = 0;
    put(c, "250 2.0.0 OK\r\n");
  }
}

/* Where the text ends in `data`, counted in its octets, when the end began in the octets before it; 0 when it does not. */
static size_t end_across(const char *before, const char *data, size_t length) {
  char joined[2 * END_LENGTH];
  size_t kept = strlen(before), taken = length < END_LENGTH ? length : END_LENGTH;
  memcpy(joined, before, kept);
  memcpy(joined + kept, data, taken);
  const char *end = memmem(joined, kept + taken, end_of_text, END_LENGTH);
  return end ? (size_t)(end - joined) + END_LENGTH - kept : 0;
}

static void remember(char *last, const char *data, size_t length) {
  char joined[2 * END_LENGTH];
  size_t kept = strlen(last), taken = length < END_LENGTH - 1 ? length : END_LENGTH - 1;
  memcpy(joined, last, kept);
  memcpy(joined + kept, data + length - taken, taken);
  size_t all = kept + taken, keep = all < END_LENGTH - 1 ? all : END_LENGTH - 1;
  memcpy(last, joined + all - keep, keep);
  last[keep] = 0;
}

static size_t raw(struct conn *c, const char *data, size_t length) {
  size_t used = end_across(c->command, data, length);
  if (!used) {
    const char *end = memmem(data, length, end_of_text, END_LENGTH);
    if (!end) {
      remember(c->command, data, length);
      return length;
    }
    used = (size_t)(end - data) + END_LENGTH;
  }
  c->raw = false;
  for (; c->count; c->count--) put(c, "250 2.0.0 Saved\r\n");
  return used;
}

const struct service lmtp_service = {.name = "lmtp", .greet = greet, .line = line, .raw = raw};

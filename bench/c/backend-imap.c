/* IMAP: every LOGIN and AUTHENTICATE is right; `FETCH n BODY[]` answers with a literal of n octets. RFC 3501. */
#define _GNU_SOURCE
#include "backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BEFORE_LOGIN "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN AUTH=LOGIN"
#define AFTER_LOGIN                                                                                            \
  "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT THREAD=REFERENCES MULTIAPPEND UNSELECT CHILDREN "     \
  "NAMESPACE UIDPLUS CONDSTORE QRESYNC ESEARCH ESORT MOVE SPECIAL-USE LITERAL+"

enum { COMMAND, RESPONSE, IDLING, LITERAL };

static void greet(struct conn *c) { put(c, "* OK [CAPABILITY " BEFORE_LOGIN "] Ready.\r\n"); }

static void ok(struct conn *c, const char *tag) { put(c, "%s OK Done.\r\n", tag); }

static void logged_in(struct conn *c, const char *tag) {
  put(c, "%s OK [CAPABILITY " AFTER_LOGIN "] Logged in\r\n", tag);
}

static void wait_for(struct conn *c, const char *tag, int step) {
  snprintf(c->command, sizeof c->command, "%s", tag);
  c->step = step;
  put(c, "+ \r\n");
}

static void fetch(struct conn *c, const char *tag, size_t size) {
  put(c, "* 1 FETCH (BODY[] {%zu}\r\n", size);
  snprintf(c->tail, sizeof c->tail, ")\r\n%s OK Fetch completed.\r\n", tag);
  c->body = size;
  if (!size) put(c, "%s", c->tail);
}

static bool is(const char *command, const char *name) {
  size_t length = strlen(name);
  return !strncasecmp(command, name, length) && (command[length] == ' ' || !command[length]);
}

static void run(struct conn *c, char *line) {
  char *rest = line;
  const char *tag = strsep(&rest, " ");
  if (!rest) rest = "";
  if (is(rest, "LOGIN")) return logged_in(c, tag);
  if (is(rest, "AUTHENTICATE")) return strchr(rest + 13, ' ') ? logged_in(c, tag) : wait_for(c, tag, RESPONSE);
  if (is(rest, "IDLE")) return wait_for(c, tag, IDLING);
  if (is(rest, "FETCH")) return fetch(c, tag, strtoull(rest + 5, NULL, 10));
  if (is(rest, "CAPABILITY")) put(c, "* CAPABILITY " BEFORE_LOGIN "\r\n");
  if (is(rest, "ID")) put(c, "* ID NIL\r\n");
  if (is(rest, "LOGOUT")) put(c, "* BYE Logging out\r\n");
  c->closing = is(rest, "LOGOUT");
  ok(c, tag);
}

/* The octets of a literal at the end of the line; -1 without one. Asks for it when it is synchronising. */
static long literal(struct conn *c, const char *line, size_t length) {
  const char *open = length > 2 && line[length - 1] == '}' ? strrchr(line, '{') : NULL;
  if (!open) return -1;
  if (line[length - 2] != '+') put(c, "+ OK\r\n");
  return atol(open + 1);
}

static void line(struct conn *c, char *text, size_t length) {
  int step = c->step;
  if (step == RESPONSE || step == IDLING) {
    c->step = COMMAND;
    return step == RESPONSE ? logged_in(c, c->command) : ok(c, c->command);
  }
  long octets = literal(c, text, length);
  if (octets >= 0) {
    c->skip = (size_t)octets;
    if (step != LITERAL) snprintf(c->command, sizeof c->command, "%.60s", text);
    c->step = LITERAL;
    return;
  }
  c->step = COMMAND;
  run(c, step == LITERAL ? c->command : text);
}

const struct service imap_service = {.name = "imap", .greet = greet, .line = line};

/* nginx's auth_http protocol (ngx_mail_auth_http_module): everybody may in, to the service of the same protocol. */
#define _GNU_SOURCE
#include "backend.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void line(struct conn *c, char *text, size_t length) {
  static const char name[] = "Auth-Protocol: ";
  if (length) {
    if (!strncasecmp(text, name, sizeof name - 1))
      snprintf(c->command, sizeof c->command, "%.16s", text + sizeof name - 1);
    return;
  }
  put(c, "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: %d\r\n\r\n", port_of(c->command));
  c->closing = true;
}

const struct service auth_http_service = {.name = "auth_http", .line = line};

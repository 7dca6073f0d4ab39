/* What a run counts, and how it is printed. */
#include "loadgen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct result result;

static double *latencies;
static size_t latency_count, latency_size;

void count_latency(double seconds) {
  result.operations++;
  if (latency_count == latency_size) {
    latency_size = latency_size ? latency_size * 2 : 1 << 16;
    latencies = realloc(latencies, latency_size * sizeof *latencies);
    if (!latencies) abort();
  }
  latencies[latency_count++] = seconds;
}

void reset_result(void) {
  result.operations = result.tls_full = result.tls_resumed = 0;
  result.octets = 0;
  latency_count = 0;
}

void count_error(const struct conn *c, const char *why) {
  static const char *const names[] = {"closed", "connecting", "handshake", "login", "waiting", "running", "held", "leaving"};
  if (result.errors++) return;
  int length = snprintf(result.first_error, sizeof result.first_error, "%s while %s (%s): %.*s", why, names[c->phase],
                        errno ? strerror(errno) : "no errno", (int)c->line_length, c->line);
  /* Without what JSON would trip over. */
  for (int i = 0; i < length && i < (int)sizeof result.first_error - 1; i++) {
    char *p = result.first_error + i;
    if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\') *p = '?';
  }
}

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static double percentile_us(double share) {
  if (!latency_count) return 0;
  size_t index = (size_t)(share * (double)latency_count);
  return latencies[index < latency_count ? index : latency_count - 1] * 1e6;
}

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void print_result(double seconds) {
  qsort(latencies, latency_count, sizeof *latencies, compare);
  printf("{\"operations\":%ld,\"errors\":%ld,\"seconds\":%.6f,\"octets\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
         "\"tls_full\":%ld,\"tls_resumed\":%ld,\"cpu_seconds\":%.4f,\"first_error\":\"%s\"}\n",
         result.operations, result.errors, seconds, result.octets, percentile_us(.5), percentile_us(.99), result.tls_full,
         result.tls_resumed, cpu_seconds(), result.first_error);
  fflush(stdout);
}

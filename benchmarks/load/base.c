/* Time, CPU time, durations and the JSON of the phases. */
#include "load.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST_SAMPLES 8000000

static const char *phase_name = "";
static int phases_printed;
static struct moment {
  uint64_t at, server_cpu, own_cpu;
} begun, stopped;

static uint64_t read_clock(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0)
    die("the server ended");
  return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

uint64_t now_ns(void) { return read_clock(CLOCK_MONOTONIC); }

uint64_t own_cpu_ns(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

uint64_t server_cpu_ns(void) {
  /* The same time as in /proc/PID/stat, of all threads, but not rounded to ticks of 10 ms. */
  clockid_t clock;
  if (clock_getcpuclockid(settings.pid, &clock) != 0)
    die("the server ended");
  return read_clock(clock);
}

long server_rss_bytes(void) {
  char path[64];
  long total = 0, resident = 0;
  snprintf(path, sizeof path, "/proc/%d/statm", settings.pid);
  FILE *file = fopen(path, "r");
  if (file == NULL || fscanf(file, "%ld %ld", &total, &resident) != 2)
    die("the server ended");
  fclose(file);
  return resident * sysconf(_SC_PAGESIZE);
}

void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "load: %s%s", phase_name, *phase_name ? ": " : "");
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(1);
}

void *allocate(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory == NULL)
    die("out of memory");
  return memory;
}

double random_unit(void) {
  static uint64_t state = 88172645463325252ULL;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (double)((state >> 11) + 1) / (double)(1ULL << 53);
}

void samples_clear(struct samples *samples) { samples->count = 0; }

void samples_add(struct samples *samples, uint64_t ns) {
  if (samples->count == samples->capacity) {
    if (samples->capacity >= MOST_SAMPLES)
      return;
    samples->capacity = samples->capacity ? samples->capacity * 2 : 4096;
    samples->microseconds = realloc(samples->microseconds, samples->capacity * sizeof(float));
    if (samples->microseconds == NULL)
      die("out of memory");
  }
  samples->microseconds[samples->count++] = (float)ns / 1000.0f;
}

static int compare(const void *left, const void *right) {
  float a = *(const float *)left, b = *(const float *)right;
  return (a > b) - (a < b);
}

void samples_print(const char *name, struct samples *samples) {
  static const double points[] = {0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100};
  printf(",\"%s\":{\"count\":%zu", name, samples->count);
  qsort(samples->microseconds, samples->count, sizeof(float), compare);
  for (size_t i = 0; samples->count > 0 && i < sizeof points / sizeof *points; i++) {
    /* The least value that so many percent do not exceed. */
    size_t rank = (size_t)ceil(points[i] / 100 * (double)samples->count);
    printf(",\"p%g\":%.1f", points[i], samples->microseconds[rank > 0 ? rank - 1 : 0]);
  }
  putchar('}');
}

static struct moment moment_now(void) {
  return (struct moment){now_ns(), server_cpu_ns(), own_cpu_ns()};
}

void phase_opened(const char *name) {
  phase_name = name;
  printf("%s{\"phase\":\"%s\"", phases_printed++ ? "," : "{\"phases\":[", name);
  phase_measures();
  totals = (struct totals){0};
}

void phase_measures(void) {
  begun = moment_now();
  stopped = (struct moment){0};
}

void phase_stops(void) { stopped = moment_now(); }

double phase_seconds(void) { return (double)(stopped.at - begun.at) / SECOND; }

void phase_number(const char *name, double value) { printf(",\"%s\":%.10g", name, value); }

void phase_closed(void) {
  phase_number("seconds", phase_seconds());
  phase_number("server_cpu_us", (double)(stopped.server_cpu - begun.server_cpu) / 1000);
  phase_number("load_cpu_us", (double)(stopped.own_cpu - begun.own_cpu) / 1000);
  phase_number("server_rss_bytes", (double)server_rss_bytes());
  putchar('}');
  fflush(stdout);
}

bool parameter_text(const char *phase, const char *key, char *text, size_t size) {
  size_t length = strlen(key);
  for (const char *at = strchr(phase, ','); at != NULL; at = strchr(at, ',')) {
    at++;
    if (strncmp(at, key, length) == 0 && at[length] == '=') {
      at += length + 1;
      snprintf(text, size, "%.*s", (int)strcspn(at, ","), at);
      return true;
    }
  }
  return false;
}

long parameter(const char *phase, const char *key, long otherwise) {
  char text[32];
  return parameter_text(phase, key, text, sizeof text) ? atol(text) : otherwise;
}

struct group *group_of(const char *phase, const char *key) {
  long number = parameter(phase, key, -1);
  if (number < 0 || number >= GROUPS)
    die("%s needs %s=0 to %d", phase, key, GROUPS - 1);
  return &groups[number];
}

void ring_push(struct ring *ring, uint64_t at) {
  if (ring->count == ring->capacity) {
    uint32_t capacity = ring->capacity ? ring->capacity * 2 : 8;
    uint64_t *moved = allocate(capacity, sizeof *moved);
    for (uint32_t i = 0; i < ring->count; i++)
      moved[i] = ring->at[(ring->first + i) % ring->capacity];
    free(ring->at);
    *ring = (struct ring){moved, 0, ring->count, capacity};
  }
  ring->at[(ring->first + ring->count++) % ring->capacity] = at;
}

uint64_t ring_pop(struct ring *ring) {
  if (ring->count == 0)
    die("a frame came that nobody waits for");
  uint64_t at = ring->at[ring->first];
  ring->first = (ring->first + 1) % ring->capacity;
  ring->count--;
  return at;
}

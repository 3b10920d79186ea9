/* A load generator for WebSocket servers that speak the presence protocol: what its parts share.
 *
 * One thread, non-blocking sockets. It is told phases on its command line, does one after the other over the
 * same connections, and prints what it saw of each as one JSON object. Times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECOND 1000000000ULL
#define MILLISECOND 1000000ULL
#define NEVER UINT64_MAX
#define GROUPS 8
#define START 24 /* how many bytes of a frame are kept to see what it is */

/* base.c: time, numbers, and what is printed */

uint64_t now_ns(void);
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *allocate(size_t count, size_t size);
double random_unit(void); /* above 0, up to 1; the same numbers in each run */

/* The server's CPU time so far, user and system, and that of this process. */
uint64_t server_cpu_ns(void);
uint64_t own_cpu_ns(void);
long server_rss_bytes(void);

/* Durations, all of them kept up to a bound that no phase reaches in practice. */
struct samples {
  size_t count, capacity;
  float *microseconds;
};
void samples_clear(struct samples *samples);
void samples_add(struct samples *samples, uint64_t ns);
void samples_print(const char *name, struct samples *samples);

/* One phase in the JSON: opened, filled with numbers, closed with what it took. */
void phase_opened(const char *name);
void phase_measures(void); /* what came before was warming up */
double phase_seconds(void);
void phase_stops(void); /* time and CPU are those until here */
void phase_number(const char *name, double value);
void phase_closed(void);

/* The parameters of a phase: "name,key=value,key=value". */
long parameter(const char *phase, const char *key, long otherwise);
bool parameter_text(const char *phase, const char *key, char *text, size_t size);

/* connections.c: sockets and frames */

enum state { CLOSED, CONNECTING, SECURING, UPGRADING, OPENING, GREETING, READY };

struct ring { /* when what is not answered yet was sent */
  uint64_t *at;
  uint32_t first, count, capacity;
};

struct connection {
  int fd;
  uint8_t state;
  bool near;      /* looked at before the many others */
  bool lists;     /* wants the whole list */
  bool wants_out; /* waits until it can write */
  bool captures;  /* keeps the payload of the frame under way */
  int group, index;
  long user;

  uint8_t header[10], header_length; /* of the frame under way, as far as it is there */
  uint8_t start[START], start_length;
  uint64_t left, length;
  bool inside; /* a frame, after its header */

  char *captured;
  size_t captured_length, captured_capacity;
  uint8_t *out;
  size_t out_length, out_sent, out_capacity;

  void *tls, *ticket;
  uint64_t began; /* connecting, or whatever the phase began last */
  struct ring sent;
  int expects;    /* frames, as the phase counts them */
  void (*on_frame)(struct connection *connection);
  void (*on_ready)(struct connection *connection);
  void (*on_lost)(struct connection *connection);
};

struct group {
  struct connection *connections;
  int count;
};
extern struct group groups[GROUPS];
struct group *group_of(const char *phase, const char *key);

extern struct settings {
  int port, pid;
  bool tls, deflate, engineio;
} settings;

extern struct totals {
  uint64_t frames, bytes, compressed, lost, negotiated, resumed;
} totals;

void connection_open(struct connection *connection);
void connection_close(struct connection *connection, bool reset);
void connection_write(struct connection *connection, const void *bytes, size_t length);
void connection_event(struct connection *connection, uint32_t events);
void connection_arm(struct connection *connection, bool add);

/* Called by connections.c with what was read, before and after the upgrade. */
void received_upgrade(struct connection *connection, const uint8_t *bytes, size_t length);
void received_frames(struct connection *connection, const uint8_t *bytes, size_t length);

/* protocol.c: what is said, in the spelling of the server at the other end */

void say_upgrade(struct connection *connection);
void say_hello(struct connection *connection);
void say(struct connection *connection, const char *type, const char *parameters, size_t length);
void send_message(struct connection *connection, long user, const char *payload, size_t length);
char *make_payload(size_t size);
void take_frame(struct connection *connection, uint8_t opcode, bool compressed);

/* tls.c */

void tls_set_up(void);
void tls_begin(struct connection *connection);
int tls_handshake(struct connection *connection); /* 1 when done, 0 when it waits, -1 when it failed */
long tls_read(struct connection *connection, void *buffer, size_t size); /* as recv */
long tls_write(struct connection *connection, const void *bytes, size_t length); /* as send */
void tls_end(struct connection *connection);

/* loop.c */

void loop_set_up(void);
void loop_watch(struct connection *connection, uint32_t events, bool add);

/* Runs until done() or the time; calls on_time at next_due, which it may move. Returns whether done() was it. */
bool loop_run(bool (*done)(void), uint64_t until);
extern uint64_t next_due;
extern void (*on_time)(uint64_t now);
void loop_until_quiet(void); /* until the server does nothing */

void ring_push(struct ring *ring, uint64_t at);
uint64_t ring_pop(struct ring *ring);

/* The phases */

void phase_connect(const char *phase);
void phase_reconnect(const char *phase);
void phase_drop(const char *phase);
void phase_subscribe(const char *phase);
void phase_refresh(const char *phase);
void phase_fanout(const char *phase);
void phase_relay(const char *phase);
void phase_mixed(const char *phase);
void phase_churn(const char *phase);
void phase_still(const char *phase);

/* fanout.c, for phases that have fan-outs beside something else */
void fanout_begin(const char *phase);
void fanout_measure(void);
void fanout_end(void);
bool fanout_stopped(void);
void fanout_print(void);

#endif

/* One message to many sockets of one user, one after the other: the next when all have the one before. */
#include "load.h"

#include <stdlib.h>

static struct connection *sender;
static struct group *receivers;
static char *payload;
static size_t payload_size;
static int missing;
static bool ending, running;
static uint64_t started, fanouts, deliveries, measured_from;
static struct samples delivery, whole;

static void start(void) {
  running = true;
  missing = receivers->count + 1;
  started = now_ns();
  send_message(sender, receivers->connections[0].user, payload, payload_size);
}

static void arrived(void) {
  if (--missing > 0)
    return;
  running = false;
  fanouts++;
  samples_add(&whole, now_ns() - started);
  if (!ending)
    start();
}

static void received(struct connection *connection) {
  (void)connection;
  deliveries++;
  samples_add(&delivery, now_ns() - started);
  arrived();
}

static void answered(struct connection *connection) {
  (void)connection;
  arrived();
}

static void listen_to_all(void (*on_frame)(struct connection *connection)) {
  for (int i = 0; i < receivers->count; i++)
    receivers->connections[i].on_frame = on_frame;
}

void fanout_begin(const char *phase) {
  receivers = group_of(phase, "to");
  sender = &group_of(phase, "from")->connections[0];
  payload_size = (size_t)parameter(phase, "size", 100);
  payload = make_payload(payload_size);
  ending = false;
  listen_to_all(received);
  sender->on_frame = answered;
  start();
}

void fanout_measure(void) {
  fanouts = deliveries = 0;
  measured_from = totals.bytes;
  totals.compressed = 0;
  samples_clear(&delivery);
  samples_clear(&whole);
}

void fanout_end(void) { ending = true; }

bool fanout_stopped(void) { return !running; }

void fanout_print(void) {
  phase_number("receivers", receivers->count);
  phase_number("fanouts", (double)fanouts);
  phase_number("deliveries", (double)deliveries);
  phase_number("compressed", (double)totals.compressed);
  if (deliveries > 0)
    phase_number("bytes_per_delivery", (double)(totals.bytes - measured_from) / (double)deliveries);
  samples_print("delivery", &delivery);
  samples_print("whole", &whole);
  listen_to_all(NULL);
  sender->on_frame = NULL;
  free(payload);
}

static uint64_t warm_until, measure_until, least;
static bool measuring;

/* Whole fan-outs only are measured: it begins and ends between two of them. */
static bool over(void) {
  if (running)
    return false;
  uint64_t now = now_ns();
  if (measuring && now >= measure_until && fanouts >= least)
    return true;
  if (!measuring && now >= warm_until && fanouts > 0) {
    measuring = true;
    measure_until = now + (measure_until - warm_until);
    fanout_measure();
    phase_measures();
  }
  start();
  return false;
}

/* fanout,from=G,to=G,size=BYTES,ms=TIME: for at least that long and at least least=N times, after warm=TIME. */
void phase_fanout(const char *phase) {
  loop_until_quiet();
  phase_opened("fanout");
  fanouts = deliveries = 0;
  measuring = false;
  least = (uint64_t)parameter(phase, "least", 3);
  warm_until = now_ns() + (uint64_t)parameter(phase, "warm", 200) * MILLISECOND;
  measure_until = warm_until + (uint64_t)parameter(phase, "ms", 1000) * MILLISECOND;
  fanout_begin(phase);
  fanout_end(); /* over() starts each, so that none runs on beyond the end */
  if (!loop_run(over, now_ns() + 120 * SECOND))
    die("a message did not reach %d of %d sockets", missing, receivers->count);
  phase_stops();
  fanout_print();
  phase_number("deliveries_per_second", (double)deliveries / phase_seconds());
  phase_number("size", (double)payload_size);
  phase_closed();
}

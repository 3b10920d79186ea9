/* Messages from one user to another: as fast as they are answered, or at a rate whatever the answers do. */
#include "load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct group *senders, *receivers;
static char *payload;
static size_t payload_size;
static double rate;
static bool sending, measuring;
static uint64_t outstanding, messages, offered, intended, began;
static struct samples delivery, reply, lag;

static void send_one(int pair, uint64_t at) {
  struct connection *sender = &senders->connections[pair], *receiver = &receivers->connections[pair];
  ring_push(&sender->sent, at);
  ring_push(&receiver->sent, at);
  outstanding += 2;
  send_message(sender, receiver->user, payload, payload_size);
}

static void arrived(struct connection *connection, struct samples *samples) {
  uint64_t now = now_ns(), at = ring_pop(&connection->sent);
  int pair = connection->index;
  outstanding--;
  if (at >= began)
    samples_add(samples, now - at);
  /* Both the message and the answer are there: time for the next of this pair. */
  if (rate == 0 && sending && senders->connections[pair].sent.count + receivers->connections[pair].sent.count == 0)
    send_one(pair, now);
}

static void received(struct connection *connection) {
  messages++;
  arrived(connection, &delivery);
}

static void answered(struct connection *connection) { arrived(connection, &reply); }

/* Messages come as if from many people who know nothing of each other: the time between two is random. Each
 * counts from when it was to be sent, so that a server that is behind is not asked less. */
static void send_due(uint64_t now) {
  while (sending && intended <= now) {
    send_one((int)(offered++ % (uint64_t)senders->count), intended);
    if (measuring)
      samples_add(&lag, now_ns() - intended);
    intended += (uint64_t)(-log(random_unit()) / rate * (double)SECOND);
  }
  next_due = sending ? intended : NEVER;
}

static void listen_to_pairs(void (*on_message)(struct connection *), void (*on_answer)(struct connection *)) {
  for (int i = 0; i < senders->count; i++) {
    senders->connections[i].on_frame = on_answer;
    receivers->connections[i].on_frame = on_message;
  }
}

static void begin(const char *phase, double per_second) {
  senders = group_of(phase, "from");
  receivers = group_of(phase, "to");
  if (senders->count != receivers->count)
    die("there must be as many senders as receivers");
  payload_size = (size_t)parameter(phase, "size", 100);
  payload = make_payload(payload_size);
  rate = per_second;
  sending = true;
  measuring = false;
  messages = offered = outstanding = 0;
  began = NEVER;
  listen_to_pairs(received, answered);
  if (rate > 0) {
    on_time = send_due;
    next_due = intended = now_ns();
  } else {
    for (int pair = 0; pair < senders->count; pair++)
      send_one(pair, now_ns());
  }
}

static void measure(void) {
  measuring = true;
  began = now_ns();
  messages = offered = 0;
  samples_clear(&delivery);
  samples_clear(&reply);
  samples_clear(&lag);
}

static void end(void) {
  sending = false;
  next_due = NEVER;
}

static bool never(void) { return false; }

static bool drained(void) { return outstanding == 0; }

static void finish(void) {
  if (!loop_run(drained, now_ns() + 20 * SECOND))
    die("%lu frames did not come", outstanding);
  listen_to_pairs(NULL, NULL);
  samples_print("message", &delivery);
  samples_print("reply", &reply);
  samples_print("lag", &lag);
  free(payload);
}

/* relay,from=G,to=G,size=BYTES,ms=TIME: the n-th of one group writes to the n-th of the other; rate=R messages
 * a second in all, or without it one at a time for each pair. */
void phase_relay(const char *phase) {
  loop_until_quiet();
  phase_opened("relay");
  begin(phase, (double)parameter(phase, "rate", 0));
  loop_run(never, now_ns() + (uint64_t)parameter(phase, "warm", 300) * MILLISECOND);
  measure();
  phase_measures();
  loop_run(never, now_ns() + (uint64_t)parameter(phase, "ms", 1500) * MILLISECOND);
  phase_stops();
  end();
  phase_number("pairs", senders->count);
  phase_number("messages", (double)messages);
  phase_number("messages_per_second", (double)messages / phase_seconds());
  phase_number("offered", (double)offered);
  phase_number("rate", rate);
  finish();
  phase_closed();
}

static bool all_over(void) { return fanout_stopped() && outstanding == 0; }

/* mixed,from=G,to=G,size=BYTES,pairs_from=G,pairs_to=G,rate=R: messages between pairs while fan-outs follow
 * each other without a pause. */
void phase_mixed(const char *phase) {
  char pairs[128];
  loop_until_quiet();
  phase_opened("mixed");
  snprintf(pairs, sizeof pairs, "pairs,from=%ld,to=%ld,size=100", parameter(phase, "pairs_from", 0),
           parameter(phase, "pairs_to", 0));
  fanout_begin(phase);
  begin(pairs, (double)parameter(phase, "rate", 500));
  loop_run(never, now_ns() + (uint64_t)parameter(phase, "warm", 300) * MILLISECOND);
  measure();
  fanout_measure();
  phase_measures();
  loop_run(never, now_ns() + (uint64_t)parameter(phase, "ms", 2000) * MILLISECOND);
  phase_stops();
  fanout_end();
  end();
  phase_number("messages", (double)messages);
  if (!loop_run(all_over, now_ns() + 60 * SECOND))
    die("%lu frames did not come", outstanding);
  finish();
  fanout_print();
  phase_closed();
}

/* Users come and go, and others are told: the whole list, or only the change. */
#include "load.h"

#include <stdlib.h>
#include <string.h>

#define OBSERVERS 2

/* What a user did and an observer has not been told yet. */
struct change {
  uint64_t at;
  bool came;
};

static struct group *listeners, *churners;
static struct change *pending[OBSERVERS];
static struct connection *observers[OBSERVERS];
static bool by_status, going;
static double rate;
static uint64_t changes, skipped, unseen, turn, due, began, told;
static struct samples staleness, joining;

static int slot_of(long user) {
  long slot = user - churners->connections[0].user;
  return slot >= 0 && slot < churners->count ? (int)slot : -1;
}

static void note(int slot, bool came) {
  changes++;
  for (int i = 0; i < OBSERVERS; i++) {
    unseen += pending[i][slot].at != 0;
    pending[i][slot] = (struct change){now_ns(), came};
  }
}

static void seen(int observer, int slot) {
  struct change *change = &pending[observer][slot];
  if (change->at >= began)
    samples_add(&staleness, now_ns() - change->at);
  change->at = 0;
}

/* Calls take() for each of the users in a list of the frame. */
static void each_user(char *frame, const char *key, void (*take)(int slot)) {
  char *at = strstr(frame, key);
  if (at == NULL)
    return;
  at = strchr(at, '[') + 1;
  while (*at != ']') {
    int slot = slot_of(strtol(at, &at, 10));
    if (slot >= 0)
      take(slot);
    at += *at == ',';
  }
}

static int reading; /* the observer whose frame is read */
static bool *listed;

static void take_listed(int slot) { listed[slot] = true; }

static void take_came(int slot) {
  if (pending[reading][slot].at != 0 && pending[reading][slot].came)
    seen(reading, slot);
}

static void take_went(int slot) {
  if (pending[reading][slot].at != 0 && !pending[reading][slot].came)
    seen(reading, slot);
}

static void observed(struct connection *connection) {
  told++;
  reading = connection == observers[0] ? 0 : 1;
  if (by_status) {
    each_user(connection->captured, "\"wentOnline\"", take_came);
    each_user(connection->captured, "\"wentOffline\"", take_went);
    return;
  }
  memset(listed, 0, (size_t)churners->count);
  each_user(connection->captured, "\"online\"", take_listed);
  for (int slot = 0; slot < churners->count; slot++) {
    struct change *change = &pending[reading][slot];
    if (change->at != 0 && change->came == listed[slot])
      seen(reading, slot);
  }
}

static void listened(struct connection *connection) {
  (void)connection;
  told++;
}

static void said_goodbye(struct connection *connection) {
  connection->on_frame = NULL;
  connection_close(connection, false);
}

static void came(struct connection *connection) {
  if (connection->began >= began)
    samples_add(&joining, now_ns() - connection->began);
  note(connection->index, true);
}

/* A user comes, then another one goes, who came half of the churners ago. */
static void change_due(uint64_t now) {
  for (; going && due <= now; due += (uint64_t)((double)SECOND / rate)) {
    uint64_t half = (uint64_t)churners->count / 2;
    bool comes = turn % 2 == 0;
    int slot = (int)((turn / 2 + (comes ? 0 : half)) % (uint64_t)churners->count);
    struct connection *connection = &churners->connections[slot];
    turn++;
    if (connection->state != (comes ? CLOSED : READY)) {
      skipped++; /* the server has not done what was asked of it before */
    } else if (comes) {
      connection_open(connection);
    } else {
      connection->on_frame = said_goodbye;
      note(slot, false);
      say(connection, "GOODBYE", "", 0);
    }
  }
  next_due = going ? due : NEVER;
}

static void observe(void) {
  for (int i = 0; i < listeners->count; i++)
    listeners->connections[i].on_frame = listened;
  listed = allocate((size_t)churners->count, sizeof *listed);
  for (int i = 0; i < OBSERVERS; i++) { /* the first and the last, who are told at different times */
    observers[i] = &listeners->connections[i == 0 ? 0 : listeners->count - 1];
    observers[i]->on_frame = observed;
    observers[i]->captures = true;
    pending[i] = allocate((size_t)churners->count, sizeof *pending[i]);
  }
}

static void look_away(void) {
  for (int i = 0; i < listeners->count; i++)
    listeners->connections[i].on_frame = NULL;
  for (int i = 0; i < OBSERVERS; i++) {
    observers[i]->captures = false;
    free(pending[i]);
  }
  free(listed);
}

static bool never(void) { return false; }

static enum state at_first(int slot) { return slot < churners->count / 2 ? CLOSED : READY; }

static bool halved(void) {
  for (int i = 0; i < churners->count; i++)
    if (churners->connections[i].state != at_first(i))
      return false;
  return true;
}

static void halve(void) {
  for (int i = 0; i < churners->count; i++) {
    struct connection *connection = &churners->connections[i];
    connection->on_ready = came;
    connection->on_frame = NULL;
    if (connection->state == at_first(i))
      continue;
    if (connection->state == CLOSED) {
      connection_open(connection);
    } else {
      connection->on_frame = said_goodbye;
      say(connection, "GOODBYE", "", 0);
    }
  }
  if (!loop_run(halved, now_ns() + 30 * SECOND))
    die("the users did not come and go");
  loop_until_quiet();
}

/* churn,listeners=G,churners=G,rate=R,ms=TIME: R users a second come or go, in turn, by connections of their
 * own; half of them are there. With status=1 the listeners have subscribed instead of wanting the list. */
void phase_churn(const char *phase) {
  listeners = group_of(phase, "listeners");
  churners = group_of(phase, "churners");
  by_status = parameter(phase, "status", 0);
  rate = (double)parameter(phase, "rate", 100);
  phase_opened("churn");
  observe();
  halve();
  going = true;
  turn = 0;
  began = NEVER;
  on_time = change_due;
  next_due = due = now_ns();
  loop_run(never, now_ns() + (uint64_t)parameter(phase, "warm", 500) * MILLISECOND);
  began = now_ns();
  changes = skipped = unseen = told = totals.bytes = 0;
  samples_clear(&staleness);
  samples_clear(&joining);
  phase_measures();
  loop_run(never, now_ns() + (uint64_t)parameter(phase, "ms", 3000) * MILLISECOND);
  phase_stops();
  phase_number("listeners", listeners->count);
  phase_number("changes_per_second", (double)changes / phase_seconds());
  phase_number("skipped", (double)skipped);
  phase_number("unseen", (double)unseen);
  phase_number("told_per_second", (double)told / phase_seconds() / listeners->count);
  phase_number("bytes_per_second", (double)totals.bytes / phase_seconds());
  going = false;
  next_due = NEVER;
  loop_until_quiet();
  samples_print("staleness", &staleness);
  samples_print("joining", &joining);
  look_away();
  phase_closed();
}

static int to_tell;
static uint64_t changed_at;

static bool all_told(void) { return to_tell == 0; }

static void told_one(struct connection *connection) {
  (void)connection;
  if (to_tell > 0) { /* and this is no list of what was before */
    samples_add(&staleness, now_ns() - changed_at);
    to_tell--;
  }
}

/* still,listeners=G,churners=G,count=N,gap=TIME: one user goes and comes, N times in all, and nobody else; how
 * long it takes until each listener has been told. */
void phase_still(const char *phase) {
  listeners = group_of(phase, "listeners");
  struct connection *one = &group_of(phase, "churners")->connections[0];
  uint64_t gap = (uint64_t)parameter(phase, "gap", 800) * MILLISECOND;
  phase_opened("still");
  samples_clear(&staleness);
  one->on_frame = one->on_ready = NULL;
  for (int i = 0; i < listeners->count; i++)
    listeners->connections[i].on_frame = told_one;
  for (long left = parameter(phase, "count", 4); left-- > 0;) {
    loop_run(never, now_ns() + gap);
    to_tell = listeners->count;
    changed_at = now_ns();
    if (left % 2 == 1)
      say(one, "GOODBYE", "", 0);
    else
      say_hello(one);
    if (!loop_run(all_told, now_ns() + 10 * SECOND))
      die("%d of %d were not told of a change", to_tell, listeners->count);
  }
  phase_stops();
  phase_number("listeners", listeners->count);
  samples_print("staleness", &staleness);
  for (int i = 0; i < listeners->count; i++)
    listeners->connections[i].on_frame = NULL;
  phase_closed();
}

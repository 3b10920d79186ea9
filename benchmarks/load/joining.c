/* The phases in which clients come and go, and say what they want to be told. */
#include "load.h"

static struct group *joining;
static int opened, ready, failed, in_flight;
static struct samples until_ready;

static bool all_ready(void) { return ready + failed == joining->count; }

static void open_more(void) {
  while (opened < joining->count && opened - ready - failed < in_flight)
    connection_open(&joining->connections[opened++]);
}

static void now_ready(struct connection *connection) {
  samples_add(&until_ready, now_ns() - connection->began);
  connection->on_ready = NULL;
  connection->on_lost = NULL;
  ready++;
  open_more();
}

static void not_ready(struct connection *connection) {
  (void)connection;
  failed++;
  open_more();
}

/* Opens all connections of a group; at most `flight` of them wait for the answer to their HELLO. */
static void join(struct group *group, int flight) {
  joining = group;
  opened = ready = failed = 0;
  in_flight = flight;
  samples_clear(&until_ready);
  for (int i = 0; i < group->count; i++) {
    group->connections[i].on_ready = now_ready;
    group->connections[i].on_lost = not_ready;
  }
  open_more();
  if (!loop_run(all_ready, now_ns() + 120 * SECOND))
    die("only %d of %d clients got in", ready, group->count);
}

static void report(long rss_before) {
  phase_number("clients", ready);
  phase_number("failed", failed);
  phase_number("negotiated", (double)totals.negotiated);
  phase_number("resumed", (double)totals.resumed);
  phase_number("clients_per_second", ready / phase_seconds());
  samples_print("until_ready", &until_ready);
  loop_until_quiet();
  phase_number("rss_growth_bytes", (double)(server_rss_bytes() - rss_before));
  phase_closed();
}

/* connect,group=G,count=N,first=USER,users=K: N clients of K users, from USER on. With near=1 they are looked
 * at first, with lists=1 they want the whole list; flight=F is how many of them come at a time. */
void phase_connect(const char *phase) {
  struct group *group = group_of(phase, "group");
  long first = parameter(phase, "first", 1), users = parameter(phase, "users", 0);
  if (group->count > 0)
    die("that group is connected");
  group->count = (int)parameter(phase, "count", 1);
  group->connections = allocate((size_t)group->count, sizeof *group->connections);
  for (int i = 0; i < group->count; i++) {
    struct connection *connection = &group->connections[i];
    connection->fd = -1;
    connection->index = i;
    connection->user = first + (users > 0 ? i % users : i);
    connection->near = parameter(phase, "near", 0);
    connection->lists = parameter(phase, "lists", 0);
  }
  long before = server_rss_bytes();
  phase_opened("connect");
  join(group, (int)parameter(phase, "flight", 64));
  phase_stops();
  report(before);
}

static void leave(struct group *group) {
  for (int i = 0; i < group->count; i++)
    connection_close(&group->connections[i], true);
}

/* reconnect,group=G: all connections of a group are lost and come again, flight=F of them at a time, or all. */
void phase_reconnect(const char *phase) {
  struct group *group = group_of(phase, "group");
  long before = server_rss_bytes();
  phase_opened("reconnect");
  leave(group);
  join(group, (int)parameter(phase, "flight", group->count));
  phase_stops();
  report(before);
}

/* drop,group=G: all connections of a group end, and the server has noticed. */
void phase_drop(const char *phase) {
  struct group *group = group_of(phase, "group");
  phase_opened("drop");
  leave(group);
  loop_until_quiet();
  phase_stops();
  phase_closed();
}

static int asked, answered;
static bool subscribing;

static bool all_answered(void) { return answered == joining->count; }

static void now_answered(struct connection *connection);

static void ask_more(void) {
  for (; asked < joining->count && asked - answered < in_flight; asked++) {
    struct connection *connection = &joining->connections[asked];
    connection->on_frame = now_answered;
    if (subscribing)
      say(connection, "subscribeOnlineStatus", "", 0);
    else
      say_hello(connection);
  }
}

static void now_answered(struct connection *connection) {
  connection->on_frame = NULL; /* a list may follow */
  answered++;
  ask_more();
}

static void ask_all(const char *phase, const char *name) {
  joining = group_of(phase, "group");
  asked = answered = 0;
  in_flight = 64;
  phase_opened(name);
  ask_more();
  if (!loop_run(all_answered, now_ns() + 60 * SECOND))
    die("only %d of %d got an answer", answered, joining->count);
  loop_until_quiet();
  phase_stops();
  phase_closed();
}

/* subscribe,group=G: each of them asks to be told who comes and goes. */
void phase_subscribe(const char *phase) {
  subscribing = true;
  ask_all(phase, "subscribe");
}

/* refresh,group=G: each of them says HELLO again, to have the whole list from now on with lists=1, or without
 * that no longer. */
void phase_refresh(const char *phase) {
  struct group *group = group_of(phase, "group");
  for (int i = 0; i < group->count; i++)
    group->connections[i].lists = parameter(phase, "lists", 0);
  subscribing = false;
  ask_all(phase, "refresh");
}

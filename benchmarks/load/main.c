/* load PORT PID PHASE...: see load.h; before the phases may stand tls, deflate, engineio. */
#include "load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST_SECONDS 300 /* whatever happens, it ends by itself */

static const struct {
  const char *name;
  void (*run)(const char *phase);
} phases[] = {
    {"connect", phase_connect}, {"reconnect", phase_reconnect}, {"drop", phase_drop},
    {"subscribe", phase_subscribe}, {"refresh", phase_refresh}, {"fanout", phase_fanout},
    {"relay", phase_relay}, {"mixed", phase_mixed}, {"churn", phase_churn},
    {"still", phase_still},
};

static void run_phase(const char *phase) {
  size_t length = strcspn(phase, ",");
  for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
    if (strlen(phases[i].name) == length && strncmp(phase, phases[i].name, length) == 0) {
      phases[i].run(phase);
      return;
    }
  }
  die("there is no phase %s", phase);
}

int main(int count, char **arguments) {
  if (count < 4)
    die("load PORT PID [tls] [deflate] [engineio] PHASE...");
  settings.port = atoi(arguments[1]);
  settings.pid = atoi(arguments[2]);
  signal(SIGPIPE, SIG_IGN);
  alarm(LONGEST_SECONDS);
  loop_set_up();
  for (int i = 3; i < count; i++) {
    if (strcmp(arguments[i], "tls") == 0) {
      settings.tls = true;
      tls_set_up();
    } else if (strcmp(arguments[i], "deflate") == 0) {
      settings.deflate = true;
    } else if (strcmp(arguments[i], "engineio") == 0) {
      settings.engineio = true;
    } else {
      run_phase(arguments[i]);
    }
  }
  printf("]}\n");
  return 0;
}

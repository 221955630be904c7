/* The boundary between a worker and a plug-in: C, versioned, append-only.
 *
 * A plug-in exports one symbol, `lovage_plugin`. Everything that crosses is bytes in MessagePack (lovage/pack.hpp) or
 * a plain function pointer; no exception and no C++ object does. A struct grows at its end only, and says its size, so
 * that an old plug-in meets a new worker and the other way round. C++ users include lovage/plugin.hpp instead. */
#ifndef LOVAGE_ABI_H
#define LOVAGE_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOVAGE_ABI_VERSION 1

/* How a call ended; the data that goes with each:
 *   SUCCESS   the packed return value
 *   FAILURE   map: type, message, (module), (autoretry: bool), (bad_arguments: bool), (causes: list of maps of type
 *             and message, outermost first)
 *   RETRY     map: (countdown: seconds), (eta: datetime), (max_retries: int or nil = for ever), (type, message)
 *   IGNORED   nothing
 *   REJECTED  map: requeue: bool, reason: text
 *   REPLACED  map: the signature that goes on in its place, as Celery writes it */
enum lovage_outcome {
  LOVAGE_SUCCESS = 0,
  LOVAGE_FAILURE = 1,
  LOVAGE_RETRY = 2,
  LOVAGE_IGNORED = 3,
  LOVAGE_REJECTED = 4,
  LOVAGE_REPLACED = 5
};

/* What a running task may ask of its worker. `call` is the opaque handle that `run` was given. */
typedef struct lovage_host {
  uint32_t size;
  /* Ends the call; exactly once. The bytes are copied. */
  void (*finish)(void* call, int outcome, char const* data, size_t size);
  /* Stores a custom state with a packed value (progress). "lovage.add_to_chord" is none: its value is a signature that
   * is sent, as one more member of the task's chord, once the task has succeeded. */
  void (*update_state)(void* call, char const* state, size_t state_size, char const* meta, size_t meta_size);
  /* Not 0 once the worker wants the task to end early: 1 it was asked to (shutdown, revocation), 2 its soft time limit
   * has passed. */
  int (*stop_requested)(void* call);
  /* level: 0 debug, 1 info, 2 warning, 3 error, 4 critical. */
  void (*log)(void* call, int level, char const* text, size_t size);
  /* 1: the call may go on after `run` returned, until `finish`, from any thread; request and arguments are gone with
   * `run`. Then `stop`, unless null, is called with `self` from any thread once the task should end early: at most
   * once, perhaps before this returns, never after `finish` returned. It must not call back into the host. 0: the pool
   * wants the call ended before `run` returns. Missing in hosts whose `size` ends before it. */
  int (*detach)(void* call, void (*stop)(void* self), void* self);
  /* Tells monitors of an event of this type, such as "task-progress", with the fields of a packed map; the task's uuid
   * and what every event has are filled in, and go over fields of those names. Lost where nobody asked for events.
   * Missing in hosts whose `size` ends before it. */
  void (*send_event)(void* call, char const* type, size_t type_size, char const* fields, size_t fields_size);
  /* What turns the calls that go on, an event loop as a rule: post(self, run, with) has its thread call run(with) soon,
   * once, and answers 1; 0: it cannot. From any thread, for the life of the process. The worker sees by it whether the
   * loop stands still. Optional; within `run`, after `detach` answered 1. Missing in hosts whose `size` ends before it.
   */
  void (*driven_by)(void* call, int (*post)(void* self, void (*run)(void* with), void* with), void* self);
} lovage_host;

/* A task body. `request` is a packed map (see docs/protocol/plugin-abi.md), `arguments` a packed [list, map]. */
typedef void (*lovage_run_fn)(void* body, lovage_host const* host, void* call, char const* request, size_t request_size,
                              char const* arguments, size_t arguments_size);

typedef struct lovage_task_entry {
  uint32_t size;
  char const* name;
  /* Packed map: params (list of [name, type]), returns (type), and the limits that were set. */
  char const* spec;
  size_t spec_size;
  lovage_run_fn run;
  void* body;
  void (*destroy)(void* body);
} lovage_task_entry;

/* A command of remote control: `lovage control NAME`. `arguments` is a packed map. Calls `answer` exactly once, before
 * it returns: with ok 1 and the packed answer, or with ok 0 and a text that says why there is none. Runs on a thread of
 * the worker's own process, one command at a time, and holds up the others. */
typedef struct lovage_command_entry {
  uint32_t size;
  char const* name;
  void (*run)(void* body, char const* arguments, size_t arguments_size, void* to,
              void (*answer)(void* to, int ok, char const* data, size_t size));
  void* body;
  void (*destroy)(void* body);
} lovage_command_entry;
/* What hears of a signal: worker_init, worker_ready, worker_shutdown, worker_process_init, task_prerun, task_postrun,
 * task_success, task_failure, task_retry, task_revoked (see docs/guide/monitoring.md). For signals of a running task
 * `call` is its handle and `request` its packed map; otherwise `call` is null and `request` empty. `data` is packed:
 * the result, what a failure or retry says (as with `finish`), a map of state or of facts. `host->finish` does nothing
 * here. */
typedef struct lovage_hook_entry {
  uint32_t size;
  char const* signal;
  void (*run)(void* body, lovage_host const* host, void* call, char const* request, size_t request_size,
              char const* data, size_t data_size);
  void* body;
  void (*destroy)(void* body);
} lovage_hook_entry;

/* Run around the body of every task. Calls next(rest) once, which gives the outcome. */
typedef struct lovage_around_entry {
  uint32_t size;
  void (*run)(void* body, lovage_host const* host, void* call, char const* request, size_t request_size,
              int (*next)(void* rest), void* rest);
  void* body;
  void (*destroy)(void* body);
} lovage_around_entry;

/* A periodic task, which schedulers send that load the plug-in. `spec` is a packed map of what the setting
 * beat_schedule takes: task, schedule (text, or a number of seconds), args, kwargs, options, and overlap, catch_up,
 * spread and the like. */
typedef struct lovage_periodic_entry {
  uint32_t size;
  char const* name;
  char const* spec;
  size_t spec_size;
} lovage_periodic_entry;

typedef struct lovage_registry {
  uint32_t size;
  void* self;
  /* Copies name and spec, takes over `body`. A name that is taken is reported by the host, naming both places. */
  void (*add)(void* self, lovage_task_entry const* entry);
  /* The plug-in cannot be loaded, and why. */
  void (*fail)(void* self, char const* text, size_t size);
  /* Copies the name, takes over `body`. A name that another plug-in has is reported by the host;
   * lovage's own commands of the same name go first. */
  void (*add_command)(void* self, lovage_command_entry const* entry);
  /* Take over `body`. An unknown signal is passed over. */
  void (*add_hook)(void* self, lovage_hook_entry const* entry);
  void (*add_around)(void* self, lovage_around_entry const* entry);
  /* Copies all of it. A name that is taken is reported by the host, naming both places; what cannot be scheduled by the
   * scheduler at its start. */
  void (*add_periodic)(void* self, lovage_periodic_entry const* entry);
} lovage_registry;

typedef struct lovage_plugin_info {
  uint32_t abi_version;
  uint32_t size;
  char const* built_with; /* lovage's version, for error texts */
  void (*load)(lovage_registry const* registry);
} lovage_plugin_info;

typedef lovage_plugin_info const* (*lovage_plugin_fn)(void);

#ifdef __cplusplus
}
#endif
#endif

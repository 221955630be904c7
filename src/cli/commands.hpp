// One function per command: adds it to the parser, and sets `session::action` when it was named.
#pragma once

#include "cli/session.hpp"

namespace CLI {
class App;
}

namespace lovage::cli {

void add_worker(CLI::App& root, session& s);
void add_beat(CLI::App& root, session& s);
void add_schedule(CLI::App& root, session& s);
void add_relay(CLI::App& root, session& s);
void add_call(CLI::App& root, session& s);
void add_result(CLI::App& root, session& s);
void add_graph(CLI::App& root, session& s);
void add_queues(CLI::App& root, session& s);
void add_events(CLI::App& root, session& s);
void add_top(CLI::App& root, session& s);
void add_tasks(CLI::App& root, session& s);
void add_inspect(CLI::App& root, session& s);
void add_control(CLI::App& root, session& s);
void add_status(CLI::App& root, session& s);
void add_report(CLI::App& root, session& s);
void add_multi(CLI::App& root, session& s);
void add_web(CLI::App& root, session& s);
void add_dev(CLI::App& root, session& s);
void add_completion(CLI::App& root, session& s);

/// The options of `globals`, on the program itself and on each command alike.
void add_globals(CLI::App& on, globals& into);

}  // namespace lovage::cli

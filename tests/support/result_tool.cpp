// The Redis result backend as a filter, for tests that set another implementation beside it.
//
//     result_tool '{"url": "redis://...", "serializer": "json", "accept": [...], "options": {...}}'
//
// One command a line, one answer a line:
//
//     store RECORD          a record as JSON                     -> ok
//     fetch ID              -> the record as JSON
//     wait ID               -> the record as JSON, as soon as it is ready
//
// Errors are written as a line that begins with "error: ".
#include "backend/redis/redis_backend.hpp"
#include "wire/serializer.hpp"

#include <iostream>
#include <string>

using namespace lovage;
using namespace std::chrono_literals;

namespace {

expected<backend::settings> read_settings(std::string const& text) {
  auto given = wire::from_json(text);
  if (!given) return fail(given.error());
  backend::settings out;
  out.connection.urls = *given->find("url")->get_if<std::string>();
  out.serializer = *given->find("serializer")->get_if<std::string>();
  out.accept_content = {"json", "msgpack", "yaml"};
  if (auto const* options = given->find("options")) out.connection.options = *options->get_if<value::map>();
  return out;
}

expected<std::string> written(expected<std::vector<wire::result_record>> const& records) {
  if (!records) return fail(records.error());
  if (records->empty()) return fail(errc::timeout, "no record");
  return wire::to_json(wire::to_value(records->front()));
}

expected<std::string> wait_for(backend::result_backend& on, task_id const& id) {
  auto watch = on.make_watch();
  if (!watch) return fail(watch.error());
  (*watch)->add({&id, 1});
  for (auto const until = deadline::in(20s);;) {
    auto some = (*watch)->next(until);
    if (!some || some->empty() || some->front().ready()) return written(some);
  }
}

expected<std::string> obey(backend::result_backend& on, std::string const& command, std::string const& rest) {
  if (command == "fetch") return written(on.fetch(std::vector{task_id{rest}}, 10s));
  if (command == "wait") return wait_for(on, task_id{rest});
  if (command != "store") return fail(errc::invalid_argument, "no such command", command);
  auto record = wire::decode_record(rest);
  if (!record) return fail(record.error());
  auto done = on.store({&*record, 1}, 1h, 10s);
  if (!done) return fail(done.error());
  return std::string{"ok"};
}

}  // namespace

int main(int argc, char** argv) try {
  auto const on = backend::make_redis_backend(read_settings(argc > 1 ? argv[1] : "").value(), 10s).value();
  for (std::string line; std::getline(std::cin, line);) {
    auto const blank = std::min(line.find(' '), line.size());
    auto const answer = obey(*on, line.substr(0, blank), line.substr(std::min(blank + 1, line.size())));
    std::cout << (answer ? *answer : "error: " + answer.error().text()) << std::endl;
  }
  return 0;
} catch (std::exception const& e) {
  std::cerr << e.what() << "\n";
  return 1;
}
